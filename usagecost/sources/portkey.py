"""Portkey: exports of its logs.

`req_units` and `res_units` are tokens in and out; what of them was cached or reasoning stands only in the provider's `response`, if
that is exported. Whether they include it depends on the provider and on Portkey's version, and `total_units` tells: Gemini's output
leaves out thoughts, Anthropic's input what was read from a cache and written to it, and the total has both. Only where no sum is
the total, counts below their own parts exclude them. The unit of `cost` is not documented, and cents taken for dollars would be a
hundred times too much: so it is kept as it is among the attributes, and the list price counts. Contents are not kept.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, record_names
from usagecost.sources.sql import JsonColumns, json_object, units_map

_WANTED = ("ai_org", "ai_model", "req_units", "created_at")

_COLUMNS = (
    "id", "trace_id", "created_at", "response", "is_success", "ai_org", "ai_model", "req_units", "res_units", "total_units",
    "request_url", "cost", "cost_currency", "response_time", "response_status_code", "mode", "prompt_slug", "metadata",
)  # fmt: skip

_USAGE = JsonColumns(
    {
        "cache_read": ["$.usage.prompt_tokens_details.cached_tokens", "$.usage.cache_read_input_tokens"],
        "cache_write": ["$.usage.cache_creation_input_tokens"],
        "native_input": ["$.usage.input_tokens"],
        "usage_total": ["$.usage.total_tokens"],
        "reasoning": ["$.usage.completion_tokens_details.reasoning_tokens", "$.usage.output_tokens_details.reasoning_tokens"],
        "error_type": ["$.error.type", "$.error.code"],
        "response_model": ["$.model"],
    }
)
_RARE = JsonColumns(
    {
        "cache_write_1h": ["$.usage.cache_creation.ephemeral_1h_input_tokens"],
        "audio_in": ["$.usage.prompt_tokens_details.audio_tokens"],
        "audio_out": ["$.usage.completion_tokens_details.audio_tokens"],
        "image_out": ["$.usage.completion_tokens_details.image_tokens"],
        "searches": ["$.usage.server_tool_use.web_search_requests"],
        "tier": ["$.usage.service_tier", "$.service_tier"],
    }
)
_HAS_RARE = " OR ".join(
    f"contains(response, '{name}\"')"
    for name in ("ephemeral_1h_input_tokens", "audio_tokens", "image_tokens", "web_search_requests", "service_tier")
)
_METADATA = JsonColumns(
    {
        "user_id": ["$._user", "$.user_id", "$.userId", "$.user"],
        "team_id": ["$.team_id", "$.team"],
        "project": ["$.project", "$.project_id"],
        "app": ["$.app", "$.application"],
        "environment": ["$.environment", "$.env"],
        "session_id": ["$.session_id", "$.sessionId"],
    }
)

ROWS = f"""
, told AS (
    SELECT
        *,
        TRY({_USAGE.texts("response")}) AS usage_found,
        CASE WHEN {_HAS_RARE} THEN TRY({_RARE.texts("response")}) END AS rare_found,
        TRY({_METADATA.texts("metadata")}) AS found
    FROM records
), call AS (
    SELECT
        *, {_USAGE.items("usage_found")}, {_RARE.items("rare_found")}, {_METADATA.items("found")},
        TRY_CAST(req_units AS DOUBLE) AS sent,
        TRY_CAST(res_units AS DOUBLE) AS answered,
        coalesce(TRY_CAST(cache_read AS DOUBLE), 0) + coalesce(TRY_CAST(cache_write AS DOUBLE), 0) AS cached,
        coalesce(TRY_CAST(reasoning AS DOUBLE), 0) AS reasoned,
        coalesce(nullif(TRY_CAST(total_units AS DOUBLE), 0), TRY_CAST(usage_total AS DOUBLE)) - sent - answered AS beyond
    FROM told
), compared AS (
    SELECT *, cached > 0 AND coalesce(beyond > 0 AND beyond IN (cached, cached + reasoned), false) AS total_has_cache,
        reasoned > 0 AND coalesce(beyond > 0 AND beyond IN (reasoned, cached + reasoned), false) AS total_has_thoughts
    FROM call
), counted AS (
    SELECT
        *,
        CASE
            WHEN cached = 0 OR sent IS NULL OR sent < 0 THEN false
            WHEN cached = reasoned AND beyond = cached THEN sent < cached
            WHEN total_has_cache THEN true
            WHEN beyond = 0 AND sent >= cached THEN native_input IS NOT NULL AND lower(ai_org) = 'anthropic'
            ELSE sent < cached
        END AS is_cache_apart,
        CASE
            WHEN answered IS NULL OR answered < 0 THEN 0
            WHEN cached = reasoned AND beyond = cached AND is_cache_apart AND reasoned <= answered THEN 0
            WHEN total_has_thoughts OR reasoned > answered THEN reasoned
            WHEN reasoned = 0 AND beyond > 0 AND regexp_matches(lower(ai_org), 'google|vertex|gemini')
                THEN greatest(beyond - CASE WHEN is_cache_apart THEN cached ELSE 0 END, 0)
            ELSE 0
        END AS thoughts_apart
    FROM compared
)
SELECT
    row,
    source_file,
    id AS request_id,
    nullif(trace_id, '') AS trace_id,
    session_id,
    created_at AS started_at,
    response_time AS duration_ms,
    ai_org AS provider,
    coalesce(response_model, ai_model) AS model,
    ai_model AS requested_model,
    CASE WHEN lower(is_success) IN ('true', '1') THEN 'success' WHEN lower(is_success) IN ('false', '0') THEN 'error' END AS status,
    CASE WHEN lower(is_success) IN ('false', '0') THEN error_type END AS error_class,
    response_status_code AS http_status,
    user_id,
    team_id,
    project,
    app,
    environment,
    regexp_replace(request_url, '[?#].*', '') AS route,
    CASE WHEN is_cache_apart THEN (sent + cached)::BIGINT::VARCHAR ELSE req_units END AS input_tokens,
    cache_read AS cache_read_tokens,
    cache_write AS cache_write_tokens,
    cache_write_1h AS cache_write_1h_tokens,
    CASE WHEN thoughts_apart > 0 THEN (answered + thoughts_apart)::BIGINT::VARCHAR ELSE res_units END AS output_tokens,
    coalesce(reasoning, CASE WHEN thoughts_apart > 0 THEN thoughts_apart::BIGINT::VARCHAR END) AS output_reasoning_tokens,
    audio_in AS input_audio_tokens,
    audio_out AS output_audio_tokens,
    image_out AS output_image_tokens,
    {units_map({"web_searches": "searches"})} AS units,
    tier AS service_tier,
    {
    json_object(
        {
            "cost": "to_json(nullif(cost, ''))",
            "cost_currency": "to_json(nullif(cost_currency, ''))",
            "mode": "to_json(nullif(mode, ''))",
            "prompt_slug": "to_json(nullif(prompt_slug, ''))",
            "metadata": "CASE WHEN found IS NOT NULL THEN nullif(metadata, '{}') END",
        }
    )
} AS attributes
FROM counted
"""

_RECORDS = Records(
    "portkey",
    _COLUMNS,
    ROWS,
    Conventions(
        names={
            "request_id": "id",
            "started_at": "created_at",
            "input_tokens": "req_units",
            "output_tokens": "res_units",
            "duration_ms": "response_time",
            "http_status": "response_status_code",
        }
    ),
)


class Portkey:
    """Logs of Portkey."""

    name = "portkey"
    title = "Portkey logs"
    counts = (
        "total_units tell whether req_units, the input, include cached tokens, and res_units thoughts; what they leave out is "
        "added. The unit of the log's costs is not documented, so they are kept beside and list prices count."
    )

    def recognise(self, head: Head) -> str | None:
        """By names that stand together only there."""
        return f"Portkey logs: {', '.join(_WANTED)}" if set(_WANTED) <= set(record_names(head)) else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one request."""
        yield from _RECORDS.read(heads, reading)
