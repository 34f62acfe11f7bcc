"""A copy of the requests in ClickHouse's own format, filled from the lake file by file. It is never a second truth.

Each row says which copy of which of the lake's files it belongs to, and a question names the copies of its version's files. So
one that is behind, that a killed process has left half done, or that two have made at once, answers nothing wrong: what is not
wholly there is read from the lake.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from clickhouse_connect.driver import Client

from usagecost.engine.dialect import text_sql
from usagecost.lake import Snapshot
from usagecost.schema import REQUESTS

TABLE, FILES = "usagecost_requests", "usagecost_files"
COLUMNS = ", ".join(REQUESTS.names)
GRACE_S = 600
"""How long copies that the newest version does not need are kept: questions about the version before may be on their way."""
LOOK_EVERY_S = 5.0
ABANDONED_S = 24 * 3600
"""After how long a copy that was never finished goes: nobody works on one file for a day."""

_UNFINISHED = f"""
SELECT partition FROM system.parts WHERE active AND database = currentDatabase() AND table = '{TABLE}'
GROUP BY partition HAVING max(modification_time) < now() - {{seconds: Int64}} AND partition NOT IN (SELECT copy FROM {FILES} FINAL)
"""


@dataclass(frozen=True)
class Mirrored:
    """What a run has done: files and rows that were copied, copies that were dropped, and the version that is held now."""

    files: int
    rows: int
    dropped: int
    version: int


@dataclass(frozen=True)
class Copy:
    """A whole copy of a file, by its id: ``held``, or ``leaving``, and since how many seconds."""

    id: str
    state: str
    age: float


class Mirror:
    """The copies on one server. ``types`` are ClickHouse's of a request's columns, ``rows_of`` is the SQL of a file's rows."""

    def __init__(self, client: Callable[[], Client], types: Mapping[str, str], rows_of: Callable[[Snapshot, str], str]) -> None:
        self._client = client
        self._types = types
        self._rows_in_lake = rows_of
        self._known: Mapping[str, Copy] = {}
        self._looked_at = -math.inf
        self._looking = Lock()

    def rows_of(self, snapshot: Snapshot, names: Sequence[str]) -> str | None:
        """SQL for the rows of some files of a lake; None if not all of them have been copied.

        What was there is believed for less long than it stays.
        """
        with self._looking:
            age = time.monotonic() - self._looked_at
            if age >= GRACE_S / 2 or (not set(names) <= self._known.keys() and age >= LOOK_EVERY_S):
                self._known, self._looked_at = self._copies(_lake(snapshot)), time.monotonic()
            if not set(names) <= self._known.keys():
                return None
            copies = ", ".join(text_sql(self._known[name].id) for name in names)
        return f"(SELECT * EXCEPT (copy) FROM {TABLE} WHERE copy IN ({copies}))"

    def fill(self, snapshot: Snapshot) -> Mirrored:
        """Copy what the version has and is not copied yet, and drop what no version has needed for a while.

        A file counts as copied once all of its rows are there. Raises ValueError if they are not.
        """
        self._make()
        copies = self._copies(_lake(snapshot))
        wanted = {file.name: file for file in snapshot.data_files}
        missing = [file for name, file in wanted.items() if name not in copies]
        for file in missing:
            copy, copied = self._copy(snapshot, file.name)
            if copied != file.rows:
                raise ValueError(f"{copied:,} of {file.rows:,} requests of {file.name} were copied: run it again.")
            self._say(snapshot, file.name, copy, "held")
        for name, copy in copies.items():
            if name in wanted and copy.state == "leaving":
                self._say(snapshot, name, copy.id, "held")
        gone = self._let_go(snapshot, {name: copy for name, copy in copies.items() if name not in wanted})
        return Mirrored(len(missing), sum(file.rows for file in missing), gone, snapshot.version)

    def _make(self) -> None:
        types = self._types | {"started_at": "DateTime64(6, 'UTC')"}  # what it is sorted by cannot be NULL
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        self._client().command(
            f"CREATE TABLE IF NOT EXISTS {TABLE} ({columns}, copy LowCardinality(String)) "
            "ENGINE = MergeTree PARTITION BY copy ORDER BY started_at"
        )
        for name in self._missing_columns():
            self._client().command(f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS {name} {self._types[name]}")
        self._client().command(
            f"CREATE TABLE IF NOT EXISTS {FILES} (lake String, file String, copy String, state String, said_at DateTime64(3)) "
            "ENGINE = ReplacingMergeTree(said_at) ORDER BY (lake, file)"
        )

    def _missing_columns(self) -> list[str]:
        """The columns of today's record that the table was made without."""
        columns = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table: String}"
        known = {name for (name,) in self._client().query(columns, parameters={"table": TABLE}).result_rows}
        return [name for name in REQUESTS.names if name not in known]

    def _copies(self, lake: str) -> dict[str, Copy]:
        """The whole copies of a lake's files, by the files' names."""
        client = self._client()
        if not client.command(f"EXISTS TABLE {FILES}") or self._missing_columns():
            return {}
        age = "toFloat64(now64(3)) - toFloat64(said_at)"
        sql = f"SELECT file, copy, state, {age} FROM {FILES} FINAL WHERE lake = {{lake: String}} AND state <> 'gone'"
        told = client.query(sql, parameters={"lake": lake}).result_rows
        return {name: Copy(*rest) for name, *rest in told}

    def _copy(self, snapshot: Snapshot, name: str) -> tuple[str, int]:
        """Copies the rows of a file; returns the copy's id, and how many are there."""
        values = {"copy": uuid.uuid4().hex}
        rows = f"SELECT {COLUMNS}, {{copy: String}} FROM {self._rows_in_lake(snapshot, name)}"
        self._client().command(f"INSERT INTO {TABLE} ({COLUMNS}, copy) {rows}", parameters=values)
        counted = self._client().query(f"SELECT count() FROM {TABLE} WHERE copy = {{copy: String}}", parameters=values)
        return values["copy"], counted.first_row[0]

    def _let_go(self, snapshot: Snapshot, unwanted: Mapping[str, Copy]) -> int:
        """Drops what was not wanted long ago, and notes what is not wanted since now; returns how many were dropped."""
        gone = {name: copy for name, copy in unwanted.items() if copy.state == "leaving" and copy.age >= GRACE_S}
        for name, copy in gone.items():
            self._say(snapshot, name, copy.id, "gone")
            self._drop(copy.id)
        for name, copy in unwanted.items():
            if copy.state == "held":
                self._say(snapshot, name, copy.id, "leaving")
        unfinished = self._client().query(_UNFINISHED, parameters={"seconds": ABANDONED_S}).result_rows
        for (copy_id,) in unfinished:
            self._drop(copy_id)
        return len(gone) + len(unfinished)

    def _say(self, snapshot: Snapshot, name: str, copy: str, state: str) -> None:
        values = {"lake": _lake(snapshot), "file": name, "copy": copy, "state": state}
        said = ", ".join(f"{{{field}: String}}" for field in values)
        self._client().command(f"INSERT INTO {FILES} SELECT {said}, now64(3)", parameters=values)

    def _drop(self, copy: str) -> None:
        self._client().command(f"ALTER TABLE {TABLE} DROP PARTITION {text_sql(copy)}")


def _lake(snapshot: Snapshot) -> str:
    return str(snapshot.place)
