"""Which of the staged rows the lake takes, and what goes for them: resolved in DuckDB, out of core.

A request is known by its key, (source, request_id). Of its versions the one with the highest rank stays; of several with that
rank the one that says most, then the greatest. So neither order nor batches nor repetition of ingests change the result.
A version with a rank below 0 is a replayed copy: it yields to every request of its source whose id has the same stem, the part
before the first colon. A request that is covered by its own parts is not taken either: see lineage.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

from usagecost.lake.keys import KeyIndexes, hash_sql, stem_sql
from usagecost.lake.lineage import KNOWS_TOKENS, YIELDS, create_covered, create_links
from usagecost.lake.staging import only_row
from usagecost.lake.table import REQUESTS, create_view
from usagecost.schema import PRICE_COLUMNS, PROVENANCE_COLUMNS

_NOT_CONTENT = {"source", "request_id", "rank", "day", *PRICE_COLUMNS, *PROVENANCE_COLUMNS}
_CONTENT_COLUMNS = [name for name in REQUESTS.columns.names if name not in _NOT_CONTENT]
_CONTENT_NAMES = ", ".join(f'"{name}"' for name in _CONTENT_COLUMNS)
_CONTENT = f"struct_pack({_CONTENT_NAMES}, has_tags := tags IS NOT NULL, has_units := units IS NOT NULL)"
"""What a version says, as one value that can be hashed: versions whose hashes agree are taken to be equal. DuckDB's hash of a list
or a map does not tell an empty one from none.

Of versions of one rank that differ, which few ever do, the one that says most stays, then the greatest.
"""

_OWNER_HASH = "hash(user_id, model, started_at)"

_STAGED = """
CREATE VIEW staged AS  -- one row = one staged row; location: the file's place among the files, then the row's in the file
SELECT *, (file_index::BIGINT << 32) + file_row_number AS location FROM read_parquet(getvariable('staged_files'))
"""

_STAGED_VERSIONS = f"""
CREATE TABLE version AS  -- one row = one staged row
SELECT
    source, request_id, stem(request_id) AS stem, rank, CAST(started_at AS DATE) AS day, location,
    hash({_CONTENT}) AS content_hash, {_OWNER_HASH} AS owner_hash, {KNOWS_TOKENS} AS knows_tokens, {YIELDS} AS yields
FROM staged
"""

_STEM_HASHES = f"""
SELECT DISTINCT {hash_sql("stem")} AS hashed  -- one row = a stem of which the lake may have something that matters
FROM (
    SELECT source, stem FROM version
    UNION ALL FROM trace
    UNION ALL SELECT source, stem(parent_id) FROM link
)
"""

_ORIGINALS = """
CREATE TABLE original AS  -- one row = a stem of which both a copy is staged and an original is known
SELECT DISTINCT source, stem
FROM (
    SELECT source, stem FROM version WHERE rank >= 0
    UNION ALL
    SELECT source, stem(request_id) FROM lake WHERE rank >= 0
)
SEMI JOIN (SELECT source, stem FROM version WHERE rank < 0) USING (source, stem)
"""

_INCOMING = """
CREATE TABLE incoming AS  -- one row = one staged request: its highest rank, and one of the rows that have it
SELECT
    source, request_id, rank,
    min(location) AS location, min(content_hash) AS content_hash, min(content_hash) <> max(content_hash) AS is_contested
