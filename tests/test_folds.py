from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake_rows import Row
from tests.questions import of_lake, questions, splits
from tests.recount import asked, by_key, known_sum, measured, passed, step_of
from tests.views import days, request, view
from usagecost import charts, queries
from usagecost.exports import csv_text
from usagecost.periods import compared
from usagecost.queries import folds
from usagecost.queries.folds import Usage
from usagecost.vocabulary import FOLDS, METRICS
from usagecost.vocabulary.filters import View

MEASURES = tuple(measured([]))
TOTALS = ("requests", "input_tokens", "spend_usd", "incomplete_requests", "latency_us", "timed_requests")


@pytest.fixture(scope="module")
def week(lake_of: Callable[..., str]) -> Usage:
    """Five models in two days: e costs 5, d 4, … a 1 dollar; what has no model, nothing known."""
    dollars = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
    priced = (
        request(f"2026-05-0{1 + (name in 'ae')}", model=name, list_cost_usd=Decimal(usd), input_tokens=usd * 10)
        for name, usd in dollars.items()
    )
    lake = lake_of(*priced, request("2026-05-02"), request("2026-05-02"))
    return queries.usage(view(lake, days("2026-05-01", "2026-05-03")), "model")


def added(parts: pd.DataFrame, name: str) -> object:
    """What the parts add up to; None where none of them knows."""
    return known_sum(row[name] for row in folds.rows(parts))


# ---- facts


def test_the_most_expensive_come_first_and_the_unpriced_last(week: Usage):
    assert [(row["value"], row["spend_usd"]) for row in folds.rows(week.by_value)] == [
        ("e", 5), ("d", 4), ("c", 3), ("b", 2), ("a", 1), (None, None),
    ]  # fmt: skip


def test_what_is_made_of_an_answer_is_made_once_and_anew_when_something_else_is_given(week: Usage):
    names, other_names = object(), object()
    made = [week.once("list", list, inputs=(names, folds)) for _ in range(2)]

    assert made[0] is made[1]
    assert week.once("dictionary", dict, inputs=names) == {}
    assert week.once("list", list, inputs=(other_names, folds)) is not made[0]
    assert week.of_value("e") is week.of_value("e") is not week.of_value("d")


def test_what_is_cut_is_one_other_with_the_rest_of_the_sum(week: Usage):
    top = folds.rows(folds.top_values(week.by_value, 2))

    assert [(row["value"], row["is_other"], row["merged"], row["requests"], row["spend_usd"]) for row in top] == [
        ("e", False, 1, 1, 5),
        ("d", False, 1, 1, 4),
        (None, True, 4, 5, 6),
    ]


def test_nothing_is_cut_when_there_is_room(week: Usage):
    top = folds.top_values(week.by_value, 6)

    assert len(top) == 6
    assert not top["is_other"].any()


def test_what_is_not_reported_stays_apart_from_other(lake_of: Callable[..., str]):
    lake = lake_of(
        request(list_cost_usd=Decimal(9)),
        request(model="a", list_cost_usd=Decimal(2)),
        request(model="b", list_cost_usd=Decimal(1)),
    )
    usage = queries.usage(view(lake, days("2026-05-01")), "model")
    top = folds.top_values(usage.by_value, 1)
    stacks = folds.over_time_by_top(usage, top)

    assert [(row["value"], row["is_other"], row["spend_usd"]) for row in folds.rows(top)] == [(None, False, 9), (None, True, 3)]
    assert sorted((row["is_other"], row["spend_usd"]) for row in folds.rows(stacks)) == [(False, 9), (True, 3)]


def test_parts_over_time_keep_the_values_of_the_top(week: Usage):
    stacks = folds.over_time_by_top(week, folds.top_values(week.by_value, 2))

    assert sorted((row["interval"], row["value"] or "Other", row["requests"]) for row in folds.rows(stacks)) == [
        (0, "Other", 2),
        (0, "d", 1),
        (1, "Other", 3),
        (1, "e", 1),
    ]


def test_of_value_is_that_values_part_of_everything(week: Usage):
    model = week.of_value("d")

    assert model.totals["spend_usd"] == 4
    assert list(model.over_time["requests"]) == [1, 0, 0]
    assert week.of_value("nobody").totals["requests"] == 0
    assert week.of_value("nobody").totals["spend_usd"] is None


def test_an_empty_interval_is_zero_and_one_of_nothing_known_is_not(week: Usage):
    spend = [row["spend_usd"] for row in folds.rows(week.of_value(None).over_time)]

    assert spend == [0, None, 0]


def test_a_table_over_time_names_each_interval_by_its_first_instant(lake_of: Callable[..., str]):
    usage = queries.usage(view(lake_of(request("2026-10-25 01:30")), days("2026-10-25", zone="Europe/Berlin"), "hour"), "model")
    table = folds.over_time_table(usage, ("requests", "total_tokens"), "Europe/Berlin")

    assert list(table.columns) == ["interval_start", "requests", "total_tokens"]
    assert [row["interval_start"] for row in folds.rows(table)][1:4] == [
        "2026-10-25T01:00:00+02:00",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
    ]
    assert list(table["requests"])[:5] == [0, 0, 0, 1, 0]


