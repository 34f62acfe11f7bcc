"""JSON lines, read in blocks: each line parsed once, by DuckDB, into the fields that a source asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import REQUESTS
from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.files import BLOCK_BYTES, FileProblem, Head, block_sizes
from usagecost.sources.lines import LineBlock, line_blocks
from usagecost.sources.protocol import BLANK, MOST_RAW, Batch, Reading, Reject, ahead, with_rest
from usagecost.sources.sql import in_parallel, literal, registered

TOGETHER_BYTES = 32 << 20
"""What is worked on at once. Each time costs as much as reading some hundred lines, and lines of JSON are long."""
MOST_FILES = 1_000
"""Files that are read together; many logs are many small files."""

_FIELDS = """
SELECT DISTINCT unnest(CASE WHEN starts_with(ltrim(text, e' \\t\\r'), '{') AND json_valid(text) THEN json_keys(text) END)
FROM first_lines
"""
"""An error that a query catches costs as much as a hundred lines, so what is no object is not asked for its fields."""

_NO_JSON = "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."


@dataclass(frozen=True)
class JsonLines:
    """How the lines of one format are read.

    `shape` names the fields of a line: VARCHAR is any value as text, JSON as JSON, and a mapping is an object's fields. What
    a line lacks, or has as null or as another kind, is NULL. `rows` continues a WITH that defines `lines`, of one row a line,
    and gives what canonical.py asks for. `lines` has `row`, `line`, `source_file`, `text`, `record` (a struct of the
    shape), and of the line's file its `fingerprint` and what `facts` says, by name.

    Where one line holds several records, `elements` says, of the lines of a batch, the SELECT over `whole_lines` of one row a
    record, in their order: it has the columns of its line, but `line_row` for `row`, and the record's own `text`. Then a record is
    what is said here of a line. Of records that are parts of each other, `lineage` is SQL like `rows` for the `request_id` and the
    `parent_id` of all of them, whether they are requests or not: see schema.LINEAGE.
    """

    source: str
    shape: Mapping[str, Any]
    rows: str
    conventions: Conventions
    facts: Callable[[Head], Mapping[str, str | None]] = lambda _: {}
    elements: Callable[[pa.Table], str] | None = None
    lineage: str | None = None

    def batches(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """Files of such lines as canonical batches."""
        with closing(CanonicalQuery(reading, self.source, self._over_lines(self.rows), "line_block", self.conventions)) as query:
            for parts in ahead(_together(part for head in heads for part in file_parts(head, TOGETHER_BYTES))):
                yield self._batch(parts, query, reading)

    def _over_lines(self, sql: str) -> str:
        """The SQL with the lines that it reads."""
        return f"WITH lines AS (SELECT *, from_json(text, {literal(json.dumps(self.shape))}) AS record FROM line_block) {sql}"

    def _batch(self, parts: list[Part], query: CanonicalQuery, reading: Reading) -> Batch:
        blocks = [part for part in parts if part.block]
        problems = [Reject(part.head.source_file, None, part.problem, None) for part in parts if part.problem]
        if not blocks:  # the query expects the columns that lines of files have
            bytes_read = sum(part.bytes_read for part in parts)
            return Batch(REQUESTS.empty_table(), reading.rejects(self.source, problems), lines=0, bytes_read=bytes_read)
        table = line_table(blocks, [{"fingerprint": part.head.fingerprint, **self.facts(part.head)} for part in blocks])
        good, broken = (table, []) if all(part.seems_json for part in blocks) else sorted_out(reading, blocks, table)
        try:
            records, (requests, rejected) = self._read(good, query, reading)
        except duckdb.InvalidInputException:  # among these lines is one that is no JSON
            good, broken = sorted_out(reading, blocks, table)
            records, (requests, rejected) = self._read(good, query, reading)
        rejects = sorted(broken + _rejects(records if self.elements else table, rejected))
        more = records.num_rows - pc.count_distinct(records["line_row"]).as_py() if self.elements else 0
        lines = table.num_rows + more
        return Batch(
            requests=requests,
            rejects=reading.rejects(self.source, rejects + problems),
            lines=lines,
            skips=with_rest(query.skips, lines - requests.num_rows - len(rejects), BLANK),
            bytes_read=sum(part.bytes_read for part in parts),
            lineage=reading.lineage(self.source, query.also(self._over_lines(self.lineage))) if self.lineage else None,
        )

    def _read(self, good: pa.Table, query: CanonicalQuery, reading: Reading) -> tuple[pa.Table, tuple[pa.Table, pa.Table]]:
        """The records, whose `row` is their place in the table, and what the query says about them."""
        records = good
        if self.elements:
            with registered(reading.con, "whole_lines", in_parallel(good)):
                records = reading.con.sql(self.elements(good)).to_arrow_table()
            records = records.append_column("row", pa.array(np.arange(records.num_rows)))
        return records, query.run(records)


@dataclass(frozen=True)
class Part:
    """Lines of a file, or what is wrong with it; and whether all of the lines begin as objects do."""

    head: Head
    bytes_read: int
    block: LineBlock | None = None
    problem: str | None = None
    seems_json: bool = False


def file_parts(head: Head, most_together: int) -> Iterator[Part]:
    """The lines of a file, about so many bytes at once, and what is wrong with it."""
    stream = head.stream()
    position = 0
    try:
        for block in line_blocks(stream, most_together):
            yield Part(head, stream.position - position, block, seems_json=block.all_begin_with("{"))
            position = stream.position
    except FileProblem as problem:
        yield Part(head, stream.position - position, problem=problem.sentence)


def _together(parts: Iterator[Part]) -> Iterator[list[Part]]:
    """Parts that make up about half a block, or more."""
    sizes = block_sizes(TOGETHER_BYTES)
    enough = next(sizes) // 2
    gathered, size = [], 0
    for part in parts:
        gathered.append(part)
        size += part.block.weight if part.block else 0
        if size >= enough or len(gathered) >= MOST_FILES:
            yield gathered
            gathered, size, enough = [], 0, next(sizes) // 2
    if gathered:
        yield gathered


def fields_of_first_block(head: Head, con: duckdb.DuckDBPyConnection) -> set[str]:
    """The names of the fields that the first lines have at their top, up to a block of them.

    The database splits lines into fields many times as quickly as Python does, and much quicker than a text is searched for names
    that are not in it. With a cursor of its own, as files are looked at while others are read.
    """
    if head.is_whole:
        return {name for line in head.objects for name in line}
    fields: set[str] = set()
    bytes_read = 0
    with con.cursor() as cursor, suppress(FileProblem):  # a problem is told by whoever reads the file
        for block in line_blocks(head.stream(), BLOCK_BYTES // 4):
            with registered(cursor, "first_lines", in_parallel(block.table())):
                rows = cursor.sql(_FIELDS).fetchall()
            fields.update(name for (name,) in rows)
            bytes_read += len(block.text)
            if bytes_read >= BLOCK_BYTES:
                break
    return fields


def line_table(parts: list[Part], facts: list[Mapping[str, str | None]]) -> pa.Table:
    """One row = one line; `row` is its place in the table."""
    tables = [part.block.table() for part in parts if part.block]
    lengths = [table.num_rows for table in tables]
    part_of_row = pa.array(np.repeat(np.arange(len(parts), dtype=np.int32), lengths))
    lines = pa.concat_tables(tables) if tables else pa.table({"line": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
    lines = lines.append_column("row", pa.array(np.arange(lines.num_rows)))
    by_part: dict[str, list[str | None]] = {"source_file": [part.head.source_file for part in parts]}
    by_part |= {name: [fact[name] for fact in facts] for name in (facts[0] if facts else ())}
    for name, values in by_part.items():
        lines = lines.append_column(name, pa.DictionaryArray.from_arrays(part_of_row, pa.array(values, pa.string())))
    return lines


def sorted_out(reading: Reading, parts: list[Part], table: pa.Table) -> tuple[pa.Table, list[Reject]]:
    """The lines that are JSON objects, and those that are neither that nor blank."""
    with registered(reading.con, "suspects", table.select(["row", "text"])):
        checks = reading.con.sql("""
            SELECT
                json_valid(text) AND starts_with(ltrim(text, e' \\t\\r'), '{') AS is_object,
                trim(text, e' \\t\\r\\n') = '' AS is_blank
            FROM suspects
            ORDER BY row
        """).to_arrow_table()
    broken = table.filter(pc.and_not(pc.invert(checks["is_object"]), checks["is_blank"]))
    blocks = [(part.head.source_file, part.block) for part in parts if part.block]
    unreadable = {(file, line): problem for file, block in blocks for line, problem in block.unreadable.items()}
    rejects = [
        Reject(file, line, *unreadable.get((file, line), (_NO_JSON, text)))
        for file, line, text in zip(*_reject_columns(broken), strict=True)
    ]
    return table.filter(checks["is_object"]), rejects


def _rejects(table: pa.Table, rejected: pa.Table) -> list[Reject]:
    files, lines, texts = _reject_columns(table.take(rejected["row"]))
    return [Reject(*reject) for reject in zip(files, lines, rejected["reason"].to_pylist(), texts, strict=True)]


def _reject_columns(lines: pa.Table) -> tuple[list[str], list[int], list[str]]:
    """Of each line its file, its number, and as much of its text as a reject keeps."""
    texts = pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(lines["text"], 0, MOST_RAW))
    return lines["source_file"].to_pylist(), lines["line"].to_pylist(), texts.to_pylist()
