from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.views import days, instant
from usagecost.periods import (
    HOUR_US,
    Period,
    auto_interval,
    chosen_interval,
    clock,
    grain,
    instant_us,
    intervals,
    local_midnight,
)

ZONES = (
    "UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York",
    "Pacific/Chatham", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Tokyo",
)  # fmt: skip


def labels(period: Period, interval: str, week_start: int = 0) -> list[str]:
    return [step.label for step in intervals(period, interval, week_start)]


# ---- the previous period


def test_the_previous_period_is_as_many_local_days_just_before():
    period = days("2026-03-29", "2026-03-30", "Europe/Berlin")  # the clocks go forward on the 29th

    assert period.previous == (instant("2026-03-26 23:00"), instant("2026-03-28 23:00"))
    assert period.start == instant("2026-03-28 23:00")


def test_a_running_period_is_compared_up_to_the_same_time_of_day():
    period = days("2026-03-29", zone="Europe/Berlin", now="2026-03-29T15:20:30+02:00")

    assert period.is_running
    assert period.previous == (instant("2026-03-28T00:00+01:00"), instant("2026-03-28T15:20:30+01:00"))


def test_a_running_week_is_compared_with_the_week_before_up_to_now():
    period = days("2026-01-12", "2026-01-18", now="2026-01-14 09:00")

    assert period.previous == (instant("2026-01-05"), instant("2026-01-07 09:00"))


def test_a_period_runs_from_its_first_to_before_its_last_instant():
    def at(now: str) -> bool:
        return days("2026-05-01", zone="Asia/Kathmandu", now=now).is_running

    assert [at("2026-04-30 18:14:59"), at("2026-04-30 18:15"), at("2026-05-01 18:14:59"), at("2026-05-01 18:15")] == [
        False,
        True,
        True,
        False,
    ]


# ---- which interval


@pytest.mark.parametrize(
    ("length", "interval"),
    [(1, "hour"), (2, "hour"), (3, "day"), (92, "day"), (93, "week"), (400, "week"), (401, "month"), (4000, "month")],
)
def test_auto_takes_the_interval_that_the_range_can_show(length: int, interval: str):
    assert auto_interval(length) == interval
    assert chosen_interval("auto", length) == interval


def test_hours_are_kept_for_a_month_and_are_days_beyond():
    assert [chosen_interval("hour", length) for length in (1, 31, 32)] == ["hour", "hour", "day"]
    assert [chosen_interval("15min", length) for length in (1, 2, 3, 32)] == ["15min", "15min", "hour", "day"]
    assert chosen_interval("month", 1) == "month"


def test_a_word_that_is_no_interval_is_auto():
    assert chosen_interval("fortnight", 7) == "day"


def test_weeks_and_months_are_folds_of_days():
    assert [grain(interval) for interval in ("hour", "day", "week", "month", "period")] == ["hour", "day", "day", "day", "period"]


# ---- days, hours, weeks, months on the axis


def test_apia_had_no_30th_of_december_2011():
    period = days("2011-12-29", "2011-12-31", "Pacific/Apia")

    assert labels(period, "day") == ["2011-12-29", "2011-12-31"]
    assert period.end - period.start == timedelta(hours=48)
    assert len(labels(period, "hour")) == 48


