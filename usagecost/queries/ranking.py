"""The values of a split ranked: their metrics, the share that each has of the spend, and by how much that has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.queries.folds import Usage, folded, ranking_table, rows, totals
from usagecost.vocabulary import COVERAGE, METRICS, SPLITS
from usagecost.vocabulary.formats import Number

SPEND = METRICS["spend_usd"]


def ranked(usage: Usage, top: pd.DataFrame, dimension: str, metrics: Sequence[str]) -> pd.DataFrame:
    """One row per named value of ``top_values``, in its order: the metrics in full, ``share`` and ``change`` of the spend.

    Both are fractions, and not known where the spend is not, or was nothing before.
    """
    total = _double(SPEND.of(usage.totals))
    spent = [_double(SPEND.of(row)) for row in rows(top)]
    shares = [None if amount is None or not total else amount / total for amount in spent]
    changes = [_change(now, before) for now, before in zip(spent, _before(usage, top), strict=True)]
    return ranking_table(top, dimension, metrics).assign(share=_column(shares), change=_column(changes))


def total_row(usage: Usage, metrics: Sequence[str]) -> dict[str, Any]:
    """The same of all values together."""
    spent, before = _double(SPEND.of(usage.totals)), usage.totals_before
    change = _change(spent, _double(SPEND.of(before)) if before else None)
    numbers = {name: METRICS[name].of(usage.totals) for name in (*metrics, *COVERAGE)}
    return {**numbers, "share": 1.0 if spent else None, "change": change}


def in_order(values: pd.DataFrame, split: str | None) -> pd.DataFrame:
    """Rows of a split by what the clocks show in the order of time, called by its names; those of other splits as they are."""
    if not len(values) or (split in SPLITS and not SPLITS[split].order):
        return values
    return with_names(values.sort_values("value", key=lambda numbers: numbers.astype(int), ignore_index=True), split)


def with_names(values: pd.DataFrame, split: str | None) -> pd.DataFrame:
    """The frame with names for the numbers of a split that is in an order of its own."""
    order = SPLITS[split].order if split in SPLITS else ()
    return values.assign(value=[order[int(value)] for value in values["value"]]) if order and len(values) else values


def _before(usage: Usage, top: pd.DataFrame) -> list[float | None]:
    """What each row had spent in the comparison period; the row of the others, what is left of all."""
    if usage.before is None:
        return [None] * len(top)
    top_keys = pa.array(top["value"][~top["is_other"]], pa.string())
    named_cells = usage.before.filter(~pc.field("is_other") & pc.field("value").isin(top_keys))
    spend_by_value = {row["value"]: _double(SPEND.of(row)) for row in folded(named_cells, ["value"]).to_pylist()}
    remaining = _double(SPEND.of(totals(usage.before))) or 0.0
    before: list[float | None] = []
    for value, is_other in zip(top["value"], top["is_other"], strict=True):
        before.append(remaining if is_other else spend_by_value.get(None if pd.isna(value) else value))
        remaining -= 0.0 if is_other else before[-1] or 0.0
    return before


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else now / before - 1


def _double(amount: Number | None) -> float | None:
    return None if amount is None else float(amount)


def _column(values: list[float | None]) -> pd.Series:
    return pd.Series(values, dtype="Float64")
