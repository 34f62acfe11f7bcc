"""The one way to act on a page: it asks whether the reader's role includes it, does it, and records that it was tried.

A click acts before the page is drawn again, which then says what came of it, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from usagecost.access import Act, Reader
from usagecost.audit import PAGE, Entry, operator, recorded
from usagecost.engine import open_lake
from usagecost.lake import LakeError, lake_root
from usagecost.toml_lines import TomlProblem
from usagecost.ui.reader import NOBODY, reading
from usagecost.ui.text import plain

T = TypeVar("T")


class NotAllowed(LakeError):  # noqa: N818 - a sentence for who asks
    """Why somebody may not do what they ask for, in a sentence."""


def act(
    kind: Act,
    what: str,
    do: Callable[[], T],
    *,
    before: str | None = None,
    after: str | None = None,
    says: Callable[[T], str] | None = None,
    why: str | None = None,
) -> T:
    """Does what a reader asks for, and returns what comes of it; raises NotAllowed where their role does not include it.

    ``what`` says in words what is meant; ``before`` and ``after`` what it was and is, or what comes of it ``says`` the latter. The
    configured lake keeps a record of it, also of what is refused or fails.
    """
    with recorded(open_lake(lake_root()), Entry("unknown", PAGE, kind, what, before, why=why or None)) as entry:
        reader = _reader()
        entry.who = _reader_name(reader)
        if not reader.may(kind):
            raise NotAllowed(
                f"Your role, {reader.role}, does not include this: an administrator can do it, or give you another role."
            )
        result = do()
        entry.after = says(result) if says else after
    return result


def actor() -> str:
    """Who acts."""
    return _reader_name(_reader())


def _reader_name(reader: Reader) -> str:
    return "nobody" if reader == NOBODY else reader.name or operator()


def _reader() -> Reader:
    try:
        return reading()
    except TomlProblem as problem:
        raise NotAllowed(f"Who may do what cannot be read: {problem}") from None


def try_write(
    place: str,
    kind: Act,
    what: str,
    do: Callable[[], object],
    outcome: str = "",
    *,
    before: str | None = None,
    after: str | None = None,
) -> bool:
    """Does what a click at a place of the page asks for, as `act` does; whether it was done."""
    try:
        act(kind, what, do, before=before, after=after)
    except (TomlProblem, LakeError, OSError) as problem:
        refuse(place, str(problem))
        return False
    st.session_state[_key(place)] = True, outcome
    return True


def refuse(place: str, problem: str) -> None:
    """Notes why what was asked for at a place is not done."""
    st.session_state[_key(place)] = False, problem


def say_outcome(place: str, *, title: str = "Nothing was changed") -> str | None:
    """Says why the last click at a place did nothing; or returns what it did, in its words. None where there was none."""
    is_done, sentence = st.session_state.pop(_key(place), (True, None))
    if is_done:
        return sentence
    st.error(plain(sentence), title=title, icon=":material/error:")
    return None


def _key(place: str) -> str:
    return f"_written at {place}"
