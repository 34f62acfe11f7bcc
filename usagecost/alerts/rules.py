"""The rules beside budgets, each a few questions that rollups answer: new models without a price, silent sources, new spenders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from usagecost.alerts.checks import ACTUAL, FORECAST, INCOMPLETE, Check, checks_of_budget
from usagecost.alerts.unusual import FAILURES, LATENCY, UNUSUAL, unusual_days
from usagecost.budgets import BudgetFile, Rules, states
from usagecost.periods import EPOCH, WHOLE, Period
from usagecost.queries import data_span, usage
from usagecost.queries.folds import Usage
from usagecost.vocabulary import DIMENSIONS, measures_of
from usagecost.vocabulary.filters import Condition, Filters, View
from usagecost.vocabulary.formats import counted, one_line, usd

UNPRICED, SILENT, NEW = "unpriced model", "silent source", "new spender"
RULES = {
    ACTUAL: "Budget used",
    FORECAST: "Budget forecast",
    INCOMPLETE: "Budget without prices",
    UNPRICED: "New model without a price",
    SILENT: "Silent source",
    NEW: "New user or key",
    UNUSUAL: "Unusual spend",
    FAILURES: "Unusual failure rate",
    LATENCY: "Unusual latency",
}
"""Rule -> what it is called."""

RECENT_DAYS, KNOWN_DAYS = 7, 30
"""Days up to now in which something is new, and those before in which it was not there."""
REGULAR_DAYS = 3
"""A source that was heard on fewer days of those was never expected to go on."""
MOST_NEW = 500


def all_checks(view: View, file: BudgetFile) -> Iterator[Iterator[Check]]:
    """Yields the checks of all that the file asks for, now, those of a rule together. Of the view its lake, version, zone and
    instant count.
    """
    rules = file.alerts
    yield _budgets(view, file)
    if rules.unpriced_models:
        yield _unpriced_models(view, rules)
    if rules.silent_hours:
        yield _silent_sources(view, rules, timedelta(hours=rules.silent_hours))
    if rules.new_above:
        for dimension in ("user", "key"):
            yield _new_spenders(view, rules, dimension, rules.new_above)
    yield unusual_days(view, rules)


def _budgets(view: View, file: BudgetFile) -> Iterator[Check]:
    """The checks of all budgets."""
    for state in states(view, file.budget):
        yield from checks_of_budget(state)


def _unpriced_models(view: View, rules: Rules) -> Iterator[Check]:
    """One check a model that has requests of late: whether it is new, and has some without a list price."""
    answer = _recent(view, "model", ("unpriced_requests",), KNOWN_DAYS + RECENT_DAYS, rank="unpriced_requests")
    days = [step.label for step in answer.intervals]
    days_of: dict[str | None, list[tuple[str, int]]] = defaultdict(list)
    for value, place, count in _cells(answer, "unpriced_requests"):
        days_of[value].append((days[place], count))
    for value, counted_days in days_of.items():
        if value is None:
            continue
        unpriced, total = [day for day, count in counted_days if count], sum(count for _, count in counted_days)
        first, is_new = min(unpriced, default=""), min(counted_days)[0] >= days[-RECENT_DAYS:][0]
        is_on = (True if is_new else None) if unpriced else False
        model, has = one_line(value), "has" if total == 1 else "have"
        body = f"{counted(total, 'request')} of {model} {has} no list price since {first}: set one on the page Prices."
        body = body if first else f"{model} has no requests without a price any more."
        yield Check(UNPRICED, model, "", first, is_on, f"New model without a price: {model}", body, rules.tell, lasts=True)


def _silent_sources(view: View, rules: Rules, limit: timedelta) -> Iterator[Check]:
    """One check a source. A silent one is on if it was heard on several days of the month before; one that is heard is off."""
    instants_of: dict[str | None, list[int]] = defaultdict(list)
    for value, _, last_us in _cells(_recent(view, "source", ("last_seen_us",), KNOWN_DAYS + limit.days), "last_seen_us"):
        instants_of[value].append(last_us)
    for value, instants in instants_of.items():
        if value is None:
            continue
        source, last = one_line(value), EPOCH + timedelta(microseconds=max(instants))
        local = last.astimezone(ZoneInfo(view.period.zone))
        is_on = (True if len(instants) >= REGULAR_DAYS else None) if view.period.now - last > limit else False
        words = f"Its newest request is of {local:%Y-%m-%d %H:%M} ({view.period.zone})."
        title = f"No data from {source} for {rules.silent_hours} h"
        yield Check(SILENT, source, "", f"{last:%Y-%m-%dT%H:%MZ}", is_on, title, words, rules.tell, lasts=True)


def _new_spenders(view: View, rules: Rules, dimension: str, least: Decimal) -> Iterator[Check]:
    """One check a user, or key, that was never seen before the last days and has cost enough since."""
    span = data_span(view.lake, view.version, view.scope)
    zone = ZoneInfo(view.period.zone)
    first = view.period.today - timedelta(days=RECENT_DAYS - 1)
    oldest = span[0].astimezone(zone).date() if span else first
    if oldest >= first:
        return  # everybody is new to a new lake
    recent_view = replace(_recent_view(view, RECENT_DAYS), interval=WHOLE)
    recent = usage(recent_view, dimension, measures_of(("spend_usd",)), compares=False)
    spent = {value: usd for value, _, usd in _cells(recent, "spend_usd") if value is not None and usd is not None and usd >= least}
    values = tuple(sorted(spent, key=lambda value: -spent[value])[:MOST_NEW])
    if not values:
        return
    before = Period(oldest, first - timedelta(days=1), view.period.zone, view.period.now, is_alone=True)
    earlier = replace(view, period=before, interval=WHOLE, basis="best", filters=Filters((Condition(dimension, values),)))
    seen_before = {value for value, *_ in _cells(usage(earlier, dimension, ("requests",), compares=False), "requests")}
    for value in values:
        if value not in seen_before:
            name, label = one_line(value), DIMENSIONS[dimension].label
            body = f"First seen since {first}, and {usd(spent[value])} spent since then."
            yield Check(
                NEW, f"{dimension} {name}", "", "", True, f"New {label.lower()} {name}: {usd(spent[value])}", body, rules.tell
            )


def _recent(view: View, split: str, measures: tuple[str, ...], days: int, rank: str = "requests") -> Usage:
    return usage(_recent_view(view, days), split, ("requests", *measures), rank=rank, compares=False)


def _recent_view(view: View, days: int) -> View:
    """The last days up to now, by day and without filters."""
    period = Period(
        view.period.today - timedelta(days=days - 1), view.period.today, view.period.zone, view.period.now, is_alone=True
    )
    return replace(view, period=period, interval="day", basis="best", filters=Filters())


def _cells(answer: Usage, measure: str) -> Iterator[tuple]:
    """Each value that is named, the place of the interval, and the measure in it."""
    columns = (answer.cells[name].to_pylist() for name in ("value", "interval", measure, "is_other"))
    return ((value, place, amount) for value, place, amount, is_other in zip(*columns, strict=True) if not is_other)
