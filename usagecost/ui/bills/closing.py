"""Closing and reopening a month from the page: asked once more, done in the run after the click, and then said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import streamlit as st

from usagecost.bills.chargeback import ChargebackProblem
from usagecost.bills.closing import CloseProblem, close_month, reopen_month, words
from usagecost.bills.currencies import CurrencyProblem
from usagecost.engine import UnansweredError
from usagecost.lake import Lake, LakeError
from usagecost.ui.acts import act, actor
from usagecost.ui.reader import may
from usagecost.ui.text import plain

PROBLEMS = (CloseProblem, ChargebackProblem, CurrencyProblem, LakeError, UnansweredError)
"""What may be in the way of closing a month, each a sentence."""
_TO_DO, _OUTCOME = "_month_to_close", "_month_closed"


def close_button(lake: Lake, month: date, zone: str) -> None:
    """Draws the button that closes a month, which asks once more, for who may close it."""
    if not may("close"):
        return
    with st.popover(f"Close {words(month)}", icon=":material/lock:", key="close_month", type="primary"):
        st.markdown(
            f"Close **{words(month)}**? Its totals are kept as they are now. What changes of them later stands in the next month's "
            "statement as a correction."
        )
        st.button("Close month", key="close_month_now", type="primary", on_click=_close, args=(lake, month, zone))


def reopen_button(lake: Lake, month: date, zone: str) -> None:
    """Draws the button that reopens a month, which asks why, for who may reopen it."""
    if not may("close"):
        return
    with st.popover("Reopen", icon=":material/lock_open:", key="reopen_month"):
        st.markdown(f"Reopen **{words(month)}**? Its statement is void until it is closed again.")
        why = st.text_input("Why", key="reopen_why", placeholder="a log was missing", live=True)
        args = (lake, month, zone, why)
        st.button("Reopen month", key="reopen_month_now", disabled=not why.strip(), on_click=_reopen, args=args)


def act_and_say() -> None:
    """Does what the last click asked for, and says, once, what was done or why nothing was."""
    message, do = st.session_state.pop(_TO_DO, (None, None))
    if do:
        with st.spinner("Adding up the month …", show_time=True):
            try:
                do()
            except PROBLEMS as problem:
                st.session_state[_OUTCOME] = False, str(problem)
            else:
                st.session_state[_OUTCOME] = True, message
        st.rerun()
    is_done, message = st.session_state.pop(_OUTCOME, (True, None))
    if message and is_done:
        st.toast(plain(message), icon=":material/check_circle:")
    elif message:
        st.error(plain(message), title="Nothing was changed")


def _close(lake: Lake, month: date, zone: str) -> None:
    what = f"close {words(month)}, {zone}"
    _note(
        f"{words(month)} is closed.",
        lambda: act("close", what, lambda: close_month(lake, month, zone, actor(), datetime.now(UTC)), after="closed"),
    )


def _reopen(lake: Lake, month: date, zone: str, why: str) -> None:
    what = f"reopen {words(month)}, {zone}"
    _note(
        f"{words(month)} is open again.",
        lambda: act("close", what, lambda: reopen_month(lake, month, zone, actor(), why, datetime.now(UTC)), after="open", why=why),
    )


def _note(message: str, do: Callable[[], object]) -> None:
    st.session_state[_TO_DO] = message, do
