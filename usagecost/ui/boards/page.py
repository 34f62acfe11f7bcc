"""The page Dashboards: one board of the shelf, its panels in a grid, refreshed by hand or by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import streamlit as st

from usagecost.boards import Board, Panel, Shelved, boards_folder, shelved_boards
from usagecost.engine import open_lake
from usagecost.filters import View
from usagecost.lake import Lake, LakeError, lake_root
from usagecost.ui.boards.showing import ahead, show
from usagecost.ui.text import plain

EVERY = {"off": None, "10 s": timedelta(seconds=10), "1 min": timedelta(minutes=1), "5 min": timedelta(minutes=5)}
WIDTHS = {"third": 2, "half": 3, "full": 6}
"""Of six parts of a row."""
ROW = 6


def dashboards(view: View) -> None:
    """The choice of a board, and the board."""
    lake = open_lake(lake_root())  # also while the sample is shown, which goes when the first log is loaded
    shelf = shelved_boards(lake)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        by_name = {_label(board): board for board in shelf}
        chosen = st.selectbox("Board", list(by_name), key="board", bind="query-params", width=360)
        every = st.segmented_control(
            "Refresh by itself", list(EVERY), default="off", required=True, key="every", bind="query-params", help=_EVERY_HELP
        )
    _say_where_boards_are(lake, shelf)
    shelved = by_name[chosen]
    if shelved.board is None:
        st.error(plain(str(shelved.problem)), title="This board's file is broken", icon=":material/broken_image:")
        return
    if shelved.board.description:
        st.caption(plain(shelved.board.description))
    st.fragment(_panels, run_every=EVERY[every])(shelved.board, view, shelved.name)


_EVERY_HELP = "Looks for new data this often. The lake is only asked when there is some."


def _label(board: Shelved) -> str:
    """The name in the choice: default boards by their title, own ones by their file's name too, so that no two are alike."""
    return board.title if board.is_default else f"{board.title} · {board.name}.toml"


def _panels(board: Board, view: View, name: str) -> None:
    """All panels of a board at the lake's newest version."""
    try:
        version = open_lake(view.lake).version()
    except LakeError as problem:
        st.warning(plain(str(problem)), title="The lake cannot be read right now", icon=":material/cloud_off:")
        return
    now = replace(view, version=version)
    ahead(board.panel, now)
    place = 0
    for row in rows(board.panel):
        for column, panel in zip(st.columns([WIDTHS[panel.width] for panel in row]), row, strict=True):
            with column, st.container(border=True):
                show(panel, now, f"{name}-{place}")
            place += 1


def rows(panels: Iterable[Panel]) -> Iterator[list[Panel]]:
    """The panels as rows that are filled from left to right; a panel that does not fit any more begins the next."""
    row: list[Panel] = []
    for panel in panels:
        if row and sum(WIDTHS[placed.width] for placed in (*row, panel)) > ROW:
            yield row
            row = []
        row.append(panel)
    if row:
        yield row


def _say_where_boards_are(lake: Lake, shelf: list[Shelved]) -> None:
    """How to have a board of one's own, and which files are broken."""
    broken = [board for board in shelf if board.problem]
    if broken:
        st.warning(" ".join(plain(str(board.problem)) for board in broken), title="Not all boards can be read")
    if not lake.is_remote and not any(not board.is_default for board in shelf):
        st.caption(f"A board of your own is a TOML file in {plain(str(boards_folder(lake)))}; the README shows one.")
