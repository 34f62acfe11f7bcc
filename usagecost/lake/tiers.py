"""Which files of a day a commit writes anew, and which it leaves alone: so that what arrives bit by bit is not copied each time.

New rows join the small files of their day. A file is left alone once it is larger than all that would join it, unless a row in
it goes. So every row is copied about as often as its day doubles, and a day has a handful of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import duckdb

from usagecost.lake.table import DataFile

SMALL_ROWS = 20_000
"""A file with no more rows always joins: to copy it costs less than what every reader has to do for one file more."""

LARGE_ROWS = 4_000_000
"""A file with as many rows never joins: to sort it takes long, and it is as quick to read as it will be."""

_TOUCHED = """
SELECT DISTINCT filename FROM read_parquet($files, filename = true)
SEMI JOIN (SELECT source, request_id FROM outgoing WHERE day = $day) USING (source, request_id)
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

    Follows merge.resolve, whose `taken` and `outgoing` are in the database.
    """
    arriving = dict(con.execute("SELECT day, count(*) FROM taken GROUP BY day").fetchall())
    losing = {day for (day,) in con.execute("SELECT DISTINCT day FROM outgoing").fetchall()}
    chosen = {}
    for day in days:
        files = stored.get(day, {})
        touched = _touched(con, files, day) if day in losing else []
        rest = [file for file in files if file not in touched]
        together = touched + joining(rest, arriving.get(day, 0) + sum(file.rows for file in touched))
        chosen[day] = {file: files[file] for file in together}
    return chosen


def _touched(con: duckdb.DuckDBPyConnection, files: Mapping[DataFile, str], day: date) -> list[DataFile]:
    """The files that hold a row that goes; there is one."""
    if len(files) == 1:
        return list(files)
    found = {path for (path,) in con.execute(_TOUCHED, {"files": list(files.values()), "day": day}).fetchall()}
    return [file for file, path in files.items() if path in found]
