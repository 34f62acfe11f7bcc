"""What periods are compared with: the calendar's period before, or the same days earlier; always cut where the period is cut."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.views import days, instant
from usagecost.periods import COMPARISONS, Period, clock, compared, counterparts, intervals, places
from usagecost.periods.presets import PRESETS, preset_period
from usagecost.periods.words import previous_text

NOW = instant("2026-05-31 14:30")


def before(preset: str, choice: str = "before", zone: str = "UTC", now: datetime = NOW) -> tuple[str, str] | None:
    """The instants that a preset is compared with, in local time."""
    period = compared(preset_period(preset, zone, now, None), choice)
    found = period.previous
    first, last = ([f"{one.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for one in found]) if found else ("", "")
    return (first, last) if found else None


@pytest.mark.parametrize(
    ("preset", "start", "end"),
    [
        ("24h", "2026-05-29 15:00", "2026-05-30 14:30"),
        ("today", "2026-05-30 00:00", "2026-05-30 14:30"),
        ("yesterday", "2026-05-29 00:00", "2026-05-30 00:00"),
        ("30d", "2026-04-02 00:00", "2026-05-01 14:30"),
        ("week", "2026-05-18 00:00", "2026-05-24 14:30"),
        ("last-week", "2026-05-11 00:00", "2026-05-18 00:00"),
        ("month", "2026-04-01 00:00", "2026-04-30 14:30"),  # May has 31 days, April 30
        ("last-month", "2026-03-01 00:00", "2026-04-01 00:00"),
        ("quarter", "2026-01-01 00:00", "2026-02-28 14:30"),
        ("last-quarter", "2025-10-01 00:00", "2026-01-01 00:00"),
        ("year", "2025-01-01 00:00", "2025-05-31 14:30"),
        ("12m", "2024-06-01 00:00", "2025-05-31 14:30"),
    ],
)
def test_a_preset_is_compared_with_the_calendars_period_before(preset: str, start: str, end: str):
    assert before(preset) == (start, end)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("month", ("2026-04-25 00:00", "2026-04-30 14:30")),
        ("year", ("2025-05-25 00:00", "2025-05-31 14:30")),
        ("none", None),
    ],
)
def test_a_reader_may_choose_what_it_is_compared_with(choice: str, expected: tuple[str, str] | None):
    assert before("7d", choice) == expected
    assert before("all", choice) is None


def test_hours_are_compared_with_the_same_hours_of_another_month():
    assert before("24h", "month", now=instant("2026-05-20 14:30")) == ("2026-04-19 15:00", "2026-04-20 14:30")
    assert before("24h", "year", now=instant("2026-05-20 14:30")) == ("2025-05-19 15:00", "2025-05-20 14:30")


@pytest.mark.parametrize(
    ("preset", "choice", "words"),
    [
        ("month", "before", "Compared with 1–30 Apr 2026, up to the same time."),
        ("last-quarter", "before", "Compared with 1 Oct – 31 Dec 2025."),
        ("yesterday", "before", "Compared with 29 May 2026."),
        ("24h", "before", "Compared with the 24 hours before, up to the same time."),
        ("7d", "year", "Compared with 25–31 May 2025, up to the same time."),
        ("7d", "none", "Compared with nothing."),
        ("all", "year", "All time has no previous period to compare with."),
    ],
)
def test_what_it_is_compared_with_is_said(preset: str, choice: str, words: str):
    assert previous_text(compared(preset_period(preset, "UTC", NOW, (NOW, NOW)), choice)) == words


@given(
    preset=st.sampled_from([name for name in PRESETS if name != "all"]),
    choice=st.sampled_from([name for name in COMPARISONS if name != "none"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    now=st.integers(1_672_531_200, 1_798_761_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_a_comparison_lies_before_its_period_and_is_never_longer(preset: str, choice: str, zone: str, now: datetime):
    period: Period = compared(preset_period(preset, zone, now, None), choice)
    start, end = period.previous or (now, now)
    shown = min(period.end, now) - period.start

    assert start <= end <= period.start
    assert end - start <= shown + timedelta(days=3, hours=2)  # February is three days shorter than March


def test_the_last_day_of_a_short_month_stands_for_those_that_it_lacks():
    period = compared(Period(date(2026, 3, 29), date(2026, 3, 30), "UTC", NOW), "month")

    assert period.previous == (instant("2026-02-28"), instant("2026-02-28"))


def beside(first: str, last: str, interval: str, choice: str, zone: str = "UTC", now: str = "2040-01-01") -> list[str]:
    """What each interval of some days is compared with, in local time."""
    period = compared(days(first, last, zone, now=now), choice)
    found = counterparts(period, interval, intervals(period, interval))
    edges = [[step.start, step.end] if step else [] for step in found]
    return [" to ".join(f"{edge.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for edge in pair) or "–" for pair in edges]


def test_each_day_is_compared_with_the_day_that_lies_so_far_back():
    assert beside("2026-05-10", "2026-05-11", "day", "before") == ["05-08 00:00 to 05-09 00:00", "05-09 00:00 to 05-10 00:00"]
    assert beside("2026-05-10", "2026-05-11", "day", "month") == ["04-10 00:00 to 04-11 00:00", "04-11 00:00 to 04-12 00:00"]
    assert beside("2026-02-01", "2026-02-28", "month", "month") == ["01-01 00:00 to 02-01 00:00"]


def test_a_day_that_the_other_month_does_not_have_is_compared_with_nothing():
    assert beside("2026-03-27", "2026-04-01", "day", "month")[1:] == [
        "02-28 00:00 to 03-01 00:00", "–", "–", "–", "03-01 00:00 to 03-02 00:00",
    ]  # fmt: skip
    assert beside("2026-02-27", "2026-03-01", "day", "month") == [
        "01-27 00:00 to 01-28 00:00", "01-28 00:00 to 01-29 00:00", "02-01 00:00 to 02-02 00:00",
    ]  # fmt: skip


def test_of_a_running_period_the_comparison_ends_at_the_same_time():
    assert beside("2026-05-10", "2026-05-12", "day", "before", now="2026-05-11 09:30") == [
        "05-07 00:00 to 05-08 00:00", "05-08 00:00 to 05-08 09:30", "–",
    ]  # fmt: skip


def test_an_hour_is_compared_with_the_same_hour_of_the_clock():
    spring = beside("2026-03-29", "2026-03-29", "hour", "before", "Europe/Berlin")  # of 23 hours, after a day of 24
    autumn = beside("2026-10-25", "2026-10-25", "hour", "before", "Europe/Berlin")  # of 25 hours

    assert spring[1:3] == ["03-28 01:00 to 03-28 03:00", "03-28 03:00 to 03-28 04:00"]
    assert autumn[1:5] == ["10-24 01:00 to 10-24 02:00", "–", "10-24 02:00 to 10-24 03:00", "10-24 03:00 to 10-24 04:00"]


@pytest.mark.parametrize(("interval", "length"), [("hour", 60), ("15min", 15)])
def test_an_interval_beside_a_clock_change_has_the_numbers_that_it_touches(interval: str, length: int):
    """Compared with the week in which Berlin's clocks go back, an hour of that night is beside two; numbers jump at the change."""
    period = days("2026-10-26", "2026-11-01", "Europe/Berlin")
    beside = counterparts(period, interval, intervals(period, interval))
    numbers = places(clock("Europe/Berlin", period.previous[0], period.end), interval, beside)

    assert len(numbers) == sum(-(-(step.end - step.start) // timedelta(minutes=length)) for step in beside if step)
