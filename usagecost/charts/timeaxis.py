"""The time axis: ordinal, so that no browser's time zone can move a bar and a repeated autumn hour is drawn twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

import altair as alt

from usagecost.charts.drawing import Spec
from usagecost.periods import BY_CLOCK, INTERVALS, Interval, local_midnight
from usagecost.vocabulary.filters import View

MOST_TICKS, STEPS = 9, {"day": (1, 2, 7, 14), "week": (1, 2, 4)}
"""Ticks of days and weeks, and every how many of them has one."""
MINUTES = (15, 30, 60, 180, 360, 1440)
"""Every how many minutes of the day there is a tick."""
MOST_MONTHS, MONTH_STEPS = 13, (1, 2, 3, 6, 12, 24, 60, 120, 240)
MOST_DAYS = 120
"""Beyond as many days the ticks are those of months."""

PADDING = 0.15
"""The share of its step that a bar leaves free."""

PLACE = alt.X("interval:O")
"""Stands in a shape for the axis of the day."""


@dataclass(frozen=True)
class TimeAxis:
    """The intervals that a chart's time axis shows, what one is called, and the zone they are in."""

    steps: Sequence[Interval]
    interval: str
    zone: str

    @classmethod
    def of(cls, steps: Sequence[Interval], view: View) -> Self:
        """The axis of intervals of a view."""
        return cls(steps, view.interval, view.period.zone)

    @property
    def interval_name(self) -> str:
        """The name of its intervals, such as Day."""
        return INTERVALS.get(self.interval, self.interval.capitalize())

    @cached_property
    def partial(self) -> list[bool]:
        """Whether each interval is not over yet, or cut by the range."""
        return [step.is_running or self._is_cut(step) for step in self.steps]

    @cached_property
    def texts(self) -> list[str]:
        """What a tooltip calls each interval: Mon 30 Nov 2026, 14:00 +01:00."""
        steps = zip(self.steps, self.partial, strict=True)
        return [f"{self.text_of(step)} (partial)" if is_partial else self.text_of(step) for step, is_partial in steps]

    def text_of(self, step: Interval) -> str:
        """What an interval is called, whether it is one of the axis or not."""
        first, last = (moment.astimezone(ZoneInfo(self.zone)) for moment in (step.start, step.end - timedelta(microseconds=1)))
        if self.interval in BY_CLOCK:
            return f"{first:%a} {first.day} {first:%b %Y}, {step.label[11:16]} {step.label[16:]}"
        if self.interval == "month":
            return f"{first:%B %Y}"
        if first.date() != last.date():
            return f"{first:%a} {first.day} {first:%b} – {last:%a} {last.day} {last:%b %Y}"
        return f"{first:%a} {first.day} {first:%b %Y}"

    def _is_cut(self, step: Interval) -> bool:
        """Whether the range holds only a part of the day, week or month."""
        first, after = (moment.astimezone(ZoneInfo(self.zone)).date() for moment in (step.start, step.end))
        if self.interval not in ("day", "week", "month"):
            return False
        if (step.start, step.end) != (local_midnight(first, self.zone), local_midnight(after, self.zone)):
            return True
        return (self.interval == "week" and (after - first).days < 7) or (
            self.interval == "month" and not first.day == after.day == 1
        )


def time_axis(axis: TimeAxis) -> Spec:
    """The channel of a period's intervals, with few readable ticks and the time zone in its title."""
    labels = [step.label for step in axis.steps]
    ticks = tick_texts(labels, axis.interval)
    marks = {
        "title": f"{axis.interval_name} · {axis.zone}",
        "values": list(ticks),
        "labelExpr": f"{json.dumps(ticks, ensure_ascii=False)}[datum.value]",
        "labelAngle": 0,
        "labelOverlap": "parity",
        "labelFlush": True,
        "ticks": True,
        "grid": False,
        "domain": True,
    }
    scale = {"domain": labels, "paddingInner": PADDING, "paddingOuter": 0.1}
    return {"field": "interval", "type": "ordinal", "sort": None, "axis": marks, "scale": scale}


def tick_texts(labels: Sequence[str], interval: str) -> dict[str, str]:
    """Returns which intervals get a tick, and its text: sparse and regular, with the day named where it begins.

    Where the range crosses a year, the first tick and the first of each year name it.
    """
    if not labels:
        return {}
    moments = {label: datetime.fromisoformat(f"{label}-01" if interval == "month" else label) for label in labels}
    first, last = moments[labels[0]], moments[labels[-1]]
    of_months = interval == "month" or (interval not in BY_CLOCK and (last - first).days > MOST_DAYS)
    if interval in BY_CLOCK:
        ticks = _clock_ticks(moments)
    elif of_months:
        ticks = _month_ticks(moments, starts=interval == "month")
    else:
        steps = STEPS["week" if interval == "week" else "day"]
        ticks = list(labels[:: next(step for step in steps if len(labels) <= MOST_TICKS * step or step == steps[-1])])
    texts, year = {}, None if first.year != last.year or interval == "month" else first.year
    for label in ticks:
        at = moments[label]
        if interval in BY_CLOCK and (at.hour or at.minute):
            texts[label] = f"{at:%H:%M}"
            continue
        texts[label] = (f"{at:%b}" if of_months else f"{at.day} {at:%b}") + (f" {at.year}" if at.year != year else "")
        year = at.year
    return texts


def _clock_ticks(moments: dict[str, datetime]) -> list[str]:
    """Every so many minutes of the day, the least that leave few; every midnight of a long range. A cut first one has none."""
    times = list(moments.values())
    minutes = (times[-1] - times[0]).total_seconds() / 60
    every = next((step for step in MINUTES if minutes <= step * MOST_TICKS), MINUTES[-1])
    return [label for label, at in moments.items() if (at.hour * 60 + at.minute) % every == 0]


def _month_ticks(moments: dict[str, datetime], *, starts: bool) -> list[str]:
    """The first interval of every month, or of every third, sixth …; of days and weeks not that of the month that is cut."""
    months: dict[int, str] = {}
    for label, at in moments.items():
        months.setdefault(at.year * 12 + at.month - 1, label)
    firsts = list(months.items())[0 if starts else 1 :]
    every = next(step for step in MONTH_STEPS if len(firsts) <= MOST_MONTHS * step or step == MONTH_STEPS[-1])
    return [label for month, label in firsts if month % every == 0]
