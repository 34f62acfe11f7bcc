"""Runs SQL over a snapshot of the lake: in this process, by DuckDB, or on a ClickHouse that USAGECOST_ENGINE names.

A query is written once, as DuckDB says it. It names the requests as ``{requests}``, and binds its values as ``$name``. Where it
can be told from sums, it may name the lake's ``{rollups}`` beside them: see `rolled`.
Whatever it asks, requests that are not in its scope are not there.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from usagecost.engine import embedded
from usagecost.engine.embedded import FileLostError, UnansweredError, time_limit
from usagecost.lake import Lake, Rolled, Snapshot
from usagecost.lake.table import DataFile
from usagecost.schema import REJECTS, REQUESTS
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import Scope

if TYPE_CHECKING:
    from usagecost.engine.clickhouse import ClickHouse


@dataclass(frozen=True)
class Slice:
    """Of a version of a lake the requests in a scope that were sent on some UTC days: all, those from the first to the last, both
    included, or of these some ``days``.
    """

    lake: str
    version: int
    scope: Scope
    first_day: date | None = None
    last_day: date | None = None
    days: frozenset[date] | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The version of the lake."""
        return open_lake(self.lake).snapshot(self.version)

    @property
    def files(self) -> tuple[DataFile, ...]:
        """The files of the days; requests that are not in the scope are in them too."""
        files = self.snapshot.data_files_of(self.first_day, self.last_day)
        return files if self.days is None else tuple(file for file in files if file.utc_day in self.days)


def table(sql: str, parameters: Mapping[str, Any], lake_slice: Slice, rolled: Rolled | None = None) -> pa.Table:
    """The result of a query over the requests of a slice: integers and decimals stay exact.

    With ``rolled``, of the same, ``{requests}`` are only those that no rollup tells of, and ``{rollups}`` are the others' sums.
    """
    snapshot = lake_slice.snapshot
    sql, parameters = within(lake_slice.scope, sql, parameters)
    files = lake_slice.files if rolled is None else rolled.requests
    if server := clickhouse_in_use():
        return server.answer(sql, parameters, snapshot, files, rolled)
    if rolled:
        relation, rollup_parameters = embedded.rollups_sql(rolled, snapshot)
        sql, parameters = sql.replace("{rollups}", relation), parameters | rollup_parameters
    origin, paths = f"the lake's version {lake_slice.version}", snapshot.paths(files)
    return embedded.answer(sql, parameters, "requests", REQUESTS, paths, origin, requests_only=rolled is None)


def rolled(columns: Collection[str], cuts: Iterable[int], lake_slice: Slice) -> Rolled | None:
    """How `table` tells some columns of a slice where time is cut at some instants (µs): from rollups where it can, which have the
    scope's columns too; None if it cannot. Measures are columns too, as `rollups.column_of` names them.

    A rollup's row is requests of the same values in a step of time that no cut goes through, ``started_at`` the start of that.
    """
    # Else nothing of the files comes to this machine.
    reads_here = not (clickhouse_in_use() and open_lake(lake_slice.lake).is_remote)
    scope_columns = {DIMENSIONS[name].stored for name in lake_slice.scope.dimensions}
    rollup_files = lake_slice.snapshot.rollups.rolled(lake_slice.files, {*columns, *scope_columns}, cuts, checks=reads_here)
    return rollup_files if rollup_files.folders else None


def within(scope: Scope, sql: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A query of which every relation has only the rows that are in a scope, and its parameters."""
    if scope.is_everything:
        return sql, dict(parameters)
    test, bound = scope.sql()
    for relation, columns in {"{requests}": _COLUMNS_IN_SCOPE, "{rollups}": "*"}.items():
        sql = sql.replace(relation, f"(SELECT {columns} FROM {relation} WHERE {test})")
    return sql, {**parameters, **bound}


_COLUMNS_IN_SCOPE = "* REPLACE (CAST(NULL AS VARCHAR) AS source_file)"
"""The columns of requests for who may not see all of them: the server's folders are not theirs to know."""


def rejects(sql: str, parameters: Mapping[str, Any], *, files: Sequence[str]) -> pa.Table:
    """The result of a query over the rejected lines, named ``{rejects}``, in the files that `Lake.files` names.

    They are few, and always asked in this process.
    """
    return embedded.answer(sql, parameters, "rejects", REJECTS, files, "the lake's rejects")


def clickhouse_in_use() -> ClickHouse | None:
    """The server that answers, if USAGECOST_ENGINE names one; raises UnansweredError if it names something else."""
    setting = os.environ.get("USAGECOST_ENGINE", "duckdb")
    return None if setting == "duckdb" else _server(setting)


@cache
def _server(url: str) -> ClickHouse:
    try:
        from usagecost.engine.clickhouse import ClickHouse
    except ImportError as problem:
        raise UnansweredError(
            f"USAGECOST_ENGINE asks for ClickHouse, and {problem.name} is not installed: "
            "run `pip install -r requirements-clickhouse.txt`, or take the setting away."
        ) from problem
    return ClickHouse(url)


@cache
def open_lake(root: str) -> Lake:
    """The one handle of a process on a lake; it follows the lake's versions by itself."""
    return Lake(root)
