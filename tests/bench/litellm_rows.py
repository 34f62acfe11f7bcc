"""Generated calls of a LiteLLM proxy, as the table keeps them and as its loggers write them: SELECTs over range($rows)."""

from __future__ import annotations

_USAGE = """{
    completion_tokens: i % 900, prompt_tokens: 100 + i % 4000, total_tokens: 100 + i % 4000 + i % 900,
    completion_tokens_details: {
        accepted_prediction_tokens: NULL::INTEGER, audio_tokens: NULL::INTEGER, reasoning_tokens: i % 50,
        rejected_prediction_tokens: NULL::INTEGER, text_tokens: NULL::INTEGER
    },
    prompt_tokens_details: {
        audio_tokens: NULL::INTEGER, cached_tokens: i % 90, text_tokens: NULL::INTEGER, image_tokens: NULL::INTEGER,
        cache_creation_tokens: i % 10,
        cache_creation_token_details: {ephemeral_5m_input_tokens: i % 10, ephemeral_1h_input_tokens: 0}
    },
    cache_creation_input_tokens: i % 10, cache_read_input_tokens: i % 90
}"""

_COSTS = "{input_cost: i % 4000 * 0.000003, output_cost: i % 900 * 0.00001, total_cost: i % 900 * 0.00002, tool_usage_cost: 0.0}"

_PRICE_MAP = """{
    model_map_key: 'claude-sonnet-4-20250514',
    model_map_value: {
        key: 'claude-sonnet-4-20250514', max_tokens: 64000, max_input_tokens: 200000, max_output_tokens: 64000,
        input_cost_per_token: 3e-6, cache_creation_input_token_cost: 3.75e-6, cache_read_input_token_cost: 3e-7,
        output_cost_per_token: 1.5e-5, litellm_provider: 'anthropic', mode: 'chat', supports_vision: true, tpm: NULL::INTEGER
    }
}"""

_ERROR = """CASE WHEN i % 50 = 0 THEN {
    error_code: '429', error_class: 'RateLimitError', llm_provider: 'anthropic', traceback: '', error_message: 'too many'
} END"""

_KEY = """user_api_key_alias: 'key-' || i % 40, user_api_key_team_id: 'team-' || i % 20, user_api_key_org_id: NULL::VARCHAR,
    user_api_key_user_id: 'user-' || i * 7919 % 5000, user_api_key_team_alias: 'Team ' || i % 20"""

_STARTED = "TIMESTAMP '2026-01-01' + to_milliseconds(i * 7654::BIGINT)"

SPEND_LOGS = f"""
SELECT
    'chatcmpl-' || uuid() AS request_id, 'acompletion' AS call_type, sha256((i % 40)::VARCHAR) AS api_key,
    i % 900 * 0.00002 AS spend, 100 + i % 4000 + i % 900 AS total_tokens, 100 + i % 4000 AS prompt_tokens,
    i % 900 AS completion_tokens,
    strftime({_STARTED}, '%Y-%m-%d %H:%M:%S.%g') AS "startTime",
    strftime({_STARTED} + to_milliseconds(i % 9000), '%Y-%m-%d %H:%M:%S.%g') AS "endTime",
    i % 9000 AS request_duration_ms,
    strftime({_STARTED} + to_milliseconds(i % 9000 // 3), '%Y-%m-%d %H:%M:%S.%g') AS "completionStartTime",
    ['claude-sonnet-4-20250514', 'gpt-4o', 'gemini-2.5-pro'][1 + i % 3] AS model, md5((i % 9)::VARCHAR) AS model_id,
    ['sonnet', 'gpt-4o', 'gemini'][1 + i % 3] AS model_group,
    ['anthropic', 'openai', 'vertex_ai'][1 + i % 3] AS custom_llm_provider, 'https://api.anthropic.com' AS api_base,
    'user-' || i * 7919 % 5000 AS "user",
    to_json({{
        applied_guardrails: []::VARCHAR[], attempted_fallbacks: NULL::INTEGER, attempted_retries: 0, batch_models: NULL::VARCHAR,
        usage_object: {_USAGE}, additional_usage_values: {_USAGE}, user_api_key: sha256((i % 40)::VARCHAR), {_KEY},
        requester_ip_address: '10.0.0.1', user_agent: 'OpenAI/Python 1.99.0', spend_logs_metadata: NULL::VARCHAR,
        status: CASE WHEN i % 50 = 0 THEN 'failure' ELSE 'success' END, error_information: {_ERROR},
        cost_breakdown: {_COSTS}, model_map_information: {_PRICE_MAP}, original_model_group: NULL::VARCHAR
    }})::VARCHAR AS metadata,
    'False' AS cache_hit, 'Cache OFF' AS cache_key, '["prod","User-Agent: OpenAI"]' AS request_tags, 'team-' || i % 20 AS team_id,
    '' AS organization_id, '' AS end_user, '10.0.0.1' AS requester_ip_address, '{{}}' AS messages, '{{}}' AS response,
    uuid()::VARCHAR AS session_id, CASE WHEN i % 50 = 0 THEN 'failure' ELSE 'success' END AS status,
    '{{}}' AS proxy_server_request
FROM range($rows) AS numbers (i)
"""

PAYLOADS = f"""
SELECT
    'chatcmpl-' || uuid() AS id, uuid()::VARCHAR AS trace_id, uuid()::VARCHAR AS litellm_call_id, 'acompletion' AS call_type,
    i % 2 = 0 AS stream, i % 900 * 0.00002 AS response_cost, {_COSTS} AS cost_breakdown,
    CASE WHEN i % 50 = 0 THEN 'failure' ELSE 'success' END AS status,
    ['anthropic', 'openai', 'vertex_ai'][1 + i % 3] AS custom_llm_provider, 100 + i % 4000 + i % 900 AS total_tokens,
    100 + i % 4000 AS prompt_tokens, i % 900 AS completion_tokens,
    1767225600.123 + i * 7 AS "startTime", 1767225601.456 + i * 7 AS "endTime", 1767225600.8 + i * 7 AS "completionStartTime",
    1.333 AS response_time, ['claude-sonnet-4-20250514', 'gpt-4o', 'gemini-2.5-pro'][1 + i % 3] AS model,
    md5((i % 9)::VARCHAR) AS model_id, ['sonnet', 'gpt-4o', 'gemini'][1 + i % 3] AS model_group,
    'https://api.anthropic.com' AS api_base,
    {{
        user_api_key_hash: sha256((i % 40)::VARCHAR), {_KEY}, user_api_key_end_user_id: NULL::VARCHAR, usage_object: {_USAGE},
        spend_logs_metadata: NULL::VARCHAR, requester_ip_address: '10.0.0.1'
    }} AS metadata,
    false AS cache_hit, 0.0 AS saved_cache_cost, ['prod', 'User-Agent: OpenAI'] AS request_tags, '' AS end_user,
    [{{role: 'user', content: repeat('lorem ipsum ', i % 20)}}] AS messages,
    {{id: 'chatcmpl-1', choices: [{{message: {{content: repeat('dolor ', i % 50)}}}}], usage: {_USAGE}}} AS response,
    {_ERROR} AS error_information, {_PRICE_MAP} AS model_map_information, {{temperature: 0.7}} AS model_parameters
FROM range($rows) AS numbers (i)
"""
