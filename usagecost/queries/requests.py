"""Questions about single requests: a page of them in an order, one of them by its id, what belongs to it, and the failures.

Pages go by key, never by offset: the next one begins behind the last request of this one, so the thousandth is as quick as the
first, and what arrives meanwhile repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from usagecost import engine
from usagecost.engine import Slice
from usagecost.periods import moment
from usagecost.vocabulary import BASES, FAILED, INSTANT_US, OF_ROWS
from usagecost.vocabulary.filters import Instants, Parameters, Scope, View, instant_range_sql
from usagecost.vocabulary.search import MESSAGE_SQL

TEXTS = (
    "provider", "model", "status", "user_id", "virtual_key", "route", "error_class", "team_id", "app", "environment", "end_user_id",
    "operation", "requested_model", "service_tier", "price_status", "request_id", "trace_id", "session_id", "source",
)  # fmt: skip
FLAGS = ("is_streaming", "is_batch", "is_gateway_cache_hit")
NUMBERS = (
    "http_status", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens",
)  # fmt: skip
SORTED_LETTERS = 100
"""Characters that a text is sorted by: a place in such an order stands in the URL."""

SORTS = {
    "time": INSTANT_US,
    "cost": "{spend}",
    "tokens": "CASE WHEN input_tokens IS NULL AND output_tokens IS NULL THEN NULL "
              "ELSE coalesce(input_tokens, 0) + coalesce(output_tokens, 0) END",
    "latency": "duration_ms",
    "ttft": "ttft_ms",
    **{name: name for name in NUMBERS},
    **{name: f"CAST({name} AS INTEGER)" for name in FLAGS},
    **{name: f"left({name}, {SORTED_LETTERS})" for name in TEXTS},
}  # fmt: skip
"""What a list of requests can be ordered by: key in the URL -> its SQL. What is not known stands last."""

LISTED = (
    "source", "request_id", "trace_id", "session_id", "provider", "model", "requested_model", "operation", "status", "error_class",
    "http_status", "user_id", "end_user_id", "team_id", "virtual_key", "app", "environment", "tags", "is_streaming", "is_batch",
    "is_gateway_cache_hit", "service_tier", "route", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
    "output_reasoning_tokens", "duration_ms", "ttft_ms", "price_status",
)  # fmt: skip
"""The columns that a list of requests can show, beside its time, cost and tokens."""

MOST_RELATIVES = 30
"""Requests of one trace or session that are shown on one time axis, the nearest in time."""

RELATIVE_DAYS = 3
"""How far from a request the others of its trace or session are looked for: days before and after."""

MOST_FAILURES = 200
"""Kinds of failures that are listed, the most frequent first."""


@dataclass(frozen=True)
class Key:
    """The place of a request in an order: what it is ordered by (None: not known), its instant in µs, its source and id."""

    value: Any
    instant_us: int
    source: str
    request_id: str


@dataclass(frozen=True)
class Order:
    """What a list is ordered by: a key of SORTS, and whether the greatest stands first."""

    sort: str = "time"
    descends: bool = True


def value_of(row: Mapping[str, Any], order: Order, basis: str) -> Any:
    """What a request, as ``request`` gives it, is ordered by; None where that is not known."""
    if order.sort == "tokens":
        counts = [row[name] for name in ("input_tokens", "output_tokens") if row[name] is not None]
        return sum(counts) if counts else None
    if order.sort == "cost":
        return cost_of(row, basis)
    value = row[{"time": "instant_us", "latency": "duration_ms", "ttft": "ttft_ms"}.get(order.sort, order.sort)]
    return value[:SORTED_LETTERS] if isinstance(value, str) else int(value) if isinstance(value, bool) else value


def cost_of(row: Mapping[str, Any], basis: str) -> Decimal | None:
    """What a request is taken to have cost on a cost basis."""
    reported, listed = row["reported_cost_usd"], row["list_cost_usd"]
    return {"reported": reported, "list": listed}.get(basis, listed if reported is None else reported)


def page(view: View, order: Order, at: Key | None, is_before: bool, most: int) -> list[dict[str, Any]]:
    """At most ``most`` requests of a view behind (or, ``is_before``, before) the place ``at``, in their order.

    One row: the columns LISTED, ``instant_us``, ``cost_usd`` on the view's basis, ``tokens``, and ``value``, what it is ordered by.
    """
    for narrow in _windows(view, order, at, is_before):
        keys = _page_keys(narrow, order, at, is_before, most)
        if len(keys) == most or narrow is view:
            return _rows(view, keys[::-1] if is_before else keys)
    return []


def count_before(view: View, order: Order, at: Key) -> int:
    """Counts the requests of a view that stand before a place in an order."""
    before, bound = _behind(_directions(order, is_before=True), at)
    answer = _answer(view, f"SELECT count(*) AS requests FROM ({_ordered_columns(view, order)}) WHERE {before}", bound)
    return answer["requests"][0].as_py()


def latencies(view: View) -> dict[str, float | None]:
    """The latency in ms that half, 95 % and 99 % of a view's requests do not exceed, from the rows; None where none is known."""
    columns = ("latency_p50_ms", "latency_p95_ms", "latency_p99_ms")
    answer = _answer(
        view, f"SELECT {', '.join(f'{OF_ROWS[name]} AS {name}' for name in columns)} FROM {{requests}} WHERE {{matches}}"
    )
    return answer.to_pylist()[0]


