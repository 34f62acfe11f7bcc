"""A round: what LiteLLM's table has that the lake has not, part by part, each part in a commit of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from threading import Event

import numpy as np
import pyarrow as pa

from usagecost.ingest import Report, load
from usagecost.lake import Lake, bounded_database
from usagecost.sources import Batch, Reading, Reject
from usagecost.sources.ahead import ahead
from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.litellm import SPEND_LOG_COLUMNS, SPEND_LOG_METADATA, SPEND_LOG_ROWS, LiteLLM
from usagecost.sources.sql import identifier
from usagecost.sync.names import names
from usagecost.sync.parts import Part, Position, parts
from usagecost.sync.postgres import Database
from usagecost.sync.spend_logs import TABLE, SpendLogs, find_spend_logs

OVERLAP = timedelta(hours=1)
THOROUGH_EVERY = timedelta(hours=1)
"""How often a large table is looked through as a whole; a small one is in every round."""


LIVE_RANK = 1 << 60

_NAME = f"{LiteLLM.name} {TABLE}"
_LATEST = f"{_NAME} generation"


class Stopped(Exception):  # noqa: N818
    """Who asked for the round does not want it any more."""


@dataclass
class Round:
    """What a round has done, in requests; `read` and `rejected` in rows. `ended` is until when the table is read, µs since 1970."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    rejected: int = 0
    unpriced: int = 0
    ended: int | None = None
    seconds: float = 0.0
    problems: tuple[str, ...] = ()

    def add(self, report: Report) -> None:
        """Counts what a commit did."""
        self.read += report.lines
        self.inserted += report.inserted
        self.updated += report.updated
        self.rejected += report.rejected
        self.unpriced += report.unpriced
        self.problems += report.problems


class Sync:
    """LiteLLM's table on its way to the lake."""

    def __init__(self, database: Database, lake: Lake, overlap: timedelta = OVERLAP) -> None:
        self.stop = Event()
        self._database, self._lake, self._overlap = database, lake, overlap
        self._address = f"postgresql://{database.dsn.address}/{TABLE}"
        self._looked_through: float | None = None

    def cancel(self) -> None:
        """Ends a round that is running, without what it has not committed; for another thread to call."""
        self.stop.set()
        self._database.cancel()

    def run(self, on_part: Callable[[int, int, Report], None] | None = None) -> Round:
        """One round; `on_part` hears of each commit, with its number and how many there are to be.

        Raises DatabaseProblem, LakeError, or Stopped; what was committed before stays and is not read again.
        """
        started = time.monotonic()
        with self._database.transaction() as transaction:
            table = find_spend_logs(transaction, self._database.dsn.address, self._database.dsn.schema)
            is_thorough = table.is_small or self._looked_through is None or self._is_long_ago(started)
            position = self._position(table)
            wanted = SPEND_LOG_COLUMNS, SPEND_LOG_METADATA
            to_read = parts(transaction, table, *wanted, position, self._overlap, is_thorough=is_thorough)
        done = Round()
        for number, part in enumerate(to_read, start=1):
            report = self._load(table, part)
            done.add(report)
            done.ended = part.position.ended
            if on_part:
                on_part(number, len(to_read), report)
        if is_thorough:
            self._keep_names()
            self._looked_through = started
        done.seconds = time.monotonic() - started
        return done

    def _keep_names(self) -> None:
        """What teams, users and keys are called now; nothing where there is no request to name."""
        if self._lake.exists:
            with self._database.transaction() as transaction:
                found = names(transaction, LiteLLM.name, self._database.dsn.schema, datetime.now(UTC))
            self._lake.keep_names(found)

    def _is_long_ago(self, now: float) -> bool:
        return now - (self._looked_through or 0) >= THOROUGH_EVERY.total_seconds()

    def _position(self, table: SpendLogs) -> Position:
        """How far the lake's newest version has the table; of one that it does not know, that it is the latest of all."""
        if not self._lake.exists:
            return Position()
        known = {field.name: self._lake.watermark(f"{_NAME} {table.identity} {field.name}") for field in fields(Position)}
        if known["generation"] is not None:
            return Position(**known)
        latest = self._lake.watermark(_LATEST)
        return Position(generation=0 if latest is None else latest + 1)

    def _load(self, table: SpendLogs, part: Part) -> Report:
        """A part, read and committed."""
        reached = {f"{_NAME} {table.identity} {name}": value for name, value in asdict(part.position).items()}
        reached[_LATEST] = max(part.position.generation, (self._lake.watermark(_LATEST) if self._lake.exists else None) or 0)
        reached = {name: value for name, value in reached.items() if value is not None}
        with self._lake.staging() as folder, bounded_database(folder) as con:
            batches = self._batches(table, part, Reading(con, datetime.now(UTC)))
            return load(batches, self._lake, about={"paths": self._address}, watermarks=reached)

    def _batches(self, table: SpendLogs, part: Part, reading: Reading) -> Iterator[Batch]:
        """A part in batches; one row = one row of the table."""
        rows = _rows_sql(table)
        with (
            self._database.transaction() as transaction,
            closing(CanonicalQuery(reading, LiteLLM.name, rows, "lines", Conventions())) as query,
        ):
            for batch in ahead(transaction.batches(part.sql)):
                if self.stop.is_set():
                    raise Stopped
                yield _batch(pa.Table.from_batches([batch]), self._address, query, reading)


def _rows_sql(table: SpendLogs) -> str:
    """The source's SQL over the rows as they come from the server, with all of its columns as text.

    A changed row is to take the place of what was read of it before, here or from a file: later transactions rank higher, and
    all of them above any file's.
    """
    columns = ", ".join(
        f"{identifier(name)}::VARCHAR AS {identifier(name)}" if name in table.types else f"NULL::VARCHAR AS {identifier(name)}"
        for name in SPEND_LOG_COLUMNS
    )
    rows = f"WITH records AS (SELECT row, line, source_file, fingerprint, {columns} FROM lines) {SPEND_LOG_ROWS}"
    if not table.has_xid:
        return rows
    return f"SELECT found.* REPLACE ({LIVE_RANK} + revision AS rank) FROM ({rows}) AS found JOIN lines USING (row)"


def _batch(rows: pa.Table, address: str, query: CanonicalQuery, reading: Reading) -> Batch:
    """Rows of the table, read. A row has no number of its own: its id stands in what is kept of a rejected one."""
    count = rows.num_rows
    lines = rows.append_column("row", pa.array(np.arange(count))).append_column("line", pa.array(np.ones(count, np.int64)))
    for name in ("source_file", "fingerprint"):
        lines = lines.append_column(name, pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), [address]))
    requests, rejected = query.run(lines)
    raws = (json.dumps(row, default=str, ensure_ascii=False) for row in rows.take(rejected["row"]).to_pylist())
    rejects = [Reject(address, 1, reason, raw) for reason, raw in zip(rejected["reason"].to_pylist(), raws, strict=True)]
    return Batch(
        requests=requests,
        rejects=reading.rejects(LiteLLM.name, rejects),
        lines=count,
        skipped=count - requests.num_rows - len(rejects),
        bytes_read=rows.nbytes,
    )
