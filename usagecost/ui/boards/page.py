"""The page Dashboards: the choice of a board, what can be done with it, and the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import streamlit as st

from usagecost.boards import DEFAULTS, Board, BoardProblem, Shelved, board_text, default_boards, parse_board
from usagecost.lake import LakeError, TextFolder
from usagecost.ui import shelf as shelves
from usagecost.ui.acts import refuse
from usagecost.ui.address import Choice
from usagecost.ui.answers import empty, is_without_data, no_requests, problem_text
from usagecost.ui.blocks import beside
from usagecost.ui.boards import changes, editing
from usagecost.ui.boards.showing import show_all
from usagecost.ui.reader import check, may, reading
from usagecost.ui.text import plain
from usagecost.ui.version import as_of, version_to_show
from usagecost.vocabulary.filters import View

EVERY = {"Off": None, "10 s": timedelta(seconds=10), "1 min": timedelta(minutes=1), "5 min": timedelta(minutes=5)}
CHOICES = {"board": Choice(default=DEFAULTS[0]), "every": Choice(default="Off", options=EVERY)}
"""What of the page stands in the URL, beside the view."""
LARGEST_FILE = 1_000_000
DUPLICATE, DELETE = "Duplicate", "Delete"
FLAGS = {
    ("pinned", True): ("Pin to the menu", "is in the menu"),
    ("pinned", False): ("Remove from the menu", "is no longer in the menu"),
    ("shared", True): ("Show to leads and members", "is shown to leads and members"),
    ("shared", False): ("Hide from leads and members", "is hidden from leads and members"),
}
"""Flag of a board and what it becomes -> what the menu calls that, and what is said when it is done."""


def dashboards(view: View) -> None:
    """The choice of a board, what can be done with it, and the board."""
    folder = shelves.folder()
    shelf = _shelf()
    every = "Off"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        shelved = _choice(shelf)
        may_change = shelves.may_change(shelved)
        drafted = changes.draft_of(shelved.name) if may("board") else None
        if drafted:
            editing.save_or_cancel(folder, drafted, shelf)
        else:
            if may("board"):
                _edit(shelved, may_change)
                _new(folder)
            _share(shelved)
            if may("board"):
                _more(folder, shelved, may_change)
            every = beside("Auto-refresh", list(EVERY), key="every", help=_EVERY_HELP)
    if may("board"):
        changes.say(folder, undoes=drafted is None)
    if drafted:
        editing.edit(drafted, view, shelf)
    elif shelved.board is None:
        st.error(plain(str(shelved.problem)), title="This board's file is broken", icon=":material/broken_image:")
    else:
        _board(shelved, shelved.board, view, every, may_change=may_change)


def _board(shelved: Shelved, board: Board, view: View, every: str, *, may_change: bool) -> None:
    """A board as its readers see it."""
    if board.description:
        st.caption(plain(board.description))
    if not board.panel:
        empty("This board has no panels yet", "Add one here, or from Explore." if may_change else "Its owner can add one.")
        if may_change:
            st.button("Add panel", key="add_panel", type="primary", on_click=editing.begin_first_panel, args=(shelved,))
        return
    if is_without_data(view):
        no_requests(view)
    st.fragment(_panels, run_every=EVERY[every])(board, view, shelved.name)


_EVERY_HELP = "Looks for new data this often. The lake is only asked when there is some. It rests while a board is edited."


def _shelf() -> list[Shelved]:
    """All boards; the default ones alone where the others cannot be read."""
    try:
        shelf = shelves.shelf()
    except LakeError as problem:
        st.warning(plain(problem_text(problem)), title="Own boards cannot be read right now", icon=":material/cloud_off:")
        return [*default_boards(), *(drafted.base for drafted in _drafts())]
    if broken := [board for board in shelf if board.problem]:
        st.warning(" ".join(plain(str(board.problem)) for board in broken), title="Not all boards can be read")
    return shelf


def _drafts() -> Sequence[changes.Draft]:
    """The boards that the reader is changing, and may still change."""
    return changes.drafts() if may("board") else ()


def _choice(shelf: list[Shelved]) -> Shelved:
    """The board that is shown. It is in the URL by the name of its file, which stays when its title changes."""
    by_name = {board.name: board for board in shelf}
    for drafted in _drafts():  # somebody else may have deleted it since
        by_name.setdefault(drafted.name, drafted.base)
    board_name = st.session_state["board"]
    if board_name not in by_name:
        if board_name != changes.last_deleted():
            st.warning(f"There is no board {plain(board_name)} any more. Here is another.", icon=":material/link_off:")
        st.session_state["board"] = shelf[0].name
    name = st.selectbox(
        "Board",
        list(by_name),
        key="board",
        format_func=lambda name: _label(by_name[name]),
        label_visibility="collapsed",
        width=280,
    )
    return by_name[name]


def _label(board: Shelved) -> str:
    """The title, and whose it is."""
    if board.is_default:
        return f"{board.title} · default"
    reader = reading()
    owner = board.board.owner if board.board and board.board.owner != reader.name and reader.sees_everything else ""
    return f"{board.title} · {owner or ('my boards' if reader.may('board') else 'shared')}"


def _edit(shelved: Shelved, may_change: bool) -> None:
    what = "Boards that come with the app" if shelved.is_default else "Boards of others"
    st.button(
        "Edit",
        key="edit_board",
        icon=":material/edit:",
        disabled=not may_change or shelved.board is None,
        help=None if may_change else f"{what} cannot be changed: duplicate this one, and change the copy.",
        on_click=changes.begin,
        args=(shelved,),
    )


def _new(folder: TextFolder) -> None:
    """A board from nothing, or from a file."""
    with st.popover("New", icon=":material/add:", key="new_board", on_change="rerun"):
        title = st.text_input("Title of the new board", key="new_board_title", max_chars=120, placeholder="My team")
        st.button("Create", key="create_board", type="primary", on_click=_create, args=(folder,), disabled=not title.strip())
        st.file_uploader(
            "Or import a board's file",
            type="toml",
            key=f"import_board_{st.session_state.get('_imported_boards', 0)}",
            on_change=_import,
            args=(folder,),
            help="A TOML file, as *Share* exports it.",
        )


def _create(folder: TextFolder) -> None:
    title = st.session_state["new_board_title"].strip()
    if title and (shelved := changes.add(folder, Board(title=title), f"“{title}” is created")):
        changes.begin(shelved)
        st.session_state["new_board_title"] = ""
        st.session_state["new_board"] = False


def _import(folder: TextFolder) -> None:
    count = st.session_state.get("_imported_boards", 0)
    file = st.session_state[f"import_board_{count}"]
    st.session_state["_imported_boards"] = count + 1  # a new uploader, which is empty
    if file is None:
        return
    if file.size > LARGEST_FILE:
        refuse(changes.PLACE, f"{file.name} has {file.size:,} bytes, a board has far fewer: is it another file?")
        return
    try:
        board = parse_board(file.getvalue().decode())
    except (BoardProblem, UnicodeDecodeError) as problem:
        reason = problem if isinstance(problem, BoardProblem) else "it is not UTF-8: save it as UTF-8."
        refuse(changes.PLACE, f"{file.name}, {reason}")
        return
    if changes.add(folder, board, f"“{board.title}” is imported"):
        st.session_state["new_board"] = False


def _share(shelved: Shelved) -> None:
    """The link to what is shown, and the board as a file."""
    with st.popover("Share", icon=":material/share:", key="share_board", on_change="rerun"):
        st.caption("This link opens the board with the period, the zone and the filters that are shown now.")
        parameters = [(name, value) for name in st.query_params for value in st.query_params.get_all(name)]
        st.code(f"{(st.context.url or '').split('?')[0]}?{urlencode(parameters)}", language=None, wrap_lines=True)
        if shelved.text is not None and shelved.board:
            text = shelved.text if reading().sees_everything else board_text(shelved.board.model_copy(update={"owner": ""}))
            st.download_button(
                "Export as TOML",
                text,
                file_name=shelved.name if shelved.name.endswith(".toml") else f"{shelved.name}.toml",
                mime="application/toml",
                icon=":material/download:",
                key="export_board",
                on_click=lambda: st.session_state.update(share_board=False),
            )


def _more(folder: TextFolder, shelved: Shelved, may_change: bool) -> None:
    board = shelved.board
    flags = [label for (flag, on), (label, _) in FLAGS.items() if getattr(board, flag) is not on] if board and may_change else []
    options = [*flags, *([DUPLICATE] if board else []), *([DELETE] if may_change and shelved.text is not None else [])]
    st.menu_button(
        "More",
        options,
        key="more_board",
        icon=":material/more_horiz:",
        on_click=_do,
        args=(folder, shelved),
        disabled=not options,
    )


def _do(folder: TextFolder, shelved: Shelved) -> None:
    action, board = st.session_state["more_board"], shelved.board
    if action == DELETE:
        changes.delete(folder, shelved)
    elif board and action == DUPLICATE:
        changes.duplicate(folder, board)
    for (flag, is_on), (label, outcome) in FLAGS.items():
        if board and action == label:
            changes.save(folder, shelved, board.model_copy(update={flag: is_on}), f"“{board.title}” {outcome}")


def _panels(board: Board, view: View, name: str) -> None:
    """All panels of a board. Where the lake has a newer version by now, or today is another day, the whole page is drawn anew."""
    check(view)
    try:
        version = version_to_show(view.lake)
    except LakeError as problem:
        st.warning(plain(problem_text(problem)), title="The lake cannot be read right now", icon=":material/cloud_off:")
        return
    now, zone = as_of(view.lake, version), ZoneInfo(view.period.zone)
    if version != view.version or now.astimezone(zone).date() != view.period.now.astimezone(zone).date():
        st.rerun()
    show_all(board.panel, replace(view, period=replace(view.period, now=now)), name)
