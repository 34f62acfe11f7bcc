"""OpenTelemetry's spans: what is one request, whatever its attributes are called, what counts make, and what is part of what."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.claims import Claims, says
from tests.otlp import STARTED, TRACE, Values, call, export, pairs, span
from tests.source_rows import Row, json_lines, read
from tests.test_sources_fuzz import CHANCES, check, mutated
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Head
from usagecost.sources.otel import OpenTelemetry

TOKENS = "input_tokens cache_read_tokens cache_write_tokens output_tokens output_reasoning_tokens"
WRITES = f"{TOKENS} cache_write_1h_tokens"
ID = f"{TRACE}:{1:016x}"
INPUT, OUTPUT, TOTAL = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.total_tokens"
READ, WRITTEN = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
REASONING, THOUGHTS = "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.details.thoughts_tokens"
SYSTEM, PROVIDER, MODEL, OPERATION = "gen_ai.system", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.operation.name"


def line(attributes: Values, scope: str | Values = "", **fields: object) -> Values:
    """An export of one span."""
    return export(span(attributes=attributes, **fields), scope={"name": scope} if isinstance(scope, str) else scope)


def used(attributes: Values | None = None, scope: str | Values = "", **fields: object) -> Values:
    """The same of a span with usage."""
    return line({INPUT: 100, OUTPUT: 7, **(attributes or {})}, scope, **fields)


def written(value: Values) -> Values:
    """A span whose input is written so."""
    made = span(attributes={"ai.usage.promptTokens": "NaN", "ai.usage.completionTokens": 5})
    made["attributes"][0]["value"] = value
    return export(made)


def counted(input_tokens: int, output_tokens: int, scope: str | Values = "", **more: object) -> Values:
    return line({INPUT: input_tokens, OUTPUT: output_tokens, **more}, scope)


def of_anthropic(scope: str = "", **more: object) -> Values:
    """A span with counts of Anthropic's, with a prompt cache."""
    cache = {READ: 300, WRITTEN: 20}
    return line({SYSTEM: "anthropic", MODEL: "claude-sonnet-4-5", INPUT: 1_000, OUTPUT: 50, **cache, **more}, scope)


def of_langfuse(usage: object, **more: object) -> Values:
    text = usage if isinstance(usage, str) else json.dumps(usage)
    about = {"type": "generation", "model.name": "gpt-4o", "usage_details": text, **more}
    return line({f"langfuse.observation.{name}": value for name, value in about.items()})


def failed(number: int = 1, parent: int | None = None, kind: str = "429", **more: object) -> Values:
    """A span of a call that failed."""
    return span(number, parent, {OPERATION: "chat", "error.type": kind, **more})


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

