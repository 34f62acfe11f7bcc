"""What the reader asked to see: one frozen value, and the SQL condition that it means.

Values are always bound; names of columns come from ``metrics.DIMENSIONS`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from usagecost.metrics import BASES, DIMENSIONS, METRICS
from usagecost.periods import Period, instant_us

NOT_REPORTED = "(not reported)"
"""What a missing user, team, model, … is called wherever a person reads or chooses it."""

Parameters = dict[str, str | int | float]

INSTANT_US = "{instant_us}"
"""Stands for the instant of a request, which every engine says in its own way."""

ID_COLUMNS = ("request_id", "trace_id", "session_id", "user_id")
"""Where a text is looked for that names a request, or what it belongs to."""


@dataclass(frozen=True)
class Condition:
    """A dimension is one of ``values``, or, if ``excludes``, none of them. None among the values means "not reported"."""

    dimension: str
    values: tuple[str | None, ...]
    excludes: bool = False

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters, whose names begin with ``prefix``."""
        column = DIMENSIONS[self.dimension].column
        known = {f"{prefix}_{i}": value for i, value in enumerate(v for v in self.values if v is not None)}
        tests = [f"{column} IN ({', '.join('$' + name for name in known)})"] if known else []
        if None in self.values:
            tests.append(f"{column} IS NULL")
        is_one_of = " OR ".join(tests) or "false"
        return (f"(({is_one_of}) IS NOT TRUE)" if self.excludes else f"({is_one_of})"), known

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        names = [NOT_REPORTED if value is None else value for value in self.values]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return f"{DIMENSIONS[self.dimension].label.lower()} {'is not' if self.excludes else 'is'} {shown}"


@dataclass(frozen=True)
class Bounds:
    """What a request adds to a metric lies between two numbers, both included; None leaves a side open.

    The metric is one with ``of_one``. ``basis`` is the cost basis that a spend is meant in. What is not known lies nowhere.
    """

    metric: str
    low: float | None
    high: float | None
    basis: str = "best"

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters, whose names begin with ``prefix``."""
        value = str(METRICS[self.metric].of_one).format(spend=BASES[self.basis][1])
        bound = {f"{prefix}_{name}": limit for name, limit in (("low", self.low), ("high", self.high)) if limit is not None}
        tests = [f"{value} {'>=' if name.endswith('low') else '<='} ${name}" for name in bound]
        return f"({' AND '.join(tests) or 'true'})", bound

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        metric = METRICS[self.metric]
        ends = [f"{word} {metric.format(limit)}" for word, limit in (("from", self.low), ("to", self.high)) if limit is not None]
        return f"{metric.label.lower()} {' '.join(ends)}"


@dataclass(frozen=True)
class Named:
    """A text is part of one of the ids of a request, whatever its case: of the request, its trace, its session or its user."""

    text: str

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameter, whose name begins with ``prefix``."""
        tests = [f"contains(lower({column}), lower(${prefix}_text))" for column in ID_COLUMNS]
        return f"(({' OR '.join(tests)}) IS TRUE)", {f"{prefix}_text": self.text}

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        return f"an id contains {self.text}"


@dataclass(frozen=True)
class Tagged:
    """A request has one of the tags."""

    tags: tuple[str, ...]

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters, whose names begin with ``prefix``."""
        known = {f"{prefix}_{i}": tag for i, tag in enumerate(self.tags)}
        return f"(list_has_any(tags, [{', '.join('$' + name for name in known)}]) IS TRUE)", known

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        return f"tag is {' or '.join(self.tags)}"


@dataclass(frozen=True)
class Between:
    """A request was sent at an instant from ``start`` on and before ``end``: what a mark on a time axis counts."""

    start: datetime
    end: datetime

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters, whose names begin with ``prefix``."""
        return instant_range_sql(INSTANT_US, {prefix: (self.start, self.end)})

    @property
    def words(self) -> str:
        """The condition as a person would say it, in UTC."""
        return f"sent from {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


Test = Condition | Bounds | Named | Tagged | Between


@dataclass(frozen=True)
class Filters:
    """All conditions, and all other tests, have to hold. The order of values means nothing, so equal questions share one cache
    entry.
    """

    conditions: tuple[Condition, ...] = ()
    tests: tuple[Test, ...] = ()

    def and_is(self, dimension: str, value: str | None) -> Filters:
        """These filters, and the dimension is exactly this value."""
        return replace(self, conditions=(*self.conditions, Condition(dimension, (value,))))

    def sql(self) -> tuple[str, Parameters]:
        """The condition over a row of ``requests`` and its parameters."""
        tests, parameters = [], {}
        for i, condition in enumerate((*self.conditions, *self.tests)):
            test, bound = condition.sql(f"f{i}")
            tests.append(test)
            parameters |= bound
        return " AND ".join(tests) or "true", parameters

    @property
    def words(self) -> tuple[str, ...]:
        """The conditions as a person would say them."""
        return tuple(condition.words for condition in (*self.conditions, *self.tests))


@dataclass(frozen=True)
class View:
    """Everything that decides a page's numbers: which lake in which version, which period, interval, prices, filters.

    ``week_start`` is the first day of a week, 0 being Monday.
    """

    lake: str
    version: int
    period: Period
    interval: str
    basis: str
    filters: Filters = Filters()
    week_start: int = 0

    def where_user_is(self, user: str | None) -> View:
        """The same view of one user's requests."""
        return replace(self, filters=self.filters.and_is("user", user))


def instant_range_sql(column_us: str, ranges: dict[str, tuple[datetime, datetime]]) -> tuple[str, Parameters]:
    """The condition that an instant (µs) lies in one of the named ranges [start, end), and its parameters."""
    tests, parameters = [], {}
    for name, (start, end) in ranges.items():
        tests.append(f"({column_us} >= ${name}_start AND {column_us} < ${name}_end)")
        parameters |= {f"{name}_start": instant_us(start), f"{name}_end": instant_us(end)}
    return f"({' OR '.join(tests)})", parameters
