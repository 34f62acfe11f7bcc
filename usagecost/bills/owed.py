"""What is owed: amounts in whole cents of lines, of teams and other parts of a month, and of shared costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import NamedTuple

from usagecost.bills.chargeback import Rule
from usagecost.bills.corrections import MEASURES, Group, UsageSums, added, pricing

ZERO = Decimal(0)


class Amount(NamedTuple):
    """Whole cents in USD, and the same in the statement's currency, which may be USD too."""

    usd: Decimal = ZERO
    other: Decimal = ZERO


NOTHING = Amount()
NO_SUMS: UsageSums = dict.fromkeys(MEASURES) | {"requests": 0}
"""Of no requests."""


class Bearer(NamedTuple):
    """Who owes a line: a team (None: not reported), or, by a rule of that name, the teams that it splits the line between."""

    rule: str | None
    team: str | None

    @property
    def place(self) -> tuple[bool, bool, str]:
        """What bearers are sorted by: teams by name, then rules."""
        return self.rule is not None, self.rule is None and self.team is None, self.rule or self.team or ""


@dataclass(frozen=True)
class Line:
    """What the requests of a group were in a month; with a ``cause``, what has changed of that. No amount: no cost is known."""

    month: date
    cause: str | None
    group: Group
    sums: UsageSums
    bearer: Bearer
    amount: Amount | None

    @property
    def pricing(self) -> UsageSums:
        """How many requests the amount is of, and how many of these have a price."""
        return self.sums if self.cause is None else pricing(self.sums)


@dataclass(frozen=True)
class Part:
    """What a value of a dimension, or a team, owes: of the month, of corrections, and of shared costs; ``sums`` of the month.

    ``corrected`` and ``shared`` are the `Line.pricing` of the other two.
    """

    value: str | None
    sums: UsageSums
    usage: Amount = NOTHING
    corrections: Amount = NOTHING
    allocated: Amount = NOTHING
    corrected: UsageSums = field(default_factory=NO_SUMS.copy)
    shared: UsageSums = field(default_factory=NO_SUMS.copy)

    @property
    def total(self) -> Amount:
        """All of it."""
        return sum_of((self.usage, self.corrections, self.allocated))

    @property
    def pricing(self) -> UsageSums:
        """The `Line.pricing` of all of it."""
        return added(added(self.sums, self.corrected), self.shared)


@dataclass(frozen=True)
class Pool:
    """The costs that a rule shares, of lines with that `pricing`, and what each team bears; nobody where no team has requests."""

    rule: Rule
    amount: Amount
    pricing: UsageSums
    shares: Mapping[str, Amount]


def owed(lines: Iterable[Line]) -> Amount:
    """Returns what lines come to."""
    return sum_of(line.amount for line in lines if line.amount)


def known_amount(amount: Amount | None, pricing: UsageSums) -> Amount | None:
    """Returns an amount, or None where nothing is known of it: it is 0 because none of its requests has a price."""
    is_unknown = pricing["requests"] and not pricing["priced_requests"]
    return None if is_unknown and amount and not amount.usd else amount


def sum_of(amounts: Iterable[Amount]) -> Amount:
    """Returns the sum of amounts."""
    both = list(amounts)
    return Amount(sum((one.usd for one in both), ZERO), sum((one.other for one in both), ZERO))


def pricing_of(lines: Iterable[Line]) -> UsageSums:
    """Returns the sums of lines of a month, or the counts of corrections."""
    return reduce(added, (line.pricing for line in lines), NO_SUMS)
