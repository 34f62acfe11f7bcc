"""Whether the log of a table is what was written: the CRC-32 of each of its entries and checkpoints, one a line, beside it.

Delta's log has no checksums, and what is read of it are numbers too. Without its newest entry a table would be the one of before.
A line has a checksum of its own: one that is cut or damaged says nothing, and neither does a lake of an earlier version of the app.
In an object store, which checks its objects, there are none.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from usagecost.lake.checksums import checksum
from usagecost.lake.storage import Disk, Storage, fsync, write_whole

NAME = "_log_checksums"
"""Beside the log: Delta leaves alone what begins with a low line."""
TAIL_BYTES = 64 << 10
"""Of the list, that tell of all entries since the last checkpoint."""
MOST_BYTES = 8 << 20
"""After which the older half is forgotten, of entries that a log has no more."""

_LINE = re.compile(rb"^((\d{20})\.(?:json|checkpoint\.parquet)) ([0-9a-f]{8}) ([0-9a-f]{8})$", re.MULTILINE)


def note_entry(place: Storage, version: int) -> None:
    """Note an entry of the log that was written, and the checkpoint of its version if there is one. The caller is alone."""
    if not isinstance(place, Disk):
        return
    names = [name for name in (f"{version:020}.json", f"{version:020}.checkpoint.parquet") if (_log(place) / name).exists()]
    said = [f"{name} {checksum(_log(place) / name)}" for name in names]
    path = place.folder / NAME
    with path.open("ab") as file:
        file.write("".join(f"\n{line} {zlib.crc32(line.encode()):08x}\n" for line in said).encode())
    fsync(path)
    if path.stat().st_size > MOST_BYTES:
        write_whole(path, path.read_bytes()[MOST_BYTES // 2 :])


def noted(place: Storage, tail: int | None = TAIL_BYTES) -> dict[str, str]:
    """The newest entries of the log that are noted, or all, with their checksums; none in a store, or of an earlier version."""
    if not isinstance(place, Disk):
        return {}
    try:
        with (place.folder / NAME).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - tail) if tail else 0)
            lines = _LINE.finditer(file.read())
    except FileNotFoundError:
        return {}
    return {
        line[1].decode(): line[3].decode() for line in lines if f"{zlib.crc32(b' '.join(line.group(1, 3))):08x}".encode() == line[4]
    }


def damaged(place: Storage, entries: Mapping[str, str], first: int = 0) -> list[str]:
    """Those of the entries, from a version on, that are there and not what was written."""
    if not isinstance(place, Disk):
        return []
    return [name for name, said in entries.items() if version_of(name) >= first and not _is(_log(place) / name, said)]


def version_of(name: str) -> int:
    """The version that an entry, or a checkpoint, is of."""
    return int(name[:20])


def last_checkpoint(entries: Iterable[str], version: int) -> int:
    """The newest version of which a checkpoint is noted, of those up to a version; 0 if none is."""
    found = (version_of(name) for name in entries if name.endswith(".parquet"))
    return max((one for one in found if one <= version), default=0)


def _log(place: Disk) -> Path:
    return place.folder / "_delta_log"


def _is(path: Path, said: str) -> bool:
    """Whether an entry is what was written; true of one that the log has no more."""
    try:
        return checksum(path) == said
    except FileNotFoundError:
        return True
