"""Tallies: what the requests of one file add up to, by the values of dimensions in each quarter-hour, hour, part of a day or day.

They lie beside the files, so that a page over many days reads sums instead of requests: sums by single dimensions in one file,
those by pairs, which are many and seldom asked for, in another (see `Grouping.kind`). A file never changes, so its tally is
right as long as it is there, and no second truth: a file without one, because it is small, because a tally would hardly be
smaller, or because whoever was to write it died, is read itself. `tally_groupings` and `tally_steps` say what is in which step.

A month's days, and their parts, lie together in one file besides but for pairs, named by a hash of the files that it tells of.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial, reduce
from hashlib import sha256
from operator import and_
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from usagecost.lake.atomic import fsync
from usagecost.lake.errors import LakeError, note_unwritten
from usagecost.lake.staging import worker_count
from usagecost.lake.storage import Storage
from usagecost.lake.table import DataFile, local_paths
from usagecost.lake.tally_choice import Tallied, Tally, chosen_groupings, tallies_that_tell
from usagecost.lake.tally_content import DEFINITION, Written, write_month, write_tally
from usagecost.lake.tally_groupings import FOLLOWING, GROUPINGS, Told, named, told_by
from usagecost.lake.tally_steps import STEPS

FOLDER = "_tallies"
"""Beside the days of the requests; Delta leaves alone what begins with a low line. In it one folder for each definition."""
ENDING = ".parquet"
_NAME = re.compile(r"([^~]+)~(sums|pairs|month)~([0-9a-f]{1,12})~(.*)\.parquet")
"""Whose sums they are, of what kind, where their days are parted, and what is told: ``17ce…~sums~40000000000~quarter+mod.pro``."""

LEAST_ROWS = 20_000
"""A smaller file is as quickly read as its tally."""
WRITTEN_LONG_AGO = 3_600
"""Seconds after which nobody writes a tally any more that is not whole."""


class Tallies:
    """The tallies of one lake. ``place`` is where the requests are."""

    def __init__(self, place: Storage) -> None:
        self._place = place
        self._all = place / FOLDER
        self._folder = self._all / DEFINITION
        self._listed: tuple[Hashable, dict[tuple[str, str], Tally]] | None = None

    def tallied(
        self, asked: Sequence[DataFile], files: Sequence[DataFile], needs: Iterable[frozenset[str]], cuts: Iterable[int]
    ) -> Tallied:
        """How to sum up some files by the values of dimensions, each of ``needs`` by those in it together, where time is cut at
        some instants (µs): the coarsest tallies that no cut goes through, and the requests where there are none. ``files`` are
        all of the version.
        """
        known, ends = self._known(), sorted(cuts)
        own = {file: [tally for kind in ("sums", "pairs") if (tally := known.get((_stem(file), kind)))] for file in asked}
        months = {file: known.get((month, "month")) for month, of_month in _months(files, known).items() for file in of_month}
        stepping = [(tally, step) for file in asked for tally in own[file] if (step := tally.step(file.day, ends))]
        chosen = chosen_groupings(needs, stepping)
        by_step: dict[str, list[Tally]] = {}
        steps_of_months: dict[Tally, set[str]] = {}
        requests: list[DataFile] = []
        elsewhere: set[date] = set()
        for file in asked:
            month = months.get(file)
            telling = tallies_that_tell(chosen, [*([month] if month else []), *own[file]], file.day, ends)
            if not telling:
                requests.append(file)
            for tally in telling:
                if tally is month:
                    steps_of_months.setdefault(tally, set()).add(tally.step(file.day, ends))
                else:
                    by_step.setdefault(tally.step(file.day, ends), []).append(tally)
            if month and month not in telling:
                elsewhere.add(file.day)
        months_by_step: dict[str, list[Tally]] = {}
        for month, steps in steps_of_months.items():
            months_by_step.setdefault(min(steps, key=STEPS.index), []).append(month)
        return Tallied(
            chosen,
            tuple(local_paths(self._place, requests)),
            {step: self._paths(tallies) for step, tallies in by_step.items()},
            {step: self._paths(of_months) for step, of_months in months_by_step.items()},
            tuple(sorted(elsewhere)),
        )

    def lacking(self, files: Iterable[DataFile]) -> list[DataFile]:
        """Those of the files that ought to have a tally, and have none."""
        known = self._known()
        return [file for file in files if file.rows >= LEAST_ROWS and (_stem(file), "sums") not in known]

    def write(self, con: duckdb.DuckDBPyConnection, files: Iterable[DataFile]) -> int:
        """Write the tallies of files; returns how many. No number depends on them, so nothing is raised if it cannot be done."""

        def write_one(file: DataFile) -> bool:
            (path,) = local_paths(self._place, [file])
            return self._written(con, _stem(file), partial(write_tally, path=path, requests=file.rows), ("pairs", "sums"))

        self._all.make()
        self._folder.make()
        with ThreadPoolExecutor(worker_count()) as pool:
            return sum(pool.map(write_one, files))

    def lacking_months(self, files: Sequence[DataFile]) -> dict[str, list[Tally]]:
        """The months whose tallies are not together, and those tallies. ``files`` are all of a version."""
        known = self._known()
        months = {month: [known[_stem(file), "sums"] for file in of_month] for month, of_month in _months(files, known).items()}
        return {month: tallies for month, tallies in months.items() if (month, "month") not in known and _shared(tallies)}

    def write_months(self, con: duckdb.DuckDBPyConnection, files: Sequence[DataFile]) -> None:
        """Put the tallies of each month together. ``files`` are all of a version."""
        for month, tallies in self.lacking_months(files).items():
            told, parted_at = _shared(tallies), reduce(and_, (tally.parted_at for tally in tallies))
            write = partial(write_month, tallies=self._paths(tallies), told=told, parted_at=parted_at)
            self._written(con, month, write, ("month",))

    def forget_gone(self, files: Sequence[DataFile]) -> None:
        """Remove the tallies of files that are gone, months that ``files``, all of the newest version, do not make, and what a
        killed process or another version of the app has left. The caller is alone among the writers.
        """
        kept = self._all.below()  # before the files that they are of: in a store another machine may add both meanwhile
        stems = {name.rpartition("/")[2].removesuffix(ENDING) for name in self._place.below() if not name.startswith("_")}
        there = stems | _months(files, self._known()).keys()
        long_ago = time.time() - WRITTEN_LONG_AGO
        gone = []
        for path, (_, written) in kept.items():
            folder, _, name = path.rpartition("/")
            is_left = not name.endswith(ENDING) and written < long_ago
            if folder != DEFINITION or name.partition("~")[0] not in there or is_left:
                gone.append(path)
        self._all.drop(gone)

    def drop_unreadable(self) -> int:
        """Remove the tallies that are no Parquet files any more, so that they are written anew; returns how many."""
        files = [(name, size) for name, (size, _) in self._folder.below().items() if name.endswith(ENDING)]
        names = [name for (name, _), path in zip(files, self._folder.paths(files), strict=True) if not _is_readable(path)]
        self._folder.drop(names)
        self._folder.forget(names)
        self._listed = None
        return len(names)

    def _known(self) -> dict[tuple[str, str], Tally]:
        """The name of a file, without its folder and ending, or of a month, and the kind of its tally -> that.

        While a store does not answer they are those that it had, so that copies can be read.
        """
        state = self._folder.state()
        if self._listed and self._listed[0] == state:
            return self._listed[1]
        try:
            known = _tallies(self._folder.below())
        except LakeError:
            logging.getLogger(__name__).warning("The tallies in %s cannot be listed", self._folder, exc_info=True)
            known = self._listed[1] if self._listed else {}
        self._listed = (state, known) if state is not None else None
        return known

    def _paths(self, tallies: Iterable[Tally]) -> tuple[str, ...]:
        return tuple(self._folder.paths((tally.name, tally.bytes) for tally in tallies))

    def _written(self, con: duckdb.DuckDBPyConnection, whose: str, write: Callable[..., Written], kinds: Sequence[str]) -> bool:
        """Whether the tallies of these kinds could be written, whole; the last one is there only if all are."""
        parts = {kind: self._folder.new_file(f"{whose}~{kind}~{uuid.uuid4()}.part") for kind in kinds}
        try:
            with con.cursor() as cursor:
                told, parted_at = write(cursor, parts)
            for kind, part in parts.items():
                if part.exists():
                    of_kind = {name: one for name, one in told.items() if kind in (GROUPINGS[name].kind, "month")}
                    self._keep(part, f"{whose}~{kind}~{parted_at:x}~{named(of_kind)}{ENDING}")
        except (duckdb.Error, OSError, LakeError):
            for part in parts.values():
                part.unlink(missing_ok=True)
            note_unwritten("The tally of %s could not be written", whose)
            return False
        return True

    def _keep(self, part: Path, name: str) -> None:
        """A file that was written gets its name, once it is whole on disk."""
        fsync(part)
        part.replace(self._folder.new_file(name))
        with self._folder.explained():
            self._folder.keep(name)
        self._listed = None


def _tallies(files: Mapping[str, tuple[int, float]]) -> dict[tuple[str, str], Tally]:
    """Those of the files, by name with bytes and time, that are tallies: whose they are, and of what kind -> the tally."""
    found = {}
    for name, (size, _) in files.items():
        if named_so := _NAME.fullmatch(name):
            whose, kind, parted_at, told = named_so.groups()
            found[whose, kind] = Tally(name, size, kind, int(parted_at, 16), told_by(told))
    return found


def _is_readable(path: str) -> bool:
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    return True


def _stem(file: DataFile) -> str:
    return file.name.rpartition("/")[2].removesuffix(ENDING)


def _shared(tallies: Sequence[Tally]) -> dict[str, Told]:
    """What all of the tallies have of days and their parts: the groupings, each with what follows in all of them."""
    shared = [name for name in GROUPINGS if all(name in tally.told for tally in tallies)]
    following = {name: [one for one in FOLLOWING.get(name, ()) if _follows(one, name, tallies)] for name in shared}
    return {name: Told(GROUPINGS[name].dimensions(following), "part") for name in shared}


def _follows(dimension: str, name: str, tallies: Sequence[Tally]) -> bool:
    return all(dimension in tally.told[name].dimensions for tally in tallies)


def _months(files: Sequence[DataFile], known: Mapping[tuple[str, str], Tally]) -> dict[str, list[DataFile]]:
    """The name of each month, and its files with a tally: what its tally has to be of. The newest day, to which most commits add,
    is not in it.
    """
    by_month: dict[str, list[DataFile]] = {}
    newest = max((file.day for file in files), default=date.min)
    for file in files:
        if file.day < newest and (tally := known.get((_stem(file), "sums"))) and tally.told:
            by_month.setdefault(f"{file.day:%Y-%m}", []).append(file)
    return {
        f"{month}-{sha256(','.join(sorted(map(_stem, of_month))).encode()).hexdigest()[:16]}": of_month
        for month, of_month in by_month.items()
    }
