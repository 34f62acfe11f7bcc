"""The view in the address: all that a reader chose stands in the URL, and one step of the reader is one entry of the history.

A widget that Streamlit binds to the URL replaces the browser's history entry, so that Back would leave the app; what a script
writes pushes one. So no widget is bound: its state is set from the URL where that has changed from outside (a link, a reload,
Back), and is written to it, all at once and before anything is drawn, where a widget has changed it. Defaults are left out.

A reader who clicks twice is faster than a busy machine: the second click may tell the URL of before the first. That is no change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from time import monotonic
from typing import Any, Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

Query = dict[str, list[str]]
"""Parameter of the URL -> its values."""

_PAGE, _WRITTEN_QUERY, _FORMER, _LAST_VALUES, _PAGE_QUERIES = "_page", "_written", "_former", "_stood", "_own"
FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Of days that a link may say: those beyond have no instants in every zone."""
LAG = 5.0
"""Seconds within which a browser knows the URL that was written."""


@dataclass(frozen=True)
class Choice:
    """What one name in the URL means: a text, one of some options, several texts, a flag, a number or two days.

    Where options have names, a URL may say one of these as well.
    """

    kind: Literal["text", "texts", "flag", "number", "days"] = "text"
    default: Any = None
    options: Collection[str] | Mapping[str, str] | None = None

    def read(self, texts: Sequence[str]) -> Any:
        """The value that a URL says; the default where it says nothing, or nonsense."""
        filled = [text for text in texts if text]
        if not filled:
            return list(self.default or ()) if self.kind == "texts" else self.default
        try:
            return self._value(filled)
        except ValueError:
            return self.default

    def _value(self, texts: Sequence[str]) -> Any:
        if self.kind == "texts":
            return [text for text in texts if self.options is None or text in self.options]
        if self.kind == "days":
            days = sorted(date.fromisoformat(text) for text in texts[:2])
            if days[0].year < FIRST_YEAR or days[-1].year > LAST_YEAR:
                raise ValueError(texts)
            return days[0], days[-1]
        if self.kind == "flag":
            return texts[0] == "true"
        if self.kind == "number":
            number = float(texts[0])
            return number if isfinite(number) else self.default
        if self.options is None or texts[0] in self.options:
            return texts[0]
        names = self.options if isinstance(self.options, Mapping) else {}
        return next((value for value, name in names.items() if name == texts[0]), self.default)

    def texts(self, value: Any) -> list[str]:
        """The value as the URL says it; nothing for the default."""
        if value is None or value in (self.default, "", []) or (self.kind == "texts" and list(value) == list(self.default or ())):
            return []
        if self.kind == "flag":
            return ["true"] if value else []
        if self.kind in ("texts", "days"):
            return [str(part) for part in value]
        return [f"{value:.15g}" if self.kind == "number" else str(value)]


Choices = Mapping[str, Choice]


def begin(page: str, shared: Choices, own: Choices) -> None:
    """Brings the URL and the state of widgets together, the first of them that has changed deciding. The first call of a page.

    `shared` are choices of all pages, `own` those of this one, with which a link of the menu leads back to it.
    """
    choices = {**shared, **own}
    query = _query(choices)
    if st.session_state.get(_WRITTEN_QUERY) != (page, query) and not _lags(page, query):
        for name, choice in choices.items():
            st.session_state[name] = choice.read(query.get(name, []))
        st.session_state[_WRITTEN_QUERY] = page, query
    else:
        last_values = st.session_state[_LAST_VALUES]
        for name in choices:  # a widget that was not drawn has lost its state
            st.session_state[name] = st.session_state.get(name, last_values.get(name))
    st.session_state[_PAGE] = page, choices
    st.session_state[_LAST_VALUES] = {name: st.session_state[name] for name in choices}
    st.session_state.setdefault(_PAGE_QUERIES, {})[page] = _query_of(own)
    write()


def set_choices(**values: Any) -> None:
    """Sets choices in the middle of a run, and writes them to the URL."""
    for name, value in values.items():
        st.session_state[name] = value
        st.session_state[_LAST_VALUES][name] = value
    write()


def write() -> None:
    """Writes the state to the URL, in one step, unless the URL means the same already."""
    page, choices = st.session_state[_PAGE]
    query_now = _query_of(choices)
    _, query = st.session_state[_WRITTEN_QUERY]
    query_read = {name: choice.texts(choice.read(query.get(name, []))) for name, choice in choices.items()}
    if query_now != {name: texts for name, texts in query_read.items() if texts}:
        others = {name: st.query_params.get_all(name) for name in st.query_params if name not in choices}
        st.query_params.from_dict({**query_now, **others})
        st.session_state[_FORMER] = [*_former(), (page, query, monotonic())]
        st.session_state[_WRITTEN_QUERY] = page, query_now


def page_query(page: str, shared: Choices) -> Query:
    """Returns the parameters of a link to a page: the present view, and the page's own choices as they last were."""
    return {**_query_of(shared), **st.session_state.get(_PAGE_QUERIES, {}).get(page, {})}


def current_page() -> str:
    """The page that is shown, by its title."""
    page, _ = st.session_state.get(_PAGE, ("", {}))
    return page


def _former() -> list[tuple[str, Query, float]]:
    """What the last writes replaced: page, parameters and when."""
    return [query for query in st.session_state.get(_FORMER, []) if monotonic() - query[2] < LAG]


def _lags(page: str, query: Query) -> bool:
    """Whether a browser tells a URL that was just replaced, other than by going back to it."""
    run = get_script_run_ctx()
    return any(former_query[:2] == (page, query) for former_query in _former()) and not (run and run.is_history_navigation)


def _query_of(choices: Choices) -> Query:
    texts_of = {name: choice.texts(st.session_state.get(name)) for name, choice in choices.items()}
    return {name: texts for name, texts in texts_of.items() if texts}


def _query(choices: Choices) -> Query:
    return {name: st.query_params.get_all(name) for name in choices if name in st.query_params}
