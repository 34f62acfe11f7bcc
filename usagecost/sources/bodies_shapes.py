"""The fields of a provider's response that are read, by the kind of response that has them.

A shape names fields as JsonLines does. A field that no response of a kind has is NULL.
"""

from __future__ import annotations

from usagecost.sources.bodies_streams import TOP_COUNTS

_CACHE_CREATION = {"ephemeral_5m_input_tokens": "VARCHAR", "ephemeral_1h_input_tokens": "VARCHAR"}
_MODALITIES = [{"modality": "VARCHAR", "tokenCount": "VARCHAR", "token_count": "VARCHAR"}]
_BILLED = {"billed_units": dict.fromkeys(("input_tokens", "output_tokens", "search_units"), "VARCHAR")}

_KINDS_OF_INPUT = {"cached_tokens": "VARCHAR", "audio_tokens": "VARCHAR", "image_tokens": "VARCHAR"}
_KINDS_OF_CACHED = {"cached_tokens_details": {"audio_tokens": "VARCHAR", "image_tokens": "VARCHAR"}}
_KINDS_OF_OUTPUT = {"reasoning_tokens": "VARCHAR", "audio_tokens": "VARCHAR", "image_tokens": "VARCHAR"}

USAGE_SHAPE = {
    "total_tokens": "VARCHAR",
    "service_tier": "VARCHAR",
    # chat
    "prompt_tokens": "VARCHAR",
    "prompt_tokens_details": {**_KINDS_OF_INPUT, "cache_write_tokens": "VARCHAR"},
    "prompt_cache_hit_tokens": "VARCHAR",
    "cached_tokens": "VARCHAR",
    "completion_tokens": "VARCHAR",
    "completion_tokens_details": _KINDS_OF_OUTPUT,
    "reasoning_tokens": "VARCHAR",
    "citation_tokens": "VARCHAR",
    "num_search_queries": "VARCHAR",
    "num_sources_used": "VARCHAR",
    "cost": "VARCHAR",
    "is_byok": "VARCHAR",
    "cost_details": {"upstream_inference_cost": "VARCHAR"},
    "cost_in_usd_ticks": "VARCHAR",
    "prompt_audio_seconds": "VARCHAR",
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
    "server_side_tool_usage_details": dict.fromkeys(
        ("web_search_calls", "x_search_calls", "code_interpreter_calls", "file_search_calls"), "VARCHAR"
    ),
    "tool_calls_details": {"search_web": {"invocation": "VARCHAR"}},
    "cache_read_input_tokens": "VARCHAR",
    "cache_creation_input_tokens": "VARCHAR",
    "cache_creation": _CACHE_CREATION,
    "server_tool_use": {
        "web_search_requests": "VARCHAR", "web_fetch_requests": "VARCHAR", "code_execution_requests": "VARCHAR",
    },
    "speed": "VARCHAR",
    "inference_geo": "VARCHAR",
    "iterations": "JSON",
    # converse
    "inputTokens": "VARCHAR",
    "outputTokens": "VARCHAR",
    "cacheReadInputTokens": "VARCHAR",
    "cacheReadInputTokenCount": "VARCHAR",
    "cacheWriteInputTokens": "VARCHAR",
    "cacheWriteInputTokenCount": "VARCHAR",
    "cacheDetails": [{"ttl": "VARCHAR", "inputTokens": "VARCHAR"}],
    # cohere
    **_BILLED,
    "tokens": "JSON",
    # what is billed by its length
    "type": "VARCHAR",
    "seconds": "VARCHAR",
    "characters": "VARCHAR",
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
    "id": "VARCHAR",
    "responseId": "VARCHAR",
    "response_id": "VARCHAR",
    "request_id": "VARCHAR",
    "ResponseMetadata": {"RequestId": "VARCHAR", "HTTPStatusCode": "VARCHAR"},
    "object": "VARCHAR",
    "type": "VARCHAR",
    "status": "VARCHAR",
    "error": "JSON",
    "__type": "VARCHAR",
    "model": "VARCHAR",
    "modelVersion": "VARCHAR",
    "model_version": "VARCHAR",
    "provider": "VARCHAR",
    "created": "VARCHAR",
    "created_at": "VARCHAR",
    "service_tier": "VARCHAR",
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
    "data": [{"object": "VARCHAR", "url": "VARCHAR", "relevance_score": "VARCHAR"}],
    "results": [{"relevance_score": "VARCHAR", "tokenCount": "VARCHAR"}],
    "task": "VARCHAR",
    "duration": "VARCHAR",
    "stop_reason": "VARCHAR",
    "delta": {"stop_reason": "VARCHAR"},
    "stopReason": "VARCHAR",
    "incomplete_details": {"reason": "VARCHAR"},
    "status_details": {"error": {"code": "VARCHAR", "type": "VARCHAR"}},
    "base_resp": {"status_code": "VARCHAR"},
    "prompt_filter_results": "JSON",
    "x_groq": "JSON",
    "usage": USAGE_SHAPE,
    "usage_info": {"pages_processed": "VARCHAR"},
    "meta": _BILLED,
    **dict.fromkeys(sorted(TOP_COUNTS), "VARCHAR"),
    "total_duration": "VARCHAR",
    "usageMetadata": dict.fromkeys(_GEMINI, "VARCHAR") | dict.fromkeys(_GEMINI_DETAILS, _MODALITIES),
    "usage_metadata": dict.fromkeys(_GEMINI.values(), "VARCHAR") | dict.fromkeys(_GEMINI_DETAILS.values(), _MODALITIES),
}  # fmt: skip


USAGE_COLUMNS = "body.usage AS usage, body.usageMetadata AS google_usage, body.usage_metadata AS google_usage_in_python"
"""Items of a SELECT: the usage in a `body` as columns. An expression body.usage.x would make vectors of all fields of the usage."""


def gemini(field: str) -> str:
    """SQL for a field of Google's usage, in either spelling."""
    snake = (_GEMINI | _GEMINI_DETAILS)[field]
    return f"coalesce(google_usage.{field}, google_usage_in_python.{snake})"
