"""What stands in the way of an explanation: no comparison, an incomplete one, nothing that changed; and what would end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from usagecost import queries
from usagecost.explain import WORDINGS, Explanation
from usagecost.periods.comparison import BEFORE
from usagecost.periods.words import days_text
from usagecost.ui import viewing
from usagecost.ui.answers import answer, empty, load_logs_link, no_requests
from usagecost.vocabulary.filters import View

_LACKS = {
    "spend_usd": "has a known cost",
    "total_tokens": "tells its tokens",
    "avg_latency_ms": "tells how long it took",
}
"""Metric -> what no request does where it is not known."""


def is_in_the_way(view: View) -> bool:
    """Says, if there is nothing whole to compare with, why that is, and offers what ends it."""
    if view.period.is_all_time:
        empty("All time has nothing to compare with", "Choose a range that something lies before.")
        st.button("Last 30 days", key="why_last_days", type="primary", on_click=viewing.show_preset, args=(viewing.DEFAULT_PRESET,))
        return True
    if view.period.previous is None:
        empty("No comparison is chosen", "A change is explained against another period.")
        st.button("Compare with the previous period", key="why_compare", type="primary", on_click=_compare)
        return True
    span = answer(queries.data_span, view.lake, view.version, view.scope)
    if span and (oldest := queries.missing_until(span, view.period)):
        words = f"Data starts on {days_text(oldest, oldest)}: what was not recorded before would look like growth."
        empty("The comparison is incomplete", words)
        _offer_whole_days(view, span)
        return True
    return False


def nothing_to_explain(view: View, metric: str, rows: Sequence[Mapping[str, Any]], explanation: Explanation | None) -> bool:
    """Says, if the number is not known in one of the periods, or nothing in both, that there is nothing to explain."""
    if not any(row["requests"] for row in rows):
        no_requests(view)
        return True
    if explanation is None:
        empty(f"No {WORDINGS[metric].name.lower()} to compare", f"In one of the periods, or both, no request {_LACKS[metric]}.")
        return True
    if explanation.is_empty and metric == "spend_usd":
        empty("Less than a cent was spent in both periods", "Choose another number, or a longer range.")
        return True
    return False


def _compare() -> None:
    st.session_state["compare"] = BEFORE


def _offer_whole_days(view: View, span: tuple[datetime, datetime]) -> None:
    """A button for the newest days that have as many recorded before them; if there are not two, a link to load earlier ones."""
    oldest, newest = (moment.astimezone(ZoneInfo(view.period.zone)).date() for moment in span)
    days = min(((newest - oldest).days + 1) // 2, view.period.days)
    if days < 1:
        load_logs_link("Load earlier logs")
        return

    def show() -> None:
        viewing.show_days(first, newest)
        _compare()

    first = newest - timedelta(days=days - 1)
    st.button(f"Show {days_text(first, newest)}", key="why_whole_days", type="primary", on_click=show)
