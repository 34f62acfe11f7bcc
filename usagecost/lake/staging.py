"""Where an ingest keeps what is not committed yet: a folder in the lake, and a DuckDB that spills there.

The folder is the ingest's own and goes when it ends. If its process dies, the next ingest removes it: a lock file beside it,
which the operating system frees when a process ends, tells the living from the dead.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from usagecost.lake.errors import LakeUnwritable, is_disk_full

MEMORY_LIMIT = "640MB"
"""Of a database; the whole process stays below a gigabyte then, also when a million requests of one day come at once."""
MOST_THREADS = 4
"""More threads than these would each hold buffers of their own within the same memory."""


@contextmanager
def staging_folder(parent: Path) -> Generator[Path]:
    """A new folder in ``parent`` for as long as the block runs."""
    folder = parent / str(uuid.uuid4())
    alive = FileLock(_lock_file(folder))
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(_lock_file(parent)):  # else a sweep could take the new lock file before its owner does
            _remove_abandoned(parent)
            alive.acquire()
        folder.mkdir()
    except OSError as error:
        alive.release()
        if is_disk_full(error):
            raise  # with what that means for the lake, by who knows
        raise LakeUnwritable(
            f"The lake in {parent.parent} cannot be written to ({error.strerror or error}): give this user the right to, "
            "or let USAGECOST_LAKE name another folder."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _lock_file(folder).unlink(missing_ok=True)
        alive.release()


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders whose process ended without doing so."""
    for lock_file in parent.glob("*.lock"):
        try:
            with FileLock(lock_file, timeout=0):
                shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
                lock_file.unlink(missing_ok=True)
        except Timeout:
            continue


@contextmanager
def bounded_database(folder: Path, *, keeps_order: bool = False) -> Generator[duckdb.DuckDBPyConnection]:
    """An empty database in UTC that keeps to `MEMORY_LIMIT` and puts the rest into ``folder``. If it ``keeps_order``, it gives rows
    in that in which they are stored.
    """
    con = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(folder / "spill"),
            "threads": worker_count(),
            "preserve_insertion_order": keeps_order,
        }
    )
    try:
        con.execute("SET enable_progress_bar = false")  # it would print into the report of whoever asked
        con.execute("SET GLOBAL TimeZone = 'UTC'")
        con.execute("SET GLOBAL parquet_metadata_cache = true")
        yield con
    finally:
        con.close()


def only_row(con: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object] | None = None) -> tuple[Any, ...]:
    """The row of a statement that yields exactly one."""
    (row,) = con.execute(query, values).fetchall()
    return row


def worker_count() -> int:
    """How many threads an ingest uses."""
    return min(MOST_THREADS, os.cpu_count() or 1)


def _lock_file(folder: Path) -> Path:
    return folder.with_suffix(".lock")
