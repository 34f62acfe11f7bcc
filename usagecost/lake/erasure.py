"""Forgetting a person in what lies beside the requests: names, acts, alerts, closes, bills, rejected lines and repricings.

Rows that are about the person alone go; in others a word takes the person's place. What people write beside the lake is only named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from usagecost.lake.person import EMAILS, REMOVED, Person, find_person
from usagecost.lake.publishing import until_committed
from usagecost.lake.side_tables import Change, Row, change_rows, count_changes, count_rows, remove_rows
from usagecost.lake.staging import bounded_database
from usagecost.lake.storage import Storage
from usagecost.lake.table import (
    ALERTS,
    AUDIT,
    BILLS,
    CLOSES,
    NAMES,
    PRICE_CHANGES,
    REJECTS,
    REPRICINGS,
    REQUESTS,
    TableSpec,
    create_view,
    file_paths,
)
from usagecost.lake.texts import TextFolder
from usagecost.schema import MEMBERS
from usagecost.vocabulary.formats import one_line

_USER_FIELDS = ("user_id", EMAILS)
_BILL_TEXTS = ("key", "project", "description", "account")

_SEARCHED_TABLES: Mapping[str, tuple[TableSpec, tuple[str, ...], str]] = {
    "acts": (AUDIT, ("who", "what", "before", "after", "why", "outcome"), "who = $user"),
    "alerts": (ALERTS, ("subject", "title", "body"), "subject = $subject"),
    "rows of closed months": (CLOSES, ("who", "why", "made_with", "virtual_key"), "who = $user"),
    "rejected lines": (REJECTS, ("reason", "raw", "source_file"), "regexp_matches(raw, $field)"),
    "repricings": (REPRICINGS, ("who", "why"), "who = $user"),
    "lines of bills": (BILLS, _BILL_TEXTS, f"list_contains([{', '.join(_BILL_TEXTS)}], $user)"),
    "names": (NAMES, ("name",), f"id = $user OR (field = '{MEMBERS}' AND contains(name, $json))"),
}
"""What rows are called -> their table, the columns whose texts may name somebody, and SQL for what is exactly the id. Names tell
the e-mails, so they are last.
"""
_CHANGES = "changed prices"
"""What the rows of requests are called that were repriced; those of a user go with the requests."""

_KEYS_OF_OTHERS = """
SELECT DISTINCT virtual_key FROM requests
WHERE user_id IS DISTINCT FROM $user AND (virtual_key = $user OR regexp_matches(virtual_key, $mentions))
"""


@dataclass(frozen=True)
class _Erasure:
    """What is to be changed in a table: rows of a condition, to what `change` makes of them."""

    label: str
    spec: TableSpec
    condition: str
    values: Mapping[str, object]
    change: Change


def preview(store: Storage, texts: TextFolder, user: str | None, folder: Path) -> dict[str, int]:
    """What `erase` would change now: how many rows, by what they are called. Nothing without a user."""
    return _in_each_table(store, texts, user, folder, count_changes, count_rows)


def erase(store: Storage, texts: TextFolder, user: str | None, folder: Path) -> dict[str, int]:
    """Takes a user out of the tables; returns how many rows were changed, by what they are called. Done twice, it is done once.

    Nothing without a user. The caller is alone among the writers of this machine.
    """
    return _in_each_table(store, texts, user, folder, change_rows, remove_rows)


def _in_each_table(
    store: Storage, texts: TextFolder, user: str | None, folder: Path, change: Callable[..., int], remove: Callable[..., int]
) -> dict[str, int]:
    """Counts the rows that go or change in each table: ``change`` where rows may stay, ``remove`` where they go with requests."""
    if user is None:
        return {}
    counts: dict[str, int] = {}
    for erasure in _erasures(store, find_person(store, texts, user), folder):
        counts[erasure.label] = until_committed(
            lambda erasure=erasure: change(
                store / erasure.spec.name, erasure.spec, erasure.condition, erasure.values, erasure.change, folder
            )
        )
    changes = store / PRICE_CHANGES.name
    counts[_CHANGES] = until_committed(lambda: remove(changes, PRICE_CHANGES, "user_id", user, folder))
    return {label: count for label, count in counts.items() if count}


def _erasures(store: Storage, person: Person, folder: Path) -> Iterator[_Erasure]:
    keys = _keys_of_others(store, person, folder)
    parameters = {
        "user": person.id,
        "subject": f"user {one_line(person.id)}",
        "field": person.field_pattern,
        "json": json.dumps(person.id)[1:-1],
        "mentions": person.mention_pattern,
    }
    for label, (spec, columns, exactly) in _SEARCHED_TABLES.items():
        in_texts = [f"regexp_matches({column}, $mentions)" for column in columns] if person.identifiers else []
        condition = f"coalesce({' OR '.join([exactly, *in_texts])}, false)"
        values = {name: value for name, value in parameters.items() if f"${name}" in condition}
        yield _Erasure(label, spec, condition, values, _row_change(spec, columns, person, keys))


def _keys_of_others(store: Storage, person: Person, folder: Path) -> set[str]:
    """The keys named as a person that requests of others have, or of nobody known; none where no table asks for them."""
    if not any((store / spec.name).has_table() for spec in (BILLS, CLOSES)):
        return set()
    with bounded_database(folder) as con:
        create_view(con, "requests", file_paths(store / REQUESTS.name, REQUESTS), REQUESTS)
        pattern = person.mention_pattern if person.identifiers else "$^"
        return {key for (key,) in con.execute(_KEYS_OF_OTHERS, {"user": person.id, "mentions": pattern}).fetchall()}


def _row_change(spec: TableSpec, columns: Collection[str], person: Person, keys: Collection[str]) -> Change:
    """Returns the function that takes a person out of a row of a table. ``keys`` are others' too."""

    def row_without(row: Row) -> Row:
        actor = {"who": REMOVED} if "who" in columns and person.is_identified_by(row["who"]) else {}
        return row | {name: person.redact(row[name]) for name in columns} | actor

    def alert_without(row: Row) -> Row:
        is_about_person = row["subject"].startswith("user ") and person.is_identified_by(row["subject"].removeprefix("user "))
        return row | dict.fromkeys(columns, REMOVED) if is_about_person else row_without(row)

    changes: Mapping[str, Change] = {
        NAMES.name: lambda row: _name_without(row, person),
        REJECTS.name: lambda row: _reject_without(row, person),
        ALERTS.name: alert_without,
        CLOSES.name: lambda row: (
            row | {name: row_without(row)[name] for name in ("who", "why")} | _close_without(row, person, keys)
        ),
        BILLS.name: lambda row: row if row["key"] in keys else row | {name: _billed_without(row[name], person) for name in columns},
    }
    return changes.get(spec.name, row_without)


