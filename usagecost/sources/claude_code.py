"""Claude Code transcripts: JSON lines in ~/.claude/projects/<project>/, one file a session.

One answer of the API is several lines, one for each block of its content, with one message.id and requestId and a count of
output that grows: the line with the largest total is the request, and among those one that knows its speed. Side chains repeat
lines of the main conversation, also under new request ids: such a copy yields to any other line with its message.id. A line
without a message.id is a request of its own. `started_at` is the time of the line that stays, when its block was complete:
a few seconds after the request was sent, which the log does not tell.

Counts of input exclude both cache reads and cache writes. Lines with null where an id, a model, a version or a count belongs are
drafts and skipped, as ccusage skips them; so are `progress` lines, which repeat what sub-agents log themselves.
The log does not say who the user is: a home directory's name in a path is no proof, so user_id stays empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import json_object, literal

SHAPE = {
    "type": "VARCHAR",
    "uuid": "VARCHAR",
    "sessionId": "VARCHAR",
    "requestId": "VARCHAR",
    "timestamp": "VARCHAR",
    "version": "JSON",
    "cwd": "VARCHAR",
    "gitBranch": "JSON",
    "agentId": "JSON",
    "isSidechain": "VARCHAR",
    "isApiErrorMessage": "VARCHAR",
    "error": "VARCHAR",
    "apiErrorStatus": "VARCHAR",
    "costUSD": "VARCHAR",
    "message": {
        "id": "VARCHAR",
        "model": "VARCHAR",
        "stop_reason": "JSON",
        "usage": {
            "input_tokens": "VARCHAR",
            "cache_read_input_tokens": "VARCHAR",
            "cache_creation_input_tokens": "VARCHAR",
            "cache_creation": {"ephemeral_5m_input_tokens": "VARCHAR", "ephemeral_1h_input_tokens": "VARCHAR"},
            "output_tokens": "VARCHAR",
            "service_tier": "VARCHAR",
            "speed": "JSON",
            "inference_geo": "JSON",
            "server_tool_use": "JSON",
            "iterations": "JSON",
        },
    },
}

_NULL_IN_DRAFTS = (
    "$.sessionId", "$.requestId", "$.version", "$.cwd", "$.costUSD", "$.isApiErrorMessage", "$.message.id", "$.message.model",
    "$.message.usage.speed", "$.message.usage.cache_read_input_tokens", "$.message.usage.cache_creation_input_tokens",
)  # fmt: skip

_OFTEN_LEFT_OUT = {"$.costUSD": 'USD"', "$.isApiErrorMessage": 'ApiErrorMessage"', "$.message.usage.speed": 'speed"'}
"""Fields that most lines do without, with the end of their name: rare letters first, which are found fastest."""


def _is_draft() -> str:
    """SQL for whether one of a draft's nulls stands in a line. Only a line that may have one is parsed for it again.

    The tests are branches, as an AND would compute all of its sides for every row.
    """
    fields = {path: path.replace("$", "record") for path in _NULL_IN_DRAFTS}
    may_be_null = [f"{name} IS NULL" for path, name in fields.items() if path not in _OFTEN_LEFT_OUT]
    may_be_null += [f"contains(text, {literal(end)}) AND {fields[path]} IS NULL" for path, end in _OFTEN_LEFT_OUT.items()]
    return f"""
        CASE WHEN {" OR ".join(may_be_null)}
            THEN CASE WHEN contains(text, 'null') THEN list_contains(json_type(text, {list(_NULL_IN_DRAFTS)}), 'NULL') END
        END"""


_ATTRIBUTES = json_object(
    {
        "version": "record.version",
        "gitBranch": "record.gitBranch",
        "agentId": "record.agentId",
        "isSidechain": "CASE WHEN is_sidechain THEN 'true' END",
        "stop_reason": "record.message.stop_reason",
        "speed": "usage.speed",
        "inference_geo": "nullif(usage.inference_geo, '\"\"')",
        "cache_write_5m_tokens": "TRY_CAST(usage.cache_creation.ephemeral_5m_input_tokens AS BIGINT)",
        "server_tool_use": "usage.server_tool_use",
        "iterations": "nullif(usage.iterations, '[]')",
    }
)

_COPY = 1 << 62
"""Taken from the rank of a copy, which makes it negative and keeps the order among copies."""

ROWS = f"""
, message AS (
    SELECT
        row, line, source_file, text, record, project, fingerprint,
        record.message.usage AS usage,
        nullif(record.message.id, '') AS message_id,
        record.isSidechain = 'true' AS is_sidechain,
        record.message.model = '<synthetic>' OR record.isApiErrorMessage = 'true' AS is_error,
        (record.type = 'assistant' OR record.type IS NULL)
            AND coalesce(record.message.usage.input_tokens, record.message.usage.output_tokens) IS NOT NULL AS has_usage
    FROM lines
), counted AS (
    SELECT
        *,
        coalesce(
            usage.cache_creation_input_tokens,
            (coalesce(TRY_CAST(usage.cache_creation.ephemeral_5m_input_tokens AS DOUBLE), 0)
                + TRY_CAST(usage.cache_creation.ephemeral_1h_input_tokens AS DOUBLE))::VARCHAR,
            usage.cache_creation.ephemeral_5m_input_tokens
        ) AS cache_write,
        coalesce(TRY_CAST(usage.input_tokens AS DOUBLE), 0) + coalesce(TRY_CAST(usage.cache_read_input_tokens AS DOUBLE), 0)
            + coalesce(TRY_CAST(cache_write AS DOUBLE), 0) + coalesce(TRY_CAST(usage.output_tokens AS DOUBLE), 0) AS total
    FROM message
)
SELECT
    row,
    source_file,
    CASE
        WHEN NOT has_usage THEN 'no usage in it'
        WHEN {_is_draft()} THEN 'draft of an answer'
    END AS skipped,
    coalesce(
        message_id || ':' || coalesce(record.requestId, ''), nullif(record.uuid, ''), fingerprint || '-' || line
    ) AS request_id,
    record.sessionId AS session_id,
    record.timestamp AS started_at,
    CASE
        WHEN starts_with(message_id, 'msg_bdrk_') OR record.message.model LIKE '%anthropic.claude%' THEN 'aws'
        WHEN starts_with(message_id, 'msg_vrtx_') OR record.message.model LIKE 'claude-%@%' THEN 'google'
        ELSE 'anthropic'
    END AS provider,
    CASE WHEN is_error IS NOT true THEN record.message.model END AS model,
    'chat' AS operation,
    CASE WHEN is_error THEN 'error' ELSE 'success' END AS status,
    CASE
        WHEN is_error AND json_valid(record.error) THEN record.error->>'$.type'
        WHEN is_error THEN record.error
    END AS error_class,
    record.apiErrorStatus AS http_status,
    coalesce(project, regexp_extract(record.cwd, '([^/\\\\]+)[/\\\\]*$', 1)) AS app,
    usage.service_tier AS service_tier,
    usage.input_tokens AS input_tokens,
    usage.cache_read_input_tokens AS cache_read_tokens,
    cache_write AS cache_write_tokens,
    usage.cache_creation.ephemeral_1h_input_tokens AS cache_write_1h_tokens,
    usage.output_tokens AS output_tokens,
    record.costUSD AS reported_cost_usd,
    TRY_CAST(least(total, 1e11) * 2 AS BIGINT) + (usage.speed IS NOT NULL)::BIGINT
        - CASE WHEN is_sidechain AND message_id IS NOT NULL THEN {_COPY} ELSE 0 END AS rank,
    {_ATTRIBUTES} AS attributes
