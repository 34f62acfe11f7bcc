"""One function per question. Every number of a page is a fold of one ``usage`` aggregate; this is the only cache.

The lake's version is part of every question, so an answer is never older than the lake and never computed twice while
the lake stands still.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from usagecost import engine, periods
from usagecost.filters import Parameters, View, instant_range_sql
from usagecost.folds import Usage, folded
from usagecost.labels import NO_LABELS, Labels
from usagecost.lake import LakeError
from usagecost.metrics import DIMENSIONS, PAGE_MEASURES, fold_sql, measure_sql, tally_column
from usagecost.queries_clock import clock_sql
from usagecost.queries_settled import kept

MOST_VALUES = 500
"""Values of a split that an answer over time names; beyond them, the least by spend and requests are one "Other"."""

MOST_VALUES_OF_PERIOD = 20_000
"""The same where the whole period is one interval, as in the table of users."""

MOST_CHOICES = 5_000
"""Values of a dimension that a filter offers, the busiest first."""

Ranges = dict[str, tuple[datetime, datetime]]
"""Name of a range -> its instants [start, end)."""

NOW_SECONDS = 300
"""How long a page's numbers are all as of one instant. Days begin at full quarter-hours, wherever one is."""

PREVIOUS = -1_000_000_000
"""The number under which the previous period's requests are summed, whatever interval they fell into."""


@dataclass(frozen=True)
class Settled:
    """Cells of days that are over, and the days that are not, or that time goes on in: those have to be asked."""

    cells: pa.Table
    others: frozenset[date]


def question(view: View, by: str, *, tallied: bool = False, settled: bool = False) -> tuple[str, Parameters]:
    """The SQL of ``usage`` and its parameters. One row: (number, value, is_other), number being PREVIOUS, a day or an hour.

    ``tallied``: part of the requests are told by tallies. ``settled``: part of the cells are in a relation of that name.
    """
    cells, parameters = _cells_sql(view, by, tallied=tallied)
    most = MOST_VALUES_OF_PERIOD if view.interval == periods.WHOLE else MOST_VALUES
    sql = f"""
        WITH cells AS MATERIALIZED ({cells}{" UNION ALL SELECT * FROM settled" if settled else ""}),
        ranked AS (
            SELECT value, row_number() OVER (ORDER BY sum(spend_usd) DESC NULLS LAST, sum(requests) DESC, value) AS place
            FROM cells GROUP BY value)
        SELECT number, CASE WHEN place <= {most} THEN cells.value END AS value, place > {most} AS is_other,
               {", ".join(f"{fold_sql(name, name)} AS {name}" for name in PAGE_MEASURES)}
        FROM cells JOIN ranked ON cells.value IS NOT DISTINCT FROM ranked.value GROUP BY ALL"""
    return sql, parameters


def _cells_sql(view: View, by: str, *, tallied: bool = False) -> tuple[str, Parameters]:
    """The SQL of the cells, and its parameters. One row: (number, value), several times where tallies tell a part of it."""
    sums = ", ".join(f"{measure_sql(name, view.basis, engine.INSTANT_US)} AS {name}" for name in PAGE_MEASURES)
    column = DIMENSIONS[by].column
    in_range, bound = instant_range_sql(engine.INSTANT_US, _ranges(view))
    matches, values = view.filters.sql()
    number, shifts = _number_sql(view)
    keys = f"CASE WHEN {engine.INSTANT_US} < $now_start THEN {PREVIOUS} ELSE {number} END AS number, {column} AS value"
    cells = f"SELECT {keys}, {sums} FROM {{requests}} WHERE {in_range} AND {matches} GROUP BY ALL"
    if tallied:
        folds = ", ".join(f"{fold_sql(name, tally_column(name, view.basis))} AS {name}" for name in PAGE_MEASURES)
        cells += f" UNION ALL SELECT {keys}, {folds} FROM {{tallies}} WHERE {in_range} AND {matches} GROUP BY ALL"
    return cells, bound | values | shifts


