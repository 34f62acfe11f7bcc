"""What can change a number, and what an explanation says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from math import fsum
from typing import TypeVar

from usagecost.explain.divisia import rounded
from usagecost.explain.parts import Model

Key = TypeVar("Key")


@dataclass(frozen=True)
class Effect:
    """A reason for a change: what a chart calls it, what a sentence says where it makes a number rise or fall, and its meaning."""

    name: str
    label: str
    more: str
    less: str
    help: str


EFFECTS = {
    effect.name: effect
    for effect in (
        Effect("came", "New models", "new", "new", "Models that had no request before."),
        Effect("went", "Models gone", "no longer used", "no longer used", "Models that have no request any more."),
        Effect("volume", "Requests", "more requests", "fewer requests", "More or fewer requests to the models of both periods."),
        Effect(
            "mix",
            "Mix",
            "a dearer mix of models",
            "a cheaper mix of models",
            "Other shares of the requests: of dear or cheap, large or small, slow or fast models.",
        ),
        Effect(
            "coverage",
            "Known cost",
            "more requests with a known cost",
            "fewer requests with a known cost",
            "A larger or smaller share of the requests has a known cost.",
        ),
        Effect("input_size", "Input size", "longer input", "shorter input", "Input tokens of a request."),
        Effect("output_size", "Output size", "longer output", "shorter output", "Output tokens of a request."),
        Effect("size", "Request size", "larger requests", "smaller requests", "Tokens of a request that no list price splits."),
        Effect(
            "cache_share", "Caching", "less caching", "more caching", "The share of the input that the prompt cache took or gave."
        ),
        Effect("units", "Other units", "more by the piece", "less by the piece", "Searches, seconds and the like."),
        Effect(
            "price",
            "Prices",
            "higher prices",
            "lower prices",
            "What a token costs at the list, or own, price; long input can be priced higher.",
        ),
        Effect(
            "factor",
            "Batch, tier, speed",
            "dearer ways of asking",
            "cheaper ways of asking",
            "How it was asked: batch, service tier, speed, region, off-peak hours, or answered by the gateway's cache.",
        ),
        Effect("discount", "Discounts", "smaller discounts", "larger discounts", "Negotiated discounts off the list price."),
        Effect(
            "reported",
            "Reported against list",
            "higher reported costs",
            "lower reported costs",
            "What logs report as the cost, in relation to the list cost of the same requests.",
        ),
        Effect(
            "within",
            "Same models",
            "slower answers of the same models",
            "faster answers of the same models",
            "Models that answer slower or faster than before.",
        ),
    )
}
"""In the order in which they are shown."""


@dataclass(frozen=True)
class Share:
    """What a model, and of it a ``kind`` of tokens, adds to an effect."""

    effect: str
    model: Model
    kind: str
    amount: float


@dataclass(frozen=True)
class Contribution:
    """An effect in numbers: its amount in the places of the metric, and the model and kind behind most of it, if they are."""

    effect: Effect
    amount: Decimal
    model: Model | None = None
    kind: str = ""


@dataclass(frozen=True)
class Explanation:
    """Why a number is not what it was before. The effects, none of which is 0, add up to its change."""

    before: Decimal
    now: Decimal
    effects: tuple[Contribution, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the number is nothing in both periods."""
        return not self.before and not self.now and not self.effects

    @property
    def change(self) -> Decimal:
        """By how much the number rose."""
        return self.now - self.before


MOST_OF_IT = 0.8
"""A model stands behind an effect if it makes at least this share of what moved."""


def explained(before: Decimal | float, now: Decimal | float, shares: Sequence[Share], places: int) -> Explanation:
    """Returns the explanation of a change that shares add up to, in so many places. It does not depend on the order of shares."""
    unit = Decimal(1).scaleb(-places)
    was, is_now = (Decimal(number).quantize(unit, ROUND_HALF_EVEN) for number in (before, now))
    amounts: dict[str, list[float]] = {}
    for share in shares:
        amounts.setdefault(share.effect, []).append(share.amount)
    parts = rounded(amounts, is_now - was, places)
    contributions = [
        Contribution(EFFECTS[name], parts[name], *_behind([share for share in shares if share.effect == name]))
        for name in EFFECTS
        if parts.get(name)
    ]
    return Explanation(was, is_now, tuple(contributions))


def _behind(shares: Sequence[Share]) -> tuple[Model | None, str]:
    """The model that most of an effect is of, and the kind of its tokens that most of that is of."""
    model = _most_of((share.model, share.amount) for share in shares)
    if model is None:
        return None, ""
    return model, _most_of((share.kind, share.amount) for share in shares if share.model == model) or ""


def _most_of(amounts: Iterable[tuple[Key, float]]) -> Key | None:
    """The one that makes nearly all of what moved; None if there is none."""
    sums: dict[Key, list[float]] = {}
    for key, amount in amounts:
        sums.setdefault(key, []).append(amount)
    moved = {key: abs(fsum(parts)) for key, parts in sums.items()}
    whole = fsum(moved.values())
    return next((key for key, amount in moved.items() if whole and amount >= MOST_OF_IT * whole), None)
