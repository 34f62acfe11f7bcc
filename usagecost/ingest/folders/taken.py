"""Which files of a folder have been taken, kept beside the lake: a small JSON file, written after the commit.

A file rather than a table of the lake: what it says is about paths of this machine, a round has to cost nothing where nothing is
new, and losing it costs no more than reading the files again, which changes nothing. If the lake goes, it goes with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from usagecost.lake import LakeError
from usagecost.lake.storage import write_whole


class WatchedAlready(LakeError):  # noqa: N818 - the base is the error; this says which
    """Somebody else watches this folder for this lake."""


class Stamp(NamedTuple):
    """What shows that a file has changed."""

    size: int
    mtime_ns: int


def read_stamp(path: Path) -> Stamp | None:
    """The stamp of a file; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns)


class TakenFiles:
    """The files that have been taken, each with the stamp that it had before it was read."""

    def __init__(self, lake: Path, folder: Path) -> None:
        self._folder = str(folder.absolute())
        self._file = lake / "watch" / f"{sha256(self._folder.encode(errors='surrogateescape')).hexdigest()[:16]}.json"
        self._lock = FileLock(self._file.with_suffix(".lock"))
        self._stamps = _read(self._file)

    @property
    def stamps(self) -> Mapping[Path, Stamp]:
        """The files; none once the lake has gone."""
        return self._stamps if self._file.exists() else {}

    def own(self) -> None:
        """From now on nobody else may watch the folder for this lake; raises WatchedAlready if somebody does."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            if not self._lock.is_locked:
                self._lock.acquire(timeout=0)
                self._stamps = _read(self._file)
        except Timeout:
            raise WatchedAlready(f"Another process watches {self._folder} for this lake: end one of them.") from None

    def keep(self, new: Mapping[Path, Stamp], present: Iterable[Path]) -> None:
        """Adds files, on disk for good; those that are not in the folder any more are forgotten."""
        stamps = {**self.stamps, **new}
        stamps = {path: stamps[path] for path in present if path in stamps}
        record = {"folder": self._folder, "taken": {str(path): stamp for path, stamp in stamps.items()}}
        write_whole(self._file, json.dumps(record).encode())
        self._stamps = stamps


def _read(file: Path) -> dict[Path, Stamp]:
    """What was kept; nothing if there is no such file, or it is damaged."""
    try:
        entries = json.loads(file.read_bytes())["taken"]
        return {Path(path): Stamp(int(size), int(mtime_ns)) for path, (size, mtime_ns) in entries.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
