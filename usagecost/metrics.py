"""The vocabulary: every measure, metric and dimension once, with its SQL, label, format and help.

A *measure* is what SQL sums over rows of ``requests``. Measures are additive: sums of sums are sums, so one aggregate
answers every question of a page by folding. Those ``OF_ROWS`` are not, and are asked of the rows for every grouping that is
shown. A *metric* is what a person reads: a measure, or a quotient of measures, divided last. A *dimension* is what requests
can be split by, and most of them filtered by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from usagecost import formats
from usagecost.formats import Format, Number

if TYPE_CHECKING:
    import pandas as pd

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
    "unpriced_tokens": "coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) FILTER ({spend} IS NULL), 0)::bigint",
    "latency_us": "sum((duration_ms * 1000)::bigint)::bigint",
    "timed_requests": "count(duration_ms)",
    "last_seen_us": "max({instant_us})",
    "errors": "count(*) FILTER (status = 'error')",
    "reasoning_tokens": "sum(output_reasoning_tokens)::bigint",
    "input_audio_tokens": "sum(input_audio_tokens)::bigint",
    "output_audio_tokens": "sum(output_audio_tokens)::bigint",
    "cache_told_input_tokens": "sum(input_tokens) FILTER (cache_read_tokens IS NOT NULL)::bigint",
    "priced_requests": "count({spend})",
    "spend_of_tokens_usd": "sum({spend}) FILTER (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)",
    "priced_tokens": "sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) FILTER ({spend} IS NOT NULL)::bigint",
    "cache_saved_usd": "sum(cache_read_saved_usd)",
    "cache_net_usd": "sum(coalesce(cache_read_saved_usd, 0) - coalesce(cache_write_extra_usd, 0)) "
    "FILTER (cache_read_saved_usd IS NOT NULL OR cache_write_extra_usd IS NOT NULL)",
    "cache_extra_usd": "sum(cache_write_extra_usd)",
    "ttft_us": "sum((ttft_ms * 1000)::bigint)::bigint",
    "ttft_requests": "count(ttft_ms)",
    "timed_output_tokens": "sum(output_tokens) FILTER (duration_ms > 0)::bigint",
    "output_us": "sum((duration_ms * 1000)::bigint) FILTER (duration_ms > 0 AND output_tokens IS NOT NULL)::bigint",
}
"""Measure -> its aggregate over rows of ``requests``. NULL: nothing of it is known. Durations are summed as whole µs, so
that a sum does not depend on its order. ``last_seen_us`` is the one that folds by the maximum."""

FOLDS = {name: "max" if name == "last_seen_us" else "sum" for name in MEASURES}

PAGE_MEASURES = (
    "requests", "successful", "failed", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "spend_usd",
    "unpriced_requests", "unpriced_tokens", "latency_us", "timed_requests", "last_seen_us",
)  # fmt: skip
"""What the page Usage and cost computes, whether it shows all of it or not; more would slow it down."""


def fold_sql(measure: str, column: str) -> str:
    """The SQL that folds a measure from a column that holds it of parts."""
    return f"{FOLDS[measure]}({column}){'' if measure.endswith('_usd') else '::bigint'}"


def tally_column(measure: str, basis: str) -> str:
    """The column of a tally that holds a measure: one for each basis where that decides what a request has cost."""
    return f"{measure}_{basis}" if "{spend}" in MEASURES[measure] else measure


PERCENTILES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}
_LATENCIES = f"quantile_cont(duration_ms, {[*PERCENTILES.values()]})"  # all three cost as much as one

LATENCY = "latency"
"""What tallies call the step that a latency is in: it is no dimension, but percentiles lie between steps."""
LATENCY_STEPS_PER_ROOT = 4
LATENCY_STEP = f"floor(sqrt(sqrt(least(greatest(duration_ms, 0), 1e12))) * {LATENCY_STEPS_PER_ROOT})::bigint"
"""Latencies in steps of a tenth to a fifth, some dozens in all; a longer one is never in a lower step. 0 where it is not known."""

OF_ROWS = {
    **{name: f"{_LATENCIES}[{place}]" for place, name in enumerate(PERCENTILES, 1)},
    "active_users": "count(DISTINCT user_id)",
}
"""Measures that do not fold: each grouping is answered from the rows, never from other groupings."""

COUNTS = (
    "requests", "successful", "failed", "unpriced_requests", "unpriced_tokens", "timed_requests", "errors", "priced_requests",
    "ttft_requests", "active_users",
)  # fmt: skip
"""Measures that count: of no rows they are 0, not unknown."""

Sums = Mapping[str, Number | None]


@dataclass(frozen=True)
class Metric:
    """A number with a name. ``terms`` are measures, added; ``per``, if any, are measures to divide by.

    ``better`` says which direction is good news. Only an additive metric may be stacked or added up to "Other".
    ``of_one`` is the SQL of what a single request adds to it, where that is worth a histogram; NULL where it is not known.
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
    of_one: str | None = None

    @property
    def is_additive(self) -> bool:
        """Whether the values of parts add up to the value of the whole."""
        return not self.per and self.folds

    @property
    def folds(self) -> bool:
        """Whether the measures of parts, folded, give the measures of the whole."""
        return not any(name in OF_ROWS for name in self.measures)

    @property
    def measures(self) -> tuple[str, ...]:
        """Everything that it is made of."""
        return (*self.terms, *self.per)

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
            of_one="input_tokens",
        ),
        Metric(
            "output_tokens",
            "Total output tokens",
            ("output_tokens",),
            formats.count,
            "All tokens that models produced, reasoning included.",
            of_one="output_tokens",
        ),
        Metric(
            "spend_usd",
            "Total spend (estimated)",
            ("spend_usd",),
            formats.usd,
            "What the requests cost in US dollars, on the cost basis chosen in the sidebar. Requests without a known price "
            "are left out and counted beside it: the sum is then a lower bound, marked ≥.",
            better="down",
            of_one="{spend}",
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
            of_one="duration_ms",
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
            of_one="coalesce(input_tokens + output_tokens, input_tokens, output_tokens)",
        ),
        Metric(
            "cache_read_tokens",
            "Cache read tokens",
            ("cache_read_tokens",),
            formats.count,
            "Of the input: tokens that the provider read from its prompt cache, at a fraction of the price.",
            of_one="cache_read_tokens",
        ),
        Metric(
            "cache_write_tokens",
            "Cache write tokens",
            ("cache_write_tokens",),
            formats.count,
            "Of the input: tokens that were written to the provider's prompt cache.",
            of_one="cache_write_tokens",
        ),
        Metric(
            "unpriced_requests",
            "Requests without a price",
            ("unpriced_requests",),
            formats.count,
            "Requests whose cost is not known on the chosen cost basis; they are not part of the spend.",
            better="down",
        ),
        Metric(
            "unpriced_tokens",
            "Tokens without a price",
            ("unpriced_tokens",),
            formats.count,
            "Input and output tokens of the requests whose cost is not known on the chosen cost basis.",
            better="down",
        ),
        Metric(
            "cache_savings_usd",
            "Cache savings",
            ("cache_net_usd",),
            formats.usd,
            "What reading from the providers' prompt caches saved at list prices, less what writing to them cost extra. Below 0 "
            "where more was written than was worth it.",
            better="up",
        ),
        Metric(
            "cache_saved_usd",
            "Saved by cache reads",
            ("cache_saved_usd",),
            formats.usd,
            "What the tokens read from the providers' prompt caches would have cost more, had they not been cached.",
            better="up",
        ),
        Metric(
            "cache_extra_usd",
            "Extra for cache writes",
            ("cache_extra_usd",),
            formats.usd,
            "What the tokens written to the providers' prompt caches cost more than other input.",
            better="down",
        ),
        Metric(
            "failure_rate",
            "Failure rate",
            ("failed",),
            formats.percent,
            "Requests that failed or were cancelled as a share of those whose outcome is known.",
            per=("successful", "failed"),
            better="down",
            is_share=True,
        ),
        Metric(
            "errors",
            "Errors",
            ("errors",),
            formats.count,
            "Requests that ended in an error; those that the caller cancelled are not among them.",
            better="down",
        ),
        Metric(
            "reasoning_tokens",
            "Reasoning tokens",
            ("reasoning_tokens",),
            formats.count,
            "Of the output: tokens of reasoning that the caller may not see.",
            of_one="output_reasoning_tokens",
        ),
        Metric(
            "audio_tokens",
            "Audio tokens",
            ("input_audio_tokens", "output_audio_tokens"),
            formats.count,
            "Tokens of audio, sent and produced.",
        ),
        Metric(
            "cache_read_share",
            "Cache read share",
            ("cache_read_tokens",),
            formats.percent,
            "Tokens read from the provider's prompt cache as a share of the input, of the requests whose log tells it.",
            per=("cache_told_input_tokens",),
            better="up",
            is_share=True,
        ),
        Metric(
            "spend_per_request",
            "Spend per request",
            ("spend_usd",),
            formats.usd,
            "Mean cost of the requests whose price is known, on the cost basis chosen in the sidebar.",
            per=("priced_requests",),
            better="down",
        ),
        Metric(
            "spend_per_million_tokens",
            "Spend per million tokens",
            ("spend_of_tokens_usd",),
            formats.usd,
            "Cost of a million tokens, input and output together, over the requests whose price and tokens are known.",
            per=("priced_tokens",),
            scale=1_000_000,
            better="down",
        ),
        Metric(
            "unpriced_share",
            "Unpriced share",
            ("unpriced_requests",),
            formats.percent,
            "Requests whose cost is not known on the chosen cost basis, as a share of all.",
            per=("requests",),
            better="down",
            is_share=True,
        ),
        Metric(
            "latency_p50_ms",
            "Latency p50",
            ("latency_p50_ms",),
            formats.milliseconds,
            "Half of the requests were answered in this time, the others took longer.",
            better="down",
        ),
        Metric(
            "latency_p95_ms",
            "Latency p95",
            ("latency_p95_ms",),
            formats.milliseconds,
            "95 of 100 requests were answered in this time, the others took longer.",
            better="down",
        ),
        Metric(
            "latency_p99_ms",
            "Latency p99",
            ("latency_p99_ms",),
            formats.milliseconds,
            "99 of 100 requests were answered in this time, the others took longer.",
            better="down",
        ),
        Metric(
            "avg_ttft_ms",
            "Time to first token",
            ("ttft_us",),
            formats.milliseconds,
            "Mean time from sending a request to the first token of its answer, over the requests whose log tells it.",
            per=("ttft_requests",),
            scale=0.001,
            better="down",
            of_one="ttft_ms",
        ),
        Metric(
            "output_tokens_per_second",
            "Output tokens per second",
            ("timed_output_tokens",),
            formats.per_second,
            "Tokens produced in a second of waiting, from sending a request to the last byte of its answer.",
            per=("output_us",),
            scale=1_000_000,
            better="up",
        ),
        Metric(
            "active_users",
            "Active users",
            ("active_users",),
            formats.count,
            "Different users with requests. One who is in two parts is counted in both, and once in the whole.",
        ),
    )
}