def offered(view: View) -> dict[str, list[str]]:
    """The error classes and the tags of a view, the most frequent first."""
    errors = _answer(view, """
        SELECT error_class AS value FROM {requests} WHERE {matches} AND error_class IS NOT NULL
        GROUP BY value ORDER BY count(*) DESC, value LIMIT 500""")  # fmt: skip
    tags = _answer(view, """
        SELECT value FROM (SELECT unnest(tags) AS value FROM {requests} WHERE {matches} AND tags IS NOT NULL)
        GROUP BY value ORDER BY count(*) DESC, value LIMIT 500""")  # fmt: skip
    return {"error": errors["value"].to_pylist(), "tag": tags["value"].to_pylist()}


def request(
    lake: str, version: int, scope: Scope, request_id: str, source: str | None = None, day: date | None = None
) -> dict[str, Any] | None:
    """All columns of one request, with ``instant_us``; the newest of that id if no source is given. None where there is none.

    Where its UTC day is known only that is read; if it is not there, the whole lake.
    """
    source_condition = " AND source = $source" if source else ""
    sql = f"""
        SELECT * EXCLUDE (started_at, ingested_at), {INSTANT_US} AS instant_us, epoch_us(ingested_at) AS ingested_us
        FROM {{requests}} WHERE request_id = $request_id{source_condition} ORDER BY instant_us DESC, source LIMIT 1"""
    parameters = {"request_id": request_id} | ({"source": source} if source else {})
    for first, last in dict.fromkeys([(day, day), (None, None)]):
        rows = engine.table(sql, parameters, Slice(lake, version, scope, first, last)).to_pylist()
        if rows:
            return rows[0]
    return None


def relatives(
    lake: str, version: int, scope: Scope, basis: str, row_key: Key, trace_id: str | None, session_id: str | None
) -> list[dict[str, Any]]:
    """The requests of a request's trace, or of its session where it has no trace with others, in time; itself among them.

    One row: source, request_id, model, status, instant_us, duration_ms, cost_usd, and ``all_requests``, how many there are. At most
    MOST_RELATIVES, the nearest in time.
    """
    day, away = moment(row_key.instant_us).date(), timedelta(days=RELATIVE_DAYS)
    near = Slice(lake, version, scope, day - away, day + away)
    for column, value in (("trace_id", trace_id), ("session_id", session_id)):
        if value is None:
            continue
        sql = f"""
            SELECT source, request_id, model, status, {INSTANT_US} AS instant_us, duration_ms, {BASES[basis][1]} AS cost_usd,
                   count(*) OVER () AS all_requests
            FROM {{requests}} WHERE {column} = $value AND source = $source
            ORDER BY abs({INSTANT_US} - $instant), request_id LIMIT {MOST_RELATIVES}"""
        rows = engine.table(sql, {"value": value, "source": row_key.source, "instant": row_key.instant_us}, near).to_pylist()
        if len(rows) > 1:
            return sorted(rows, key=lambda row: (row["instant_us"], row["request_id"]))
    return []


def failures(view: View) -> list[dict[str, Any]]:
    """One row a kind of failure of a view, by class, provider and model, the most frequent first.

    Its requests, when the first and the last was sent (µs), and the message of the last one that has any.
    """
    sql = f"""
        SELECT error_class, provider, model, status, count(*) AS requests, min({INSTANT_US}) AS first_us,
               max({INSTANT_US}) AS last_us, arg_max(left(message, 500), {INSTANT_US}) AS message
        FROM (SELECT *, {MESSAGE_SQL} AS message FROM {{requests}} WHERE {{matches}} AND {FAILED})
        GROUP BY ALL ORDER BY requests DESC, error_class, provider, model, status LIMIT {MOST_FAILURES}"""
    return _answer(view, sql).to_pylist()


