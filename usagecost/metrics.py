"""The vocabulary: every measure, metric and dimension once, with its SQL, label, format and help.

A *measure* is what SQL sums over rows of ``requests``. Measures are additive: sums of sums are sums, so one aggregate
answers every question of a page by folding. A *metric* is what a person reads: a measure, or a quotient of measures,
divided last. A *dimension* is what requests can be split and filtered by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import pandas as pd

from usagecost import formats
from usagecost.formats import Format, Number

BASES = {
    "best": ("Reported, else list price", "coalesce(reported_cost_usd, list_cost_usd)"),
    "reported": ("Reported only", "reported_cost_usd"),
    "list": ("List price only", "list_cost_usd"),
}
"""What a request is taken to have cost: key in the URL -> its name and its SQL. NULL where that is not known."""

MEASURES = {
    "requests": "count(*)",
    "successful": "count(*) FILTER (status = 'success')",
    "failed": "count(*) FILTER (status IN ('error', 'cancelled'))",
    "input_tokens": "sum(input_tokens)::bigint",
    "output_tokens": "sum(output_tokens)::bigint",
    "cache_read_tokens": "sum(cache_read_tokens)::bigint",
    "cache_write_tokens": "sum(cache_write_tokens)::bigint",
    "spend_usd": "sum({spend})",
    "unpriced_requests": "count(*) FILTER ({spend} IS NULL)",
    "latency_us": "sum((duration_ms * 1000)::bigint)::bigint",
    "timed_requests": "count(duration_ms)",
    "last_seen_us": "max({instant_us})",
}
"""Measure -> its aggregate over rows of ``requests``. NULL: nothing of it is known. Durations are summed as whole µs, so
that a sum does not depend on its order. ``last_seen_us`` is the one that folds by the maximum."""

FOLDS = {name: "max" if name == "last_seen_us" else "sum" for name in MEASURES}

Sums = Mapping[str, Number | None]


@dataclass(frozen=True)
class Metric:
    """A number with a name. ``terms`` are measures, added; ``per``, if any, are measures to divide by.

    ``better`` says which direction is good news. Only an additive metric may be stacked or added up to "Other".
    """

    name: str
    label: str
    terms: tuple[str, ...]
    format: Format
    help: str
    per: tuple[str, ...] = ()
    scale: float = 1.0
    better: Literal["up", "down"] | None = None
    is_share: bool = False

    @property
    def is_additive(self) -> bool:
        """Whether the values of parts add up to the value of the whole."""
        return not self.per

    def of(self, sums: Sums) -> Number | None:
        """The metric of one row of measures; None when nothing of it is known or there is nothing to divide by."""
        total = _known_sum(sums, self.terms)
        if not self.per or total is None:
            return total
        divisor = _known_sum(sums, self.per)
        return float(total) / float(divisor) * self.scale if divisor else None

    def column(self, frame: pd.DataFrame) -> pd.Series:
        """The metric of every row of a frame of measures; NA as ``of`` gives None."""
        total = frame[list(self.terms)].sum(axis=1, min_count=1) if len(self.terms) > 1 else frame[self.terms[0]]
        if not self.per:
            return total
        divisor = frame[list(self.per)].sum(axis=1, min_count=1).astype("Float64")
        return total.astype("Float64") / divisor.where(divisor > 0) * self.scale

    def change(self, now: Number | None, before: Number | None) -> str | None:
        """The change against an earlier value as people say it: percent, or points for a share."""
        return formats.points(now, before) if self.is_share else formats.change(now, before)


def _known_sum(sums: Sums, names: tuple[str, ...]) -> Number | None:
    known = [sums[name] for name in names if sums[name] is not None]
    return sum(known[1:], known[0]) if known else None


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "requests",
            "Total requests",
            ("requests",),
            formats.count,
            "All requests that were sent in the period, whatever became of them.",
        ),
        Metric(
            "success_rate",
            "Success rate",
            ("successful",),
            formats.percent,
            "Successful requests as a share of those that succeeded, failed or were cancelled. "
            "Requests whose log does not tell the outcome are not part of it.",
            per=("successful", "failed"),
            better="up",
            is_share=True,
        ),
        Metric(
            "input_tokens",
            "Total input tokens",
            ("input_tokens",),
            formats.count,
            "All tokens sent to models, those read from and written to the provider's prompt cache included.",
        ),
        Metric(
            "output_tokens",
            "Total output tokens",
            ("output_tokens",),
            formats.count,
            "All tokens that models produced, reasoning included.",
        ),
        Metric(
            "spend_usd",
            "Total spend (estimated)",
            ("spend_usd",),
            formats.usd,
            "What the requests cost in US dollars, on the cost basis chosen in the sidebar. Requests without a known price "
            "are left out and counted beside it: the sum is then a lower bound, marked ≥.",
            better="down",
        ),
        Metric(
            "avg_latency_ms",
            "Avg latency",
            ("latency_us",),
            formats.milliseconds,
            "Mean time from sending a request to the last byte of its answer, over the requests whose log tells it.",
            per=("timed_requests",),
            scale=0.001,
            better="down",
        ),
        Metric(
            "successful",
            "Successful",
            ("successful",),
            formats.count,
            "Requests that were answered.",
            better="up",
        ),
        Metric(
            "failed",
            "Failed",
            ("failed",),
            formats.count,
            "Requests that ended in an error or were cancelled.",
            better="down",
        ),
        Metric(
            "total_tokens",
            "Total tokens",
            ("input_tokens", "output_tokens"),
            formats.count,
            "Input and output tokens together.",
        ),
        Metric(
            "cache_read_tokens",
            "Cache read tokens",
            ("cache_read_tokens",),
            formats.count,
            "Of the input: tokens that the provider read from its prompt cache, at a fraction of the price.",
        ),
        Metric(
            "cache_write_tokens",
            "Cache write tokens",
            ("cache_write_tokens",),
            formats.count,
            "Of the input: tokens that were written to the provider's prompt cache.",
        ),
        Metric(
            "unpriced_requests",
            "Requests without a price",
            ("unpriced_requests",),
            formats.count,
            "Requests whose cost is not known on the chosen cost basis; they are not part of the spend.",
            better="down",
        ),
    )
}

CARDS = ("requests", "success_rate", "input_tokens", "output_tokens", "spend_usd", "avg_latency_ms")
"""The six summary cards, in their order."""


@dataclass(frozen=True)
class Dimension:
    """Something that requests can be split and filtered by. NULL in its column is a group of its own."""

    name: str
    label: str
    plural: str
    column: str


DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("provider", "Provider", "providers", "provider"),
        Dimension("model", "Model", "models", "model"),
        Dimension("user", "User", "users", "user_id"),
        Dimension("team", "Team", "teams", "team_id"),
        Dimension("key", "Virtual key", "virtual keys", "virtual_key"),
        Dimension("app", "App", "apps", "app"),
        Dimension("environment", "Environment", "environments", "environment"),
        Dimension("status", "Status", "outcomes", "status"),
        Dimension("source", "Source", "sources", "source"),
    )
}


def spend_text(sums: Sums) -> str:
    """The spend with the mark of a lower bound where requests without a price are missing from it."""
    spend = METRICS["spend_usd"].of(sums)
    text = formats.usd(spend)
    return f"≥{formats.GAP}{text}" if spend is not None and sums["unpriced_requests"] else text


def spend_coverage(sums: Sums) -> str | None:
    """How many requests are missing from the spend, in words; None when none are."""
    missing, requests = sums["unpriced_requests"], sums["requests"]
    if not missing or not requests:
        return None
    share = formats.percent(Decimal(missing) / Decimal(requests))
    return f"{share} of requests ({formats.exact_count(missing)}) have no price"
