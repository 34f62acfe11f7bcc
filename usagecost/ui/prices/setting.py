"""Setting a price, or saying which listed model is meant: one entry more in the own book."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from usagecost import queries_prices
from usagecost.engine import open_lake
from usagecost.filters import View
from usagecost.lake import LakeError
from usagecost.pricebook import add_entry, current_book
from usagecost.pricing import BookProblem
from usagecost.ui.answers import answer, empty
from usagecost.ui.prices.models import name_of
from usagecost.ui.text import plain

OWN, ALIAS, FREE = "It costs …", "It is another name of a listed model", "It is free"
FIELDS = {"input": "Input", "cache_read": "Cache read", "cache_write": "Cache write", "output": "Output"}


def set_price(view: View) -> None:
    """A form for one model of the period: what it costs, or what it stands for, and from which day on."""
    _say_what_was_written()
    rows = [row for row in answer(queries_prices.models, view) if row["model"]]
    if not rows:
        empty("No models in this period", "Choose another date range or reset the filters in the sidebar.")
        return
    chosen = st.selectbox("Model", rows, format_func=_labelled, key="price_model", help="Models without a price come first.")
    kind = st.radio("Price", [OWN, ALIAS, FREE], key="price_kind", horizontal=True)
    entry = _entry(chosen, kind)
    st.caption("This is added to the book; nothing that stands there is changed.")
    st.code(entry, language="toml")
    st.button("Write to the book", type="primary", icon=":material/edit_note:", on_click=_write, args=(view.lake, entry))
    st.caption(f"The book: {plain(current_book(open_lake(view.lake)).place)}")


def _labelled(row: dict[str, Any]) -> str:
    return f"{name_of(row)}{' · no price' if row['unpriced_requests'] else ''}"


def _entry(row: dict[str, Any], kind: str) -> str:
    """The entry as TOML. JSON's quotation of texts is also TOML's."""
    lines = [f"provider = {json.dumps(row['provider'])}"] if row["provider"] else []
    lines.append(f"model = {json.dumps(row['model'])}")
    since = st.date_input("From (UTC day)", value=None, key="price_from", help="Empty: for all time.", width=240)
    if isinstance(since, date):
        lines.append(f"from = {since.isoformat()}")
    if kind == ALIAS:
        meant = st.text_input("Stands for (provider/model)", key="price_means", placeholder="openai/gpt-4o", width=480)
        return "\n".join(["[[alias]]", *lines, f"stands_for = {json.dumps(meant)}"])
    if kind == FREE:
        return "\n".join(["[[price]]", *lines, "free = true"])
    columns = st.columns(len(FIELDS))
    for column, (name, title) in zip(columns, FIELDS.items(), strict=True):
        with column:
            rate = st.number_input(f"{title}, USD / M tokens", min_value=0.0, value=None, format="%g", key=f"price_{name}")
        if rate is not None:
            lines.append(f"{name} = {Decimal(str(rate)):f}")
    return "\n".join(["[[price]]", *lines])


def _write(lake: str, entry: str) -> None:
    try:
        add_entry(open_lake(lake), f"# set on {datetime.now(UTC):%Y-%m-%d} on the page Prices\n{entry}")
    except (BookProblem, LakeError, OSError) as problem:
        st.session_state["_price_written"] = (False, str(problem))
    else:
        st.session_state["_price_written"] = (True, "")


def _say_what_was_written() -> None:
    if told := st.session_state.pop("_price_written", None):
        is_done, problem = told
        if is_done:
            st.success("Requests loaded from now on use it. Stored ones get it under Reprice.", title="Written to the book")
        else:
            st.error(plain(problem), title="The book was not changed")
