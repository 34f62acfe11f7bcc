"""What is kept of the days that are over, while the lake goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lake_rows import commit
from tests.questions import ZONES, varied_row
from tests.test_queries import assert_right
from tests.views import days, request, view
from usagecost import engine, queries, queries_settled
from usagecost.lake import Lake

NOW = datetime(2026, 10, 27, 20, tzinfo=UTC)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The days of the files that questions read from now on, in the order in which they are asked."""
    seen: list[str] = []
    answer = engine.embedded.answer

    def noted(sql: str, parameters: dict, name: str, columns: pa.Schema, files: tuple[str, ...], *others: object) -> pa.Table:
        seen.extend(part[4:] for file in files for part in file.split("/") if part.startswith("day="))
        return answer(sql, parameters, name, columns, files, *others)

    monkeypatch.setattr(engine.embedded, "answer", noted)
    return seen


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.sampled_from(ZONES), st.sampled_from(["hour", "day", "week", "period"]), st.integers(1, 4))
def test_whatever_comes_when_every_number_equals_a_recount(
    lake_of: Callable[..., str], seed: int, zone: str, interval: str, ahead: int
):
    """Most of it of the newest day, some late, and some that says more of what was there."""
    random, now = Random(seed), NOW
    first_ones = [varied_row(NOW - timedelta(hours=random.uniform(0, 190)), random) for _ in range(40)]
    made = {row["request_id"]: row for row in first_ones}
    lake = lake_of(*first_ones)
    for version in range(1, 5):
        now += timedelta(hours=random.choice([0.01, 1, 5, 26]))
        first = now.date() - timedelta(days=ahead)
        asked = view(lake, days(first, now.date() + timedelta(days=1), zone, now=now), interval)
        assert_right(asked, "model", list(made.values()))
        assert_right(asked.where_user_is("ann"), "status", list(made.values()))

        late = random.choice([0, 0, 100])
        come = [varied_row(now - timedelta(hours=random.uniform(0, 3 + late)), random) for _ in range(3)]
        anew = random.sample(sorted(made), random.choice([0, 1]))
        changed = [{**made[name], "rank": version, "input_tokens": version} for name in anew]
        commit(Lake(lake), *come, *changed)
        made |= {row["request_id"]: row for row in (*come, *changed)}


def week_of(lake: str, now: str) -> queries.View:
    return view(lake, days("2026-05-04", "2026-05-10", now=now)).where_user_is("ann")


@pytest.fixture
def lake(lake_of: Callable[..., str]) -> str:
    """Two weeks up to a Friday."""
    fortnight = (date(2026, 4, 27) + timedelta(days=day) for day in range(12))
    return lake_of(*(request(f"{day} {hour}:00", user_id="ann") for day in fortnight for hour in (10, 15)))


def test_after_a_commit_only_the_days_that_time_goes_on_in_are_read(lake: str, read: list[str]):
    assert queries.usage(week_of(lake, "2026-05-08 12:00"), "model").totals["requests"] == 10
    assert sorted(set(read)) == [str(date(2026, 4, 27) + timedelta(days=day)) for day in range(12)]

    read.clear()
    commit(Lake(lake), request("2026-05-08 12:30", user_id="ann"))
    usage = queries.usage(week_of(lake, "2026-05-08 16:00"), "model")

    assert (usage.totals["requests"], usage.totals_before["requests"]) == (11, 10)
    assert sorted(read) == ["2026-05-01", "2026-05-08"]


def test_what_comes_late_has_the_days_read_again(lake: str, read: list[str]):
    queries.usage(week_of(lake, "2026-05-08 12:00"), "model")
    read.clear()
    commit(Lake(lake), request("2026-05-05 12:30", user_id="ann"))

    assert queries.usage(week_of(lake, "2026-05-08 12:00"), "model").totals["requests"] == 11
    assert "2026-05-05" in read


def test_other_questions_have_answers_of_their_own(lake: str):
    asked = week_of(lake, "2026-05-08 12:00")
    counts = [
        queries.usage(one, "model").totals["requests"]
        for one in (
            asked,
            view(lake, days("2026-05-04", "2026-05-10", now="2026-05-08 12:00")).where_user_is("bob"),
            view(lake, days("2026-05-05", "2026-05-10", now="2026-05-08 12:00")).where_user_is("ann"),
            replace(asked, interval="hour"),
            replace(asked, period=days("2026-05-04", "2026-05-10", "Pacific/Apia", now="2026-05-08 12:00")),
        )
    ]

    assert counts == [10, 0, 8, 10, 11]


def test_large_answers_are_not_kept(lake: str, monkeypatch: pytest.MonkeyPatch, read: list[str]):
    monkeypatch.setattr(queries_settled, "LARGEST_BYTES", 10)
    queries.usage(week_of(lake, "2026-05-08 12:00"), "model")
    read.clear()
    commit(Lake(lake), request("2026-05-08 12:30", user_id="ann"))

    assert queries.usage(week_of(lake, "2026-05-08 12:00"), "model").totals["requests"] == 11
    assert len(read) == 12, "and not asked twice to find that out"


def test_what_was_last_used_longest_ago_goes_first(monkeypatch: pytest.MonkeyPatch):
    sums = pa.table({"requests": pa.array(range(10), pa.int64())})
    monkeypatch.setattr(queries_settled, "MOST_BYTES", 2 * sums.nbytes)
    kept, asked = queries_settled.Kept(), []

    def ask_for(name: str) -> None:
        kept.of(name, lambda: asked.append(name) or sums)

    for name in "abacab":
        ask_for(name)

    assert asked == ["a", "b", "c", "b"]
    assert kept.bytes == 2 * sums.nbytes
