"""Runs SQL over a snapshot of the lake: in this process, by DuckDB, or on a ClickHouse that USAGECOST_ENGINE names.

A query is written once, as DuckDB says it. It names the requests as ``{requests}``, may name their instants as ``{instant_us}``,
and binds its values as ``$name``. Where it can be told from sums, it may name the lake's tallies beside them: see `tallied`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from usagecost.engine import embedded
from usagecost.engine.embedded import Outlet
from usagecost.engine.words import INSTANT_US, UnansweredError, shuffled, whole_quotient
from usagecost.lake import Lake, Tallied
from usagecost.schema import REJECTS, REQUESTS

if TYPE_CHECKING:
    from usagecost.engine.clickhouse import ClickHouse

__all__ = [
    "INSTANT_US",
    "Outlet",
    "UnansweredError",
    "clickhouse_in_use",
    "open_lake",
    "rejects",
    "shuffled",
    "table",
    "tallied",
    "whole_quotient",
]


def table(
    sql: str,
    parameters: Mapping[str, Any],
    *,
    lake: str,
    version: int,
    first_day: date | None = None,
    last_day: date | None = None,
    tallied: Tallied | None = None,
) -> pa.Table:
    """The result of a query over the requests of the UTC days given: integers and decimals stay exact.

    With ``tallied``, of those days, ``{requests}`` are only those that no tally tells of, and ``{tallies}`` are the others' sums.
    """
    snapshot = open_lake(lake).snapshot(version)
    said = sql.replace("{instant_us}", INSTANT_US)
    whose = f"the lake's version {version}"
    if server := clickhouse_in_use():
        return server.answer(said, parameters, snapshot, first_day, last_day)
    if tallied is None:
        return embedded.answer(said, parameters, "requests", REQUESTS, snapshot.files(first_day, last_day), whose)
    tallies, files = embedded.tallies_sql(tallied)
    said = said.replace("{tallies}", tallies)
    return embedded.answer(said, {**parameters, **files}, "requests", REQUESTS, tallied.requests, whose, has_tallies=True)


def tallied(
    needs: Iterable[frozenset[str]],
    cuts: Iterable[int],
    *,
    lake: str,
    version: int,
    first_day: date | None = None,
    last_day: date | None = None,
) -> Tallied | None:
    """How `table` sums up the requests of some UTC days by the values of dimensions, each of ``needs`` by those in it together,
    where time is cut at some instants (µs): from tallies where it can. None if it cannot.

    A tally's row is requests of the same values in a step of time that no cut goes through: its ``grouping``, the dimensions of
    that in columns as `metrics.Dimension.value_column` names them, ``started_at``, the start of the step, and measures as
    `metrics.tally_column` names them. What a need asks for are all rows of one grouping: see `Tallied`.
    """
    if clickhouse_in_use():
        return None
    found = open_lake(lake).snapshot(version).tallied(first_day, last_day, needs, cuts)
    return found if found.has_tallies else None


def rejects(sql: str, parameters: Mapping[str, Any], *, files: Sequence[str]) -> pa.Table:
    """The result of a query over the rejected lines, named ``{rejects}``, in the files that `Lake.reject_files` names.

    They are few, and always asked in this process.
    """
    return embedded.answer(sql, parameters, "rejects", REJECTS, files, "the lake's rejects")


def clickhouse_in_use() -> ClickHouse | None:
    """The server that answers, if USAGECOST_ENGINE names one; raises UnansweredError if it names something else."""
    named = os.environ.get("USAGECOST_ENGINE", "duckdb")
    return None if named == "duckdb" else _server(named)


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
