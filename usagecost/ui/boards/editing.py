"""A board in editing: its title, its panels as a table, and below it the board as it will be; or the form of one panel."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from usagecost.boards import MOST_PANELS, Panel, Shelved
from usagecost.lake import TextFolder
from usagecost.ui.boards import changes, draft, form
from usagecost.ui.boards.arranging import arrange, take
from usagecost.ui.boards.draft import LONGEST_TITLE, Draft
from usagecost.ui.boards.showing import show, show_all
from usagecost.ui.text import plain
from usagecost.ui.writing import refuse
from usagecost.vocabulary.filters import View

KEY = "panel"
"""Of the form."""
_EDITED = "_edited_panel"
FORM_AND_PREVIEW = (1, 2)


def save_or_cancel(folder: TextFolder, drafted: Draft, shelf: list[Shelved]) -> None:
    """The end of editing. A board that somebody else has changed since is not overwritten: what was made becomes a copy."""
    if _edited_place(drafted) is not None:
        return
    if drafted.base in shelf:
        st.button(
            "Save",
            key="save_board",
            type="primary",
            icon=":material/check:",
            disabled=not drafted.is_changed,
            on_click=_save,
            args=(folder, drafted.name),
        )
    else:
        st.button("Save as a copy", key="save_copy", type="primary", on_click=_save_copy, args=(folder, drafted.name))
    st.button("Cancel", key="cancel_board", on_click=draft.drop, args=(drafted.name,))


def edit(drafted: Draft, view: View, shelf: list[Shelved]) -> None:
    """The board with everything to change it."""
    if drafted.base not in shelf:
        st.warning(
            "Your changes are kept here. Save them as a copy, or cancel to see the board as it is now.",
            title="This board has changed since you began",
            icon=":material/group:",
        )
    if (place := _edited_place(drafted)) is not None:
        _form(drafted, view, place)
        return
    _heading(drafted)
    panels = drafted.board.panel
    if panels:
        arrange(drafted, begin_panel)
    st.button(
        "Add panel",
        key="add_panel",
        icon=":material/add:",
        on_click=begin_panel,
        args=(drafted.name, len(panels)),
        disabled=len(panels) >= MOST_PANELS,
        help=f"A board has up to {MOST_PANELS} panels.",
    )
    show_all(panels, view, drafted.name)


def begin_first_panel(shelved: Shelved) -> None:
    """Begins to change a board that is empty, with the form of a panel."""
    draft.begin(shelved)
    begin_panel(shelved.name, 0)


def begin_panel(name: str, place: int) -> None:
    """Opens the form of a panel of a draft; at the place after the last one, of a new panel."""
    take(name)
    if drafted := draft.draft_of(name):
        panels = drafted.board.panel
        st.session_state[_EDITED] = name, place
        form.begin(panels[place] if place < len(panels) else form.WHOLE_PANEL, KEY)


def preview_of(panel: Panel | str, view: View) -> None:
    """What the form's panel shows, or why there is nothing to show yet."""
    if isinstance(panel, str):
        st.info(plain(panel), title="Not a panel yet", icon=":material/rule:")
    else:
        with st.container(border=True):
            show(panel, view, "preview")


def _heading(drafted: Draft) -> None:
    """Title and description."""
    for column, field, most in zip(st.columns([1, 2]), ("title", "description"), (LONGEST_TITLE, 1_000), strict=True):
        column.text_input(
            field.capitalize(),
            getattr(drafted.board, field),
            key=f"{field}_{drafted.name}",
            max_chars=most,
            on_change=_rename,
            args=(drafted.name, field),
        )
    if any(line.lstrip().startswith("#") for line in (drafted.base.text or "").splitlines()):
        st.caption("This board's file has comments. Saving here removes them.")


def _rename(name: str, field: str) -> None:
    drafted, key = draft.draft_of(name), f"{field}_{name}"
    text = st.session_state[key].strip()
    if drafted and field == "title" and not text:
        refuse(changes.PLACE, "A board needs a title.")
        st.session_state[key] = drafted.board.title
    elif drafted:
        draft.keep(replace(drafted, board=drafted.board.model_copy(update={field: text})))


def _form(drafted: Draft, view: View, place: int) -> None:
    """The form of a panel, and what it would show."""
    controls, preview = st.columns(FORM_AND_PREVIEW, gap="medium")
    with controls:
        panel = form.form(view, KEY)
        with st.container(horizontal=True):
            st.button(
                "Update panel" if place < len(drafted.board.panel) else "Add panel",
                key="save_panel",
                type="primary",
                icon=":material/check:",
                disabled=isinstance(panel, str),
                on_click=_put_panel,
                args=(drafted.name, place),
            )
            st.button("Cancel", key="cancel_panel", on_click=_close)
    with preview:
        preview_of(panel, view)


def _edited_place(drafted: Draft) -> int | None:
    """Which panel's form is open; one more than there are is a new one. None if none is."""
    name, place = st.session_state.get(_EDITED, (None, 0))
    return place if name == drafted.name and place <= len(drafted.board.panel) and form.is_begun(KEY) else None


def _put_panel(name: str, place: int) -> None:
    panel, drafted = form.panel_of(KEY), draft.draft_of(name)
    if isinstance(panel, str):
        refuse(changes.PLACE, panel)
    elif drafted:
        panels = drafted.board.panel
        draft.keep(drafted.with_panels([*panels[:place], panel, *panels[place + 1 :]]))
        _close()


def _close() -> None:
    st.session_state.pop(_EDITED, None)


def _save(folder: TextFolder, name: str) -> None:
    take(name)
    drafted = draft.draft_of(name)
    if drafted and changes.save(folder, drafted.base, drafted.board, f"“{drafted.board.title}” is saved"):
        draft.drop(name)


def _save_copy(folder: TextFolder, name: str) -> None:
    take(name)
    drafted = draft.draft_of(name)
    if drafted and changes.duplicate(folder, drafted.board):
        draft.drop(name)
