"""The rule of unusual days: what was spent stands out against the days before, by the same measure as on the page Why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from usagecost.alerts.checks import Check, one_line
from usagecost.budgets import Rules
from usagecost.periods import Period
from usagecost.queries import usage
from usagecost.queries.unusual import causes_of, spikes_in
from usagecost.vocabulary.filters import NOT_REPORTED, Filters, View
from usagecost.vocabulary.formats import usd

UNUSUAL = "unusual day"
KNOWN_DAYS, ALERT_DAYS = 70, 3
"""Days up to now that say what is usual, and the last of them of which one may alert: the running one, and two for late data."""
BEFORE = {"model": "", "user": "user ", "team": "team ", "app": "app ", "key": "key "}
"""Dimension -> what is said before its values."""


def unusual_days(view: View, rules: Rules) -> Iterator[Check]:
    """Yields a check of each of the last days whose spend is far above the usual."""
    first = view.period.last - timedelta(days=KNOWN_DAYS - 1)
    period = Period(first, view.period.last, view.period.zone, view.period.now, is_alone=True)
    whole = replace(view, period=period, interval="day", basis="best", filters=Filters())
    answer = usage(whole, None, ("spend_usd",), compares=False)
    for step, spike in spikes_in(answer, "day", period.zone, with_running=True):
        day = date.fromisoformat(step.label)
        if spike.excess <= 0 or (view.period.last - day).days >= ALERT_DAYS:
            continue
        so_far = " so far" if day == view.period.last else ""
        title = f"Unusual spend on {day}{so_far}: {usd(spike.amount)} against {usd(spike.usual)}"
        cause = ", ".join(
            BEFORE[name] + " and ".join(NOT_REPORTED if value is None else one_line(value) for value in values)
            for name, values in causes_of(whole, step, spike, lambda question, *asked: question(*asked))
        )
        body = f"Cause: {cause}." if cause else "No few values of a dimension make most of it."
        yield Check(UNUSUAL, "all requests", "", day.isoformat(), True, title, body, rules.tell)
