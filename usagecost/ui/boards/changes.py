"""Changing boards: every change is one file written, is said, and can be undone."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from usagecost.boards import Board, Shelved, board_text, file_name, shelved_boards
from usagecost.lake import LakeError, TextFolder
from usagecost.ui import shelf as shelves
from usagecost.ui.reader import reading
from usagecost.ui.text import plain
from usagecost.ui.writing import refuse, say_outcome, try_write

_CHANGE, PLACE = "_board_change", "boards"


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
    shelves.forget()
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
