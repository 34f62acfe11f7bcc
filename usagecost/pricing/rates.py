"""Prices as rows of rates: one row is a model's price for a way of asking, a span of time and a span of input.

The library's own rules (``genai_prices.types``) are asked, not restated, once within each span in which none of their
conditions changes: the last active of dated or daily prices holds, else the first; variants override single prices in their
context; the tier of a request's total input holds for all of its tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

import pyarrow as pa
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint, calc_unit_price

from usagecost.periods import DAY_US, EPOCH_DAY
from usagecost.pricing.book import Factor
from usagecost.pricing.contexts import FIRST, LAST, Context, ContextPrice, context_price, instant, span_us
from usagecost.pricing.names import Match
from usagecost.pricing.units import CONTAINING_PIECE, PIECES, REQUEST_KEY, TOKENS, UNITS, WHOLES, sign
from usagecost.schema import MONEY

REQUESTS_PER_PRICE = 1_000

ATTO = 10**18
"""Rates are whole atto-dollars (1e-18 USD) a token, so that costs are exact sums of integers. That is twelve decimals of a
price for a million tokens: more than any has, and less than the noise of those that once were floats (0.27999999999999997)."""

LEAST_SECONDS = {("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10}
"""Models of which the library bills no request for fewer seconds of audio."""

RATES = pa.schema(
    [
        ("provider", pa.string()),  # these six as the log says them
        ("model", pa.string()),
        ("is_batch", pa.bool_()),
        ("service_tier", pa.string()),
        ("speed", pa.string()),
        ("inference_region", pa.string()),
        ("valid_from", pa.int64()),  # UTC, µs since 1970
        ("valid_until", pa.int64()),  # exclusive
        ("daily_from", pa.int64()),  # µs since UTC midnight
        ("daily_until", pa.int64()),  # exclusive
        ("input_above", pa.int64()),  # of the request's total input, exclusive
        ("input_up_to", pa.int64()),
        ("rate_status", pa.string()),  # exact, alias, override, discount, free, or unpriced where the way of asking is not known
        ("rate_reason", pa.string()),
        ("rate_id", pa.string()),
        ("rate_discount", MONEY),  # fraction that the rates are less than listed
        ("request_rate", pa.int64()),  # atto-dollars, like the following
        *((f"{count}_rate", pa.int64()) for count in TOKENS),  # beyond the rates of the wholes; NULL: not priced apart from them
        ("piece_rates", pa.map_(pa.string(), pa.int64())),  # unit -> what one of it costs
        ("least_seconds", pa.int64()),  # of audio, that are billed at least
    ]
)

ALL_DAY = {"daily_from": 0, "daily_until": DAY_US, "rate_discount": None}
"""What a row says that holds at all times of the day and has no discount."""
NO_RATES = {
    "input_above": FIRST,
    "input_up_to": LAST,
    "request_rate": 0,
    "piece_rates": [],
    "least_seconds": None,
    **{f"{count}_rate": None for count in TOKENS},
}
"""The rates of a row by which nothing is billed."""


def judged(status: str, reason: str, rate_id: str | None = None) -> dict[str, str | None]:
    """What a row says of itself: its status, why, and which price it is."""
    return {"rate_status": status, "rate_reason": reason, "rate_id": rate_id}


def rate_rows(match: Match, context: Context, factors: Sequence[Factor]) -> Iterator[dict[str, Any]]:
    """The rows of RATES for one model and way of asking, without the names under which a log knows them.

    `factors` are those that hold, the last first. Spans do not overlap. There is none where the model has no price for anything:
    it is unpriced then, not free. Where the way of asking has no known price, the rows say so by their status.
    """
    for daily in pairwise(_change_times(match.model)):
        for span, priced in _priced_spans(match, daily[0], context, factors):
            about = ALL_DAY | span_us(*span) | {"daily_from": daily[0], "daily_until": daily[1]}
            if priced.price is None:
                yield about | NO_RATES | judged("unpriced", f"what {priced.unknown} costs is not known")
                continue
            rate_id = _rate_id(match, span[0], daily[0], priced.words)
            for row in price_rows(priced.price, LEAST_SECONDS.get((match.provider.id, match.model.id))):
                is_free = not row.pop("costs_anything")
                status, reason = ("free", "listed at no charge") if is_free else (match.status, _reason(match, priced))
                yield about | row | judged(status, reason, rate_id)


def price_rows(price: ModelPrice, least_seconds: int | None = None) -> Iterator[dict[str, Any]]:
    """The rates of one price, a row for each span of total input, and whether it `costs_anything`; none where it has no rate."""
    if any(value is not None for value in price.__dict__.values()):
        pieces = _piece_rates(price)
        for above, up_to in pairwise(_tier_edges(price)):
            yield {
                "input_above": above,
                "input_up_to": up_to,
                "costs_anything": _costs_anything(price, above),
                "piece_rates": list(pieces.items()),
                "least_seconds": least_seconds,
                **_rates(price, above),
            }


def _reason(match: Match, priced: ContextPrice) -> str:
    name = f"{match.provider.id}/{match.model.id}"
    origin = f"the log's name means {name} of the price list" if match.status == "alias" else f"{name} is in the price list"
    return "; ".join([origin, *priced.multiplied])


# ---- times


def _constraints(model: ModelInfo) -> list[StartDateConstraint | TimeOfDateConstraint]:
    """Every condition on the time of a request."""
    prices = [] if isinstance(model.prices, ModelPrice) else model.prices
    return [item.constraint for item in (*prices, *(model.price_variants or ())) if item.constraint]


def _priced_spans(
    match: Match, time_us: int, context: Context, factors: Sequence[Factor]
) -> Iterator[tuple[tuple[date, date], ContextPrice]]:
    """First day, day after the last, and the price between them at one time of day. Equal neighbours are one span."""
    changes = {constraint.start_date for constraint in _constraints(match.model) if isinstance(constraint, StartDateConstraint)}
    days = pairwise([date.min, *sorted(changes), date.max])
    for price, spans in groupby(days, lambda span: context_price(match, span[0], time_us, context, factors)):
        first, *_, last = [day for span in spans for day in span]
        yield (first, last), price


def _change_times(model: ModelInfo) -> list[int]:
    """Midnight, the times of day (µs, UTC) at which the model's price changes, and midnight."""
    daily = [constraint for constraint in _constraints(model) if isinstance(constraint, TimeOfDateConstraint)]
    return [*sorted({0, *(_day_us(at) for constraint in daily for at in (constraint.start_time, constraint.end_time))}), DAY_US]


