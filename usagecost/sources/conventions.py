"""How a log writes down what the canonical record has in one way only: what its counts include, its units, its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STATUSES = {
    **dict.fromkeys(("success", "ok", "succeeded", "successful", "completed", "complete", "true"), "success"),
    **dict.fromkeys(("error", "failed", "failure", "fail", "false"), "error"),
    **dict.fromkeys(("cancelled", "canceled", "aborted"), "cancelled"),
}
"""Words for the outcome of a request, in lower case, and what the record calls it."""

DURATIONS = {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6}
"""Units of durations, in milliseconds."""

COSTS = {
    "usd": "TRY_CAST({raw} AS DECIMAL(18, 9))",
    "cents": "(TRY_CAST({raw} AS DECIMAL(20, 7)) * 0.01)::DECIMAL(38, 9)",
    "nano": "CASE WHEN TRY_CAST({raw} AS DOUBLE) = floor(TRY_CAST({raw} AS DOUBLE)) "
    "THEN (TRY_CAST({raw} AS DECIMAL(24)) * 0.000000001)::DECIMAL(38, 9) END",
}
"""Units of costs, and the template of SQL that makes dollars of a text: exact to a billionth, NULL where there is no number, or a
fraction of a billionth."""


@dataclass(frozen=True)
class Conventions:
    """The conventions of one log; by default those of the record itself.

    `names` says what a canonical column is called in the log, so that a sentence about it is understood there.
    """

    input_includes_cache_read: bool = True
    input_includes_cache_write: bool = True
    output_includes_reasoning: bool = True
    time_unit: str | None = None
    timezone: str = "UTC"
    duration_unit: str = "ms"
    cost_unit: str = "usd"
    statuses: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
