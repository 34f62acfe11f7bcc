"""Files become a version: what goes and what comes in one entry of a table's log, which no two writers make at once.

So are several files of a day made one; files that no version names are removed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from usagecost.lake.checksums import check_intact
from usagecost.lake.days import LARGE_ROWS
from usagecost.lake.errors import LakeError
from usagecost.lake.staging import bounded_database
from usagecost.lake.storage import Storage
from usagecost.lake.table import (
    REQUESTS,
    DataFile,
    NewFile,
    TableSpec,
    data_files,
    files_by_day,
    local_paths,
    open_table,
    open_to_write,
    rows_sql,
    sync_log,
    write_file,
)

COMMITTERS = "ingest"
"""The app transaction that every commit carries: of two that start from one version, Delta lets only the first pass."""

ADDED_AT_ONCE = 16
"""A disk and a store answer late, but many at once."""

COMMIT_ATTEMPTS = 10
"""Only committers on other machines, which the file lock does not reach, make a second one necessary."""

_WATERMARK = "watermark:"

T = TypeVar("T")


def watermark(table: DeltaTable, name: str) -> int | None:
    """How far a source had been read when the version was made that ``table`` stands at; None if it never was."""
    return table.transaction_version(_WATERMARK + name)


def replace_days(
    table: DeltaTable,
    store: Storage,
    added: Sequence[NewFile],
    days: Collection[date],
    about: Mapping,
    watermarks: Mapping[str, int] | None = None,
    staying: Collection[DataFile] = (),
) -> int:
    """Publish files in the place of all files of the days but those that stay; returns the new version. See `publish`."""
    replaced = [file for file in data_files(table, REQUESTS) if file.day in days and file not in staying]
    return publish(table, store, added, replaced, about=about, watermarks=watermarks)


def publish(
    table: DeltaTable,
    store: Storage,
    added: Sequence[NewFile],
    replaced: Iterable[DataFile] = (),
    *,
    about: Mapping | None = None,
    watermarks: Mapping[str, int] | None = None,
    same_rows: bool = False,
) -> int:
    """Publish files in the place of others, which may have the same rows; returns the new version.

    ``watermarks`` say how far sources have been read; they are part of the version, and stay until others take their place.
    Raises deltalake's CommitFailedError if somebody else committed since ``table`` was read.
    """
    next_version = table.version() + 1
    transactions = [Transaction(COMMITTERS, next_version, None)]
    transactions += [Transaction(_WATERMARK + name, value, None) for name, value in (watermarks or {}).items()]
    try:
        with ThreadPoolExecutor(ADDED_AT_ONCE) as pool:
            list(pool.map(lambda file: store.add(file.path, file.data.name), added))
        store.sync()  # it names new folders of days
        table.create_write_transaction(
            [*(_addition(file, not same_rows) for file in added), *(_removal(file, not same_rows) for file in replaced)],
            schema=table.schema(),
            partition_by=table.metadata().partition_columns,
            commit_properties=CommitProperties(custom_metadata=dict(about or {}), app_transactions=transactions),
            mode="append",  # what goes is among the actions
        )
    except BaseException:
        with suppress(LakeError):  # where it cannot be read, nobody knows which of them a version has
            published = {file.name for file in data_files(open_table(store), REQUESTS)}
            for file in added:
                if file.data.name not in published:
                    store.discard(file.data.name)
        raise
    table.update_incremental()
    for version in range(next_version, table.version() + 1):
        sync_log(store, version)
    return table.version()


def _addition(file: NewFile, data_change: bool) -> AddAction:
    stats = json.dumps({"numRecords": file.data.rows, **file.range})
    return AddAction(file.data.name, file.data.bytes, file.data.partition, _now_ms(), data_change, stats)


def _removal(file: DataFile, data_change: bool) -> RemoveAction:
    return RemoveAction(
        path=file.name, data_change=data_change, deletion_timestamp=_now_ms(), size=file.bytes, partition_values=file.partition
    )


def _now_ms() -> int:
    """The time now, as Delta's log writes it."""
    return time.time_ns() // 1_000_000


def until_committed(attempt: Callable[[], T]) -> T:
    """Returns what an attempt returns; when another machine has committed in between it is repeated, from what is stored then."""
    for _ in range(COMMIT_ATTEMPTS - 1):
        with suppress(CommitFailedError):
            return attempt()
    return attempt()


def compact(store: Storage, spec: TableSpec, folder: Path) -> int:
    """Write one sorted file where a day, or a table without days, has several small ones; returns how many files were merged.

    The caller is alone among the writers. The new version holds the same rows and says so in the log.
    """
    if not store.has_table():
        return 0
    table = open_to_write(store, spec)
    small = [file for file in data_files(table, spec) if file.rows < LARGE_ROWS]
    crowded = {day: files for day, files in files_by_day(small).items() if len(files) > 1}
    if not crowded:
        return 0
    paths = {day: local_paths(store, files) for day, files in crowded.items()}
    check_intact(chain(*paths.values()))
    with bounded_database(folder) as con:
        merged = [
            write_file(con, folder, spec, f"FROM {rows_sql('$files', spec.columns)}", {"files": files}, day)
            for day, files in paths.items()
        ]
    replaced = [file for files in crowded.values() for file in files]
    about = {"counts": {"merged": len(replaced)}}
    publish(table, store, [file for file in merged if file], replaced, about=about, same_rows=True)
    return len(replaced)


def vacuum(store: Storage, grace_hours: float) -> int:
    """Remove files older than the grace period that the newest version does not name; returns how many. Versions stay as they are
    when there are none.
    """
    if not store.has_table():
        return 0
    table = open_table(store)
    if not _unnamed_files(table, grace_hours, dry_run=True):
        return 0
    removed = _unnamed_files(table, grace_hours, dry_run=False)
    store.forget(map(unquote, removed))
    return len(removed)


def _unnamed_files(table: DeltaTable, grace_hours: float, *, dry_run: bool) -> list[str]:
    return table.vacuum(retention_hours=math.ceil(grace_hours), dry_run=dry_run, enforce_retention_duration=False, full=True)
