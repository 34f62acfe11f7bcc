"""What the reader asked to see: one frozen value, and the SQL condition that it means.

Values are always bound; names of columns come from ``metrics.DIMENSIONS`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from string import ascii_lowercase, ascii_uppercase

from usagecost.periods import Period, instant_us
from usagecost.vocabulary import BASES, DIMENSIONS, INSTANT_US, incomplete_sql
from usagecost.vocabulary.search import Text

NOT_REPORTED = "(not reported)"
"""What a missing user, team, model, … is called wherever a person reads or chooses it."""

Parameters = dict[str, str | int | datetime | Decimal]


@dataclass(frozen=True)
class Condition:
    """A dimension is one of ``values``, or, if ``excludes``, none of them. None among the values means "not reported"."""

    dimension: str
    values: tuple[str | None, ...]
    excludes: bool = False

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters, whose names begin with ``prefix``."""
        column = DIMENSIONS[self.dimension].column
        emails: Parameters = {f"{prefix}_{i}": value for i, value in enumerate(v for v in self.values if v is not None)}
        tests = [f"{column} IN ({', '.join('$' + name for name in emails)})"] if emails else []
        if None in self.values:
            tests.append(f"{column} IS NULL")
        is_one_of = " OR ".join(tests) or "false"
        return (f"(({is_one_of}) IS NOT TRUE)" if self.excludes else f"({is_one_of})"), emails

    def phrase(self, label: Callable[[str, str], str] = lambda _, value: value) -> str:
        """The condition as a person would say it; ``label`` says what a value of a dimension is called."""
        names = [NOT_REPORTED if value is None else label(self.dimension, value) for value in self.values]
        first_names = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return f"{DIMENSIONS[self.dimension].label.lower()} {'is not' if self.excludes else 'is'} {first_names or 'nothing'}"


Values = dict[str, tuple[str, ...]]
"""Dimension -> values of it, as people write them; NOT_REPORTED stands for requests that have none."""


def check_values(values_of: Values) -> Values:
    """Returns the values; raises ValueError where one is of no dimension, or a dimension has none."""
    for name, values in values_of.items():
        if name not in DIMENSIONS:
            raise ValueError(f"{name!r} is no dimension: use one of {', '.join(DIMENSIONS)}")
        if not values:
            raise ValueError(f"{name} has no values: write some, or leave it out")
    return values_of


def conditions_of(values_of: Values, *, excludes: bool = False) -> tuple[Condition, ...]:
    """Returns the conditions that a request passes which has one of the values of each dimension, or, if they ``exclude``, none."""
    return tuple(
        Condition(name, tuple(None if value == NOT_REPORTED else value for value in sorted(set(values))), excludes)
        for name, values in sorted(values_of.items())
    )


@dataclass(frozen=True)
class Instants:
    """Sent within the instants [start, end)."""

    start: datetime
    end: datetime

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters. The column itself is compared, so that what is stored in its order can be skipped."""
        return f"(started_at >= ${prefix}_from AND started_at < ${prefix}_to)", {
            f"{prefix}_from": self.start,
            f"{prefix}_to": self.end,
        }

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        return f"sent from {self.start:%Y-%m-%d %H:%M:%S} to {self.end:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class Bounds:
    """The cost in USD (on a cost basis) or the latency in ms is at least ``least`` and at most ``most``, so it is known.

    ``is_unknown`` asks instead for costs that are not known, or only in part.
    """

    quantity: str
    least: Decimal | None = None
    most: Decimal | None = None
    basis: str = "best"
    is_unknown: bool = False

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters."""
        column = f"({BASES[self.basis][1] if self.quantity == 'cost' else 'duration_ms'})"
        if self.is_unknown:
            return incomplete_sql(self.basis), {}
        ends = {">=": ("least", self.least), "<=": ("most", self.most)}
        parameters: Parameters = {f"{prefix}_{name}": value for name, value in ends.values() if value is not None}
        tests = [f"{column} {sign} ${prefix}_{name}" for sign, (name, value) in ends.items() if value is not None]
        return f"({' AND '.join([f'{column} IS NOT NULL', *tests])})", parameters

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        if self.is_unknown:
            return "spend is incomplete"
        amount_text = (lambda amount: f"${amount:f}") if self.quantity == "cost" else (lambda amount: f"{amount:f} ms")
        ends = [("at least", self.least), ("at most", self.most)]
        return f"{self.quantity} is " + " and ".join(f"{word} {amount_text(end)}" for word, end in ends if end is not None)


