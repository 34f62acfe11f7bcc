"""Prices of the library as rows of rates: one row is a model's price for a context, a span of time and a span of input.

The library's own rules (``genai_prices.types``) are asked, not restated, once within each span in which none of their
conditions changes: the last active of dated or daily prices holds, else the first; variants override single prices in their
context; the tier of a request's total input holds for all of its tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby, pairwise

import pyarrow as pa
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint, calc_unit_price

from usagecost.pricing.names import Match
from usagecost.schema import MONEY

PART_OF: dict[str, str | None] = {
    "input_tokens": None,
    "cache_read_tokens": "input_tokens",
    "cache_write_tokens": "input_tokens",
    "cache_write_1h_tokens": "cache_write_tokens",
    "input_audio_tokens": "input_tokens",
    "output_tokens": None,
    "output_reasoning_tokens": "output_tokens",
    "output_audio_tokens": "output_tokens",
}
"""What a record counts -> the count that contains it. Images, searches, hours and the like it does not count."""

PRICE_KEY = {count: count.replace("_tokens", "_mtok") for count in PART_OF}
REQUEST_KEY = "requests_kcount"
TOKENS_PER_PRICE, REQUESTS_PER_PRICE = 1_000_000, 1_000

ATTO = 10**18
"""Rates are whole atto-dollars (1e-18 USD) a token, so that costs are exact sums of integers. That is twelve decimals of a
price for a million tokens: more than any has, and less than the noise of those that once were floats (0.27999999999999997)."""

DAY_US = 86_400_000_000
FIRST, LAST = -(2**62), 2**62
"""Before and after every instant (µs) and every count."""

RATES = pa.schema(
    [
        ("provider", pa.string()),  # these four as the log says them
        ("model", pa.string()),
        ("is_batch", pa.bool_()),
        ("service_tier", pa.string()),
        ("valid_from", pa.int64()),  # UTC, µs since 1970
        ("valid_until", pa.int64()),  # exclusive
        ("daily_from", pa.int64()),  # µs since UTC midnight
        ("daily_until", pa.int64()),  # exclusive
        ("input_above", pa.int64()),  # of the request's total input, exclusive
        ("input_up_to", pa.int64()),
        ("rate_status", pa.string()),  # exact, alias, override, discount or free
        ("rate_id", pa.string()),
        ("rate_discount", MONEY),  # fraction that the rates are less than listed
        ("request_rate", pa.int64()),  # atto-dollars, like the following
        *((f"{count}_rate", pa.int64()) for count in PART_OF),  # beyond the rate of the whole; NULL: not priced apart from it
    ]
)


def rate_rows(match: Match, *, is_batch: bool, service_tier: str | None) -> Iterator[dict[str, object]]:
    """The rows of RATES for one model in one context, without the names under which a log knows it.

    Their spans do not overlap. There is none where the model has no price for anything that a record counts: it is unpriced
    then, not free.
    """
    context = _context(match, is_batch, service_tier)
    for daily in pairwise(_times_of_change(match.model)):
        for span, price in _priced_spans(match.model, daily[0], context):
            for row in price_rows(price):
                yield {
                    "valid_from": FIRST if span[0] == date.min else epoch_us(span[0]),
                    "valid_until": LAST if span[1] == date.max else epoch_us(span[1]),
                    "daily_from": daily[0],
                    "daily_until": daily[1],
                    "rate_status": match.status if row.pop("costs_anything") else "free",
                    "rate_id": _rate_id(match, span[0], daily[0], context),
                    "rate_discount": None,
                    **row,
                }


def price_rows(price: ModelPrice) -> Iterator[dict[str, object]]:
    """The rates of one price, a row for each span of total input, and whether it `costs_anything`.

    There is none where nothing that a record counts has a price.
    """
    if any(getattr(price, key) is not None for key in (*PRICE_KEY.values(), REQUEST_KEY)):
        for above, up_to in pairwise(_tier_edges(price)):
            costs_anything = _costs_anything(price, above)
            yield {"input_above": above, "input_up_to": up_to, "costs_anything": costs_anything, **_rates(price, above)}


# ---- contexts and times


def _context(match: Match, is_batch: bool, service_tier: str | None) -> dict[str, str]:
    """What the library calls the context of a price. A provider that borrows another's model has no prices by context."""
    if not any(match.model is own for own in match.provider.models):
        return {}
    return ({"processing": "batch"} if is_batch else {}) | ({"service_tier": service_tier} if service_tier else {})


