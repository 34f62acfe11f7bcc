"""LiteLLM: rows of its proxy's table "LiteLLM_SpendLogs", exported in any form, and the payloads that its loggers write."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from itertools import groupby

from usagecost.sources.essentials import with_lacks
from usagecost.sources.files import Head
from usagecost.sources.litellm_calls import MAY_HAVE_PIECES, REQUESTS, piece_paths, usage_paths
from usagecost.sources.litellm_payload import NO_CALLS, PAYLOAD_FIELDS, PAYLOADS, skipped_sql
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, is_json, record_names
from usagecost.sources.sql import JsonColumns, literal

SPEND_LOG_COLUMNS = (
    "request_id", "call_type", "api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens", "startTime", "endTime",
    "request_duration_ms", "completionStartTime", "model", "model_id", "model_group", "custom_llm_provider", "api_base", "user",
    "metadata", "cache_hit", "request_tags", "team_id", "organization_id", "end_user", "session_id", "status",
    "mcp_namespaced_tool_name", "agent_id", "litellm_call_id", "updated_at",
)  # fmt: skip
"""The table's columns that are read, as PostgreSQL spells them; older tables lack some. Messages and responses are not read."""

_METADATA = JsonColumns(
    {
        "status_in_metadata": ["$.status"],
        "key_alias": ["$.user_api_key_alias"],
        "team_alias": ["$.user_api_key_team_alias"],
        "project_id": ["$.user_api_key_project_id"],
        "project_alias": ["$.user_api_key_project_alias"],
        "original_model_group": ["$.original_model_group"],
        "call_id_in_metadata": ["$.litellm_call_id"],
        "user_agent": ["$.user_agent"],
        "retries": ["$.attempted_retries"],
        "fallbacks": ["$.attempted_fallbacks"],
        "overhead_ms": ["$.litellm_overhead_time_ms"],
        "error_class": ["$.error_information.error_class"],
        "error_code": ["$.error_information.error_code"],
        "looked_up": ["$.model_map_information.model_map_key"],
        "priced_as": ["$.model_map_information.model_map_value.key"],
        "cost_breakdown": ["$.cost_breakdown"],
        "billed_service_tier": ["$.cost_breakdown.service_tier"],
        "spend_logs_metadata": ["$.spend_logs_metadata"],
        **usage_paths("$.additional_usage_values", "$.usage_object"),
    }
)

_PIECES = JsonColumns(piece_paths("$.additional_usage_values", "$.usage_object"))

SPEND_LOG_METADATA = (*_METADATA.places, *_PIECES.places)
"""What is read of the column metadata, as JSON paths."""

_NO_METADATA = "metadata is no whole JSON: it was cut off, or written in another way. Export that column as JSON."

SPEND_LOG_ROWS = f"""
, told AS (
    SELECT
        *,
        TRY({_METADATA.texts("metadata")}) AS found,
        CASE WHEN {MAY_HAVE_PIECES} THEN TRY({_PIECES.texts("metadata")}) END AS found_pieces
    FROM records
), about AS (
    SELECT *, {_METADATA.items("found")}, {_PIECES.items("found_pieces")} FROM told
), calls AS (
    SELECT
        *,
        total_tokens AS total,
        CASE WHEN found IS NULL AND trim(metadata) <> '' THEN {literal(_NO_METADATA)} END AS problem,
        {skipped_sql("ends_with(request_id, '_background_cost')")} AS skipped,
        request_id AS id, '' AS id_suffix, coalesce(nullif(litellm_call_id, ''), call_id_in_metadata) AS call_id,
        session_id AS trace_id,
        "startTime" AS started, "endTime" AS ended, "completionStartTime" AS first_token, updated_at AS revised,
        request_duration_ms AS duration_ms,
        nullif(custom_llm_provider, '') AS provider,
        "user" AS user_id, coalesce(nullif(project_alias, ''), project_id) AS project, api_key AS key,
        NULL::VARCHAR AS stream, mcp_namespaced_tool_name AS mcp_tool,
        prompt_tokens AS prompt, completion_tokens AS completion,
        NULL::VARCHAR AS saved_cache_cost
    FROM about
)
{REQUESTS}
"""
"""Canonical columns from `records`, of one row a spend log with the columns above as text; it continues a WITH."""

_SPEND_LOGS = Records("litellm", SPEND_LOG_COLUMNS, SPEND_LOG_ROWS)

PAYLOADS_OF_A_FILE = 10
"""Loggers may write a file for each call: what a file of few calls lacks says nothing of the others."""

_SPEND_LOG_FIELDS = ("request_id", "startTime", "spend")


class LiteLLM:
    """Spend logs of LiteLLM's proxy, and what its loggers write. Both give a call the same id, so that it counts once."""

    name = "litellm"
    title = "LiteLLM spend logs and logging payloads"
    counts = (
        "prompt_tokens includes cache reads, and cache writes since 1.77.3: where a row shows that it does not, they are added, so "
        "that input_tokens is all input. Output includes reasoning. A hit in LiteLLM's own cache has its tokens and costs nothing."
    )

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

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one call of the proxy."""
        for are_spend_logs, group in groupby(heads, key=_has_spend_logs):
            if are_spend_logs:
                yield from _SPEND_LOGS.read(group, reading)
            else:
                yield from with_lacks(PAYLOADS.batches(group, reading), self.name, reading, PAYLOADS_OF_A_FILE)


def _has_spend_logs(head: Head) -> bool:
    """Whether a file has spend logs; payloads are always JSON."""
    return not is_json(head) or "request_id" in record_names(head)
