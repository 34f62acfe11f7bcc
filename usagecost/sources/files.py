"""A log file as plain bytes, whatever it is packed in, and what is wrong with a file in one sentence.

Files are unpacked while they are read, in blocks, so that their size does not matter.
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

BLOCK_BYTES = 16 << 20
PIECE_BYTES = 1 << 20
_PACKED_BYTES = 1 << 16
"""Little, as what has been unpacked of a piece is lost when the rest of it is damaged."""

HEAD_BYTES = 256 << 10
HEAD_LINES = 20

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
    """The unpacked content of a file in blocks of at most `BLOCK_BYTES`, without a byte order mark.

    Iterating raises FileProblem where the file cannot be read, or not any further; ``position`` is how far it was read, in
    bytes on disk.
    """

    def __init__(self, path: Path, block_bytes: int = BLOCK_BYTES) -> None:
        self._path = path
        self._block_bytes = block_bytes
        self._piece_bytes = min(PIECE_BYTES, block_bytes)
        self._problem: FileProblem | None = None
        self.position = 0

    def __iter__(self) -> Iterator[bytes]:
        """Block after block; an empty file has none."""
        gathered: list[bytes] = []
        is_empty = True
        for piece in self._pieces():
            gathered.append(piece.removeprefix(_UTF8_BOM) if is_empty else piece)
            is_empty = is_empty and not gathered[-1]
            if sum(map(len, gathered)) > self._block_bytes - self._piece_bytes:
                yield b"".join(gathered)
                gathered.clear()
        if any(gathered):
            yield b"".join(gathered)
        if self._problem or is_empty:
            raise self._problem or FileProblem("is empty: there is nothing to read.")

    def _pieces(self) -> Iterator[bytes]:
        """The unpacked content as it comes; if it ends too early, the problem is set."""
        try:
            with self._path.open("rb") as file:
                unpack = _unpacker(file.read(8))
                file.seek(0)
                for piece in unpack(file, self._piece_bytes):
                    self.position = file.tell()
                    yield piece
        except FileProblem as problem:
            self._problem = problem
        except FileNotFoundError:
            self._problem = FileProblem("does not exist: check the path.")
        except PermissionError:
            self._problem = FileProblem("may not be read by this user: change its permissions.")
        except OSError as error:
            self._problem = FileProblem(f"cannot be read: {error.strerror or error}.")


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
    """The beginning of a file, unpacked: what a source recognises it by."""

    path: Path
    start: bytes
    is_whole: bool

    @classmethod
    def of(cls, path: Path) -> Head:
        """The first lines of a file; raises FileProblem if nothing can be read of it."""
        blocks = iter(ByteStream(path, HEAD_BYTES))
        start = next(blocks)
        is_whole = False
        try:
            while start.count(b"\n") < HEAD_LINES and len(start) < BLOCK_BYTES and not is_whole:
                block = next(blocks, b"")
                start, is_whole = start + block, not block
        except FileProblem:  # reading will meet it again, after all that can be read before it
            pass
        return cls(path, start, is_whole)

    @property
    def source_file(self) -> str:
        """The file's name in the lake."""
        return str(self.path.absolute())

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file; it has no lines then."""
        return self.start.startswith(_PARQUET)

    @cached_property
    def fingerprint(self) -> str:
        """Tells files apart by their first line, whatever their names and however much they grow.

        Only its ASCII characters count, so that a file that is converted to UTF-8 stays the same.
        """
        return fingerprint(*self.lines[:1])

    @cached_property
    def lines(self) -> list[str]:
        """The first lines that are whole, without those that are blank."""
        lines = self.start.decode(errors="replace").split("\n")
        return [line for line in (lines if self.is_whole else lines[:-1]) if line.strip("\0 \t\r")]

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """Those of its lines that are JSON objects."""
        return [value for value in map(_json, self.lines) if isinstance(value, dict)]


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def fingerprint(*texts: str) -> str:
    """A short name for some texts: 16 hexadecimal digits. Only their ASCII characters count."""
    return sha256("\n".join(texts).encode("ascii", "ignore")).hexdigest()[:16]