def _name_without(row: Row, person: Person) -> Row | None:
    """A row of names without a person: None if it is their name; of a team's members the others."""
    if row["field"] in _USER_FIELDS and row["id"] == person.id:
        return None
    if row["field"] != MEMBERS:  # a key may be called by an e-mail; a team that is called as the user is another's
        return row | {"name": person.redact_emails(row["name"])}
    try:
        members = json.loads(row["name"])
    except ValueError:
        members = None
    if not isinstance(members, list):
        return row | {"name": person.redact(row["name"])}
    others = [member for member in members if not (isinstance(member, dict) and _is_person(member, person))]
    return row if len(others) == len(members) else row | {"name": json.dumps(others)}


def _is_person(member: Mapping[str, Any], person: Person) -> bool:
    email = str(member.get(EMAILS) or "").lower()
    return str(member.get("user_id")) == person.id or email in {address.lower() for address in person.emails}


def _reject_without(row: Row, person: Person) -> Row:
    """A rejected line, which goes as a whole if it names a person; the name of its file may do so too."""
    names_person = person.has_field(row["raw"]) or any(person.redact(row[name]) != row[name] for name in ("reason", "raw"))
    erasure = {"reason": REMOVED, "raw": REMOVED} if names_person else {}
    return row | {"source_file": person.redact_path(row["source_file"])} | erasure


def _close_without(row: Row, person: Person, keys: Collection[str]) -> Row:
    """What of a closed month's row may name a person and is no part of what amounts are compared by: what keys were called, and
    the id of a key that is an e-mail, unless requests still have it.
    """
    key = row["virtual_key"]
    is_email = key is not None and key not in keys and key.lower() in {address.lower() for address in person.emails}
    changed = {"virtual_key": REMOVED} if is_email else {}
    made_with = json.loads(row["made_with"] or "{}")
    key_names = made_with.get("names", {}).get("key", {})
    names_without = {address: person.redact(name) for address, name in key_names.items()}
    if names_without != key_names:
        changed["made_with"] = json.dumps(made_with | {"names": made_with["names"] | {"key": names_without}}, sort_keys=True)
    return changed


def _billed_without(text: str | None, person: Person) -> str | None:
    return REMOVED if person.is_identified_by(text) else person.redact_emails(text)
