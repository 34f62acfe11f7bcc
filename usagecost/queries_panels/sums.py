"""Measures that fold: every need of a scope answered from one scan, one grouping for each interval and split.

Where tallies can tell it, only the requests that have none are scanned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.filters import Parameters
from usagecost.lake import Tallied
from usagecost.metrics import METRICS, fold_sql, tally_column
from usagecost.queries_panels.scope import Scope, is_list, is_of_clock, order_sql

FEWEST_VALUES = frozenset({"status"})
"""The dimension whose tallies are the fewest, for what is not split."""


@dataclass(frozen=True)
class Sums:
    """Measures by interval and value of a split. One row of the answer is (number, value, is_other), each with ``parts``, how
    many values there are.

    At least the first ``most`` values by ``rank``, an additive metric, are named; the rest is one row, ``is_other``.
    """

    scope: Scope
    interval: str
    split: str | None
    rank: str
    most: int
    measures: tuple[str, ...]

    @property
    def shares(self) -> tuple:
        """Needs that agree in this are answered by one query. A list makes rows of its own, what tallies tell is not in all rows,
        and the clock takes finer tallies than there are of most dimensions.
        """
        by_tallies = self.scope.may_be_tallied(self.told_by)
        return Sums, self.scope, self.split if is_list(self.split) else None, by_tallies, by_tallies and is_of_clock(self.split)

    @property
    def told_by(self) -> frozenset[str] | None:
        """The dimensions by which sums tell it, and which requests pass the filters; None if none do."""
        split = () if self.split is None or is_of_clock(self.split) else (self.split,)
        return self.scope.filters.told_by(*split) if split or self.scope.filters.conditions else FEWEST_VALUES

    @property
    def cuts(self) -> list[int]:
        """The instants (µs) at which requests begin to count for something else."""
        return self.scope.cuts(self.interval, by_clock=is_of_clock(self.split))

    @property
    def keys(self) -> tuple[str, ...]:
        """What it groups by, as `Scope.rows_sql` calls it."""
        return (f"at_{self.interval}", *((f"by_{self.split}",) if self.split else ()))


def sums_sql(needs: Sequence[Sums], tallied: Tallied | None = None) -> tuple[str, Parameters]:
    """The query of needs that share one, and its parameters. ``tallied``: part of the requests are told by tallies."""
    scope, keys = needs[0].scope, _keys(needs)
    rows, parameters = scope.rows_sql(keys)
    times, splits = ([key for key in keys if key.startswith(kind)] for kind in ("at_", "by_"))
    measures = sorted({"requests", *(name for need in needs for name in need.measures)})
    cells = f"""
        SELECT grouping_id({", ".join(keys)}) AS grouped, coalesce({", ".join(times)}) AS number,
               {f"coalesce({', '.join(splits)})" if splits else "NULL::varchar"} AS value, {scope.measures_sql(measures)}
        FROM asked GROUP BY GROUPING SETS ({", ".join(sorted({f"({', '.join(need.keys)})" for need in needs}))})"""
    for need in {need.keys: need for need in needs}.values() if tallied else ():
        of_tallies, more = _tallies_sql(need, tallied.groupings[need.told_by], keys, measures)
        cells, parameters = f"{cells} UNION ALL {of_tallies}", parameters | more
    folds = ", ".join(f"{fold_sql(name, name)} AS {name}" for name in measures)
    orders = [order_sql(METRICS[rank], "sum({})", "sum(requests)", "value") for rank in sorted({need.rank for need in needs})]
    places = ", ".join(f"row_number() OVER (PARTITION BY grouped {order})" for order in orders)
    sql = f"""
        WITH asked AS NOT MATERIALIZED ({rows}), cells AS MATERIALIZED ({cells}),
        ranked AS (
            SELECT grouped, value, least({places}) <= {max(need.most for need in needs)} AS is_named,
                   count(*) OVER (PARTITION BY grouped) AS parts
            FROM cells GROUP BY grouped, value)
        SELECT cells.grouped, number, CASE WHEN is_named THEN cells.value END AS value, NOT is_named AS is_other, parts, {folds}
        FROM cells JOIN ranked ON cells.grouped = ranked.grouped AND cells.value IS NOT DISTINCT FROM ranked.value GROUP BY ALL"""
    return sql, parameters


def sums_parts(answer: pa.Table, needs: Sequence[Sums]) -> dict[Sums, pa.Table]:
    """What the query says of each of its needs."""
    keys = _keys(needs)
    columns = ["number", "value", "is_other", "parts"]
    return {need: answer.filter(pc.field("grouped") == _grouped(need, keys)).select([*columns, *need.measures]) for need in needs}


def _tallies_sql(need: Sums, grouping: str, keys: Sequence[str], measures: Sequence[str]) -> tuple[str, Parameters]:
    """The cells of a need from the tallies of a grouping, and the parameters."""
    time, *split = need.keys
    rows, parameters = need.scope.tallies_sql(grouping, need.keys)
    folds = ", ".join(f"{fold_sql(name, tally_column(name, need.scope.basis))} AS {name}" for name in measures)
    value = split[0] if split else "NULL::varchar"
    cells = f"SELECT {_grouped(need, keys)} AS grouped, {time} AS number, {value} AS value, {folds} FROM ({rows}) GROUP BY ALL"
    return cells, parameters


def _grouped(need: Sums, keys: Sequence[str]) -> int:
    """What SQL's grouping_id of all keys says of the rows of a need."""
    return sum(1 << place for place, key in enumerate(reversed(keys)) if key not in need.keys)


def _keys(needs: Sequence[Sums]) -> list[str]:
    return sorted({key for need in needs for key in need.keys})
