"""The boards that stand in the menu, below the page that shows them."""

from __future__ import annotations

import textwrap

import streamlit as st

from usagecost.lake import LakeError
from usagecost.ui import address, going, viewing
from usagecost.ui.reader import reading
from usagecost.ui.shelf import shelf
from usagecost.ui.text import plain

PAGE = "Dashboards"
FILE = "pages/2_Dashboards.py"
LONGEST = 26
"""Letters of a title that the menu has room for."""


def links() -> None:
    """One quiet link a pinned board of the reader's; none where the boards cannot be read, which their page says."""
    try:
        boards = shelf()
    except LakeError:
        return
    board_name = st.session_state.get("board") if address.current_page() == PAGE else None
    pinned = [board for board in boards if board.board and board.board.pinned and board.is_of(reading().name or None)]
    for number, board in enumerate(pinned):
        with st.container(key=f"pinned_{'shown' if board.name == board_name else 'other'}_{number}"):
            st.page_link(
                FILE,
                label=plain(textwrap.shorten(board.title, LONGEST, placeholder=" …")),
                icon=":material/keep:",
                query_params={**address.page_query(PAGE, viewing.choices()), "board": board.name},
            )


def open_board(name: str) -> None:
    """Shows a board, from whichever page."""
    if address.current_page() == PAGE:
        st.session_state["board"] = name
    else:
        going.to(FILE, {**address.page_query(PAGE, viewing.choices()), "board": [name]})
