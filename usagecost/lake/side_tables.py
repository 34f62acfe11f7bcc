"""The small tables beside the requests: rejected lines, alerts, acts, lines of bills and closed months, each kept once, and what
people call the teams, users and keys that requests name by their ids. The requests keep the ids, which last; a name is looked up
when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from usagecost.lake.checksums import check_intact
from usagecost.lake.publishing import compact, publish
from usagecost.lake.staging import bounded_database, only_row
from usagecost.lake.storage import Storage
from usagecost.lake.table import (
    BILLS,
    NAMES,
    PRICE_CHANGES,
    DataFile,
    TableSpec,
    create_view,
    data_files,
    file_paths,
    local_paths,
    open_or_create,
    write_file,
)

SideTable = Literal["rejects", "names", "alerts", "audit", "bills", "closes"]
"""Tables beside the requests that others read and add to. One row = a line, or a file, that could not be read; what people call a
team, user or key; an alert that was raised or resolved, or an attempt to tell somebody; an act of somebody; a line of a bill, of
replaced statements too; what a close keeps, of reopened months too.
"""

MOST_FILES = 50
"""What is added is a small file each time; when there are so many, they become one."""

_NEW = """
FROM (SELECT DISTINCT * FROM offered) AS offered ANTI JOIN stored ON {is_same}
QUALIFY rank() OVER (PARTITION BY {key} ORDER BY {instant}) = 1
"""

_NEW_BILLS = "SELECT * FROM offered ANTI JOIN stored ON stored.statement = offered.statement AND stored.as_of >= offered.as_of"

_ALL_BILLS = f"""
WITH new_bill AS ({_NEW_BILLS})
FROM new_bill UNION ALL BY NAME FROM stored WHERE statement NOT IN (SELECT statement FROM new_bill)
"""

_ALL_NAMES = """
SELECT source, field, id, unnest(max_by({'name': name, 'seen_at': seen_at}, (seen_at, is_offered, name)))
FROM (SELECT *, true AS is_offered FROM offered UNION ALL BY NAME SELECT *, false AS is_offered FROM stored)
GROUP BY source, field, id
"""

_LATEST = {
    BILLS.name: (
        f"SELECT count(*), count_if(statement IN (SELECT statement FROM stored)) > 0 FROM ({_NEW_BILLS})",
        _NEW_BILLS,
        _ALL_BILLS,
    ),
    NAMES.name: (
        f"SELECT count(*), true FROM ({_ALL_NAMES}) ANTI JOIN stored USING (source, field, id, name)",
        _ALL_NAMES,
        _ALL_NAMES,
    ),
}
"""Table -> SQL for how many offered rows are newer than what is stored, and whether that goes; for those rows; and for all then."""

_REPRICED = "SELECT DISTINCT provider, model FROM changes WHERE list_contains($acts, id) AND day BETWEEN $first AND $last"

Row = dict[str, Any]
Change = Callable[[Row], Row | None]
"""What becomes of a row; None if it goes."""


def read_rows(store: Storage, spec: TableSpec, where: pc.Expression | None = None) -> pa.Table:
    """Return the rows of a table, all or some, in its order; none if there is no table yet. Raises LakeUnreadable."""
    files = file_paths(store, spec)
    check_intact(files)
    parts = [pq.read_table(file, filters=where, partitioning=None).cast(spec.columns) for file in files]
    return pa.concat_tables([spec.columns.empty_table(), *parts]).sort_by([(name, "ascending") for name in spec.order.split(", ")])


def read_repriced(
    store: Storage, acts: Sequence[str], first_day: date, last_day: date, folder: Path
) -> set[tuple[str | None, str | None]]:
    """Return the provider and model of the requests of some UTC days, the last included, that acts of repricing have changed."""
    with bounded_database(folder) as con:
        create_view(con, "changes", file_paths(store, PRICE_CHANGES), PRICE_CHANGES)
        return set(con.execute(_REPRICED, {"acts": list(acts), "first": first_day, "last": last_day}).fetchall())


def add_rows(store: Storage, spec: TableSpec, rows: pa.Table, folder: Path) -> int:
    """Append the rows whose key is not in the table yet, of several of a key the first; return how many they are.

    The caller is alone among the writers.
    """
    if not rows.num_rows:
        return 0
    is_same = " AND ".join(f"stored.{name} IS NOT DISTINCT FROM offered.{name}" for name in spec.key)
    new = _NEW.format(is_same=is_same, key=", ".join(spec.key), instant=spec.instant)
    if store.has_table() and len(file_paths(store, spec)) >= MOST_FILES:
        compact(store, spec, folder)
    return append_new(store, spec, [_written(rows, spec, folder)], new, folder)


def append_new(store: Storage, spec: TableSpec, offered: Sequence[str], new_rows: str, folder: Path) -> int:
    """Append to a table what a query finds of the rows of files, `offered`, and those it has, `stored`; return how many.

    The caller is alone among the writers.
    """
    with _editing(store, spec, folder, offered) as edit:
        return edit.publish_rows(new_rows)


def keep_rows(store: Storage, spec: TableSpec, rows: pa.Table, folder: Path) -> int:
    """Keep rows, each once; of tables in which something later takes the place of what is there, the latest."""
    return (keep_latest if spec.name in _LATEST else add_rows)(store, spec, rows, folder)


def keep_latest(store: Storage, spec: TableSpec, rows: pa.Table, folder: Path) -> int:
    """Keep what rows tell unless something later is stored: of bills, lines of a statement by its time; of names, that of each id.

    Return how many rows are new or changed. The table is written anew when something earlier goes. The caller is alone among the
    writers.
    """
    if not rows.num_rows:
        return 0
    counted, new, all_rows = _LATEST[spec.name]
    with _editing(store, spec, folder, [_written(rows, spec, folder)]) as edit:
        count, is_anew = only_row(edit.con, counted)
        if count:
            edit.publish_rows(all_rows if is_anew else new, is_anew=is_anew)
    return count


def forget_before(store: Storage, spec: TableSpec, instant: datetime, folder: Path) -> int:
    """Remove the rows of a table from before an instant; return how many. The caller is alone among the writers."""
    with _editing(store, spec, folder, before=instant) as edit:
        old = sum(file.rows for file in edit.files)
        young = edit.publish_rows(f"FROM stored WHERE {spec.instant} >= $instant", {"instant": instant}, is_anew=True) if old else 0
    return old - young


def count_rows(store: Storage, spec: TableSpec, column: str, value: str, folder: Path) -> int:
    """Return how many rows of a table have a value in a column."""
    with bounded_database(folder) as con:
        create_view(con, "stored", file_paths(store, spec), spec)
        return con.execute(f"SELECT count(*) FROM stored WHERE {column} = $value", {"value": value}).fetchall()[0][0]


def remove_rows(store: Storage, spec: TableSpec, column: str, value: str, folder: Path) -> int:
    """Write a table anew without the rows that have a value in a column; return how many. The caller is alone among the writers."""
    if not (count := count_rows(store, spec, column, value, folder)):
        return 0
    with _editing(store, spec, folder) as edit:
        edit.publish_rows(f"FROM stored WHERE {column} IS DISTINCT FROM $value", {"value": value}, is_anew=True)
    return count


def count_changes(
    store: Storage, spec: TableSpec, condition: str, values: Mapping[str, object], change: Change, folder: Path
) -> int:
    """Return how many rows `change_rows` would change."""
    files = file_paths(store, spec)
    check_intact(files)
    with bounded_database(folder) as con:
        create_view(con, "stored", files, spec)
        return _changed(con, spec, condition, values, change)[1]


def change_rows(store: Storage, spec: TableSpec, condition: str, values: Mapping[str, object], change: Change, folder: Path) -> int:
    """Write a table anew with what becomes of the rows of a condition, which is never NULL; return how many become others, or go.

    The caller is alone among the writers of this machine.
    """
    if not store.has_table():
        return 0
    with _editing(store, spec, folder) as edit:
        rows, count = _changed(edit.con, spec, condition, values, change)
        if count:
            create_view(edit.con, "changed", [_written(rows, spec, folder)], spec)
            edit.publish_rows(f"FROM changed UNION ALL BY NAME SELECT * FROM stored WHERE NOT {condition}", values, is_anew=True)
    return count


def _changed(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, condition: str, values: Mapping[str, object], change: Change
) -> tuple[pa.Table, int]:
    """What becomes of the rows of ``stored`` that a condition holds for, and how many become others, or go."""
    rows = con.sql(f"SELECT * FROM stored WHERE {condition}", params=dict(values)).to_arrow_table().to_pylist()
    becomes = [(row, change(row)) for row in rows]
    changed_rows = pa.Table.from_pylist([new for _, new in becomes if new is not None], spec.columns)
    return changed_rows, sum(new != row for row, new in becomes)


def _written(rows: pa.Table, spec: TableSpec, folder: Path) -> str:
    """The file with some rows of a table."""
    file = folder / "offered.parquet"
    pq.write_table(rows.cast(spec.columns), file)
    return str(file)


@dataclass(frozen=True)
class _Editing:
    """A table that is changed, some ``files`` of it, and a database with their rows, ``stored``, and others, ``offered``."""

    con: duckdb.DuckDBPyConnection
    folder: Path
    store: Storage
    spec: TableSpec
    table: DeltaTable
    files: Sequence[DataFile]

    def publish_rows(self, rows: str, values: Mapping[str, object] | None = None, *, is_anew: bool = False) -> int:
        """Publish what a query finds, in the place of the files if these are written anew; return how many rows it is."""
        new = write_file(self.con, self.folder, self.spec, rows, values or {})
        if new or is_anew:
            publish(self.table, self.store, [new] if new else [], self.files if is_anew else ())
        return new.data.rows if new else 0


@contextmanager
def _editing(
    store: Storage, spec: TableSpec, folder: Path, offered: Sequence[str] = (), before: datetime | None = None
) -> Generator[_Editing]:
    """A table to be changed, with the rows of files, ``offered``, beside its own: all, or those of files with some ``before``."""
    table = open_or_create(store, spec)
    files = [file for file in data_files(table, spec) if before is None or (file.first and file.first < before)]
    with bounded_database(folder) as con:
        paths = local_paths(store, files)
        check_intact(paths)
        create_view(con, "offered", offered, spec)
        create_view(con, "stored", paths, spec)
        yield _Editing(con, folder, store, spec, table, files)
