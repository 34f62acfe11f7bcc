"""What a source is: it recognises files and reads them, batch by batch, into canonical requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import LINEAGE, REJECTS, REQUESTS
from usagecost.sources.files import FileProblem, Head

T = TypeVar("T")

MOST_RAW = 10_000
"""Characters of a rejected line that are kept."""


class Reject(NamedTuple):
    """One line that could not be read; ``line`` is None when the whole file is meant."""

    source_file: str
    line: int | None
    reason: str
    raw: str | None


Skips = Counter[tuple[str, str]]
"""File and reason -> how many of its lines are no requests."""

BLANK = "blank line or column names"
NO_USAGE = "no usage in it"
"""What is said of lines that every file of a format has beside its requests."""


def with_rest(skips: Skips, total: int, reason: str) -> Skips:
    """The skipped lines that have a reason, and those that remain of a total under another, of no file in particular."""
    remaining = total - skips.total()
    return skips + Counter({("", reason): remaining}) if remaining else skips


@dataclass(frozen=True)
class Batch:
    """A part of a file, or several small files, read.

    ``requests`` has the columns of schema.REQUESTS, the price columns and the ingest's NULL; ``rejects`` those of
    schema.REJECTS. Every line is used, skipped with a reason or rejected: ``lines`` = requests + skipped + rejects that have a
    line. ``bytes_read`` are bytes of the files as they lie on disk, for the progress only. ``lineage`` has
    the columns of schema.LINEAGE, for formats where a request may repeat the usage of its parts. ``supplements`` are files whose
    lines are no requests, and say more about those of other files.
    """

    requests: pa.Table
    rejects: pa.Table
    lines: int
    bytes_read: int
    skips: Skips = field(default_factory=Counter)
    lineage: pa.Table | None = None
    supplements: frozenset[str] = frozenset()

    @property
    def skipped(self) -> int:
        """How many lines are no requests."""
        return self.skips.total()


@dataclass(frozen=True)
class Reading:
    """What to read with: a database whose zone is UTC; and what time it is."""

    con: duckdb.DuckDBPyConnection
    now: datetime

    def rejects(self, source: str | None, rejected: Sequence[Reject]) -> pa.Table:
        """The rejected lines as the lake keeps them."""
        if not rejected:
            return REJECTS.empty_table()
        files, lines, reasons, raws = zip(*rejected, strict=True)
        return pa.table(
            {
                "source": [source] * len(rejected),
                "source_file": files,
                "line": lines,
                "reason": reasons,
                "raw": [raw if raw is None else raw[:MOST_RAW] for raw in raws],
                "rejected_at": [self.now] * len(rejected),
            },
            schema=REJECTS,
        )

    def lineage(self, source: str, parts: pa.Table) -> pa.Table:
        """The `request_id` and `parent_id` of parts as the lake keeps them; what has no id, or no parent, is part of nothing."""
        parts = parts.filter(pc.and_(pc.is_valid(parts["request_id"]), pc.is_valid(parts["parent_id"])))
        about = {"source": [source] * parts.num_rows, "seen_at": [self.now] * parts.num_rows}
        columns = {**about, "request_id": parts["request_id"], "parent_id": parts["parent_id"]}
        return pa.table({name: columns[name] for name in LINEAGE.names}, LINEAGE)


def ahead(items: Iterable[T]) -> Generator[T]:
    """The items, each made in a thread of its own while the one before it is in use; what making one raises is raised here."""
    iterator = iter(items)

    def following() -> list[T]:
        """The next item; none at the end."""
        return list(islice(iterator, 1))

    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(following)
        while item := coming.result():
            coming = thread.submit(following)
            yield from item


def file_problem(reading: Reading, source: str, head: Head, problem: FileProblem) -> Batch:
    """What is wrong with a whole file, as the last that is read of it."""
    reject = Reject(head.source_file, None, problem.sentence, None)
    return Batch(REQUESTS.empty_table(), reading.rejects(source, [reject]), lines=0, bytes_read=0)


class Source(Protocol):
    """One log format. ``name`` is what a user types, and what the lake's column ``source`` says by default."""

    name: str

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def counts(self) -> str:
        """What the log's counts of tokens include, and what is made of them: whole sentences for who loads it."""

    def recognise(self, head: Head) -> str | None:
        """Why a file that begins like this is of the format: it follows "looks like"; None if it is not."""

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """The files in batches, one after the other.

        What is wrong with a whole file is a reject without a line; the other files are read all the same.
        """
