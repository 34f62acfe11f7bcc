"""What a change is explained of: measures by provider and model, now and in the period that the view is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from usagecost.lake import Rolled
from usagecost.lake.rollups import folded_sql
from usagecost.periods import WHOLE
from usagecost.queries.rows import Rows, told
from usagecost.vocabulary import EXPLAINED, fold_sql
from usagecost.vocabulary.filters import Parameters, View

PRICE = ("price_status", "price_id", "discount")
"""What tells at which price requests were charged."""

MOST_MOVED = 10
"""Values of a dimension that are told apart."""


def by_price(view: View) -> pa.Table:
    """The requests of a view by model and price. One row: (is_before, provider, model, price_status, price_id, discount)."""
    return _answered(view, None, PRICE, "SELECT * FROM cells")


def by_value(view: View, split: str, metric: str, most: int = MOST_MOVED) -> pa.Table:
    """The requests of a view by a dimension and model. One row: (value, is_other, is_before, provider, model), and ``merged``, how
    many values it is about.

    The ``most`` values that moved a metric most between the periods are told apart, the rest is one "Other".
    """
    folds = ", ".join(f"{fold_sql(name, name)} AS {name}" for name in EXPLAINED)
    return _answered(
        view,
        split,
        (),
        f"""moved AS (
            SELECT value, parts, row_number() OVER (ORDER BY abs({_MOVED[metric]}) DESC NULLS LAST, value NULLS LAST) AS place
            FROM ({_by_value_sql(metric)}))
        SELECT CASE WHEN place <= {most} THEN cells.value END AS value, place > {most} AS is_other, is_before, provider, model,
               max(CASE WHEN place > {most} THEN parts - {most} ELSE 1 END)::bigint AS merged, {folds}
        FROM cells JOIN moved ON cells.value IS NOT DISTINCT FROM moved.value GROUP BY ALL""",
    )


_AMOUNTS = {
    "spend_usd": "spend_usd::double",
    "total_tokens": "(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))",
    "requests": "requests",
    "avg_latency_ms": "latency_us",
}
"""Metric that can be explained -> its SQL over the measures of a cell; of a mean, that of its sum."""

_MOVED = dict.fromkeys(_AMOUNTS, "amount_now - amount_before") | {
    "avg_latency_ms": """
        amount_now / all_timed_now - amount_before / all_timed_before
        - (timed_now / all_timed_now - timed_before / all_timed_before)
        * (all_amount_now / all_timed_now + all_amount_before / all_timed_before) / 2"""
}
"""Metric -> the SQL of how much a value has moved it; of a mean by its own and by the share that it has in it."""


def _by_value_sql(metric: str) -> str:
    """The amounts of each value that `_MOVED` is made of, and those of all."""
    sums = {"amount": _AMOUNTS[metric], "timed": "timed_requests"}
    names = {f"{name}_{when}": (sql, when) for name, sql in sums.items() for when in ("now", "before")}
    of_value = ", ".join(
        f"coalesce(sum({sql}) FILTER ({'' if when == 'before' else 'NOT '}is_before), 0)::double AS {name}"
        for name, (sql, when) in names.items()
    )
    of_all = ", ".join(f"nullif(sum({name}) OVER (), 0) AS all_{name}" for name in names)
    return f"SELECT *, {of_all}, count(*) OVER () AS parts FROM (SELECT value, {of_value} FROM cells GROUP BY value)"


def _answered(view: View, split: str | None, also: Sequence[str], rest: str) -> pa.Table:
    """The answer of a query that goes on after ``cells``: the measures by (value, is_before, provider, model) and more columns."""
    rows = Rows.of(replace(view, interval=WHOLE), compares=True)

    def ask(rolled: Rolled | None) -> pa.Table:
        cells, parameters = _cells_sql(rows, split, also, with_rollups=rolled is not None)
        glue = "" if rest.startswith("SELECT") else ", "
        return rows.answer(f"WITH cells AS MATERIALIZED ({cells}){glue} {rest}", parameters, rolled)

    names = view.filters.told_by("provider", "model", *([split] if split else []))
    return told(rows.rolled(names, EXPLAINED, split, also=also), ask)


def _cells_sql(rows: Rows, split: str | None, also: Sequence[str], *, with_rollups: bool) -> tuple[str, Parameters]:
    """The measures by (value, is_before, provider, model) and more columns, and the parameters."""
    asked, parameters = rows.sql(split)
    keys = ", ".join(("value", "number IS NULL AS is_before", "provider", "model", *also))
    sql = f"SELECT {keys}, {rows.measures_sql(EXPLAINED)} FROM ({asked}) GROUP BY ALL"
    if not with_rollups:
        return sql, parameters
    of_rollups, _ = rows.sql(split, "{rollups}")
    folds = ", ".join(f"{folded_sql(name, rows.view.basis)} AS {name}" for name in EXPLAINED)
    parts = f"{sql} UNION ALL SELECT {keys}, {folds} FROM ({of_rollups}) GROUP BY ALL"
    names = ", ".join(("value", "is_before", "provider", "model", *also))
    folds = ", ".join(f"{fold_sql(name, name)} AS {name}" for name in EXPLAINED)
    return f"SELECT {names}, {folds} FROM ({parts}) GROUP BY ALL", parameters
