"""Forgetting a person in what lies beside the requests: names, acts, alerts, closes, bills, rejected lines and repricings.

Rows that are about the person alone go; in others a word takes the person's place. What people write beside the lake is only named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from usagecost.lake.person import EMAILS, REMOVED, Person, person_of
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

_OF_USERS = ("user_id", EMAILS)
_OF_BILLS = ("key", "project", "description", "account")

_LOOKED_AT: Mapping[str, tuple[TableSpec, tuple[str, ...], str]] = {
    "acts": (AUDIT, ("who", "what", "before", "after", "why", "outcome"), "who = $user"),
    "alerts": (ALERTS, ("subject", "title", "body"), "subject = $subject"),
    "rows of closed months": (CLOSES, ("who", "why", "made_with", "virtual_key"), "who = $user"),
    "rejected lines": (REJECTS, ("reason", "raw", "source_file"), "regexp_matches(raw, $field)"),
    "repricings": (REPRICINGS, ("who", "why"), "who = $user"),
    "lines of bills": (BILLS, _OF_BILLS, f"list_contains([{', '.join(_OF_BILLS)}], $user)"),
    "names": (NAMES, ("name",), f"id = $user OR (field = '{MEMBERS}' AND contains(name, $json))"),
}
"""What rows are called -> their table, the columns whose texts may name somebody, and SQL for what is exactly the id. Names tell
the e-mails, so they are last.
"""
_CHANGES = "changed prices"
"""What the rows of requests are called that were repriced; those of a user go with the requests."""

_KEYS_OF_OTHERS = """
SELECT DISTINCT virtual_key FROM requests
WHERE user_id IS DISTINCT FROM $user AND (virtual_key = $user OR regexp_matches(virtual_key, $words))
"""


@dataclass(frozen=True)
class _Erased:
    """What is to be changed in a table: rows of a condition, to what `change` makes of them."""

    called: str
    spec: TableSpec
    condition: str
    values: Mapping[str, object]
    change: Change


def preview(place: Storage, texts: TextFolder, user: str | None, folder: Path) -> dict[str, int]:
    """What `erase` would change now: how many rows, by what they are called. Nothing without a user."""
    return _in_each_table(place, texts, user, folder, count_changes, count_rows)


def erase(place: Storage, texts: TextFolder, user: str | None, folder: Path) -> dict[str, int]:
    """Takes a user out of the tables; returns how many rows were changed, by what they are called. Done twice, it is done once.

    Nothing without a user. The caller is alone among the writers of this machine.
    """
    return _in_each_table(place, texts, user, folder, change_rows, remove_rows)


def _in_each_table(
    place: Storage, texts: TextFolder, user: str | None, folder: Path, change: Callable[..., int], remove: Callable[..., int]
) -> dict[str, int]:
    """What is done in each table: by ``change`` where rows may stay as others, by ``remove`` where they go with the requests."""
    if user is None:
        return {}
    found: dict[str, int] = {}
    for one in _erased(place, person_of(place, texts, user), folder):
        found[one.called] = until_committed(
            lambda one=one: change(place / one.spec.name, one.spec, one.condition, one.values, one.change, folder)
        )
    changes = place / PRICE_CHANGES.name
    found[_CHANGES] = until_committed(lambda: remove(changes, PRICE_CHANGES, "user_id", user, folder))
    return {called: count for called, count in found.items() if count}


def _erased(place: Storage, person: Person, folder: Path) -> Iterator[_Erased]:
    keys = _keys_of_others(place, person, folder)
    said = {
        "user": person.id,
        "subject": f"user {one_line(person.id)}",
        "field": person.as_field,
        "json": json.dumps(person.id)[1:-1],
        "words": person.parts,
    }
    for called, (spec, columns, exactly) in _LOOKED_AT.items():
        in_texts = [f"regexp_matches({column}, $words)" for column in columns] if person.words else []
        condition = f"coalesce({' OR '.join([exactly, *in_texts])}, false)"
        values = {name: value for name, value in said.items() if f"${name}" in condition}
        yield _Erased(called, spec, condition, values, _change_of(spec, columns, person, keys))


def _keys_of_others(place: Storage, person: Person, folder: Path) -> set[str]:
    """The keys named as a person that requests of others have, or of nobody known; none where no table asks for them."""
    if not any((place / spec.name).has_table() for spec in (BILLS, CLOSES)):
        return set()
    with bounded_database(folder) as con:
        create_view(con, "requests", file_paths(place / REQUESTS.name, REQUESTS), REQUESTS)
        words = person.parts if person.words else "$^"
        return {key for (key,) in con.execute(_KEYS_OF_OTHERS, {"user": person.id, "words": words}).fetchall()}


def _change_of(spec: TableSpec, columns: Collection[str], person: Person, keys: Collection[str]) -> Change:
    """What becomes of a row of a table. ``keys`` are others' too."""

    def named_less(row: Row) -> Row:
        who = {"who": REMOVED} if "who" in columns and person.is_called(row["who"]) else {}
        return row | {name: person.less(row[name]) for name in columns} | who

    def alert_less(row: Row) -> Row:
        is_theirs = row["subject"].startswith("user ") and person.is_called(row["subject"].removeprefix("user "))
        return row | dict.fromkeys(columns, REMOVED) if is_theirs else named_less(row)

    changes: Mapping[str, Change] = {
        NAMES.name: lambda row: _name_without(row, person),
        REJECTS.name: lambda row: _reject_without(row, person),
        ALERTS.name: alert_less,
        CLOSES.name: lambda row: row | {name: named_less(row)[name] for name in ("who", "why")} | _close_without(row, person, keys),
        BILLS.name: lambda row: row if row["key"] in keys else row | {name: _billed_without(row[name], person) for name in columns},
    }
    return changes.get(spec.name, named_less)


