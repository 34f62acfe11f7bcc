"""The lines of a text file in blocks, as Arrow tables: split and checked at the speed of memory, without a loop over rows.

A line that is no text (too long, damaged, not UTF-8) is replaced by a short one that no format takes for data, so that numbering
stays and whoever reads the lines meets it as a broken one; `LineBlock.unreadable` says what was wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from usagecost.sources.files import BLOCK_BYTES, PIECE_BYTES, ByteStream, DocumentStream, FileProblem
from usagecost.sources.protocol import MOST_RAW

MOST_LINE_BYTES = 16 << 20
MOST_OBJECT_BYTES = 128 << 20
"""Of a document: there one object may hold a whole trace."""

_KEPT_BYTES = 4 * MOST_RAW

UNREADABLE_LINE = b"unreadable line"

_NOT_UTF8 = "This line is not UTF-8: convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8."
_NUL = "There are NUL bytes in this line: it was damaged when it was written or copied. Get a whole copy of the file."


class Unreadable(NamedTuple):
    """What is wrong with a line, and its beginning."""

    reason: str
    raw: str


@dataclass(frozen=True)
class LineBlock:
    """Whole lines of a file: UTF-8, each ending in a newline, the first of them with the number ``first``."""

    text: bytes
    first: int
    unreadable: dict[int, Unreadable] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many lines there are. The places of their ends are needed anyway; counting newlines would look at all bytes again."""
        return len(self.offsets) - 1

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


def line_blocks(stream: ByteStream | DocumentStream) -> Iterator[LineBlock]:
    """The lines of a file. If it breaks off, those that are whole, and then FileProblem."""
    most_bytes = MOST_OBJECT_BYTES if isinstance(stream, DocumentStream) else MOST_LINE_BYTES
    first = 1
    for text, overlong in _whole_lines(stream, most_bytes):
        if text or overlong:
            block = LineBlock(UNREADABLE_LINE + b"\n", first, {first: overlong}) if overlong else _checked(text, first)
            yield block
            first += block.count


def _line_ends(text: bytes) -> Iterator[np.ndarray]:
    """The places after each newline; found piece by piece, as new memory costs more than looking at it."""
    letters = np.frombuffer(text, np.uint8)
    for start in range(0, len(letters), PIECE_BYTES):
        yield np.flatnonzero(letters[start : start + PIECE_BYTES] == ord("\n")) + start + 1


def _whole_lines(stream: ByteStream | DocumentStream, most_bytes: int) -> Iterator[tuple[bytes, Unreadable | None]]:
    """Text up to the end of a line; or, instead, of a line that is too long: what is wrong with it, and its beginning."""
    whole: list[bytes | memoryview] = []
    open_line: list[bytes] = []
    length = 0
    for piece in stream:
        end = piece.find(b"\n") + 1
        length += end or len(piece)
        if length > most_bytes:
            open_line = [b"".join((*open_line, piece[: end or None]))[:_KEPT_BYTES]]
            if not end:
                continue
            yield b"".join(whole), None
            yield b"", _overlong(length, open_line[0], most_bytes)
            piece, whole, open_line = piece[end:], [], []  # noqa: PLW2901
        last = piece.rfind(b"\n") + 1
        if last:
            whole += [*open_line, memoryview(piece)[:last]]
            open_line = []
        open_line.append(piece[last:])
        length = sum(map(len, open_line))
        if sum(map(len, whole)) >= BLOCK_BYTES:
            yield b"".join(whole), None
            whole = []
    yield b"".join(whole), None
    if stream.problem:
        raise FileProblem(stream.problem)  # what was left of a line is not whole
    if length > most_bytes:
        yield b"", _overlong(length, open_line[0], most_bytes)
    elif any(open_line):
        yield b"".join((*open_line, b"\n")), None


def _overlong(length: int, start: bytes, most_bytes: int) -> Unreadable:
    size, most = f"{length / 1e6:.1f} MB", f"{most_bytes / 1e6:.1f} MB"
    reason = f"This line is {size} long, and only lines of up to {most} are read: let the log leave out the contents."
    return Unreadable(reason, start.decode(errors="replace")[:MOST_RAW])


def _checked(text: bytes, first: int) -> LineBlock:
    """The block, once its lines are known to be text."""
    is_damaged = b"\0" in text or not _is_utf8(text)
    return _without_damaged_lines(text, first) if is_damaged else LineBlock(text, first)


def _is_utf8(text: bytes) -> bool:
    whole = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, len(text)], np.int32)), pa.py_buffer(text))
    try:
        whole.validate(full=True)
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
            unreadable[first + index] = Unreadable(reason, line[:_KEPT_BYTES].decode(errors="replace")[:MOST_RAW])
            lines[index] = UNREADABLE_LINE
    return LineBlock(b"\n".join(lines), first, unreadable)


def _is_decodable(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
