"""Everything a page shows is a fold of one aggregate: totals, courses over time, rankings, tables, downloads.

Sums of sums are sums, quotients are divided last, and a sum of nothing known stays unknown (NA), so whatever is shown
side by side adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.periods import Interval
from usagecost.vocabulary import COUNTS, COVERAGE, FOLDS, METRICS, OF_ROWS
from usagecost.vocabulary.formats import Number

pd.options.mode.string_storage = "python"
"""Texts of frames are Python's: with Arrow's a step over some hundred rows takes half as long again, and a chart has a hundred."""

Derived = TypeVar("Derived")

DERIVED_BYTES = 800_000
"""About what the frames and charts take that are made of an answer: measured, and most of what an answer takes."""

AT_LEAST = "spend_is_at_least"
"""The column that marks a spend which leaves something out."""

REPORTED_ONLY = pc.ScalarAggregateOptions(min_count=1)
"""What is not known is left out of a fold; a fold of nothing known is not known."""


@dataclass(frozen=True)
class Usage:
    """An answer: measures by interval and by value of a split, now and in the previous period.

    ``cells``: one row is (interval, value, is_other); ``interval`` indexes ``intervals``, ``value`` NULL is "not reported",
    ``is_other`` marks what the query has merged beyond the values it names by ``rank``, of ``parts`` in all. ``before``: one row
    is (interval, value, is_other) in the previous period, ``interval`` being the one that is compared with it (``counterparts``),
    NULL if none is; None where none was asked for. Both stay Arrow, which folds a thousand rows ten
    times as fast as pandas does; what is folded is small and leaves as a frame. Every fold is made once, so nobody may change it.

    ``exact`` has the measures that do not fold, by period ("now", "before") and grouping: "whole", "time" (interval), "value"
    (value, is_other), "both". Of what is merged further they are not known. ``whole`` is the answer without the split, where the
    parts do not add up to it.
    """

    intervals: tuple[Interval, ...]
    cells: pa.Table
    before: pa.Table | None
    rank: str = "spend_usd"
    parts: int = 0
    unsplit: Usage | None = None
    exact: Mapping[tuple[str, str], pa.Table] = field(default_factory=dict)
    counterparts: tuple[Interval | None, ...] = ()
    derived: dict[Hashable, tuple[object, Any]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def nbytes(self) -> int:
        """About how much memory it takes, with what is made of it."""
        tables = [self.cells, *self.exact.values(), *([] if self.before is None else [self.before])]
        return DERIVED_BYTES + sum(table.nbytes for table in tables) + (self.unsplit.nbytes if self.unsplit else 0)

    def once(self, key: Hashable, make: Callable[[], Derived], inputs: object = None) -> Derived:
        """Returns what is made of this answer under a key: made once for all readers, and anew when the ``inputs`` are others."""
        derived = self.derived.get(key)
        if derived is None or derived[0] != inputs:
            derived = self.derived[key] = inputs, make()
        return derived[1]

    def of_value(self, value: str | None) -> Usage:
        """The part of one value of the split; None is the value "not reported"."""
        return self.once(("of_value", value), lambda: self._of_value(value))

    def _of_value(self, value: str | None) -> Usage:
        """The exact measures of the value become those without a split."""
        before = None if self.before is None else _only(self.before, value)
        groupings = {"value": ("whole", "value"), "both": ("time", "both")}
        exact = {
            (period, name): _only(table, value)
            for (period, grouping), table in self.exact.items()
            for name in groupings.get(grouping, ())
        }
        return Usage(self.intervals, _only(self.cells, value), before, self.rank, 1, None, exact, self.counterparts)

    @cached_property
    def totals(self) -> dict[str, Number | None]:
        """The measures of the whole period."""
        return self.unsplit.totals if self.unsplit else totals(self.cells) | self._exact_totals("now")

    @cached_property
    def totals_before(self) -> dict[str, Number | None] | None:
        """The measures of the previous period; None where there is none to compare with."""
        if self.unsplit:
            return self.unsplit.totals_before
        return None if self.before is None else totals(self.before) | self._exact_totals("before")

    @cached_property
    def over_time(self) -> pd.DataFrame:
        """One row per interval, in order; index: its place. Zeros where nothing was sent, NA where nothing is known of it."""
        if self.unsplit:
            return self.unsplit.over_time
        columns = self._course(self.cells)
        if (exact := self.exact.get(("now", "time"))) is not None:
            exact = _by_interval_number(exact, len(self.intervals))
            columns |= {name: pc.fill_null(exact[name], 0) if name in COUNTS else exact[name] for name in exact_in(exact)}
        return frame(pa.table(columns))

    @cached_property
    def over_time_before(self) -> pd.DataFrame | None:
        """The same of what each interval is compared with, NA where that is nothing, of measures that fold; None without any."""
        if self.unsplit or self.before is None:
            return self.unsplit.over_time_before if self.unsplit else None
        is_beside = pa.array([step is not None for step in self.counterparts], pa.bool_())
        return frame(pa.table({name: pc.if_else(is_beside, sums, None) for name, sums in self._course(self.before).items()}))

    def _course(self, cells: pa.Table) -> dict[str, pa.ChunkedArray]:
        """The measures of cells by interval, in order: zeros where nothing was sent."""
        ordered = _by_interval_number(folded(cells, ["interval"]), len(self.intervals))
        is_empty = ordered["interval"].is_null()
        return {
            name: pc.if_else(is_empty, pa.scalar(0, ordered[name].type), ordered[name]) if FOLDS[name] == "sum" else ordered[name]
            for name in measures_in(ordered)
        }

    @cached_property
    def complete(self) -> list[tuple[Interval, dict[str, Number | None]]]:
        """The intervals that are over with their measures, in order. What clocks that are ahead have sent is there already."""
        measures = zip(self.intervals, rows(self.over_time), strict=True)
        return [(step, sums) for step, sums in measures if not step.is_running and (sums["requests"] or not step.is_ahead)]

    @cached_property
    def ranked(self) -> pa.Table:
        """One row per value of the split, the first by rank first, those of unknown rank, then what was merged, last.

        ``merged`` says how many values a row stands for.
        """
        sums = folded(self.cells, ["value", "is_other"])
        ranked = sums.append_column("amount", pa.array(METRICS[self.rank].column(frame(sums))))
        order = [("is_other", "ascending"), ("amount", "descending"), ("requests", "descending"), ("value", "ascending")]
        ranked = ranked.sort_by(order).drop_columns("amount")
        if (value_rows := self.exact.get(("now", "value"))) is not None:
            positions = {key: position for position, key in enumerate(_keys(value_rows))}
            exact_rows = value_rows.take(pa.array([positions.get(key) for key in _keys(ranked)], pa.int64()))
            for name in exact_in(exact_rows):
                ranked = ranked.append_column(name, exact_rows[name])
        named_count = ranked.num_rows - (pc.sum(ranked["is_other"]).as_py() or 0)
        return ranked.append_column("merged", pc.if_else(ranked["is_other"], max(self.parts - named_count, 1), 1))

    @cached_property
    def by_value(self) -> pd.DataFrame:
        """The same as a frame."""
        return frame(self.ranked)

    @property
    def named_values(self) -> list[str | None]:
        """The values that are told apart, in their order."""
        return [value for value, is_other in _keys(self.ranked) if not is_other]

    def _exact_totals(self, period: str) -> dict[str, Number | None]:
        """The measures of a period that do not fold: of no requests counts are 0, and others are not known."""
        table = self.exact.get((period, "whole"))
        if table is None:
            return {}
        first = next(iter(table.to_pylist()), {})
        return {name: first.get(name, 0 if name in COUNTS else None) for name in exact_in(table)}


def folded(cells: pa.Table, keys: list[str]) -> pa.Table:
    """Measures folded by the keys (NULL is a key), in no particular order."""
    names = measures_in(cells)
    sums = cells.group_by(keys, use_threads=False).aggregate([(name, FOLDS[name], REPORTED_ONLY) for name in names])
    return sums.rename_columns([*keys, *names])


def totals(cells: pa.Table) -> dict[str, Number | None]:
    """The measures of all cells together; None where nothing is sums."""
    sums = {name: pc.call_function(FOLDS[name], [cells[name]], REPORTED_ONLY).as_py() for name in measures_in(cells)}
    return sums | {name: sums[name] or 0 for name in COUNTS if name in sums}


def measures_in(cells: pa.Table) -> list[str]:
    """The measures that a table has, in its order: a page asks for those that it shows."""
    return [name for name in cells.column_names if name in FOLDS]


def frame(table: pa.Table) -> pd.DataFrame:
    """The table in pandas, with Arrow's types: integers and decimals stay exact, NULL is NA."""
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def exact_in(table: pa.Table) -> list[str]:
    """The measures of a table that do not fold."""
    return [name for name in table.column_names if name in OF_ROWS]


