"""What a reconciliation says: cells, each with both sides and what explains the difference, and their sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

ZERO = Decimal(0)


def month_of(first: date) -> date:
    """Returns the first day of the month in which a line of a bill counts as a whole, by the line's first day.

    What begins in a month and ends in the next one is of the month in which it begins, here and in files for finance: what is paid
    for a year ahead stands in the month that it was bought in, not in one to come.
    """
    return first.replace(day=1)


def month_after(day: date) -> date:
    """Returns the first day of the month after that of a day."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


@dataclass(frozen=True)
class Cause:
    """Something that makes a bill differ from the logs."""

    label: str
    help: str


NOT_LOGGED, NOT_YET, PRICE, CACHE, FACTOR, TAX, CREDIT, ROUNDING, REST = (
    "not_logged", "not_yet", "price", "cache", "factor", "tax", "credit", "rounding", "rest",
)  # fmt: skip

ONLY_OURS = "only in our logs"
"""Of what usage is unexplained that the bill has nothing of."""

CAUSES = {
    NOT_LOGGED: Cause("Not in our logs", "Days, keys, models and tokens that only the bill has"),
    NOT_YET: Cause("Not in the bill yet", "Our days that no statement covers"),
    PRICE: Cause("Price", "Their rate for a kind of tokens against ours, at our tokens"),
    CACHE: Cause("Cache counted otherwise", "The same input, split otherwise into uncached input, cache reads and cache writes"),
    FACTOR: Cause("Tier or region factor", "All rates are a known multiple of ours: batch, a service tier, a region"),
    TAX: Cause("Tax", "Lines of taxes, which no request has"),
    CREDIT: Cause("Credits and refunds", "Credits, refunds, commitments and adjustments, which no request has"),
    ROUNDING: Cause(
        "Rounding", "What the last digits of the bill's lines and of our costs allow: half of one for a line, less for each of many"
    ),
    REST: Cause("Unexplained", "None of these, or usage that only our logs have"),
}
"""What explains a difference, in the order in which it is told."""


@dataclass(frozen=True)
class Effect:
    """What one cause adds to a difference, in USD. ``of``: the kind of tokens, or what is not logged, or which factor; else ""."""

    cause: str
    of: str
    amount: Decimal


@dataclass(frozen=True)
class Cell:
    """One model of a provider on a UTC day, or on the longer span of a line of the bill; without a model, lines that name none.

    ``scope`` is the key or project where both sides tell it. ``theirs`` and ``ours`` are USD; ``incomplete`` of our ``requests``
    have no full price. ``effects`` add up to the difference, exactly.
    """

    provider: str
    model: str | None
    scope: str | None
    first: date
    last: date
    theirs: Decimal
    ours: Decimal
    requests: int
    incomplete: int
    effects: tuple[Effect, ...]

    @property
    def difference(self) -> Decimal:
        """By how much the bill is above our logs."""
        return self.theirs - self.ours

    @property
    def month(self) -> date:
        """The first day of the month to which it belongs."""
        return month_of(self.first)

    @property
    def is_usage(self) -> bool:
        """Whether it is about usage: taxes and credits stand apart."""
        return all(effect.cause not in (TAX, CREDIT) for effect in self.effects)

    def amount_of(self, cause: str) -> Decimal:
        """What a cause adds to the difference."""
        return sum((effect.amount for effect in self.effects if effect.cause == cause), ZERO)

    @property
    def main(self) -> Effect | None:
        """The cause that explains most of the difference, and of what it is if that is one thing; None where there is none."""
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for effect in self.effects:
            amounts[effect.cause] += effect.amount
        if not amounts:
            return None
        cause = max(amounts, key=lambda name: abs(amounts[name]))
        of = {effect.of for effect in self.effects if effect.cause == cause}
        return Effect(cause, of.pop() if len(of) == 1 else "", amounts[cause])


