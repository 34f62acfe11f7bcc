"""What a cost is made of, with the arithmetic written out; and that the parts are the whole, for any request."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.priced import table_of
from tests.source_rows import database
from usagecost.pricing import parse_book, with_parts, with_prices

BOOK = """
[[price]]
model = "m"
input = 10
cache_read = 1
cache_write = 12.5
cache_write_1h = 20
input_audio = 40
output = 30
output_reasoning = 35
per_request = 0.005
"""


def parts(book: str, **request: Any) -> list[tuple[str, int | None, Decimal | None, Decimal]]:
    """Kind, tokens, rate and cost of each part of one request."""
    with database().cursor() as con:
        con.register("staged", table_of(request))
        found = con.sql(f"SELECT kind, tokens, usd_per_mtok, cost_usd FROM ({with_parts(con, 'staged', parse_book(book))})")
        return found.fetchall()


def test_each_token_is_billed_once_at_its_own_rate():
    found = parts(
        BOOK,
        provider="x",
        model="m",
        input_tokens=1000,
        cache_read_tokens=600,
        cache_write_tokens=300,
        cache_write_1h_tokens=100,
        output_tokens=50,
        output_reasoning_tokens=20,
    )

    assert found == [
        ("input", 100, Decimal(10), Decimal("0.001")),
        ("cache_read", 600, Decimal(1), Decimal("0.0006")),
        ("cache_write", 200, Decimal("12.5"), Decimal("0.0025")),
        ("cache_write_1h", 100, Decimal(20), Decimal("0.002")),
        ("output", 30, Decimal(30), Decimal("0.0009")),
        ("output_reasoning", 20, Decimal(35), Decimal("0.0007")),
        ("request", None, None, Decimal("0.005")),
    ]


def test_a_long_context_is_billed_at_its_tier_as_a_whole():
    request = {"provider": "google", "model": "gemini-2.5-pro", "output_tokens": 1000}
    at = datetime(2026, 1, 1, tzinfo=UTC)

    below = parts("", input_tokens=200_000, started_at=at, **request)
    above = parts("", input_tokens=200_001, started_at=at, **request)

    assert [part[2] for part in below] == [Decimal("1.25"), Decimal(10)]
    assert [part[2] for part in above] == [Decimal("2.5"), Decimal(15)]


@pytest.mark.parametrize(
    "request_",
    [
        {"provider": "x", "model": "unknown", "input_tokens": 5, "output_tokens": 5},
        {"provider": "x", "model": "m", "input_tokens": 5, "output_tokens": 5, "is_gateway_cache_hit": True},
        {"provider": "x", "model": "m"},
    ],
)
def test_what_costs_nothing_or_is_not_known_has_no_parts(request_: dict[str, Any]):
    assert parts(BOOK, **request_) == []


MODELS = (
    ("x", "m"),
    ("anthropic", "claude-sonnet-4-5"),
    ("openai", "gpt-4o"),
    ("google", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"),
)


@settings(max_examples=4)
@given(model=st.sampled_from(MODELS), counts=st.tuples(*[st.integers(0, 3_000_000)] * 6))
def test_the_parts_are_the_list_cost(model: tuple[str, str], counts: tuple[int, ...]):
    uncached, read, write, hour, output, reasoning = counts
    request = {
        "provider": model[0],
        "model": model[1],
        "input_tokens": uncached + read + write + hour,
        "cache_read_tokens": read,
        "cache_write_tokens": write + hour,
        "cache_write_1h_tokens": hour,
        "output_tokens": output + reasoning,
        "output_reasoning_tokens": reasoning,
    }
    with database().cursor() as con:
        con.register("staged", table_of(request))
        book = parse_book(BOOK + '[[discount]]\nprovider = "google"\npercent = 12.5\n')
        (cost,) = con.sql(f"SELECT list_cost_usd FROM ({with_prices(con, 'staged', book)})").fetchall()[0]
        sums = con.sql(f"SELECT sum(cost_usd), sum(tokens) FROM ({with_parts(con, 'staged', book)})").fetchall()[0]

    if cost:
        assert abs(sums[0] - cost) <= Decimal("0.0000000005")
        assert (sums[1] or 0) == request["input_tokens"] + request["output_tokens"]
