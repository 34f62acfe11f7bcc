"""Why a number is not what it was in the period that it is compared with: spend, tokens, requests or the average latency.

It takes rows of measures by model, before and now, and gives the effects that the change is made of, to the cent, the values of a
dimension that moved it most, and a sentence. It asks no lake and draws nothing: every function is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from usagecost.explain.counts import explain_latency, explain_requests, explain_tokens
from usagecost.explain.effects import EFFECTS, Contribution, Explanation
from usagecost.explain.makers import Amounts, Maker, maker_of, model_behind
from usagecost.explain.parts import part_of
from usagecost.explain.spend import explain_spend
from usagecost.explain.spikes import Spike, causes, find_spikes
from usagecost.explain.values import Moved, moved_latencies, moved_values, pairs_of
from usagecost.explain.words import (
    WORDINGS,
    Step,
    listed,
    maker_words,
    missing_words,
    sentence,
    signed,
    steps_of,
    value_words,
)
from usagecost.vocabulary import METRICS

_EXPLAINERS = {
    "spend_usd": explain_spend,
    "total_tokens": explain_tokens,
    "requests": explain_requests,
    "avg_latency_ms": explain_latency,
}
"""Metric -> what explains its change."""

COUNTED = ("requests",)
"""Metrics that are mere counts: what changed them is which values of a dimension there are more or fewer of."""


def explanation(metric: str, rows: Iterable[Mapping[str, Any]]) -> Explanation | None:
    """Returns why a metric changed, of rows of measures by (is_before, provider, model), and price; None if it is not known
    in one of the periods. Where there are no requests a mean is not known, and anything else is nothing.
    """
    sides: tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]] = ([], [])
    for row in rows:
        sides[not row["is_before"]].append(row)
    has_terms = [any(row[name] is not None for row in side for name in METRICS[metric].terms) for side in sides]
    is_mean = metric == "avg_latency_ms"
    if not any(has_terms) or any(not is_known and (side or is_mean) for side, is_known in zip(sides, has_terms, strict=True)):
        return None
    return _EXPLAINERS[metric](*([part_of(row) for row in side] for side in sides))


def values(
    metric: str, rows: Sequence[Mapping[str, Any]], all_rows: Iterable[Mapping[str, Any]], whole: Explanation
) -> list[Moved]:
    """Returns the values of a dimension that rows of measures by (value, is_before, provider, model) tell, what moved the metric
    most first; what is left of all rows is "Other".
    """
    pairs = pairs_of(rows, all_rows)
    return moved_latencies(pairs, whole) if metric == "avg_latency_ms" else moved_values(pairs, _EXPLAINERS[metric], whole)
