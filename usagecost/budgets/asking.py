"""How many budgets stand is asked in few questions: those that differ only in the values of one dimension share one.

Each question is one aggregate by day, which rollups answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from usagecost.budgets.budget import Budget
from usagecost.budgets.state import Day, Series, Span, State, first_day_asked, state_of
from usagecost.periods import Period, reporting_zone, week_start
from usagecost.queries import data_span, usage
from usagecost.vocabulary import measures_of
from usagecost.vocabulary.filters import Condition, Filters, Scope, View

MEASURES = measures_of(("spend_usd",))
BASIS = "best"
"""Budgets are of what was reported, and of the list price where nothing was."""

Values = tuple[str | None, ...]
DaysOfValue = defaultdict[str | None, dict[date, Day]]


@dataclass(frozen=True)
class Group:
    """Conditions that some budgets share, and the dimension, if any, in whose values they differ."""

    shared: Filters
    split: str | None


def view_of_now(lake: str, version: int, now: datetime, scope: Scope) -> View:
    """Returns a view of today in the reporting zone, of what somebody may see, which is all that budgets take from one."""
    zone = reporting_zone()
    today = now.astimezone(ZoneInfo(zone)).date()
    return View(lake, version, Period(today, today, zone, now, is_alone=True), "day", BASIS, week_start=week_start(), scope=scope)


def states(view: View, budgets: Sequence[Budget]) -> list[State]:
    """Returns how budgets stand now, in their order. Of the view its lake, version, scope, zone, week and instant count,
    nothing else.
    """
    zone = ZoneInfo(view.period.zone)
    now, today = view.period.now, view.period.now.astimezone(zone).date()
    span = data_span(view.lake, view.version, view.scope)
    oldest = span[0].astimezone(zone).date() if span else None
    series: dict[int, Series] = {}
    for scope, places in _scopes(budgets).items():
        of_scope = [budgets[place] for place in places]
        values = {place: _values(budgets[place], scope) for place in places}
        every = tuple(dict.fromkeys(value for place in places for value in values[place]))
        first = max(min(first_day_asked(one, today, view.week_start) for one in of_scope), oldest or date.min)
        days = _days_by_value(view, scope, every, (first, today))
        for place in places:
            series[place] = Series(_added([days.get(value, {}) for value in values[place]]), oldest)
    return [state_of(budget, series[place], today, now, view.period.zone, view.week_start) for place, budget in enumerate(budgets)]


def _scopes(budgets: Sequence[Budget]) -> dict[Group, list[int]]:
    """The questions, and the places of the budgets that each answers: the most common scope that a budget fits is its own."""
    able = [_able(budget) for budget in budgets]
    common = Counter(scope for scopes in able for scope in scopes)
    places: dict[Group, list[int]] = defaultdict(list)
    for place, scopes in enumerate(able):
        places[max(scopes, key=lambda scope: common[scope])].append(place)
    return places


def _able(budget: Budget) -> list[Group]:
    """The questions that can answer a budget: split by one of the dimensions that it names values of, or by none."""
    conditions = [one for one in budget.filters.conditions if isinstance(one, Condition)]
    including = [one for one in conditions if not one.excludes]
    scopes = [Group(Filters(tuple(other for other in conditions if other is not one)), one.dimension) for one in including]
    return scopes or [Group(budget.filters, None)]


def _values(budget: Budget, scope: Group) -> Values:
    """The values of the scope's dimension that a budget is about."""
    conditions = [one for one in budget.filters.conditions if isinstance(one, Condition)]
    return next((one.values for one in conditions if one.dimension == scope.split and not one.excludes), (None,))


def _days_by_value(view: View, scope: Group, values: Values, span: Span) -> DaysOfValue:
    """The days of each value that have requests; all under None where the scope has no dimension."""
    conditions = (Condition(scope.split, values),) if scope.split else ()
    period = Period(min(span), span[1], view.period.zone, view.period.now, is_alone=True)
    filters = Filters((*scope.shared.conditions, *conditions))
    day_view = replace(view, period=period, interval="day", basis=BASIS, filters=filters)
    answer = usage(day_view, scope.split, MEASURES, most=max(1, len(values)), compares=False)
    days = [date.fromisoformat(step.label) for step in answer.intervals]
    days_of: DaysOfValue = defaultdict(dict)
    names = ("value", "interval", "spend_usd", "requests", "incomplete_requests")
    for value, place, usd, requests, incomplete in zip(*(answer.cells[name].to_pylist() for name in names), strict=True):
        days_of[value][days[place]] = Day(usd, requests, incomplete)
    return days_of


def _added(series: Sequence[dict[date, Day]]) -> dict[date, Day]:
    """The days of several values together."""
    if len(series) == 1:
        return series[0]
    added: dict[date, Day] = {}
    for day, one in (item for days in series for item in days.items()):
        other = added.get(day)
        added[day] = one if other is None else _sum(one, other)
    return added


def _sum(one: Day, other: Day) -> Day:
    amounts = [day.usd for day in (one, other) if day.usd is not None]
    usd = sum(amounts, Decimal(0)) if amounts else None
    return Day(usd, one.requests + other.requests, one.incomplete + other.incomplete)
