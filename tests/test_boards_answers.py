"""What panels show, recounted from the rows and compared with DuckDB's own functions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines import BY_ROLLUPS, ON_BOTH_ENGINES, ON_ROLLUPS_BY_BOTH_ENGINES
from tests.lake_rows import Row
from tests.questions import ZONES, of_lake, questions
from tests.recount import asked, asked_before, by_key
from tests.views import days, instant, request, view
from usagecost import boards, queries
from usagecost.boards import Answer, Panel, PanelFilter
from usagecost.cli.summaries import summary_rows
from usagecost.lake import Lake
from usagecost.periods import INTERVALS
from usagecost.queries import EDGES, SAMPLE
from usagecost.queries.folds import rows
from usagecost.vocabulary import DIMENSIONS, HOURS, MEASURES, METRICS, OF_ROWS, SPLITS, WEEKDAYS, measure_sql, measures_of
from usagecost.vocabulary.filters import Condition, View

PERCENTILES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}


def values_of(answer: Answer, metric: str) -> dict[object, object]:
    """What each value of the split has; "Other" for the rest."""
    names = ["Other" if row["is_other"] else row["value"] for row in rows(answer.by_value)]
    return {
        name: None if pd.isna(value) else value for name, value in zip(names, METRICS[metric].column(answer.by_value), strict=True)
    }


def quantile(found: list[Row], share: float) -> float | None:
    told = [row["duration_ms"] for row in found if row.get("duration_ms") is not None]
    durations = pd.DataFrame({"ms": told}, dtype=float)  # noqa: F841
    return duckdb.sql(f"SELECT quantile_cont(ms, {share}) FROM durations").fetchall()[0][0]


# ---- laws


@settings(max_examples=4)
@given(questions(), st.sampled_from(["model", "user", "status"]), st.integers(1, 4))
def test_percentiles_and_users_of_every_part_are_those_of_its_rows(
    varied: tuple[str, list[Row]], question: View, by: str, top: int
):
    lake, made = varied
    asked_of = of_lake(question, lake, "day")
    found = asked(made, asked_of)
    column = {"model": "model", "user": "user_id", "status": "status"}[by]
    answer = boards.answer(Panel(metrics=("latency_p95_ms", "active_users"), split=by, chart="table", top=top), asked_of)
    parts = by_key(found, lambda row: row.get(column))
    named = sorted(parts, key=lambda value: (-len(parts[value]), value is None, value))[:top]
    rest = [row for value, of_value in parts.items() if value not in named for row in of_value]

    expected = {value: parts[value] for value in named} | ({"Other": rest} if rest else {})
    assert values_of(answer, "active_users") == {
        value: len({row["user_id"] for row in part if row.get("user_id")}) for value, part in expected.items()
    }
    assert values_of(answer, "latency_p95_ms") == pytest.approx({value: quantile(part, 0.95) for value, part in expected.items()})
    assert answer.totals["latency_p95_ms"] == pytest.approx(quantile(found, 0.95))


@settings(max_examples=4)
@given(questions(intervals=("hour", "day", "week", "month")))
def test_each_interval_has_the_percentile_of_its_own_rows(varied: tuple[str, list[Row]], question: View):
    asked_of, made = of_lake(question, varied[0]), varied[1]
    answer = boards.answer(Panel(metrics=tuple(PERCENTILES), chart="line"), asked_of)

    starts = [step.start for step in answer.steps]
    parts = by_key(asked(made, asked_of), lambda row: bisect_right(starts, row["started_at"]) - 1)
    for place, sums in enumerate(rows(answer.over_time)):
        expected = {name: quantile(parts[place], share) if place in parts else None for name, share in PERCENTILES.items()}
        assert {name: sums[name] for name in PERCENTILES} == pytest.approx(expected)


@ON_ROLLUPS_BY_BOTH_ENGINES
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(ZONES),
    st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 5), date(2011, 12, 30), date(2010, 11, 7)]),
    st.lists(st.integers(-3 * 86_400, 3 * 86_400), min_size=1, max_size=20),
)
def test_weekday_and_hour_are_those_of_the_zones_clocks(lake_of: Callable[..., str], zone: str, day: date, after: list[int]):
    moments = [datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(seconds=seconds) for seconds in after]
    made = lake_of(*(request(moment) for moment in moments))
    period = days(day - timedelta(days=6), day + timedelta(days=6), zone)
    local = [moment.astimezone(ZoneInfo(zone)) for moment in moments]

    def counted(by: str) -> dict[object, object]:
        return values_of(boards.answer(Panel(metrics=("requests",), split=by, chart="ranked"), view(made, period)), "requests")

    assert counted("weekday") == dict(pd.Series([WEEKDAYS[at.weekday()] for at in local]).value_counts())
    assert counted("hour_of_day") == dict(pd.Series([HOURS[at.hour] for at in local]).value_counts())


@BY_ROLLUPS
@settings(max_examples=4)
@given(questions(intervals=("hour", "day", "week", "month")))
def test_users_of_an_interval_and_of_the_whole_are_counted_once(varied: tuple[str, list[Row]], question: View):
    asked_of, made = of_lake(question, varied[0]), varied[1]
    answer = boards.answer(Panel(metrics=("active_users",), chart="number"), asked_of)

    starts = [step.start for step in answer.steps]
    found = asked(made, asked_of)
    parts = by_key(found, lambda row: bisect_right(starts, row["started_at"]) - 1)
    users = [{row["user_id"] for row in parts.get(place, ()) if row["user_id"]} for place in range(len(starts))]
    assert [row["active_users"] for row in rows(answer.over_time)] == [len(of_step) for of_step in users]
    assert answer.totals["active_users"] == len(set().union(*users))
    before = {row["user_id"] for row in asked_before(made, asked_of) if row["user_id"]}
    assert answer.before is None or answer.before["active_users"] == len(before)


FOLDING = tuple(name for name, metric in METRICS.items() if metric.folds)


@ON_ROLLUPS_BY_BOTH_ENGINES
@settings(max_examples=4)
@given(questions(intervals=("hour", "day", "week", "month")), st.sampled_from(["model", "user", "status", None]))
def test_every_measure_of_every_part_is_that_of_its_rows(varied: tuple[str, list[Row]], question: View, by: str | None):
    asked_of, made = of_lake(question, varied[0]), varied[1]
    answer = queries.usage(asked_of, by, measures_of(FOLDING), compares=False)
    matches, bound = asked_of.filters.sql()
    measures = ", ".join(f"{measure_sql(name, asked_of.basis)} AS {name}" for name in MEASURES if name in answer.totals)
    column = DIMENSIONS[by].column if by else "NULL"
    expected = duckdb.sql(
        f"""SELECT {column} AS value, {measures} FROM read_parquet($files)
            WHERE started_at >= $start AND started_at < $end AND {matches} GROUP BY ALL""",
        params={
            **bound, "files": list(Lake(asked_of.lake).snapshot().files()),
            "start": asked_of.period.start, "end": asked_of.period.end,
        },
    ).to_arrow_table().to_pylist()  # fmt: skip

    if by:
        found = [{name: row[name] for name in ("value", *answer.totals)} for row in rows(answer.by_value)]
        assert sorted(found, key=repr) == sorted(expected, key=repr)
    elif expected:
        assert {"value": None, **answer.totals} == expected[0]
        starts = [step.start for step in answer.intervals]
        parts = by_key(asked(made, asked_of), lambda row: bisect_right(starts, row["started_at"]) - 1)
        assert [row["requests"] for row in rows(answer.over_time)] == [len(parts.get(place, ())) for place in range(len(starts))]
    else:
        assert answer.totals["requests"] == 0


# ---- facts


@ON_BOTH_ENGINES
def test_a_request_counts_once_for_each_of_its_tags_and_once_in_the_whole(lake_of: Callable[..., str]):
    lake = lake_of(request(tags=["a", "b"]), request(tags=["a", "a"]), request(tags=[]), request())
    answer = boards.answer(Panel(metrics=("requests",), split="tag", chart="ranked"), view(lake, days("2026-05-01")))

    assert values_of(answer, "requests") == {"a": 2, "b": 1, None: 2}
    assert answer.totals["requests"] == 4


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_day_that_the_zone_skipped_has_nothing(lake_of: Callable[..., str], interval: str):
    lake = lake_of(request(instant("2011-12-29 12:00")), request(instant("2011-12-30 12:00")))
    skipped = days("2011-12-30", zone="Pacific/Apia", now="2026-01-01 12:00")
    answer = boards.answer(Panel(metrics=("requests", "active_users"), chart="number"), view(lake, skipped, interval))

    assert (len(answer.over_time), answer.totals["requests"], answer.before["requests"]) == (0, 0, 1)


def test_rates_are_divided_last(lake_of: Callable[..., str]):
    lake = lake_of(
        request(reported_cost_usd=3, input_tokens=1_000, output_tokens=500, duration_ms=2_000.0, ttft_ms=100.0, status="error"),
        request(reported_cost_usd=1, cache_read_tokens=5, input_tokens=20, status="success", ttft_ms=301.0),
        request(
            input_tokens=7, output_tokens=700, status="cancelled", output_reasoning_tokens=9, input_audio_tokens=4,
            price_status="unpriced",
        ),
    )  # fmt: skip
    names = ("failure_rate", "errors", "reasoning_tokens", "audio_tokens", "cache_read_share", "spend_per_request",
             "spend_per_million_tokens", "unpriced_share", "avg_ttft_ms", "output_tokens_per_second")  # fmt: skip
    totals = queries.usage(view(lake, days("2026-05-01"), "period"), None, measures_of(names)).totals

    assert [METRICS[name].of(totals) for name in names] == pytest.approx(
        [2 / 3, 1, 9, 4, 0.25, 2, 4 / 1_520 * 1_000_000, 1 / 3, 200.5, 250]
    )


@ON_BOTH_ENGINES
def test_a_histogram_counts_every_request_once(lake_of: Callable[..., str]):
    sizes = (0, 1, 2, 10, 11, 1_000_000, None)
    answer = boards.answer(
        Panel(metrics=("input_tokens",), chart="histogram"),
        view(lake_of(*(request(input_tokens=size) for size in sizes)), days("2026-05-01")),
    )
    bins = {
        None if pd.isna(place) else EDGES[int(place)]: count
        for place, count in zip(answer.spread["upper"], answer.spread["requests"], strict=True)
    }

    assert bins == {0: 1, 1: 1, 2.5: 1, 10: 1, 16: 1, 1e6: 1, None: 1}


def test_a_sample_is_small_and_always_the_same(sample_lake: str):
    asked_of = view(sample_lake, days(date.today() - timedelta(days=20), date.today()))  # noqa: DTZ011
    panel = Panel(metrics=("total_tokens", "avg_latency_ms"), split="provider", chart="scatter")
    first = boards.answer(panel, asked_of).sample

    assert len(first) == SAMPLE < first["of"].iloc[0]
    assert first.equals(boards.answer(panel, asked_of).sample)


def test_a_panels_filters_come_on_top_of_the_pages(lake_of: Callable[..., str]):
    lake = lake_of(*(request(model=model, team_id=team) for model in "ab" for team in ("x", "y")))
    panel = Panel(metrics=("requests",), chart="number", filters=(PanelFilter(dimension="team", values=("x",)),))
    page = view(lake, days("2026-05-01"))

    assert boards.answer(panel, page.where(Condition("model", ("a",)))).totals["requests"] == 1


def test_the_last_24_hours_are_hours_and_compared_with_those_before(lake_of: Callable[..., str]):
    now = instant("2026-05-02 10:30")
    lake = lake_of(*(request(now - timedelta(hours=hours)) for hours in (0.1, 5, 23, 23.6, 25, 30, 60)))
    page = view(lake, days("2026-05-02", now=now))
    answer = boards.answer(Panel(metrics=("requests",), chart="number", range="24h"), page)

    assert len(answer.steps) == 24
    assert (answer.totals["requests"], answer.before["requests"]) == (3, 2)


@ON_ROLLUPS_BY_BOTH_ENGINES
def test_every_metric_is_asked_by_every_split_on_the_command_line(lake_of: Callable[..., str]):
    lake = lake_of(request(model="m", provider="p", user_id="u", tags=["t"], duration_ms=7.0))

    for by in SPLITS:
        (row,) = summary_rows(lake, date(2026, 5, 1), date(2026, 5, 1), "UTC", by, tuple(METRICS))
        assert row["requests"] == 1
        assert {row[name] for name in PERCENTILES} == {7.0}
    assert set(OF_ROWS) <= set(METRICS)
