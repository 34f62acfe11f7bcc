"""Measures of a whole period by several dimensions at once: what a statement of a month is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from usagecost.lake import Rolled
from usagecost.periods import WHOLE
from usagecost.queries.rows import Rows, told
from usagecost.vocabulary import DIMENSIONS, fold_sql
from usagecost.vocabulary.filters import View


def totals(view: View, dimensions: Sequence[str], measures: Sequence[str]) -> pa.Table:
    """Returns the requests of a view's period by dimensions that are columns. One row: a value of each, by the column's name.

    NULL is "not reported". Rows are in the order of the columns.
    """
    rows = Rows.of(replace(view, interval=WHOLE))
    columns = [DIMENSIONS[name].column for name in dimensions]

    def ask(rolled: Rolled | None) -> pa.Table:
        cells, parameters = rows.cells_sql(None, columns, measures, with_rollups=rolled is not None)
        folds = ", ".join(f"{fold_sql(name, name)} AS {name}" for name in measures)
        keys = ", ".join(columns)
        return rows.answer(f"SELECT {keys}, {folds} FROM ({cells}) GROUP BY ALL ORDER BY {keys}", parameters, rolled)

    return told(rows.rolled(view.filters.told_by(*dimensions), measures), ask)
