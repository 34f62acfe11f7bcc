from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines import BY_ALL, BY_ROLLUPS
from tests.lake_rows import Row, commit
from tests.questions import VALUES, ZONES, of_lake, questions, splits
from tests.recount import COLUMNS, asked, asked_before, by_key, measured, step_of
from tests.views import days, instant, request, view
from usagecost import queries
from usagecost.lake import Lake, LakeMissing
from usagecost.queries.folds import Usage, rows
from usagecost.vocabulary import DIMENSIONS, FOLDS
from usagecost.vocabulary.filters import EVERYTHING, Condition, View

MEASURES = tuple(measured([]))
SUMS = [name for name in MEASURES if FOLDS[name] == "sum"]


def asked_of(question: View, by: str) -> Usage:
    """The answer with all measures that are recounted."""
    return queries.usage(question, by, MEASURES)


def assert_right(question: View, by: str, made: list[Row]) -> None:
    """Totals, every interval, every value and the previous period equal a recount of the rows."""
    usage, found = asked_of(question, by), asked(made, question)

    assert usage.totals == measured(found, question.basis)

    by_step = by_key(found, lambda row: step_of(row["started_at"], question))
    assert len(usage.over_time) == len(usage.intervals)
    for step, sums in zip(usage.intervals, rows(usage.over_time), strict=True):
        expected = measured(by_step.pop(step_of(step.start, question), []), question.basis)
        assert sums == (expected if expected["requests"] else {**dict.fromkeys(SUMS, 0), "last_seen_us": None})
    assert not by_step, "requests outside of every interval"

    by_value = by_key(found, lambda row: row.get(COLUMNS[by]))
    shown = {row.pop("value"): row for row in rows(usage.by_value)}
    assert shown == {value: {"is_other": False, "merged": 1, **measured(part, question.basis)} for value, part in by_value.items()}

    assert usage.totals_before == measured(asked_before(made, question), question.basis)


# ---- laws


@BY_ALL
@settings(max_examples=12)
@given(questions(), splits)
def test_every_number_equals_a_recount_of_the_rows(varied: tuple[str, list[Row]], question: View, by: str):
    lake, made = varied

    assert_right(of_lake(question, lake), by, made)


@BY_ROLLUPS
@settings(max_examples=4)
@given(questions())
def test_neither_interval_nor_split_changes_the_sum(varied: tuple[str, list[Row]], question: View):
    lake, _ = varied
    answers = [
        *(queries.usage(of_lake(question, lake, interval), "model") for interval in ("hour", "day", "week", "month", "period")),
        queries.usage(of_lake(question, lake), "user"),
    ]

    assert all(usage.totals == answers[0].totals for usage in answers)
    assert all(usage.totals_before == answers[0].totals_before for usage in answers)


generated_rows = st.lists(
    st.builds(
        request,
        started_at=st.datetimes(datetime(2026, 10, 22), datetime(2026, 10, 28), timezones=st.just(UTC)),  # noqa: DTZ001
        model=st.sampled_from(VALUES["model"]),
        user_id=st.none() | st.text(st.characters(codec="utf-8"), max_size=3),
        status=st.sampled_from(VALUES["status"]),
        input_tokens=st.none() | st.integers(0, 10**12),
        output_tokens=st.none() | st.integers(0, 10**9),
        cache_read_tokens=st.none() | st.integers(0, 10**9),
        cache_write_tokens=st.none() | st.integers(0, 10**9),
        duration_ms=st.none() | st.integers(0, 10**9).map(lambda us: us / 1000),
        reported_cost_usd=st.none() | st.decimals(0, 10**8, places=9),
        list_cost_usd=st.none() | st.decimals(0, 10**8, places=9),
    ),
    max_size=12,
)
autumn = st.builds(
    lambda question, zone, ahead: View(
        "", 1, days(date(2026, 10, 25) - timedelta(days=ahead), date(2026, 10, 26), zone), question.interval, question.basis
    ),
    questions(),
    st.sampled_from(ZONES),
    st.integers(0, 2),
)


@BY_ROLLUPS
@settings(max_examples=2, suppress_health_check=[HealthCheck.too_slow])
@given(generated_rows, autumn, st.sampled_from(["model", "user", "status"]))
def test_any_lake_is_counted_right(lake_of: Callable[..., str], made: list[Row], question: View, by: str):
    assert_right(of_lake(question, lake_of(*made)), by, made)


# ---- facts


def requests_by_label(lake: str, day: str, zone: str, interval: str = "hour") -> dict[str, int]:
    usage = queries.usage(view(lake, days(day, zone=zone), interval), "model")
    counts = {step.label: count for step, count in zip(usage.intervals, usage.over_time["requests"], strict=True)}
    return {label: count for label, count in counts.items() if count}


def test_the_two_hours_of_an_autumn_night_stay_two(lake_of: Callable[..., str]):
    lake = lake_of(*(request(f"2026-10-25 {at}") for at in ("00:30", "00:59:59.999999", "01:00", "02:00")))

    assert requests_by_label(lake, "2026-10-25", "Europe/Berlin") == {
        "2026-10-25 02:00+02:00": 2,
        "2026-10-25 02:00+01:00": 1,
        "2026-10-25 03:00+01:00": 1,
    }


def test_a_day_of_kathmandu_begins_at_a_quarter_past_six_utc(lake_of: Callable[..., str]):
    lake = lake_of(*(request(f"2026-04-30 {at}") for at in ("18:14:59.999999", "18:15", "19:14", "19:15")))

    assert requests_by_label(lake, "2026-05-01", "Asia/Kathmandu") == {
        "2026-05-01 00:00+05:45": 2,
        "2026-05-01 01:00+05:45": 1,
    }


