"""A low chart of requests over time by outcome, of which a stretch can be marked."""

from __future__ import annotations

from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, brushable, encoded, shape
from usagecost.charts.look import COLORS, COUNT_AXIS, QUIET, legend, value_axis
from usagecost.charts.over_time import every_interval
from usagecost.charts.timeaxis import PLACE, TimeAxis, time_axis
from usagecost.filters import NOT_REPORTED
from usagecost.metrics import METRICS

HISTOGRAM_HEIGHT = 190
OUTCOME_COLORS = {"success": COLORS["successful"], "error": COLORS["failed"], "cancelled": "#E39B3D", None: QUIET}


def outcomes_over_time(cells: pd.DataFrame, axis: TimeAxis) -> Drawing:
    """Requests over time, a low chart split by outcome; a stretch of it can be marked. One row: (interval, value, requests)."""
    names = {value: NOT_REPORTED if value is None else value.capitalize() for value in OUTCOME_COLORS}
    known = [None if pd.isna(value) else value for value in cells["value"]]
    stacks = cells.assign(name=[names.get(value, NOT_REPORTED) for value in known])
    drawn = every_interval(stacks, "requests", axis.steps)
    places = {name: place for place, name in enumerate(names.values())}
    drawn["place"] = [places.get(name, len(places)) for name in drawn["name"]]
    shown = [name for name in names.values() if name in set(drawn["name"])]
    spec = _outcomes(axis.interval.capitalize())
    color = {
        **spec["layer"][0]["encoding"]["color"],
        "scale": {"domain": shown, "range": [color for value, color in OUTCOME_COLORS.items() if names[value] in shown]},
    }
    x = time_axis(axis)
    return Drawing(drawn, encoded(spec, x={**x, "axis": {**x["axis"], "title": None}}, color=color))


@cache
def _outcomes(step: str) -> Spec:
    bars = (
        alt.Chart()
        .mark_bar()
        .encode(
            x=PLACE,
            y=alt.Y("requests:Q", axis=value_axis(COUNT_AXIS), stack="zero"),
            color=alt.Color("name:N", legend=legend(symbolType="square")),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("interval:N", title=step),
                alt.Tooltip("name:N", title="Outcome"),
                alt.Tooltip("requests:Q", title=METRICS["requests"].label, format=","),
            ],
        )
        .add_params(brushable())
    )
    return shape(bars, height=HISTOGRAM_HEIGHT)
