"""The audit log: who did, or tried to do, what in the period."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from usagecost import schema
from usagecost.audit import ACTS
from usagecost.engine import open_lake
from usagecost.lake import lake_root
from usagecost.ui.answers import empty, tried
from usagecost.ui.blocks import heading, table
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import counted

ALL = "All"
MOST = 2_000
"""Rows that are shown; a download has all."""
TITLES = {
    "at": "Time", "who": "Who", "act": "Act", "what": "What", "outcome": "Not done because", "before": "Before",
    "after": "After", "why": "Why", "via": "By",
}  # fmt: skip


def audit_log(view: View) -> None:
    """Draws the acts of the period, the newest first, with filters by act, who and text."""
    audit = tried(lambda: open_lake(lake_root()).rows("audit"))
    start, end = (pa.scalar(instant, schema.INSTANT) for instant in (view.period.start, view.period.end))
    at = audit["happened_at"]
    within = audit if view.period.is_all_time else audit.filter(pc.and_(pc.greater_equal(at, start), pc.less(at, end)))
    acts = within.to_pylist()[::-1]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        act = st.selectbox("Act", [ALL, *ACTS], key="audit_act", format_func=str.capitalize, width=180)
        person = st.selectbox("Who", [ALL, *sorted({row["who"] for row in acts})], key="audit_who", width=260)
        text = st.text_input("Text", key="audit_text", placeholder="in any column", width=260).strip().casefold()
    matching = [row for row in acts if act in (ALL, row["act"]) and person in (ALL, row["who"]) and text in _search_text(row)]
    if matching:
        _table(pd.DataFrame([row | {"at": _local(row["happened_at"], view)} for row in matching]), view.period.zone)
    elif acts:
        empty("No such acts in this period", "Remove a filter.")
    else:
        empty("Nothing was done in this period", "Loads, removals, prices, boards, budgets and roles are listed here.")


def _search_text(act: dict[str, Any]) -> str:
    return "\n".join(act[name] or "" for name in TITLES if name in act).casefold()


def _local(instant: datetime, view: View) -> datetime:
    return instant.astimezone(ZoneInfo(view.period.zone)).replace(tzinfo=None)


def _table(acts: pd.DataFrame, zone: str) -> None:
    titled = acts[list(TITLES)]
    help_text = (
        "What pages and commands did, and what was refused or failed. `audit_days` of access.toml says for how long it is kept."
    )
    heading("Audit log", lambda: titled.rename(columns=TITLES), name="audit-log", help=help_text)
    widths: dict[str, Literal["large"] | int] = {
        "who": 190,
        "act": 80,
        "what": "large",
        "outcome": 220,
        "before": 160,
        "after": 220,
        "why": 140,
        "via": 90,
    }
    table(
        titled.head(MOST),
        name="audit-log",
        columns={
            "at": st.column_config.DatetimeColumn(f"Time ({zone})", format="YYYY-MM-DD HH:mm:ss", width=160),
            **{
                name: st.column_config.TextColumn(TITLES[name], width=width)
                for name, width in widths.items()
                if titled[name].notna().any()
            },
        },
        alt_text="Acts with their time, who did them, what was meant, and what came of it",
    )
    if len(titled) > MOST:
        st.caption(f"The newest {MOST:,} of {counted(len(titled), 'act')}; the download has all.")
