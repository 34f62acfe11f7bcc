"""The panels of a board as one table that is edited in place: their order, titles and widths, and what can be done to each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.boards import MOST_PANELS, RULES
from usagecost.boards.words import title_of
from usagecost.ui.boards import changes, draft, form
from usagecost.ui.boards.draft import LONGEST_TITLE, Draft
from usagecost.ui.writing import refuse

BUTTONS = {"edit": ":material/edit:", "duplicate": ":material/content_copy:", "remove": ":material/delete:"}
"""Column -> what its buttons show."""
ROWS_UNSCROLLED = 13


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
    drafted = draft.draft_of(name)
    edits = st.session_state.get(_key(drafted), {}).get("edited_rows", {}) if drafted else {}
    if not drafted or not edits:
        return
    after = drafted.with_panels(draft.with_edits(drafted.board.panel, edits))
    shows_it = all("order" not in cells and cells.get("title", "as before") for cells in edits.values())
    draft.keep(replace(after, revision=drafted.revision) if shows_it else after)


def _key(drafted: Draft) -> str:
    """Of the table: with its rows it becomes another one, which has forgotten what was typed."""
    return f"arrange_{drafted.name}_{drafted.revision}"


def _button(what: str, width: int, act: Callable[[int], None], name: str) -> Any:
    key = f"{what}_{name}"
    return st.column_config.ButtonColumn(
        what.capitalize(), width=width, type="tertiary", key=key, on_click=lambda: act(st.session_state[key].row)
    )


def _duplicate(name: str, row: int) -> None:
    if drafted := draft.draft_of(name):
        panels = drafted.board.panel
        if len(panels) >= MOST_PANELS:
            refuse(changes.PLACE, f"A board has up to {MOST_PANELS} panels.")
            return
        draft.keep(drafted.with_panels([*panels[: row + 1], *panels[row:]]))


def _remove(name: str, row: int) -> None:
    if drafted := draft.draft_of(name):
        panels = drafted.board.panel
        draft.keep(drafted.with_panels([*panels[:row], *panels[row + 1 :]]))
