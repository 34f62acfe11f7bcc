"""Changing boards: a draft for its reader's session, until it is saved or given up; each change is one file, and can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from usagecost.boards import Board, Panel, Shelved, board_text, file_name, shelved_boards
from usagecost.lake import LakeError, TextFolder
from usagecost.ui.acts import refuse, say_outcome, try_write
from usagecost.ui.boards.form import WIDTHS
from usagecost.ui.memory import forget_beside
from usagecost.ui.reader import reading
from usagecost.ui.text import plain

_CHANGE, PLACE = "_board_change", "boards"
_DRAFTS = "_board_drafts"
LONGEST_TITLE = 120


@dataclass(frozen=True)
class Change:
    """What was done to a board's file, in words that begin a sentence; its texts before and after, None where there is none."""

    outcome: str
    name: str
    before: str | None
    after: str | None


def make(folder: TextFolder, change: Change) -> bool:
    """Writes the change, unless somebody else has changed the board since it was seen; whether it was written."""
    is_done = try_write(
        PLACE,
        "board",
        f"{change.name}: {change.outcome}",
        lambda: folder.put(change.name, change.after, seen=change.before),
        before=change.before,
        after=change.after,
    )
    forget_beside()
    if is_done:
        st.session_state[_CHANGE] = change
    return is_done


def save(folder: TextFolder, shelved: Shelved, board: Board, outcome: str) -> bool:
    """Puts another board in the place of the one that was shown; whether it was written."""
    return make(folder, Change(outcome, shelved.name, shelved.text, board_text(board)))


def add(folder: TextFolder, board: Board, outcome: str) -> Shelved | None:
    """Makes a new board, of the reader's own, and chooses it; None if it could not be written."""
    try:
        name = file_name(board.title, [shelved.name for shelved in shelved_boards(folder)])
    except LakeError as problem:
        refuse(PLACE, str(problem))
        return None
    own = board.model_copy(update={"owner": reading().name, "pinned": False, "shared": False})
    if not make(folder, Change(outcome, name, None, board_text(own))):
        return None
    st.session_state["board"] = name
    return Shelved(name, board_text(own), own)


def duplicate(folder: TextFolder, board: Board) -> Shelved | None:
    """Makes a copy of a board, of the reader's own, and chooses it."""
    copy = board.model_copy(update={"title": f"{board.title[:113]} (copy)"})
    return add(folder, copy, f"“{copy.title}” is saved")


def delete(folder: TextFolder, shelved: Shelved) -> None:
    """Removes a board's file."""
    make(folder, Change(f"“{shelved.title}” is deleted", shelved.name, shelved.text, None))


def undo(folder: TextFolder, change: Change) -> None:
    """Puts back what was there before a change."""
    if make(folder, Change(f"Undone: {change.outcome}", change.name, change.after, change.before)):
        st.session_state.pop(_CHANGE)
        if change.before is not None:
            st.session_state["board"] = change.name


def last_deleted() -> str | None:
    """The name of the board that the last change has removed, of which the reader need not be told."""
    change: Change | None = st.session_state.get(_CHANGE)
    return change.name if change and change.after is None else None


def say(folder: TextFolder, *, undoes: bool = True) -> None:
    """Why something could not be changed, or else what was changed last, with its undoing."""
    say_outcome(PLACE)
    change: Change | None = st.session_state.get(_CHANGE)
    if change and undoes:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f":material/check: {plain(change.outcome)}.", width="content")
            st.button("Undo", key="undo_board", type="tertiary", icon=":material/undo:", on_click=undo, args=(folder, change))


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
