"""Measures: what SQL sums over rows of ``requests``. What does not fold, ``OF_ROWS``, is asked of the rows for every grouping."""

from __future__ import annotations

from collections.abc import Mapping

from usagecost.schema import COST_PARTS
from usagecost.vocabulary.formats import Number

INSTANT_US = "epoch_us(started_at)"
"""The instant of a request as an integer: microseconds since 1970, UTC."""

BASES = {
    "best": ("Reported, else list price", "coalesce(reported_cost_usd, list_cost_usd)"),
    "reported": ("Reported only", "reported_cost_usd"),
    "list": ("List price only", "list_cost_usd"),
}
"""What a request is taken to have cost: key in the URL -> its name and its SQL. NULL where that is not known."""

_PARTIAL = {
    "best": "reported_cost_usd IS NULL AND price_status = 'partial'",
    "reported": "false",
    "list": "price_status = 'partial'",
}
"""Key of a basis -> SQL for whether what a request is taken to have cost is less than it has cost."""


def incomplete_sql(basis: str) -> str:
    """Whether the cost of a request is not known on a basis, or only a part of it."""
    return f"({BASES[basis][1]} IS NULL OR {_PARTIAL[basis]})"


def measure_sql(measure: str, basis: str) -> str:
    """The aggregate of a measure over rows of ``requests``, on a basis of cost."""
    return MEASURES[measure].format(spend=BASES[basis][1], incomplete=incomplete_sql(basis))


def depends_on_basis(measure: str) -> bool:
    """Whether a measure is another on another basis of cost."""
    return "{spend}" in MEASURES[measure] or "{incomplete}" in MEASURES[measure]


_TOKENS = "coalesce(input_tokens, 0) + coalesce(output_tokens, 0)"

FAILED = "status IN ('error', 'cancelled')"
"""Whether a request has failed; NULL where its outcome is not known."""

MEASURES = {
    "requests": "count(*)",
    "successful": "count(*) FILTER (status = 'success')",
    "failed": f"count(*) FILTER ({FAILED})",
    "input_tokens": "sum(input_tokens)::bigint",
    "output_tokens": "sum(output_tokens)::bigint",
    "cache_read_tokens": "sum(cache_read_tokens)::bigint",
    "cache_write_tokens": "sum(cache_write_tokens)::bigint",
    "spend_usd": "sum({spend})",
    "incomplete_requests": "count(*) FILTER ({incomplete})",
    "incomplete_tokens": f"coalesce(sum({_TOKENS}) FILTER ({{incomplete}}), 0)::bigint",
    "unpriced_requests": "count(*) FILTER (price_status = 'unpriced')",
    "unpriced_tokens": f"coalesce(sum({_TOKENS}) FILTER (price_status = 'unpriced'), 0)::bigint",
    "latency_us": "sum((duration_ms * 1000)::bigint)::bigint",
    "timed_requests": "count(duration_ms)",
    "last_seen_us": f"max({INSTANT_US})",
    "errors": "count(*) FILTER (status = 'error')",
    "reasoning_tokens": "sum(output_reasoning_tokens)::bigint",
    "input_audio_tokens": "sum(input_audio_tokens)::bigint",
    "output_audio_tokens": "sum(output_audio_tokens)::bigint",
    "cache_told_input_tokens": "sum(input_tokens) FILTER (cache_read_tokens IS NOT NULL)::bigint",
    "priced_requests": "count({spend})",
    "listed_requests": "count(list_cost_usd)",
    "spend_of_tokens_usd": "sum({spend}) FILTER (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)",
    "priced_tokens": f"sum({_TOKENS}) FILTER ({{spend}} IS NOT NULL)::bigint",
    **{name: f"sum({name})" for name in COST_PARTS},
    "list_cost_usd": "sum(list_cost_usd)",
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

CHANGE_MEASURES = (
    "requests", "incomplete_requests", "priced_requests", "listed_requests", "spend_usd", "list_cost_usd", *COST_PARTS,
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "unpriced_tokens", "latency_us", "timed_requests",
)  # fmt: skip
"""Measures of which a change of spend, tokens, requests or latency is explained."""

FOLDS = {name: "max" if name == "last_seen_us" else "sum" for name in MEASURES}


def fold_sql(measure: str, column: str) -> str:
    """The SQL that folds a measure from a column that holds it of parts."""
    return f"{FOLDS[measure]}({column}){'' if measure.endswith('_usd') else '::bigint'}"


PERCENTILES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}
_LATENCIES = f"quantile_cont(duration_ms, {[*PERCENTILES.values()]})"  # all three cost as much as one

LATENCY_STEPS_PER_ROOT = 4
LATENCY_STEP = f"floor(sqrt(sqrt(least(greatest(duration_ms, 0), 1e12))) * {LATENCY_STEPS_PER_ROOT})::bigint"
"""Latencies in steps of a tenth to a fifth, some dozens in all; a longer one is never in a lower step. 0 where it is not known."""

OF_ROWS = {
    **{name: f"{_LATENCIES}[{place}]" for place, name in enumerate(PERCENTILES, 1)},
    "active_users": "count(DISTINCT user_id)",
}
"""Measures that do not fold: each grouping is answered from the rows, never from other groupings."""

COUNTS = (
    "requests", "successful", "failed", "incomplete_requests", "incomplete_tokens", "unpriced_requests", "unpriced_tokens",
    "timed_requests", "errors", "priced_requests", "listed_requests", "ttft_requests", "active_users",
)  # fmt: skip
"""Measures that count: of no rows they are 0, not unknown."""

Sums = Mapping[str, Number | None]
