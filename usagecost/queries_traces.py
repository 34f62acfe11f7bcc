"""Questions about single requests: pages of them in any order, one of them, those around it, and what failed.

A page is found by the key of the row before or after it, never by counting rows, so that a late page costs what the first does,
and rows that arrive meanwhile repeat nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import pyarrow as pa
import streamlit as st

from usagecost import engine
from usagecost.filters import Between, Parameters, View, instant_range_sql
from usagecost.metrics import BASES, METRICS

ORDERS = {
    "time": ("Time", None),
    "cost": ("Cost", "spend_usd"),
    "tokens": ("Tokens", "total_tokens"),
    "latency": ("Latency", "avg_latency_ms"),
    "ttft": ("Time to first token", "avg_ttft_ms"),
}
"""What requests can be sorted by: key in the URL -> its name, and the metric whose value of one request decides."""

MOST_NEIGHBOURS = 200
"""Requests of one trace or session that are shown around one of them."""

NEIGHBOUR_HOURS = 24
"""How far from a request its trace and its session are looked for."""

NEWEST_DAYS = 31
"""Days that are looked through first for a request of unknown day; then all others."""

_MESSAGES = ("error_message", "error", "error.message", "exception.message", "status_message")
MESSAGE = "coalesce({})".format(", ".join(f"json_extract_string(attributes, '$.\"{name}\"')" for name in _MESSAGES))
"""SQL: what a source says of a failure in words; NULL where it says nothing."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Order:
    """What a page is sorted by. Whatever is not known stands last; requests of equal value stand newest first."""

    by: str = "time"
    descending: bool = True

    def value_sql(self, basis: str) -> str:
        """SQL: what one request is sorted by."""
        metric = ORDERS[self.by][1]
        return "{instant_us}" if metric is None else str(METRICS[metric].of_one).format(spend=BASES[basis][1])


@dataclass(frozen=True)
class Key:
    """The place of one request in an order: no two have the same. ``value`` is what it is sorted by, None if that is not known."""

    value: int | float | str | None
    started_us: int
    source: str
    request_id: str


@dataclass(frozen=True)
class Page:
    """Requests in their order, as dictionaries, and the keys of the first and last; whether there are more on either side."""

    rows: Rows
    first: Key | None
    last: Key | None
    has_before: bool
    has_after: bool


@st.cache_data(max_entries=100, show_spinner=False)
def page(view: View, order: Order, size: int, start: Key | None = None, way: Literal["after", "before"] = "after") -> Page:
    """The next requests of a view after a key, or the last ones before it; from the beginning without one.

    One row: the columns of a request but `attributes`, and `spend_usd`, `total_tokens`, `tokens_per_second` and `started_us`.
    """
    found = _sorted_rows(view, order, size + 1, start, way)
    rows = found[:size] if way == "after" else found[:size][::-1]
    has_more = len(found) > size
    keys = [Key(_bindable(row.pop("sorted_by")), row["started_us"], row["source"], row["request_id"]) for row in rows]
    return Page(
        rows,
        keys[0] if keys else None,
        keys[-1] if keys else None,
        has_before=has_more if way == "before" else start is not None,
        has_after=has_more if way == "after" else start is not None,
    )


@st.cache_data(max_entries=100, show_spinner=False)
def latency_quantiles(view: View) -> dict[str, float | None]:
    """p50, p95 and p99 of the latency in ms, exactly, over the requests whose log tells it; None where none does."""
    matches, bound = where(view)
    sql = f"SELECT quantile_cont(duration_ms, [0.5, 0.95, 0.99]) AS of FROM {{requests}} WHERE {matches}"
    (found,) = _answer(view, sql, bound).to_pylist()
    return dict(zip(("p50", "p95", "p99"), found["of"] or (None, None, None), strict=True))


