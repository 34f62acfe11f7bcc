"""From a log's columns, as text, to canonical requests and the reasons against the rows that are none: one SQL for all formats.

A source gives a relation of one row a line: `row`, its number; `source_file`; canonical columns as they stand in the log, as
text or as numbers; and if need be `problem`, a reason of its own against the row, and `is_skipped`, for what is no request.
What is given is read, checked and brought to the record's conventions here. A row that anything speaks against is left out as
a whole: half a request would be a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import REQUESTS
from usagecost.sources.conventions import Conventions
from usagecost.sources.kinds import Kind, kind_of, status_of_http
from usagecost.sources.protocol import Reading
from usagecost.sources.sql import ChangingRows, identifier, in_parallel

MOST_ID_CHARACTERS = 1_000

_BLANK = r"'\s*(null|none|n/a|-|\\N)?\s*', 'i'"
"""How exports write that there is no value: a pattern, as DuckDB would make a join of an IN."""

_VERBATIM = {"tags", "attributes", "rank"}
"""Columns that a source hands over as they shall be."""

_OWN = {"row", "source_file", "problem", "is_skipped"}

_PARTS = (
    ("input_tokens", ("cache_read_tokens", "cache_write_tokens"), "input_includes_cache_read or input_includes_cache_write"),
    ("cache_write_tokens", ("cache_write_1h_tokens",), None),
    ("output_tokens", ("output_reasoning_tokens",), "output_includes_reasoning"),
    ("input_tokens", ("input_audio_tokens",), None),
    ("output_tokens", ("output_audio_tokens",), None),
)
"""A count, its parts, and the option that says otherwise."""


class CanonicalQuery:
    """The requests among the rows of a SELECT over a table, asked for again and again with other rows in the table.

    It is planned once, which takes as long as reading tens of thousands of rows. In the SELECT the table goes by `relation`,
    and each of the `values` is a variable of its name. Close it when all is read.
    """

    def __init__(
        self,
        reading: Reading,
        source: str,
        sql: str,
        relation: str,
        conventions: Conventions,
        values: Mapping[str, str] | None = None,
    ) -> None:
        self._con = reading.con
        self._now = reading.now
        self._sql = sql
        self._conventions = conventions
        self._values = {**(values or {}), "source": source}
        self._relation = relation
        self._rows: ChangingRows | None = None

    def run(self, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        """The requests, and the `row` and `reason` of each rejected row; rows that are skipped are in neither."""
        if self._rows is None:
            self._rows = ChangingRows(table)
            self._con.register(self._relation, self._rows)
            self._prepare()
        self._rows.table = in_parallel(table)
        rows = self._con.sql("EXECUTE canonical_rows").to_arrow_table()
        reasons = rows["reason"]
        if reasons.null_count == len(reasons):
            return _requests(rows), rows.select(["row", "reason"]).slice(0, 0)
        is_rejected = pc.is_valid(reasons)
        return _requests(rows.filter(pc.invert(is_rejected))), rows.select(["row", "reason"]).filter(is_rejected)

    def close(self) -> None:
        """Forgets the plan and the last rows."""
        if self._rows is not None:
            self._con.execute("DEALLOCATE canonical_rows")
            self._con.unregister(self._relation)
            self._rows = None

    def _prepare(self) -> None:
        """Plans the statement for the columns that the SELECT gives."""
        self._bind(self._values)
        given = self._con.sql(f"SELECT * FROM ({self._sql}) LIMIT 0").columns
        columns = [column for column in given if column not in _OWN]
        read = [column for column in columns if column not in _VERBATIM]
        kinds = {column: kind for column in read if (kind := kind_of(column, self._conventions, self._now))}
        self._bind({f"name_{column}": _name(column, self._conventions) for column in _named(columns, kinds)})
        self._bind({f"status_{index}": word.lower() for index, word in enumerate(self._conventions.statuses)})
        # What stands in two branches of a CASE must not be computed for every row beforehand.
        self._con.execute("SET disabled_optimizers = 'common_subexpressions'")
        try:
            self._con.execute(f"PREPARE canonical_rows AS {_statement(self._sql, given, columns, kinds, self._conventions)}")
        finally:
            self._con.execute("RESET disabled_optimizers")

    def _bind(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            self._con.execute(f"SET VARIABLE {identifier(name)} = $value", {"value": value})


def _requests(rows: pa.Table) -> pa.Table:
    """The rows with every column of the record; of those that were not given the rank is 0, and the others are NULL."""
    given = {name: rows[name] for name in rows.column_names}
    given["day"] = pc.cast(rows["started_at"], pa.date32())
    given.setdefault("rank", pa.array(np.zeros(rows.num_rows, np.int64)))
    arrays = [
        given[field.name].cast(field.type) if field.name in given else pa.nulls(rows.num_rows, field.type) for field in REQUESTS
    ]
    return pa.Table.from_arrays(arrays, schema=REQUESTS)


def _statement(sql: str, given: Sequence[str], columns: list[str], kinds: Mapping[str, Kind], conventions: Conventions) -> str:
    """The SELECT of canonical columns with `row` and `reason`."""
    valid = ["row", "source_file", "problem"]
    read = ["row", "source_file", "problem" if "problem" in given else "NULL::VARCHAR AS problem"]
    for column in columns:
        if column in kinds:
            read += [
                f"{column}::VARCHAR AS raw_{column}",
                f"{kinds[column].parsed.format(raw=f'{column}::VARCHAR')} AS parsed_{column}",
            ]
            valid += [f"raw_{column}", f"parsed_{column}", f"{kinds[column].valid.format(parsed=f'parsed_{column}')} AS {column}"]
        else:
            read.append(column if column in _VERBATIM else f"{_text(column)} AS {column}")
            valid.append(column)
    skipped = "WHERE is_skipped IS NOT true" if "is_skipped" in given else ""
    totals = _totals(columns, conventions)
    return f"""
        WITH given AS ({sql}),
        read AS (SELECT {", ".join(read)} FROM given {skipped}),
        valid AS (SELECT {", ".join(valid)} FROM read),
        whole AS (SELECT * {f"REPLACE ({totals})" if totals else ""} FROM valid)
        SELECT row, getvariable('source') AS source, source_file, {", ".join(_outcome(columns))},
            {_reason(columns, kinds)} AS reason
        FROM whole
    """


def _text(column: str) -> str:
    """SQL for a text without NUL characters and space around it; NULL if nothing is left. The first test is much the fastest."""
    is_clean = f"{column} > '!' AND NOT ends_with({column}, ' ') AND NOT contains({column}, chr(0))"
    return f"CASE WHEN {is_clean} THEN {column} ELSE nullif(trim(replace({column}, chr(0), ''), e' \\t\\r\\n'), '') END"


def _outcome(columns: Sequence[str]) -> list[str]:
    """The columns to be selected; the HTTP status tells the outcome where the log has no other word for it."""
    if "http_status" not in columns:
        return list(columns)
    status = f"coalesce({'status' if 'status' in columns else 'NULL'}, {status_of_http('http_status')}) AS status"
    return [column for column in columns if column != "status"] + [status]


def _totals(columns: Sequence[str], conventions: Conventions) -> str:
    """The counts that include others here but not in the log, as items of a REPLACE."""
    write = "coalesce(cache_write_tokens, cache_write_1h_tokens)" if "cache_write_1h_tokens" in columns else "cache_write_tokens"
    added = {"input_tokens": [], "output_tokens": []}
    if not conventions.input_includes_cache_read and "cache_read_tokens" in columns:
        added["input_tokens"].append("coalesce(cache_read_tokens, 0)")
    if not conventions.input_includes_cache_write and "cache_write_tokens" in columns:
        added["input_tokens"].append(f"coalesce({write}, 0)")
    if not conventions.output_includes_reasoning and "output_reasoning_tokens" in columns:
        added["output_tokens"].append("coalesce(output_reasoning_tokens, 0)")
    totals = [f"{' + '.join([whole, *parts])} AS {whole}" for whole, parts in added.items() if parts and whole in columns]
    if "cache_write_tokens" in columns and "cache_write_1h_tokens" in columns:
        totals.append(f"{write} AS cache_write_tokens")
    return ", ".join(totals)


def _reason(columns: Sequence[str], kinds: Mapping[str, Kind]) -> str:
    """SQL for the first thing that speaks against a row, a sentence; NULL for nearly all, which costs one test."""
    against = [
        ("problem IS NOT NULL", "problem"),
        ("request_id IS NULL", "getvariable('name_request_id') || ' is empty: a request needs an id of its own.'"),
        (
            f"length(request_id) > {MOST_ID_CHARACTERS}",
            f"getvariable('name_request_id') || ' is longer than {MOST_ID_CHARACTERS:,} characters.'",
        ),
        (
            f"started_at IS NULL AND regexp_full_match(coalesce(raw_started_at, ''), {_BLANK})",
            "getvariable('name_started_at') || ' is empty: a request needs the time when it was sent.'",
        ),
        *(_wrong(column, kind) for column, kind in kinds.items()),
        *(_too_large(whole, parts, option) for whole, parts, option in _present_parts(columns)),
    ]
    sentences = ", ".join(f"CASE WHEN {condition} THEN {sentence} END" for condition, sentence in against)
    return f"CASE WHEN {' OR '.join(f'({condition})' for condition, _ in against)} THEN coalesce({sentences}) END"


def _wrong(column: str, kind: Kind) -> tuple[str, str]:
    """When a value is wrong, or seems so, and the sentence."""
    wrong = kind.wrong.format(raw=f"raw_{column}", parsed=f"parsed_{column}")
    return (
        f"{column} IS NULL AND raw_{column} IS NOT NULL AND NOT regexp_full_match(raw_{column}, {_BLANK})",
        f"getvariable('name_{column}') || ' is \"' || left(raw_{column}, 100) || '\": ' || {wrong}",
    )


def _too_large(whole: str, parts: Sequence[str], option: str | None) -> tuple[str, str]:
    """When parts are more than the whole, and the sentence."""
    total = " + ".join(f"coalesce({part}, 0)" for part in parts)
    verb = "are together" if len(parts) > 1 else "is"
    parts_sum = f"""{" || ' and ' || ".join(f"getvariable('name_{part}')" for part in parts)} || ' {verb} ' || ({total})"""
    cure = f"If this log counts them apart, a mapping says so: {option} = false." if option else "Correct the log."
    return (
        f"{total} > {whole}",
        f"{parts_sum} || ', more than the ' || {whole} || ' of ' || getvariable('name_{whole}') || ' around it. {cure}'",
    )


def _present_parts(columns: Sequence[str]) -> list[tuple[str, list[str], str | None]]:
    found = [(whole, [part for part in parts if part in columns], option) for whole, parts, option in _PARTS if whole in columns]
    return [(whole, parts, option) for whole, parts, option in found if parts]


def _named(columns: Sequence[str], kinds: Mapping[str, Kind]) -> set[str]:
    """The columns that the reasons speak of."""
    in_parts = {name for whole, parts, _ in _present_parts(columns) for name in (whole, *parts)}
    return {"request_id", "started_at", *kinds, *in_parts}


def _name(column: str, conventions: Conventions) -> str:
    """What a sentence calls a column."""
    name = conventions.names.get(column, column)
    return column if name == column else f"{column} (column {name})"
