"""A heatmap of the week: weekday by hour of day, the darker the more."""

from __future__ import annotations

from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, shape
from usagecost.charts.look import doubles, legend
from usagecost.charts.units import axis_of, exact
from usagecost.vocabulary import HOURS, WEEKDAYS
from usagecost.vocabulary.colours import COLORS
from usagecost.vocabulary.formats import Format, count

ROW_HEIGHT = 30
FAINTEST = 0.06
"""The opacity of the least: of one colour, light on light and dark on dark, whatever the theme."""


def week_grid(hours: pd.DataFrame, unit: Format) -> Drawing:
    """``hours``: one row is an hour of the week with its ``value``; those without a request are left blank."""
    places = hours["hour_of_week"].astype(int)
    drawn = pd.DataFrame({"weekday": [WEEKDAYS[i // 24] for i in places], "hour": [HOURS[i % 24] for i in places]})
    drawn["text"] = [exact(unit, None if pd.isna(value) else value) for value in hours["value"]]
    return Drawing(drawn.assign(value=doubles(hours["value"]).to_numpy()), _shape(axis_of(unit), is_whole=unit is count))


@cache
def _shape(axis: str, *, is_whole: bool) -> Spec:
    hours = alt.Axis(title=None, labelAngle=0, ticks=False, domain=False, labelOverlap="greedy", grid=False)
    days = alt.Axis(title=None, ticks=False, domain=False, labelPadding=8, grid=False, labelFlush=False)
    cells = (
        alt.Chart()
        .mark_rect(
            color=COLORS["input_tokens"],
            cornerRadius=2,
            description=alt.ExprRef("datum.weekday + ' ' + datum.hour + ': ' + datum.text"),
        )
        .encode(
            x=alt.X("hour:O", sort=None, axis=hours, scale=alt.Scale(domain=list(HOURS), paddingInner=0.06)),
            y=alt.Y("weekday:O", sort=None, axis=days, scale=alt.Scale(domain=list(WEEKDAYS), paddingInner=0.08)),
            opacity=alt.Opacity(
                "value:Q",
                scale=alt.Scale(range=[FAINTEST, 1], zero=True),
                legend=legend(labelExpr=axis, tickCount=4, **({"tickMinStep": 1} if is_whole else {})),
            ),
            tooltip=[
                alt.Tooltip("weekday:N", title="Weekday"),
                alt.Tooltip("hour:N", title="Hour from"),
                alt.Tooltip("text:N", title="Value"),
            ],
        )
    )
    return shape(cells, height=alt.Step(ROW_HEIGHT))
