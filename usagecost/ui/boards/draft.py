"""A board that is being changed: kept for its reader's session until it is saved, once, or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from usagecost.boards import Board, Panel, Shelved
from usagecost.ui.boards.form import WIDTHS

_DRAFTS = "_board_drafts"
LONGEST_TITLE = 120


@dataclass(frozen=True)
class Draft:
    """A board as its reader wants it, and as it was when they began. ``revision`` counts what was done to its list of panels."""

    base: Shelved
    board: Board
    revision: int = 0

    @property
    def name(self) -> str:
        """The name of the board's file."""
        return self.base.name

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to save."""
        return self.board != self.base.board

    def with_panels(self, panels: Sequence[Panel]) -> Draft:
        """The draft with other panels, whose rows are not those of before."""
        return replace(self, board=self.board.model_copy(update={"panel": tuple(panels)}), revision=self.revision + 1)


def begin(shelved: Shelved) -> None:
    """Begins to change a board; one whose file is broken cannot be changed."""
    if shelved.board:
        keep(Draft(shelved, shelved.board))


def draft_of(name: str) -> Draft | None:
    """The draft of a board by the name of its file, if it is being changed."""
    return st.session_state.get(_DRAFTS, {}).get(name)


def drafts() -> list[Draft]:
    """All drafts of the reader."""
    return list(st.session_state.get(_DRAFTS, {}).values())


def keep(draft: Draft) -> None:
    """Puts a draft in the place of its former state."""
    st.session_state.setdefault(_DRAFTS, {})[draft.name] = draft


def drop(name: str) -> None:
    """Forgets a draft, with what was changed in it."""
    st.session_state.get(_DRAFTS, {}).pop(name, None)


def with_edits(panels: Sequence[Panel], edits: Mapping[int, Mapping[str, Any]]) -> tuple[Panel, ...]:
    """The panels with what was typed into their rows: ``title``, ``width``, and ``order``, the place from 1 that one moves to."""
    changed = [_with_cells(panel, edits.get(row, {})) for row, panel in enumerate(panels)]
    moves = sorted((int(cells["order"]), row) for row, cells in edits.items() if cells.get("order"))
    moving = {row for _, row in moves}
    arranged = [panel for row, panel in enumerate(changed) if row not in moving]
    for place, row in moves:
        arranged.insert(max(place - 1, 0), changed[row])
    return tuple(arranged)


def _with_cells(panel: Panel, cells: Mapping[str, Any]) -> Panel:
    typed: dict[str, Any] = {}
    if "title" in cells:
        typed["title"] = str(cells["title"] or "").strip()[:LONGEST_TITLE]
    if cells.get("width") in WIDTHS:
        typed["width"] = cells["width"]
    return panel.model_copy(update=typed)
