"""The rules beside budgets, each a few questions that rollups answer: models without a price, silent sources, unusual days.

What is usual of a day is told by the same measure as on the page Why. A day that does not stand out any more, as more of it is
known, resolves its alert.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from usagecost.alerts.checks import ACTUAL, FORECAST, INCOMPLETE, Check, checks_of_budget
from usagecost.budgets import BudgetFile, Rules, states
from usagecost.explain import Spike
from usagecost.periods import EPOCH, WHOLE, Interval, Period
from usagecost.queries import data_span, folds, usage
from usagecost.queries.folds import Usage
from usagecost.queries.unusual import (
    LEAST_REQUESTS,
    Causes,
    causes_of,
    causes_of_latency,
    failure_spikes,
    latency_spikes,
    outcomes,
    spikes_in,
)
from usagecost.vocabulary import DIMENSIONS, Sums, measures_of
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters, View
from usagecost.vocabulary.formats import counted, milliseconds, one_line, percent, usd

UNUSUAL, FAILURES, LATENCY = "unusual day", "unusual failures", "unusual latency"
ALL = "all requests"
USUAL_DAYS, ALERT_DAYS = 70, 3
"""Days up to now that say what is usual, and the last of them of which one may alert: the running one, and two for late data."""
BEFORE = {"model": "", "user": "user ", "team": "team ", "app": "app ", "key": "key "}
"""Dimension -> what is said before its values."""
P95 = "latency_p95_ms"
MEASURES = (*measures_of(("spend_usd",)), "successful", "failed", "timed_requests")

Spikes = Sequence[tuple[Interval, Spike]]
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


def unusual_days(view: View, rules: Rules) -> Iterator[Check]:
    """Yields a check of each of the last days and of each rule that is set: whether it is far above the usual."""
    if not (rules.unusual_days or rules.unusual_failures or rules.unusual_latency):
        return
    whole, zone = _recent_view(view, USUAL_DAYS), view.period.zone
    days = usage(whole, None, MEASURES, compares=False)
    if rules.unusual_days:
        spikes = spikes_in(days, "day", zone, with_running=True)
        yield from _checks(UNUSUAL, "spend", whole, days, spikes, rules)
    if rules.unusual_failures:
        yield from _checks(FAILURES, "failure rate", whole, days, failure_spikes(days, zone), rules)
    if rules.unusual_latency:
        yield from _checks(LATENCY, "latency", whole, days, latency_spikes(days, whole), rules)


def _checks(rule: str, what: str, whole: View, days: Usage, spikes: Spikes, rules: Rules) -> Iterator[Check]:
    """Checks of the last days; none of a day of which nothing is known."""
    high = {step.start: spike for step, spike in spikes if spike.excess > 0}
    rows = folds.rows(days.over_time)
    for place, step in enumerate(days.intervals):
        day = date.fromisoformat(step.label)
        if (whole.period.last - day).days >= ALERT_DAYS or step.is_ahead:
            continue
        on = f"{day} so far" if day == whole.period.last else f"{day}"
        if spike := high.get(step.start):
            numbers, body = _WORDS[rule](whole, rows, step, spike)
            yield Check(rule, ALL, "", day.isoformat(), True, f"Unusual {what} on {on}: {numbers}", body, rules.tell)
        elif _is_known(rule, rows[place]):
            yield Check(rule, ALL, "", day.isoformat(), False, "", f"The {what} of {on} is usual.", rules.tell)


def _is_known(rule: str, row: Sums) -> bool:
    """Whether enough is known of a day to say that it is usual."""
    if rule == UNUSUAL:
        return not row["incomplete_requests"]
    return outcomes(row) >= LEAST_REQUESTS if rule == FAILURES else (row["timed_requests"] or 0) >= LEAST_REQUESTS


def _spend_words(whole: View, _: Sequence[Sums], step: Interval, spike: Spike) -> tuple[str, str]:
    """How much was spent, against what, and what caused it."""
    return f"{usd(spike.amount)} against {usd(spike.usual)}", _cause(whole, step, spike, "spend_usd")


def _failure_words(whole: View, rows: Sequence[Sums], step: Interval, spike: Spike) -> tuple[str, str]:
    """The same of how many requests failed."""
    row = rows[spike.place]
    failed, finished = int(row["failed"] or 0), outcomes(row)
    body = f"{counted(failed, 'request')} of {finished:,} failed. "
    more = Spike(spike.place, failed, spike.usual * finished)
    return f"{percent(spike.amount)} against {percent(spike.usual)}", body + _cause(whole, step, more, "failed")


def _latency_words(whole: View, rows: Sequence[Sums], step: Interval, spike: Spike) -> tuple[str, str]:
    """The p95 latency of the day, exactly, against what is usual, and what is slower than usual."""
    day = date.fromisoformat(step.label)
    alone = Period(day, day, whole.period.zone, whole.period.now, is_alone=True)
    p95 = usage(replace(whole, period=alone, interval=WHOLE), None, (P95,), compares=False).totals[P95]
    timed = [int(row["timed_requests"] or 0) for row in rows]
    cause = _causes_text(causes_of_latency(whole, step, spike, timed)) or "No model or app stands out."
    body = f"5% of {counted(timed[spike.place], 'request')} took longer. {cause}"
    return f"p95 {milliseconds(p95)} against about {milliseconds(spike.usual)}", body


_WORDS = {UNUSUAL: _spend_words, FAILURES: _failure_words, LATENCY: _latency_words}


def _cause(whole: View, step: Interval, spike: Spike, measure: str) -> str:
    """The values that make most of a difference, in words."""
    causes = causes_of(whole, step, spike, lambda question, *args: question(*args), measure)
    return _causes_text(causes) or "No few values of a dimension make most of it."


def _causes_text(causes: Causes) -> str:
    """Cause: n, app etl."""
    cause = ", ".join(
        BEFORE[name] + " and ".join(NOT_REPORTED if value is None else one_line(value) for value in values)
        for name, values in causes
    )
    return f"Cause: {cause}." if cause else ""


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
