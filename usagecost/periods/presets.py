"""The periods that have names: so many days or hours up to now, a calendar's week, month, quarter or year, and all time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

from usagecost.periods.calendar import Period
from usagecost.periods.comparison import MONTHS_OF, NONE, Back

LAST_HOURS = "24h"
"""The preset that is of no local days."""
HOURS = 24


@dataclass(frozen=True)
class LastHours(Period):
    """The last full hours and the running one, so many as a day has, whatever days they are of."""

    @cached_property
    def start(self) -> datetime:
        """The first instant."""
        return self.end - timedelta(hours=HOURS)

    @cached_property
    def end(self) -> datetime:
        """The end of the running hour."""
        return self.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    @property
    def compared_with(self) -> Back | None:
        """As many hours before, or what was chosen."""
        return None if self.is_alone else self.back or Back(hours=HOURS)

    @property
    def previous(self) -> tuple[datetime, datetime] | None:
        """The hours that it is compared with, cut as far into the last one as the clock is now."""
        back = self.compared_with
        if back is None:
            return None
        start = self._before(back, self.start)
        return start, min(max(self._before(back, self.now), start), self.start)  # two days may be the last of one month

    def _before(self, back: Back, instant: datetime) -> datetime:
        """The same time so many hours, or months, before."""
        if back.hours:
            return instant - timedelta(hours=back.hours)
        local = instant.astimezone(ZoneInfo(self.zone))
        return datetime.combine(back.day(local.date()), local.time(), local.tzinfo).astimezone(UTC)


Days = Callable[[date, int], tuple[date, date]]
"""The first and the last day, from today and the first day of the week."""


def _last_days(count: int) -> Days:
    return lambda today, _: (today - timedelta(days=count - 1), today)


def _calendar(months: int, *, is_over: bool = False) -> Days:
    """The running month, quarter or year of the calendar up to today, or the one before it."""

    def days(today: date, _: int) -> tuple[date, date]:
        start = Back(months=(today.month - 1) % months).day(today.replace(day=1))
        return (Back(months=months).day(start), start - timedelta(days=1)) if is_over else (start, today)

    return days


def _week(today: date, week_start: int, back: int = 0) -> tuple[date, date]:
    start = today - timedelta(days=(today.weekday() - week_start) % 7 + 7 * back)
    return start, min(today, start + timedelta(days=6))


PRESETS: dict[str, tuple[str, Days | None, Back | None]] = {
    LAST_HOURS: ("Last 24 hours", None, None),
    "today": ("Today", _last_days(1), None),
    "yesterday": ("Yesterday", lambda today, _: (today - timedelta(days=1), today - timedelta(days=1)), None),
    "7d": ("Last 7 days", _last_days(7), None),
    "14d": ("Last 14 days", _last_days(14), None),
    "30d": ("Last 30 days", _last_days(30), None),
    "90d": ("Last 90 days", _last_days(90), None),
    "week": ("This week", _week, Back(days=7)),
    "last-week": ("Last week", lambda today, week_start: _week(today, week_start, 1), None),
    "month": ("This month", _calendar(1), Back(months=1)),
    "last-month": ("Last month", _calendar(1, is_over=True), Back(months=1)),
    "quarter": ("This quarter", _calendar(3), Back(months=3)),
    "last-quarter": ("Last quarter", _calendar(3, is_over=True), Back(months=3)),
    "year": ("Year to date", _calendar(12), Back(months=12)),
    "12m": ("Last 12 months", lambda today, _: (Back(months=12).day(today) + timedelta(days=1), today), Back(months=12)),
    "all": ("All time", None, None),
}
"""Preset -> its name, its days, and how far back its comparison lies, where that is not as many days just before. All time is the
data's."""


def preset_period(preset: str, zone: str, now: datetime, data: tuple[datetime, datetime] | None, week_start: int = 0) -> Period:
    """The period of a preset. ``data`` are the instants of the oldest and the newest request, which All time spans."""
    info = ZoneInfo(zone)
    today = now.astimezone(info).date()
    if preset == LAST_HOURS:
        start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
        last = start + timedelta(hours=HOURS, microseconds=-1)
        return LastHours(start.astimezone(info).date(), last.astimezone(info).date(), zone, now)
    _, span, back = PRESETS[preset]
    if span is not None:
        return Period(*span(today, week_start), zone, now, back=back)
    oldest, newest = (instant.astimezone(info).date() for instant in data) if data else (today, today)
    return Period(oldest, max(oldest, newest), zone, now, is_all_time=True)


P = TypeVar("P", bound=Period)


def compared(period: P, choice: str) -> P:
    """The period with what a reader chose to compare it with."""
    if choice in MONTHS_OF:
        return replace(period, back=Back(months=MONTHS_OF[choice]))
    return replace(period, is_alone=True) if choice == NONE else period
