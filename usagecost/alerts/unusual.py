"""The rules of unusual days: what was spent, the failure rate or the latency stands out against the days before.

What is usual is told by the same measure as on the page Why. A day that does not stand out any more, as more of it is known,
resolves its alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from usagecost.alerts.checks import Check
from usagecost.budgets import Rules
from usagecost.explain import Spike
from usagecost.periods import WHOLE, Interval, Period
from usagecost.queries import folds, usage
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
from usagecost.vocabulary import Sums, measures_of
from usagecost.vocabulary.filters import NOT_REPORTED, Filters, View
from usagecost.vocabulary.formats import counted, milliseconds, one_line, percent, usd

UNUSUAL, FAILURES, LATENCY = "unusual day", "unusual failures", "unusual latency"
ALL = "all requests"
KNOWN_DAYS, ALERT_DAYS = 70, 3
"""Days up to now that say what is usual, and the last of them of which one may alert: the running one, and two for late data."""
BEFORE = {"model": "", "user": "user ", "team": "team ", "app": "app ", "key": "key "}
"""Dimension -> what is said before its values."""
P95 = "latency_p95_ms"
MEASURES = (*measures_of(("spend_usd",)), "successful", "failed", "timed_requests")

Spikes = Sequence[tuple[Interval, Spike]]


def unusual_days(view: View, rules: Rules) -> Iterator[Check]:
    """Yields a check of each of the last days and of each rule that is set: whether it is far above the usual."""
    if not (rules.unusual_days or rules.unusual_failures or rules.unusual_latency):
        return
    first = view.period.last - timedelta(days=KNOWN_DAYS - 1)
    period = Period(first, view.period.last, view.period.zone, view.period.now, is_alone=True)
    whole = replace(view, period=period, interval="day", basis="best", filters=Filters())
    days = usage(whole, None, MEASURES, compares=False)
    if rules.unusual_days:
        spikes = spikes_in(days, "day", period.zone, with_running=True)
        yield from _checks(UNUSUAL, "spend", whole, days, spikes, rules)
    if rules.unusual_failures:
        yield from _checks(FAILURES, "failure rate", whole, days, failure_spikes(days, period.zone), rules)
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
