"""A check: whether a rule is broken now, for one subject; and the checks of a budget."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256

from usagecost.budgets import PERIODS, State
from usagecost.forecast import Forecast
from usagecost.vocabulary.formats import GAP, around, counted, percent, usd

ACTUAL, FORECAST, INCOMPLETE = "budget", "budget forecast", "budget without price"
LONGEST_SUBJECT = 200
_QUOTES = str.maketrans("<>", "‹›")
_CALLS = re.compile("@(?=everyone|here|channel|all)")


@dataclass(frozen=True)
class Check:
    """Whether a rule ``is_on`` for a subject, None where that is not known; ``title`` and ``body`` say so in words.

    An alert is one of its rule, subject, threshold and ``period``, the day on which this begins. One that ``lasts`` stays the same
    alert, in whatever period, until it is resolved.
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

    @property
    def id(self) -> str:
        """The alert's own id: it tells a repeated message from another one."""
        return sha256("\x00".join((self.rule, self.subject, self.threshold, self.period)).encode()).hexdigest()[:16]


def one_line(text: str) -> str:
    """What comes out of a log as a short line of printable characters, in which chats see no link and nobody who is called."""
    line = "".join(letter if letter.isprintable() else " " for letter in text.translate(_QUOTES))
    line = _CALLS.sub("@\u200b", line)
    return " ".join(line.split())[:LONGEST_SUBJECT]


def checks_of_budget(state: State) -> Iterator[Check]:
    """Yields the checks of a budget in its running period."""
    budget, used = state.budget, state.used
    share, period, tell = state.share(used), used.first.isoformat(), budget.tell
    at_least = f"≥{GAP}" if used.incomplete else ""
    spent = f"{at_least}{usd(used.usd)} of {usd(budget.amount)} used"
    body = f"{spent} ({at_least}{percent(share)}) in the {PERIODS[budget.period].lower()} from {_days(used.first, used.last)}."
    for threshold in budget.actual:
        limit = Decimal(threshold) / 100
        is_on = None if share is None else True if share >= limit else None if used.incomplete else False
        yield Check(ACTUAL, budget.name, str(threshold), period, is_on, f"Budget {budget.name}: {threshold}% used", body, tell)
    for threshold in budget.forecast:
        limit, ahead = Decimal(threshold) / 100, state.forecast_share
        is_on = None if ahead is None or share is None or share >= limit else ahead >= limit
        title = f"Budget {budget.name}: forecast to use {threshold}%"
        yield Check(FORECAST, budget.name, str(threshold), period, is_on, title, f"{body} {_forecast_text(state)}", tell)
    if budget.incomplete:
        count = counted(used.incomplete, "request")
        words = f"{count} of it {'has' if used.incomplete == 1 else 'have'} no full price, so the spend is a lower bound. {body}"
        title = f"Budget {budget.name}: spend is incomplete"
        yield Check(INCOMPLETE, budget.name, "", period, bool(used.incomplete), title, words, tell)


def _forecast_text(state: State) -> str:
    found = state.forecast
    return f"Forecast at its end: {around(found.total, found.margin)}." if isinstance(found, Forecast) else ""


def _days(first: date, last: date) -> str:
    return f"{first} to {last}"
