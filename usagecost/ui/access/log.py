"""The audit log: who did, or tried to do, what in the period."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import streamlit as st

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
    "at": "Time", "who": "Who", "act": "Act", "what": "What", "before": "Before", "after": "After", "why": "Why",
    "outcome": "Not done because", "via": "By",
}  # fmt: skip


def audit_log(view: View) -> None:
    """Draws the acts of the period, the newest first, with filters by act, who and text."""
    acts = tried(open_lake(lake_root()).audit).to_pandas()
    acts = acts[(acts["happened_at"] >= view.period.start) & (acts["happened_at"] < view.period.end)].iloc[::-1]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        act = st.selectbox("Act", [ALL, *ACTS], key="audit_act", format_func=str.capitalize, width=180)
        who = st.selectbox("Who", [ALL, *sorted(acts["who"].unique())], key="audit_who", width=260)
        text = st.text_input("Text", key="audit_text", placeholder="in any column", width=260).strip().casefold()
    shown = acts
    if act != ALL:
        shown = shown[shown["act"] == act]
    if who != ALL:
        shown = shown[shown["who"] == who]
    if text:
        words = shown[[name for name in TITLES if name != "at"]].fillna("").agg("\n".join, axis=1)
        shown = shown[words.str.casefold().str.contains(text, regex=False)]
    if shown.empty:
        is_filtered = len(acts) > 0
        advice = "Remove a filter." if is_filtered else "Loads, removals, prices, boards, budgets and roles are listed here."
        empty("No such acts in this period" if is_filtered else "Nothing was done in this period", advice)
        return
    _table(shown.assign(at=shown["happened_at"].dt.tz_convert(view.period.zone).dt.tz_localize(None)), view.period.zone)


def _table(acts: pd.DataFrame, zone: str) -> None:
    whole = acts[list(TITLES)]
    help_text = (
        "What pages and commands did, and what was refused or failed. `audit_days` of access.toml says for how long it is kept."
    )
    heading("Audit log", lambda: whole.rename(columns=TITLES), name="audit-log", help=help_text)
    widths: dict[str, Literal["large"] | int] = {
        "who": 190,
        "act": 80,
        "what": "large",
        "before": 160,
        "after": 220,
        "why": 140,
        "outcome": 220,
        "via": 90,
    }
    table(
        whole.head(MOST),
        name="audit-log",
        columns={
            "at": st.column_config.DatetimeColumn(f"Time ({zone})", format="YYYY-MM-DD HH:mm:ss", width=160),
            **{
                name: st.column_config.TextColumn(TITLES[name], width=width)
                for name, width in widths.items()
                if whole[name].notna().any()
            },
        },
        alt_text="Acts with their time, who did them, what was meant, and what came of it",
    )
    if len(whole) > MOST:
        st.caption(f"The newest {MOST:,} of {counted(len(whole), 'act')}; the download has all.")
