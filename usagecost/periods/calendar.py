"""Time as a calendar sees it: the reporting period, its intervals and time zones with their clock changes.

An instant is a UTC ``datetime``. A day is a local ``date`` of the reporting zone; an interval is an instant range whose
bounds are computed here with ``zoneinfo``. SQL knows three grains only, all integers made by ``Clock``: the local day, the
hour and the quarter of an hour. Weeks and months are folds of days. So a repeated hour in autumn stays two hours, a day
has as many hours as the zone says, and no engine needs a zone database.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from usagecost.periods.comparison import Back

QUARTER_US = 900_000_000
HOUR_US = 4 * QUARTER_US
DAY_US = 24 * HOUR_US
SEGMENT_HOURS = 10_000_000
"""Keeps the hour numbers on the two sides of a clock change apart (more hours than a thousand years have)."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.date()

INTERVALS = {"15min": "15 minutes", "hour": "Hour", "day": "Day", "week": "Week", "month": "Month"}
"""What the time axis steps by, as links, files and commands say it -> what it is called."""
BY_CLOCK = {"15min": QUARTER_US, "hour": HOUR_US}
"""The intervals of which a day has several -> how long they are (µs)."""
WHOLE = "period"
"""The whole period as one interval, for questions that are not about time."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

MOST_DAYS = {"15min": 2, "hour": 31}
"""Interval -> the days of the longest range it is for; more would be more points than a chart can show or a query should return."""


def reporting_zone() -> str:
    """The organisation's time zone: USAGECOST_ZONE, else UTC."""
    zone = os.environ.get("USAGECOST_ZONE", "UTC")
    return zone if zone in known_zones() else "UTC"


def week_start() -> int:
    """The first day of the week, 0 being Monday: USAGECOST_WEEK_START, else Monday."""
    name = os.environ.get("USAGECOST_WEEK_START", "monday").lower()
    return WEEKDAYS.index(name) if name in WEEKDAYS else 0


@cache
def known_zones() -> tuple[str, ...]:
    """All zones by name. The system's list is read from the disk, so once is enough."""
    return tuple(sorted(available_timezones()))


