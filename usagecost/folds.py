"""Everything a page shows is a fold of one aggregate: totals, courses over time, rankings, tables, downloads.

Sums of sums are sums, quotients are divided last, and a sum of nothing known stays unknown (NA), so whatever is shown
side by side adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from usagecost.formats import Number
from usagecost.metrics import FOLDS, MEASURES, METRICS
from usagecost.periods import Interval

SUMS = [name for name in MEASURES if FOLDS[name] == "sum"]
COUNTS = ("requests", "successful", "failed", "unpriced_requests", "timed_requests")
"""Measures that count rows: of no rows they are 0, not unknown."""


@dataclass(frozen=True)
class Usage:
    """The answer of one scan: measures by interval and by value of a dimension, now and in the previous period.

    ``cells``: one row is (interval, value, is_other); ``interval`` indexes ``intervals``, ``value`` NA is "not reported",
    ``is_other`` marks what the query has merged beyond the values it names. ``before``: one row is (value, is_other) in
    the previous period; None where there is no period to compare with.
    """

    intervals: tuple[Interval, ...]
    cells: pd.DataFrame
    before: pd.DataFrame | None

    def of_value(self, value: str | None) -> Usage:
        """The part of one value of the dimension; None is the value "not reported"."""
        return Usage(self.intervals, _only(self.cells, value), None if self.before is None else _only(self.before, value))

    @property
    def totals(self) -> dict[str, Number | None]:
        """The measures of the whole period."""
        return totals(self.cells)

    @property
    def totals_before(self) -> dict[str, Number | None] | None:
        """The measures of the previous period; None where there is none to compare with."""
        return None if self.before is None else totals(self.before)

    @property
    def over_time(self) -> pd.DataFrame:
        """One row per interval, in order; index: its place. Zeros where nothing was sent, NA where nothing is known of it."""
        sums = folded(self.cells, ["interval"]).set_index("interval").reindex(range(len(self.intervals)))
        sums.loc[sums["requests"].isna(), SUMS] = 0
        return sums

    @property
    def by_value(self) -> pd.DataFrame:
        """One row per value of the dimension, the most expensive first, what the query has merged last."""
        sums = folded(self.cells, ["value", "is_other"])
        order = ["is_other", "spend_usd", "requests", "value"]
        return sums.sort_values(order, ascending=[True, False, False, True], na_position="last", ignore_index=True)


def folded(cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Measures summed by the keys (NA is a key), in order of appearance."""
    groups = cells.groupby(keys, dropna=False, sort=False)
    return groups[SUMS].sum(min_count=1).assign(last_seen_us=groups["last_seen_us"].max()).reset_index()


def totals(cells: pd.DataFrame) -> dict[str, Number | None]:
    """The measures of all cells together; None where nothing is known."""
    sums = {name: cells[name].sum(min_count=1) for name in SUMS} | {"last_seen_us": cells["last_seen_us"].max()}
    known = {name: None if pd.isna(value) else value for name, value in sums.items()}
    return known | {name: int(known[name] or 0) for name in COUNTS}


def top_values(by_value: pd.DataFrame, most: int) -> pd.DataFrame:
    """The first rows of ``Usage.by_value`` and, marked ``is_other``, one for the rest, so that the sum stays the same.

    ``merged`` says how many values a row stands for.
    """
    named = by_value[~by_value["is_other"]]
    top, rest = named.head(most).assign(merged=1), pd.concat([named.iloc[most:], by_value[by_value["is_other"]]])
    if rest.empty:
        return top
    other = folded(rest.assign(is_other=True), ["is_other"]).assign(value=pd.NA, merged=len(rest))
    return pd.concat([top, other[top.columns].astype(top.dtypes)], ignore_index=True)


def over_time_by_top(usage: Usage, top: pd.DataFrame) -> pd.DataFrame:
    """One row per interval and row of ``top_values``, so that stacks add up to the whole; absent where nothing was sent."""
    cells, kept = usage.cells, top["value"][~top["is_other"]]
    is_kept = (cells["value"].isin(kept.dropna()) | (cells["value"].isna() & kept.isna().any())) & ~cells["is_other"]
    return folded(cells.assign(value=cells["value"].where(is_kept), is_other=~is_kept), ["interval", "value", "is_other"])


def over_time_table(usage: Usage, metrics: Sequence[str], zone: str) -> pd.DataFrame:
    """One row per interval with its first instant, local and with the offset, and the metrics in full."""
    starts = [step.start.astimezone(ZoneInfo(zone)).isoformat() for step in usage.intervals]
    over_time = usage.over_time
    return pd.DataFrame({"interval_start": starts, **{name: METRICS[name].column(over_time) for name in metrics}})


def breakdown_table(usage: Usage, stacks: pd.DataFrame, dimension: str, zone: str) -> pd.DataFrame:
    """One row per interval and named part (see ``over_time_by_top``), with its spend, requests and those without a price."""
    ordered = stacks.sort_values(["interval", "name"])
    starts = [usage.intervals[place].start.astimezone(ZoneInfo(zone)).isoformat() for place in ordered["interval"]]
    numbers = ordered[["spend_usd", "requests", "unpriced_requests"]]
    return pd.DataFrame({"interval_start": starts, dimension: ordered["name"].to_numpy(), **numbers.reset_index(drop=True)})


def ranking_table(ranking: pd.DataFrame, dimension: str, metrics: Sequence[str]) -> pd.DataFrame:
    """One row per named value of a dimension, in the ranking's order, with the metrics in full."""
    return pd.DataFrame({dimension: ranking["name"], **{name: METRICS[name].column(ranking) for name in metrics}})


def last_seen(ranking: pd.DataFrame, zone: str) -> pd.Series:
    """When each value's newest request was sent, as local time of the zone without its offset."""
    instants = pd.to_datetime(ranking["last_seen_us"].astype("int64"), unit="us", utc=True)
    return instants.dt.tz_convert(zone).dt.tz_localize(None)


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows as dictionaries, NA as None."""
    return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")]


def _only(cells: pd.DataFrame, value: str | None) -> pd.DataFrame:
    return cells[~cells["is_other"] & (cells["value"].isna() if value is None else cells["value"] == value)]
