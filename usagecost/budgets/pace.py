"""The periods of budgets, days of the calendar, and the even pace in them, by which every day has the same part of an amount."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from usagecost.budgets.budget import Budget, PeriodName
from usagecost.forecast import period_of
from usagecost.periods import Interval, local_midnight
from usagecost.vocabulary.filters import Condition, Filters

Span = tuple[date, date]
"""The first and the last day."""


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


def is_of(budget: Budget, filters: Filters) -> bool:
    """Returns whether a budget is about just the requests that pass the filters, as far as their conditions tell."""
    return _scope(budget.filters) == _scope(filters)


def is_within(budget: Budget, filters: Filters) -> bool:
    """Returns whether all requests that a budget is about pass the filters, as the conditions themselves say."""
    return all(isinstance(one, Condition) and _is_said(budget.filters, one) for one in filters.conditions)


def even_pace(budget: Budget, steps: Sequence[Interval], zone: str, week_start: int = 0) -> list[Decimal]:
    """Returns the USD of each interval: of one that is cut, the part of what is left of it; within a day as its time goes on."""
    return [_of_step(budget, step, zone, week_start) for step in steps]


def _of_step(budget: Budget, step: Interval, zone: str, week_start: int) -> Decimal:
    first = step.start.astimezone(ZoneInfo(zone)).date()
    last = (step.end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
    share = sum((_share_of_day(step, day, zone) / _days_of_period(budget, day, week_start) for day in days), Fraction(0))
    amount = Fraction(budget.amount) * share
    return Decimal(amount.numerator) / Decimal(amount.denominator)


def _share_of_day(step: Interval, day: date, zone: str) -> Fraction:
    """How much of a day lies in an interval; of one that the zone skipped, nothing."""
    start, end = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
    microsecond = timedelta(microseconds=1)
    within = (min(end, step.end) - max(start, step.start)) // microsecond
    return Fraction(within, (end - start) // microsecond) if end > start else Fraction(0)


def _days_of_period(budget: Budget, day: date, week_start: int) -> int:
    first, last = span_of(day, budget.period, week_start)
    return (last - first).days + 1


def _is_said(filters: Filters, condition: Condition) -> bool:
    """Whether filters let nothing through that a condition keeps out."""
    kind = condition.dimension, condition.excludes
    values_of = [
        set(one.values) for one in filters.conditions if isinstance(one, Condition) and (one.dimension, one.excludes) == kind
    ]
    return any(values >= {*condition.values} if condition.excludes else values <= {*condition.values} for values in values_of)


def _scope(filters: Filters) -> frozenset[object]:
    """The conditions, whatever the order of them and of their values."""
    return frozenset(
        (one.dimension, frozenset(one.values), one.excludes) if isinstance(one, Condition) else one for one in filters.conditions
    )
