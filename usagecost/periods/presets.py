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


@dataclass(frozen=True)
class LastHours(Period):
    """The last full hours and the running one, whatever days they are of."""

    hours: int = 24

    @cached_property
    def start(self) -> datetime:
        """The first instant."""
        return self.end - timedelta(hours=self.hours)

    @cached_property
    def end(self) -> datetime:
        """The end of the running hour."""
        return self.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    @property
    def compared_with(self) -> Back | None:
        """As many hours before, or what was chosen."""
        return None if self.is_alone else self.back or Back(hours=self.hours)

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


def _month_start(day: date, back: int = 0) -> date:
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def _last_days(count: int) -> Callable[[date, int], tuple[date, date]]:
    return lambda today, _: (today - timedelta(days=count - 1), today)


def _last_quarter(today: date, _: int) -> tuple[date, date]:
    start = _month_start(today, (today.month - 1) % 3)
    return _month_start(start, 3), start - timedelta(days=1)


def _week(today: date, week_start: int, back: int = 0) -> tuple[date, date]:
    start = today - timedelta(days=(today.weekday() - week_start) % 7 + 7 * back)
    return start, min(today, start + timedelta(days=6))


Days = Callable[[date, int], tuple[date, date]]

PRESETS: dict[str, tuple[str, Days | None, Back | None]] = {
    "24h": ("Last 24 hours", None, None),
    "today": ("Today", _last_days(1), None),
    "yesterday": ("Yesterday", lambda today, _: (today - timedelta(days=1), today - timedelta(days=1)), None),
    "7d": ("Last 7 days", _last_days(7), None),
    "14d": ("Last 14 days", _last_days(14), None),
    "30d": ("Last 30 days", _last_days(30), None),
    "90d": ("Last 90 days", _last_days(90), None),
    "week": ("This week", _week, Back(days=7)),
    "last-week": ("Last week", lambda today, week_start: _week(today, week_start, 1), None),
    "month": ("This month", lambda today, _: (_month_start(today), today), Back(months=1)),
    "last-month": (
        "Last month",
        lambda today, _: (_month_start(today, 1), _month_start(today) - timedelta(days=1)),
        Back(months=1),
    ),
    "quarter": ("This quarter", lambda today, _: (_month_start(today, (today.month - 1) % 3), today), Back(months=3)),
    "last-quarter": ("Last quarter", _last_quarter, Back(months=3)),
    "year": ("Year to date", lambda today, _: (date(today.year, 1, 1), today), Back(months=12)),
    "12m": ("Last 12 months", lambda today, _: (Back(months=12).day(today) + timedelta(days=1), today), Back(months=12)),
    "all": ("All time", None, None),
}
"""Preset -> its name, its first and last day from today and the first day of the week, and how far back its comparison lies, where
that is not as many days just before. All time is the data's."""


LAST_HOURS = {"24h": 24}
"""Presets that are no local days -> how many hours they are."""


def last_hours(hours: int, zone: str, now: datetime) -> LastHours:
    """The period of so many hours up to the running one."""
    start, info = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1), ZoneInfo(zone)
    last = start + timedelta(hours=hours, microseconds=-1)
    return LastHours(start.astimezone(info).date(), last.astimezone(info).date(), zone, now, hours=hours)


def preset_period(preset: str, zone: str, now: datetime, data: tuple[datetime, datetime] | None, week_start: int = 0) -> Period:
    """The period of a preset. ``data`` are the instants of the oldest and the newest request, which All time spans."""
    info = ZoneInfo(zone)
    today = now.astimezone(info).date()
    if preset in LAST_HOURS:
        return last_hours(LAST_HOURS[preset], zone, now)
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
