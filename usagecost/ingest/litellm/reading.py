"""Rows of LiteLLM's table as canonical batches: streamed from the server, by the SQL that its exports are read with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from threading import Event

import numpy as np
import pyarrow as pa

from usagecost.ingest.litellm.parts import Part
from usagecost.ingest.litellm.postgres import Database
from usagecost.ingest.litellm.spend_logs import TABLE, SpendLogs
from usagecost.sources import Batch, Reading, Reject
from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.litellm import SPEND_LOG_COLUMNS, SPEND_LOG_ROWS, LiteLLM
from usagecost.sources.protocol import ahead
from usagecost.sources.sql import identifier

LIVE_RANK = 1 << 60
"""Above all ranks that rows of files have, which are made of times."""


class Stopped(Exception):  # noqa: N818
    """Who asked for the rows does not want them any more."""


def address(database: Database) -> str:
    """What a row's source_file is."""
    return f"postgresql://{database.dsn.address}/{TABLE}"


def read_part(database: Database, table: SpendLogs, part: Part, reading: Reading, stop: Event) -> Iterator[Batch]:
    """A part in batches; one row = one row of the table. Raises DatabaseProblem, or Stopped when that is asked for."""
    with (
        database.transaction() as transaction,
        closing(CanonicalQuery(reading, LiteLLM.name, _rows_sql(table), "lines", Conventions())) as query,
    ):
        for batch in ahead(transaction.batches(part.sql)):
            if stop.is_set():
                raise Stopped
            yield _batch(pa.Table.from_batches([batch]), address(database), query, reading)


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


def _batch(rows: pa.Table, source_file: str, query: CanonicalQuery, reading: Reading) -> Batch:
    """Rows of the table, read. A row has no number of its own: its id stands in what is kept of a rejected one."""
    count = rows.num_rows
    lines = rows.append_column("row", pa.array(np.arange(count))).append_column("line", pa.array(np.ones(count, np.int64)))
    for name in ("source_file", "fingerprint"):
        lines = lines.append_column(name, pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), [source_file]))
    requests, rejected = query.run(lines)
    raws = (json.dumps(row, default=str, ensure_ascii=False) for row in rows.take(rejected["row"]).to_pylist())
    rejects = [Reject(source_file, 1, reason, raw) for reason, raw in zip(rejected["reason"].to_pylist(), raws, strict=True)]
    return Batch(
        requests=requests,
        rejects=reading.rejects(LiteLLM.name, rejects),
        lines=count,
        skips=query.skips,
        bytes_read=rows.nbytes,
    )
