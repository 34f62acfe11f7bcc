"""Reading a lake: its versions, what lies beside them, and what a change would do before it is done."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from usagecost.lake import erasure as lake_erasure
from usagecost.lake import removal as lake_removal
from usagecost.lake import repricing as lake_repricing
from usagecost.lake import side_tables
from usagecost.lake.checksums import DAMAGE_ERRORS, Verified, damage_sentence, damaged_entries, noted_entries, verify
from usagecost.lake.errors import LakeError, LakeFull, LakeUnreadable, is_disk_full
from usagecost.lake.keys import KeyIndexes
from usagecost.lake.merge import Commit, resolve
from usagecost.lake.newest import Newest
from usagecost.lake.person import find_person, texts_naming
from usagecost.lake.publishing import watermark
from usagecost.lake.removal import Removal, Selection
from usagecost.lake.repricing import Pricing, Repricing, Span
from usagecost.lake.rollup_files import RollupFiles
from usagecost.lake.side_tables import SideTable
from usagecost.lake.snapshot import Snapshot
from usagecost.lake.staging import bounded_database, staging_folder
from usagecost.lake.storage import Disk, Storage, errors_explained, storage
from usagecost.lake.table import (
    LINEAGE,
    PRICE_CHANGES,
    REQUESTS,
    SPECS,
    TableSpec,
    check_log,
    data_files,
    file_paths,
    missing_columns,
    open_table,
    paths_by_day,
)
from usagecost.lake.texts import TextFolder

MOST_SNAPSHOTS = 4


class LakeReader:
    """What can be asked of one lake. Cheap to make, and safe for several threads.

    ``name`` is what people call it, its path or its URL. ``root`` is its folder on this machine: the lake itself, or where the
    staging and the copies of a remote one lie. What is asked of a remote lake may raise LakeUnreachable.
    """

    def __init__(self, root: str | Path) -> None:
        self._store = storage(root)
        self.name = str(self._store)
        self.root = self._store.work
        self._requests = self._at(REQUESTS)
        self._mutex = threading.Lock()
        self._rollups = RollupFiles(self._requests)
        self._keys = KeyIndexes(self._requests)
        self._newest = Newest(self._requests)
        self._snapshots: dict[int, Snapshot] = {}

    @property
    def is_remote(self) -> bool:
        """Whether the lake lies in an object store."""
        return not isinstance(self._store, Disk)

    @property
    def exists(self) -> bool:
        """Whether there is a table of requests, readable or not."""
        return self._newest.has_just_looked() or self._requests.has_table()

    def version(self) -> int:
        """The newest committed version; raises LakeMissing or LakeUnreadable. Costs some microseconds while nothing has changed.

        A remote lake is asked once a second at most, so what another process has committed is seen up to a second later.
        """
        with self._mutex:
            return self._at_newest().version()

    def snapshot(self, version: int | None = None) -> Snapshot:
        """A version of the requests, by default the newest; raises LakeMissing or LakeUnreadable."""
        with self._mutex:
            if version in self._snapshots:
                return self._snapshots[version]
            newest = self._at_newest()
            number = newest.version() if version is None else version
            if number not in self._snapshots:
                table = newest if number == newest.version() else open_table(self._requests, number)
                self._snapshots[number] = Snapshot(self._requests, number, data_files(table, REQUESTS), self._rollups)
                if len(self._snapshots) > MOST_SNAPSHOTS:
                    del self._snapshots[next(iter(self._snapshots))]
            return self._snapshots[number]

    def lacks_columns(self) -> bool:
        """Whether the lake was made without some columns of today's record: its requests have NULL there."""
        return bool(missing_columns(open_table(self._requests), REQUESTS))

    def history(self, most: int | None = None) -> list[dict[str, Any]]:
        """The commits that the log still tells of, or the ``most`` newest of them, newest first.

        ``version``; ``time``, a UTC instant; ``operation``, as Delta calls it; ``ingest``, what was given to `commit`;
        ``removal``, what was given to `remove`; ``counts``, what it did. Each of the last three is empty where it was another's.
        """
        with errors_explained(self._requests):
            entries = open_table(self._requests).history(most)
            check_log(self._requests, entries[0]["version"], noted_entries(self._requests, None), entries[-1]["version"])
        return [
            {
                "version": entry["version"],
                "time": datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
                "operation": entry["operation"],
                **{name: entry.get(name, {}) for name in ("ingest", "removal", "counts")},
            }
            for entry in entries
        ]

    def rows(self, table: SideTable, where: pc.Expression | None = None) -> pa.Table:
        """The rows of a table beside the requests, all or some, in its order; none if there is no table yet."""
        with errors_explained(self._store / table):
            return side_tables.read_rows(self._store / table, SPECS[table], where)

    def files(self, table: SideTable) -> tuple[str, ...]:
        """The Parquet files that hold the rows of a table beside the requests now: their names are a version of it."""
        with errors_explained(self._store / table):
            return tuple(file_paths(self._store / table, SPECS[table]))

    def watermark(self, name: str) -> int | None:
        """How far a source has been read into the newest version, as `commit` was told, if it was. Raises as `removal` does."""
        with self._mutex, errors_explained(self._requests):
            return watermark(self._at_newest(), name)

    def removal(self, selection: Selection) -> Removal:
        """What `remove` would take out of the newest version; raises LakeMissing or LakeUnreadable."""
        snapshot = self.snapshot()
        with self.staging() as folder, bounded_database(folder) as con:
            removal = lake_removal.preview(con, snapshot.files(), selection, snapshot.version)
            return replace(removal, beside=lake_erasure.preview(self._store, self.texts_beside(), selection.person, folder))

    def preview(self, staged: Sequence[Path], *, lineage: Sequence[Path] = ()) -> Commit:
        """What `commit` would do to the newest version; nothing is written, and no lake is needed."""
        links = [str(path) for path in lineage]
        with self._mutex, errors_explained(self._requests):
            version = self._at_newest().version() if self.exists else 0
            stored = paths_by_day(self._at_newest(), self._requests) if version else {}
            stored_links = (*file_paths(self._at(LINEAGE), LINEAGE), *links) if links else ()
        with self._trouble_explained(), TemporaryDirectory() as folder, bounded_database(Path(folder)) as con:
            commit, _ = resolve(con, [str(path) for path in staged], stored, self._keys, links, stored_links)
        return replace(commit, version=version)

    def repricings(self) -> pa.Table:
        """One row = one act of repricing that was done, the newest first; the columns of schema.REPRICINGS."""
        with errors_explained(self._requests):
            return lake_repricing.acts(self._store)

    def repriced_since(self, instant: datetime, first_day: date, last_day: date) -> set[tuple[str | None, str | None]]:
        """The providers and models of requests of some UTC days, the last included, to which repricings since an instant have
        given other prices.
        """
        acts = [act["id"] for act in self.repricings().to_pylist() if act["done_at"] > instant]
        with self.staging() as folder:
            return side_tables.read_repriced(self._at(PRICE_CHANGES), acts, first_day, last_day, folder) if acts else set()

    def repricing(self, price: Pricing, span: Span, model: str | None = None) -> Repricing:
        """What `reprice` would do to the newest version; raises LakeMissing or LakeUnreadable."""
        with self.staging() as folder:
            return lake_repricing.preview(self._store, folder, price, span, model)

    @property
    def texts(self) -> TextFolder:
        """Small texts of the app's own beside the tables, such as the price list that was fetched last."""
        return TextFolder(self._store)

    def texts_beside(self, folder: str = "") -> TextFolder:
        """A folder of small texts that people own: beside the folder of a lake on disk, within a remote lake; or that place."""
        store = self._store if self.is_remote else Disk(self.root.parent)
        return TextFolder(store / folder if folder else store)

    def texts_naming(self, user: str) -> list[str]:
        """The names of the texts that people own, such as ``budgets.toml``, in which a user stands: they are changed by people."""
        return texts_naming(texts := self.texts_beside(), find_person(self._store, texts, user))

    @contextmanager
    def staging(self) -> Generator[Path]:
        """A new folder on this machine for what is to be committed; it goes, with its content, when the block ends.

        Raises LakeFull where the disk is full, and LakeUnreadable where files of the lake are damaged, then or within the block.
        """
        with self._trouble_explained(), self._store.explained(), staging_folder(self.root / "staging") as folder:
            yield folder

    @contextmanager
    def _trouble_explained(self) -> Generator[None]:
        """A full disk becomes a LakeFull, which says whether the lake's requests were changed before, and what fails because a
        file is not what was written a LakeUnreadable.
        """
        before = self._version_or_0()
        try:
            yield
        except LakeError:
            raise
        except Exception as error:
            if not is_disk_full(error):
                if type(error) in DAMAGE_ERRORS and self.exists and not self.is_remote and (bad := self._verify_tables().damaged):
                    raise LakeUnreadable(damage_sentence(bad[0])) from error
                raise
            state = "nothing was changed" if self._version_or_0() == before else "the requests are in the lake"
            raise LakeFull(f"The disk is full: {state}, the lake is whole. Free some room and run it again.") from error

    def _verify_tables(self) -> Verified:
        """Whether the files of the newest version, of all tables, and their logs, are what was written."""
        checks = []
        for store, spec in self._tables():
            if spec is REQUESTS or store.has_table():
                check = verify(store, [(file.name, file.bytes) for file in data_files(open_table(store), spec)])
                log_entries = (f"_delta_log/{name}" for name in damaged_entries(store, noted_entries(store, None)))
                checks.append(replace(check, damaged=tuple(f"{spec.name}/{name}" for name in (*check.damaged, *log_entries))))
        bad = tuple(name for each in checks for name in each.damaged)
        return Verified(sum(each.checked for each in checks), sum(each.unchecked for each in checks), bad)

    def _tables(self) -> list[tuple[Storage, TableSpec]]:
        """Every table of the lake, whether there is one or not."""
        return [(self._at(spec), spec) for spec in SPECS.values()]

    def _version_or_0(self) -> int:
        """The newest version; 0, which is empty, where there is no lake or it cannot be read."""
        with suppress(LakeError):
            return self.version() if self.exists else 0
        return 0

    def _at(self, spec: TableSpec) -> Storage:
        """Where a table is, whether there is one or not."""
        return self._store / spec.name

    def _at_newest(self) -> DeltaTable:
        """The table at its newest version. The caller holds the mutex."""
        table, is_other = self._newest.table()
        if is_other:
            self._snapshots.clear()
        return table
