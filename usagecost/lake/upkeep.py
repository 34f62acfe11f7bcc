"""What keeps a table of the lake small: several files of a day made one, files of no use removed."""

from __future__ import annotations

import math
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable

from usagecost.lake.checksums import check_whole
from usagecost.lake.days import LARGE_ROWS
from usagecost.lake.publishing import publish
from usagecost.lake.staging import bounded_database
from usagecost.lake.storage import Storage
from usagecost.lake.table import TableSpec, data_files, files_by_day, local_paths, open_table, open_to_write, rows_sql, write_file


def compact(place: Storage, spec: TableSpec, folder: Path) -> int:
    """Write one sorted file where a day, or a table without days, has several small ones; returns how many files were merged.

    The caller is alone among the writers. The new version holds the same rows and says so in the log.
    """
    if not place.has_table():
        return 0
    table = open_to_write(place, spec)
    small = [file for file in data_files(table, spec) if file.rows < LARGE_ROWS]
    crowded = {day: files for day, files in files_by_day(small).items() if len(files) > 1}
    if not crowded:
        return 0
    paths = {day: local_paths(place, files) for day, files in crowded.items()}
    check_whole(chain(*paths.values()))
    with bounded_database(folder) as con:
        merged = [
            write_file(con, folder, spec, f"FROM {rows_sql('$files', spec.columns)}", {"files": files}, day)
            for day, files in paths.items()
        ]
    replaced = [file for files in crowded.values() for file in files]
    about = {"counts": {"merged": len(replaced)}}
    publish(table, place, [file for file in merged if file], replaced, about=about, same_rows=True)
    return len(replaced)


def vacuum(place: Storage, grace_hours: float) -> int:
    """Remove files older than the grace period that the newest version does not name; returns how many. Versions stay as they are
    when there are none.
    """
    if not place.has_table():
        return 0
    table = open_table(place)
    if not _unnamed_files(table, grace_hours, dry_run=True):
        return 0
    removed = _unnamed_files(table, grace_hours, dry_run=False)
    place.forget(map(unquote, removed))
    return len(removed)


def _unnamed_files(table: DeltaTable, grace_hours: float, *, dry_run: bool) -> list[str]:
    return table.vacuum(retention_hours=math.ceil(grace_hours), dry_run=dry_run, enforce_retention_duration=False, full=True)
