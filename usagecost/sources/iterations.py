"""Usage inside usage: an answer of Claude lists in `usage.iterations` what each call of a model took.

The counts of an answer are the sum of its entries of type `message`. An entry of type `compaction` is billed beside them, to the
same model: its counts are added to the request. Any other entry, such as an `advisor_message`, is a call of another model and
becomes a request of its own. Where the counts of the answer already are the sum of these entries too, nothing is added.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import REQUESTS
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import json_object, registered

SAID_BESIDE = r"""CASE
    WHEN regexp_matches({iterations}, '"type"\s*:\s*"([^m"]|m[^e]|message[^"])') THEN {iterations}
END"""
"""SQL for the entries as they stand among the attributes of a request: only where some are of another type than message."""
_MATTERS = '"iterations"'

_SHAPE = """'[{"type":"VARCHAR","model":"VARCHAR","input_tokens":"VARCHAR","cache_read_input_tokens":"VARCHAR",
"cache_creation_input_tokens":"VARCHAR","cache_creation":{"ephemeral_5m_input_tokens":"VARCHAR",
"ephemeral_1h_input_tokens":"VARCHAR"},"output_tokens":"VARCHAR"}]'"""


def _count(name: str) -> str:
    """SQL for a count of an entry; 0 where it is none."""
    return f"coalesce(TRY_CAST(entry.{name} AS UINTEGER), 0)::BIGINT"


_READ, _WRITE_1H = _count("cache_read_input_tokens"), _count("cache_creation.ephemeral_1h_input_tokens")
_WRITE = f"""coalesce(
    TRY_CAST(entry.cache_creation_input_tokens AS UINTEGER)::BIGINT,
    {_count("cache_creation.ephemeral_5m_input_tokens")} + {_WRITE_1H}
)"""
COUNTS = {
    "input_tokens": f"{_count('input_tokens')} + {_READ} + {_WRITE}",
    "cache_read_tokens": _READ,
    "cache_write_tokens": _WRITE,
    "output_tokens": _count("output_tokens"),
    "cache_write_1h_tokens": f"least({_WRITE_1H}, {_WRITE})",
}
"""SQL for the counts of an entry, by the columns of the record; all but the last tell whether an answer includes the entry."""
_COMPARED = tuple(COUNTS)[:-1]

_IS_COMPACTION = "entry.type IS NOT DISTINCT FROM 'compaction'"
_IS_MESSAGE = "coalesce(entry.type, 'message') = 'message'"


def _sums(condition: str, counts: Sequence[str]) -> str:
    """SQL for a list: the sum of each of some counts over the entries that meet a condition."""
    entries = f"list_filter(entries, lambda entry: {condition})"
    return f"[{', '.join(f'coalesce(list_sum(list_transform({entries}, lambda entry: {COUNTS[count]})), 0)' for count in counts)}]"


_ANSWERS = f"""
SELECT
    row, request_id, rank, {", ".join(COUNTS)}, attributes->>'$.advisorModel' AS advisor,
    from_json(attributes->'$.iterations', {_SHAPE}) AS entries,
    [{", ".join(f"coalesce({count}, 0)" for count in _COMPARED)}] AS counted,
    counted = {_sums("true", _COMPARED)} AS has_all,
    CASE WHEN has_all OR counted = {_sums(f"{_IS_MESSAGE} OR {_IS_COMPACTION}", _COMPARED)} THEN [0, 0, 0, 0, 0]
        ELSE {_sums(_IS_COMPACTION, tuple(COUNTS))}
    END AS added
FROM answers
"""


def _added_to(count: str, number: int) -> str:
    """SQL for a count of an answer with what compactions add; what all input or all output is stays unknown where it was."""
    base = count if count in ("input_tokens", "output_tokens") else f"coalesce({count}, 0)"
    return f"CASE WHEN added[{number}] > 0 THEN {base} + added[{number}] ELSE {count} END"


_ADDED = f"""
SELECT
    row,
    rank + 2 * (added[1] + added[4]) AS rank,
    {", ".join(f"{_added_to(count, number)} AS {count}" for number, count in enumerate(COUNTS, 1))}
FROM counted_answers
ORDER BY row
"""

_CALLS = f"""
SELECT
    row,
    request_id || ':call:' || place AS request_id,
    coalesce(nullif(entry.model, ''), CASE WHEN contains(entry.type, 'advisor') THEN advisor END) AS model,
    {", ".join(f"{count} AS {name}" for name, count in COUNTS.items())},
    {json_object({"type": "to_json(entry.type)", "answer": "to_json(request_id)"})} AS attributes
FROM (
    SELECT row, request_id, advisor, unnest(entries) AS entry, generate_subscripts(entries, 1) AS place
    FROM counted_answers
    WHERE has_all IS NOT true
)
WHERE entry.type NOT IN ('message', 'compaction') AND {COUNTS["input_tokens"]} + {COUNTS["output_tokens"]} > 0
ORDER BY row, place
"""

_ANSWER_ONLY = ("reported_cost_usd", "units", "duration_ms", "ttft_ms")


def with_iterations(batches: Iterable[Batch], reading: Reading) -> Generator[Batch]:
    """The batches with what their answers list beside their counts; a call of another model counts as a line more."""
    for batch in batches:
        matters = pc.fill_null(pc.match_substring(batch.requests["attributes"], _MATTERS), False)
        if pc.any(matters).as_py():
            plain, answers = batch.requests.filter(pc.invert(matters)), batch.requests.filter(matters)
            combined, calls = _combined_and_calls(answers, reading)
            yield replace(batch, requests=pa.concat_tables([plain, combined, calls]), lines=batch.lines + calls.num_rows)
        else:
            yield batch


def _combined_and_calls(answers: pa.Table, reading: Reading) -> tuple[pa.Table, pa.Table]:
    """The answers with their compactions, and the calls of other models as requests like them."""
    with registered(reading.con, "answers", answers.append_column("row", pa.array(np.arange(answers.num_rows)))):
        counted = reading.con.sql(_ANSWERS).to_arrow_table()
    with registered(reading.con, "counted_answers", counted):
        added = reading.con.sql(_ADDED).to_arrow_table()
        calls = reading.con.sql(_CALLS).to_arrow_table()
    alone = {name: pa.nulls(calls.num_rows) for name in _ANSWER_ONLY}
    return _replaced(answers, added), _replaced(answers, calls, **alone)


def _replaced(answers: pa.Table, replacements: pa.Table, **columns: pa.Array) -> pa.Table:
    """The answers of the rows found, with the columns that were found or given in place of their own."""
    columns |= {name: replacements[name] for name in replacements.column_names if name != "row"}
    rows = answers.take(replacements["row"])
    return pa.table({field.name: columns.get(field.name, rows[field.name]) for field in REQUESTS}).cast(REQUESTS)
