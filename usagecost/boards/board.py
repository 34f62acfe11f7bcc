"""A board, a title and its panels, as a TOML file that can be reviewed; and where boards are: with the app, and beside the lake."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import tomli_w
from pydantic import Field

from usagecost.boards.panel import Panel
from usagecost.lake import Lake, LakeError, TextFolder
from usagecost.toml_lines import TomlProblem, TomlTable, parse_toml
from usagecost.vocabulary.filters import Filters, Scope

MOST_PANELS = 60
NAMES_NOBODY = ("provider", "model", "status", "environment", "error", "streaming")
"""Dimensions whose values tell of no person, team, key or app."""
FOLDER = "boards"
DEFAULTS = ("overview", "reliability", "cost")
SUFFIX = ".toml"
LONGEST_NAME = 60


class BoardProblem(TomlProblem):
    """What is wrong with a board's file: the line, the key, and what would be right."""


class Board(TomlTable):
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


@dataclass(frozen=True)
class Shelved:
    """A board, or, if its file is broken, the problem. ``name`` is the file's, or that of a default board, which has none.

    ``text`` is what the file says, None where it cannot be read; a change is made to what was seen.
    """

    name: str
    text: str | None
    board: Board | None
    problem: str | None = None

    @property
    def is_default(self) -> bool:
        """Whether it comes with the app, and cannot be changed."""
        return self.name in DEFAULTS

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return self.board.title if self.board else self.name.removesuffix(SUFFIX)

    def is_of(self, reader: str | None) -> bool:
        """Whether a reader, or anybody where nobody signs in, may change it: boards without an owner are everybody's."""
        return not self.is_default and (reader is None or self.board is None or self.board.owner in ("", reader))


def boards_folder(lake: Lake) -> TextFolder:
    """Where the own boards of a lake are: the folder `boards` beside it or, with a remote one, within it."""
    return lake.texts_beside(FOLDER)


def shelved_boards(folder: TextFolder) -> list[Shelved]:
    """The default boards in their order, then the own ones by title. Raises LakeError if the folder cannot be read."""
    own = [_own(folder, name) for name in folder.names() if name.endswith(SUFFIX)]
    return [*default_boards(), *sorted(own, key=lambda board: (board.title.casefold(), board.name))]


@cache
def default_boards() -> tuple[Shelved, ...]:
    """The boards that come with the app."""
    folder = files("usagecost.boards").joinpath("defaults")
    texts = {name: folder.joinpath(f"{name}{SUFFIX}").read_text(encoding="utf-8") for name in DEFAULTS}
    return tuple(Shelved(name, text, parse_board(text)) for name, text in texts.items())


def file_name(title: str, names_in_use: Collection[str]) -> str:
    """A name for the file of a new board: its title in plain letters, with a number if another board has it."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:LONGEST_NAME].rstrip("-") or "board"
    stems = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(names_in_use) + 2))
    return next(f"{free}{SUFFIX}" for free in stems if f"{free}{SUFFIX}" not in names_in_use)


def _own(folder: TextFolder, name: str) -> Shelved:
    text = None
    try:
        text = folder.read(name)
        return Shelved(name, text, parse_board(text or ""))
    except BoardProblem as problem:
        return Shelved(name, text, None, f"{folder}/{name}, {problem}")
    except LakeError as problem:
        return Shelved(name, None, None, str(problem))
