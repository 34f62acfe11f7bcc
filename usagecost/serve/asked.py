"""What a query string asks for, in the words of pages and commands; what it cannot mean is refused with a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NoReturn, Protocol
from zoneinfo import ZoneInfo

from usagecost.periods import INTERVALS, MOST_DAYS, WHOLE, Period, known_zones, reporting_zone, week_start
from usagecost.vocabulary import BASES, DIMENSIONS, METRICS, SPLITS
from usagecost.vocabulary.filters import Filters, Scope, View
from usagecost.vocabulary.labels import Labels

DEFAULT_METRICS = (
    "requests", "success_rate", "input_tokens", "output_tokens", "spend_usd", "incomplete_requests", "avg_latency_ms",
)  # fmt: skip
MOST_METRICS, MOST_FILTERS, MOST_YEARS = 20, 20, 10
DAYS_SHOWN = 30
YEARS = range(1980, 2200)


class AskedWrongly(Exception):  # noqa: N818 - a sentence for who asks
    """What is wrong with a question, and what would be right."""


class Query(Protocol):
    """A query string: names with one or more values."""

    def get(self, key: str, /) -> str | None: ...
    def getlist(self, key: str, /) -> list[str]: ...
    def keys(self) -> Iterable[str]: ...


@dataclass(frozen=True)
class Lake:
    """Of what is asked: the lake and its version, what of it may be seen, what its ids are called, and the time now."""

    root: str
    version: int
    scope: Scope
    labels: Labels
    now: datetime


REPEATABLE = ("filter", "metrics")
PERIOD = ("start", "end", "zone", "basis", "filter")
"""What every question about requests can name."""


def question_of(query: Query, lake: Lake) -> tuple[View, str | None, tuple[str, ...]]:
    """What `/v1/usage` is asked: a view, the split by whose values, if by any, and the metrics; raises AskedWrongly."""
    check_names(query, (*PERIOD, "metrics", "by", "interval", "format"))
    metrics = tuple(dict.fromkeys(_list(query, "metrics"))) or DEFAULT_METRICS
    _check(metrics, METRICS, "metrics", "metric")
    if len(metrics) > MOST_METRICS:
        _refuse(f"metrics names {len(metrics)}: ask for {MOST_METRICS} at most.")
    by, interval = query.get("by") or None, query.get("interval") or WHOLE
    _check([by] if by else [], SPLITS, "by", "split")
    _check([interval], (WHOLE, *INTERVALS), "interval", "interval")
    return view_of(query, lake, interval), by, metrics


def view_of(query: Query, lake: Lake, interval: str = WHOLE) -> View:
    """The days, zone, cost basis and filters that a query names; the last 30 days of the reporting zone where it names none."""
    zone, basis = query.get("zone") or reporting_zone(), query.get("basis") or "best"
    if zone not in known_zones():
        _refuse(f"zone {zone!r} is no time zone: use an IANA name such as Europe/Berlin.")
    _check([basis], BASES, "basis", "cost basis")
    today = lake.now.astimezone(ZoneInfo(zone)).date()
    last = _day(query, "end") or today
    first = _day(query, "start") or date.fromordinal(max(1, last.toordinal() - DAYS_SHOWN + 1))
    if last < first:
        _refuse(f"end {last} lies before start {first}: exchange them.")
    most = MOST_DAYS.get(interval, 366 * MOST_YEARS)
    if (days := (last - first).days + 1) > most:
        _refuse(
            f"{first} to {last} are {days:,} days: ask for {most:,} at most{f' by {interval}' if interval in MOST_DAYS else ''}."
        )
    period = Period(first, last, zone, lake.now, is_alone=True)
    return View(lake.root, lake.version, period, interval, basis, _filters(query, lake.labels), week_start(), lake.scope)


def _filters(query: Query, labels: Labels) -> Filters:
    """``filter=team=search``: one of the values of a dimension that are named; ``filter=model!=gpt-5``: none of them."""
    texts = query.getlist("filter")
    if len(texts) > MOST_FILTERS:
        _refuse(f"filter is there {len(texts)} times: use {MOST_FILTERS} at most.")
    pairs: dict[bool, list[tuple[str, str]]] = {False: [], True: []}
    for text in texts:
        name, equals, value = text.partition("=")
        excludes, name = name.endswith("!"), name.removesuffix("!")
        if not equals or name not in DIMENSIONS:
            _refuse(f"filter {text!r} is none: write dimension=value or dimension!=value, with one of {', '.join(DIMENSIONS)}.")
        pairs[excludes].append((name, value))
    return Filters((*labels.conditions(pairs[False]), *labels.conditions(pairs[True], excludes=True)))


def check_names(query: Query, allowed: Sequence[str]) -> None:
    """Raises AskedWrongly for a name that nothing is asked by, as a misspelled filter must not answer for everything, and for one
    that is there twice and means one thing.
    """
    names = list(query.keys())
    _check(names, allowed, "the query", "parameter")
    if twice := [name for name in names if name not in REPEATABLE and len(query.getlist(name)) > 1]:
        _refuse(f"{twice[0]} is there twice: name one.")


def number_of(query: Query, name: str, default: int, most: int) -> int:
    """A whole number from 1 to ``most``."""
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        _refuse(f"{name} {text!r} is no number from 1 to {most:,}.")
    return int(text)


def one_of(query: Query, name: str, allowed: Mapping[str, object] | Sequence[str], default: str) -> str:
    """A word of a list."""
    word = query.get(name) or default
    _check([word], allowed, name, name)
    return word


def _list(query: Query, name: str) -> list[str]:
    return [word for text in query.getlist(name) for word in text.split(",") if word]


def _day(query: Query, name: str) -> date | None:
    text = query.get(name)
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        _refuse(f"{name} {text!r} is no day: write it as 2026-11-23.")
    if day and day.year not in YEARS:
        _refuse(f"{name} {day} is out of reach: name a day from {YEARS[0]} to {YEARS[-1]}.")
    return day


def _check(words: Sequence[str], allowed: Iterable[str], name: str, noun: str) -> None:
    allowed = list(allowed)
    if wrong := [word for word in words if word not in allowed]:
        _refuse(f"{name}: {wrong[0]!r} is no {noun}; use {', '.join(allowed)}.")


def _refuse(sentence: str) -> NoReturn:
    raise AskedWrongly(sentence)
