"""What LiteLLM's teams, users and keys are called, from its own tables, where they are there and may be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from usagecost import schema
from usagecost.ingest.litellm.postgres import Transaction
from usagecost.sources.sql import identifier, literal


@dataclass(frozen=True)
class _Named:
    """A table that names the ids of a field of the record, by columns of which the first one that is not empty counts."""

    field: str
    table: str
    id: str
    names: tuple[str, ...]


_NAMED = (
    _Named("team_id", "LiteLLM_TeamTable", "team_id", ("team_alias",)),
    _Named("user_id", "LiteLLM_UserTable", "user_id", ("user_alias", "user_email")),
    _Named("virtual_key", "LiteLLM_VerificationToken", "token", ("key_alias",)),
)


def names(transaction: Transaction, source: str, schema_name: str | None, now: datetime) -> pa.Table:
    """One row = what an id is called now, as schema.NAMES has it."""
    found = [row for named in _NAMED for row in _names_of(transaction, named, schema_name)]
    return pa.Table.from_pylist([{"source": source, **row, "seen_at": now} for row in found], schema=schema.NAMES)


def _names_of(transaction: Transaction, named: _Named, schema_name: str | None) -> list[dict[str, str]]:
    table = f"{identifier(schema_name)}.{identifier(named.table)}" if schema_name else identifier(named.table)
    columns = transaction.rows(f"""
        SELECT attname::text AS name FROM pg_attribute
        WHERE attrelid = to_regclass({literal(table)}) AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege(attrelid, attnum, 'SELECT')
    """)
    readable = {column["name"] for column in columns}
    given = [f"nullif({identifier(name)}::text, '')" for name in named.names if name in readable]
    if named.id not in readable or not given:
        return []
    name = f"coalesce({', '.join(given)})"
    return transaction.rows(f"""
        SELECT {literal(named.field)} AS field, {identifier(named.id)}::text AS id, {name} AS name
        FROM {table} WHERE {name} IS NOT NULL AND {identifier(named.id)} IS NOT NULL
    """)
