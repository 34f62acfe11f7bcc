"""Lines that could not be read: by reason, with the raw line as text, and all of them to download."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import queries
from usagecost.engine import open_lake
from usagecost.ui.answers import answer, empty, tried
from usagecost.ui.blocks import heading, table
from usagecost.ui.sources.previews import frame_of
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

MOST_RAW_SHOWN = 3
MOST_KINDS = 500


def rejected_lines(view: View) -> None:
    """The kinds of trouble, the most frequent first, and the lines of one of them."""
    files = tried(lambda: open_lake(view.lake).files("rejects"))
    kinds = answer(queries.sources.reject_kinds, files)[:MOST_KINDS]
    if not kinds:
        empty("No line was rejected", "Lines that cannot be read are kept here, with the reason and what would help.")
        return
    heading(
        "Rejected lines",
        lambda: frame_of(queries.sources.rejects_export(files)),
        name="rejects",
        help="Lines that could not be read, each kept once with what is wrong and what would help. The download has all of them, "
        "or the newest where they are very many.",
    )
    zone = ZoneInfo(view.period.zone)
    reasons_table = pd.DataFrame(
        {
            "reason": [kind["reason"] for kind in kinds],
            "lines": [kind["lines"] for kind in kinds],
            "files": [kind["files"] for kind in kinds],
            "source": [kind["source"] for kind in kinds],
            "last": [kind["last"].astimezone(zone).replace(tzinfo=None) for kind in kinds],
        }
    )
    table(
        reasons_table,
        name="reject_kinds",
        columns={
            "reason": st.column_config.TextColumn("Reason", width="large", help="Of one line; the others differ in the value only"),
            "lines": st.column_config.NumberColumn("Lines", format="localized"),
            "files": st.column_config.NumberColumn("Files", format="localized"),
            "source": st.column_config.TextColumn("Read as"),
            "last": st.column_config.DatetimeColumn(f"Last seen ({view.period.zone})", format="YYYY-MM-DD HH:mm"),
        },
        alt_text="Reasons against lines, with how many lines and files there are and when they were last seen",
    )
    reasons = [f"{formats.exact_count(kind['lines'])} × {kind['reason']}" for kind in kinds]
    place = st.selectbox("The lines of", range(len(kinds)), format_func=reasons.__getitem__, key="reject_kind")
    _lines(files, kinds[place]["kind"] if place < len(kinds) else kinds[0]["kind"])


def _lines(files: tuple[str, ...], kind: str) -> None:
    """Some of the lines, as text and nothing else."""
    lines = answer(queries.sources.rejected_lines, files, kind)
    table(
        frame_of(lines),
        name="rejected_lines",
        columns={
            "source_file": st.column_config.TextColumn("File", width="medium"),
            "line": st.column_config.NumberColumn("Line", format="localized"),
            "reason": st.column_config.TextColumn("Reason", width="medium"),
            "raw": st.column_config.TextColumn("Raw line", width="large"),
        },
        alt_text="Rejected lines with file, number, reason and raw text",
    )
    for row in lines.slice(0, MOST_RAW_SHOWN).to_pylist():
        if row["raw"] is not None:
            st.code(row["raw"], language=None, wrap_lines=True)
