"""Provider responses: what each provider's usage counts, which request a body is, how it ended, and what a line says beside it."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.body_rows import CHAT, CONVERSE, GEMINI, MESSAGE, RESPONSE, batch_result, line, with_usage
from tests.claims import Claims, says
from tests.source_rows import Row, json_lines, read, requests
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import SOURCES, Head
from usagecost.sources.bodies import Bodies

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens")
PARTS = ("output_reasoning_tokens", "input_audio_tokens", "output_audio_tokens")
KINDS = ("cache_audio_read_tokens", "input_image_tokens", "cache_image_read_tokens", "output_image_tokens")
INPUT_AND_OUTPUT = "input_tokens output_tokens"

SNAKE = {
    "prompt_token_count": 100, "cached_content_token_count": 40, "tool_use_prompt_token_count": 11, "candidates_token_count": 20,
    "thoughts_token_count": 10, "prompt_tokens_details": [{"modality": "AUDIO", "token_count": 5}],
}  # fmt: skip
GEMINI_KINDS = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 500,
    "candidatesTokenCount": 1302,
    "toolUsePromptTokenCount": 10,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 300}, {"modality": "AUDIO", "tokenCount": 200},
        {"modality": "IMAGE", "tokenCount": 258}, {"modality": "DOCUMENT", "tokenCount": 242},
    ],
    "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 400}, {"modality": "IMAGE", "tokenCount": 100}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
}  # fmt: skip
REALTIME = {
    "input_tokens": 1000,
    "output_tokens": 250,
    "input_token_details": {
        "audio_tokens": 600, "image_tokens": 80, "cached_tokens": 500,
        "cached_tokens_details": {"text_tokens": 150, "audio_tokens": 300, "image_tokens": 50},
    },
    "output_token_details": {"audio_tokens": 200},
}  # fmt: skip
CACHED = {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130, "cached_tokens": 40}
DELTA = {"choices": [{"delta": {}}]}
SEVERAL_PLACES = [
    ([DELTA, {"choices": [{"finish_reason": "stop"}], "x_groq": {"usage": CACHED}}], (100, 40, None, 30)),
    ([DELTA, {"choices": [{"finish_reason": "stop", "usage": CACHED}]}], (100, 40, None, 30)),
    (
        {"usage": {"inputTokens": 3, "cacheReadInputTokenCount": 100, "cacheWriteInputTokenCount": 20, "outputTokens": 5}},
        (123, 100, 20, 5),
    ),
    (
        {
            "output": {"text": "x"},
            "usage": {"input_tokens": 100, "output_tokens": 30, "prompt_tokens_details": {"cached_tokens": 40}},
        },
        (100, 40, None, 30),
    ),
]
OWN_KEY = {"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}

AT = {"timestamp": "2026-05-01T10:00:00Z"}

ANTHROPIC_STREAM = [
    {"type": "message_start", "message": with_usage(MESSAGE, output_tokens=1)},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a secret"}},
    {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 50}},
    {"type": "message_stop"},
]
CHAT_STREAM = [
    {**CHAT, "object": "chat.completion.chunk", "usage": None},
    {**CHAT, "object": "chat.completion.chunk", "choices": []},
]
COMPLETED = {"type": "response.completed", "response": RESPONSE}
RANKED = {"id": "r", "results": [{"relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 1}}}

ENTRIES = [
    {"type": "compaction", "input_tokens": 180, "output_tokens": 35, "cache_read_input_tokens": 6},
    {"type": "message", "input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20},
]
ADVICE = {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 159, "output_tokens": 78}

SEARCHES = [
    {"type": "web_search_call", "action": {"type": "search"}},
    {"type": "web_search_call", "action": {"type": "open_page"}},
    {"type": "web_search_call"},
    {"type": "file_search_call"},
    {"type": "message"},
]
GROUNDED = {"finishReason": "STOP", "groundingMetadata": {"webSearchQueries": ["a", "b", "c"]}}
SECRET_KEY, ITS_HASH = "sk-proj-0123456789abcdef", "a9c246e753fdbb2ad930db424c31e090a537ff6c9c791cca2f8a01221ea20b52"
UNREAD = "body is no JSON object, nor a list or a stream of them: log the response as it came."
UNTIMED = "this result of a batch does not tell its time: add a field timestamp to each line, with the time of the batch."


def of_gemini(**usage: object) -> Row:
    return line({**GEMINI, "usageMetadata": usage})


def of_chat(**usage: object) -> Row:
    """A chat of Gemini's in OpenAI's form with just these counts."""
    return line({**CHAT, "model": "gemini-2.5-pro", "usage": {"prompt_tokens": 20, "completion_tokens": 12, **usage}})


def tier_of(traffic: str) -> Row:
    return of_gemini(**GEMINI["usageMetadata"], trafficType=traffic)


CLAIMS = Claims(
    Bodies,
    {
        "the usage of each provider is counted as it says it": says(
            " ".join(TOKENS + PARTS),
            (line(CHAT), (100, 40, 8, None, 30, 20, 5, 3)),  # OpenAI counts every part in its whole
            (line(RESPONSE), (100, 40, 8, None, 30, 20, None, None)),
            (line(MESSAGE), (123, 100, 20, 7, 5, 4, None, None)),  # Anthropic and Bedrock count cache reads and writes apart
            (line(CONVERSE, model="anthropic.claude-opus-4-6-v1:0"), (123, 100, 20, 7, 5, None, None, None)),
            # without a total of cache writes they are the sum of their lifetimes
            (line(with_usage(MESSAGE, cache_creation_input_tokens=None)), (123, 100, 20, 7, 5, 4, None, None)),
            (line(GEMINI), (111, 40, None, None, 30, 10, 5, None)),  # Gemini counts thoughts and tool results apart
            (line({"responseId": "g-2", "usage_metadata": SNAKE}), (111, 40, None, None, 30, 10, 5, None)),
            (of_gemini(promptTokenCount=9, thoughtsTokenCount=71, totalTokenCount=80), (9, None, None, None, 71, 71, None, None)),
            *(
                (line(with_usage(CHAT, prompt_tokens_details=None, **reads)), (100, 64, None, None, 30, 20, None, 3))
                for reads in ({"prompt_cache_hit_tokens": 64}, {"cached_tokens": 64})
            ),
        ),
        "reasoning that is beside the completion is added to it": says(
            "output_tokens",
            (line(with_usage(CHAT, total_tokens=130)), 30),  # as OpenAI says it: 100 + 30
            (line(with_usage(CHAT, total_tokens=150)), 50),  # as xAI does: 100 + 30 + 20
            (line(with_usage(CHAT, total_tokens=None)), 30),
            (
                line(with_usage(CHAT, total_tokens=7196, completion_tokens_details=None, reasoning_tokens=50, citation_tokens=9)),
                80,
            ),
        ),
        "what is not told is null": says(
            f"{INPUT_AND_OUTPUT} cache_read_tokens operation status",
            (
                line({"object": "list", "model": "text-embedding-3-small", "usage": {"prompt_tokens": 4, "total_tokens": 4}}),
                (4, None, None, "embeddings", "success"),
            ),
            (line({"id": "chatcmpl-Bx2", "model": "gpt-4o", "choices": []}), (None, None, None, None, "success")),
        ),
        "counts stand in the body itself at Ollama and of some models of Bedrock": says(
            f"{INPUT_AND_OUTPUT} operation",
            (line({"done": True, "prompt_eval_count": 26, "eval_count": 298, "total_duration": 5_000_000}), (26, 298, "chat")),
            (line({"generation": "x", "prompt_token_count": 12, "generation_token_count": 34}), (12, 34, "chat")),
            (line({"inputTextTokenCount": 7, "results": [{"tokenCount": 5}]}), (7, 5, "chat")),
            (line({"inputTextTokenCount": 7, "embedding": [0.1]}), (7, None, "embeddings")),
        ),
        "usage is found where some have it": says(
            "input_tokens cache_read_tokens cache_write_tokens output_tokens",
            *((line(body, model="m"), expected) for body, expected in SEVERAL_PLACES),
        ),
        "Gemini leaves out a count of nothing": says(
            INPUT_AND_OUTPUT,
            (of_gemini(promptTokenCount=10, totalTokenCount=10), (10, 0)),
            (of_gemini(promptTokenCount=10), (10, None)),
        ),
        "audio that Mistral bills by its length is no reasoning": says(
            f"{INPUT_AND_OUTPUT} output_reasoning_tokens units",
            (
                line(with_usage(CHAT, prompt_audio_seconds=30, total_tokens=505, completion_tokens_details=None)),
                (100, 30, None, {"input_audio_seconds": 30}),
            ),
        ),
        "Cohere is counted as it bills": says(
            f"provider operation {INPUT_AND_OUTPUT}",
            (
                line({"id": "c", "usage": {"billed_units": {"input_tokens": 431, "output_tokens": 661}}}),
                ("cohere", "chat", 431, 661),
            ),
            (line({"id": "c-2", "meta": {"billed_units": {"input_tokens": 4}}}), ("cohere", "embeddings", 4, None)),
        ),
        "Gemini lists tokens by kind of content, and a document is an image": says(
            f"input_audio_tokens output_tokens {' '.join(KINDS)}", (of_gemini(**GEMINI_KINDS), (210, 1302, 0, 500, 100, 1290))
        ),
        "realtime answers say how much of the cache reads is audio and images": says(
            f"input_tokens cache_read_tokens input_audio_tokens output_audio_tokens provider {' '.join(KINDS)}",
            (
                line({"type": "response.done", "response": {"object": "realtime.response", "id": "resp_1", "usage": REALTIME}},
                     model="gpt-realtime"),
                (1000, 500, 600, 200, "openai", 300, 80, 50, None),
            ),
        ),
        "answers with images say their tokens or else their number": says(
            "operation input_image_tokens output_image_tokens units provider",
            (
                line({"data": [{"b64_json": "eA=="}],
                      "usage": {"input_tokens": 224, "output_tokens": 4160, "input_tokens_details": {"image_tokens": 194},
                                "output_tokens_details": {"image_tokens": 4160}}}, model="gpt-image-1"),
                ("images", 194, 4160, {}, "openai"),
            ),
            (line({"data": [{"b64_json": "eA=="}] * 2}, model="dall-e-3"), ("images", None, None, {"images": 2}, "openai")),
        ),
        "a total decides whether reasoning or cache is outside": says(
            "input_tokens cache_read_tokens output_tokens output_reasoning_tokens",
            (of_chat(total_tokens=1032), (20, None, 1012, 1000)),
            (of_chat(total_tokens=32), (20, None, 12, None)),
            (of_chat(total_tokens=132, prompt_tokens_details={"cached_tokens": 100}), (120, 100, 12, None)),
            (of_chat(total_tokens=1032, completion_tokens_details={"reasoning_tokens": 1000}), (20, None, 1012, 1000)),
            (of_chat(total_tokens=42, completion_tokens_details={"reasoning_tokens": 8}), (20, None, 22, 8)),
        ),
        "an embedding's total alone is its input": says(
            f"operation {INPUT_AND_OUTPUT}",
            (
                line({"object": "list", "model": "voyage-3", "data": [{"object": "embedding"}], "usage": {"total_tokens": 9}}),
                ("embeddings", 9, None),
            ),
        ),
        "what compactions took is added unless it is included": says(
            " ".join(TOKENS),
            (line(with_usage(MESSAGE, cache_creation=None, iterations=ENTRIES)), (309, 106, 20, None, 40)),
            (
                line(with_usage(MESSAGE, cache_creation=None, input_tokens=183, cache_read_input_tokens=106, output_tokens=40,
                                iterations=ENTRIES)),
                (309, 106, 20, None, 40),
            ),
        ),
        "an advisor is a request of its own": says(
            f"request_id model {INPUT_AND_OUTPUT} user_id",
            (
                line(with_usage({**MESSAGE, "model": "claude-sonnet-4-6"}, iterations=[ENTRIES[1], ADVICE]), user="ada"),
                [("msg_01", "claude-sonnet-4-6", 123, 5, "ada"), ("msg_01:call:2", "claude-opus-4-8", 159, 78, "ada")],
            ),
        ),
        # what a line says
        "a line says who, what, when and how fast": says(
            "request_id user_id team_id app environment virtual_key tags session_id trace_id provider model requested_model "
            "operation status http_status duration_ms ttft_ms is_streaming is_batch service_tier started_at",
            (
                line(CHAT, model="gpt-4o", provider="azure", user="ada", team="search", app="bot", environment="production",
                     key="team-key", tags=["a", "b"], latency_ms=1200.5, ttft_ms=90, status=200, stream=True, batch=True,
                     session_id="s", trace_id="t"),
                ("chatcmpl-Bx1", "ada", "search", "bot", "production", "team-key", ["a", "b"], "s", "t", "azure",
                 "gpt-4o-2024-08-06", "gpt-4o", "chat", "success", 200, 1200.5, 90.0, True, True, "priority",
                 "2026-05-01T10:00:00+00:00"),
            ),
        ),
        "contents and secret keys are not kept": says(
            "virtual_key",
            *(
                (line(body, key=SECRET_KEY, prompt="a secret"), ITS_HASH)
                for body in (CHAT, MESSAGE, CONVERSE, GEMINI, [CHAT, CHAT], json.dumps(MESSAGE))
            ),
        ),
        "a body tells the time where the line does not": says(
            "started_at",
            (
                [{"body": CHAT}, {"body": MESSAGE}],
                ["2026-05-01T10:00:00+00:00",
                 (2, "started_at (column timestamp) is empty: a request needs the time when it was sent.")],
            ),
        ),
        "a provider is named only where the body shows it": says(
            "provider",
            (line(CHAT), "openai"),
            (line(MESSAGE), "anthropic"),
            (line({**MESSAGE, "id": "msg_bdrk_01"}), "aws"),
            (line({**MESSAGE, "id": "msg_vrtx_01"}), "google"),
            (line({**MESSAGE, "model": "MiniMax-M2"}), None),
            (line(CONVERSE), "aws"),
            (line(GEMINI), "google"),
            (line({**CHAT, "prompt_filter_results": []}), "azure"),
            (line({**CHAT, "model": "openai/gpt-oss-120b", "x_groq": {"id": "req_1"}}), "groq"),
            (line({**CHAT, "model": "gpt-oss-120b"}), None),
            (line(with_usage({**CHAT, "model": "openai/gpt-5"}, cost=0.25, is_byok=False)), "openrouter"),
            (line({**CHAT, "model": "grok-4"}), "x-ai"),
            (line({**CHAT, "model": "qwen3-32b"}), None),
        ),
        "what was charged is the reported cost": says(
            "provider reported_cost_usd",
            (line(with_usage(CHAT, cost=0.25, is_byok=False)), ("openrouter", Decimal("0.25"))),
            (line(with_usage(CHAT, **OWN_KEY)), ("openrouter", Decimal("0.21"))),  # with an own key's cost upstream
            (line(CHAT), ("openai", None)),
            (  # xAI says it in ticks, Perplexity as an object
                line(with_usage({**RESPONSE, "model": "grok-4"}, cost_in_usd_ticks=37_756_000)),
                ("x-ai", Decimal("0.0037756")),
            ),
            (
                line(with_usage({**CHAT, "model": "sonar-pro"}, cost={"request_cost": 0.006, "total_cost": 0.010842})),
                ("perplexity", Decimal("0.010842")),
            ),
        ),
        "what changes the price is kept where it is not the usual": says(
            "is_batch service_tier speed inference_region",
            (line(with_usage(MESSAGE, service_tier="batch")), (True, None, None, None)),
            (line(with_usage(MESSAGE, speed="fast", inference_geo="us")), (None, "standard", "fast", "us")),
            (line(with_usage(MESSAGE, speed="standard", inference_geo="not_available")), (None, "standard", None, None)),
        ),
        "Vertex traffic is a tier where it changes the price": says(
            "service_tier attributes.traffic_type",
            (tier_of("ON_DEMAND"), (None, "ON_DEMAND")),
            (tier_of("ON_DEMAND_PRIORITY"), ("on_demand_priority", "ON_DEMAND_PRIORITY")),
            (tier_of("PROVISIONED_THROUGHPUT"), ("provisioned_throughput", "PROVISIONED_THROUGHPUT")),
            (tier_of("TRAFFIC_TYPE_UNSPECIFIED"), (None, "TRAFFIC_TYPE_UNSPECIFIED")),
        ),
        "searches, seconds and pages are units": says(
            "units",
            (line(with_usage(MESSAGE, server_tool_use={"web_search_requests": 5, "web_fetch_requests": 2})), {"web_searches": 5}),
            (line(with_usage(MESSAGE, server_tool_use={"web_search_requests": 0})), {}),
            (line(with_usage(MESSAGE, server_tool_use={"code_execution_requests": 2})), {"code_executions": 2}),
            (line({**RESPONSE, "output": SEARCHES}), {"web_searches": 2, "storage_searches": 1}),
            (line({**RESPONSE, "output": [{"type": "image_generation_call"}]}), {"images": 1}),
            (line(with_usage(RESPONSE, tool_calls_details={"search_web": {"invocation": 3}})), {"web_searches": 3}),
            (
                line(with_usage({**CHAT, "model": "sonar-deep-research"}, num_search_queries=18, citation_tokens=9)),
                {"web_searches": 18, "output_citation_tokens": 9},
            ),
            (line({**GEMINI, "candidates": [GROUNDED]}), {"web_searches": 1}),
            (line({**GEMINI, "modelVersion": "gemini-3-pro-preview", "candidates": [GROUNDED]}), {"web_searches": 3}),
            (line(RANKED), {"rerank_searches": 1}),
            (line({"text": "x", "usage": {"type": "duration", "seconds": 600}}), {"input_audio_seconds": 600}),
            (line({"task": "transcribe", "duration": 8.47, "text": "x"}, model="m"), {"input_audio_seconds": Decimal("8.47")}),
            (line({"usage": {"characters": 1200}}), {"input_characters": 1200}),
            (line({"model": "mistral-ocr-latest", "usage_info": {"pages_processed": 29}}), {"input_document_pages": 29}),
            (line(CHAT), {}),
            (line(CONVERSE), {}),
        ),
        "what a model was asked for shows in its answer": says(
            "operation",
            (line({"text": "x", "usage": {"type": "duration", "seconds": 600}}), "transcription"),
            (line({"text": "x", "usage": {"type": "tokens", "input_tokens": 140, "output_tokens": 45}}), "transcription"),
            (line(RANKED), "rerank"),
            (line({"object": "list", "data": [{"relevance_score": 0.9}], "usage": {"total_tokens": 9}}), "rerank"),
            (line({"usage": {"characters": 1200}}), "speech"),
            (line({"id": "modr-1", "model": "omni-moderation-latest", "results": [{"flagged": False}]}), "moderation"),
            (line({"data": [{"b64_json": "x"}], "usage": {"input_tokens": 40, "output_tokens": 1_560}}), "images"),
        ),
        "a call that succeeded is a request even without usage": says(
            f"model status {INPUT_AND_OUTPUT} units",
            *(
                (line(body, model="tts-1", status=200), ("tts-1", "success", None, None, {}))
                for body in ({"ok": True}, "RIFF and so on", None, "The text of a transcription")
            ),
        ),
        # which request it is
        "the response's id is the request's, else the line's own": says(
            "request_id",
            (line(CHAT, request_id="r-1"), "chatcmpl-Bx1"),
            (line({"model": "gpt-4o", "usage": CHAT["usage"]}, request_id="r-2"), "r-2"),
            (line({"model": "gpt-4o", "usage": CHAT["usage"]}, id="r-3"), "r-3"),
            (line(GEMINI), "g-1"),
            (line(CONVERSE), "b-1"),
            # ids of three digits come again, so the time is added
            (line({**CHAT, "id": "chatcmpl-42"}), "chatcmpl-42@2026-05-01T10:00:00Z"),
        ),
        "of a polled response the finished one ranks highest": says(
            "status output_tokens rank",
            (
                [line({**RESPONSE, "status": "in_progress", "usage": None}), line(RESPONSE)],
                [(None, None, 0), ("success", 30, 261)],
            ),
        ),
        "a stream's later parts complete earlier ones": says(
            f"request_id model {INPUT_AND_OUTPUT} is_streaming status",
            (line(ANTHROPIC_STREAM), ("msg_01", "claude-opus-4-6", 123, 50, True, "success")),
            (line(CHAT_STREAM), ("chatcmpl-Bx1", "gpt-4o-2024-08-06", 100, 30, True, "success")),
            (line([{"response": RESPONSE | {"usage": None}}, COMPLETED]), ("resp_1", "gpt-5-2025-08-07", 100, 30, True, "success")),
            (
                line([{**GEMINI, "usageMetadata": {"promptTokenCount": 100}}, GEMINI]),
                ("g-1", "gemini-2.5-pro", 111, 30, True, "success"),
            ),
            (
                line("".join(f"event: x\ndata: {json.dumps(part)}\n\n" for part in CHAT_STREAM) + "data: [DONE]\n\n"),
                ("chatcmpl-Bx1", "gpt-4o-2024-08-06", 100, 30, True, "success"),
            ),
        ),
        "Bedrock's stream tells usage and time at its end": says(
            "provider model input_tokens duration_ms",
            (
                line([{"messageStart": {"role": "assistant"}},
                      {"metadata": {"usage": CONVERSE["usage"], "metrics": {"latencyMs": 812}}}], model="amazon.nova-pro-v1:0"),
                ("aws", "amazon.nova-pro-v1:0", 123, 812.0),
            ),
        ),
        "a body as text and a single event are read like the object": says(
            "request_id input_tokens output_tokens is_streaming",
            *((line(body), ("resp_1", 100, 30, None)) for body in (json.dumps(RESPONSE), COMPLETED, RESPONSE)),
        ),
        "an error is a failed request with its class": says(
            "status error_class http_status",
            (line({"error": {"type": "tokens", "code": "rate_limit_exceeded"}}), ("error", "rate_limit_exceeded", None)),
            (line({"error": {"type": "invalid_request_error", "code": None}}), ("error", "invalid_request_error", None)),
            (line({"type": "error", "error": {"type": "overloaded_error"}}), ("error", "overloaded_error", None)),
            (line({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}), ("error", "RESOURCE_EXHAUSTED", 429)),
            (line({"__type": "com.amazon.coral.service#ThrottlingException"}), ("error", "ThrottlingException", None)),
            (
                line({"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 429}}),
                ("error", "ThrottlingException", 429),
            ),
            (line({"object": "error", "type": "BadRequestError", "code": 400}), ("error", "BadRequestError", None)),
            (line({"error": "a sentence that is no class"}), ("error", None, None)),
            (line({"id": "resp_2", "status": "failed", "error": {"code": "server_error"}}), ("error", "server_error", None)),
            (
                line([{"type": "message_start", "message": MESSAGE}, {"type": "error", "error": {"type": "api_error"}}]),
                ("error", "api_error", None),
            ),
            (
                line({"type": "response.done", "response": {"id": "resp_3", "status": "failed", "usage": {"input_tokens": 0},
                                                            "status_details": {"error": {"code": "rate_limit_exceeded"}}}}),
                ("error", "rate_limit_exceeded", None),
            ),
            (line({"id": "m1", "model": "MiniMax-M2", "base_resp": {"status_code": 1002}}), ("error", "1002", None)),
        ),
        "a line may say itself that a request failed": says(
            "status http_status model",
            (line(None, status="error", model="gpt-4o"), ("error", None, "gpt-4o")),
            (line("<html>Bad Gateway</html>", status=502), ("error", 502, None)),
            (line({}, status_code=504), ("error", 504, None)),
            (line(CHAT, status=499), ("cancelled", 499, "gpt-4o-2024-08-06")),
            (line({**RESPONSE, "status": "cancelled"}), ("cancelled", None, "gpt-5-2025-08-07")),
        ),
        "what is no answer is skipped, and what cannot be read is rejected": says(
            "skipped",
            *(
                (given, [{"no answer of a model": 1}])
                for given in (line({"object": "list", "data": []}), line(None), {"timestamp": "2026-05-01T10:00:00Z", "event": "x"})
            ),
            (
                [line("<html>Bad Gateway</html>"), line(7), line(with_usage(CHAT, prompt_tokens=-1)),
                 of_gemini(**GEMINI["usageMetadata"] | {"toolUsePromptTokenCount": "many"})],
                [
                    (1, UNREAD),
                    (2, UNREAD),
                    (3, 'input_tokens is "-1": a count cannot be negative. Correct the log, or leave the value empty.'),
                    (4, 'input_tokens is "many": a count is a whole number. Correct the log, or leave the value empty.'),
                    {},
                ],
            ),
        ),
        "results of OpenAI's batches are requests of a batch, at the time of the first that tells it": says(
            "request_id is_batch status error_class http_status input_tokens started_at attributes.custom_id",
            (
                [batch_result(0, CHAT), batch_result(1, {"error": {"code": "rate_limit_exceeded", "message": "m"}}, 429),
                 batch_result(2, None, error={"code": "batch_expired", "message": "m"})],
                [
                    ("chatcmpl-Bx1", True, "success", None, 200, 100, "2026-05-01T10:00:00+00:00", "row-0"),
                    ("batch_req_1", True, "error", "rate_limit_exceeded", 429, None, "2026-05-01T10:00:00+00:00", "row-1"),
                    ("batch_req_2", True, "error", "batch_expired", None, None, "2026-05-01T10:00:00+00:00", "row-2"),
                ],
            ),
        ),
        "results of Anthropic's batches need a time": says(
            "provider is_batch status error_class input_tokens",
            (
                [{"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}, **AT},
                 {"custom_id": "b", "result": {"type": "errored", "error": {"error": {"type": "invalid_request"}}}, **AT},
                 {"custom_id": "c", "result": {"type": "canceled"}, **AT},
                 {"custom_id": "d", "result": {"type": "succeeded", "message": MESSAGE}}],
                [("anthropic", True, "success", None, 123), (None, True, "error", "invalid_request", None),
                 (None, True, "cancelled", None, None), (4, UNTIMED)],
            ),
        ),
    },
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_response_is_read_as_claimed(claim: str):
    assert CLAIMS.actual(claim) == CLAIMS.expected(claim)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "responses.jsonl"


def test_a_response_without_any_id_is_known_by_its_line_and_a_broken_line_is_rejected(log: Path):
    batch = read(Bodies(), json_lines(log, ["broken", line({"model": "gpt-4o", "usage": CHAT["usage"]})]))

    ((request_id,),) = requests(batch, "request_id")
    assert str(request_id).endswith("-2")
    assert batch.rejects["line"].to_pylist() == [1]


def test_of_a_polled_response_the_finished_one_is_the_request(log: Path, tmp_path: Path):
    begun = line({**RESPONSE, "status": "in_progress", "usage": None})

    report = ingest([json_lines(log, [begun, line(RESPONSE), begun])], Lake(tmp_path / "lake"))

    assert (report.requests, report.duplicates) == (1, 2)


@pytest.mark.parametrize(
    "body",
    [
        CHAT,
        RESPONSE,
        MESSAGE,
        CONVERSE,
        GEMINI,
        ANTHROPIC_STREAM,
        json.dumps(CHAT),
        {"error": {}},
        *(body for body, _ in SEVERAL_PLACES),
    ],
)
def test_responses_are_recognised_by_their_content(log: Path, body: object):
    json_lines(log, [{"timestamp": "2026-05-01T10:00:00Z", "event": "started"}, line(body, model="gpt-4o")])

    assert [source.name for source in SOURCES if source.recognise(Head.of(log))] == ["bodies"]


@pytest.mark.parametrize("body", [{"stringValue": "a log record"}, "text", None, 7, {"usage": 7}, []])
def test_other_bodies_are_not_taken_for_responses(log: Path, body: object):
    assert Bodies().recognise(Head.of(json_lines(log, [line(body)]))) is None


# ---- the library's own reading of the same bodies

COUNTS = (*TOKENS, *PARTS, *KINDS)
PIECES = ("web_searches", "input_document_pages")
FLAVORS = {
    "chat": ("openai", "chat"),
    "responses": ("openai", "responses"),
    "messages": ("anthropic", "default"),
    "converse": ("aws", "default"),
    "gemini": ("google", "default"),
    "cohere": ("cohere", "default"),
}
"""How a body counts, and what the library calls it."""


def counted(row: Row) -> dict[str, int]:
    """A request's counts; as the library leaves out zeros, what is not told is 0 here."""
    return {name: row[name] or 0 for name in COUNTS}