def top_values(by_value: pd.DataFrame, most: int) -> pd.DataFrame:
    """The first rows of ``Usage.by_value`` and, marked ``is_other``, one for the rest, so that the sum stays the same.

    What does not fold is not known of the rest, unless it is one row already.
    """
    ranked = pa.table({name: pa.array(column) for name, column in by_value.items()})
    most = min(most, int((~by_value["is_other"]).sum()))
    top, remainder = ranked.slice(0, most), ranked.slice(most)
    if len(remainder) < 1 or bool(remainder["is_other"][0].as_py()):
        return frame(ranked)
    other_row = {"value": [None], "is_other": [True], "merged": [pc.sum(remainder["merged"]).as_py()]}
    other_row |= {name: [value] for name, value in totals(remainder).items()} | {name: [None] for name in exact_in(remainder)}
    return frame(pa.concat_tables([top, pa.table(other_row, schema=top.schema)]))


def over_time_by_top(usage: Usage, top: pd.DataFrame) -> pd.DataFrame:
    """One row per interval and row of ``top_values``, so that stacks add up to the whole; absent where nothing was sent."""
    cells, top_keys = usage.cells, pa.array(top["value"][~top["is_other"]])
    is_top = pc.and_not(pc.is_in(cells["value"], value_set=top_keys), cells["is_other"])
    value = pc.if_else(is_top, cells["value"], None)
    marked = cells.drop_columns(["value", "is_other"]).append_column("value", value).append_column("is_other", pc.invert(is_top))
    stacks = folded(marked, ["interval", "value", "is_other"])
    if (both := usage.exact.get(("now", "both"))) is None:
        return frame(stacks)
    is_merged = len(top_keys) < len(usage.named_values)
    positions = {key: position for position, key in enumerate(_keys(both, "interval"))}
    exact_rows = both.take(
        pa.array([None if is_merged and key[1] else positions.get(key) for key in _keys(stacks, "interval")], pa.int64())
    )
    for name in exact_in(exact_rows):
        stacks = stacks.append_column(name, exact_rows[name])
    return frame(stacks)


