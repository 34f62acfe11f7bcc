"""One Delta table of the lake: opened, its files listed, a sorted file written.

What knows about names below a table's folder is here; what changes a table's log is in publishing.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Field
from deltalake.exceptions import CommitFailedError

from usagecost import schema
from usagecost.lake.checksums import checksum, damaged_entries, entry_version, last_checkpoint, note_entry, noted_entries
from usagecost.lake.errors import LakeMissing
from usagecost.lake.storage import Storage, errors_explained

ROW_GROUP_ROWS = 122_880


@dataclass(frozen=True)
class TableSpec:
    """What tells one table of the lake from another. ``instant`` is the column whose range the log keeps for each file, if any;
    ``key`` are the columns that tell what is kept once, where all that is kept of it comes together.
    """

    name: str
    columns: pa.Schema
    order: str
    instant: str | None = None
    partition: str | None = None
    key: tuple[str, ...] = ()

    @property
    def stored_columns(self) -> str:
        """The columns inside its Parquet files, for a SELECT; the partition's value stands in the path."""
        return ", ".join(f'"{name}"' for name in self.columns.names if name != self.partition)


REQUESTS = TableSpec("requests", schema.REQUESTS, order="started_at", instant="started_at", partition="day")
REJECTS = TableSpec(
    "rejects", schema.REJECTS, order="source_file, line, raw", instant="rejected_at", key=("source_file", "line", "reason", "raw")
)
PRICE_CHANGES = TableSpec("price_changes", schema.PRICE_CHANGES, order="day")
REPRICINGS = TableSpec("repricings", schema.REPRICINGS, order="done_at", instant="done_at", key=("id",))
NAMES = TableSpec("names", schema.NAMES, order="source, field, id", instant="seen_at")
LINEAGE = TableSpec("lineage", schema.LINEAGE, order="source, request_id", instant="seen_at")
ALERTS = TableSpec(
    "alerts",
    schema.ALERTS,
    order="happened_at, id",
    instant="happened_at",
    key=("id", "event", "channel", "outcome", "attempt"),
)
AUDIT = TableSpec("audit", schema.AUDIT, order="happened_at, id", instant="happened_at", key=("id",))
BILLS = TableSpec("bills", schema.BILLS, order="provider, first_day, statement, line", instant="loaded_at")
CLOSES = TableSpec("closes", schema.CLOSES, order="happened_at, entry, kind", instant="happened_at", key=("entry",))

SPECS = {spec.name: spec for spec in (REQUESTS, REJECTS, LINEAGE, NAMES, PRICE_CHANGES, REPRICINGS, ALERTS, AUDIT, BILLS, CLOSES)}
"""The tables of a lake."""


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of one version, named relative to the table; ``day`` is None in a table without partitions.

    ``first`` and ``last`` are the ends of its table's instant in it, where the log tells them.
    """

    name: str
    day: date | None
    rows: int
    bytes: int
    first: datetime | None = None
    last: datetime | None = None

    @property
    def partition(self) -> dict[str, str | None]:
        """The same day, as Delta's log writes it."""
        return {"day": str(self.day)} if self.day else {}

    @property
    def utc_day(self) -> date:
        """Its day, for a file of a table with partitions."""
        if self.day is None:
            raise ValueError(f"{self.name} belongs to no day")
        return self.day


@dataclass(frozen=True)
class NewFile:
    """A file that was written and belongs to no version: the ``path`` at which it lies until it is published, what it will be in
    the table, and between which values its instant is, as Delta writes that.
    """

    path: Path
    data: DataFile
    range: Mapping[str, object]


