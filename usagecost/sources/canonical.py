"""From a log's columns, as text, to canonical requests and the reasons against the rows that are none: one SQL for all formats.

A source gives a relation of one row a line: `row`, its number; `source_file`; canonical columns as they stand in the log, as
text or as numbers; and if need be `problem`, a reason of its own against the row, and `skipped`, why the row is no request.
What is given is read, checked and brought to the record's conventions here. A row that anything speaks against is left out as
a whole: half a request would be a wrong one.

A finished answer without any token is one whose usage the log does not know: its zeros become NULL here, for every format. They
stay where the gateway answered from its own cache, or where the request failed or was cancelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import COLUMNS, REQUESTS
from usagecost.sources.checks import reason_sql
from usagecost.sources.conventions import Conventions
from usagecost.sources.kinds import Kind, kind_of, status_of_http
from usagecost.sources.protocol import Reading, Skips
from usagecost.sources.sql import ChangingRows, in_parallel

_VERBATIM = {"tags", "units", "attributes", "rank"}
"""Columns that a source hands over as they shall be."""

_COLUMNS_BY_QUERY: dict[tuple[str, pa.Schema], tuple[str, ...]] = {}
MOST_QUERIES = 64
"""The columns that a SELECT gives over a table of a schema, for so many of them: formats are few, mappings may be many."""

_TOKENS = tuple(column.name for column in COLUMNS if column.group == "tokens")

_OWN = {"row", "source_file", "problem", "skipped"}


class CanonicalQuery:
    """The requests among the rows of a SELECT over a table, asked for again and again with other rows in the table.

    It is planned once, as that takes as long as reading tens of thousands of rows; so it has no variables. In the SELECT the
    table goes by the name `relation`. Close it when all is read.
    """

    def __init__(self, reading: Reading, source: str, sql: str, relation: str, conventions: Conventions) -> None:
        self._con = reading.con
        self._now = reading.now
        self._source = source
        self._sql = sql
        self._relation = relation
        self._conventions = conventions
        self._rows: ChangingRows | None = None
        self._column_names: Sequence[str] = ()
        self._kinds: Mapping[str, Kind] = {}
        self._planned: dict[str, str] = {}  # name -> statement
        self._has_signs = False
        self.skips: Skips = Counter()
        """Of the rows of the last run: file and reason -> how many are no requests."""

    def run(self, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        """The requests, and the `row` and `reason` of each rejected row; rows that are skipped are in neither."""
        if self._rows is None:
            self._rows = ChangingRows(table)
            self._con.register(self._relation, self._rows)
            self._column_names = self._columns(table.schema)
            read = [column for column in self._column_names if column not in _VERBATIM | _OWN]
            self._kinds = {column: kind for column in read if (kind := kind_of(column, self._conventions, self._now))}
        self._rows.table = in_parallel(table)
        rows = self._canonical_rows()
        texts = set(self._column_names) - _VERBATIM - _OWN - set(self._kinds)
        if not self._has_signs and any(_has_signs(rows[column]) for column in texts):
            self._has_signs = True  # it will be the same further on
            rows = self._canonical_rows()
        rows = self._without_skipped(rows)
        reasons = rows["reason"]
        if reasons.null_count == len(reasons):
            return self._requests(rows), rows.select(["row", "reason"]).slice(0, 0)
        is_rejected = pc.is_valid(reasons)
        return self._requests(rows.filter(pc.invert(is_rejected))), rows.select(["row", "reason"]).filter(is_rejected)

    def _without_skipped(self, rows: pa.Table) -> pa.Table:
        """The rows that may be requests; the others are counted by their reason."""
        self.skips = Counter()
        reasons = rows["skipped"] if "skipped" in rows.column_names else None
        if reasons is None or reasons.null_count == len(reasons):
            return rows
        is_skipped = pc.is_valid(reasons)
        counts = (
            rows.select(["source_file", "skipped"])
            .filter(is_skipped)
            .group_by(["source_file", "skipped"])
            .aggregate([([], "count_all")])
        )
        self.skips.update(
            {(file, reason): count for file, reason, count in zip(*(column.to_pylist() for column in counts.columns), strict=True)}
        )
        return rows.filter(pc.invert(is_skipped))

    def also(self, sql: str) -> pa.Table:
        """What another SELECT says over the rows of the last run, which go by the same name."""
        return self._executed("rows_of_another_select", f"WITH {self._relation} AS (FROM changing_rows) SELECT * FROM ({sql})")

    def close(self) -> None:
        """Forgets the plan and the last rows."""
        if self._rows is not None:
            for name in self._planned:
                self._con.execute(f"DEALLOCATE {name}")
            self._con.unregister(self._relation)
            self._planned = {}
            self._rows = None

    def _requests(self, rows: pa.Table) -> pa.Table:
        """The rows with every column of the record; of those that were not given the rank is 0, and the others are NULL."""
        count = rows.num_rows
        columns = _without_blank_zeros({name: rows[name] for name in rows.column_names})
        columns["source"] = pa.repeat(self._source, count)
        columns["day"] = pc.cast(rows["started_at"], pa.date32())
        columns.setdefault("rank", pa.array(np.zeros(count, np.int64)))
        arrays = [
            columns[field.name].cast(field.type) if field.name in columns else pa.nulls(count, field.type) for field in REQUESTS
        ]
        return pa.Table.from_arrays(arrays, schema=REQUESTS)

    def _columns(self, schema: pa.Schema) -> Sequence[str]:
        """The columns that the SELECT gives; asked once, as a process that follows logs reads few rows at a time."""
        key = self._sql, schema
        if key not in _COLUMNS_BY_QUERY:
            if len(_COLUMNS_BY_QUERY) >= MOST_QUERIES:
                _COLUMNS_BY_QUERY.clear()
            _COLUMNS_BY_QUERY[key] = tuple(self._con.sql(f"SELECT * FROM ({self._sql}) LIMIT 0").columns)
        return _COLUMNS_BY_QUERY[key]

    def _canonical_rows(self) -> pa.Table:
        """The rows of the SELECT, read and checked."""
        return self._executed(f"canonical_rows_{'of_any_text' if self._has_signs else 'of_plain_text'}", self._statement())

    def _executed(self, name: str, statement: str) -> pa.Table:
        """The rows of a statement over `changing_rows`, which stays planned under the name."""
        changing_rows = self._rows  # noqa: F841 - DuckDB finds it by its name; it plans anew whenever a registered table is read
        if self._planned.get(name) != statement:
            self._con.execute(f"PREPARE {name} AS {statement}")
            self._planned[name] = statement
        return self._con.sql(f"EXECUTE {name}").to_arrow_table()

    def _statement(self) -> str:
        """The SELECT of canonical columns with `row` and `reason`, in stages: each reads what the one before has made."""
        columns = [column for column in self._column_names if column not in _OWN]
        read, valid = _read_and_valid(columns, self._kinds, _any_text_sql if self._has_signs else _plain_text_sql)
        problem = "problem" if "problem" in self._column_names else "NULL::VARCHAR AS problem"
        skipped = "skipped, " if "skipped" in self._column_names else ""
        totals = _totals(columns, self._conventions)
        return f"""
            WITH given AS (WITH {self._relation} AS (FROM changing_rows) SELECT * FROM ({self._sql})),
            read AS (SELECT row, source_file, {problem}, {skipped}{", ".join(read)} FROM given),
            valid AS (SELECT row, source_file, problem, {skipped}{", ".join(valid)} FROM read),
            whole AS (SELECT * {f"REPLACE ({totals})" if totals else ""} FROM valid)
            SELECT row, source_file, {skipped}{", ".join(_selected(columns))},
                {"CASE WHEN skipped IS NULL THEN " if skipped else ""}{reason_sql(columns, self._kinds, self._conventions)}
                {"END" if skipped else ""} AS reason
            FROM whole
        """


def _read_and_valid(
    columns: Sequence[str], kinds: Mapping[str, Kind], text_sql: Callable[[str], str]
) -> tuple[list[str], list[str]]:
    """The items of the two stages in which a value is read."""
    read, valid = [], []
    for column in columns:
        if column in kinds:
            parsed = kinds[column].parsed.format(raw=f"{column}::VARCHAR")
            read += [f"{column}::VARCHAR AS raw_{column}", f"{parsed} AS parsed_{column}"]
            valid += [
                f"raw_{column}",
                f"parsed_{column}",
                f"{kinds[column].valid.format(parsed=f'parsed_{column}')} AS {column}",
            ]
        else:
            read.append(column if column in _VERBATIM else f"{text_sql(column)} AS {column}")
            valid.append(column)
    return read, valid


def _without_blank_zeros(columns: dict[str, pa.ChunkedArray]) -> dict[str, pa.ChunkedArray]:
    """The columns with NULL for the counts of a finished answer whose counts are all 0."""
    counts = [name for name in _TOKENS if name in columns]
    if not counts:
        return columns
    is_blank = pc.fill_null(pc.equal(pc.max_element_wise(*(columns[name] for name in counts)), 0), fill_value=False)
    if not pc.any(is_blank).as_py():
        return columns
    if "status" in columns:
        is_blank = pc.and_not(is_blank, pc.is_in(columns["status"], pa.array(["error", "cancelled"])))
    if "is_gateway_cache_hit" in columns:
        is_blank = pc.and_not(is_blank, pc.fill_null(columns["is_gateway_cache_hit"], fill_value=False))
    return columns | {name: pc.if_else(is_blank, None, columns[name]) for name in counts}


def _any_text_sql(column: str) -> str:
    """SQL for a text without NUL and space around it; NULL if nothing is left."""
    return f"nullif(trim(replace({column}, chr(0), ''), e' \\t\\r\\n'), '')"


def _plain_text_sql(column: str) -> str:
    """The same for a text without control characters. The first test is much the fastest."""
    return f"CASE WHEN {column} > '!' AND NOT ends_with({column}, ' ') THEN {column} ELSE nullif(trim({column}, ' '), '') END"


def _has_signs(texts: pa.ChunkedArray) -> bool:
    """Whether there is a control character, such as NUL or a newline, in any of the texts. They are looked at together, as hardly
    any log has one.
    """
    return any(_letters(chunk).min(initial=ord(" ")) < ord(" ") for chunk in texts.chunks)


def _letters(texts: pa.StringArray) -> np.ndarray:
    """The bytes of all texts, one after the other."""
    _, ends, letters = texts.buffers()
    if letters is None:
        return np.empty(0, np.uint8)
    first, last = np.frombuffer(ends, np.int32)[[texts.offset, texts.offset + len(texts)]]
    return np.frombuffer(letters, np.uint8)[first:last]


def _totals(columns: Sequence[str], conventions: Conventions) -> str:
    """The counts that include others here but not in the log, as items of a REPLACE."""
    write = "coalesce(cache_write_tokens, cache_write_1h_tokens)" if "cache_write_1h_tokens" in columns else "cache_write_tokens"
    apart = (
        ("input_tokens", "cache_read_tokens", "cache_read_tokens", conventions.input_includes_cache_read),
        ("input_tokens", "cache_write_tokens", write, conventions.input_includes_cache_write),
        ("output_tokens", "output_reasoning_tokens", "output_reasoning_tokens", conventions.output_includes_reasoning),
    )
    sums: dict[str, list[str]] = {}
    for whole, part, count, is_included in apart:
        if whole in columns and part in columns and not is_included:
            sums.setdefault(whole, [whole]).append(f"coalesce({count}, 0)")
    totals = [f"{' + '.join(counts)} AS {whole}" for whole, counts in sums.items()]
    if "cache_write_tokens" in columns and "cache_write_1h_tokens" in columns:
        totals.append(f"{write} AS cache_write_tokens")
    return ", ".join(totals)


def _selected(columns: Sequence[str]) -> list[str]:
    """The columns of the result; the HTTP status tells the outcome where the log has no other word for it."""
    if "http_status" not in columns:
        return list(columns)
    status = f"coalesce({'status' if 'status' in columns else 'NULL'}, {status_of_http('http_status')}) AS status"
    return [column for column in columns if column != "status"] + [status]
