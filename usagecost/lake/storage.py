"""Where a lake lies: `Disk`, a folder of this machine, or `Bucket`, a folder of an object store. The rest need not know.

Both hold named files in a folder and can do the same: tell Delta where its log is, give paths from which the files can be read
here, take a new file for good, and replace a small file if nobody else has.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Generator, Hashable, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from filelock import FileLock

from usagecost.lake.bucket import Bucket, open_bucket
from usagecost.lake.errors import LakeError, LakeUnreadable

_URL = re.compile(r"([a-z0-9+]+):/+(.*)")
"""One slash is enough: a Path makes one of two."""

_UNUSABLE = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]|%[0-9A-Fa-f]{2}")
"""What Delta's library takes for something else in the path of a table: it then makes a table that it does not find again."""

CHANGED_LONG_AGO = 1_000_000_000
"""Nanoseconds after which a folder that changes gets another time of change."""

DAMAGED, PART = "_damaged", ".part"
"""The folder of damaged files, and the ending of files that are being written."""


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A new file that takes the place of one when the block ends: it is there whole and for good, or nothing is left of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{uuid.uuid4()}{PART}")
    try:
        yield new
        fsync(new)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    fsync(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Puts the content in the place of what a file says, whole and for good, or not at all."""
    with replacing(path) as new:
        new.write_bytes(content)


def fsync(path: Path) -> None:
    """Waits until a file's content, or a folder's list of names, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Disk:
    """A folder of this machine, which people and Delta call by its path; files in it are named relative to it."""

    folder: Path

    look_every = 0.0
    """How many seconds pass before the log is looked at again: looking costs nothing."""
    options = None
    """What Delta needs beside the path."""

    def __truediv__(self, name: str) -> Disk:
        return Disk(self.folder / name)

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def lake(self) -> str:
        """What people call the lake in which this folder is a table's."""
        return str(self.folder.parent)

    @property
    def work(self) -> Path:
        """The folder of this machine in which staging and locks have their place."""
        return self.folder

    def has_table(self) -> bool:
        """Whether the folder holds a Delta table, readable or not."""
        return self.folder.is_dir() and DeltaTable.is_deltatable(str(self))

    def identity(self, name: str) -> Hashable | None:
        """What tells a file from another one of the same name; None if there is none."""
        try:
            status = os.stat(f"{self.folder}/{name}")  # noqa: PTH116 - a Path takes ten times as long to make
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def paths(self, files: Iterable[tuple[str, int]]) -> list[str]:
        """Where files, given by name and size in bytes, can be read on this machine."""
        return [f"{self.folder}/{name}" for name, _ in files]

    def make(self) -> None:
        """Makes the folder, unless it is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fsync(self.folder.parent)

    def add(self, file: Path, name: str, *, copies: bool = False) -> None:
        """Moves a file of this machine here, or ``copies`` it: it is here whole and for good, or not at all."""
        with replacing(self.folder / name) as new:
            (shutil.copyfile if copies else shutil.move)(file, new)

    def discard(self, name: str) -> None:
        """Removes a file that no version names."""
        (self.folder / name).unlink(missing_ok=True)

    def forget(self, names: Iterable[str]) -> None:
        """Removes what there is beside files that are gone: nothing."""

    def sync(self, name: str = "") -> None:
        """Waits until a file's content, or the folder's list of names, is on disk."""
        fsync(self.folder / name)

    def read(self, name: str) -> bytes | None:
        """A small file; None if there is none."""
        try:
            return (self.folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def replace(self, name: str, content: bytes | None, seen: bytes | None) -> bool:
        """Writes a small file, whole or not at all, or none, in the place of what was seen there; False if that is gone."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".texts.lock"):
            if self.read(name) != seen:
                return False
            if content is not None:
                write_whole(path, content)
            elif seen is not None:
                path.unlink()
                fsync(path.parent)
        return True

    def names(self) -> list[str]:
        """The files that are directly in the folder, but for hidden ones and those that are being written."""
        try:
            return [
                path.name
                for path in self.folder.iterdir()
                if path.is_file() and not path.name.startswith(".") and path.suffix != PART
            ]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def below(self) -> dict[str, tuple[int, float]]:
        """The files in the folder and in those in it, by their names from here -> bytes, and when they were written (Unix time)."""
        files = {}
        for parent, _, names in os.walk(self.folder):
            for name in names:
                with suppress(FileNotFoundError):  # another process was faster
                    about = os.stat(f"{parent}/{name}")  # noqa: PTH116 - a Path takes ten times as long to make
                    files[f"{parent}/{name}".removeprefix(f"{self.folder}/")] = about.st_size, about.st_mtime
        return files

    def state(self) -> Hashable | None:
        """What stays the same as long as the same files are in the folder itself; None if it cannot be told yet."""
        try:
            changed = os.stat(self.folder).st_mtime_ns  # noqa: PTH116 - as above
        except FileNotFoundError:
            return "no folder"
        return changed if time.time_ns() - changed > CHANGED_LONG_AGO else None

    def drop(self, names: Iterable[str]) -> None:
        """Removes files for good, and folders that have none then."""
        for path in [self.folder / name for name in names]:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # there are others in it
                path.parent.rmdir()

    def tighten(self) -> None:
        """Leaves the folder, and all in it, to their owner only."""
        for parent, _, names in os.walk(self.folder):
            for path in (parent, *(f"{parent}/{name}" for name in names)):
                with suppress(OSError):  # it is gone, or somebody else's
                    mode = os.lstat(path).st_mode
                    if mode & 0o077 and not stat.S_ISLNK(mode):
                        Path(path).chmod(mode & 0o700)

    def set_aside(self, names: Iterable[str]) -> None:
        """Moves damaged files of tables to a folder beside them, which Delta leaves alone."""
        for path in [self.folder / name for name in names]:
            table = self.folder / path.relative_to(self.folder).parts[0]
            to = table / DAMAGED / path.relative_to(table)
            to.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                path.rename(to)

    @contextmanager
    def explained(self) -> Generator[None]:
        """Errors of the store become sentences; a disk's speak for themselves."""
        yield


Storage = Disk | Bucket


def storage(root: str | Path) -> Storage:
    """Where the lake lies that a path, or an s3://, gs:// or az:// URL, names; raises LakeError if it can be neither.

    A path through symbolic links is the folder to which they lead, so that all who use the lake find the same prices, boards and
    locks beside it.
    """
    url = _URL.fullmatch(str(root))
    if url:
        return open_bucket(url[1], url[2])
    folder = Path(root).expanduser().resolve()
    if unusable := _UNUSABLE.search(folder.as_posix()):
        raise LakeError(
            f"A lake cannot lie in {folder}: {unusable[0]!a} in the path of a folder is read as something else by Delta Lake. "
            "Rename the folder, or choose another."
        )
    return Disk(folder)


def lake_root() -> str:
    """The lake's folder, or its URL in an object store: USAGECOST_LAKE, else data/lake in the repository."""
    return os.environ.get("USAGECOST_LAKE") or str(Path(__file__).parents[2] / "data" / "lake")


@contextmanager
def errors_explained(store: Storage, version: int | None = None) -> Generator[None]:
    """Errors of a table that is read, or of the store that has it, become LakeErrors."""
    try:
        with store.explained():
            yield
    except (DeltaError, OSError) as error:
        subject = "The lake" if version is None else f"Version {version} of the lake"
        reason = str(error).strip().splitlines()[0]
        raise LakeUnreadable(
            f"{subject} in {store.lake} cannot be read ({reason}): restore the folder from a backup, "
            "or move it away and ingest the logs again."
        ) from error
