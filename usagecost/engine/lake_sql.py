"""The rows of the lake's files as ClickHouse is to read them: on a disk or in S3, by one server or by all of a cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pyarrow as pa

from usagecost.engine.dialect import text_sql
from usagecost.lake import Rolled, Snapshot
from usagecost.lake.rollups import KEYS
from usagecost.schema import REQUESTS


def rows_of(snapshot: Snapshot, names: Sequence[str], cluster: str | None = None) -> str:
    """SQL for the rows of some of a version's files, as they lie in the lake, read by one server or by all of a cluster.

    In a cluster the files are named one by one, so that nothing stands between them and the question: only then do all servers
    add up, and not one of them alone what all have read.
    """
    if cluster:
        return _read(f"{snapshot.place.uri}/{_one_of(sorted(names))}", cluster)
    days = _one_of(sorted({name.split("/")[0].removeprefix("day=") for name in names}))
    files = ", ".join(text_sql(name.rsplit("/", 1)[-1]) for name in names)
    return f"(SELECT * FROM {_read(f'{snapshot.place.uri}/day={days}/*.parquet')} WHERE _file IN ({files}))"


def rollups_of(snapshot: Snapshot, rolled: Rolled, cluster: str | None = None) -> str:
    """SQL for the rows of files of rollups, as `Rolled` selects them."""
    structure = ", ".join(f"{name} {_type_in_rollup(name)}" for name in sorted(rolled.read))
    parts = []
    for folder, files in rolled.folders.items():
        names = [one.name.rpartition("/")[2] for one in files]
        uri, named = snapshot.rollups.uri(folder), ", ".join(map(text_sql, names))
        if cluster:
            parts.append(f"SELECT {rolled.select} FROM {_read(f'{uri}/{_one_of(sorted(names))}', cluster, structure)}")
        else:
            parts.append(f"SELECT {rolled.select} FROM {_read(f'{uri}/*.parquet', None, structure)} WHERE _file IN ({named})")
    return f"({' UNION ALL '.join(parts)})"


def _one_of(texts: Sequence[str]) -> str:
    """The pattern of one of several; braces around a single text would be part of it."""
    return texts[0] if len(texts) == 1 else f"{{{','.join(texts)}}}"


def _read(path: str, cluster: str | None = None, columns: str = "") -> str:
    """SQL for the Parquet files of a path, on a disk or in S3."""
    kind, whose = ("Cluster", f"{text_sql(cluster)}, ") if cluster else ("", "")
    structure = text_sql(columns or STRUCTURE)
    if not path.startswith("s3://"):
        return f"file{kind}({whose}{text_sql(path)}, Parquet, {structure})"
    keys = [os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    credentials = "".join(f"{text_sql(key)}, " for key in keys if key) if keys[0] else ""
    return f"s3{kind}({whose}{text_sql(_address(path))}, {credentials}Parquet, {structure})"


def _address(url: str) -> str:
    """The web address of objects in S3, at the endpoint that the environment names."""
    bucket, path = url.removeprefix("s3://").split("/", 1)
    endpoint = next(
        (found for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT") if (found := os.environ.get(name))), ""
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
