"""The days that a change of the lake makes anew are written: what stays of each, and what arrives.

The database says what arrives (``taken``, the places of staged rows) and what goes (``outgoing``): see `merge.resolve`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import duckdb
from deltalake.transaction import AddAction

from usagecost.lake.staging import worker_count
from usagecost.lake.storage import Storage
from usagecost.lake.table import REQUESTS, rows_sql, write_file

GROUP_ROWS = 400_000
"""How many staged rows are brought together by day at a time: they should fit into memory. Each group reads the staged files once,
and of files in order of time only its own part."""

_ARRIVALS = f"""
CREATE OR REPLACE TABLE arrival AS  -- one row = a staged row that the lake takes, of some days
SELECT {REQUESTS.stored_columns}, CAST(started_at AS DATE) AS day
FROM (
    FROM staged
    WHERE started_at >= CAST($first AS TIMESTAMPTZ) AND started_at < CAST($last AS TIMESTAMPTZ) + INTERVAL 24 HOURS
)
SEMI JOIN taken USING (location)
"""


def write_days(
    con: duckdb.DuckDBPyConnection, table: Storage, days: Sequence[date], stored: Mapping[date, Sequence[str]]
) -> list[AddAction]:
    """Write each day's new file: of the stored files given, and of what arrives; none where nothing is left. Follows `resolve`."""
    row_counts = dict(con.execute("SELECT day, count(*) FROM taken GROUP BY day").fetchall())
    added: list[AddAction | None] = []
    with ThreadPoolExecutor(worker_count()) as pool:
        for group in _groups(days, row_counts):
            con.execute(_ARRIVALS, {"first": group[0], "last": group[-1]})
            added += pool.map(lambda day: _write_day(con, table, day, stored.get(day, ())), group)
    return [action for action in added if action]


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


def _write_day(con: duckdb.DuckDBPyConnection, table: Storage, day: date, stored: Sequence[str]) -> AddAction | None:
    rows = f"SELECT {REQUESTS.stored_columns} FROM arrival WHERE day = $day"
    values: dict[str, object] = {"day": day}
    if stored:
        rows += (
            f" UNION ALL SELECT {REQUESTS.stored_columns} FROM {rows_sql('$stored', REQUESTS.columns)}"
            " ANTI JOIN (SELECT source, request_id FROM outgoing WHERE day = $day) USING (source, request_id)"
        )
        values["stored"] = list(stored)
    with con.cursor() as cursor:
        return write_file(cursor, table, REQUESTS, rows, values, day)
