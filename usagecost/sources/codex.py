"""Codex CLI sessions: JSON lines in ~/.codex/sessions/ and archived_sessions/, one file a session.

After each answer of the model a `token_count` event says what it used, `last_token_usage`, and what the session has used so far,
`total_token_usage`. One that has only the latter means the difference from the total before; a total that falls has begun anew.
Events whose total does not advance repeat the last one, as those with new rate limits do, and are skipped; so are events that
count nothing. `started_at` is the time of the event, when the answer was complete. The model is that of the event, else of the
last line before it that names one, else unknown.

Since version 0.154 a `token_usage_record` says the same of each response, by its id, also of those that compact the session, which
no event counts. A record is the request, and the event of the same session with the same counts is skipped.

A session that was forked from another, as those of sub-agents are, may begin with a copy of the other's events. With their own
times these are the same requests: a request's id is made of its time and counts alone, or is that of its response, and of two
copies that of a session which is no fork stays. With new times they are skipped: all before the first task that began after
the session was made, and records of another session; where tasks do not say when they began, a head of two or more events
within one second, as ccusage has it.

Counts of input include cache reads and writes, those of output reasoning. Of cache reads above the input only as many as the
input count, again as in ccusage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from usagecost.sources.conventions import Conventions
from usagecost.sources.essentials import with_lacks
from usagecost.sources.files import Head
from usagecost.sources.protocol import MOST_RAW, NO_USAGE, Batch, Reading
from usagecost.sources.sessions import SessionLines
from usagecost.sources.sql import JsonColumns, json_object

_RECORD = "token_usage_record"
_LINE_TYPES = {"session_meta", "turn_context", "event_msg", "response_item", "compacted", _RECORD}

_TASK_STARTS = ("task_started", "turn_started")
_MATTERS = ("session_meta", "turn_context", "token_count", _RECORD, *_TASK_STARTS, "thread_settings_applied")
_COUNTING = ("token_count", _RECORD)

_COUNTS = ("input", "cached", "cache_write", "output", "reasoning")


def _counts(whole: str) -> dict[str, tuple[str, ...]]:
    """Where the counts of an event stand: last_input, last_cached, …"""
    keys = {
        "input": ("input_tokens",),
        "cached": ("cached_input_tokens", "cache_read_input_tokens"),
        "cache_write": ("cache_write_input_tokens",),
        "output": ("output_tokens",),
        "reasoning": ("reasoning_output_tokens",),
    }
    objects = (f"$.payload.info.{whole}_token_usage", *(("$.payload.usage",) if whole == "last" else ()))
    return {f"{whole}_{count}": tuple(f"{place}.{key}" for place in objects for key in keys[count]) for count in _COUNTS}


_COLUMNS = JsonColumns(
    {
        "line_type": ("$.type",),
        "event": ("$.payload.type",),
        "told_at": ("$.timestamp",),
        "id": ("$.payload.id",),
        "created_at": ("$.payload.timestamp",),
        "parent_id": (
            "$.payload.source.subagent.thread_spawn.parent_thread_id", "$.payload.forked_from_id", "$.payload.parent_thread_id",
        ),
        "spawn": ("$.payload.source.subagent.thread_spawn",),
        "provider": ("$.payload.model_provider",),
        "version": ("$.payload.cli_version",),
        "originator": ("$.payload.originator",),
        "branch": ("$.payload.git.branch",),
        "repository": ("$.payload.git.repository_url",),
        "cwd": ("$.payload.cwd",),
        "response_id": ("$.payload.response_id",),
        "thread_id": ("$.payload.thread_id",),
        "model": (
            "$.payload.info.model", "$.payload.info.model_name", "$.payload.info.metadata.model", "$.payload.model",
            "$.payload.metadata.model",
        ),
        "effort": ("$.payload.effort",),
        "tier": ("$.payload.thread_settings.service_tier",),
        "task_began": ("$.payload.started_at",),
        **_counts("last"),
        **_counts("total"),
    }
)  # fmt: skip

_KEPT = f"""
SELECT
    * EXCLUDE (text, line_type, event, model),
    CASE WHEN line_type = 'event_msg' THEN event ELSE line_type END AS kind,
    CASE WHEN kind IN ('turn_context', 'token_count', '{_RECORD}') THEN nullif(model, '') END AS model,
    CASE WHEN kind IN {_COUNTING} THEN left(text, {MOST_RAW}) END AS raw
