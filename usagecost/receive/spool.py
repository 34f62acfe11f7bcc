"""What was acknowledged and is not in the lake yet: files of lines, on disk for good before anyone hears of it.

One thread writes: what has come while it waited for the disk goes there together, with one fsync for all. A file that is to be
brought to the lake is closed and another one begun. What breaks off while it is written was not acknowledged and is cut off again.
"""

from __future__ import annotations

import itertools
import os
import threading
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from filelock import FileLock, Timeout

SUFFIX = ".jsonl"


class SpoolBusy(Exception):  # noqa: N818 - nothing is wrong with it
    """Another receiver writes to the folder."""


class _Entry(NamedTuple):
    """Lines to write; None is the order to close the file that is open."""

    lines: bytes | None
    done: Future[None]


class Spool:
    """A folder of lines that are not in the lake yet. One process at a time uses it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: SimpleQueue[_Entry | None] = SimpleQueue()
        self._mutex = threading.Lock()
        self._bytes = 0
        self._closed: dict[Path, int] = {}
        self._open: tuple[Path, int] | None = None
        self._numbers = itertools.count(1)
        self._writer = threading.Thread(target=self._write, name="spool")
        self._lock = FileLock(folder.with_suffix(".lock"))

    def start(self) -> None:
        """Takes what an earlier process has left; raises SpoolBusy, or OSError where the folder cannot be used."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise SpoolBusy(f"Another receiver uses the spool folder {self._folder}: stop it, or name another lake.") from None
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            self._close(path, _cut_after_last_line(path))
        self._bytes = sum(self._closed.values())
        self._writer.start()

    def stop(self) -> None:
        """Writes what is left to write, and lets others use the folder."""
        self._entries.put(None)
        self._writer.join()
        self._lock.release()

    @property
    def waiting_bytes(self) -> int:
        """What is accepted and not in the lake yet."""
        return self._bytes

    def append(self, lines: bytes) -> Future[None]:
        """Whole lines; the result is there when they are on disk for good, or raises OSError, and nothing of them stays."""
        entry = _Entry(lines, Future())
        with self._mutex:
            self._bytes += len(lines)
        self._entries.put(entry)
        return entry.done

    def take(self) -> list[Path]:
        """The files that are not in the lake yet, the oldest first. What comes from now on goes to others."""
        entry = _Entry(None, Future())
        self._entries.put(entry)
        entry.done.result()
        with self._mutex:
            return list(self._closed)

    def forget(self, path: Path) -> None:
        """Removes a file that is in the lake."""
        path.unlink()
        with self._mutex:
            self._bytes -= self._closed.pop(path)

    def _write(self) -> None:
        """The writer's work, until it is told to stop."""
        while entry := self._entries.get():
            together = [entry]
            while entry.lines is not None and not self._entries.empty():
                entry = self._entries.get()
                if entry is None:
                    self._entries.put(None)
                    break
                together.append(entry)
            self._write_together([entry for entry in together if entry.lines is not None])
            if together[-1].lines is None:
                self._close_open()
                together[-1].done.set_result(None)
        self._close_open()

    def _write_together(self, entries: list[_Entry]) -> None:
        if not entries:
            return
        lines = b"".join(entry.lines or b"" for entry in entries)
        try:
            self._append(lines)
        except (OSError, MemoryError) as error:
            with self._mutex:
                self._bytes -= len(lines)
            for entry in entries:
                entry.done.set_exception(error)
        else:
            for entry in entries:
                entry.done.set_result(None)

    def _append(self, lines: bytes) -> None:
        """Raises OSError, and nothing of the lines stays."""
        path, size = self._open or self._new_file()
        try:
            with path.open("r+b", buffering=0) as file:
                file.seek(size)
                _write_whole(file, lines)
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                os.truncate(path, size)
            self._close_open()  # whatever the disk made of this: the next lines go to another file
            raise
        self._open = path, size + len(lines)

    def _new_file(self) -> tuple[Path, int]:
        path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{next(self._numbers):06}{SUFFIX}"
        path.touch(exist_ok=False)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._open = path, 0
        return self._open

    def _close_open(self) -> None:
        if self._open:
            self._close(*self._open)
            self._open = None

    def _close(self, path: Path, size: int) -> None:
        """Leaves a file to who brings it to the lake; one without lines is of no use."""
        if size:
            with self._mutex:
                self._closed[path] = size
        else:
            path.unlink()


def _write_whole(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _cut_after_last_line(path: Path) -> int:
    """Removes the beginning of a line at the end of a file; returns how long the file is then."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        start = end
        while start > 0:
            start = max(0, end - (1 << 16))
            file.seek(start)
            piece = file.read(end - start)
            if (last := piece.rfind(b"\n")) >= 0:
                end = start + last + 1
                break
            end = start
        file.truncate(end)
    return end
