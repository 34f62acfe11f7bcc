"""Bifrost: rows of its logs, as its database and its API give them.

Counts are OpenAI's way: input includes what was read from a prompt cache and written to it, output includes reasoning. The parts
stand in `token_usage`. Costs are in dollars, `latency` is in milliseconds. A request that is still `processing` is none yet, and
calls that read or manage what was made before are no requests to a model. The API calls `object` what is `object_type` in the
table, and has the counts in `token_usage` alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, record_names
from usagecost.sources.sql import JsonColumns, json_object, units_map

_WANTED = ("timestamp", "provider", "model", "status")
_KIND = {"object_type", "object"}
_OWN = {"token_usage", "virtual_key_id", "virtual_key_name", "selected_key_id", "number_of_retries", "fallback_index"}

_COLUMNS = (
    "id", "parent_request_id", "timestamp", "object_type", "object", "provider", "model", "alias", "selected_key_id",
    "virtual_key_id", "virtual_key_name", "user_id", "team_id", "customer_id", "business_unit_id", "latency", "token_usage",
    "cost", "status", "stream", "prompt_tokens", "completion_tokens", "cached_read_tokens", "error_details", "cache_debug",
)  # fmt: skip

_TOLD = JsonColumns(
    {
        "input_told": ["$.prompt_tokens", "$.input_tokens"],
        "output_told": ["$.completion_tokens", "$.output_tokens"],
        "read_told": [
            "$.prompt_tokens_details.cached_read_tokens", "$.prompt_tokens_details.cached_tokens", "$.cache_read_input_tokens",
            "$.input_tokens_details.cached_tokens",
        ],
        "write_told": [
            "$.prompt_tokens_details.cached_write_tokens", "$.prompt_tokens_details.cache_write_tokens",
            "$.cache_creation_input_tokens",
        ],
        "reasoning_told": ["$.completion_tokens_details.reasoning_tokens", "$.output_tokens_details.reasoning_tokens"],
        "audio_in_told": ["$.prompt_tokens_details.audio_tokens"],
        "audio_out_told": ["$.completion_tokens_details.audio_tokens"],
        "image_in_told": ["$.prompt_tokens_details.image_tokens"],
        "image_out_told": ["$.completion_tokens_details.image_tokens"],
        "searches_told": ["$.completion_tokens_details.num_search_queries"],
    }
)  # fmt: skip
_ERROR = JsonColumns({"error_class": ["$.error.type", "$.type", "$.error.code"], "error_status": ["$.status_code"]})

_NO_CALLS = "(^|_)(retrieve|list|delete|cancel|download|content|results)$|^(list_models|count_tokens|file_upload|container_)"
"""Kinds of calls that use no model: they read or manage what was made before."""

ROWS = f"""
, told AS (
    SELECT *, TRY({_TOLD.texts("token_usage")}) AS usage_found, TRY({_ERROR.texts("error_details")}) AS error_found FROM records
), call AS (
    SELECT
        *, {_TOLD.items("usage_found")}, {_ERROR.items("error_found")},
        coalesce(object_type, object) AS kind,
        TRY(cache_debug->>'$.cache_hit') AS answered_by_cache
    FROM told
)
SELECT
    row,
    source_file,
    CASE
        WHEN lower(status) = 'processing' THEN 'still running'
        WHEN regexp_matches(kind, '{_NO_CALLS}') THEN 'reads or manages what was made before'
    END AS skipped,
    id AS request_id,
    nullif(parent_request_id, '') AS trace_id,
    timestamp AS started_at,
    latency AS duration_ms,
    provider,
    model,
    nullif(alias, '') AS requested_model,
    replace(kind, '.', ' ') AS operation,
    status,
    error_class,
    error_status AS http_status,
    user_id,
    customer_id AS end_user_id,
    coalesce(nullif(team_id, ''), business_unit_id) AS team_id,
    coalesce(nullif(virtual_key_name, ''), virtual_key_id) AS virtual_key,
    stream AS is_streaming,
    answered_by_cache AS is_gateway_cache_hit,
    coalesce(input_told, prompt_tokens) AS input_tokens,
    coalesce(read_told, cached_read_tokens) AS cache_read_tokens,
    write_told AS cache_write_tokens,
    coalesce(output_told, completion_tokens) AS output_tokens,
    reasoning_told AS output_reasoning_tokens,
    audio_in_told AS input_audio_tokens,
    audio_out_told AS output_audio_tokens,
    image_in_told AS input_image_tokens,
    image_out_told AS output_image_tokens,
    {units_map({"web_searches": "searches_told"})} AS units,
    cost AS reported_cost_usd,
    {
    json_object(
        {
            "selected_key_id": "to_json(nullif(selected_key_id, ''))",
            "business_unit_id": "to_json(nullif(business_unit_id, ''))",
        }
    )
} AS attributes
FROM call
"""

_RECORDS = Records(
    "bifrost",
    _COLUMNS,
    ROWS,
    Conventions(
        names={
            "request_id": "id",
            "started_at": "timestamp",
            "input_tokens": "prompt_tokens",
            "cache_read_tokens": "cached_read_tokens",
            "output_tokens": "completion_tokens",
            "reported_cost_usd": "cost",
            "duration_ms": "latency",
        }
    ),
)


class Bifrost:
    """Logs of Bifrost."""

    name = "bifrost"
    title = "Bifrost logs"
    counts = "The log counts as OpenAI does: input includes cache reads and writes, output includes reasoning."

    def recognise(self, head: Head) -> str | None:
        """By names that stand together only there."""
        names = set(record_names(head))
        kind = names & _KIND
        is_ours = set(_WANTED) <= names and kind and names & _OWN
        return f"Bifrost logs: {', '.join((*_WANTED, *sorted(kind)))}" if is_ours else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one request; those that are still running are skipped."""
        yield from _RECORDS.read(heads, reading)
