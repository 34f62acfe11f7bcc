from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engines import ON_BOTH_ENGINES
from tests.views import days, instant, request, view
from usagecost import queries
from usagecost.queries.folds import rows
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import Condition, Filters, instant_range_sql

TODAY = days("2026-05-01")
HOSTILE = (
    "'; DROP TABLE requests; --", "$f0_0", 'a"b', "%", "{requests}", "\\", "日本語 🙂", "", " ", "x" * 5_000, "a\x00b", "NULL",
)  # fmt: skip


@pytest.fixture(scope="module")
def users(lake_of: Callable[..., str]) -> Callable[..., set[str | None]]:
    """Whose requests a condition leaves, of ann, bob, cid and one who is not reported."""
    lake = lake_of(*(request(user_id=user) for user in ("ann", "bob", "cid", None)))

    def left(*conditions: Condition) -> set[str | None]:
        usage = queries.usage(view(lake, TODAY, "day", "best", *conditions), "user")
        return {row["value"] for row in rows(usage.by_value)}

    return left


def test_conditions_leave_whom_they_mean(users: Callable):
    assert users() == {"ann", "bob", "cid", None}
    assert users(Condition("user", ("ann", "cid"))) == {"ann", "cid"}
    assert users(Condition("user", (None,))) == {None}
    assert users(Condition("user", ("ann", None))) == {"ann", None}
    assert users(Condition("user", ("ann",), excludes=True)) == {"bob", "cid", None}
    assert users(Condition("user", ("zoe",))) == users(Condition("user", ())) == set()
    assert users(Condition("user", (), excludes=True)) == {"ann", "bob", "cid", None}, "none of nothing is everything"
    assert users(Condition("user", ("ann", "bob")), Condition("user", ("ann",), excludes=True)) == {"bob"}


@ON_BOTH_ENGINES
def test_none_of_can_leave_out_what_is_not_reported(users: Callable):
    assert users(Condition("user", ("ann", None), excludes=True)) == {"bob", "cid"}
    assert users(Condition("user", (None,), excludes=True)) == {"ann", "bob", "cid"}


def test_two_conditions_on_a_dimension_narrow_it_to_what_both_let_through(users: Callable):
    some = Condition("user", ("ann", None))

    assert users(some, Condition("user", (None,))) == {None}
    assert users(some, Condition("user", ("bob",))) == set()


@ON_BOTH_ENGINES
def test_a_hostile_value_is_only_a_value(lake_of: Callable[..., str]):
    lake = lake_of(*(request(user_id=value, model=value) for value in HOSTILE))

    def requests(*conditions: Condition) -> int:
        return queries.usage(view(lake, TODAY, "day", "best", *conditions), "model").totals["requests"]

    for value in HOSTILE:
        assert requests(Condition("user", (value,))) == 1
        assert requests(Condition("user", (value,)), Condition("model", (value,))) == 1
        assert requests(Condition("user", (value,), excludes=True)) == len(HOSTILE) - 1
    assert requests(Condition("user", HOSTILE)) == len(HOSTILE)


def test_values_are_bound_and_never_part_of_the_sql():
    text, bound = Filters((Condition("user", HOSTILE[:2]), Condition("team", (HOSTILE[0],), excludes=True))).sql()

    assert not any(value in text for value in HOSTILE[:1])
    assert set(bound.values()) == set(HOSTILE[:2])


@ON_BOTH_ENGINES
def test_every_dimension_can_be_filtered_by(lake_of: Callable[..., str]):
    made = {name: request(**{dimension.column: f"a {name}"}) for name, dimension in DIMENSIONS.items() if name != "streaming"}
    lake = lake_of(*made.values(), request(is_streaming=True), request(is_streaming=False))

    for name, value in [*((name, f"a {name}") for name in made), ("streaming", "streamed"), ("streaming", "at once")]:
        found = queries.usage(view(lake, TODAY, "day", "best", Condition(name, (value,))), name)
        assert [(row["value"], row["requests"]) for row in rows(found.by_value)] == [(value, 1)]


def test_a_range_holds_its_first_instant_and_not_its_last():
    text, bound = instant_range_sql({"now": (instant("2026-05-01"), instant("2026-05-02"))}, "us")

    assert text == "((us >= $now_start AND us < $now_end))"
    assert bound == {"now_start": 1_777_593_600_000_000, "now_end": 1_777_680_000_000_000}


def test_conditions_are_said_in_words():
    conditions = (
        Condition("user", ("ann", None)),
        Condition("team", ("a", "b", "c", "d", "e"), excludes=True),
    )

    assert Filters(conditions).phrases() == ("user is ann, (not reported)", "team is not a, b, c and 2 more")
    assert Filters().phrases() == ()
