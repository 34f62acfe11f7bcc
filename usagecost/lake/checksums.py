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

import duckdb

from usagecost.lake.errors import LakeUnreadable
from usagecost.lake.storage import Storage

_NAME = re.compile(r"-([0-9a-f]{8})\.parquet$")
BLOCK = 1 << 20
OF_DAMAGE = (duckdb.Error, duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException, FileNotFoundError)
"""What is raised, among other things, where a file is not what was written."""


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


def check_whole(paths: Iterable[str]) -> None:
    """Raises LakeUnreadable where a file that is to be written anew is not what was written, as its copy would seem to be."""
    for path in paths:
        if not is_whole(path):
            raise LakeUnreadable(damage_said("/".join(Path(path).parts[-3:])))


def damage_said(name: str) -> str:
    """That a file of a lake is damaged, and what helps."""
    return f"{name} is gone or damaged: restore it from a backup, or move the lake away and ingest the logs again."


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