def test_lord_howe_goes_back_by_half_an_hour_and_gets_a_short_hour():
    steps = intervals(days("2026-04-05", zone="Australia/Lord_Howe"), "hour")
    lengths = [(step.end - step.start) // timedelta(minutes=1) for step in steps]

    assert sum(lengths) == 24 * 60 + 30
    assert [step.label for step in steps[1:4]] == ["2026-04-05 01:00+11:00", "2026-04-05 01:30+10:30", "2026-04-05 02:00+10:30"]
    assert lengths[1:4] == [60, 30, 60]


def test_lord_howe_goes_forward_by_half_an_hour():
    steps = intervals(days("2026-10-04", zone="Australia/Lord_Howe"), "hour")

    assert [step.label for step in steps[1:4]] == ["2026-10-04 01:00+10:30", "2026-10-04 02:30+11:00", "2026-10-04 03:00+11:00"]
    assert steps[-1].end - steps[0].start == timedelta(hours=23, minutes=30)


def test_weeks_start_on_monday_and_are_cut_at_the_periods_ends():
    assert labels(days("2026-01-14", "2026-01-27"), "week") == ["2026-01-14", "2026-01-19", "2026-01-26"]
    assert labels(days("2026-01-14", "2026-01-27"), "week", week_start=6) == ["2026-01-14", "2026-01-18", "2026-01-25"]


def test_months_are_those_of_the_calendar():
    assert labels(days("2025-12-31", "2026-03-01"), "month") == ["2025-12", "2026-01", "2026-02", "2026-03"]


def test_only_the_interval_that_holds_now_is_running():
    steps = intervals(days("2026-05-01", "2026-05-03", now="2026-05-02 00:00"), "day")

    assert [step.is_running for step in steps] == [False, True, False]
    assert [step.is_ahead for step in steps] == [False, False, True]


# ---- laws, for any zone


def quarters_of(period: Period) -> list[datetime]:
    """Every quarter of an hour whose local date is one of the period's, found by walking through UTC: no offset is less."""
    zone, step = ZoneInfo(period.zone), timedelta(minutes=15)
    first = datetime(period.first.year, period.first.month, period.first.day, tzinfo=UTC) - timedelta(days=2)
    walked = [first + i * step for i in range((period.days + 4) * 96)]
    return [moment for moment in walked if period.first <= moment.astimezone(zone).date() <= period.last]


CHANGES = (
    "2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2011-12-30", "2018-02-18", "2018-11-04",
)  # fmt: skip

some_days = st.builds(
    lambda zone, first, ahead, length: days(
        date.fromisoformat(first) - timedelta(days=ahead), date.fromisoformat(first) + timedelta(days=length - ahead), zone
    ),
    st.sampled_from(ZONES),
    st.sampled_from(CHANGES),
    st.integers(0, 3),
    st.integers(0, 5),
)


@example(days("2011-12-29", "2011-12-31", "Pacific/Apia"))
@example(days("2026-02-14", "2026-03-23", "Africa/Casablanca"))  # Ramadan: the clocks go back, then forward
@given(some_days)
def test_a_period_is_exactly_the_instants_whose_local_date_is_one_of_its_days(period: Period):
    quarters = quarters_of(period)

    assert len(quarters) * timedelta(minutes=15) == period.end - period.start
    assert all(period.start <= moment < period.end for moment in quarters)


@given(some_days)
def test_a_day_has_as_many_hours_and_quarters_of_them_as_the_zone_says(period: Period):
    zone = ZoneInfo(period.zone)
    walked = {(moment.astimezone(zone).strftime("%F %H"), moment.astimezone(zone).utcoffset()) for moment in quarters_of(period)}

    assert len(intervals(period, "hour")) == len(walked)
    assert len(intervals(period, "15min")) == len(quarters_of(period))


@given(some_days, st.sampled_from(["15min", "hour", "day", "week", "month", "period"]), st.integers(0, 6))
def test_intervals_cover_the_period_without_gap_or_overlap(period: Period, interval: str, week_start: int):
    steps = intervals(period, interval, week_start)

    assert all(before.end == after.start for before, after in pairwise(steps))
    assert all(step.start < step.end for step in steps)
    assert not steps or (steps[0].start, steps[-1].end) == (period.start, period.end)
    assert len({step.label for step in steps}) == len(steps)


@given(some_days)
def test_the_clocks_number_of_a_day_is_its_local_date(period: Period):
    times, zone = clock(period.zone, period.start, period.end), ZoneInfo(period.zone)

    for moment in quarters_of(period):
        assert date(1970, 1, 1) + timedelta(days=times.number("day", moment)) == moment.astimezone(zone).date()


@settings(max_examples=30)
@given(some_days, st.sampled_from([("15min", 15), ("hour", 60)]))
def test_two_instants_share_a_number_exactly_if_they_share_the_hour_or_its_quarter(period: Period, grain: tuple[str, int]):
    interval, minutes = grain
    times, zone = clock(period.zone, period.start, period.end), ZoneInfo(period.zone)
    named: dict[int, set[tuple]] = {}
    for moment in quarters_of(period):
        local = moment.astimezone(zone)
        part = local.minute // minutes
        named.setdefault(times.number(interval, moment), set()).add((local.date(), local.hour, part, local.utcoffset()))

    assert all(len(hours) == 1 for hours in named.values())
    assert len(named) == len(set().union(*named.values()))


def test_a_clock_change_is_found_to_the_microsecond():
    times = clock("Europe/Berlin", instant("2026-10-20"), instant("2026-10-30"))

    assert times.changes == (instant_us(instant("2026-10-25 01:00")),)
    assert times.offsets == (2 * HOUR_US, HOUR_US)


def test_a_day_that_has_begun_goes_on_though_the_clocks_go_back_into_the_day_before():
    day = days("2010-11-07", zone="America/St_Johns")  # at 00:01 it was 23:01 again
    times = clock(day.zone, day.start, day.end)

    assert day.start == instant("2010-11-07T00:00-02:30")
    assert {times.number("day", day.start + timedelta(minutes=i)) for i in range(25 * 60)} == {times.number("day", day.start)}
    assert len(intervals(day, "hour")) == 25


def test_a_change_at_midnight_itself_repeats_the_last_hour_of_the_day_before():
    saturday = days("2018-02-17", zone="America/Sao_Paulo")
    times = clock(saturday.zone, saturday.start, saturday.end)

    assert [step.label for step in intervals(saturday, "hour")][-2:] == ["2018-02-17 23:00-02:00", "2018-02-17 23:00-03:00"]
    assert times.number("day", saturday.end - timedelta(microseconds=1)) == times.number("day", saturday.start)


def test_midnight_of_a_day_that_begins_at_one_is_that_instant():
    assert local_midnight(date(2018, 11, 4), "America/Sao_Paulo") == instant("2018-11-04 03:00")
    assert labels(days("2018-11-04", zone="America/Sao_Paulo"), "hour")[0] == "2018-11-04 01:00-02:00"


def test_a_day_that_the_zone_skipped_has_no_interval_at_all():
    skipped = Period(date(2011, 12, 30), date(2011, 12, 30), "Pacific/Apia", datetime(2040, 1, 1, tzinfo=UTC))

    assert [intervals(skipped, interval) for interval in ("hour", "day", "week", "month", "period")] == [()] * 5
