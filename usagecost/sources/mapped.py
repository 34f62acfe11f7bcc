"""Logs that a mapping describes, in whatever form they come: rows of a table, JSON lines or an array, packed or not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from usagecost.sources.essentials import with_lacks
from usagecost.sources.expressions import check_expressions
from usagecost.sources.files import BLOCK_BYTES, FileProblem, Head
from usagecost.sources.jsonlines import JsonLines, fields_of_first_block
from usagecost.sources.lines import Rows
from usagecost.sources.mapping import GIVEN_COLUMNS, TableMapping, Variant, identity_mapping, read_mapping
from usagecost.sources.mapping_sql import Log, number_places, places_of, rows_sql
from usagecost.sources.number_styles import styles_of_file, styles_of_json, until_doubtful
from usagecost.sources.protocol import Batch, Reading, file_problem
from usagecost.sources.records import column_text, is_json, record_names
from usagecost.sources.sql import identifier
from usagecost.sources.tabular import Tabular, TabularFile, tabular_file

MOST_NAMES = 60
"""Columns that a sentence lists."""


class Mapped:
    """A format that a mapping describes, which is not looked at before it is needed."""

    def __init__(self, name: str, mapping: Callable[[], TableMapping]) -> None:
        self.name = name
        self._load = mapping

    @cached_property
    def mapping(self) -> TableMapping:
        """What is said of all its files."""
        return self._load()

    @property
    def title(self) -> str:
        """See Source."""
        return self.mapping.title or self.name

    @property
    def counts(self) -> str:
        """See Source."""
        return self.mapping.counts or _counts_in_words(self.mapping)

    def recognise(self, head: Head) -> str | None:
        """By names that stand together only there."""
        file_names = set(_names(head))
        for names in self.mapping.recognise:
            if _has(file_names, names):
                return f"{self.title}: {', '.join(name for choice in names for name in choice.split('|') if name in file_names)}"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one request; the line of column names and empty lines are skipped."""
        batches = self._batches(heads, reading)
        yield from with_lacks(batches, self.name, reading) if self.mapping.recognise else batches

    def _batches(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        for plan, group in groupby((self._planned(head, reading) for head in heads), key=itemgetter(0)):
            alike = (head for _, head in group)
            if isinstance(plan, JsonLines):
                yield from plan.batches(alike, reading)
            else:
                for head in alike:
                    yield from self._rows(head, reading) if plan is None else [file_problem(reading, self.name, head, plan)]

    def _planned(self, head: Head, reading: Reading) -> tuple[JsonLines | FileProblem | None, Head]:
        """How a file of JSON lines is read (those that are read alike are read together), or why it cannot be; None for others."""
        try:
            return (_json_lines(head, self._mapping(head, reading), reading) if is_json(head) else None), head
        except FileProblem as problem:
            return problem, head

    def _rows(self, head: Head, reading: Reading) -> Iterator[Batch]:
        try:
            mapping = self._mapping(head, reading)
            file = tabular_file(head, mapping.delimiter)
            if not mapping.recognise:
                present = [place for place in places_of(mapping) if place in file.names or place.split(".")[0] in file.names]
                _check_present(mapping, present, file.names)
            numbers = {place: is_count for place, is_count in _undeclared_numbers(mapping).items() if place in file.names}
            tabular, doubtful = _tabular(file, mapping, {}), list[Rows]()
            pieces = file.rows(tabular.columns)
            yield from tabular.batches(file, reading, until_doubtful(pieces, numbers, doubtful))
            if doubtful:
                yield from _tabular(file, mapping, styles_of_file(file, numbers)).batches(file, reading, chain(doubtful, pieces))
        except FileProblem as problem:
            yield file_problem(reading, self.name, head, problem)

    def _mapping(self, head: Head, reading: Reading) -> TableMapping:  # noqa: ARG002 - others look at the file with it
        """The mapping of one file."""
        return next((variant.mapping for variant in self.mapping.variants if _meets(head, variant)), self.mapping)


class Table(Mapped):
    """Any table (CSV, TSV, JSON lines, Parquet) whose columns have the record's names, as far as they are there."""

    def __init__(self) -> None:
        super().__init__("table", lambda: _OF_THE_RECORD)

    def recognise(self, head: Head) -> str | None:
        """By the record's column names: the time, and a count or the model."""
        try:
            names = set(column_names(head))
        except FileProblem:
            return None
        columns = [name for name in GIVEN_COLUMNS if name in names]
        is_table = "started_at" in names and names & {"model", "input_tokens", "output_tokens"}
        return f"a table with the record's columns {', '.join(columns)}" if is_table else None

    def _mapping(self, head: Head, reading: Reading) -> TableMapping:
        """The columns of the record that the file has."""
        names = fields_of_first_block(head, reading.con) if is_json(head) else tabular_file(head).names
        return identity_mapping([name for name in GIVEN_COLUMNS if name in names])


_OF_THE_RECORD = identity_mapping(
    GIVEN_COLUMNS,
    title="Tables: CSV, TSV, JSON lines, Parquet",
    counts="Columns with the record's names mean what the record means: input_tokens includes cache reads and cache writes, "
    "output_tokens includes reasoning. For a table that counts otherwise, map its columns.",
)


def _counts_in_words(mapping: TableMapping) -> str:
    """What a mapping says about the counts, in sentences."""
    conventions = mapping.conventions
    parts = (
        ("input_tokens", "cache_read_tokens", "cache reads", conventions.input_includes_cache_read),
        ("input_tokens", "cache_write_tokens", "cache writes", conventions.input_includes_cache_write),
        ("output_tokens", "output_reasoning_tokens", "reasoning", conventions.output_includes_reasoning),
    )
    sentences = [
        f"{whole} includes {words}: taken as it stands." if is_in else f"{whole} does not include {words}: {part} is added."
        for whole, part, words, is_in in parts
        if part in mapping.columns
    ]
    if "input_tokens" in mapping.columns and not sentences:
        return "input_tokens is taken as all input: the table tells nothing of caches."
    return " ".join(sentences) or "The table has no counts of tokens."


def mapped_by(mapping: TableMapping) -> Mapped:
    """Logs as a mapping that a person wrote describes them; raises MappingProblem."""
    check_expressions(mapping)
    return Mapped(mapping.source, lambda: mapping)


def gateway(name: str) -> Mapped:
    """Logs of which the mapping comes with the product, in gateways/."""
    return Mapped(name, lambda: read_mapping(Path(__file__).with_name("gateways") / f"{name}.toml"))


def _json_lines(head: Head, mapping: TableMapping, reading: Reading) -> JsonLines:
    """How a file of JSON lines is read."""
    places = places_of(mapping)
    log = _log_of_json(head, places)
    paths = {place: log.path(place) for place in places}
    if not mapping.recognise:
        _check_present(mapping, _present(head, paths), _json_fields(head))
    styles = styles_of_json(head, _undeclared_numbers(mapping), paths, reading.con)
    numbers = number_places(mapping)
    shape = {top: "JSON" if top in numbers else "VARCHAR" for top in log.tops}
    return JsonLines(mapping.source, shape, f", {rows_sql(mapping, log, styles)}", mapping.conventions)


def column_names(head: Head) -> list[str]:
    """The columns of a table; of JSON lines, the fields of its first lines. Raises FileProblem."""
    return _json_fields(head) if is_json(head) else list(tabular_file(head).names)


def _log_of_json(head: Head, places: Iterable[str]) -> Log:
    """The fields at the top of JSON lines, as far as they are read: a.b is such a field where one of the first lines has it."""
    tops = {place if "." not in place or any(place in line for line in head.objects) else place.split(".")[0] for place in places}
    return Log({top: f"record.{identifier(top)}" for top in sorted(tops)}, "json")


def _tabular(file: TabularFile, mapping: TableMapping, styles: Mapping[str, str]) -> Tabular:
    """How a file of rows and columns is read; `styles` say how its numbers are written."""
    is_typed = file.head.is_parquet
    log = Log({name: column_text(name, is_typed=is_typed) for name in file.names}, "typed" if is_typed else "text")
    tops = {log.path(place)[0] for place in places_of(mapping)}
    read = [name for name in file.names if name in tops]
    is_blank = f"coalesce({', '.join(map(identifier, file.names))}) IS NULL"
    rows = rows_sql(mapping, log, styles, None if is_typed else is_blank)
    places = {column: [place for place in value.places if place in file.names] for column, value in mapping.columns.items()}
    names = {**mapping.conventions.names, **{column: present[0] for column, present in places.items() if present}}
    conventions = replace(mapping.conventions, names=names)
    return Tabular(mapping.source, read if is_typed else file.names, f"WITH {rows}", conventions)


def _undeclared_numbers(mapping: TableMapping) -> dict[str, bool]:
    """The places of numbers of which the mapping does not say how they are written, and whether they are counts."""
    return {place: is_count for place, is_count in number_places(mapping).items() if place not in mapping.styles}


def _check_present(mapping: TableMapping, present: Collection[str], listed: Collection[str]) -> None:
    """Raises FileProblem if the table lacks all places of a value. Of a format that is recognised files may."""
    values = [(name, value.read_places) for name, value in mapping.columns.items()]
    values += [*mapping.fields.items(), *(("attributes", value.read_places) for value in mapping.attributes.values())]
    columns = f"Its columns are {', '.join(list(listed)[:MOST_NAMES])}{', …' if len(listed) > MOST_NAMES else ''}."
    for name, places in values:
        if places and not any(place in present for place in places):
            missing = " or ".join(map(repr, places))
            raise FileProblem(f"has no column {missing}, which the mapping names for {name}. {columns}")
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


def _present(head: Head, paths: Mapping[str, list[str]]) -> list[str]:
    """The names of those fields that JSON lines have. They need not be in the first of them, but in the first block."""
    listed = set(_json_fields(head))
    if paths.keys() <= listed:
        return list(paths)
    start = Head.of(head.path, BLOCK_BYTES).start
    return [name for name, path in paths.items() if name in listed or all(json.dumps(part).encode() in start for part in path)]


def _names(head: Head) -> Iterator[str]:
    """The columns of a file of rows, or the fields of its first JSON objects, those of objects in them as a.b."""
    yield from record_names(head)
    for line in head.objects if is_json(head) else ():
        yield from (f"{name}.{field}" for name, value in line.items() if isinstance(value, dict) for field in value)


def _has(file_names: Collection[str], names: Iterable[str]) -> bool:
    """Whether each of some names is among those of a file; a|b stands for one of both, !a for none such."""
    return all(
        (name[1:] not in file_names) if name.startswith("!") else any(choice in file_names for choice in name.split("|"))
        for name in names
    )


def _meets(head: Head, variant: Variant) -> bool:
    if variant.names:
        return _has(set(_names(head)), variant.names)
    return any(re.search(r"\.[0-9]*[1-9]|e-", str(number).lower()) for number in _first_values(head, variant.fraction or ""))


def _first_values(head: Head, column: str) -> list[Any]:
    """The values of a column in the first records of a file."""
    if is_json(head):
        return [value.get(column) for value in head.objects]
    try:
        file = tabular_file(head)
        with closing(file.rows([column] if column in file.names else [])) as pieces:
            first = next(iter(pieces), None)
    except FileProblem:
        return []
    return first.table[column].to_pylist() if first and column in first.table.column_names else []
