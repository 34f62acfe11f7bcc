"""The steps of time that tallies add requests up in: quarter-hours, hours and days of UTC, and parts of a day.

Zones are whole quarter-hours apart, so quarter-hours serve all of them, but by many values they are hardly fewer than the requests.
A day of another zone begins within one of UTC, though mostly at night where the people are who send the requests. So the days of a
file are parted where few were sent: such parts add up to the days of these zones, and are hardly more than days.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from math import gcd

STEPS = ("quarter", "hour", "part", "day")
"""The finest first: each is some of the one before."""
LENGTHS = {"quarter": 900_000_000, "hour": 3_600_000_000, "day": 86_400_000_000}
"""Step -> its length in µs; parts of a day are of many."""
PARTS = "day_in_parts"
"""What the rows of a step are called if they are parts that stand for the whole day too, as there is no row for that."""

HALF_HOUR = 1_800_000_000
HALF_HOURS = LENGTHS["day"] // HALF_HOUR
HALF_HOUR_SQL = f"epoch_us(started_at) % {LENGTHS['day']} // {HALF_HOUR}"
"""The SQL of which half-hour of its day (UTC) a request was sent in, the first being 0."""
DAYS_BEGIN = (*range(2 * 3, 2 * 9, 2), *range(2 * 11, 2 * 24, 2), 37)
"""The half-hours (UTC) with which days begin where many people live: from New Zealand's summer at 11:00 over Japan at 15:00, India
at 18:30 and Berlin at 22:00 or 23:00 to California at 7:00 or 8:00.
"""
QUIET = 0.6
"""A half-hour is quiet if fewer requests are in it than this share of what is in a half-hour on average."""


def rows_of(step: str) -> tuple[str, ...]:
    """What rows are called that a step is read from."""
    return (step, PARTS) if step in ("part", "day") else (step,)


def finest_rows(step: str) -> str:
    """What the rows of a grouping are called in the finest step that it has."""
    return PARTS if step == "part" else step


def quiet_cuts(requests: Mapping[int, int]) -> int:
    """Where the days of a file with so many requests in each half-hour are parted: where days begin, before or after a quiet one.

    Bit 1 stands for half past midnight (UTC), bit 2 for one o'clock, and so on.
    """
    few = sum(requests.values()) / HALF_HOURS * QUIET
    quiet = [requests.get(place, 0) < few for place in range(HALF_HOURS)]
    return sum(1 << place for place in DAYS_BEGIN if quiet[place - 1] or quiet[place])


def start_sql(step: str, cuts: int) -> str:
    """The SQL of the start of the step that an instant is in, where days are parted at ``cuts``."""
    if step != "part":
        return f"make_timestamptz((epoch_us(started_at) // {LENGTHS[step]}) * {LENGTHS[step]})"
    places = accumulate(range(HALF_HOURS), lambda start, place: place if cuts >> place & 1 else start)
    starts = [place * HALF_HOUR for place in places]
    return f"make_timestamptz(epoch_us(started_at) // {LENGTHS['day']} * {LENGTHS['day']} + {starts}[1 + {HALF_HOUR_SQL}])"


def coarsest_step(day: date, cuts: Sequence[int], parted_at: int) -> str | None:
    """The coarsest step that none of the instants (µs, in order) goes through on a day (UTC) that is parted as `quiet_cuts` says;
    None if quarter-hours are cut too.
    """
    midnight = (day - date(1970, 1, 1)) // timedelta(days=1) * LENGTHS["day"]
    within = [cut - midnight for cut in cuts[bisect_right(cuts, midnight) : bisect_left(cuts, midnight + LENGTHS["day"])]]
    if within and all(cut % HALF_HOUR == 0 and parted_at >> cut // HALF_HOUR & 1 for cut in within):
        return "part"
    return next((step for step, length in reversed(LENGTHS.items()) if gcd(*within) % length == 0), None)
