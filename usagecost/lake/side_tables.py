"""The small tables beside the requests: rejected lines, alerts, acts, lines of bills and closed months, each kept once, and what
people call the teams, users and keys that requests name by their ids. The requests keep the ids, which last; a name is looked up
when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from usagecost.lake.checksums import check_whole
from usagecost.lake.publishing import publish
from usagecost.lake.staging import bounded_database
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
    open_to_write,
    write_file,
)
from usagecost.lake.upkeep import compact

MOST_FILES = 50
"""What is added is a small file each time; when there are so many, they become one."""

_NEW = """
FROM (SELECT DISTINCT * FROM offered) AS offered ANTI JOIN known ON {is_same}
QUALIFY rank() OVER (PARTITION BY {key} ORDER BY {instant}) = 1
"""

_NEW_BILLS = "SELECT * FROM offered ANTI JOIN known ON known.statement = offered.statement AND known.as_of >= offered.as_of"

_KEPT_BILLS = f"""
WITH made AS ({_NEW_BILLS})
FROM made UNION ALL BY NAME FROM known WHERE statement NOT IN (SELECT statement FROM made)
"""

_BILLS_ANEW = f"SELECT count(*), count(*) FILTER (statement IN (SELECT statement FROM known)) FROM ({_NEW_BILLS})"

_REPRICED = "SELECT DISTINCT provider, model FROM changes WHERE list_contains($acts, id) AND day BETWEEN $first AND $last"

_KEPT_NAMES = """
SELECT source, field, id, unnest(max_by({'name': name, 'seen_at': seen_at}, (seen_at, is_offered, name)))
FROM (SELECT *, true AS is_offered FROM offered UNION ALL BY NAME SELECT *, false AS is_offered FROM known)
GROUP BY source, field, id
"""

_CHANGED_NAMES = f"SELECT count(*) FROM ({_KEPT_NAMES}) ANTI JOIN known USING (source, field, id, name)"


Row = dict[str, Any]
Change = Callable[[Row], Row | None]
"""What becomes of a row; None if it goes."""


def read_rows(place: Storage, spec: TableSpec, where: pc.Expression | None = None) -> pa.Table:
    """Return the rows of a table, all or some, in its order; none if there is no table yet. Raises LakeUnreadable."""
    files = file_paths(place, spec)
    check_whole(files)
    parts = [pq.read_table(file, filters=where, partitioning=None).cast(spec.columns) for file in files]
    return pa.concat_tables([spec.columns.empty_table(), *parts]).sort_by([(name, "ascending") for name in spec.order.split(", ")])


def read_repriced(
    place: Storage, acts: Sequence[str], first_day: date, last_day: date, folder: Path
) -> set[tuple[str | None, str | None]]:
    """Return the provider and model of the requests of some UTC days, the last included, that acts of repricing have changed."""
    with bounded_database(folder) as con:
        create_view(con, "changes", file_paths(place, PRICE_CHANGES), PRICE_CHANGES)
        return set(con.execute(_REPRICED, {"acts": list(acts), "first": first_day, "last": last_day}).fetchall())


def add_rows(place: Storage, spec: TableSpec, rows: pa.Table, folder: Path) -> int:
    """Append the rows whose key is not in the table yet, of several of a key the first; return how many they are.

    The caller is alone among the writers.
    """
    if not rows.num_rows:
        return 0
    is_same = " AND ".join(f"known.{name} IS NOT DISTINCT FROM offered.{name}" for name in spec.key)
    new = _NEW.format(is_same=is_same, key=", ".join(spec.key), instant=spec.instant)
    if place.has_table() and len(file_paths(place, spec)) >= MOST_FILES:
        compact(place, spec, folder)
    return append_new(place, spec, [_written(rows, spec, folder)], new, folder)


def forget_before(place: Storage, spec: TableSpec, instant: datetime, folder: Path) -> int:
    """Remove the rows of a table from before an instant; return how many. The caller is alone among the writers."""
    table = open_to_write(place, spec)
    old = [file for file in data_files(table, spec) if file.first and file.first < instant]
    if not old:
        return 0
    with _beside(place, spec, old, [], folder) as con:
        young = write_file(con, folder, spec, f"FROM known WHERE {spec.instant} >= $instant", {"instant": instant})
    publish(table, place, [young] if young else [], old)
    return sum(file.rows for file in old) - (young.data.rows if young else 0)


def append_new(place: Storage, spec: TableSpec, offered: Sequence[str], new_rows: str, folder: Path) -> int:
    """Append to a table what a query finds of the rows of files, `offered`, and those it has, `known`; return how many.

    The caller is alone among the writers.
    """
    table = open_or_create(place, spec)
    with _beside(place, spec, data_files(table, spec), offered, folder) as con:
        added = write_file(con, folder, spec, new_rows, {})
    if added is None:
        return 0
    publish(table, place, [added])
    return added.data.rows


def keep_bills(place: Storage, lines: pa.Table, folder: Path) -> int:
    """Append the lines of statements that are not in the table as of their time or a later one; return how many they are.

    The table is written anew when one is there as of an earlier time, which it then no longer is. The caller is alone among the
    writers.
    """
    if not lines.num_rows:
        return 0
    table = open_or_create(place, BILLS)
    files = data_files(table, BILLS)
    with _beside(place, BILLS, files, [_written(lines, BILLS, folder)], folder) as con:
        count, anew = con.sql(_BILLS_ANEW).fetchall()[0]
        added = write_file(con, folder, BILLS, _KEPT_BILLS if anew else _NEW_BILLS, {}) if count else None
    if added is not None:
        publish(table, place, [added], files if anew else ())
    return count


def count_rows(place: Storage, spec: TableSpec, column: str, value: str, folder: Path) -> int:
    """Return how many rows of a table have a value in a column."""
    with bounded_database(folder) as con:
        create_view(con, "known", file_paths(place, spec), spec)
        return con.execute(f"SELECT count(*) FROM known WHERE {column} = $value", {"value": value}).fetchall()[0][0]


def remove_rows(place: Storage, spec: TableSpec, column: str, value: str, folder: Path) -> int:
    """Write a table anew without the rows that have a value in a column; return how many. The caller is alone among the writers."""
    if not (count := count_rows(place, spec, column, value, folder)):
        return 0
    table = open_to_write(place, spec)
    files = data_files(table, spec)
    with _beside(place, spec, files, [], folder) as con:
        left = write_file(con, folder, spec, f"FROM known WHERE {column} IS DISTINCT FROM $value", {"value": value})
    publish(table, place, [left] if left else [], files)
    return count


def count_changes(
    place: Storage, spec: TableSpec, condition: str, values: Mapping[str, object], change: Change, folder: Path
) -> int:
    """Return how many rows `change_rows` would change."""
    files = file_paths(place, spec)
    check_whole(files)
    with bounded_database(folder) as con:
        create_view(con, "known", files, spec)
        return _changed(con, spec, condition, values, change)[1]


def change_rows(place: Storage, spec: TableSpec, condition: str, values: Mapping[str, object], change: Change, folder: Path) -> int:
    """Write a table anew with what becomes of the rows of a condition, which is never NULL; return how many become others, or go.

    The caller is alone among the writers of this machine.
    """
    if not place.has_table():
        return 0
    table = open_to_write(place, spec)
    files = data_files(table, spec)
    with _beside(place, spec, files, [], folder) as con:
        rows, count = _changed(con, spec, condition, values, change)
        if not count:
            return 0
        create_view(con, "changed", [_written(rows, spec, folder)], spec)
        kept = f"FROM changed UNION ALL BY NAME SELECT * FROM known WHERE NOT {condition}"
        added = write_file(con, folder, spec, kept, values)
    publish(table, place, [added] if added else [], files)
    return count


def keep_names(place: Storage, names: pa.Table, folder: Path) -> int:
    """Keep each id's newest name, in whatever order they come; return how many are new or changed.

    The table is written anew when a name changes. The caller is alone among the writers.
    """
    if not names.num_rows:
        return 0
    table = open_or_create(place, NAMES)
    files = data_files(table, NAMES)
    with _beside(place, NAMES, files, [_written(names, NAMES, folder)], folder) as con:
        changed = con.sql(_CHANGED_NAMES).fetchall()[0][0]
        added = write_file(con, folder, NAMES, _KEPT_NAMES, {}) if changed else None
    if added is not None:
        publish(table, place, [added], files)
    return changed


def _changed(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, condition: str, values: Mapping[str, object], change: Change
) -> tuple[pa.Table, int]:
    """What becomes of the rows of ``known`` that a condition holds for, and how many become others, or go."""
    rows = con.sql(f"SELECT * FROM known WHERE {condition}", params=dict(values)).to_arrow_table().to_pylist()
    becomes = [(row, change(row)) for row in rows]
    left = pa.Table.from_pylist([new for _, new in becomes if new is not None], spec.columns)
    return left, sum(new != row for row, new in becomes)


def _written(rows: pa.Table, spec: TableSpec, folder: Path) -> str:
    """The file with some rows of a table."""
    file = folder / "offered.parquet"
    pq.write_table(rows.cast(spec.columns), file)
    return str(file)


@contextmanager
def _beside(
    place: Storage, spec: TableSpec, files: Sequence[DataFile], offered: Sequence[str], folder: Path
) -> Generator[duckdb.DuckDBPyConnection]:
    """A database with the rows of files, ``offered``, beside those that a table has, ``known``."""
    with bounded_database(folder) as con:
        known = local_paths(place, files)
        check_whole(known)
        create_view(con, "offered", offered, spec)
        create_view(con, "known", known, spec)
        yield con
