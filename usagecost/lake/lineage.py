"""Which request is part of which: where a span repeats the usage of its parts, only the innermost is counted.

A trace's parts come in several files and in any order, so the parents of all of its parts are kept, in a table beside the
requests, whether they are requests themselves or not. A request with a descendant that is a request too is covered: it is not
taken, or is withdrawn. One that does not know its tokens covers only those that do not either; if it succeeded, it is covered by
any around it that does and is counted. The parts of one trace share the stem of their ids, the part before the first colon; a part
may be linked to an id with another stem, as an answer that was recorded in two traces has one of its own, and so has the meeting of
two spans that are known to be of one call.

The parts of a trace come within minutes, or with the next file; so parents that were read long ago are forgotten: see KEPT. A
request that comes later than that, and without its parts, is counted though they were. And a call without tokens that was read
with an agent that has some is not kept: if parts of that agent in a later commit turn out to have the tokens, it is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import duckdb

from usagecost.lake.side_tables import append_new, forget_before
from usagecost.lake.staging import only_row
from usagecost.lake.storage import Storage
from usagecost.lake.table import LINEAGE, create_view, data_files, open_table
from usagecost.schema import MEETING

RETENTION = timedelta(days=30)
"""How long before the newest one a parent was read for it to be kept at least."""

TOGETHER = timedelta(days=10)
"""How much longer one may stay, so that the table is not written anew with every commit."""

MOST_STEPS = 3
"""How often the links of linked traces are looked for: from a trace to what it has in common with another, and on to that one."""

_NEW = """
SELECT source, request_id, parent_id, min(seen_at) AS seen_at
FROM offered ANTI JOIN stored USING (source, request_id, parent_id)
WHERE parent_id <> request_id
GROUP BY source, request_id, parent_id
"""

KNOWS_TOKENS = "coalesce(input_tokens, output_tokens) IS NOT NULL"
YIELDS = f"NOT ({KNOWS_TOKENS}) AND coalesce(status = 'success', false)"
"""SQL for whether a request is covered by one around it: it succeeded, so the tokens that the other knows are its own too."""

_TRACES = """
INSERT INTO trace
SELECT DISTINCT source, stem FROM version SEMI JOIN (SELECT DISTINCT source FROM lineage) USING (source)
UNION
SELECT source, stem(request_id) FROM staged_lineage
"""

_COUNTED = f"""
CREATE TABLE counted AS  -- one row = a request of these traces, staged or stored
SELECT source, request_id, bool_or(knows_tokens) AS knows_tokens, bool_and(yields) AS yields
FROM (
    SELECT source, request_id, stem, knows_tokens, yields FROM version
    UNION ALL
    SELECT source, request_id, stem(request_id), {KNOWS_TOKENS}, {YIELDS} FROM lake
)
SEMI JOIN trace USING (source, stem)
GROUP BY source, request_id
"""

_LINKS = f"""
INSERT INTO link
SELECT source, request_id, parent_id
FROM (
    SELECT source, request_id, parent_id, stem(request_id) AS stem FROM lineage
    UNION ALL
    SELECT source, request_id, parent_id, parent_id FROM lineage WHERE starts_with(parent_id, '{MEETING}')
)
SEMI JOIN trace USING (source, stem)
ANTI JOIN link USING (source, request_id, parent_id)
"""

_LINKED_TRACES = """
INSERT INTO trace
SELECT DISTINCT source, stem
FROM (SELECT source, unnest([stem(request_id), stem(parent_id)]) AS stem FROM link)
ANTI JOIN trace USING (source, stem)
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
WITH nested AS (  -- one row = a request and one that is part of it
    SELECT source, inner_one, outer_one
    FROM (
        SELECT above.source, part, whole, inner_one, outer_one
        FROM above
        JOIN counted AS inner_one ON inner_one.source = above.source AND inner_one.request_id = part
        JOIN counted AS outer_one ON outer_one.source = above.source AND outer_one.request_id = whole
    ) AS pair
    ANTI JOIN above AS back ON back.source = pair.source AND back.part = pair.whole AND back.whole = pair.part
), told AS (  -- one row = a request whose tokens its parts tell
    SELECT source, outer_one.request_id AS request_id FROM nested WHERE inner_one.knows_tokens OR NOT outer_one.knows_tokens
)
FROM told
UNION
SELECT source, inner_one.request_id
FROM nested ANTI JOIN told ON told.source = nested.source AND told.request_id = outer_one.request_id
WHERE inner_one.yields AND outer_one.knows_tokens
"""
"""Of those that are said to be part of each other neither is left out: that is no trace, and nothing is to be lost."""


def add_new(store: Storage, staged: Sequence[str], folder: Path) -> int:
    """Append the parents that are not in the table yet; returns how many. The caller is alone among the writers."""
    return append_new(store, LINEAGE, staged, _NEW, folder) if staged else 0


def forget_old(store: Storage, folder: Path) -> int:
    """Remove the parents that were read long before the newest one; returns how many. The caller is alone among the writers."""
    if not store.has_table():
        return 0
    spans = [(file.first, file.last) for file in data_files(open_table(store), LINEAGE) if file.first and file.last]
    if not spans:
        return 0
    cutoff = max(last for _, last in spans) - RETENTION
    is_worth_it = min(first for first, _ in spans) < cutoff - TOGETHER
    return forget_before(store, LINEAGE, cutoff, folder) if is_worth_it else 0


def create_links(con: duckdb.DuckDBPyConnection, staged: Sequence[str], stored: Sequence[str]) -> None:
    """Make the tables `trace`, one row = a trace of which something is staged, and `link`, one row = a part of such a trace and
    what it is part of. The database has `version`, the staged rows, and the macro `stem`.
    """
    con.execute("CREATE TABLE trace (source VARCHAR, stem VARCHAR)")
    con.execute("CREATE TABLE link (source VARCHAR, request_id VARCHAR, parent_id VARCHAR)")
    if staged:
        create_view(con, "staged_lineage", staged, LINEAGE)
        create_view(con, "lineage", stored, LINEAGE)
        con.execute(_TRACES)
        for _ in range(MOST_STEPS):
            con.execute(_LINKS)
            if only_row(con, _LINKED_TRACES) == (0,):
                break


def create_covered(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table `covered`: one row = a request, staged or stored, whose usage its own parts tell.

    The database has what `create_links` needs and makes, and `lake`, the stored requests.
    """
    con.execute("CREATE TABLE covered (source VARCHAR, request_id VARCHAR)")
    if only_row(con, "SELECT count(*) FROM link") == (0,):
        return
    for statement in (_COUNTED, _ABOVE, _COVERED):
        con.execute(statement)
    con.execute("DROP TABLE counted; DROP TABLE above")
