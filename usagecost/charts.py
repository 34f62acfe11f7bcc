"""Frames in, Altair charts out: one look for all.

The time axis is ordinal: an interval's label is its place, so no browser's time zone can move a bar and a repeated
autumn hour is drawn twice. What logs say (model and user names) travels as data, never inside an expression. Classes
instead of Altair's string shorthands: each shorthand costs two milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zlib import crc32

import altair as alt
import pandas as pd

from usagecost.filters import NOT_REPORTED
from usagecost.formats import exact_count
from usagecost.metrics import METRICS
from usagecost.periods import Interval

HEIGHT = 280
BAR_STEP = 28
AXIS_WIDTH = 64
"""Every value axis is as wide as the next, so that charts below each other share their time axis to the pixel."""
LEGEND_COLUMN, LEGEND_ROW = 190, 9
BAR_LABEL_WIDTH = 130
MOST_TICKS = 9

COLORS = {
    "input_tokens": "#3B82F6",
    "output_tokens": "#E8833A",
    "total_tokens": "#8A94A6",
    "cache_read_tokens": "#14A38B",
    "successful": "#2E9E6B",
    "failed": "#D6453D",
    "requests": "#8A94A6",
    "spend_usd": "#5B6FD8",
}
"""What a colour means, everywhere. Chosen to be told apart with any colour vision and to read on light and on dark."""

OTHER_COLOR, MISSING_COLOR = "#A3ABB8", "#C9A227"
PALETTE = (
    "#4E79D6", "#E39B3D", "#3FA796", "#B065C8", "#7FB23A", "#35AFCB", "#E0709F", "#94744D", "#6C6FE0", "#C7A93A",
    "#5F9470", "#9D86E9", "#CF7B62", "#4A86A8", "#A65C8A", "#8C9440",
)  # fmt: skip

CUT_NAME = "length(datum.label) > 34 ? slice(datum.label, 0, 17) + '…' + slice(datum.label, -16) : datum.label"
CUT_LEGEND = "length(datum.label) > 22 ? slice(datum.label, 0, 11) + '…' + slice(datum.label, -10) : datum.label"
USD_AXIS = "datum.value >= 1000 || datum.value == 0 ? format(datum.value, '$,.3~s') : format(datum.value, '$,.3~f')"
COUNT_AXIS = "replace(format(datum.value, ',.3~s'), 'G', 'B')"


@dataclass(frozen=True)
class TimeAxis:
    """The intervals that a chart's time axis shows, what one is called, and the zone they are in."""

    steps: Sequence[Interval]
    interval: str
    zone: str


def colors(ranked: Sequence[str | None]) -> dict[str | None, str]:
    """A colour for each value. A name prefers the colour of its own hash, so it keeps it when ranks and ranges change."""
    taken: dict[str | None, str] = {None: MISSING_COLOR}
    free = list(PALETTE)
    for value in ranked:
        if value is not None and value not in taken:
            wish = crc32(value.encode()) % len(PALETTE)
            wishes = [*PALETTE[wish:], *PALETTE[:wish]]
            taken[value] = next((color for color in wishes if color in free), PALETTE[wish])
            if taken[value] in free:
                free.remove(taken[value])
    return taken


def value_name(value: object, is_other: bool, merged: int = 1, plural: str = "") -> str:
    """What a reader calls a value of a split."""
    if is_other:
        return f"Other ({exact_count(merged)} {plural})" if plural else "Other"
    return NOT_REPORTED if pd.isna(value) else str(value)


def lines_over_time(over_time: pd.DataFrame, series: Sequence[str], axis: TimeAxis) -> alt.LayerChart:
    """Lines of additive metrics over the intervals; the step into the running interval is dashed and its stretch shaded."""
    names = [METRICS[name].label for name in series]
    wide = pd.DataFrame({METRICS[name].label: _doubles(METRICS[name].column(over_time)) for name in series})
    wide.insert(0, "interval", [step.label for step in axis.steps])
    wide["running"] = [step.is_running for step in axis.steps]
    wide["band"] = wide["running"]
    wide["until_running"] = wide["running"] | wide["running"].shift(-1, fill_value=False)
    x = time_axis(axis)
    color = alt.Color(
        "series:N",
        scale=alt.Scale(domain=names, range=[COLORS[name] for name in series]),
        legend=_legend(symbolType="stroke", symbolStrokeWidth=3),
    )
    lines = (
        alt.Chart()
        .transform_fold(names[::-1], as_=["series", "value"])  # what is drawn last lies on top: the first series
        .encode(x=x, y=alt.Y("value:Q", axis=_value_axis(COUNT_AXIS)), color=color)
    )
    single = len(axis.steps) == 1
    solid = lines.transform_filter("!datum.running").mark_line(strokeWidth=2, point=single, interpolate="linear")
    dashed = lines.transform_filter("datum.until_running").mark_line(strokeWidth=2, strokeDash=[4, 3], point=single)
    near = alt.selection_point(name="near", on="pointerover", clear="pointerout", fields=["interval"], nearest=False)
    tips = [alt.Tooltip("interval:N", title=axis.interval.capitalize()), *(alt.Tooltip(f"{name}:Q", format=",") for name in names)]
    hover = (
        alt.Chart()
        .mark_rect(color="#8A94A6")
        .encode(x=x, opacity=alt.condition(near, alt.value(0.14), alt.value(0), empty=False), tooltip=tips)
        .add_params(near)
    )
    return alt.layer(_running_band(x), solid, dashed, hover, data=wide).properties(height=HEIGHT)


