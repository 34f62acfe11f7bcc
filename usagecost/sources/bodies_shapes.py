"""The fields of a provider's response that are read, by the kind of response that has them.

A shape names fields as JsonLines does. A field that no response of a kind has is NULL.
"""

from __future__ import annotations

from usagecost.sources.bodies_streams import TOP_COUNTS
from usagecost.sources.sql import texts

_CACHE_CREATION = texts("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_MODALITIES = [texts("modality", "tokenCount", "token_count")]
_BILLED = {"billed_units": texts("input_tokens", "output_tokens", "search_units")}

_KINDS_OF_INPUT = texts("cached_tokens", "audio_tokens", "image_tokens")
_KINDS_OF_CACHED = {"cached_tokens_details": texts("audio_tokens", "image_tokens")}
_KINDS_OF_OUTPUT = texts("reasoning_tokens", "audio_tokens", "image_tokens")

USAGE_SHAPE = {
    **texts("total_tokens", "service_tier"),
    # chat
    "prompt_tokens": "VARCHAR",
    "prompt_tokens_details": {**_KINDS_OF_INPUT, "cache_write_tokens": "VARCHAR"},
    **texts("prompt_cache_hit_tokens", "cached_tokens", "completion_tokens"),
    "completion_tokens_details": _KINDS_OF_OUTPUT,
    **texts("reasoning_tokens", "citation_tokens", "num_search_queries", "num_sources_used", "cost", "is_byok"),
    "cost_details": {"upstream_inference_cost": "VARCHAR"},
    **texts("cost_in_usd_ticks", "prompt_audio_seconds"),
    # responses, their realtime events, images, transcriptions, and messages
    "input_tokens": "VARCHAR",
    "input_tokens_details": {
        **_KINDS_OF_INPUT, **_KINDS_OF_CACHED, "cache_read_input_tokens": "VARCHAR", "cache_write_tokens": "VARCHAR",
        "cache_write_tokens_details": "JSON",
    },
    "input_token_details": {**_KINDS_OF_INPUT, **_KINDS_OF_CACHED},
    "output_tokens": "VARCHAR",
    "output_tokens_details": {**_KINDS_OF_OUTPUT, "thinking_tokens": "VARCHAR"},
    "output_token_details": _KINDS_OF_OUTPUT,
    "server_side_tool_usage_details": texts("web_search_calls", "x_search_calls", "code_interpreter_calls", "file_search_calls"),
    "tool_calls_details": {"search_web": {"invocation": "VARCHAR"}},
    **texts("cache_read_input_tokens", "cache_creation_input_tokens"),
    "cache_creation": _CACHE_CREATION,
    "server_tool_use": texts("web_search_requests", "web_fetch_requests", "code_execution_requests"),
    **texts("speed", "inference_geo"),
    "iterations": "JSON",
    # converse
    **texts(
        "inputTokens", "outputTokens", "cacheReadInputTokens", "cacheReadInputTokenCount", "cacheWriteInputTokens",
        "cacheWriteInputTokenCount",
    ),
    "cacheDetails": [texts("ttl", "inputTokens")],
    # cohere
    **_BILLED,
    "tokens": "JSON",
    # what is billed by its length
    **texts("type", "seconds", "characters"),
}  # fmt: skip

_GEMINI = {
    "promptTokenCount": "prompt_token_count",
    "toolUsePromptTokenCount": "tool_use_prompt_token_count",
    "cachedContentTokenCount": "cached_content_token_count",
    "candidatesTokenCount": "candidates_token_count",
    "responseTokenCount": "response_token_count",
    "thoughtsTokenCount": "thoughts_token_count",
    "totalTokenCount": "total_token_count",
    "serviceTier": "service_tier",
    "trafficType": "traffic_type",
}
_GEMINI_DETAILS = {
    "promptTokensDetails": "prompt_tokens_details",
    "toolUsePromptTokensDetails": "tool_use_prompt_tokens_details",
    "cacheTokensDetails": "cache_tokens_details",
    "candidatesTokensDetails": "candidates_tokens_details",
    "responseTokensDetails": "response_tokens_details",
}
"""Google's field as its interface writes it, and as its Python library does. Live sessions call candidates responses."""

BODY_SHAPE = {
    **texts("id", "responseId", "response_id", "request_id"),
    "ResponseMetadata": texts("RequestId", "HTTPStatusCode"),
    **texts("object", "type", "status"),
    "error": "JSON",
    **texts("__type", "model", "modelVersion", "model_version", "provider", "created", "created_at", "service_tier"),
    "serviceTier": {"type": "VARCHAR"},
    "performanceConfig": {"latency": "VARCHAR"},
    "metrics": {"latencyMs": "VARCHAR"},
    "choices": [{"finish_reason": "VARCHAR"}],
    "candidates": [
        {
            "finishReason": "VARCHAR", "finish_reason": "VARCHAR",
            "groundingMetadata": {"webSearchQueries": ["JSON"]}, "grounding_metadata": {"web_search_queries": ["JSON"]},
        }
    ],
    "output": [{"type": "VARCHAR", "action": {"type": "VARCHAR"}}],
    "data": [texts("object", "url", "relevance_score")],
    "results": [texts("relevance_score", "tokenCount")],
    **texts("task", "duration", "stop_reason"),
    "delta": {"stop_reason": "VARCHAR"},
    "stopReason": "VARCHAR",
    "incomplete_details": {"reason": "VARCHAR"},
    "status_details": {"error": texts("code", "type")},
    "base_resp": {"status_code": "VARCHAR"},
    "prompt_filter_results": "JSON",
    "x_groq": "JSON",
    "usage": USAGE_SHAPE,
    "usage_info": {"pages_processed": "VARCHAR"},
    "meta": _BILLED,
    **texts(*sorted(TOP_COUNTS)),
    "total_duration": "VARCHAR",
    "usageMetadata": texts(*_GEMINI) | dict.fromkeys(_GEMINI_DETAILS, _MODALITIES),
    "usage_metadata": texts(*_GEMINI.values()) | dict.fromkeys(_GEMINI_DETAILS.values(), _MODALITIES),
}  # fmt: skip


USAGE_COLUMNS = "body.usage AS usage, body.usageMetadata AS google_usage, body.usage_metadata AS google_usage_in_python"
"""Items of a SELECT: the usage in a `body` as columns. An expression body.usage.x would make vectors of all fields of the usage."""


def gemini(field: str) -> str:
    """SQL for a field of Google's usage, in either spelling."""
    snake = (_GEMINI | _GEMINI_DETAILS)[field]
    return f"coalesce(google_usage.{field}, google_usage_in_python.{snake})"