def open_table(store: Storage, version: int | None = None) -> DeltaTable:
    """The table in a folder, at a version or at its newest; raises LakeMissing, LakeUnreadable or LakeUnreachable.

    One that an earlier version of the app made may lack columns of today's record: `rows_sql` gives them as NULL.
    """
    with errors_explained(store, version):
        if not store.has_table():
            raise LakeMissing(
                f"There is no lake in {store.lake}: load a log with `python -m usagecost ingest`, "
                "or let USAGECOST_LAKE name the folder of an existing one."
            )
        entries = noted_entries(store)  # before: a version that comes after it was looked for is not missed
        table = DeltaTable(str(store), version=version, storage_options=store.options)
        check_log(store, table.version(), entries, last_checkpoint(entries, table.version()), is_newest=version is None)
        return table


def check_log(store: Storage, version: int, entries: Mapping[str, str], first: int = 0, *, is_newest: bool = False) -> None:
    """Raise OSError where the log, which gives a version, lacks a newer one, or where entries from a version on are damaged."""
    bad = damaged_entries(store, entries, first)
    bad += [name for name in entries if is_newest and entry_version(name) > version]
    if bad:
        raise OSError(f"{str(store).rpartition('/')[2]}/_delta_log/{bad[0]} is gone or damaged")


def missing_columns(table: DeltaTable, spec: TableSpec) -> list[str]:
    """The columns of today's record that a table was made without."""
    present = {field.name for field in table.schema().fields}
    return [name for name in spec.columns.names if name not in present]


def open_to_write(store: Storage, spec: TableSpec) -> DeltaTable:
    """The newest version of a table, with every column of today's record: missing ones are added, which writes no file anew.

    Raises as `open_table` does.
    """
    table = open_table(store)
    if missing := missing_columns(table, spec):
        table.alter.add_columns([Field.from_arrow(spec.columns.field(name)) for name in missing])
        table.update_incremental()
        sync_log(store, table.version())
    return table


def open_or_create(store: Storage, spec: TableSpec) -> DeltaTable:
    """The newest version of the table in a folder; a new one is empty and stands at version 0."""
    if not store.has_table():
        store.make()
        with suppress(CommitFailedError):  # another machine was faster
            DeltaTable.create(
                str(store),
                spec.columns,
                mode="ignore",
                name=spec.name,
                partition_by=[spec.partition] if spec.partition else None,
                configuration={"delta.dataSkippingStatsColumns": spec.instant} if spec.instant else {},
                storage_options=store.options,
                commit_properties=CommitProperties(max_commit_retries=0),  # else it is made twice, as two versions
            )
        sync_log(store, version=0)
        store.sync()
    return open_to_write(store, spec)


def log_entry(version: int) -> str:
    """The name of the log's entry that makes a version."""
    return f"_delta_log/{version:020}.json"


def data_files(table: DeltaTable, spec: TableSpec) -> tuple[DataFile, ...]:
    """The files of the version that ``table`` stands at, by day."""
    entries = pa.table(table.get_add_actions(flatten=True))
    names = ("path", f"partition.{spec.partition}", "num_records", "size_bytes", f"min.{spec.instant}", f"max.{spec.instant}")
    unknown = [None] * len(entries)
    columns = (entries[name].to_pylist() if name in entries.column_names else unknown for name in names)
    files = [DataFile(unquote(name), *about) for name, *about in zip(*columns, strict=True)]
    return tuple(sorted(files, key=lambda file: (file.day or date.min, file.name)))


def local_paths(store: Storage, files: Iterable[DataFile]) -> list[str]:
    """Where files of a table can be read on this machine."""
    return store.paths([(file.name, file.bytes) for file in files])


def file_paths(store: Storage, spec: TableSpec) -> list[str]:
    """The files of the newest version of a table; none if there is no table."""
    return local_paths(store, data_files(open_table(store), spec)) if store.has_table() else []


def files_by_day(files: Iterable[DataFile]) -> dict[date | None, list[DataFile]]:
    """The files of each day; all under None in a table without partitions."""
    by_day: dict[date | None, list[DataFile]] = {}
    for file in files:
        by_day.setdefault(file.day, []).append(file)
    return by_day


