"""Asking for numbers from a page: progress while it takes a while, a calm message when it cannot be answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import streamlit as st

from usagecost.engine import UnansweredError
from usagecost.lake import LakeError
from usagecost.ui.memory import known
from usagecost.ui.text import plain

Args = ParamSpec("Args")
Answer = TypeVar("Answer")


def answer(question: Callable[Args, Answer], *args: Args.args, **kwargs: Args.kwargs) -> Answer:
    """The answer of a query function, kept for all readers: nobody may change it. See `tried`."""
    return tried(lambda: known(question, *args, **kwargs))


def tried(ask: Callable[[], Answer]) -> Answer:
    """What is asked of a lake. When it cannot be read, the page says why and what to do, and stops there."""
    try:
        with st.spinner("Reading the lake …", show_time=True):
            return ask()
    except (LakeError, UnansweredError) as problem:
        unreadable(problem)


def unreadable(problem: Exception) -> NoReturn:
    """A calm message instead of a stack trace; ends the page."""
    st.warning(plain(str(problem)), title="The numbers cannot be read right now", icon=":material/cloud_off:")
    st.button("Try again", icon=":material/refresh:")
    st.stop()


def empty(title: str, advice: str) -> None:
    """Says that there is nothing to show, and what would show something."""
    st.info(advice, title=title, icon=":material/inbox:")
