"""A lake that an earlier version of the app has made: its files written anew, with the columns that it lacks."""

from __future__ import annotations

from pathlib import Path

from deltalake import Field

from usagecost.lake.publishing import replace_files
from usagecost.lake.staging import bounded_database
from usagecost.lake.storage import Storage
from usagecost.lake.table import TableSpec, create_view, data_files, local_paths, missing_columns, table_as_it_is, write_file


def upgrade(place: Storage, spec: TableSpec, folder: Path) -> int:
    """Give every file of a table the columns that the table lacks, as NULL; returns how many files that were.

    First the files, as one version, then the table's own columns: if the process ends in between, the next call begins anew. The
    caller is alone among the writers.
    """
    table = table_as_it_is(place) if place.has_table() else None
    lacking = missing_columns(table) if table else []
    if not lacking:
        return 0
    files = data_files(table, spec)
    with bounded_database(folder) as con:
        con.register("today", spec.columns.empty_table())
        written = []
        for file in files:
            con.execute("DROP VIEW IF EXISTS stored")
            create_view(con, "stored", local_paths(place, [file]), spec)
            rows = "SELECT * FROM stored UNION ALL BY NAME SELECT * FROM today"
            written.append(write_file(con, place, spec, rows, {}, file.day, data_change=False))
    if files:
        replace_files(table, place, [action for action in written if action], files, {"counts": {"upgraded": len(files)}})
    table.alter.add_columns([Field.from_arrow(spec.columns.field(name)) for name in lacking])
    place.sync("_delta_log")
    return len(files)
