"""What a span's counts are together: which emitters leave parts out, what totals tell, and who has names of its own."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import starmap
from pathlib import Path

import pytest

from tests.otlp import STARTED, Values, export, span
from tests.source_rows import each, one, reading_of, rejects
from usagecost.sources.otel import OpenTelemetry

reading = reading_of(OpenTelemetry)


def line(attributes: Values, scope: Values | None = None, **fields: object) -> Values:
    """An export of one span."""
    return export(span(attributes=attributes, **fields), scope=scope)


TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens")


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    return tmp_path / "traces.json"


def anthropic_counts(read_tokens: int = 300, write_tokens: int = 20, **more: object) -> Values:
    return {
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": write_tokens,
        **more,
    }


@reading.each
def test_some_emitters_leave_the_cache_out():
    wholes = {
        "openlit.instrumentation.anthropic": 1_320,
        "openinference.instrumentation.agno": 1_320,
        "OpenTelemetry::Instrumentation::RubyLLM": 1_320,
        "opentelemetry.instrumentation.bedrock": 1_320,
        "opentelemetry.instrumentation.botocore.bedrock-runtime": 1_320,
        "opentelemetry.instrumentation.anthropic": 1_000,
        "pydantic-ai": 1_000,
        "com.anthropic.sdk.python": 1_000,
    }

    found = each((yield starmap(line, ((anthropic_counts(), {"name": scope}) for scope in wholes))), *TOKENS[:3])

    assert dict(zip(wholes, found, strict=True)) == {scope: (whole, 300, 20) for scope, whole in wholes.items()}


@reading
def test_openlits_input_of_openai_has_the_cache_in_it():
    counts = {**anthropic_counts(), "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"}

    assert one((yield line(counts, scope={"name": "openlit.instrumentation.openai"})), "input_tokens") == (1_000,)


@reading.each
def test_the_total_tells_what_input_leaves_out():
    wholes = {
        1_050: 1_000,  # input + output
        1_370: 1_320,  # and both parts of the cache
        1_070: 1_020,  # and what was written
        1_350: 1_300,  # and what was read
        7: 1_000,  # tells nothing
    }
    names = ("gen_ai.usage.total_tokens", "llm.token_count.total")

    found = each((yield [line(anthropic_counts(**{name: total})) for name in names for total in wholes]), "input_tokens")

    assert found == [(whole,) for whole in wholes.values()] * 2


@reading.each
def test_a_total_that_counts_reasoning_apart_adds_it_to_the_output():
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.reasoning_tokens": 30}

    calls = (({**counts, "gen_ai.usage.total_tokens": total}, None) for total in (150, 180))

    assert each((yield starmap(line, calls)), *TOKENS[3:]) == [(50, 30), (80, 30)]


@reading.each
def test_what_geminis_total_has_beside_input_and_output_are_thoughts():
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.total_tokens": 450}

    of_its_own_api = {"name": "openinference.instrumentation.vertexai"}
    calls = [("gemini-2.5-flash", None), ("gpt-4o", None), ("gemini-2.5-flash", of_its_own_api)]

    asked = (line({**counts, "gen_ai.request.model": model}, scope) for model, scope in calls)
    found = each((yield asked), *TOKENS[3:], "units")

    uncounted = [("uncounted_tokens", Decimal(300))]  # whatever it is: the cost is a lower bound
    assert found == [(350, 300, None), (50, None, uncounted), (50, None, uncounted)]


@reading.each
def test_googles_adk_gave_thoughts_apart_before_2_3():
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 300, "gen_ai.usage.reasoning.output_tokens": 50}
    versions = ("1.9.0", "2.2.1", "2.3.0", "2.13.0")

    found = each(
        (yield starmap(line, ((counts, {"name": "gcp.vertex.agent", "version": version}) for version in versions))), "output_tokens"
    )

    assert found == [(350,), (350,), (300,), (300,)]


@reading.each
def test_pydantic_ai_gave_geminis_thoughts_apart_before_0_7_5():
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 300, "gen_ai.usage.details.thoughts_tokens": 50}
    calls = [("gemini-2.5-flash", "0.6.2"), ("gemini-2.5-flash", "0.7.4"), ("gemini-2.5-flash", "0.7.5"), ("gpt-5", "0.6.2")]
    scopes = [(model, {"name": "pydantic-ai", "version": version}) for model, version in calls]

    found = each((yield [line({**counts, "gen_ai.response.model": model}, scope) for model, scope in scopes]), "output_tokens")

    assert found == [(350,), (350,), (300,), (300,)]


@reading.each
def test_the_vercel_sdk_left_anthropics_cache_out_before_version_6():
    metadata = {
        "anthropic": {
            "usage": {
                "cache_creation_input_tokens": 500,
                "cache_creation": {"ephemeral_1h_input_tokens": 400},
                "server_tool_use": {"web_search_requests": 2},
                "service_tier": "standard",
            }
        },
        "google": {"groundingMetadata": "a secret"},
    }
    counts = {
        "ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "anthropic.messages",
        "ai.model.id": "claude-sonnet-4-5", "ai.usage.inputTokens": 1_000, "ai.usage.outputTokens": 50,
        "ai.usage.cachedInputTokens": 300, "ai.response.providerMetadata": json.dumps(metadata),
    }  # fmt: skip
    columns = (*TOKENS[:3], "cache_write_1h_tokens", "units", "service_tier")

    version_6 = {**counts, "ai.usage.inputTokenDetails.noCacheTokens": 200}

    before, since = yield [line(told, {"name": "ai"}) for told in (counts, version_6)]

    assert one(before, *columns) == (1_800, 300, 500, 400, [("web_searches", Decimal("2.000000"))], "standard")
    assert one(since, *TOKENS[:3]) == (1_000, 300, 500)


@reading
def test_what_is_rejected_shows_no_more_of_json_attributes_than_is_read():
    metadata = json.dumps({"anthropic": {"usage": {"service_tier": "standard"}}, "google": "a secret"})
    wrong = span(attributes={"gen_ai.usage.input_tokens": -1, "ai.response.providerMetadata": metadata})

    batch = yield export(wrong)

    (raw,) = batch.rejects["raw"].to_pylist()
    assert "secret" not in raw
    assert '"service_tier": "standard"' in raw


@reading.each
def test_what_the_spans_of_googles_adk_leave_out_is_read_of_the_answer_before_version_2():
    counts = {"gen_ai.usage.input_tokens": 700, "gen_ai.usage.output_tokens": 60}
    usage = {"cached_content_token_count": 512, "candidates_token_count": 60, "thoughts_token_count": 150}
    answer = {"gcp.vertex.agent.llm_response": json.dumps({"content": {"parts": []}, "usage_metadata": usage})}
    conventional = {"gen_ai.usage.output_tokens": 210, "gen_ai.usage.reasoning.output_tokens": 150}

    found = each((yield [line(counts | answer, {"name": "gcp.vertex.agent"}), line(counts | answer | conventional)]), *TOKENS)

    assert found == [(700, 512, None, 210, 150)] * 2


@reading
def test_how_much_output_gemini_cli_had_is_not_known_as_its_spans_leave_thoughts_out():
    counts = {"gen_ai.usage.input_tokens": 55, "gen_ai.usage.output_tokens": 64, "gen_ai.operation.name": "llm_call"}

    assert one((yield line(counts, {"name": "gemini-cli"})), *TOKENS) == (55, None, None, None, None)


@reading
def test_codex_names_the_model_on_the_span_of_a_turn():
    counts = {"gen_ai.usage.input_tokens": 55, "gen_ai.usage.output_tokens": 640, "codex.usage.reasoning_output_tokens": 576}
    turn = span(1, None, {"model": "gpt-5"}, name="session_task.turn", traceId="c" * 32)
    spans = (turn, span(2, 1, counts, name="handle_responses", traceId="c" * 32))

    assert one((yield export(*spans, scope={"name": "codex_exec"})), *TOKENS, "model") == (55, None, None, 640, 576, "gpt-5")


@reading
def test_claude_codes_spans_have_plain_names_and_leave_the_cache_out():
    counts = {
        "model": "claude-opus-5",
        "input_tokens": 2,
        "output_tokens": 12,
        "cache_read_tokens": 800,
        "cache_creation_tokens": 70,
    }
    about = {"speed": "fast", "ttft_ms": 900, "user.id": "a-hash", "user.email": "ada@example.org", "session.id": "s"}
    columns = (*TOKENS[:4], "model", "speed", "ttft_ms", "user_id", "session_id")

    row = one((yield line({**counts, **about}, name="claude_code.llm_request")), *columns)

    assert row == (872, 800, 70, 12, "claude-opus-5", "fast", 900.0, "ada@example.org", "s")


@reading
def test_plain_names_mean_nothing_elsewhere():
    batch = yield export(span(attributes={"input_tokens": 2, "model": "m"}))

    assert batch.requests.num_rows == 0


@reading
def test_a_failed_request_of_claude_code_is_a_failed_one():
    attributes = {"model": "claude-opus-5", "success": False, "status_code": 529}

    row = one((yield line(attributes, name="claude_code.llm_request")), "status", "http_status", "input_tokens")

    assert row == ("error", 529, None)


def langfuse_span(usage: Values, **more: object) -> Values:
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.usage_details": json.dumps(usage),
        **more,
    }


@reading.each
def test_langfuses_sdk_sends_a_map_of_counts():
    usages = [
        {"input": 100, "output": 20, "total": 120},
        {"input": 70, "input_cached_tokens": 30, "output": 20, "total": 120},
        {
            "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 30}, "completion_tokens_details": {"reasoning_tokens": 5},
        },
    ]  # fmt: skip

    assert each((yield starmap(line, ((langfuse_span(usage), None) for usage in usages))), *TOKENS) == [
        (100, None, None, 20, None),
        (100, 30, None, 20, None),
        (100, 30, None, 20, 5),
    ]


@reading
def test_langfuses_sdk_tells_cost_first_token_and_level():
    more = {
        "langfuse.observation.cost_details": '{"input": 0.001, "output": 0.002}',
        "langfuse.observation.completion_start_time": '"2026-02-10T01:25:40.250000Z"',
        "langfuse.observation.level": "ERROR",
    }
    columns = ("reported_cost_usd", "ttft_ms", "is_streaming", "status", "operation", "model")

    row = one((yield line(langfuse_span({"input": 1, "output": 2}, **more))), *columns)

    assert STARTED == 1_770_686_740_000_000_000
    assert row == (Decimal("0.003000000"), 250.0, True, "error", "chat", "gpt-4o")


@reading
def test_a_map_that_is_none_is_rejected():
    attributes = langfuse_span({}, **{"langfuse.observation.usage_details": "much"})

    batch = yield export(span(attributes=attributes))

    assert rejects(batch) == [(1, 'usage_details is "much": it has to be a JSON object of counts. Export the observations again.')]


@reading
def test_litellm_tells_what_was_cached_as_python_writes_it():
    usage = "{'prompt_tokens_details': {'cached_tokens': 40, 'audio_tokens': None}, 'cache_creation_input_tokens': 7}"
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 5, "metadata.usage_object": usage}

    assert one((yield line(counts)), *TOKENS[:3]) == (100, 40, 7)


COUNTED = {
    "cache_write_tokens": "gen_ai.usage.cache_write_input_tokens",
    "cache_write_1h_tokens": "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
    "input_audio_tokens": "gen_ai.usage.audio.input_tokens",
    "output_audio_tokens": "gen_ai.usage.audio.output_tokens",
    "input_image_tokens": "gen_ai.usage.image.input_tokens",
    "output_image_tokens": "gen_ai.usage.image.output_tokens",
    "cache_audio_read_tokens": "gen_ai.usage.details.cache_audio_read_tokens",
}


@reading
def test_langsmith_tells_parts_as_json_and_the_lifetimes_of_writes_in_place_of_their_sum():
    parts = {"cache_read": 600, "cache_creation": 0, "ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 150}
    told = {
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.input_token_details": json.dumps(parts),
        "gen_ai.usage.output_token_details": json.dumps({"reasoning": 40}),
        "langsmith.metadata.user_id": "u1",
    }

    assert one((yield line(told)), *TOKENS, "cache_write_1h_tokens", "user_id") == (1_000, 600, 200, 100, 40, 150, "u1")


@reading.each
def test_langsmith_tells_parts_as_python_writes_them_and_of_langchain_beside_them_as_json():
    counts = {"gen_ai.usage.input_tokens": 5300, "gen_ai.usage.output_tokens": 26}
    wrapped = {"gen_ai.usage.input_token_details": "{'cache_read': 1800, 'ephemeral_5m_input_tokens': 300}"}
    parts = {"cache_read": 1800, "cache_creation": 0, "ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}
    beside = {
        "langsmith.metadata.usage_metadata": json.dumps({"input_token_details": parts, "output_token_details": {"reasoning": 9}})
    }

    found = each((yield [line(counts | wrapped), line(counts | beside)]), *TOKENS, "cache_write_1h_tokens")

    assert found == [(5300, 1800, 300, 26, None, None), (5300, 1800, 300, 26, 9, 200)]


@reading.each
def test_logfire_has_the_providers_own_usage():
    counts = {"gen_ai.usage.input_tokens": 2014, "gen_ai.usage.output_tokens": 640}
    raws = (
        {"gen_ai.usage.raw": '{"completion_tokens": 640, "completion_tokens_details": {"reasoning_tokens": 576}}'},
        {"gen_ai.usage.raw": '{"input_tokens": 14, "cache_creation": {"ephemeral_1h_input_tokens": 1500}}'},
        {"usage": '{"input_tokens_details": {"cached_tokens": 64}, "output_tokens_details": {"reasoning_tokens": 12}}'},
    )

    found = each((yield [line(counts | raw) for raw in raws]), *TOKENS, "cache_write_1h_tokens")

    assert found == [
        (2014, None, None, 640, 576, None),
        (2014, None, 1500, 640, None, 1500),
        (2014, 64, None, 640, 12, None),
    ]


@reading.each
def test_mlflow_writes_usage_and_texts_as_json():
    usage = {"input_tokens": 5300, "output_tokens": 26, "cache_read_input_tokens": 1800, "cache_creation_input_tokens": 300}
    of_model = {"mlflow.llm.model": '"claude-sonnet-4-5"', "mlflow.llm.provider": '"anthropic"', "mlflow.spanType": '"CHAT_MODEL"'}
    answered = line(of_model | {"mlflow.chat.tokenUsage": json.dumps(usage)})
    failed = line({"mlflow.spanType": '"CHAT_MODEL"'}, status={"code": 2})

    found = each((yield [answered, failed]), *TOKENS, "model", "provider", "operation", "status")

    assert found == [
        (5300, 1800, 300, 26, None, "claude-sonnet-4-5", "anthropic", "chat", "success"),
        (None, None, None, None, None, None, None, "chat", "error"),
    ]


@reading.each
def test_parts_have_names_of_their_own():
    counts = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50}

    found = each(
        (
            yield starmap(
                line,
                (({**counts, name: 3}, None) for name in COUNTED.values()),
            )
        ),
        *COUNTED,
        "input_tokens",
        "output_tokens",
    )

    assert [row[place] for place, row in enumerate(found)] == [3] * len(COUNTED)
    assert {row[-2:] for row in found} == {(100, 50)}


@reading
def test_what_anthropic_spent_on_compaction_comes_on_top():
    more = {"anthropic.usage.compaction.input_tokens": 500, "anthropic.usage.compaction.output_tokens": 60}

    assert one((yield line(anthropic_counts(**more))), "input_tokens", "output_tokens") == (1_500, 110)


SAID = [
    ("gen_ai.is_streaming", True, "is_streaming", True),
    ("gen_ai.request.stream", False, "is_streaming", False),
    ("gen_ai.client.operation.time_to_first_chunk", 0.5, "ttft_ms", 500.0),
    ("llm.user", "ada", "user_id", "ada"),
    ("llm.invocation_parameters", '{"model": "gpt-5", "temperature": 1}', "model", "gpt-5"),
    ("anthropic.response.service_tier", "priority", "service_tier", "priority"),
    ("anthropic.usage.inference_geo", "us", "inference_region", "us"),
    ("anthropic.usage.inference_geo", "not_available", "inference_region", None),
    ("anthropic.usage.speed", "fast", "speed", "fast"),
    ("anthropic.usage.speed", "standard", "speed", None),
]


@reading.each
def test_who_and_how_have_names_of_their_own():
    counts = {"gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1}
    columns = [column for _, _, column, _ in SAID]

    found = each((yield starmap(line, (({**counts, name: value}, None) for name, value, _, _ in SAID))), *dict.fromkeys(columns))

    rows = [dict(zip(dict.fromkeys(columns), row, strict=True)) for row in found]
    assert [row[column] for row, column in zip(rows, columns, strict=True)] == [said for *_, said in SAID]


@reading.each
def test_a_model_of_bedrock_is_told_by_its_id_where_the_framework_names_itself():
    models = ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0", "claude-sonnet-4-5", "gpt-4.1")
    counts = {"gen_ai.usage.input_tokens": 1, "gen_ai.system": "strands-agents"}

    found = each((yield starmap(line, (({**counts, "gen_ai.request.model": model}, None) for model in models))), "provider")

    assert found == [("aws",), ("aws",), (None,), (None,)]
