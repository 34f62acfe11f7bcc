"""Cursor's usage as its dashboard exports it: a CSV with one row a request.

`Input (w/ Cache Write)` are the tokens written to the cache, `Input (w/o Cache Write)` the input that was neither read nor written,
and `Total Tokens` the sum of both, the cache reads and the output. In some exports the first contains the second: then their total
is less by it, and tells so. Cost is a number, or a word such as Included where no cost is known.

The export has no ids and is sorted by the newest first, so a row is known by its time, its user, its model and its counts.
Cursor's own names of Anthropic's models become Anthropic's; what was asked for stays in `requested_model`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, record_names
from usagecost.sources.sql import json_object

WRITE, PLAIN, READ, OUTPUT = "Input (w/ Cache Write)", "Input (w/o Cache Write)", "Cache Read", "Output Tokens"
COLUMNS = (
    "Date", "User", "Cloud Agent ID", "Automation ID", "Kind", "Model", "Max Mode", WRITE, PLAIN, READ, OUTPUT, "Total Tokens",
    "Cost", "Cost ($)", "Cost to you",
)  # fmt: skip

_RECOGNISED_BY = {"Date", "Model", PLAIN, READ, OUTPUT}

_MODEL = r"""regexp_replace("Model", '^claude-(\d+)(?:\.(\d+))?-(opus|sonnet|haiku)(?:-.*)?$', 'claude-\3-\1-\2')"""

_COST = """coalesce(nullif("Cost", ''), nullif("Cost ($)", ''), nullif("Cost to you", ''))"""


def _count(name: str) -> str:
    return f'coalesce(TRY_CAST("{name}" AS DOUBLE), 0)'


_IS_WITHIN = f"""(
    {_count(PLAIN)} > 0 AND {_count(WRITE)} >= {_count(PLAIN)}
    AND TRY_CAST("Total Tokens" AS DOUBLE) = {_count(WRITE)} + {_count(READ)} + {_count(OUTPUT)}
)"""
"""Whether the input with writes contains the input without, as the total says."""

_ATTRIBUTES = json_object(
    {
        "kind": """to_json(nullif("Kind", ''))""",
        "max_mode": """to_json(nullif("Max Mode", ''))""",
        "automation_id": """to_json(nullif("Automation ID", ''))""",
    }
)

_ROWS = f"""
SELECT
    row,
    source_file,
    CASE WHEN coalesce("Date", "Model", "{OUTPUT}") IS NULL THEN 'blank line or column names' END AS skipped,
    md5(concat_ws('|', "Date", "User", "Model", "{WRITE}", "{PLAIN}", "{READ}", "{OUTPUT}")) AS request_id,
    "Date" AS started_at,
    rtrim({_MODEL}, '-') AS model,
    "Model" AS requested_model,
    CASE
        WHEN "Model" LIKE 'claude-%' THEN 'anthropic'
        WHEN regexp_matches("Model", '^(gpt-|o[134](-|$))') THEN 'openai'
        WHEN "Model" LIKE 'gemini-%' THEN 'google'
        WHEN "Model" LIKE 'grok-%' THEN 'x-ai'
    END AS provider,
    CASE WHEN "Model" LIKE '%-fast' THEN 'fast' END AS speed,
    'chat' AS operation,
    CASE
        WHEN "Kind" ILIKE 'errored%' THEN 'error'
        WHEN "Kind" ILIKE 'aborted%' OR "Kind" ILIKE 'cancel%' THEN 'cancelled'
        ELSE 'success'
    END AS status,
    "User" AS user_id,
    "Cloud Agent ID" AS session_id,
    CASE WHEN {_IS_WITHIN} THEN ({_count(WRITE)} - {_count(PLAIN)})::VARCHAR ELSE "{WRITE}" END AS cache_write_tokens,
    "{PLAIN}" AS input_tokens,
    "{READ}" AS cache_read_tokens,
    "{OUTPUT}" AS output_tokens,
    CASE WHEN regexp_full_match({_COST}, '\\s*\\$?\\s*[0-9.,]+\\s*') THEN replace(trim({_COST}), '$', '') END AS reported_cost_usd,
    {_ATTRIBUTES} AS attributes
FROM records
"""

_CONVENTIONS = Conventions(
    input_includes_cache_read=False,
    input_includes_cache_write=False,
    names={
        "started_at": "Date",
        "input_tokens": PLAIN,
        "cache_write_tokens": WRITE,
        "cache_read_tokens": READ,
        "output_tokens": OUTPUT,
        "reported_cost_usd": "Cost",
    },
)


class Cursor:
    """Cursor's exported usage."""

    name = "cursor"
    title = "Cursor"
    counts = (
        "Cursor counts input without cache reads and cache writes. Both are added, so that input_tokens is all input. A cost that "
        "it calls Included is not known."
    )

    def recognise(self, head: Head) -> str | None:
        """By the columns that no other export calls so."""
        return "Cursor's exported usage" if set(record_names(head)) >= _RECOGNISED_BY else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one request."""
        return Records(self.name, COLUMNS, _ROWS, _CONVENTIONS).read(heads, reading)
