"""OpenTelemetry's spans: what is one request, whatever its attributes are called, and what is part of what."""

from __future__ import annotations

import gzip
import json
import os
import random
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.otlp import STARTED, TRACE, Values, call, export, pairs, span
from tests.source_rows import NOW, Row, each, json_lines, one, read, reading_of, rejects, requests
from tests.test_sources_fuzz import CHANCES, check, mutated
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Batch, Head, Reading
from usagecost.sources.otel import OpenTelemetry

reading = reading_of(OpenTelemetry)

ID = f"{TRACE}:{1:016x}"


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    return tmp_path / "traces.json"


def read_spans(path: Path, *spans: Values, **about: Values) -> Batch:
    return read(OpenTelemetry(), json_lines(path, [export(*spans, **about)]))


def used(attributes: Values, **fields: object) -> Values:
    """A span with usage and these attributes."""
    return span(attributes={"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 7, **attributes}, **fields)


@reading
def test_a_span_says_who_what_and_when():
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.model": "claude-sonnet-4-5-20250929", "gen_ai.conversation.id": "c-1", "user.id": "ada",
        "server.address": "api.anthropic.com", "gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.response.id": "msg_1", "gen_ai.response.finish_reasons": ["stop"], "openai.response.service_tier": "flex",
    }  # fmt: skip
    resource = {"service.name": "shop", "deployment.environment.name": "production"}

    batch = yield export(call(**attributes), resource=resource, scope={"name": "anthropic", "version": "1.2"})

    columns = ("source", "request_id", "trace_id", "session_id", "provider", "model", "requested_model", "operation", "status")
    assert requests(batch, *columns) == [
        ("otel", ID, TRACE, "c-1", "anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "chat", "success")
    ]
    columns = ("user_id", "app", "environment", "route", "is_streaming", "service_tier", "duration_ms", "ttft_ms", "rank")
    assert requests(batch, *columns) == [("ada", "shop", "production", "api.anthropic.com", True, "flex", 1000.0, 250.0, 1)]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [STARTED // 1000]
    assert [json.loads(text) for text in batch.requests["attributes"].to_pylist()] == [
        {"span": "chat gpt-4o", "scope": "anthropic", "scope_version": "1.2", "response_id": "msg_1", "finish_reasons": ["stop"]}
    ]


SPELLINGS: dict[str, Row] = {
    "the conventions": {
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.cache_creation.input_tokens": 20, "gen_ai.usage.reasoning.output_tokens": 10,
    },
    "the conventions, renamed": {
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.cache_write.input_tokens": 20, "gen_ai.usage.reasoning.output_tokens": 10,
    },
    "OpenLLMetry": {
        "gen_ai.usage.prompt_tokens": 100, "gen_ai.usage.completion_tokens": 50, "gen_ai.usage.cache_read_input_tokens": 30,
        "gen_ai.usage.cache_creation_input_tokens": 20, "gen_ai.usage.reasoning_tokens": 10,
    },
    "Pydantic AI": {
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.details.cache_read_tokens": 30,
        "gen_ai.usage.details.cache_write_tokens": 20, "gen_ai.usage.details.reasoning_tokens": 10,
    },
    "OpenInference": {
        "llm.token_count.prompt": 100, "llm.token_count.completion": 50, "llm.token_count.total": 150,
        "llm.token_count.prompt_details.cache_read": 30, "llm.token_count.prompt_details.cache_write": 20,
        "llm.token_count.completion_details.reasoning": 10,
    },
    "Pydantic AI, old": {
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.details.cache_read_input_tokens": 30,
        "gen_ai.usage.details.cache_creation_input_tokens": 20, "gen_ai.usage.details.reasoning_tokens": 10,
    },
    "Pydantic AI of Gemini": {
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.details.cached_content_tokens": 30,
        "gen_ai.usage.cache_write.input_tokens": 20, "gen_ai.usage.details.thoughts_tokens": 10,
    },
    "plain words": {
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cached_tokens": 30,
        "gen_ai.usage.cache_creation_tokens": 20, "gen_ai.usage.thinking_tokens": 10,
    },
    "Semantic Kernel, old": {
        "gen_ai.response.prompt_tokens": 100, "gen_ai.response.completion_tokens": 50, "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.cache_write.input_tokens": 20, "gen_ai.usage.reasoning.output_tokens": 10,
    },
    "Vercel": {
        "ai.usage.inputTokens": 100, "ai.usage.outputTokens": 50, "ai.usage.cachedInputTokens": 30,
        "ai.usage.inputTokenDetails.cacheWriteTokens": 20, "ai.usage.reasoningTokens": 10,
    },
    "Vercel, old": {
        "ai.usage.promptTokens": 100, "ai.usage.completionTokens": 50, "ai.usage.inputTokenDetails.cacheReadTokens": 30,
        "ai.usage.inputTokenDetails.cacheWriteTokens": 20, "ai.usage.outputTokenDetails.reasoningTokens": 10,
    },
}  # fmt: skip
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "output_reasoning_tokens")


@reading.each
def test_every_spelling_of_the_counts_is_read():
    found = each((yield map(export, (span(attributes=attributes) for attributes in SPELLINGS.values()))), *TOKENS)

    assert dict(zip(SPELLINGS, found, strict=True)) == dict.fromkeys(SPELLINGS, (100, 50, 30, 20, 10))


@reading.each
def test_counts_are_read_as_they_are_written_with_the_parts_that_they_leave_out():
    written = [span(number, attributes={"ai.usage.promptTokens": "NaN", "ai.usage.completionTokens": 5}) for number in (1, 2)]
    written[0]["attributes"] = [
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 12}},
        {"key": "gen_ai.usage.output_tokens", "value": {"doubleValue": 3.0}},
        {"key": "gen_ai.usage.cache_read.input_tokens", "value": {"stringValue": "5"}},
    ]
    written[1]["attributes"][0]["value"] = {"doubleValue": "NaN"}
    cache = {"gen_ai.usage.cache_read.input_tokens": 300, "gen_ai.usage.cache_creation.input_tokens": 20}
    apart = used({**cache, "gen_ai.usage.reasoning.output_tokens": 9})
    within = used({"gen_ai.usage.cache_read.input_tokens": 100})

    assert each((yield map(export, [*written, apart, within])), *TOKENS) == [
        (12, 3, 5, None, None),
        (None, 5, None, None, None),  # what is not known is not 0
        (420, 16, 300, 20, 9),
        (100, 7, 100, None, None),
    ]


