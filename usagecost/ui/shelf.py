"""The boards of the app and of the configured lake, as every page needs them: the menu has those that are pinned."""

from __future__ import annotations

import textwrap

import streamlit as st

from usagecost.boards import Shelved, boards_folder, shelved_boards
from usagecost.engine import open_lake
from usagecost.lake import Lake, LakeError, TextFolder, lake_root
from usagecost.ui import address, going, viewing
from usagecost.ui.memory import read_beside
from usagecost.ui.reader import may, reading
from usagecost.ui.text import plain

PAGE = "Dashboards"
FILE = "pages/2_Dashboards.py"
LONGEST = 26
"""Letters of a title that the menu has room for."""


def folder() -> TextFolder:
    """Where own boards are: also while the sample is shown, which goes when the first log is loaded."""
    return boards_folder(open_lake(lake_root()))


def _boards(lake: Lake) -> list[Shelved]:
    return shelved_boards(boards_folder(lake))


def shelf() -> list[Shelved]:
    """All boards that the reader may see. Raises LakeError if the own ones cannot be read."""
    shelved = read_beside(lake_root(), _boards)
    scope = reading().scope
    return [one for one in shelved if scope.is_everything or one.is_default or (one.board and one.board.is_for(scope))]


def may_change(shelved: Shelved) -> bool:
    """Whether the reader may change a board."""
    return may("board") and shelved.is_of(reading().name or None)


def pinned_links() -> None:
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
