"""Any table (CSV, TSV, JSON lines, Parquet): with the record's own column names, or with a mapping onto them."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from usagecost.sources.files import BLOCK_BYTES, FileProblem, Head
from usagecost.sources.jsonlines import JsonLines, fields_of_first_block
from usagecost.sources.mapping import GIVEN_COLUMNS, TableMapping
from usagecost.sources.number_styles import WatchedFile, styles_of_json
from usagecost.sources.protocol import BLANK, Batch, Reading, file_problem
from usagecost.sources.records import column_text, is_json, tabular_file
from usagecost.sources.sql import identifier, literal
from usagecost.sources.table_sql import JsonField, TextColumn, given_columns, number_columns
from usagecost.sources.tabular import Tabular, TabularFile

MOST_NAMES = 60
"""Columns that a sentence lists."""


class Table:
    """Tables with the record's own column names, or with a mapping."""

    name = "table"
    title = "Tables: CSV, TSV, JSON lines, Parquet"
    counts = (
        "Columns with the record's names mean what the record means: input_tokens includes cache reads and cache writes, "
        "output_tokens includes reasoning. For a table that counts otherwise, map its columns."
    )

    def __init__(self, mapping: TableMapping | None = None) -> None:
        self._mapping = mapping

    def recognise(self, head: Head) -> str | None:
        """By the record's column names: the time, and a count or the model."""
        try:
            names = set(column_names(head))
        except FileProblem:
            return None
        found = [name for name in GIVEN_COLUMNS if name in names]
        is_table = "started_at" in names and names & {"model", "input_tokens", "output_tokens"}
        return f"a table with the record's columns {', '.join(found)}" if is_table else None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one request; the line of column names and empty lines are skipped."""
        for plan, group in groupby((self._planned(head, reading) for head in heads), key=itemgetter(0)):
            alike = (head for _, head in group)
            if isinstance(plan, JsonLines):
                yield from plan.batches(alike, reading)
            else:
                for head in alike:
                    yield from self._rows(head, reading) if plan is None else [self._problem(head, plan, reading)]

    def _planned(self, head: Head, reading: Reading) -> tuple[JsonLines | FileProblem | None, Head]:
        """How a file of JSON lines is read (those that are read alike are read together), or why it cannot be; None for others."""
        try:
            return (_json_lines(head, self._mapping, reading) if is_json(head) else None), head
        except FileProblem as problem:
            return problem, head

    def _rows(self, head: Head, reading: Reading) -> Iterator[Batch]:
        try:
            file = tabular_file(head, self._mapping.delimiter if self._mapping else None)
            mapping = _checked_mapping(file, self._mapping)
            watched = WatchedFile(file, number_columns(mapping))
            yield from _tabular(file, mapping, {}).batches(watched, reading)
            if watched.rest:
                yield from _tabular(file, mapping, watched.styles()).batches(watched.rest_of_file(), reading)
        except FileProblem as problem:
            yield self._problem(head, problem, reading)

    def _problem(self, head: Head, problem: FileProblem, reading: Reading) -> Batch:
        return file_problem(reading, self._mapping.source if self._mapping else self.name, head, problem)


def _json_lines(head: Head, given: TableMapping | None, reading: Reading) -> JsonLines:
    """How a file of JSON lines is read."""
    mapping = given or _mapping_of_fields(head, reading)
    paths = {name: _path(head, name) for name in mapping.names}
    present = _present(head, paths) if given else list(paths)
    _check_present(mapping, present, _json_fields(head))
    numbers = number_columns(mapping)
    styles = styles_of_json(head, numbers, paths, reading.con)
    fields = {
        name: JsonField(".".join(["record", *map(identifier, path)]), is_number=name in numbers) for name, path in paths.items()
    }
    rows = _rows_sql(mapping, given_columns(mapping, fields, styles))
    shape = _shape({name: "JSON" if name in numbers else "VARCHAR" for name in paths}, paths)
    return JsonLines(mapping.source, shape, rows, mapping.conventions)


def _checked_mapping(file: TabularFile, given: TableMapping | None) -> TableMapping:
    """The mapping of a file of rows and columns; raises FileProblem if the file lacks a column of it."""
    mapping = given or TableMapping({name: name for name in GIVEN_COLUMNS if name in file.names})
    _check_present(mapping, file.names, file.names)
    return mapping


def _tabular(file: TabularFile, mapping: TableMapping, styles: Mapping[str, str]) -> Tabular:
    """How a file of rows and columns is read; `styles` say how its numbers are written."""
    is_typed = file.head.is_parquet
    columns = {name: TextColumn(column_text(name, is_typed=is_typed), is_typed=is_typed) for name in mapping.names}
    is_blank = f"coalesce({', '.join(map(identifier, file.names))}) IS NULL"
    skipped = "" if is_typed else f"CASE WHEN {is_blank} THEN {literal(BLANK)} END AS skipped,"
    rows = _rows_sql(mapping, given_columns(mapping, columns, styles), skipped)
    return Tabular(mapping.source, mapping.names if is_typed else file.names, rows, mapping.conventions)


def column_names(head: Head) -> list[str]:
    """The columns of a table; of JSON lines, the fields of its first lines. Raises FileProblem."""
    return _json_fields(head) if is_json(head) else list(tabular_file(head).names)


def _rows_sql(mapping: TableMapping, given: Mapping[str, str], skipped: str = "") -> str:
    """The SELECT of canonical columns from `lines`; of those that the mapping has as constants, these."""
    constants = {column: literal(value) for column, value in mapping.constants.items()}
    columns = {"request_id": "fingerprint || '-' || line", **given, **constants}
    items = ", ".join(f"{text} AS {column}" for column, text in columns.items())
    return f"SELECT row, source_file, {skipped} {items} FROM lines"


def _check_present(mapping: TableMapping, present: Collection[str], listed: Collection[str]) -> None:
    """Raises FileProblem if the table lacks a column that is read."""
    wanted = {**{name: column for column, name in mapping.columns.items()}, **dict.fromkeys(mapping.attributes, "attributes")}
    missing = next((name for name in wanted if name not in present), None)
    columns = f"Its columns are {', '.join(list(listed)[:MOST_NAMES])}{', …' if len(listed) > MOST_NAMES else ''}."
    if missing is not None:
        raise FileProblem(f"has no column {missing!r}, which the mapping names for {wanted[missing]}. {columns}")
    if "started_at" not in mapping.columns:
        raise FileProblem(
            f"has no column started_at. {columns} Say in a mapping which of them holds the time, and pass it with --mapping."
        )


def _json_fields(head: Head) -> list[str]:
    """The fields of the first lines, with those of objects in them as a.b."""
    names: dict[str, None] = {}
    for line in head.objects:
        for name, value in line.items():
            names[name] = None
            names |= dict.fromkeys(f"{name}.{inner}" for inner in value) if isinstance(value, dict) else {}
    return list(names)


def _path(head: Head, name: str) -> list[str]:
    """Where a field is: a.b is the field b of the object a, unless there is a field of that name."""
    return [name] if any(name in line for line in head.objects) else name.split(".")


def _mapping_of_fields(head: Head, reading: Reading) -> TableMapping:
    """The record's columns among the fields of JSON lines."""
    fields = fields_of_first_block(head, reading.con)
    return TableMapping({name: name for name in GIVEN_COLUMNS if name in fields})


def _present(head: Head, paths: Mapping[str, list[str]]) -> list[str]:
    """The names of those fields that JSON lines have. They need not be in the first of them, but in the first block."""
    start = Head.of(head.path, BLOCK_BYTES).start
    return [name for name, path in paths.items() if all(json.dumps(part).encode() in start for part in path)]


def _shape(kinds: Mapping[str, str], paths: Mapping[str, list[str]]) -> dict[str, Any]:
    """The shape of lines that have fields of these kinds at these paths."""
    shape: dict[str, Any] = {}
    for field, path in paths.items():
        inner = shape
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise FileProblem(f"cannot be read with this mapping: it names both {name!r} and a field in it. Keep one of them.")
        if isinstance(inner.get(path[-1]), dict):
            raise FileProblem(f"cannot be read with this mapping: it names both {path[-1]!r} and a field in it. Keep one of them.")
        inner[path[-1]] = kinds[field]
    return shape
