"""Forecasts what a running month, quarter or year costs in the end, by the method that did best on the series' own past.

A series is one amount a day, never below 0. All methods are tried on its earlier days, each with as many days ahead as are left
now; the one with the least mean error is taken, and the margin comes from its errors. How good this rule is, the choice included,
shows in the periods before, forecast from the same day of each. Amounts are floats: what is forecast is an estimate.

A single day that stands out, by the rule of unusual days, counts as the most that its weekday and the level make likely.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from math import nan

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from usagecost.explain.spikes import DEVIATIONS, LEAST_SHARE, MAD_OF_NORMAL
from usagecost.periods import Back

Amount = float | Decimal
Floats = NDArray[np.float64]

PERIODS = {"month": 1, "quarter": 3, "year": 12}
"""What has an end to forecast -> its months."""
WEEK, WEEKS, RECENT_WEEKS = 7, 8, 4
"""Days of a week, the weeks that methods look back, and those that tell the present level."""
DAMPING = 0.8
"""What is left of a trend from one week to the next."""
LEAST_DAYS, LEAST_TESTS, MOST_TESTS = 2 * WEEK, WEEK, 182
"""Days that are known before the first test, and how many days are tested at least and at most."""
LEAST_DAYS_OF_YEAR = 2 * 365
COVERED = 0.85
"""The share of the tests that the margin covers. The future is a little less kind: of it that is about 80 %."""
MOST_RESCALED = 3.0
"""An error of the past counts as many times as the level is higher now, within a third and three times."""
MOST_PERIODS = 6


@dataclass(frozen=True)
class Day:
    """What a day costs in all by the forecast, and from where to where that would have been right in most tests."""

    day: date
    amount: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """What the period from ``first`` to ``last`` costs: ``spent`` so far, ``total`` at its end, give or take ``margin``.

    ``path`` has today, with what is spent of it, and every day to the end. ``errors`` are those of the same rule in up to six
    periods before, the newest first: from the same day of each, as shares of what it cost in the end.
    """

    first: date
    last: date
    spent: float
    total: float
    margin: float
    path: tuple[Day, ...]
    method: str
    tests: int
    errors: tuple[float, ...] = ()

    @property
    def day_of_period(self) -> int:
        """The number of today in the period, from 1."""
        return (self.path[0].day - self.first).days + 1


@dataclass(frozen=True)
class TooLittle:
    """Why there is no forecast: only ``known`` days are known of ``needed``; of the last so many days, or of all."""

    known: int
    needed: int
    of_last: int | None = None

    @property
    def words(self) -> str:
        """12 of 31 days, or 8 of 14 days known in the last 28."""
        return f"{self.known} of {self.needed} days" + (f" known in the last {self.of_last}" if self.of_last else "")


def forecast(
    daily: Sequence[Amount | None], first: date, so_far: Amount | None, until: str = "month", *, with_errors: bool = True
) -> Forecast | TooLittle:
    """Forecasts the end of the period that today is in.

    ``daily`` has the amounts of all days from ``first`` to yesterday, None where one is not known, ``so_far`` is that of today.
    Without errors, which take most of the time, those of the periods before are not told.
    """
    series, today = _Series.of(daily, first, until), first + timedelta(days=len(daily))
    outlook = series.end_of_period(today, until, float(so_far or 0))
    if isinstance(outlook, TooLittle) or not with_errors:
        return outlook
    return replace(outlook, errors=_errors(tuple(daily), first, until))


@lru_cache(maxsize=500)
def _errors(daily: tuple[Amount | None, ...], first: date, until: str) -> tuple[float, ...]:
    """By how much the periods before were missed from the same day of them. Today changes nothing of it, so it is worked out once a
    day.
    """
    series, today = _Series.of(daily, first, until), first + timedelta(days=len(daily))
    passed = today - period_of(today, until)[0]
    errors = (series.error(start, last, passed, until) for start, last in _periods_before(today, until))
    return tuple(error for error in errors if error is not None)


def period_of(day: date, until: str) -> tuple[date, date]:
    """The first and the last day of the month, quarter or year that a day is in."""
    first = date(day.year, day.month - (day.month - 1) % PERIODS[until], 1)
    return first, Back(months=-PERIODS[until]).day(first) - timedelta(days=1)


def weekday_medians(past: Floats, weeks: int) -> Floats:
    """Each day costs the mean of the last four weeks, times the share of its weekday: a run-rate by weekday."""
    return np.repeat((weekday_shares(past) * recent_level(past)[:, None])[:, None], weeks, axis=1)


def last_week_again(past: Floats, weeks: int) -> Floats:
    """Each day costs what the same weekday did last, which is called seasonal naive."""
    return np.repeat(past[:, -1:], weeks, axis=1)


def damped_trend(past: Floats, weeks: int) -> Floats:
    """Each day costs what a line through the means of eight weeks leads to, less steep each week, times its weekday's share."""
    means, numbers = past.mean(axis=2), np.arange(1.0 - WEEKS, 1.0)
    is_known = ~np.isnan(means)
    of_known = np.where(is_known, numbers, nan)
    middle, mean = np.nanmean(of_known, axis=1)[:, None], np.nanmean(means, axis=1)[:, None]
    from_middle = np.where(is_known, numbers - middle, 0.0)
    slope = np.nansum(from_middle * (means - mean), axis=1) / (from_middle**2).sum(axis=1)
    steps = np.cumsum(DAMPING ** np.arange(1.0, weeks + 1)) - middle
    levels = np.maximum(mean + slope[:, None] * steps, 0.0)
    return weekday_shares(past)[:, None] * levels[:, :, None]


