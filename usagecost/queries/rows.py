"""Which requests a question is about, and what they are grouped by, in SQL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import pyarrow as pa

from usagecost import engine, periods
from usagecost.engine import FileLostError, Slice
from usagecost.lake import LakeError, Rolled
from usagecost.lake.rollups import column_of, folded_sql
from usagecost.periods import WHOLE
from usagecost.queries.local_time import clock_sql, wall_sql
from usagecost.vocabulary import BASES, COUNTS, DIMENSIONS, INSTANT_US, OF_ROWS, SPLITS, Metric, fold_sql, measure_sql
from usagecost.vocabulary.filters import Parameters, View, instant_range_sql

HOUR_OF_WEEK = "hour_of_week"
"""The split of a heatmap: the weekday (from 0, Monday) times 24, plus the hour of day."""

Instants = tuple[datetime, datetime]

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Rows:
    """The requests of a view that were sent in its period ("now") or, with it, in the one that it is compared with ("before").

    With ``days`` only those of some UTC days.
    """

    view: View
    now: Instants
    before: Instants | None = None
    days: frozenset[date] | None = None

    @classmethod
    def of(cls, view: View, *, compares: bool = False) -> Rows:
        """The requests of the view's period, and of the one before if they are compared."""
        period = view.period
        return cls(view, (period.start, period.end), period.previous if compares else None)

    @property
    def ranges(self) -> list[Instants]:
        """The instants [start, end) that it is about."""
        return [self.now, *([self.before] if self.before else [])]

    @property
    def slice(self) -> Slice:
        """The days that it is about, of the version that the view is of, and of what its reader may see."""
        first = min(start for start, _ in self.ranges)
        last = max(end for _, end in self.ranges) - timedelta(microseconds=1)
        return Slice(self.view.lake, self.view.version, self.view.scope, first.date(), last.date(), self.days)

    @cached_property
    def steps(self) -> tuple[periods.Interval, ...]:
        """The intervals of the view."""
        return periods.intervals(self.view.period, self.view.interval, self.view.week_start)

    @cached_property
    def counterparts(self) -> tuple[periods.Interval | None, ...]:
        """The interval that each is compared with; empty where nothing is compared."""
        return periods.counterparts(self.view.period, self.view.interval, self.steps) if self.before else ()

    def answer(self, sql: str, parameters: Mapping[str, Any], rolled: Rolled | None = None) -> pa.Table:
        """The result of a query over these requests' days."""
        return engine.table(sql, parameters, self.slice, rolled)

    def rolled(
        self,
        names: Collection[str] | None,
        measures: Iterable[str],
        split: str | None = None,
        *,
        also: Iterable[str] = (),
        cuts: Iterable[datetime] = (),
    ) -> Rolled | None:
        """How rollups tell measures by some dimensions, and ``also`` by other columns of theirs; None if only requests do, or if no
        dimensions are named. ``cuts`` are more instants at which time is cut.
        """
        if names is None:
            return None
        columns = {*(DIMENSIONS[name].stored for name in names), *(column_of(name, self.view.basis) for name in measures), *also}
        instants = (*self._cuts(by_clock=is_clock_split(split)), *(periods.instant_us(instant) for instant in cuts))
        return engine.rolled(columns, instants, self.slice)

    def answer_with_rollups(self, question: Callable[[bool], tuple[str, Parameters]], rolled: Rolled | None) -> pa.Table:
        """The answer to a question, which gives its SQL and parameters; with rollups the SQL names ``{rollups}`` too."""
        return prefer_rollups(rolled, lambda used: self.answer(*question(used is not None), used))

    def sums(
        self,
        split: str | None,
        keys: Iterable[str],
        measures: Sequence[str],
        rolled: Rolled | None,
        select: str = "FROM cells ORDER BY ALL",
    ) -> pa.Table:
        """Measures by columns of `sql`, or what is selected of these ``cells``."""
        columns = ", ".join(keys)
        folds = ", ".join(f"{fold_sql(name, name)} AS {name}" for name in measures)

        def question(with_rollups: bool) -> tuple[str, Parameters]:
            cells, parameters = self.cells_sql(split, columns, measures, with_rollups=with_rollups)
            return f"WITH cells AS (SELECT {columns}, {folds} FROM ({cells}) GROUP BY ALL) {select}", parameters

        return self.answer_with_rollups(question, rolled)

    def cost(self, sql: str) -> str:
        """The SQL with the cost of a request, on the view's basis, put in."""
        return sql.format(spend=BASES[self.view.basis][1])

    def measures_sql(self, names: Iterable[str]) -> str:
        """Measures as a SELECT names them."""
        return ", ".join(f"{self._measure_sql(name)} AS {name}" for name in names)

    def sql(self, split: str | None, relation: str = "{requests}") -> tuple[str, dict[str, Any]]:
        """The SELECT of the rows and its parameters: with ``number``, that of their interval, whether this ``is_before``, in the
        period before, and with ``value``, that of the split.
        """
        ranges = {"now": self.now} | ({"before": self.before} if self.before else {})
        in_range, bound = instant_range_sql(ranges)
        matches, values = self.view.filters.sql()
        number, time_parameters = self._number_sql()
        value, split_parameters = self._value_sql(split)
        columns = f"{number} AS number, {self._is_before_sql()} AS is_before, {value} AS value"
        sql = f"SELECT *, {columns} FROM {relation} WHERE {in_range} AND {matches}"
        return sql, bound | values | time_parameters | split_parameters

    def cells_sql(self, split: str | None, columns: str, measures: Sequence[str], *, with_rollups: bool) -> tuple[str, Parameters]:
        """The measures by columns of `sql`, and the parameters; where rollups tell part of them, in rows that are to be folded."""
        rows_sql, parameters = self.sql(split)
        sql = f"SELECT {columns}, {self.measures_sql(measures)} FROM ({rows_sql}) GROUP BY ALL"
        if with_rollups:
            rollup_rows, _ = self.sql(split, "{rollups}")
            folds = ", ".join(f"{folded_sql(name, self.view.basis)} AS {name}" for name in measures)
            sql += f" UNION ALL SELECT {columns}, {folds} FROM ({rollup_rows}) GROUP BY ALL"
        return sql, parameters

    def placed(self, cells: pa.Table, *, before: bool = False) -> pa.Table:
        """The table with the place of the interval, ``interval``, instead of its number; of the period before NULL beside none."""
        if self.view.interval in ("week", "month"):
            places = {place: place for place in range(len(self.steps))}  # of which SQL has the places already
        else:
            places = self._places(self.counterparts if before else self.steps)
        interval = pa.array([places.get(number) for number in cells["number"].to_pylist()], pa.int64())
        return cells.drop_columns("number").append_column("interval", interval)

    @property
    def _clock(self) -> periods.Clock:
        starts, ends = zip(*self.ranges, strict=True)
        return periods.clock(self.view.period.zone, min(starts), max(ends))

    def _places(self, steps: Sequence[periods.Interval | None]) -> dict[int, int]:
        """What SQL says of an interval, or of a day of it -> its place."""
        return periods.places(self._clock, self.view.interval, steps)

    def _is_before_sql(self) -> str:
        return f"{INSTANT_US} < $now_start" if self.before else "false"

    def _measure_sql(self, name: str) -> str:
        """A measure over requests; counts are as signed as sums of them."""
        sql = self.cost(OF_ROWS[name]) if name in OF_ROWS else measure_sql(name, self.view.basis)
        return f"({sql})::bigint" if name in COUNTS else sql

    def _cuts(self, *, by_clock: bool) -> list[int]:
        """The instants (µs) at which requests begin to count for something else. What the clock says changes with quarter-hours,
        of which the first of a day stands for all.
        """
        edges = [edge for instants in self.ranges for edge in instants]
        edges += [step.start for step in self.steps]
        edges += [edge for step in self.counterparts if step for edge in (step.start, step.end)]
        cuts = [periods.instant_us(instant) for instant in edges]
        if by_clock:
            for start, end in self.ranges:
                first, last = (periods.instant_us(instant) // periods.DAY_US for instant in (start, end))
                cuts += [day * periods.DAY_US + periods.QUARTER_US for day in range(first, last + 1)]
        return cuts

    def _number_sql(self) -> tuple[str, dict[str, Any]]:
        (start, end), interval = self.now, self.view.interval
        if interval == WHOLE or start == end:  # the zone skipped all of the period's days
            return "0::bigint", {}
        if interval not in ("week", "month"):
            return clock_sql(self._clock, interval)
        day, parameters = clock_sql(self._clock, "day")
        now, more = self._place_sql(day, "now", self._places(self.steps))
        if not self.before:
            return now, parameters | more
        before, before_parameters = self._place_sql(day, "before", self._places(self.counterparts))
        return f"CASE WHEN {self._is_before_sql()} THEN {before} ELSE {now} END", parameters | more | before_parameters

    def _place_sql(self, day: str, prefix: str, places: Mapping[int, int]) -> tuple[str, dict[str, Any]]:
        """The SQL of the place of a day, by its number, and its parameters; NULL for one that has none."""
        if not places:
            return "NULL::bigint", {}
        first, last = min(places), max(places)
        day_places = [places.get(number, 0) for number in range(first, last + 1)]
        sql = f"${prefix}_places[({day} - ${prefix}_first_day + 1)::integer]::bigint"
        return sql, {f"{prefix}_first_day": first, f"{prefix}_places": day_places}

    def _value_sql(self, split: str | None) -> tuple[str, Parameters]:
        if split is None:
            return "NULL::varchar", {}
        if is_clock_split(split):
            starts, ends = zip(*self.ranges, strict=True)
            hour, weekday, parameters = wall_sql(periods.wall_clock(self.view.period.zone, min(starts), max(ends)))
            clock_parts = {"hour_of_day": hour, "weekday": weekday, HOUR_OF_WEEK: f"({weekday}) * 24 + {hour}"}
            return f"({clock_parts[split]})::varchar", parameters
        column = SPLITS[split].column
        if is_list(split):
            return f"unnest(CASE WHEN len({column}) > 0 THEN list_distinct({column}) ELSE [NULL] END)", {}
        return f"({column})::varchar", {}


def prefer_rollups(rolled: Rolled | None, ask: Callable[[Rolled | None], Answer]) -> Answer:
    """Returns the answer of rollups; or, where there are none or one of them cannot be read any more, that of the requests."""
    if rolled:
        try:
            return ask(rolled)
        except (FileLostError, LakeError):
            logging.getLogger(__name__).warning("Rollups cannot be read; requests are. See doctor --repair", exc_info=True)
    return ask(None)


def is_clock_split(split: str | None) -> bool:
    """Whether what the clocks of the zone show is the split."""
    return split == HOUR_OF_WEEK or (split in SPLITS and SPLITS[split].kind == "clock")


def is_list(split: str | None) -> bool:
    """Whether a request can have several values of the split: its rows are then more than the requests."""
    return split in SPLITS and not SPLITS[split].parts_add_up


def each_sql(names: Iterable[str]) -> tuple[str, str]:
    """The ``dimension`` and ``value`` of a row of some dimensions as a SELECT names them, and the GROUP BY: one after another."""
    columns = {name: DIMENSIONS[name].column for name in names}
    dimension = " ".join(f"WHEN grouping({column}) = 0 THEN '{name}'" for name, column in columns.items())
    value = " ".join(f"WHEN grouping({column}) = 0 THEN {column}" for column in columns.values())
    sets = ", ".join(f"({column})" for column in columns.values())
    return f"CASE {dimension} END AS dimension, CASE {value} END AS value", f"GROUP BY GROUPING SETS ({sets})"


def order_sql(metric: Metric, measure: str, requests: str, value: str) -> str:
    """The ORDER BY that ranks values by an additive metric; ``measure`` is how SQL writes one of a name."""
    terms = [measure.format(name) for name in metric.terms]
    amount = f"coalesce({' + '.join(terms)}, {', '.join(terms)})" if len(terms) > 1 else terms[0]
    return f"ORDER BY {amount} DESC NULLS LAST, {requests} DESC, {value} NULLS LAST"
