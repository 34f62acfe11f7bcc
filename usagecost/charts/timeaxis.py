"""The time axis: ordinal, so that no browser's time zone can move a bar and a repeated autumn hour is drawn twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import altair as alt

from usagecost.charts.drawing import Spec
from usagecost.periods import Interval

MOST_TICKS = 9

PLACE = alt.X("interval:O")
"""Stands in a shape for the axis of the day."""


@dataclass(frozen=True)
class TimeAxis:
    """The intervals that a chart's time axis shows, what one is called, and the zone they are in."""

    steps: Sequence[Interval]
    interval: str
    zone: str


def time_axis(axis: TimeAxis) -> Spec:
    """The channel of a period's intervals, with few readable ticks and the time zone in its title."""
    labels = [step.label for step in axis.steps]
    ticks = tick_texts(labels, axis.interval)
    marks = {
        "title": f"{axis.interval.capitalize()} · {axis.zone}",
        "values": list(ticks),
        "labelExpr": f"{json.dumps(ticks, ensure_ascii=False)}[datum.value]",
        "labelAngle": 0,
        "labelOverlap": "greedy",
        "labelFlush": True,
        "ticks": True,
        "grid": False,
        "domain": True,
    }
    scale = {"domain": labels, "paddingInner": 0.15, "paddingOuter": 0.1}
    return {"field": "interval", "type": "ordinal", "sort": None, "axis": marks, "scale": scale}


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
