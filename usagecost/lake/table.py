"""One Delta table of the lake: opened, its files listed, a sorted file written, files published as a version.

What knows about Delta's log, or about paths below a table's folder, is here.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from usagecost import schema

ROW_GROUP_ROWS = 122_880
COMMITTERS = "ingest"
"""The app transaction that every commit carries: of two that start from one version, Delta lets only the first pass."""

_WATERMARK = "watermark:"


class LakeError(Exception):
    """What is wrong with a lake and what would help, in one sentence."""


class LakeMissing(LakeError):  # noqa: N818 - the base is the error; this says which
    """There is no lake where one was looked for."""


class LakeUnwritable(LakeError):  # noqa: N818
    """The lake's folder cannot be written to."""


class LakeUnreadable(LakeError):  # noqa: N818
    """There is a lake, but its log, or the version asked for, cannot be read."""


@dataclass(frozen=True)
class TableSpec:
    """What tells one table of the lake from another. ``instant`` is the column whose range the log keeps for each file, if any."""

    name: str
    columns: pa.Schema
    order: str
    instant: str | None = None
    partition: str | None = None

    @property
    def stored_columns(self) -> str:
        """The columns inside its Parquet files, for a SELECT; the partition's value stands in the path."""
        return ", ".join(f'"{name}"' for name in self.columns.names if name != self.partition)


