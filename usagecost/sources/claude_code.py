"""Claude Code transcripts: JSON lines in ~/.claude/projects/<project>/, one file a session.

One answer of the API is several lines, one for each block of its content, with one message.id and requestId and a count of
output that grows: the line with the largest total is the request, and among those one that knows its speed. Side chains repeat
lines of the main conversation, also under new request ids: such a copy yields to any other line with its message.id. A line
without a message.id is a request of its own. `started_at` is the time of the line that stays, when its block was complete:
a few seconds after the request was sent, which the log does not tell.

A line without a requestId is told by its message.id where that looks unique, else as claude_code_relays.py says. Who serves a
model that is none of Claude's, which a relay puts in its place, the log does not tell.

Counts of input exclude both cache reads and cache writes. What an answer lists in `usage.iterations` beside its counts is added:
see iterations.py. A successful answer took input and gave output, so a count of 0 of all its input, or of its output,
stands for "not known": gateways write it. Whether an answer was cut short is not known: most versions never write a stop_reason.
Lines with null where an id, a model, a version or a count belongs are drafts and skipped, as ccusage skips them; so are
`progress` lines, which repeat what sub-agents log themselves.
The log does not say who the user is: a home directory's name in a path is no proof, so user_id stays empty.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path

from usagecost.sources.claude_code_relays import COPY, with_relayed_answers
from usagecost.sources.conventions import Conventions
from usagecost.sources.essentials import with_lacks
from usagecost.sources.files import Head
from usagecost.sources.iterations import SAID_BESIDE, with_iterations
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.protocol import NO_USAGE, Batch, Reading
from usagecost.sources.sql import json_object, literal, texts, units_map

SHAPE = {
    **texts("type", "uuid", "sessionId", "requestId", "timestamp"),
    "version": "JSON",
    **texts("cwd", "gitBranch"),
    "agentId": "JSON",
    **texts("isSidechain", "isApiErrorMessage"),
    "advisorModel": "JSON",
    **texts("error", "apiErrorStatus", "costUSD"),
    "message": {
        **texts("id", "model"),
        "stop_reason": "JSON",
        "usage": {
            **texts("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
            "cache_creation": texts("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
            **texts("output_tokens", "service_tier", "speed", "inference_geo"),
            "server_tool_use": texts("web_search_requests", "web_fetch_requests", "code_execution_requests"),
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
        "agentId": "record.agentId",
        "isSidechain": "CASE WHEN is_sidechain THEN 'true' END",
        "stop_reason": "record.message.stop_reason",
        "cache_write_5m_tokens": "TRY_CAST(usage.cache_creation.ephemeral_5m_input_tokens AS BIGINT)",
        "web_fetch_requests": "nullif(TRY_CAST(usage.server_tool_use.web_fetch_requests AS UINTEGER), 0)",
        "advisorModel": "record.advisorModel",
        "iterations": SAID_BESIDE.format(iterations="usage.iterations"),
    }
)

_FOLDER_OF_CWD = r"""nullif(
    CASE WHEN contains(record.cwd, '\') OR ends_with(record.cwd, '/') THEN regexp_extract(record.cwd, '([^/\\]+)[/\\]*$', 1)
        ELSE split_part(record.cwd, '/', -1)
    END, '')"""
"""The pattern takes several times as long as the split."""

_UNITS = units_map(
    {
        "web_searches": "usage.server_tool_use.web_search_requests",
        "code_executions": "usage.server_tool_use.code_execution_requests",
    }
)


def _unless_unknown(count: str, is_unknown: str) -> str:
    """SQL for a count; NULL for a zero that stands for "not known"."""
    return f"CASE WHEN {is_unknown} THEN CASE WHEN {count} NOT IN ('0', '0.0') THEN {count} END ELSE {count} END"


ROWS = f"""
, message AS (
    SELECT
        row, line, source_file, text, record, folder, fingerprint,
        record.message.usage AS usage,
        nullif(record.message.id, '') AS message_id,
        record.isSidechain = 'true' AS is_sidechain,
        coalesce(record.message.model = '<synthetic>' OR record.isApiErrorMessage = 'true', false) AS is_error,
        record.type = 'assistant' OR record.type IS NULL AS is_answer,
        coalesce(record.message.usage.input_tokens, record.message.usage.output_tokens) IS NOT NULL AS has_counts
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
            + coalesce(TRY_CAST(cache_write AS DOUBLE), 0) AS all_input,
        all_input + coalesce(TRY_CAST(usage.output_tokens AS DOUBLE), 0) AS total,
        NOT is_error AND all_input = 0 AS is_input_unknown
    FROM message
)
SELECT
    row,
    source_file,
    CASE
        WHEN NOT is_answer OR usage IS NULL THEN {literal(NO_USAGE)}
        WHEN NOT has_counts THEN 'usage without counts of tokens'
        WHEN {_is_draft()} THEN 'draft of an answer'
    END AS skipped,
    coalesce(
        message_id || ':' || coalesce(record.requestId, ''),
        nullif(record.uuid, ''),
        fingerprint || '-' || line
    ) AS request_id,
    record.sessionId AS session_id,
    record.timestamp AS started_at,
    CASE
        WHEN starts_with(message_id, 'msg_bdrk_') OR record.message.model LIKE '%anthropic.claude%' THEN 'aws'
        WHEN starts_with(message_id, 'msg_vrtx_') OR record.message.model LIKE 'claude-%@%' THEN 'google'
        WHEN is_error OR contains(record.message.model, 'claude') THEN 'anthropic'
    END AS provider,
    CASE WHEN NOT is_error THEN record.message.model END AS model,
    'chat' AS operation,
    CASE WHEN is_error THEN 'error' ELSE 'success' END AS status,
    CASE
        WHEN is_error AND json_valid(record.error) THEN record.error->>'$.type'
        WHEN is_error THEN record.error
    END AS error_class,
    record.apiErrorStatus AS http_status,
    coalesce(folder, {_FOLDER_OF_CWD}) AS app,
    coalesce({_FOLDER_OF_CWD}, folder) AS project,
    record.gitBranch AS git_branch,
    usage.service_tier AS service_tier,
    nullif(usage.speed, 'standard') AS speed,
    nullif(usage.inference_geo, 'not_available') AS inference_region,
    {_unless_unknown("usage.input_tokens", "is_input_unknown")} AS input_tokens,
    {_unless_unknown("usage.cache_read_input_tokens", "is_input_unknown")} AS cache_read_tokens,
    {_unless_unknown("cache_write", "is_input_unknown")} AS cache_write_tokens,
    {_unless_unknown("usage.cache_creation.ephemeral_1h_input_tokens", "is_input_unknown")} AS cache_write_1h_tokens,
    {_unless_unknown("usage.output_tokens", "NOT is_error")} AS output_tokens,
    CASE WHEN usage.server_tool_use IS NOT NULL THEN {_UNITS} END AS units,
    record.costUSD AS reported_cost_usd,
    TRY_CAST(least(total, 1e11) * 2 AS BIGINT) + (usage.speed IS NOT NULL)::BIGINT
        - CASE WHEN is_sidechain AND message_id IS NOT NULL THEN {COPY} ELSE 0 END AS rank,
    {_ATTRIBUTES} AS attributes
FROM counted
"""


class ClaudeCode:
    """Sessions of Claude Code."""

    name = "claude-code"
    title = "Claude Code transcripts"
    counts = (
        "The log counts input without cache reads and cache writes; both are added, so that input_tokens is all input. "
        "Output includes reasoning. Compactions are added to their answer; calls of an advisor are requests of their own. "
        "Of the growing lines of one answer the last is counted, replayed copies are not."
    )

    def recognise(self, head: Head) -> str | None:
        """By messages with their usage, or by the fields that lines of a session share."""
        for line in head.objects:
            if _has_usage(line):
                return "a Claude Code transcript: lines with message.usage"
            if isinstance(line.get("type"), str) and any(field in line for field in ("sessionId", "leafUuid", "snapshot")):
                return "a Claude Code transcript: lines with type and session"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """Sessions in batches; one row = one line with usage, copies and growing ones included."""
        conventions = Conventions(input_includes_cache_read=False, input_includes_cache_write=False)
        batches = JsonLines(self.name, SHAPE, ROWS, conventions, lambda head: {"folder": _folder(head.path)}).batches(
            heads, reading
        )
        return with_lacks(with_iterations(with_relayed_answers(batches, reading), reading), self.name, reading)


def _has_usage(line: dict[str, object]) -> bool:
    message = line.get("message")
    is_answer = line.get("type") in ("assistant", None)
    return is_answer and isinstance(message, dict) and isinstance(message.get("usage"), dict)


def _folder(path: Path) -> str | None:
    """The folder below projects, as Claude Code names it after the project's path; None if the file lies elsewhere."""
    folders = path.absolute().parts[:-1]
    return folders[folders.index("projects") + 1] if "projects" in folders[:-1] else None
