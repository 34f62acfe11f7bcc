"""Bills as files: which format a file is, and its lines as one table; a statement is read whole or not at all.

A file is recognised by its content: the columns of a table (CSV, Parquet) or the names in its first JSON value. It is read in
pieces, packed or not; what is kept in memory are the lines of the statement, of which there is a most. JSON that is one document is
taken as a whole, so it has a most of its own. A sentence about what cannot be read names the file, the line and the cure.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from usagecost import schema
from usagecost.bills.formats import FORMATS, Format
from usagecost.bills.formats.shape import Line, Notes, Row, TableFormat, Unreadable, fitted, flattened, key
from usagecost.bills.formats.words import forget
from usagecost.sources.delimited import DelimitedFile
from usagecost.sources.files import ByteStream, FileProblem, Head
from usagecost.sources.lines import line_blocks
from usagecost.sources.parquet import ParquetFile
from usagecost.vocabulary.formats import counted

MOST_LINES = 1_000_000
MOST_DOCUMENT_BYTES = 128 << 20
_TOGETHER = 20_000
"""Lines that are put into a table at once."""

_OF_THE_WHOLE = ("statement", "format", "covers_first", "covers_last", "as_of", "loaded_at")
_OF_A_LINE = pa.schema([column for column in schema.BILLS if column.name not in _OF_THE_WHOLE])
_DECIMALS = tuple(column.name for column in _OF_A_LINE if pa.types.is_decimal(column.type))
_REQUIRED = tuple(column.name for column in _OF_A_LINE if not column.nullable)
_NO_CONTENT = ("statement", "as_of", "source_file", "line", "loaded_at")
"""Columns that say where a line is from, not what it says."""


class BillProblem(Exception):  # noqa: N818 - a sentence for a person
    """Why a bill cannot be read and what would help."""


@dataclass(frozen=True)
class Bill:
    """A statement: its lines as schema.BILLS has them, without `loaded_at`, and how many lines were left out for which reason."""

    title: str
    lines: pa.Table
    left_out: Mapping[str, int]

    @property
    def statement(self) -> str:
        """The statement's id."""
        return self.lines["statement"][0].as_py()


def read_bill(files: Sequence[Path], *, name: str | None = None, account: str | None = None, as_of: datetime | None = None) -> Bill:
    """Read the files of one statement; raises BillProblem.

    `name` is the source file's name in the lake, by default its path. `account` is the account of lines that tell none. `as_of` is
    when the statement was made, by default what it tells, else when its files were changed last.
    """
    notes, tables = Notes(), defaultdict(list)
    for file in files:
        file_name = name or str(file.absolute())
        try:
            bill_format, values = _open(file)
            tables[bill_format].append(table_of(bill_format.lines(values, notes), file_name))
        except (Unreadable, FileProblem) as problem:
            _refuse(file, problem)
    if len({bill_format.name for bill_format in tables}) > 1:
        titles = " and ".join(bill_format.title for bill_format in tables)
        raise BillProblem(f"{files[0].name} and what lies beside it are of several formats ({titles}): load them one by one.")
    bill_format = next(iter(tables))
    changed = max(datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in files)
    try:
        return complete(bill_format, pa.concat_tables(tables[bill_format]), notes, as_of or notes.as_of or changed, account)
    except Unreadable as problem:
        _refuse(files[0], problem)


def _refuse(file: Path, problem: Exception) -> NoReturn:
    """Says what is wrong with a file."""
    says = str(problem)
    raise BillProblem(f"{file.name} {says}" if isinstance(problem, FileProblem) else f"{file.name}, {says}") from None


def complete(
    bill_format: Format,
    lines: pa.Table,
    notes: Notes,
    as_of: datetime,
    account: str | None,
    covers: tuple[date, date] | None = None,
) -> Bill:
    """The statement that lines are, with its id and the days that it covers; raises Unreadable if there are none.

    It covers the days that it tells, else those of its usage, else those of all lines: a fee for a year covers no year.
    """
    if not lines.num_rows:
        others = f": {counted(notes.left_out.total(), 'line')} of other services left out" if notes.left_out else ""
        raise Unreadable(f"it has no lines of models{others}. Export days on which models were used.")
    if account:
        place = lines.schema.get_field_index("account")
        lines = lines.set_column(place, lines.schema.field(place), pc.fill_null(lines["account"], account))
    first, last = covers or _covered(lines, notes)
    whole = {"format": bill_format.name, "covers_first": first, "covers_last": last, "as_of": as_of.astimezone(UTC)}
    for column, value in whole.items():
        field = schema.BILLS.field(column)
        lines = lines.append_column(field, pa.repeat(pa.scalar(value, field.type), lines.num_rows))
    field = schema.BILLS.field("statement")
    lines = lines.append_column(field, pa.repeat(pa.scalar(_id(lines), field.type), lines.num_rows))
    names = [column.name for column in schema.BILLS if column.name != "loaded_at"]
    return Bill(bill_format.title, lines.select(names), dict(notes.left_out.most_common()))


def _covered(lines: pa.Table, notes: Notes) -> tuple[date, date]:
    if notes.days:
        return min(notes.days), max(notes.days)
    usage = lines.filter(pc.equal(lines["kind"], "usage"))
    counted = usage if usage.num_rows else lines
    return pc.min(counted["first_day"]).as_py(), pc.max(counted["last_day"]).as_py()


