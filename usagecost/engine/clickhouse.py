"""ClickHouse over the same lake: it reads the Parquet files of the very version that is asked for, or its own copy of them.

A server that is away, or that has no room or no time for a query, is a calm sentence, and is asked again with the next query.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from usagecost.engine.dialect import SETTINGS, clickhouse_sql, text_sql
from usagecost.engine.mirror import Mirror, Mirrored
from usagecost.engine.words import UnansweredError
from usagecost.lake import Snapshot
from usagecost.schema import REQUESTS

LIMITS = {
    "max_execution_time": 60,
    "max_memory_usage": 4_000_000_000,
    "max_query_size": 10_000_000,  # a version names its files
    "cancel_http_readonly_queries_on_client_close": 1,
}
"""What one query may take; one whose reader has left is stopped."""

SECURE_PORTS = (443, 8443, 9440)
OUT_OF_MEMORY, OUT_OF_TIME, NO_SUCH_FILE = 241, 159, (107, 636, 74, 499, 36)
"""ClickHouse's codes."""

_REQUESTS = "requests_of_the_version"


class ClickHouse:
    """A server by its URL: ``clickhouse://user@host:8443/db``, or ``chdb://memory``, which is ClickHouse within this process.

    The password is USAGECOST_ENGINE_PASSWORD. A lake on disk has to be readable by the server under the same path.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        if self._url.scheme not in ("clickhouse", "chdb"):
            raise UnansweredError(
                f"USAGECOST_ENGINE is {url!r}, which is no engine: write `duckdb` or `clickhouse://user@host:8443/database`."
            )
        self._client: Client | None = None
        self._connecting = Lock()
        self._mirror = Mirror(self.client, STRUCTURE, lambda snapshot, name: _rows_of(snapshot, [name]))

    @property
    def name(self) -> str:
        """What people call it: never with a password."""
        return f"{self._url.hostname}:{self._port}" if self._url.scheme == "clickhouse" else "chdb"

    def answer(
        self, sql: str, parameters: Mapping[str, Any], snapshot: Snapshot, first_day: date | None, last_day: date | None
    ) -> pa.Table:
        """The result of a query over the requests of some days of a version, as DuckDB would give it."""
        said, values = clickhouse_sql(sql.replace("{requests}", _REQUESTS), parameters)
        with self._explained():
            relation = self._relation(snapshot, first_day, last_day)
            found = self.client().query_arrow(said.replace(_REQUESTS, relation), parameters=values, settings=SETTINGS | LIMITS)
        return _as_duckdb(found)

    def client(self) -> Client:
        """The connection, made when it is first needed."""
        with self._connecting:
            if self._client is None:
                self._client = clickhouse_connect.get_client(**self._how())
            return self._client

    def mirror(self, snapshot: Snapshot) -> Mirrored:
        """Brings the server's own copy of the requests to a version; raises UnansweredError."""
        with self._explained():
            return self._mirror.fill(snapshot)

    def _relation(self, snapshot: Snapshot, first_day: date | None, last_day: date | None) -> str:
        """SQL for the requests of some days of a version: the server's own copy where it has all of them."""
        names = [file.name for file in snapshot.data_files_of(first_day, last_day)]
        if not names:
            return f"(SELECT * FROM null({text_sql(STRUCTURE)}))"
        return self._mirror.rows_of(snapshot, names) or _rows_of(snapshot, names)

    def _how(self) -> dict[str, Any]:
        if self._url.scheme == "chdb":
            return {"dsn": self._url.geturl()}
        options = parse_qs(self._url.query)
        return {
            "host": self._url.hostname or "localhost",
            "port": self._port,
            "username": unquote(self._url.username or "default"),
            "password": os.environ.get("USAGECOST_ENGINE_PASSWORD", ""),
            "database": self._url.path.strip("/") or "default",
            "secure": options.get("secure", ["1" if self._port in SECURE_PORTS else "0"])[0] == "1",
            "autogenerate_session_id": False,  # else two readers at once would be refused
            "connect_timeout": 5,
            "send_receive_timeout": LIMITS["max_execution_time"] + 10,
        }

    @property
    def _port(self) -> int:
        return self._url.port or 8443

    @contextmanager
    def _explained(self) -> Iterator[None]:
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
            raise UnansweredError(self._sentence(problem)) from problem
        except ClickHouseError as problem:
            raise UnansweredError(f"The ClickHouse at {self.name} gave an answer that cannot be read. Try again.") from problem

    def _sentence(self, problem: DatabaseError) -> str:
        code = _code(problem)
        if code == OUT_OF_MEMORY:
            return f"The question needs more memory than the ClickHouse at {self.name} allows. Ask for fewer days."
        if code == OUT_OF_TIME:
            return f"The ClickHouse at {self.name} took more than {LIMITS['max_execution_time']} s. Ask for fewer days."
        if code in NO_SUCH_FILE:
            return f"A file of the lake is gone, or the ClickHouse at {self.name} may not read it. Load the page again."
        return f"The ClickHouse at {self.name} could not answer (its code {code}). Load the page again."


def _rows_of(snapshot: Snapshot, names: Sequence[str]) -> str:
    """SQL for the rows of some of a version's files, as they lie in the lake."""
    days = ",".join(sorted({name.split("/")[0].removeprefix("day=") for name in names}))
    files = ", ".join(text_sql(name.rsplit("/", 1)[-1]) for name in names)
    return f"(SELECT * FROM {_files(snapshot.place.uri, days)} WHERE _file IN ({files}))"


def _files(uri: str, days: str) -> str:
    """SQL for the Parquet files of some days of a table, on a disk or in S3."""
    path, structure = f"{uri}/day={{{days}}}/*.parquet", text_sql(STRUCTURE)
    if not uri.startswith("s3://"):
        return f"file({text_sql(path)}, Parquet, {structure})"
    keys = [os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    credentials = "".join(f"{text_sql(key)}, " for key in keys if key) if keys[0] else ""
    return f"s3({text_sql(_address(path))}, {credentials}Parquet, {structure})"


def _address(url: str) -> str:
    """The web address of objects in S3, at the endpoint that the environment names."""
    bucket, path = url.removeprefix("s3://").split("/", 1)
    endpoint = next(
        (found for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT") if (found := os.environ.get(name))), ""
    )
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}/{path}"
    return f"https://{bucket}.s3.{os.environ.get('AWS_REGION', 'us-east-1')}.amazonaws.com/{path}"


def _code(problem: DatabaseError) -> int | None:
    """ClickHouse's own number of what went wrong."""
    words = str(problem).partition("Code: ")[2].partition(".")[0]
    return int(words) if words.isdigit() else None


def _type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return "Array(Nullable(String))"
    if pa.types.is_timestamp(kind):
        return "Nullable(DateTime64(6, 'UTC'))"
    if pa.types.is_decimal(kind):
        return f"Nullable(Decimal({kind.precision}, {kind.scale}))"
    names = {"string": "String", "int64": "Int64", "int32": "Int32", "double": "Float64", "bool": "Bool", "date32[day]": "Date32"}
    return f"Nullable({names[str(kind)]})"


STRUCTURE = ", ".join(f"{field.name} {_type(field.type)}" for field in REQUESTS)
"""The columns of a request. Said, not guessed: a guess is made from one file, in which a column may happen to lack nothing."""


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
