"""LiteLLM's spend logs: what its counts include in which version, what a call cost, whose it was and how it ended."""

from __future__ import annotations

import csv
import gzip
import json
import os
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.litellm_rows import KEY_HASH, spend_log, usage
from tests.source_rows import NOW, Row, each, json_lines, one, read, read_each, reading_of, rejects, requests
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Head, Reading
from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.litellm import SPEND_LOG_COLUMNS, SPEND_LOG_ROWS, LiteLLM

reading = reading_of(LiteLLM)

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "spend_logs.jsonl"


@reading
def test_a_row_says_who_what_and_when():
    columns = ("source", "request_id", "trace_id", "session_id", "provider", "model", "requested_model", "operation", "status")
    people = ("user_id", "end_user_id", "team_id", "virtual_key", "tags")

    batch = yield spend_log()
    assert requests(batch, *columns, *people) == [
        ("litellm", "chatcmpl-1", "trace-1", "trace-1", "anthropic", "claude-sonnet-4-20250514", "sonnet", "chat", "success",
         "ann", "customer-7", "team-1", "dev-key", ["prod", "User-Agent: curl/8"]),
    ]  # fmt: skip
    assert requests(batch, "duration_ms", "ttft_ms", "is_streaming", "reported_cost_usd") == [
        (2500.0, None, None, Decimal("0.00105")),
    ]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [1777629600250000]
    assert json.loads(batch.requests["attributes"][0].as_py()) == {
        "call_type": "acompletion", "team_alias": "Platform", "key_hash": KEY_HASH,
    }  # fmt: skip


@reading.each
def test_times_without_an_offset_are_utc():
    times = ("2026-05-01T10:00:00.250Z", "2026-05-01T12:00:00.250+02:00", "2026-05-01 10:00:00.25")

    found = each((yield (spend_log(startTime=time) for time in times)), "started_at")

    assert [started.timestamp() for (started,) in found] == [1777629600.25] * 3


# ---- what the counts include


def with_usage(where: str, counts: Row, **columns: object) -> Row:
    return spend_log({where: counts}, prompt_tokens=counts["prompt_tokens"], completion_tokens=20, **columns)


KEPT_OF_EVERY_CALL = ("call_type", "team_alias", "key_hash")
USAGE_KEYS = ["additional_usage_values", "usage_object"]