ABOUT = {
    OPERATION: "chat", PROVIDER: "anthropic", MODEL: "claude-sonnet-4-5", "gen_ai.response.model": "claude-sonnet-4-5-20250929",
    "gen_ai.conversation.id": "c-1", "user.id": "ada", "server.address": "api.anthropic.com", "gen_ai.request.stream": True,
    "gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.response.id": "msg_1", "gen_ai.response.finish_reasons": ["stop"],
    "openai.response.service_tier": "flex",
}  # fmt: skip
OF_PROCESS = {"service.name": "shop", "deployment.environment.name": "production"}
VERCEL = {
    "ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "anthropic.messages", "ai.model.id": "claude-sonnet-4-5",
    "ai.usage.inputTokens": 1_000, "ai.usage.outputTokens": 50, "ai.usage.cachedInputTokens": 300,
    "ai.response.providerMetadata": json.dumps(
        {
            "anthropic": {
                "usage": {
                    "cache_creation_input_tokens": 500, "cache_creation": {"ephemeral_1h_input_tokens": 400},
                    "server_tool_use": {"web_search_requests": 2}, "service_tier": "standard",
                }
            },
            "google": {"groundingMetadata": "a secret"},
        }
    ),
}  # fmt: skip
ADK = {
    "gcp.vertex.agent.llm_response": json.dumps(
        {"usage_metadata": {"cached_content_token_count": 512, "candidates_token_count": 60, "thoughts_token_count": 150}}
    )
}
CLAUDE_CODE = {
    "model": "claude-opus-5", "input_tokens": 2, "output_tokens": 12, "cache_read_tokens": 800, "cache_creation_tokens": 70,
    "speed": "fast", "ttft_ms": 900, "user.id": "a-hash", "user.email": "ada@example.org", "session.id": "s",
}  # fmt: skip
CODEX = {INPUT: 55, OUTPUT: 640, "codex.usage.reasoning_output_tokens": 576}
NESTED = {
    "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_tokens_details": {"cached_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 5},
}  # fmt: skip
PYTHON = "{'prompt_tokens_details': {'cached_tokens': 40, 'audio_tokens': None}, 'cache_creation_input_tokens': 7}"
LANGSMITH = {"cache_read": 600, "cache_creation": 0, "ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 150}
LANGCHAIN = {"input_token_details": LANGSMITH, "output_token_details": {"reasoning": 9}}
LOGFIRE = {OPERATION: "chat", MODEL: "gpt-4o", "gen_ai.response.model": "gpt-4o"}
MLFLOW = {
    "mlflow.llm.model": '"claude-sonnet-4-5"', "mlflow.llm.provider": '"anthropic"', "mlflow.spanType": '"CHAT_MODEL"',
    "mlflow.chat.tokenUsage": json.dumps(
        {"input_tokens": 5300, "output_tokens": 26, "cache_read_input_tokens": 1800, "cache_creation_input_tokens": 300}
    ),
}  # fmt: skip
EXCEPTION = {"name": "exception", "attributes": pairs({"exception.message": "a secret", "exception.type": "APITimeoutError"})}
CONTENTS = dict.fromkeys(
    ("gen_ai.input.messages", "gen_ai.prompt.0.content", "llm.input_messages.0.message.content", "input.value", "ai.prompt"),
    "a secret",
)
NO_CALL = "span of scope agents that calls no model"
LOGFIRE_START = "start of a streamed answer, of which another span has the usage"

CLAIMS = Claims(
    OpenTelemetry,
    {
        "a span says who, what and when": says(
            "source request_id trace_id session_id provider model requested_model operation status user_id app environment route "
            "is_streaming service_tier duration_ms ttft_ms rank started_at attributes",
            (
                export(call(**ABOUT), resource=OF_PROCESS, scope={"name": "anthropic", "version": "1.2"}),
                ("otel", ID, TRACE, "c-1", "anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "chat", "success", "ada",
                 "shop", "production", "api.anthropic.com", True, "flex", 1000.0, 250.0, 1, "2026-02-10T01:25:40+00:00",
                 {"span": "chat gpt-4o", "scope": "anthropic", "scope_version": "1.2", "response_id": "msg_1",
                  "finish_reasons": ["stop"]}),
            ),
        ),
        "contents are not kept": says("request_id", (export(call(1, **CONTENTS)), ID)),
        **{
            f"the spelling of counts is read: {name}": says(TOKENS, (line(attributes), (100, 30, 20, 50, 10)))
            for name, attributes in SPELLINGS.items()
        },
        "counts are read as they are written": says(
            TOKENS,
            (written({"intValue": 12}), (12, None, None, 5, None)),
            (written({"doubleValue": 3.0}), (3, None, None, 5, None)),
            (written({"stringValue": "5"}), (5, None, None, 5, None)),
            (written({"doubleValue": "NaN"}), (None, None, None, 5, None)),  # what is not known is not 0
        ),
        "parts that are more than the whole are added to it": says(
            TOKENS,
            (used({READ: 300, WRITTEN: 20, REASONING: 9}), (420, 300, 20, 16, 9)),
            (used({READ: 100}), (100, 100, None, 7, None)),
        ),
        "providers are called as prices call them": says(
            "provider",
            (used({SYSTEM: "aws.bedrock"}), "aws"),
            (used({SYSTEM: "az.ai.openai"}), "azure"),
            (used({PROVIDER: "gcp.vertex_ai", SYSTEM: "openai"}), "google"),
            (used({PROVIDER: "x_ai"}), "x-ai"),
            (used({PROVIDER: "mistral_ai"}), "mistral"),
            (used({"llm.provider": "OpenAI"}), "openai"),
            (used({"ai.model.provider": "openai.responses"}), "openai"),
            (used({PROVIDER: "acme"}), "acme"),
            (used({SYSTEM: "langchain"}), None),
            (used(), None),
            # a model of Bedrock is told by its id where the framework names itself
            (used({SYSTEM: "strands-agents", MODEL: "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}), "aws"),
            (used({SYSTEM: "strands-agents", MODEL: "amazon.nova-pro-v1:0"}), "aws"),
            (used({SYSTEM: "strands-agents", MODEL: "claude-sonnet-4-5"}), None),
            (used({SYSTEM: "strands-agents", MODEL: "gpt-4.1"}), None),
        ),
        "the model is the response's, else the requested one": says(
            "model requested_model",
            (used({MODEL: "gpt-4o"}), ("gpt-4o", "gpt-4o")),
            (used({"llm.model_name": "gpt-4o-2024-08-06", MODEL: "gpt-4o"}), ("gpt-4o-2024-08-06", "gpt-4o")),
            (used({"ai.model.id": "gpt-5", "ai.response.model": "gpt-5-2025-08-07"}), ("gpt-5-2025-08-07", "gpt-5")),
            (used({"gen_ai.response.model": "", MODEL: "gpt-4o"}), ("gpt-4o", "gpt-4o")),
        ),
        "the operation is named or told by the kind of span": says(
            "operation",
            (used({OPERATION: "generate_content"}), "generate_content"),
            (used({"openinference.span.kind": "LLM"}), "chat"),
            (used({"openinference.span.kind": "EMBEDDING"}), "embeddings"),
            (used({"ai.operationId": "ai.embed.doEmbed"}), "embeddings"),
            (used({"ai.operationId": "ai.streamText.doStream"}), "chat"),
            (used({"llm.request.type": "chat"}), "chat"),
            (used(), None),
        ),
        "costs are read to a billionth of a dollar, and Copilot's is not taken for dollars": says(
            "reported_cost_usd attributes.copilot_cost",
            *(
                (used({name: cost}), (Decimal("0.000094350"), None))
                for name in ("gen_ai.usage.cost", "gen_ai.usage.total_cost", "operation.cost", "llm.cost.total")
                for cost in (9.434999999999999e-05, "0.00009435")
            ),
            (used({"github.copilot.cost": 1.0}), (None, "1.0")),
        ),
        "time to first token is in seconds by the conventions and in milliseconds at Vercel": says(
            "ttft_ms is_streaming",
            (used({"gen_ai.response.time_to_first_chunk": 0.5}), (500.0, True)),
            (used({"ai.response.msToFirstChunk": 500}), (500.0, True)),
            (used(), (None, None)),
            # Strands' says no unit: as seconds it would be longer than the call
            (used({"gen_ai.server.time_to_first_token": 500}), (500.0, True)),
            (used({"gen_ai.client.operation.time_to_first_chunk": 0.5}), (500.0, True)),
            (used({"gen_ai.is_streaming": True}), (None, True)),
            (used({"gen_ai.request.stream": False}), (None, False)),
        ),
        "users, teams, keys and tags are named by the span": says(
            "user_id team_id virtual_key tags",
            (
                used({"metadata.user_api_key_team_id": "t-1", "metadata.user_api_key_alias": "ci",
                      "metadata.user_api_key_user_id": "u"}),
                ("u", "t-1", "ci", None),
            ),
            (used({"llm.user": "ada", "tag.tags": ["blue", "green"]}), ("ada", None, None, ["blue", "green"])),
            (used({"langfuse.trace.tags": '["blue"]'}), (None, None, None, ["blue"])),
        ),
        "a process says whose its spans are, unless they or those around them do": says(
            "user_id team_id",
            (
                export(call(1), span(2, attributes={"user.id": "eve"}), call(3, parent=2), call(4, user__id="bob", team__id="ads"),
                       resource={"user.id": "alice", "team.id": "core"}),
                [("eve", "core"), ("alice", "core"), ("bob", "ads")],
            ),
        ),
        "a service that nobody named is not reported": says(
            "app environment",
            (export(call(1), resource={"service.name": "unknown_service:python", "deployment.environment": "dev"}), (None, "dev")),
        ),
        "a span with an error is a failed request": says(
            "status error_class http_status",
            (used(status={"code": 2}), ("error", None, None)),
            (used(status={"code": "STATUS_CODE_ERROR"}), ("error", None, None)),
            (used({"error.type": "RateLimitError"}), ("error", "RateLimitError", None)),
            (used({"error.type": "429"}), ("error", "429", 429)),
            (used({"error.type": "asyncio.exceptions.CancelledError"}), ("cancelled", "asyncio.exceptions.CancelledError", None)),
            # the class may be in the event of its exception
            (used(status={"code": 2, "message": "a secret"}, events=[EXCEPTION]), ("error", "APITimeoutError", None)),
            # one of LangSmith with an exception failed whatever its status
            (
                line({OPERATION: "chat", "langsmith.span.kind": "llm"}, "langsmith", status={"code": 1}, events=[EXCEPTION]),
                ("error", "APITimeoutError", None),
            ),
        ),
        "a call without usage is a request whose tokens are not known": says(
            f"request_id status model http_status {TOKENS} rank",
            (line({OPERATION: "chat", MODEL: "gpt-4o"}), (ID, "success", "gpt-4o", None, None, None, None, None, None, 0)),
            (export(failed(kind="500")), (f"{ID}:error", "error", None, 500, None, None, None, None, None, 0)),
        ),
        "libraries have words of their own for calls of a model": says(
            "operation status",
            *(
                (line({OPERATION: operation, "error.type": "timeout"}), (operation, "error"))
                for operation in ("chat.completions", "text.completions", "responses", "acompletion", "rerank", "image")
            ),
        ),
        "spans that call no model are skipped with the scope that wrote them": says(
            "request_id skipped",
            (line({OPERATION: "execute_tool", "error.type": "ValueError"}, "agents"), [{NO_CALL: 1}]),
            (
                line({"http.method": "GET"}, "<b>web", status={"code": 2}),
                [{"span of scope ?b?web without usage names that are known": 1}],
            ),
            (line({"http.method": "GET"}), [{"span of no scope without usage names that are known": 1}]),
            (line({"input_tokens": 2, "model": "m"}), [{"span of no scope without usage names that are known": 1}]),
            # what gets a call ready is none
            (line({OPERATION: "chat", "langsmith.span.kind": "prompt"}), [{"span of no scope that calls no model": 1}]),
            (
                line({"openinference.span.kind": "LLM"}, name="OpenAI._prepare_chat_with_tools"),
                [{"span of no scope that calls no model": 1}],
            ),
        ),
        "a streamed answer of Logfire is the span at its end": says(
            "request_id input_tokens is_streaming duration_ms skipped",
            (
                export(span(1, None, {**LOGFIRE, "logfire.span_type": "span"}, traceId="1" * 32),
                       span(2, None, {**LOGFIRE, INPUT: 2100, OUTPUT: 23, "gen_ai.response.id": "chatcmpl-1",
                                      "logfire.span_type": "log"}, endTimeUnixNano=str(STARTED)), scope={"name": "logfire.openai"}),
                [(f"{TRACE}:{2:016x}", 2100, True, None), {LOGFIRE_START: 1}],
            ),
        ),
        "what cannot be is rejected with a sentence": says(
            "request_id",
            (export(call(1, tokens=-3)), [
                (1, 'input_tokens is "-3": a count cannot be negative. Correct the log, or leave the value empty.')]),
            (export({**call(2), "startTimeUnixNano": None}), [
                (1, "started_at (column startTimeUnixNano) is empty: a request needs the time when it was sent.")]),
            (export({**call(3), "startTimeUnixNano": "4102444800000000000"}), [
                (1, 'started_at (column startTimeUnixNano) is "4102444800000000000": that is 2100-01-01, in the future. '
                    "Check the time and its unit.")]),
            (export({**call(4), "spanId": ""}), [
                (1, "request_id (column traceId and spanId) is empty: a request needs an id of its own.")]),
            (export(call(5, gen_ai__usage__cost="much")), [
                (1, 'reported_cost_usd is "much": a cost is a number without a currency sign, or empty.')]),
            (of_langfuse("much"), [
                (1, 'usage_details is "much": it has to be a JSON object of counts. Export the observations again.')]),
        ),
        # which emitters leave parts out, what totals tell
        "some emitters leave the cache out": says(
            TOKENS,
            *(
                (of_anthropic(scope), (whole, 300, 20, 50, None))
                for scope, whole in {
                    "openlit.instrumentation.anthropic": 1_320,
                    "openinference.instrumentation.agno": 1_320,
                    "OpenTelemetry::Instrumentation::RubyLLM": 1_320,
                    "opentelemetry.instrumentation.bedrock": 1_320,
                    "opentelemetry.instrumentation.botocore.bedrock-runtime": 1_320,
                    "opentelemetry.instrumentation.anthropic": 1_000,
                    "pydantic-ai": 1_000,
                    "com.anthropic.sdk.python": 1_000,
                }.items()
            ),
            (
                of_anthropic("openlit.instrumentation.openai", **{SYSTEM: "openai", MODEL: "gpt-4o"}),
                (1_000, 300, 20, 50, None),
            ),
        ),
        "the total tells what input leaves out": says(
            "input_tokens",
            *(
                case
                for name in (TOTAL, "llm.token_count.total")
                for case in (
                    (of_anthropic(**{name: 1_050}), 1_000),  # input + output
                    (of_anthropic(**{name: 1_370}), 1_320),  # and both parts of the cache
                    (of_anthropic(**{name: 1_070}), 1_020),  # and what was written
                    (of_anthropic(**{name: 1_350}), 1_300),  # and what was read
                    (of_anthropic(**{name: 7}), 1_000),  # tells nothing
                )
            ),
        ),
        "a total that counts reasoning apart adds it to the output": says(
            "output_tokens output_reasoning_tokens",
            (counted(100, 50, **{REASONING: 30, TOTAL: 150}), (50, 30)),
            (counted(100, 50, **{REASONING: 30, TOTAL: 180}), (80, 30)),
        ),
        "what Gemini's total has beside input and output are thoughts": says(
            "output_tokens output_reasoning_tokens units",
            (counted(100, 50, **{TOTAL: 450, MODEL: "gemini-2.5-flash"}), (350, 300, {})),
            # elsewhere, whatever it is: the cost is a lower bound
            (counted(100, 50, **{TOTAL: 450, MODEL: "gpt-4o"}), (50, None, {"uncounted_tokens": 300})),
            (
                counted(100, 50, "openinference.instrumentation.vertexai", **{TOTAL: 450, MODEL: "gemini-2.5-flash"}),
                (50, None, {"uncounted_tokens": 300}),
            ),
        ),
        "Google's ADK gave thoughts apart before 2.3, and Pydantic AI before 0.7.5": says(
            "output_tokens",
            *(
                (counted(100, 300, {"name": "gcp.vertex.agent", "version": version}, **{REASONING: 50}), output)
                for version, output in (("1.9.0", 350), ("2.2.1", 350), ("2.3.0", 300), ("2.13.0", 300))
            ),
            *(
                (
                    counted(100, 300, {"name": "pydantic-ai", "version": version},
                            **{THOUGHTS: 50, "gen_ai.response.model": model}),
                    output,
                )
                for version, model, output in (("0.6.2", "gemini-2.5-flash", 350), ("0.7.4", "gemini-2.5-flash", 350),
                                               ("0.7.5", "gemini-2.5-flash", 300), ("0.6.2", "gpt-5", 300))
            ),
        ),
        "what the spans of Google's ADK leave out is read of the answer before version 2": says(
            TOKENS,
            (counted(700, 60, "gcp.vertex.agent", **ADK), (700, 512, None, 210, 150)),
            (line({INPUT: 700, **ADK, OUTPUT: 210, REASONING: 150}), (700, 512, None, 210, 150)),
        ),
        "the Vercel SDK left Anthropic's cache out before version 6": says(
            f"{WRITES} units service_tier",
            (line(VERCEL, "ai"), (1_800, 300, 500, 50, None, 400, {"web_searches": 2}, "standard")),
            (
                line({**VERCEL, "ai.usage.inputTokenDetails.noCacheTokens": 200}, "ai"),
                (1_000, 300, 500, 50, None, 400, {"web_searches": 2}, "standard"),
            ),
        ),
        "how much output Gemini CLI had is not known, as its spans leave thoughts out": says(
            TOKENS, (counted(55, 64, "gemini-cli", **{OPERATION: "llm_call"}), (55, None, None, None, None))
        ),
        "Codex names the model on the span of a turn": says(
            f"{TOKENS} model",
            (
                export(span(1, None, {"model": "gpt-5"}, name="session_task.turn", traceId="c" * 32),
                       span(2, 1, CODEX, name="handle_responses", traceId="c" * 32), scope={"name": "codex_exec"}),
                (55, None, None, 640, 576, "gpt-5"),
            ),
        ),
        "Claude Code's spans have plain names and leave the cache out": says(
            f"{TOKENS} model speed ttft_ms user_id session_id status http_status",
            (
                line(CLAUDE_CODE, name="claude_code.llm_request"),
                (872, 800, 70, 12, None, "claude-opus-5", "fast", 900.0, "ada@example.org", "s", "success", None),
            ),
            (
                line({"model": "claude-opus-5", "success": False, "status_code": 529}, name="claude_code.llm_request"),
                (None, None, None, None, None, "claude-opus-5", None, None, None, None, "error", 529),
            ),
        ),
        "Langfuse's SDK sends a map of counts": says(
            TOKENS,
            (of_langfuse({"input": 100, "output": 20, "total": 120}), (100, None, None, 20, None)),
            (of_langfuse({"input": 70, "input_cached_tokens": 30, "output": 20, "total": 120}), (100, 30, None, 20, None)),
            (of_langfuse(NESTED), (100, 30, None, 20, 5)),
        ),
        "Langfuse's SDK tells cost, first token and level": says(
            "reported_cost_usd ttft_ms is_streaming status operation model",
            (
                of_langfuse({"input": 1, "output": 2}, cost_details='{"input": 0.001, "output": 0.002}', level="ERROR",
                            completion_start_time='"2026-02-10T01:25:40.250000Z"'),
                (Decimal("0.003"), 250.0, True, "error", "chat", "gpt-4o"),
            ),
        ),
        "LiteLLM and LangSmith tell parts as Python or JSON write them": says(
            f"{WRITES} user_id",
            (counted(100, 5, **{"metadata.usage_object": PYTHON}), (100, 40, 7, 5, None, None, None)),
            (  # the lifetimes of writes in place of their sum
                counted(1_000, 100, **{"gen_ai.usage.input_token_details": json.dumps(LANGSMITH),
                                       "gen_ai.usage.output_token_details": '{"reasoning": 40}',
                                       "langsmith.metadata.user_id": "u1"}),
                (1_000, 600, 200, 100, 40, 150, "u1"),
            ),
            (
                counted(5300, 26, **{"gen_ai.usage.input_token_details": "{'cache_read': 1800, 'ephemeral_5m_input_tokens': 300}"}),
                (5300, 1800, 300, 26, None, None, None),
            ),
            (
                counted(5300, 26, **{"langsmith.metadata.usage_metadata": json.dumps(LANGCHAIN)}),
                (5300, 600, 200, 26, 9, 150, None),
            ),
        ),
        "Logfire has the provider's own usage": says(
            WRITES,
            (
                counted(2014, 640, **{"gen_ai.usage.raw": '{"completion_tokens_details": {"reasoning_tokens": 576}}'}),
                (2014, None, None, 640, 576, None),
            ),
            (
                counted(2014, 640, **{"gen_ai.usage.raw": '{"cache_creation": {"ephemeral_1h_input_tokens": 1500}}'}),
                (2014, None, 1500, 640, None, 1500),
            ),
            (
                counted(2014, 640, usage='{"input_tokens_details": {"cached_tokens": 64}, '
                                         '"output_tokens_details": {"reasoning_tokens": 12}}'),
                (2014, 64, None, 640, 12, None),
            ),
        ),
        "MLflow writes usage and texts as JSON": says(
            f"{TOKENS} model provider operation status",
            (line(MLFLOW), (5300, 1800, 300, 26, None, "claude-sonnet-4-5", "anthropic", "chat", "success")),
            (
                line({"mlflow.spanType": '"CHAT_MODEL"'}, status={"code": 2}),
                (None, None, None, None, None, None, None, "chat", "error"),
            ),
        ),
        **{
            f"{column} has a name of its own": says(
                f"{column} input_tokens output_tokens", (counted(100, 50, **{name: 3}), (3, 100, 50))
            )
            for column, name in {
                "cache_write_tokens": "gen_ai.usage.cache_write_input_tokens",
                "cache_write_1h_tokens": "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
                "input_audio_tokens": "gen_ai.usage.audio.input_tokens",
                "output_audio_tokens": "gen_ai.usage.audio.output_tokens",
                "input_image_tokens": "gen_ai.usage.image.input_tokens",
                "output_image_tokens": "gen_ai.usage.image.output_tokens",
                "cache_audio_read_tokens": "gen_ai.usage.details.cache_audio_read_tokens",
            }.items()
        },
        "what Anthropic spent on compaction comes on top": says(
            "input_tokens output_tokens",
            (
                of_anthropic(**{"anthropic.usage.compaction.input_tokens": 500, "anthropic.usage.compaction.output_tokens": 60}),
                (1_500, 110),
            ),
        ),
        "how a call was asked for has names of its own": says(
            "model service_tier inference_region speed",
            (used({"llm.invocation_parameters": '{"model": "gpt-5", "temperature": 1}'}), ("gpt-5", None, None, None)),
            (used({"anthropic.response.service_tier": "priority"}), (None, "priority", None, None)),
            (used({"anthropic.usage.inference_geo": "us"}), (None, None, "us", None)),
            (used({"anthropic.usage.inference_geo": "not_available"}), (None, None, None, None)),
            (used({"anthropic.usage.speed": "fast"}), (None, None, None, "fast")),
            (used({"anthropic.usage.speed": "standard"}), (None, None, None, None)),
        ),
    },
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_span_is_read_as_claimed(claim: str):
    assert CLAIMS.actual(claim) == CLAIMS.expected(claim)


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    return tmp_path / "traces.json"


def test_few_scopes_are_named_of_a_file(traces: Path):
    lines = [export(span(number, None, {}), scope={"name": f"scope-{number}"}) for number in range(1, 101)]

    reasons = {reason: count for (_, reason), count in read(OpenTelemetry(), json_lines(traces, lines)).skips.items()}

    assert (len(reasons), reasons["records of other scopes"], sum(reasons.values())) == (31, 70, 100)


def test_what_is_rejected_shows_no_contents_and_of_json_attributes_no_more_than_is_read(traces: Path):
    metadata = json.dumps({"anthropic": {"usage": {"service_tier": "standard"}}, "google": "a secret"})
    spans = [{**call(1, **CONTENTS), "startTimeUnixNano": "0"}, call(2, tokens=-1, ai__response__providerMetadata=metadata)]

    raws = read(OpenTelemetry(), json_lines(traces, [export(*spans)])).rejects["raw"].to_pylist()

    assert len(raws) == 2
    assert "secret" not in str(raws)
    assert any('"service_tier": "standard"' in raw for raw in raws)


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: pa.compress(text, "zstd", asbytes=True)])
def test_packed_files_are_read_as_plain_ones(traces: Path, pack: Callable[[bytes], bytes]):
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


FAILURES = (
    *(call(5), failed(6, 5)),  # beside the usage around it
    *(failed(8, 7), failed(7)),  # the innermost of several
    *(failed(9), span(10, 9), call(11, 10)),  # not around a call with usage
)


def test_usage_is_counted_once_in_the_innermost_spans_and_failures_beside_it(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    path = json_lines(tmp_path / "a.json", [export(*TREE, *FAILURES)])
    first = ingest([path], lake)

    again = ingest([path], lake)

    assert (first.inserted, again.inserted, again.updated, again.version) == (6, 0, 0, first.version)
    assert stored_spans(lake) == ["3", "4", "5", "6:error", "8:error", "b"]
    assert stored(lake, "sum(input_tokens)") == [(500,)]


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
