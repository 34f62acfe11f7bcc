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
from usagecost.lake import Rolled, Snapshot
from usagecost.lake.rollups import KEYS
from usagecost.lake.table import DataFile
from usagecost.schema import REQUESTS

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
_OTHER_PROBLEM = "A question could not be answered by {server} (its code {code}). Load the page again."

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
        statement, values = clickhouse_sql(sql.replace("{requests}", _REQUESTS).replace("{rollups}", _ROLLUPS), parameters)
        with self._explained():
            statement = statement.replace(_REQUESTS, rows_of(snapshot, [file.name for file in files], self._cluster))
            if rolled:
                statement = statement.replace(_ROLLUPS, rollups_of(snapshot, rolled, self._cluster))
            result = self.client().query_arrow(statement, parameters=values, settings=SETTINGS | LIMITS)
        columns = [_as_duckdb(column.combine_chunks()) for column in result.columns]
        return pa.Table.from_arrays(columns, names=result.column_names)

    def client(self) -> Client:
        """The connection, made when it is first needed."""
        with self._connecting:
            if self._client is None:
                self._client = clickhouse_connect.get_client(**self._connection_settings())
            return self._client

    def _connection_settings(self) -> dict[str, Any]:
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
        """Returns the error for readers. A damaged file has many codes, so whatever is not known may be one."""
        code = _code(problem)
        template = next((sentence for codes, sentence in _SENTENCES.items() if code in codes), _OTHER_PROBLEM)
        text = template.format(server=f"the ClickHouse at {self.name}", seconds=LIMITS["max_execution_time"], code=code)
        return FileLostError(text) if template in (_FILE_LOST, _OTHER_PROBLEM) else UnansweredError(text)


def _code(problem: DatabaseError) -> int | None:
    """ClickHouse's own number of what went wrong."""
    if " is readonly" in str(problem):  # the driver knows it of a setting before it asks the server
        return READONLY
    digits = str(problem).partition("Code: ")[2].partition(".")[0]
    return int(digits) if digits.isdigit() else None


def _as_duckdb(values: pa.Array) -> pa.Array:
    """The same values in the type that DuckDB gives: signed integers, truths, lists that are NULL rather than empty."""
    if values.type == pa.uint8():
        return values.cast(pa.bool_())
    if pa.types.is_unsigned_integer(values.type):
        return values.cast(pa.int64())
    if pa.types.is_list(values.type):
        return pc.if_else(pc.equal(pc.list_value_length(values), 0), pa.scalar(None, values.type), values)
    return values


def rows_of(snapshot: Snapshot, names: Sequence[str], cluster: str | None = None) -> str:
    """SQL for the rows of some of a version's files, as they lie in the lake, read by one server or by all of a cluster.

    In a cluster the files are named one by one, so that nothing stands between them and the question: only then do all servers
    add up, and not one of them alone what all have read.
    """
    if not names:
        return f"(SELECT * FROM null({text_sql(STRUCTURE)}))"
    if cluster:
        return _read(f"{snapshot.store}/{_alternatives(sorted(names))}", cluster)
    days = _alternatives(sorted({name.split("/")[0].removeprefix("day=") for name in names}))
    files = ", ".join(text_sql(name.rsplit("/", 1)[-1]) for name in names)
    return f"(SELECT * FROM {_read(f'{snapshot.store}/day={days}/*.parquet')} WHERE _file IN ({files}))"


def rollups_of(snapshot: Snapshot, rolled: Rolled, cluster: str | None = None) -> str:
    """SQL for the rows of files of rollups, as `Rolled` selects them."""
    structure = ", ".join(f"{name} {_type_in_rollup(name)}" for name in sorted(rolled.read))
    parts = []
    for folder, files in rolled.folders.items():
        names = [file.name.rpartition("/")[2] for file in files]
        uri, file_list = snapshot.rollups.uri(folder), ", ".join(map(text_sql, names))
        if cluster:
            parts.append(f"SELECT {rolled.select} FROM {_read(f'{uri}/{_alternatives(sorted(names))}', cluster, structure)}")
        else:
            parts.append(f"SELECT {rolled.select} FROM {_read(f'{uri}/*.parquet', None, structure)} WHERE _file IN ({file_list})")
    return f"({' UNION ALL '.join(parts)})"


def _alternatives(texts: Sequence[str]) -> str:
    """The pattern of one of several; braces around a single text would be part of it."""
    return texts[0] if len(texts) == 1 else f"{{{','.join(texts)}}}"


def _read(path: str, cluster: str | None = None, columns: str = "") -> str:
    """SQL for the Parquet files of a path, on a disk or in S3."""
    kind, cluster_argument = ("Cluster", f"{text_sql(cluster)}, ") if cluster else ("", "")
    structure = text_sql(columns or STRUCTURE)
    if not path.startswith("s3://"):
        return f"file{kind}({cluster_argument}{text_sql(path)}, Parquet, {structure})"
    keys = [os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    credentials = "".join(f"{text_sql(key)}, " for key in keys if key) if keys[0] else ""
    return f"s3{kind}({cluster_argument}{text_sql(_address(path))}, {credentials}Parquet, {structure})"


def _address(url: str) -> str:
    """The web address of objects in S3, at the endpoint that the environment names."""
    bucket, path = url.removeprefix("s3://").split("/", 1)
    endpoint = next(
        (address for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT") if (address := os.environ.get(name))), ""
    )
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}/{path}"
    return f"https://{bucket}.s3.{os.environ.get('AWS_REGION', 'us-east-1')}.amazonaws.com/{path}"


def _type(kind: pa.DataType) -> str:
    if pa.types.is_map(kind):
        return f"Map(String, Decimal({kind.item_type.precision}, {kind.item_type.scale}))"
    if pa.types.is_list(kind):
        return "Array(Nullable(String))"
    if pa.types.is_timestamp(kind):
        return "Nullable(DateTime64(6, 'UTC'))"
    if pa.types.is_decimal(kind):
        return f"Nullable(Decimal({kind.precision}, {kind.scale}))"
    names = {"string": "String", "int64": "Int64", "int32": "Int32", "double": "Float64", "bool": "Bool", "date32[day]": "Date32"}
    return f"Nullable({names[str(kind)]})"


def _type_in_rollup(name: str) -> str:
    """The type of a column of a rollup: as requests have it if they are added up by it, else that of a sum."""
    if name in COLUMN_TYPES and name in (*KEYS, "started_at"):
        return COLUMN_TYPES[name]
    return f"Nullable({'Decimal(18, 9)' if '_usd' in name else 'Int64'})"


COLUMN_TYPES = {field.name: _type(field.type) for field in REQUESTS}
STRUCTURE = ", ".join(f"{name} {kind}" for name, kind in COLUMN_TYPES.items())
"""The columns of a request. Said, not guessed: a guess is made from one file, in which a column may happen to lack nothing."""
