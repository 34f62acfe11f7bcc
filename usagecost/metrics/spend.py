"""Spend in words: an amount that leaves something out says so."""

from __future__ import annotations

from decimal import Decimal

from usagecost import formats
from usagecost.metrics.measures import Sums
from usagecost.metrics.vocabulary import METRICS


def spend_text(sums: Sums) -> str:
    """The spend with the mark of a lower bound where requests without a price are missing from it."""
    spend = METRICS["spend_usd"].of(sums)
    text = formats.usd(spend)
    return f"≥{formats.GAP}{text}" if spend is not None and sums["unpriced_requests"] else text


def spend_coverage(sums: Sums) -> str | None:
    """How much is missing from the spend, in requests and in tokens, in words; None when nothing is."""
    missing, requests = sums["unpriced_requests"], sums["requests"]
    if not missing or not requests:
        return None
    share = formats.percent(Decimal(missing) / Decimal(requests))
    tokens, unpriced = METRICS["total_tokens"].of(sums), sums["unpriced_tokens"]
    of_tokens = f" and {formats.percent(Decimal(unpriced or 0) / Decimal(tokens))} of tokens" if tokens else ""
    return f"{share} of requests ({formats.exact_count(missing)}){of_tokens} have no price"
