"""What was answered is kept for all readers, by what was asked: the one memory of numbers, of a bounded size.

Questions name the lake's version, so no answer is ever out of date. Readers who ask the same at once wait for one answer, which
all of them share: nobody may change it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import streamlit as st

MOST_BYTES = 400_000_000
"""What is kept altogether; what was last used longest ago goes first."""
LEAST_BYTES = 10_000
"""What an answer counts for at least."""
LOCKS = 64
NOTHING = object()
"""No answer: None may be one."""

Args = ParamSpec("Args")
Answer = TypeVar("Answer")


@dataclass
class Memory:
    """Answers by their questions, the last used one at the end."""

    answers: OrderedDict[Hashable, tuple[int, Any]] = field(default_factory=OrderedDict)
    bytes: int = 0
    changing: Lock = field(default_factory=Lock)
    asking: tuple[Lock, ...] = field(default_factory=lambda: tuple(Lock() for _ in range(LOCKS)))

    def has(self, question: Hashable) -> bool:
        """Whether the answer is known."""
        return question in self.answers

    def of(self, question: Hashable, ask: Callable[[], Answer], at: int = 0) -> Answer:
        """The answer, asked for if it is not known, or was known ``at`` another time. What fails is not kept."""
        known = self._known(question, at)  # it does not wait for another question that shares its lock
        if known is not NOTHING:
            return known
        with self.asking[hash(question) % LOCKS]:
            known = self._known(question, at)
            if known is not NOTHING:
                return known
            answer = ask()
            with self.changing:
                _, before = self.answers.pop(question, (at, NOTHING))
                self.answers[question] = at, answer
                self.bytes += size_of(answer) - (0 if before is NOTHING else size_of(before))
                while self.bytes > MOST_BYTES and len(self.answers) > 1:
                    _, (_, oldest) = self.answers.popitem(last=False)
                    self.bytes -= size_of(oldest)
            return answer

    def _known(self, question: Hashable, at: int) -> Any:
        with self.changing:
            since, answer = self.answers.get(question, (at, NOTHING))
            if answer is NOTHING or since != at:
                return NOTHING
            self.answers.move_to_end(question)
            return answer


@st.cache_resource(max_entries=1, show_spinner=False)
def _memory() -> Memory:
    """The memory of this process: it outlives the modules, which Streamlit imports anew when they are edited."""
    return Memory()


@st.cache_resource(max_entries=1, show_spinner=False)
def _brief_memory() -> Memory:
    """The same of what is known for a while: nobody waits there for numbers that somebody else asks for."""
    return Memory()


def known(question: Callable[Args, Answer], *args: Args.args, **kwargs: Args.kwargs) -> Answer:
    """The answer of a query function to hashable arguments; no query if it is known."""
    return _memory().of(_key(question, args, kwargs), lambda: question(*args, **kwargs))


def known_for(seconds: float, question: Callable[Args, Answer], *args: Args.args, **kwargs: Args.kwargs) -> Answer:
    """The same of what may change without a new version of the lake: it is asked anew after some time."""
    at = int(time.time() // seconds)
    return _brief_memory().of((seconds, *_key(question, args, kwargs)), lambda: question(*args, **kwargs), at)


def is_known(question: Callable[Args, object], *args: Args.args, **kwargs: Args.kwargs) -> bool:
    """Whether an answer takes no query any more."""
    return _memory().has(_key(question, args, kwargs))


def forget() -> None:
    """Drops everything that is kept."""
    _memory.clear()
    _brief_memory.clear()


def size_of(answer: object) -> int:
    """About how many bytes an answer takes."""
    return max(LEAST_BYTES, int(getattr(answer, "nbytes", 0)))


def _key(question: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Hashable, ...]:
    return question.__module__, question.__qualname__, args, tuple(sorted(kwargs.items()))
