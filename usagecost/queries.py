"""One function per question. Every number of a page is a fold of one ``usage`` aggregate; this is the only cache.

The lake's version is part of every question, so an answer is never older than the lake and never computed twice while
the lake stands still.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from usagecost import engine, periods
from usagecost.filters import Parameters, View, instant_range_sql
from usagecost.folds import Usage, folded
from usagecost.metrics import BASES, DIMENSIONS, FOLDS, MEASURES, PAGE_MEASURES
from usagecost.queries_clock import clock_sql

MOST_VALUES = 500
"""Values of a split that an answer over time names; beyond them, the least by spend and requests are one "Other"."""

MOST_VALUES_OF_PERIOD = 20_000
"""The same where the whole period is one interval, as in the table of users."""

MOST_CHOICES = 5_000
"""Values of a dimension that a filter offers, the busiest first."""

PREVIOUS = -1_000_000_000
"""The number under which the previous period's requests are summed, whatever interval they fell into."""


def question(view: View, by: str) -> tuple[str, Parameters]:
    """The SQL of ``usage`` and its parameters. One row: (number, value, is_other), number being PREVIOUS, a day or an hour."""
    spend = BASES[view.basis][1]
    sums = ", ".join(f"{MEASURES[name].format(spend=spend, instant_us=engine.INSTANT_US)} AS {name}" for name in PAGE_MEASURES)
    folds = ", ".join(f"{FOLDS[name]}({name}){'' if name == 'spend_usd' else '::bigint'} AS {name}" for name in PAGE_MEASURES)
    period = view.period
    ranges = {"now": (period.start, period.end)} | ({"before": period.previous} if period.previous else {})
    in_range, bound = instant_range_sql(engine.INSTANT_US, ranges)
    matches, values = view.filters.sql()
    number, shifts = _number_sql(view)
    most = MOST_VALUES_OF_PERIOD if view.interval == periods.WHOLE else MOST_VALUES
    sql = f"""
        WITH cells AS (
            SELECT CASE WHEN {engine.INSTANT_US} < $now_start THEN {PREVIOUS} ELSE {number} END AS number,
                   {DIMENSIONS[by].column} AS value, {sums}
            FROM {{requests}} WHERE {in_range} AND {matches} GROUP BY ALL),
        ranked AS (
            SELECT value, row_number() OVER (ORDER BY sum(spend_usd) DESC NULLS LAST, sum(requests) DESC, value) AS place
            FROM cells GROUP BY value)
        SELECT number, CASE WHEN place <= {most} THEN cells.value END AS value, place > {most} AS is_other, {folds}
        FROM cells JOIN ranked ON cells.value IS NOT DISTINCT FROM ranked.value GROUP BY ALL"""
    return sql, bound | values | shifts


@st.cache_data(max_entries=300, show_spinner=False)
def usage(view: View, by: str) -> Usage:
    """The requests of a view by interval and by value of a dimension, with the previous period beside them."""
    sql, parameters = question(view, by)
    cells = _scan(view, sql, parameters)
    steps = periods.intervals(view.period, view.interval, view.week_start)
    is_before = pc.equal(cells["number"], PREVIOUS)
    before = cells.filter(is_before).drop_columns("number")
    now = cells.filter(pc.invert(is_before))
    places = periods.places(view.period, view.interval, steps)
    interval = pa.array([places[number] for number in now["number"].to_pylist()], pa.int64())
    now = now.drop_columns("number").append_column("interval", interval)
    if view.interval in ("week", "month"):  # SQL knows days, the calendar is ours
        now = folded(now, ["interval", "value", "is_other"])
    return Usage(steps, now, before if view.period.previous else None)


@st.cache_data(max_entries=100, show_spinner=False)
def choices(view: View) -> dict[str, list[str | None]]:
    """The values of each dimension in a view's period, whatever its filters, the busiest first; None is "not reported"."""
    in_range, bound = instant_range_sql(engine.INSTANT_US, {"now": (view.period.start, view.period.end)})
    columns = {name: dimension.column for name, dimension in DIMENSIONS.items()}
    sets = ", ".join(f"({column})" for column in columns.values())
    names = " ".join(f"WHEN grouping({column}) = 0 THEN '{name}'" for name, column in columns.items())
    values = " ".join(f"WHEN grouping({column}) = 0 THEN {column}" for column in columns.values())
    sql = f"""
        SELECT CASE {names} END AS dimension, CASE {values} END AS value, count(*) AS requests
        FROM {{requests}} WHERE {in_range} GROUP BY GROUPING SETS ({sets})
        ORDER BY requests DESC, value"""
    found = _scan(view, sql, bound)
    return {name: found.filter(pc.field("dimension") == name)["value"].slice(0, MOST_CHOICES).to_pylist() for name in columns}


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


@st.cache_data(max_entries=20, ttl=300, show_spinner=False)
def as_of(lake: str, version: int) -> datetime:  # noqa: ARG001 - the arguments are the cache's key
    """The instant that a page takes for now: the same for all of its numbers, renewed with the lake or after five minutes."""
    return datetime.now(UTC)


def _scan(view: View, sql: str, parameters: Mapping[str, str | int]) -> pa.Table:
    period = view.period
    start = min(period.start, period.previous[0]) if period.previous else period.start
    return engine.table(
        sql,
        parameters,
        lake=view.lake,
        version=view.version,
        first_day=start.date(),
        last_day=(period.end - timedelta(microseconds=1)).date(),
    )


def _number_sql(view: View) -> tuple[str, Parameters]:
    """The SQL of the number of the local day or hour, and its parameters."""
    grain = periods.grain(view.interval)
    if grain == periods.WHOLE:
        return "0", {}
    return clock_sql(periods.clock(view.period.zone, view.period.start, view.period.end), grain, grain)


def _instant(us: int) -> datetime:
    return periods.EPOCH + timedelta(microseconds=us)
