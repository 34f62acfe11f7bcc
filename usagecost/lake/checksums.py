"""Whether files are what was written: the CRC-32 of a file's bytes is the end of its name, and so it is in the commit.

DuckDB neither writes nor checks the checksums that Parquet has of its own, and a bit that has changed can change a number unseen.
Files that earlier versions of the app wrote have none, and are only known to be there.

Delta's log has no checksums either, and without its newest entry a table would be the one of before. So those of its entries and
checkpoints stand in a file beside it, one a line, which has a checksum of its own: a line that is cut or damaged says nothing. A
lake of an earlier version has no such file, and in an object store, which checks its objects, there is none.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from usagecost.lake.errors import LakeUnreadable
from usagecost.lake.storage import Disk, Storage, fsync, write_whole

_NAME = re.compile(r"-([0-9a-f]{8})\.parquet$")
_LINE = re.compile(rb"^((\d{20})\.(?:json|checkpoint\.parquet)) ([0-9a-f]{8}) ([0-9a-f]{8})$", re.MULTILINE)
BLOCK = 1 << 20
DAMAGE_ERRORS = (duckdb.Error, duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException, FileNotFoundError)
"""What is raised, among other things, where a file is not what was written."""

LOG_CHECKSUMS = "_log_checksums"
"""Beside the log: Delta leaves alone what begins with a low line."""
TAIL_BYTES = 64 << 10
"""Of the list, that tell of all entries since the last checkpoint."""
MOST_BYTES = 8 << 20
"""After which the older half is forgotten, of entries that a log has no more."""


@dataclass(frozen=True)
class Verified:
    """How many files were checked, how many have no checksum, and which are damaged or gone."""

    checked: int
    unchecked: int
    damaged: tuple[str, ...]


def checksum(path: str | Path) -> str:
    """The CRC-32 of a file's bytes, in eight hexadecimal digits."""
    crc = 0
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            crc = zlib.crc32(block, crc)
    return f"{crc:08x}"


def checksum_in(name: str) -> str | None:
    """The checksum that a file's name says; None if it says none."""
    match = _NAME.search(name)
    return match[1] if match else None


def is_intact(path: str | Path) -> bool:
    """Whether a file exists, and has the checksum that its name has, if any."""
    expected = checksum_in(str(path))
    try:
        return Path(path).is_file() if expected is None else checksum(path) == expected
    except FileNotFoundError:
        return False


def check_intact(paths: Iterable[str]) -> None:
    """Raises LakeUnreadable where a file that is to be written anew is not what was written, as its copy would seem to be."""
    for path in paths:
        if not is_intact(path):
            raise LakeUnreadable(damage_sentence("/".join(Path(path).parts[-3:])))


def damage_sentence(name: str) -> str:
    """Says that a file of a lake is damaged, and what helps."""
    return f"{name} is gone or damaged: restore it from a backup, or move the lake away and ingest the logs again."


def verify(store: Storage, files: Iterable[tuple[str, int]]) -> Verified:
    """Whether files of a table, given by name and size in bytes, are what was written.

    Of a remote lake they are fetched, anew if a copy is damaged. Raises LakeUnreachable.
    """
    checked, unchecked, damaged = 0, 0, []
    for name, size in files:
        if checksum_in(name) is None:
            unchecked += 1
        else:
            checked += 1
        if not _is_table_file_intact(store, name, size):
            store.forget([name])
            if not _is_table_file_intact(store, name, size):
                damaged.append(name)
    return Verified(checked, unchecked, tuple(damaged))


def _is_table_file_intact(store: Storage, name: str, size: int) -> bool:
    try:
        (path,) = store.paths([(name, size)])
        return is_intact(path) and Path(path).stat().st_size == size
    except LakeUnreadable:
        return False


def note_entry(store: Storage, version: int) -> None:
    """Note an entry of the log that was written, and the checkpoint of its version if there is one. The caller is alone."""
    if not isinstance(store, Disk):
        return
    names = [name for name in (f"{version:020}.json", f"{version:020}.checkpoint.parquet") if (_log(store) / name).exists()]
    lines = [f"{name} {checksum(_log(store) / name)}" for name in names]
    path = store.folder / LOG_CHECKSUMS
    with path.open("ab") as file:
        file.write("".join(f"\n{line} {zlib.crc32(line.encode()):08x}\n" for line in lines).encode())
    fsync(path)
    if path.stat().st_size > MOST_BYTES:
        write_whole(path, path.read_bytes()[MOST_BYTES // 2 :])


def noted_entries(store: Storage, tail: int | None = TAIL_BYTES) -> dict[str, str]:
    """The newest entries of the log that are noted, or all, with their checksums; none in a store, or of an earlier version."""
    if not isinstance(store, Disk):
        return {}
    try:
        with (store.folder / LOG_CHECKSUMS).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - tail) if tail else 0)
            lines = _LINE.finditer(file.read())
    except FileNotFoundError:
        return {}
    return {
        line[1].decode(): line[3].decode() for line in lines if f"{zlib.crc32(b' '.join(line.group(1, 3))):08x}".encode() == line[4]
    }


def damaged_entries(store: Storage, entries: Mapping[str, str], first: int = 0) -> list[str]:
    """Those of the entries, from a version on, that are there and not what was written."""
    if not isinstance(store, Disk):
        return []
    return [
        name for name, expected in entries.items() if entry_version(name) >= first and not _is_written(_log(store) / name, expected)
    ]


def entry_version(name: str) -> int:
    """The version that an entry, or a checkpoint, is of."""
    return int(name[:20])


def last_checkpoint(entries: Iterable[str], version: int) -> int:
    """The newest version of which a checkpoint is noted, of those up to a version; 0 if none is."""
    checkpoints = (entry_version(name) for name in entries if name.endswith(".parquet"))
    return max((candidate for candidate in checkpoints if candidate <= version), default=0)


def _log(store: Disk) -> Path:
    return store.folder / "_delta_log"


def _is_written(path: Path, expected: str) -> bool:
    """Whether an entry is what was written; true of one that the log has no more."""
    try:
        return checksum(path) == expected
    except FileNotFoundError:
        return True