def recent_level(past: Floats) -> Floats:
    """What a day of the last four weeks cost on average."""
    return np.nanmean(past[:, -RECENT_WEEKS:], axis=(1, 2))


def weekday_shares(past: Floats) -> Floats:
    """What the day of each weekday is of the mean of its week, by the median of eight weeks: (n, 7), 1 on average."""
    means = past.mean(axis=2, keepdims=True)
    shares = _known_median(np.divide(past, means, out=np.ones_like(past), where=means != 0).swapaxes(1, 2))
    mean = shares.mean(axis=1, keepdims=True)
    return np.divide(shares, mean, out=np.ones_like(shares), where=mean != 0)


def within_bounds(amounts: Floats) -> tuple[Floats, Floats]:
    """Returns the amounts with each day that stands out alone, neither the one before nor the one after it doing so, at the bound
    of what is likely; and the same of each day when the one after it is not known yet.

    What is likely of a day is told by the eight weeks before it alone: see `explain.find_spikes`. What lies in the first two weeks
    that are known, or at a level of 0, stays as it is.
    """
    days, levels = WEEK * WEEKS, np.full(len(amounts), nan)
    levels[WEEK:] = np.median(sliding_window_view(amounts, WEEK)[:-1], axis=1)
    levels[levels == 0] = nan
    ratios = sliding_window_view(amounts / levels, days)[:-1].reshape(-1, WEEKS, WEEK).swapaxes(1, 2)
    shares = _known_median(ratios)
    scatter = _known_median(np.abs(ratios - shares[:, :, None]).reshape(-1, days))
    widths = np.maximum(DEVIATIONS * MAD_OF_NORMAL * scatter, LEAST_SHARE * shares[:, 0]) * levels[days:]
    usual = shares[:, 0] * levels[days:]
    bounded = amounts.copy()
    bounded[days:] = np.fmax(np.fmin(amounts[days:], usual + widths), usual - widths)
    stands_out = bounded != amounts
    is_first = stands_out & ~np.append(False, stands_out[:-1])
    is_alone = is_first & ~np.append(stands_out[1:], False)
    return np.where(is_alone, bounded, amounts), np.where(is_first, bounded, amounts)