def _id(lines: pa.Table) -> str:
    """The statement's id: 16 hexadecimal digits of what its lines say, in whatever order."""
    names = [column.name for column in schema.BILLS if column.name in lines.column_names and column.name not in _NO_CONTENT]
    batches = lines.select(names).to_batches(max_chunksize=_TOGETHER)
    rows = (str(row) for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    return sha256(b"".join(sorted(sha256(row.encode()).digest() for row in rows))).hexdigest()[:16]


def table_of(lines: Iterator[tuple[int, Line]], source_file: str) -> pa.Table:
    """The lines that a format reads as a table, as `complete` takes them; raises Unreadable."""
    forget()
    tables, count = [_OF_A_LINE.empty_table()], 0
    try:
        while some := list(islice(lines, _TOGETHER)):
            count += len(some)
            if count > MOST_LINES:
                raise Unreadable(f"it has more than {MOST_LINES:,} lines: export it by day instead of by hour, or month by month.")
            tables.append(pa.Table.from_pylist([_stored(number, line, source_file) for number, line in some], _OF_A_LINE))
    except RecursionError:
        raise Unreadable("its JSON has too many objects within each other: is this a bill?") from None
    return pa.concat_tables(tables)


def _stored(number: int, line: Line, source_file: str) -> Line:
    """A line with the file and the number, its numbers as they are stored."""
    line["source_file"], line["line"] = source_file, number
    try:
        for name in _REQUIRED:
            if line.get(name) is None:
                raise Unreadable(f"it has no {name.replace('_', ' ')}: export the bill with that column.")
        for name in _DECIMALS:
            if (value := line.get(name)) is not None:
                line[name] = fitted(value, name)
    except Unreadable as problem:
        raise Unreadable(f"line {number}: {problem}") from None
    return line


# ---- what stands in a file


def _open(file: Path) -> tuple[Format, Iterator[tuple[int, Any]]]:
    """The format of a file, and its rows or JSON values with their numbers; raises FileProblem or Unreadable."""
    head = Head.of(file)
    if head.is_parquet or not head.start.lstrip(b"\0 \t\r\n").startswith((b"{", b"[")):
        table = ParquetFile(head) if head.is_parquet else DelimitedFile(head)
        names = _flat(pq.read_schema(file).empty_table()).column_names if head.is_parquet else table.names
        bill_format = _recognised(dict.fromkeys(map(key, names)))
        return bill_format, _rows(table, bill_format.wanted if isinstance(bill_format, TableFormat) else frozenset())
    values = _json_values(head)
    first = next(values, (0, None))
    document = first[1] if isinstance(first[1], Mapping) else {}
    if document.get("data") == []:
        raise Unreadable("this answer has no lines: nothing was billed in its days.")
    return _recognised({**flattened(document), **document}), chain([first], values)


def _recognised(first: Mapping[str, Any]) -> Format:
    bill_format = next((bill_format for bill_format in FORMATS if bill_format.recognises(first)), None)
    if bill_format is None:
        titles = "; ".join(dict.fromkeys(bill_format.title for bill_format in FORMATS))
        raise Unreadable(f"this is no bill that is known here. Known are: {titles}.")
    return bill_format


def _rows(table: DelimitedFile | ParquetFile, keys: frozenset[str]) -> Iterator[tuple[int, Row]]:
    """The rows of a table, by the keys of those columns that are wanted."""
    names = [name for name in table.names if any(one.startswith(key(name)) for one in keys)]
    for rows in table.rows(names):
        for number, unreadable in rows.unreadable.items():
            raise Unreadable(f"line {number}: {unreadable.reason}")
        flat = _flat(rows.table.select(names))
        places = {key(name): place for place, name in reversed(list(enumerate(flat.column_names))) if key(name) in keys}
        columns = flat.select(list(places.values()))
        written_names = dict(zip(places, columns.column_names, strict=True))
        for number, values in zip(rows.numbers, columns.rename_columns(list(places)).to_pylist(), strict=True):
            row = Row(values)
            row.names = written_names
            yield int(number), row


def _flat(table: pa.Table) -> pa.Table:
    """The table with what lies in structs as columns of their own: service.description."""
    while any(pa.types.is_struct(column.type) for column in table.schema):
        table = table.flatten()
    return table


def _json_values(head: Head) -> Iterator[tuple[int, Any]]:
    """The values of JSON lines by their lines, or those of one document, numbered: of an array its elements."""
    first, _, rest = head.start.partition(b"\n")
    if rest.strip() and _parsed(first.decode(errors="replace")) is not None:
        for block in line_blocks(ByteStream(head.path)):
            for number, unreadable in block.unreadable.items():
                raise Unreadable(f"line {number}: {unreadable.reason}")
            for number, text in zip(*block.table().to_pydict().values(), strict=True):
                if text.strip():
                    if (value := _parsed(text)) is None:
                        raise Unreadable(f"line {number}: it is no JSON, or cut off. Get a whole copy of the file.")
                    yield number, value
        return
    stream, pieces, size = ByteStream(head.path), [], 0
    for piece in stream:
        size += len(piece)
        if size > MOST_DOCUMENT_BYTES:
            raise Unreadable(
                f"this is one JSON text of more than {MOST_DOCUMENT_BYTES >> 20} MB: export JSON lines, or fewer days."
            )
        pieces.append(piece)
    if stream.problem:
        raise FileProblem(stream.problem)
    text = b"".join(pieces).decode(errors="replace").strip("\0 \t\r\n\ufeff")
    yield from enumerate(_documents(text), 1)


def _documents(text: str) -> Iterator[Any]:
    """The values of a text that has one JSON document, or several one after the other."""
    while text:
        try:
            value, end = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            raise Unreadable("its JSON is damaged or cut off: save what the API answers as a whole.") from None
        yield from value if isinstance(value, list) else [value]
        text = text[end:].lstrip("\0 \t\r\n")


def _parsed(text: str) -> Any:
    """The value of a JSON text; None where it is none."""
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


_DECODER = json.JSONDecoder(parse_float=Decimal)
