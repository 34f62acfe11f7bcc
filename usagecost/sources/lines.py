"""The lines of a text file in blocks, as Arrow tables: split and checked at the speed of memory, without a loop over rows.

A line that is no text (too long, damaged, not UTF-8) is replaced by a short one that no format takes for data, so that numbering
stays and whoever reads the lines meets it as a broken one; `LineBlock.unreadable` says what was wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from usagecost.sources.files import BLOCK_BYTES, PIECE_BYTES, ByteStream, DocumentStream, FileProblem, block_sizes
from usagecost.sources.protocol import MOST_RAW

MOST_LINE_BYTES = 16 << 20
MOST_OBJECT_BYTES = 128 << 20
"""Of a document: there one object may hold a whole trace."""

MOST_LINES = 1 << 18
"""Of a block: a line costs some memory and time however short it is."""
LINE_WEIGHT = 64

_OVERLONG_BYTES = 4 * MOST_RAW

UNREADABLE_LINE = b"unreadable line"

_NOT_UTF8 = "This line is not UTF-8: convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8."
_NUL = "There are NUL bytes in this line: it was damaged when it was written or copied. Get a whole copy of the file."


class Unreadable(NamedTuple):
    """What is wrong with a line, and its beginning."""

    reason: str
    raw: str


MOST_ROWS = 150_000
"""Rows that are read at once."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a file.

    ``table`` has the file's columns, and the row's number. ``unreadable`` are rows that could not be split into columns, by
    number; ``skipped`` counts lines that are none: the header, empty ones.
    """

    table: pa.Table
    numbers: np.ndarray
    bytes_read: int
    unreadable: Mapping[int, Unreadable] = field(default_factory=dict)
    skipped: int = 0


def evenly(table: pa.Table | pa.RecordBatch) -> Iterator[pa.Table | pa.RecordBatch]:
    """The table in pieces of at most `MOST_ROWS`, none much smaller than the others."""
    pieces = max(1, -(-table.num_rows // MOST_ROWS))
    size = -(-table.num_rows // pieces)
    for start in range(0, table.num_rows, size or 1):
        yield table.slice(start, size)


@dataclass(frozen=True)
class LineBlock:
    """Whole lines of a file: UTF-8, each ending in a newline, the first of them with the number ``first``."""

    text: bytes | memoryview
    first: int
    unreadable: dict[int, Unreadable] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many lines there are. The places of their ends are needed anyway; counting newlines would look at all bytes again."""
        return len(self.offsets) - 1

    @property
    def weight(self) -> int:
        """How much there is to work on, in bytes; many short lines are as much as fewer longer ones."""
        return max(len(self.text), LINE_WEIGHT * self.count)

    @cached_property
    def offsets(self) -> np.ndarray:
        """The places in the text where lines begin, and that where the last one ends."""
        return np.concatenate([[0], *_line_ends(self.text)]).astype(np.int32)

    def table(self) -> pa.Table:
        """One row = one line: its number, and its text with the newline."""
        texts = pa.StringArray.from_buffers(self.count, pa.py_buffer(self.offsets), pa.py_buffer(self.text))
        return pa.table({"line": np.arange(self.first, self.first + self.count), "text": texts})

    def all_begin_with(self, letter: str) -> bool:
        """Whether the first character of every line is this one. That of a blank line is its newline."""
        return bool((np.frombuffer(self.text, np.uint8)[self.offsets[:-1]] == ord(letter)).all())


def line_blocks(stream: ByteStream | DocumentStream, most_together: int = BLOCK_BYTES) -> Iterator[LineBlock]:
    """The lines of a file, about so many bytes at once. If it breaks off, those that are whole, and then FileProblem."""
    most_bytes = MOST_OBJECT_BYTES if isinstance(stream, DocumentStream) else MOST_LINE_BYTES
    first = 1
    for text, overlong in _whole_lines(stream, most_bytes, most_together):
        if len(text) or overlong:
            block = LineBlock(UNREADABLE_LINE + b"\n", first, {first: overlong}) if overlong else _checked(text, first)
            first += block.count  # counted here, where lines are read ahead
            yield from _in_parts(block)


