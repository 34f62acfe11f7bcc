"""DuckDB, in this process: the engine that is there without a setting.

Each query gets a cursor of its own and is fetched whole, so threads never share a result.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from usagecost.lake import Rolled, Snapshot
from usagecost.lake.checksums import DAMAGE_ERRORS, is_intact
from usagecost.lake.table import no_rows_sql, rows_sql

MEMORY_LIMIT = "2GB"
_DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When what is asked is given up, by the monotonic clock."""

# A relation would copy an answer once less, but plans each query twice, which is a third of what most answers take.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result")


class UnansweredError(Exception):
    """A query that could not be answered; its text says why and what to do."""


class FileLostError(UnansweredError):
    """A file that a query names is gone or damaged."""


def answer(
    sql: str,
    parameters: Mapping[str, Any],
    name: str,
    columns: pa.Schema,
    files: Sequence[str],
    origin: str,
    *,
    requests_only: bool = True,
) -> pa.Table:
    """The result of a query that names a table as ``{name}`` over its Parquet files; ``origin`` names what has them, for errors.

    Raises UnansweredError. If it is not ``requests_only``, the parameters name files of rollups too.
    """
    if files:
        relation, bound = rows_sql("$files", columns), {**parameters, "files": list(files)}
    else:
        relation, bound = f"({no_rows_sql(columns)})", dict(parameters)
    try:
        with _root().cursor() as cursor, _in_time(cursor):
            return cursor.execute(sql.replace(f"{{{name}}}", relation), bound).to_arrow_table()
    except duckdb.IOException as problem:
        raise FileLostError(_damage_sentence(files, origin)) from problem
    except duckdb.InterruptException as problem:
        raise UnansweredError("The question takes too long. Ask for fewer days.") from problem
    except duckdb.OutOfMemoryException as problem:
        raise UnansweredError(f"The question needs more than {MEMORY_LIMIT} of memory. Ask for fewer days.") from problem
    except duckdb.Error as problem:
        if type(problem) in DAMAGE_ERRORS and (sentence := _damage_sentence(files, origin, only_if_known=requests_only)):
            raise FileLostError(sentence) from problem
        raise


@contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Questions that this thread asks in the block are given up when its time is over."""
    before = _DEADLINE.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _DEADLINE.reset(before)


@contextmanager
def _in_time(cursor: duckdb.DuckDBPyConnection) -> Generator[None]:
    deadline = _DEADLINE.get()
    if deadline is None:
        yield
        return
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cursor.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # so that it does not interrupt what is asked next


def _damage_sentence(files: Sequence[str], origin: str, *, only_if_known: bool = False) -> str:
    """Which of the files is not what was written, in a sentence; if it is none of them, something in general, or nothing."""
    damaged = next((file for file in files if not is_intact(file)), None)
    if damaged:
        name = "/".join(Path(damaged).parts[-2:])
        return (
            f"{name}, a file of {origin}, is gone or damaged. Load the page again; if that does not help, restore it from a backup."
        )
    return "" if only_if_known else f"A file of {origin} is gone or damaged. Load the page again."


def rollups_sql(rolled: Rolled, snapshot: Snapshot) -> tuple[str, dict[str, Any]]:
    """A relation of the rows of rollups, and its parameters."""
    bound = {f"rollup_{number}": snapshot.rollups.paths(files) for number, files in enumerate(rolled.folders.values())}
    return f"({' UNION ALL '.join(f'SELECT {rolled.select} FROM read_parquet(${name})' for name in bound)})", bound


@cache
def _root() -> duckdb.DuckDBPyConnection:
    """The database that every cursor belongs to. It holds no data, only settings and the footers of the files it has read."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute(f"SET GLOBAL memory_limit = '{MEMORY_LIMIT}'")
    connection.execute(f"SET GLOBAL threads = {os.cpu_count() or 2}")
    connection.execute("SET GLOBAL parquet_metadata_cache = true")
    return connection
