"""The page Explore: a panel without a board, its state in the URL, and the way onto a board."""

from __future__ import annotations

import streamlit as st
from pydantic import ValidationError

from usagecost.boards import MOST_PANELS, Board, Panel, PanelFilter, Shelved
from usagecost.boards.panel import title_of
from usagecost.lake import LakeError, TextFolder
from usagecost.toml_lines import refusal
from usagecost.ui import address
from usagecost.ui import shelf as shelves
from usagecost.ui.address import Choice
from usagecost.ui.answers import is_without_data, no_requests, problem_text
from usagecost.ui.boards import changes, form
from usagecost.ui.boards.editing import FORM_AND_PREVIEW, preview_of
from usagecost.ui.drilldown import merge_conditions
from usagecost.ui.labels import labels_of
from usagecost.ui.reader import may
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import Condition, View

KEY = "explore"
"""Of the form."""
LINK = "asked"
"""The URL's parameter: the panel as JSON, without what is as it is by default."""
CHOICES = {LINK: Choice(default=form.WHOLE_PANEL.model_dump_json(exclude_defaults=True))}
"""What of the page stands in the URL, beside the view: a form that nobody has changed does not, as it would be a step back."""
NEW_BOARD = "new"


def explore(view: View) -> None:
    """The form of a panel and, beside it, its answer."""
    _begin()
    if is_without_data(view):
        no_requests(view)
    controls, preview = st.columns(FORM_AND_PREVIEW, gap="medium")
    with controls:
        panel = form.form(view, KEY, on_board=False)
        if isinstance(panel, Panel):
            st.session_state["_asked"] = panel.model_dump_json(exclude_defaults=True)
            address.set_choices(**{LINK: st.session_state["_asked"]})
            _add(shelves.folder(), panel, view)
    with preview:
        preview_of(panel, view)


def _begin() -> None:
    """Sets the form to what the link asks, or to what was asked when the reader was here last."""
    link = st.session_state[LINK]
    if form.is_begun(KEY) and link == st.session_state.get("_asked"):
        return
    st.session_state["_asked"] = link
    panel = form.WHOLE_PANEL
    if link:
        try:
            panel = Panel.model_validate_json(link)
        except ValidationError as error:
            reason = refusal(error)
            st.warning(plain(reason), title="The link asks for something that cannot be drawn", icon=":material/link_off:")
    form.begin(panel, KEY)


def _add(folder: TextFolder, panel: Panel, view: View) -> None:
    """The way onto a board, with the page's filters: they are a part of what is seen here."""
    if not may("board"):
        return
    with st.popover("Add to board", icon=":material/dashboard_customize:", key="add_to_board"):
        try:
            shelf = [shelved for shelved in shelves.shelf() if shelves.may_change(shelved)]
        except LakeError as problem:
            st.warning(plain(problem_text(problem)), title="Boards cannot be read right now")
            return
        by_name = {each.name: each for each in shelf if each.board and len(each.board.panel) < MOST_PANELS}
        name = st.selectbox(
            "Board",
            [*by_name, NEW_BOARD],
            key="add_to",
            format_func=lambda name: by_name[name].title if name in by_name else "A new board",
        )
        is_new = name not in by_name
        title = st.text_input("Title of the new board", key="add_to_title", max_chars=120).strip() if is_new else ""
        added = _with_filters(panel, view)
        if added.filters:
            st.caption(plain(f"The panel keeps: {', '.join(added.conditions.phrases(labels_of(view).of))}."))
        st.button(
            "Add",
            key="add_to_board_now",
            type="primary",
            disabled=is_new and not title,
            on_click=_put_on_board,
            args=(folder, added, None if is_new else by_name[name]),
        )
    changes.say(folder)


def _put_on_board(folder: TextFolder, panel: Panel, shelved: Shelved | None) -> None:
    outcome = f"“{title_of(panel)}” is added"
    if shelved is None:
        if changes.add(folder, Board(title=st.session_state["add_to_title"].strip(), panel=(panel,)), outcome):
            shelves.open_board(st.session_state["board"])
        return
    board = shelved.board
    if drafted := changes.draft_of(shelved.name):
        changes.keep(drafted.with_panels([*drafted.board.panel, panel]))
        shelves.open_board(shelved.name)
    elif board and changes.save(folder, shelved, board.model_copy(update={"panel": (*board.panel, panel)}), outcome):
        shelves.open_board(shelved.name)


def _with_filters(panel: Panel, view: View) -> Panel:
    """The panel with the page's filters among its own."""
    own = {panel_filter.dimension: panel_filter.condition for panel_filter in panel.filters}
    filters = [condition for condition in view.filters.conditions if isinstance(condition, Condition)]
    for condition in filters:
        name = condition.dimension
        own[name] = merge_conditions(own[name], condition) if name in own else condition
    return panel.model_copy(update={"filters": tuple(PanelFilter.of(condition) for condition in own.values())})
