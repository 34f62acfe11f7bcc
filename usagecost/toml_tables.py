"""One table of a TOML file that people write, such as `[[budget]]`, changed while all other lines stay as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import tomli_w

_HEADER = re.compile(r"\s*\[\[?\s*([\w.-]+)\s*\]")


def find_tables(text: str, table: str) -> list[tuple[int, int]]:
    """Returns the lines [start, end) of each table of a name, from 0: from its header to its last key: what is said below stays."""
    lines = text.splitlines()
    headers = [(number, match[1]) for number, line in enumerate(lines) if (match := _HEADER.match(line))]
    others = [number for number, name in headers if not name.startswith(f"{table}.")]
    spans = []
    for number, name in headers:
        if name == table:
            end = next((other for other in others if other > number), len(lines))
            while end > number + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
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
        changed = f"{before}{new}{after if new else after.lstrip(chr(10))}"
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
