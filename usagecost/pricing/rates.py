"""Prices of the library as rows of rates: one row is a model's price for a span of time, a span of input and a context.

Rules of the library that the rows express (``genai_prices.types``):

- Of the dated or daily conditions the last that is active wins; when none is, the first price holds.
- A tier is chosen by the request's total input, and holds for all of its tokens: ``(input_above, input_up_to]``.
- Variants (batch, service tiers) override single rates; the first that matches wins, for each rate on its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from itertools import pairwise

import pyarrow as pa
from genai_prices.types import ModelInfo, ModelPrice, Provider, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from usagecost.schema import INSTANT

RATE_OF = {
    "input_rate": "input_mtok",
    "cache_read_rate": "cache_read_mtok",
    "cache_write_rate": "cache_write_mtok",
    "cache_write_1h_rate": "cache_write_1h_mtok",
    "input_audio_rate": "input_audio_mtok",
    "cached_audio_rate": "cache_audio_read_mtok",
    "output_rate": "output_mtok",
    "reasoning_rate": "output_reasoning_mtok",
    "output_audio_rate": "output_audio_mtok",
    "request_rate": "requests_kcount",
}
"""Column -> the library's price, in USD per million tokens (the last: per thousand requests). NULL: not priced apart."""

RATE = pa.decimal128(18, 12)
DAY_US = 86_400_000_000
NEVER_BEFORE, FOREVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
UNLIMITED = 2**62

RATES = pa.schema(
    [
        ("provider", pa.string()),  # as the log spells it
        ("model", pa.string()),  # as the log spells it
        ("is_batch", pa.bool_()),
        ("service_tier", pa.string()),
        ("valid_from", INSTANT),
        ("valid_to", INSTANT),  # exclusive
        ("day_from", pa.int64()),  # µs since UTC midnight
        ("day_to", pa.int64()),  # exclusive
        ("input_above", pa.int64()),
        ("input_up_to", pa.int64()),
        ("found", pa.string()),  # exact or alias
        ("found_id", pa.string()),
        *((name, RATE) for name in RATE_OF),
    ]
)


@dataclass(frozen=True)
class Window:
    """A stretch of time in which one price holds: between two instants, and on each day between two times (µs)."""

    start: datetime
    end: datetime
    day_from: int
    day_to: int

    @property
    def sample(self) -> datetime:
        """An instant within."""
        return max(self.start, NEVER_BEFORE + timedelta(days=1)) + timedelta(microseconds=self.day_from)


def prices_version() -> str:
    """The version of the price list."""
    return version("genai-prices")


def rate_rows(provider: Provider, model: ModelInfo, *, is_batch: bool, service_tier: str | None) -> list[dict]:
    """The rows of one model in one context, without the names under which a log knows it.

    Empty when the model has no price for anything that a request record counts.
    """
    rows = []
    context = _context(provider, model, is_batch, service_tier)
    for window in _windows(model):
        price = model.get_prices(window.sample, context)
        if not any(getattr(price, key) is not None for key in RATE_OF.values()):
            continue
        price_id = "+".join([f"{provider.id}/{model.id}@{_valid_from(model, window.sample)}", *context.values()])
        rows += [
            {
                "is_batch": is_batch,
                "valid_from": window.start,
                "valid_to": window.end,
                "day_from": window.day_from,
                "day_to": window.day_to,
                "input_above": above,
                "input_up_to": up_to,
                "found_id": price_id,
                **{name: _rate(getattr(price, key), above) for name, key in RATE_OF.items()},
            }
            for above, up_to in pairwise(_tier_edges(price))
        ]
    return rows


def _context(provider: Provider, model: ModelInfo, is_batch: bool, service_tier: str | None) -> dict[str, str]:
    """What the library calls the context of a price, as far as the model has prices for it.

    A model that a provider borrows from another one has one price in every context.
    """
    if not any(model is own for own in provider.models):
        return {}
    asked = {"processing": "batch"} if is_batch else {}
    asked |= {"service_tier": service_tier} if service_tier else {}
    known = {item for variant in model.price_variants or () for item in variant.when.items()}
    return dict(item for item in asked.items() if item in known)


def _conditions(model: ModelInfo) -> list[StartDateConstraint | TimeOfDateConstraint]:
    prices = [] if isinstance(model.prices, ModelPrice) else [price.constraint for price in model.prices]
    return [condition for condition in (*prices, *(variant.constraint for variant in model.price_variants or ())) if condition]


def _windows(model: ModelInfo) -> Iterator[Window]:
    """All stretches of time in which no condition of the model changes."""
    conditions = _conditions(model)
    dates = sorted({condition.start_date for condition in conditions if isinstance(condition, StartDateConstraint)})
    instants = [NEVER_BEFORE, *(datetime(day.year, day.month, day.day, tzinfo=UTC) for day in dates), FOREVER]
    times = {_day_us(at) for c in conditions if isinstance(c, TimeOfDateConstraint) for at in (c.start_time, c.end_time)}
    for start, end in pairwise(instants):
        for day_from, day_to in pairwise(sorted({0, *times, DAY_US})):
            yield Window(start, end, day_from, day_to)


def _day_us(at: time) -> int:
    utc = at if at.tzinfo is None else datetime.combine(date(1970, 1, 1), at).astimezone(UTC).time()
    return ((utc.hour * 60 + utc.minute) * 60 + utc.second) * 1_000_000 + utc.microsecond


def _valid_from(model: ModelInfo, instant: datetime) -> str:
    """The date from which the price of an instant holds; "always" where the library knows no earlier one."""
    dates = [condition.start_date for condition in _conditions(model) if isinstance(condition, StartDateConstraint)]
    return str(max((day for day in dates if day <= instant.date()), default="always"))


def _tier_edges(price: ModelPrice) -> list[int]:
    """Total inputs at which a rate changes, with both ends: of (lo, hi] all tokens cost the same."""
    starts = {tier.start for value in price.__dict__.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    return [-1, *sorted(starts), UNLIMITED]


def _rate(price: Decimal | TieredPrices | None, input_above: int) -> Decimal | None:
    """The rate of a tier. Some of the library's rates carry the noise of a float: twelve places are more than any means."""
    if isinstance(price, TieredPrices):
        passed = [tier.price for tier in price.tiers if tier.start <= input_above]
        price = passed[-1] if passed else price.base
    return None if price is None else round(price, 12)
