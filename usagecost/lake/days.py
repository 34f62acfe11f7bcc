"""The days that a change of the lake makes anew: which of their files are written anew, and what stays of each, and what arrives.

The database says what arrives (``accepted``, the places of staged rows) and what goes (``outgoing``): see `merge.resolve`.

What arrives bit by bit is not copied each time: new rows join the small files of their day, and a file is left alone once it is
larger than all that would join it, unless a row in it goes. So every row is copied about as often as its day doubles, and a day
has a handful of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import duckdb

from usagecost.lake.checksums import check_intact
from usagecost.lake.staging import worker_count
from usagecost.lake.table import REQUESTS, DataFile, NewFile, rows_sql, write_file

GROUP_ROWS = 400_000
"""How many staged rows are brought together by day at a time: they should fit into memory. Each group reads the staged files once,
and of files in order of time only its own part."""

SMALL_ROWS = 20_000
"""A file with no more rows always joins: to copy it costs less than what every reader has to do for one file more."""

LARGE_ROWS = 4_000_000
"""A file with as many rows never joins: to sort it takes long, and it is as quick to read as it will be."""

_TOUCHED = """
SELECT DISTINCT filename FROM read_parquet($files, filename = true)
SEMI JOIN (SELECT source, request_id FROM outgoing WHERE day = $day) USING (source, request_id)
"""

_ARRIVALS = f"""
CREATE OR REPLACE TABLE arrival AS  -- one row = a staged row that the lake takes, of some days
SELECT {REQUESTS.stored_columns}, CAST(started_at AS DATE) AS day
FROM (
    FROM staged
    WHERE started_at >= CAST($first AS TIMESTAMPTZ) AND started_at < CAST($last AS TIMESTAMPTZ) + INTERVAL 24 HOURS
)
SEMI JOIN accepted USING (location)
"""


def joining(files: Iterable[DataFile], arriving: int) -> list[DataFile]:
    """Of the files of a day those that so many new rows are written together with, the smallest first."""
    joined: list[DataFile] = []
    for file in sorted(files, key=lambda file: (file.rows, file.name)):
        if file.rows >= LARGE_ROWS or file.rows > max(SMALL_ROWS, arriving):
            break
        joined.append(file)
        arriving += file.rows
    return joined


def files_to_write_anew(
    con: duckdb.DuckDBPyConnection, stored: Mapping[date, Mapping[DataFile, str]], days: Sequence[date]
) -> dict[date, dict[DataFile, str]]:
    """Of the files of these days, with their paths, those with a row that goes, and those that what is left of them joins.

    Follows merge.resolve, whose `accepted` and `outgoing` are in the database.
    """
    arriving = dict(con.execute("SELECT day, count(*) FROM accepted GROUP BY day").fetchall())
    losing = {day for (day,) in con.execute("SELECT DISTINCT day FROM outgoing").fetchall()}
    to_write = {}
    for day in days:
        files = stored.get(day, {})
        touched = _touched(con, files, day) if day in losing else []
        untouched = [file for file in files if file not in touched]
        together = touched + joining(untouched, arriving.get(day, 0) + sum(file.rows for file in touched))
        to_write[day] = {file: files[file] for file in together}
    return to_write


def _touched(con: duckdb.DuckDBPyConnection, files: Mapping[DataFile, str], day: date) -> list[DataFile]:
    """The files that hold a row that goes; there is one."""
    if len(files) == 1:
        return list(files)
    touched_paths = {path for (path,) in con.execute(_TOUCHED, {"files": list(files.values()), "day": day}).fetchall()}
    return [file for file, path in files.items() if path in touched_paths]


def write_days(
    con: duckdb.DuckDBPyConnection, folder: Path, days: Sequence[date], stored: Mapping[date, Sequence[str]]
) -> list[NewFile]:
    """Write each day's new file: of the stored files given, and of what arrives; none where nothing is left. Follows `resolve`."""
    row_counts = dict(con.execute("SELECT day, count(*) FROM accepted GROUP BY day").fetchall())
    added: list[NewFile | None] = []
    with ThreadPoolExecutor(worker_count()) as pool:
        for group in _groups(days, row_counts):
            con.execute(_ARRIVALS, {"first": group[0], "last": group[-1]})
            added += pool.map(lambda day: _write_day(con, folder, day, stored.get(day, ())), group)
    return [file for file in added if file]


def _groups(days: Sequence[date], row_counts: Mapping[date, int]) -> list[list[date]]:
    """Neighbouring days together, as many as take no more than `GROUP_ROWS` rows; a day with more is a group of its own."""
    groups: list[list[date]] = []
    room = 0
    for day in days:
        count = row_counts.get(day, 0)
        if not groups or count > room:
            groups.append([])
            room = GROUP_ROWS
        groups[-1].append(day)
        room -= count
    return groups


def _write_day(con: duckdb.DuckDBPyConnection, folder: Path, day: date, stored: Sequence[str]) -> NewFile | None:
    rows = f"SELECT {REQUESTS.stored_columns} FROM arrival WHERE day = $day"
    values: dict[str, object] = {"day": day}
    check_intact(stored)
    if stored:
        rows += (
            f" UNION ALL SELECT {REQUESTS.stored_columns} FROM {rows_sql('$stored', REQUESTS.columns)}"
            " ANTI JOIN (SELECT source, request_id FROM outgoing WHERE day = $day) USING (source, request_id)"
        )
        values["stored"] = list(stored)
    with con.cursor() as cursor:
        return write_file(cursor, folder, REQUESTS, rows, values, day)