FROM (
    SELECT line, source_file, file_name, text, {_COLUMNS.items("texts")}
    FROM (
        SELECT *, {_COLUMNS.texts("text")} AS texts
        FROM session_lines
        WHERE {" OR ".join(f"contains(text, '{word}')" for word in _MATTERS)}
    )
)
WHERE kind IN {_MATTERS}
"""


def _list(whole: str) -> str:
    """SQL for a list of the counts of one kind, texts; NULL if there is none."""
    names = ", ".join(f"{whole}_{count}" for count in _COUNTS)
    return f"CASE WHEN coalesce({names}) IS NOT NULL THEN [{names}] END"


def _for_all(joint: str, template: str) -> str:
    """SQL that says something of each count in a list of them."""
    return joint.join(template.format(place=place) for place in range(1, len(_COUNTS) + 1))


_HAS_BEGUN_ANEW = _for_all(" OR ", "TRY_CAST(totals[{place}] AS DOUBLE) < TRY_CAST(totals_before[{place}] AS DOUBLE)")
_DIFFERENCES = _for_all(
    ", ",
    "coalesce((TRY_CAST(totals[{place}] AS DOUBLE) - TRY_CAST(totals_before[{place}] AS DOUBLE))::VARCHAR, totals[{place}])",
)
_IS_NOTHING = _for_all(" AND ", "(counts[{place}] IS NULL OR TRY_CAST(counts[{place}] AS DOUBLE) IS NOT DISTINCT FROM 0)")

_AS_NUMBERS = f"[{_for_all(', ', 'coalesce(TRY_CAST(counts[{place}] AS DOUBLE), 0)')}]"

_COPIED = "copy of the parent session''s history"

_EVENTS = f"""
WITH first_line AS (
    SELECT
        *,
        epoch(TRY_CAST(coalesce(created_at, told_at) AS TIMESTAMPTZ)) AS made_at,
        coalesce(parent_id, spawn) IS NOT NULL AS is_fork
    FROM session_fields
    WHERE kind = 'session_meta'
    QUALIFY row_number() OVER (
        PARTITION BY source_file ORDER BY coalesce(ends_with(file_name, nullif(id, '')), false) DESC, row
    ) = 1
), task AS (
    SELECT source_file, min(line.row) FILTER (TRY_CAST(line.task_began AS DOUBLE) >= floor(made_at)) AS own_row
    FROM session_fields AS line JOIN first_line USING (source_file)
    WHERE line.kind IN {_TASK_STARTS} AND TRY_CAST(line.task_began AS DOUBLE) IS NOT NULL AND made_at IS NOT NULL
    GROUP BY source_file
), so_far AS (
    SELECT
        row, source_file, file_name, kind, told_at, nullif(response_id, '') AS response_id, nullif(thread_id, '') AS thread_id,
        {_list("last")} AS lasts, {_list("total")} AS totals,
        last_value(model IGNORE NULLS) OVER until_here AS model,
        last_value(nullif(cwd, '') IGNORE NULLS) OVER until_here AS cwd,
        last_value(effort IGNORE NULLS) OVER until_here AS effort,
        last_value(tier IGNORE NULLS) OVER until_here AS tier
    FROM session_fields
    WINDOW until_here AS (PARTITION BY source_file ORDER BY row ROWS UNBOUNDED PRECEDING)
), event AS (
    SELECT
        *,
        last_value(totals IGNORE NULLS) OVER (
            PARTITION BY source_file ORDER BY row ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS totals_before
    FROM so_far
    WHERE kind IN {_COUNTING}
), counted AS (
    SELECT
        *,
        CASE
            WHEN lasts IS NOT NULL THEN lasts
            WHEN totals_before IS NULL OR ({_HAS_BEGUN_ANEW}) THEN totals
            ELSE [{_DIFFERENCES}]
        END AS counts
    FROM event
    WHERE totals IS NULL OR totals IS DISTINCT FROM totals_before
), usage AS (
    SELECT *, {_AS_NUMBERS} AS numbers FROM counted WHERE NOT ({_IS_NOTHING})
), matched AS (
    SELECT
        *,
        kind = 'token_count' AND row_number() OVER (PARTITION BY source_file, kind, numbers ORDER BY row DESC)
            <= count(*) FILTER (kind = '{_RECORD}') OVER (PARTITION BY source_file, numbers) AS has_record
    FROM usage
), timed AS (
    SELECT
        *,
        left(told_at, 19) AS second,
        second IS NOT DISTINCT FROM first_value(second) OVER (PARTITION BY source_file ORDER BY row) AS is_first_second
    FROM matched
    WHERE kind = 'token_count' AND NOT has_record
), headed AS (
    SELECT row, source_file, bool_and(is_first_second) OVER until_here AS is_head
    FROM timed
    WINDOW until_here AS (PARTITION BY source_file ORDER BY row ROWS UNBOUNDED PRECEDING)
), placed AS (
    SELECT *, count(*) FILTER (is_head) OVER (PARTITION BY source_file) AS head_events
    FROM headed
)
SELECT
    event.row, source_file, event.told_at, event.model, event.cwd, event.effort, event.tier,
    CASE
        WHEN event.totals IS NOT DISTINCT FROM event.totals_before AND event.totals IS NOT NULL THEN 'repeats the last event'
        WHEN matched.row IS NULL THEN '{NO_USAGE}'
        WHEN is_fork IS NOT true THEN CASE WHEN has_record THEN 'repeats a usage record' END
        WHEN event.thread_id <> coalesce(nullif(first_line.id, ''), event.thread_id) THEN '{_COPIED}'
        WHEN task.source_file IS NOT NULL AND (own_row IS NULL OR event.row < own_row) THEN '{_COPIED}'
        WHEN has_record THEN 'repeats a usage record'
        WHEN task.source_file IS NULL AND is_head AND head_events > 1 THEN '{_COPIED}'
    END AS skipped,
    coalesce(nullif(first_line.id, ''), event.file_name) AS session_id,
    coalesce(is_fork, false) AS is_fork,
    first_line.provider, first_line.version, first_line.originator, first_line.branch, first_line.repository,
    first_line.parent_id,
    coalesce(
        CASE WHEN event.kind = '{_RECORD}' THEN event.response_id END,
        md5([event.told_at, counts::VARCHAR, event.totals::VARCHAR]::VARCHAR)
    ) AS request_id,
    {", ".join(f"counts[{place}] AS {count}" for place, count in enumerate(_COUNTS, start=1))}
FROM event
LEFT JOIN matched USING (row, source_file)
LEFT JOIN placed USING (row, source_file)
LEFT JOIN first_line USING (source_file)
LEFT JOIN task USING (source_file)
ORDER BY event.row
"""

_ATTRIBUTES = json_object(
    {
        "version": "to_json(version)",
        "originator": "to_json(originator)",
        "effort": "to_json(effort)",
        "parentThread": "to_json(parent_id)",
    }
)

_FOLDER = r"nullif(parse_filename(rtrim(cwd, '/\'), false, 'both_slash'), '')"
_REPOSITORY = r"nullif(regexp_extract(repository, '([^/:]+?)(\.git)?/*$', 1), '')"

_ROWS = f"""
SELECT
    row,
    source_file,
    skipped,
    request_id,
    session_id,
    told_at AS started_at,
    coalesce(nullif(provider, ''), 'openai') AS provider,
    model,
    'chat' AS operation,
    'success' AS status,
    {_FOLDER} AS app,
    coalesce({_REPOSITORY}, {_FOLDER}) AS project,
    branch AS git_branch,
    tier AS service_tier,
    input AS input_tokens,
    CASE WHEN TRY_CAST(cached AS DOUBLE) > TRY_CAST(input AS DOUBLE) THEN input ELSE cached END AS cache_read_tokens,
    cache_write AS cache_write_tokens,
    output AS output_tokens,
    reasoning AS output_reasoning_tokens,
    2 * (NOT is_fork)::BIGINT + (model IS NOT NULL)::BIGINT AS rank,
    {_ATTRIBUTES} AS attributes
FROM session_events
"""


class Codex:
    """Sessions of the Codex CLI."""

    name = "codex"
    title = "Codex CLI sessions"
    counts = (
        "The log counts as OpenAI does: input includes cached tokens, output includes reasoning. Each event adds what it says of "
        "its turn; repeated and replayed events count once."
    )

    def recognise(self, head: Head) -> str | None:
        """By the frame of a line: its time, its type and its payload."""
        for line in head.objects:
            if line.get("type") in _LINE_TYPES and isinstance(line.get("payload"), dict) and "timestamp" in line:
                return f"a Codex session: lines of type {line['type']} with a payload"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """Sessions in batches; one row = one event that counts tokens, copies with their own times included."""
        batches = SessionLines(self.name, _KEPT, _EVENTS, _ROWS, Conventions(), _facts).batches(heads, reading)
        return with_lacks(batches, self.name, reading)


def _facts(head: Head) -> dict[str, str | None]:
    """The name of a file, which tells sessions apart where they do not say their id."""
    return {"file_name": head.path.name.partition(".jsonl")[0]}
