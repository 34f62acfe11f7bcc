"""Days that are over are not asked again while the same files tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake_rows import commit
from tests.views import days, instant, request
from usagecost import engine
from usagecost.lake import Lake, Selection
from usagecost.queries import settled, usage
from usagecost.queries.folds import Usage, rows
from usagecost.vocabulary import METRICS, measures_of
from usagecost.vocabulary.filters import View

DAYS = 30
FIRST = instant("2026-05-01 00:00")
ADDITIVE = measures_of(name for name, metric in METRICS.items() if metric.is_additive)


def some_requests(count: int = 1) -> list[dict]:
    """So many a day, of users that come and go, a model a week."""
    return [
        request(
            FIRST + timedelta(days=day, hours=11 * number % 24, minutes=day),
            user_id=f"user-{(day + number) % 5}",
            model=f"model-{day // 7}",
            list_cost_usd=Decimal(day + number) / 1000 if number else None,
            input_tokens=day,
        )
        for day in range(DAYS)
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake that changed: its second version has one more request of the newest day, the third a late one, and the last is without
    the first days.
    """
    lake = Lake(tmp_path_factory.mktemp("lake"))
    commit(lake, *some_requests(3))
    commit(lake, request("2026-05-30 12:59", request_id="new", user_id="new", list_cost_usd=Decimal(1)))
    commit(lake, request("2026-05-17 23:30", request_id="late", user_id="late", list_cost_usd=Decimal(5)))
    lake.remove(Selection(before=instant("2026-05-03 00:00")))
    return lake


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    yield
    settled.forget()


def versions_of(
    lake: Lake, first: str = "2026-05-01", zone: str = "UTC", now: str = "2026-05-30 13:07", interval: str = "day"
) -> list[View]:
    """The days until 30 May in every version of the lake."""
    period = days(first, "2026-05-30", zone, now=instant(now))
    newest = lake.version()
    return [View(str(lake.root), version, period, interval, "best") for version in range(newest - 3, newest + 1)]


def numbers(found: Usage) -> tuple:
    return found.intervals, found.parts, found.totals, found.totals_before, rows(found.over_time), rows(found.by_value)


def test_a_commit_to_the_newest_day_has_no_day_asked_that_is_over(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    asked, table = [], engine.table
    monkeypatch.setattr(engine, "table", lambda *given: asked.append(len(given[2].days)) or table(*given))
    before, after = (usage(view, "user").totals for view in versions_of(lake)[:2])

    assert asked == [28, 2, 2], "28 days are over, of which none is asked again"
    assert (after["requests"], after["spend_usd"]) == (before["requests"] + 1, before["spend_usd"] + 1)


@settings(max_examples=6)
@given(
    st.sampled_from(["UTC", "America/St_Johns", "Asia/Kathmandu"]),
    st.sampled_from(["hour", "day", "week", "month", "period"]),
    st.sampled_from([None, "user", "model"]),
    st.sampled_from(["2026-05-09", "2026-05-15"]),
    st.sampled_from(["2026-05-30 00:00", "2026-05-30 13:07", "2026-05-30 23:59", "2026-06-09 00:00"]),
)
def test_what_changes_later_shows_at_once(lake: Lake, zone, interval, split, first, now):
    views = versions_of(lake, first, zone, now, interval)
    kept = [numbers(usage(view, split, ADDITIVE)) for view in views]

    for view, found in zip(views, kept, strict=True):
        settled.forget()
        assert found == numbers(usage(view, split, ADDITIVE))


def test_values_beyond_those_that_are_named_are_one(lake: Lake):
    first = versions_of(lake)[0]
    few, all_of_them = usage(first, "user", most=2), usage(first, "user")

    assert [(row["is_other"], row["merged"]) for row in few.ranked.to_pylist()] == [(False, 1), (False, 1), (True, 3)]
    assert few.parts == all_of_them.parts == 5
    assert few.totals == all_of_them.totals
