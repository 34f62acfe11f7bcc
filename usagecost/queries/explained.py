"""Measures by provider and model of which a change is explained, now and in the period that it is compared with; and by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pyarrow as pa

from usagecost.lake.rollups import PRICE
from usagecost.periods import WHOLE
from usagecost.queries.rows import Rows
from usagecost.vocabulary import CHANGE_MEASURES, DIMENSIONS
from usagecost.vocabulary.filters import Condition, View

ROW_COLUMNS = ("is_before", "number", "value")
"""What `Rows.sql` says of a row beside its columns."""

MOST_MOVED = 10
"""Values of a dimension that are told apart."""


def by_price(view: View) -> pa.Table:
    """The requests of a view by model and price. One row: (is_before, provider, model, price_status, price_id, discount)."""
    return _answered(view, None, ("provider", "model", *PRICE), CHANGE_MEASURES)


def by_value(view: View, split: str, metric: str, most: int = MOST_MOVED) -> pa.Table:
    """The requests of a view by a dimension and model, of the ``most`` values that moved a metric most between the periods.

    One row: (value, is_before, provider, model), with how many ``values`` the dimension has in all.
    """
    movers = _by_movement(view, split, metric)
    top_values = tuple(movers["value"].slice(0, most).to_pylist())
    cells = _answered(view.where(Condition(split, top_values)), split, ("value", "provider", "model"), CHANGE_MEASURES)
    return cells.append_column("values", pa.array([len(movers)] * len(cells), pa.int64()))


def by_day(view: View, measures: Sequence[str], *scopes: str) -> pa.Table:
    """Measures of the requests of a view by local day, model and price, and by more columns of a request.

    One row: (day, provider, model, price_status, price_id, discount, and those).
    """
    rows = Rows(replace(view, interval="day"), (view.period.start, view.period.end))
    cells = rows.placed(_sum_rows(rows, None, ("number", "provider", "model", *PRICE, *scopes), measures))
    days = pa.array([date.fromisoformat(step.label) for step in rows.steps], pa.date32())
    return cells.append_column("day", days.take(cells["interval"].combine_chunks()))


def values_of(view: View, column: str) -> pa.Table:
    """What stands in a column of the requests of a view. One row: (provider, and the column), with its requests."""
    rows = Rows(replace(view, interval=WHOLE), (view.period.start, view.period.end))
    return _sum_rows(rows, None, ("provider", column), ("requests",))


_AMOUNTS = {
    "spend_usd": (("spend_usd",), "spend_usd::double"),
    "total_tokens": (("input_tokens", "output_tokens"), "coalesce(input_tokens, 0) + coalesce(output_tokens, 0)"),
    "requests": (("requests",), "requests"),
    "avg_latency_ms": (("latency_us", "timed_requests"), "latency_us"),
}
"""Metric that can be explained -> what its SQL is made of, and this, over the measures of a value; of a mean, that of its sum."""

_MOVED = dict.fromkeys(_AMOUNTS, "abs(amount_now - amount_before)") | {
    "avg_latency_ms": """abs(
        amount_now / all_timed_now - amount_before / all_timed_before
        - (timed_now / all_timed_now - timed_before / all_timed_before)
        * (all_amount_now / all_timed_now + all_amount_before / all_timed_before) / 2)"""
}
"""Metric -> the SQL of how much a value has moved it; of a mean by its own and by the share that it has in it."""


def _by_movement(view: View, split: str, metric: str) -> pa.Table:
    """All values of a dimension, those that moved the metric most first."""
    measures, amount = _AMOUNTS[metric]
    sums = {"amount": amount, **({"timed": "timed_requests"} if "timed_requests" in measures else {})}
    names = {f"{name}_{when}": (sql, when) for name, sql in sums.items() for when in ("now", "before")}
    value_sums = ", ".join(
        f"coalesce(sum({sql}) FILTER ({'' if when == 'before' else 'NOT '}is_before), 0)::double AS {name}"
        for name, (sql, when) in names.items()
    )
    total_sums = ", ".join(f"nullif(sum({name}) OVER (), 0) AS all_{name}" for name in names)
    return _answered(
        view,
        split,
        ("value",),
        measures,
        f"""
        SELECT value FROM (SELECT *, {total_sums} FROM (SELECT value, {value_sums} FROM cells GROUP BY value))
        ORDER BY {_MOVED[metric]} DESC NULLS LAST, value NULLS LAST""",
    )


def _answered(
    view: View, split: str | None, by: Sequence[str], measures: Sequence[str], select: str = "FROM cells ORDER BY ALL"
) -> pa.Table:
    """What is selected of ``cells``: measures by whether they are of the period before, and by more columns."""
    return _sum_rows(Rows.of(replace(view, interval=WHOLE), compares=True), split, by, measures, select)


def _sum_rows(
    rows: Rows, split: str | None, by: Sequence[str], measures: Sequence[str], select: str = "FROM cells ORDER BY ALL"
) -> pa.Table:
    """The same of some rows."""
    also = [name for name in by if name not in DIMENSIONS and name not in ROW_COLUMNS]
    names = rows.view.filters.deciding_dimensions(*(name for name in by if name in DIMENSIONS), *([split] if split else []))
    return rows.sums(split, ("is_before", *by), measures, rows.rolled(names, measures, split, also=also), select)
