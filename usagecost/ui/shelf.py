"""The boards of the app and of the configured lake, as every page needs them: the menu has those that are pinned."""

from __future__ import annotations

import streamlit as st

from usagecost.boards import Shelved, boards_folder, shelved_boards
from usagecost.engine import open_lake
from usagecost.lake import TextFolder, lake_root
from usagecost.ui.reader import may, reading


def folder() -> TextFolder:
    """Where own boards are: also while the sample is shown, which goes when the first log is loaded."""
    return boards_folder(open_lake(lake_root()))


def shelf() -> list[Shelved]:
    """All boards that the reader may see. Raises LakeError if the own ones cannot be read."""
    shelved = _remote(lake_root()) if open_lake(lake_root()).is_remote else shelved_boards(folder())
    scope = reading().scope
    return [one for one in shelved if scope.is_everything or one.is_default or (one.board and one.board.is_for(scope))]


def may_change(shelved: Shelved) -> bool:
    """Whether the reader may change a board."""
    return may("board") and shelved.is_of(reading().name or None)


def forget() -> None:
    """A board was changed: look again."""
    _remote.clear()


@st.cache_resource(max_entries=1, ttl=10, show_spinner=False)
def _remote(lake: str) -> list[Shelved]:  # noqa: ARG001 - the lake is the cache's key
    """Those of a store: a page that is drawn anew must not ask for each of them again."""
    return shelved_boards(folder())
