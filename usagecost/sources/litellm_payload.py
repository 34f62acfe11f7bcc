"""LiteLLM's logging payloads: one JSON object a call, as its loggers write them to S3, GCS, Azure and queues.

The `id` of a payload is the `request_id` of the call's spend log, but for three kinds of calls:

- hits in LiteLLM's cache of responses, whose ids litellm_calls.py makes alike;
- what a finished batch cost is logged under the batch's id, in the spend logs with `_batch_cost` after it;
- what an answer made in the background cost likewise, when it is asked for: in the spend logs with `_background_cost`.

To ask for a batch or an answer that costs nothing yet, or no more, is no request to a model: such lines are skipped, and so
are audit logs and the single lines of a batch, which loggers may write to the same bucket. An answer that says that it was made in
the background costs something only when it is asked for; versions that write `cost_finalized` see to it that it does so once.
"""

from __future__ import annotations

from usagecost.sources.conventions import Conventions
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.litellm_calls import MAY_HAVE_PIECES, REQUESTS, piece_paths, usage_paths
from usagecost.sources.sql import JsonColumns, literal

READS = "a?(get|delete|cancel)_responses|a?list_input_items"
"""A pattern of the call types that ask for an earlier answer."""

_MANAGES = (
    "a?(retrieve|cancel|list|create)_batch(es)?|a?(list|retrieve|delete)_(containers?|container_files)|a?file_.*|a?create_file|"
    "a?vector_store_.*|a?(get|create|delete)_(assistants?|thread|messages)|a_?add_message|a?(create|delete)_(container|sandbox)|"
    "a?(create|cancel|list|retrieve)_fine_tuning_jobs?|a?video_(retrieve|content|list|delete|get|retrieve_job|get_character)|"
    "a?upload_container_file|list_mcp_tools|a?create_skill"
)
"""The same of those that prepare or manage something; a search of a store may have a cost, and then it counts."""


def skipped_sql(is_billed_later: str) -> str:
    """SQL for why a call is no request to a model; NULL where it is one.

    `is_billed_later` says of a call that asks for an earlier answer whether it is the one that was billed.
    """
    is_used = "(coalesce(TRY_CAST(spend AS DOUBLE) > 0, false) OR coalesce(TRY_CAST(total AS DOUBLE) > 0, false))"
    reads, manages = (f"regexp_full_match(call_type, {literal(pattern)})" for pattern in (READS, _MANAGES))
    return f"""CASE WHEN {MAY_HAVE_PIECES} THEN CASE
        WHEN {reads} AND NOT ({is_used} AND {is_billed_later}) THEN 'reads an earlier answer'
        WHEN {manages} AND NOT {is_used} THEN 'prepares or manages something, uses no model'
    END END"""


PAYLOAD_FIELDS = ("id", "call_type", "response_cost", "startTime")
"""What a payload is known by."""

NO_CALLS = (("changed_by", "table_name", "action"), ("batch_id", "custom_id", "response_cost"))
"""What the other objects in such a bucket are known by: audit logs, and lines of a batch."""

_TOP = (
    "id", "trace_id", "litellm_call_id", "call_type", "stream", "status", "model", "model_id", "model_group", "api_base",
    "cache_hit", "saved_cache_cost", "request_tags", "user_agent", "cost_breakdown",
    "action", "table_name", "batch_id", "custom_id",
)  # fmt: skip

_USAGE = usage_paths("$.metadata.usage_object", "$.response.usage")

