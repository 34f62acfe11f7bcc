"""A board: a title and its panels, as a TOML file that can be reviewed. What is wrong with one is a sentence with the line."""

from __future__ import annotations

from functools import lru_cache

import tomli_w
from pydantic import Field

from usagecost.boards.panel import Frozen, Panel
from usagecost.toml_lines import TomlProblem, parse_toml
from usagecost.vocabulary.filters import Filters, Scope

MOST_PANELS = 60
NAMES_NOBODY = ("provider", "model", "status", "environment", "error", "streaming")
"""Dimensions whose values tell of no person, team, key or app."""


class BoardProblem(TomlProblem):
    """What is wrong with a board's file: the line, the key, and what would be right."""


class Board(Frozen):
    """Panels in their order. ``panel`` is called as its tables are in the file.

    ``owner`` is who made it, as they sign in; without one it is everybody's. A board that is ``pinned`` stands in the menu. What is
    not ``shared`` is not shown to who may see a part of the requests only: its texts can tell of others.
    """

    title: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=1_000)
    owner: str = Field(default="", max_length=320)
    pinned: bool = False
    shared: bool = False
    panel: tuple[Panel, ...] = Field(default=(), max_length=MOST_PANELS)

    def is_for(self, scope: Scope) -> bool:
        """Whether it is shown to who may see a scope: it is shared, and its filters name nobody, and nothing of anybody, else."""
        if scope.is_everything or not self.shared:
            return scope.is_everything
        conditions = [panel_filter.condition for panel in self.panel for panel_filter in panel.filters]
        return all(one.dimension in NAMES_NOBODY or scope.includes(Filters((one,))) for one in conditions)


@lru_cache(maxsize=500)
def parse_board(text: str) -> Board:
    """What a board's file says; raises BoardProblem."""
    return parse_toml(text, Board, BoardProblem)


def board_text(board: Board) -> str:
    """The board as a file; what is as it is by default is left out."""
    return tomli_w.dumps(board.model_dump(mode="json", exclude_defaults=True, exclude_none=True))
