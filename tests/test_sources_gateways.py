"""Helicone, Portkey and Bifrost: what the columns of their logs mean."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.source_rows import Row, each, json_lines, read, reading_of, rejects, requests
from usagecost.sources import SOURCES, Head
from usagecost.sources.mapped import gateway

NO_ID = "00000000-0000-0000-0000-000000000000"

HELICONE: Row = {
    "response_id": "r-1",
    "request_id": "q-1",
    "request_created_at": "2026-05-01T10:00:00.5Z",
    "latency": 1200,
    "status": 200,
    "completion_tokens": 50,
    "prompt_tokens": 100,
    "prompt_cache_write_tokens": 30,
    "prompt_cache_read_tokens": 600,
    "reasoning_tokens": 0,
    "model": "claude-sonnet-4-5",
    "user_id": "ada",
    "proxy_key_id": NO_ID,
    "time_to_first_token": 300,
    "provider": "ANTHROPIC",
    "target_url": "https://api.anthropic.com/v1/messages?key=secret",
    "properties": {"Helicone-Session-Id": "s-1", "app": "support", "environment": "production"},
    "cost": 1234567,
    "cache_reference_id": NO_ID,
}

PORTKEY: Row = {
    "id": "p-1",
    "trace_id": "t-1",
    "created_at": "2026-05-01T10:00:00Z",
    "response": {"model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 64}}},
    "is_success": True,
    "ai_org": "openai",
    "ai_model": "gpt-4o",
    "req_units": 100,
    "res_units": 20,
    "total_units": 120,
    "request_url": "https://api.openai.com/v1/chat/completions",
    "cost": 0.045,
    "cost_currency": "USD",
    "response_time": 900,
    "response_status_code": 200,
    "mode": "single",
    "metadata": {"_user": "ada", "team": "search"},
}

BIFROST: Row = {
    "id": "b-1",
    "timestamp": "2026-05-01T10:00:00Z",
    "object_type": "chat.completion",
    "provider": "openai",
    "model": "gpt-4o",
    "virtual_key_name": "prod",
    "user_id": "ada",
    "team_id": "search",
    "customer_id": "c-7",
    "latency": 800.5,
    "token_usage": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_read_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 10},
    },
    "cost": 0.0005,
    "status": "success",
    "stream": True,
    "prompt_tokens": 100,
    "completion_tokens": 30,
}

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens")


helicone, portkey, bifrost = (reading_of(lambda name=name: gateway(name)) for name in ("helicone", "portkey", "bifrost"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log"


# ---- Helicone


@helicone
def test_helicone_says_who_what_when_and_for_how_much():
    batch = yield HELICONE

    about = ("request_id", "provider", "model", "status", "user_id", "session_id", "app", "environment", "virtual_key", "route")
    where = ("s-1", "support", "production", None, "https://api.anthropic.com/v1/messages")
    assert requests(batch, *about) == [("q-1", "anthropic", "claude-sonnet-4-5", "success", "ada", *where)]
    numbers = ("reported_cost_usd", "duration_ms", "ttft_ms", "is_gateway_cache_hit")
    assert requests(batch, *numbers) == [(Decimal("0.001234567"), 1200.0, 300.0, False)]


@helicone.each
def test_helicones_input_becomes_all_input():
    cases = [
        ({}, (730, 600, 30, 50, None)),  # Anthropic's input excludes both
        ({"provider": "ANTHROPIC", "prompt_tokens": 1000}, (1630, 600, 30, 50, None)),
        ({"provider": "OPENAI", "prompt_tokens": 1000, "reasoning_tokens": 20}, (1000, 600, 30, 50, 20)),
        ({"provider": "OPENAI", "prompt_tokens": 100}, (730, 600, 30, 50, None)),  # below its parts: they are not in it
    ]

    assert each((yield [HELICONE | changed for changed, _ in cases]), *TOKENS) == [tokens for _, tokens in cases]


@helicone.each
def test_helicones_outcomes_and_cache_hits():
    cases = [
        ({"status": 429}, ("error", 429, False)),
        ({"status": -3}, (None, None, False)),
        ({"cache_reference_id": "5b0c7a2e-0000-4000-8000-000000000001"}, ("success", 200, True)),
        ({"cache_reference_id": None}, ("success", 200, None)),
    ]

    found = each((yield [HELICONE | changed for changed, _ in cases]), "status", "http_status", "is_gateway_cache_hit")

    assert found == [outcome for _, outcome in cases]


EXPORTED: Row = {
    "response_id": "r-1",
    "response_created_at": "2026-05-01T10:00:00.5Z",
    "response_status": 200,
    "request_id": "q-1",
    "request_created_at": "2026-05-01T10:00:00.5Z",
    "request_user_id": "ada",
    "request_properties": {"app": "support", "Environment": "production"},
    "provider": "OPENAI",
    "delay_ms": 1450,
    "request_model": "gpt-4o",
    "completion_tokens": 500,
    "prompt_tokens": 3000,
    "cost": 0.0125,
    "cache_reference_id": NO_ID,
}


@helicone
def test_helicones_export_is_in_dollars_and_has_names_of_its_own():
    two_dollars = {**EXPORTED, "request_id": "q-2", "response_status": 429, "cost": 2}
    batch = yield [EXPORTED, two_dollars]

    about = ("request_id", "model", "user_id", "app", "environment", "status", "http_status", "duration_ms", "reported_cost_usd")
    assert requests(batch, *about) == [
        ("q-1", "gpt-4o", "ada", "support", "production", "success", 200, 1450.0, Decimal("0.0125")),
        ("q-2", "gpt-4o", "ada", "support", "production", "error", 429, 1450.0, Decimal(2)),
    ]


CSV_OF_THE_TOOL = (
    "response_id,response_created_at,response_status,request_created_at,request_properties,request_user_id,model,prompt_tokens,cost\n"
    '"r-1","2026-05-01T10:00:01.000Z","200","2026-05-01T10:00:01.000Z",'
    '"{""""app"""":""""search""""}","ada",,"3000","1"\n'
)


def test_helicones_csv_has_the_answers_id_only_and_its_quotes_are_doubled_twice(file: Path):
    file.write_text(CSV_OF_THE_TOOL)

    batch = read(gateway("helicone"), file)

    assert requests(batch, "request_id", "app", "user_id", "model", "reported_cost_usd") == [
        ("r-1", "search", "ada", None, Decimal(1))
    ]
    assert "names no model in any of its 1 requests" in rejects(batch)[0][1]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_table_whose_first_costs_have_fractions_is_in_dollars(file: Path, form: str):
    rows = [{**HELICONE, "request_id": "a", "cost": 2}, {**HELICONE, "request_id": "b", "cost": 0.25}]
    if form == "json":
        json_lines(file, rows)
    else:
        names = [name for name in HELICONE if name != "properties"]
        file.write_text("\n".join([",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]) + "\n")

    assert requests(read(gateway("helicone"), file), "reported_cost_usd") == [(Decimal(2),), (Decimal("0.25"),)]


def test_a_fraction_far_below_whole_billionths_is_rejected_and_never_read_as_billionths(file: Path):
    rows = [{**HELICONE, "request_id": f"q-{place}", "properties": {"app": "x" * 9000}} for place in range(40)]

    batch = read(gateway("helicone"), json_lines(file, [*rows, {**HELICONE, "cost": 0.25}, {**HELICONE, "cost": 1.5e-7}]))

    assert set(requests(batch, "reported_cost_usd")) == {(Decimal("0.001234567"),)}
    fraction = "that has a fraction, and billionths of a dollar are whole numbers. Split the file by the unit of its costs."
    assert rejects(batch) == [
        (41, f'reported_cost_usd (column cost) is "0.25": {fraction}'),
        (42, f'reported_cost_usd (column cost) is "1.5e-07": {fraction}'),
    ]


# ---- Portkey


@portkey
def test_portkey_says_who_what_and_when_and_its_cost_is_no_dollars():
    batch = yield PORTKEY

    about = ("request_id", "trace_id", "provider", "model", "requested_model", "status", "http_status", "user_id", "team_id")
    assert requests(batch, *about) == [("p-1", "t-1", "openai", "gpt-4o-2024-08-06", "gpt-4o", "success", 200, "ada", "search")]
    assert requests(batch, *TOKENS, "reported_cost_usd", "duration_ms") == [(100, 64, None, 20, None, None, 900.0)]
    kept = json.loads(batch.requests["attributes"][0].as_py())
    assert (kept["cost"], kept["cost_currency"]) == ("0.045", "USD")


@portkey
def test_portkeys_input_below_its_cached_part_excludes_it():
    usage = {"cache_read_input_tokens": 500, "cache_creation_input_tokens": 20}

    batch = yield {**PORTKEY, "response": {"usage": usage}, "ai_org": "anthropic"}

    assert requests(batch, *TOKENS) == [(620, 500, 20, 20, None)]


@portkey.each
def test_portkeys_total_tells_what_its_counts_leave_out():
    names = ("req_units", "res_units", "total_units")
    cases = [
        # Gemini: thoughts are in the total only
        ("google", (20, 198, 623), {"completion_tokens_details": {"reasoning_tokens": 405}}, (20, None, None, 603, 405)),
        ("vertex-ai", (20, 198, 623), {}, (20, None, None, 603, 405)),
        ("google", (20, 603, 623), {"completion_tokens_details": {"reasoning_tokens": 405}}, (20, None, None, 603, 405)),
        ("google", (900, 100, 1200), {"prompt_tokens_details": {"cached_tokens": 500}}, (900, 500, None, 300, 200)),
        # Anthropic: so are cache reads and writes
        (
            "anthropic",
            (100, 50, 780),
            {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 30},
            (730, 600, 30, 50, None),
        ),
        (
            "anthropic",
            (1000, 50, 1680),
            {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 30},
            (1630, 600, 30, 50, None),
        ),
        (
            "anthropic",
            (1000, 50, 1050),
            {"input_tokens": 1000, "cache_read_input_tokens": 600},  # its own shape, in which the total leaves them out
            (1600, 600, None, 50, None),
        ),
        ("openai", (1000, 50, 1050), {"prompt_tokens_details": {"cached_tokens": 600}}, (1000, 600, None, 50, None)),
        ("openai", (1000, 50, 1050), {"completion_tokens_details": {"reasoning_tokens": 40}}, (1000, None, None, 50, 40)),
        ("openai", (1000, 50, None), {"completion_tokens_details": {"reasoning_tokens": 90}}, (1000, None, None, 140, 90)),
    ]
    lines = (
        PORTKEY | dict(zip(names, units, strict=True)) | {"ai_org": org, "response": {"usage": usage}}
        for org, units, usage, _ in cases
    )

    assert each((yield lines), *TOKENS) == [tokens for *_, tokens in cases]


@portkey
def test_portkeys_failures_have_their_class():
    changed = {"is_success": False, "response_status_code": 429, "response": {"error": {"type": "rate_limit", "message": "secret"}}}

    batch = yield {**PORTKEY, **changed}

    assert requests(batch, "status", "error_class", "http_status") == [("error", "rate_limit", 429)]
    assert "secret" not in str(batch.requests.to_pylist())


# ---- Bifrost


@bifrost
def test_bifrost_says_who_what_when_and_for_how_much():
    batch = yield BIFROST

    about = ("request_id", "provider", "model", "status", "user_id", "team_id", "end_user_id", "virtual_key", "is_streaming")
    assert requests(batch, *about) == [("b-1", "openai", "gpt-4o", "success", "ada", "search", "c-7", "prod", True)]
    assert requests(batch, *TOKENS, "reported_cost_usd", "duration_ms") == [(100, 40, None, 30, 10, Decimal("0.0005"), 800.5)]


def test_bifrost_without_the_parts_has_its_columns(file: Path):
    line = {**BIFROST, "token_usage": None, "cached_read_tokens": 16}

    assert requests(read(gateway("bifrost"), json_lines(file, [line])), *TOKENS) == [(100, 16, None, 30, None)]


@bifrost
def test_what_bifrost_is_still_working_on_is_skipped():
    batch = yield [{**BIFROST, "status": "processing"}, BIFROST]

    assert (batch.lines, batch.skipped, batch.requests.num_rows) == (2, 1, 1)


def test_bifrosts_api_calls_the_kind_object_and_tells_of_searches_images_and_its_cache(file: Path):
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "prompt_tokens_details": {"image_tokens": 7},
        "completion_tokens_details": {"num_search_queries": 2, "image_tokens": 20},
        "total_tokens": 130,
    }
    line = {name: value for name, value in BIFROST.items() if name not in ("object_type", "prompt_tokens", "completion_tokens")}
    line |= {"object": "chat.completion", "token_usage": usage, "cache_debug": {"cache_hit": True, "hit_type": "semantic"}}

    made = json_lines(file, [line])
    batch = read(gateway("bifrost"), made)

    assert gateway("bifrost").recognise(Head.of(made))
    assert requests(batch, "operation", "input_tokens", "input_image_tokens", "output_image_tokens", "is_gateway_cache_hit") == [
        ("chat completion", 100, 7, 20, True)
    ]
    assert batch.requests["units"].to_pylist() == [[("web_searches", Decimal(2))]]


def test_bifrosts_calls_that_use_no_model_are_skipped_with_a_reason(file: Path):
    kinds = ["list_models", "video_retrieve", "batch_list", "file_upload", "batch_create", "video_generation"]

    batch = read(gateway("bifrost"), json_lines(file, [{**BIFROST, "id": kind, "object_type": kind} for kind in kinds]))

    assert requests(batch, "request_id") == [("batch_create",), ("video_generation",)]
    assert batch.skips == {(str(file), "reads or manages what was made before"): 4}


@bifrost.each
def test_a_stream_of_bifrost_without_usage_has_unknown_tokens():
    counts = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}

    assert (
        each((yield [BIFROST | counts | {"token_usage": usage} for usage in ("", None, {"total_tokens": 0})]), *TOKENS)
        == [(None,) * 5] * 3
    )


# ---- all of them


@pytest.mark.parametrize(("name", "line"), [("helicone", HELICONE), ("portkey", PORTKEY), ("bifrost", BIFROST)])
def test_each_is_recognised_by_itself_alone_and_says_what_is_wrong(file: Path, name: str, line: Row):
    source = gateway(name)
    broken = {**line, "prompt_tokens": -4, "req_units": -4, "token_usage": None}
    made = json_lines(file, [line, broken, '{"id": '])

    assert [found.name for found in SOURCES if found.recognise(Head.of(made))] == [source.name]
    batch = read(source, made)
    assert batch.requests.num_rows == 1
    assert [number for number, _ in rejects(batch)] == [2, 3]
    assert "a count cannot be negative" in rejects(batch)[0][1]
