"""A board in editing: its title, its panels as a table that is edited in place, and below it the board as it will be; or the form
of one panel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.boards import MOST_PANELS, RULES, Panel, Shelved
from usagecost.boards.panel import title_of
from usagecost.lake import TextFolder
from usagecost.ui.acts import refuse
from usagecost.ui.boards import changes, form
from usagecost.ui.boards.changes import LONGEST_TITLE, Draft
from usagecost.ui.boards.showing import show, show_all
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View

BUTTONS = {"edit": ":material/edit:", "duplicate": ":material/content_copy:", "remove": ":material/delete:"}
"""Column -> what its buttons show."""
ROWS_UNSCROLLED = 13
KEY = "panel"
"""Of the form."""
_EDITED = "_edited_panel"
FORM_AND_PREVIEW = (1, 2)


def arrange(drafted: Draft, edit: Callable[[str, int], None]) -> None:
    """One row per panel, in order. ``edit`` is called with the board's name and the place of the panel whose form is asked for."""
    panels, name = drafted.board.panel, drafted.name
    rows = pd.DataFrame(
        {
            "order": range(1, len(panels) + 1),
            "title": [title_of(panel) for panel in panels],
            "chart": [RULES[panel.chart].label for panel in panels],
            "width": [panel.width for panel in panels],
            **BUTTONS,
        }
    )
    config = st.column_config
    columns = {
        "order": config.NumberColumn(
            "Order", width=70, min_value=1, max_value=len(panels), step=1, required=True, help="Type the place to move a panel to."
        ),
        "title": config.TextColumn(
            "Title", width="medium", max_chars=LONGEST_TITLE, help="Clear it, and the panel is called what it shows."
        ),
        "chart": config.TextColumn("Chart", width=130, disabled=True),
        "width": config.SelectboxColumn(
            "Width", width=130, options=list(form.WIDTHS), format_func=lambda width: form.WIDTHS[str(width)], required=True
        ),
        "edit": _button("edit", 65, lambda row: edit(name, row), name),
        "duplicate": _button("duplicate", 90, lambda row: _duplicate(name, row), name),
        "remove": _button("remove", 80, lambda row: _remove(name, row), name),
    }
    st.data_editor(
        rows,
        key=_key(drafted),
        hide_index=True,
        column_config=columns,
        height="content" if len(rows) <= ROWS_UNSCROLLED else "auto",
        on_change=take,
        args=(name,),
        alt="The panels of this board: order, title, chart and width",
    )


def take(name: str) -> None:
    """Takes what was typed into the table over to the draft. What the table shows as it was typed stays in it."""
    drafted = changes.draft_of(name)
    edits = st.session_state.get(_key(drafted), {}).get("edited_rows", {}) if drafted else {}
    if not drafted or not edits:
        return
    after = drafted.with_panels(changes.with_edits(drafted.board.panel, edits))
    shows_it = all("order" not in cells and cells.get("title", "as before") for cells in edits.values())
    changes.keep(replace(after, revision=drafted.revision) if shows_it else after)


def _key(drafted: Draft) -> str:
    """Of the table: with its rows it becomes another one, which has forgotten what was typed."""
    return f"arrange_{drafted.name}_{drafted.revision}"


def _button(what: str, width: int, act: Callable[[int], None], name: str) -> Any:
    key = f"{what}_{name}"
    return st.column_config.ButtonColumn(
        what.capitalize(), width=width, type="tertiary", key=key, on_click=lambda: act(st.session_state[key].row)
    )


def _duplicate(name: str, row: int) -> None:
    if drafted := changes.draft_of(name):
        panels = drafted.board.panel
        if len(panels) >= MOST_PANELS:
            refuse(changes.PLACE, f"A board has up to {MOST_PANELS} panels.")
            return
        changes.keep(drafted.with_panels([*panels[: row + 1], *panels[row:]]))


def _remove(name: str, row: int) -> None:
    if drafted := changes.draft_of(name):
        panels = drafted.board.panel
        changes.keep(drafted.with_panels([*panels[:row], *panels[row + 1 :]]))


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
    st.button("Cancel", key="cancel_board", on_click=changes.drop, args=(drafted.name,))


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
    changes.begin(shelved)
    begin_panel(shelved.name, 0)


def begin_panel(name: str, place: int) -> None:
    """Opens the form of a panel of a draft; at the place after the last one, of a new panel."""
    take(name)
    if drafted := changes.draft_of(name):
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
    drafted, key = changes.draft_of(name), f"{field}_{name}"
    text = st.session_state[key].strip()
    if drafted and field == "title" and not text:
        refuse(changes.PLACE, "A board needs a title.")
        st.session_state[key] = drafted.board.title
    elif drafted:
        changes.keep(replace(drafted, board=drafted.board.model_copy(update={field: text})))


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
    panel, drafted = form.panel_of(KEY), changes.draft_of(name)
    if isinstance(panel, str):
        refuse(changes.PLACE, panel)
    elif drafted:
        panels = drafted.board.panel
        changes.keep(drafted.with_panels([*panels[:place], panel, *panels[place + 1 :]]))
        _close()


def _close() -> None:
    st.session_state.pop(_EDITED, None)


def _save(folder: TextFolder, name: str) -> None:
    take(name)
    drafted = changes.draft_of(name)
    if drafted and changes.save(folder, drafted.base, drafted.board, f"“{drafted.board.title}” is saved"):
        changes.drop(name)


def _save_copy(folder: TextFolder, name: str) -> None:
    take(name)
    drafted = changes.draft_of(name)
    if drafted and changes.duplicate(folder, drafted.board):
        changes.drop(name)
