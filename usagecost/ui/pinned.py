"""The boards that stand in the menu, below the page that shows them."""

from __future__ import annotations

import textwrap

import streamlit as st

from usagecost.lake import LakeError
from usagecost.ui import going
from usagecost.ui.reader import reader
from usagecost.ui.shelf import shelf
from usagecost.ui.text import plain

PAGE = "Dashboards"
FILE = "pages/2_Dashboards.py"
LONGEST = 26
"""Letters of a title that the menu has room for."""


def links() -> None:
    """One quiet button a pinned board of the reader's; none where the boards cannot be read, which their page says."""
    try:
        boards = shelf()
    except LakeError:
        return
    for board in boards:
        if board.board and board.board.pinned and board.is_of(reader()):
            st.button(
                plain(textwrap.shorten(board.title, LONGEST, placeholder=" …")),
                key=f"pinned_{board.name}",
                icon=":material/keep:",
                type="tertiary",
                on_click=open_board,
                args=(board.name,),
            )


def open_board(name: str) -> None:
    """Shows a board, from whichever page."""
    if st.session_state.get("_page") == PAGE:
        st.session_state["board"] = name
    else:
        going.to(FILE, board=name)
