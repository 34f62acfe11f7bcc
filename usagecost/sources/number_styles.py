"""Looks at whole columns of a file where a number in them may be two: see numbers.py.

A file is read as it is until a text comes that is other than a plain number. Only then all of the file is looked at, and the rest
is read in the way that was found. Nothing that was read before is another number in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.sources.files import BLOCK_BYTES, FileProblem, Head
from usagecost.sources.lines import Rows, line_blocks
from usagecost.sources.numbers import COMMA, Evidence, may_be_two_numbers, pattern, styles_of
from usagecost.sources.sql import in_parallel, literal, registered
from usagecost.sources.tabular import TabularFile


def until_doubtful(pieces: Iterator[Rows], columns: Mapping[str, bool], unread: list[Rows]) -> Iterator[Rows]:
    """The rows of a file as long as every number is plain; the first others are put into `unread`.

    `columns` are the names of those that hold numbers, and whether they are counts.
    """
    for piece in pieces:
        if any(may_be_two_numbers(texts) for _, texts in _texts(piece, columns)):
            unread.append(piece)
            return
        yield piece


def styles_of_file(file: TabularFile, columns: Mapping[str, bool]) -> dict[str, str]:
    """Column -> how its numbers are written, by all rows; raises FileProblem if that cannot be told."""
    evidence = {name: Evidence(is_count) for name, is_count in columns.items()}
    with suppress(FileProblem):  # of a file that cannot be read to its end: whoever reads it says so
        for piece in file.rows(tuple(columns)):
            for name, texts in _texts(piece, columns):
                evidence[name].add(texts)
    return styles_of(evidence)


def _texts(piece: Rows, columns: Iterable[str]) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """The columns of numbers that are texts; of Parquet most are numbers already."""
    for name in columns:
        column = piece.table[name]
        if pa.types.is_large_string(column.type) or pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type):
            yield name, column


def styles_of_json(
    head: Head, columns: Mapping[str, bool], paths: Mapping[str, Sequence[str]], con: duckdb.DuckDBPyConnection
) -> dict[str, str]:
    """Column -> how its numbers are written, where the first lines have them as texts that are other than plain numbers.

    Numbers of JSON are plain by themselves. Raises FileProblem if it cannot be told.
    """
    if not any(_has_odd_text(value, paths[name]) for value in head.objects for name in columns):
        return {}
    pointers = {name: "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in paths[name]) for name in columns}
    items = ", ".join(
        f"CASE WHEN json_type(text, {literal(at)}) = 'VARCHAR' THEN json_extract_string(text, {literal(at)}) END"
        for at in pointers.values()
    )
    evidence = {name: Evidence(is_count) for name, is_count in columns.items()}
    with con.cursor() as cursor, suppress(FileProblem):
        for block in line_blocks(head.stream(), BLOCK_BYTES):
            with registered(cursor, "number_lines", in_parallel(block.table())):
                table = cursor.sql(f"SELECT {items} FROM number_lines WHERE json_valid(text)").to_arrow_table()
            for name, texts in zip(columns, table.columns, strict=True):
                evidence[name].add(pc.cast(texts, pa.string()))
    return styles_of(evidence)


def _has_odd_text(value: object, path: Sequence[str]) -> bool:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return isinstance(value, str) and bool(re.search("[.,' _\u00a0]", value)) and bool(re.fullmatch(pattern(COMMA), value.strip()))