CARDS = ("requests", "success_rate", "input_tokens", "output_tokens", "spend_usd", "avg_latency_ms")
"""The six summary cards, in their order."""


@dataclass(frozen=True)
class Dimension:
    """Something that requests can be split by. NULL in its column is a group of its own.

    ``kind``: the value of a column, each value of a list (a request can be in several parts, so parts do not add up), or what
    the clock of the reporting zone says. ``order`` names the values that have an order of their own.
    """

    name: str
    label: str
    plural: str
    column: str
    kind: Literal["column", "list", "clock"] = "column"
    order: tuple[str, ...] = ()

    @property
    def parts_add_up(self) -> bool:
        """Whether a request is in one part only."""
        return self.kind != "list"

    @property
    def is_told_by_tallies(self) -> bool:
        """Whether tallies can stand for requests where they are split or filtered by it: it is a column as it stands."""
        return self.kind == "column" and self.column.isidentifier()

    @property
    def value_column(self) -> str:
        """The column of a tally that has its values: called as in requests, if it is a column there."""
        return self.column if self.is_told_by_tallies else self.name


STREAMING = "CASE WHEN is_streaming THEN 'streamed' WHEN NOT is_streaming THEN 'at once' END"

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
        Dimension("error", "Error class", "error classes", "error_class"),
        Dimension(
            "streaming",
            "Streaming",
            "ways of answering",
            STREAMING,
        ),
    )
}
"""What requests can be split and filtered by."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = tuple(f"{hour:02}:00" for hour in range(24))

SPLITS = DIMENSIONS | {
    dimension.name: dimension
    for dimension in (
        Dimension("tag", "Tag", "tags", "tags", kind="list"),
        Dimension("hour_of_day", "Hour of day", "hours", "started_at", kind="clock", order=HOURS),
        Dimension("weekday", "Weekday", "weekdays", "started_at", kind="clock", order=WEEKDAYS),
    )
}
"""What requests can be split by."""


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
