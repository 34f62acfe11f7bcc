"""Single requests: pages by key, the cards of any filters, the export."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engines import ON_BOTH_ENGINES
from tests.lake_rows import commit
from tests.views import days, instant, request, view, write_lake
from usagecost import queries
from usagecost.lake import Lake
from usagecost.queries.requests import SORTS, Key, Order
from usagecost.vocabulary.filters import AnyCondition, Bounds, Condition, Field, Filters, Instants, Tagged, View
from usagecost.vocabulary.search import SEARCHED, Text

PERIOD = days("2026-05-01", "2026-05-10")
BEGIN = instant("2026-05-01")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """300 requests of few values, many unknown and many equal, so that every order has ties."""
    random = Random(5)

    def one(number: int) -> dict:
        status = random.choice(["success", "success", "error", "cancelled", None])
        return request(
            BEGIN + timedelta(minutes=random.randrange(0, 9 * 1440, 90)),
            request_id=f"r{number}",
            source=random.choice(["a", "b"]),
            model=random.choice(["m1", "m2", None]),
            user_id=random.choice(["ann", "Bob", None]),
            status=status,
            error_class=random.choice(["Timeout", None]) if status == "error" else None,
            is_streaming=random.choice([True, False, None]),
            tags=random.choice([["x"], ["x", "y"], [], None]),
            input_tokens=random.choice([None, 0, 10, 20]),
            output_tokens=random.choice([None, 5]),
            duration_ms=random.choice([None, 100.0, 250.5]),
            ttft_ms=random.choice([None, 10.0]),
            list_cost_usd=random.choice([None, Decimal("0.5"), Decimal("0.000000001")]),
            reported_cost_usd=random.choice([None, Decimal(1)]),
        )

    return write_lake(tmp_path_factory.mktemp("pages") / "lake", [one(number) for number in range(300)])


CONDITIONS = st.one_of(
    st.builds(Condition, st.just("model"), st.sampled_from([("m1",), ("m2", None), (None,)]), st.booleans()),
    st.builds(Condition, st.just("error"), st.sampled_from([("Timeout",), ("Timeout", None)])),
    st.builds(Condition, st.just("streaming"), st.sampled_from([("streamed",), ("at once", None)])),
    st.builds(Field, st.just("tags"), st.sampled_from(["x", "y"]), st.booleans()),
    st.builds(Field, st.just("is_streaming"), st.booleans(), st.booleans()),
    st.builds(Field, st.just("user_id"), st.sampled_from(["ann", "nobody"]), st.booleans()),
    st.builds(Tagged, st.sampled_from([("x",), ("y", "z")])),
    st.builds(Text, st.sampled_from(["R1", "bob", "%", "'", "gpt", "time"])),
    st.builds(Bounds, st.just("cost"), st.sampled_from([None, Decimal("0.5")]), st.sampled_from([Decimal("0.5"), Decimal(2)])),
    st.builds(Bounds, st.just("latency"), st.just(Decimal(100)), st.none()),
    st.just(Bounds("cost", is_unknown=True)),
    st.builds(
        lambda first, days: Instants(BEGIN + first, BEGIN + first + days), *[st.timedeltas(timedelta(hours=1), timedelta(5))] * 2
    ),
)
FILTERS = st.lists(CONDITIONS, max_size=3).map(lambda conditions: Filters(tuple(conditions)))
ORDERS = st.builds(Order, st.sampled_from(list(SORTS)), st.booleans())


def key(row: dict) -> Key:
    return Key(row["value"], row["instant_us"], row["source"], row["request_id"])


def walked(asked: View, order: Order, most: int) -> list[dict]:
    """All requests of a view, page by page."""
    rows: list[dict] = []
    while page := queries.requests.page(asked, order, key(rows[-1]) if rows else None, False, most):
        rows += page
    return rows


@ON_BOTH_ENGINES
@settings(max_examples=3, deadline=None)
@given(filters=FILTERS, order=ORDERS, most=st.sampled_from([1, 7, 50]))
def test_walking_the_pages_visits_what_the_cards_count_once_and_in_order(lake: str, filters: Filters, order: Order, most: int):
    asked = View(lake, Lake(lake).version(), PERIOD, "day", "best", filters)
    totals = queries.usage(asked, "status").totals
    rows = walked(asked, order, max(most, totals["requests"] // 12))
    known = [row["value"] for row in rows if row["value"] is not None]

    assert len({(row["source"], row["request_id"]) for row in rows}) == len(rows) == totals["requests"]
    assert sum(row["status"] == "success" for row in rows) == totals["successful"]
    assert sum(row["cost_usd"] is None for row in rows) == totals["incomplete_requests"]
    assert sum(row["cost_usd"] or 0 for row in rows) == (totals["spend_usd"] or 0)
    assert known == sorted(known, reverse=order.descends)
    assert all(row["value"] is None for row in rows[len(known) :]), "what is not known stands last"


@settings(max_examples=2, deadline=None)
@given(order=ORDERS)
def test_the_way_back_is_the_way_there(lake: str, order: Order):
    asked = view(lake, PERIOD)
    forth = [key(row) for row in walked(asked, order, 50)]
    back = [key(row) for row in queries.requests.page(asked, order, forth[-1], True, 1000)]

    assert back == forth[:-1]
    for place in (0, 77, len(forth) - 1):
        assert queries.requests.count_before(asked, order, forth[place]) == place


@pytest.fixture(scope="module")
def listed(lake: str) -> list[dict]:
    """All requests as the list has them."""
    return queries.requests.page(view(lake, PERIOD), Order(), None, False, 1000)


@ON_BOTH_ENGINES
@settings(max_examples=6, deadline=None)
@given(filters=FILTERS)
def test_the_cards_equal_a_plain_recount_of_the_rows(lake: str, listed: list[dict], filters: Filters):
    asked = View(lake, Lake(lake).version(), PERIOD, "day", "best", filters)
    rows = [row for row in listed if all(passes(one, row) for one in filters.conditions)]
    totals = queries.usage(asked, "status").totals

    assert totals["requests"] == len(rows)
    assert (totals["spend_usd"] or 0) == sum(row["cost_usd"] or 0 for row in rows)
    assert (totals["input_tokens"] or 0) == sum(row["input_tokens"] or 0 for row in rows)


def passes(one: AnyCondition, row: dict) -> bool:
    """Whether a listed row passes a condition, worked out without SQL."""
    if isinstance(one, Condition):
        column = {"model": "model", "error": "error_class", "streaming": "is_streaming"}[one.dimension]
        value = {True: "streamed", False: "at once"}[row[column]] if isinstance(row[column], bool) else row[column]
        return (value in one.values) is not one.excludes
    if isinstance(one, Field):
        has = one.value in (row["tags"] or []) if one.name == "tags" else row[one.name] == one.value
        return has is not one.excludes
    if isinstance(one, Tagged):
        return bool(set(one.tags) & set(row["tags"] or []))
    if isinstance(one, Text):
        return any(one.text.lower() in (row[name] or "").lower() for name in SEARCHED if name in row)
    if isinstance(one, Instants):
        return one.start <= queries.requests.moment(row["instant_us"]) < one.end
    value = row["cost_usd"] if one.quantity == "cost" else row["duration_ms"]
    if one.is_unknown:
        return row["cost_usd"] is None
    return value is not None and (one.least is None or value >= one.least) and (one.most is None or value <= one.most)


def test_what_arrives_meanwhile_repeats_nothing(tmp_path: Path):
    first = [request(BEGIN + timedelta(minutes=i), request_id=f"old{i:02}") for i in range(20)]
    root = write_lake(tmp_path / "lake", first)
    page = queries.requests.page(view(root, PERIOD), Order(), None, False, 10)
    commit(Lake(root), *(request(BEGIN + timedelta(days=1, minutes=i), request_id=f"new{i:02}") for i in range(20)))
    rest = queries.requests.page(view(root, PERIOD), Order(), key(page[-1]), False, 50)

    assert [row["request_id"] for row in page + rest] == [f"old{i:02}" for i in reversed(range(20))]


@ON_BOTH_ENGINES
def test_failures_carry_the_last_message_that_is_known(tmp_path: Path):
    told = {"status": "error", "error_class": "Timeout", "provider": "p", "model": "m"}
    root = write_lake(
        tmp_path / "lake",
        [
            request("2026-05-01 10:00", attributes=json.dumps({"error_message": "slow"}), **told),
            request("2026-05-02 10:00", attributes=json.dumps({"exception.message": "slower"}), **told),
            request("2026-05-03 10:00", **told),
            request("2026-05-03 10:00", status="cancelled"),
            request("2026-05-03 10:00", status="success"),
        ],
    )
    found = queries.requests.failures(view(root, PERIOD))

    assert [(row["error_class"], row["requests"], row["message"]) for row in found] == [("Timeout", 3, "slower"), (None, 1, None)]
