"""One look for all charts: colours with a meaning, sizes, axes and legends, names as readers see them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Spec, encoded
from usagecost.charts.units import axis_ticks, in_full
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import UNKNOWN, Format, exact_count

HEIGHT = 280
BAR_STEP = 28
AXIS_WIDTH = 64
"""Every value axis is as wide as the next, so that charts below each other share their time axis to the pixel."""
LEGEND_COLUMN, LEGEND_ROW = 190, 9
BAR_LABEL_WIDTH = 130

CUT_NAME = "length(datum.label) > 34 ? slice(datum.label, 0, 17) + '…' + slice(datum.label, -16) : datum.label"
CUT_LEGEND = 22
NARROW_NAME = "width < 420 && length(datum.label) > 17 ? slice(datum.label, 0, 8) + '…' + slice(datum.label, -8) : datum.label"
"""Names in the legend of a narrow chart are cut in the middle too, before the end of the column cuts them."""


def value_name(value: object, is_other: bool, merged: int = 1, plural: str = "") -> str:
    """What a reader calls a value of a split."""
    if is_other:
        return f"Other ({exact_count(merged)} {plural})" if plural else "Other"
    return NOT_REPORTED if pd.isna(value) else str(value)


def short_names(names: Sequence[str], room: int = CUT_LEGEND) -> list[str]:
    """Cuts names that are longer than a legend has room for in the middle, so that they stay distinct."""
    short = {name: _cut(name, room) for name in names}
    alike: dict[str, list[str]] = {}
    for name, text in short.items():
        alike.setdefault(text, []).append(name)
    in_use = set(short.values())
    for text, those in alike.items():
        if len(those) == 1:
            continue
        letters = enumerate(zip_longest(*those))
        begins = max(next((i for i, of_all in letters if len(set(of_all)) > 1), 0) - room // 4, 0)
        for number, name in enumerate(those, 1):
            cut = _cut(f"…{name[begins:]}", room)
            short[name] = f"{text} ({number})" if cut in in_use else cut
            in_use.add(short[name])
    return [short[name] for name in names]


def _cut(name: str, room: int) -> str:
    return f"{name[: room // 2]}…{name[1 - room // 2 :]}" if len(name) > room else name


def doubles(column: pd.Series) -> pd.Series:
    """Charts alone get doubles; NaN is a gap."""
    return column.astype("Float64").astype(float)


def tooltip_texts(frame: pd.DataFrame, metric: str) -> list[str]:
    """What a tooltip says of each row's metric: the figure in full, marked as a lower bound where a part of it has no price."""
    missing = frame["incomplete_requests"] if metric == "spend_usd" and "incomplete_requests" in frame else [0] * len(frame)
    return [
        UNKNOWN if pd.isna(value) else f"{'≥ ' if lacks else ''}{in_full(METRICS[metric].format, value)}"
        for value, lacks in zip(frame[metric], missing, strict=True)
    ]


def value_axis(expression: str) -> alt.Axis:
    """Returns the axis of values, without its ticks: see `value_ticks`."""
    return alt.Axis(title=None, labelExpr=expression, minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, domain=False, labelFlush=False)


def value_ticks(spec: Spec, unit: Format, low: float, high: float) -> Spec:
    """Returns the specification with the domain and the regular ticks of its axis of values."""
    domain, ticks = axis_ticks(unit, low, high)
    axis = next(layer["encoding"]["y"]["axis"] for layer in spec["layer"] if "y" in layer["encoding"])
    return encoded(spec, y={"scale": {"domain": domain, "nice": False}, "axis": {**axis, "values": ticks}})


def name_axis() -> alt.Axis:
    return alt.Axis(title=None, labelExpr=CUT_NAME, labelLimit=260, ticks=False, domain=False, labelPadding=8, labelFlush=False)


def bar_scale(most: float) -> dict[str, Any]:
    """From zero to the longest bar, with room behind it for its label on any screen."""
    room = {"expr": f"width - {BAR_LABEL_WIDTH}"}
    return {"domainMin": 0, "domainMax": float(most) if most > 0 else 1.0, "nice": False, "rangeMax": room}


def legend(**more: Any) -> alt.Legend:
    """Above the chart, in as many columns as fit the reader's screen; where two are too many, names are cut instead."""
    columns = f"max(2, floor(width / {LEGEND_COLUMN}))"
    more = {"labelExpr": NARROW_NAME, **more}
    return alt.Legend(
        orient="top",
        title=None,
        columns=alt.ExprRef(expr=columns),
        labelLimit=alt.ExprRef(expr=f"min({LEGEND_COLUMN}, width / {columns}) - 30"),
        symbolLimit=0,
        **more,
    )