def instant_us(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """The instant of so many microseconds since 1970, UTC."""
    return EPOCH + timedelta(microseconds=us)


def local_midnight(day: date, zone: str) -> datetime:
    """The first instant of a local day; of a day that the zone skipped, the instant at which it was skipped."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True)
class Period:
    """What the reader asked for: local days, first and last included, of one zone, as seen at the instant ``now``.

    It is compared with what lies ``back``, else with as many days just before; with nothing if it ``is_alone``.
    """

    first: date
    last: date
    zone: str
    now: datetime
    is_all_time: bool = False
    back: Back | None = None
    is_alone: bool = False

    @cached_property
    def start(self) -> datetime:
        """The first instant."""
        return local_midnight(self.first, self.zone)

    @cached_property
    def end(self) -> datetime:
        """The instant after the last one."""
        return local_midnight(self.last + timedelta(days=1), self.zone)

    @property
    def today(self) -> date:
        """The day that it is now in the zone."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    @property
    def days(self) -> int:
        """How many calendar days the period spans."""
        return (self.last - self.first).days + 1

    @property
    def is_running(self) -> bool:
        """Whether the period is not over yet."""
        return self.start <= self.now < self.end

    @property
    def compared_with(self) -> Back | None:
        """How far back what it is compared with lies; None for All time, and where it is compared with nothing."""
        return None if self.is_all_time or self.is_alone else self.back or Back(days=self.days)

    @property
    def previous(self) -> tuple[datetime, datetime] | None:
        """The instants [start, end) that it is compared with: see `compared_with`.

        If the period is still running, they are cut at the same day and local time of day.
        """
        back = self.compared_with
        if back is None:
            return None
        start = local_midnight(back.day(self.first), self.zone)
        if not self.is_running:
            return start, min(local_midnight(back.day(self.last + timedelta(days=1)), self.zone), self.start)
        local_now = self.now.astimezone(ZoneInfo(self.zone))
        cut = datetime.combine(back.day(local_now.date()), local_now.time(), ZoneInfo(self.zone))
        return start, min(cut.astimezone(UTC), self.start)


@dataclass(frozen=True)
class Interval:
    """One step of the time axis: the instants [start, end), and what a reader calls it. Whether it holds now, or is yet to come."""

    start: datetime
    end: datetime
    label: str
    is_running: bool
    is_ahead: bool = False


@dataclass(frozen=True)
class Clock:
    """The zone's offsets over an instant range, as the integers that a grain is computed with.

    ``changes`` are the instants (µs) at which the offset changes; ``offsets`` (µs) has one more, the first being in force
    from the beginning. ``shift + instant`` divided by ``step`` is the number of the local day or hour.
    """

    changes: tuple[int, ...]
    offsets: tuple[int, ...]

    def shifts(self, grain: str) -> tuple[int, ...]:
        """What is added to an instant (µs) before it is divided, for each stretch between two changes."""
        if grain == "day":
            return self.offsets
        return tuple(offset % BY_CLOCK[grain] + i * SEGMENT_HOURS * HOUR_US for i, offset in enumerate(self.offsets))

    def number(self, grain: str, instant: datetime) -> int:
        """The number of the local day (days since 1970), or of the hour or its quarter, that holds the instant."""
        us = instant_us(instant)
        shift = self.shifts(grain)[bisect_right(self.changes, us)]
        return (us + shift) // BY_CLOCK.get(grain, DAY_US)

    def numbers(self, grain: str, start: datetime, end: datetime) -> Iterator[int]:
        """The numbers of the local days, hours or quarters that the instants [start, end) touch: hours jump at a change."""
        first, last = instant_us(start), instant_us(end)
        cuts = (moment(us) for us in self.changes if first < us < last)
        for low, high in pairwise((start, *cuts, end)):
            yield from range(self.number(grain, low), self.number(grain, high - timedelta(microseconds=1)) + 1)


@lru_cache(maxsize=256)
def wall_clock(zone: str, start: datetime, end: datetime) -> Clock:
    """The zone's offsets between two instants. They are compared day by day, a change is then found by halving."""
    info = ZoneInfo(zone)

    def offset(us: int) -> int:
        return (moment(us).astimezone(info).utcoffset() or timedelta()) // timedelta(microseconds=1)

    first, last = instant_us(start), instant_us(end)
    changes: list[int] = []
    offsets = [offset(first)]
    for low, high in pairwise([*range(first, last, DAY_US), last]):
        if offset(high) != offsets[-1]:  # no zone has ever changed its offset twice within a day
            before, after = low, high
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if offset(middle) == offsets[-1] else (before, middle)
            offsets.append(offset(after))
            changes.append(after)
    return Clock(tuple(changes), tuple(offsets))


@lru_cache(maxsize=256)
def clock(zone: str, start: datetime, end: datetime) -> Clock:
    """The clock that days and hours are numbered by: the zone's, except that no change tears a day apart."""
    wall = wall_clock(zone, start, end)
    changes = (_after_the_day_begun(change, *offsets) for change, offsets in zip(wall.changes, pairwise(wall.offsets), strict=True))
    return Clock(tuple(changes), wall.offsets)


def _after_the_day_begun(change: int, before: int, after: int) -> int:
    """The change, or, when it sets the clocks back into the day before (St. John's at 00:01 until 2011), the next midnight.

    So a day that has begun goes on, and every day is one stretch of time.
    """
    is_back_over_midnight = (change - 1 + before) // DAY_US > (change + after) // DAY_US
    return change + (-(change + after)) % DAY_US if is_back_over_midnight else change


def auto_interval(days: int) -> str:
    """The interval that a range is drawn in when the reader leaves the choice to us."""
    if days <= 2:
        return "hour"
    if days <= 92:
        return "day"
    return "week" if days <= 400 else "month"


def chosen_interval(wish: str, days: int) -> str:
    """The interval asked for, ``auto`` or one that the range is too long for resolved."""
    if wish in BY_CLOCK and days > MOST_DAYS[wish]:
        return next((interval for interval, most in MOST_DAYS.items() if days <= most), "day")
    return wish if wish in INTERVALS else auto_interval(days)


def grain(interval: str) -> str:
    """What SQL groups by for an interval: hours and quarters by themselves, weeks and months by days, the whole by nothing."""
    return interval if interval in (*BY_CLOCK, WHOLE) else "day"


def intervals(period: Period, interval: str, week_start: int = 0) -> tuple[Interval, ...]:
    """Every interval of the period, empty ones too, in order, clipped to the period. Weeks start on Monday (0)."""
    if interval == WHOLE:
        edges = sorted({period.start, period.end})  # one instant only, if the zone skipped all of its days
    else:
        edges = _clock_edges(period, BY_CLOCK[interval]) if interval in BY_CLOCK else _day_edges(period, interval, week_start)
    info, now = ZoneInfo(period.zone), period.now
    return tuple(
        Interval(start, end, label_of(start.astimezone(info), interval), is_running=start <= now < end, is_ahead=now < start)
        for start, end in pairwise(edges)
    )


def places(times: Clock, interval: str, steps: Sequence[Interval | None]) -> dict[int, int]:
    """The number of each local day, hour or quarter of an hour (see `Clock`) -> the place of the interval that it is of."""
    numbered = grain(interval)
    if numbered == WHOLE:
        return {0: 0}
    return {
        number: place
        for place, step in ((place, step) for place, step in enumerate(steps) if step)
        for number in times.numbers(numbered, step.start, step.end)
    }


def _clock_edges(period: Period, length: int) -> list[datetime]:
    """Full local hours of the period, or quarters, and the clock changes between (a change by half an hour makes a short hour)."""
    times = clock(period.zone, period.start, period.end)
    first, last = instant_us(period.start), instant_us(period.end)
    edges = []
    for start, end, offset in zip((first, *times.changes), (*times.changes, last), times.offsets, strict=True):
        full = start + (-(start + offset)) % length
        edges += [start, *range(full, end, length)]
    return [moment(us) for us in sorted({*edges, last})]


def _day_edges(period: Period, interval: str, week_start: int) -> list[datetime]:
    days = [period.first + timedelta(days=i) for i in range(period.days)]
    opens: dict[str, Callable[[date], bool]] = {
        "day": lambda _: True,
        "week": lambda day: day.weekday() == week_start,
        "month": lambda day: day.day == 1,
    }
    midnights = [local_midnight(day, period.zone) for day in days if day == period.first or opens[interval](day)]
    starts = {max(midnight, period.start) for midnight in midnights}
    return sorted({*starts, period.end})  # a day that the zone skipped has no instant of its own


def label_of(local: datetime, interval: str) -> str:
    """The interval's start as ISO text; times with their offset, so that a repeated hour has two names."""
    if interval in BY_CLOCK:
        return local.isoformat(sep=" ", timespec="minutes")
    return local.date().isoformat() if interval != "month" else f"{local:%Y-%m}"
