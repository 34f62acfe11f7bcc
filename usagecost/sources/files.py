"""A log file as plain bytes, whatever it is packed in, and what is wrong with a file in one sentence.

Files are unpacked while they are read, piece by piece, so that their size does not matter.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import Any

import pyarrow as pa

from usagecost.sources.documents import Splitter, is_document

BLOCK_BYTES = 16 << 20
"""What is worked on at once."""
FIRST_BLOCK_BYTES = 2 << 20
"""What is worked on at first, so that nothing waits long for a beginning; each block is twice the one before it, up to the most."""

PIECE_BYTES = 1 << 20
"""What is unpacked at once."""

_PACKED_BYTES = 1 << 16
"""What is read of a packed file at once: little, as what has been unpacked of a piece is lost when the rest of it is damaged."""

HEAD_BYTES = 256 << 10
HEAD_LINES = 20
MOST_DIGITS = 4_000

_UTF8_BOM = b"\xef\xbb\xbf"
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_UNREADABLE = {
    b"PK\x03\x04": "is a zip archive: unpack it first; gzip and zstd are read as they are.",
    b"BZh": "is packed with bzip2: unpack it first; gzip and zstd are read as they are.",
    b"\xfd7zXZ\x00": "is packed with xz: unpack it first; gzip and zstd are read as they are.",
    b"\xff\xfe": "is UTF-16: convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8.",
    b"\xfe\xff": "is UTF-16: convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8.",
}


class FileProblem(Exception):  # noqa: N818 - part of the file may be readable
    """What is wrong with a whole file and what would help: a clause that follows the file's name."""

    @property
    def sentence(self) -> str:
        """The clause with a subject."""
        return f"The file {self}"


class ByteStream:
    """The unpacked content of a file in pieces, without a byte order mark.

    When it ends, ``problem`` says why it could not be read, or not any further, as a FileProblem does. ``position`` is how far
    it was read, in bytes on disk. Of a file that somebody is writing to, what follows after ``end`` bytes of content is left out.
    """

    def __init__(self, path: Path, piece_bytes: int = PIECE_BYTES, end: int | None = None) -> None:
        self._path = path
        self._piece_bytes = piece_bytes
        self._end = end
        self.position = 0
        self.problem: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Piece after piece, none of them longer than was asked for."""
        is_empty = True
        try:
            with self._path.open("rb") as file:
                unpack = _unpacker(file.read(8))
                file.seek(0)
                for piece in _until(self._end, unpack(file, self._piece_bytes)):
                    text = piece.removeprefix(_UTF8_BOM) if is_empty else piece
                    is_empty = is_empty and not text
                    self.position = file.tell()
                    yield text
            self.problem = "is empty: there is nothing to read." if is_empty else None
        except FileProblem as problem:
            self.problem = str(problem)
        except FileNotFoundError:
            self.problem = "does not exist: check the path."
        except PermissionError:
            self.problem = "may not be read by this user: change its permissions."
        except OSError as error:
            self.problem = f"cannot be read: {error.strerror or error}."


def _until(end: int | None, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces up to so many bytes, or all."""
    if end is None:
        yield from pieces
        return
    for piece in pieces:
        yield piece[:end]
        end -= len(piece)
        if end <= 0:
            return


def block_sizes(most: int) -> Iterator[int]:
    """How much is worked on at once, block after block."""
    size = min(FIRST_BLOCK_BYTES, most)
    while True:
        yield size
        size = min(2 * size, most)


def is_packed(path: Path) -> bool:
    """Whether a file is one that is unpacked while it is read."""
    with path.open("rb") as file:
        return file.read(8).startswith((_GZIP, _ZSTD))


