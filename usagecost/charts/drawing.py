"""A chart as it is handed to the page: its data, and what is to be drawn of them.

Altair needs some 100 ms to build and check a chart. So what does not depend on the data is built once (a *shape*), and a
drawing is a copy of it with the time axis or the names of the day put in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa

Spec = dict[str, Any]

OPENED = "opened"
"""The name under which a chart says which of its marks was clicked."""

BRUSHED = "brushed"
"""The name under which a chart says which stretch of its time axis was marked."""


@dataclass(frozen=True)
class Drawing:
    """The rows of a chart, and its Vega-Lite specification without them."""

    data: pd.DataFrame
    spec: Spec

    @cached_property
    def rows(self) -> pa.Table:
        """The rows as they are sent to browsers."""
        schema = pa.Schema.from_pandas(self.data, preserve_index=False)
        if "tip" in schema.names:
            schema = schema.set(schema.get_field_index("tip"), pa.field("tip", pa.map_(pa.string(), pa.string())))
        return pa.Table.from_pandas(self.data, schema, preserve_index=False, nthreads=1)  # threads take longer to begin

    @property
    def whole(self) -> Spec:
        """The specification with its rows, as Streamlit takes it."""
        return {**self.spec, "data": {"name": "rows"}, "datasets": {"rows": self.rows}}


def shape(*layers: alt.Chart, **properties: Any) -> Spec:
    """Layers as Vega-Lite, without data and without Altair's own theme."""
    spec = alt.layer(*layers, data=alt.NamedData("rows")).properties(**properties).to_dict(validate=False)
    return {name: part for name, part in spec.items() if name not in ("$schema", "config", "data", "datasets")}


def openable(*fields: str) -> alt.Parameter:
    """A click on a mark of a chart says which one it was, by these fields of its row; it changes nothing that is drawn."""
    return alt.selection_point(name=OPENED, fields=list(fields), on="click", toggle="false", clear=False)


def brushable() -> alt.Parameter:
    """A stretch of the time axis can be marked with the pointer; the chart says which intervals it covers."""
    return alt.selection_interval(name=BRUSHED, encodings=["x"], zoom=False, mark=alt.BrushConfig(fill="#8A94A6", fillOpacity=0.2))


def encoded(spec: Spec, **channels: Spec) -> Spec:
    """Returns the specification with properties put into the channels of those of its layers that have them."""
    layers = [
        {**layer, "encoding": {**old, **{name: {**old[name], **part} for name, part in channels.items() if name in old}}}
        for layer, old in ((layer, layer["encoding"]) for layer in spec["layer"])
    ]
    return {**spec, "layer": layers}
