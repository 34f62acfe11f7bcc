"""Which request is part of which: where a span repeats the usage of its parts, only the innermost is counted.

A trace's parts come in several files and in any order, so the parents of all of its parts are kept, in a table beside the
requests, whether they are requests themselves or not. A request with a descendant that is a request too is covered: it is not
taken, or is withdrawn. The parts of one trace share the stem of their ids, the part before the first colon.

The parts of a trace come within minutes, or with the next file; so parents that were read long ago are forgotten: see KEPT. A
request that comes later than that, and without its parts, is counted though they were.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import duckdb

from usagecost.lake.publishing import append, replace_files
from usagecost.lake.staging import bounded_database
from usagecost.lake.storage import Storage
from usagecost.lake.table import LINEAGE, create_view, data_files, local_paths, open_or_create, open_table, seen_ranges, write_file

KEPT = timedelta(days=30)
"""How long before the newest one a parent was read for it to be kept at least."""

TOGETHER = timedelta(days=10)
"""How much longer one may stay, so that the table is not written anew with every commit."""

_YOUNG = "SELECT * FROM read_parquet($files) WHERE seen_at >= $kept_from"

_NEW = """
SELECT source, request_id, parent_id, min(seen_at) AS seen_at
FROM offered ANTI JOIN known USING (source, request_id, parent_id)
WHERE parent_id <> request_id
GROUP BY source, request_id, parent_id
"""

_TRACES = """
INSERT INTO trace
SELECT DISTINCT source, stem FROM version SEMI JOIN (SELECT DISTINCT source FROM lineage) USING (source)
UNION
SELECT source, stem(request_id) FROM staged_lineage
"""

_COUNTED = """
CREATE TABLE counted AS  -- one row = a request of these traces, staged or stored
SELECT source, request_id FROM version SEMI JOIN trace USING (source, stem)
UNION
SELECT source, request_id FROM (SELECT source, request_id, stem(request_id) AS stem FROM lake) SEMI JOIN trace USING (source, stem)
"""

_LINKS = """
INSERT INTO link
SELECT source, request_id, parent_id
FROM (SELECT source, request_id, parent_id, stem(request_id) AS stem FROM lineage)
SEMI JOIN trace USING (source, stem)
"""

_ABOVE = """
CREATE TABLE above AS  -- one row = a request and what it is part of, however far up
WITH RECURSIVE above(source, part, whole) AS (
    SELECT source, request_id, parent_id FROM link SEMI JOIN counted USING (source, request_id)
    UNION
    SELECT above.source, part, parent_id FROM above JOIN link ON link.source = above.source AND link.request_id = above.whole
)
FROM above
"""

_COVERED = """
INSERT INTO covered
SELECT DISTINCT source, whole
FROM above ANTI JOIN above AS back ON back.source = above.source AND back.part = above.whole AND back.whole = above.part
"""
"""Of those that are said to be part of each other neither is left out: that is no trace, and nothing is to be lost."""


def add_new(place: Storage, staged: Sequence[str], folder: Path) -> int:
    """Append the parents that are not in the table yet; returns how many. The caller is alone among the writers."""
    if not staged:
        return 0
    table = open_or_create(place, LINEAGE)
    with bounded_database(folder) as con:
        create_view(con, "offered", staged, LINEAGE)
        create_view(con, "known", local_paths(place, data_files(table, LINEAGE)), LINEAGE)
        added = write_file(con, place, LINEAGE, _NEW, {})
    if added is None:
        return 0
    append(table, place, [added], {})
    return json.loads(added.stats)["numRecords"]


def forget_old(place: Storage, folder: Path) -> int:
    """Remove the parents that were read long before the newest one; returns how many. The caller is alone among the writers."""
    if not place.has_table():
        return 0
    table = open_table(place)
    files = seen_ranges(table, LINEAGE)
    if not files:
        return 0
    kept_from = max(last for _, last in files.values()) - KEPT
    if min(first for first, _ in files.values()) >= kept_from - TOGETHER:
        return 0
    old = [file for file, (first, _) in files.items() if first < kept_from]
    values = {"files": local_paths(place, old), "kept_from": kept_from}
    with bounded_database(folder) as con:
        young = write_file(con, place, LINEAGE, _YOUNG, values)
    left = json.loads(young.stats)["numRecords"] if young else 0
    replace_files(table, place, [young] if young else [], old, {}, same_rows=False)
    return sum(file.rows for file in old) - left


def create_links(con: duckdb.DuckDBPyConnection, staged: Sequence[str], stored: Sequence[str]) -> None:
    """Make the tables `trace`, one row = a trace of which something is staged, and `link`, one row = a part of such a trace and
    what it is part of. The database has `version`, the staged rows, and the macro `stem`.
    """
    con.execute("CREATE TABLE trace (source VARCHAR, stem VARCHAR)")
    con.execute("CREATE TABLE link (source VARCHAR, request_id VARCHAR, parent_id VARCHAR)")
    if staged:
        create_view(con, "staged_lineage", staged, LINEAGE)
        create_view(con, "lineage", stored, LINEAGE)
        for statement in (_TRACES, _LINKS):
            con.execute(statement)


def create_covered(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table `covered`: one row = a request, staged or stored, whose usage its own parts tell.

    The database has what `create_links` needs and makes, and `lake`, the stored requests.
    """
    con.execute("CREATE TABLE covered (source VARCHAR, request_id VARCHAR)")
    if con.execute("SELECT count(*) FROM link").fetchone() == (0,):
        return
    for statement in (_COUNTED, _ABOVE, _COVERED):
        con.execute(statement)
    con.execute("DROP TABLE counted; DROP TABLE above")
