"""What lines of Codex sessions mean after those before them: SQL for the events that count tokens, and for requests of these."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.sources.codex_lines import COUNTING, COUNTS, RECORD, TASK_STARTS
from usagecost.sources.protocol import NO_USAGE
from usagecost.sources.sql import json_object


def _list(whole: str) -> str:
    """SQL for a list of the counts of one kind, texts; NULL if there is none."""
    names = ", ".join(f"{whole}_{count}" for count in COUNTS)
    return f"CASE WHEN coalesce({names}) IS NOT NULL THEN [{names}] END"


def _for_all(joint: str, template: str) -> str:
    """SQL that says something of each count in a list of them."""
    return joint.join(template.format(place=number) for number in range(1, len(COUNTS) + 1))


_HAS_BEGUN_ANEW = _for_all(" OR ", "TRY_CAST(totals[{place}] AS DOUBLE) < TRY_CAST(totals_before[{place}] AS DOUBLE)")
_DIFFERENCES = _for_all(
    ", ",
    "coalesce((TRY_CAST(totals[{place}] AS DOUBLE) - TRY_CAST(totals_before[{place}] AS DOUBLE))::VARCHAR, totals[{place}])",
)
_IS_NOTHING = _for_all(" AND ", "(counts[{place}] IS NULL OR TRY_CAST(counts[{place}] AS DOUBLE) IS NOT DISTINCT FROM 0)")

_AS_NUMBERS = f"[{_for_all(', ', 'coalesce(TRY_CAST(counts[{place}] AS DOUBLE), 0)')}]"

_COPIED = "copy of the parent session''s history"

_WITHOUT_RECORDS = "SELECT *, false AS has_record FROM judged"
_WITH_RECORDS = f"""
    SELECT
        *,
        CASE WHEN nothing_new IS NULL THEN hash({_AS_NUMBERS}) END AS numbers,
        kind = 'token_count' AND row_number() OVER (PARTITION BY source_file, numbers, kind ORDER BY row DESC)
            <= count(*) FILTER (kind = '{RECORD}') OVER (PARTITION BY source_file, numbers) AS has_record
    FROM judged
"""


def events_sql(fields: pa.Table) -> str:
    """SQL for the events and records of sessions; events are only matched with records where there are some, as it takes time."""
    matched = _WITH_RECORDS if pc.any(pc.equal(fields["kind"], RECORD)).as_py() else _WITHOUT_RECORDS
    return f"""
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
    WHERE line.kind IN {TASK_STARTS} AND TRY_CAST(line.task_began AS DOUBLE) IS NOT NULL AND made_at IS NOT NULL
    GROUP BY source_file
), so_far AS (
    SELECT
        row, source_file, file_name, kind, told_at, nullif(response_id, '') AS response_id, nullif(thread_id, '') AS thread_id,
        coalesce({_list("last")}, {_list("recorded")}) AS lasts, {_list("total")} AS totals,
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
    WHERE kind IN {COUNTING}
), counted AS (
    SELECT
        * EXCLUDE (lasts),
        CASE
            WHEN lasts IS NOT NULL THEN lasts
            WHEN totals_before IS NULL OR ({_HAS_BEGUN_ANEW}) THEN totals
            ELSE [{_DIFFERENCES}]
        END AS counts
    FROM event
), judged AS (
    SELECT
        *,
        CASE
            WHEN totals IS NOT NULL AND totals = totals_before THEN 'repeats the last event'
            WHEN {_IS_NOTHING} THEN '{NO_USAGE}'
        END AS nothing_new
    FROM counted
), matched AS (
    {matched}
), timed AS (
    SELECT
        *,
        CASE WHEN kind = 'token_count' AND nothing_new IS NULL AND NOT has_record THEN left(told_at, 19) END AS second,
        second = first_value(second IGNORE NULLS) OVER (PARTITION BY source_file ORDER BY row) AS is_first_second
    FROM matched
), headed AS (
    SELECT *, second IS NOT NULL AND bool_and(is_first_second) OVER (PARTITION BY source_file ORDER BY row) AS is_head
    FROM timed
), placed AS (
    SELECT *, count(*) FILTER (is_head) OVER (PARTITION BY source_file) AS head_events
    FROM headed
)
SELECT
    placed.row, source_file, placed.told_at, placed.model, placed.cwd, placed.effort, placed.tier,
    CASE
        WHEN nothing_new IS NOT NULL THEN nothing_new
        WHEN is_fork AND (
            (task.source_file IS NULL AND is_head AND head_events > 1)
            OR (task.source_file IS NOT NULL AND (own_row IS NULL OR placed.row < own_row))
            OR placed.thread_id <> nullif(first_line.id, '')
        ) THEN '{_COPIED}'
        WHEN has_record THEN 'repeats a usage record'
    END AS skipped,
    coalesce(nullif(first_line.id, ''), placed.file_name) AS session_id,
    coalesce(is_fork, false) AS is_fork,
    first_line.provider, first_line.version, first_line.originator, first_line.parent_id,
    TRY(json_extract_string(first_line.git, '$.branch')) AS branch,
    TRY(json_extract_string(first_line.git, '$.repository_url')) AS repository,
    coalesce(placed.response_id, md5([placed.told_at, counts::VARCHAR, totals::VARCHAR]::VARCHAR)) AS request_id,
    {", ".join(f"counts[{number}] AS {count}" for number, count in enumerate(COUNTS, start=1))}
FROM placed
LEFT JOIN first_line USING (source_file)
LEFT JOIN task USING (source_file)
ORDER BY placed.row
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

ROWS = f"""
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
