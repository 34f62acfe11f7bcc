"""JSON documents as lines: an array of objects, or objects over several lines or run together on one, become one object a line.

What separates objects becomes a newline and newlines inside become spaces, byte by byte and piece by piece: nothing is parsed
here, and the size of a document does not matter. The number of a line is then the number of the object in the document.

Of an envelope, or of several one after the other, the records are the objects, and what is around them is left out.
"""

from __future__ import annotations

import json
import re

import numpy as np

from usagecost.sources.envelopes import Envelope, begins_with_envelope, find_envelope

_NEWLINE, _SPACE, _COMMA, _QUOTE, _BACKSLASH = (ord(letter) for letter in '\n ,"\\')

_STEP_BYTES = 1 << 16
"""What is worked on at once where envelopes may be short and follow each other: their ends are found one by one."""

_DEPTH = np.zeros(256, np.int8)
_DEPTH[[ord("{"), ord("[")]] = 1
_DEPTH[[ord("}"), ord("]")]] = -1

_IS_BREAK = np.zeros(256, bool)
_IS_BREAK[[ord("\n"), ord("\r")]] = True

_IS_BRACKET = np.zeros(256, bool)
_IS_BRACKET[[ord("["), ord("]")]] = True

_NEXT_OBJECT = re.compile(rb"\}[\s,]*\{")

_HAS_MEANING = (_DEPTH != 0) | _IS_BREAK
_HAS_MEANING[[_COMMA, _QUOTE, _BACKSLASH]] = True


def is_document(start: bytes) -> bool:
    """Whether JSON that begins like this is one document: an array, an object whose first line is not the whole of it, several on
    one line, or an envelope.
    """
    text = start.lstrip(b"\0 \t\r\n")
    if not text.startswith(b"{"):
        return text.startswith(b"[")
    line = text.partition(b"\n")[0]
    return line.rstrip().endswith((b"{", b"[", b",")) or _are_several(line) or begins_with_envelope(start)