@reading.each
def test_providers_are_called_as_prices_call_them():
    providers = [
        ({"gen_ai.system": "aws.bedrock"}, "aws"),
        ({"gen_ai.system": "az.ai.openai"}, "azure"),
        ({"gen_ai.provider.name": "gcp.vertex_ai", "gen_ai.system": "openai"}, "google"),
        ({"gen_ai.provider.name": "x_ai"}, "x-ai"),
        ({"gen_ai.provider.name": "mistral_ai"}, "mistral"),
        ({"llm.provider": "OpenAI"}, "openai"),
        ({"ai.model.provider": "openai.responses"}, "openai"),
        ({"gen_ai.provider.name": "acme"}, "acme"),
        ({"gen_ai.system": "langchain"}, None),
        ({}, None),
    ]

    assert each((yield map(export, (used(told) for told, _ in providers))), "provider") == [(name,) for _, name in providers]


@reading.each
def test_the_model_is_the_responses_else_the_requested_one():
    models = [
        ({"gen_ai.request.model": "gpt-4o"}, "gpt-4o", "gpt-4o"),
        ({"llm.model_name": "gpt-4o-2024-08-06", "gen_ai.request.model": "gpt-4o"}, "gpt-4o-2024-08-06", "gpt-4o"),
        ({"ai.model.id": "gpt-5", "ai.response.model": "gpt-5-2025-08-07"}, "gpt-5-2025-08-07", "gpt-5"),
        ({"gen_ai.response.model": "", "gen_ai.request.model": "gpt-4o"}, "gpt-4o", "gpt-4o"),
    ]

    assert each((yield map(export, (used(told) for told, *_ in models))), "model", "requested_model") == [
        tuple(names) for _, *names in models
    ]


