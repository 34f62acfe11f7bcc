"""Rollups are written: each is added up, and kept if there is room for it. No number depends on them.

All of a lake together take less room than its requests. So each file gives its own as much as it takes itself, and what it leaves
goes to others: on a quiet day users by models are hardly fewer than requests.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from threading import Lock

import duckdb

from usagecost.lake.checksums import checksum
from usagecost.lake.errors import LakeError, note_unwritten
from usagecost.lake.rollups import READ, Content
from usagecost.lake.storage import Storage
from usagecost.lake.table import REQUESTS, DataFile, rows_sql

CONTENT, NOT_WORTH_IT = "content.json", ".none"
"""What says in each folder what its files hold; and how the name of an empty file ends that says that there is none."""
MOST_OF_FILE, MOST_OF_LAKE = 0.5, 0.95
"""The share of the room of a file that a rollup may take, and that of the room of all requests that all rollups may."""
OPTIONS = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""Version 2 is read in two thirds of the time of version 1."""


@dataclass(frozen=True)
class Task:
    """A file of requests, the rollups that it lacks, by their folder, and how many bytes those that it has take."""

    file: DataFile
    lacking: Mapping[str, Content]
    used_bytes: int

    @property
    def spare_bytes(self) -> float:
        """How much of the room that it gives its rollups is left, in bytes."""
        return MOST_OF_LAKE * self.file.bytes - self.used_bytes

    @property
    def stem(self) -> str:
        """The file's name, without its folder and ending."""
        return Path(self.file.name).stem


class RollupWriter:
    """Writes rollups to a folder, by way of a staging one, from several threads; ``spare`` is the room (bytes) that other files
    leave them.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, staging: Path, folder: Storage, spare: float) -> None:
        self._con, self._staging, self._folder, self._spare = con, staging, folder, spare
        self._sharing = Lock()
        self._described: set[str] = set()
        """The folders that say what is in them: a store charges for each look."""

    def write(self, task: Task, path: str) -> bool:
        """Whether the rollups that a file lacks, which can be read at a path, could be written."""
        spare = task.spare_bytes
        try:
            with self._con.cursor() as cursor:
                rows = f"SELECT {', '.join(READ)} FROM {rows_sql('[$file]', REQUESTS.columns)}"
                cursor.execute(f"CREATE TEMP TABLE request AS {rows}", {"file": path})  # from memory it is quicker
                for name, content in task.lacking.items():
                    spare -= self._write_one(cursor, task, name, content, spare)
        except (duckdb.Error, OSError, LakeError):
            note_unwritten("The rollups of %s could not be written", task.file.name)
            return False
        self._share(spare)
        return True

    def _write_one(self, cursor: duckdb.DuckDBPyConnection, task: Task, name: str, content: Content, spare: float) -> float:
        """Writes a rollup, or that there is no room for it; returns how much it takes of what is ``spare`` of the file's own."""
        folder, part = self._folder / name, self._staging / uuid.uuid4().hex
        description = content.to_json().encode()
        if name not in self._described and folder.read(CONTENT) != description:
            part.write_bytes(description)
            folder.add(part, CONTENT)
        self._described.add(name)
        size = _copied(cursor, content, part)
        if size <= MOST_OF_FILE * task.file.bytes and (size <= spare or self._share(spare - size)):
            folder.add(part, f"{task.stem}-{checksum(part)}.parquet")
            return min(size, spare)
        part.write_bytes(b"")
        folder.add(part, f"{task.stem}{NOT_WORTH_IT}")
        return 0

    def _share(self, size: float) -> bool:
        """Gives room to others, or takes theirs if the size is negative; whether they had it."""
        with self._sharing:
            has_room = self._spare + size >= 0
            self._spare += size if has_room else 0
        return has_room


def _copied(cursor: duckdb.DuckDBPyConnection, content: Content, part: Path) -> float:
    """Writes a rollup; returns how many bytes it takes, more than there are where a sum is too large for its column."""
    try:
        cursor.execute(f"COPY ({content.rows_sql('request')}) TO $part ({OPTIONS})", {"part": str(part)})
    except duckdb.ConversionException:
        return inf
    return part.stat().st_size