FROM (
    SELECT *
    FROM (FROM version ANTI JOIN covered USING (source, request_id)) AS version ANTI JOIN original
        ON version.rank < 0 AND version.source = original.source AND version.stem = original.stem
    QUALIFY rank = max(rank) OVER (PARTITION BY source, request_id)
)
GROUP BY source, request_id, rank
"""

_STORED = f"""
CREATE TABLE stored AS  -- one row = a request of the lake that is also staged
SELECT source, request_id, rank, day, {_OWNER_HASH} AS owner_hash FROM lake SEMI JOIN incoming USING (source, request_id)
"""

_CONFLICTS = """
WITH several AS (  -- one row = a key of whose versions not all are of one user, model and time
    SELECT source, request_id
    FROM (
        SELECT source, request_id, owner_hash FROM version WHERE rank >= 0
        UNION ALL SELECT source, request_id, owner_hash FROM stored
    )
    GROUP BY ALL HAVING min(owner_hash) <> max(owner_hash)
), told AS (
    SELECT source, request_id, user_id, model, started_at FROM staged SEMI JOIN several USING (source, request_id) WHERE rank >= 0
    UNION ALL
    SELECT source, request_id, user_id, model, started_at FROM lake SEMI JOIN several USING (source, request_id)
)
SELECT count(*)
FROM (
    FROM told SELECT source, request_id
    GROUP BY ALL
    HAVING count(DISTINCT started_at) > 1 AND (count(DISTINCT user_id) > 1 OR count(DISTINCT model) > 1)
)
"""
"""How many keys stand for several requests: their versions are of other times, and of other users or models."""

_WITHDRAWN = """
CREATE TABLE withdrawn AS  -- one row = a copy in the lake whose original is staged, or a request whose parts tell its usage
SELECT source, request_id, day
FROM (SELECT source, request_id, stem(request_id) AS stem, day FROM lake WHERE rank < 0)
SEMI JOIN (SELECT source, stem FROM version WHERE rank >= 0) USING (source, stem)
ANTI JOIN incoming USING (source, request_id)
UNION
SELECT source, request_id, day FROM lake SEMI JOIN covered USING (source, request_id)
"""

_TIED = f"""
CREATE TABLE tied AS  -- one row = a request of the lake whose rank equals the staged one
SELECT source, request_id, hash({_CONTENT}) AS content_hash
FROM lake_of_ties
SEMI JOIN (SELECT source, request_id FROM incoming JOIN stored USING (source, request_id, rank)) USING (source, request_id)
"""

_CONTESTED = """
CREATE TABLE contested AS  -- one row = a request with versions of one rank that differ
SELECT source, request_id, incoming.rank
FROM incoming
LEFT JOIN stored USING (source, request_id)
LEFT JOIN tied USING (source, request_id)
WHERE (is_contested OR tied.content_hash <> incoming.content_hash) AND coalesce(stored.rank <= incoming.rank, true)
"""

_COMPLETENESS = " + ".join(f'("{name}" IS NOT NULL)::INTEGER' for name in _CONTENT_COLUMNS)
_GREATEST = ", ".join(f'"{name}"::VARCHAR DESC NULLS LAST' for name in _CONTENT_COLUMNS)

_TIE_WINNERS = f"""
CREATE TABLE tie_winner AS  -- one row = a contested request: the location of the version that stays, NULL if that is the stored one
SELECT source, request_id, location
FROM (
    SELECT source, request_id, location, {_CONTENT_NAMES}
    FROM staged
    SEMI JOIN (SELECT location FROM version SEMI JOIN contested USING (source, request_id, rank)) USING (location)
    UNION ALL
    SELECT source, request_id, NULL, {_CONTENT_NAMES} FROM lake_of_ties SEMI JOIN contested USING (source, request_id, rank)
)
QUALIFY row_number() OVER (
    PARTITION BY source, request_id ORDER BY {_COMPLETENESS} DESC, {_GREATEST}, location NULLS FIRST
) = 1
"""

_NO_TIE_WINNERS = "CREATE TABLE tie_winner (source VARCHAR, request_id VARCHAR, location BIGINT)"

_WINNERS = """
CREATE TABLE winner AS  -- one row = a staged row that the lake takes
SELECT
    source, request_id,
    if(tie_winner.request_id IS NULL, incoming.location, tie_winner.location) AS location,
    stored.day AS old_day
FROM incoming
LEFT JOIN stored USING (source, request_id)
LEFT JOIN tie_winner USING (source, request_id)
WHERE coalesce(incoming.rank > stored.rank, true) OR tie_winner.location IS NOT NULL
"""

_OUTGOING = """
CREATE TABLE outgoing AS  -- one row = a stored row that goes, from the day of its file
SELECT source, request_id, old_day AS day FROM winner WHERE old_day IS NOT NULL
UNION ALL
FROM withdrawn
"""

_ACCEPTED = """
CREATE TABLE accepted AS  -- one row = a staged row that the lake takes, and its day
SELECT location, day FROM version SEMI JOIN winner USING (location)
"""

_SPENT_TABLES = (
    "version", "trace", "link", "covered", "original", "incoming", "stored", "withdrawn", "tied", "contested", "tie_winner",
    "winner",
)  # fmt: skip
"""Tables that are of no use once rows are to be written, which wants the memory."""

_DAYS = "SELECT day FROM accepted UNION SELECT day FROM outgoing ORDER BY day"

_COUNTS = """
SELECT
    (SELECT count(*) FROM version), (SELECT count(*) FROM incoming), (SELECT count(*) FROM winner),
    (SELECT count(old_day) FROM winner), (SELECT count(*) FROM withdrawn)
