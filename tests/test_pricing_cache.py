"""What caching saves and what it costs extra: the difference to the same input not cached."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.priced import priced, table_of

SONNET = {"provider": "anthropic", "model": "claude-sonnet-4-0"}  # per million: 3 input, 0.3 read, 3.75 write, 6 write 1 h
MODELS = (
    SONNET,
    {"provider": "anthropic", "model": "claude-sonnet-4-5"},  # twice as much above 200,000
    {"provider": "openai", "model": "gpt-4o"},  # no price for writes: they are input
    {"provider": "google", "model": "gemini-2.5-pro"},
    {"provider": "deepseek", "model": "deepseek-chat"},
)


Economics = tuple[Decimal | None, Decimal | None, Decimal | None]
"""List cost, saved by reads, extra for writes."""


def economics(**request: Any) -> Economics:
    """Of one request."""
    return economics_of(request)[0]


def economics_of(*requests: dict[str, Any]) -> list[Economics]:
    """Of each request."""
    rows = priced(table_of(*requests)).sort_by("request_id").to_pylist()
    return [(row["list_cost_usd"], row["cache_read_saved_usd"], row["cache_write_extra_usd"]) for row in rows]


def test_reads_save_and_writes_cost_extra():
    cost, saved, extra = economics(
        **SONNET, input_tokens=1_500_000, cache_read_tokens=1_000_000, cache_write_tokens=400_000, cache_write_1h_tokens=100_000
    )

    assert cost == Decimal("0.3") + Decimal("0.3") + Decimal("1.125") + Decimal("0.6")  # 100 k input, 1 M read, 300 k and 100 k
    assert saved == Decimal("2.7")  # 1 M at 3 - 0.3
    assert extra == Decimal("0.525")  # 300 k at 3.75 - 3, and 100 k at 6 - 3


def test_writes_that_nobody_reads_are_a_loss():
    _, saved, extra = economics(**SONNET, input_tokens=1_000_000, cache_read_tokens=0, cache_write_tokens=1_000_000)

    assert (saved, extra) == (Decimal(0), Decimal("0.75"))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({**SONNET, "input_tokens": 10}, (None, None)),  # the log does not tell of a cache
        ({"model": "our-llama", "input_tokens": 10, "cache_read_tokens": 5}, (None, None)),  # no price
        ({"input_tokens": 10, "cache_read_tokens": 5, "cache_write_tokens": 1}, (None, None)),  # no model
        (
            {**SONNET, "input_tokens": 10, "cache_read_tokens": 5, "cache_write_tokens": 1, "is_gateway_cache_hit": True},
            (Decimal(0), Decimal(0)),  # the gateway answered: nothing was charged, so nothing saved
        ),
    ],
)
def test_unknown_is_null_and_no_charge_is_nothing(request_: dict, expected: tuple):
    assert economics(**request_)[1:] == expected


@settings(max_examples=5)
@given(
    model=st.sampled_from(MODELS),
    plain=st.integers(1, 300_000),
    read=st.integers(0, 300_000),
    written=st.integers(0, 100_000),
    kept_long=st.floats(0, 1),
    output=st.integers(0, 5_000),
)
def test_cost_and_savings_are_what_the_same_input_costs_not_cached(
    model: dict, plain: int, read: int, written: int, kept_long: float, output: int
):
    tokens = {**model, "input_tokens": plain + read + written, "output_tokens": output}
    cached = {"cache_read_tokens": read, "cache_write_tokens": written, "cache_write_1h_tokens": int(written * kept_long)}
    (cost, saved, extra), (uncached, *_) = economics_of(tokens | cached, tokens)

    assert abs(cost + saved - extra - uncached) <= Decimal("0.000000002")  # each is rounded to nine places
