"""From one page, or part of a page, to another.

A click is a callback, which may not change the page: it notes where to go, and the next run goes there.

It goes by a link, which the browser follows at once: `st.switch_page` writes the URL before it changes the page, so that the page
that is left would stand in the browser's history once more, with the filters of the next one.
"""

from __future__ import annotations

import streamlit as st

from usagecost.ui.address import Query

_FOLLOWED = "<script>document.querySelector('.st-key-going a').click()</script>"


def to(page: str, parameters: Query) -> None:
    """Notes that the next run goes to a page, with parameters of its URL."""
    st.session_state["_going"] = page, parameters


def to_part(part: str) -> None:
    """Opens another part of the page, as a click on its tab does."""
    st.session_state["part"] = part


def follow() -> None:
    """Goes where the last click led, before anything is drawn; ends the run if there was one."""
    going = st.session_state.pop("_going", None)
    if going is not None:
        page, parameters = going
        with st.container(key="going"):
            st.page_link(page, label="Opening …", query_params=parameters)
            st.html(_FOLLOWED, unsafe_allow_javascript=True)
        st.stop()
