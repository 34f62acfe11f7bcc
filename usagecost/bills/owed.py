"""What is owed: amounts in whole cents of lines, of teams and other parts of a month, and of shared costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
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


@dataclass(frozen=True)
class Owed:
    """What is owed, None where no cost is known, and the sums of the requests that it is of; of corrections their `pricing`."""

    amount: Amount | None = NOTHING
    sums: UsageSums = field(default_factory=NO_SUMS.copy)

    def __add__(self, other: Owed) -> Owed:
        return Owed(Amount(self.whole.usd + other.whole.usd, self.whole.other + other.whole.other), added(self.sums, other.sums))

    @property
    def whole(self) -> Amount:
        """The amount, 0 where no cost is known."""
        return self.amount or NOTHING

    @property
    def known(self) -> Amount | None:
        """The amount; None also where it is 0 because none of its requests has a price."""
        is_unknown = self.sums["requests"] and not self.sums["priced_requests"]
        return None if is_unknown and self.amount and not self.amount.usd else self.amount

    @property
    def is_at_least(self) -> bool:
        """Whether it is a lower bound, as a part of it has no price."""
        return bool(self.sums["incomplete_requests"])


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
    def owed(self) -> Owed:
        """The amount, and the requests that it is of."""
        return Owed(self.amount, self.sums if self.cause is None else pricing(self.sums))


@dataclass(frozen=True)
class Part:
    """What a value of a dimension, or a team, owes: for the month, for corrections, and of shared costs."""

    value: str | None
    usage: Owed
    corrections: Owed = Owed()
    allocated: Owed = Owed()

    @property
    def total(self) -> Owed:
        """All of it."""
        return self.usage + self.corrections + self.allocated


@dataclass(frozen=True)
class Pool:
    """The costs that a rule shares, and what each team bears of them; nobody does where no team has requests."""

    rule: Rule
    owed: Owed
    shares: Mapping[str, Owed]


def sum_of(parts: Iterable[Owed]) -> Owed:
    """Returns what some parts come to."""
    return sum(parts, Owed())