@dataclass(frozen=True)
class CellSums:
    """Cells together. ``unexplained`` adds up sizes, so that what is too much and what is too little do not cancel out.

    ``billed`` is ``theirs`` before credits and refunds.
    """

    theirs: Decimal
    billed: Decimal
    ours: Decimal
    incomplete: int
    effects: Mapping[str, Decimal]
    unexplained: Decimal

    @property
    def difference(self) -> Decimal:
        """By how much the bill is above our logs."""
        return self.theirs - self.ours

    @property
    def explained(self) -> Decimal | None:
        """The share of what is billed that is explained, between 0 and 1; None where nothing is billed."""
        return max(ZERO, 1 - self.unexplained / self.billed) if self.billed else None

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> CellSums:
        """The sums of some cells."""
        theirs = billed = ours = unexplained = ZERO
        incomplete, effects = 0, dict.fromkeys(CAUSES, ZERO)
        for cell in cells:
            theirs, ours, incomplete = theirs + cell.theirs, ours + cell.ours, incomplete + cell.incomplete
            billed += max(cell.theirs, ZERO)
            for effect in cell.effects:
                effects[effect.cause] += effect.amount
            unexplained += abs(cell.amount_of(REST))
        return cls(theirs, billed, ours, incomplete, effects, unexplained)


@dataclass(frozen=True)
class Unmatched:
    """Lines of a month in a currency without a rate: they are compared with nothing."""

    provider: str
    currency: str
    month: date
    lines: int
    amount: Decimal


@dataclass(frozen=True)
class UnknownKey:
    """A key (or project) that a bill names and our requests do not, with what it is billed in a month."""

    provider: str
    month: date
    key: str
    amount: Decimal


@dataclass(frozen=True)
class OneScope:
    """A provider's usage of a month is billed of one account, project or key alone, and our requests do not say which are its own.

    ``what`` is the narrowest of these that the bill names, ``name`` what it calls it.
    """

    provider: str
    month: date
    what: str
    name: str


@dataclass(frozen=True)
class Reconciliation:
    """Bills beside requests. ``names``: provider and model of a cell -> those that our logs call so, for what leads to requests.

    ``scopes``: provider -> key or project, where lines are matched by it; ``unknown_keys`` are those of the bill alone then.
    ``of_one`` are the bills of one account, project or key that are compared with all requests of their provider for all that.
    ``unnamed``: the first day of a month -> how many requests that cost something, or may have, name no provider.
    """

    cells: tuple[Cell, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
    names: Mapping[tuple[str, str | None], tuple[tuple[str, str | None], ...]] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    unknown_keys: tuple[UnknownKey, ...] = ()
    of_one: tuple[OneScope, ...] = ()
    unnamed: Mapping[date, int] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """About how many bytes it takes, for caches."""
        return 1000 * len(self.cells)

    def by_month(self) -> dict[date, dict[str, CellSums]]:
        """The sums of each provider in each month, the newest month and the dearest provider first."""
        cells_of: dict[date, dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
        for cell in self.cells:
            cells_of[cell.month][cell.provider].append(cell)
        sums = {
            month: {name: CellSums.of(cells) for name, cells in of.items()} for month, of in sorted(cells_of.items(), reverse=True)
        }
        return {month: dict(sorted(of.items(), key=lambda item: (-item[1].theirs, item[0]))) for month, of in sums.items()}

    def of_month(self, month: date) -> tuple[Cell, ...]:
        """The cells of the month that begins on a day."""
        return tuple(cell for cell in self.cells if cell.month == month)


def worst(cells: Iterable[Cell], most: int = 10) -> list[Cell]:
    """The cells of usage with the largest differences, the largest first."""
    usage = (cell for cell in cells if cell.is_usage)
    ranked = sorted(usage, key=lambda cell: (-abs(cell.difference), cell.first, cell.provider, cell.model or "", cell.scope or ""))
    return [cell for cell in ranked[:most] if cell.difference]
