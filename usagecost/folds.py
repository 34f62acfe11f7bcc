"""Everything a page shows is a fold of one aggregate: totals, courses over time, rankings, tables, downloads.

Sums of sums are sums, quotients are divided last, and a sum of nothing known stays unknown (NA), so whatever is shown
side by side adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.formats import Number
from usagecost.metrics import COUNTS, FOLDS, METRICS, PAGE_MEASURES
from usagecost.periods import Interval

Made = TypeVar("Made")

SUMS = [name for name in PAGE_MEASURES if FOLDS[name] == "sum"]

COVERAGE = ("requests", "total_tokens", "incomplete_requests", "incomplete_tokens")
"""Metrics that say how much of a spend is known."""
AT_LEAST = "spend_is_at_least"
"""The column that marks a spend which leaves something out."""

KNOWN = pc.ScalarAggregateOptions(min_count=1)
"""What is not known is left out of a fold; a fold of nothing known is not known."""


@dataclass(frozen=True)
class Usage:
    """The answer of one scan: measures by interval and by value of a dimension, now and in the previous period.

    ``cells``: one row is (interval, value, is_other); ``interval`` indexes ``intervals``, ``value`` NULL is "not reported",
    ``is_other`` marks what the query has merged beyond the values it names. ``before``: one row is (value, is_other) in
    the previous period; None where there is no period to compare with. Both stay Arrow, which folds a thousand rows ten times
    as fast as pandas does; what is folded is small and leaves as a frame. Every fold is made once, so nobody may change it.
    """

    intervals: tuple[Interval, ...]
    cells: pa.Table
    before: pa.Table | None
    made: dict[Hashable, tuple[object, Any]] = field(default_factory=dict, compare=False, repr=False)

    def once(self, what: Hashable, make: Callable[[], Made], given: object = None) -> Made:
        """What is made of this answer, by what it is: made once for all readers, and anew when something else is ``given``."""
        made = self.made.get(what)
        if made is None or made[0] != given:
            made = self.made[what] = given, make()
        return made[1]

    def of_value(self, value: str | None) -> Usage:
        """The part of one value of the dimension; None is the value "not reported"."""
        return self.once(("of_value", value), lambda: self._of_value(value))

    def _of_value(self, value: str | None) -> Usage:
        return Usage(self.intervals, _only(self.cells, value), None if self.before is None else _only(self.before, value))

    @cached_property
    def totals(self) -> dict[str, Number | None]:
        """The measures of the whole period."""
        return totals(self.cells)

    @cached_property
    def totals_before(self) -> dict[str, Number | None] | None:
        """The measures of the previous period; None where there is none to compare with."""
        return None if self.before is None else totals(self.before)

    @cached_property
    def over_time(self) -> pd.DataFrame:
        """One row per interval, in order; index: its place. Zeros where nothing was sent, NA where nothing is known of it."""
        sums = folded(self.cells, ["interval"])
        row = pc.index_in(pa.array(range(len(self.intervals))), value_set=sums["interval"].combine_chunks())
        ordered, is_empty = sums.take(row), row.is_null()
        zeros = {
            name: pc.if_else(is_empty, pa.scalar(0, ordered[name].type), ordered[name]) if FOLDS[name] == "sum" else ordered[name]
            for name in measures_in(ordered)
        }
        return frame(pa.table(zeros))

    @cached_property
    def complete(self) -> list[dict[str, Number | None]]:
        """The measures of each interval that is over, in order."""
        return complete(self.over_time, self.intervals)

    @cached_property
    def by_value(self) -> pd.DataFrame:
        """One row per value of the dimension, the most expensive first, those of unknown spend, then what was merged, last."""
        order = [("is_other", "ascending"), ("spend_usd", "descending"), ("requests", "descending"), ("value", "ascending")]
        return frame(folded(self.cells, ["value", "is_other"]).sort_by(order))


def complete(over_time: pd.DataFrame, steps: Sequence[Interval]) -> list[dict[str, Number | None]]:
    """The rows of ``Usage.over_time`` whose interval is over. What clocks that are ahead have sent is there already."""
    measures = zip(rows(over_time), steps, strict=True)
    return [sums for sums, step in measures if not step.is_running and (sums["requests"] or not step.is_ahead)]


def folded(cells: pa.Table, keys: list[str]) -> pa.Table:
    """Measures folded by the keys (NULL is a key), in no particular order."""
    names = measures_in(cells)
    sums = cells.group_by(keys, use_threads=False).aggregate([(name, FOLDS[name], KNOWN) for name in names])
    return sums.rename_columns([*keys, *names])


def totals(cells: pa.Table) -> dict[str, Number | None]:
    """The measures of all cells together; None where nothing is known."""
    known = {name: pc.call_function(FOLDS[name], [cells[name]], KNOWN).as_py() for name in measures_in(cells)}
    return known | {name: known[name] or 0 for name in COUNTS if name in known}


def measures_in(cells: pa.Table) -> list[str]:
    """The measures that a table has, in its order: a page asks for those that it shows."""
    return [name for name in cells.column_names if name in FOLDS]


def frame(table: pa.Table) -> pd.DataFrame:
    """The table in pandas, with Arrow's types: integers and decimals stay exact, NULL is NA."""
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def top_values(by_value: pd.DataFrame, most: int) -> pd.DataFrame:
    """The first rows of ``Usage.by_value`` and, marked ``is_other``, one for the rest, so that the sum stays the same.

    ``merged`` says how many values a row stands for.
    """
    ranked = pa.table({name: pa.array(column) for name, column in by_value.items()})
    most = min(most, int((~by_value["is_other"]).sum()))
    top, rest = ranked.slice(0, most), ranked.slice(most)
    if not len(rest):
        return frame(top).assign(merged=1)
    other = {"value": [None], "is_other": [True], **{name: [value] for name, value in totals(rest).items()}}
    both = pa.concat_tables([top, pa.table(other, schema=top.schema)])
    return frame(both).assign(merged=[1] * most + [len(rest)])