def _constraints(model: ModelInfo) -> list[StartDateConstraint | TimeOfDateConstraint]:
    """Every condition on the time of a request."""
    prices = [] if isinstance(model.prices, ModelPrice) else model.prices
    return [item.constraint for item in (*prices, *(model.price_variants or ())) if item.constraint]


def _priced_spans(model: ModelInfo, day_us: int, context: dict[str, str]) -> Iterator[tuple[tuple[date, date], ModelPrice]]:
    """First day, day after the last, and the price between them at one time of day. Equal neighbours are one span."""
    changes = {constraint.start_date for constraint in _constraints(model) if isinstance(constraint, StartDateConstraint)}
    days = pairwise([date.min, *sorted(changes), date.max])
    for price, spans in groupby(days, lambda span: model.get_prices(_instant(span[0], day_us), context)):
        first, *_, last = [day for span in spans for day in span]
        yield (first, last), price


def _times_of_change(model: ModelInfo) -> list[int]:
    """Midnight, the times of day (µs, UTC) at which the model's price changes, and midnight."""
    daily = [constraint for constraint in _constraints(model) if isinstance(constraint, TimeOfDateConstraint)]
    return [*sorted({0, *(_day_us(at) for constraint in daily for at in (constraint.start_time, constraint.end_time))}), DAY_US]


def _day_us(at: time) -> int:
    """A time of day as µs since UTC midnight; without a zone it is meant as UTC."""
    utc = at if at.tzinfo is None else datetime.combine(date(1970, 1, 1), at).astimezone(UTC).time()
    return ((utc.hour * 60 + utc.minute) * 60 + utc.second) * 1_000_000 + utc.microsecond


def _instant(day: date, day_us: int) -> datetime:
    return datetime.combine(day, _time(day_us), UTC)


def _time(day_us: int) -> time:
    seconds, microsecond = divmod(day_us, 1_000_000)
    return time(seconds // 3600 % 24, seconds // 60 % 60, seconds % 60, microsecond)


def epoch_us(day: date) -> int:
    """The first instant of a UTC day, in µs since 1970."""
    return (day - date(1970, 1, 1)).days * DAY_US


def _rate_id(match: Match, since: date, day_us: int, context: dict[str, str]) -> str:
    """What price this is: deepseek/deepseek-chat@always+00:30-16:30, openai/gpt-4o@2026-05-20+batch."""
    at = _instant(since, day_us)
    standard = match.model.get_prices(at)
    variants = [value for key, value in context.items() if match.model.get_prices(at, {key: value}) != standard]
    valid_from = "always" if since == date.min else since.isoformat()
    return "+".join([f"{match.provider.id}/{match.model.id}@{valid_from}", *_hours(match.model, at), *variants])


def _hours(model: ModelInfo, at: datetime) -> list[str]:
    """The hours of the price of an instant, if it is one for hours of the day."""
    prices = [] if isinstance(model.prices, ModelPrice) else model.prices
    active = [price.constraint for price in prices if price.constraint is None or price.constraint.active(at)]
    hours = active[-1] if active else None
    return [f"{hours.start_time:%H:%M}-{hours.end_time:%H:%M}"] if isinstance(hours, TimeOfDateConstraint) else []


# ---- rates


def _tier_edges(price: ModelPrice) -> list[int]:
    """The total inputs above which a rate changes, between the least and the greatest."""
    starts = {tier.start for value in price.__dict__.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    return [-1, *sorted(starts), LAST]


def _rates(price: ModelPrice, input_above: int) -> dict[str, int | None]:
    """What one token more of each count adds to the cost, in the tier that begins above an input.

    A token that is priced apart is billed at its own rate instead of the rate of the whole it is counted in, so it adds the
    difference. One that is not stays in the whole: without a price for cache writes they cost what input does.
    """

    def rate(key: str, per: int) -> int | None:
        value = getattr(price, key)
        return None if value is None else round(calc_unit_price(value, ATTO, input_above + 1, per))

    own = {count: rate(key, TOKENS_PER_PRICE) for count, key in PRICE_KEY.items()}
    beyond = {
        f"{count}_rate": None if own[count] is None else own[count] - (own[whole] or 0 if whole else 0)
        for count, whole in PART_OF.items()
    }
    return beyond | {"request_rate": rate(REQUEST_KEY, REQUESTS_PER_PRICE) or 0}


def _costs_anything(price: ModelPrice, input_above: int) -> bool:
    """Whether any price of the tier is more than zero, be it for what a record does not count."""
    return any(calc_unit_price(value, Decimal(1), input_above + 1, 1) for value in price.__dict__.values())
