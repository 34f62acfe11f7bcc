"""Spend and how much of it is known: an amount that leaves something out says so."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from usagecost.vocabulary import formats
from usagecost.vocabulary.measures import Sums
from usagecost.vocabulary.metrics import METRICS

COVERAGE = ("requests", "total_tokens", "incomplete_requests", "incomplete_tokens")
"""Metrics that say how much of a spend is known."""


def measures_of(metrics: Iterable[str]) -> tuple[str, ...]:
    """The measures that tell some metrics; how many requests there are and how much of a spend is known are always among them."""
    named_metrics = [METRICS[name] for name in metrics]
    if any("spend_usd" in metric.measures for metric in named_metrics):
        named_metrics += [METRICS[name] for name in COVERAGE]
    return tuple(sorted({"requests", *(name for metric in named_metrics for name in metric.measures)}))


def spend_text(sums: Sums) -> str:
    """The spend with the mark of a lower bound where it is incomplete: requests, or parts of them, have no known cost."""
    spend = METRICS["spend_usd"].of(sums)
    text = formats.usd(spend)
    return f"{formats.LOWER_BOUND}{text}" if spend is not None and sums["incomplete_requests"] else text


def spend_coverage(sums: Sums) -> str | None:
    """How many requests, with how many tokens, have no known cost or only a part of it, in words; None where there are none."""
    missing = _missing(sums, "incomplete")
    return missing and f"{missing} no full price"


def list_price_coverage(sums: Sums) -> str | None:
    """How many requests, with how many tokens, have no list price, in words; None where there are none."""
    missing = _missing(sums, "unpriced")
    return missing and f"{missing} no list price"


def _missing(sums: Sums, what: str) -> str | None:
    missing, requests = sums[f"{what}_requests"], sums["requests"]
    if not missing or not requests:
        return None
    subject = f"{formats.counted(int(missing), 'request')} ({formats.percent(Decimal(missing) / Decimal(requests))})"
    tokens, of_those = METRICS["total_tokens"].of(sums), sums[f"{what}_tokens"]
    if not tokens:
        return f"{subject} {'has' if missing == 1 else 'have'}"
    return f"{subject} and {formats.percent(Decimal(of_those or 0) / Decimal(tokens))} of tokens have"
