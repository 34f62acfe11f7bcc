"""Where something stands in a TOML file that people write, so that what is wrong with it can be said with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_NAME = r"""["']?([\w-]+)["']?"""
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+?)\s*\]\]?")
_KEY = re.compile(rf"\s*{_NAME}\s*[=.]")

Place = Sequence[str | int]
"""The keys and, in arrays of tables, the numbers that lead to a value, as pydantic's errors name it."""


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
