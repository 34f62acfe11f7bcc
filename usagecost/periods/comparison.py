"""What a period is compared with: as many days before, the calendar's month before, or the same days a month or a year earlier."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from usagecost.periods.calendar import Period

BEFORE, MONTH, YEAR, NONE = "before", "month", "year", "none"
COMPARISONS = {BEFORE: "Previous period", MONTH: "A month earlier", YEAR: "A year earlier", NONE: "Nothing"}
"""What a reader may choose -> what it is called."""

_NAMES = {1: "month", 3: "quarter", 12: "year"}
MONTHS_OF = {MONTH: 1, YEAR: 12}

P = TypeVar("P", bound="Period")


@dataclass(frozen=True)
class Back:
    """How far back a comparison lies: so many hours or days, or months of the calendar, the one before or the same days earlier."""

    hours: int = 0
    days: int = 0
    months: int = 0
    is_calendars: bool = True

    def day(self, day: date) -> date:
        """The day that many days or months before; the last of its month where that is shorter."""
        if not self.months:
            return day - timedelta(days=self.days)
        year, month = divmod(day.year * 12 + day.month - 1 - self.months, 12)
        return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

    @property
    def words(self) -> str:
        """What it is called: the month before, the 30 days before, the same days a year earlier."""
        if self.months and not self.is_calendars:
            return f"the same days a {_NAMES[self.months]} earlier"
        if self.months:
            return f"the {_NAMES[self.months]} before"
        if self.hours:
            return f"the {self.hours} hours before"
        return "the day before" if self.days == 1 else f"the {self.days} days before"


def compared(period: P, choice: str) -> P:
    """The period with what a reader chose to compare it with."""
    if choice in MONTHS_OF:
        return replace(period, back=Back(months=MONTHS_OF[choice], is_calendars=False))
    return replace(period, is_alone=True) if choice == NONE else period