@st.cache_resource(max_entries=300, show_spinner=False)
def usage(view: View, by: str) -> Usage:
    """The requests of a view by interval and by value of a dimension, with the previous period beside them.

    All readers share the one answer, and what was folded from it; nobody changes it.
    """
    steps = periods.intervals(view.period, view.interval, view.week_start)
    ranges = _ranges(view)
    where, cuts = _where(view, ranges), _cuts(ranges, (step.start for step in steps))
    need = view.filters.told_by(by)
    tallied = engine.tallied([need], cuts, **where) if need else None
    settled = None if tallied else _settled(view, by, ranges, where)
    sql, parameters = question(view, by, tallied=tallied is not None, settled=settled is not None)
    if settled:
        cells = engine.table(sql, parameters, **where, only=settled.others, beside={"settled": settled.cells})
    else:
        cells = engine.table(sql, parameters, **where, tallied=tallied)
    is_before = pc.equal(cells["number"], PREVIOUS)
    before = cells.filter(is_before).drop_columns("number")
    now = cells.filter(pc.invert(is_before))
    places = periods.places(view.period, view.interval, steps)
    interval = pa.array([places[number] for number in now["number"].to_pylist()], pa.int64())
    now = now.drop_columns("number").append_column("interval", interval)
    if view.interval in ("week", "month"):  # SQL knows days, the calendar is ours
        now = folded(now, ["interval", "value", "is_other"])
    return Usage(steps, now, before if view.period.previous else None)


def _settled(view: View, by: str, ranges: Ranges, where: Mapping[str, Any]) -> Settled | None:
    """The cells of the days that are over; None if there is no such day, or there are too many cells to be kept.

    Time goes on in two days: in the lake's newest one, and in the one of the previous period that is cut as far as it is now.
    """
    snapshot = engine.open_lake(view.lake).snapshot(view.version)
    cut = ranges["before"][1].date() if "before" in ranges else None
    others = frozenset(day for day in (snapshot.last_day, cut) if day)
    over = [file for file in snapshot.data_files_of(where["first_day"], where["last_day"]) if file.day not in others]
    if not over or engine.clickhouse_in_use():
        return None
    sql, parameters = _cells_sql(view, by)
    fixed = frozenset((name, value) for name, value in parameters.items() if name != "before_end")
    files = sha256(" ".join(file.name for file in over).encode()).digest()
    cells = kept().of(
        (view.lake, sql, fixed, cut, files), lambda: engine.table(sql, parameters, **where, only={file.day for file in over})
    )
    return Settled(cells, others) if cells is not None else None


@st.cache_data(max_entries=100, show_spinner=False)
def choices(view: View) -> dict[str, list[str | None]]:
    """The values of each dimension in a view's period, whatever its filters, the busiest first; None is "not reported"."""
    ranges = {"now": (view.period.start, view.period.end)}
    in_range, bound = instant_range_sql(engine.INSTANT_US, ranges)
    where = _where(view, ranges)
    tallied = engine.tallied([frozenset({name}) for name in DIMENSIONS], _cuts(ranges), **where)
    columns = {name: dimension.column for name, dimension in DIMENSIONS.items()}
    sets = ", ".join(f"({column})" for column in columns.values())
    names = " ".join(f"WHEN grouping({column}) = 0 THEN '{name}'" for name, column in columns.items())
    values = " ".join(f"WHEN grouping({column}) = 0 THEN {column}" for column in columns.values())
    counts = f"""
        SELECT CASE {names} END AS dimension, CASE {values} END AS value, count(*) AS counted
        FROM {{requests}} WHERE {in_range} GROUP BY GROUPING SETS ({sets})"""
    if tallied:
        for name, dimension in DIMENSIONS.items():
            grouping = tallied.groupings[frozenset({name})]
            told = f"SELECT '{name}', {dimension.value_column}, requests FROM {{tallies}} WHERE grouping = '{grouping}'"
            counts += f" UNION ALL {told} AND {in_range}"
    sql = f"""
        SELECT dimension, value, sum(counted)::bigint AS requests FROM ({counts}) GROUP BY dimension, value
        ORDER BY requests DESC, value"""
    found = engine.table(sql, bound, **where, tallied=tallied)
    return {name: found.filter(pc.field("dimension") == name)["value"].slice(0, MOST_CHOICES).to_pylist() for name in columns}


