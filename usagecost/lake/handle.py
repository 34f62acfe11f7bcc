"""The handle on a lake: all that can be asked of it, and what changes it: merge in, keep rejects, look after the files."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from filelock import FileLock

from usagecost.lake import acts as lake_acts
from usagecost.lake import erasure as lake_erasure
from usagecost.lake import lineage as lake_lineage
from usagecost.lake import publishing, side_tables
from usagecost.lake import removal as lake_removal
from usagecost.lake import repricing as lake_repricing
from usagecost.lake.checksums import Verified
from usagecost.lake.days import files_to_write_anew, write_days
from usagecost.lake.errors import LakeError, note_unwritten
from usagecost.lake.merge import Commit, resolve
from usagecost.lake.publishing import replace_days, until_committed
from usagecost.lake.reading import LakeReader
from usagecost.lake.removal import Removal, Selection
from usagecost.lake.repricing import Pricing, Repricing, Span
from usagecost.lake.side_tables import SideTable
from usagecost.lake.staging import bounded_database
from usagecost.lake.table import (
    BILLS,
    LINEAGE,
    REQUESTS,
    SPECS,
    DataFile,
    file_paths,
    missing_columns,
    open_or_create,
    open_table,
    open_to_write,
    paths_by_day,
    stored_by_day,
)


class Lake(LakeReader):
    """A handle on one lake. Cheap to make; reading is safe from several threads, writing from several processes too."""

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
        with self._changing() as folder:
            # First: if this process ends before the version is there, whoever reads the same again finds the same.
            if until_committed(lambda: lake_lineage.add_new(self._at(LINEAGE), links, folder)):
                until_committed(lambda: lake_lineage.forget_old(self._at(LINEAGE), folder))
            rows = [str(path) for path in staged]
            return until_committed(lambda: self._merge(rows, links, dict(ingest or {}), watermarks or {}, folder))

    def remove(self, selection: Selection) -> Removal:
        """Take requests out, as a version of its own; none if there are none. Older versions have them until a vacuum.

        Those of a person last: first what the other tables say of them. Raises LakeMissing or LakeUnreadable.
        """
        with self._changing() as folder:
            lake_acts.record(self._store, self.root, (), None, folder)
            beside = lake_erasure.erase(self._store, self.texts_beside(), selection.person, folder)
            return replace(until_committed(lambda: self._without(selection, folder)), beside=beside)

    def keep_rows(self, table: SideTable, rows: pa.Table) -> int:
        """Keep rows in a table beside the requests, those whose key is there already once; returns how many are new or changed.

        Of names the newest of each id stays, of bills the lines of each statement as of the latest time.
        """
        with self._writing() as folder:
            return until_committed(lambda: side_tables.keep_rows(self._store / table, SPECS[table], rows, folder))

    def reprice(self, price: Pricing, span: Span, model: str | None = None, *, about: Mapping[str, str | None]) -> Repricing:
        """Compute the prices of stored requests anew, as a version of its own; none if nothing changes.

        ``span`` are the first instant and the one after the last, None leaves a side open. ``about`` has ``who``, ``why`` and
        ``prices``, the version of those. Raises LakeMissing or LakeUnreadable.
        """
        with self._changing() as folder:
            return until_committed(lambda: lake_repricing.reprice(self._store, folder, price, span, model, about))

    def undo_repricing(self, act: str, *, about: Mapping[str, str | None]) -> Repricing:
        """Put back the prices that an act of repricing took, where nothing else has changed them since; a version of its own.

        Raises LakeError if there was no such act.
        """
        with self._changing() as folder:
            return until_committed(lambda: lake_repricing.undo(self._store, folder, act, about))

    def record(self, acts: pa.Table, retention: timedelta | None = None) -> None:
        """Add the rows of schema.AUDIT that are not there yet, and forget those older by more than a span: see acts.py."""
        lake_acts.record_or_wait(self._store, self.root, acts, retention, self._writing)

    def remove_bill(self, statement: str) -> int:
        """Take the lines of a statement out; returns how many they were."""
        with self._writing() as folder:
            return until_committed(lambda: side_tables.remove_rows(self._at(BILLS), BILLS, "statement", statement, folder))

    def compact(self) -> int:
        """Make one sorted file of each day's, and of each other table's, where there are several; returns how many were merged.

        Large ones stay as they are: see days.LARGE_ROWS.
        """
        with self._changing() as folder:
            return sum(
                until_committed(lambda store=store, spec=spec: publishing.compact(store, spec, folder))
                for store, spec in self._tables()
            )

    def upgrade(self) -> int:
        """Add what a lake of an earlier version lacks, columns, NULL in its requests, and rollups; returns how many columns.

        The sums that such a version kept go, and so do the rights of others to its files on a disk. No file of requests is written
        anew. Raises LakeMissing or LakeUnreadable.
        """
        missing = missing_columns(open_table(self._requests), REQUESTS)
        with self._writing():
            for store, spec in self._tables():
                if store.has_table():
                    until_committed(lambda store=store, spec=spec: open_to_write(store, spec))
            old_sums = self._requests / "_tallies"
            old_sums.drop(old_sums.below())
            self._store.tighten()
        self._roll_up_if_possible()
        return len(missing)

    def vacuum(self, grace_hours: float = 168) -> int:
        """Remove the files that the newest version does not name, once they are older than the grace period; returns how many.

        They are files of older versions, which cannot be read any more then, and what killed processes left. The grace period has
        to be longer than the slowest reader looks at one version and, where several machines write, than the longest ingest.
        Copies of a remote lake's files go with them on this machine, on others a week after they were last asked for.
        """
        with self._writing():
            removed = sum(publishing.vacuum(store, grace_hours) for store, _ in self._tables())
            self._keys.remove_orphans()
            self._rollups.remove_orphans()
            return removed

    def verify(self) -> Verified:
        """Whether the files of the newest version, of all tables, and their logs, are what was written.

        On a disk damaged files of data are set aside, so that questions about them are not answered, and indexes of keys removed.
        Raises LakeMissing, LakeUnreadable or LakeUnreachable.
        """
        verification = self._verify_tables()
        self._store.set_aside(name for name in verification.damaged if name.endswith(".parquet") and "/_delta_log/" not in name)
        self._keys.drop_damaged()
        return verification

    def roll_up(self, files: Sequence[DataFile] | None = None) -> int:
        """Write the rollups that files, by default all of the newest version, lack, and the indexes of their keys; returns how many
        files were added up.

        Every version made by this class has them already; a lake of before has not. Of all files those are written anew that are
        damaged. Raises LakeMissing or LakeUnreadable.
        """
        stored = self.snapshot().data_files
        candidates = stored if files is None else files
        if files is None:
            self._rollups.drop_damaged()
        lacking, unindexed = self._rollups.lacking(candidates), self._keys.lacking(candidates)
        if not lacking and not unindexed:
            return 0
        with self.staging() as folder, bounded_database(folder) as con:
            con.execute("SET threads = 1")  # each file has a thread, which is quicker than several for each
            self._keys.write(con, folder, unindexed)
            return self._rollups.write(con, folder, lacking, stored)

    @contextmanager
    def _writing(self, most_seconds: float = -1) -> Generator[Path]:
        """Alone among the writers of this machine, with a folder to work in; raises Timeout if that takes longer to come about."""
        try:
            with self.staging() as folder, FileLock(self.root / "commit.lock", most_seconds):
                yield folder
        finally:
            self._newest.look_again()

    @contextmanager
    def _changing(self) -> Generator[Path]:
        """The same, for who makes a version of the requests: afterwards the files that it added get their rollups."""
        before = self.snapshot().data_files if self.exists else ()
        with self._writing() as folder:
            yield folder
        self._roll_up_if_possible(besides=before)

    def _roll_up_if_possible(self, besides: Sequence[DataFile] = ()) -> None:
        """Roll up the files of the newest version besides some; the version is there, and right, if it cannot be done."""
        try:
            if self.exists:
                self.roll_up([file for file in self.snapshot().data_files if file not in besides])
        except (LakeError, OSError, duckdb.Error):
            note_unwritten("The rollups of %s could not be written", self.name)

    def _merge(
        self, staged: list[str], lineage: list[str], ingest: dict[str, Any], watermarks: Mapping[str, int], folder: Path
    ) -> Commit:
        table = open_or_create(self._requests, REQUESTS)
        if not staged:
            return Commit(version=table.version())
        stored = stored_by_day(table, self._requests)
        paths = {day: list(files.values()) for day, files in stored.items()}
        with bounded_database(folder) as con:
            stored_links = file_paths(self._at(LINEAGE), LINEAGE) if lineage else ()
            commit, days = resolve(con, staged, paths, self._keys, lineage, stored_links)
            anew = files_to_write_anew(con, stored, days)
            added = write_days(con, folder, days, {day: list(files.values()) for day, files in anew.items()})
        if not days:
            return replace(commit, version=table.version())
        counts = {name: count for name, count in asdict(commit).items() if name != "version"}
        about = {"ingest": ingest, "counts": counts}
        staying = [file for day, files in anew.items() for file in stored.get(day, {}) if file not in files]
        return replace(commit, version=replace_days(table, self._requests, added, days, about, watermarks, staying))

    def _without(self, selection: Selection, folder: Path) -> Removal:
        table = open_to_write(self._requests, REQUESTS)
        stored = paths_by_day(table, self._requests)
        with bounded_database(folder) as con:
            files = [path for paths in stored.values() for path in paths]
            removal = lake_removal.preview(con, files, selection, table.version())
            if not removal.requests:
                return removal
            days, added = lake_removal.files_without(con, folder, stored, selection)
        about = {"removal": selection.log_fields, "counts": {"removed": removal.requests, "days": len(days)}}
        return replace(removal, version=replace_days(table, self._requests, added, days, about))
