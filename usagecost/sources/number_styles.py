"""Looks at whole columns of a file where a number in them may be two: see numbers.py.

A file is read as it is until a text comes that is other than a plain number. Only then all of the file is looked at, and the rest
is read in the way that was found. Nothing that was read before is another number in it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.sources.files import BLOCK_BYTES, FileProblem, Head
from usagecost.sources.lines import line_blocks
from usagecost.sources.numbers import COMMA, Evidence, may_be_two_numbers, pattern, styles_of
from usagecost.sources.sql import in_parallel, literal, registered
from usagecost.sources.tabular import Rows, TabularFile


class WatchedFile:
    """A file of rows that ends where a number may be two; `rest` are the rows from there on.

    `columns` are the names of those that hold numbers, and whether they are counts.
    """

    def __init__(self, file: TabularFile, columns: Mapping[str, bool]) -> None:
        self._file = file
        self._columns = columns
        self.rest: Iterator[Rows] | None = None
        self.head = file.head
        self.names = file.names

    @property
    def fingerprint(self) -> str:
        """See TabularFile."""
        return self._file.fingerprint

    def rows(self, columns: Collection[str]) -> Iterator[Rows]:
        """Its rows, as long as every number is plain."""
        pieces = self._file.rows(columns)
        for piece in pieces:
            if any(may_be_two_numbers(texts) for _, texts in self._texts(piece)):
                self.rest = chain([piece], pieces)
                return
            yield piece

    def rest_of_file(self) -> RestOfFile:
        """The rows from where a number may be two."""
        return RestOfFile(self._file, self.rest or iter(()))

    def styles(self) -> dict[str, str]:
        """Column -> how its numbers are written, by all rows; raises FileProblem if that cannot be told."""
        evidence = {name: Evidence(is_count) for name, is_count in self._columns.items()}
        with suppress(FileProblem):  # of a file that cannot be read to its end: whoever reads it says so
            for piece in self._file.rows(tuple(self._columns)):
                for name, texts in self._texts(piece):
                    evidence[name].add(texts)
        return styles_of(evidence)

    def _texts(self, piece: Rows) -> Iterator[tuple[str, pa.ChunkedArray]]:
        """The columns of numbers that are texts; of Parquet most are numbers already."""
        for name in self._columns:
            column = piece.table[name]
            if pa.types.is_large_string(column.type) or pa.types.is_dictionary(column.type):
                column = column.cast(pa.string())
            if pa.types.is_string(column.type):
                yield name, column


class RestOfFile:
    """The rows of a file from some row on."""

    def __init__(self, file: TabularFile, rest: Iterator[Rows]) -> None:
        self._file = file
        self._rest = rest
        self.head = file.head
        self.names = file.names

    @property
    def fingerprint(self) -> str:
        """See TabularFile."""
        return self._file.fingerprint

    def rows(self, columns: Collection[str]) -> Iterator[Rows]:  # noqa: ARG002 - they were asked for before
        """The rows that are left."""
        return self._rest


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
                found = cursor.sql(f"SELECT {items} FROM number_lines WHERE json_valid(text)").to_arrow_table()
            for name, texts in zip(columns, found.columns, strict=True):
                evidence[name].add(pc.cast(texts, pa.string()))
    return styles_of(evidence)


def _has_odd_text(value: object, path: Sequence[str]) -> bool:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return isinstance(value, str) and bool(re.search("[.,' _\u00a0]", value)) and bool(re.fullmatch(pattern(COMMA), value.strip()))
