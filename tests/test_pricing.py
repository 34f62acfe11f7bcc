"""List prices: equal to the library's own arithmetic, exact to the nano-dollar, and never a guess."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from usagecost.pricing import resolve, with_prices
from usagecost.schema import MONEY, REQUESTS

TOKENS = [name for name in REQUESTS.names if name.endswith("_tokens")]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NANO = Decimal("1e-9")


def prices(*requests: dict[str, Any]) -> list[tuple[Decimal | None, str, str | None]]:
    """Cost, status and price id of each request; what a request does not say is NULL, its time is noon."""
    filled = [{"request_id": f"{i:09}", "source": "test", "started_at": NOON, **request} for i, request in enumerate(requests)]
    table = pa.Table.from_pylist(filled, schema=pa.schema([field.with_nullable(True) for field in REQUESTS]))
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("requests_to_price", table)
    sql = with_prices(con, "requests_to_price")
    return con.sql(f"SELECT list_cost_usd, price_status, price_id FROM ({sql}) ORDER BY request_id").fetchall()


def price(**request: Any) -> tuple[Decimal | None, str]:
    """Cost and status of one request."""
    return prices(request)[0][:2]


def test_one_hour_cache_writes_cost_more_than_five_minute_ones() -> None:
    # Claude Opus 4.5, USD per million: input 5, cache read 0.50, write for 5 min 6.25, for 1 h 10, output 25.
    # 100 uncached x 5 + 400 read x 0.50 + 300 written for 5 min x 6.25 + 200 for 1 h x 10 + 50 out x 25 = 5,825 / 1M.
    cost, status = price(
        provider="anthropic", model="claude-opus-4-5", input_tokens=1_000, cache_read_tokens=400, cache_write_tokens=500,
        cache_write_1h_tokens=200, output_tokens=50,
    )  # fmt: skip

    assert (cost, status) == (Decimal("0.005825"), "exact")


def test_above_the_threshold_the_whole_request_costs_the_higher_rate() -> None:
    # Gemini 2.5 Pro: input 1.25 and output 10 up to 200,000 input tokens, 2.50 and 15 above: for all tokens of the request.
    within, above = prices(
        {"provider": "google", "model": "gemini-2.5-pro", "input_tokens": 200_000, "output_tokens": 1_000},
        {"provider": "google", "model": "gemini-2.5-pro", "input_tokens": 200_001, "output_tokens": 1_000},
    )

    assert within[0] == Decimal("0.26")
    assert above[0] == Decimal("0.5150025")


def test_a_time_of_day_has_its_own_price() -> None:
    # DeepSeek chat: off-peak 0.135 per million input from 16:30 to 00:30 UTC, else 0.27.
    asked = [(0, 29, "0.135"), (0, 30, "0.27"), (16, 29, "0.27"), (16, 30, "0.135")]
    found = prices(
        *(
            {"provider": "deepseek", "model": "deepseek-chat", "started_at": datetime(2025, 6, 1, hour, minute, tzinfo=UTC),
             "input_tokens": 1_000_000, "output_tokens": 0}
            for hour, minute, _ in asked
        )
    )  # fmt: skip

    assert [cost for cost, *_ in found] == [Decimal(rate) for *_, rate in asked]


def test_a_price_that_changes_at_midnight_changes_no_earlier_request() -> None:
    # DeepSeek v4 flash: input 0.14 per million before 2026-08-17 UTC, 0.22 from then on.
    midnight = datetime(2026, 8, 17, tzinfo=UTC)
    usage = {"provider": "deepseek", "model": "deepseek-v4-flash", "input_tokens": 1_000_000, "output_tokens": 0}
    before, after = prices({**usage, "started_at": midnight - timedelta(microseconds=1)}, {**usage, "started_at": midnight})

    assert before == (Decimal("0.14"), "exact", "deepseek/deepseek-v4-flash@always")
    assert after == (Decimal("0.22"), "exact", "deepseek/deepseek-v4-flash@2026-08-17")


def test_a_batch_costs_half() -> None:
    usage = {"provider": "openai", "model": "gpt-4o", "input_tokens": 1_000_000, "output_tokens": 1_000_000}
    single, batch = prices(usage, {**usage, "is_batch": True})

    assert (single[0], batch[0]) == (Decimal("12.5"), Decimal("6.25"))
    assert batch[2].endswith("+batch")


def test_unpriced_is_null_not_zero() -> None:
    assert price(provider="vllm", model="llama-3.1-70b", input_tokens=10, output_tokens=10) == (None, "unpriced")
    assert price(provider="openai", model="gpt-99", input_tokens=10, output_tokens=10) == (None, "unpriced")
    assert price(provider=None, model=None, input_tokens=10, output_tokens=10) == (None, "unpriced")


def test_a_request_whose_input_is_not_known_has_no_price() -> None:
    assert price(provider="openai", model="gpt-4o", output_tokens=10) == (None, "unpriced")


def test_an_embedding_has_no_output_and_still_a_price() -> None:
    # text-embedding-3-small: 0.02 per million.
    assert price(provider="openai", model="text-embedding-3-small", input_tokens=1_000_000) == (Decimal("0.02"), "exact")


def test_counts_that_contradict_each_other_have_no_price() -> None:
    request = {"provider": "anthropic", "model": "claude-opus-4-5", "input_tokens": 10, "cache_read_tokens": 11, "output_tokens": 0}

    assert price(**request) == (None, "unpriced")


def test_an_answer_of_the_gateways_own_cache_is_free() -> None:
    assert price(provider="vllm", model="x", input_tokens=10, output_tokens=10, is_gateway_cache_hit=True) == (Decimal(0), "free")


def test_a_failure_that_used_nothing_costs_nothing_whatever_its_model() -> None:
    assert price(model=None, status="error", input_tokens=0, output_tokens=0) == (Decimal(0), "free")
    assert price(model=None, status="success", input_tokens=0, output_tokens=0) == (None, "unpriced")


def test_ten_billion_tokens_do_not_overflow() -> None:
    # Claude Opus 4.5: 25 per million output tokens.
    request = {"provider": "anthropic", "model": "claude-opus-4-5", "input_tokens": 0, "output_tokens": 10_000_000_000}

    assert price(**request) == (Decimal("250000"), "exact")


def test_every_row_comes_back_once_with_all_columns() -> None:
    con = duckdb.connect()
    rows = [{"request_id": str(i), "source": "s", "started_at": NOON, "model": m} for i, m in enumerate(["gpt-4o", None, "x"])]
    con.register("t", pa.Table.from_pylist(rows, schema=pa.schema([field.with_nullable(True) for field in REQUESTS])))
    priced = con.sql(with_prices(con, "t")).to_arrow_table()

    assert priced.num_rows == 3
    assert priced.schema.names == REQUESTS.names
    assert priced.schema.field("list_cost_usd").type == MONEY


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "openai/gpt-4o", "openai/gpt-4o"),
        (None, "openai/gpt-4o", "openai/gpt-4o"),
        ("azure", "azure/gpt-4o", "azure/gpt-4o"),
        ("azure", "gpt-4o-2024-08-06", "azure/gpt-4o"),
        ("azure.ai.openai", "gpt-4o", "azure/gpt-4o"),
        ("bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", "aws/regional.anthropic.claude-sonnet-4-20250514-v1:0"),
        (None, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock", "bedrock/eu.anthropic.claude-3-haiku-20240307-v1:0", "aws/regional.anthropic.claude-3-haiku-20240307-v1:0"),
        ("gemini", "models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("gcp.gemini", "gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("vertex_ai", "claude-sonnet-4@20250514", "google/claude-4-sonnet"),
        (None, "openrouter/anthropic/claude-sonnet-4", "openrouter/anthropic/claude-sonnet-4"),
        (None, "anthropic/claude-opus-4-5-20251101", "anthropic/claude-opus-4-5"),
        ("xai", "xai/grok-4", "x-ai/grok-4-0709"),
        ("mistral", "mistral-large-latest", "mistral/mistral-large"),
    ],
)
def test_a_name_as_logs_write_it_finds_its_price(provider: str | None, model: str, expected: str) -> None:
    match = resolve(provider, model)

    assert match
    assert f"{match.provider.id}/{match.model.id}" == expected


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("vllm", "gpt-4o"),
        ("ollama", "llama3"),
        ("self-hosted", "claude-opus-4-5"),
        (None, "hosted_vllm/gpt-4o"),
        (None, "llama-3.1-70b-internal"),
        (None, "gpt-4o-of-our-own"),
        ("my-openai-proxy", "gpt-4o"),
        ("openai", "anthropic/claude-opus-4-5"),
        ("", ""),
        ("openai", "'; DROP TABLE requests; --"),
    ],
)
def test_what_is_not_surely_known_gets_nobody_elses_price(provider: str | None, model: str) -> None:
    assert resolve(provider, model) is None


# ---- equality with the library


def edges(model: ModelInfo) -> tuple[list[datetime], list[int]]:
    """Instants and inputs at which the model's price may change, and what lies just beside them."""
    entries = model.prices if isinstance(model.prices, list) else []
    conditions = [entry.constraint for entry in (*entries, *(model.price_variants or ()))]
    days = [c.start_date for c in conditions if isinstance(c, StartDateConstraint)] or [date(2026, 11, 1)]
    times = [t for c in conditions if isinstance(c, TimeOfDateConstraint) for t in (c.start_time, c.end_time)] or [time(0)]
    instants = [datetime.combine(day, at.replace(tzinfo=None), UTC) for day in days for at in times]
    sets = [entry.prices for entry in entries] or [model.prices]
    starts = {
        tier.start
        for prices in sets
        for value in prices.__dict__.values()
        if isinstance(value, TieredPrices)
        for tier in value.tiers
    }
    return [i + timedelta(microseconds=d) for i in instants for d in (-1, 0)], [n + d for n in starts for d in (0, 1)]