@reading.each
def test_the_operation_is_named_or_told_by_the_kind_of_span():
    operations = [
        ({"gen_ai.operation.name": "generate_content"}, "generate_content"),
        ({"openinference.span.kind": "LLM"}, "chat"),
        ({"openinference.span.kind": "EMBEDDING"}, "embeddings"),
        ({"ai.operationId": "ai.embed.doEmbed"}, "embeddings"),
        ({"ai.operationId": "ai.streamText.doStream"}, "chat"),
        ({"llm.request.type": "chat"}, "chat"),
        ({}, None),
    ]

    assert each((yield map(export, (used(told) for told, _ in operations))), "operation") == [(name,) for _, name in operations]


@reading.each
def test_costs_are_read_to_a_billionth_of_a_dollar():
    names = ("gen_ai.usage.cost", "gen_ai.usage.total_cost", "operation.cost", "llm.cost.total")
    costs = (used({name: cost}) for name in names for cost in (9.434999999999999e-05, "0.00009435"))

    assert each((yield map(export, costs)), "reported_cost_usd") == [(Decimal("0.000094350"),)] * 8


@reading
def test_copilots_cost_is_kept_and_is_not_taken_for_dollars():
    cost, attributes = one(
        (yield export(used({"github.copilot.cost": 1.0, "gen_ai.usage.input_tokens": 1}))), "reported_cost_usd", "attributes"
    )

    assert (cost, json.loads(attributes)["copilot_cost"]) == (None, "1.0")


@reading.each
def test_time_to_first_token_is_in_seconds_by_the_conventions_and_in_milliseconds_at_vercel():
    told = ({"gen_ai.response.time_to_first_chunk": 0.5}, {"ai.response.msToFirstChunk": 500}, {})
    told_by_strands = {"gen_ai.server.time_to_first_token": 500}  # as seconds that would be longer than the call

    spans = map(used, (*told, told_by_strands))

    assert each((yield map(export, spans)), "ttft_ms", "is_streaming") == [
        (500.0, True),
        (500.0, True),
        (None, None),
        (500.0, True),
    ]


@reading
def test_litellms_spans_name_team_and_key():
    attributes = {"metadata.user_api_key_team_id": "t-1", "metadata.user_api_key_alias": "ci", "metadata.user_api_key_user_id": "u"}

    assert one((yield export(used(attributes))), "team_id", "virtual_key", "user_id") == ("t-1", "ci", "u")


@reading
def test_a_process_says_whose_its_spans_are_unless_they_or_those_around_them_do():
    about = {"user.id": "alice", "team.id": "core"}
    spans = [call(1), span(2, attributes={"user.id": "eve"}), call(3, parent=2), call(4, user__id="bob", team__id="ads")]

    batch = yield export(*spans, resource=about)

    assert set(requests(batch, "user_id", "team_id")) == {("alice", "core"), ("eve", "core"), ("bob", "ads")}


@reading.each
def test_tags_are_a_list():
    told = ({"tag.tags": ["blue", "green"]}, {"langfuse.trace.tags": '["blue"]'})

    assert each((yield map(export, map(used, told))), "tags") == [(["blue", "green"],), (["blue"],)]


@reading
def test_a_service_that_nobody_named_is_not_reported():
    batch = yield export(call(1), resource={"service.name": "unknown_service:python", "deployment.environment": "dev"})

    assert requests(batch, "app", "environment") == [(None, "dev")]


@reading.each
def test_a_span_with_an_error_is_a_failed_request():
    failed = [
        *(used({}, status={"code": code}) for code in (2, "STATUS_CODE_ERROR")),
        *(used({"error.type": kind}) for kind in ("RateLimitError", "429", "asyncio.exceptions.CancelledError")),
    ]

    assert each((yield map(export, failed)), "status", "error_class", "http_status") == [
        ("error", None, None),
        ("error", None, None),
        ("error", "RateLimitError", None),
        ("error", "429", 429),
        ("cancelled", "asyncio.exceptions.CancelledError", None),
    ]


