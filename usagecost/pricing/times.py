"""Days and times of day of prices, as whole microseconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

DAY_US = 86_400_000_000
FIRST, LAST = -(2**62), 2**62
"""Before and after every instant (µs) and every count."""


def instant(day: date, day_us: int) -> datetime:
    """A time of a UTC day."""
    return datetime.combine(day, _time(day_us), UTC)


def epoch_us(day: date) -> int:
    """The first instant of a UTC day, in µs since 1970."""
    return (day - date(1970, 1, 1)).days * DAY_US


def day_us(at: time) -> int:
    """A time of day as µs since UTC midnight; without a zone it is meant as UTC."""
    utc = at if at.tzinfo is None else datetime.combine(date(1970, 1, 1), at).astimezone(UTC).time()
    return ((utc.hour * 60 + utc.minute) * 60 + utc.second) * 1_000_000 + utc.microsecond


def _time(day_us: int) -> time:
    seconds, microsecond = divmod(day_us, 1_000_000)
    return time(seconds // 3600 % 24, seconds // 60 % 60, seconds % 60, microsecond)
