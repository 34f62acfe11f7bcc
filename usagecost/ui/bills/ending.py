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
from usagecost.ui.acts import try_write
from usagecost.ui.prices.form import ALIAS, DISCOUNT, THIS, WHOLE, entry_form
from usagecost.ui.prices.repricing import ask_for_preview, say_entry_was_written
from usagecost.ui.reader import may
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import usd

MOST = 6
_PLACE, _OPEN_ADVICE = "bills", "_bill_entry"
_PRICES, _SOURCES = "pages/4_Prices.py", "pages/5_Sources.py"


def ways_to_end(view: View, result: Reconciliation, month: date) -> None:
    """Draws what would end differences of a month, that with the most in it first, each with its button for who may press it."""
    lake = open_lake(view.lake)
    say_entry_was_written(_PLACE, "bill_reprice", _go_to_repricing)
    for number, advice in enumerate(advice_for(result, month, current_book(lake).book)[:MOST]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            label, icon, act, args = _button(advice)
            if may("load" if act is _go else "price"):
                st.button(label, key=f"end_{number}", icon=icon, on_click=act, args=args)
            st.markdown(plain(_advice_sentence(advice)), width="stretch")
    if open_advice := st.session_state.get(_OPEN_ADVICE):
        _dialog(lake, open_advice)


def _advice_sentence(advice: Advice) -> str:
    if isinstance(advice, Discount):
        return (
            f"{advice.provider} bills {advice.model or 'all its models'} at {advice.percent.normalize():f} % off list prices from "
            f"{days_text(advice.first, advice.first)} on: {signed_usd(advice.amount)}."
        )
    if isinstance(advice, Alias):
        listed_model = advice.stands_for.partition("/")[2]
        return f"{advice.model} may be another name of {listed_model} at {advice.provider}: {usd(advice.amount)} are billed."
    payee = f"the {advice.what} of {advice.provider}" if advice.what else advice.provider
    return f"{usd(advice.amount)} of {payee} are not in our logs."


def _button(advice: Advice) -> tuple[str, str, Any, tuple[Any, ...]]:
    """The text of the button, its icon, and what it does."""
    if isinstance(advice, Discount):
        return "Set this discount", ":material/percent:", _open_form, (advice,)
    if isinstance(advice, Alias):
        return "Set this alias", ":material/alternate_email:", _open_form, (advice,)
    return "Load logs", ":material/database_upload:", _go, (_SOURCES, "Sources", {})


def _go(file: str, page: str, parameters: address.Query) -> None:
    going.to(file, {**address.page_query(page, viewing.choices()), **parameters})


def _open_form(advice: Discount | Alias) -> None:
    """Opens the form of the entry, as it would be."""
    is_discount = isinstance(advice, Discount)
    state: dict[str, Any] = {"kind": DISCOUNT if is_discount else ALIAS, "note": "as the bill has it"}
    if is_discount:
        scope = THIS if advice.model else WHOLE
        state |= {"percent": f"{advice.percent.normalize():f}", "from": advice.first, "scope": scope}
    elif advice.stands_for in listed_models():
        state["means"] = advice.stands_for
    st.session_state.update({f"{_key(advice)}_{name}": value for name, value in state.items()})
    st.session_state[_OPEN_ADVICE] = advice


def _key(advice: Discount | Alias) -> str:
    return f"bill entry {advice.provider} {advice.model}"


def _close() -> None:
    st.session_state.pop(_OPEN_ADVICE, None)


@st.dialog("Entry of the price file", width="large", icon=":material/edit_note:", on_dismiss=_close)
def _dialog(lake: Lake, advice: Discount | Alias) -> None:
    st.markdown(f"**{plain(advice.provider)} / {plain(advice.model or 'all models')}**")
    draft = entry_form(advice.provider, advice.model or "*", _key(advice))
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