@reading
def test_the_class_of_an_error_may_be_in_the_event_of_its_exception():
    events = [{"name": "exception", "attributes": pairs({"exception.message": "secret", "exception.type": "APITimeoutError"})}]

    row = one((yield export(used({}, status={"code": 2, "message": "secret"}, events=events))), "status", "error_class")

    assert row == ("error", "APITimeoutError")


@reading
def test_a_call_that_failed_is_a_request_without_counts():
    failed = span(1, None, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "error.type": "500"})

    batch = yield export(failed)

    columns = ("request_id", "status", "model", "http_status", "input_tokens", "output_tokens")
    assert requests(batch, *columns) == [(f"{ID}:error", "error", "gpt-4o", 500, None, None)]


def test_spans_that_call_no_model_are_skipped_with_the_scope_that_wrote_them(traces: Path):
    tool = span(1, None, {"gen_ai.operation.name": "execute_tool", "error.type": "ValueError"})
    web = span(3, None, {"http.method": "GET"}, status={"code": 2})
    path = json_lines(traces, [export(tool, scope={"name": "agents"}), export(web, scope={"name": "<b>web"}), export(web)])

    batch = read(OpenTelemetry(), path)

    assert (batch.lines, batch.requests.num_rows) == (3, 0)
    assert {reason: count for (_, reason), count in batch.skips.items()} == {
        "span of scope agents that calls no model": 1,
        "span of scope ?b?web without usage names that are known": 1,
        "span of no scope without usage names that are known": 1,
    }


@reading
def test_a_call_without_usage_is_a_request_whose_tokens_are_not_known():
    batch = yield export(span(2, None, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}))

    columns = ("request_id", "status", "model", "input_tokens", "output_tokens", "rank")
    assert requests(batch, *columns) == [(f"{TRACE}:{2:016x}", "success", "gpt-4o", None, None, 0)]


@reading.each
def test_libraries_have_words_of_their_own_for_calls_of_a_model():
    operations = ("chat.completions", "text.completions", "responses", "acompletion", "rerank", "image")
    failed = (span(2, None, {"gen_ai.operation.name": operation, "error.type": "timeout"}) for operation in operations)

    assert each((yield map(export, failed)), "operation", "status") == [(operation, "error") for operation in operations]


@reading
def test_a_streamed_answer_of_logfire_is_the_span_at_its_end():
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o"}
    usage = {"gen_ai.usage.input_tokens": 2100, "gen_ai.usage.output_tokens": 23, "gen_ai.response.id": "chatcmpl-1"}
    begun, ended = (
        span(1, None, {**chat, "logfire.span_type": "span"}, traceId="1" * 32),
        span(2, None, {**chat, **usage, "logfire.span_type": "log"}, endTimeUnixNano=str(STARTED)),
    )

    batch = yield export(begun, ended, scope={"name": "logfire.openai"})

    columns = ("request_id", "input_tokens", "is_streaming", "duration_ms")
    assert requests(batch, *columns) == [(f"{TRACE}:{2:016x}", 2100, True, None)]
    assert [reason for _, reason in batch.skips] == ["start of a streamed answer, of which another span has the usage"]


@reading
def test_what_gets_a_call_ready_is_none():
    prompt = span(1, None, {"gen_ai.operation.name": "chat", "langsmith.span.kind": "prompt"}, name="ChatPromptTemplate")
    ready = span(2, None, {"openinference.span.kind": "LLM"}, name="OpenAI._prepare_chat_with_tools")

    batch = yield export(prompt, ready)

    assert batch.requests.num_rows == 0


@reading
def test_a_call_of_langsmith_with_an_exception_failed_whatever_its_status():
    event = {"name": "exception", "attributes": pairs({"exception.type": "Exception"})}
    failed = span(1, None, {"gen_ai.operation.name": "chat", "langsmith.span.kind": "llm"}, status={"code": 1}, events=[event])

    batch = yield export(failed, scope={"name": "langsmith"})

    assert requests(batch, "status", "error_class") == [("error", "Exception")]


