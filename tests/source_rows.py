"""Files as sources read them: written, read, and their batches put together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tests.together import Together
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


def read_each(source: Source, folder: Path, lines: Iterable[Row]) -> list[Batch]:
    """The batches of lines, each of which is a file of its own. They are read together: to plan the query takes longest."""
    return _read_together(source, [json_lines(folder / f"{place:03}.jsonl", [line]) for place, line in enumerate(lines)])


def _read_together(source: Source, paths: list[Path]) -> list[Batch]:
    whole = read(source, *paths)
    return [_of_file(whole, str(path)) for path in paths]


def reading_of(source: Callable[[], Source]) -> Together:
    """Reads what tests yield: each question is the lines of a file, or its only line, and its answer their batch."""

    def answer(folder: Path, files: list[Iterable[Row | str] | Row | str]) -> list[Batch]:
        written = ([file] if isinstance(file, dict | str) else file for file in files)
        return _read_together(source(), [json_lines(folder / f"{place:04}.jsonl", lines) for place, lines in enumerate(written)])

    return Together(answer)


def _of_file(batch: Batch, path: str) -> Batch:
    found, rejected = (table.filter(pc.equal(table["source_file"], path)) for table in (batch.requests, batch.rejects))
    skips = Counter({(file, reason): count for (file, reason), count in batch.skips.items() if file == path})
    return Batch(found, rejected, lines=found.num_rows + rejected.num_rows + skips.total(), skips=skips, bytes_read=0)


def requests(batch: Batch, *columns: str) -> list[tuple[object, ...]]:
    """Some columns of its requests, in the order of lines."""
    return list(zip(*batch.requests.select(columns).to_pydict().values(), strict=True))


def each(batches: Iterable[Batch], *columns: str) -> list[tuple[object, ...]]:
    """Some columns of the requests of some batches."""
    return [row for batch in batches for row in requests(batch, *columns)]


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
