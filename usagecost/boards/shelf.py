"""Where boards are: those that come with the app, and those that people have put beside the lake."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from usagecost.boards.board import Board, BoardProblem, parse_board
from usagecost.lake import Lake

FOLDER = "boards"
DEFAULTS = ("overview", "reliability", "cost")


@dataclass(frozen=True)
class Shelved:
    """A board, or, if its file is broken, the problem; ``name`` is the file's, ``is_default`` says that it comes with the app."""

    name: str
    is_default: bool
    board: Board | None
    problem: str | None = None

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return self.board.title if self.board else self.name


def shelved_boards(lake: Lake) -> list[Shelved]:
    """The default boards in their order, then the own ones by name: the files ``*.toml`` in the folder `boards` beside the lake.

    A remote lake has no folder on this machine, so it has the default ones only.
    """
    own = sorted(boards_folder(lake).glob("*.toml")) if not lake.is_remote else []
    return [*map(_default, DEFAULTS), *map(_own, own)]


def boards_folder(lake: Lake) -> Path:
    """Where the own boards of a lake on this machine are."""
    return lake.root.parent / FOLDER


def _default(name: str) -> Shelved:
    text = files("usagecost.boards").joinpath("defaults", f"{name}.toml").read_text(encoding="utf-8")
    return Shelved(name, True, parse_board(text))


def _own(file: Path) -> Shelved:
    try:
        return Shelved(file.stem, False, parse_board(file.read_text(encoding="utf-8")))
    except BoardProblem as problem:
        return Shelved(file.stem, False, None, f"{file}, {problem}")
    except UnicodeDecodeError:
        return Shelved(file.stem, False, None, f"{file}: it is not UTF-8, save it as UTF-8.")
    except OSError as problem:
        return Shelved(file.stem, False, None, f"{file}: it cannot be read, {problem.strerror}.")