@reading
def test_few_scopes_are_named_of_a_file():
    lines = [export(span(number, None, {}), scope={"name": f"scope-{number}"}) for number in range(1, 101)]

    batch = yield lines

    reasons = {reason: count for (_, reason), count in batch.skips.items()}
    assert len(reasons) == 31
    assert reasons["records of other scopes"] == 70
    assert batch.skipped == 100


@reading.each
def test_contents_are_not_kept():
    secrets = dict.fromkeys(
        ("gen_ai.input.messages", "gen_ai.prompt.0.content", "llm.input_messages.0.message.content", "input.value", "ai.prompt"),
        "a secret",
    )

    kept, rejected = yield [export(call(1, **secrets)), export({**call(1, **secrets), "startTimeUnixNano": "0"})]

    assert kept.requests.num_rows == rejected.rejects.num_rows == 1
    assert "secret" not in str(kept.requests.to_pylist()) + str(rejected.rejects.to_pylist())


@reading
def test_what_cannot_be_is_rejected_with_a_sentence():
    spans = [
        call(1, tokens=-3),
        {**call(2), "startTimeUnixNano": None},
        {**call(3), "startTimeUnixNano": "4102444800000000000"},
        {**call(4), "spanId": ""},
        call(5, gen_ai__usage__cost="much"),
    ]

    assert set(rejects((yield export(*spans)))) == {
        (1, 'input_tokens is "-3": a count cannot be negative. Correct the log, or leave the value empty.'),
        (1, "started_at (column startTimeUnixNano) is empty: a request needs the time when it was sent."),
        (
            1,
            'started_at (column startTimeUnixNano) is "4102444800000000000": that is 2100-01-01, in the future. '
            "Check the time and its unit.",
        ),
        (1, "request_id (column traceId and spanId) is empty: a request needs an id of its own."),
        (1, 'reported_cost_usd is "much": a cost is a number without a currency sign, or empty.'),
    }


@pytest.mark.parametrize("pack", [lambda text: text, gzip.compress, lambda text: pa.compress(text, "zstd", asbytes=True)])
def test_packed_files_are_read_as_plain_ones(traces: Path, pack: object):
    traces.write_bytes(pack((json.dumps(export(call(1), call(2))) + "\n").encode()))

    assert read(OpenTelemetry(), traces).requests.num_rows == 2


def test_an_export_is_recognised_by_its_outermost_field(tmp_path: Path):
    of_traces = Head.of(json_lines(tmp_path / "a", [export(call(1))]))
    of_logs = Head.of(json_lines(tmp_path / "b", [{"resourceLogs": []}]))

    assert OpenTelemetry().recognise(of_traces) == "OpenTelemetry traces: lines with resourceSpans"
    assert OpenTelemetry().recognise(of_logs) == "OpenTelemetry logs: lines with resourceLogs"


def test_lines_of_logs_and_metrics_among_those_of_traces_are_skipped(traces: Path):
    path = json_lines(traces, [{"resourceLogs": []}, export(call(1)), {"resourceMetrics": []}, export(), ""])

    batch = read(OpenTelemetry(), path)

    assert (batch.lines, batch.skipped, batch.requests.num_rows) == (5, 4, 1)


# ---- what is part of what


def links(path: Path, *spans: Values) -> set[tuple[str, str]]:
    """Part and whole, by the last digit of their spans."""
    with duckdb.connect() as con:
        con.execute("SET GLOBAL TimeZone = 'UTC'")
        (batch,) = OpenTelemetry().read([Head.of(json_lines(path, [export(*spans)]))], Reading(con, NOW))
    found = batch.lineage.select(["request_id", "parent_id"]).to_pylist()
    return {tuple(str(value).replace(f"{TRACE}:{'0' * 15}", "") for value in link.values()) for link in found}


def test_every_span_is_part_of_its_parent_whether_it_has_usage_or_not(traces: Path):
    assert links(traces, call(1), span(2, parent=1), call(3, parent=2)) == {("2", "1"), ("3", "2")}