class DocumentStream:
    """A JSON document as lines, one object each, in the manner of a ByteStream."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.problem: str | None = None

    @property
    def position(self) -> int:
        """How far the file was read, in bytes on disk."""
        return self._stream.position

    def __iter__(self) -> Iterator[bytes]:
        """Piece after piece."""
        splitter = Splitter()
        for piece in self._stream:
            yield splitter.split(piece)
        if splitter.is_between:
            yield b"\n"  # the last object is whole, even where the document is not
        is_cut = "is cut off: its JSON ends in the middle. Get a whole copy of it." if splitter.is_open else None
        self.problem = self._stream.problem or is_cut


def _unpacker(magic: bytes) -> Callable[[BufferedReader, int], Iterator[bytes]]:
    for start, sentence in _UNREADABLE.items():
        if magic.startswith(start):
            raise FileProblem(sentence)
    if magic.startswith(_GZIP):
        return _gunzipped
    return _unzstandard if magic.startswith(_ZSTD) else _plain


def _plain(file: BufferedReader, most: int) -> Iterator[bytes]:
    while piece := file.read(most):
        yield piece


def _gunzipped(file: BufferedReader, most: int) -> Iterator[bytes]:
    """The members of a gzip file, one after the other; zeros after the last are padding."""
    member = zlib.decompressobj(wbits=31)
    packed = file.read(_PACKED_BYTES)
    while packed:
        try:
            piece = member.decompress(packed, most)
        except zlib.error:
            raise FileProblem("is damaged: its gzip data cannot be unpacked from some point on. Get a whole copy of it.") from None
        if piece:
            yield piece
        packed = member.unused_data.lstrip(b"\0") if member.eof else member.unconsumed_tail
        if member.eof and (packed := packed or file.read(_PACKED_BYTES).lstrip(b"\0")):
            member = zlib.decompressobj(wbits=31)
        packed = packed or file.read(_PACKED_BYTES)
    if not member.eof:
        raise FileProblem("is cut off: its gzip data ends in the middle. Get a whole copy of it.")


def _unzstandard(file: BufferedReader, most: int) -> Iterator[bytes]:
    try:
        with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd") as stream:
            while piece := stream.read(most):
                yield piece
    except OSError:
        raise FileProblem("is damaged or cut off: its zstd data cannot be unpacked to its end. Get a whole copy of it.") from None


@dataclass(frozen=True)
class Head:
    """The beginning of a file, unpacked: what a source recognises it by.

    ``name`` is for a file whose path means nothing, ``end`` for one that is read only so far: see ByteStream.
    """

    path: Path
    start: bytes
    is_whole: bool
    name: str | None = None
    end: int | None = None

    @classmethod
    def of(cls, path: Path, at_least: int = 0, name: str | None = None, end: int | None = None) -> Head:
        """The first lines of a file, or more of it; raises FileProblem if nothing can be read."""
        stream = ByteStream(path, HEAD_BYTES, end)
        start, lines, is_whole = bytearray(), 0, True
        splitter: Splitter | None = None
        for piece in stream:
            if not start and is_document(piece):
                splitter = Splitter()
            if len(start) >= BLOCK_BYTES or (lines >= HEAD_LINES and len(start) >= at_least):
                is_whole = False
                break
            start += piece
            lines += (splitter.split(piece) if splitter else piece).count(b"\n")
        if stream.problem and not start:
            raise FileProblem(stream.problem)
        return cls(path, bytes(start), is_whole and not stream.problem, name, end)

    @property
    def source_file(self) -> str:
        """The file's name in the lake."""
        return self.name or str(self.path.absolute())

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file; it has no lines then."""
        return self.start.startswith(_PARQUET)

    @cached_property
    def is_document(self) -> bool:
        """Whether it is JSON, but not one object a line."""
        return is_document(self.start)

    def stream(self) -> ByteStream | DocumentStream:
        """The content of the file; that of a document as one object a line."""
        stream = ByteStream(self.path, end=self.end)
        return DocumentStream(stream) if self.is_document else stream

    @cached_property
    def fingerprint(self) -> str:
        """Tells files apart by their first line, whatever their names and however much they grow.

        Only its ASCII characters count, so that a file that is converted to UTF-8 stays the same.
        """
        return fingerprint(*self.lines[:1])

    @cached_property
    def lines(self) -> list[str]:
        """The first lines that are whole, without those that are blank; of a document, its first objects."""
        start = Splitter().split(self.start) if self.is_document else self.start
        lines = start.decode(errors="replace").split("\n")
        return [line for line in (lines if self.is_whole else lines[:-1]) if line.strip("\0 \t\r")]

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """Those of its lines that are JSON objects."""
        return [value for value in map(_json, self.lines) if isinstance(value, dict)]


def _json(text: str) -> object:
    try:
        return json.loads(text.strip("\0"), parse_int=_whole_number)
    except (ValueError, RecursionError):
        return None


def _whole_number(digits: str) -> int | float:
    """A whole number; infinity where it has more digits than Python reads, so that its line is still known by its fields."""
    return int(digits) if len(digits) < MOST_DIGITS else float(digits)


def fingerprint(*texts: str) -> str:
    """A short name for some texts: 16 hexadecimal digits. Only their ASCII characters count."""
    return sha256("\n".join(texts).encode("ascii", "ignore")).hexdigest()[:16]