def stored_by_day(table: DeltaTable, store: Storage) -> dict[date, dict[DataFile, str]]:
    """The files of each day of the requests, at the version that ``table`` stands at, and where they can be read."""
    files = data_files(table, REQUESTS)
    paths = dict(zip(files, local_paths(store, files), strict=True))
    return {day: {file: paths[file] for file in day_files} for day, day_files in files_by_day(files).items() if day}


def paths_by_day(table: DeltaTable, store: Storage) -> dict[date, list[str]]:
    """Where the files of each day can be read."""
    return {day: list(files.values()) for day, files in stored_by_day(table, store).items()}


def rows_sql(files: str, columns: pa.Schema) -> str:
    """SQL for the rows of Parquet files of a table, given as an SQL list; columns that a file lacks are NULL in it."""
    return f"(SELECT * FROM read_parquet({files}, union_by_name = true) UNION ALL BY NAME {no_rows_sql(columns)})"


@cache
def no_rows_sql(columns: pa.Schema) -> str:
    """SQL for a table of these columns without rows."""
    fields = ", ".join(f'CAST(NULL AS {_sql_type(column.type)}) AS "{column.name}"' for column in columns)
    return f"SELECT {fields} WHERE false"


def _sql_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type; asked of DuckDB it would take a connection."""
    if pa.types.is_map(kind):
        return f"MAP({_sql_type(kind.key_type)}, {_sql_type(kind.item_type)})"
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ"
    return {
        "string": "VARCHAR",
        "int64": "BIGINT",
        "int32": "INTEGER",
        "double": "DOUBLE",
        "bool": "BOOLEAN",
        "date32[day]": "DATE",
    }[str(kind)]


def create_view(con: duckdb.DuckDBPyConnection, name: str, files: Sequence[str], spec: TableSpec) -> None:
    """Give the rows of Parquet files a name in the database; without files it is a table without rows."""
    if files:
        paths = ", ".join("'" + path.replace("'", "''") + "'" for path in files)  # a view has no parameters
        con.execute(f"CREATE VIEW {name} AS FROM {rows_sql(f'[{paths}]', spec.columns)}")
    else:
        con.from_arrow(spec.columns.empty_table()).create(name)


def write_file(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    spec: TableSpec,
    rows: str,
    values: Mapping[str, object],
    day: date | None = None,
    is_sorted: bool = False,
) -> NewFile | None:
    """Write what the query ``rows`` yields, sorted, to one new file in a staging folder; None if it yields nothing.

    ``is_sorted`` says that the rows come in the table's order, so that they need not be sorted, which takes a third of the time.
    """
    file = folder / uuid.uuid4().hex
    copy = con.execute(
        f"""
        COPY (SELECT {spec.stored_columns} FROM ({rows}) {"" if is_sorted else f"ORDER BY {spec.order}"})
        TO $file (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP_ROWS}, RETURN_STATS)
        """,
        {**values, "file": str(file)},
    )
    ((_, count, size, _, columns, *_),) = copy.fetchall()
    if not count:
        return None
    name = f"{f'{spec.partition}={day}/' if spec.partition else ''}{file.name}-{checksum(file)}.parquet"
    return NewFile(file, DataFile(name, day, count, size), _range(spec.instant, columns) if spec.instant else {})


def _range(instant: str, columns: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """From when to when the rows of a file are, of DuckDB's statistics, as Delta writes it."""
    ends = (datetime.fromisoformat(columns[f'"{instant}"'][end]).astimezone(UTC) for end in ("min", "max"))
    first, last = (f"{end:%Y-%m-%dT%H:%M:%S.%fZ}" for end in ends)
    return {"minValues": {instant: first}, "maxValues": {instant: last}, "nullCount": {instant: 0}}


def sync_log(store: Storage, version: int) -> None:
    """Delta writes its log without waiting for the disk: wait, so that a commit that was reported stays; and note its checksum."""
    store.sync(log_entry(version))
    store.sync("_delta_log")
    note_entry(store, version)