@dataclass(frozen=True)
class Tagged:
    """One of the tags is among the request's."""

    tags: tuple[str, ...]

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters."""
        parameters = {f"{prefix}_{i}": tag for i, tag in enumerate(self.tags)}
        return f"({' OR '.join(f'list_contains(tags, ${name})' for name in parameters)})", dict(parameters)

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        return f"tag is {' or '.join(self.tags)}"


@dataclass(frozen=True)
class Field:
    """A column of the request is a value, or, if ``excludes``, it is not; of the tags, one of them is.

    ``name`` is a column's name: it is part of the SQL.
    """

    name: str
    value: str | int
    excludes: bool = False

    def sql(self, prefix: str) -> tuple[str, Parameters]:
        """The condition and its parameters."""
        value = f"${prefix}_value"
        test = f"list_contains(tags, {value})" if self.name == "tags" else f"{self.name} = {value}"
        return f"(({test}) IS {'NOT ' if self.excludes else ''}TRUE)", {f"{prefix}_value": self.value}

    @property
    def words(self) -> str:
        """The condition as a person would say it."""
        name = "tag" if self.name == "tags" else self.name.removeprefix("is_").replace("_", " ")
        value = {True: "yes", False: "no"}[self.value] if isinstance(self.value, bool) else self.value
        return f"{name} {'is not' if self.excludes else 'is'} {value}"


AnyCondition = Condition | Instants | Bounds | Tagged | Field | Text


@dataclass(frozen=True)
class Filters:
    """All conditions have to hold. The order of values means nothing, so equal questions share one cache entry."""

    conditions: tuple[AnyCondition, ...] = ()

    def may_pass(self, known_values: Mapping[str, str | None]) -> bool:
        """Whether a request of which the values of some dimensions are known may match."""
        conditions = [
            condition for condition in self.conditions if isinstance(condition, Condition) and condition.dimension in known_values
        ]
        return all((known_values[condition.dimension] in condition.values) is not condition.excludes for condition in conditions)

    def deciding_dimensions(self, *dimensions: str) -> frozenset[str] | None:
        """Returns some dimensions and those of the conditions: sums by all of them decide which requests pass. None if no sums
        do, as a condition, or one of the dimensions, is about something else than the value of a column.
        """
        conditions = [condition for condition in self.conditions if isinstance(condition, Condition)]
        if len(conditions) < len(self.conditions):
            return None
        names = frozenset((*dimensions, *(condition.dimension for condition in conditions)))
        return names if names <= DIMENSIONS.keys() else None

    def sql(self) -> tuple[str, Parameters]:
        """The condition over a row of ``requests`` and its parameters."""
        tests, parameters = [], {}
        for i, condition in enumerate(self.conditions):
            test, bound = condition.sql(f"f{i}")
            tests.append(test)
            parameters |= bound
        return " AND ".join(tests) or "true", parameters

    def phrases(self, label: Callable[[str, str], str] = lambda _, value: value) -> tuple[str, ...]:
        """The conditions as a person would say them: see `Condition.phrase`."""
        return tuple(
            condition.phrase(label) if isinstance(condition, Condition) else condition.words for condition in self.conditions
        )


@dataclass(frozen=True)
class Scope:
    """What somebody may see of the requests: those that pass all conditions of one of ``any_of``, or whose user is one of
    ``emails``, of ASCII letters in upper or lower case. All of them where ``any_of`` is None.
    """

    any_of: tuple[tuple[Condition, ...], ...] | None = None
    emails: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether all requests may be seen."""
        return self.any_of is None

    @property
    def dimensions(self) -> frozenset[str]:
        """What it looks at."""
        return frozenset(
            [
                *(condition.dimension for conditions in self.any_of or () for condition in conditions),
                *(["user"] if self.emails else []),
            ]
        )

    def sql(self) -> tuple[str, Parameters]:
        """The condition over a row of requests, or of a rollup that has its columns, and its parameters."""
        if self.any_of is None:
            return "true", {}
        tests, parameters = [], {}
        for place, conditions in enumerate(self.any_of):
            parts = [condition.sql(f"scope_{place}_{part}") for part, condition in enumerate(conditions)]
            tests.append(f"({' AND '.join(test for test, _ in parts) or 'true'})")
            for _, bound in parts:
                parameters |= bound
        if self.emails:
            email_parameters: Parameters = {f"scope_email_{place}": email.lower() for place, email in enumerate(self.emails)}
            folded = f"translate({DIMENSIONS['user'].column}, '{ascii_uppercase}', '{ascii_lowercase}')"
            tests.append(f"{folded} IN ({', '.join('$' + name for name in email_parameters)})")
            parameters |= email_parameters
        return f"(({' OR '.join(tests) or 'false'}) IS TRUE)", parameters

    def includes(self, filters: Filters) -> bool:
        """Whether all that passes some filters may be seen, as the filters themselves say."""
        if self.any_of is None:
            return True
        values_of = {
            condition.dimension: condition.values
            for condition in filters.conditions
            if isinstance(condition, Condition) and not condition.excludes
        }
        if (users := values_of.get("user")) and all(user and user.isascii() and user.lower() in self.emails for user in users):
            return True
        return any(
            all(
                condition.dimension in values_of and set(values_of[condition.dimension]) <= set(condition.values)
                for condition in conditions
            )
            for conditions in self.any_of
        )


EVERYTHING = Scope()
"""What who may see all requests sees."""


@dataclass(frozen=True)
class View:
    """Everything that decides a page's numbers: which lake in which version, which period, interval, prices, filters, which reader.

    ``week_start`` is the first day of a week, 0 being Monday; ``scope`` what of all this its reader may see.
    """

    lake: str
    version: int
    period: Period
    interval: str
    basis: str
    filters: Filters = Filters()
    week_start: int = 0
    scope: Scope = EVERYTHING

    def where(self, condition: AnyCondition) -> View:
        """The same view of the requests that pass one more condition."""
        return replace(self, filters=Filters((*self.filters.conditions, condition)))


def instant_range_sql(ranges: dict[str, tuple[datetime, datetime]], column_us: str = INSTANT_US) -> tuple[str, Parameters]:
    """The condition that an instant (µs) lies in one of the named ranges [start, end), and its parameters."""
    tests, parameters = [], {}
    for name, (start, end) in ranges.items():
        tests.append(f"({column_us} >= ${name}_start AND {column_us} < ${name}_end)")
        parameters |= {f"{name}_start": instant_us(start), f"{name}_end": instant_us(end)}
    return f"({' OR '.join(tests)})", parameters