def _name_without(row: Row, person: Person) -> Row | None:
    """A row of names without a person: None if it is their name; of a team's members the others."""
    if row["field"] in _OF_USERS and row["id"] == person.id:
        return None
    if row["field"] != MEMBERS:  # a key may be called by an e-mail; a team that is called as the user is another's
        return row | {"name": person.less_emails(row["name"])}
    try:
        members = json.loads(row["name"])
    except ValueError:
        members = None
    if not isinstance(members, list):
        return row | {"name": person.less(row["name"])}
    left = [one for one in members if not (isinstance(one, dict) and _is_one_of(one, person))]
    return row if len(left) == len(members) else row | {"name": json.dumps(left)}


def _is_one_of(member: Mapping[str, Any], person: Person) -> bool:
    email = str(member.get(EMAILS) or "").lower()
    return str(member.get("user_id")) == person.id or email in {one.lower() for one in person.emails}


def _reject_without(row: Row, person: Person) -> Row:
    """A rejected line, which goes as a whole if it names a person; the name of its file may do so too."""
    is_theirs = person.has_field(row["raw"]) or any(person.less(row[name]) != row[name] for name in ("reason", "raw"))
    gone = {"reason": REMOVED, "raw": REMOVED} if is_theirs else {}
    return row | {"source_file": person.less_in_path(row["source_file"])} | gone


def _close_without(row: Row, person: Person, keys: Collection[str]) -> Row:
    """What of a closed month's row may name a person and is no part of what amounts are compared by: what keys were called, and
    the id of a key that is an e-mail, unless requests still have it.
    """
    key = row["virtual_key"]
    is_theirs = key is not None and key not in keys and key.lower() in {one.lower() for one in person.emails}
    changed = {"virtual_key": REMOVED} if is_theirs else {}
    made_with = json.loads(row["made_with"] or "{}")
    called = made_with.get("names", {}).get("key", {})
    left = {one: person.less(name) for one, name in called.items()}
    if left != called:
        changed["made_with"] = json.dumps(made_with | {"names": made_with["names"] | {"key": left}}, sort_keys=True)
    return changed


def _billed_without(text: str | None, person: Person) -> str | None:
    return REMOVED if person.is_called(text) else person.less_emails(text)
