"""LiteLLM's table of requests, `"LiteLLM_SpendLogs"`: what of it is there, and its rows as a SELECT.

Columns that the table has not, or that may not be read, are left out. Messages, responses and the proxy's copy of the request are
never asked for.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from usagecost.ingest.litellm.postgres import DatabaseProblem, Transaction
from usagecost.sources.sql import identifier, literal

TABLE = "LiteLLM_SpendLogs"
NEVER = frozenset({"messages", "response", "proxy_server_request"})

SMALL_BYTES = 1 << 30
"""A table of this size is looked through in a second or two."""

_TIMES = ("startTime", "endTime")
_NEEDED = ("request_id", *_TIMES)
_PLAIN_TYPES = frozenset({"text", "varchar", "bool", "int2", "int4", "int8", "float8"})
"""Types whose values arrive as they are, as do timestamps, but for infinite ones; of any other the server writes the text."""


@dataclass(frozen=True)
class SpendLogs:
    """The table as it was found: its name as SQL, the columns that may be read, with their types, its size in bytes, if known.

    `identity` tells it from others, however the server is called.
    """

    name: str
    identity: str
    types: Mapping[str, str]
    size: int | None

    @property
    def is_small(self) -> bool:
        """Whether looking through all of it costs next to nothing."""
        return self.size is not None and self.size <= SMALL_BYTES

    @property
    def has_xid(self) -> bool:
        """Whether it tells which transaction wrote a row."""
        return "xmin" in self.types

    def names(self, columns: Collection[str]) -> list[str]:
        """Those of some columns that there are, and `revision`, if the table tells transactions."""
        present = [name for name in columns if name in self.types and name not in NEVER]
        return [*present, "revision"] if self.has_xid else present

    def select(self, columns: Collection[str], metadata: Collection[str], revision: str) -> str:
        """The SELECT of rows, without a WHERE: those columns that there are, of `metadata` what stands at these places.

        And `revision`, if the table tells transactions: SQL for a number that grows when a row is changed.
        """
        values = {"revision": revision}
        items = [f"{values.get(name) or self._value(name, metadata)} AS {identifier(name)}" for name in self.names(columns)]
        return f"SELECT {', '.join(items)} FROM {self.name}"

    def _value(self, name: str, metadata: Collection[str]) -> str:
        if name == "metadata" and self.types[name] == "jsonb":
            return _picked(metadata)
        if self.types[name] == "timestamp":
            return f"CASE WHEN {identifier(name)} BETWEEN '0001-01-01' AND '9999-12-31' THEN {identifier(name)} END"
        return identifier(name) if self.types[name] in _PLAIN_TYPES else f"{identifier(name)}::text"


_LARGE = "model_map_information"
"""The field of metadata that is taken apart: the larger half of it all is LiteLLM's price of the model."""


def _picked(places: Collection[str]) -> str:
    """SQL for what stands at some places of metadata, as a JSON text: to write all of it costs the server most of its time."""
    fields: dict[str, list[list[str]]] = {}
    for place in places:
        field, *path = place.removeprefix("$.").split(".")
        fields.setdefault(field, []).append(path)
    values = {name: _nested(f"unpacked -> {literal(name)}", paths if name == _LARGE else [[]]) for name, paths in fields.items()}
    text = f"CASE jsonb_typeof(unpacked) WHEN 'object' THEN {_object(values)} ELSE unpacked::text END"
    # A large value would be unpacked anew for each field that is taken out of it; OFFSET makes the server keep the unpacked one.
    return f"(SELECT {text} FROM (SELECT metadata || '{{}}' AS unpacked OFFSET 0) AS once)"


def _nested(value: str, paths: Sequence[Sequence[str]]) -> str:
    """SQL for a value as a JSON text: whole, if one of the paths ends here, else what stands at these paths."""
    if not all(paths):
        return f"({value})::text"
    names = dict.fromkeys(path[0] for path in paths)
    inner = {name: _nested(f"{value} -> {literal(name)}", [path[1:] for path in paths if path[0] == name]) for name in names}
    return _object(inner)


def _object(values: Mapping[str, str]) -> str:
    """SQL for a JSON object as text, from SQL for its values; those that are NULL are left out."""
    pairs = ", ".join(f"{literal(json.dumps(name) + ':')} || {value}" for name, value in values.items())
    return f"'{{' || concat_ws(',', {pairs}) || '}}'"


def find_spend_logs(transaction: Transaction, address: str, schema: str | None) -> SpendLogs:
    """The table in a schema, by default the first on the search path; raises DatabaseProblem if it cannot be used."""
    name = f"{identifier(schema)}.{identifier(TABLE)}" if schema else identifier(TABLE)
    columns = transaction.rows(f"""
        SELECT attname::text AS name, typname::text AS type, has_column_privilege(attrelid, attnum, 'SELECT') AS may_read,
            relkind IN ('r', 'p') AS is_stored, CASE WHEN relkind = 'r' THEN pg_relation_size(pg_class.oid) END AS size,
            current_database()::text AS database, relnamespace::regnamespace::text AS schema
        FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND NOT attisdropped AND (attnum > 0 OR attname = 'xmin')
        JOIN pg_type ON pg_type.oid = atttypid
        WHERE pg_class.oid = to_regclass({literal(name)})
    """)
    if not columns:
        schemas = f"the schema {schema}" if schema else "the schemas that this user sees"
        raise DatabaseProblem(
            f'There is no table "{TABLE}" in {schemas}: name the LiteLLM proxy\'s database in --dsn, and its schema with ?schema=…'
        )
    readable = {row["name"]: row["type"] for row in columns if row["may_read"] and (row["name"] != "xmin" or row["is_stored"])}
    _check(readable, {row["name"] for row in columns})
    server = server_fact(transaction, "system_identifier", "pg_control_system()") or address
    return SpendLogs(name, f"{server}/{columns[0]['database']}/{columns[0]['schema']}", readable, size=columns[0]["size"])


def _check(readable: Mapping[str, str], present: Collection[str]) -> None:
    if missing := [name for name in _NEEDED if name not in present]:
        raise DatabaseProblem(f'The table "{TABLE}" has no column {", ".join(missing)}: it is not LiteLLM\'s, or not any more.')
    if hidden := [name for name in _NEEDED if name not in readable]:
        raise DatabaseProblem(
            f'This user may not read {", ".join(hidden)} of "{TABLE}". Let it: GRANT SELECT ON "{TABLE}" TO the user; '
            "granting all columns but messages, response and proxy_server_request is enough."
        )
    for name in _TIMES:
        if not readable[name].startswith("timestamp"):
            raise DatabaseProblem(
                f'The column "{name}" of "{TABLE}" is of type {readable[name]}, not a timestamp: it is not LiteLLM\'s.'
            )


def server_fact(transaction: Transaction, column: str, function: str) -> int | None:
    """What the server knows of itself; None where this user may not ask."""
    if not transaction.rows(f"SELECT has_function_privilege({literal(function)}, 'EXECUTE') AS may_ask")[0]["may_ask"]:
        return None
    return transaction.rows(f"SELECT {column} AS value FROM {function}")[0]["value"]
