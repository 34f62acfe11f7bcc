"""A board: a title and its panels, as a TOML file that can be reviewed. What is wrong with one is a sentence with the line."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache

import tomli_w
from pydantic import Field, ValidationError

from usagecost.boards.panel import Frozen, Panel
from usagecost.toml_lines import line_of

MOST_PANELS = 60


class BoardProblem(Exception):  # noqa: N818 - a sentence about a file that a person wrote
    """What is wrong with a board's file: the line, the key, and what would be right."""


class Board(Frozen):
    """Panels in their order. ``panel`` is called as its tables are in the file.

    ``owner`` is who made it, as they sign in; without one it is everybody's. A board that is ``pinned`` stands in the menu.
    """

    title: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=1_000)
    owner: str = Field(default="", max_length=320)
    pinned: bool = False
    panel: tuple[Panel, ...] = Field(default=(), max_length=MOST_PANELS)


@lru_cache(maxsize=500)
def parse_board(text: str) -> Board:
    """What a board's file says; raises BoardProblem."""
    try:
        keys = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise BoardProblem(f"this is no TOML: {error}. Texts stand in quotation marks, numbers do not.") from None
    try:
        return Board.model_validate(keys)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BoardProblem(_sentence(text, first["loc"], first["type"], first["msg"])) from None


def board_text(board: Board) -> str:
    """The board as a file; what is as it is by default is left out."""
    return tomli_w.dumps(board.model_dump(mode="json", exclude_defaults=True, exclude_none=True))


def _sentence(text: str, place: Sequence[str | int], kind: str, message: str) -> str:
    key = next((part for part in reversed(place) if isinstance(part, str)), "the board")
    what = {"extra_forbidden": "there is no such key", "missing": "it is missing"}.get(kind, message.removeprefix("Value error, "))
    return f"line {line_of(text, place)}, {key}: {what}."
