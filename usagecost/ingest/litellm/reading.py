"""Rows of LiteLLM's table as canonical batches: streamed from the server, by the SQL that its exports are read with."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import numpy as np
import pyarrow as pa

from usagecost.ingest.litellm.parts import Part
from usagecost.ingest.litellm.postgres import Database
from usagecost.ingest.litellm.spend_logs import TABLE, SpendLogs
from usagecost.sources import Batch, Reading
from usagecost.sources.conventions import Conventions
from usagecost.sources.lines import Rows
from usagecost.sources.litellm import SPEND_LOG_COLUMNS, SPEND_LOG_ROWS, LiteLLM
from usagecost.sources.sql import identifier
from usagecost.sources.tabular import Tabular

LIVE_RANK = 1 << 60
"""Above all ranks that rows of files have, which are made of times."""


class Stopped(Exception):  # noqa: N818
    """Who asked for the rows does not want them any more."""


def address(database: Database) -> str:
    """What a row's source_file is."""
    return f"postgresql://{database.dsn.address}/{TABLE}"


def read_part(database: Database, table: SpendLogs, part: Part, reading: Reading, stop: Event) -> Iterator[Batch]:
    """A part in batches; one row = one row of the table. Raises DatabaseProblem, or Stopped when that is asked for.

    A row has no number of its own: its id stands in what is kept of a rejected one.
    """
    with database.transaction() as transaction:
        pieces = (_piece(pa.Table.from_batches([batch]), stop) for batch in transaction.batches(part.sql))
        rows = Tabular(LiteLLM.name, table.names(SPEND_LOG_COLUMNS), _rows_sql(table), Conventions())
        yield from rows.piece_batches(pieces, address(database), "", reading)


def _piece(rows: pa.Table, stop: Event) -> Rows:
    if stop.is_set():
        raise Stopped
    return Rows(rows, np.ones(rows.num_rows, np.int64), rows.nbytes)


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
