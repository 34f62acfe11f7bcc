"""Single requests: how often each size occurred, and one size against another. Both on logarithmic axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, encoded, shape
from usagecost.charts.look import HEIGHT, LEGEND_ROW, doubles, legend, short_names, value_axis, value_ticks
from usagecost.charts.units import COUNT_AXIS, axis_of, exact, log_ticks
from usagecost.vocabulary import formats
from usagecost.vocabulary.colours import COLORS
from usagecost.vocabulary.formats import Format, exact_count

POINT_OPACITY = 0.45


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