ANTHROPIC = {"cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200}
WRITES_OF_1_77_5 = {"cached_tokens": 1000, "cache_creation_tokens": 1000,
                    "cache_creation_token_details": {"ephemeral_5m_input_tokens": 200}}  # fmt: skip
WRITES = {"cached_tokens": 1000, "cache_creation_tokens": 200, "cache_creation_token_details": {"ephemeral_1h_input_tokens": 50}}
COUNTS: dict[str, tuple[Row, tuple[int | None, ...]]] = {
    "since 1.77.3 input includes reads and writes": (
        usage(1203, 20, **ANTHROPIC, prompt_tokens_details=WRITES), (1203, 1000, 200, 50, 20),
    ),
    "until 1.77.1 input includes reads but no writes": (
        usage(1003, 20, **ANTHROPIC, prompt_tokens_details={"cached_tokens": 1000}), (1203, 1000, 200, None, 20),
    ),
    "which may be more than the count they are not in": (
        usage(3, 20, cache_read_input_tokens=0, cache_creation_input_tokens=200, prompt_tokens_details=None),
        (203, 0, 200, None, 20),
    ),
    "1.77.5 repeats the reads where its details should have the writes": (
        usage(1203, 20, **ANTHROPIC, prompt_tokens_details=WRITES_OF_1_77_5), (1203, 1000, 200, None, 20),
    ),
    "also where nothing was written": (
        usage(1003, 20, **ANTHROPIC | {"cache_creation_input_tokens": 0}, prompt_tokens_details=WRITES_OF_1_77_5),
        (1003, 1000, 0, None, 20),
    ),
    "parts that are more than the whole were counted apart": (
        usage(3, 20, **ANTHROPIC, prompt_tokens_details={"cache_creation_tokens": 200}), (1203, 1000, 200, None, 20),
    ),
    "OpenAI tells cache counts in the details only": (
        usage(2006, 300, prompt_tokens_details={"cached_tokens": 1920, "cache_write_tokens": 64}), (2006, 1920, 64, None, 20),
    ),
    "told ones may be 0": (usage(100, 20, prompt_tokens_details={"cached_tokens": 0}), (100, 0, None, None, 20)),
}  # fmt: skip


@pytest.mark.parametrize("where", USAGE_KEYS)
def test_counts_include_what_the_version_that_wrote_them_includes(log: Path, where: str):
    found = each(read_each(LiteLLM(), log.parent, (with_usage(where, counts) for counts, _ in COUNTS.values())), *TOKENS)

    assert dict(zip(COUNTS, found, strict=True)) == {said: tokens for said, (_, tokens) in COUNTS.items()}


@reading.each
def test_counts_that_nobody_told_are_unknown_and_other_told_ones_may_be_0():
    counts = usage(100, 20, prompt_tokens_details={"audio_tokens": 10}, completion_tokens_details={"reasoning_tokens": 0})
    found = each(
        (yield [spend_log(), with_usage("usage_object", counts)]), *TOKENS, "output_reasoning_tokens", "input_audio_tokens"
    )

    assert found == [(100, None, None, None, 20, None, None), (100, None, None, None, 20, 0, 10)]


@reading.each
def test_output_includes_reasoning_also_where_it_was_counted_apart():
    cases = [
        (20, 12, 120, 20),  # included, as everywhere
        (8, 12, 120, 20),  # apart, and more than what it should be in
        (20, 12, 132, 32),  # apart: the total is the sum of three
    ]

    rows = []
    for completion, reasoning, total, _ in cases:
        counts = usage(100, completion, completion_tokens_details={"reasoning_tokens": reasoning, "audio_tokens": 3})
        rows.append(spend_log({"usage_object": counts}, completion_tokens=completion, total_tokens=total))

    assert each((yield rows), "output_tokens", "output_reasoning_tokens", "output_audio_tokens") == [
        (output, reasoning, 3) for _, reasoning, _, output in cases
    ]


@reading
def test_other_lifetimes_and_units_are_kept_as_attributes():
    lifetimes = {"ephemeral_5m_input_tokens": 5, "ephemeral_30m_input_tokens": 30, "ephemeral_12h_input_tokens": 12}
    details = {"cache_write_tokens": 47, "cache_creation_token_details": lifetimes, "image_tokens": 9}
    counts = usage(100, 20, prompt_tokens_details=details, server_tool_use={"web_search_requests": 2}, speed="fast")

    (attributes,) = one((yield with_usage("usage_object", counts)), "attributes")

    assert {name: value for name, value in json.loads(attributes).items() if name not in KEPT_OF_EVERY_CALL} == {
        "cache_write_5m_tokens": 5, "cache_write_30m_tokens": 30, "cache_write_12h_tokens": 12,
        "server_tool_use": {"web_search_requests": 2},
    }  # fmt: skip


# ---- what it cost


@reading
def test_a_hit_in_the_gateways_cache_keeps_its_tokens_and_costs_nothing():
    hit = spend_log(request_id="chatcmpl-1_cache_hit1777629602.7512", cache_hit="True", spend=0.0)

    assert one((yield hit), "is_gateway_cache_hit", "reported_cost_usd", "input_tokens", "output_tokens") == (
        True,
        Decimal(0),
        100,
        20,
    )


@reading.each
def test_how_a_cache_hit_is_told():
    cases = [
        ("False", "chatcmpl-1", False),
        ("None", "chatcmpl-1", None),
        ("", "chatcmpl-1", None),
        (None, "chatcmpl-1", None),
        ("true", "chatcmpl-1", True),
        ("None", "chatcmpl-1_cache_hit1777629602.75", True),
    ]

    rows = (spend_log(cache_hit=said, request_id=request_id) for said, request_id, _ in cases)

    assert each((yield rows), "is_gateway_cache_hit") == [(is_hit,) for *_, is_hit in cases]


def test_the_same_answer_given_again_is_a_request_of_its_own(log: Path):
    rows = [
        spend_log(),
        spend_log(request_id="chatcmpl-1_cache_hit1777629602.1"),
        spend_log(request_id="chatcmpl-1_cache_hit1777629603.1", startTime="2026-05-01 10:00:01"),
        spend_log(request_id="chatcmpl-1_cache_hit1777629603.2", litellm_call_id="call-4"),
        spend_log({"litellm_call_id": "call-5"}, request_id="chatcmpl-1_cache_hit1777629603.3"),
    ]

    assert requests(read(LiteLLM(), json_lines(log, rows)), "request_id") == [
        ("chatcmpl-1",),
        ("chatcmpl-1_cache_hit:1777629600250",),
        ("chatcmpl-1_cache_hit:1777629601000",),
        ("chatcmpl-1_cache_hit:call-4",),
        ("chatcmpl-1_cache_hit:call-5",),
    ]


@reading.each
def test_a_cost_of_0_is_unknown_where_litellm_found_no_price():
    unknown = {"model_map_information": {"model_map_key": "my-model", "model_map_value": None}}
    free = {"model_map_information": {"model_map_key": "ollama/phi", "model_map_value": {"key": "ollama/phi"}}}

    rows = [
        spend_log(unknown, spend=0.0),
        spend_log(free, spend=0.0),
        spend_log(spend=0),
        spend_log(unknown, spend=0, prompt_tokens=0, completion_tokens=0),
        spend_log(unknown, spend=0, cache_hit="True"),
    ]

    assert each((yield rows), "reported_cost_usd") == [(None,), *[(Decimal(0),)] * 4]


@reading
def test_the_parts_of_a_cost_are_kept_and_the_tier_it_was_priced_at():
    parts = {"input_cost": 0.0003, "output_cost": 0.00075, "total_cost": 0.00105, "service_tier": "flex"}

    tier, attributes = one((yield spend_log({"cost_breakdown": parts})), "service_tier", "attributes")

    assert (tier, json.loads(attributes)["cost_breakdown"]) == ("flex", parts)


@reading.each
def test_the_tier_and_the_batch_interface_may_stand_in_the_usage():
    rows = [
        *(with_usage("usage_object", usage(100, 20, service_tier=tier)) for tier in ("priority", "batch")),
        *(spend_log(call_type=kind) for kind in ("aretrieve_batch", None)),
    ]

    found = each((yield rows), "service_tier", "is_batch", "operation")
    assert (found[0][0], [is_batch for _, is_batch, _ in found]) == ("priority", [False, True, True, None])
    assert [operation for *_, operation in found[2:]] == ["aretrieve_batch", None]


# ---- how it ended


def failure(status: str | None, code: str, name: str) -> Row:
    error = {"error_class": name, "error_code": code, "error_message": "a secret", "traceback": "a secret"}
    return spend_log({"status": status, "error_information": error}, status=status, spend=0, prompt_tokens=0, completion_tokens=0)


OUTCOME = ("status", "error_class", "http_status")


@reading.each
def test_a_failure_has_its_class_and_http_status():
    failures = (("429", "RateLimitError"), ("insufficient_quota", ""), ("499", "ClientDisconnected"))

    assert each((yield (failure("failure", *said) for said in failures)), *OUTCOME) == [
        ("error", "RateLimitError", 429),
        ("error", "insufficient_quota", None),
        ("cancelled", "ClientDisconnected", 499),
    ]


@reading.each
def test_old_rows_without_a_status_succeeded_unless_their_metadata_says_otherwise():
    rows = [
        *(spend_log({"status": in_metadata}, status=None) for in_metadata in ("success", None)),
        spend_log({"status": "failure"}, status=""),
        failure(None, "500", "InternalServerError"),
    ]

    assert each((yield rows), *OUTCOME) == [
        ("success", None, None),
        ("success", None, None),
        ("error", None, None),
        ("error", "InternalServerError", 500),
    ]


@reading
def test_a_success_after_a_retry_has_no_error():
    row = spend_log({"error_information": {"error_class": "RateLimitError", "error_code": "429"}, "attempted_retries": 1})

    assert one((yield row), *OUTCOME) == ("success", None, None)


# ---- how it was served


@reading.each
def test_the_first_token_comes_strictly_between_beginning_and_end():
    start, end = "2026-05-01 10:00:00.250", "2026-05-01 10:00:02.750"
    columns = ("ttft_ms", "is_streaming")

    rows = (spend_log(completionStartTime=first) for first in ("2026-05-01 10:00:00.650", start, end, None))

    assert each((yield rows), *columns) == [(400.0, True), *[(None, None)] * 3]


@reading.each
def test_the_duration_is_what_the_row_says_else_the_time_between():
    rows = [spend_log(request_duration_ms=2499), spend_log(endTime=None)]

    assert each((yield rows), "duration_ms") == [(2499.0,), (None,)]


@reading.each
def test_providers_and_models_have_the_names_that_prices_know():
    cases = [
        ("bedrock", "bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0", ("aws", "us.anthropic.claude-sonnet-4-20250514-v1:0")),
        ("bedrock", "bedrock/converse/anthropic.claude-v2", ("aws", "anthropic.claude-v2")),
        ("bedrock", "bedrock/arn:aws:bedrock:us-east-1:1:profile/x", ("aws", "arn:aws:bedrock:us-east-1:1:profile/x")),
        ("vertex_ai", "gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("azure_ai", "azure_ai/gpt-4o", ("azure", "gpt-4o")),
        ("xai", "grok-4", ("x-ai", "grok-4")),
        ("groq", "openai/gpt-oss-120b", ("groq", "openai/gpt-oss-120b")),
        ("openrouter", "openrouter/auto", ("openrouter", "openrouter/auto")),
        ("hosted_vllm", "qwen", ("hosted_vllm", "qwen")),
        ("", "unknown-model", (None, "sonnet")),
        ("openai", "", ("openai", "sonnet")),
    ]  # fmt: skip

    rows = (spend_log(custom_llm_provider=provider, model=model) for provider, model, _ in cases)

    assert each((yield rows), "provider", "model") == [known_as for *_, known_as in cases]


@reading
def test_the_model_asked_for_is_the_one_before_any_fallback():
    requested, attributes = one((yield spend_log({"original_model_group": "opus"})), "requested_model", "attributes")

    assert (requested, json.loads(attributes)["model_group"]) == ("opus", "sonnet")


@reading.each
def test_call_types_are_operations():
    operations = {
        "aembedding": "embeddings",
        "anthropic_messages": "chat",
        "aresponses": "chat",
        "arerank": "rerank",
        "acreate_eval": "acreate_eval",
    }

    found = each((yield (spend_log(call_type=call_type) for call_type in operations)), "operation")

    assert found == [(operation,) for operation in operations.values()]


@reading
def test_empty_texts_are_nobody():
    empty = dict.fromkeys(("user", "end_user", "team_id", "api_key", "model_group", "api_base", "session_id", "request_tags"), "")
    columns = ("user_id", "end_user_id", "team_id", "virtual_key", "requested_model", "route", "session_id", "tags")

    assert one((yield spend_log({"user_api_key_alias": ""}, **empty)), *columns) == (None,) * 8


@reading.each
def test_a_project_is_an_application():
    cases = [{"user_api_key_project_id": "p-1", "user_api_key_project_alias": "Search"}, {"user_api_key_project_id": "p-1"}]

    assert each((yield map(spend_log, cases)), "app") == [("Search",), ("p-1",)]


# ---- secrets and contents


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("sk-1234", KEY_HASH),  # SHA-256, which is what LiteLLM's table of keys has
        (KEY_HASH, KEY_HASH),
        ("litellm_proxy_master_key", "litellm_proxy_master_key"),
    ],
)
def test_a_key_without_an_alias_is_its_hash_never_the_secret(log: Path, key: str, shown: str):
    assert one(read(LiteLLM(), json_lines(log, [spend_log({"user_api_key_alias": None}, api_key=key)])), "virtual_key") == (shown,)


