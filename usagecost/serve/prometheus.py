"""The lake's counters in the text form of Prometheus: requests, failures, tokens and spend of all time, by one dimension.

They rise as logs are loaded, so `increase()` tells of a day; a removal or repricing can lower them, which Prometheus takes for a
restart. Of a dimension with many values those with the most requests are told, so the number of series is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from usagecost import queries
from usagecost.periods import WHOLE, Period
from usagecost.queries.tables import table
from usagecost.serve.asked import Lake
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.filters import NOT_REPORTED, View

MOST_SERIES = 100
COUNTERS = {
    "requests": "requests",
    "failed": "failed_requests",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "spend_usd": "spend_usd",
    "incomplete_requests": "incomplete_requests",
}
"""Metric -> what its counter is called, between the prefix and "_total"."""
PREFIX = "usagecost"


def exposition(lake: Lake, label: str) -> str:
    """The counters of what may be seen by a dimension, and the time of the newest request. Raises LakeError."""
    rows: list[dict] = []
    newest: list[str] = []
    if span := queries.data_span(lake.root, lake.version, lake.scope):
        period = Period(span[0].date(), span[1].date(), "UTC", lake.now, is_all_time=True)
        view = View(lake.root, lake.version, period, WHOLE, "best", scope=lake.scope)
        rows = table(view, label, tuple(COUNTERS), rank="requests")[:MOST_SERIES]
        name = f"{PREFIX}_newest_request_timestamp_seconds"
        newest = [f"# HELP {name} When the newest request was sent.", f"# TYPE {name} gauge", f"{name} {span[1].timestamp()!r}"]
    return "\n".join([*_counters(rows, label), *newest, ""])


def _counters(rows: list[dict], label: str) -> Iterator[str]:
    for metric, name in COUNTERS.items():
        counter = f"{PREFIX}_{name}_total"
        yield f"# HELP {counter} {_line(METRICS[metric].help)}"
        yield f"# TYPE {counter} counter"
        amounts: dict[str, float] = {}  # a value may be called what those that are not reported are
        for row in rows:
            if row[metric] is not None:
                value = NOT_REPORTED if row[label] is None else row[label]
                amounts[value] = amounts.get(value, 0.0) + float(row[metric])
        yield from (f'{counter}{{{label}="{_escaped(value)}"}} {amount!r}' for value, amount in amounts.items())


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("\\", r"\\")


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
