"""When a file is ripe: nobody seems to write to it any more, or what has been written is whole lines.

A file is taken when it has not changed for the time between two rounds and its end shows that it is whole: a last line that has
ended, a whole gzip or zstd stream, a whole document, Parquet's footer. A file whose end does not show that is taken as it is once
it has stood still for long, and so are the whole lines of JSON lines that never stand still.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from usagecost.ingest.folders.taken import Stamp, read_stamp
from usagecost.sources import FileProblem, Head
from usagecost.sources.files import ByteStream, DocumentStream, is_packed

PATIENCE = 60.0
"""Seconds after which a file that stands still is taken though it seems unfinished, and one that does not, line by line."""

_TAIL_BYTES = 1 << 20
"""Of the end of a file: longer lines are not looked at as a whole."""


class Ripe(NamedTuple):
    """A file that can be taken: its stamp then, and the end up to which it is read, in bytes, if not all of it."""

    stamp: Stamp
    end: int | None = None


@dataclass(frozen=True)
class _Sight:
    """A file that is not taken as it is now: since when it has been so, and since when it has had something new."""

    stamp: Stamp
    unchanged_since: float
    new_since: float


class Sights:
    """Remembers the files that are not taken yet, from one round to the next."""

    def __init__(self, every: float, patience: float = PATIENCE) -> None:
        self._every, self._patience = every, patience
        self._waiting: dict[Path, _Sight] = {}

    def ripe(self, files: Iterable[Path], known_stamps: Mapping[Path, Stamp]) -> tuple[dict[Path, Ripe], int]:
        """The files that can be taken now, and how many others have something new."""
        now = time.monotonic()
        ripe: dict[Path, Ripe] = {}
        waiting: dict[Path, _Sight] = {}
        for path in files:
            stamp = read_stamp(path)
            if stamp is None or not stamp.size or stamp == known_stamps.get(path):
                continue
            sight = self._sight(path, stamp, now)
            ripe_file = self._ripe(path, sight, now)
            if ripe_file:
                ripe[path] = ripe_file
            else:
                waiting[path] = sight
        self._waiting = waiting
        return ripe, len(waiting)

    def _sight(self, path: Path, stamp: Stamp, now: float) -> _Sight:
        before = self._waiting.get(path)
        if before is None:
            return _Sight(stamp, now, now)
        return _Sight(stamp, before.unchanged_since if before.stamp == stamp else now, before.new_since)

    def _ripe(self, path: Path, sight: _Sight, now: float) -> Ripe | None:
        age = time.time() - sight.stamp.mtime_ns / 1e9  # of a file from before we looked; a clock that is wrong only delays it
        unchanged = max(now - sight.unchanged_since, age)
        if unchanged >= self._every and (unchanged >= self._patience or _is_complete(path)):
            return Ripe(sight.stamp)
        if now - sight.new_since >= self._patience and (end := _end_of_lines(path, sight.stamp.size)):
            return Ripe(sight.stamp._replace(size=end), end)
        return None


def _is_complete(path: Path) -> bool:
    """Whether the end of a file shows that it is whole. What cannot be read at all does not get any better."""
    try:
        if is_packed(path):
            return _can_be_read_to_its_end(ByteStream(path))
        head = Head.of(path)
        if head.is_parquet:
            return _tail(path, 4) == b"PAR1"
        if head.is_document:
            return _can_be_read_to_its_end(head.stream())
        return _last_line_has_ended(path)
    except FileProblem:
        return True
    except OSError:
        return False


def _can_be_read_to_its_end(stream: ByteStream | DocumentStream) -> bool:
    for _ in stream:
        pass
    return stream.problem is None


def _last_line_has_ended(path: Path) -> bool:
    """By a newline, or as a JSON object that is whole."""
    tail = _tail(path, _TAIL_BYTES)
    return tail.endswith(b"\n") or _is_object(tail[tail.rfind(b"\n") + 1 :])


def _end_of_lines(path: Path, size: int) -> int | None:
    """Where the last line ends that has ended, of a file of JSON lines; None if there is none, or it is another file."""
    try:
        if is_packed(path):
            return None
        head = Head.of(path, end=size)
        if head.is_document or not head.start.lstrip().startswith(b"{"):
            return None
        with path.open("rb") as file:
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read(min(size, _TAIL_BYTES))
    except (OSError, FileProblem):
        return None
    last = tail.rfind(b"\n")
    return max(0, size - _TAIL_BYTES) + last + 1 if last >= 0 else None


def _tail(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - most))
        return file.read()


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
