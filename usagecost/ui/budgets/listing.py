"""Every budget with what is used of it, its bar and its alerts, those that are or will be over listed first; and the dialog that
makes, changes and removes one, with a preview.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import streamlit as st

from usagecost.alerts import Alert, Ledger, read_ledger
from usagecost.budgets import (
    Budget,
    BudgetFile,
    BudgetProblem,
    State,
    add_budget,
    budget_text,
    change_budget,
    read_budgets,
    states,
    view_of_now,
)
from usagecost.budgets.words import before_text, forecast_text, left_text, scope_text, used_text
from usagecost.engine import open_lake
from usagecost.lake import LakeError
from usagecost.periods import Period
from usagecost.ui import drilldown
from usagecost.ui.acts import say_outcome, try_write
from usagecost.ui.answers import answer, empty, problem_text, tried
from usagecost.ui.budgets import form
from usagecost.ui.labels import labels_of
from usagecost.ui.reader import may
from usagecost.ui.tables import note_with_link
from usagecost.ui.text import plain
from usagecost.vocabulary.colours import COLORS, MISSING_COLOR
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import counted, percent

CHOICE_DAYS = 90
"""Days up to now whose values a scope can be made of."""
_PLACE = "budgets"
HEIGHT = 12
"""Pixels of a bar."""
NEW = "+"
"""What the URL says in the place of a name where a budget is made."""


def listing(view: View) -> None:
    """Draws the budgets, what can be done with them, and the dialog of the one that the URL names."""
    say_what_was_written()
    lake = open_lake(view.lake)
    try:
        file = read_budgets(lake)
    except (BudgetProblem, LakeError) as problem:
        st.warning(plain(f"{problem_text(problem)} Correct it in the file, then refresh."), title="The budgets cannot be read")
        return
    now = view_of_now(view.lake, view.version, view.period.now, view.scope)
    file = file.model_copy(update={"budget": tuple(budget for budget in file.budget if view.scope.includes(budget.filters))})
    states = answer(states_of, now, file.model_dump_json()) if file.budget else []
    _head(states, now)
    ledger = tried(lambda: read_ledger(lake)) if states else Ledger()
    ledger = ledger if view.scope.is_everything else ledger.about(file.budget)
    labels = labels_of(view)
    for number, state in enumerate(sorted(states, key=_urgency)):
        _card(number, state, scope_text(state.budget, labels), _alerts_of(state, ledger))
    _open_dialog(view, file)


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


def _head(states: Sequence[State], now: View) -> None:
    """The button of a new budget, and how many are over."""
    if not states:
        empty("No budgets yet", "A budget says what requests may cost in a period, and alerts before more is spent.")
    if not (states or may("budget")):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if may("budget"):
            st.button("New budget", key="new_budget", icon=":material/add:", type="primary", on_click=open_budget, args=(NEW,))
        if states:
            over = sum((state.share(state.used) or 0) >= 1 for state in states)
            ahead = sum(is_ahead(state) for state in states)
            counts = f"{counted(len(states), 'budget')}: {over} over, {ahead} forecast to go over."
            help_text = (
                f"Periods are those of {now.period.zone}. Spend is what was reported, else the list price. In a bar, pale is the "
                "forecast, the dashed line the even pace, and the solid one, where more is used, the amount."
            )
            st.caption(plain(counts), help=help_text, width="content")


def is_ahead(state: State) -> bool:
    """Whether a budget is not over yet, and will be by the forecast."""
    return (state.share(state.used) or 0) < 1 <= (state.forecast_share or 0)


def _urgency(state: State) -> tuple[float, float, str]:
    used, ahead = float(state.share(state.used) or 0), float(state.forecast_share or 0)
    return -float(used >= 1), -max(used, ahead), state.budget.name.casefold()


def _card(number: int, state: State, scope: str, fired: Sequence[Alert]) -> None:
    with st.container(border=True, gap="xsmall", key=f"budget_card_{number}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(state.budget.name)}** :small[{plain(scope)}]", width="stretch")
            _buttons(number, state)
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
            for text in filter(None, (used_text(state), forecast_text(state), left_text(state))):
                st.markdown(plain(text), width="content")
        st.html(_bar(state))
        _notes(state, fired)


def _bar(state: State) -> str:
    """The bar of a budget as HTML: what is used, where the forecast ends, and the pace that would just use it up.

    Nothing in it is a text of people or logs.
    """
    used, ahead = float(state.share(state.used) or 0), float(state.forecast_share or 0)
    scale = max(1.0, used, ahead)
    color = COLORS["failed"] if used >= 1 else MISSING_COLOR if ahead >= 1 else COLORS["spend_usd"]
    alt = f"{percent(state.share(state.used))} of the budget used, {percent(state.pace)} of the period over"
    parts = [
        _part(0, ahead / scale, color, 0.3) if ahead > used else "",
        _part(0, used / scale, color, 1),
        _line(state.pace / scale, "2px dashed currentColor"),
        _line(1 / scale, "2px solid currentColor") if scale > 1 else "",
    ]
    track = "background:color-mix(in srgb,currentColor 12%,transparent)"
    return (
        f"<div role='img' aria-label='{alt}' style='position:relative;height:{HEIGHT}px;margin:4px 0;border-radius:3px;{track}'>"
        f"{''.join(parts)}</div>"
    )


def _part(start: float, end: float, color: str, opacity: float) -> str:
    style = f"left:{start:.2%};width:{end - start:.2%};opacity:{opacity}"
    return f"<div style='position:absolute;top:0;height:100%;border-radius:3px;{style};background:{color}'></div>"


def _line(share: float, border: str) -> str:
    return f"<div style='position:absolute;left:calc({share:.2%} - 1px);top:-3px;height:{HEIGHT + 6}px;border-left:{border}'></div>"


def _buttons(number: int, state: State) -> None:
    budget, days = state.budget, (state.used.first, state.used.last)
    with st.container(horizontal=True, width="content", gap="small"):
        st.button(
            "View requests",
            key=f"requests_of_budget_{number}",
            icon=":material/list:",
            type="tertiary",
            on_click=drilldown.open_requests,
            args=(budget.filters,),
            kwargs={"days": days},
        )
        if may("budget"):
            st.button(
                "Edit",
                key=f"edit_budget_{number}",
                icon=":material/edit:",
                type="tertiary",
                on_click=open_budget,
                args=(budget.name,),
            )


def _notes(state: State, fired: Sequence[Alert]) -> None:
    st.caption(plain(f"Before: {before_text(state)}"))
    if state.used.incomplete:
        note_with_link(f"Lower bound: {counted(state.used.incomplete, 'request')} of it without a full price.")
    for alert in fired:
        raised_at = f"{alert.raised['happened_at']:%Y-%m-%d %H:%M} UTC"
        state_words = "" if alert.is_open else ", resolved"
        st.caption(
            f":material/notifications: {plain(alert.raised['title'].removeprefix(f'Budget {state.budget.name}: '))} "
            f"({plain(raised_at + state_words)})"
        )


def _alerts_of(state: State, ledger: Ledger) -> list[Alert]:
    """The alerts of a budget in its running period."""
    about = (state.budget.name, state.used.first.isoformat())
    alerts = (alert for alert in ledger.alerts.values() if (alert.raised["subject"], alert.raised["period"]) == about)
    return [alert for alert in alerts if alert.raised["rule"].startswith("budget")]


def _open_dialog(view: View, file: BudgetFile) -> None:
    """The dialog of the budget that the URL names, if there is one."""
    name = st.session_state["budget"]
    budget_named = next((budget for budget in file.budget if budget.name == name), None)
    if may("budget") and (name == NEW or budget_named):
        dialog(view, budget_named)