def test_clocks_that_go_back_into_the_day_before_do_not_tear_a_day(lake_of: Callable[..., str]):
    lake = lake_of(request("2010-11-07 02:30:30"), request("2010-11-07 02:45"), request("2010-11-07 12:00"))

    assert requests_by_label(lake, "2010-11-07", "America/St_Johns", "day") == {"2010-11-07": 3}


def test_empty_intervals_are_there_and_zero(lake_of: Callable[..., str]):
    lake = lake_of(request("2026-05-02 12:00", input_tokens=None), request("2026-05-03 12:00", input_tokens=7))
    usage = queries.usage(view(lake, days("2026-05-01", "2026-05-04")), "model")
    columns = [row["input_tokens"] for row in rows(usage.over_time)], [row["requests"] for row in rows(usage.over_time)]

    assert columns == ([0, None, 7, 0], [0, 1, 1, 0])


def test_all_time_has_nothing_to_compare_with(lake_of: Callable[..., str]):
    usage = queries.usage(view(lake_of(request()), days("2026-05-01", all_time=True)), "model")

    assert (usage.before, usage.totals_before) == (None, None)


def test_of_no_requests_counts_are_zero_and_the_rest_is_unknown(lake_of: Callable[..., str]):
    usage = asked_of(view(lake_of(request()), days("2030-05-01", "2030-05-02")), "model")
    totals = usage.totals

    assert (totals["requests"], totals["successful"], totals["incomplete_requests"]) == (0, 0, 0)
    assert (totals["input_tokens"], totals["spend_usd"], totals["last_seen_us"]) == (None, None, None)
    assert list(usage.over_time["requests"]) == [0, 0]
    assert len(usage.by_value) == 0


def test_a_lake_without_a_request_answers_with_nothing(lake_of: Callable[..., str]):
    lake = lake_of()

    assert queries.usage(view(lake, days("2026-05-01")), "model").totals["requests"] == 0
    assert queries.data_span(lake, Lake(lake).version(), EVERYTHING) is None
    assert queries.choices(view(lake, days("2026-05-01"))) == {name: [] for name in DIMENSIONS}


def test_where_no_lake_is_the_answer_says_so(tmp_path: Path):
    with pytest.raises(LakeMissing):
        queries.usage(View(str(tmp_path / "nowhere"), 0, days("2026-05-01"), "day", "best"), "model")


def test_a_new_version_is_seen_at_once_and_an_old_one_stays(lake_of: Callable[..., str]):
    lake = lake_of(request())
    before = view(lake, days("2026-05-01"))
    assert queries.usage(before, "model").totals["requests"] == 1

    commit(Lake(lake), request())

    assert queries.usage(view(lake, days("2026-05-01")), "model").totals["requests"] == 2
    assert queries.usage(before, "model").totals["requests"] == 1


def test_beyond_the_values_it_names_an_answer_has_one_other(lake_of: Callable[..., str]):
    lake = lake_of(
        *(request("2026-05-01", model=f"m{cents}", list_cost_usd=Decimal(cents) / 100) for cents in range(1, 6)),
        request("2026-05-02", model="m1", list_cost_usd=Decimal(9)),
    )
    usage = queries.usage(view(lake, days("2026-05-01", "2026-05-02")), "model", most=2)

    assert [(row["value"], row["is_other"], row["requests"]) for row in rows(usage.by_value)] == [
        ("m1", False, 2),
        ("m5", False, 1),
        (None, True, 3),
    ]
    assert usage.totals["spend_usd"] == Decimal("9.15")
    assert usage.of_value(None).totals["requests"] == 0, "Other is not what is not reported"


def test_choices_are_the_periods_values_busiest_first_whatever_the_filters(lake_of: Callable[..., str]):
    lake = lake_of(
        request(user_id="ann"), request(user_id="bob"), request(user_id="bob"), request(), request("2026-05-02", user_id="cid")
    )
    offered = queries.choices(view(lake, days("2026-05-01"), "day", "best", Condition("user", ("ann",))))

    assert offered["user"] == ["bob", "ann", None]
    assert offered["source"] == ["test"]
    assert offered["team"] == [None]


def test_the_span_of_the_data_is_its_oldest_and_newest_instant(lake_of: Callable[..., str]):
    lake = lake_of(request("2026-05-02 01:02:03.000004"), request("2024-02-29 23:59"), request("2026-05-02 01:00"))

    assert queries.data_span(lake, Lake(lake).version(), EVERYTHING) == (
        instant("2024-02-29 23:59"),
        instant("2026-05-02 01:02:03.000004"),
    )


def test_weeks_begin_on_the_day_that_the_view_says(lake_of):
    lake = lake_of(request("2026-05-03 10:00"))  # a Sunday
    sundays = replace(view(lake, days("2026-04-27", "2026-05-10"), "week"), week_start=6)

    found = queries.usage(sundays, "model")

    assert [step.label for step in found.intervals] == ["2026-04-27", "2026-05-03", "2026-05-10"]
    assert list(found.over_time["requests"]) == [0, 1, 0]


def test_the_clock_of_the_previous_period_is_its_own(lake_of: Callable[..., str]):
    """Berlin's clocks went back on 25 October; the week before had summer time."""
    lake = lake_of(*(request(f"2026-10-{day} 06:30") for day in (20, 21, 27)))
    found = queries.usage(view(lake, days("2026-10-26", "2026-11-01", "Europe/Berlin"), "period"), "hour_of_day", ("requests",))

    assert [(row["value"], row["requests"]) for row in found.cells.to_pylist()] == [("7", 1)]
    assert [(row["value"], row["requests"]) for row in found.before.to_pylist()] == [("8", 2)]
