"""Generated questions, and a fixed lot of varied requests to ask them about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import strategies as st

from tests.lake_rows import Row
from tests.recount import COLUMNS
from tests.views import days, instant, request
from usagecost.lake import Lake
from usagecost.periods import local_midnight
from usagecost.vocabulary.filters import Condition, Filters, View

ZONES = (
    "UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Los_Angeles",
    "Pacific/Chatham", "America/Sao_Paulo",
)  # fmt: skip
CHANGES = (
    date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 10, 25), date(2011, 12, 30),
    date(2018, 2, 18),
)  # fmt: skip
"""Days on which the clocks of some of the zones change."""

VALUES: dict[str, tuple[str | None, ...]] = {
    "model": ("gpt-4o", "claude", "o'brien", None),
    "user": ("ann", "bob", "(not reported)", None),
    "team": ("search", None),
    "status": ("success", "error", "cancelled", None),
    "provider": ("openai", None),
}


def varied_rows() -> list[Row]:
    """Requests around clock changes, many at a midnight or a change to the microsecond; each column is often not reported."""
    random = Random(7)
    moments = [
        local_midnight(day + timedelta(days=after), zone) + timedelta(microseconds=us)
        for day in CHANGES
        for zone in ZONES
        for after in (0, 1)
        for us in (-1, 0)
    ] + [
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=random.uniform(-4, 4) * 86_400)
        for day in CHANGES
        for _ in range(120)
    ]
    return [varied_row(moment, random) for moment in moments]


def varied_row(moment: datetime, random: Random) -> Row:
    def maybe(value: object) -> object:
        return value if random.random() < 0.7 else None

    named = {COLUMNS[name]: random.choice(values) for name, values in VALUES.items()}
    tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return request(
        moment,
        **named,
        **{name: maybe(random.randrange(10 ** random.randrange(1, 10))) for name in tokens},
        duration_ms=maybe(random.randrange(10**7) / 1000),
        reported_cost_usd=maybe(Decimal(random.randrange(10**12)) / 10**9) if random.random() < 0.5 else None,
        list_cost_usd=maybe(Decimal(random.randrange(10**9)) / 10**9),
        ttft_ms=maybe(random.randrange(10**6) / 1000),
        **{
            name: maybe(random.randrange(10**4))
            for name in ("output_reasoning_tokens", "input_audio_tokens", "output_audio_tokens")
        },
        **{name: maybe(Decimal(random.randrange(10**6)) / 10**9) for name in ("cache_read_saved_usd", "cache_write_extra_usd")},
    )


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(sorted(VALUES)))
    values = draw(st.lists(st.sampled_from([*VALUES[name], "nobody"]), min_size=1, unique=True))
    return Condition(name, tuple(values), draw(st.booleans()))


@st.composite
def questions(draw: st.DrawFn, intervals: tuple[str, ...] = ("hour", "day", "week", "month", "period")) -> View:
    """A view of a lake that is named later: any zone, days around a change of clocks, over, running or to come."""
    first = draw(st.sampled_from(CHANGES)) - timedelta(days=draw(st.integers(0, 4)))
    last = first + timedelta(days=draw(st.sampled_from([0, 0, 1, 2, 5, 30])))
    zone = draw(st.sampled_from(ZONES))
    now = draw(st.sampled_from([timedelta(days=-3), timedelta(hours=13, minutes=7), timedelta(hours=40), timedelta(days=9_000)]))
    period = days(first, last, zone, now=instant(str(first)) + now)
    basis = draw(st.sampled_from(["best", "reported", "list"]))
    return View("", 1, period, draw(st.sampled_from(intervals)), basis, Filters(tuple(draw(st.lists(conditions(), max_size=2)))))


splits = st.sampled_from(sorted(VALUES))


def of_lake(asked_for: View, lake: str, interval: str | None = None) -> View:
    """The question, asked of a lake."""
    return replace(asked_for, lake=lake, version=Lake(lake).version(), interval=interval or asked_for.interval)
