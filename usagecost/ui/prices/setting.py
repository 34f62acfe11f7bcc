"""Setting a price, or saying which listed model is meant: one entry more in the own book."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from usagecost import queries
from usagecost.engine import open_lake
from usagecost.lake import LakeError
from usagecost.pricebook import add_entry, current_book
from usagecost.pricing import BookProblem, listed_models
from usagecost.ui.answers import answer, no_requests
from usagecost.ui.prices.models import name_of
from usagecost.ui.prices.repricing import PREVIEW_ASKED
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View

OWN, ALIAS, FREE, DISCOUNT = "Set price", "Alias of", "Free", "Discount"
THIS, WHOLE = "This model", "Everything of its provider"
FIELDS = {"input": "Input", "cache_read": "Cache read", "cache_write": "Cache write", "output": "Output"}


def set_price(view: View) -> None:
    """A form for one model of the period: what it costs, or what it stands for, and from which day on."""
    _say_what_was_written()
    rows = [row for row in answer(queries.prices.models, view) if row["model"]]
    if not rows:
        no_requests(view)
        return
    by_name = {name_of(row): row for row in rows}
    chosen = st.selectbox(
        "Model",
        list(by_name),
        format_func=lambda name: _labelled(by_name[name]),
        key="price_model",
        help="Models without a price come first.",
    )
    kind = st.radio("Price", [OWN, ALIAS, FREE, DISCOUNT], key="price_kind", horizontal=True)
    entry = _entry(by_name[chosen], kind)
    st.caption("This is added to the price file; existing entries are kept.")
    st.code(entry, language="toml")
    st.button("Save price", type="primary", icon=":material/edit_note:", on_click=_write, args=(view.lake, entry))
    st.caption(f"Price file: {plain(current_book(open_lake(view.lake)).place)}")


def _labelled(row: dict[str, Any]) -> str:
    return f"{name_of(row)}{' · no price' if row['unpriced_requests'] else ''}"


def _entry(row: dict[str, Any], kind: str) -> str:
    """The entry as TOML. JSON's quotation of texts is also TOML's."""
    provider = [f"provider = {json.dumps(row['provider'])}"] if row["provider"] else []
    model = [f"model = {json.dumps(row['model'])}"]
    since = st.date_input("From (UTC day)", value=None, key="price_from", help="Empty: for all time.", width=240)
    days = [f"from = {since.isoformat()}"] if isinstance(since, date) else []
    if kind == DISCOUNT:
        scope = st.radio("Of", [THIS, WHOLE] if provider else [THIS], key="price_scope", horizontal=True)
        percent = st.number_input("Percent off list prices", 0.0, 100.0, value=None, format="%g", key="price_percent", width=240)
        said = [f"percent = {_plain(percent)}"] if percent is not None else []
        return "\n".join(["[[discount]]", *provider, *([] if scope == WHOLE else model), *days, *said])
    if kind == ALIAS:
        meant = st.selectbox(
            "Stands for", listed_models(), index=None, key="price_means", placeholder="Search the price list", width=480
        )
        return "\n".join(["[[alias]]", *provider, *model, *days, f"stands_for = {json.dumps(meant or '')}"])
    if kind == FREE:
        return "\n".join(["[[price]]", *provider, *model, *days, "free = true"])
    return "\n".join(["[[price]]", *provider, *model, *days, *_rates()])


def _rates() -> list[str]:
    """The rates that are filled in, as TOML. Tiers, batch and service tiers are for who writes the book itself."""
    lines = []
    for column, (name, title) in zip(st.columns(len(FIELDS)), FIELDS.items(), strict=True):
        with column:
            rate = st.number_input(f"{title}, USD / M tokens", min_value=0.0, value=None, format="%g", key=f"price_{name}")
        if rate is not None:
            lines.append(f"{name} = {_plain(rate)}")
    st.caption("Tiers, batch and service-tier factors are written into the book itself; the README shows how.")
    return lines


def _plain(number: float) -> str:
    return f"{Decimal(str(number)):f}"


def _write(lake: str, entry: str) -> None:
    try:
        add_entry(open_lake(lake), f"# set on {datetime.now(UTC):%Y-%m-%d} on the page Prices\n{entry}")
    except (BookProblem, LakeError, OSError) as problem:
        st.session_state["_price_written"] = (False, str(problem))
    else:
        st.session_state["_price_written"] = (True, "")


def _go_to_repricing() -> None:
    """On to the preview of what the entry changes."""
    st.session_state["part"] = "Reprice"
    st.session_state[PREVIEW_ASKED] = True


def _say_what_was_written() -> None:
    if told := st.session_state.pop("_price_written", None):
        is_done, problem = told
        if is_done:
            words = "Requests loaded from now on use it. Stored ones keep what they have until they are repriced."
            st.success(words, title="Written to the book")
            label = "Preview what it changes in stored requests"
            st.button(label, key="price_reprice", icon=":material/preview:", on_click=_go_to_repricing)
        else:
            st.error(plain(problem), title="The price file was not changed")