@st.cache_data(max_entries=200, show_spinner=False)
def request(lake: str, version: int, source: str, request_id: str, day: date | None = None) -> dict[str, Any] | None:
    """Everything that is known of one request, and its `started_us`; None if there is none of this key.

    Its UTC day spares looking through the others.
    """
    sql = "SELECT *, {instant_us} AS started_us FROM {requests} WHERE request_id = $request_id AND source = $source"
    bound = {"request_id": request_id, "source": source}
    last = engine.open_lake(lake).snapshot(version).last_day
    newest = last - timedelta(days=NEWEST_DAYS) if last else None
    spans = [(day, day)] if day else [(newest, None), (None, newest and newest - timedelta(days=1))]
    for first_day, last_day in spans:
        if found := engine.table(sql, bound, lake=lake, version=version, first_day=first_day, last_day=last_day).to_pylist():
            return found[0]
    return None


@st.cache_data(max_entries=100, show_spinner=False)
def neighbours(lake: str, version: int, column: Literal["trace_id", "session_id"], value: str, started_us: int, basis: str) -> Rows:
    """The requests of the same trace or session within a day of an instant, the nearest MOST_NEIGHBOURS, the oldest first.

    One row: source, request_id, day, started_us, duration_ms, provider, model, status, spend_usd, total_tokens.
    """
    us = NEIGHBOUR_HOURS * 3_600_000_000
    sql = f"""
        SELECT source, request_id, {{instant_us}} AS started_us, duration_ms, provider, model, status,
            {BASES[basis][1]} AS spend_usd, {_of_one("total_tokens", basis)} AS total_tokens
        FROM {{requests}}
        WHERE {column} = $value AND {{instant_us}} BETWEEN $around - {us} AND $around + {us}
        ORDER BY abs({{instant_us}} - $around), source, request_id LIMIT {MOST_NEIGHBOURS}"""
    at = date(1970, 1, 1) + timedelta(days=started_us // 86_400_000_000)
    found = engine.table(
        sql,
        {"value": value, "around": started_us},
        lake=lake,
        version=version,
        first_day=at - timedelta(days=1),
        last_day=at + timedelta(days=1),
    )
    return sorted(found.to_pylist(), key=lambda row: (row["started_us"], row["source"], row["request_id"]))


@st.cache_data(max_entries=50, show_spinner=False)
def failures(view: View) -> Rows:
    """One row a status, error class, provider and model of the requests that failed, the most frequent first.

    `requests`, `users`, `last_us`, `http_status` and `message` are those of its newest request that tells it; NULL where none does.
    """
    matches, bound = where(view)
    sql = f"""
        SELECT status, error_class, provider, model, count(*)::bigint AS requests, count(DISTINCT user_id)::bigint AS users,
            max({{instant_us}}) AS last_us,
            arg_max(http_status, {{instant_us}}) FILTER (http_status IS NOT NULL) AS http_status,
            arg_max({MESSAGE}, {{instant_us}}) FILTER ({MESSAGE} IS NOT NULL) AS message
        FROM {{requests}} WHERE status IN ('error', 'cancelled') AND {matches}
        GROUP BY status, error_class, provider, model
        ORDER BY requests DESC, error_class, provider, model LIMIT 1000"""
    return _answer(view, sql, bound).to_pylist()


@st.cache_data(max_entries=50, show_spinner=False)
def tags(view: View) -> list[str]:
    """The tags of the period's requests, whatever the filters, the most frequent first."""
    in_range, bound = instant_range_sql("{instant_us}", {"now": (view.period.start, view.period.end)})
    sql = f"""
        SELECT tag FROM (SELECT unnest(tags) AS tag FROM {{requests}} WHERE {in_range})
        WHERE tag IS NOT NULL GROUP BY tag ORDER BY count(*) DESC, tag LIMIT 1000"""
    return _answer(view, sql, bound)["tag"].to_pylist()


def days_of(view: View) -> tuple[date, date]:
    """The first and the last UTC day that can hold requests of a view."""
    start, end = view.period.start, view.period.end
    for test in view.filters.tests:
        if isinstance(test, Between):
            start, end = max(start, test.start), min(end, test.end)
    return start.date(), max(start, end - timedelta(microseconds=1)).date()


# ---- pages


def _sorted_rows(view: View, order: Order, count: int, start: Key | None, way: str) -> Rows:
    """The first rows beyond a key, nearest first."""
    is_reversed = way == "before"
    spend = BASES[view.basis][1]
    value = order.value_sql(view.basis)
    matches, bound = where(view)
    if start is not None:
        beyond, key = _beyond(value, start, descending=order.descending, is_reversed=is_reversed)
        matches, bound = f"{matches} AND {beyond}", bound | key
    up, down = ("ASC", "DESC") if not is_reversed else ("DESC", "ASC")
    by_value = f"{down if order.descending else up} NULLS {'FIRST' if is_reversed else 'LAST'}"
    sql = f"""
        SELECT * EXCLUDE (attributes), {{instant_us}} AS started_us, {value} AS sorted_by, {spend} AS spend_usd,
            {_of_one("total_tokens", view.basis)} AS total_tokens,
            CASE WHEN duration_ms > 0 THEN output_tokens * 1000.0 / duration_ms END AS tokens_per_second
        FROM {{requests}} WHERE {matches}
        ORDER BY sorted_by {by_value}, started_us {down}, source {up}, request_id {up} LIMIT {count}"""
    if order.by != "time":
        return _answer(view, sql, bound).to_pylist()
    return _day_by_day(view, sql, bound, count, newest_first=order.descending is not is_reversed)


def _day_by_day(view: View, sql: str, bound: Parameters, count: int, *, newest_first: bool) -> Rows:
    """The same rows where time decides: found in few days mostly, so ever more days are asked until there are enough."""
    first, last = days_of(view)
    found: Rows = []
    span = 1
    while first <= last and len(found) < count:
        low, high = (
            (max(first, last - timedelta(days=span - 1)), last) if newest_first else (first, first + timedelta(days=span - 1))
        )
        high = min(high, last)
        asked = engine.table(sql, bound, lake=view.lake, version=view.version, first_day=low, last_day=high)
        found += asked.to_pylist()
        first, last = (first, low - timedelta(days=1)) if newest_first else (high + timedelta(days=1), last)
        span *= 4
    return found[:count]


def _beyond(value: str, key: Key, *, descending: bool, is_reversed: bool) -> tuple[str, Parameters]:
    """The condition that a request stands behind a key or, if reversed, before it, and its parameters."""
    older, later = ("<", ">") if not is_reversed else (">", "<")
    tie = (
        f"({{instant_us}} {older} $key_us OR ({{instant_us}} = $key_us AND "
        f"(source {later} $key_source OR (source = $key_source AND request_id {later} $key_id))))"
    )
    bound: Parameters = {"key_us": key.started_us, "key_source": key.source, "key_id": key.request_id}
    if key.value is None:  # the unknown stand last, among themselves by time
        return (f"({value} IS NULL AND {tie})" if not is_reversed else f"({value} IS NOT NULL OR {tie})"), bound
    sign = "<" if descending is not is_reversed else ">"
    kept = "$key_value::DECIMAL(18, 9)" if isinstance(key.value, str) else "$key_value"
    unknown = f" OR {value} IS NULL" if not is_reversed else ""
    return f"({value} {sign} {kept} OR ({value} = {kept} AND {tie}){unknown})", bound | {"key_value": key.value}


def _bindable(value: Any) -> int | float | str | None:
    """A value of a key as a link can carry it and a query can take it; an amount as text, which keeps all of its places."""
    return value if value is None or isinstance(value, int | float) else str(value)


def _of_one(metric: str, basis: str) -> str:
    return str(METRICS[metric].of_one).format(spend=BASES[basis][1])


def where(view: View) -> tuple[str, Parameters]:
    """The condition that a request belongs to a view, and its parameters."""
    in_range, bound = instant_range_sql("{instant_us}", {"now": (view.period.start, view.period.end)})
    matches, values = view.filters.sql()
    return f"{in_range} AND {matches}", bound | values


def _answer(view: View, sql: str, bound: Parameters) -> pa.Table:
    first, last = days_of(view)
    return engine.table(sql, bound, lake=view.lake, version=view.version, first_day=first, last_day=last)
