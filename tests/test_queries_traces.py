"""Single requests: pages by key in any order, one of them by its id, those around it, what failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.views import days, instant, request, view, write_lake
from usagecost import queries, queries_traces
from usagecost.filters import Between, Bounds, Condition, Filters, Named, Tagged, View
from usagecost.lake import Lake
from usagecost.queries_traces import ORDERS, Order

US = timedelta(microseconds=1)
rows_made = st.lists(
    st.fixed_dictionaries(
        {
            "started_at": st.integers(0, 4 * 24).map(lambda hours: instant("2026-05-01") + timedelta(hours=hours)),
            "request_id": st.uuids().map(str),
            "duration_ms": st.sampled_from([None, 1.5, 20.0, 300.0]),
            "ttft_ms": st.sampled_from([None, 0.5, 7.0]),
            "input_tokens": st.sampled_from([None, 0, 10, 1000]),
            "output_tokens": st.sampled_from([None, 5]),
            "list_cost_usd": st.sampled_from([None, Decimal(0), Decimal("0.000000001"), Decimal("1.25")]),
            "status": st.sampled_from([None, "success", "error", "cancelled"]),
            "error_class": st.sampled_from([None, "Timeout"]),
            "is_streaming": st.sampled_from([None, True, False]),
            "user_id": st.sampled_from([None, "ada", "BOB", "100%_x"]),
            "trace_id": st.sampled_from([None, "t-1", "t-2"]),
            "tags": st.sampled_from([None, [], ["a"], ["a", "b"]]),
        }
    ),
    max_size=25,
    unique_by=lambda row: row["request_id"],
)
tests_made = st.lists(
    st.one_of(
        st.builds(
            Bounds,
            st.sampled_from(["spend_usd", "total_tokens", "avg_latency_ms", "avg_ttft_ms"]),
            st.sampled_from([None, 0, 1.25, 20]),
            st.sampled_from([None, 5, 300, 1010]),
        ),
        st.builds(Named, st.sampled_from(["b", "ADA", "%_", "t-1", "'; DROP TABLE requests --", ""])),
        st.builds(Tagged, st.sampled_from([("a",), ("b", "c"), ("x",)])),
        st.builds(Between, st.just(instant("2026-05-02")), st.sampled_from([instant("2026-05-02 06:00"), instant("2026-05-04")])),
    ),
    max_size=2,
).map(tuple)
conditions_made = st.lists(
    st.builds(
        Condition,
        st.sampled_from(["status", "error", "streaming"]),
        st.sampled_from([("success",), ("error", None), ("Timeout",), ("streamed",), ("at once", None)]),
        st.booleans(),
    ),
    max_size=2,
).map(tuple)


def holds(test: Bounds | Named | Tagged | Between, row: dict) -> bool:
    """Whether a request passes a test, worked out without SQL."""
    if isinstance(test, Between):
        return test.start <= row["started_at"] < test.end
    if isinstance(test, Tagged):
        return bool(set(test.tags) & set(row["tags"] or []))
    if isinstance(test, Named):
        ids = [row.get(name) for name in ("request_id", "trace_id", "session_id", "user_id")]
        return any(text is not None and test.text.lower() in text.lower() for text in ids)
    value = value_of(
        row, {"spend_usd": "cost", "total_tokens": "tokens", "avg_latency_ms": "latency", "avg_ttft_ms": "ttft"}[test.metric]
    )
    known = value is not None or (test.low is None and test.high is None)
    return known and (test.low is None or value >= test.low) and (test.high is None or value <= test.high)


def value_of(row: dict, by: str) -> object:
    """What a request is sorted by."""
    tokens = [row[name] for name in ("input_tokens", "output_tokens") if row[name] is not None]
    return {
        "time": row["started_at"],
        "cost": row["list_cost_usd"],
        "tokens": sum(tokens) if tokens else None,
        "latency": row["duration_ms"],
        "ttft": row["ttft_ms"],
    }[by]


def passes(condition: Condition, row: dict) -> bool:
    columns = {
        "status": row["status"],
        "error": row["error_class"],
        "streaming": {True: "streamed", False: "at once", None: None}[row["is_streaming"]],
    }
    return (columns[condition.dimension] in condition.values) != condition.excludes


def in_order(rows: list[dict], order: Order) -> list[str]:
    """The ids as they must come."""
    steady = sorted(rows, key=lambda row: (row["source"], row["request_id"]))
    newest = sorted(steady, key=lambda row: row["started_at"], reverse=True)
    known = [row for row in newest if value_of(row, order.by) is not None]
    unknown = [row for row in newest if value_of(row, order.by) is None]
    return [row["request_id"] for row in sorted(known, key=lambda row: value_of(row, order.by), reverse=order.descending) + unknown]


def walked(asked: View, order: Order, size: int) -> list[str]:
    """The ids of all pages, one after the other."""
    page = queries_traces.page(asked, order, size)
    ids = [row["request_id"] for row in page.rows]
    while page.has_after:
        page = queries_traces.page(asked, order, size, page.last)
        ids += [row["request_id"] for row in page.rows]
    return ids


@pytest.fixture
def lake_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[dict]], str]:
    return lambda rows: write_lake(tmp_path_factory.mktemp("lake"), rows)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(rows_made, tests_made, conditions_made, st.sampled_from(list(ORDERS)), st.booleans(), st.integers(1, 9))
def test_all_pages_together_are_what_matches_each_once_and_in_order(
    lake_of: Callable, made: list, tests: tuple, conditions: tuple, by: str, descending: bool, size: int
):
    made = [request(**row) for row in made]
    asked = view(lake_of(made), days("2026-05-01", "2026-05-04"))
    asked = View(asked.lake, asked.version, asked.period, "day", "best", Filters(conditions, tests))
    order = Order(by, descending)
    expected = [
        row
        for row in made
        if row["started_at"] < instant("2026-05-05")
        and all(holds(test, row) for test in tests)
        and all(passes(condition, row) for condition in conditions)
    ]

    assert walked(asked, order, size) == in_order(expected, order)
    totals = queries.usage(asked, "status").totals
    assert totals["requests"] == len(expected)
    costs = [row["list_cost_usd"] for row in expected if row["list_cost_usd"] is not None]
    assert totals["spend_usd"] == (sum(costs) if costs else None)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(rows_made, st.sampled_from(list(ORDERS)), st.booleans(), st.integers(1, 6))
def test_the_page_before_is_the_page_one_came_from(lake_of: Callable, made: list, by: str, descending: bool, size: int):
    asked, order = view(lake_of([request(**row) for row in made]), days("2026-05-01", "2026-05-05")), Order(by, descending)
    first = queries_traces.page(asked, order, size)
    if not first.has_after:
        return
    second = queries_traces.page(asked, order, size, first.last)
    back = queries_traces.page(asked, order, size, second.first, "before")

    assert [row["request_id"] for row in back.rows] == [row["request_id"] for row in first.rows]
    assert not back.has_before


def test_rows_that_arrive_meanwhile_repeat_nothing(tmp_path: Path):
    made = [request(instant("2026-05-01") + timedelta(hours=hour), request_id=f"r{hour:02}") for hour in range(20)]
    lake = write_lake(tmp_path / "lake", made)
    first = queries_traces.page(view(lake, days("2026-05-01", "2026-05-03")), Order(), 8)
    write_lake(lake, [request("2026-05-02 10:00", request_id="new"), request("2026-05-01 03:30", request_id="late")])
    asked = view(lake, days("2026-05-01", "2026-05-03"))
    second = queries_traces.page(asked, Order(), 50, first.last)

    assert [row["request_id"] for row in first.rows] == [f"r{hour:02}" for hour in range(19, 11, -1)]
    assert [row["request_id"] for row in second.rows] == [
        *(f"r{hour:02}" for hour in range(11, 3, -1)), "late", *(f"r{hour:02}" for hour in range(3, -1, -1)),
    ]  # fmt: skip


def test_a_request_is_found_with_its_day_and_without(tmp_path: Path):
    made = [request(instant("2026-01-01") + timedelta(days=day), request_id=f"r{day}", attributes='{"a": 1}') for day in range(60)]
    lake = write_lake(tmp_path / "lake", made)
    version = Lake(lake).version()

    def found(name: str, day: date | None = None) -> dict | None:
        return queries_traces.request(lake, version, "test", name, day)

    assert found("r3")["attributes"] == found("r3", date(2026, 1, 4))["attributes"] == '{"a": 1}'
    assert found("r59")["started_us"] == (instant("2026-03-01") - instant("1970-01-01")) // US
    assert found("r3", date(2026, 1, 5)) is None
    assert found("' OR true --") is None
    assert queries_traces.request(lake, version, "another", "r3") is None


def test_neighbours_are_those_of_the_same_trace_around_it(tmp_path: Path):
    made = [
        request("2026-05-01 23:59", request_id="a", trace_id="t"),
        request("2026-05-02 00:01", request_id="b", trace_id="t", list_cost_usd=Decimal(2)),
        request("2026-05-02 00:02", request_id="c", trace_id="other"),
        request("2026-05-09 00:00", request_id="later", trace_id="t"),
    ]
    lake = write_lake(tmp_path / "lake", made)
    around = (instant("2026-05-02 00:01") - instant("1970-01-01")) // US
    found = queries_traces.neighbours(lake, Lake(lake).version(), "trace_id", "t", around, "best")

    assert [(row["request_id"], row["spend_usd"]) for row in found] == [("a", None), ("b", Decimal(2))]


def test_failures_are_counted_by_class_with_what_the_newest_says(tmp_path: Path):
    failed = {"status": "error", "error_class": "Timeout", "provider": "openai", "model": "gpt-4o", "http_status": 408}
    made = [
        request("2026-05-01 10:00", **failed, user_id="ada", attributes='{"error_message": "<b>old</b>"}'),
        request("2026-05-01 11:00", **failed, user_id="bob", attributes='{"error_message": "newest"}'),
        request("2026-05-01 12:00", **failed, user_id="bob"),
        request("2026-05-01 12:00", status="cancelled"),
        request("2026-05-01 12:00", status="success"),
    ]
    found = queries_traces.failures(view(write_lake(tmp_path / "lake", made), days("2026-05-01")))

    assert [(row["error_class"], row["requests"], row["users"], row["http_status"], row["message"]) for row in found] == [
        ("Timeout", 3, 2, 408, "newest"),
        (None, 1, 0, None, None),
    ]


def test_quantiles_are_those_of_the_rows(tmp_path: Path):
    made = [request("2026-05-01 10:00", duration_ms=float(ms)) for ms in range(1, 101)]
    lake = write_lake(tmp_path / "lake", [*made, request("2026-05-01 10:00")])

    assert queries_traces.latency_quantiles(view(lake, days("2026-05-01"))) == {"p50": 50.5, "p95": 95.05, "p99": 99.01}
    assert queries_traces.latency_quantiles(view(lake, days("2026-05-02"))) == {"p50": None, "p95": None, "p99": None}


def test_tags_are_those_of_the_period_the_most_frequent_first(tmp_path: Path):
    lake = write_lake(tmp_path / "lake", [request("2026-05-01", tags=tags) for tags in (["b"], ["a", "b"], None, [])])

    assert queries_traces.tags(view(lake, days("2026-05-01"))) == ["b", "a"]
