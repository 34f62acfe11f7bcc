"""Measures that fold: every need of a scope answered from one scan, one grouping for each interval and split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.filters import Parameters
from usagecost.metrics import FOLDS, METRICS
from usagecost.queries_panels.scope import Scope, is_list, order_sql


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
        """Needs that agree in this are answered by one query. A list makes rows of its own."""
        return Sums, self.scope, self.split if is_list(self.split) else None

    @property
    def keys(self) -> tuple[str, ...]:
        """What it groups by, as `Scope.rows_sql` calls it."""
        return (f"at_{self.interval}", *((f"by_{self.split}",) if self.split else ()))


def sums_sql(needs: Sequence[Sums]) -> tuple[str, Parameters]:
    """The query of needs that share one, and its parameters."""
    scope, keys = needs[0].scope, _keys(needs)
    rows, parameters = scope.rows_sql(keys)
    times, splits = ([key for key in keys if key.startswith(kind)] for kind in ("at_", "by_"))
    measures = sorted({"requests", *(name for need in needs for name in need.measures)})
    folds = ", ".join(f"{FOLDS[name]}({name}){'' if name.endswith('_usd') else '::bigint'} AS {name}" for name in measures)
    orders = [order_sql(METRICS[rank], "sum({})", "sum(requests)", "value") for rank in sorted({need.rank for need in needs})]
    places = ", ".join(f"row_number() OVER (PARTITION BY grouped {order})" for order in orders)
    sql = f"""
        WITH asked AS NOT MATERIALIZED ({rows}),
        cells AS MATERIALIZED (
            SELECT grouping_id({", ".join(keys)}) AS grouped, coalesce({", ".join(times)}) AS number,
                   {f"coalesce({', '.join(splits)})" if splits else "NULL::varchar"} AS value, {scope.measures_sql(measures)}
            FROM asked GROUP BY GROUPING SETS ({", ".join(sorted({f"({', '.join(need.keys)})" for need in needs}))})),
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
    parts = {}
    for need in needs:
        grouped = sum(1 << place for place, key in enumerate(reversed(keys)) if key not in need.keys)
        columns = ["number", "value", "is_other", "parts", *need.measures]
        parts[need] = answer.filter(pc.field("grouped") == grouped).select(columns)
    return parts


def _keys(needs: Sequence[Sums]) -> list[str]:
    return sorted({key for need in needs for key in need.keys})