def _known_median(values: Floats) -> Floats:
    """The median of what is known along the last axis, NaN where nothing is."""
    ordered, counts = np.sort(values, axis=-1), (~np.isnan(values)).sum(axis=-1, keepdims=True)
    middle = [np.take_along_axis(ordered, place, axis=-1) for place in (np.maximum(counts - 1, 0) // 2, counts // 2)]
    return ((middle[0] + middle[1]) / 2)[..., 0]


METHODS: dict[str, Callable[[Floats, int], Floats]] = {
    "weekday medians": weekday_medians,
    "last week again": last_week_again,
    "damped trend": damped_trend,
}
"""Method -> so many weeks ahead, (n, weeks, 7), of the eight weeks before, (n, 8, 7), the oldest first. At least the last two of
these are known; NaN stands for days before the series begins. Of equally good ones the first is taken.
"""


@dataclass(frozen=True)
class _Series:
    """The amounts of days from ``first`` on, NaN where not known, and the same `within_bounds`; for each day the level before, and
    the weeks ahead by method.
    """

    first: date
    amounts: Floats
    bounded: Floats
    levels: Floats
    ahead: dict[str, Floats]

    @classmethod
    def of(cls, daily: Sequence[Amount | None], first: date, until: str) -> _Series:
        """The series from its first known day on. What is not known later is taken for the amount of a week before."""
        begin = next((place for place, amount in enumerate(daily) if amount is not None), len(daily))
        amounts = np.array([nan if amount is None else float(amount) for amount in daily[begin:]])
        filled = np.concatenate([np.full(WEEK * WEEKS, nan), amounts])
        for place in np.flatnonzero(np.isnan(amounts)) + WEEK * WEEKS:
            filled[place] = filled[place - (WEEK if place >= WEEK * (WEEKS + 1) else 1)]
        bounded, newest = within_bounds(filled)
        past = sliding_window_view(bounded, WEEK * WEEKS)[LEAST_DAYS:].copy()
        past[:, -1] = newest[WEEK * WEEKS - 1 :][LEAST_DAYS:]
        past = past.reshape(-1, WEEKS, WEEK)
        weeks = -(-31 * PERIODS[until] // WEEK)
        levels, unknown = np.append(np.full(LEAST_DAYS, nan), recent_level(past)), np.full((LEAST_DAYS, weeks * WEEK), nan)
        ahead = {
            name: np.concatenate([unknown, method(past, weeks).reshape(len(past), weeks * WEEK)])
            for name, method in METHODS.items()
        }
        bounded = np.where(np.isnan(amounts), nan, bounded[WEEK * WEEKS :])
        return cls(first + timedelta(days=begin), amounts, bounded, levels, ahead)

    def end_of_period(self, today: date, until: str, so_far: float) -> Forecast | TooLittle:
        """The forecast as of a day, by nothing but the days before it."""
        (begin, end), now = period_of(today, until), (today - self.first).days
        days = (end - today).days + 1
        is_known, recent = ~np.isnan(self.amounts[: max(0, now)]), max(days, 2 * LEAST_DAYS)
        needed = max(LEAST_DAYS + LEAST_TESTS - 1 + days, LEAST_DAYS_OF_YEAR if until == "year" else 0)
        if len(is_known) < needed:
            return TooLittle(len(is_known), needed)
        if 2 * (recently := int(is_known[-recent:].sum())) < recent:
            return TooLittle(recently, (recent + 1) // 2, recent)
        if (best := self._best(now, days)) is None:
            return TooLittle(recently, recent, recent)
        method, ahead, missed = best
        ahead[0] = max(ahead[0], so_far)
        widths = np.quantile(np.abs(missed), COVERED, axis=0, method="higher")
        margin = np.quantile(np.abs(missed.sum(axis=1)), COVERED, method="higher")
        lows = np.maximum(ahead - widths, [so_far] + [0.0] * (days - 1))
        numbers = zip(ahead.tolist(), lows.tolist(), (ahead + widths).tolist(), strict=True)
        path = tuple(Day(today + timedelta(days=place), *of_day) for place, of_day in enumerate(numbers))
        before = float(np.nansum(self.amounts[max(0, (begin - self.first).days) : now]))
        return Forecast(begin, end, before + so_far, before + float(ahead.sum()), float(margin), path, method, tests=len(missed))

    def error(self, first: date, last: date, passed: timedelta, until: str) -> float | None:
        """By how much a period that is over was missed from a day of it, as a share; None where it cannot be told."""
        forecast_then = self.end_of_period(min(first + passed, last), until, 0.0)
        if isinstance(forecast_then, TooLittle) or first < self.first:
            return None
        actual = float(self.amounts[(first - self.first).days : (last - self.first).days + 1].sum())
        return abs(forecast_then.total - actual) / actual if actual > 0 else None

    def _best(self, now: int, days: int) -> tuple[str, Floats, Floats] | None:
        """The best method, the days that it sees ahead, and by how much it fell short of earlier ones: (tests, days). None where no
        test is known well enough.

        Errors are at the present level. Of one day that stands out none is learned, of several they are. A day of a test that is
        not known counts as the mean of the others; a test of which less than half is known is none.
        """
        tests = np.arange(max(LEAST_DAYS, now - days + 1 - MOST_TESTS), now - days + 1)
        is_bounded = (self.bounded != self.amounts)[tests[0] : now] & ~np.isnan(self.amounts[tests[0] : now])
        tested = self.bounded if is_bounded.sum() == 1 else self.amounts
        actual = sliding_window_view(tested[:now], days)[tests]
        is_known = np.isnan(actual).mean(axis=1) <= 0.5
        if not is_known.any():
            return None
        tests, actual = tests[is_known], actual[is_known]
        scale = np.divide(self.levels[now], self.levels[tests], out=np.ones(len(tests)), where=self.levels[tests] > 0)
        scale = np.clip(scale, 1 / MOST_RESCALED, MOST_RESCALED)[:, None]
        tried = {}
        for name, weeks in self.ahead.items():
            predicted = weeks[[*tests, now], :days]
            missed = (actual - predicted[:-1]) * scale
            tried[name] = predicted[-1].copy(), np.where(np.isnan(missed), np.nanmean(missed, axis=1, keepdims=True), missed)
        best = min(tried, key=lambda name: float(np.abs(tried[name][1].sum(axis=1)).mean()))
        return best, *tried[best]


def _periods_before(today: date, until: str) -> list[tuple[date, date]]:
    """The first and last days of the periods before, the newest first."""
    return [period_of(Back(months=PERIODS[until] * back).day(today), until) for back in range(1, MOST_PERIODS + 1)]