def _are_several(line: bytes) -> bool:
    """Whether another object follows the first one of a line."""
    if not _NEXT_OBJECT.search(line):
        return False
    text = line.decode(errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip(" \t\r,").startswith("{")


class Splitter:
    """Makes lines of a document that comes piece by piece.

    Until its beginning shows whether it is an envelope, it is gathered: at most `envelopes.SAMPLE_BYTES` and a piece.
    """

    def __init__(self) -> None:
        self._objects = _Objects()
        self._beginning: bytes | None = b""  # None once it is known what the document is
        self._depth = 0  # how many objects are around the array of an envelope that was opened; 0 if there is none
        self._pages = 0  # how many envelopes have been opened
        self._tail: _Objects | None = None  # what follows an envelope's array

    @property
    def is_open(self) -> bool:
        """Whether something that was begun has not ended."""
        if self._beginning is not None:
            return bool(self._beginning.strip(b"\0 \t\r\n"))
        return bool(self._depth) or self._objects.is_open

    @property
    def is_between(self) -> bool:
        """Whether the last object has ended."""
        return self._beginning is not None or self._tail is not None or self._objects.is_between

    def split(self, piece: bytes) -> bytes:
        """The piece with one object a line; at an object's end the newline stands once what follows has been seen."""
        lines: list[bytes] = []
        if not self._pages and self._beginning is not None:
            piece = self._begin(self._beginning + piece, lines)
        most = _STEP_BYTES if self._pages else max(len(piece), 1)
        for start in range(0, len(piece), most):
            remaining = piece[start : start + most]
            while remaining:
                remaining = self._step(remaining, lines)
        return b"".join(lines)

    def _step(self, piece: bytes, lines: list[bytes]) -> bytes:
        """What is left of a piece after its next part, whose lines are added to the others."""
        if self._beginning is not None:
            return self._begin(self._beginning + piece, lines)
        if self._tail is not None:
            return self._skip(self._tail, piece)
        text, remaining = self._objects.split(piece)
        lines.append(text)
        if self._objects.has_ended:
            self._tail = _Objects(depth=self._depth)
        return remaining

    def _begin(self, text: bytes, lines: list[bytes]) -> bytes:
        """What is left to be split, once it is known what begins here."""
        envelope = find_envelope(text, is_page=self._pages > 0)
        if envelope is False:
            self._beginning = text
            return b""
        self._beginning = None
        if self._pages:
            lines.append(b"\n")
        if not isinstance(envelope, Envelope):
            self._objects, self._depth = _Objects(), 0
            return text
        self._objects, self._depth = _Objects(is_array_alone=True), envelope.depth
        self._pages += 1
        return text[envelope.start :]

    def _skip(self, tail: _Objects, piece: bytes) -> bytes:
        """What is left once the objects around an envelope's array have ended."""
        _, remaining = tail.split(piece)
        if tail.has_ended:
            self._tail, self._depth, self._beginning = None, 0, b""
        return remaining


class _Objects:
    """Makes lines of arrays, or of objects one after the other.

    Of an array that stands alone, or with a depth of the inside of so many objects, it finds the end.
    """

    def __init__(self, *, is_array_alone: bool = False, depth: int = 0) -> None:
        self._ends = is_array_alone or depth > 0
        self._base: int | None = int(self._ends) or None  # how deep the objects lie: 1 in an array, else 0
        self._depth = depth
        self._is_in_string = False
        self._is_apart = True  # whether a line may begin, as nothing or a newline stands before
        self._kept = b""  # backslashes that stood at the end: what they mean shows with what follows
        self._window = 1 << 10  # how much is looked at for the end, twice as much each time
        self.has_ended = False

    @property
    def is_open(self) -> bool:
        """Whether something that was begun has not ended."""
        return self._is_in_string or self._depth != 0

    @property
    def is_between(self) -> bool:
        """Whether the last object has ended."""
        return not self._is_in_string and self._depth == (self._base or 0)

    def split(self, piece: bytes) -> tuple[bytes, bytes]:
        """The piece with one object a line, and what is left of it for another time."""
        later = b""
        if self._ends:
            piece, later = piece[: self._window], piece[self._window :]
            self._window *= 2
        complete = (self._kept + piece).rstrip(b"\\")
        self._kept = (self._kept + piece)[len(complete) :]
        if self._base is None and complete.strip():
            self._base = int(complete.lstrip().startswith(b"["))
        letters = np.frombuffer(complete, np.uint8).copy()
        positions = np.flatnonzero(_HAS_MEANING[letters])
        if not len(positions):
            return complete, later
        signs = letters[positions]
        in_string = (np.cumsum((signs == _QUOTE) & ~_is_escaped(positions, signs)) + self._is_in_string) % 2 == 1
        steps = np.where(in_string, np.int8(0), _DEPTH[signs])
        depth = self._depth + np.cumsum(steps, dtype=np.int32)
        # A bracket, whether it opens or closes, is as deep as what is inside.
        is_between = ~in_string & (np.maximum(depth, depth - steps) <= (self._base or 0))
        if self._base:
            letters[positions[_IS_BREAK[signs] | (is_between & _IS_BRACKET[signs])]] = _SPACE
            letters[positions[is_between & (signs == _COMMA)]] = _NEWLINE
        else:
            letters[positions[(_IS_BREAK[signs] & ~is_between) | (is_between & (signs == _COMMA))]] = _SPACE
            is_apart = np.concatenate([[self._is_apart], signs[:-1] == _NEWLINE])
            letters = np.insert(letters, positions[(steps > 0) & (depth == 1) & ~is_apart], _NEWLINE)
            self._is_apart = bool(signs[-1] == _NEWLINE)
        self._depth, self._is_in_string = int(depth[-1]), bool(in_string[-1])
        if self._ends and (ends := np.flatnonzero((steps < 0) & (depth <= 0))).size:
            end = int(positions[ends[0]]) + 1
            later, self._kept = complete[end:] + self._kept + later, b""
            self._depth, self._is_in_string, self.has_ended = 0, False, True
            letters = letters[:end]
        return letters.tobytes(), later


def _is_escaped(positions: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Of each sign, whether an odd number of backslashes stands right before it."""
    is_backslash = signs == _BACKSLASH
    if not is_backslash.any():
        return is_backslash
    order = np.arange(len(signs))
    follows = np.zeros(len(signs), bool)  # right after a backslash
    follows[1:] = is_backslash[:-1] & (np.diff(positions) == 1)
    run_start = np.maximum.accumulate(np.where(follows, 0, order))
    return follows & ((order - run_start) % 2 == 1)