def over_time_table(usage: Usage, metrics: Sequence[str], zone: str) -> pd.DataFrame:
    """One row per interval with its first instant, local and with the offset, and the metrics in full."""
    starts = [step.start.astimezone(ZoneInfo(zone)).isoformat() for step in usage.intervals]
    over_time = usage.over_time
    return pd.DataFrame({"interval_start": starts, **{name: METRICS[name].column(over_time) for name in metrics}})


def breakdown_table(usage: Usage, stacks: pd.DataFrame, dimension: str, zone: str) -> pd.DataFrame:
    """One row per interval and named part (see ``over_time_by_top``), with its spend and how much of it is known."""
    ordered = stacks.sort_values(["interval", "name"], ignore_index=True)
    starts = [usage.intervals[number].start.astimezone(ZoneInfo(zone)).isoformat() for number in ordered["interval"]]
    return pd.DataFrame({"interval_start": starts, **names_and_ids(ordered, dimension), **numbers(ordered, ("spend_usd",))})


def ranking_table(ranking: pd.DataFrame, dimension: str, metrics: Sequence[str]) -> pd.DataFrame:
    """One row per named value of a dimension, in the ranking's order, with the metrics in full."""
    return pd.DataFrame({**names_and_ids(ranking, dimension), **numbers(ranking, metrics)})


def names_and_ids(values: pd.DataFrame, dimension: str) -> dict[str, pd.Series]:
    """What the rows' values are called; where ids have names (``has_names``), the ids beside them."""
    has_names = "has_names" in values and bool(values["has_names"].any())
    return {dimension: values["name"]} | ({f"{dimension}_id": values["value"]} if has_names else {})


def numbers(measures: pd.DataFrame, metrics: Sequence[str]) -> dict[str, pd.Series]:
    """The metrics of every row in full. Beside a spend stands how much of it is known: see COVERAGE."""
    columns = {name: METRICS[name].column(measures) for name in metrics}
    if "spend_usd" not in columns:
        return columns
    coverage = {name: METRICS[name].column(measures) for name in COVERAGE if name not in columns}
    return columns | coverage | {AT_LEAST: is_at_least(measures)}


def is_at_least(measures: pd.DataFrame) -> pd.Series:
    """Whether a row's spend is a lower bound: something of it is known, something has no price."""
    return measures["spend_usd"].notna() & (measures["incomplete_requests"] > 0)


def last_seen(ranking: pd.DataFrame, zone: str) -> pd.Series:
    """When each value's newest request was sent, as local time of the zone without its offset."""
    instants = pd.to_datetime(ranking["last_seen_us"].astype("int64"), unit="us", utc=True)
    return instants.dt.tz_convert(zone).dt.tz_localize(None)


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows as dictionaries, NA as None."""
    return pa.table({name: pa.array(column) for name, column in frame.items()}).to_pylist()


def _by_interval_number(table: pa.Table, count: int) -> pa.Table:
    """One row per interval, NULL where the table has none."""
    return table.take(pc.index_in(pa.array(range(count), pa.int64()), value_set=table["interval"].combine_chunks()))


def _only(cells: pa.Table, value: str | None) -> pa.Table:
    is_value = pc.field("value").is_null() if value is None else pc.field("value") == value
    return cells.filter(is_value & ~pc.field("is_other"))


def _keys(table: pa.Table, *also: str) -> list[tuple[Any, ...]]:
    """What tells the rows of a table apart: the value, whether it is "Other", and more."""
    return list(zip(*(table[name].to_pylist() for name in ("value", "is_other", *also)), strict=True))