def test_last_seen_is_a_local_time(lake_of: Callable[..., str]):
    lake = lake_of(request("2026-05-01 10:00", user_id="ann"), request("2026-05-01 12:34:56", user_id="ann"))
    users = queries.usage(view(lake, days("2026-05-01"), "period"), "user", ("last_seen_us",)).by_value

    assert list(folds.last_seen(users, "Asia/Kathmandu")) == [pd.Timestamp("2026-05-01 18:19:56")]


def test_a_ranking_table_has_the_metrics_in_full(week: Usage):
    ranking = week.by_value.assign(name=[charts.value_name(value, False) for value in week.by_value["value"]])
    text = csv_text(folds.ranking_table(ranking, "model", ("spend_usd", "requests", "success_rate", "total_tokens")))

    assert text.splitlines()[:2] == [
        "model,spend_usd,requests,success_rate,total_tokens,incomplete_requests,incomplete_tokens,spend_is_at_least",
        "e,5.000000000,1,,50,0,0,False",
    ]
    assert text.splitlines()[-1] == "(not reported),,2,,,2,0,False"


# ---- laws


@settings(max_examples=8)
@given(questions(), splits, st.integers(0, 6))
def test_top_and_other_always_add_up_to_the_card(varied: tuple[str, list[Row]], question: View, by: str, most: int):
    usage = queries.usage(of_lake(question, varied[0]), by, MEASURES)
    top = folds.top_values(usage.by_value, most)
    stacks = folds.over_time_by_top(usage, top)

    for name in TOTALS:
        whole = usage.totals[name] if len(top) else None
        assert added(top, name) == whole
        assert added(stacks, name) == whole
    assert top["merged"].sum() == len(usage.by_value)
    assert len(top) <= most + 1


@settings(max_examples=6)
@given(questions(intervals=("hour", "day", "week", "month")), splits, st.integers(1, 4))
def test_every_download_adds_up_to_the_card(varied: tuple[str, list[Row]], question: View, by: str, most: int):
    usage = queries.usage(of_lake(question, varied[0]), by, MEASURES)
    zone, totals = question.period.zone, usage.totals
    ranking = folds.top_values(usage.by_value, most).assign(name="part")
    stacks = folds.over_time_by_top(usage, ranking).assign(name="part")
    downloads = (
        folds.over_time_table(usage, ("requests", "total_tokens", "spend_usd"), zone),
        folds.breakdown_table(usage, stacks, by, zone),
        folds.ranking_table(ranking, by, ("spend_usd", "requests", "incomplete_requests", "total_tokens")),
    )

    for table in downloads:
        header, *lines = [line.split(",") for line in csv_text(table).splitlines()]
        for name in set(header) & set(METRICS):
            cells = [Decimal(line[header.index(name)]) for line in lines if line[header.index(name)]]
            assert sum(cells) == (METRICS[name].of(totals) or 0)


@settings(max_examples=6)
@given(questions(intervals=("hour", "day", "week")), splits)
def test_each_value_over_time_equals_a_recount_of_its_rows(varied: tuple[str, list[Row]], question: View, by: str):
    lake, made = varied
    question = of_lake(question, lake)
    usage = queries.usage(question, by, MEASURES)
    column = {"user": "user_id", "team": "team_id"}.get(by, by)

    for value, rows in by_key(asked(made, question), lambda row: row.get(column)).items():
        of_value, by_step = usage.of_value(value), by_key(rows, lambda row: step_of(row["started_at"], question))
        assert of_value.totals == measured(rows, question.basis)
        for step, sums in zip(usage.intervals, folds.rows(of_value.over_time), strict=True):
            expected = measured(by_step.get(step_of(step.start, question), []), question.basis)
            assert all(sums[name] == (expected[name] if expected["requests"] else 0) for name in MEASURES if FOLDS[name] == "sum")


@settings(max_examples=8)
@given(questions(intervals=("15min", "hour", "day", "week", "month")), st.sampled_from(["before", "month", "year"]))
def test_what_intervals_are_compared_with_adds_up_to_the_comparison(varied: tuple[str, list[Row]], question: View, choice: str):
    lake, made = varied
    question = of_lake(replace(question, period=compared(question.period, choice)), lake)
    usage = queries.usage(question, None, MEASURES)
    course, is_whole = folds.rows(usage.over_time_before), choice == "before" or question.interval in ("week", "month")

    assert len(course) == len(usage.counterparts) == len(usage.intervals)
    for name in TOTALS if usage.intervals else ():
        beside, card = added(usage.over_time_before, name) or 0, usage.totals_before[name] or 0
        assert beside == card if is_whole else beside <= card
    for stretch, sums in zip(usage.counterparts, course, strict=True):
        sent = [row for row in made if stretch and stretch.start <= row["started_at"] < stretch.end]
        expected = measured(passed(sent, question), question.basis)
        nothing = 0 if stretch else None
        assert all(sums[name] == (expected[name] if expected["requests"] else nothing) for name in TOTALS)
