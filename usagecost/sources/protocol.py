"""What a source is: it recognises a file and reads it, batch by batch, into canonical requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import duckdb
import pyarrow as pa

from usagecost.schema import REJECTS
from usagecost.sources.files import Head

MOST_RAW = 10_000
"""Characters of a rejected line that are kept."""


class Reject(NamedTuple):
    """One line that could not be read; ``line`` is None when the whole file is meant."""

    line: int | None
    reason: str
    raw: str | None


@dataclass(frozen=True)
class Batch:
    """A part of a file, read.

    ``requests`` has the columns of schema.REQUESTS, the price columns and the ingest's NULL; ``rejects`` those of
    schema.REJECTS. Every line is used, skipped (by the format no request) or rejected: ``lines`` = requests + skipped +
    rejects that have a line. ``bytes_read`` are bytes of the file as it lies on disk, for the progress only.
    """

    requests: pa.Table
    rejects: pa.Table
    lines: int
    skipped: int
    bytes_read: int


@dataclass(frozen=True)
class Reading:
    """One file being read: where it is, the database to read with (its zone is UTC), and what time it is."""

    path: Path
    con: duckdb.DuckDBPyConnection
    now: datetime

    @property
    def source_file(self) -> str:
        """The file's name in the lake."""
        return str(self.path.absolute())

    def rejects(self, source: str, rejected: Iterable[Reject]) -> pa.Table:
        """The rejected lines as the lake keeps them."""
        return pa.Table.from_pylist(
            [
                {
                    "source": source,
                    "source_file": self.source_file,
                    "line": reject.line,
                    "reason": reject.reason,
                    "raw": None if reject.raw is None else reject.raw[:MOST_RAW],
                    "rejected_at": self.now,
                }
                for reject in rejected
            ],
            schema=REJECTS,
        )


class Source(Protocol):
    """One log format. ``name`` is what a user types, and what the lake's column ``source`` says by default."""

    name: str
    title: str

    def recognise(self, head: Head) -> str | None:
        """Why a file that begins like this is of the format: a clause that follows "looks like"; None if it is not."""

    def read(self, reading: Reading) -> Iterator[Batch]:
        """The file in batches; raises FileProblem when it cannot be read further. What was yielded before stands."""
