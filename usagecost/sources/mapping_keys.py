"""The keys of a mapping, each read with a sentence about what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


class MappingProblem(Exception):  # noqa: N818 - a sentence about a file that a person wrote
    """What is wrong with a mapping: the file, the key, and what would be right."""


@dataclass(frozen=True)
class Value:
    """Where a value of a record comes from: places in the log, the first of which that has one counts, or an expression.

    A place is a column's name; in JSON, a.b is the field b of the object a. Beside an expression a place only says what sentences
    call the column. Expressions speak of the mapping's fields and steps.
    """

    places: tuple[str, ...] = ()
    sql: str | None = None

    @property
    def read_places(self) -> tuple[str, ...]:
        """The places that are read for it."""
        return () if self.sql else self.places


def value_of(table: str, name: str, value: Any) -> Value:
    """A value of a table: a place, a list of places, or an expression."""
    if isinstance(value, dict) and table != "fields" and "sql" in value and value.keys() <= {"sql", "column"}:
        if any(not isinstance(part, str) or not part.strip() for part in value.values()):
            raise MappingProblem(f"[{table}] {name}: sql and column have to be texts in quotation marks.")
        return Value((value["column"],) if "column" in value else (), value["sql"])
    places = value if isinstance(value, list) and value else [value]
    if any(not isinstance(place, str) or not place for place in places):
        raise MappingProblem(f"[{table}] {name} is {value!r}: it has to be a text in quotation marks.")
    return Value(tuple(places))


def text_of(keys: dict[str, Any], key: str) -> str | None:
    """A text, or None if the key is not there."""
    value = keys.get(key)
    if value is not None and (not isinstance(value, str) or not value):
        raise MappingProblem(f"{key} is {value!r}: it has to be a text in quotation marks.")
    return value


def flag_of(keys: dict[str, Any], key: str) -> bool | None:
    """True or false, or None if the key is not there."""
    value = keys.get(key)
    if value is not None and not isinstance(value, bool):
        raise MappingProblem(f"{key} is {value!r}: it has to be true or false, without quotation marks.")
    return value


def one_of(keys: dict[str, Any], key: str, choices: Collection[str]) -> str:
    """One of some words."""
    choice = text_of(keys, key)
    if choice is None or choice not in choices:
        raise MappingProblem(f"{key} is {choice!r}: it has to be one of {', '.join(choices)}.")
    return choice


def list_of(keys: dict[str, Any], key: str, nouns: str, example: str) -> tuple[str, ...]:
    """A list of texts; empty if the key is not there."""
    names = keys.get(key, [])
    if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
        raise MappingProblem(f'{key} has to be a list of {nouns}, such as ["{example}"].')
    return tuple(names)


def names_of(keys: dict[str, Any], key: str) -> tuple[tuple[str, ...], ...]:
    """A list of lists of names, or one such list."""
    ways = keys.get(key, [])
    ways = [ways] if isinstance(ways, list) and ways and all(isinstance(name, str) for name in ways) else ways
    if not isinstance(ways, list) or any(not isinstance(names, list) or not names for names in ways):
        raise MappingProblem(f'{key} has to be a list of columns, such as ["id", "tokens_in|input_tokens"], or of such lists.')
    return tuple(list_of({key: names}, key, "columns", "id") for names in ways)


def table_of(keys: dict[str, Any], key: str) -> dict[str, Any]:
    """A table of any values; empty if the key is not there."""
    table = keys.get(key, {})
    if not isinstance(table, dict):
        raise MappingProblem(f"{key} has to be a table: a line [{key}], and its entries below.")
    return table


def texts_of(keys: dict[str, Any], key: str) -> dict[str, str]:
    """A table of texts."""
    table = table_of(keys, key)
    for name, value in table.items():
        if not isinstance(value, str) or not value:
            raise MappingProblem(f"[{key}] {name} is {value!r}: it has to be a text in quotation marks.")
    return table


def constants_of(keys: dict[str, Any]) -> dict[str, str]:
    """The constants as text, as a file would have them."""
    table = keys.get("constants", {})
    if not isinstance(table, dict) or any(not isinstance(value, str | bool | int | float) for value in table.values()):
        raise MappingProblem("[constants] has to hold texts, numbers, true or false.")
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in table.items()}


def check_known(name: str, choices: Collection[str], noun: str) -> None:
    """Raises MappingProblem if a name is none of those that are known."""
    if name not in choices:
        close = difflib.get_close_matches(name, choices, n=1)
        cure = f"did you mean {close[0]}?" if close else f"known are {', '.join(choices)}."
        raise MappingProblem(f"{name} is no {noun}: {cure}")
