"""The rule of unusual days: what was spent stands out against the days before, by the same measure as on the page Why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from usagecost.alerts.checks import Check, one_line
from usagecost.budgets import Rules
from usagecost.explain import Spike, causes, find_spikes
from usagecost.periods import Period, local_midnight
from usagecost.queries import explained, usage
from usagecost.vocabulary.filters import NOT_REPORTED, Filters, View
from usagecost.vocabulary.formats import usd

UNUSUAL = "unusual day"
KNOWN_DAYS, ALERT_DAYS = 70, 3
"""Days up to now that say what is usual, and the last of them of which one may alert: the running one, and two for late data."""
SHARE_DAYS = 28
"""Days before an unusual one that say how values mostly share what is spent."""
CAUSES = {"model": "", "user": "user ", "team": "team ", "app": "app ", "key": "key "}
"""What can cause it -> what is said before its values."""


def unusual_days(view: View, rules: Rules) -> Iterator[Check]:
    """Yields a check of each of the last days whose spend is far above the usual."""
    first = view.period.last - timedelta(days=KNOWN_DAYS - 1)
    period = Period(first, view.period.last, view.period.zone, view.period.now, is_alone=True)
    whole = replace(view, period=period, interval="day", basis="best", filters=Filters())
    answer = usage(whole, None, ("spend_usd",), compares=False)
    amounts = [0.0] * len(answer.intervals)
    for place, usd_of_day in zip(*(answer.cells[name].to_pylist() for name in ("interval", "spend_usd")), strict=True):
        amounts[place] = float(usd_of_day or 0)
    days = [date.fromisoformat(step.label) for step in answer.intervals]
    for spike in find_spikes(amounts, [day.weekday() for day in days], 7):
        day = days[spike.place]
        if spike.excess <= 0 or len(days) - spike.place > ALERT_DAYS:
            continue
        so_far = " so far" if day == view.period.last else ""
        title = f"Unusual spend on {day}{so_far}: {usd(spike.amount)} against {usd(spike.usual)}"
        cause = _cause(whole, day, spike)
        body = f"Cause: {cause}." if cause else "No few values of a dimension make most of it."
        yield Check(UNUSUAL, "all requests", "", day.isoformat(), True, title, body, rules.tell)


def _cause(view: View, day: date, spike: Spike) -> str:
    """The smallest set of values that makes most of an excess, in words; "" where there is none."""
    start, end = (local_midnight(one, view.period.zone) for one in (day, day + timedelta(days=1)))
    before = local_midnight(day - timedelta(days=SHARE_DAYS), view.period.zone), start
    amounts = {name: explained.against(view, name, (start, end), before) for name in CAUSES}
    return ", ".join(
        CAUSES[name] + " and ".join(NOT_REPORTED if value is None else one_line(value) for value in values)
        for name, values in causes(spike, amounts)
    )