_FIELDS = JsonColumns(
    {
        **{name: [f"$.{name}"] for name in _TOP},
        "conversation": ["$.session_id"],
        "started": ["$.startTime"],
        "ended": ["$.endTime"],
        "first_token": ["$.completionStartTime"],
        "named_provider": ["$.custom_llm_provider"],
        "prompt": ["$.prompt_tokens"],
        "completion": ["$.completion_tokens"],
        "total": ["$.total_tokens"],
        "spend": ["$.response_cost"],
        "billed_service_tier": ["$.cost_breakdown.service_tier"],
        "looked_up": ["$.response_cost_failure_debug_info.model", "$.model_map_information.model_map_key"],
        "is_background": ["$.response.background"],
        "cost_finalized": ["$.cost_finalized"],
        "found_price": ["$.model_map_information.model_map_value.key"],
        "failure_to_price": ["$.response_cost_failure_debug_info.error_str"],
        "error_class": ["$.error_information.error_class"],
        "error_code": ["$.error_information.error_code"],
        "key": ["$.metadata.user_api_key_hash"],
        "key_alias": ["$.metadata.user_api_key_alias"],
        "team_id": ["$.metadata.user_api_key_team_id"],
        "team_alias": ["$.metadata.user_api_key_team_alias"],
        "user_id": ["$.metadata.user_api_key_user_id"],
        "customer": ["$.end_user"],
        "key_customer": ["$.metadata.user_api_key_end_user_id"],
        "organization_id": ["$.metadata.user_api_key_org_id"],
        "project_id": ["$.metadata.user_api_key_project_id"],
        "project_alias": ["$.metadata.user_api_key_project_alias"],
        "mcp_tool": ["$.metadata.mcp_tool_call_metadata.namespaced_tool_name"],
        "spend_logs_metadata": ["$.metadata.spend_logs_metadata"],
        **_USAGE,
        "usage_service_tier": [*_USAGE["usage_service_tier"], "$.response.service_tier", "$.model_parameters.service_tier"],
    }
)
"""The usage stands in the answer too: older payloads have it nowhere else. Of the answer nothing but that is read."""

_PIECES = JsonColumns(piece_paths("$.metadata.usage_object", "$.response.usage", "$.response.meta.billed_units"))

_ROWS = f"""
, told AS MATERIALIZED (
    SELECT * EXCLUDE (text, found_pieces), {_PIECES.items("found_pieces")}
    FROM (
        SELECT *, CASE WHEN {MAY_HAVE_PIECES} THEN {_PIECES.texts("text")} END AS found_pieces
        FROM (
            SELECT row, source_file, text, {_FIELDS.items("found")} FROM (SELECT *, {_FIELDS.texts("text")} AS found FROM lines)
        )
    )
), about AS (
    SELECT
        *,
        call_type IN ('retrieve_batch', 'aretrieve_batch') AS is_batch_again,
        regexp_full_match(call_type, {literal(READS)}) AS is_answer_again
    FROM told
), calls AS (
    SELECT
        *,
        NULL::VARCHAR AS problem,
        CASE
            WHEN table_name IS NOT NULL AND action IS NOT NULL THEN 'change of the proxy''s own tables'
            WHEN batch_id IS NOT NULL AND custom_id IS NOT NULL THEN 'sends a batch'
            ELSE {skipped_sql("(coalesce(is_background = 'true', false) OR cost_finalized IS NOT NULL)")}
        END AS skipped,
        CASE
            WHEN is_batch_again THEN '_batch_cost'
            WHEN is_answer_again THEN '_background_cost'
            ELSE ''
        END AS id_suffix,
        litellm_call_id AS call_id,
        coalesce(nullif(conversation, ''), trace_id) AS session_id,
        nullif(named_provider, '') AS provider,
        coalesce(nullif(customer, ''), key_customer) AS end_user,
        coalesce(nullif(project_alias, ''), project_id) AS project,
        CASE WHEN failure_to_price IS NULL THEN found_price END AS priced_as,
        NULL::VARCHAR AS revised, NULL::VARCHAR AS duration_ms, NULL::VARCHAR AS original_model_group,
        NULL::VARCHAR AS status_in_metadata, NULL::VARCHAR AS agent_id,
        NULL::VARCHAR AS retries, NULL::VARCHAR AS fallbacks, NULL::VARCHAR AS overhead_ms
    FROM about
)
{REQUESTS}
"""

PAYLOADS = JsonLines("litellm", {"id": "VARCHAR"}, _ROWS, Conventions())
"""How files of payloads are read. Nothing asks for the struct of that shape, so it is not made."""
