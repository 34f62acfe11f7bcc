"""Files as sources read them: written, read, and their batches put together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from usagecost.schema import REJECTS, REQUESTS
from usagecost.sources import Batch, Head, Reading, Source

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

Row = dict[str, object]


@cache
def database() -> duckdb.DuckDBPyConnection:
    """The empty database of this process, in UTC; each reading gets a cursor of its own, as starting one takes long."""
    con = duckdb.connect()
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    return con


def read(source: Source, *paths: Path) -> Batch:
    """All batches of some files as one; every batch obeys the law of lines."""
    with database().cursor() as con:
        batches = list(source.read(map(Head.of, paths), Reading(con, NOW)))
    for batch in batches:
        about_lines = batch.rejects["line"].drop_null()
        assert batch.lines == batch.requests.num_rows + batch.skipped + len(about_lines)
        assert batch.skipped >= 0
    return Batch(
        requests=pa.concat_tables([batch.requests for batch in batches] or [REQUESTS.empty_table()]),
        rejects=pa.concat_tables([batch.rejects for batch in batches] or [REJECTS.empty_table()]),
        lines=sum(batch.lines for batch in batches),
        skips=sum((batch.skips for batch in batches), Counter()),
        bytes_read=sum(batch.bytes_read for batch in batches),
    )


def requests(batch: Batch, *columns: str) -> list[tuple[object, ...]]:
    """Some columns of its requests, in the order of lines."""
    return list(zip(*batch.requests.select(columns).to_pydict().values(), strict=True))


def one(batch: Batch, *columns: str) -> tuple[object, ...]:
    """Some columns of the only request of a batch, which has nothing else."""
    assert rejects(batch) == []
    (found,) = requests(batch, *columns)
    return found


def rejects(batch: Batch) -> list[tuple[int | None, str]]:
    """Line and reason of what it rejects."""
    return list(zip(batch.rejects["line"].to_pylist(), batch.rejects["reason"].to_pylist(), strict=True))


def json_lines(path: Path, lines: Iterable[Row | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def sum_of(table: pa.Table, column: str) -> int:
    return sum(value or 0 for value in table[column].to_pylist())
