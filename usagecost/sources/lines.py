"""The lines of a text file in blocks, as Arrow tables: split and checked at the speed of memory, without a loop over rows.

A line that is no text (too long, damaged, not UTF-8) is replaced by a short one that no format takes for data, so that numbering
stays and whoever reads the lines meets it as a broken one; `LineBlock.unreadable` says what was wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from usagecost.sources.files import BLOCK_BYTES, ByteStream, FileProblem
from usagecost.sources.protocol import MOST_RAW, Reject

MOST_LINE_BYTES = BLOCK_BYTES
"""No line is longer than a block: one that is spans blocks."""

UNREADABLE_LINE = b"unreadable line"

_NOT_UTF8 = "This line is not UTF-8: convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8."
_NUL = "There are NUL bytes in this line: it was damaged when it was written or copied. Get a whole copy of the file."


@dataclass(frozen=True)
class LineBlock:
    """Whole lines of a file: UTF-8, each ending in a newline, the first of them with the number ``first``."""

    text: bytes
    first: int
    unreadable: dict[int, Reject] = field(default_factory=dict)

    def table(self) -> pa.Table:
        """One row = one line: its number, and its text with the newline."""
        ends = np.flatnonzero(np.frombuffer(self.text, np.uint8) == ord("\n")) + 1
        offsets = np.concatenate([[0], ends]).astype(np.int32)
        texts = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(self.text))
        return pa.table({"line": np.arange(self.first, self.first + len(ends)), "text": texts})


def line_blocks(stream: ByteStream) -> Iterator[LineBlock]:
    """The lines of a file. If it breaks off, all whole lines, and then FileProblem."""
    first = 1
    for text, too_long in _whole_lines(stream):
        if too_long:
            yield LineBlock(UNREADABLE_LINE + b"\n", first, {first: Reject(first, *too_long)})
            first += 1
        else:
            block = _checked(text, first)
            yield block
            first += block.text.count(b"\n")


def _whole_lines(stream: ByteStream) -> Iterator[tuple[bytes, tuple[str, str] | None]]:
    """Text that ends with its last line; or, instead, of one line that is too long: what is wrong with it, and its beginning."""
    open_line, dropped = b"", 0
    for block in stream:
        if dropped or len(open_line) + (block.find(b"\n") if b"\n" in block else len(block)) > MOST_LINE_BYTES:
            end = block.find(b"\n") + 1
            open_line, dropped = (open_line or block)[: 4 * MOST_RAW], (dropped or len(open_line)) + (end or len(block))
            if not end:
                continue
            yield b"", _too_long(dropped, open_line)
            block, open_line, dropped = block[end:], b"", 0  # noqa: PLW2901
        end = block.rfind(b"\n") + 1
        if end:
            yield open_line + block[:end], None
        open_line = block[end:] if end else open_line + block
    if dropped:
        yield b"", _too_long(dropped, open_line)
    elif open_line:
        yield open_line + b"\n", None