def left_out(body: Row) -> dict[str, int]:
    """What the library leaves out: compactions, in an answer's iterations alone, and Gemini's thoughts, in a total alone."""
    usage = body.get("usage") or {}
    entries = [one for one in usage.get("iterations") or [] if one["type"] == "compaction"]
    read_, write = (sum(one[f"cache_{kind}_input_tokens"] for one in entries) for kind in ("read", "creation"))
    is_untold = str(body.get("model")).startswith("gemini") and "completion_tokens" in usage
    thoughts = usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"] if is_untold else 0
    return {
        "input_tokens": read_ + write + sum(one["input_tokens"] for one in entries),
        "cache_read_tokens": read_,
        "cache_write_tokens": write,
        "output_tokens": thoughts + sum(one["output_tokens"] for one in entries),
        "output_reasoning_tokens": thoughts,
    }


def test_recorded_bodies_count_as_they_are_known_to(tmp_path: Path):
    folder = os.environ.get("USAGECOST_REAL_DATA")
    if not folder:
        pytest.skip("USAGECOST_REAL_DATA names no folder with real logs")
    recorded = json.loads((Path(folder) / "genai-prices" / "usages.json").read_text())

    batch = read(
        Bodies(), json_lines(tmp_path / "bodies.jsonl", [line(one["body"], id=index) for index, one in enumerate(recorded)])
    )

    answers = [row for row in batch.requests.to_pylist() if ":call:" not in row["request_id"]]
    assert (len(answers), batch.rejects.num_rows, len(recorded)) == (1577, 0, 1577)
    assert batch.requests.num_rows == 1577 + 3  # the advisors that three answers asked
    for row in answers:
        body, known = (recorded[int(row["request_id"])][part] for part in ("body", "extracted"))
        provider, flavor = FLAVORS[json.loads(row["attributes"])["counting"]]
        flavor = "embeddings" if row["operation"] == "embeddings" else flavor
        by_flavor = {(one["provider_id"], one["api_flavor"]): usage["usage"] for usage in known for one in usage["extractors"]}
        expected = by_flavor[provider, flavor]
        added = left_out(body)
        assert counted(row) == {name: expected.get(name, 0) + added.get(name, 0) for name in COUNTS}, row
        units = dict(row["units"] or ())
        assert {name: units.get(name, 0) for name in PIECES} == {name: expected.get(name, 0) for name in PIECES}, row


