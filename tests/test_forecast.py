"""Forecasts of where a period ends: laws that hold for every series, and cases worked by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from usagecost.forecast import Forecast, TooLittle, damped_trend, forecast, weekday_medians

TODAY = date(2026, 11, 20)
"""Eleven days of November are left, this one included."""

amounts = st.integers(0, 10_000).map(float)
series = st.lists(st.one_of(amounts, st.none()), max_size=150)
known_series = st.lists(amounts, min_size=31, max_size=150)


def of_days(
    daily: list[float | None], so_far: float | None = 0.0, today: date = TODAY, until: str = "month"
) -> Forecast | TooLittle:
    return forecast(daily, today - timedelta(days=len(daily)), so_far, until)


def made(daily: list[float | None], so_far: float | None = 0.0, today: date = TODAY, until: str = "month") -> Forecast:
    found = of_days(daily, so_far, today, until)
    assert isinstance(found, Forecast)
    return found


def test_ten_dollars_a_day_are_three_hundred_in_november():
    found = made([10.0] * 60, so_far=4.0)

    assert (found.first, found.last, found.day_of_period) == (date(2026, 11, 1), date(2026, 11, 30), 20)
    assert (found.spent, found.total, found.margin) == (194.0, 300.0, 0.0)
    assert [day.amount for day in found.path] == [10.0] * 11
    assert found.path[0].day == TODAY


def test_a_day_that_already_cost_more_than_expected_counts_as_it_is():
    assert made([10.0] * 60, so_far=25.0).total == 190 + 25 + 100


@given(amounts, st.integers(60, 400), st.sampled_from(["month", "quarter"]))
def test_a_constant_series_goes_on_with_no_margin(amount: float, days: int, until: str):
    found = of_days([amount] * days, until=until)

    assert isinstance(found, TooLittle) or (found.total, found.margin) == pytest.approx(
        (amount * (min(days, (TODAY - found.first).days) + len(found.path)), 0), rel=1e-9, abs=1e-6
    )


@given(st.lists(amounts, min_size=7, max_size=7), st.integers(31, 200))
def test_a_week_that_repeats_is_forecast_exactly(week: list[float], days: int):
    daily = [week[place % 7] for place in range(days)]
    rest = [week[place % 7] for place in range(days, days + 11)]

    found = made(daily)

    assert [day.amount for day in found.path] == pytest.approx(rest)
    assert found.margin == pytest.approx(0, abs=1e-6)


@given(series, st.one_of(amounts, st.none()), st.sampled_from(["month", "quarter"]))
def test_the_end_is_never_below_what_is_spent(daily: list[float | None], so_far: float | None, until: str):
    found = of_days(daily, so_far, until=until)

    if isinstance(found, Forecast):
        assert found.spent <= found.total + 1e-6
        assert found.margin >= 0
        assert all(day.low <= day.amount <= day.high for day in found.path)
        assert found.total == pytest.approx(found.spent - (so_far or 0) + sum(day.amount for day in found.path))


@given(known_series, amounts, st.integers(-20, 20))
def test_a_forecast_grows_with_its_series(daily: list[float], so_far: float, doublings: int):
    by = 2.0**doublings

    once, scaled = made(daily, so_far), made([amount * by for amount in daily], so_far * by)

    assert scaled.method == once.method
    assert (scaled.total, scaled.margin) == (once.total * by, once.margin * by)
    assert [day.low for day in scaled.path] == [day.low * by for day in once.path]
    assert scaled.errors == once.errors


@given(known_series, st.lists(st.none(), max_size=40))
def test_days_before_the_first_known_one_change_nothing(daily: list[float], unknown: list[None]):
    assert made([*unknown, *daily]) == made(daily)


@given(arrays(float, (1, 8, 7), elements=st.integers(0, 1000).map(float)), st.permutations(range(4)), st.permutations([4, 5, 6, 7]))
def test_the_order_of_weeks_that_count_alike_means_nothing(past: np.ndarray, early: list[int], late: list[int]):
    shuffled = past[:, [*early, *late]]

    assert weekday_medians(shuffled, 2) == pytest.approx(weekday_medians(past, 2))


def test_a_trend_goes_on_by_four_fifths_a_week():
    past = np.repeat(np.arange(1.0, 9.0), 7).reshape(1, 8, 7)

    assert damped_trend(past, 3)[0, :, 0] == pytest.approx([8.8, 9.44, 9.952])


def test_the_margin_is_made_of_past_errors_at_the_present_level():
    """Seven tests of a day ahead, of which six were right and one was 4 too low, when a day cost 10 on average, not 214 / 21."""
    found = made([10.0] * 20 + [14.0], today=date(2026, 11, 30))

    assert (found.tests, found.method) == (7, "weekday medians")
    assert found.path[0].amount == pytest.approx(214 / 21)
    assert found.margin == pytest.approx(4 * 214 / 210)


def test_one_runaway_day_counts_as_half_more_than_usual_where_days_are_alike():
    """Of 28 days that cost 10 one is taken for 15: a day ahead costs 285 / 28, and no test misses by more than those 5."""
    daily = [10.0] * 60
    daily[-5] = 900.0

    found = made(daily)

    assert [day.amount for day in found.path] == pytest.approx([285 / 28] * 11)
    assert found.total == pytest.approx(18 * 10 + 900 + 11 * 285 / 28)
    assert found.margin < 6


def test_two_days_in_a_row_are_a_new_level_and_no_runaway():
    found = made([10.0] * 58 + [40.0, 40.0])

    assert found.path[0].amount == pytest.approx((26 * 10 + 2 * 40) / 28)


@given(st.lists(st.integers(9, 11).map(float), min_size=60, max_size=150), st.integers(22, 59), st.integers(3, 1_000_000))
def test_a_runaway_day_changes_as_much_however_large_it_is(daily: list[float], place: int, times: int):
    """Amounts of 9 to 11 never differ from what is usual by half of it, so it is the only day that stands out."""
    with_one, with_larger = ([*daily[:place], amount, *daily[place + 1 :]] for amount in (1e4, 1e4 * times))
    once, larger = made(with_one), made(with_larger)

    assert [day.amount for day in larger.path] == pytest.approx([day.amount for day in once.path])
    assert larger.margin == pytest.approx(once.margin)


def test_the_same_day_of_earlier_months_tells_how_good_it_is():
    """October began at 10 a day and went on at 20 from its 20th; September was 10 throughout; of August too little is known."""
    begin, jump = date(2026, 8, 1), date(2026, 10, 20)
    daily = [10.0] * (jump - begin).days + [20.0] * (TODAY - jump).days

    assert made(daily).errors == pytest.approx((120 / 430, 0.0))


def test_a_month_of_which_a_day_is_not_known_tells_no_error():
    daily: list[float | None] = [10.0] * (TODAY - date(2026, 8, 1)).days
    daily[(date(2026, 9, 9) - date(2026, 8, 1)).days] = None

    assert made(daily).errors == (0.0,)


def test_unknown_days_are_neither_nothing_nor_guessed():
    daily: list[float | None] = [10.0] * 60
    daily[-3] = daily[-20] = None

    found = made(daily)

    assert (found.spent, found.total, found.margin) == (180.0, 290.0, 0.0)


@pytest.mark.parametrize(
    ("daily", "until", "lack"),
    [
        ([], "month", TooLittle(0, 31)),
        ([None] * 90, "month", TooLittle(0, 31)),
        ([5.0] * 30, "month", TooLittle(30, 31)),
        ([5.0] * 61, "quarter", TooLittle(61, 62)),
        ([5.0] * 729, "year", TooLittle(729, 730)),
        ([5.0] * 90 + [None] * 20, "month", TooLittle(8, 14, 28)),
    ],
)
def test_too_little_history_says_what_is_lacking_and_a_day_more_is_enough(daily: list[float | None], until: str, lack: TooLittle):
    assert of_days(daily, until=until) == lack
    if set(daily) == {5.0}:
        assert made([*daily, 5.0], until=until).margin == 0


def test_stretches_of_unknown_cost_leave_too_little_to_test():
    """Known are the last six of 28 days and some long before: no stretch of twenty days to the month's end is half known."""
    daily = [10.0, *[None] * 40, *[10.0] * 8, *[None] * 14, *[10.0] * 6]

    assert isinstance(of_days(daily, today=date(2026, 11, 11)), TooLittle)
