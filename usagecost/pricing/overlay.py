"""What holds for one model of a log, in one context: the own book over the price list, as rows of rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

from genai_prices.types import ModelPrice, TieredPrices
from genai_prices.types import Tier as ListTier

from usagecost.periods import DAY_US
from usagecost.pricing.book import Book, Discount, Ending, Entry, OwnPrice
from usagecost.pricing.contexts import PriceQuery, span_us, vendor_factors
from usagecost.pricing.names import Match, resolve
from usagecost.pricing.rates import ALL_DAY, NO_RATES, REQUESTS_PER_PRICE, judged, price_rows, rate_rows
from usagecost.pricing.units import PIECES, TOKENS, WHOLES

E = TypeVar("E", bound=Entry)
Ends = TypeVar("Ends", bound=Ending)

_FREE = ALL_DAY | NO_RATES | judged("free", "the model's name says that it is free")
"""The row of a model that is free by its name."""


def rates_of(query: PriceQuery, book: Book) -> Iterator[dict[str, Any]]:
    """The rows of RATES, without the names under which the log knows the model. Their spans do not overlap."""
    match = resolve(query.provider, query.model)
    aliases = _fitting(book.aliases, query, [match])
    matches = [match, *(alias.match for alias in aliases if not alias.ended)]  # an entry may also name what an alias means
    prices, discounts = _fitting(book.prices, query, matches), _fitting(book.discounts, query, matches)
    factors = _fitting((*vendor_factors(), *book.factors), query, matches) if query.context else []
    for first, after in pairwise(_edges((*prices, *aliases, *discounts, *factors))):
        if price := _last_on(first, prices):
            yield from _own_rows(price, query, first, after)
        elif query.model.lower().endswith(":free"):
            yield _FREE | span_us(first, after) | {"rate_id": f"{query.model}@always"}
        elif billed_match := (alias.match if (alias := _last_on(first, aliases)) else match):
            discount = _last_on(first, discounts)
            in_force = [factor for factor in reversed(factors) if factor.holds_on(first)]
            for row in rate_rows(billed_match, query.context, in_force):
                if clipped := _clipped(row, first, after):
                    yield _discounted(clipped, discount) if discount else clipped


def _fitting(entries: Sequence[E], query: PriceQuery, matches: Sequence[Match | None]) -> list[E]:
    """The entries that mean a model, which the price list knows as one of these, in the order of the book."""
    return [entry for entry in entries if any(entry.fits(query.provider, query.model, match) for match in matches)]


def _edges(entries: Sequence[Entry]) -> list[date]:
    """The days on which what holds may change, between the first and the last there is."""
    starts = {entry.since for entry in entries if entry.since}
    ends = {entry.until + timedelta(days=1) for entry in entries if entry.until and entry.until < date.max}
    return [date.min, *sorted((starts | ends) - {date.min, date.max}), date.max]


def _last_on(day: date, entries: Sequence[Ends]) -> Ends | None:
    """The entry that holds on a day; None also where the last one says that those before it have ended."""
    last = next((entry for entry in reversed(entries) if entry.holds_on(day)), None)
    return None if last is None or last.ended else last


def _clipped(row: dict[str, Any], first: date, after: date) -> dict[str, Any] | None:
    """The part of a row that lies between two days; None if there is none."""
    start, end = span_us(first, after).values()
    start, end = max(start, row["valid_from"]), min(end, row["valid_until"])
    return {**row, "valid_from": start, "valid_until": end} if start < end else None


def _discounted(row: dict[str, Any], discount: Discount) -> dict[str, Any]:
    """The same with rates less a discount; what is free stays free."""
    if row["rate_status"] in ("free", "unpriced"):
        return row
    remaining_share = 1 - discount.fraction
    rates = {name: round(value * remaining_share) for name, value in row.items() if name.endswith("_rate") and value is not None}
    pieces = [(name, round(rate * remaining_share)) for name, rate in row["piece_rates"]]
    reason = f"{discount.percent.normalize():f} % off the list price; {row['rate_reason']}"
    about = {"rate_status": "discount", "rate_discount": discount.fraction, "rate_reason": reason}
    return {**row, **rates, **about, "piece_rates": pieces}


def _own_rows(price: OwnPrice, query: PriceQuery, first: date, after: date) -> Iterator[dict[str, Any]]:
    factor = (price.batch if query.is_batch else Decimal(1)) * price.service_tier.get(query.service_tier or "", Decimal(1))
    price_name = f"{price.provider}/{price.model}" if price.provider else price.model
    for row in price_rows(_model_price(price, factor)):
        is_free = not row.pop("costs_anything")
        status, reason = ("free", "free by the own prices") if is_free else ("override", "own price")
        about = judged(status, reason, f"own:{price_name}@{price.since or 'always'}")
        yield ALL_DAY | about | span_us(first, after) | row


def _model_price(price: OwnPrice, factor: Decimal) -> ModelPrice:
    """An own price as the library would write it."""

    def tiered(name: str, base: Decimal) -> Decimal | TieredPrices:
        """A tier that says nothing of a kind of tokens leaves it at what it costs in the tier below."""
        tiers = [ListTier(tier.above_input, tier.rates_by_kind[name] * factor) for tier in price.tier if name in tier.rates_by_kind]
        return TieredPrices(base * factor, tiers) if tiers else base * factor

    rates = {f"{name}_mtok": tiered(name, base) for name, base in price.rates_by_kind.items()}
    if "cache_write_1h_mtok" in rates:  # what is not said costs what contains it
        rates.setdefault("cache_write_mtok", rates.get("input_mtok", Decimal(0)))
    if price.free:
        rates = {"input_mtok": Decimal(0), "output_mtok": Decimal(0)}
    if price.per_request is not None:
        rates["requests_kcount"] = price.per_request * factor * REQUESTS_PER_PRICE
    rates |= {PIECES[name].price_key: rate * factor * PIECES[name].per for name, rate in price.units.items()}
    return ModelPrice(**rates)


def rates_at(query: PriceQuery, book: Book, instant_us: int) -> dict[str, Decimal]:
    """USD for a million tokens of each kind that is priced apart, for a small request sent at an instant; none where unpriced.

    What a kind costs beyond what contains it is added up, so each is the whole rate of its tokens.
    """
    time_of_day = instant_us % DAY_US
    for row in rates_of(query, book):
        is_then = row["valid_from"] <= instant_us < row["valid_until"] and row["daily_from"] <= time_of_day < row["daily_until"]
        if is_then and row["input_above"] < 0:
            return {name: Decimal(rate).scaleb(-12) for name, rate in _whole_rates(row).items()}
    return {}


def _whole_rates(row: dict[str, Any]) -> dict[str, int]:
    rates: dict[str, int] = {}
    for count in TOKENS:
        if row[f"{count}_rate"] is not None:
            rates[count] = sum(row[f"{within}_rate"] or 0 for within in (*WHOLES[count], count))
    return rates
