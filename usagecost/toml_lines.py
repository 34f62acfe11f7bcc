"""TOML files that people write, as values; what is wrong with one is said with its line, its key and the cure."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

Model = TypeVar("Model", bound=BaseModel)
Said = TypeVar("Said")


class TomlProblem(Exception):  # noqa: N818 - a sentence about a file that a person wrote
    """What is wrong with the file: the line, the key, and what would be right."""


class TomlTable(BaseModel):
    """What a table of a file says: it has no other keys, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


_NAME = r"""["']?([\w-]+)["']?"""
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+?)\s*\]\]?")
_KEY = re.compile(rf"\s*{_NAME}\s*[=.]")

Place = Sequence[str | int]
"""The keys and, in arrays of tables, the numbers that lead to a value, as pydantic's errors name it."""


_CURES = {
    "extra_forbidden": "there is no such key",
    "missing": "it is missing",
    **dict.fromkeys(("decimal_parsing", "decimal_type"), "it has to be a number"),
    **dict.fromkeys(("date_from_datetime_parsing", "date_type"), "it has to be a day, such as 2026-05-01, without quotation marks"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "it has to be true or false"),
    "greater_than_equal": "it cannot be negative",
    "string_type": "it has to be a text in quotation marks",
    "string_too_short": "it cannot be empty",
    "too_short": "it cannot be empty",
    **dict.fromkeys(("list_type", "tuple_type"), 'it has to be a list, such as ["a", "b"]'),
    "dict_type": "it has to be a table: its name in brackets, and its entries below",
}
"""pydantic's kinds of errors, in words for who wrote the file; the others say what is allowed by themselves."""
_KINDS = ("date", "datetime")
"""What pydantic puts into a place to say which kind of value it has tried."""


def parse_toml(text: str, model: type[Model], problem: type[TomlProblem]) -> Model:
    """Returns what a file says; raises the ``problem`` with a sentence where it is no TOML or no such model."""
    try:
        keys = tomllib.loads(text.removeprefix("\ufeff"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise problem(f"this is no TOML: {error}. Texts stand in quotation marks, numbers and dates do not.") from None
    return check_keys(keys, model, problem, text)


def check_keys(keys: Mapping[str, Any], model: type[Model], problem: type[TomlProblem], text: str = "") -> Model:
    """Returns what keys say, of a ``text`` if they stand in one; raises the ``problem``, a sentence, where it is no such model."""
    try:
        return model.model_validate(keys)
    except ValidationError as error:
        raise problem(_sentence(text, model, error)) from None


class Folder(Protocol):
    """Where files lie that people write."""

    def read(self, name: str, /) -> str | None: ...


def read_toml(folder: Folder, name: str, parse: Callable[[str], Said]) -> Said:
    """Returns what a file of a folder says, as of an empty one where there is none; what is wrong with it names the file, too."""
    try:
        return parse(folder.read(name) or "")
    except TomlProblem as problem:
        raise type(problem)(f"{folder}/{name}, {problem}") from None


def refusal(error: ValidationError) -> str:
    """Returns what is wrong first, as whoever checked it says it."""
    return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")


def _sentence(text: str, model: type[BaseModel], error: ValidationError) -> str:
    """What is wrong first: the line, the key, its value and the cure."""
    first = error.errors(include_url=False)[0]
    kind, value = first["type"], first["input"]
    place = [part for part in first["loc"] if part not in _KINDS]
    key = next((part for part in reversed(place) if isinstance(part, str)), "the file")
    what = _CURES.get(kind) or refusal(error).replace("Input should", "it should")
    what += f"; {suggestion(key, _known_keys(model, place))}" if kind == "extra_forbidden" else ""
    is_shown = isinstance(value, str | int | float | Decimal | date) and kind != "missing" and repr(value) not in what
    value_text = f" is {str(value)[:60]!r}" if is_shown else ""
    line = f"line {line_of(text, place)}, " if text else ""
    subject = f"{line}{key}{value_text}: " if place else ""
    return f"{subject}{what}{'' if what.endswith('?') else '.'}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Returns which known name may have been meant, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.65)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"


def _known_keys(model: Any, place: Place) -> list[str]:
    """The keys of the table in which a place is."""
    for part in place[:-1]:
        model = get_args(model)[0] if isinstance(part, int) else model.model_fields[part].annotation
    return [field.alias or name for name, field in model.model_fields.items()]


def line_of(text: str, place: Place) -> int:
    """Returns the number of the line, from 1, of the value at a place; of the table that holds it where it does not stand there."""
    target, best, deepest = tuple(place), 1, 0
    for number, names in _places(text):
        depth = next((i for i, (one, other) in enumerate(zip(names, target, strict=False)) if one != other), len(names))
        depth = min(depth, len(target))
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
                counts = {path: count for path, count in counts.items() if path[: len(names)] != names or path == names}
            table = tuple(part for i, name in enumerate(names, 1) for part in _with_number(name, counts.get(names[:i])))
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, key.group(1))


def _with_number(name: str, number: int | None) -> tuple[str | int, ...]:
    return (name,) if number is None else (name, number)