def random_request(rng: random.Random, provider: str, model: ModelInfo) -> dict[str, Any]:
    """A request with random usage, on an edge of the model's prices as often as not."""
    instants, inputs = edges(model)
    total = rng.choice([*inputs, 0, rng.randrange(1_000), rng.randrange(3_000_000)])
    read = rng.choice([None, 0, rng.randint(0, total)])
    write = rng.choice([None, 0, rng.randint(0, total - (read or 0))])
    output = rng.choice([None, 0, rng.randrange(100_000)])
    return {
        "provider": provider, "model": model.id, "started_at": rng.choice([*instants, NOON]), "input_tokens": total,
        "cache_read_tokens": read, "cache_write_tokens": write,
        "cache_write_1h_tokens": rng.choice([None, rng.randint(0, write or 0)]),
        "output_tokens": output, "output_reasoning_tokens": rng.choice([None, rng.randint(0, output or 0)]),
        "input_audio_tokens": rng.choice([None, None, rng.randint(0, total)]),
        "output_audio_tokens": rng.choice([None, None, rng.randint(0, output or 0)]),
        "is_batch": rng.choice([None, False, True]),
        "service_tier": rng.choice([None, "default", "priority", "flex", "fast", "standard"]),
    }  # fmt: skip


def library_price(request: dict[str, Any]) -> Decimal | None:
    """What the library says; None where it refuses, and where it can only charge for what a record does not count."""
    usage = Usage(**{name: request[name] for name in TOKENS if request.get(name) is not None})
    context = ({"processing": "batch"} if request["is_batch"] else {}) | (
        {"service_tier": request["service_tier"]} if request["service_tier"] else {}
    )
    try:
        result = calc_price(
            usage,
            request["model"],
            provider_id=request["provider"],
            genai_request_timestamp=request["started_at"],
            price_context=context or None,
        )
    except (ValueError, LookupError):
        return None
    priced = {key for key, value in result.model_price.__dict__.items() if value is not None}
    counted = {
        "input_mtok",
        "output_mtok",
        "cache_read_mtok",
        "cache_write_mtok",
        "requests_kcount",
        "input_audio_mtok",
        "output_audio_mtok",
    }
    return result.total_price if priced & counted else None


def differences(seed: int, cases_per_model: int) -> list[tuple[dict, Decimal | None, Decimal | None]]:
    """Requests whose price differs from the library's by more than a nano-dollar, over every model that it knows."""
    rng = random.Random(seed)
    models = [(provider.id, model) for provider in get_snapshot().providers for model in provider.models]
    requests = [random_request(rng, *pair) for pair in models for _ in range(cases_per_model)]
    compared = [(request, found[0], library_price(request)) for request, found in zip(requests, prices(*requests), strict=True)]
    return [
        case
        for case in compared
        if (case[1] is None) != (case[2] is None) or (case[1] is not None and abs(case[1] - case[2]) > NANO)
    ]


def test_every_model_costs_what_the_library_says() -> None:
    assert differences(seed=1, cases_per_model=3) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 5))
def test_every_model_costs_what_the_library_says_in_many_cases(seed: int) -> None:
    assert differences(seed, cases_per_model=20) == []
