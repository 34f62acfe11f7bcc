"""The periods that have names: so many days or hours up to now, a calendar's week, month, quarter or year, and all time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from usagecost.periods.calendar import Period


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
    def timeless(self) -> Period:
        """The same instants: they are the same all through the running hour."""
        return replace(self, now=self.end - timedelta(hours=1))

    @property
    def previous(self) -> tuple[datetime, datetime] | None:
        """The same number of hours before, cut as far into the last one as the clock is now."""
        if self.is_all_time:
            return None
        return self.start - timedelta(hours=self.hours), min(self.now - timedelta(hours=self.hours), self.start)


def _month_start(day: date, back: int = 0) -> date:
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def _last_days(count: int) -> Callable[[date, int], tuple[date, date]]:
    return lambda today, _: (today - timedelta(days=count - 1), today)


PRESETS: dict[str, tuple[str, Callable[[date, int], tuple[date, date]] | None]] = {
    "today": ("Today", _last_days(1)),
    "yesterday": ("Yesterday", lambda today, _: (today - timedelta(days=1), today - timedelta(days=1))),
    "7d": ("Last 7 days", _last_days(7)),
    "14d": ("Last 14 days", _last_days(14)),
    "30d": ("Last 30 days", _last_days(30)),
    "90d": ("Last 90 days", _last_days(90)),
    "week": ("This week", lambda today, week_start: (today - timedelta(days=(today.weekday() - week_start) % 7), today)),
    "month": ("This month", lambda today, _: (_month_start(today), today)),
    "last-month": ("Last month", lambda today, _: (_month_start(today, 1), _month_start(today) - timedelta(days=1))),
    "quarter": ("This quarter", lambda today, _: (_month_start(today, (today.month - 1) % 3), today)),
    "year": ("Year to date", lambda today, _: (date(today.year, 1, 1), today)),
    "all": ("All time", None),
}
"""Preset -> its name, and its first and last day from today and the first day of the week. All time is the data's."""


LAST_HOURS: dict[str, tuple[str, int]] = {"24h": ("Last 24 hours", 24)}
"""Presets that are no local days -> their name and how many hours they are."""


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
        return last_hours(LAST_HOURS[preset][1], zone, now)
    span = PRESETS[preset][1]
    if span is not None:
        return Period(*span(today, week_start), zone, now)
    oldest, newest = (instant.astimezone(info).date() for instant in data) if data else (today, today)
    return Period(oldest, max(oldest, newest), zone, now, is_all_time=True)
