"""PostgreSQL as Arrow: short read-only transactions, rows streamed as they come, and what goes wrong in one sentence."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pyarrow as pa

from usagecost.ingest.litellm.dsn import Dsn

BATCH_BYTES = 32 << 20
"""How much is taken from the server at once, by its own estimate."""

STATEMENT_TIMEOUT = timedelta(minutes=20)
LOCK_TIMEOUT = timedelta(seconds=15)
"""Whoever changes the table, as LiteLLM does when it is updated, must not wait behind us for long."""

_SETTINGS = (
    "SET TRANSACTION READ ONLY",
    f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT // timedelta(milliseconds=1)}",
    f"SET LOCAL lock_timeout = {LOCK_TIMEOUT // timedelta(milliseconds=1)}",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO'",
)
"""For the transaction alone, so that they also hold behind a pooler that hands connections around."""

_PASSING_STATES = ("08", "40", "53", "55P03", "57", "58", "42703", "XX")
"""SQLSTATEs, or their classes, that another try may not meet again; 42703 because the table is looked at anew then."""

_LASTING_WORDS = (
    "password authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist", "authentication method",
    "permission denied", "does not support SSL", "certificate", "invalid ", "missing ", "is not permitted to log in",
)  # fmt: skip
"""What tells, of a connection that did not come about, that only a person can help."""


class DatabaseProblem(Exception):  # noqa: N818 - a sentence for people
    """What is wrong with the database; `is_passing` if waiting may help."""

    def __init__(self, sentence: str, *, is_passing: bool = False) -> None:
        super().__init__(sentence)
        self.is_passing = is_passing


class Transaction:
    """What can be asked within one transaction."""

    def __init__(self, connection: Any, database: Database) -> None:
        self._connection, self._database = connection, database

    def run(self, sql: str) -> None:
        """Something without a result."""
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(sql)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """A small result."""
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table().to_pylist()

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """A result of any size, some `BATCH_BYTES` at a time."""
        with self._explained(), self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
            cursor.execute(sql)
            with cursor.fetch_record_batch() as reader:
                yield from reader

    @contextmanager
    def _explained(self) -> Generator[None]:
        """The driver's errors as sentences. Its traceback is cut off: the DSN stands in it."""
        from adbc_driver_manager import Error

        try:
            yield
        except (Error, pa.ArrowException, OSError) as error:
            raise self._database.problem(error) from None


class Database:
    """A PostgreSQL database. A connection lasts as long as a transaction."""

    def __init__(self, dsn: Dsn) -> None:
        self.dsn = dsn
        self._mutex = threading.Lock()
        self._connection: Any = None
        self._is_cancelled = False

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """A read-only transaction; raises DatabaseProblem, also for what is asked in it."""
        connection = self._connected()
        try:
            transaction = Transaction(connection, self)
            for setting in _SETTINGS:
                transaction.run(setting)
            yield transaction
        finally:
            with self._mutex:
                self._connection = None
            with suppress(Exception):  # a connection that is lost cannot be closed either
                connection.close()

    def cancel(self) -> None:
        """Ends what is being asked, and whatever is asked later; for another thread to call."""
        with self._mutex:
            self._is_cancelled = True
            if self._connection is not None:
                with suppress(Exception):  # nothing is running: what comes next is refused
                    self._connection.adbc_cancel()

    def problem(self, error: Exception) -> DatabaseProblem:
        """What the driver says, in one sentence."""
        message = self.dsn.redacted(_first_line(str(error)))
        state = getattr(error, "sqlstate", None)
        if state == "42501":
            return DatabaseProblem(f"{self.dsn.address}: {message}. Let the user read it: GRANT SELECT ON the table TO the user.")
        if state:
            is_passing = state.startswith(_PASSING_STATES)
            return DatabaseProblem(f"{self.dsn.address}: {message} ({state}).", is_passing=is_passing)
        return DatabaseProblem(f"{self.dsn.address}: reading broke off: {message}.", is_passing=True)

    def _connected(self) -> Any:
        try:
            from adbc_driver_postgresql import dbapi
        except ImportError:
            raise DatabaseProblem(
                "Reading PostgreSQL needs a driver that is not installed: pip install -r requirements-postgres.txt"
            ) from None
        try:
            connection = dbapi.connect(self.dsn.libpq)
        except dbapi.Error as error:
            raise self._unconnected(str(error)) from None
        with self._mutex:
            if not self._is_cancelled:
                self._connection = connection
                return connection
        connection.close()
        raise DatabaseProblem(f"{self.dsn.address}: stopped.")

    def _unconnected(self, text: str) -> DatabaseProblem:
        message = self.dsn.redacted(_first_line(text.partition("Failed to connect:")[2] or text))
        is_lasting = any(phrase in message for phrase in _LASTING_WORDS)
        cure = "Check user, password and database in --dsn." if is_lasting else "Is the server running, and can it be reached?"
        return DatabaseProblem(f"No connection to {self.dsn.address}: {message}. {cure}", is_passing=not is_lasting)


def _first_line(text: str) -> str:
    """What libpq and the server say, without what stands around it."""
    line = text.strip().splitlines()[0] if text.strip() else "no reason is given"
    for mark in ("ERROR:", "FATAL:", "[libpq]"):
        line = line.rpartition(mark)[2]
    return line.strip().rstrip(".")
