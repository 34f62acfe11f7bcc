"""The one aggregate: measures by interval and by value of a split, now and in the period that it is compared with.

Pages, panels and commands ask it. What folds comes from one scan of days that are not over, and of those that are from another,
which is done once (`settled`); percentiles and different users, which do not fold, from `quantiles`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.periods import WHOLE
from usagecost.queries import quantiles, settled
from usagecost.queries.folds import Usage
from usagecost.queries.rows import Rows, is_clock_split, is_list, order_sql
from usagecost.vocabulary import CARDS, DIMENSIONS, METRICS, OF_ROWS, fold_sql, measures_of
from usagecost.vocabulary.filters import Parameters, View

Ask = Callable[..., Any]
"""Calls a query function with its arguments, or gives what it has answered before."""

MOST_VALUES = 500
"""Values of a split that an answer over time names; beyond them, the least are one "Other"."""

MOST_VALUES_OF_PERIOD = 20_000
"""The same where the whole period is one interval, as in the table of users."""

COMMON = measures_of(CARDS)
"""What is asked for where nothing else is named."""


def call(question: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Asks anew."""
    return question(*args, **kwargs)


def usage(
    view: View,
    split: str | None = None,
    measures: Sequence[str] = COMMON,
    *,
    rank: str = "spend_usd",
    most: int | None = None,
    compares: bool = True,
    parts_only: bool = False,
) -> Usage:
    """The requests of a view by interval and by value of a split, with those of the previous period beside them if it ``compares``.

    The first ``most`` values by ``rank``, an additive metric, are named; the rest is one "Other". ``parts_only`` leaves out the
    whole and its course of measures that do not fold, which take a scan of their own.
    """
    rows = Rows.of(view, compares=compares)
    most = most or (MOST_VALUES_OF_PERIOD if view.interval == WHOLE else MOST_VALUES)
    folding = tuple(sorted({"requests", *METRICS[rank].terms, *measures} - set(OF_ROWS)))
    unsplit = usage(view, None, folding if parts_only else measures, rank=rank, compares=compares) if is_list(split) else None

    names = view.filters.deciding_dimensions(*([] if split is None or is_clock_split(split) else [split]))

    def ask(part: Rows) -> pa.Table:
        rolled = part.rolled(names, folding, split)
        return part.answer_with_rollups(lambda with_rollups: usage_sql(part, split, folding, rank, most, with_rollups), rolled)

    cells = settled.cells(rows, (split, folding, rank, most), most, ask)
    is_before = cells["is_before"]
    period_cells, parts = cells.drop_columns(["is_before", "parts"]), pc.max(cells["parts"]).as_py() or 0
    now = rows.placed(period_cells.filter(pc.invert(is_before)))
    before = rows.placed(period_cells.filter(is_before), before=True) if rows.before else None
    answer = Usage(rows.steps, now, before, rank, parts, unsplit, counterparts=rows.counterparts)
    exact = tuple(name for name in OF_ROWS if name in measures)
    if not exact:
        return answer
    return replace(answer, exact=quantiles.exact(rows, split, exact, answer.named_values if split else (), parts_only=parts_only))


def usage_sql(
    rows: Rows, split: str | None, measures: Sequence[str], rank: str, most: int, with_rollups: bool
) -> tuple[str, Parameters]:
    """The query and its parameters. One row: (is_before, number, value, is_other), with ``parts``, how many values the split has.

    ``number`` is that of an interval; see `Rows.sql`. ``with_rollups``: part of the requests are told by rollups.
    """
    cells, parameters = rows.cells_sql(split, "is_before, number, value", measures, with_rollups=with_rollups)
    folds = ", ".join(f"{fold_sql(name, name)} AS {name}" for name in measures)
    now_sum = "sum(CASE WHEN NOT is_before THEN {} END)"
    sql = f"""
        WITH cells AS MATERIALIZED ({cells}),
        ranked AS (
            SELECT value, row_number() OVER ({order_sql(METRICS[rank], now_sum, now_sum.format("requests"), "value")}) AS place,
                   sum(max(CASE WHEN NOT is_before THEN 1 ELSE 0 END)) OVER () AS parts
            FROM cells GROUP BY value)
        SELECT is_before, number, CASE WHEN place <= {most} THEN cells.value END AS value, place > {most} AS is_other,
               max(parts)::bigint AS parts, {folds}
        FROM cells JOIN ranked ON cells.value IS NOT DISTINCT FROM ranked.value GROUP BY ALL"""
    return sql, parameters


def totals(view: View, dimensions: Sequence[str], measures: Sequence[str]) -> pa.Table:
    """Returns the requests of a view's period by dimensions that are columns. One row: a value of each, by the column's name.

    NULL is "not reported". Rows are in the order of the columns.
    """
    rows = Rows.of(replace(view, interval=WHOLE))
    columns = [DIMENSIONS[name].column for name in dimensions]
    rolled = rows.rolled(view.filters.deciding_dimensions(*dimensions), measures)
    return rows.sums(None, columns, measures, rolled, f"FROM cells ORDER BY {', '.join(columns)}")
