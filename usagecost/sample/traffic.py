"""The sample's traffic: who asked what and when, before anything is known about tokens or outcomes.

Sessions come first, each with an app, a person, a model and a start in that person's office hours; requests follow one
another inside them. Hours are weighed in local time, so that offices in several zones overlap as they really do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from usagecost.periods import DAY_US as DAY
from usagecost.periods import HOUR_US as HOUR
from usagecost.periods import instant_us
from usagecost.sample.cast import (
    APPS,
    ENVIRONMENTS,
    FALLBACK_MODEL,
    MODEL_NAMES,
    MODELS,
    OUTAGE_PROVIDER,
    PEOPLE,
    RETRYING_APP,
    RUNAWAY_APP,
    RUNAWAY_MODEL,
    RUNAWAY_USER,
    App,
    Rhythm,
)

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SECOND = 1_000_000  # µs
NOBODY = -1
APP_NAMES = [app.name for app in APPS]
ENVIRONMENT_SHARES = (0.82, 0.08, 0.10)
GROWTH = 2.2  # times as many requests at the end of the sample as at its beginning
OUTAGE_HOURS = 4
RUNAWAY_HOURS = 11
RUNAWAY_ONE_IN = 250  # of all requests
RETRIES_ONE_IN = 300
FALLBACK_SHARE = 0.2
WEDNESDAY, TUESDAY = 2, 1


@dataclass(frozen=True)
class Calendar:
    """The hours of the sample, counted back from its end, and how busy each one is."""

    end: datetime
    """In UTC."""
    days: int
    noise: NDArray[np.float64]
    """One factor a day: no two Tuesdays are alike."""

    @property
    def start_us(self) -> int:
        return instant_us(self.end) - self.days * DAY

    def busy(self, rhythm: Rhythm, zone: str) -> NDArray[np.float64]:
        """The share of the sessions that starts in each hour, for people who keep this rhythm in this zone."""
        hours, weekend = _local_hours(self.end - timedelta(days=self.days), self.days * 24, zone)
        by_hour, by_day = np.array(rhythm.hours)[hours], np.where(weekend, rhythm.weekend, 1.0)
        weights = by_hour * by_day * np.repeat(self.noise, 24) * GROWTH ** np.linspace(0, 1, len(hours))
        return weights / weights.sum()

    def last(self, weekday: int, days_ago: int) -> datetime:
        """Midnight UTC of the last such weekday that lies at least so many days before the end."""
        midnight = self.end.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
        return midnight - timedelta(days=(midnight.weekday() - weekday) % 7)

    @property
    def outage_us(self) -> tuple[int, int]:
        """First and last instant of the provider's outage."""
        begin = instant_us(self.last(TUESDAY, self.days // 13)) + 13 * HOUR
        return begin, begin + OUTAGE_HOURS * HOUR

    @property
    def runaway_us(self) -> int:
        """When the agent is started that does not stop by itself."""
        return instant_us(self.last(WEDNESDAY, self.days // 5)) + 8 * HOUR


@dataclass(frozen=True)
class Sessions:
    """One element is one session."""

    app: Ints
    person: Ints
    model: Ints
    environment: Ints
    start_us: Ints
    length: Ints
    pause_s: NDArray[np.float64]


@dataclass(frozen=True)
class Traffic:
    """One element is one request; those of a session stand together, in their order."""

    session: Ints
    turn: Ints
    app: Ints
    person: Ints
    requested_model: Ints
    model: Ints
    environment: Ints
    started_us: Ints
    pause_s: NDArray[np.float64]
    in_outage: Flags
    runaway: Flags

    def firsts(self) -> Ints:
        """Where each session begins."""
        return np.flatnonzero(self.turn == 0)


def make_traffic(calendar: Calendar, requests: int, rng: Generator) -> Traffic:
    """Exactly so many requests: every app's, the retries of the outage, and those of the agent that ran away."""
    runaway, retries = requests // RUNAWAY_ONE_IN, requests // RETRIES_ONE_IN
    shares = rng.multinomial(requests - runaway - retries, [app.share for app in APPS])
    parts = [_sessions(index, int(count), calendar, rng) for index, count in enumerate(shares) if count]
    parts += [_retries(calendar, retries, rng), _runaway(calendar, runaway)]
    return _requests(_concatenated(parts), calendar, rng, runaway)


def _sessions(index: int, requests: int, calendar: Calendar, rng: Generator) -> Sessions:
    """The sessions of one app, with exactly so many requests in all."""
    app = APPS[index]
    length = _lengths(requests, app.turns, rng)
    count = len(length)
    person = _people(app, count, rng)
    return Sessions(
        app=np.full(count, index),
        person=person,
        model=rng.choice([MODEL_NAMES.index(name) for name in app.models], count, p=list(app.models.values())),
        environment=rng.choice(len(ENVIRONMENTS), count, p=ENVIRONMENT_SHARES),
        start_us=_starts(app, person, calendar, rng),
        length=length,
        pause_s=np.full(count, app.pause_s, dtype=float),
    )


def _retries(calendar: Calendar, requests: int, rng: Generator) -> Sessions:
    """A service that tries again and again while its provider is down."""
    index = APP_NAMES.index(RETRYING_APP)
    (model,) = APPS[index].models
    columns = [np.full(requests, value) for value in (index, NOBODY, MODEL_NAMES.index(model), 0)]
    start_us = rng.integers(*calendar.outage_us, requests)
    return Sessions(*columns, start_us, length=np.ones(requests, dtype=np.int64), pause_s=np.zeros(requests))


def _runaway(calendar: Calendar, requests: int) -> Sessions:
    """One session of one person that goes on for hours."""
    person = next(index for index, person in enumerate(PEOPLE) if person.user_id == RUNAWAY_USER)
    values = (APP_NAMES.index(RUNAWAY_APP), person, MODEL_NAMES.index(RUNAWAY_MODEL), 0, calendar.runaway_us, requests)
    return Sessions(*(np.array([value]) for value in values), pause_s=np.array([RUNAWAY_HOURS * 3_600 / requests]))


def _lengths(requests: int, turns: int, rng: Generator) -> Ints:
    if turns == 1:
        return np.ones(requests, dtype=np.int64)
    length = rng.geometric(1 / turns, requests)
    ends = np.cumsum(length)
    count = int(np.searchsorted(ends, requests)) + 1
    length[count - 1] -= ends[count - 1] - requests
    return length[:count]


def _people(app: App, count: int, rng: Generator) -> Ints:
    """Users of an app: a few heavy ones, a long tail."""
    users = [index for index, person in enumerate(PEOPLE) if person.team in app.users_from]
    if not users:
        return np.full(count, NOBODY)
    weights = np.arange(1, len(users) + 1) ** -0.7
    return rng.choice(users, count, p=rng.permutation(weights / weights.sum()))


def _starts(app: App, person: Ints, calendar: Calendar, rng: Generator) -> Ints:
    zones = np.array([PEOPLE[index].zone if index != NOBODY else app.zone for index in person])
    hour = np.empty(len(person), dtype=np.int64)
    for zone in np.unique(zones):
        in_zone = zones == zone
        hour[in_zone] = rng.choice(calendar.days * 24, int(in_zone.sum()), p=calendar.busy(app.rhythm, str(zone)))
    return calendar.start_us + hour * HOUR + rng.integers(0, HOUR, len(person))


def _requests(sessions: Sessions, calendar: Calendar, rng: Generator, runaway: int) -> Traffic:
    session = np.repeat(np.arange(len(sessions.length)), sessions.length)
    first = np.repeat(np.cumsum(sessions.length) - sessions.length, sessions.length)
    turn = np.arange(len(session)) - first
    pause_s = np.where(turn == 0, 0.0, sessions.pause_s[session] * rng.gamma(2.0, 0.5, len(session)))
    since_first = np.cumsum(pause_s)
    started_us = sessions.start_us[session] + ((since_first - since_first[first]) * SECOND).astype(np.int64)
    requested = sessions.model[session]
    begin, end = calendar.outage_us
    providers = np.array([model.provider for model in MODELS])
    down = (providers[requested] == OUTAGE_PROVIDER) & (started_us >= begin) & (started_us < end)
    chat = np.array([model.operation == "chat" for model in MODELS])[requested]
    rerouted = down & chat & (rng.random(len(requested)) < FALLBACK_SHARE)
    return Traffic(
        session=session,
        turn=turn,
        app=sessions.app[session],
        person=sessions.person[session],
        requested_model=requested,
        model=np.where(rerouted, MODEL_NAMES.index(FALLBACK_MODEL), requested),
        environment=sessions.environment[session],
        started_us=started_us,
        pause_s=pause_s,
        in_outage=down & ~rerouted,
        runaway=np.arange(len(session)) >= len(session) - runaway,
    )


@lru_cache(maxsize=8)
def _local_hours(start: datetime, count: int, zone: str) -> tuple[Ints, Flags]:
    """The hour of the day in the middle of each hour since the start, and whether it lies on a weekend."""
    middles = [(start + timedelta(hours=hour, minutes=30)).astimezone(ZoneInfo(zone)) for hour in range(count)]
    return np.array([middle.hour for middle in middles]), np.array([middle.weekday() >= 5 for middle in middles])


def _concatenated(parts: list[Sessions]) -> Sessions:
    return Sessions(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Sessions.__dataclass_fields__})
