"""Copies on this machine of a remote lake's Parquet files: those never change, so a copy is right as long as it is there.

DuckDB then reads a remote lake as it reads a local one, with all it knows of a file's statistics, and a file travels once however
often it is asked about. Several processes share the copies. Their room is bounded: those not asked for the longest go first.
"""

from __future__ import annotations

import math
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PARALLEL_FETCHES = 16
"""A store answers each request late, but many at once."""

IN_USE = 3600.0
"""Seconds for which a copy that was asked for stays, however full it is: a long merge reads what it asked for at its start."""
UNUSED = 7 * 86_400.0
"""Seconds after which a copy goes that nobody asked for, so that what the lake has forgotten is forgotten here too."""
MARKED_EVERY = 60.0
"""How exactly the time of use is kept, in seconds."""

Fetch = Callable[[str, Path], None]


class Copies:
    """The copies of one lake's files, in a folder of their own with the names they have in the lake."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._fetching = threading.Lock()
        self._trimmed = -math.inf

    def path(self, name: str) -> Path:
        """Where the copy of a file lies, or would."""
        return self._folder / name

    def new(self, name: str) -> Path:
        """The same, for who writes the file here first."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def paths(self, files: Sequence[tuple[str, int]], fetch: Fetch) -> list[str]:
        """The copies of files, given by name and size in bytes; those that are not here are fetched."""
        if self._missing(files):
            with self._fetching, ThreadPoolExecutor(PARALLEL_FETCHES) as pool:
                list(pool.map(lambda file: self._copy(*file, fetch), self._missing(files)))
        self.trim()
        return [str(self.path(name)) for name, _ in files]

    def forget(self, names: Iterable[str]) -> None:
        """Removes copies."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def trim(self) -> None:
        """Removes what nobody asks for any more, and what there is no room for; looks at most once a minute."""
        if time.monotonic() < self._trimmed + MARKED_EVERY:
            return
        self._trimmed = time.monotonic()
        now, room = time.time(), self._most_bytes
        for used, size, path in sorted(_files(self._folder), reverse=True):
            room -= size
            if now - used > UNUSED or (room < 0 and now - used > IN_USE):
                path.unlink(missing_ok=True)

    def _missing(self, files: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """The files without a whole copy; the others are marked as used."""
        return [(name, size) for name, size in files if not _is_here(self.path(name), size)]

    def _copy(self, name: str, size: int, fetch: Fetch) -> None:
        path = self.new(name)
        part = path.with_name(f"{path.name}.{uuid.uuid4()}.part")
        try:
            fetch(name, part)
            if part.stat().st_size != size:
                raise FileNotFoundError(f"{name} has another size than the log says")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _is_here(path: Path, size: int) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    now = time.time()
    if now - status.st_atime > MARKED_EVERY:
        os.utime(path, ns=(int(now * 1e9), status.st_mtime_ns))  # not the other time: DuckDB knows a file again by it
    return status.st_size == size


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """When each file was last asked for, its size, and itself."""
    files = []
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            try:
                about = path.stat()
            except FileNotFoundError:
                continue  # another process was faster
            files.append((about.st_atime, about.st_size, path))
    return files
