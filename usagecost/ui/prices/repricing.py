"""Computing stored prices anew: a preview, the act with its undo, and the history of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.engine import open_lake
from usagecost.lake import Change, Lake, LakeError, Repricing
from usagecost.periods.words import days_text
from usagecost.pricebook import current_book, pricing
from usagecost.ui.acts import act, actor, say_outcome
from usagecost.ui.answers import empty, problem_text
from usagecost.ui.blocks import table
from usagecost.ui.prices.form import NOT_CHANGED
from usagecost.ui.prices.models import provider_and_model
from usagecost.ui.reader import may
from usagecost.ui.text import plain
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import NOT_REPORTED, View

PERIOD, ALL = "This period", "All stored requests"
_WANTS_PREVIEW, _PREVIEW, _TO_DO, _OUTCOME = "_preview_asked", "_repricing", "_to_reprice", "_repriced"


def repricing(view: View) -> None:
    """Preview and apply for all models, and the acts so far, of which those in force can be undone."""
    lake = open_lake(view.lake)
    problem = current_book(lake).problem
    if not may("reprice"):
        st.caption("Administrators reprice stored requests.")
    elif problem:
        st.warning(plain(problem), title="Correct the price file first", icon=":material/menu_book:")
        act_and_say(lake)
    else:
        st.markdown(
            "Stored requests keep the price they were loaded with. Repricing computes it by the list and the price file of today."
        )
        reprice_steps(view, lake)
    _history(lake)


def ask_for_preview(name: str | None = None) -> None:
    """Lets the next run make the preview; of the model of a name, which stays chosen when it is not the first without a price."""
    st.session_state[_WANTS_PREVIEW] = True
    if name:
        st.session_state["price_model"] = name


def say_entry_was_written(place: str, key: str, preview: Callable[[], None]) -> None:
    """Says, once, what the last click did to the price file, or why nothing, and offers a preview of what that changes."""
    if title := say_outcome(place, title=NOT_CHANGED):
        st.success("Stored requests keep the price they have until they are repriced.", title=title, icon=":material/check_circle:")
        st.button("Preview what it changes", key=key, icon=":material/preview:", on_click=preview)


def reprice_steps(view: View, lake: Lake, name: str | None = None) -> None:
    """Steps 2 and 3 of setting a price: what would change in the requests of a model (None: of all), and doing it."""
    model = provider_and_model(name)[1] if name else None
    st.header("2 · Preview" if model else "Preview", anchor=False)
    scope = st.radio("Requests", [ALL, PERIOD], key="reprice_scope", horizontal=True)
    span = (view.period.start, view.period.end) if scope == PERIOD else (None, None)
    question = (span, model, view.version, current_book(lake).version)
    st.button("Preview", icon=":material/preview:", key="reprice_preview", on_click=ask_for_preview, args=(name,))
    if st.session_state.pop(_WANTS_PREVIEW, False):
        with st.spinner("Computing prices …", show_time=True):
            try:
                st.session_state[_PREVIEW] = question, lake.repricing(pricing(current_book(lake).book), span, model)
            except LakeError as problem:
                st.error(plain(problem_text(problem)), title="The preview could not be made")
    preview_question, repricing = st.session_state.get(_PREVIEW, (None, None))
    if repricing is not None and preview_question == question:
        days = days_text(view.period.first, view.period.last) if scope == PERIOD else "all days"
        _show_preview(repricing, days, model, lambda why: _apply(lake, span, model, why))
    act_and_say(lake)


def _show_preview(change: Repricing, days: str, model: str | None, apply: Callable[[str], None]) -> None:
    """What would change, with the largest changes, and the button that does it."""
    if not change.requests:
        of_model = f" of {model}" if model else ""
        sentence = f"Every request{of_model} of {days} has the price that holds for it."
        st.info(plain(sentence), title="Nothing would change", icon=":material/check:")
        return
    before, after = st.columns(2)
    before.metric("List cost before", _sum(change.before_usd, change.unpriced_before), border=True)
    after.metric("List cost after", _sum(change.after_usd, change.unpriced_after), border=True)
    st.caption(
        f"{formats.counted(change.requests, 'request')} of {formats.counted(change.models, 'model')} would change: "
        f"{formats.exact_count(change.unpriced_before)} have no price now, {formats.exact_count(change.unpriced_after)} after. "
        "What sources reported is not touched."
    )
    if model is None:
        _changes("model", change.by_model)
    _changes("user", change.by_user)
    st.header("3 · Apply" if model else "Apply", anchor=False)
    why = st.text_input("Why", key="reprice_why", placeholder="new contract from June", width=480)
    label = f"Reprice {formats.counted(change.requests, 'request')}"
    st.button(label, type="primary", key="reprice_apply", on_click=apply, args=(why,))


def _sum(amount: Any, unpriced: int) -> str:
    return f"≥{formats.GAP}{formats.usd(amount)}" if unpriced else formats.usd(amount)


def _changes(dimension: str, changes: Sequence[Change]) -> None:
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
        name=f"changes-{dimension}",
        columns={
            "name": st.column_config.TextColumn(dimension.capitalize(), width="medium"),
            "requests": st.column_config.NumberColumn("Requests", format="localized"),
            **{name: st.column_config.NumberColumn(title, format="$%,.4f") for name, title in usd.items()},
        },
        alt_text=f"The largest changes by {dimension}: requests, cost before and after",
    )


def _history(lake: Lake) -> None:
    st.header("History", anchor=False)
    acts = lake.repricings().to_pylist() if lake.exists else []
    if not acts:
        empty("Nothing was repriced yet", "A repricing is listed here, and can be undone.")
    undone = _undone(acts)
    for repricing in acts:
        with st.container(border=True):
            text_column, button_column = st.columns([8, 1], vertical_alignment="center")
            with text_column:
                kind = "put back (undo)" if repricing["undoes"] else "repriced"
                sums = f"{formats.usd(repricing['before_usd'])} → {formats.usd(repricing['after_usd'])}"
                count = formats.counted(repricing["requests"], "request")
                st.markdown(f"**{repricing['done_at']:%Y-%m-%d %H:%M} UTC** · {count} {kind} · {plain(sums)}")
                texts = [repricing["who"], repricing["why"], repricing["prices"], f"id {repricing['id']}"]
                st.caption(plain(" · ".join(text for text in texts if text)))
            with button_column:
                if repricing["id"] in undone:
                    st.badge("Undone", icon=":material/undo:", color="gray")
                elif not repricing["undoes"]:
                    _undo_button(lake, repricing["id"], f"undo_{repricing['id']}")


def _undone(acts: Sequence[dict[str, Any]]) -> set[str]:
    """The ids of the acts that another one has put back, which was not put back itself. The newest act comes first."""
    undone: set[str] = set()
    for repricing in acts:
        if repricing["undoes"] and repricing["id"] not in undone:
            undone.add(repricing["undoes"])
    return undone


def _undo_button(lake: Lake, undone: str, key: str) -> None:
    if may("reprice"):
        st.button("Undo", key=key, icon=":material/undo:", on_click=_undo, args=(lake, undone))


def _about(lake: Lake, why: str | None) -> dict[str, str | None]:
    return {"who": actor(), "why": why or None, "prices": current_book(lake).version}


def _apply(lake: Lake, span: Any, model: str | None, why: str) -> None:
    price = pricing(current_book(lake).book)
    days = "all days" if span == (None, None) else f"{span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M %Z}"
    what = f"stored requests of {model or 'all models'}, {days}"

    def do() -> Repricing:
        return act(
            "reprice",
            what,
            lambda: lake.reprice(price, span, model, about=_about(lake, why)),
            says=lambda repricing: repricing.summary,
            why=why,
        )

    _do("repriced", do)


def _undo(lake: Lake, undone: str) -> None:
    def do() -> Repricing:
        why = "undone on the page Prices"
        return act(
            "reprice",
            f"undo of {undone}",
            lambda: lake.undo_repricing(undone, about=_about(lake, why)),
            says=lambda repricing: repricing.summary,
        )

    _do("undone", do)


def _do(verb: str, do: Callable[[], Repricing]) -> None:
    """Notes what a click asks for: it is done in the run after that, where its progress is seen."""
    st.session_state[_TO_DO] = verb, do


def act_and_say(lake: Lake) -> None:
    """Does what the last click asked for and shows the page of the lake as it is then, or says what was done."""
    verb, do = st.session_state.pop(_TO_DO, (None, None))
    if do is not None:
        with st.spinner("Writing prices …", show_time=True):
            try:
                st.session_state[_OUTCOME] = verb, do()
            except LakeError as problem:
                st.session_state[_OUTCOME] = verb, str(problem)
        st.session_state.pop(_PREVIEW, None)
        st.rerun()
    verb, outcome = st.session_state.pop(_OUTCOME, (None, None))
    if isinstance(outcome, str):
        st.error(plain(outcome), title="Nothing was changed")
    elif outcome is not None and not outcome.requests:
        st.info("These requests have other prices by now: look at the history.", title="Nothing was changed")
    elif outcome is not None:
        count = formats.counted(outcome.requests, "request")
        sums = f"List cost {_sum(outcome.before_usd, outcome.unpriced_before)} → {_sum(outcome.after_usd, outcome.unpriced_after)}"
        sentence = plain(f"{sums}, in version {outcome.version} of the lake.")
        st.success(sentence, title=f"{count} {verb}", icon=":material/check_circle:")
        if verb == "repriced":
            _undo_button(lake, outcome.id, "undo_done")
