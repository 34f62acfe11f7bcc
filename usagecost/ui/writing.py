"""A click that writes: it is done before the page is drawn again, which then says what came of it, once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from usagecost.access import Act
from usagecost.lake import LakeError
from usagecost.toml_lines import TomlProblem
from usagecost.ui.acts import act
from usagecost.ui.text import plain


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