def _day_us(at: time) -> int:
    """A time of day as µs since UTC midnight; without a zone it is meant as UTC."""
    utc = at if at.tzinfo is None else datetime.combine(EPOCH_DAY, at).astimezone(UTC).time()
    return ((utc.hour * 60 + utc.minute) * 60 + utc.second) * 1_000_000 + utc.microsecond


def _rate_id(match: Match, since: date, time_us: int, words: Sequence[str]) -> str:
    """What price this is: deepseek/deepseek-chat@always+00:30-16:30, openai/gpt-4o@2026-05-20+batch."""
    valid_from = "always" if since == date.min else since.isoformat()
    hours = _hours(match.model, since, time_us)
    return "+".join([f"{match.provider.id}/{match.model.id}@{valid_from}", *hours, *words])


def _hours(model: ModelInfo, day: date, time_us: int) -> list[str]:
    """The hours of the price of an instant, if it is one for hours of the day."""
    at = instant(day, time_us)
    prices = [] if isinstance(model.prices, ModelPrice) else model.prices
    active = [price.constraint for price in prices if price.constraint is None or price.constraint.active(at)]
    hours = active[-1] if active else None
    return [f"{_clock(hours.start_time)}-{_clock(hours.end_time)}"] if isinstance(hours, TimeOfDateConstraint) else []


def _clock(at: time) -> str:
    return f"{at:%H:%M}"


# ---- rates


def _tier_edges(price: ModelPrice) -> list[int]:
    """The total inputs above which a rate changes, between the least and the greatest."""
    starts = {tier.start for value in price.__dict__.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    return [-1, *sorted(starts), LAST]


def _rates(price: ModelPrice, input_above: int) -> dict[str, int | None]:
    """What one more of each count adds to the cost, in the tier that begins above an input.

    A token that is priced apart is billed at its own rate instead of the rates of the wholes it is counted in, so it adds the
    difference. One that is not stays in the whole: without a price for cache writes they cost what input does.
    """
    own = {count: _atto(price, UNITS[count].price_key, UNITS[count].per, input_above) for count in TOKENS}
    beyond = {
        f"{count}_rate": None
        if own[count] is None
        else sum(sign(whole, count) * (own[whole] or 0) for whole in (*WHOLES[count], count))
        for count in TOKENS
    }
    return beyond | {"request_rate": _atto(price, REQUEST_KEY, REQUESTS_PER_PRICE, input_above) or 0}


def _piece_rates(price: ModelPrice) -> dict[str, int]:
    """What one of each unit costs that is billed by the piece. One without a rate of its own costs what contains it costs."""
    own = {name: _atto(price, unit.price_key, unit.per, 0) for name, unit in PIECES.items()}
    rates = {name: rate if rate is not None else own.get(CONTAINING_PIECE.get(name, "")) for name, rate in own.items()}
    return {name: rate for name, rate in rates.items() if rate is not None}


def _atto(price: ModelPrice, key: str, per: int, input_above: int) -> int | None:
    value = getattr(price, key)
    return None if value is None else round(calc_unit_price(value, ATTO, input_above + 1, per))


def _costs_anything(price: ModelPrice, input_above: int) -> bool:
    """Whether any price of the tier is more than zero."""
    return any(calc_unit_price(value, Decimal(1), input_above + 1, 1) for value in price.__dict__.values() if value is not None)
