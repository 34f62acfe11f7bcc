"""By how much the values of a split have changed against the comparison period."""

from __future__ import annotations

import pandas as pd

from usagecost.queries.folds import Usage, folded, rows
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.formats import Number


def changes(usage: Usage, top: pd.DataFrame, metric: str) -> list[float | None]:
    """By how much of its former amount an additive metric of each row of ``top_values`` has changed; None where there was none."""
    if usage.before is None:
        return [None] * len(top)
    before = {
        (row["value"], row["is_other"]): _double(METRICS[metric].of(row))
        for row in folded(usage.before, ["value", "is_other"]).to_pylist()
    }
    rest = sum(amount or 0.0 for amount in before.values())
    former: list[float | None] = []
    for value, is_other in zip(top["value"], top["is_other"], strict=True):
        former.append(rest if is_other else before.get((None if pd.isna(value) else value, False)))
        rest -= 0.0 if is_other else former[-1] or 0.0
    now = [_double(METRICS[metric].of(row)) for row in rows(top)]
    return [None if value is None or not amount else value / amount - 1 for value, amount in zip(now, former, strict=True)]


def _double(amount: Number | None) -> float | None:
    return None if amount is None else float(amount)
