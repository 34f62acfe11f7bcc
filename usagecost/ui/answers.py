"""Asking for numbers from a page: progress while it takes a while, a calm message when it cannot be answered."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from typing import NoReturn, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import streamlit as st

from usagecost import queries, start
from usagecost.access import AccessProblem
from usagecost.engine import UnansweredError
from usagecost.lake import LakeError
from usagecost.periods.words import days_text
from usagecost.ui import address, viewing
from usagecost.ui.memory import cached_answer, is_cached
from usagecost.ui.reader import check, may, reading
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View

Args = ParamSpec("Args")
Answer = TypeVar("Answer")


_NOT_TOLD = "Try again in a moment. If it stays so, tell who runs this app: its log says why."
_FOLDERS = re.compile(r"(?:\w+:/)?/[^\s,;:'\"]*/")
"""Of a path or address all but its end."""
_WAITING, _LAST_PAGE = "_waits_for_numbers", "_page_shown"


def answer(question: Callable[Args, Answer], *args: Args.args, **kwargs: Args.kwargs) -> Answer:
    """The answer of a query function, kept for all readers: nobody may change it. See `tried`.

    While a page that shows nothing yet waits for its first numbers, it shows a skeleton of them.
    """
    for view in args:
        if isinstance(view, View):
            check(view)
    slot = st.session_state.pop(_WAITING, None) if question is queries.usage else None
    waits = not is_cached(question, *args, **kwargs)
    if slot is None or not waits:
        return tried(lambda: cached_answer(question, *args, **kwargs), waits=waits)
    start.show_numbers(slot)
    result = tried(lambda: cached_answer(question, *args, **kwargs))
    start.clear()
    return result


def begin_waiting(page: str) -> None:
    """Keeps a place for the skeleton of a page of which nothing is on the screen: it is another than the last run's."""
    slot = st.empty()
    st.session_state[_WAITING] = slot if st.session_state.get(_LAST_PAGE) != page else None
    st.session_state[_LAST_PAGE] = page


def tried(ask: Callable[[], Answer], *, waits: bool = True) -> Answer:
    """What is asked of a lake. When it cannot be read, the page says why and what to do, and stops there.

    Progress is told by a thread of its own, so only where the reader ``waits``.
    """
    try:
        with st.spinner("Reading the lake …", show_time=True) if waits else nullcontext():
            return ask()
    except (LakeError, UnansweredError) as problem:
        unreadable(problem)


def unreadable(problem: Exception) -> NoReturn:
    """A calm message instead of a stack trace; ends the page."""
    start.clear()
    st.warning(plain(problem_text(problem)), title="The numbers cannot be read right now", icon=":material/cloud_off:")
    st.button("Try again", icon=":material/refresh:")
    st.stop()


def problem_text(problem: Exception) -> str:
    """What is wrong, in the words for who reads: folders of the server are for administrators, and where somebody may not see
    everything, no reason at all, as it may name what is not theirs.
    """
    logging.getLogger(__name__).warning("Something cannot be read", exc_info=problem)
    try:
        reader = reading()
    except (AccessProblem, LakeError):
        return _NOT_TOLD
    if not reader.sees_everything:
        return _NOT_TOLD
    return str(problem) if reader.role == "admin" else _FOLDERS.sub("", str(problem))


def is_without_data(view: View) -> bool:
    """Whether all data of the lake is of days outside the period, or there is none."""
    days = _data_days(view)
    return not days or days[1] < view.period.first or days[0] > view.period.last


def _data_days(view: View) -> tuple[date, date] | None:
    """The days of the oldest and the newest request."""
    span, zone = answer(queries.data_span, view.lake, view.version, view.scope), ZoneInfo(view.period.zone)
    return (span[0].astimezone(zone).date(), span[1].astimezone(zone).date()) if span else None


def no_requests(view: View) -> None:
    """Says that the view has no requests, and offers what would show some: where the data is, all of it, or no filters."""
    span, days = answer(queries.data_span, view.lake, view.version, view.scope), _data_days(view)
    if not span or not days:
        if view.scope.is_everything:
            empty("The lake is empty", "Load logs on the page Sources, and their numbers show here.")
            load_logs_link("Load logs")
        else:
            empty("No requests of yours yet", "Once requests are logged under your name, their numbers show here.")
        return
    (oldest, newest), elsewhere = days, is_without_data(view)
    if elsewhere:
        advice = f"Newest data is {days_text(newest, newest)}, oldest {days_text(oldest, oldest)}."
    else:
        advice = "Choose another date range, or remove a filter." if view.filters.conditions else "Choose another date range."
    empty("No requests in this period", advice)
    with st.container(horizontal=True, gap="small"):
        if elsewhere:
            data_days = viewing.newest_days(span, view.period.zone)
            st.button(f"Show {days_text(*data_days)}", key="show_data", type="primary", on_click=viewing.show_days, args=data_days)
        st.button("All time", key="show_all_time", on_click=viewing.show_preset, args=("all",))
        if view.filters.conditions:
            st.button("Remove all filters", key="remove_filters", on_click=viewing.clear_filters)


def load_logs_link(label: str) -> None:
    """A link to where logs are loaded, for who may load some; none where no page of the menu is drawn."""
    if address.current_page() and may("load"):
        query = address.page_query("Sources", viewing.choices())
        st.page_link("pages/5_Sources.py", label=f"**{label}**", icon=":material/database_upload:", query_params=query)


def empty(title: str, advice: str) -> None:
    """Says that there is nothing to show, and what would show something."""
    st.info(advice, title=title, icon=":material/inbox:")
