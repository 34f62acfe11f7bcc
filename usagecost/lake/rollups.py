"""Rollups, declared: by which columns, and in which steps of time, the requests of a large file are added up.

Most have every measure that folds, so that a question over many days reads sums instead of requests. A question takes the first
that tells all of its columns and of which no row lies across an instant at which its time is cut.

A file has the requests of one day of UTC. Days of the reporting zone begin within it, so the rows of a rollup by days are the parts
of those days in the file: they add up to the days of that zone, and to those of UTC.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from hashlib import sha256

from usagecost.lake.table import REQUESTS
from usagecost.periods import DAY_US, EPOCH_DAY, QUARTER_US, instant_us, local_midnight
from usagecost.schema import COST_PARTS
from usagecost.vocabulary import BASES, CHANGE_MEASURES, INSTANT_US, LATENCY_STEP, MEASURES, depends_on_basis, fold_sql, measure_sql

LATENCY = "latency_step"
"""The column of the step that a latency is in: percentiles do not fold, but steps tell between which latencies they lie."""


@dataclass(frozen=True)
class Rollup:
    """Requests added up ``by`` columns in each day, or in each quarter-hour, of which the days of every zone are made.

    ``measures`` are those that it has, all if none are named. One that ``is_last`` is written where there is room after all others.
    """

    name: str
    by: tuple[str, ...]
    is_daily: bool = True
    measures: tuple[str, ...] = ()
    is_last: bool = False


PRICE = ("price_status", "price_id", "discount")
"""What tells at which price requests were charged."""

ROLLUPS = {
    rollup.name: rollup
    for rollup in (
        Rollup("outcome", ("provider", "model", "status", "environment", "source", "error_class", "is_streaming")),
        Rollup("outcome_quarter", ("status", "environment", "source", "error_class", "is_streaming"), is_daily=False),
        Rollup("model_quarter", ("provider", "model"), is_daily=False),
        Rollup("latency", ("provider", "model", LATENCY), measures=("requests", "timed_requests")),
        Rollup("latency_app", ("app", LATENCY), measures=("requests", "timed_requests")),
        Rollup("user", ("team_id", "virtual_key", "user_id")),
        Rollup("team", ("team_id", "environment", "status", "provider", "model")),
        Rollup("key", ("team_id", "virtual_key", "provider", "model")),
        Rollup("user_outcome", ("team_id", "virtual_key", "user_id", "status", "environment", "source"), is_last=True),
        Rollup("model_price", ("provider", "model", *PRICE), measures=CHANGE_MEASURES),
        Rollup("price", ("team_id", "provider", "model", *PRICE), measures=CHANGE_MEASURES),
        Rollup("app", ("app", "environment", "provider", "model", "status", *PRICE)),
        Rollup(
            "user_model",
            ("provider", "model", "team_id", "virtual_key", "user_id", "app", "environment", "source", "status", *PRICE),
        ),
    )
}
"""In the order in which questions try them. Rows lie in the order of the columns."""


def column_of(measure: str, basis: str) -> str:
    """The column that holds a measure: one for each basis where that decides what a request has cost."""
    return _COLUMN_OF[measure_sql(measure, basis)]


def _columns() -> dict[str, str]:
    """The SQL of each measure -> its column; measures that are the same share one."""
    names = {(name, basis): f"{name}_{basis}" if depends_on_basis(name) else name for name in MEASURES for basis in BASES}
    return {measure_sql(*measure): column for measure, column in reversed(names.items())}


_COLUMN_OF = _columns()

_ALMOST = {
    "spend_of_tokens_usd": "{spend_usd}",
    "successful": "{requests}",
    "timed_requests": "{requests}",
    "output_us": "{latency_us}",
    "timed_output_tokens": "{output_tokens}",
    "cache_told_input_tokens": "{input_tokens}",
    "priced_requests": "{requests}",
    "priced_tokens": "coalesce({input_tokens}, 0) + coalesce({output_tokens}, 0) - {incomplete_tokens}",
    "cache_net_usd": "coalesce({cache_saved_usd}, 0) - coalesce({cache_extra_usd}, 0)",
}
"""Measure -> what is often the same, and is known wherever it is: by how much it is less is stored, in a third less room. Of list
costs that is the sum of their parts.
"""
_LARGER = {
    column_of(name, basis): larger.format_map({other: column_of(other, basis) for other in MEASURES})
    for name, larger in _ALMOST.items()
    for basis in BASES
} | {
    column_of(name, "list"): " + ".join(f"coalesce({part}, 0)" for part in COST_PARTS)
    for name in ("spend_usd", "spend_of_tokens_usd")
}
_SUMMED = {column: sql for sql, column in _COLUMN_OF.items()}
_DIFFERENCES = {
    column: f"{re.sub(r'[a-z_0-9]+', lambda match: _SUMMED.get(match[0], match[0]), _LARGER[column])} - {sql}"
    if column in _LARGER
    else sql
    for column, sql in _SUMMED.items()
}
_STORED = {column: f"({sql})::DECIMAL(18, 9)" if "_usd" in column else sql for column, sql in _DIFFERENCES.items()}
"""Column of a measure -> the SQL of what is stored, over requests. Money of 8 bytes is read in half of the time of 16."""
KEYS = {name: name for rollup in ROLLUPS.values() for name in rollup.by} | {LATENCY: LATENCY_STEP}
"""Column that requests are added up by -> its SQL."""

READ = [
    name for name in REQUESTS.columns.names if re.search(rf"\b{name}\b", " ".join((*KEYS.values(), *_SUMMED.values())) + INSTANT_US)
]
"""The columns of requests of which rollups are made."""


@dataclass(frozen=True)
class Content:
    """What a file of a rollup holds: ``columns`` with the SQL of each, and the times of the day (µs, UTC) at which days begin
    in it; None if it is by quarter-hours. It is written beside the files, and what means something else by now is not read.
    """

    columns: Mapping[str, str]
    days_begin: tuple[int, ...] | None

    @classmethod
    def from_json(cls, text: str) -> Content:
        """What `to_json` said; raises ValueError, KeyError or TypeError."""
        fields = json.loads(text)
        return cls(dict(fields["columns"]), None if fields["days_begin"] is None else tuple(fields["days_begin"]))

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps({"columns": dict(self.columns), "days_begin": self.days_begin}, indent=1)

    @cached_property
    def name(self) -> str:
        """A name that other contents do not have."""
        return sha256(self.to_json().encode()).hexdigest()[:12]

    def has(self, columns: Iterable[str]) -> bool:
        """Whether it has all of these columns, as they are meant today."""
        return all(name in self.columns and self.columns[name] == (KEYS.get(name) or _STORED.get(name)) for name in columns)

    def is_cut(self, times: Collection[int]) -> bool:
        """Whether a row lies across one of the times of the day (µs, UTC)."""
        return any(time % QUARTER_US for time in times) if self.days_begin is None else not {*self.days_begin}.issuperset(times)

    def rows_sql(self, requests: str) -> str:
        """The rows over those of a relation, in order: what requests are added up by, ``started_at``, the start of the step of
        time, and measures.
        """
        keys = [name for name in self.columns if name in KEYS]
        select = ", ".join(f"{sql} AS {name}" for name, sql in self.columns.items())
        return f"""
            SELECT {select}, {self._start_sql()} AS started_at FROM {requests}
            GROUP BY {", ".join((*(KEYS[name] for name in keys), self._start_sql()))} ORDER BY {", ".join(keys)}, started_at"""

    def _start_sql(self) -> str:
        if self.days_begin is None:
            return f"make_timestamptz({INSTANT_US} // {QUARTER_US} * {QUARTER_US})"
        midnight, time = f"{INSTANT_US} // {DAY_US} * {DAY_US}", f"{INSTANT_US} % {DAY_US}"
        whens = " ".join(f"WHEN {time} >= {begins} THEN {begins}" for begins in sorted(self.days_begin, reverse=True))
        return f"make_timestamptz({midnight}{f' + CASE {whens} ELSE 0 END' if whens else ''})"


def content_of(rollup: Rollup, day: date, zone: str) -> Content:
    """What a rollup is to hold of a day (UTC) where days are those of a zone."""
    return _declared(rollup, _days_begin(day, zone) if rollup.is_daily else None)


@cache
def _declared(rollup: Rollup, days_begin: tuple[int, ...] | None) -> Content:
    measures = {column_of(name, basis) for name in rollup.measures for basis in BASES} or _STORED.keys()
    columns = {name: KEYS[name] for name in rollup.by} | {name: sql for name, sql in _STORED.items() if name in measures}
    return Content(columns, days_begin)


def decoded_sql(columns: Collection[str]) -> str:
    """The columns of a rollup's file as they are meant, for a SELECT."""
    return ", ".join(f"{_LARGER[name]} - {name} AS {name}" if name in _LARGER else name for name in sorted(columns))


def folded_sql(measure: str, basis: str) -> str:
    """The SQL that adds up a measure from rows of a rollup."""
    return fold_sql(measure, column_of(measure, basis))


def stored_columns(columns: Iterable[str]) -> set[str]:
    """The columns of a file from which these can be told."""
    return {
        column
        for name in columns
        for column in (name, *re.findall(r"[a-z_0-9]+", _LARGER.get(name, "")))
        if column in _STORED or column == name
    }


def times_within(day: date, instants: Sequence[int]) -> list[int]:
    """The times (µs) of those of the instants, in order, that are within a day of UTC, after its beginning."""
    first = (day - EPOCH_DAY).days * DAY_US
    return [instant - first for instant in instants[bisect_right(instants, first) : bisect_left(instants, first + DAY_US)]]


@cache
def _days_begin(day: date, zone: str) -> tuple[int, ...]:
    """The times (µs) within a day of UTC at which days of a zone begin."""
    midnights = (instant_us(local_midnight(day + timedelta(days=shift), zone)) for shift in (-1, 0, 1, 2))
    return tuple(times_within(day, sorted(set(midnights))))
