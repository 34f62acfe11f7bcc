"""Cloudflare AI Gateway: its logs, as its API and its page give them.

They say how many tokens went in and out and nothing of the provider's prompt cache: whether `tokens_in` counts what was read from
it depends on the provider, and Anthropic's does not. The counts are taken as they are. `cached` is an answer out of the gateway's
own cache, which no provider bills. Who asked stands in `metadata`, if the caller has put it there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, record_names
from usagecost.sources.sql import JsonColumns, json_object

_WANTED = ("tokens_in", "tokens_out", "cached", "created_at")

_COLUMNS = (
    "id", "created_at", "provider", "model", "model_type", "path", "request_type", "status_code", "success", "step", "cached",
    "duration", "tokens_in", "tokens_out", "cost", "custom_cost", "metadata",
)  # fmt: skip

_METADATA = JsonColumns(
    {
        "user_id": ["$.user_id", "$.userId", "$.user", "$.email"],
        "team_id": ["$.team_id", "$.teamId", "$.team"],
        "project": ["$.project", "$.project_id"],
        "app": ["$.app", "$.application", "$.service"],
        "environment": ["$.environment", "$.env"],
        "session_id": ["$.session_id", "$.sessionId", "$.conversation_id"],
        "trace_id": ["$.trace_id", "$.traceId"],
    }
)

ROWS = f"""
, told AS (
    SELECT *, TRY({_METADATA.texts("metadata")}) AS found FROM records
), log AS (
    SELECT *, {_METADATA.items("found")} FROM told
)
SELECT
    row,
    source_file,
    id AS request_id,
    trace_id,
    session_id,
    created_at AS started_at,
    duration AS duration_ms,
    provider,
    model,
    nullif(request_type, '') AS operation,
    CASE lower(success) WHEN 'true' THEN 'success' WHEN 'false' THEN 'error' END AS status,
    status_code AS http_status,
    user_id,
    team_id,
    project,
    app,
    environment,
    cached AS is_gateway_cache_hit,
    nullif(path, '') AS route,
    tokens_in AS input_tokens,
    tokens_out AS output_tokens,
    cost AS reported_cost_usd,
    {
    json_object(
        {
            "step": "TRY_CAST(step AS BIGINT)::VARCHAR",
            "model_type": "to_json(nullif(model_type, ''))",
            "custom_cost": "CASE lower(custom_cost) WHEN 'true' THEN 'true' END",
            "metadata": "CASE WHEN found IS NOT NULL THEN nullif(metadata, '{}') END",
        }
    )
} AS attributes
FROM log
"""

_RECORDS = Records(
    "cloudflare",
    _COLUMNS,
    ROWS,
    Conventions(
        names={
            "request_id": "id",
            "started_at": "created_at",
            "input_tokens": "tokens_in",
            "output_tokens": "tokens_out",
            "reported_cost_usd": "cost",
            "duration_ms": "duration",
            "http_status": "status_code",
        }
    ),
)


class Cloudflare:
    """Logs of Cloudflare's AI Gateway."""

    name = "cloudflare"
    title = "Cloudflare AI Gateway logs"
    counts = (
        "The log tells nothing of the provider's prompt cache: tokens_in is taken as all input. For Anthropic's models it leaves "
        "cache reads and writes out, so their input is at least this much."
    )

    def recognise(self, head: Head) -> str | None:
        """By names that stand together only there."""
        return f"Cloudflare AI Gateway logs: {', '.join(_WANTED)}" if set(_WANTED) <= set(record_names(head)) else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one request to the gateway."""
        yield from _RECORDS.read(heads, reading)
