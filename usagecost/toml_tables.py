"""TOML files that people write as a list of tables, such as `[[note]]`: on which line something stands, and one table changed.

A change leaves all other lines as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import tomli_w
from pydantic import ValidationError

_HEADER = re.compile(r"\s*\[\[?\s*([\w.-]+)\s*\]")
_WORDS = {"extra_forbidden": "there is no such key", "missing": "it is missing"}


def describe_problem(text: str, table: str, error: ValidationError, skipped: Sequence[str] = ()) -> str:
    """Returns the line, the key and what is wrong with it, as a sentence. ``skipped`` are parts of a place that are no keys."""
    first = error.errors(include_url=False)[0]
    place = [part for part in first["loc"] if part not in skipped]
    key = next((part for part in reversed(place) if isinstance(part, str)), "the file")
    what = _WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return f"line {find_line(text, table, place)}, {key}: {what}."


def find_line(text: str, table: str, place: Sequence[str | int]) -> int:
    """Returns the number of the line that a place means, from 1: that of the key, else of the header of its table."""
    lines, spans = text.splitlines(), find_tables(text, table)
    which = place[1] if len(place) > 1 and isinstance(place[1], int) else None
    start, end = spans[which] if which is not None and which < len(spans) else (0, len(lines))
    keys = [str(part) for part in place[0 if which is None else 2 :] if isinstance(part, str)]
    for key in reversed(keys):
        named = re.compile(rf"""\s*(\[\[?\s*)?([\w.-]+\.)?["']?{re.escape(key)}["']?\s*[=.\]]""")
        for number in range(start, end):
            if named.match(lines[number]):
                return number + 1
    return start + 1


def find_tables(text: str, table: str) -> list[tuple[int, int]]:
    """Returns the lines [start, end) of each table of a name, from 0: from its header to what is said above the next header."""
    lines = text.splitlines()
    headers = [(number, found[1]) for number, line in enumerate(lines) if (found := _HEADER.match(line))]
    others = [number for number, name in headers if not name.startswith(f"{table}.")]
    spans = []
    for number, name in headers:
        if name == table:
            end = next((other for other in others if other > number), len(lines))
            while end < len(lines) and lines[end - 1].strip().startswith("#"):
                end -= 1
            spans.append((number, end))
    return spans


def put_table(text: str, table: str, place: int, written: str, is_wanted: Callable[[str], bool]) -> str | None:
    """Returns the text with other lines, or none, in the place of one table of a name, at the end where there is none.

    None where that is not what ``is_wanted``, or fails to be asked, since what looks like a header stands within a text, say.
    """
    lines, spans = text.splitlines(keepends=True), find_tables(text, table)
    new = f"{written.strip()}\n" if written else ""
    if place < len(spans):
        start, end = spans[place]
        before, after = "".join(lines[:start]), "".join(lines[end:])
        changed = f"{before}{new}\n{after}" if new and after else f"{before}{new}{after}"
    else:
        changed = f"{text.rstrip()}\n\n{new}" if new else text
    try:
        return changed if is_wanted(changed) else None
    except Exception:
        return None


def write_table(header: str, fields: Mapping[str, object]) -> str:
    """Returns a table below its header, such as `[[note]]`: a line for each field."""
    return "\n".join([header, *(f"{key} = {_value(value)}" for key, value in fields.items())]) + "\n"


def _value(value: object) -> str:
    """A value in one line. Tables within it have names of their own for keys."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")
