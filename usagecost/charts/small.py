"""A small chart for a card: bars of one metric over time, with nothing around them but a few dates."""

from __future__ import annotations

from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, encoded, shape
from usagecost.charts.look import doubles
from usagecost.charts.timeaxis import PLACE, TimeAxis, time_axis
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.colours import COLORS

SMALL_HEIGHT = 72


def small_bars(over_time: pd.DataFrame, metric: str, axis: TimeAxis) -> Drawing:
    """One bar an interval, an empty one where nothing was sent; a partial one is paler."""
    drawn = pd.DataFrame({metric: doubles(METRICS[metric].column(over_time))})
    drawn.insert(0, "interval", [step.label for step in axis.steps])
    drawn["text"], drawn["partial"] = axis.texts, axis.partial
    x = time_axis(axis)
    marks = {**x["axis"], "title": None, "ticks": False}
    scale = {"domainMin": 0, "domainMax": max(1.0, drawn[metric].max())}
    return Drawing(drawn, encoded(_bars(metric, axis.called), x={**x, "axis": marks}, y={"scale": scale}))


@cache
def _bars(metric: str, step: str) -> Spec:
    bars = (
        alt.Chart()
        .mark_bar(color=COLORS["input_tokens"], description=alt.ExprRef(f"datum.text + ': ' + format(datum['{metric}'], ',')"))
        .encode(
            x=PLACE,
            y=alt.Y(f"{metric}:Q", axis=None),
            opacity=alt.condition("datum.partial", alt.value(0.5), alt.value(1)),
            tooltip=[alt.Tooltip("text:N", title=step), alt.Tooltip(f"{metric}:Q", title=METRICS[metric].label, format=",")],
        )
    )
    return shape(bars, height=SMALL_HEIGHT)
