"""The fields of one request, each with a menu that shows only the requests like it, or leaves them out."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import streamlit as st

from usagecost.ui.text import plain
from usagecost.ui.traces import fields
from usagecost.ui.traces.columns import COLUMNS
from usagecost.vocabulary.labels import FIELDS, Labels

DETAIL_FIELDS = (
    "provider", "model", "requested_model", "operation", "status", "error_class", "http_status", "user_id", "team_id",
    "virtual_key", "app", "environment", "end_user_id", "session_id", "trace_id", "tags", "route", "is_streaming", "is_batch",
    "is_gateway_cache_hit", "service_tier", "source", "source_file",
)  # fmt: skip
NAMES = {**COLUMNS, "tags": "Tag", "source_file": "Source file"}
MOST_VALUE = 500
"""Characters of a field that the panel shows; the export has all of them."""
MOST_TAGS = 30
ONLY, EXCLUDED = "Filter to this", "Exclude"
FILTERED_BY = "_filtered_by"
"""Tells the panel that a click on one of its fields has changed the page's filters."""
LOOK = """<style>
.st-key-fields [data-testid="stVerticalBlock"], .st-key-fields { gap: 0 }
.st-key-fields [data-testid="stHorizontalBlock"] { flex-wrap: nowrap }
.st-key-fields button { min-height: 1.6rem; padding: 0 .3rem }
.st-key-fields button p { font-size: 0 }
</style>"""
"""Rows of a table with a small menu each, whose button shows its icon alone; its name is read aloud."""


def details(request: dict[str, Any], labels: Labels) -> None:
    """All fields that are known, by name and value, and which are not."""
    st.title("Request details", anchor=False)
    st.html(LOOK)
    dimensions = {column: dimension for dimension, column in FIELDS.items()}
    with st.container(key="fields"):
        for name in DETAIL_FIELDS:
            for number, value in enumerate(_values(request[name])):
                label = labels.of(dimensions[name], value) if name in dimensions else value
                _row(name, value, label, f"{name}_{number}")
    missing = [NAMES[name].lower() for name in DETAIL_FIELDS if request[name] is None]
    if missing:
        st.caption("Not reported: " + plain(", ".join(missing)))


def facts(rows: Sequence[tuple[str, str]]) -> None:
    """Names and values below each other. The values are escaped, not Markdown, which would make links of addresses."""
    pairs = "".join(
        f"<dt style='margin:0;padding:0;opacity:.7'>{html.escape(name)}</dt>"
        f"<dd style='margin:0;padding:0;overflow-wrap:anywhere;unicode-bidi:isolate'>{html.escape(_cut(value))}</dd>"
        for name, value in rows
    )
    st.html(
        f"<dl style='display:grid;grid-template-columns:minmax(8.5rem,1fr) 3fr;gap:.35rem 1rem;margin:0;padding:0'>{pairs}</dl>"
    )


def _values(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value[:MOST_TAGS]
    return [] if value is None else [value]


def _row(name: str, value: Any, label: Any, key: str) -> None:
    """One field; of a name that stands for an id also that."""
    text = _text(label) if label == value else f"{label} ({value})"
    if name not in fields.FILTERED:
        facts([(NAMES[name], text)])
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        facts([(NAMES[name], text)])
        st.menu_button(
            f"Filter by {NAMES[name].lower()}",
            [ONLY, EXCLUDED],
            key=f"filter_{key}",
            icon=":material/filter_alt:",
            type="tertiary",
            on_click=_filter,
            args=(name, value, f"filter_{key}"),
        )


def _filter(name: str, value: Any, key: str) -> None:
    fields.filter_by(name, value, excludes=st.session_state[key] == EXCLUDED)
    st.session_state["at"] = None
    st.session_state[FILTERED_BY] = name


def _cut(value: str) -> str:
    return value if len(value) <= MOST_VALUE else f"{value[:MOST_VALUE]}…"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
