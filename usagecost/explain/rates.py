"""What list costs of a model would have been at list prices as they stand: without tier, batch, speed and discounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import fsum

from usagecost.explain.divisia import ratio
from usagecost.explain.parts import Part


@dataclass(frozen=True)
class Charged:
    """What one kind of a model's tokens cost in one period: at ``book`` rates, ``undiscounted``, and at list cost."""

    tokens: float
    book: float
    undiscounted: float
    cost: float


def charged(parts: Sequence[Part], others: Sequence[Part], kind: int) -> Charged:
    """Returns the costs of a kind of tokens in a period; ``others`` are the parts of the same model in the other period.

    The book rate of what was asked in a special way is that of the same list price where it was asked in the ordinary way, in
    this period, else in the other one. If it never was, the rate cannot be told from the factor, and counts as the rate. Of what
    was free of charge, answered by the gateway's cache for example, it is the model's own.
    """
    if all(part.price_id is None and not part.discount and not part.is_free for part in parts):
        cost = fsum(float(part.costs[kind]) for part in parts)  # nothing tells the rates
        return Charged(fsum(part.tokens[kind] for part in parts), cost, cost, cost)
    rates, elsewhere = _rates(parts, kind), _rates(others, kind)
    book = fsum(_book(part, kind, rates, elsewhere) for part in parts if not part.is_free)
    paid = fsum(part.tokens[kind] for part in parts if not part.is_free)
    free = fsum(part.tokens[kind] for part in parts if part.is_free)
    at_book = book
    if free:
        at_book += free * (
            ratio(book, paid)
            or ratio(
                fsum(_book(part, kind, elsewhere, rates) for part in others if not part.is_free),
                fsum(part.tokens[kind] for part in others if not part.is_free),
            )
        )
    whole = fsum(_undiscounted(part, kind, _book(part, kind, rates, elsewhere)) for part in parts)
    cost = float(sum((part.costs[kind] for part in parts), Decimal(0)))
    return Charged(paid + free, at_book, whole, cost)


def _book(part: Part, kind: int, rates: dict[str, float], elsewhere: dict[str, float]) -> float:
    """The cost of a part's tokens at the list price as it stands, as far as that is known."""
    if part.price is None or (part.is_standard and part.discount < 1):
        return _undiscounted(part, kind, 0.0)
    rate = rates.get(part.price) or elsewhere.get(part.price)
    return part.tokens[kind] * rate if rate else _undiscounted(part, kind, 0.0)


def _undiscounted(part: Part, kind: int, book: float) -> float:
    """The cost of a part's tokens before its discount; where that is all of it, nothing says what it was but the book."""
    return float(part.costs[kind] / (1 - part.discount)) if part.discount < 1 else book


def _rates(parts: Iterable[Part], kind: int) -> dict[str, float]:
    """What a token costs at each list price where it was asked in the ordinary way."""
    costs: dict[str, list[float]] = {}
    tokens: dict[str, list[float]] = {}
    for part in parts:
        if part.is_standard and part.discount < 1 and part.price is not None and part.tokens[kind] > 0:
            costs.setdefault(part.price, []).append(_undiscounted(part, kind, 0.0))
            tokens.setdefault(part.price, []).append(part.tokens[kind])
    return {price: fsum(costs[price]) / fsum(tokens[price]) for price in costs if fsum(costs[price]) > 0}