"""


@dataclass(frozen=True)
class Commit:
    """What a commit does to the lake, in requests; ``duplicates`` in rows, ``days`` in files written anew or dropped.

    The staged rows are duplicates, inserted, updated and unchanged ones. ``conflicts`` are requests whose versions say other times,
    and other users or models: their id seems to stand for several. ``version`` is the lake's after it.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    withdrawn: int = 0
    days: int = 0
    version: int = 0
    conflicts: int = 0


def resolve(
    con: duckdb.DuckDBPyConnection,
    staged: Sequence[str],
    stored: Mapping[date, Sequence[str]],
    indexes: KeyIndexes,
    staged_lineage: Sequence[str] = (),
    stored_lineage: Sequence[str] = (),
) -> tuple[Commit, list[date]]:
    """Compare staged files with the stored files of each day; return what a commit would do, and the days to be written anew.

    What `write_days` needs stays in the database.
    """
    _check_columns(con, staged)
    con.execute(f"CREATE MACRO stem(request_id) AS {stem_sql('request_id')}")
    con.execute("SET VARIABLE staged_files = $files", {"files": list(staged)})
    for statement in (_STAGED, _STAGED_VERSIONS):
        con.execute(statement)
    _check_required(con)
    create_links(con, staged_lineage, stored_lineage)
    hashes = np.asanyarray(con.execute(_STEM_HASHES).fetchnumpy()["hashed"])
    stored = {day: indexes.that_may_hold(hashes, paths) for day, paths in stored.items()}
    create_view(con, "lake", [path for paths in stored.values() for path in paths], REQUESTS)
    create_covered(con)
    for statement in (_ORIGINALS, _INCOMING, _STORED, _WITHDRAWN):
        con.execute(statement)
    tied_days = _dates(con, "SELECT DISTINCT day FROM incoming JOIN stored USING (source, request_id, rank)")
    create_view(con, "lake_of_ties", [path for day in tied_days for path in stored[day]], REQUESTS)
    for statement in (_TIED, _CONTESTED):
        con.execute(statement)
    is_contested = only_row(con, "SELECT count(*) > 0 FROM contested")[0]
    for statement in (_TIE_WINNERS if is_contested else _NO_TIE_WINNERS, _WINNERS, _OUTGOING, _ACCEPTED):
        con.execute(statement)
    rows, requests, winners, updated, withdrawn = only_row(con, _COUNTS)
    may_conflict = rows > requests or only_row(con, "SELECT count(*) > 0 FROM stored")[0]
    conflicts = only_row(con, _CONFLICTS)[0] if may_conflict else 0
    for table in _SPENT_TABLES:
        con.execute(f"DROP TABLE {table}")
    days = _dates(con, _DAYS)
    commit = Commit(
        inserted=winners - updated,
        updated=updated,
        unchanged=requests - winners,
        duplicates=rows - requests,
        withdrawn=withdrawn,
        days=len(days),
        conflicts=conflicts,
    )
    return commit, days


def _check_columns(con: duckdb.DuckDBPyConnection, staged: Sequence[str]) -> None:
    """A column of another type would become a column of another type in the lake: stop before."""
    expected = con.from_arrow(REQUESTS.columns.empty_table())
    relation = con.read_parquet(list(staged))
    types = dict(zip(relation.columns, relation.types, strict=True))
    for name, kind in zip(expected.columns, expected.types, strict=True):
        if name != REQUESTS.partition and types.get(name) != kind:
            raise ValueError(f"The staged column {name} is {types.get(name, 'missing')}; the lake keeps {kind}")


def _check_required(con: duckdb.DuckDBPyConnection) -> None:
    """Without its key, its start or its rank a row has no place in the lake."""
    missing = "source IS NULL OR request_id IS NULL OR rank IS NULL OR day IS NULL"
    (count,) = only_row(con, f"SELECT count(*) FROM version WHERE {missing}")
    if count:
        raise ValueError(f"{count} staged rows lack their source, request_id, started_at or rank")


def _dates(con: duckdb.DuckDBPyConnection, query: str) -> list[date]:
    return [day for (day,) in con.execute(query).fetchall()]