FROM counted
"""


class ClaudeCode:
    """Sessions of Claude Code."""

    name = "claude-code"
    title = "Claude Code transcripts"
    counts = (
        "The log counts input without cache reads and cache writes; both are added, so that input_tokens is all input. "
        "Output includes reasoning. Of the growing lines of one answer the last is counted, replayed copies are not."
    )

    def recognise(self, head: Head) -> str | None:
        """By messages with their usage, or by the fields that lines of a session share."""
        for line in head.objects:
            if _has_usage(line):
                return "a Claude Code transcript: lines with message.usage"
            if isinstance(line.get("type"), str) and any(field in line for field in ("sessionId", "leafUuid", "snapshot")):
                return "a Claude Code transcript: lines with type and session"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """Sessions in batches; one row = one line with usage, copies and growing ones included."""
        conventions = Conventions(input_includes_cache_read=False, input_includes_cache_write=False)
        return JsonLines(self.name, SHAPE, ROWS, conventions, _facts).batches(heads, reading)


def _facts(head: Head) -> dict[str, str | None]:
    return {"project": _project(head.path)}


def _has_usage(line: dict[str, object]) -> bool:
    message = line.get("message")
    is_answer = line.get("type") in ("assistant", None)
    return is_answer and isinstance(message, dict) and isinstance(message.get("usage"), dict)


def _project(path: Path) -> str | None:
    """The folder below projects, as Claude Code names it after the project's path; None if the file lies elsewhere."""
    folders = path.absolute().parts[:-1]
    return folders[folders.index("projects") + 1] if "projects" in folders[:-1] else None