def over_time_by_top(usage: Usage, top: pd.DataFrame) -> pd.DataFrame:
    """One row per interval and row of ``top_values``, so that stacks add up to the whole; absent where nothing was sent."""
    cells, kept = usage.cells, pa.array(top["value"][~top["is_other"]])
    is_kept = pc.and_not(pc.is_in(cells["value"], value_set=kept), cells["is_other"])
    value = pc.if_else(is_kept, cells["value"], None)
    named = cells.drop_columns(["value", "is_other"]).append_column("value", value).append_column("is_other", pc.invert(is_kept))
    return frame(folded(named, ["interval", "value", "is_other"]))


def over_time_table(usage: Usage, metrics: Sequence[str], zone: str) -> pd.DataFrame:
    """One row per interval with its first instant, local and with the offset, and the metrics in full."""
    starts = [step.start.astimezone(ZoneInfo(zone)).isoformat() for step in usage.intervals]
    over_time = usage.over_time
    return pd.DataFrame({"interval_start": starts, **{name: METRICS[name].column(over_time) for name in metrics}})


def breakdown_table(usage: Usage, stacks: pd.DataFrame, dimension: str, zone: str) -> pd.DataFrame:
    """One row per interval and named part (see ``over_time_by_top``), with its spend and how much of it is known."""
    ordered = stacks.sort_values(["interval", "name"], ignore_index=True)
    starts = [usage.intervals[place].start.astimezone(ZoneInfo(zone)).isoformat() for place in ordered["interval"]]
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


def _only(cells: pa.Table, value: str | None) -> pa.Table:
    is_value = pc.field("value").is_null() if value is None else pc.field("value") == value
    return cells.filter(is_value & ~pc.field("is_other"))
