"""The handle on a lake: merge in, read a snapshot, keep rejects, look after the files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from filelock import FileLock

from usagecost.lake import lineage as lake_lineage
from usagecost.lake import names as lake_names
from usagecost.lake import rejects as lake_rejects
from usagecost.lake import removal as lake_removal
from usagecost.lake import repricing as lake_repricing
from usagecost.lake import upkeep as lake_upkeep
from usagecost.lake.merge import resolve, write_days
from usagecost.lake.removal import Removal, Selection
from usagecost.lake.repricing import Days, PriceTables, Pricing, Repricing
from usagecost.lake.snapshot import Snapshot
from usagecost.lake.staging import bounded_database, staging_folder
from usagecost.lake.table import (
    LINEAGE,
    NAMES,
    PRICE_CHANGES,
    REJECTS,
    REPRICINGS,
    REQUESTS,
    TableSpec,
    data_files,
    exists,
    file_paths,
    log_file,
    open_or_create,
    open_table,
    paths_by_day,
    replace_days,
    update_table,
    watermark,
)

T = TypeVar("T")

COMMIT_ATTEMPTS = 10
"""Only committers on other machines, which the file lock does not reach, make a second one necessary."""

KEPT_SNAPSHOTS = 4


def lake_root() -> Path:
    """The lake's folder: USAGECOST_LAKE, else data/lake in the repository."""
    return Path(os.environ.get("USAGECOST_LAKE") or Path(__file__).parents[2] / "data" / "lake")


@dataclass(frozen=True)
class Commit:
    """What a commit did, in requests; ``duplicates`` in rows, ``days`` in files written anew or dropped.

    The staged rows are duplicates, inserted, updated and unchanged ones. ``version`` is the lake's after it.
    """

    inserted: int
    updated: int
    unchanged: int
    duplicates: int
    withdrawn: int
    days: int
    version: int


