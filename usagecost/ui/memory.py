"""What was answered is kept for all readers, by what was asked: the one memory of numbers.

Questions name the lake's version, so no answer is ever out of date.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from usagecost.memory import Memory
from usagecost.queries import settled

MOST_BYTES = 600_000_000
"""What is kept altogether, with what is made of it."""

Args = ParamSpec("Args")
Answer = TypeVar("Answer")


@st.cache_resource(max_entries=1, show_spinner=False)
def _memory() -> Memory:
    """The memory of this process: it outlives the modules, which Streamlit imports anew when they are edited."""
    return Memory(MOST_BYTES)


def known(question: Callable[Args, Answer], *args: Args.args, **kwargs: Args.kwargs) -> Answer:
    """The answer of a query function to hashable arguments; no query if it is known."""
    return _memory().of(_key(question, args, kwargs), lambda: question(*args, **kwargs))


def known_for(seconds: float, question: Callable[Args, Answer], *args: Args.args, **kwargs: Args.kwargs) -> Answer:
    """The same of what may change without a new version of the lake: it is asked anew after some time."""
    at = int(time.time() // seconds)
    return _memory().of((seconds, *_key(question, args, kwargs)), lambda: question(*args, **kwargs), at)


def is_known(question: Callable[Args, object], *args: Args.args, **kwargs: Args.kwargs) -> bool:
    """Whether an answer takes no query any more."""
    return _memory().has(_key(question, args, kwargs))


def forget() -> None:
    """Drops everything that is kept."""
    _memory.clear()
    settled.forget()


def _key(question: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Hashable, ...]:
    return question.__module__, question.__qualname__, args, tuple(sorted(kwargs.items()))
