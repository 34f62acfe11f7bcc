"""Logs of gateways, a record of each as it comes."""

from __future__ import annotations

from tests.source_rows import Row

NO_ID = "00000000-0000-0000-0000-000000000000"

BEDROCK: Row = {
    "schemaType": "ModelInvocationLog",
    "schemaVersion": "1.0",
    "timestamp": "2026-05-04T10:00:00Z",
    "accountId": "111122223333",
    "identity": {"arn": "arn:aws:sts::111122223333:assumed-role/app/i-1"},
    "region": "us-east-1",
    "requestId": "r-1",
    "operation": "Converse",
    "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "input": {"inputTokenCount": 10, "cacheReadInputTokenCount": 8000, "cacheWriteInputTokenCount": 500, "inputBodyJson": {}},
    "output": {"outputTokenCount": 120, "outputBodyJson": {"stopReason": "end_turn", "metrics": {"latencyMs": 812}}},
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

CLOUDFLARE: Row = {
    "id": "01J",
    "created_at": "2026-05-01T10:00:00.5Z",
    "provider": "openai",
    "model": "gpt-4o",
    "model_type": "chat",
    "path": "chat/completions",
    "request_type": "chat",
    "status_code": 200,
    "success": True,
    "step": 0,
    "cached": False,
    "duration": 1234,
    "tokens_in": 100,
    "tokens_out": 20,
    "cost": 0.00045,
    "custom_cost": False,
    "metadata": {"user": "ada", "team": "search", "env": "production"},
}

CURSOR_NAMES = "Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost"
CURSOR = (
    '"2026-08-01T10:00:00.000Z","Included","claude-4.6-sonnet-thinking","No","12000","300","50000","900","63200","Included"',
    '"2026-08-01T11:00:00.000Z","On-Demand","gpt-5.4","Yes","0","45000","20000","1500","66500","0.14"',
    '"2026-08-01T12:00:00.000Z","Errored, No Charge","gpt-5.4","No","0","0","0","0","0","-"',
)

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

HELICONE_EXPORT: Row = {
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

OPENROUTER: Row = {
    "generation_id": "gen-1",
    "created_at": "2026-05-01 10:00:00.123",
    "cost_total": "0.0123",
    "cost_web_search": "0",
    "cost_cache": "-0.002",
    "cost_file_processing": "",
    "byok_usage_inference": "",
    "tokens_prompt": "1200",
    "tokens_completion": "300",
    "tokens_reasoning": "100",
    "tokens_cached": "1000",
    "model_permaslug": "anthropic/claude-4-sonnet-20250522",
    "provider_name": "Anthropic",
    "variant": "standard",
    "cancelled": "false",
    "streamed": "true",
    "user": "ada",
    "finish_reason_raw": "end_turn",
    "finish_reason_normalized": "stop",
    "generation_time_ms": "2500",
    "time_to_first_token_ms": "400",
    "api_key_name": "prod",
    "app_name": "Support",
}

OPENROUTER_ANSWER: Row = {
    "id": "gen-1",
    "created_at": "2026-05-01T10:00:00.123Z",
    "model": "anthropic/claude-4-sonnet-20250522",
    "provider_name": "Anthropic",
    "total_cost": 0.0123,
    "is_byok": False,
    "upstream_inference_cost": 0.4,
    "streamed": True,
    "cancelled": False,
    "latency": 2500,
    "finish_reason": "stop",
    "tokens_prompt": 1100,
    "tokens_completion": 280,
    "native_tokens_prompt": 1200,
    "native_tokens_completion": 300,
    "native_tokens_reasoning": 100,
    "native_tokens_cached": 1000,
    "external_user": "ada",
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
