"""A check: whether a rule is broken now, for one subject; and the checks of a budget."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from usagecost.budgets import PERIODS, Budget, Spent, State
from usagecost.forecast import Forecast
from usagecost.vocabulary.formats import LOWER_BOUND, around, counted, percent, usd

ACTUAL, FORECAST, INCOMPLETE = "budget", "budget forecast", "budget without price"
LATE_DAYS = 3
"""Days of a period in which the one before is looked at too."""


@dataclass(frozen=True)
class Check:
    """Whether a rule ``is_on`` for a subject, None where that is not known; ``title`` and ``body`` say so in words.

    An alert is one of its rule, subject, threshold and ``period``, the day or instant at which this begins, and of what the
    threshold is ``of``. One that ``lasts`` stays the same alert, in whatever period, until it is resolved.
    """

    rule: str
    subject: str
    threshold: str
    period: str
    is_on: bool | None
    title: str
    body: str
    tell: tuple[str, ...]
    lasts: bool = False
    of: str = ""

    @property
    def id(self) -> str:
        """The alert's own id: it tells a repeated message from another one."""
        return _id(self.rule, self.subject, self.threshold, self.period, self.of)


def is_about(alert: Mapping[str, Any], budget: Budget) -> bool:
    """Whether an alert, a row of schema.ALERTS, was raised for a budget as it is now: of its name, amount and requests."""
    rule = alert["rule"]
    return rule in (ACTUAL, FORECAST, INCOMPLETE) and alert["id"] == _id(
        rule, budget.name, alert["threshold"], alert["period"], _of(budget, rule)
    )


def _id(rule: str, subject: str, threshold: str, period: str, of: str) -> str:
    parts = (rule, subject, threshold, period, *([of] if of else []))
    return sha256("\x00".join(parts).encode()).hexdigest()[:16]


def _of(budget: Budget, rule: str) -> str:
    """What a rule of a budget is of, which people may change under the same name: an amount, and requests where not all count."""
    scopes = [{name: sorted(set(values)) for name, values in sorted(scope.items())} for scope in (budget.only, budget.without)]
    amount = "" if rule == INCOMPLETE else f"{budget.amount.normalize():f}"
    return amount + (json.dumps(scopes) if any(scopes) else "")


def checks_of_budget(state: State) -> Iterator[Check]:
    """Yields the checks of a budget in its running period; in its first days also of what the one before used, for late data."""
    budget, used = state.budget, state.used
    yield from _actual_checks(state, used)
    if (used.last - timedelta(days=state.left) - used.first).days < LATE_DAYS:
        yield from (check for check in _actual_checks(state, state.before[0]) if check.is_on)
    share, period, body = state.share(used), used.first.isoformat(), _used_text(state, used)
    for threshold in budget.forecast:
        limit, ahead = Decimal(threshold) / 100, state.forecast_share
        is_on: bool | None = None  # not known, or told by what is used already
        if ahead is not None and share is not None and share < limit and (ahead >= limit or not state.is_forecast_at_least):
            is_on = ahead >= limit
        title = f"Budget {budget.name}: forecast to use {threshold:,}%"
        yield _check(budget, FORECAST, str(threshold), period, is_on, title, f"{body} {_forecast_text(state)}")
    if budget.incomplete:
        count = counted(used.incomplete, "request")
        words = f"{count} of it {'has' if used.incomplete == 1 else 'have'} no full price, so the spend is a lower bound. {body}"
        title = f"Budget {budget.name}: spend is incomplete"
        yield _check(budget, INCOMPLETE, "", period, bool(used.incomplete), title, words)


def _actual_checks(state: State, spent: Spent) -> Iterator[Check]:
    """A check for each threshold on what a period has used. What may be more than it seems is not off."""
    budget, share = state.budget, state.share(spent)
    for threshold in budget.actual:
        is_on = None if share is None else True if share >= Decimal(threshold) / 100 else None if spent.incomplete else False
        title, period = f"Budget {budget.name}: {threshold:,}% used", spent.first.isoformat()
        yield _check(budget, ACTUAL, str(threshold), period, is_on, title, _used_text(state, spent))


def _check(budget: Budget, rule: str, threshold: str, period: str, is_on: bool | None, title: str, body: str) -> Check:
    return Check(rule, budget.name, threshold, period, is_on, title, body, budget.tell, of=_of(budget, rule))


def _used_text(state: State, spent: Spent) -> str:
    at_least, amount = LOWER_BOUND if spent.incomplete else "", usd(state.budget.amount)
    words = f"{at_least}{usd(spent.usd)} of {amount} used ({at_least}{percent(state.share(spent))})"
    words = "No cost is known yet" if spent.usd is None else words
    if spent.first == spent.last:
        return f"{words} on {spent.first}."
    return f"{words} in the {PERIODS[state.budget.period].lower()} from {spent.first} to {spent.last}."


def _forecast_text(state: State) -> str:
    forecast = state.forecast
    at_least = LOWER_BOUND if state.is_forecast_at_least else ""
    return f"Forecast at its end: {at_least}{around(forecast.total, forecast.margin)}." if isinstance(forecast, Forecast) else ""
