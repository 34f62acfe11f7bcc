"""When a report is due: every day, on a weekday, or on a day of the month, at a time of the reporting zone's clocks."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from usagecost.periods.calendar import WEEKDAYS

DAILY, MONTHLY = "daily", "monthly"
RANGES = {DAILY: "yesterday", MONTHLY: "last-month"}
WEEKLY_RANGE = "last-week"
"""The preset that a report is of where nothing else is asked for: what has just ended."""
_FORM = re.compile(rf"(?P<when>{DAILY}|{MONTHLY}-(?P<day>\d\d?)|{'|'.join(WEEKDAYS)})-(?P<hour>\d\d?):(?P<minute>\d\d)")


@dataclass(frozen=True)
class Schedule:
    """``when``: daily, monthly or a weekday; ``day`` of the month, its last one where that is shorter; ``at`` a local time.

    A time that the clocks skip is the instant at which it would have been by the clock before; of one that comes twice, the first.
    """

    when: str
    at: time
    day: int = 0

    @property
    def preset(self) -> str:
        """The range of a report where none is asked for."""
        return RANGES.get(self.when, WEEKLY_RANGE)

    def last(self, now: datetime, zone: str) -> datetime:
        """Returns the newest instant, up to now, at which a report was due."""
        return self._nearest(now, zone, -1)

    def next(self, now: datetime, zone: str) -> datetime:
        """Returns the first instant after now at which a report is due."""
        return self._nearest(now, zone, 1)

    def _nearest(self, now: datetime, zone: str, step: int) -> datetime:
        info = ZoneInfo(zone)
        today = now.astimezone(info).date()
        days = (today + timedelta(days=step * number) for number in count(-1))  # a time of today may be of another day's clocks
        instants = (datetime.combine(day, self.at, info).astimezone(UTC) for day in days if self._is_on(day))
        return next(instant for instant in instants if (instant > now if step > 0 else instant <= now))

    def _is_on(self, day: date) -> bool:
        if self.when == MONTHLY:
            return day.day == min(self.day, calendar.monthrange(day.year, day.month)[1])
        return self.when == DAILY or day.weekday() == WEEKDAYS.index(self.when)


def parse_schedule(text: str) -> Schedule:
    """Returns what monday-09:00, daily-09:00 or monthly-1-09:00 says; raises ValueError with a sentence."""
    match = _FORM.fullmatch(text.strip().lower())
    hour, minute, day = (int(match[name] or 0) for name in ("hour", "minute", "day")) if match else (24, 0, 0)
    if not match or hour > 23 or minute > 59 or (match["day"] and not 1 <= day <= 31):
        raise ValueError(f"--every {text} is no time: write it as monday-09:00, daily-09:00 or monthly-1-09:00.")
    return Schedule(match["when"].partition("-")[0], time(hour, minute), day)