count = st.integers(0, 10_000)


def maybe(**fields: st.SearchStrategy) -> st.SearchStrategy[Row]:
    """Objects with some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def usages(draw: st.DrawFn, flavor: str) -> Row:
    """A body of a flavor whose parts fit into their wholes."""
    read_, write, rest, reasoning, text, audio = (draw(count) for _ in range(6))
    if flavor == "chat":
        details = draw(maybe(cached_tokens=st.just(read_), cache_write_tokens=st.just(write), audio_tokens=st.just(rest)))
        output = draw(maybe(reasoning_tokens=st.just(reasoning), audio_tokens=st.just(text)))
        usage = {"prompt_tokens": read_ + write + rest, "completion_tokens": reasoning + text}
        usage |= {"prompt_tokens_details": details, "completion_tokens_details": output}
        return {"model": "m", "usage": usage | {"total_tokens": usage["prompt_tokens"] + usage["completion_tokens"]}}
    if flavor == "responses":
        details = draw(maybe(cached_tokens=st.just(read_), cache_write_tokens=st.just(write)))
        output = draw(maybe(reasoning_tokens=st.just(reasoning)))
        usage = {"input_tokens": read_ + write + rest, "output_tokens": reasoning + text}
        return {"model": "m", "usage": usage | {"input_tokens_details": details, "output_tokens_details": output}}
    if flavor == "messages":
        hour = draw(st.integers(0, write))
        usage = {"input_tokens": rest, "output_tokens": reasoning + text}
        usage |= draw(
            maybe(cache_read_input_tokens=st.just(read_), output_tokens_details=maybe(thinking_tokens=st.just(reasoning)))
        )
        split = {"ephemeral_1h_input_tokens": hour, "ephemeral_5m_input_tokens": write - hour}
        writes = draw(maybe(cache_creation=st.just(split))) | {"cache_creation_input_tokens": write}
        return {"model": "claude-opus-4-6", "usage": usage | draw(st.sampled_from([{}, writes]))}
    if flavor == "converse":
        split = [{"ttl": "1h", "inputTokens": write}]
        writes = draw(maybe(cacheDetails=st.just(split))) | {"cacheWriteInputTokens": write}
        usage = {"inputTokens": rest, "outputTokens": text} | draw(maybe(cacheReadInputTokens=st.just(read_)))
        return {"usage": usage | draw(st.sampled_from([{}, writes]))}
    heard = draw(st.sampled_from([[], [{"modality": "TEXT", "tokenCount": rest}, {"modality": "AUDIO", "tokenCount": write}]]))
    usage = {"promptTokenCount": read_ + write + rest, "promptTokensDetails": heard}
    usage |= draw(
        maybe(
            cachedContentTokenCount=st.just(read_),
            candidatesTokenCount=st.just(text + audio),
            thoughtsTokenCount=st.just(reasoning),
            toolUsePromptTokenCount=count,
            candidatesTokensDetails=st.just([{"modality": "AUDIO", "tokenCount": audio}]),
        )
    )
    spoken = usage if "candidatesTokenCount" in usage else {**usage, "candidatesTokensDetails": []}
    return {"modelVersion": "gemini-2.5-pro", "usageMetadata": spoken}


@pytest.mark.parametrize("flavor", ["chat", "responses", "messages", "converse", "gemini"])
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_body_counts_as_the_library_says(tmp_path_factory: pytest.TempPathFactory, flavor: str, data: st.DataObject):
    bodies = data.draw(st.lists(usages(flavor), min_size=60, max_size=60))
    log = json_lines(tmp_path_factory.mktemp("bodies") / "log.jsonl", map(line, bodies))

    rows = read(Bodies(), log).requests.to_pylist()

    provider_id, api = FLAVORS[flavor]
    provider = find_provider_by_id(get_snapshot().providers, provider_id)
    for body, row in zip(bodies, rows, strict=True):
        _, usage = provider.extract_usage(body, api_flavor=api)
        assert {name: row[name] or 0 for name in (*TOKENS, *PARTS)} == {
            name: getattr(usage, name, None) or 0 for name in (*TOKENS, *PARTS)
        }
