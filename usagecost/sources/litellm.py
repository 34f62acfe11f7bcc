"""LiteLLM: rows of its proxy's table "LiteLLM_SpendLogs", exported in any form, and the payloads that its loggers write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby

from usagecost.sources.files import Head
from usagecost.sources.litellm_calls import ERROR_SHAPE, PRICE_MAP_SHAPE, REQUESTS, USAGE_SHAPE, usage_columns
from usagecost.sources.litellm_payload import NO_CALLS, PAYLOAD_FIELDS, PAYLOADS
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, is_json, record_names
from usagecost.sources.sql import literal

SPEND_LOG_COLUMNS = (
    "request_id", "call_type", "api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens", "startTime", "endTime",
    "request_duration_ms", "completionStartTime", "model", "model_id", "model_group", "custom_llm_provider", "api_base", "user",
    "metadata", "cache_hit", "request_tags", "team_id", "organization_id", "end_user", "session_id", "status",
    "mcp_namespaced_tool_name", "agent_id", "litellm_call_id", "updated_at",
)  # fmt: skip
"""The table's columns that are read, as PostgreSQL spells them; older tables lack some. Messages and responses are not read."""

_METADATA_SHAPE = {
    "status": "VARCHAR",
    "user_api_key_alias": "VARCHAR",
    "user_api_key_team_alias": "JSON",
    "user_api_key_project_id": "VARCHAR",
    "user_api_key_project_alias": "VARCHAR",
    "original_model_group": "VARCHAR",
    "litellm_call_id": "VARCHAR",
    "user_agent": "JSON",
    "attempted_retries": "JSON",
    "attempted_fallbacks": "JSON",
    "litellm_overhead_time_ms": "JSON",
    "cost_breakdown": "JSON",
    "spend_logs_metadata": "JSON",
    "error_information": ERROR_SHAPE,
    "model_map_information": PRICE_MAP_SHAPE,
    "additional_usage_values": USAGE_SHAPE,
    "usage_object": USAGE_SHAPE,
}

_NO_METADATA = "metadata is no whole JSON: it was cut off, or written in another way. Export that column as JSON."

SPEND_LOG_ROWS = f"""
, told AS (
    SELECT *, TRY(from_json(metadata, {literal(json.dumps(_METADATA_SHAPE))})) AS about FROM records
), calls AS (
    SELECT
        row, line, source_file, fingerprint,
        CASE WHEN about IS NULL AND trim(metadata) NOT IN ('', 'null') THEN {literal(_NO_METADATA)} END AS problem,
        false AS is_skipped,
        request_id AS id,
        '' AS id_suffix,
        coalesce(nullif(litellm_call_id, ''), about.litellm_call_id) AS call_id,
        call_type,
        session_id AS trace_id,
        session_id,
        "startTime" AS started, "endTime" AS ended, "completionStartTime" AS first_token, updated_at AS revised,
        request_duration_ms AS duration_ms,
        nullif(custom_llm_provider, '') AS provider,
        model, model_id, model_group, about.original_model_group AS original_model_group, api_base,
        status, about.status AS status_in_metadata,
        about.error_information.error_class AS error_class, about.error_information.error_code AS error_code,
        "user" AS user_id, end_user, team_id, about.user_api_key_team_alias AS team_alias, organization_id, agent_id,
        coalesce(nullif(about.user_api_key_project_alias, ''), about.user_api_key_project_id) AS project,
        api_key AS key, about.user_api_key_alias AS key_alias,
        request_tags, cache_hit, NULL::VARCHAR AS stream, mcp_namespaced_tool_name AS mcp_tool,
        prompt_tokens AS prompt, completion_tokens AS completion, total_tokens AS total,
        {usage_columns("about.additional_usage_values", "about.usage_object")},
        spend,
        coalesce(about.model_map_information.model_map_key, '') = ''
            OR about.model_map_information.model_map_value IS NOT NULL AS is_priced,
        about.cost_breakdown AS cost_breakdown, NULL::VARCHAR AS saved_cache_cost,
        about.user_agent AS user_agent, about.attempted_retries AS retries, about.attempted_fallbacks AS fallbacks,
        about.litellm_overhead_time_ms AS overhead_ms, about.spend_logs_metadata AS spend_logs_metadata
    FROM told
)
{REQUESTS}
"""
"""Canonical columns from `records`, of one row a spend log with the columns above as text; it continues a WITH."""

_SPEND_LOGS = Records("litellm", SPEND_LOG_COLUMNS, SPEND_LOG_ROWS)

_SPEND_LOG_FIELDS = ("request_id", "startTime", "spend")


class LiteLLM:
    """Spend logs of LiteLLM's proxy, and what its loggers write. Both give a call the same id, so that it counts once."""

    name = "litellm"
    title = "LiteLLM spend logs and logging payloads"

    def recognise(self, head: Head) -> str | None:
        """By names that stand together in LiteLLM's logs only."""
        names = set(record_names(head))
        if names.issuperset(_SPEND_LOG_FIELDS):
            return f"LiteLLM spend logs: columns {', '.join(_SPEND_LOG_FIELDS)}"
        if names.issuperset(PAYLOAD_FIELDS):
            return f"LiteLLM logging payloads: fields {', '.join(PAYLOAD_FIELDS)}"
        if any(names.issuperset(fields) for fields in NO_CALLS):
            return "what LiteLLM logs beside its calls"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """One row = one call of the proxy."""
        for of_spend_logs, group in groupby(heads, key=_has_spend_logs):
            read = _SPEND_LOGS.read if of_spend_logs else PAYLOADS.batches
            yield from read(group, reading)


def _has_spend_logs(head: Head) -> bool:
    """Whether a file has spend logs; payloads are always JSON."""
    return not is_json(head) or "request_id" in record_names(head)
