"""Runs SQL over a snapshot of the lake. DuckDB is embedded here; what differs between engines stays in this file.

A query names the requests as ``{requests}``, may name their instants as ``{instant_us}``, and binds its values as ``$name``. Each
query gets a cursor of its own and is fetched whole, so threads never share a result.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from usagecost.lake import Lake
from usagecost.schema import REJECTS, REQUESTS

MEMORY_LIMIT = "2GB"
OUTLET_MEMORY = "500MB"
BATCH_ROWS = 50_000


class UnansweredError(Exception):
    """A query that could not be answered; its text says why and what to do."""


INSTANT_US = "epoch_us(started_at)"
"""The instant of a request as an integer: microseconds since 1970, UTC."""


def whole_quotient(dividend: str, divisor: str) -> str:
    """The SQL of an integer division rounded down, for a dividend that is not negative."""
    return f"({dividend}) // ({divisor})"


def shuffled(*columns: str) -> str:
    """The SQL of a number that puts rows into an order that has nothing to do with what they say, always the same one."""
    return f"hash({', '.join(columns)})"


def table(
    sql: str, parameters: Mapping[str, Any], *, lake: str, version: int, first_day: date | None = None, last_day: date | None = None
) -> pa.Table:
    """The result of a query over the requests of the UTC days given: integers and decimals stay exact."""
    files = open_lake(lake).snapshot(version).files(first_day, last_day)
    return _answer(sql, parameters, "requests", REQUESTS, files, f"the lake's version {version}")


def rejects(sql: str, parameters: Mapping[str, Any], *, files: Sequence[str]) -> pa.Table:
    """The result of a query over the rejected lines, named ``{rejects}``, in the files that `Lake.reject_files` names."""
    return _answer(sql, parameters, "rejects", REJECTS, files, "the lake's rejects")


def _answer(sql: str, parameters: Mapping[str, Any], name: str, columns: pa.Schema, files: Sequence[str], whose: str) -> pa.Table:
    if files:
        relation, bound = "read_parquet($files)", {**parameters, "files": list(files)}
    else:
        relation, bound = f"(SELECT {_no_columns(columns)} WHERE false)", dict(parameters)
    try:
        with _root().cursor() as cursor:
            said = sql.replace(f"{{{name}}}", relation).replace("{instant_us}", INSTANT_US)
            return cursor.sql(said, params=bound).to_arrow_table()
    except duckdb.IOException as problem:
        raise UnansweredError(f"A file of {whose} is gone or damaged. Load the page again.") from problem
    except duckdb.OutOfMemoryException as problem:
        raise UnansweredError(f"The question needs more than {MEMORY_LIMIT} of memory. Ask for fewer days.") from problem


class Outlet:
    """Writes the rows of queries to files, with little memory however many they are; what does not fit goes to a folder.

    To be closed, which `contextlib.closing` does.
    """

    def __init__(self, folder: Path) -> None:
        settings = {"memory_limit": OUTLET_MEMORY, "temp_directory": str(folder / "spill"), "threads": os.cpu_count() or 2}
        self._connection = duckdb.connect(":memory:", config=settings)
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")

    def copy(self, sql: str, parameters: Mapping[str, Any], *, files: Sequence[str], to: Path, options: str) -> int:
        """Writes what a query over the requests in some files finds to a file, by DuckDB's COPY; returns how many rows."""
        said = sql.replace("{requests}", "read_parquet($files)").replace("{instant_us}", INSTANT_US)
        bound = {**parameters, "files": list(files), "to": str(to)}
        try:
            return self._connection.execute(f"COPY ({said}) TO $to ({options})", bound).fetchall()[0][0]
        except duckdb.IOException as problem:
            raise UnansweredError(f"The requests could not be written to {to}: is there room on the disk? Try again.") from problem

    def batches(self, sql: str, parameters: Mapping[str, Any], *, files: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """What a query over the requests in some files finds, a part at a time."""
        said = sql.replace("{requests}", "read_parquet($files)").replace("{instant_us}", INSTANT_US)
        yield from self._connection.sql(said, params={**parameters, "files": list(files)}).to_arrow_reader(BATCH_ROWS)

    def close(self) -> None:
        """Lets go of the memory and of what was put into the folder."""
        self._connection.close()


@cache
def open_lake(root: str) -> Lake:
    """The one handle of a process on a lake; it follows the lake's versions by itself."""
    return Lake(root)


@cache
def _root() -> duckdb.DuckDBPyConnection:
    """The database that every cursor belongs to. It holds no data, only settings and the footers of the files it has read."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute(f"SET GLOBAL memory_limit = '{MEMORY_LIMIT}'")
    connection.execute(f"SET GLOBAL threads = {os.cpu_count() or 2}")
    connection.execute("SET GLOBAL parquet_metadata_cache = true")
    return connection


def _no_columns(columns: pa.Schema) -> str:
    """The columns of a table, typed, for a range in which the lake has no file."""
    types = duckdb.from_arrow(columns.empty_table()).types
    return ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in zip(columns.names, types, strict=True))