@reading
def test_an_address_is_kept_without_its_secrets():
    assert one((yield spend_log(api_base="https://me:pw@api.example.com/v1?key=abc")), "route") == ("https://api.example.com/v1",)


@reading
def test_contents_are_not_kept():
    row = spend_log(messages=[{"content": "a secret"}], response={"x": "a secret"}, proxy_server_request={"x": "a secret"})

    batch = yield [row, failure("failure", "400", "BadRequestError")]

    assert batch.requests.num_rows == 2
    assert "secret" not in str(batch.requests.to_pylist())


# ---- forms


def test_every_form_of_the_same_rows_gives_the_same_requests(tmp_path: Path):
    details = {"cached_tokens": 60, "cache_write_tokens": 30}
    counts = {"usage_object": usage(100, 20, prompt_tokens_details=details)}
    rows = [spend_log(counts, request_id=f"r-{number}", updated_at="2026-05-01 10:00:03") for number in range(3)]
    as_text = [{name: json.dumps(v) if isinstance(v, dict | list) else v for name, v in row.items()} for row in rows]
    lines = json_lines(tmp_path / "a.jsonl", rows)
    files = {
        "json lines": lines,
        "json in texts": json_lines(tmp_path / "b.jsonl", as_text),
        "array": tmp_path / "c.json",
        "gzip": tmp_path / "d.jsonl.gz",
        "csv": tmp_path / "e.csv",
        "parquet": tmp_path / "f.parquet",
        "nested parquet": tmp_path / "g.parquet",
    }
    files["array"].write_text(json.dumps(rows, indent=2))
    files["gzip"].write_bytes(gzip.compress(lines.read_bytes()))
    with files["csv"].open("w", newline="") as file:
        writer = csv.DictWriter(file, as_text[0])
        writer.writeheader()
        writer.writerows(as_text)
    with duckdb.connect() as con:
        con.sql(f"COPY (FROM read_csv('{files['csv']}')) TO '{files['parquet']}'")
        con.sql(f"COPY (FROM read_json('{lines}')) TO '{files['nested parquet']}'")

    found = {form: read(LiteLLM(), path).requests.drop_columns("source_file").to_pylist() for form, path in files.items()}

    assert len(found["json lines"]) == 3
    for form, same in found.items():
        assert same == found["json lines"], form
    assert {LiteLLM().recognise(Head.of(path)) for path in files.values()} == {
        "LiteLLM spend logs: columns request_id, startTime, spend"
    }


