"""What ends a difference, as buttons: a discount or an alias in the price file, or the logs that lack."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from usagecost.bills.advice import Advice, Alias, Discount, advice_for
from usagecost.bills.result import Reconciliation
from usagecost.bills.words import signed_usd
from usagecost.engine import open_lake
from usagecost.lake import Lake
from usagecost.periods.words import days_text
from usagecost.pricebook import add_entry, current_book
from usagecost.pricing import listed_models
from usagecost.ui import address, going, viewing
from usagecost.ui.prices.form import ALIAS, DISCOUNT, THIS, WHOLE, entry_form
from usagecost.ui.prices.repricing import ask_for_preview, say_entry_was_written
from usagecost.ui.reader import may
from usagecost.ui.text import plain
from usagecost.ui.writing import try_write
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import usd

MOST = 6
_PLACE, _ASKED = "bills", "_bill_entry"
_PRICES, _SOURCES = "pages/4_Prices.py", "pages/5_Sources.py"


def ways_to_end(view: View, result: Reconciliation, month: date) -> None:
    """Draws what would end differences of a month, that with the most in it first, each with its button for who may press it."""
    lake = open_lake(view.lake)
    say_entry_was_written(_PLACE, "bill_reprice", _go_to_repricing)
    for place, one in enumerate(advice_for(result, month, current_book(lake).book)[:MOST]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            label, icon, act, args = _button(one)
            if may("load" if act is _go else "price"):
                st.button(label, key=f"end_{place}", icon=icon, on_click=act, args=args)
            st.markdown(plain(_words(one)), width="stretch")
    if advice := st.session_state.get(_ASKED):
        _dialog(lake, advice)


def _words(one: Advice) -> str:
    if isinstance(one, Discount):
        return (
            f"{one.provider} bills {one.model or 'all its models'} at {one.percent.normalize():f} % off list prices from "
            f"{days_text(one.first, one.first)} on: {signed_usd(one.amount)}."
        )
    if isinstance(one, Alias):
        other = one.stands_for.partition("/")[2]
        return f"{one.model} may be another name of {other} at {one.provider}: {usd(one.amount)} are billed."
    payee = f"the {one.what} of {one.provider}" if one.what else one.provider
    return f"{usd(one.amount)} of {payee} are not in our logs."


def _button(one: Advice) -> tuple[str, str, Any, tuple[Any, ...]]:
    """The text of the button, its icon, and what it does."""
    if isinstance(one, Discount):
        return "Set this discount", ":material/percent:", _ask, (one,)
    if isinstance(one, Alias):
        return "Set this alias", ":material/alternate_email:", _ask, (one,)
    return "Load logs", ":material/database_upload:", _go, (_SOURCES, "Sources", {})


def _go(file: str, page: str, parameters: address.Query) -> None:
    going.to(file, {**address.of_page(page, viewing.choices()), **parameters})


def _ask(one: Discount | Alias) -> None:
    """Opens the form of the entry, as it would be."""
    is_discount = isinstance(one, Discount)
    state: dict[str, Any] = {"kind": DISCOUNT if is_discount else ALIAS, "note": "as the bill has it"}
    if is_discount:
        scope = THIS if one.model else WHOLE
        state |= {"percent": f"{one.percent.normalize():f}", "from": one.first, "scope": scope}
    elif one.stands_for in listed_models():
        state["means"] = one.stands_for
    st.session_state.update({f"{_key(one)}_{name}": value for name, value in state.items()})
    st.session_state[_ASKED] = one


def _key(one: Discount | Alias) -> str:
    return f"bill entry {one.provider} {one.model}"


def _close() -> None:
    st.session_state.pop(_ASKED, None)


@st.dialog("Entry of the price file", width="large", icon=":material/edit_note:", on_dismiss=_close)
def _dialog(lake: Lake, one: Discount | Alias) -> None:
    st.markdown(f"**{plain(one.provider)} / {plain(one.model or 'all models')}**")
    draft = entry_form(one.provider, one.model or "*", _key(one))
    st.code(draft.entry, language="toml", wrap_lines=True)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            "Save",
            type="primary",
            key="save_bill_entry",
            disabled=draft.reason is not None,
            on_click=_write,
            args=(lake, draft.entry),
        ):
            st.rerun()
        st.caption(plain(draft.reason or f"Added to {current_book(lake).place}; existing entries are kept."), width="stretch")


def _write(lake: Lake, entry: str) -> None:
    _close()
    try_write(_PLACE, "price", "an entry of the price file", lambda: add_entry(lake, entry), "Saved", after=entry.strip())


def _go_to_repricing() -> None:
    ask_for_preview()
    _go(_PRICES, "Prices", {"part": ["Reprice"]})
