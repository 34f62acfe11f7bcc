"""Charts without a time axis: a heatmap of the week, a histogram of single requests, and one size of theirs against another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, encoded, shape
from usagecost.charts.look import (
    COUNT_AXIS,
    HEIGHT,
    LEGEND_ROW,
    axis_of,
    doubles,
    exact,
    legend,
    log_ticks,
    short_names,
    value_axis,
    value_ticks,
)
from usagecost.vocabulary import HOURS, WEEKDAYS, formats
from usagecost.vocabulary.colours import COLORS
from usagecost.vocabulary.formats import Format, count, exact_count

ROW_HEIGHT = 30
FAINTEST = 0.06
"""The opacity of the least: of one colour, light on light and dark on dark, whatever the theme."""
POINT_OPACITY = 0.45


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


def histogram(bins: pd.DataFrame, unit: Format, title: str) -> Drawing:
    """``bins``: one row is a bin above ``lower`` and up to ``upper``, both more than 0, with its ``requests``."""
    marks = pd.DataFrame({name: doubles(bins[name]) for name in ("lower", "upper", "requests")})
    edges = zip(bins["lower"], bins["upper"], strict=True)
    marks["text"] = [f"{exact(unit, lower)} – {exact(unit, upper)}" for lower, upper in edges]
    marks["zero"] = 0.0
    marks["count"] = [exact_count(count) for count in bins["requests"]]
    spec = value_ticks(_histogram(axis_of(unit), title), formats.count, 0, marks["requests"].max())
    return Drawing(marks, encoded(spec, x=_ticked(spec, "x", unit, marks["lower"].min(), marks["upper"].max())))


@cache
def _histogram(axis: str, title: str) -> Spec:
    bars = (
        alt.Chart()
        .mark_rect(color=COLORS["input_tokens"], description=alt.ExprRef("datum.text + ': ' + datum.count + ' requests'"))
        .encode(
            x=alt.X("lower:Q", axis=_log_axis(axis, title), scale=alt.Scale(type="log", nice=False)),
            x2="upper:Q",
            y=alt.Y("requests:Q", axis=value_axis(COUNT_AXIS)),
            y2="zero:Q",
            tooltip=[alt.Tooltip("text:N", title=title), alt.Tooltip("count:N", title="Requests")],
        )
    )
    return shape(bars, height=HEIGHT)


def scatter(
    points: pd.DataFrame, units: tuple[Format, Format], titles: tuple[str, str], names: Sequence[str], palette: Sequence[str]
) -> Drawing:
    """``points``: one row is a request with ``x``, ``y``, both more than 0, and ``name``, the part it is of."""
    short = short_names(names)
    short_of = points["name"].map(dict(zip(names, short, strict=True)))
    marks = points[["name"]].assign(short=short_of, x=doubles(points["x"]), y=doubles(points["y"]))
    for axis, unit in zip("xy", units, strict=True):
        marks[f"{axis}_text"] = [exact(unit, value) for value in marks[axis]]
    spec = _scatter(axis_of(units[0]), axis_of(units[1]), titles, len(names) > 1)
    ticks = {axis: _ticked(spec, axis, unit, marks[axis].min(), marks[axis].max()) for axis, unit in zip("xy", units, strict=True)}
    spec = encoded(spec, color={"scale": {"domain": short, "range": list(palette)}}, **ticks)
    return Drawing(marks, {**spec, "height": HEIGHT + (LEGEND_ROW * len(names) if len(names) > 1 else 0)})


@cache
def _scatter(x_axis: str, y_axis: str, titles: tuple[str, str], has_legend: bool) -> Spec:
    x_title, y_title = titles
    points = (
        alt.Chart()
        .mark_circle(
            size=22, opacity=POINT_OPACITY, description=alt.ExprRef("datum.name + ': ' + datum.x_text + ', ' + datum.y_text")
        )
        .encode(
            x=alt.X("x:Q", axis=_log_axis(x_axis, x_title), scale=alt.Scale(type="log", nice=False, padding=6)),
            y=alt.Y("y:Q", axis=_log_axis(y_axis, y_title), scale=alt.Scale(type="log", nice=False, padding=6)),
            color=alt.Color("short:N", legend=legend(symbolType="circle") if has_legend else None),
            tooltip=[
                alt.Tooltip("x_text:N", title=x_title),
                alt.Tooltip("y_text:N", title=y_title),
                *([alt.Tooltip("name:N", title="Part")] if has_legend else []),
            ],
        )
    )
    return shape(points, height=HEIGHT)


def _log_axis(expression: str, title: str) -> alt.Axis:
    return alt.Axis(title=title, labelExpr=expression, grid=False, labelOverlap="greedy", labelFlush=True)


def _ticked(spec: Spec, channel: str, unit: Format, low: float, high: float) -> Spec:
    """The logarithmic axis of a channel with its ticks."""
    return {"axis": {**spec["layer"][0]["encoding"][channel]["axis"], "values": log_ticks(unit, low, high)}}
