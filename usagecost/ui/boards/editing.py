"""A board in the making: its title, and its panels with what can be done to each; the one that is edited has its form beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from usagecost.boards import MOST_PANELS, Board, Panel, Shelved
from usagecost.boards.words import title_of
from usagecost.lake import TextFolder
from usagecost.ui.boards import changes, form
from usagecost.ui.boards.grid import grid
from usagecost.ui.boards.showing import show
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View

KEY = "panel"
"""Of the form."""
_EDITED = "_edited_panel"
MORE = {words: width for width, words in form.WIDTHS.items()} | {"Duplicate": None, "Remove": None}
"""What a panel's menu offers -> the width that it sets, if it does."""
FORM_AND_PREVIEW = (1, 2)


@dataclass(frozen=True)
class Draft:
    """A board as it was seen, and where it is saved."""

    folder: TextFolder
    shelved: Shelved

    @property
    def board(self) -> Board:
        """The board; one that is broken cannot be edited."""
        if self.shelved.board is None:
            raise ValueError(self.shelved.name)
        return self.shelved.board

    def save(self, panels: Sequence[Panel], what: str) -> bool:
        """Saves the board with other panels; whether it was."""
        return changes.save(self.folder, self.shelved, self.board.model_copy(update={"panel": tuple(panels)}), what)


def edit(draft: Draft, view: View) -> None:
    """The board with everything to change it."""
    _heading(draft)
    board, place = draft.board, _edited_place(draft)
    panels = list(board.panel)
    if place is not None:  # the form takes a row of its own
        edited = Panel(metrics=("requests",), width="full")
        panels = [*panels[:place], edited, *panels[place + 1 :]]
    for number, panel, box in grid(panels):
        with box:
            if number == place:
                _edited(draft, view, number)
            else:
                _tools(draft, number, panel)
                show(panel, view, f"{draft.shelved.name}-{number}")
    if place is None or place < len(board.panel):
        st.button(
            "Add a panel",
            key="add_panel",
            icon=":material/add:",
            on_click=_begin,
            args=(draft, len(board.panel), form.WHOLE_PANEL),
            disabled=len(board.panel) >= MOST_PANELS,
            help=f"A board has up to {MOST_PANELS} panels.",
        )


def close() -> None:
    """Forgets which panel was edited."""
    st.session_state.pop(_EDITED, None)


def _heading(draft: Draft) -> None:
    """Title and description, saved when they are left."""
    title, description = st.columns([1, 2])
    title.text_input(
        "Title", draft.board.title, key=f"title_{draft.shelved.name}", max_chars=120, on_change=_rename, args=(draft, "title")
    )
    description.text_input(
        "Description",
        draft.board.description,
        key=f"description_{draft.shelved.name}",
        max_chars=1_000,
        on_change=_rename,
        args=(draft, "description"),
    )
    if any(line.lstrip().startswith("#") for line in (draft.shelved.text or "").splitlines()):
        st.caption("This board's file has comments. They are lost when it is changed here; in an editor they are not.")


def _rename(draft: Draft, field: str) -> None:
    text = st.session_state[f"{field}_{draft.shelved.name}"].strip()
    if field == "title" and not text:
        changes.refuse("A board needs a title.")
    elif text != getattr(draft.board, field):
        changes.save(draft.folder, draft.shelved, draft.board.model_copy(update={field: text}), f"The {field} is changed")


def _tools(draft: Draft, number: int, panel: Panel) -> None:
    """What can be done to a panel, above it."""
    key, name = f"{draft.shelved.name}_{number}", plain(title_of(panel))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Edit",
            key=f"edit_{key}",
            icon=":material/edit:",
            type="tertiary",
            help=f"Change “{name}”",
            on_click=_begin,
            args=(draft, number, panel),
        )
        for label, icon, to in (("Move left", "arrow_back", number - 1), ("Move right", "arrow_forward", number + 1)):
            st.button(
                label,
                key=f"{label}_{key}",
                icon=f":material/{icon}:",
                type="tertiary",
                help=f"Move “{name}”",
                disabled=not 0 <= to < len(draft.board.panel),
                on_click=_move,
                args=(draft, number, to),
            )
        st.menu_button("More", list(MORE), key=f"more_{key}", type="tertiary", on_click=_more, args=(draft, number, f"more_{key}"))


def _edited(draft: Draft, view: View, place: int) -> None:
    """The form of a panel, and what it would show."""
    controls, preview = st.columns(FORM_AND_PREVIEW, gap="medium")
    with controls:
        found = form.form(view, KEY)
        with st.container(horizontal=True):
            st.button(
                "Save panel",
                key="save_panel",
                type="primary",
                icon=":material/check:",
                disabled=isinstance(found, str),
                on_click=_save,
                args=(draft, place),
            )
            st.button("Cancel", key="cancel_panel", on_click=close)
    with preview:
        preview_of(found, view)


def preview_of(found: Panel | str, view: View) -> None:
    """What the form's panel shows, or why there is nothing to show yet."""
    if isinstance(found, str):
        st.info(plain(found), title="Not a panel yet", icon=":material/rule:")
    else:
        with st.container(border=True):
            show(found, view, "preview")


def _edited_place(draft: Draft) -> int | None:
    """Which panel is edited; one more than there are is a new one. None if none is."""
    name, place = st.session_state.get(_EDITED, (None, 0))
    if name != draft.shelved.name or place > len(draft.board.panel) or not form.is_begun(KEY):
        return None
    return place


def _begin(draft: Draft, place: int, panel: Panel) -> None:
    st.session_state[_EDITED] = draft.shelved.name, place
    form.begin(panel, KEY)


def _save(draft: Draft, place: int) -> None:
    found = form.said(KEY)
    if isinstance(found, str):
        changes.refuse(found)
    elif draft.save([*draft.board.panel[:place], found, *draft.board.panel[place + 1 :]], f"“{title_of(found)}” is saved"):
        close()


def _move(draft: Draft, number: int, to: int) -> None:
    close()
    panels = list(draft.board.panel)
    panels.insert(to, panels.pop(number))
    draft.save(panels, f"“{title_of(panels[to])}” is moved")


def _more(draft: Draft, number: int, key: str) -> None:
    close()
    chosen, panels = st.session_state[key], list(draft.board.panel)
    panel = panels[number]
    if chosen == "Remove":
        draft.save([*panels[:number], *panels[number + 1 :]], f"“{title_of(panel)}” is removed")
    elif chosen == "Duplicate":
        draft.save([*panels[: number + 1], *panels[number:]], f"“{title_of(panel)}” is duplicated")
    elif width := MORE.get(chosen):
        wider = panel.model_copy(update={"width": width})
        draft.save([*panels[:number], wider, *panels[number + 1 :]], f"“{title_of(panel)}” takes {chosen.lower()}")
