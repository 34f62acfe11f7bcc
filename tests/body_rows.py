"""Responses of providers as they come, and lines of a log around them."""

from __future__ import annotations

from tests.source_rows import Row

CHAT = {
    "id": "chatcmpl-Bx1",
    "object": "chat.completion",
    "created": 1777629600,
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a secret"}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 8, "audio_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 3},
    },
    "service_tier": "priority",
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "error": None,
    "model": "gpt-5-2025-08-07",
    "metadata": {},
    "usage": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 8},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 130,
    },
}
MESSAGE = {
    "id": "msg_01",
    "type": "message",
    "model": "claude-opus-4-6",
    "content": [{"type": "text", "text": "a secret"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 3,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 13, "ephemeral_1h_input_tokens": 7},
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 4},
        "service_tier": "standard",
    },
}
CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "a secret"}]}},
    "stopReason": "end_turn",
    "metrics": {"latencyMs": 812},
    "usage": {
        "inputTokens": 3,
        "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 20,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 13}, {"ttl": "1h", "inputTokens": 7}],
        "outputTokens": 5,
        "totalTokens": 128,
    },
    "ResponseMetadata": {"RequestId": "b-1", "HTTPStatusCode": 200},
}
GEMINI = {
    "responseId": "g-1",
    "modelVersion": "gemini-2.5-pro",
    "candidates": [{"content": {"parts": [{"text": "a secret"}]}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "toolUsePromptTokenCount": 11,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 10,
        "totalTokenCount": 141,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 95}, {"modality": "AUDIO", "tokenCount": 5}],
    },
}


def line(body: object, **fields: object) -> Row:
    return {"timestamp": "2026-05-01T10:00:00Z", "body": body, **fields}


def with_usage(body: Row, **counts: object) -> Row:
    return {**body, "usage": {**body["usage"], **counts}}


def batch_result(number: int, body: object, status: int = 200, error: object = None) -> Row:
    """A line of the results of a batch at OpenAI."""
    response = {"status_code": status, "request_id": f"rq{number}", "body": body} if body else None
    return {"id": f"batch_req_{number}", "custom_id": f"row-{number}", "response": response, "error": error}
