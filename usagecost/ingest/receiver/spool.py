"""What was acknowledged and is not in the lake yet: segments of lines, on disk for good before anyone hears of it.

What comes while the disk is busy goes there together, with one fsync for all. A segment is closed, which renames it, after some
seconds or when it is large; who brings closed ones to the lake deletes them. What breaks off while it is written was not
acknowledged, and is cut off again.
"""

from __future__ import annotations

import asyncio
import itertools
import mmap
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from filelock import FileLock, Timeout

from usagecost.lake.storage import fsync

CLOSED, OPEN = ".jsonl", ".open"

LOOK_EVERY = 0.2
"""Seconds after which the age of the segment is looked at, and what is still there of the others."""


class SpoolBusy(Exception):  # noqa: N818 - nothing is wrong with it
    """Another receiver writes to the folder."""


@dataclass
class _Batch:
    """Lines that go to the disk together, and what came of it."""

    lines: list[bytes] = field(default_factory=list)
    problem: OSError | None = field(default_factory=lambda: OSError("it was not written"))


@dataclass
class _Segment:
    """The file that is written to: how many bytes of it are on disk for good, and when it is to be closed."""

    path: Path
    file: FileIO
    due: float
    size: int = 0


class Spool:
    """A folder of lines that are not in the lake yet. One process at a time writes to it."""

    def __init__(self, folder: Path, every: float, full_bytes: int) -> None:
        self._folder, self._every, self._full_bytes = folder, every, full_bytes
        self._lock = FileLock(folder.with_suffix(".lock"))
        self._batch, self._turn = _Batch(), asyncio.Lock()
        self._segment: _Segment | None = None
        self._mutex = threading.Lock()  # around the segment
        self._numbers = itertools.count(1)
        self._closed_bytes = 0
        self._ending = threading.Event()
        self._closer = threading.Thread(target=self._look_after, name="spool")

    def start(self) -> None:
        """Close what an earlier process has left; raises SpoolBusy, or OSError where the folder cannot be used."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise SpoolBusy(f"Another receiver uses the spool folder {self._folder}: stop it, or name another lake.") from None
        for path in self._folder.glob(f"*{CLOSED}*"):
            with suppress(FileNotFoundError):  # closed ones may be taken meanwhile; of earlier versions they may end in half a line
                _close(path, _cut_after_last_line(path))
        self._closer.start()

    def stop(self) -> None:
        """Close what was written, and let others use the folder."""
        self._ending.set()
        self._closer.join()
        self._lock.release()

    @property
    def waiting_bytes(self) -> int:
        """What is accepted and not in the lake yet, as of a moment ago."""
        segment = self._segment
        return self._closed_bytes + (segment.size if segment else 0)

    async def append(self, lines: bytes) -> None:
        """Add whole lines, and return when they are on disk for good; raises OSError, and nothing of them stays."""
        batch = self._batch
        batch.lines.append(lines)
        async with self._turn:
            if batch is self._batch:  # else they went to the disk with those of another
                self._batch = _Batch()
                try:
                    await asyncio.to_thread(self._write, b"".join(batch.lines))
                    batch.problem = None
                except OSError as problem:
                    batch.problem = problem
        if batch.problem:
            raise batch.problem

    def _write(self, lines: bytes) -> None:
        with self._mutex:
            segment = self._segment = self._segment or self._new_segment()
            try:
                segment.file.truncate(segment.size)
                segment.file.seek(segment.size)
                remaining = memoryview(lines)
                while remaining:
                    remaining = remaining[segment.file.write(remaining) :]
                os.fsync(segment.file.fileno())
            except OSError:
                with suppress(OSError):
                    segment.file.truncate(segment.size)
                segment.due = 0.0  # whatever the disk made of this: the next lines go to another file
                raise
            segment.size += len(lines)

    def _new_segment(self) -> _Segment:
        path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{next(self._numbers):06}{CLOSED}{OPEN}"
        segment = _Segment(path, FileIO(path, "x"), time.monotonic() + self._every)
        fsync(self._folder)
        return segment

    def _look_after(self) -> None:
        """Close segments in time, until the end, and see how much waits."""
        while not self._ending.wait(min(LOOK_EVERY, self._every)):
            self._close_if_due()
        self._close_if_due()

    def _close_if_due(self) -> None:
        with suppress(OSError):  # then it is tried again
            with self._mutex:
                segment = self._segment
                if segment and (segment.due <= time.monotonic() or segment.size >= self._full_bytes or self._ending.is_set()):
                    _close(segment.path, segment.size)
                    self._segment = None
                    segment.file.close()
            self._closed_bytes = sum(path.stat().st_size for path in self._folder.glob(f"*{CLOSED}"))


def _close(path: Path, size: int) -> None:
    """Leave a file to who brings it to the lake; one without lines is of no use."""
    if size:
        path.rename(path.with_name(path.name.removesuffix(OPEN)))
    else:
        path.unlink()


def _cut_after_last_line(path: Path) -> int:
    """Remove the beginning of a line at the end of a file; returns how long the file is then."""
    end = 0
    if path.stat().st_size:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            end = content.rfind(b"\n") + 1
    os.truncate(path, end)
    return end
