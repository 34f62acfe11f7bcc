"""A round: what LiteLLM's table has that the lake has not, part by part, each part in a commit of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

from usagecost.ingest import Report, load
from usagecost.ingest.litellm.names import names
from usagecost.ingest.litellm.parts import Part, Position, parts
from usagecost.ingest.litellm.postgres import Database
from usagecost.ingest.litellm.reading import address, read_part
from usagecost.ingest.litellm.spend_logs import TABLE, SpendLogs, find_spend_logs
from usagecost.lake import Lake, bounded_database
from usagecost.sources import Reading
from usagecost.sources.litellm import LiteLLM

OVERLAP = timedelta(hours=1)
THOROUGH_EVERY = timedelta(hours=1)
"""How often a large table is looked through as a whole; a small one is in every round."""


_NAME = f"{LiteLLM.name} {TABLE}"
_LATEST = f"{_NAME} generation"


@dataclass
class Round:
    """What the commits of a round did. `ended` is until when the table is read, in µs since 1970."""

    report: Report = field(default_factory=Report)
    ended: int | None = None
    seconds: float = 0.0


class Sync:
    """LiteLLM's table on its way to the lake."""

    def __init__(self, database: Database, lake: Lake, overlap: timedelta = OVERLAP) -> None:
        self.stop = Event()
        self._database, self._lake, self._overlap = database, lake, overlap
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
            due = -math.inf if self._looked_through is None else self._looked_through + THOROUGH_EVERY.total_seconds()
            is_thorough = table.is_small or started >= due
            to_read = parts(transaction, table, self._position(table), self._overlap, is_thorough=is_thorough)
        ingest_round = Round()
        for number, part in enumerate(to_read, start=1):
            report = self._load(table, part)
            ingest_round.report += report
            ingest_round.ended = part.position.ended
            if on_part:
                on_part(number, len(to_read), report)
        if is_thorough:
            self._keep_names()
            self._looked_through = started
        ingest_round.seconds = time.monotonic() - started
        return ingest_round

    def _keep_names(self) -> None:
        """What teams, users and keys are called now; nothing where there is no request to name."""
        if self._lake.exists:
            with self._database.transaction() as transaction:
                name_rows = names(transaction, LiteLLM.name, self._database.dsn.schema, datetime.now(UTC))
            self._lake.keep_rows("names", name_rows)

    def _position(self, table: SpendLogs) -> Position:
        """How far the lake's newest version has the table; of one that it does not know, that it is the latest of all."""
        if not self._lake.exists:
            return Position()
        watermarks: dict[str, Any] = {
            each.name: self._lake.watermark(f"{_NAME} {table.identity} {each.name}") for each in fields(Position)
        }
        if watermarks["generation"] is not None:
            return Position(**watermarks)
        latest = self._lake.watermark(_LATEST)
        return Position(generation=0 if latest is None else latest + 1)

    def _load(self, table: SpendLogs, part: Part) -> Report:
        """A part, read and committed."""
        reached = {f"{_NAME} {table.identity} {name}": value for name, value in asdict(part.position).items()}
        reached[_LATEST] = max(part.position.generation, (self._lake.watermark(_LATEST) if self._lake.exists else None) or 0)
        reached = {name: value for name, value in reached.items() if value is not None}
        with self._lake.staging() as folder, bounded_database(folder) as con:
            batches = read_part(self._database, table, part, Reading(con, datetime.now(UTC)), self.stop)
            return load(batches, self._lake, about={"paths": address(self._database)}, watermarks=reached)