def bars_over_time(
    stacks: pd.DataFrame, metric: str, names: Sequence[str], palette: Sequence[str], axis: TimeAxis
) -> alt.LayerChart:
    """Stacked bars of an additive metric. ``stacks``: one row is (interval, name), the interval being a place in the axis."""
    drawn = _every_interval(stacks, metric, axis.steps)
    x = time_axis(axis)
    text_format = "$,.4f" if metric.endswith("_usd") else ","
    bars = (
        alt.Chart()
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y(f"{metric}:Q", axis=_value_axis(USD_AXIS if metric.endswith("_usd") else COUNT_AXIS), stack="zero"),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=list(names), range=list(palette)),
                legend=_legend(labelExpr=CUT_LEGEND, symbolType="square") if len(names) > 1 else None,
            ),
            order=alt.Order("place:Q"),
            opacity=alt.condition("datum.running", alt.value(0.5), alt.value(1)),
            tooltip=[
                alt.Tooltip("interval:N", title=axis.interval.capitalize()),
                alt.Tooltip("name:N", title="Part"),
                alt.Tooltip(f"{metric}:Q", title=METRICS[metric].label, format=text_format),
                alt.Tooltip("note:N", title="State"),
            ],
        )
    )
    places = {name: place for place, name in enumerate(names)}
    drawn = drawn.assign(place=[places.get(name, len(places)) for name in drawn["name"]])
    return alt.layer(_running_band(x), bars, data=drawn).properties(height=HEIGHT + LEGEND_ROW * len(names))


def ranked_bars(ranking: pd.DataFrame, metric: str, palette: Sequence[str], value_format: str) -> alt.LayerChart:
    """Horizontal bars, the largest first. ``ranking``: one row is a bar with ``name``, the metric and ``text``, its label."""
    drawn = ranking.assign(**{metric: _doubles(ranking[metric])})
    y = alt.Y("name:N", sort=None, axis=_name_axis())
    x = alt.X(f"{metric}:Q", axis=None, scale=_bar_scale(drawn[metric].max()))
    tips = [alt.Tooltip("name:N", title="Name"), alt.Tooltip(f"{metric}:Q", title=METRICS[metric].label, format=value_format)]
    color = alt.Color("name:N", scale=alt.Scale(domain=list(drawn["name"]), range=list(palette)), legend=None)
    bars = alt.Chart().mark_bar(height=alt.RelativeBandSize(0.7)).encode(x=x, y=y, color=color, tooltip=tips)
    labels = alt.Chart().mark_text(align="left", dx=6, color="#8A94A6").encode(x=x, y=y, text=alt.Text("text:N"))
    return alt.layer(bars, labels, data=drawn).properties(height=alt.Step(BAR_STEP))


def stacked_ranked_bars(ranking: pd.DataFrame, series: Sequence[str]) -> alt.LayerChart:
    """Horizontal bars of additive metrics stacked, one bar a ``name``, in the frame's order, ``text`` behind each."""
    names = [METRICS[name].label for name in series]
    drawn = pd.DataFrame({METRICS[name].label: _doubles(METRICS[name].column(ranking)).fillna(0) for name in series})
    drawn = drawn.assign(name=ranking["name"].astype(str), text=ranking["text"], whole=drawn[names].sum(axis=1))
    y = alt.Y("name:N", sort=None, axis=_name_axis())
    scale = _bar_scale(drawn["whole"].max())
    bars = (
        alt.Chart()
        .transform_fold(names, as_=["series", "value"])
        .mark_bar(height=alt.RelativeBandSize(0.7))
        .encode(
            x=alt.X("value:Q", axis=None, scale=scale, stack="zero"),
            y=y,
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=names, range=[COLORS[name] for name in series]),
                legend=_legend(),
            ),
            tooltip=[alt.Tooltip("name:N", title="Name"), *(alt.Tooltip(f"{name}:Q", format=",") for name in names)],
        )
    )
    labels = (
        alt.Chart()
        .mark_text(align="left", dx=6, color="#8A94A6")
        .encode(x=alt.X("whole:Q", axis=None, scale=scale), y=y, text=alt.Text("text:N"))
    )
    return alt.layer(bars, labels, data=drawn).properties(height=alt.Step(BAR_STEP))


