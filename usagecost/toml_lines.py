"""TOML files that people write, as values; what is wrong with one is said with its line, its key and the cure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

_NAME = r"""["']?([\w-]+)["']?"""
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+?)\s*\]\]?")
_KEY = re.compile(rf"\s*{_NAME}\s*[=.]")

Place = Sequence[str | int]
"""The keys and, in arrays of tables, the numbers that lead to a value, as pydantic's errors name it."""


_WORDS = {"extra_forbidden": "there is no such key", "missing": "it is missing"}
_KINDS = ("date", "datetime")
"""What pydantic puts into a place to say which kind of value it has tried."""


def parse_toml(text: str, model: type[Model], problem: type[Exception]) -> Model:
    """Returns what a file says; raises the ``problem`` with a sentence where it is no TOML or no such model."""
    try:
        return model.model_validate(tomllib.loads(text.removeprefix("\ufeff"), parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise problem(f"this is no TOML: {error}. Texts stand in quotation marks, numbers and dates do not.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = [part for part in first["loc"] if part not in _KINDS]
        key = next((part for part in reversed(place) if isinstance(part, str)), "the file")
        what = _WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        raise problem(f"line {line_of(text, place)}, {key}: {what}.") from None


def line_of(text: str, place: Place) -> int:
    """Returns the number of the line, from 1, of the value at a place; of the table that holds it where it does not stand there."""
    wanted, best, deepest = tuple(place), 1, 0
    for number, found in _places(text):
        depth = next((i for i, (one, other) in enumerate(zip(found, wanted, strict=False)) if one != other), len(found))
        depth = min(depth, len(wanted))
        if depth > deepest:
            best, deepest = number, depth
    return best


def _places(text: str) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    """The number of each line that begins a table or sets a key, and the place of that."""
    table: tuple[str | int, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            names = tuple(re.findall(_NAME, header.group(2)))
            if header.group(1) == "[[":
                counts[names] = counts.get(names, -1) + 1
                counts = {known: count for known, count in counts.items() if known[: len(names)] != names or known == names}
            table = tuple(part for i, name in enumerate(names, 1) for part in _with_number(name, counts.get(names[:i])))
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, key.group(1))


def _with_number(name: str, number: int | None) -> tuple[str | int, ...]:
    return (name,) if number is None else (name, number)
