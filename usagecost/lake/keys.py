"""Which files may hold a request, so that a commit need not look for its keys in all of them.

Beside each large file lies a Bloom filter of the keys in it. A file never changes, so what its filter denies will never be in it.
A file without a filter may hold anything, and what a filter does not deny is looked for in the file itself: no number depends on
filters. Of keys they know what a request's id has in common with those of its copies and parts (see `stem_sql`).
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np

from usagecost.lake.atomic import fsync
from usagecost.lake.errors import note_unwritten
from usagecost.lake.staging import worker_count
from usagecost.lake.storage import Disk, Storage
from usagecost.lake.table import DataFile, local_paths

FOLDER = "_keys"
"""Beside the days of the requests; Delta leaves alone what begins with a low line. In it one folder for each way of hashing."""
HASHED_BY = f"1-duckdb-{duckdb.__version__}"
ENDING = ".npy"

LEAST_ROWS = 20_000
"""A smaller file is looked into as quickly as its filter."""
MOST_ASKED = 50_000
"""More keys than these are as quickly looked for in the files: they are in many, and of each filter all of it would be read."""

PROBES, BITS_OF_KEY = 12, 28
"""Of a million keys that are not in a file three are not denied."""
KEYS_OF_BLOCK = 1 << 18
"""A filter is made block by block, so that little memory is enough for it."""


def stem_sql(request_id: str) -> str:
    """The SQL of what a request's id has in common with those of its copies and its parts: what is before the first colon."""
    return f"split_part({request_id}, ':', 1)"


def hash_sql(stem: str) -> str:
    """The SQL of the hash that filters know, of a row with its ``source`` and a stem."""
    return f"hash(source, {stem})"


class KeyFilters:
    """The filters of one lake. ``place`` is where the requests are; beside those of an object store there are none."""

    def __init__(self, place: Storage) -> None:
        self._place = place
        self._folder = place.folder / FOLDER / HASHED_BY if isinstance(place, Disk) else None

    def lacking(self, files: Iterable[DataFile]) -> list[DataFile]:
        """Those of the files that ought to have a filter, and have none."""
        if self._folder is None:
            return []
        return [file for file in files if file.rows >= LEAST_ROWS and not self._path(file.name).exists()]

    def that_may_hold(self, hashes: np.ndarray, paths: Sequence[str]) -> list[str]:
        """Those of the files, by their paths, that may hold a key with one of the hashes."""
        if self._folder is None or len(hashes) > MOST_ASKED:
            return list(paths)
        return [path for path in paths if may_hold(_filter_in(self._path(path)), hashes)]

    def write(self, con: duckdb.DuckDBPyConnection, files: Sequence[DataFile]) -> None:
        """Write the filters of files. No number depends on them, so nothing is raised if it cannot be done."""
        if self._folder is None or not files:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(worker_count()) as pool:
            list(pool.map(lambda file: self._write(con, file), files))
        fsync(self._folder)

    def forget_gone(self) -> None:
        """Remove the filters of files that are gone, and what killed processes or other ways of hashing have left.

        The caller is alone among the writers.
        """
        if self._folder is None or not self._folder.is_dir():
            return
        for folder in self._folder.parent.iterdir():
            if folder != self._folder:
                shutil.rmtree(folder, ignore_errors=True)
        there = {path.stem for path in self._place.folder.glob("*/*.parquet")}
        for path in self._folder.iterdir():
            if path.stem not in there:
                path.unlink(missing_ok=True)

    def _write(self, con: duckdb.DuckDBPyConnection, file: DataFile) -> None:
        part = self._folder / f"{uuid.uuid4()}.part"
        try:
            with con.cursor() as cursor:
                hashed = hash_sql(stem_sql("request_id"))
                (path,) = local_paths(self._place, [file])
                found = cursor.execute(f"SELECT {hashed} AS hashed FROM read_parquet($file)", {"file": path}).fetchnumpy()
            with part.open("wb") as out:
                np.save(out, bloom_filter(found["hashed"]))
            fsync(part)
            part.replace(self._path(file.name))
        except (duckdb.Error, OSError):
            part.unlink(missing_ok=True)
            note_unwritten("The filter of the keys in %s could not be written", file.name)

    def _path(self, file: str) -> Path:
        return self._folder / f"{Path(file).stem}{ENDING}"


def bloom_filter(hashes: np.ndarray) -> np.ndarray:
    """The filter of some hashes (uint64): one row = the bits of a block, as bytes; the first bits of a hash say which block."""
    count = max(1, -(-len(hashes) // KEYS_OF_BLOCK))
    bits = 8 * -(-BITS_OF_KEY * max(1, len(hashes)) // (8 * count))
    block = _block(hashes, count)
    blocks = np.empty((count, bits // 8), np.uint8)
    for number in range(count):
        marked = np.zeros(bits, bool)
        for place in _places(hashes[block == number], bits):
            marked[place] = True
        blocks[number] = np.packbits(marked)
    return blocks


def may_hold(blocks: np.ndarray | None, hashes: np.ndarray) -> bool:
    """Whether the filter (None: there is none) does not deny all of the hashes."""
    if blocks is None:
        return True
    count, size = blocks.shape
    bits = size * 8
    for probe in range(PROBES):
        place = _block(hashes, count) * np.uint64(bits) + _place(hashes, probe, bits)
        byte, bit = blocks.reshape(-1)[place >> np.uint64(3)], np.uint8(7) - (place & np.uint64(7)).astype(np.uint8)
        hashes = hashes[(byte >> bit & 1).astype(bool)]
    return len(hashes) > 0


def _filter_in(path: Path) -> np.ndarray | None:
    """The filter in a file, of which only what is asked for is read; None if it is not there, or damaged."""
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        return None


def _block(hashes: np.ndarray, count: int) -> np.ndarray:
    return (hashes >> np.uint64(48)) * np.uint64(count) >> np.uint64(16)


def _places(hashes: np.ndarray, bits: int) -> Iterator[np.ndarray]:
    return (_place(hashes, probe, bits) for probe in range(PROBES))


def _place(hashes: np.ndarray, probe: int, bits: int) -> np.ndarray:
    """The bit of its block that a probe looks for, of each hash."""
    first, step = hashes & np.uint64(0xFFFFFFFF), hashes >> np.uint64(32)
    return (first + np.uint64(probe) * step) % np.uint64(bits)