def _in_parts(block: LineBlock) -> Iterator[LineBlock]:
    """The block, or several in its place where it has too many lines."""
    if block.count <= MOST_LINES:
        yield block
        return
    text = memoryview(block.text)
    for start in range(0, block.count, MOST_LINES):
        ends = block.offsets[start : start + MOST_LINES + 1]
        first = block.first + start
        unreadable = {line: problem for line, problem in block.unreadable.items() if first <= line < first + len(ends) - 1}
        yield LineBlock(text[int(ends[0]) : int(ends[-1])], first, unreadable)


def _line_ends(text: bytes | memoryview) -> Iterator[np.ndarray]:
    """The places after each newline; found piece by piece, as new memory costs more than looking at it."""
    letters = np.frombuffer(text, np.uint8)
    for start in range(0, len(letters), PIECE_BYTES):
        yield np.flatnonzero(letters[start : start + PIECE_BYTES] == ord("\n")) + start + 1


def _whole_lines(
    stream: ByteStream | DocumentStream, most_bytes: int, most_together: int
) -> Iterator[tuple[bytes | memoryview, Unreadable | None]]:
    """Text up to the end of a line; or, instead, of a line that is too long: what is wrong with it, and its beginning."""
    sizes = block_sizes(most_together)
    enough = next(sizes)
    complete: list[bytes] = []  # pieces of text that end with a line
    begun: list[bytes] = []  # what there is of the line that goes on
    size = length = 0
    for piece in stream:
        end = piece.find(b"\n") + 1
        length += end or len(piece)
        if length > most_bytes:
            begun = [b"".join([*begun, piece[: end or None]])[:_OVERLONG_BYTES]]
            if not end:
                continue
            yield _joined(complete), None
            yield b"", _overlong(length, begun[0], most_bytes)
            complete, begun, size, piece = [], [], 0, piece[end:]  # noqa: PLW2901
        if last := piece.rfind(b"\n") + 1:
            complete += [*begun, piece[:last]]
            size += sum(map(len, begun)) + last
            begun = []
        begun.append(piece[last:])
        length = sum(map(len, begun))
        if size >= enough:
            yield _joined(complete), None
            complete, size, enough = [], 0, next(sizes)
    yield _joined(complete), None
    if stream.problem:
        raise FileProblem(stream.problem)  # what was left of a line is not whole
    line = b"".join(begun)
    if length > most_bytes:
        yield b"", _overlong(length, line, most_bytes)
    elif line:
        yield line + b"\n", None


def _joined(pieces: list[bytes]) -> memoryview:
    """One text, in memory of Arrow's pool, which is used again: to be given memory anew takes longer than to read."""
    room = memoryview(pa.allocate_buffer(sum(map(len, pieces)))).cast("B")
    end = 0
    for piece in pieces:
        start, end = end, end + len(piece)
        room[start:end] = piece
    return room


def _overlong(length: int, start: bytes, most_bytes: int) -> Unreadable:
    size, most = f"{length / 1e6:.1f} MB", f"{most_bytes / 1e6:.1f} MB"
    reason = f"This line is {size} long, and only lines of up to {most} are read: let the log leave out the contents."
    return Unreadable(reason, start.decode(errors="replace")[:MOST_RAW])


def _checked(text: bytes | memoryview, first: int) -> LineBlock:
    """The block, once its lines are known to be text."""
    is_text = np.frombuffer(text, np.uint8).min() > 0 and _is_utf8(text)
    return LineBlock(text, first) if is_text else _without_damaged_lines(bytes(text), first)


def _is_utf8(text: bytes | memoryview) -> bool:
    array = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, len(text)], np.int32)), pa.py_buffer(text))
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _without_damaged_lines(text: bytes, first: int) -> LineBlock:
    """The block with lines that are not text replaced; NUL bytes around a line, which a rotated log has, are no damage."""
    lines = [line.strip(b"\0") for line in text.split(b"\n")]
    unreadable = {}
    for index, line in enumerate(lines):
        reason = _NUL if b"\0" in line else None if _is_decodable(line) else _NOT_UTF8
        if reason:
            unreadable[first + index] = Unreadable(reason, line[:_OVERLONG_BYTES].decode(errors="replace")[:MOST_RAW])
            lines[index] = UNREADABLE_LINE
    return LineBlock(b"\n".join(lines), first, unreadable)


def _is_decodable(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