@reading
def test_rows_of_an_older_table_lack_columns():
    old = ("request_id", "call_type", "spend", "prompt_tokens", "completion_tokens", "startTime", "endTime", "model", "metadata")
    row = {name: value for name, value in spend_log().items() if name in old}

    assert one((yield row), *TOKENS, "status", "provider") == (100, None, None, None, 20, "success", None)


def test_the_sql_reads_any_relation_of_texts():
    row = {name: value if isinstance(value, str) else json.dumps(value) for name, value in spend_log().items()}
    values = ", ".join(
        f"'{row[name]}' AS \"{name}\"" if name in row else f'NULL::VARCHAR AS "{name}"' for name in SPEND_LOG_COLUMNS
    )
    with duckdb.connect() as con:
        con.execute("SET GLOBAL TimeZone = 'UTC'")
        table = con.sql(f"SELECT 0 AS row, 1 AS line, 'postgresql' AS source_file, 'x' AS fingerprint, {values}").to_arrow_table()
        query = CanonicalQuery(
            Reading(con, NOW), "litellm", f"WITH records AS (FROM given) {SPEND_LOG_ROWS}", "given", Conventions()
        )
        found, rejected = query.run(table)
        query.close()

    assert (found["request_id"].to_pylist(), found["input_tokens"].to_pylist(), rejected.num_rows) == (["chatcmpl-1"], [100], 0)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"spend": 1}, {"spend": 2, "updated_at": "2026-05-01 10:00:03"}),  # the table's later word
        ({"endTime": "2026-05-01 10:00:02.749"}, {"endTime": "2026-05-01 10:00:02.750"}),
        ({"spend": 0}, {"spend": 0.5}),  # of the same moment, the one with a cost
    ],
)
def test_the_later_and_more_complete_version_of_a_row_stays_in_whatever_order(tmp_path: Path, older: Row, newer: Row):
    first = json_lines(tmp_path / "a.jsonl", [spend_log(**older)])
    second = json_lines(tmp_path / "b.jsonl", [spend_log(**newer)])

    ((old,),), ((new,),) = (requests(read(LiteLLM(), path), "rank") for path in (first, second))

    assert 0 <= old < new


