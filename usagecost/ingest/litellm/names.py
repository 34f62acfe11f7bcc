"""What LiteLLM's teams, users and keys are called, from its own tables, where they are there and may be read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from usagecost import schema
from usagecost.ingest.litellm.postgres import Transaction
from usagecost.sources.sql import identifier, literal

_NAME_SOURCES = (
    ("team_id", "LiteLLM_TeamTable", "team_id", ("team_alias",)),
    (schema.MEMBERS, "LiteLLM_TeamTable", "team_id", ("members_with_roles",)),
    ("user_id", "LiteLLM_UserTable", "user_id", ("user_alias", "user_email")),
    (schema.EMAILS, "LiteLLM_UserTable", "user_id", ("user_email",)),
    ("virtual_key", "LiteLLM_VerificationToken", "token", ("key_alias",)),
)
"""Field of the record whose ids a table names, by columns of which the first that is not empty counts; and what it says of users
and teams that decides what a reader may see.
"""


def names(transaction: Transaction, source: str, schema_name: str | None, now: datetime) -> pa.Table:
    """One row = what an id is called now, as schema.NAMES has it."""
    rows = [row for name_source in _NAME_SOURCES for row in _names_of(transaction, schema_name, *name_source)]
    return pa.Table.from_pylist([{"source": source, **row, "seen_at": now} for row in rows], schema=schema.NAMES)


def _names_of(
    transaction: Transaction, schema_name: str | None, field: str, table: str, id_column: str, names: Sequence[str]
) -> list[dict[str, str]]:
    table = f"{identifier(schema_name)}.{identifier(table)}" if schema_name else identifier(table)
    columns = transaction.rows(f"""
        SELECT attname::text AS name FROM pg_attribute
        WHERE attrelid = to_regclass({literal(table)}) AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege(attrelid, attnum, 'SELECT')
    """)
    readable = {column["name"] for column in columns}
    candidates = [f"nullif({identifier(name)}::text, '')" for name in names if name in readable]
    if id_column not in readable or not candidates:
        return []
    name = f"coalesce({', '.join(candidates)})"
    return transaction.rows(f"""
        SELECT {literal(field)} AS field, {identifier(id_column)}::text AS id, {name} AS name
        FROM {table} WHERE {name} IS NOT NULL AND {identifier(id_column)} IS NOT NULL
    """)
