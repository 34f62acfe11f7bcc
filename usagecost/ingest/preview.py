"""What files are and how they would be read, from their beginnings alone: nothing is loaded."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from usagecost.ingest.formats import Formats
from usagecost.ingest.priced import priced
from usagecost.lake import Lake
from usagecost.lake.staging import bounded_database
from usagecost.pricebook import current_book
from usagecost.pricing import Book
from usagecost.schema import REJECTS, REQUESTS
from usagecost.sources import FileProblem, Head, Reading, Source
from usagecost.sources.conventions import STATUSES
from usagecost.sources.mapped import column_names
from usagecost.sources.records import is_json
from usagecost.sources.sql import registered
from usagecost.sources.tabular import tabular_file
from usagecost.sources.wrappers import WRAPPED, unwrap_command

SHOWN_ROWS = 10
SHOWN_CHARACTERS = 300
"""Of a cell of the file; the whole may be a conversation."""

NO_FORMAT = "The file is of no known format, and no table of several columns."
UNREADABLE, MOST_UNREADABLE = "\N{REPLACEMENT CHARACTER}", 0.1
"""What stands for bytes that are no text, and the share of it in the names of a table's columns: what has more is no table."""

SAMPLE_ROWS = 1_000
"""For the words of a column."""


@dataclass(frozen=True)
class Inspection:
    """What a file seems to be.

    `fits` are the formats that recognise it, each with its reason, which follows "looks like". `columns` are those of a table,
    or the fields of its first JSON objects. `problem` says why it cannot be read at all, or as nothing that is known.
    """

    path: Path
    name: str
    bytes: int
    fits: tuple[tuple[Source, str], ...] = ()
    columns: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Preview:
    """The beginning of a file as it is and as it would be read.

    `raw`: one row a row of the file, its columns as text. `requests`: one row a request, priced, at most as many. Of the first
    batch, which is all of a small file, `lines` are read, `skipped` are by the format no requests, and `rejects` tell the rest.
    """

    raw: pa.Table
    requests: pa.Table
    rejects: pa.Table
    lines: int = 0
    skipped: int = 0


def look(path: Path, name: str, formats: Formats) -> Inspection:
    """What a file is, by its first lines."""
    size = path.stat().st_size
    try:
        head = Head.of(path, name=name)
    except FileProblem as problem:
        return Inspection(path, name, size, problem=problem.sentence)
    fits = tuple((source, why) for source in formats.sources.values() if (why := source.recognise(head)))
    if not fits and (command := unwrap_command(head)):
        return Inspection(path, name, size, problem=f"The file {WRAPPED.format(command)}")
    try:
        columns = tuple(column_names(head))
    except FileProblem as problem:
        return Inspection(path, name, size, fits, problem=None if fits else problem.sentence)
    is_table = len(columns) > 1 and "".join(columns).count(UNREADABLE) <= MOST_UNREADABLE * len("".join(columns))
    return Inspection(path, name, size, fits, columns, None if fits or is_table else NO_FORMAT)


def preview(path: Path, name: str, source: Source, lake: Lake) -> Preview:
    """How a source reads the first rows of a file, at the prices of a lake; raises FileProblem if nothing of it can be read."""
    head = Head.of(path, name=name)
    with TemporaryDirectory() as folder, bounded_database(Path(folder), keeps_order=True) as con:
        with closing(source.read([head], Reading(con, datetime.now(UTC)))) as batches:
            batch = next(batches, None)
        raw = raw_rows(head)
        if batch is None:
            return Preview(raw, REQUESTS.empty_table(), REJECTS.empty_table())
        requests = _priced(con, batch.requests.slice(0, SHOWN_ROWS), current_book(lake).book)
    return Preview(raw, requests, batch.rejects, batch.lines, batch.skipped)


def raw_rows(head: Head, most: int = SHOWN_ROWS) -> pa.Table:
    """The first rows of a table, or the first JSON objects, each column as text, cut where it is long."""
    if is_json(head):
        rows = head.objects[:most]
    else:
        file = tabular_file(head)
        with closing(file.rows(file.names)) as pieces:
            rows = next((piece.table.slice(0, most).to_pylist() for piece in pieces), [])
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in names})


def unknown_statuses(path: Path, column: str) -> list[str]:
    """The different words in a column of a table's first rows that say nothing about an outcome by themselves."""
    rows = raw_rows(Head.of(path), SAMPLE_ROWS)
    values = dict.fromkeys(rows[column].to_pylist()) if column in rows.column_names else {}
    return [value for value in values if value and value.lower() not in STATUSES and not value.isdecimal()]


def _priced(con: duckdb.DuckDBPyConnection, requests: pa.Table, book: Book) -> pa.Table:
    """The requests with their prices, in their order."""
    numbered = requests.append_column("place", pa.array(range(requests.num_rows), pa.int64()))
    with registered(con, "batch", numbered):
        rows = priced(con, "batch", book, ("place",))
    return rows.sort_by("place").select(REQUESTS.names).cast(REQUESTS)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
