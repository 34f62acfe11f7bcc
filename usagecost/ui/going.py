"""From one page to another. A click is a callback, which may not change the page: it notes where to go, the next run goes there."""

from __future__ import annotations

import streamlit as st

from usagecost.ui.address import Query


def to(page: str, parameters: Query) -> None:
    """Notes that the next run goes to a page, with parameters of its URL."""
    st.session_state["_going"] = page, parameters


def follow() -> None:
    """Goes where the last click led, before anything is drawn; ends the run if there was one."""
    going = st.session_state.pop("_going", None)
    if going is not None:
        page, parameters = going
        st.switch_page(page, query_params=parameters)
