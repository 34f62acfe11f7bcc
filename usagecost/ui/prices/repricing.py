"""Computing stored prices anew: a preview, the act, its undoing, and what was done before."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.engine import open_lake
from usagecost.lake import Change, Lake, LakeError, Repricing, Span
from usagecost.pricebook import current_book, pricing
from usagecost.ui.answers import empty
from usagecost.ui.blocks import table
from usagecost.ui.reader import reader
from usagecost.ui.text import days_text, plain
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import NOT_REPORTED, View

PERIOD, ALL = "The period above", "The whole lake"
PREVIEW_ASKED = "_preview_asked"
"""Set by who leads here for a preview."""
_DONE, _PREVIEW = "_repriced", "_repricing"


def repricing(view: View) -> None:
    """Preview, apply, and the acts so far, each of which can be undone."""
    _say_what_was_done()
    lake = open_lake(view.lake)
    current = current_book(lake)
    st.markdown(
        "Stored requests keep the price they were loaded with. This computes it anew by today's price list and own book. "
        "What sources reported is never touched."
    )
    if current.problem:
        st.warning(plain(current.problem), title="Correct the own prices first", icon=":material/menu_book:")
    else:
        _form(view, lake)
    _acts(lake)


def _form(view: View, lake: Lake) -> None:
    scope = st.radio("Requests of", [PERIOD, ALL], key="reprice_scope", horizontal=True)
    span = (view.period.start, view.period.end) if scope == PERIOD else (None, None)
    words = days_text(view.period.first, view.period.last) if scope == PERIOD else "all days"
    is_asked = st.button("Preview", icon=":material/preview:", key="reprice_preview")
    if st.session_state.pop(PREVIEW_ASKED, False) or is_asked:
        with st.spinner("Computing prices …", show_time=True):
            try:
                found = lake.repricing(pricing(current_book(lake).book), span)
            except LakeError as problem:
                st.error(plain(str(problem)), title="The preview could not be made")
                return
        st.session_state[_PREVIEW] = (span, view.version, found)
    asked, version, found = st.session_state.get(_PREVIEW, (None, None, None))
    if found is None or asked != span or version != view.version:
        return
    if not found.requests:
        st.info(f"Every request of {words} has the price that holds for it.", title="Nothing would change", icon=":material/check:")
        return
    _preview(found)
    why = st.text_input("Why", key="reprice_why", placeholder="new contract from June", width=480)
    st.button(
        f"Reprice {formats.counted(found.requests, 'request')}",
        type="primary",
        key="reprice_apply",
        on_click=_apply,
        args=(lake, span, why),
    )


def _preview(found: Repricing) -> None:
    """What would change, with the largest changes."""
    before, after = st.columns(2)
    with before:
        st.metric("List cost before", _sum(found.before_usd, found.unpriced_before), border=True)
    with after:
        st.metric("List cost after", _sum(found.after_usd, found.unpriced_after), border=True)
    st.caption(
        f"{formats.counted(found.requests, 'request')} of {formats.counted(found.models, 'model')} would change; of them "
        f"{formats.exact_count(found.unpriced_before)} have no price now and {formats.exact_count(found.unpriced_after)} after."
    )
    _changes("model", found.by_model)
    _changes("user", found.by_user)


def _sum(amount: Any, unpriced: int) -> str:
    return f"≥{formats.GAP}{formats.usd(amount)}" if unpriced else formats.usd(amount)


def _changes(what: str, changes: Sequence[Change]) -> None:
    frame = pd.DataFrame(
        [
            {
                "name": change.name or NOT_REPORTED,
                "requests": change.requests,
                "before_usd": change.before_usd,
                "after_usd": change.after_usd,
                "change_usd": change.after_usd - change.before_usd,
            }
            for change in changes
        ]
    )
    usd = {"before_usd": "Before", "after_usd": "After", "change_usd": "Change"}
    table(
        frame,
        name=f"changes-{what}",
        columns={
            "name": st.column_config.TextColumn(what.capitalize(), width="medium"),
            "requests": st.column_config.NumberColumn("Requests", format="localized"),
            **{name: st.column_config.NumberColumn(title, format="$%,.4f") for name, title in usd.items()},
        },
        alt_text=f"The largest changes by {what}: requests, cost before and after",
    )


def _acts(lake: Lake) -> None:
    st.header("History", anchor=False)
    acts = lake.repricings().to_pylist() if lake.exists else []
    if not acts:
        empty("Nothing was repriced yet", "A repricing is listed here, and can be undone.")
    for act in acts:
        with st.container(border=True):
            left, right = st.columns([5, 1], vertical_alignment="center")
            with left:
                kind = "Undone" if act["undoes"] else "Repriced"
                sums = f"{formats.usd(act['before_usd'])} → {formats.usd(act['after_usd'])}"
                count = formats.exact_count(act["requests"])
                st.markdown(f"**{act['done_at']:%Y-%m-%d %H:%M} UTC** · {kind} · {count} requests · {plain(sums)}")
                words = [act["who"], act["why"], act["prices"], f"id {act['id']}"]
                st.caption(plain(" · ".join(word for word in words if word)))
            with right:
                st.button("Undo", key=f"undo_{act['id']}", icon=":material/undo:", on_click=_undo, args=(lake, act["id"]))


def _about(lake: Lake, why: str | None) -> dict[str, str | None]:
    return {"who": reader() or getpass.getuser(), "why": why or None, "prices": current_book(lake).version}


def _apply(lake: Lake, span: Span, why: str) -> None:
    _do(lambda: lake.reprice(pricing(current_book(lake).book), span, about=_about(lake, why)))


def _undo(lake: Lake, act: str) -> None:
    _do(lambda: lake.undo_repricing(act, about=_about(lake, "undone on the page Prices")))


def _do(act: Any) -> None:
    st.session_state.pop(_PREVIEW, None)
    try:
        st.session_state[_DONE] = act()
    except LakeError as problem:
        st.session_state[_DONE] = str(problem)


def _say_what_was_done() -> None:
    done = st.session_state.pop(_DONE, None)
    if isinstance(done, str):
        st.error(plain(done), title="Nothing was changed")
    elif done is not None:
        words = f"{formats.counted(done.requests, 'request')} repriced, in version {done.version} of the lake."
        st.success(words, title="Done")
