from __future__ import annotations

from datetime import date

import pytest

from tests.views import instant
from usagecost.periods.presets import preset_period


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("today", "2026-01-14", "2026-01-14"),
        ("yesterday", "2026-01-13", "2026-01-13"),
        ("7d", "2026-01-08", "2026-01-14"),
        ("14d", "2026-01-01", "2026-01-14"),
        ("30d", "2025-12-16", "2026-01-14"),
        ("90d", "2025-10-17", "2026-01-14"),
        ("week", "2026-01-12", "2026-01-14"),
        ("month", "2026-01-01", "2026-01-14"),
        ("last-month", "2025-12-01", "2025-12-31"),
        ("quarter", "2026-01-01", "2026-01-14"),
        ("year", "2026-01-01", "2026-01-14"),
    ],
)
def test_a_preset_means_these_days(preset: str, first: str, last: str):
    period = preset_period(preset, "Europe/Berlin", instant("2026-01-14 14:30"), None)

    assert (str(period.first), str(period.last), period.is_all_time) == (first, last, False)


def test_a_quarter_and_the_month_before_lie_where_the_calendar_says():
    may = instant("2024-05-31 12:00")

    assert preset_period("quarter", "UTC", may, None).first == date(2024, 4, 1)
    assert preset_period("last-month", "UTC", instant("2024-03-31 12:00"), None).last == date(2024, 2, 29)


def test_today_is_the_day_of_the_reporting_zone():
    evening = instant("2026-05-01 23:30")

    assert preset_period("today", "America/Los_Angeles", evening, None).first == date(2026, 5, 1)
    assert preset_period("today", "Asia/Tokyo", evening, None).first == date(2026, 5, 2)


def test_this_week_begins_on_the_day_that_is_set():
    sunday = instant("2026-01-18 12:00")

    assert preset_period("week", "UTC", sunday, None).first == date(2026, 1, 12)
    assert preset_period("week", "UTC", sunday, None, week_start=6).first == date(2026, 1, 18)


def test_all_time_spans_the_data_in_the_zone_and_has_no_previous_period():
    data = (instant("2026-01-01 02:00"), instant("2026-02-01 02:00"))
    period = preset_period("all", "America/New_York", instant("2026-05-01"), data)

    assert (period.first, period.last) == (date(2025, 12, 31), date(2026, 1, 31))
    assert period.previous is None


def test_all_time_of_an_empty_lake_is_today():
    period = preset_period("all", "UTC", instant("2026-05-01 12:00"), None)

    assert (period.first, period.last) == (date(2026, 5, 1), date(2026, 5, 1))
