"""Whether files are what was written: the CRC-32 of a file's bytes is the end of its name, and so it is in the commit.

DuckDB neither writes nor checks the checksums that Parquet has of its own, and a bit that has changed can change a number unseen.
Files that earlier versions of the app wrote have none, and are only known to be there.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from usagecost.lake.errors import LakeUnreadable
from usagecost.lake.storage import Storage

_NAME = re.compile(r"-([0-9a-f]{8})\.parquet$")
BLOCK = 1 << 20


@dataclass(frozen=True)
class Verified:
    """How many files were checked, how many have no checksum, and which are damaged or gone."""

    checked: int
    unchecked: int
    damaged: tuple[str, ...]


def checksum(path: str | Path) -> str:
    """The CRC-32 of a file's bytes, in eight hexadecimal digits."""
    found = 0
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            found = zlib.crc32(block, found)
    return f"{found:08x}"


def checksum_in(name: str) -> str | None:
    """The checksum that a file's name says; None if it says none."""
    found = _NAME.search(name)
    return found[1] if found else None


def is_whole(path: str | Path) -> bool:
    """Whether a file is there, and what was written as far as its name tells."""
    told = checksum_in(str(path))
    try:
        return Path(path).is_file() if told is None else checksum(path) == told
    except FileNotFoundError:
        return False


def verify(place: Storage, files: Iterable[tuple[str, int]]) -> Verified:
    """Whether files of a table, given by name and size in bytes, are what was written.

    Of a remote lake they are fetched, anew if a copy is damaged. Raises LakeUnreachable.
    """
    checked, unchecked, damaged = 0, 0, []
    for name, size in files:
        if checksum_in(name) is None:
            unchecked += 1
        else:
            checked += 1
        if not _is_whole(place, name, size):
            place.forget([name])
            if not _is_whole(place, name, size):
                damaged.append(name)
    return Verified(checked, unchecked, tuple(damaged))


def _is_whole(place: Storage, name: str, size: int) -> bool:
    try:
        (path,) = place.paths([(name, size)])
        return is_whole(path) and Path(path).stat().st_size == size
    except LakeUnreadable:
        return False
