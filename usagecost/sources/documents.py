"""JSON documents as lines: an array of objects, or objects that are printed over several lines, become one object a line.

What separates objects becomes a newline and newlines inside become spaces, byte by byte and piece by piece: nothing is parsed
here, and the size of a document does not matter. The number of a line is then the number of the object in the document.
"""

from __future__ import annotations

import numpy as np

_NEWLINE, _SPACE, _COMMA, _QUOTE, _BACKSLASH = (ord(letter) for letter in '\n ,"\\')

_DEPTH = np.zeros(256, np.int8)
_DEPTH[[ord("{"), ord("[")]] = 1
_DEPTH[[ord("}"), ord("]")]] = -1

_IS_BREAK = np.zeros(256, bool)
_IS_BREAK[[ord("\n"), ord("\r")]] = True

_IS_BRACKET = np.zeros(256, bool)
_IS_BRACKET[[ord("["), ord("]")]] = True

_HAS_MEANING = (_DEPTH != 0) | _IS_BREAK
_HAS_MEANING[[_COMMA, _QUOTE, _BACKSLASH]] = True


def is_document(start: bytes) -> bool:
    """Whether JSON that begins like this is one document: an array, or an object whose first line is not the whole of it."""
    text = start.lstrip(b"\0 \t\r\n")
    return text.startswith(b"[") or (text.startswith(b"{") and text.partition(b"\n")[0].rstrip().endswith((b"{", b"[", b",")))


class Splitter:
    """Makes lines of a document that comes piece by piece."""

    def __init__(self) -> None:
        self._base: int | None = None  # how deep the objects lie: 1 in an array, else 0
        self._depth = 0
        self._is_in_string = False
        self._kept = b""  # backslashes that stood at the end: what they mean shows with what follows

    @property
    def is_open(self) -> bool:
        """Whether something that was begun has not ended."""
        return self._is_in_string or self._depth != 0

    @property
    def is_between(self) -> bool:
        """Whether the last object has ended."""
        return not self._is_in_string and self._depth == (self._base or 0)

    def split(self, piece: bytes) -> bytes:
        """The piece with one object a line; at an object's end the newline stands once what follows has been seen."""
        whole = (self._kept + piece).rstrip(b"\\")
        self._kept = (self._kept + piece)[len(whole) :]
        if self._base is None and whole.strip():
            self._base = int(whole.lstrip().startswith(b"["))
        letters = np.frombuffer(whole, np.uint8).copy()
        places = np.flatnonzero(_HAS_MEANING[letters])
        if not len(places):
            return whole
        signs = letters[places]
        in_string = (np.cumsum((signs == _QUOTE) & ~_is_escaped(places, signs)) + self._is_in_string) % 2 == 1
        steps = np.where(in_string, np.int8(0), _DEPTH[signs])
        depth = self._depth + np.cumsum(steps, dtype=np.int32)
        # A bracket, whether it opens or closes, is as deep as what is inside.
        is_between = ~in_string & (np.maximum(depth, depth - steps) <= (self._base or 0))
        if self._base:
            letters[places[_IS_BREAK[signs] | (is_between & _IS_BRACKET[signs])]] = _SPACE
            letters[places[is_between & (signs == _COMMA)]] = _NEWLINE
        else:
            letters[places[_IS_BREAK[signs] & ~is_between]] = _SPACE
        self._depth, self._is_in_string = int(depth[-1]), bool(in_string[-1])
        return letters.tobytes()


def _is_escaped(places: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Of each sign, whether an odd number of backslashes stands right before it."""
    is_backslash = signs == _BACKSLASH
    if not is_backslash.any():
        return is_backslash
    order = np.arange(len(signs))
    follows = np.zeros(len(signs), bool)  # right after a backslash
    follows[1:] = is_backslash[:-1] & (np.diff(places) == 1)
    run_start = np.maximum.accumulate(np.where(follows, 0, order))
    return follows & ((order - run_start) % 2 == 1)
