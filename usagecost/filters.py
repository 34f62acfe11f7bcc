"""What the reader asked to see: one frozen value, and the SQL condition that it means.

Values are always bound; names of columns come from ``metrics.DIMENSIONS`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from usagecost.metrics import DIMENSIONS
from usagecost.periods import Period, instant_us

NOT_REPORTED = "(not reported)"
"""What a missing user, team, model, … is called wherever a person reads or chooses it."""

Parameters = dict[str, str | int]


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
class Filters:
    """All conditions have to hold. The order of values means nothing, so equal questions share one cache entry."""

    conditions: tuple[Condition, ...] = ()

    def and_is(self, dimension: str, value: str | None) -> Filters:
        """These filters, and the dimension is exactly this value."""
        return replace(self, conditions=(*self.conditions, Condition(dimension, (value,))))

    def sql(self) -> tuple[str, Parameters]:
        """The condition over a row of ``requests`` and its parameters."""
        tests, parameters = [], {}
        for i, condition in enumerate(self.conditions):
            test, bound = condition.sql(f"f{i}")
            tests.append(test)
            parameters |= bound
        return " AND ".join(tests) or "true", parameters

    @property
    def words(self) -> tuple[str, ...]:
        """The conditions as a person would say them."""
        return tuple(condition.words for condition in self.conditions)


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
