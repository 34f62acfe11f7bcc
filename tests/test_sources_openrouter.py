"""OpenRouter's activity: what its columns mean, and that its two forms say the same."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.source_rows import Row, json_lines, read, rejects, requests
from usagecost.sources import SOURCES, Head
from usagecost.sources.mapped import gateway

EXPORTED: Row = {
    "generation_id": "gen-1",
    "created_at": "2026-05-01 10:00:00.123",
    "cost_total": "0.0123",
    "cost_web_search": "0",
    "cost_cache": "-0.002",
    "cost_file_processing": "",
    "byok_usage_inference": "",
    "tokens_prompt": "1200",
    "tokens_completion": "300",
    "tokens_reasoning": "100",
    "tokens_cached": "1000",
    "model_permaslug": "anthropic/claude-4-sonnet-20250522",
    "provider_name": "Anthropic",
    "variant": "standard",
    "cancelled": "false",
    "streamed": "true",
    "user": "ada",
    "finish_reason_raw": "end_turn",
    "finish_reason_normalized": "stop",
    "generation_time_ms": "2500",
    "time_to_first_token_ms": "400",
    "api_key_name": "prod",
    "app_name": "Support",
}

ANSWERED: Row = {
    "id": "gen-1",
    "created_at": "2026-05-01T10:00:00.123Z",
    "model": "anthropic/claude-4-sonnet-20250522",
    "provider_name": "Anthropic",
    "total_cost": 0.0123,
    "is_byok": False,
    "upstream_inference_cost": 0.4,
    "streamed": True,
    "cancelled": False,
    "latency": 2500,
    "finish_reason": "stop",
    "tokens_prompt": 1100,
    "tokens_completion": 280,
    "native_tokens_prompt": 1200,
    "native_tokens_completion": 300,
    "native_tokens_reasoning": 100,
    "native_tokens_cached": 1000,
    "external_user": "ada",
}

TOKENS = ("input_tokens", "cache_read_tokens", "output_tokens", "output_reasoning_tokens")


def csv(path: Path, *rows: Row) -> Path:
    lines = [",".join(EXPORTED), *(",".join(str(row.get(name, "")) for name in EXPORTED) for row in rows)]
    path.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "activity"


def test_an_exported_row_says_who_what_when_and_for_how_much(file: Path):
    batch = read(gateway("openrouter"), csv(file, EXPORTED))

    about = ("source", "request_id", "provider", "model", "status", "user_id", "virtual_key", "app", "route", "is_streaming")
    model = "anthropic/claude-4-sonnet-20250522"
    assert requests(batch, *about) == [
        ("openrouter", "gen-1", "openrouter", model, "success", "ada", "prod", "Support", "Anthropic", True)
    ]
    assert requests(batch, *TOKENS) == [(1200, 1000, 300, 100)]
    assert requests(batch, "reported_cost_usd", "duration_ms", "ttft_ms") == [(Decimal("0.0123"), 2500.0, 400.0)]
    assert batch.requests["started_at"][0].as_py().isoformat() == "2026-05-01T10:00:00.123000+00:00"
    assert json.loads(batch.requests["attributes"][0].as_py())["cost_cache"] == -0.002


@pytest.mark.parametrize("amount", ["1e999", "nan", "-inf", "much"])
def test_an_amount_that_json_cannot_say_is_left_out_of_the_attributes(file: Path, amount: str):
    batch = read(gateway("openrouter"), csv(file, {**EXPORTED, "cost_web_search": amount, "byok_usage_inference": amount}))
    kept = [json.loads(text) for text in batch.requests["attributes"].to_pylist()]

    assert all("cost_web_search" not in values and "upstream_cost" not in values for values in kept)
    assert len(kept) + batch.rejects.num_rows == 1


@pytest.mark.parametrize("line", [ANSWERED, {"data": ANSWERED}])
def test_an_answer_is_counted_in_what_is_billed(file: Path, line: Row):
    batch = read(gateway("openrouter"), json_lines(file, [line]))

    assert requests(batch, "request_id", *TOKENS) == [("gen-1", 1200, 1000, 300, 100)]
    assert requests(batch, "reported_cost_usd", "user_id", "status") == [(Decimal("0.0123"), "ada", "success")]


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"cancelled": "true"}, "cancelled", None),
        ({"finish_reason_normalized": "error", "finish_reason_raw": "overloaded"}, "error", "overloaded"),
        ({"finish_reason_normalized": "", "cancelled": ""}, None, None),
    ],
)
def test_the_outcome_is_how_it_finished(file: Path, changed: Row, status: str | None, error: str | None):
    assert requests(read(gateway("openrouter"), csv(file, {**EXPORTED, **changed})), "status", "error_class") == [(status, error)]


def test_with_a_key_of_ones_own_the_fee_and_the_providers_part_are_the_cost(file: Path):
    row = {**EXPORTED, "cost_total": "0.001", "byok_usage_inference": "0.02"}
    assert requests(read(gateway("openrouter"), csv(file, row)), "reported_cost_usd") == [(Decimal("0.021"),)]

    answer = {**ANSWERED, "is_byok": True, "total_cost": 0.001}
    assert requests(read(gateway("openrouter"), json_lines(file, [answer])), "reported_cost_usd") == [(Decimal("0.401"),)]


@pytest.mark.parametrize(
    ("model", "variant", "name"),
    [
        ("deepseek/deepseek-r1", "free", "deepseek/deepseek-r1:free"),
        ("deepseek/deepseek-r1:free", "free", "deepseek/deepseek-r1:free"),
        ("openai/gpt-4o", "extended", "openai/gpt-4o:extended"),
        ("openai/gpt-4o", "standard", "openai/gpt-4o"),
        ("openai/gpt-4o", "", "openai/gpt-4o"),
        ("openai/gpt-4o", "nitro", "openai/gpt-4o"),
    ],
)
def test_a_variant_with_a_price_of_its_own_is_in_the_models_name(file: Path, model: str, variant: str, name: str):
    row = {**EXPORTED, "model_permaslug": model, "variant": variant}

    assert requests(read(gateway("openrouter"), csv(file, row)), "model") == [(name,)]


@pytest.mark.parametrize(
    ("changed", "image_tokens", "units"),
    [
        ({"native_tokens_completion_images": 1290, "num_media_completion": 1}, 1290, None),
        ({"native_tokens_completion_images": 0, "num_media_completion": 2}, 0, [("images", Decimal(2))]),
        ({"num_search_results": 5}, None, [("web_searches", Decimal(1))]),
        ({"num_search_results": 0, "num_media_completion": 0}, None, None),
        ({"cache_discount": -0.0005}, None, [("cache_writes", Decimal(1))]),
        ({"cache_discount": 0.0005}, None, None),
    ],
)
def test_images_and_searches_are_counted(file: Path, changed: Row, image_tokens: int | None, units: object):
    batch = read(gateway("openrouter"), json_lines(file, [{**ANSWERED, "native_tokens_completion": 1500, **changed}]))

    assert requests(batch, "output_image_tokens", "units") == [(image_tokens, units)]


def test_an_exported_search_is_counted_and_a_cancelled_call_has_its_zeros(file: Path):
    nothing = {"tokens_prompt": "0", "tokens_completion": "0", "tokens_reasoning": "0", "tokens_cached": "0"}
    more = {"cost_cache": "0.0005", "cost_file_processing": "0.01"}
    rows = {**EXPORTED, "cost_web_search": "0.02"}, {**EXPORTED, **nothing, "cancelled": "true"}, {**EXPORTED, **more}

    batch = read(gateway("openrouter"), csv(file, *rows))

    assert requests(batch, "units", "input_tokens") == [
        ([("web_searches", Decimal(1))], 1200),
        (None, 0),
        ([("cache_writes", Decimal(1)), ("files", Decimal(1))], 1200),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "model": "sonar", "created": 1, "usage": {"prompt_tokens": 1, "cost": {"total_cost": 0.01}}},
        {"id": "x", "model": "gpt-4o", "provider": "openai", "usage": {"prompt_tokens": 1, "cost": 0.01}},
        {"id": "x", "total_cost": 0.1, "provider_name": "p", "created_at": "2026-05-01"},
    ],
)
def test_what_only_has_a_cost_is_not_openrouters(file: Path, body: Row):
    assert gateway("openrouter").recognise(Head.of(json_lines(file, [body]))) is None


def test_a_row_with_more_cached_than_sent_is_rejected(file: Path):
    batch = read(gateway("openrouter"), csv(file, {**EXPORTED, "tokens_cached": "5000"}, {**EXPORTED, "generation_id": ""}))

    assert batch.requests.num_rows == 0
    assert [reason.split(",")[0] for _, reason in rejects(batch)] == [
        "cache_read_tokens (column tokens_cached) is 5000",
        "request_id (column generation_id) is empty: a request needs an id of its own.",
    ]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_only_this_format_recognises_it(file: Path, form: str):
    made = csv(file, EXPORTED) if form == "csv" else json_lines(file, [{"data": ANSWERED}])

    assert [source.name for source in SOURCES if source.recognise(Head.of(made))] == ["openrouter"]