def test_a_row_changed_afterwards_replaces_what_the_lake_has(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    ingest([json_lines(tmp_path / "a.jsonl", [spend_log(spend=0)])], lake)

    changed = ingest([json_lines(tmp_path / "b.jsonl", [spend_log(spend=0.5, updated_at="2026-05-02T00:00:00Z")])], lake)
    again = ingest([tmp_path / "a.jsonl"], lake)

    assert (changed.updated, again.updated, lake.snapshot().rows) == (1, 0, 1)


# ---- bad input


def test_what_cannot_be_is_rejected_with_a_sentence(log: Path):
    rows = [
        spend_log(prompt_tokens=-5),
        spend_log(request_id="", litellm_call_id=None),
        spend_log(startTime=None),
        spend_log() | {"metadata": "{'status': None}"},
        spend_log(spend="12 USD"),
    ]

    assert rejects(read(LiteLLM(), json_lines(log, rows))) == [
        (1, 'input_tokens is "-5": a count cannot be negative. Correct the log, or leave the value empty.'),
        (2, "request_id is empty: a request needs an id of its own."),
        (3, "started_at is empty: a request needs the time when it was sent."),
        (4, "metadata is no whole JSON: it was cut off, or written in another way. Export that column as JSON."),
        (5, 'reported_cost_usd is "12 USD": a cost is a number without a currency sign, or empty.'),
    ]


@pytest.mark.parametrize("metadata", [None, "", " ", "null", "{}", "[]", "3"])
def test_metadata_may_say_nothing(log: Path, metadata: str | None):
    assert one(read(LiteLLM(), json_lines(log, [spend_log() | {"metadata": metadata}])), "input_tokens", "virtual_key") == (
        100,
        KEY_HASH,
    )


@reading
def test_an_id_may_be_missing_where_the_calls_own_is_told():
    assert one((yield spend_log(request_id="None", litellm_call_id="call-1")), "request_id") == ("call-1",)


def test_other_formats_are_not_recognised(tmp_path: Path):
    table = json_lines(tmp_path / "a", [{"request_id": "r", "started_at": "2026-05-01T10:00:00Z", "model": "m", "input_tokens": 1}])
    helicone = json_lines(tmp_path / "b", [{"id": "r", "createdAt": "…", "model": "m", "cost": 1}])

    assert [LiteLLM().recognise(Head.of(path)) for path in (table, helicone)] == [None, None]


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs")
def test_the_published_row_is_read():
    path = Path(os.environ["USAGECOST_REAL_DATA"]) / "litellm" / "spend_logs_payload.json"

    batch = read(LiteLLM(), path)

    columns = ("request_id", "provider", "model", "status", "input_tokens", "output_tokens", "reported_cost_usd", "duration_ms")
    assert requests(batch, *columns) == [
        ("chatcmpl-2283081b-dc89-41f6-93e6-d4f914774027", "openai", "gpt-4o", "success", 10, 20, Decimal("0.000225"), 4.583)
    ]
