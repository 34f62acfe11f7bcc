"""The periods of budgets: days of the calendar, first and last included."""

from __future__ import annotations

from datetime import date, timedelta

from usagecost.budgets.budget import PeriodName
from usagecost.forecast import period_of

Span = tuple[date, date]
"""The first and the last day."""

DAYS: dict[PeriodName, int] = {"day": 1, "week": 7}


def span_of(day: date, period: PeriodName, week_start: int = 0) -> Span:
    """Returns the first and the last day of the period that a day is in. Weeks begin on Monday (0), or another weekday."""
    if period == "day":
        return day, day
    if period == "week":
        first = day - timedelta(days=(day.weekday() - week_start) % 7)
        return first, first + timedelta(days=6)
    return period_of(day, period)


def spans_before(day: date, period: PeriodName, count: int, week_start: int = 0) -> list[Span]:
    """Returns the periods before the one that a day is in, the newest first."""
    spans = [span_of(day, period, week_start)]
    for _ in range(count):
        spans.append(span_of(spans[-1][0] - timedelta(days=1), period, week_start))
    return spans[1:]
