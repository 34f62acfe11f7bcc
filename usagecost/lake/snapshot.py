"""One version of the requests, as readers see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from usagecost.lake.days import LARGE_ROWS
from usagecost.lake.rollup_files import RollupFiles
from usagecost.lake.storage import Storage
from usagecost.lake.table import DataFile, files_by_day, local_paths


@dataclass(frozen=True)
class Snapshot:
    """One version of the requests: which files hold it. Stays readable while others commit, until a vacuum."""

    store: Storage
    version: int
    data_files: tuple[DataFile, ...] = field(repr=False)
    rollups: RollupFiles = field(repr=False, compare=False)

    def files(self, first_day: date | None = None, last_day: date | None = None) -> tuple[str, ...]:
        """The Parquet files of the UTC days from first to last, both included; None leaves that side open.

        They can be read on this machine; those of a remote lake are fetched first, which may raise LakeError.
        """
        return self.paths(self.data_files_of(first_day, last_day))

    def paths(self, files: Iterable[DataFile]) -> tuple[str, ...]:
        """The same of some of its files."""
        return tuple(local_paths(self.store, files))

    def data_files_of(self, first_day: date | None, last_day: date | None) -> tuple[DataFile, ...]:
        """The files of the same days, as they are named, wherever they lie."""
        return tuple(
            file
            for file in self.data_files
            if (first_day is None or file.utc_day >= first_day) and (last_day is None or file.utc_day <= last_day)
        )

    @property
    def rows(self) -> int:
        """How many requests there are."""
        return sum(file.rows for file in self.data_files)

    @property
    def bytes(self) -> int:
        """The size of the files."""
        return sum(file.bytes for file in self.data_files)

    @property
    def last_day(self) -> date | None:
        """The UTC day of the newest request; None if there is none."""
        return self.data_files[-1].day if self.data_files else None

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The instants of the oldest and the newest request, as the log tells them; None if there is none."""
        spans = [(file.first, file.last) for file in self.data_files if file.first and file.last]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    @property
    def small_files(self) -> int:
        """How many files share their day with others; `Lake.compact` makes one of them."""
        small = [file for file in self.data_files if file.rows < LARGE_ROWS]
        return sum(len(files) for files in files_by_day(small).values() if len(files) > 1)
