"""ClickHouse over the same lake: it reads the Parquet files of the very version that is asked for.

A server that is away, or that has no room or no time for a query, is a calm sentence, and is asked again with the next query.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from usagecost.engine.dialect import SETTINGS, clickhouse_sql, text_sql
from usagecost.engine.embedded import FileLostError, UnansweredError
from usagecost.engine.lake_sql import STRUCTURE, rollups_of, rows_of
from usagecost.lake import Rolled, Snapshot
from usagecost.lake.table import DataFile

LIMITS = {
    "max_execution_time": 60,
    "max_memory_usage": 4_000_000_000,
    "max_query_size": 10_000_000,  # a version names its files
    "cancel_http_readonly_queries_on_client_close": 1,
}
"""What one query may take; one whose reader has left is stopped."""

SECURE_PORTS = (443, 8443, 9440)
READONLY = 164
_FILE_LOST = "A file of the lake is gone, or {server} may not read it. Load the page again."
_SENTENCES = {
    (241,): "The question needs more memory than {server} allows. Ask for fewer days.",
    (159,): "The question took more than the {seconds} s that {server} has for one. Ask for fewer days.",
    (107, 636, 74, 499, 36): _FILE_LOST,
    (516, 192, 193, 194): "The user or the password is unknown to {server}: see USAGECOST_ENGINE and USAGECOST_ENGINE_PASSWORD.",
    (497,): "The user of USAGECOST_ENGINE lacks a right on {server} that reading the lake needs: see usagecost/engine/README.md.",
    (READONLY,): "The user of USAGECOST_ENGINE may change no settings on {server}, which answers need: give it `readonly = 2`.",
    (201,): "The user of USAGECOST_ENGINE has used up its quota on {server}. Try again later.",
    (701,): "There is no cluster of the name that USAGECOST_ENGINE has, as far as {server} knows.",
    (279, 209, 210): "A server of the cluster does not answer {server}. Try again in a moment.",
}
"""ClickHouse's codes -> what they mean for readers, and what to do."""
_OTHER = "A question could not be answered by {server} (its code {code}). Load the page again."

_REQUESTS, _ROLLUPS = "requests_of_the_version", "rollups_of_the_version"


class ClickHouse:
    """A server by its URL: ``clickhouse://user@host:8443/db``, or ``chdb://memory``, which is ClickHouse within this process.

    The password is USAGECOST_ENGINE_PASSWORD. A lake on disk has to be readable by the server under the same path. With
    ``?cluster=name`` all servers of that cluster read the lake, each some of its files.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        if self._url.scheme not in ("clickhouse", "chdb"):
            raise UnansweredError(
                f"USAGECOST_ENGINE is {url!r}, which is no engine: write `duckdb` or `clickhouse://user@host:8443/database`."
            )
        self._options = {name: values[0] for name, values in parse_qs(self._url.query).items()}
        self._cluster = self._options.get("cluster")
        self._client: Client | None = None
        self._connecting = Lock()

    @property
    def name(self) -> str:
        """What people call it: never with a password."""
        return f"{self._url.hostname}:{self._port}" if self._url.scheme == "clickhouse" else "chdb"

    def answer(
        self, sql: str, parameters: Mapping[str, Any], snapshot: Snapshot, files: Sequence[DataFile], rolled: Rolled | None
    ) -> pa.Table:
        """The result of a query over the requests in some files of a version, and over rollups, as DuckDB would give it."""
        said, values = clickhouse_sql(sql.replace("{requests}", _REQUESTS).replace("{rollups}", _ROLLUPS), parameters)
        with self._explained():
            said = said.replace(_REQUESTS, self._relation(snapshot, [file.name for file in files]))
            if rolled:
                said = said.replace(_ROLLUPS, rollups_of(snapshot, rolled, self._cluster))
            found = self.client().query_arrow(said, parameters=values, settings=SETTINGS | LIMITS)
        return _as_duckdb(found)

    def client(self) -> Client:
        """The connection, made when it is first needed."""
        with self._connecting:
            if self._client is None:
                self._client = clickhouse_connect.get_client(**self._how())
            return self._client

    def _relation(self, snapshot: Snapshot, names: Sequence[str]) -> str:
        """SQL for the requests in some files of a version."""
        if not names:
            return f"(SELECT * FROM null({text_sql(STRUCTURE)}))"
        return rows_of(snapshot, names, self._cluster)

    def _how(self) -> dict[str, Any]:
        if self._url.scheme == "chdb":
            return {"dsn": self._url._replace(query="").geturl()}
        return {
            "host": self._url.hostname or "localhost",
            "port": self._port,
            "username": unquote(self._url.username or "default"),
            "password": os.environ.get("USAGECOST_ENGINE_PASSWORD", ""),
            "database": self._url.path.strip("/") or "default",
            "secure": self._options.get("secure", "1" if self._port in SECURE_PORTS else "0") == "1",
            "autogenerate_session_id": False,  # else two readers at once would be refused
            "connect_timeout": 5,
            "send_receive_timeout": LIMITS["max_execution_time"] + 10,
        }

    @property
    def _port(self) -> int:
        return self._url.port or 8443

    @contextmanager
    def _explained(self) -> Generator[None]:
        """What goes wrong becomes a sentence for readers."""
        try:
            yield
        except OperationalError as problem:
            self._client = None
            raise UnansweredError(
                f"The ClickHouse at {self.name} cannot be reached right now. Try again in a moment; if it stays away, look at "
                "the server and at USAGECOST_ENGINE."
            ) from problem
        except DatabaseError as problem:
            raise self._problem(problem) from problem
        except ClickHouseError as problem:
            raise UnansweredError(f"The ClickHouse at {self.name} gave an answer that cannot be read. Try again.") from problem

    def _problem(self, problem: DatabaseError) -> UnansweredError:
        """What the server says in words. A damaged file has many codes, so whatever is not known may be one."""
        code = _code(problem)
        known = next((sentence for codes, sentence in _SENTENCES.items() if code in codes), _OTHER)
        said = known.format(server=f"the ClickHouse at {self.name}", seconds=LIMITS["max_execution_time"], code=code)
        return FileLostError(said) if known in (_FILE_LOST, _OTHER) else UnansweredError(said)


def _code(problem: DatabaseError) -> int | None:
    """ClickHouse's own number of what went wrong."""
    if " is readonly" in str(problem):  # the driver knows it of a setting before it asks the server
        return READONLY
    words = str(problem).partition("Code: ")[2].partition(".")[0]
    return int(words) if words.isdigit() else None


def _as_duckdb(found: pa.Table) -> pa.Table:
    """The same values in the types that DuckDB gives: signed integers, truths, lists that are NULL rather than empty."""
    columns = [_column(column.combine_chunks()) for column in found.columns]
    return pa.Table.from_arrays(columns, names=found.column_names)


def _column(values: pa.Array) -> pa.Array:
    if values.type == pa.uint8():
        return values.cast(pa.bool_())
    if pa.types.is_unsigned_integer(values.type):
        return values.cast(pa.int64())
    if pa.types.is_list(values.type):
        return pc.if_else(pc.equal(pc.list_value_length(values), 0), pa.scalar(None, values.type), values)
    return values