def _windows(view: View, order: Order, at: Key | None, is_before: bool) -> Sequence[View]:
    """The view, and before it ever longer parts of it where a page by time probably lies, so that few days are read."""
    if order.sort != "time":
        return [view]
    start, end = view.period.start, view.period.end
    goes_back = order.descends is not is_before
    edge = moment(at.instant_us + goes_back) if at else min(end, view.period.now) if goes_back else start
    windows = []
    for length in (timedelta(days=1), timedelta(days=6)):
        low, high = (edge - length, edge) if goes_back else (edge, edge + length)
        if start < low or high < end:
            windows.append(view.where(Instants(max(low, start), min(high, end))))
    return [*windows, view]


def _page_keys(view: View, order: Order, at: Key | None, is_before: bool, most: int) -> list[Key]:
    keys = _directions(order, is_before)
    ordered = ", ".join(f"{name} {'ASC' if rises else 'DESC'} NULLS LAST" for name, rises in keys.items())
    behind, bound = _behind(keys, at) if at else ("true", {})
    sql = f"""
        SELECT value, instant_us, source, request_id FROM ({_ordered_columns(view, order)})
        WHERE {behind} ORDER BY {ordered} LIMIT {int(most)}"""
    return [Key(**row) for row in _answer(view, sql, bound).to_pylist()]


def _ordered_columns(view: View, order: Order) -> str:
    """The SQL of a view's requests with the columns that an order compares."""
    value = SORTS[order.sort].format(spend=BASES[view.basis][1])
    return f"""
        SELECT {value} IS NULL AS is_unknown, {value} AS value, {INSTANT_US} AS instant_us, source, request_id
        FROM {{requests}} WHERE {{matches}}"""


def _directions(order: Order, is_before: bool) -> dict[str, bool]:
    """The columns that an order compares, and whether each of them rises; all of them the other way where one goes back."""
    falls = order.descends is not is_before
    return {
        "is_unknown": not is_before,
        "value": not falls,
        "instant_us": is_before,
        "source": not is_before,
        "request_id": not is_before,
    }


def _behind(keys: Mapping[str, bool], at: Key) -> tuple[str, Parameters]:
    """The condition that a row stands behind a place: its first column that differs is greater, or smaller where it falls."""
    key_values: dict[str, Any] = {
        "is_unknown": at.value is None,
        "value": at.value,
        "instant_us": at.instant_us,
        "source": at.source,
        "request_id": at.request_id,
    }
    if at.value is None:
        keys = {name: rises for name, rises in keys.items() if name != "value"}
    tests, same = [], []
    for name, rises in keys.items():
        tests.append(" AND ".join([*same, f"{name} {'>' if rises else '<'} $at_{name}"]))
        same.append(f"{name} = $at_{name}")
    return f"({' OR '.join(f'({test})' for test in tests)})", {f"at_{name}": key_values[name] for name in keys}


def _rows(view: View, keys: Sequence[Key]) -> list[dict[str, Any]]:
    """The requests of the keys, in the keys' order. Only the days on which they were sent are read."""
    if not keys:
        return []
    spend, tokens = BASES[view.basis][1], SORTS["tokens"]
    first, last = (moment(pick(key.instant_us for key in keys)) for pick in (min, max))
    sql = f"""
        SELECT {", ".join(LISTED)}, {INSTANT_US} AS instant_us, {spend} AS cost_usd, ({tokens})::bigint AS tokens
        FROM {{requests}} WHERE request_id IN (SELECT unnest($ids)) AND started_at >= $first AND started_at <= $last"""
    parameters = {"ids": [key.request_id for key in keys], "first": first, "last": last}
    answer = _table(view, sql, parameters, first.date(), last.date())
    rows = {(row["source"], row["request_id"]): row for row in answer.to_pylist()}
    return [rows[key.source, key.request_id] | {"value": key.value} for key in keys]


def _answer(view: View, sql: str, also: Parameters | None = None) -> pa.Table:
    """The answer over the requests of a view's period that pass its filters, which stand for ``{matches}``."""
    in_range, bound = instant_range_sql({"now": (view.period.start, view.period.end)})
    matches, values = view.filters.sql()
    start, end = view.period.start, view.period.end
    for narrowed in (condition for condition in view.filters.conditions if isinstance(condition, Instants)):
        start, end = max(start, narrowed.start), min(end, narrowed.end)
    last = max(start, end - timedelta(microseconds=1))
    statement, parameters = sql.replace("{matches}", f"{in_range} AND {matches}"), {**bound, **values, **(also or {})}
    return _table(view, statement, parameters, start.astimezone(UTC).date(), last.astimezone(UTC).date())


def _table(view: View, sql: str, parameters: Mapping[str, Any], first: date, last: date) -> pa.Table:
    """The answer over the requests of some UTC days that may be seen."""
    return engine.table(sql, parameters, Slice(view.lake, view.version, view.scope, first, last))
