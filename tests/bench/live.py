"""The PostgreSQL line of ingest.py: LiteLLM's table, made with a year of rows, read bare through the driver, and by sync."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from tests.litellm_database import SPEND_LOGS, TRAFFIC
from tests.postgres import Server, programs, running_server
from usagecost.ingest.litellm import Database, Sync, read_dsn
from usagecost.ingest.litellm.parts import Position, parts
from usagecost.ingest.litellm.reading import read_part
from usagecost.ingest.litellm.spend_logs import find_spend_logs
from usagecost.lake import Lake
from usagecost.lake.staging import bounded_database
from usagecost.sources import Reading

NAME = "litellm-postgres"


@contextmanager
def table_of(rows: int, dsn: str | None) -> Iterator[tuple[str, int]]:
    """A database that has the table, by its DSN, and the table's size; without a DSN a server of its own."""
    if dsn:
        with Database(read_dsn(dsn)).transaction() as transaction:
            yield dsn, find_spend_logs(transaction, "", None).size or 0
        return
    where = programs()
    if where is None:
        raise SystemExit("There is no PostgreSQL server here: apt-get install postgresql, or name a database with --dsn.")
    with running_server(where) as server:
        yield _filled(server, rows)


def _filled(server: Server, rows: int) -> tuple[str, int]:
    database = server.new_database()
    step = timedelta(days=30) / rows
    traffic = TRAFFIC.format(prefix="r", first="2026-10-01", step=f"{step.total_seconds()} s", start=0, rows=rows)
    server.run(SPEND_LOGS + traffic + "ANALYZE;", database)
    return server.dsn(database), int(server.run("SELECT pg_relation_size('\"LiteLLM_SpendLogs\"')", database))


def bare(_name: str, dsn: str) -> int:
    """Rows of all columns but messages, as the driver gives them."""
    columns = 'request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, "startTime", "endTime", model'
    more = '"completionStartTime", model_group, custom_llm_provider, api_base, "user", metadata, cache_hit, request_tags, team_id'
    with Database(read_dsn(dsn)).transaction() as transaction:
        batches = transaction.batches(f'SELECT {columns}, {more}, end_user, session_id, status FROM "LiteLLM_SpendLogs"')
        return sum(batch.num_rows for batch in batches)


def ours(_name: str, dsn: str) -> int:
    """Rows that are read and normalised."""
    database = Database(read_dsn(dsn))
    with database.transaction() as transaction:
        table = find_spend_logs(transaction, "", None)
        to_read = parts(transaction, table, Position(), timedelta(), is_thorough=True)
    with TemporaryDirectory() as folder, bounded_database(Path(folder)) as con:
        reading = Reading(con, datetime.now(UTC))
        return sum(batch.requests.num_rows for part in to_read for batch in read_part(database, table, part, reading, Event()))


def loaded(_name: str, dsn: str) -> int:
    """Rows that are read, priced and committed to a new lake."""
    with TemporaryDirectory() as folder:
        return Sync(Database(read_dsn(dsn)), Lake(folder)).run().inserted
