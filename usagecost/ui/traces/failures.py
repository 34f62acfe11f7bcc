"""What failed: by class, provider and model, over time, with a message of each kind and the way to its requests."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import charts, queries
from usagecost.charts import TimeAxis
from usagecost.queries import folds
from usagecost.queries.requests import moment
from usagecost.ui import going
from usagecost.ui.address import Choice
from usagecost.ui.answers import answer, empty
from usagecost.ui.blocks import chart, table
from usagecost.ui.labels import palette, with_names
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, View

FAILED = Condition("status", ("error", "cancelled"))
MOST_CLASSES = 8
SPLITS = {"error": "Error class", "provider": "Provider", "model": "Model"}
"""What the failures over time can be split by -> what a reader calls it."""
CHOICES = {"failures_by": Choice(default="error", options=SPLITS)}


def failures(view: View) -> None:
    """A chart of the failures over time, by class, provider or model, and a table of their kinds."""
    failure_groups = answer(queries.requests.failures, view)
    if not failure_groups:
        empty("Nothing failed", "No request that matches ended in an error or was cancelled.")
        return
    by = (
        st.segmented_control(
            "Failures by",
            SPLITS,
            required=True,
            format_func=lambda name: SPLITS[name],
            key="failures_by",
        )
        or "error"
    )
    usage = answer(queries.usage, view.where(FAILED), by)
    top = folds.top_values(usage.by_value.sort_values("requests", ascending=False, ignore_index=True), MOST_CLASSES)
    names = list(with_names(top, view, by)["name"])
    stacks = with_names(folds.over_time_by_top(usage, top), view, by)
    parts, axis = charts.parts_of(stacks, "requests"), TimeAxis(usage.intervals, view.interval, view.period.zone)
    chart(
        "Failures over time",
        charts.over_time(parts, "bar", formats.count, names, palette(view, by, top), axis, stacked=True),
        lambda: _exported(failure_groups, view.period.zone),
        name="failures",
        help="Requests that ended in an error or were cancelled, by what is chosen above.",
        alt_text=f"Bars of failed requests by {view.interval}, stacked by {SPLITS[by].lower()}",
    )
    _table(failure_groups, view)


def _table(failure_groups: list[dict[str, Any]], view: View) -> None:
    table_rows = _exported(failure_groups, view.period.zone)
    table(
        table_rows.assign(last_seen=pd.to_datetime(table_rows["last_seen"])),
        name="failures",
        columns={
            "error_class": st.column_config.TextColumn("Error class", width=165),
            "provider": st.column_config.TextColumn("Provider", width=85),
            "model": st.column_config.TextColumn("Model", width=150),
            "status": st.column_config.TextColumn("Status", width=85),
            "requests": st.column_config.NumberColumn("Requests", format="localized", width=80),
            "message": st.column_config.TextColumn("Last message", width=230),
            "last_seen": st.column_config.DatetimeColumn(f"Last seen ({view.period.zone})", format="YYYY-MM-DD HH:mm", width=135),
        },
        alt_text="Kinds of failures with how often they occurred and what the last one said",
        on_open=lambda row: _open(failure_groups[row]),
    )


def _exported(failure_groups: list[dict[str, Any]], zone: str) -> pd.DataFrame:
    rows = [
        {name: row[name] or NOT_REPORTED for name in ("error_class", "provider", "model", "status")}
        | {"requests": row["requests"], "message": row["message"] or formats.UNKNOWN}
        | {"last_seen": moment(row["last_us"]).astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(sep=" ")}
        for row in failure_groups
    ]
    return pd.DataFrame(rows)


def _open(row: dict[str, Any]) -> None:
    """Shows the list of the requests of one kind of failure, with the other filters as they are."""
    for name in ("provider", "model", "status"):
        st.session_state[name] = [row[name] or NOT_REPORTED]
        st.session_state[f"not_{name}"] = False
    st.session_state["error"] = [row["error_class"] or NOT_REPORTED]
    going.to_part("Requests")
    st.session_state["at"] = None
