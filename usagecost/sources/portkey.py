"""Portkey: exports of its logs.

`req_units` and `res_units` are tokens in and out; what of them was cached or reasoning stands only in the provider's `response`, if
that is exported. Portkey answers in OpenAI's shape, in which input includes cached tokens; where it does not, an input below its
own parts excludes them. The unit of `cost` is not documented, and cents taken for dollars would be a hundred times too much: so it
is kept as it is among the attributes, and the list price counts. Contents are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, record_names
from usagecost.sources.sql import JsonColumns, json_object

_WANTED = ("ai_org", "ai_model", "req_units", "created_at")

_COLUMNS = (
    "id", "trace_id", "created_at", "response", "is_success", "ai_org", "ai_model", "req_units", "res_units", "request_url", "cost",
    "cost_currency", "response_time", "response_status_code", "mode", "prompt_slug", "metadata",
)  # fmt: skip

_USAGE = JsonColumns(
    {
        "cache_read": ["$.usage.prompt_tokens_details.cached_tokens", "$.usage.cache_read_input_tokens"],
        "cache_write": ["$.usage.cache_creation_input_tokens"],
        "reasoning": ["$.usage.completion_tokens_details.reasoning_tokens", "$.usage.output_tokens_details.reasoning_tokens"],
        "error_type": ["$.error.type", "$.error.code"],
        "response_model": ["$.model"],
    }
)
_METADATA = JsonColumns(
    {
        "user_id": ["$._user", "$.user_id", "$.userId", "$.user"],
        "team_id": ["$.team_id", "$.team"],
        "app": ["$.app", "$.application"],
        "environment": ["$.environment", "$.env"],
        "session_id": ["$.session_id", "$.sessionId"],
    }
)

ROWS = f"""
, told AS (
    SELECT *, TRY({_USAGE.texts("response")}) AS usage_found, TRY({_METADATA.texts("metadata")}) AS found FROM records
), call AS (
    SELECT
        *, {_USAGE.items("usage_found")}, {_METADATA.items("found")},
        TRY_CAST(req_units AS DOUBLE) AS sent,
        coalesce(TRY_CAST(cache_read AS DOUBLE), 0) + coalesce(TRY_CAST(cache_write AS DOUBLE), 0) AS cached
    FROM told
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
    app,
    environment,
    regexp_replace(request_url, '[?#].*', '') AS route,
    CASE
        WHEN sent >= 0 AND sent < cached THEN (sent + cached)::BIGINT::VARCHAR
        ELSE req_units
    END AS input_tokens,
    cache_read AS cache_read_tokens,
    cache_write AS cache_write_tokens,
    res_units AS output_tokens,
    reasoning AS output_reasoning_tokens,
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
FROM call
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
        "req_units are taken as all input, cached tokens included; where the response shows that they are not, the cached ones are "
        "added. The unit of the log's costs is not documented, so they are kept beside and list prices count."
    )

    def recognise(self, head: Head) -> str | None:
        """By names that stand together only there."""
        return f"Portkey logs: {', '.join(_WANTED)}" if set(_WANTED) <= set(record_names(head)) else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """One row = one request."""
        yield from _RECORDS.read(heads, reading)
