"""Making a budget, changing and removing it: a dialog with a preview, and one file written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import streamlit as st

from usagecost.budgets import Budget, BudgetFile, State, add_budget, budget_text, change_budget, states, view_of_now
from usagecost.budgets.words import before_text, used_text
from usagecost.engine import open_lake
from usagecost.periods import Period
from usagecost.ui.answers import answer
from usagecost.ui.budgets import form
from usagecost.ui.text import plain
from usagecost.ui.writing import say_outcome, try_write
from usagecost.vocabulary.filters import View

CHOICE_DAYS = 90
"""Days up to now whose values a scope can be made of."""
_PLACE = "budgets"


def open_budget(name: str) -> None:
    """Opens the dialog of a budget, or of a new one."""
    form.clear()
    st.session_state["budget"] = name


def close() -> None:
    """Closes the dialog."""
    st.session_state["budget"] = None


@st.dialog("Budget", width="large", icon=":material/savings:", on_dismiss=close)
def dialog(view: View, original: Budget | None) -> None:
    """The form of a budget, as ``original`` has it, with what it would have said of the last periods."""
    now = view_of_now(view.lake, view.version, view.period.now, view.scope)
    today = now.period.first
    recent = Period(today - timedelta(days=CHOICE_DAYS), today, now.period.zone, now.period.now, is_alone=True)
    drafted = form.budget_form(replace(now, period=recent), original)
    if isinstance(drafted, Budget):
        (state,) = answer(states_of, now, BudgetFile(budget=(drafted,)).model_dump_json())
        st.caption(plain(f"Now: {used_text(state)}."))
        st.caption(plain(f"Before: {before_text(state)}."))
    reason = drafted if isinstance(drafted, str) else "Nothing is changed yet." if drafted == original else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        args = (view.lake, original, drafted)
        if st.button("Save budget", type="primary", key="save_budget", disabled=reason is not None, on_click=_save, args=args):
            st.rerun()
        if reason:
            st.caption(plain(reason), width="stretch")
        if original:
            _removal(view.lake, original)


def states_of(view: View, text: str) -> list[State]:
    """Returns how the budgets of a file, written as JSON, stand."""
    return states(view, BudgetFile.model_validate_json(text).budget)


def _removal(lake: str, original: Budget) -> None:
    """Removing, which asks once more."""
    with st.popover("Remove", icon=":material/delete:", key="remove_budget"):
        st.markdown(f"Remove **{plain(original.name)}**? Its alerts stay recorded.")
        if st.button("Remove budget", key="remove_budget_now", type="primary", on_click=_remove, args=(lake, original)):
            st.rerun()


def _save(lake: str, original: Budget | None, drafted: Budget) -> None:
    close()
    handle, what, outcome, after = open_lake(lake), f"the budget {drafted.name}", f"“{drafted.name}” is saved", budget_text(drafted)
    if original:
        before = budget_text(original)
        try_write(_PLACE, "budget", what, lambda: change_budget(handle, original, drafted), outcome, before=before, after=after)
    else:
        try_write(_PLACE, "budget", what, lambda: add_budget(handle, drafted), outcome, after=after)


def _remove(lake: str, original: Budget) -> None:
    close()
    what, outcome, before = f"the budget {original.name}", f"“{original.name}” is removed", budget_text(original)
    try_write(_PLACE, "budget", what, lambda: change_budget(open_lake(lake), original, None), outcome, before=before)


def say_what_was_written() -> None:
    """Says, once, what the last click changed, or why it changed nothing."""
    if outcome := say_outcome(_PLACE):
        st.toast(plain(outcome), icon=":material/check_circle:")
