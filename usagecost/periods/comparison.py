"""What a period is compared with: as many days before, the calendar's month before, or the same days a month or a year earlier."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

BEFORE, MONTH, YEAR, NONE = "before", "month", "year", "none"
COMPARISONS = {BEFORE: "Previous period", MONTH: "A month earlier", YEAR: "A year earlier", NONE: "Nothing"}
"""What a reader may choose -> what it is called."""

MONTHS_OF = {MONTH: 1, YEAR: 12}


@dataclass(frozen=True)
class Back:
    """How far back a comparison lies: so many hours or days, or months of the calendar."""

    hours: int = 0
    days: int = 0
    months: int = 0

    def day(self, day: date) -> date:
        """The day that many days or months before; the last of its month where that is shorter."""
        if not self.months:
            return day - timedelta(days=self.days)
        year, month = divmod(day.year * 12 + day.month - 1 - self.months, 12)
        return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

    @property
    def words(self) -> str:
        """What hours are called."""
        return f"the {self.hours} hours before"