REQUESTS = TableSpec("requests", schema.REQUESTS, order="started_at", instant="started_at", partition="day")
REJECTS = TableSpec("rejects", schema.REJECTS, order="source_file, line", instant="rejected_at")
PRICE_CHANGES = TableSpec("price_changes", schema.PRICE_CHANGES, order="day, source")
REPRICINGS = TableSpec("repricings", schema.REPRICINGS, order="done_at", instant="done_at")
NAMES = TableSpec("names", schema.NAMES, order="source, field, id", instant="seen_at")
LINEAGE = TableSpec("lineage", schema.LINEAGE, order="source, request_id", instant="seen_at")


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of one version; ``day`` is None in a table without partitions."""

    path: str
    day: date | None
    rows: int
    bytes: int


def exists(path: Path) -> bool:
    """Whether the folder holds a Delta table, readable or not."""
    return path.is_dir() and DeltaTable.is_deltatable(str(path))


def open_table(path: Path, version: int | None = None) -> DeltaTable:
    """The table in a folder, at a version or at its newest; raises LakeMissing or LakeUnreadable."""
    with _errors_explained(path, version):
        if not exists(path):
            raise LakeMissing(
                f"There is no lake in {path.parent}: load a log with `python -m usagecost ingest`, "
                "or let USAGECOST_LAKE name the folder of an existing one."
            )
        return DeltaTable(str(path), version=version)


def update_table(table: DeltaTable, path: Path) -> DeltaTable:
    """The same table at its newest version; raises LakeUnreadable."""
    with _errors_explained(path):
        table.update_incremental()
    return table


def open_or_create(path: Path, spec: TableSpec) -> DeltaTable:
    """The newest version of the table in a folder; a new one is empty and stands at version 0."""
    if not exists(path):
        path.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            str(path),
            spec.columns,
            mode="ignore",
            name=spec.name,
            partition_by=[spec.partition] if spec.partition else None,
            configuration={"delta.dataSkippingStatsColumns": spec.instant} if spec.instant else {},
        )
        _sync_log(path, version=0)
        _sync(path)
        _sync(path.parent)
    return open_table(path)


def watermark(table: DeltaTable, name: str) -> int | None:
    """How far a source had been read when the version was made that ``table`` stands at; None if it never was."""
    return table.transaction_version(_WATERMARK + name)


def log_file(path: Path, version: int) -> Path:
    """The entry of the log that makes a version."""
    return path / "_delta_log" / f"{version:020}.json"


def data_files(table: DeltaTable, path: Path, spec: TableSpec) -> tuple[DataFile, ...]:
    """The files of the version that ``table`` stands at, by day."""
    entries = pa.table(table.get_add_actions(flatten=True))
    days = entries[f"partition.{spec.partition}"].to_pylist() if spec.partition else [None] * len(entries)
    files = [
        DataFile(path=str(path / unquote(name)), day=day, rows=rows, bytes=size)
        for name, day, rows, size in zip(
            entries["path"].to_pylist(), days, entries["num_records"].to_pylist(), entries["size_bytes"].to_pylist(), strict=True
        )
    ]
    return tuple(sorted(files, key=lambda file: (file.day or date.min, file.path)))


def file_paths(path: Path, spec: TableSpec) -> list[str]:
    """The files of the newest version of a table; none if there is no table."""
    return [file.path for file in data_files(open_table(path), path, spec)] if exists(path) else []


def files_by_day(files: Iterable[DataFile]) -> dict[date | None, list[DataFile]]:
    """The files of each day; all under None in a table without partitions."""
    by_day: dict[date | None, list[DataFile]] = {}
    for file in files:
        by_day.setdefault(file.day, []).append(file)
    return by_day


def paths_by_day(table: DeltaTable, path: Path) -> dict[date, list[str]]:
    """The files of each day of the requests, at the version that ``table`` stands at."""
    return {day: [file.path for file in files] for day, files in files_by_day(data_files(table, path, REQUESTS)).items()}


def create_view(con: duckdb.DuckDBPyConnection, name: str, files: Sequence[str], spec: TableSpec) -> None:
    """Give the rows of Parquet files a name in the database; without files it is a table without rows."""
    if files:
        con.read_parquet(list(files), hive_partitioning=spec.partition is not None).create_view(name)
    else:
        con.from_arrow(spec.columns.empty_table()).create(name)


def write_file(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    spec: TableSpec,
    rows: str,
    values: Mapping[str, object],
    day: date | None = None,
    data_change: bool = True,
) -> AddAction | None:
    """Write what the query ``rows`` yields, sorted, to one new file, on disk for good; None if it yields nothing.

    The file belongs to no version until it is published.
    """
    folder = path / f"{spec.partition}={day}" if spec.partition else path
    folder.mkdir(exist_ok=True)
    file = folder / f"{uuid.uuid4()}.parquet"
    con.execute(
        f"""
        COPY (SELECT {spec.stored_columns} FROM ({rows}) ORDER BY {spec.order})
        TO $file (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP_ROWS})
        """,
        {**values, "file": str(file)},
    )
    footer = pq.read_metadata(file)
    if footer.num_rows == 0:
        file.unlink()
        return None
    _sync(file)
    _sync(folder)
    return AddAction(
        path=file.relative_to(path).as_posix(),
        size=file.stat().st_size,
        partition_values={spec.partition: str(day)} if spec.partition else {},
        modification_time=_now_ms(),
        data_change=data_change,
        stats=_stats(footer, spec.instant),
    )


def replace_days(
    table: DeltaTable,
    path: Path,
    added: Sequence[AddAction],
    days: Collection[date],
    about: Mapping,
    watermarks: Mapping[str, int] | None = None,
) -> int:
    """Publish files in the place of all files of the days; returns the new version.

    ``watermarks`` say how far sources have been read; they are part of the version, and stay until others take their place.
    Raises deltalake's CommitFailedError if somebody else committed since ``table`` was read.
    """
    filters = [("day", "in", sorted(map(str, days)))]
    return _publish(table, path, list(added), about, watermarks or {}, mode="overwrite", partition_filters=filters)


def append(table: DeltaTable, path: Path, added: Sequence[AddAction], about: Mapping) -> int:
    """Publish files beside those that are there; returns the new version. Raises as `replace_days` does."""
    return _publish(table, path, list(added), about, {}, mode="append")


def replace_files(table: DeltaTable, path: Path, added: Sequence[AddAction], replaced: Iterable[DataFile], about: Mapping) -> int:
    """Publish files in the place of others with the same rows; returns the new version. Raises as `replace_days` does."""
    removed = [
        RemoveAction(
            path=Path(file.path).relative_to(path).as_posix(),
            data_change=False,
            deletion_timestamp=_now_ms(),
            size=file.bytes,
            partition_values={"day": str(file.day)} if file.day else {},
        )
        for file in replaced
    ]
    return _publish(table, path, [*added, *removed], about, {}, mode="append")


def _publish(
    table: DeltaTable,
    path: Path,
    actions: list[AddAction | RemoveAction],
    about: Mapping,
    watermarks: Mapping[str, int],
    **how: object,
) -> int:
    _sync(path)  # it names new folders of days
    next_version = table.version() + 1
    transactions = [Transaction(COMMITTERS, next_version, None)]
    transactions += [Transaction(_WATERMARK + name, value, None) for name, value in watermarks.items()]
    try:
        table.create_write_transaction(
            actions,
            schema=table.schema(),
            partition_by=table.metadata().partition_columns,
            commit_properties=CommitProperties(custom_metadata=dict(about), app_transactions=transactions),
            **how,
        )
    except CommitFailedError:
        for action in actions:
            if isinstance(action, AddAction):
                (path / action.path).unlink(missing_ok=True)
        raise
    table.update_incremental()
    for version in range(next_version, table.version() + 1):
        _sync_log(path, version)
    return table.version()


@contextmanager
def _errors_explained(path: Path, version: int | None = None) -> Iterator[None]:
    try:
        yield
    except (DeltaError, OSError) as error:
        what = "The lake" if version is None else f"Version {version} of the lake"
        reason = str(error).strip().splitlines()[0]
        raise LakeUnreadable(
            f"{what} in {path.parent} cannot be read ({reason}): restore the folder from a backup, "
            "or move it away and ingest the logs again."
        ) from error


def _stats(footer: pq.FileMetaData, instant: str | None) -> str:
    """A file's entry in the log: how many rows it has and from when to when they are."""
    if instant is None:
        return json.dumps({"numRecords": footer.num_rows})
    column = footer.schema.names.index(instant)
    ranges = [footer.row_group(group).column(column).statistics for group in range(footer.num_row_groups)]
    first, last = min(part.min for part in ranges), max(part.max for part in ranges)
    return json.dumps(
        {
            "numRecords": footer.num_rows,
            "minValues": {instant: _iso(first)},
            "maxValues": {instant: _iso(last)},
            "nullCount": {instant: 0},
        }
    )


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _sync_log(path: Path, version: int) -> None:
    """Delta writes its log without waiting for the disk: wait, so that a commit that was reported stays."""
    _sync(log_file(path, version))
    _sync(log_file(path, version).parent)


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
