"""Helicone: exports of its requests, and rows of its table request_response_rmt.

The cost is in billionths of a dollar, times are in milliseconds; an answer out of Helicone's own cache has no tokens and no cost.
Anthropic's counts of input exclude what was read from a prompt cache and written to it. Of other providers that depends on the
version that wrote the row, so there the counts decide: an input below its own parts excludes them.
A status below 0 is Helicone's own, for requests without an answer: their outcome is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, record_names
from usagecost.sources.sql import JsonColumns, json_object

_WANTED = ("response_id", "request_created_at", "prompt_tokens")

_COLUMNS = (
    "request_id", "request_created_at", "latency", "status", "completion_tokens", "prompt_tokens", "prompt_cache_write_tokens",
    "prompt_cache_read_tokens", "prompt_audio_tokens", "completion_audio_tokens", "reasoning_tokens", "model", "user_id",
    "proxy_key_id", "time_to_first_token", "provider", "country_code", "target_url", "properties", "cost", "cache_reference_id",
    "prompt_id",
)  # fmt: skip

_NO_ID = "00000000-0000-0000-0000-000000000000"
"""How the table writes that a row refers to no other."""

_PROPERTIES = JsonColumns(
    {
        "session_id": ['$."Helicone-Session-Id"', "$.session_id", "$.sessionId", "$.session"],
        "app": ["$.app", "$.App", "$.application"],
        "environment": ["$.environment", "$.Environment", "$.env"],
        "team_id": ["$.team", "$.Team", "$.team_id"],
    }
)

ROWS = f"""
, told AS (
    SELECT *, TRY({_PROPERTIES.texts("properties")}) AS found FROM records
), call AS (
    SELECT
        *, {_PROPERTIES.items("found")},
        TRY_CAST(prompt_tokens AS DOUBLE) AS prompt,
        coalesce(TRY_CAST(prompt_cache_read_tokens AS DOUBLE), 0) + coalesce(TRY_CAST(prompt_cache_write_tokens AS DOUBLE), 0)
            AS cached,
        nullif(cache_reference_id, '{_NO_ID}') AS answered_by
    FROM told
)
SELECT
    row,
    source_file,
    request_id,
    session_id,
    request_created_at AS started_at,
    latency AS duration_ms,
    CASE WHEN TRY_CAST(time_to_first_token AS DOUBLE) > 0 THEN time_to_first_token END AS ttft_ms,
    lower(provider) AS provider,
    model,
    CASE WHEN TRY_CAST(status AS INTEGER) < 0 THEN NULL ELSE status END AS http_status,
    user_id,
    team_id,
    nullif(proxy_key_id, '{_NO_ID}') AS virtual_key,
    app,
    environment,
    CASE WHEN cache_reference_id IS NOT NULL THEN (coalesce(answered_by, '') <> '')::VARCHAR END AS is_gateway_cache_hit,
    regexp_replace(target_url, '[?#].*', '') AS route,
    CASE
        WHEN cached > 0 AND prompt >= 0 AND (lower(provider) = 'anthropic' OR prompt < cached)
            THEN (prompt + cached)::BIGINT::VARCHAR
        ELSE prompt_tokens
    END AS input_tokens,
    prompt_cache_read_tokens AS cache_read_tokens,
    prompt_cache_write_tokens AS cache_write_tokens,
    completion_tokens AS output_tokens,
    CASE WHEN TRY_CAST(reasoning_tokens AS DOUBLE) > 0 THEN reasoning_tokens END AS output_reasoning_tokens,
    CASE WHEN TRY_CAST(prompt_audio_tokens AS DOUBLE) > 0 THEN prompt_audio_tokens END AS input_audio_tokens,
    CASE WHEN TRY_CAST(completion_audio_tokens AS DOUBLE) > 0 THEN completion_audio_tokens END AS output_audio_tokens,
    cost AS reported_cost_usd,
    {
    json_object(
        {
            "country_code": "to_json(nullif(country_code, ''))",
            "prompt_id": "to_json(nullif(prompt_id, ''))",
            "properties": "CASE WHEN found IS NOT NULL THEN nullif(properties, '{}') END",
        }
    )
} AS attributes
FROM call
"""

_RECORDS = Records(
    "helicone",
    _COLUMNS,
    ROWS,
    Conventions(
        cost_unit="nano",
        names={
            "started_at": "request_created_at",
            "input_tokens": "prompt_tokens",
            "cache_read_tokens": "prompt_cache_read_tokens",
            "cache_write_tokens": "prompt_cache_write_tokens",
            "output_tokens": "completion_tokens",
            "reported_cost_usd": "cost",
            "http_status": "status",
            "duration_ms": "latency",
        },
    ),
)


class Helicone:
    """Requests of Helicone."""

    name = "helicone"
    title = "Helicone requests"
    counts = (
        "Anthropic's input excludes cache reads and writes; both are added, so that input_tokens is all input. Of other providers "
        "they are added where the input is less than they are together. Costs are billionths of a dollar."
    )

    def recognise(self, head: Head) -> str | None:
        """By names that stand together only there."""
        return f"Helicone requests: columns {', '.join(_WANTED)}" if set(_WANTED) <= set(record_names(head)) else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """One row = one request."""
        yield from _RECORDS.read(heads, reading)
