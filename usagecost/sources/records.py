"""Flat records in whatever form they come: rows of a table, or JSON objects; packed or not, a line each or in one array."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from usagecost.sources.conventions import Conventions
from usagecost.sources.essentials import with_lacks
from usagecost.sources.files import FileProblem, Head
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.protocol import Batch, Reading, file_problem
from usagecost.sources.sql import identifier
from usagecost.sources.tabular import Tabular, TabularFile, tabular_file


def is_json(head: Head) -> bool:
    """Whether a file holds JSON."""
    return head.start.lstrip(b"\0 \t\r\n")[:1] in (b"{", b"[")


def record_names(head: Head) -> tuple[str, ...]:
    """The columns of a file of rows, or the fields of its first JSON objects; none if it is neither."""
    if is_json(head):
        return tuple(dict.fromkeys(name for value in head.objects for name in value))
    try:
        return tabular_file(head).names
    except FileProblem:
        return ()


def column_text(name: str, *, is_typed: bool) -> str:
    """SQL for the text in a table's column; of a list or a struct it is JSON."""
    column = identifier(name)
    if not is_typed:
        return column
    is_nested = f"typeof({column}) LIKE '%]' OR typeof({column}) LIKE 'STRUCT%' OR typeof({column}) LIKE 'MAP%'"
    return f"CASE WHEN {is_nested} THEN to_json({column})::VARCHAR ELSE {column}::VARCHAR END"


@dataclass(frozen=True)
class Records:
    """How the records of one format are read, whatever the form of the file.

    `columns` are the names that the format may have, at the top. `rows` is SQL that continues a WITH and gives what canonical.py
    asks for; it reads `records`, of one row a record: `row`, `line`, `source_file`, `fingerprint`, and each of the columns as
    text, nested values as JSON; one that the file lacks is NULL. `lineage` is SQL like `rows`, for the `request_id` and the
    `parent_id` of records that are part of something: see schema.LINEAGE. `are_requests` is False for records that are none.
    """

    source: str
    columns: Sequence[str]
    rows: str
    conventions: Conventions = field(default_factory=Conventions)
    lineage: str | None = None
    are_requests: bool = True

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """Files in batches; one row = one record. Empty lines and a table's line of names are skipped.

        Files that say nothing of the model, the outcome or the usage of any of their requests are problems.
        """
        batches = self._batches(heads, reading)
        yield from with_lacks(batches, self.source, reading) if self.are_requests else batches

    def _batches(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        for are_json, group in groupby(heads, key=is_json):
            if are_json:
                yield from self._json_lines().batches(group, reading)
            else:
                for head in group:
                    yield from self._rows(head, reading)

    def _json_lines(self) -> JsonLines:
        texts = ", ".join(f"record.{identifier(name)} AS {identifier(name)}" for name in self.columns)
        records = f", records AS (SELECT row, line, source_file, fingerprint, {texts} FROM lines)"
        return JsonLines(
            self.source,
            dict.fromkeys(self.columns, "VARCHAR"),
            f"{records} {self.rows}",
            self.conventions,
            lineage=self.lineage and f"{records} {self.lineage}",
        )

    def _rows(self, head: Head, reading: Reading) -> Iterator[Batch]:
        try:
            file = tabular_file(head)
        except FileProblem as problem:
            yield file_problem(reading, self.source, head, problem)
        else:
            yield from self._tabular(file).batches(file, reading)

    def _tabular(self, file: TabularFile) -> Tabular:
        texts = {
            name: column_text(name, is_typed=file.head.is_parquet) if name in file.names else "NULL::VARCHAR"
            for name in self.columns
        }
        columns = ", ".join(f"{text} AS {identifier(name)}" for name, text in texts.items())
        fingerprint = "fingerprint, " if "fingerprint" in f"{self.rows}{self.lineage}" else ""  # of a Parquet file it takes time
        records = f"WITH records AS (SELECT row, line, source_file, {fingerprint}{columns} FROM lines)"
        present = [name for name in file.names if name in self.columns] if file.head.is_parquet else file.names
        lineage = self.lineage and f"{records} {self.lineage}"
        return Tabular(self.source, present, f"{records} {self.rows}", self.conventions, lineage)
