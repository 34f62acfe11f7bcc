"""The one cache of answers, for all readers, by question and arguments.

Questions name the lake's version, so no answer is ever out of date.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from usagecost.engine import open_lake
from usagecost.lake import Lake
from usagecost.memory import Memory
from usagecost.queries import settled

MOST_BYTES = 600_000_000
"""Size of the cache, with what is derived from its answers."""
STORE_SECONDS = 10

Args = ParamSpec("Args")
Answer = TypeVar("Answer")


@st.cache_resource(max_entries=1, show_spinner=False)
def _memory() -> Memory:
    """The memory of this process: it outlives the modules, which Streamlit imports anew when they are edited."""
    return Memory(MOST_BYTES)


def cached_answer(question: Callable[Args, Answer], *args: Args.args, **kwargs: Args.kwargs) -> Answer:
    """Returns the answer of a query function to hashable arguments; makes no query if it is cached."""
    return _memory().of(_key(question, args, kwargs), lambda: question(*args, **kwargs))


def cached_answer_for(seconds: float, question: Callable[Args, Answer], *args: Args.args, **kwargs: Args.kwargs) -> Answer:
    """Returns the same of what may change without a new version of the lake: it is queried again after some time."""
    at = int(time.time() // seconds)
    return _memory().of((seconds, *_key(question, args, kwargs)), lambda: question(*args, **kwargs), at)


def is_cached(question: Callable[Args, object], *args: Args.args, **kwargs: Args.kwargs) -> bool:
    """Whether an answer is cached, so that it takes no query."""
    return _memory().has(_key(question, args, kwargs))


@st.cache_resource(max_entries=20, ttl=STORE_SECONDS, show_spinner=False)
def _of_store(key: Hashable, _read: Callable[[Lake], Any], _lake: Lake) -> Any:  # noqa: ARG001 - what is read, and of which lake
    return _read(_lake)


def read_beside(lake: str, read: Callable[[Lake], Answer]) -> Answer:
    """Returns what people wrote beside a lake; of one in a store as it was some seconds ago, as each page that is drawn asks."""
    handle = open_lake(lake)
    return _of_store(_key(read, (lake,), {}), read, handle) if handle.is_remote else read(handle)


def forget_beside() -> None:
    """Something beside a lake was changed: read it again."""
    _of_store.clear()


def forget() -> None:
    """Drops all that is cached."""
    _memory.clear()
    settled.forget()


def _key(question: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Hashable, ...]:
    return question.__module__, question.__qualname__, args, tuple(sorted(kwargs.items()))