@st.cache_resource(max_entries=20, ttl=60, show_spinner=False)
def labels(lake: str, version: int) -> Labels:  # noqa: ARG001 - the version is part of the cache's key
    """What the lake's teams, users and keys are called; a new name is seen after a minute at the latest."""
    try:
        return Labels.of_names(engine.open_lake(lake).names())
    except LakeError:  # ids are better than no page
        logging.getLogger(__name__).warning("The names of teams, users and keys cannot be read", exc_info=True)
        return NO_LABELS


@st.cache_data(max_entries=20, show_spinner=False)
def data_span(lake: str, version: int) -> tuple[datetime, datetime] | None:
    """The instants of the oldest and the newest request of the lake; None when it holds none."""
    snapshot = engine.open_lake(lake).snapshot(version)
    if not snapshot.first_day or not snapshot.last_day:
        return None
    sql = f"SELECT min({engine.INSTANT_US}) AS oldest, max({engine.INSTANT_US}) AS newest FROM {{requests}}"
    first, last = (
        engine.table(sql, {}, lake=lake, version=version, first_day=day, last_day=day)
        for day in (snapshot.first_day, snapshot.last_day)
    )
    return _instant(first["oldest"][0].as_py()), _instant(last["newest"][0].as_py())


def as_of(lake: str, version: int) -> datetime:
    """The instant that a page takes for now: the same for all of its numbers, renewed with the lake or by ``renew_now``.

    And at every fifth minute of the clock, since any day of any zone begins with one: then today is another day.
    """
    return _first_asked(lake, version, int(datetime.now(UTC).timestamp()) // NOW_SECONDS)


@st.cache_data(max_entries=20, ttl=NOW_SECONDS, show_spinner=False)
def _first_asked(lake: str, version: int, since: int) -> datetime:  # noqa: ARG001 - the arguments are the cache's key
    return datetime.now(UTC)


def renew_now() -> None:
    """Lets the pages take the next instant that they ask at for now."""
    _first_asked.clear()


def _ranges(view: View) -> Ranges:
    """The instants [start, end) that a view is about, and those of the previous period."""
    period = view.period
    return {"now": (period.start, period.end)} | ({"before": period.previous} if period.previous else {})


def _where(view: View, ranges: Ranges) -> dict[str, Any]:
    """The version of a lake, and the UTC days in it, that ranges of instants are of."""
    first = min(start for start, _ in ranges.values())
    last = max(end for _, end in ranges.values()) - timedelta(microseconds=1)
    return {"lake": view.lake, "version": view.version, "first_day": first.date(), "last_day": last.date()}


def _cuts(ranges: Ranges, steps: Iterable[datetime] = ()) -> list[int]:
    """The instants (µs) at which requests begin to count for something else: the ends of ranges, and steps between them."""
    return [periods.instant_us(instant) for instant in (*chain(*ranges.values()), *steps)]


def _number_sql(view: View) -> tuple[str, Parameters]:
    """The SQL of the number of the local day or hour, and its parameters."""
    grain = periods.grain(view.interval)
    if grain == periods.WHOLE:
        return "0", {}
    return clock_sql(periods.clock(view.period.zone, view.period.start, view.period.end), grain, grain)


def _instant(us: int) -> datetime:
    return periods.EPOCH + timedelta(microseconds=us)
