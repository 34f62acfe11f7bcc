"""LiteLLM's logging payloads: one JSON object a call, as its loggers write them to S3, GCS, Azure and queues.

The `id` of a payload is the `request_id` of the call's spend log, but for three kinds of calls:

- hits in LiteLLM's cache of responses, whose ids litellm_calls.py makes alike;
- what a finished batch cost is logged under the batch's id, in the spend logs with `_batch_cost` after it;
- what an answer made in the background cost likewise, when it is asked for: in the spend logs with `_background_cost`.

To ask for a batch or an answer that costs nothing yet, or no more, is no request to a model: such lines are skipped, and so
are audit logs and the single lines of a batch, which loggers may write to the same bucket.
"""

from __future__ import annotations

from usagecost.sources.conventions import Conventions
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.litellm_calls import ERROR_SHAPE, PRICE_MAP_SHAPE, REQUESTS, USAGE_SHAPE, usage_columns

PAYLOAD_FIELDS = ("id", "call_type", "response_cost", "startTime")
"""What a payload is known by."""

NO_CALLS = (("changed_by", "table_name", "action"), ("batch_id", "custom_id", "response_cost"))
"""What the other objects in such a bucket are known by: audit logs, and lines of a batch."""

_SHAPE = {
    **dict.fromkeys(
        (
            "id", "trace_id", "session_id", "litellm_call_id", "call_type", "stream", "response_cost", "status",
            "custom_llm_provider", "total_tokens", "prompt_tokens", "completion_tokens", "startTime", "endTime",
            "completionStartTime", "model", "model_id", "model_group", "api_base", "cache_hit", "request_tags", "end_user",
            "action", "table_name", "batch_id", "custom_id",
        ),
        "VARCHAR",
    ),
    **dict.fromkeys(("cost_breakdown", "saved_cache_cost", "user_agent"), "JSON"),
    "error_information": ERROR_SHAPE,
    "model_map_information": PRICE_MAP_SHAPE,
    "response_cost_failure_debug_info": {"error_str": "VARCHAR"},
    "metadata": {
        "user_api_key_hash": "VARCHAR",
        "user_api_key_alias": "VARCHAR",
        "user_api_key_team_id": "VARCHAR",
        "user_api_key_team_alias": "JSON",
        "user_api_key_user_id": "VARCHAR",
        "user_api_key_org_id": "VARCHAR",
        "user_api_key_project_id": "VARCHAR",
        "user_api_key_project_alias": "VARCHAR",
        "user_api_key_end_user_id": "VARCHAR",
        "mcp_tool_call_metadata": {"namespaced_tool_name": "VARCHAR"},
        "spend_logs_metadata": "JSON",
        "usage_object": USAGE_SHAPE,
    },
    "response": {"usage": USAGE_SHAPE},
}  # fmt: skip
"""The usage stands in the answer too: older payloads have it nowhere else. Of the answer nothing but that is read."""

_ASKED_AGAIN = ", ".join(
    f"'{prefix}{call}'"
    for call in ("get_responses", "cancel_responses", "delete_responses", "retrieve_batch")
    for prefix in ("a", "")
)

_ROWS = f"""
, calls AS (
    SELECT
        row, source_file,
        NULL::VARCHAR AS problem,
        record.call_type IN ({_ASKED_AGAIN}) AS is_asked_again,
        is_asked_again AND NOT coalesce(TRY_CAST(record.response_cost AS DOUBLE) > 0, false)
            AND NOT coalesce(TRY_CAST(record.total_tokens AS DOUBLE) > 0, false)
            OR record.table_name IS NOT NULL AND record.action IS NOT NULL
            OR record.batch_id IS NOT NULL AND record.custom_id IS NOT NULL AS is_skipped,
        record.id AS id,
        CASE
            WHEN is_asked_again AND ends_with(record.call_type, '_batch') THEN '_batch_cost'
            WHEN is_asked_again THEN '_background_cost'
            ELSE ''
        END AS id_suffix,
        record.litellm_call_id AS call_id,
        record.call_type AS call_type,
        record.trace_id AS trace_id,
        coalesce(nullif(record.session_id, ''), record.trace_id) AS session_id,
        record.startTime AS started, record.endTime AS ended, record.completionStartTime AS first_token, NULL::VARCHAR AS revised,
        NULL::VARCHAR AS duration_ms,
        nullif(record.custom_llm_provider, '') AS provider,
        record.model AS model, record.model_id AS model_id, record.model_group AS model_group,
        NULL::VARCHAR AS original_model_group, record.api_base AS api_base,
        record.status AS status, NULL::VARCHAR AS status_in_metadata,
        record.error_information.error_class AS error_class, record.error_information.error_code AS error_code,
        metadata.user_api_key_user_id AS user_id,
        coalesce(nullif(record.end_user, ''), metadata.user_api_key_end_user_id) AS end_user,
        metadata.user_api_key_team_id AS team_id, metadata.user_api_key_team_alias AS team_alias,
        metadata.user_api_key_org_id AS organization_id, NULL::VARCHAR AS agent_id,
        coalesce(nullif(metadata.user_api_key_project_alias, ''), metadata.user_api_key_project_id) AS project,
        metadata.user_api_key_hash AS key, metadata.user_api_key_alias AS key_alias,
        record.request_tags AS request_tags, record.cache_hit AS cache_hit, record.stream AS stream,
        metadata.mcp_tool_call_metadata.namespaced_tool_name AS mcp_tool,
        record.prompt_tokens AS prompt, record.completion_tokens AS completion, record.total_tokens AS total,
        {usage_columns("metadata.usage_object", "record.response.usage")},
        record.response_cost AS spend,
        record.response_cost_failure_debug_info IS NULL AND (
            coalesce(record.model_map_information.model_map_key, '') = ''
            OR record.model_map_information.model_map_value IS NOT NULL
        ) AS is_priced,
        record.cost_breakdown AS cost_breakdown,
        CASE WHEN TRY_CAST(record.saved_cache_cost AS DOUBLE) > 0 THEN record.saved_cache_cost END AS saved_cache_cost,
        record.user_agent AS user_agent, NULL::VARCHAR AS retries, NULL::VARCHAR AS fallbacks, NULL::VARCHAR AS overhead_ms,
        metadata.spend_logs_metadata AS spend_logs_metadata
    FROM (SELECT *, record.metadata AS metadata FROM lines)
)
{REQUESTS}
"""

PAYLOADS = JsonLines("litellm", _SHAPE, _ROWS, Conventions())
"""How files of payloads are read."""
