"""Which stretch of the comparison period stands beside each interval of a period: the same local time, so far back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from usagecost.periods.calendar import BY_CLOCK, Interval, Period, label_of, local_midnight

OF_A_DAY = ("day", *BY_CLOCK)
"""Intervals of at most a day."""


def counterparts(period: Period, interval: str, steps: Sequence[Interval]) -> tuple[Interval | None, ...]:
    """The interval of the comparison period that each interval is compared with; None where there is none.

    They do not overlap and, together, are the whole comparison period; but not where months differ in length. Of January, beside
    February in intervals of a day or less, the last three days are beside none; 29 to 31 March have none in February.
    """
    if period.previous is None or not steps:
        return (None,) * len(steps)
    first, end = period.previous
    starts = [first, *(min(max(_moved(step.start, period), first), end) for step in steps[1:])]
    ends = [*starts[1:], end]
    if interval in OF_A_DAY and period.compared_with and period.compared_with.months:
        ends = [min(_end_of_day(start, period.zone), after) for start, after in zip(starts, ends, strict=True)]
    pairs = zip(starts, ends, strict=True)
    return tuple(_interval(start, after, interval, period.zone) if start < after else None for start, after in pairs)


def _interval(start: datetime, end: datetime, interval: str, zone: str) -> Interval:
    return Interval(start, end, label_of(start.astimezone(ZoneInfo(zone)), interval), is_running=False)


def _moved(instant: datetime, period: Period) -> datetime:
    """The same local time so far back; of a day that the month there does not have, the midnight after its last one."""
    back, zone = period.compared_with, period.zone
    if back is None or back.hours:
        return instant - timedelta(hours=back.hours if back else 0)
    local = instant.astimezone(ZoneInfo(zone))
    day = back.day(local.date())
    if back.months and day.day != local.day:
        return local_midnight(day + timedelta(days=1), zone)
    if instant == local_midnight(local.date(), zone):
        return local_midnight(day, zone)
    return datetime.combine(day, local.time(), ZoneInfo(zone)).astimezone(instant.tzinfo)


def _end_of_day(instant: datetime, zone: str) -> datetime:
    return local_midnight(instant.astimezone(ZoneInfo(zone)).date() + timedelta(days=1), zone)
