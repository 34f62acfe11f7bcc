"""Usage inside usage: an answer of Claude lists in `usage.iterations` what each call of a model took.

The counts of an answer are the sum of its entries of type `message`. An entry of type `compaction` is billed beside them, to the
same model: its counts are added to the request. Any other entry, such as an `advisor_message`, is a call of another model and
becomes a request of its own. Where the counts of the answer already are the sum of these entries too, nothing is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import REQUESTS
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import json_object, registered

_SHAPE = """'[{"type":"VARCHAR","model":"VARCHAR","input_tokens":"VARCHAR","cache_read_input_tokens":"VARCHAR",
"cache_creation_input_tokens":"VARCHAR","cache_creation":{"ephemeral_5m_input_tokens":"VARCHAR",
"ephemeral_1h_input_tokens":"VARCHAR"},"output_tokens":"VARCHAR"}]'"""


def _count(name: str) -> str:
    """SQL for a count of an entry; 0 where there is none that can be."""
    return f"coalesce(TRY_CAST(entry.{name} AS UINTEGER), 0)::BIGINT"


_WRITE_1H = _count("cache_creation.ephemeral_1h_input_tokens")
COUNTS = {
    "input": _count("input_tokens"),
    "cache_read": _count("cache_read_input_tokens"),
    "cache_write": f"""coalesce(
        TRY_CAST(entry.cache_creation_input_tokens AS UINTEGER)::BIGINT,
        {_count("cache_creation.ephemeral_5m_input_tokens")} + {_WRITE_1H}
    )""",
    "output": _count("output_tokens"),
    "cache_write_1h": _WRITE_1H,
}
"""What an entry counts; all but the last tell whether the counts of an answer include it."""
_COMPARED = tuple(COUNTS)[:-1]

_IS_MESSAGE = "coalesce(entry.type, 'message') = 'message'"
_IS_COMPACTION = "entry.type IS NOT DISTINCT FROM 'compaction'"
_IS_OTHER = "entry.type NOT IN ('message', 'compaction')"


def _sums(entries: str, condition: str, counts: Sequence[str]) -> str:
    """SQL for a list: the sum of each of some counts over the entries that meet a condition."""
    chosen = f"list_filter({entries}, lambda entry: {condition})"
    return f"[{', '.join(f'coalesce(list_sum(list_transform({chosen}, lambda entry: {COUNTS[count]})), 0)' for count in counts)}]"


def compaction_sql(iterations: str, top: Mapping[str, str]) -> str:
    """SQL for the list of COUNTS that compactions add to an answer; NULL where they add nothing, which costs one test.

    `iterations` is SQL for the entries as JSON; `top` is SQL for the counts of the answer, as texts, by their names.
    """
    entries = f"from_json({iterations}, {_SHAPE})"
    told = f"[{', '.join(f'coalesce(TRY_CAST({top[name]} AS BIGINT), 0)' for name in _COMPARED)}]"
    with_compactions = _sums(entries, f"{_IS_MESSAGE} OR {_IS_COMPACTION}", _COMPARED)
    with_all = _sums(entries, "true", _COMPARED)
    return f"""
        CASE WHEN contains({iterations}, 'compaction')
            THEN CASE WHEN {told} NOT IN ({with_compactions}, {with_all}) THEN {_sums(entries, _IS_COMPACTION, tuple(COUNTS))} END
        END"""


def added_sql(top: str, added: str, count: str) -> str:
    """SQL for a count of an answer with what compactions add to it; a count that is none stays as it is."""
    place = tuple(COUNTS).index(count) + 1
    return f"""
        CASE WHEN {added}[{place}] > 0 AND coalesce(TRY_CAST({top} AS DOUBLE), 0) >= 0
            THEN (coalesce(TRY_CAST({top} AS DOUBLE), 0) + {added}[{place}])::VARCHAR
            ELSE {top}
        END"""


_ITERATIONS = '"iterations"'
_MAY_HAVE_CALLS = 'odel"|advisor'
"""A pattern for attributes: entries that are calls of another model name it, or the line does."""

_ATTRIBUTES = json_object({"type": "to_json(entry.type)", "answer": "to_json(request_id)"})

_CALLS = f"""
WITH answer AS (
    SELECT
        row, request_id, attributes->>'$.advisorModel' AS advisor, from_json(attributes->'$.iterations', {_SHAPE}) AS entries,
        [input_tokens - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0), coalesce(cache_read_tokens, 0),
            coalesce(cache_write_tokens, 0), output_tokens] AS told
    FROM answers
), call AS (
    SELECT row, request_id, advisor, unnest(entries) AS entry, generate_subscripts(entries, 1) AS place
    FROM answer
    WHERE told IS DISTINCT FROM {_sums("entries", "true", _COMPARED)}
)
SELECT
    row,
    request_id || ':call:' || place AS request_id,
    coalesce(nullif(entry.model, ''), CASE WHEN contains(entry.type, 'advisor') THEN advisor END) AS model,
    {COUNTS["input"]} + {COUNTS["cache_read"]} + {COUNTS["cache_write"]} AS input_tokens,
    {COUNTS["cache_read"]} AS cache_read_tokens,
    {COUNTS["cache_write"]} AS cache_write_tokens,
    least({COUNTS["cache_write_1h"]}, {COUNTS["cache_write"]}) AS cache_write_1h_tokens,
    {COUNTS["output"]} AS output_tokens,
    {_ATTRIBUTES} AS attributes
FROM call
WHERE {_IS_OTHER} AND {COUNTS["input"]} + {COUNTS["cache_read"]} + {COUNTS["cache_write"]} + {COUNTS["output"]} > 0
ORDER BY row, place
"""

_NOT_OF_CALLS = ("reported_cost_usd", "units", "duration_ms", "ttft_ms")


def with_calls(batches: Iterable[Batch], reading: Reading) -> Iterator[Batch]:
    """The batches, with a request more for each call of another model within an answer; it counts as a line more."""
    for batch in batches:
        calls = _calls(batch.requests, reading)
        if calls.num_rows:
            requests = pa.concat_tables([batch.requests, calls])
            yield replace(batch, requests=requests, lines=batch.lines + calls.num_rows)
        else:
            yield batch


def _calls(requests: pa.Table, reading: Reading) -> pa.Table:
    """The calls within answers as requests: what they do not say of themselves is as the answer says."""
    has_iterations = pc.match_substring(requests["attributes"], _ITERATIONS)
    if not pc.any(has_iterations).as_py():
        return requests.slice(0, 0)
    answers = requests.filter(has_iterations)
    answers = answers.filter(pc.match_substring_regex(answers["attributes"], _MAY_HAVE_CALLS))
    if not answers.num_rows:
        return answers
    numbered = answers.append_column("row", pa.array(range(answers.num_rows), pa.int64()))
    with registered(reading.con, "answers", numbered):
        found = reading.con.sql(_CALLS).to_arrow_table()
    calls = answers.take(found["row"])
    columns = {name: found[name] for name in found.column_names if name != "row"}
    columns |= {name: pa.nulls(calls.num_rows) for name in _NOT_OF_CALLS}
    return pa.table({field.name: columns.get(field.name, calls[field.name]) for field in REQUESTS}).cast(REQUESTS)