class Lake:
    """A handle on one lake. Cheap to make; reading is safe from several threads, writing from several processes too."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser().absolute()
        self._requests = self.root / REQUESTS.name
        self._rejects = self.root / REJECTS.name
        self._lineage = self.root / LINEAGE.name
        self._names = self.root / NAMES.name
        self._prices = PriceTables(self._requests, self.root / PRICE_CHANGES.name, self.root / REPRICINGS.name)
        self._mutex = threading.Lock()
        self._table: DeltaTable | None = None
        self._entry: tuple[int, int] | None = None
        self._snapshots: dict[int, Snapshot] = {}

    # ---- reading

    @property
    def exists(self) -> bool:
        """Whether there is a table of requests, readable or not."""
        return exists(self._requests)

    def version(self) -> int:
        """The newest committed version; raises LakeMissing or LakeUnreadable. Costs some microseconds while nothing has changed."""
        with self._mutex:
            return self._newest().version()

    def snapshot(self, version: int | None = None) -> Snapshot:
        """A version of the requests, by default the newest; raises LakeMissing or LakeUnreadable."""
        with self._mutex:
            newest = self._newest()
            wanted = newest.version() if version is None else version
            if wanted not in self._snapshots:
                table = newest if wanted == newest.version() else open_table(self._requests, wanted)
                self._snapshots[wanted] = Snapshot(self.root, wanted, data_files(table, self._requests, REQUESTS))
                if len(self._snapshots) > KEPT_SNAPSHOTS:
                    del self._snapshots[next(iter(self._snapshots))]
            return self._snapshots[wanted]

    def history(self) -> list[dict[str, Any]]:
        """The commits that the log still tells of, newest first.

        ``version``; ``time``, a UTC instant; ``operation``, as Delta calls it; ``ingest``, what was given to `commit`;
        ``removal``, what was given to `remove`; ``counts``, what it did. Each of the last three is empty where it was another's.
        """
        return [
            {
                "version": entry["version"],
                "time": datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
                "operation": entry["operation"],
                "ingest": entry.get("ingest", {}),
                "removal": entry.get("removal", {}),
                "counts": entry.get("counts", {}),
            }
            for entry in open_table(self._requests).history()
        ]

    def rejects(self) -> pa.Table:
        """One row = one line, or one file, that could not be read; by file and line."""
        return lake_rejects.all_rejects(self._rejects)

    def names(self) -> pa.Table:
        """One row = what people call a team, user or key that requests name by its id; by source, field and id."""
        return lake_names.all_names(self._names)

    def reject_files(self) -> tuple[str, ...]:
        """The Parquet files that hold the rejects now. Other rejects are other files, so the names are a version of them."""
        return tuple(file_paths(self._rejects, REJECTS))

    def watermark(self, name: str) -> int | None:
        """How far a source has been read into the newest version, as `commit` was told; None if it never was.

        Raises LakeMissing or LakeUnreadable.
        """
        with self._mutex:
            return watermark(self._newest(), name)

    def removal(self, selection: Selection) -> Removal:
        """What `remove` would take out of the newest version; raises LakeMissing or LakeUnreadable."""
        snapshot = self.snapshot()
        with self.staging() as folder, bounded_database(folder) as con:
            return lake_removal.preview(con, snapshot.files(), selection, snapshot.version)

    def preview(self, staged: Sequence[Path], *, lineage: Sequence[Path] = ()) -> Commit:
        """What `commit` would do to the newest version; nothing is written, and no lake is needed."""
        links = [str(path) for path in lineage]
        with self._mutex:
            version = self._newest().version() if self.exists else 0
            stored = self._files_by_day(self._newest()) if version else {}
        with TemporaryDirectory() as folder, bounded_database(Path(folder)) as con:
            known = (*file_paths(self._lineage, LINEAGE), *links) if links else ()
            found = resolve(con, [str(path) for path in staged], stored, links, known)
        return Commit(**{**asdict(found), "days": len(found.days)}, version=version)

    # ---- writing

    def commit(
        self,
        staged: Sequence[Path],
        *,
        ingest: Mapping[str, Any] | None = None,
        lineage: Sequence[Path] = (),
        watermarks: Mapping[str, int] | None = None,
    ) -> Commit:
        """Merge staged Parquet files into the lake as one version; nothing to change, no version.

        The files hold canonical rows; a ``day`` in them is ignored. ``ingest`` is kept in the log. ``lineage`` are Parquet files
        of schema.LINEAGE: what in these rows, or in others, is part of what. ``watermarks`` are kept if there is a version: see
        `watermark`. Waits for other writers.
        """
        links = [str(path) for path in lineage]
        with self._writing() as folder:
            # First: if this process ends before the version is there, whoever reads the same again finds the same.
            _until_committed(lambda: lake_lineage.add_new(self._lineage, links, folder))
            rows = [str(path) for path in staged]
            return _until_committed(lambda: self._merge(rows, links, dict(ingest or {}), watermarks or {}, folder))

    def remove(self, selection: Selection) -> Removal:
        """Take requests out, as a version of its own; none if there are none. Older versions have them until a vacuum.

        Raises LakeMissing or LakeUnreadable.
        """
        with self._writing() as folder:
            return _until_committed(lambda: self._without(selection, folder))

    def reject(self, rejects: pa.Table) -> int:
        """Add the rejected lines that are not there yet (same file, line, reason and text); returns how many they are."""
        with self._writing() as folder:
            return _until_committed(lambda: lake_rejects.add_new(self._rejects, rejects, folder))

    def repricings(self) -> pa.Table:
        """One row = one act of repricing that was done, the newest first; the columns of schema.REPRICINGS."""
        return lake_repricing.acts(self._prices)

    def repricing(self, price: Pricing, days: Days, model: str | None = None) -> Repricing:
        """What `reprice` would do to the newest version; raises LakeMissing or LakeUnreadable."""
        with self.staging() as folder:
            return lake_repricing.preview(self._prices, folder, price, days, model)

    def reprice(self, price: Pricing, days: Days, model: str | None = None, *, about: Mapping[str, str | None]) -> Repricing:
        """Compute the prices of stored requests anew, as a version of its own; none if nothing changes.

        ``days`` are the first and the last UTC day, None leaves a side open. ``about`` has ``who``, ``why`` and ``prices``, the
        version of those. Raises LakeMissing or LakeUnreadable.
        """
        with self._writing() as folder:
            return _until_committed(lambda: lake_repricing.reprice(self._prices, folder, price, days, model, about))

    def undo_repricing(self, act: str, *, about: Mapping[str, str | None]) -> Repricing:
        """Put back the prices that an act of repricing took, where nothing else has changed them since; a version of its own.

        Raises LakeError if there was no such act.
        """
        with self._writing() as folder:
            return _until_committed(lambda: lake_repricing.undo(self._prices, folder, act, about))

    def keep_names(self, names: pa.Table) -> int:
        """Keep what ids are called, as schema.NAMES has it, the newest name of each; returns how many are new or changed."""
        with self._writing() as folder:
            return _until_committed(lambda: lake_names.keep(self._names, names, folder))

    def compact(self) -> int:
        """Make one sorted file of each day's, and of the rejects', where there are several; returns how many were merged."""
        with self._writing() as folder:
            return sum(
                _until_committed(lambda path=path, spec=spec: lake_upkeep.compact(path, spec, folder))
                for path, spec in self._tables()
            )

    def vacuum(self, grace_hours: float = 168) -> int:
        """Remove the files that the newest version does not name, once they are older than the grace period; returns how many.

        They are files of older versions, which cannot be read any more then, and what killed processes left. The grace period has
        to be longer than the slowest reader looks at one version and, where several machines write, than the longest ingest.
        """
        with self._writing():
            return sum(lake_upkeep.vacuum(path, grace_hours) for path, _ in self._tables())

    def staging(self) -> AbstractContextManager[Path]:
        """A new folder in the lake for what is to be committed; it goes, with its content, when the block ends."""
        return staging_folder(self.root / "staging")

    @contextmanager
    def _writing(self) -> Iterator[Path]:
        """Alone among the writers of this machine, with a folder to work in."""
        with self.staging() as folder, FileLock(self.root / "commit.lock"):
            yield folder

    def _merge(
        self, staged: list[str], lineage: list[str], ingest: dict[str, Any], watermarks: Mapping[str, int], folder: Path
    ) -> Commit:
        table = open_or_create(self._requests, REQUESTS)
        if not staged:
            return Commit(0, 0, 0, 0, 0, days=0, version=table.version())
        stored = self._files_by_day(table)
        with bounded_database(folder) as con:
            found = resolve(con, staged, stored, lineage, file_paths(self._lineage, LINEAGE) if lineage else ())
            added = write_days(con, self._requests, found.days, stored)
        counts = {**asdict(found), "days": len(found.days)}
        if not found.days:
            return Commit(**counts, version=table.version())
        about = {"ingest": ingest, "counts": counts}
        return Commit(**counts, version=replace_days(table, self._requests, added, found.days, about, watermarks))

    def _without(self, selection: Selection, folder: Path) -> Removal:
        table = open_table(self._requests)
        stored = self._files_by_day(table)
        with bounded_database(folder) as con:
            files = [path for paths in stored.values() for path in paths]
            found = lake_removal.preview(con, files, selection, table.version())
            if not found.requests:
                return found
            days, added = lake_removal.files_without(con, self._requests, stored, selection)
        about = {"removal": selection.values, "counts": {"removed": found.requests, "days": len(days)}}
        return replace(found, version=replace_days(table, self._requests, added, days, about))

    def _tables(self) -> list[tuple[Path, TableSpec]]:
        """Every table of the lake, whether there is one or not."""
        return [(self.root / spec.name, spec) for spec in (REQUESTS, REJECTS, LINEAGE, PRICE_CHANGES, REPRICINGS)]

    def _files_by_day(self, table: DeltaTable) -> dict[date, list[str]]:
        return paths_by_day(table, self._requests)

    def _newest(self) -> DeltaTable:
        """The table at its newest version. The caller holds the mutex.

        An entry of the log never changes. If the one we stand at is gone or another, the table was made anew, or is so far
        ahead that its log was cleaned: it is opened again.
        """
        table = self._table
        if table is None or self._entry != _identity(log_file(self._requests, table.version())):
            self._snapshots.clear()
            table = open_table(self._requests)
        elif log_file(self._requests, table.version() + 1).exists():
            table = update_table(table, self._requests)
        else:
            return table
        self._table, self._entry = table, _identity(log_file(self._requests, table.version()))
        return table


def _until_committed(attempt: Callable[[], T]) -> T:
    """What an attempt returns; when another machine has committed in between it is repeated, from what is stored then."""
    for _ in range(COMMIT_ATTEMPTS - 1):
        with suppress(CommitFailedError):
            return attempt()
    return attempt()


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
