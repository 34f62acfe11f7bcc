"""The requests of a request's trace or session, each as a row on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from usagecost import charts, queries
from usagecost.queries.requests import Key
from usagecost.ui.answers import answer
from usagecost.ui.traces.listing import open_request
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import NOT_REPORTED, View


def requests_of_trace(request: dict[str, Any], view: View) -> None:
    """The chart, with how many requests there are; nothing where a request is alone. A click on a row opens its request."""
    key = Key(None, request["instant_us"], request["source"], request["request_id"])
    requests = answer(
        queries.requests.relatives, view.lake, view.version, view.scope, view.basis, key, request["trace_id"], request["session_id"]
    )
    if not requests:
        return
    st.title("Trace", anchor=False)
    whole = requests[0]["all_requests"]
    count = f"{formats.counted(whole, 'request')}"
    if whole > len(requests):
        count += f", the {len(requests)} nearest in time shown"
    st.caption(f"{count}. A click on a bar opens its request.")

    chart = f"timeline_{request['source']}_{request['request_id']}"  # a click belongs to its bars

    def open_it() -> None:
        marks = st.session_state[chart].selection[charts.OPENED]
        if marks and 0 <= marks[0]["place"] < len(requests):
            open_request(requests[marks[0]["place"]])

    st.vega_lite_chart(
        spec=charts.timeline(_spans(requests, request)).whole,
        key=chart,
        alt="The requests of the trace or session on one time axis",
        on_select=open_it,
        selection_mode=charts.OPENED,
    )


def _spans(requests: Sequence[dict[str, Any]], this: dict[str, Any]) -> pd.DataFrame:
    """One row a request: when it began and ended, in ms after the first one began, and what its row says."""
    first = min(row["instant_us"] for row in requests)
    begin = [(row["instant_us"] - first) / 1000 for row in requests]
    return pd.DataFrame(
        {
            "place": range(len(requests)),
            "begin": begin,
            "end": [start + (row["duration_ms"] or 0) for start, row in zip(begin, requests, strict=True)],
            "model": [(row["model"] or NOT_REPORTED)[:80] for row in requests],
            "status": [row["status"] or NOT_REPORTED for row in requests],
            "start": [f"{formats.milliseconds(start)} after the first" for start in begin],
            "latency": [formats.milliseconds(row["duration_ms"]) for row in requests],
            "cost": [formats.usd(row["cost_usd"]) for row in requests],
            "is_this": [(row["source"], row["request_id"]) == (this["source"], this["request_id"]) for row in requests],
        }
    )
