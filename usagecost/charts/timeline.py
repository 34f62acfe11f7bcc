"""The requests of a trace or session as bars on one time axis, the one that is looked at marked."""

from __future__ import annotations

from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, openable, shape
from usagecost.vocabulary.colours import QUIET, STATUS_COLORS
from usagecost.vocabulary.filters import NOT_REPORTED

ROW, LEAST_HEIGHT, MOST_HEIGHT = 14, 60, 420
SECONDS = "datum.value >= 120 ? format(datum.value / 60, ',.3~g') + ' min' : format(datum.value, ',.3~g') + ' s'"


def timeline(spans: pd.DataFrame) -> Drawing:
    """One bar a row of ``spans``: ``place``, ``begin`` and ``end`` in seconds, what a tooltip says, and ``is_this``."""
    height = min(max(LEAST_HEIGHT, ROW * len(spans)), MOST_HEIGHT)
    return Drawing(spans, {**_timeline(), "height": height})


@cache
def _timeline() -> Spec:
    names, palette = [value or NOT_REPORTED for value in STATUS_COLORS], [*STATUS_COLORS.values()]
    x = alt.X("begin:Q", axis=alt.Axis(title="After the first request began", labelExpr=SECONDS, tickCount=6))
    y = alt.Y("place:O", axis=None, sort=None)
    color = alt.Color("status:N", scale=alt.Scale(domain=names, range=palette), legend=None)
    tips = [alt.Tooltip(f"{name}:N", title=name.capitalize()) for name in ("model", "status", "latency")]
    shade = alt.condition("datum.is_this", alt.value(1), alt.value(0.4))
    bars = (
        alt.Chart()
        .mark_bar(height=alt.RelativeBandSize(0.8), minBandSize=3)
        .encode(x=x, x2="end:Q", y=y, color=color, opacity=shade, tooltip=tips)
    )
    ends = alt.Chart().mark_tick(thickness=3, height=10).encode(x=x, y=y, color=color, opacity=shade, tooltip=tips)
    mark = alt.Chart().transform_filter("datum.is_this").mark_text(text="◀ current", align="left", dx=6, color=QUIET)
    return shape(bars.add_params(openable("place")), ends, mark.encode(x=alt.X("end:Q"), y=y))
