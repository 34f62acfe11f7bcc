"""Which files may hold a request, so that a commit need not look for its keys in all of them.

Beside each large file lies the index of its keys: their hashes in order. A file never changes, so a key whose hash is not there
will never be in it. A file without an index may hold anything, and what is in an index is looked for in the file itself: no number
depends on indexes. Of keys they know what a request's id has in common with those of its copies and parts (see `stem_sql`).
"""

from __future__ import annotations

import shutil
import uuid
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np

from usagecost.lake.checksums import checksum
from usagecost.lake.errors import note_unwritten
from usagecost.lake.staging import worker_count
from usagecost.lake.storage import Disk, Storage
from usagecost.lake.table import DataFile, local_paths

FOLDER = "_keys"
"""Beside the days of the requests; Delta leaves alone what begins with a low line. In it one folder for each way of hashing."""
HASHED_BY = f"2-duckdb-{duckdb.__version__}"
ENDING = ".npy"

LEAST_ROWS = 2_000
"""A smaller file is as quickly looked into as its index: one of 5,000 takes four times as long, and a lake has one for each day."""
MOST_HASHES = 50_000
"""More keys than these are as quickly looked for in the files: they are in many, and of each index all of it would be read."""


def stem_sql(request_id: str) -> str:
    """The SQL of what a request's id has in common with those of its copies and its parts: what is before the first colon."""
    return f"split_part({request_id}, ':', 1)"


def hash_sql(stem: str) -> str:
    """The SQL of the hash that indexes know, of a row with its ``source`` and a stem."""
    return f"hash(source, {stem})"


class KeyIndexes:
    """The indexes of one lake. ``store`` is where the requests are; beside those of an object store there are none."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._folder = store.folder / FOLDER / HASHED_BY if isinstance(store, Disk) else None

    def lacking(self, files: Iterable[DataFile]) -> list[DataFile]:
        """Those of the files that ought to have an index, and have none."""
        if self._folder is None:
            return []
        return [file for file in files if file.rows >= LEAST_ROWS and not _index(self._folder, file.name).exists()]

    def that_may_hold(self, hashes: np.ndarray, paths: Sequence[str]) -> list[str]:
        """Those of the files, by their paths, that may hold a key with one of the hashes."""
        if self._folder is None or len(hashes) > MOST_HASHES:
            return list(paths)
        sorted_hashes = np.sort(hashes)  # neighbours are looked for in the same place
        return [path for path in paths if _may_hold(_index(self._folder, path), sorted_hashes)]

    def write(self, con: duckdb.DuckDBPyConnection, staging: Path, files: Sequence[DataFile]) -> None:
        """Write the indexes of files. No number depends on them, so nothing is raised if it cannot be done."""
        folder = self._folder
        if folder is not None:
            with ThreadPoolExecutor(worker_count()) as pool:
                list(pool.map(lambda file: self._write(con, staging / uuid.uuid4().hex, folder, file), files))

    def remove_orphans(self) -> None:
        """Remove the indexes of files that are gone, and what killed processes or other ways of hashing have left.

        The caller is alone among the writers.
        """
        if self._folder is None or not self._folder.is_dir():
            return
        for folder in self._folder.parent.iterdir():
            if folder != self._folder:
                shutil.rmtree(folder, ignore_errors=True)
        stems = {path.stem for path in self._folder.parents[1].glob("*/*.parquet")}
        for path in self._folder.iterdir():
            if path.stem not in stems:
                path.unlink(missing_ok=True)

    def drop_damaged(self) -> None:
        """Remove the indexes that are not what was written, as a key that one knows no more would be stored twice."""
        for path in () if self._folder is None else self._folder.glob(f"*{ENDING}"):
            if not _is_intact(path):
                path.unlink(missing_ok=True)

    def _write(self, con: duckdb.DuckDBPyConnection, part: Path, folder: Path, file: DataFile) -> None:
        try:
            with con.cursor() as cursor:
                hashed = hash_sql(stem_sql("request_id"))
                (path,) = local_paths(self._store, [file])
                columns = cursor.execute(f"SELECT {hashed} AS hashed FROM read_parquet($file)", {"file": path}).fetchnumpy()
            with part.open("wb") as out:
                np.save(out, np.sort(columns["hashed"]))
            with part.open("ab") as out:
                out.write(bytes.fromhex(checksum(part)))
            Disk(folder).add(part, _index(folder, file.name).name)
        except (duckdb.Error, OSError):
            note_unwritten("The index of the keys in %s could not be written", file.name)


def _index(folder: Path, file: str) -> Path:
    return folder / f"{Path(file).stem}{ENDING}"


def _is_intact(index: Path) -> bool:
    """Whether an index is what was written: behind it stands its checksum, if no earlier version of the app has written it."""
    try:
        held = np.load(index, mmap_mode="r")
        content = index.read_bytes()
    except (OSError, ValueError):
        return False
    end = held.offset + held.nbytes
    return len(content) == end or content[end:] == zlib.crc32(content[:end]).to_bytes(4, "big")


def _may_hold(index: Path, hashes: np.ndarray) -> bool:
    """Whether one of the hashes is in an index, of which only what is asked for is read; true if it is not there, or damaged."""
    try:
        held = np.load(index, mmap_mode="r")
    except (OSError, ValueError):
        return True
    positions = np.searchsorted(held, hashes)
    in_range = positions < len(held)
    return bool((held[positions[in_range]] == hashes[in_range]).any())
