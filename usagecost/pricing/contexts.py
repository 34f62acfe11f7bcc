"""Ways of asking that change a price: batch, service tier, speed and region; and what a vendor charges for them.

What the price list has for a way of asking holds. Before the day on which its entries begin, and for what it leaves out, a small
dated table of the vendors' own words stands in, `factors.toml`, and over it the factors of the organisation's book. A way of
asking of which neither knows what it costs leaves a request without a price: it may halve it or double it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

from genai_prices.types import ModelPrice, PriceVariant, StartDateConstraint, TieredPrices
from genai_prices.types import Tier as ListTier

from usagecost.periods import DAY_US, EPOCH_DAY, moment
from usagecost.pricing.book import Factor, parse_book
from usagecost.pricing.names import Match

FIRST, LAST = -(2**62), 2**62
"""Before and after every instant (µs) and every count."""

STANDARD = {
    "service_tier": {"default", "standard", "auto", "standard_only", "on_demand", "normal"},
    "speed": {"standard", "normal"},
    "inference_region": {"global", "not_available"},
}
"""Words that logs use for asking in the ordinary way."""

SYNONYMS = {"service_tier": {"on_demand_priority": "priority", "on_demand_flex": "flex"}}
"""Words of logs -> the words of the price list."""

CONTEXT_LABELS = {"processing": "processing by", "service_tier": "service tier", "speed": "speed", "inference_region": "region"}

Context = Mapping[str, str]
"""What the price list calls the way of asking -> its value: {"processing": "batch"}. Empty for the ordinary way."""


def instant(day: date, day_us: int) -> datetime:
    """A time of a UTC day."""
    return moment(epoch_us(day) + day_us)


def epoch_us(day: date) -> int:
    """The first instant of a UTC day, in µs since 1970."""
    return (day - EPOCH_DAY).days * DAY_US


def span_us(first: date, after: date) -> dict[str, int]:
    """The instants (µs) between which a row of rates holds, of two days; the first and the last of all days leave it open."""
    return {
        "valid_from": FIRST if first == date.min else epoch_us(first),
        "valid_until": LAST if after == date.max else epoch_us(after),
    }


class ContextPrice(NamedTuple):
    """The price of a model for one way of asking; None where it is not known, and then `unknown` says which word is not.

    `words` are those that the price depends on, `multiplied` says which factors were used.
    """

    price: ModelPrice | None
    unknown: str = ""
    words: tuple[str, ...] = ()
    multiplied: tuple[str, ...] = ()


@cache
def vendor_factors() -> tuple[Factor, ...]:
    """The table of the vendors' factors."""
    return parse_book((Path(__file__).parent / "factors.toml").read_text(encoding="utf-8")).factors


@dataclass(frozen=True)
class PriceQuery:
    """A model and the way of asking, as a log has them."""

    provider: str | None
    model: str
    is_batch: bool = False
    service_tier: str | None = None
    speed: str | None = None
    inference_region: str | None = None

    @property
    def context(self) -> Context:
        """The way of asking in the words of the price list, without what is ordinary."""
        values = {name: (getattr(self, name) or "").strip().lower() for name in STANDARD}
        words = {name: SYNONYMS.get(name, {}).get(word, word) for name, word in values.items() if word not in ("", *STANDARD[name])}
        is_batch = self.is_batch
        if words.get("service_tier") == "batch":  # what Anthropic calls it
            del words["service_tier"]
            is_batch = True
        return ({"processing": "batch"} if is_batch else {}) | words


def context_price(match: Match, day: date, day_us: int, context: Context, factors: Sequence[Factor]) -> ContextPrice:
    """The price at a time of day for one way of asking. `factors` are those that hold then, the last of each kind first."""
    model, at = match.model, instant(day, day_us)
    listed = {name: word for name, word in context.items() if _is_listed(match, name, word, at)}
    price = model.get_prices(at, listed)
    used_words, multiplied = [], []
    for name, word in context.items():
        if name in listed:
            used_words.append(word)
            continue
        factor = next((candidate for candidate in factors if candidate.means(name, word)), None)
        if factor is None and name == "inference_region" and not _has_regions(match):
            continue
        used_words.append(word)
        later = _later_price(match, name, word, at) if factor and not listed else None
        if later is not None:
            price = later
            multiplied.append(f"{CONTEXT_LABELS[name]} {word} as the list has it for later days")
        elif factor is not None and factor.factor is not None:
            price = multiply(price, factor.factor)
            multiplied.append(f"{CONTEXT_LABELS[name]} {word} at {factor.factor.normalize():f} times the list price")
        else:
            return ContextPrice(None, f"{CONTEXT_LABELS[name]} {word}")
    return ContextPrice(price, "", tuple(used_words), tuple(multiplied))


def multiply(price: ModelPrice, factor: Decimal) -> ModelPrice:
    """The same price with its rates of tokens multiplied; what is billed by the piece stays."""

    def times(value: Decimal | TieredPrices) -> Decimal | TieredPrices:
        if isinstance(value, TieredPrices):
            return TieredPrices(value.base * factor, [ListTier(tier.start, tier.price * factor) for tier in value.tiers])
        return value * factor

    rates = {key: value for key, value in price.__dict__.items() if value is not None}
    return ModelPrice(**{key: times(value) if key.endswith("_mtok") else value for key, value in rates.items()})


def _variants(match: Match, name: str, word: str) -> list[PriceVariant]:
    """What the list says of a model for a word. A provider that borrows another's model has no prices by context."""
    is_own = any(match.model is own for own in match.provider.models)
    return [variant for variant in match.model.price_variants or () if variant.when.get(name) == word] if is_own else []


def _is_listed(match: Match, name: str, word: str, at: datetime) -> bool:
    return any(variant.constraint is None or variant.constraint.active(at) for variant in _variants(match, name, word))


def _later_price(match: Match, name: str, word: str, at: datetime) -> ModelPrice | None:
    """What the list has for a word from a later day, if the standard price is still the same then."""
    starts = [
        variant.constraint.start_date
        for variant in _variants(match, name, word)
        if isinstance(variant.constraint, StartDateConstraint)
    ]
    later = instant(min(starts), 0) if starts else None
    if later is None or later <= at or match.model.get_prices(later) != match.model.get_prices(at):
        return None
    return match.model.get_prices(later, {name: word})


def _has_regions(match: Match) -> bool:
    """Whether a provider charges by region what the list does not have as names of models."""
    return any(factor.inference_region and factor.fits(match.provider.id, match.model.id, match) for factor in vendor_factors())
