"""The files of rollups: beside the requests of a lake, on a disk or in a store, for each large file of requests.

``_rollups/v1/<rollup>/<content>/<file of requests>-<its own CRC-32>.parquet``, and in each such folder ``content.json``, which says
what its files hold. Where there is no room for a rollup an empty ``<file of requests>.none`` says so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path, PurePosixPath

import duckdb

from usagecost.lake.checksums import is_intact
from usagecost.lake.errors import LakeError, LakeUnreadable
from usagecost.lake.rollup_writing import CONTENT, NOT_WORTH_IT, RollupWriter, Task
from usagecost.lake.rollups import ROLLUPS, Content, content_of, decoded_sql, stored_columns, times_within
from usagecost.lake.staging import worker_count
from usagecost.lake.storage import PART, Storage
from usagecost.lake.table import DataFile, local_paths
from usagecost.periods import reporting_zone

FOLDER, VERSION = "_rollups", "v1"
"""Beside the days of the requests; Delta leaves alone what begins with a low line. Another version lies in another folder."""

LEAST_ROWS = 20_000
"""A smaller file is as quickly read as its rollups."""
WRITTEN_LONG_AGO = 3_600
"""Seconds after which nobody writes a file any more that is not whole, or reads one that has been written anew."""


@dataclass(frozen=True)
class RollupFile:
    """A file of a rollup; ``written`` is Unix time."""

    name: str
    bytes: int
    written: float

    @property
    def rollup(self) -> str:
        """The name of the rollup."""
        return self.name.partition("/")[0]

    @property
    def requests_stem(self) -> str:
        """The file of requests that it is of, without its folder and ending."""
        stem = _stem(self.name)
        return stem if self.name.endswith(NOT_WORTH_IT) else stem.rpartition("-")[0]

    @property
    def folder(self) -> str:
        """The folder, in which all files hold the same."""
        return self.name.rpartition("/")[0]

    @property
    def is_worth_it(self) -> bool:
        """Whether it has rows, as these take less room than the requests."""
        return not self.name.endswith(NOT_WORTH_IT)


@dataclass(frozen=True)
class Rolled:
    """What tells some columns of the requests: files of which each request is read, and files of rollups, by their folder, in
    the place of others.
    """

    columns: frozenset[str]
    requests: tuple[DataFile, ...]
    folders: Mapping[str, tuple[RollupFile, ...]]

    @property
    def select(self) -> str:
        """The columns for a SELECT over rows of the files of rollups."""
        return f"started_at, {decoded_sql(self.columns)}"

    @property
    def read(self) -> set[str]:
        """The columns of the files that it reads."""
        return {"started_at", *stored_columns(self.columns)}


@dataclass(frozen=True)
class _Listing:
    """The name of a file of requests, without its folder and ending -> the files of its rollups, in the order of these, the newest
    first; and folder -> what its files hold. ``state`` is that of the folders.
    """

    files: Mapping[str, Sequence[RollupFile]]
    contents: Mapping[str, Content]
    state: Hashable | None = None


class RollupFiles:
    """The files of rollups of one lake. ``store`` is where the requests are."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._folder = store / FOLDER / VERSION
        self._listed = _Listing({}, {})
        self._intact: dict[RollupFile, bool] = {}

    def rolled(
        self, request_files: Sequence[DataFile], columns: Collection[str], cuts: Iterable[int], *, checks: bool = True
    ) -> Rolled:
        """Returns the files from which some columns are read where time is cut at some instants (µs): of the first rollup that has
        them, and those of requests where none has. Damaged rollups are left out, if it ``checks`` them.
        """
        listing, ends = self._current_listing(), sorted(cuts)
        telling = {folder: content for folder, content in listing.contents.items() if content.has(columns)}
        folders: dict[str, list[RollupFile]] = {}
        requests = []
        for file in request_files:
            times = times_within(file.utc_day, ends)
            serving = (
                rollup_file
                for rollup_file in listing.files.get(_stem(file.name), ())
                if rollup_file.folder in telling and self._intact.get(rollup_file, True)
            )
            if rollup_file := next(
                (
                    rollup_file
                    for rollup_file in serving
                    if rollup_file.is_worth_it and not telling[rollup_file.folder].is_cut(times)
                ),
                None,
            ):
                folders.setdefault(rollup_file.folder, []).append(rollup_file)
            else:
                requests.append(file)
        if checks and not self._are_intact(rollup_file for files in folders.values() for rollup_file in files):
            return self.rolled(request_files, columns, ends)
        return Rolled(frozenset(columns), tuple(requests), {folder: tuple(files) for folder, files in folders.items()})

    def paths(self, files: Iterable[RollupFile]) -> list[str]:
        """Where files can be read on this machine."""
        return self._folder.paths((file.name, file.bytes) for file in files)

    def uri(self, folder: str) -> str:
        """Where a folder lies, as others than this machine may find it."""
        return str(self._folder / folder)

    def lacking(self, files: Iterable[DataFile]) -> list[DataFile]:
        """Those of the files that ought to have rollups as they are declared, and lack one."""
        return [file for file in files if file.rows >= LEAST_ROWS and self._task(file).lacking]

    def write(self, con: duckdb.DuckDBPyConnection, folder: Path, files: Collection[DataFile], stored: Iterable[DataFile]) -> int:
        """Write the rollups that files lack; returns how many files were added up. No number depends on them, so nothing is raised
        if it cannot be done. ``stored`` are all files of the version, ``folder`` is one for staging.
        """
        tasks = {file: self._task(file) for file in (*stored, *files)}  # of these some may be gone by now
        writer = RollupWriter(con, folder, self._folder, sum(task.spare_bytes for file, task in tasks.items() if file not in files))
        with ThreadPoolExecutor(worker_count()) as pool:
            count = sum(pool.map(lambda file: writer.write(tasks[file], *local_paths(self._store, [file])), files))
        self._look_again()
        return count

    def remove_orphans(self) -> None:
        """Remove the files of rollups whose requests are gone, of every version of the app, those that were written anew, and
        what a killed process has left. The caller is alone among the writers.
        """
        every = self._store / FOLDER
        below = every.below()  # before the files that they are of: in a store another machine may add both meanwhile
        request_ids = {_id(name) for name in self._store.below() if not name.startswith("_")}
        listing, long_ago = self._list(), time.time() - WRITTEN_LONG_AGO
        anew = {f"{VERSION}/{name}" for files in listing.files.values() for name in _written_anew(files, listing.contents)}
        leftovers = {name for name in below if (name in anew or name.endswith(PART)) and below[name][1] < long_ago}
        orphans = {name for name in below if name.endswith((".parquet", NOT_WORTH_IT)) and _id(name) not in request_ids}
        every.drop(leftovers | orphans)
        self._look_again()

    def drop_damaged(self) -> int:
        """Remove the files that are not what was written, so that they are written anew; returns of how many files of requests."""
        files = [file for siblings in self._list().files.values() for file in siblings if file.is_worth_it]
        self._intact.clear()
        self._are_intact(files)
        damaged = [file for file in files if not self._intact[file]]
        self._folder.drop(file.name for file in damaged)
        self._look_again()
        return len({file.requests_stem for file in damaged})

    def _task(self, file: DataFile) -> Task:
        """What is to be done for a file."""
        in_order = sorted(ROLLUPS.values(), key=lambda rollup: rollup.is_last)
        contents = {rollup.name: content_of(rollup, file.utc_day, reporting_zone()) for rollup in in_order}
        declared = {f"{name}/{content.name}": content for name, content in contents.items()}
        staying = {
            rollup_file.folder: rollup_file.bytes
            for rollup_file in self._current_listing().files.get(_stem(file.name), ())
            if rollup_file.folder in declared
        }
        return Task(file, {folder: content for folder, content in declared.items() if folder not in staying}, sum(staying.values()))

    def _are_intact(self, files: Iterable[RollupFile]) -> bool:
        """Whether those of the files that are used for the first time are what was written."""
        new = [file for file in files if file not in self._intact]
        with suppress(LakeUnreadable):  # one is gone; which it is shows below
            self.paths(new)  # all at once: a store answers many as soon as one
        with ThreadPoolExecutor(worker_count()) as pool:
            are_intact = list(pool.map(self._is_intact, new))
        self._intact |= dict(zip(new, are_intact, strict=True))
        if not all(are_intact):
            logging.getLogger(__name__).warning("Rollups in %s are damaged and read around: see doctor --repair", self._folder)
        return all(are_intact)

    def _is_intact(self, file: RollupFile) -> bool:
        """Whether a file is what was written; of a store's a damaged copy is fetched anew."""
        try:
            if is_intact(*self.paths([file])):
                return True
            self._folder.forget([file.name])
            return is_intact(*self.paths([file]))
        except LakeUnreadable:
            return False

    def _current_listing(self) -> _Listing:
        """The newest listing. While a store does not answer it is the one that was, so that copies can be read."""
        if self._listed.state is None or self._listed.state != self._state(self._listed.contents):
            try:
                self._listed = self._list()
            except LakeError:
                logging.getLogger(__name__).warning("The rollups in %s cannot be listed", self._folder, exc_info=True)
        return self._listed

    def _look_again(self) -> None:
        """Has the next question find what was written or removed here."""
        self._listed = replace(self._listed, state=None)

    def _state(self, folders: Iterable[str]) -> Hashable | None:
        """What stays the same as long as the same files are there; None if it cannot be told."""
        states = tuple((self._folder / name).state() for name in ("", *ROLLUPS, *sorted(folders)))
        return None if None in states else states

    def _list(self) -> _Listing:
        files: dict[str, list[RollupFile]] = {}
        contents: dict[str, Content | None] = {}
        for name, (size, written) in self._folder.below().items():
            folder, _, ending = name.rpartition("/")
            if folder.partition("/")[0] not in ROLLUPS or not ending.endswith((".parquet", NOT_WORTH_IT)):
                continue
            if folder not in contents:
                contents[folder] = self._listed.contents.get(folder) or self._content(folder)
            if contents[folder]:
                file = RollupFile(name, size, written)
                files.setdefault(file.requests_stem, []).append(file)
        order = [*ROLLUPS]
        for siblings in files.values():
            siblings.sort(key=lambda file: (order.index(file.rollup), -file.written))
        readable = {folder: content for folder, content in contents.items() if content}
        return _Listing(files, readable, self._state(readable))

    def _content(self, folder: str) -> Content | None:
        """What the files in a folder, which is named by it, hold; None if that is not told."""
        try:
            content = Content.from_json((self._folder.read(f"{folder}/{CONTENT}") or b"").decode())
        except (ValueError, KeyError, TypeError):
            return None
        return content if folder.endswith(f"/{content.name}") else None


def _written_anew(files: Iterable[RollupFile], contents: Mapping[str, Content]) -> Iterator[str]:
    """The names of those files of one file's rollups that a newer one has all columns of; its days may begin at other times."""
    for older, newer in permutations(files, 2):
        is_newer = older.rollup == newer.rollup and older.written < newer.written and older.is_worth_it <= newer.is_worth_it
        if is_newer and contents[newer.folder].has(contents[older.folder].columns):
            yield older.name


def _stem(name: str) -> str:
    """The name of a file without its folder and ending."""
    return PurePosixPath(name).stem


def _id(name: str) -> str:
    """What the name of a file of requests begins with, and those of all that is made of it, in any version of the app."""
    return _stem(name).partition("-")[0]
