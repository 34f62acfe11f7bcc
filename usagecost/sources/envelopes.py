"""Envelopes: the answers of list APIs, such as {"logs": [{…}, {…}], "pagination": {…}}, whose records stand in one array.

An envelope is known by its beginning. It is an object that has, under a name such answers use, an array of objects that are
records of their own: each with an id and a time. Of what makes an object a record itself, such as a model, it has nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

SAMPLE_BYTES = 1 << 20
"""An object that has not shown by then that it is an envelope is none."""

ARRAYS = frozenset("result results data logs items generations observations requests records rows entries".split())  # noqa: SIM905
"""What an array of records is called."""
AROUND = frozenset(("data", "result", "results", "response", "body"))
"""What the object is called that the array may lie in, one level deeper."""

_RECORD_FIELDS = frozenset("id model usage trace choices request startTime start_time started_at call_type".split())  # noqa: SIM905
"""Names that an object around records does not have."""

_ID = re.compile(r"(^|_)id$|Id$")
_TIME = re.compile(r"time|date|created|_at$|At$", re.IGNORECASE)

_LONGEST_WORD = 8
"""What is cut off shows that many characters before the end, at the latest: in a word such as false, or a sign such as \\u00e9."""

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[\s\0]*")


class Envelope(NamedTuple):
    """Where the array of records begins, in bytes; and how many objects are around it."""

    start: int
    depth: int


class _CutError(Exception):
    """The text ends before it shows what it is."""


def find_envelope(start: bytes, *, is_page: bool = False) -> Envelope | bool | None:
    """The envelope that JSON begins with; None if it begins with something else, False if too little of it is there to tell.

    With `is_page`, as one follows others, an array without records is one too.
    """
    head = start[:SAMPLE_BYTES]
    try:
        text = head.decode("latin-1")  # each byte is a character, so that places are the same; names that matter are ASCII
        first = _after_space(text, 0)
        return _array_in(text, first, 1, is_page) if text[first] == "{" else None
    except _CutError:
        return False if len(head) < SAMPLE_BYTES else None
    except (ValueError, RecursionError):
        return None


def begins_with_envelope(start: bytes) -> bool:
    """Whether JSON begins with an envelope, as far as its beginning tells."""
    return isinstance(find_envelope(start), Envelope)


def _array_in(text: str, offset: int, depth: int, is_page: bool) -> Envelope | None:
    """The array of records in the object that begins at a place."""
    for name, value in _members(text, offset):
        first = text[value]
        if name in _RECORD_FIELDS:
            return None
        if first == "[" and name in ARRAYS and not (name == "observations" and depth == 1):  # a download of Langfuse has a trace
            inside = _after_space(text, value + 1)
            if (text[inside] == "]" and is_page) or (text[inside] == "{" and _is_record(text, inside)):
                return Envelope(value, depth)
        if first == "{" and name in AROUND and depth == 1 and (envelope := _array_in(text, value, 2, is_page)):
            return envelope
    return None


def _is_record(text: str, offset: int) -> bool:
    """Whether the object that begins at a place has an id and a time."""
    has_id = has_time = False
    for name, _ in _members(text, offset):
        has_id, has_time = has_id or bool(_ID.search(name)), has_time or bool(_TIME.search(name))
        if has_id and has_time:
            return True
    return False


def _members(text: str, offset: int) -> Iterator[tuple[str, int]]:
    """The names in the object that begins at a place, each with the place of its value."""
    offset = _after_space(text, offset + 1)
    while text[offset] != "}":
        name, offset = _value(text, offset)
        if not isinstance(name, str):
            raise ValueError(name)
        offset = _after_space(text, _after_sign(text, offset, ":"))
        yield name, offset
        _, offset = _value(text, offset)
        offset = _after_space(text, offset)
        if text[offset] == ",":
            offset = _after_space(text, offset + 1)


def _value(text: str, offset: int) -> tuple[object, int]:
    """The value at a place, and the place after it."""
    try:
        value, end = _DECODER.raw_decode(text, offset)
    except json.JSONDecodeError as error:
        is_cut = error.msg.startswith("Unterminated") or error.pos > len(text) - _LONGEST_WORD
        raise (_CutError if is_cut else ValueError) from error
    if end == len(text):  # a number may go on
        raise _CutError
    return value, end


def _after_sign(text: str, offset: int, sign: str) -> int:
    offset = _after_space(text, offset)
    if text[offset] != sign:
        raise ValueError(sign)
    return offset + 1


def _after_space(text: str, offset: int) -> int:
    """The next place where there is no space."""
    match = _SPACE.match(text, offset)
    end = match.end() if match else offset
    if end >= len(text):
        raise _CutError
    return end
