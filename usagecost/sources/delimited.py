"""Text with delimiters (CSV, TSV, …), read in blocks into Arrow tables of text."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from usagecost.sources.files import PIECE_BYTES, ByteStream, FileProblem, Head, fingerprint
from usagecost.sources.lines import UNREADABLE_LINE, Rows, Unreadable, evenly, line_blocks

TOGETHER_BYTES = 12 << 20
"""What Arrow parses at once, of which it keeps several."""

DELIMITERS = ",;\t|"

MOST_SAMPLE_LINES = 1_000
"""Lines by which the layout is found out."""
MOST_COLUMNS = 10_000
"""What has more of them is no table."""

_BEFORE_NAMES = re.compile(rb"(?:[\0 \t\r]*\n)*(?:sep=([,;\t|])\r?\n)?", re.IGNORECASE)
"""Empty lines, and the line in which spreadsheets say the delimiter."""

_UNREADABLE_ROW = UNREADABLE_LINE.decode()


@dataclass(frozen=True)
class Layout:
    """The delimiter of a file, the names of its columns, and how many lines stand before these."""

    delimiter: str
    names: tuple[str, ...]
    first_row: tuple[str, ...]
    before: int


class DelimitedFile:
    """A text file with a line of column names; its delimiter is found out, unless it is given.

    Making one raises FileProblem if it has no such line.
    """

    def __init__(self, head: Head, delimiter: str | None = None) -> None:
        self.head = head
        self._layout = _layout(head, delimiter)
        self.names = self._layout.names
        if not self.names:
            raise FileProblem("does not begin with a line of column names.")
        self.fingerprint = fingerprint(*self.names, *self._layout.first_row)

    def rows(self, columns: Collection[str]) -> Generator[Rows]:  # noqa: ARG002 - the others cost nothing
        """All columns of its rows as text. Numbers are of lines, as if no text had newlines in it."""
        yield from _delimited_rows(self.head, self._layout)


def _layout(head: Head, delimiter: str | None = None) -> Layout:
    """How the file is laid out: by the delimiter that cuts most of its first lines into as many fields as the first."""
    before = _BEFORE_NAMES.match(head.start)
    declared_delimiter = before[1].decode() if before and before[1] else None
    lines = head.lines[bool(declared_delimiter) : MOST_SAMPLE_LINES]
    rows = {cut: _fields(lines, cut) for cut in delimiter or declared_delimiter or DELIMITERS}
    cut = max(rows, key=lambda cut: _regularity(rows[cut]))
    first = rows[cut][:2]
    count = before[0].count(b"\n") if before else 0
    return Layout(cut, _unique_names(first[0]) if first else (), tuple(first[1]) if first[1:] else (), count)


def _fields(lines: list[str], delimiter: str) -> list[list[str]]:
    """The fields of lines; none where the first one has too many, and what comes before another one that has."""
    few = takewhile(lambda line: line.count(delimiter) < MOST_COLUMNS, lines)
    try:
        return list(csv.reader((line.replace("\r", "") for line in few), delimiter=delimiter))
    except csv.Error:  # a field that is no field, because this is not the delimiter, or no such file
        return []


def _regularity(rows: list[list[str]]) -> tuple[int, int]:
    width = len(rows[0]) if rows else 0
    return (sum(len(row) == width for row in rows) if width > 1 else 0), width


def _unique_names(header: list[str]) -> tuple[str, ...]:
    """The names in a header; one that is there twice, or empty, is told apart by its place."""
    names: dict[str, None] = {}
    for number, name in enumerate(header, 1):
        name = name.strip().strip("\0")  # noqa: PLW2901
        names[name if name and name not in names else f"{name or 'column'} ({number})"] = None
    return tuple(names)


def _delimited_rows(head: Head, form: Layout) -> Iterator[Rows]:
    """The rows of a file. If it cannot be read on, all before that, and then FileProblem."""
    text = _Text(head, form)
    count = _RowCount(form, text)
    try:
        with arrow_csv.open_csv(
            text,
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=TOGETHER_BYTES, column_names=list(form.names), skip_rows_after_names=1 + form.before
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=form.delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=count.leave_out
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(form.names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                check_utf8=False,  # whoever gives the lines has done so
            ),
        ) as reader:
            for block in reader:
                for piece in evenly(block):
                    yield count.rows(pa.Table.from_batches([piece]))
    except pa.ArrowInvalid:
        text.problem = text.problem or (
            f"cannot be read after row {count.number}: a field in quotation marks does not end. Correct the file there."
        )
    yield count.rows(pa.schema([(name, pa.string()) for name in form.names]).empty_table())
    if text.problem:
        raise FileProblem(text.problem)


class _Text:
    """The lines of a file as Arrow reads a file; ``unreadable`` are those it will meet, ``problem`` says why it ends early.

    It keeps no exception: Arrow holds on to it, and an exception to everything that it has passed.
    """

    closed = False

    def __init__(self, head: Head, form: Layout) -> None:
        self._form = form
        self._stream = ByteStream(head.path)
        self._blocks = line_blocks(self._stream, TOGETHER_BYTES - 2 * PIECE_BYTES)  # whole in one answer, without a small rest
        self._rest: bytes | memoryview = b""
        self._reported = 0
        self.unreadable: deque[Unreadable] = deque()
        self.problem: str | None = None

    def read(self, size: int) -> bytes | memoryview:
        """The next bytes, at most so many; none at the end."""
        while not self._rest:
            try:
                block = next(self._blocks, None)
            except FileProblem as problem:
                self.problem, block = str(problem), None
            if block is None:
                return b""
            self.unreadable.extend(block.unreadable[line] for line in sorted(block.unreadable) if line > 1 + self._form.before)
            self._rest = block.text
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def bytes_read(self) -> int:
        """Of the file on disk, since the last question."""
        before, self._reported = self._reported, self._stream.position
        return self._reported - before

    def close(self) -> None:
        """Nothing to do: the file closes when it has been read, or is forgotten."""


class _RowCount:
    """Numbers the rows, those that are left out included; Arrow tells the numbers of only these."""

    def __init__(self, form: Layout, text: _Text) -> None:
        self._form = form
        self._text = text
        self._left_out: list[int] = []
        self._unreadable: dict[int, Unreadable] = {}
        self._skipped = self.number = 1 + form.before  # the header is no row

    def leave_out(self, row: arrow_csv.InvalidRow) -> str:
        """Remembers a row with another number of fields than the header's."""
        self._left_out.append(row.number)
        if not row.text.strip():
            self._skipped += 1
        elif row.text == _UNREADABLE_ROW and self._text.unreadable:
            self._unreadable[row.number] = self._text.unreadable.popleft()
        else:
            reason = (
                f"This row has {row.actual_columns} fields and the header {row.expected_columns}: it was cut off, "
                "or a delimiter or a quotation mark in it is not escaped."
            )
            self._unreadable[row.number] = Unreadable(reason, row.text)
        return "skip"

    def rows(self, table: pa.Table) -> Rows:
        """The next rows, and what has been left out so far."""
        left_out = np.array(self._left_out, np.int64)
        offsets = np.arange(table.num_rows)
        before = left_out - self.number - 1 - np.arange(len(left_out))
        numbers = self.number + 1 + offsets + np.searchsorted(before, offsets, side="right")
        self.number = int(numbers[-1]) if len(numbers) else self.number
        self._left_out = [number for number in self._left_out if number > self.number]
        rows = Rows(table, numbers, self._text.bytes_read(), self._unreadable, self._skipped)
        self._unreadable, self._skipped = {}, 0
        return rows
