"""From a model without a price to one with it, in three steps: set the price, see what it changes, reprice what is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from usagecost import queries
from usagecost.engine import open_lake
from usagecost.lake import Lake
from usagecost.pricebook import add_entry, current_book
from usagecost.pricing import Book, parse_book
from usagecost.ui.acts import say_outcome, try_write
from usagecost.ui.answers import answer, empty, no_requests
from usagecost.ui.blocks import choose_value
from usagecost.ui.prices.form import NOT_CHANGED, entry_form
from usagecost.ui.prices.models import STATUSES, name_of, provider_and_model
from usagecost.ui.prices.repricing import act_and_say, ask_for_preview, reprice_steps
from usagecost.ui.reader import may
from usagecost.ui.text import plain
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

_PLACE = "setting a price"


def set_price(view: View) -> None:
    """The three steps for one model, which the URL may name."""
    if not may("price"):
        empty(
            "Prices are set by administrators", "Ask one for a price that is missing; the tab Models names the models without one."
        )
        return
    by_name = {name_of(row): row for row in answer(queries.prices.models, view) if row["model"]}
    name = choose_value("Model", "price_model", list(by_name), None, lambda name: _labelled(name, by_name))
    if name is None:
        no_requests(view)
        return
    if name in by_name:
        st.caption(_price_note(by_name[name]))
    lake = open_lake(view.lake)
    current = current_book(lake)
    provider, model = provider_and_model(name)
    st.header("1 · Set", anchor=False)
    if current.problem:
        st.warning(plain(current.problem), title="Correct the price file first", icon=":material/menu_book:")
        act_and_say(lake)
        return
    book = current.book
    own_entries = [
        entry for entry in (*book.prices, *book.aliases, *book.discounts) if (entry.provider, entry.model) == (provider, model)
    ]
    draft = entry_form(provider, model, f"price {name}", since=datetime.now(UTC).date() if own_entries else None)
    reason = draft.reason or ("The price file has this entry." if _is_there(parse_book(draft.entry), book) else None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Save price",
            type="primary",
            icon=":material/edit_note:",
            key="price_save",
            disabled=reason is not None,
            on_click=_write,
            args=(lake, draft.entry, name),
        )
        st.caption(plain(reason or f"Added to {current.place}; existing entries are kept."), width="content")
    if own_entries and not reason and "\nfrom = " not in draft.entry:
        st.caption("Without a first day it also holds on the days of this model's earlier entries.")
    with st.expander("Entry in the price file", icon=":material/data_object:"):
        st.code(draft.entry, language="toml", wrap_lines=True)
        st.caption("Tiers, batch and service-tier factors are written in the file itself: usagecost/pricing/README.md shows how.")
    _say_what_was_written()
    reprice_steps(view, lake, name)


def _labelled(name: str, by_name: dict[str, dict[str, Any]]) -> str:
    return f"{name}{' · no price' if name in by_name and by_name[name]['unpriced_requests'] else ''}"


def _price_note(row: dict[str, Any]) -> str:
    """What is known of a model's price in the period."""
    if row["unpriced_requests"]:
        count = f"{formats.exact_count(row['unpriced_requests'])} of {formats.counted(row['requests'], 'request')}"
        return plain(f"{count} in this period have no list price: {row['price_reason']}.")
    status = STATUSES.get(row["price_status"], row["price_status"])
    return plain(f"{formats.counted(row['requests'], 'request')} in this period; now: {status} ({row['price_reason']}).")


def _is_there(draft: Book, book: Book) -> bool:
    """Whether the entry of a draft is in the price file already, the last of its kind and model."""
    for new, entries in ((draft.prices, book.prices), (draft.aliases, book.aliases), (draft.discounts, book.discounts)):
        for entry in new:
            about = entry.provider, entry.model
            return entry == next(
                (own_entry for own_entry in reversed(entries) if (own_entry.provider, own_entry.model) == about), None
            )
    return False


def _write(lake: Lake, entry: str, name: str) -> None:
    """Adds the entry, and asks for the preview of what it changes."""
    what = f"an entry of the price file for {name}"
    if try_write(_PLACE, "price", what, lambda: add_entry(lake, entry), "Price saved", after=entry.strip()):
        ask_for_preview(name)


def _say_what_was_written() -> None:
    if outcome := say_outcome(_PLACE, title=NOT_CHANGED):
        words = "Requests loaded from now on use it; stored ones keep the price they have until they are repriced."
        st.success(words, title=outcome, icon=":material/check_circle:")