def time_axis(axis: TimeAxis) -> alt.X:
    """The ordinal axis of a period's intervals, with few readable ticks and the time zone in its title."""
    ticks = tick_texts([step.label for step in axis.steps], axis.interval)
    marks = alt.Axis(
        title=f"{axis.interval.capitalize()} · {axis.zone}",
        values=list(ticks),
        labelExpr=f"{json.dumps(ticks, ensure_ascii=False)}[datum.value]",
        labelAngle=0,
        labelOverlap="greedy",
        labelFlush=True,
        ticks=True,
        grid=False,
        domain=True,
    )
    labels = [step.label for step in axis.steps]
    return alt.X("interval:O", sort=None, axis=marks, scale=alt.Scale(domain=labels, paddingInner=0.15, paddingOuter=0.1))


def tick_texts(labels: Sequence[str], interval: str) -> dict[str, str]:
    """Which intervals get a tick, and its text: sparse, with the month or day named where it begins."""
    if interval == "hour":
        return _hour_ticks(labels)
    if interval == "month":
        moments = [(label, date.fromisoformat(f"{label}-01")) for label in labels]
        texts = {label: f"{day:%b %Y}" if day.month == 1 or i == 0 else f"{day:%b}" for i, (label, day) in enumerate(moments)}
        return {label: texts[label] for label in labels[:: -(-len(labels) // 14) or 1]}
    moments = [(label, date.fromisoformat(label)) for label in labels]
    if len(labels) > 1 and (moments[-1][1] - moments[0][1]).days > 120:
        months = {}
        for label, day in moments:
            months.setdefault((day.year, day.month), (label, day))
        firsts = list(months.values())[1:] or moments[:1]
        return {label: f"{day:%b}" if day.month > 1 else f"{day:%b %Y}" for label, day in firsts}
    return {label: f"{day.day} {day:%b}" for label, day in moments[:: -(-len(labels) // MOST_TICKS) or 1]}


def _hour_ticks(labels: Sequence[str]) -> dict[str, str]:
    moments = [(label, datetime.fromisoformat(label)) for label in labels]
    if len(labels) > 60:
        return {label: f"{at.day} {at:%b}" for label, at in moments if at.hour == 0}
    every = 3 if len(labels) <= 26 else 6
    return {label: f"{at:%H:%M}" if at.hour else f"{at.day} {at:%b}" for label, at in moments if at.hour % every == 0}


def _every_interval(stacks: pd.DataFrame, metric: str, steps: Sequence[Interval]) -> pd.DataFrame:
    """The stacks with a first row for each interval, so that empty ones stand on the axis too and the order is time's."""
    known = stacks[stacks[metric].notna()]
    blank = pd.DataFrame({"interval": range(len(steps)), "name": None, metric: 0.0})
    drawn = pd.concat([blank, pd.DataFrame({**known[["interval", "name"]], metric: _doubles(known[metric])})], ignore_index=True)
    places = drawn["interval"].astype(int)
    drawn["running"] = [steps[place].is_running for place in places]
    drawn["band"] = drawn["running"] & drawn["name"].isna()  # one rectangle, not one behind every part of the stack
    drawn["note"] = ["still running" if running else "complete" for running in drawn["running"]]
    drawn["interval"] = [steps[place].label for place in places]
    return drawn


def _running_band(x: alt.X) -> alt.Chart:
    """A shade behind the interval that is not over yet."""
    return (
        alt.Chart()
        .transform_filter("datum.band")
        .mark_rect(color="#8A94A6", opacity=0.10)
        .encode(x=x, tooltip=[alt.Tooltip("interval:N", title="Still running")])
    )


def _doubles(column: pd.Series) -> pd.Series:
    """Charts alone get doubles; NaN is a gap."""
    return column.astype("Float64").astype(float)


def _value_axis(expression: str) -> alt.Axis:
    return alt.Axis(title=None, labelExpr=expression, minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, tickCount=5, domain=False)


def _name_axis() -> alt.Axis:
    return alt.Axis(title=None, labelExpr=CUT_NAME, labelLimit=260, ticks=False, domain=False, labelPadding=8)


def _bar_scale(most: float) -> alt.Scale:
    """From zero to the longest bar, with room behind it for its label on any screen."""
    return alt.Scale(
        domainMin=0, domainMax=most if most > 0 else 1, nice=False, rangeMax=alt.ExprRef(expr=f"width - {BAR_LABEL_WIDTH}")
    )


def _legend(**more: Any) -> alt.Legend:
    """Above the chart, in as many columns as fit the reader's screen."""
    columns = alt.ExprRef(expr=f"max(2, floor(width / {LEGEND_COLUMN}))")
    return alt.Legend(orient="top", title=None, columns=columns, labelLimit=LEGEND_COLUMN - 30, symbolLimit=0, **more)
