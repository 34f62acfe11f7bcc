"""Helicone: rows of its table request_response_rmt, and what its API and its export tool make of them.

The table's cost is whole billionths of a dollar. The API says dollars, and names other columns: `response_status`, `delay_ms`,
`request_model`, `request_user_id`. These names show which of the two a file is; and where a cost has a fraction, all costs of
the file are dollars. Times are in milliseconds; an answer out of Helicone's own cache has no tokens and no cost. The tool's CSV
has the id of the answer only, and often no model.
Anthropic's counts of input exclude what was read from a prompt cache and written to it. Of other providers that depends on the
version that wrote the row, so there the counts decide: an input below its own parts excludes them.
A status below 0 is Helicone's own, for requests without an answer: their outcome is not known.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import replace
from itertools import groupby

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import FileProblem, Head
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, is_json, record_names, tabular_file
from usagecost.sources.sql import JsonColumns, json_object, literal

_WANTED = ("response_id", "request_created_at", "prompt_tokens")

_COLUMNS = (
    "request_id", "request_created_at", "latency", "status", "completion_tokens", "prompt_tokens", "prompt_cache_write_tokens",
    "prompt_cache_read_tokens", "prompt_audio_tokens", "completion_audio_tokens", "reasoning_tokens", "model", "user_id",
    "proxy_key_id", "time_to_first_token", "provider", "country_code", "target_url", "properties", "cost", "cache_reference_id",
    "prompt_id", "response_id", "response_status", "delay_ms", "request_model", "response_model", "model_override",
    "request_user_id", "request_properties", "request_path",
)  # fmt: skip

_NO_ID = "00000000-0000-0000-0000-000000000000"
"""How the table writes that a row refers to no other."""

_PROPERTIES = JsonColumns(
    {
        "session_id": ['$."Helicone-Session-Id"', "$.session_id", "$.sessionId", "$.session"],
        "project": ["$.project", "$.Project", "$.project_id"],
        "app": ["$.app", "$.App", "$.application"],
        "environment": ["$.environment", "$.Environment", "$.env"],
        "team_id": ["$.team", "$.Team", "$.team_id"],
    }
)

ROWS = f"""
, told AS (
    SELECT
        *,
        coalesce(properties, request_properties) AS said,  -- quotes in the tool's CSV are doubled twice
        CASE WHEN json_valid(said) THEN said ELSE replace(said, '""', '"') END AS about,
        TRY({_PROPERTIES.texts("about")}) AS found,
        coalesce(status, response_status) AS code
    FROM records
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
    problem,
    coalesce(nullif(request_id, ''), response_id) AS request_id,
    session_id,
    request_created_at AS started_at,
    coalesce(nullif(latency, ''), delay_ms) AS duration_ms,
    CASE WHEN TRY_CAST(time_to_first_token AS DOUBLE) > 0 THEN time_to_first_token END AS ttft_ms,
    lower(provider) AS provider,
    coalesce(nullif(model, ''), nullif(response_model, ''), nullif(model_override, ''), request_model) AS model,
    CASE WHEN TRY_CAST(code AS INTEGER) < 0 THEN NULL ELSE code END AS http_status,
    coalesce(nullif(user_id, ''), request_user_id) AS user_id,
    team_id,
    project,
    nullif(proxy_key_id, '{_NO_ID}') AS virtual_key,
    app,
    environment,
    CASE WHEN cache_reference_id IS NOT NULL THEN (coalesce(answered_by, '') <> '')::VARCHAR END AS is_gateway_cache_hit,
    regexp_replace(coalesce(target_url, request_path), '[?#].*', '') AS route,
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
            "properties": "CASE WHEN found IS NOT NULL THEN nullif(about, '{}') END",
        }
    )
} AS attributes
FROM call
"""

_FRACTION = "[0-9]\\.[0-9]*[1-9]|e-"
"""How a cost looks that is no whole number."""

_NO_BILLIONTHS = (
    "cost has a fraction, and the costs above it are whole numbers, as in Helicone's table, which has billionths of a dollar. "
    "Split the file by the unit of its costs."
)


def _with_problem(problem: str) -> str:
    """The SQL of the rows with what speaks against one of them."""
    return ROWS.replace("    problem,", f"    {problem} AS problem,", 1)


_TABLE = Records(
    "helicone",
    _COLUMNS,
    _with_problem(f"CASE WHEN regexp_matches(lower(cost), {literal(_FRACTION)}) THEN {literal(_NO_BILLIONTHS)} END"),
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


_OF_API = replace(_TABLE, rows=_with_problem("NULL::VARCHAR"), conventions=replace(_TABLE.conventions, cost_unit="usd"))
_OF_THE_API = {"response_status", "request_user_id", "request_model", "delay_ms"}


class Helicone:
    """Requests of Helicone."""

    name = "helicone"
    title = "Helicone requests"
    counts = (
        "Anthropic's input excludes cache reads and writes; both are added, so that input_tokens is all input. Of other providers "
        "they are added where the input is less than they are together. Costs are billionths of a dollar in the table, dollars in "
        "what the API and the export tool give."
    )

    def recognise(self, head: Head) -> str | None:
        """By names that stand together only there."""
        return f"Helicone requests: columns {', '.join(_WANTED)}" if set(_WANTED) <= set(record_names(head)) else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one request."""
        for in_dollars, group in groupby(heads, key=_is_in_dollars):
            yield from (_OF_API if in_dollars else _TABLE).read(group, reading)


def _is_in_dollars(head: Head) -> bool:
    """Whether a file's costs are dollars: by the names of its columns, else by the first costs in it."""
    names = set(record_names(head))
    if "status" not in names and names & _OF_THE_API:
        return True
    return any(re.search(_FRACTION, str(cost).lower()) for cost in _first_costs(head))


def _first_costs(head: Head) -> list[object]:
    """The costs in the first records of a file."""
    if is_json(head):
        return [value.get("cost") for value in head.objects]
    try:
        file = tabular_file(head)
        with closing(file.rows(["cost"] if "cost" in file.names else [])) as pieces:
            first = next(iter(pieces), None)
    except FileProblem:
        return []
    return first.table["cost"].to_pylist() if first and "cost" in first.table.column_names else []
