"""One call of a LiteLLM proxy as its table has it, and as its loggers write it."""

from __future__ import annotations

from typing import Any

from tests.source_rows import Row

KEY_HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"


def usage(prompt: int, completion: int, **more: object) -> Row:
    """A usage object as LiteLLM normalises it."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


def spend_log(metadata: Row | None = None, **columns: object) -> Row:
    """A row of "LiteLLM_SpendLogs"; metadata is added to what stands there."""
    about = {"user_api_key_alias": "dev-key", "user_api_key_team_alias": "Platform", "status": "success", **(metadata or {})}
    row: dict[str, Any] = {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "api_key": KEY_HASH,
        "spend": 0.00105,
        "total_tokens": 120,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "startTime": "2026-05-01 10:00:00.250",
        "endTime": "2026-05-01 10:00:02.750",
        "completionStartTime": "2026-05-01 10:00:02.750",
        "model": "claude-sonnet-4-20250514",
        "model_group": "sonnet",
        "custom_llm_provider": "anthropic",
        "user": "ann",
        "metadata": about,
        "cache_hit": "None",
        "request_tags": ["prod", "User-Agent: curl/8"],
        "team_id": "team-1",
        "end_user": "customer-7",
        "session_id": "trace-1",
        "status": "success",
    }
    return row | columns


def payload(metadata: Row | None = None, **fields: object) -> Row:
    """A StandardLoggingPayload of the same call."""
    about = {
        "user_api_key_hash": KEY_HASH,
        "user_api_key_alias": "dev-key",
        "user_api_key_team_id": "team-1",
        "user_api_key_team_alias": "Platform",
        "user_api_key_user_id": "ann",
        "usage_object": usage(100, 20),
        **(metadata or {}),
    }
    whole: dict[str, Any] = {
        "id": "chatcmpl-1",
        "trace_id": "trace-1",
        "call_type": "acompletion",
        "stream": None,
        "response_cost": 0.00105,
        "status": "success",
        "custom_llm_provider": "anthropic",
        "total_tokens": 120,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "startTime": 1777629600.25,
        "endTime": 1777629602.75,
        "completionStartTime": 1777629602.75,
        "model": "claude-sonnet-4-20250514",
        "model_group": "sonnet",
        "metadata": about,
        "cache_hit": None,
        "request_tags": ["prod", "User-Agent: curl/8"],
        "end_user": "customer-7",
        "messages": [{"role": "user", "content": "a secret"}],
        "response": {"choices": [{"message": {"content": "a secret"}}]},
    }
    return whole | fields