def test_a_failed_call_is_part_of_the_failed_one_around_it_and_covers_no_usage(traces: Path):
    failed = {"gen_ai.operation.name": "chat", "error.type": "Timeout"}

    found = links(traces, span(1, None, failed), span(2, 1, failed))

    assert found == {("2", "1"), ("2:error", "1:error"), ("1", "1:error"), ("2", "2:error")}


def stored(lake: Lake, *columns: str) -> list[tuple[object, ...]]:
    if not lake.exists:
        return []
    table = duckdb.sql(
        f"SELECT {', '.join(columns)} FROM read_parquet($files) ORDER BY ALL", params={"files": list(lake.snapshot().files())}
    )
    return table.fetchall()


def stored_spans(lake: Lake) -> list[str]:
    return [str(request_id).replace(f"{TRACE}:{'0' * 15}", "") for (request_id,) in stored(lake, "request_id")]


AGENT, STEP, FIRST, SECOND = call(1, tokens=300), span(2, 1), call(3, 2, tokens=100), call(4, 2, tokens=200)
TREE = (AGENT, STEP, FIRST, SECOND)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(at_once=st.booleans(), order=st.permutations(TREE), cut=st.integers(0, 4))
@pytest.mark.slow
def test_neither_files_nor_ingests_nor_their_order_change_what_is_counted(
    tmp_path_factory: pytest.TempPathFactory, at_once: bool, order: list[Values], cut: int
):
    folder = tmp_path_factory.mktemp("traces")
    files = [json_lines(folder / f"{place}.json", [export(*part)]) for place, part in enumerate((order[:cut], order[cut:])) if part]
    lake = Lake(folder / "lake")

    for paths in [files] if at_once else [[file] for file in files]:
        ingest(paths, lake)

    assert stored_spans(lake) == ["3", "4"]


def test_usage_is_counted_once_in_the_innermost_spans_however_often_it_is_read(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    path = json_lines(tmp_path / "a.json", [export(*TREE)])
    first = ingest([path], lake)

    again = ingest([path], lake)

    assert (first.inserted, again.inserted, again.updated, again.version) == (2, 0, 0, first.version)
    assert (stored_spans(lake), stored(lake, "sum(input_tokens)")) == (["3", "4"], [(300,)])


FAILED = {"gen_ai.operation.name": "chat", "error.type": "429"}


def test_a_failed_call_is_counted(tmp_path: Path):
    beside_the_usage_around_it = [call(1), span(2, 1, FAILED)]
    the_innermost_of_several = [span(4, 3, FAILED), span(3, None, FAILED)]
    not_around_a_call_with_usage = [span(5, None, FAILED), span(6, 5), call(7, 6)]
    spans = beside_the_usage_around_it + the_innermost_of_several + not_around_a_call_with_usage
    lake = Lake(tmp_path / "lake")

    ingest([json_lines(tmp_path / "a.json", [export(*spans)])], lake)

    assert stored_spans(lake) == ["1", "2:error", "4:error", "7"]


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs")
def test_real_traces_have_the_totals_that_other_programs_found(tmp_path: Path):
    lake = Lake(tmp_path / "lake")

    report = ingest([Path(os.environ["USAGECOST_REAL_DATA"], "otel", "otlp_traces_from_langfuse.jsonl")], lake)

    assert (report.lines, report.requests, report.rejected, report.problems) == (102, 34, 0, ())
    assert stored(lake, "count(*)", "count(input_tokens)", "sum(input_tokens)", "sum(output_tokens)") == [(34, 21, 10_840, 4_302)]


# ---- whatever is in a file

EXPORT = json.dumps(
    export(
        call(1, None, gen_ai__usage__cost=0.25, tag__tags=["a"], gen_ai__provider__name="openai"),
        span(2, 1, {"gen_ai.operation.name": "chat", "error.type": "429"}, status={"code": 2}),
        resource={"service.name": "shop"},
        scope={"name": "openai"},
    )
)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(chance=CHANCES)
def test_any_lines_are_accounted_for(tmp_path: Path, chance: random.Random):
    lines = [EXPORT.encode(), *(mutated(EXPORT, chance) for _ in range(300))]

    assert check(OpenTelemetry(), tmp_path / "fuzz", b"\n".join(lines)).requests.num_rows >= 2
