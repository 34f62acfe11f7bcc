"""How a budget stands: its periods and their even pace, what was spent in the running one and those before, where it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from usagecost.budgets.budget import Budget, PeriodName
from usagecost.forecast import PERIODS as FORECAST_PERIODS
from usagecost.forecast import Forecast, TooLittle, forecast, period_of
from usagecost.periods import Interval, local_midnight
from usagecost.queries.forecasts import FITTED_DAYS, HISTORY_DAYS
from usagecost.vocabulary.filters import Condition, Filters

Span = tuple[date, date]
"""The first and the last day."""
BEFORE = 3
"""Periods before the running one that are shown."""


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


@dataclass(frozen=True)
class Day:
    """What the requests of a day cost in USD, None if nothing is known of it. Of ``incomplete`` ones a cost is missing."""

    usd: Decimal | None = None
    requests: int = 0
    incomplete: int = 0


NO_REQUESTS = Day(Decimal(0))


@dataclass(frozen=True)
class Series:
    """The days that have requests, of all from ``oldest``, the first of which the lake has any; None: it is empty."""

    days: Mapping[date, Day]
    oldest: date | None

    def spent(self, span: Span) -> Spent:
        """What was spent in a period."""
        days = [self.days[day] for day in _days(span) if day in self.days]
        amounts = [day.usd for day in days if day.usd is not None]
        is_before = self.oldest is None or span[1] < self.oldest
        usd = None if is_before or (days and not amounts) else sum(amounts, Decimal(0))
        since = self.oldest if self.oldest and span[0] < self.oldest <= span[1] else None
        return Spent(*span, usd, sum(day.requests for day in days), sum(day.incomplete for day in days), since)

    def forecast(self, today: date, period: str) -> Forecast | TooLittle:
        """Where the running month, quarter or year ends: what `queries.forecasts` says of the same requests."""
        earliest = today - timedelta(days=HISTORY_DAYS[period])
        first = min((day for day, one in self.days.items() if one.requests and day >= earliest), default=today)
        past = [self.days.get(day, NO_REQUESTS).usd for day in _days((first, today - timedelta(days=1)))]
        return forecast(past, first, self.days.get(today, NO_REQUESTS).usd, period, with_errors=False)


@dataclass(frozen=True)
class Spent:
    """What was spent from ``first`` to ``last``: None if nothing is known of it. ``incomplete`` requests lack a cost, so it is a
    lower bound. ``since``: the lake's first day, if that is later than the period's.
    """

    first: date
    last: date
    usd: Decimal | None
    requests: int
    incomplete: int
    since: date | None = None


@dataclass(frozen=True)
class State:
    """A budget in its running period: what is ``used``, ``pace``, the share of the period that is over, and the days ``left``.

    ``before`` are the three periods before, the newest first. ``forecast`` is None for days and weeks, which have none;
    it ``is_forecast_at_least`` where costs are missing in what it is made of.
    """

    budget: Budget
    used: Spent
    before: tuple[Spent, ...]
    pace: float
    left: int
    forecast: Forecast | TooLittle | None
    is_forecast_at_least: bool = False

    def share(self, spent: Spent) -> Decimal | None:
        """What a period used of the amount; None if that is not known."""
        return None if spent.usd is None else spent.usd / self.budget.amount

    @property
    def forecast_share(self) -> Decimal | None:
        """What the period will have used of the amount; None where there is no forecast."""
        return Decimal(self.forecast.total) / self.budget.amount if isinstance(self.forecast, Forecast) else None


def state_of(budget: Budget, series: Series, today: date, now: datetime, zone: str, week_start: int = 0) -> State:
    """Returns how a budget stands at an instant, which is of the day ``today`` in the reporting zone."""
    span = span_of(today, budget.period, week_start)
    before = spans_before(today, budget.period, BEFORE, week_start)
    start, end = local_midnight(span[0], zone), local_midnight(span[1] + timedelta(days=1), zone)
    return State(
        budget,
        series.spent(span),
        tuple(series.spent(one) for one in before),
        pace=min(1.0, (now - start) / (end - start)),
        left=(span[1] - today).days,
        forecast=series.forecast(today, budget.period) if budget.period in FORECAST_PERIODS else None,
        is_forecast_at_least=any(
            one.incomplete for day, one in series.days.items() if day >= min(before[0][0], today - timedelta(days=FITTED_DAYS))
        ),
    )


def first_day_asked(budget: Budget, today: date, week_start: int = 0) -> date:
    """Returns the first day that the state of a budget is made of."""
    before = spans_before(today, budget.period, BEFORE, week_start)[-1][0]
    return min(before, today - timedelta(days=HISTORY_DAYS.get(budget.period, 0)))


def _days(span: Span) -> list[date]:
    return [span[0] + timedelta(days=place) for place in range((span[1] - span[0]).days + 1)]
