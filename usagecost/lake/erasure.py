"""Forgetting a person in what lies beside the requests: names, acts, alerts, closes, rejected lines and repricings.

Rows that are about the person alone go; in others a word takes the person's place. The person is known by the id in the logs, and
by the e-mails that the names tell of it; parts of longer words are none. What people write beside the lake is only named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.lake.side_tables import count_rows, read_rows, remove_rows, write_anew
from usagecost.lake.storage import Storage
from usagecost.lake.table import ALERTS, AUDIT, CLOSES, NAMES, PRICE_CHANGES, REJECTS, REPRICINGS, TableSpec
from usagecost.lake.texts import OF_PEOPLE, TextFolder

REMOVED = "(removed)"
"""What stands where a person was named."""

EMAILS, MEMBERS = "user_email", "team_members"
_OF_USERS = ("user_id", EMAILS)

Row = dict[str, Any]
Change = Callable[[Row], Row | None]
"""What becomes of a row that may name somebody; None if it goes."""

_LOOKED_AT: Mapping[str, tuple[TableSpec, tuple[str, ...]]] = {
    "names": (NAMES, ("id", "name")),
    "acts": (AUDIT, ("who", "what", "before", "after", "why", "outcome")),
    "alerts": (ALERTS, ("subject", "title", "body")),
    "rows of closed months": (CLOSES, ("who", "why", "made_with", "virtual_key")),
    "rejected lines": (REJECTS, ("reason", "raw")),
    "repricings": (REPRICINGS, ("who", "why")),
}
"""What rows are called -> their table, and the columns in which somebody may be named."""
_CHANGES = "changed prices"
"""What the rows of requests are called that were repriced; those of a user go with the requests."""


def words_of(place: Storage, user: str) -> tuple[str, ...]:
    """The id of a user, and the e-mails that names tell of it."""
    names = read_rows(place / NAMES.name, NAMES).to_pylist()
    emails = {row["name"] for row in names if (row["field"], row["id"]) == (EMAILS, user)}
    return (user, *sorted(emails - {user, ""}))


def preview(place: Storage, user: str | None, folder: Path) -> dict[str, int]:
    """What `erase` would change now: how many rows, by what they are called. Nothing without a user."""
    if user is None:
        return {}
    words = words_of(place, user)
    found = {called: len(_found(place, spec, columns, user, words)[1]) for called, (spec, columns) in _LOOKED_AT.items()}
    found[_CHANGES] = count_rows(place / PRICE_CHANGES.name, PRICE_CHANGES, "user_id", user, folder)
    return {called: count for called, count in found.items() if count}


def erase(place: Storage, user: str | None, folder: Path) -> dict[str, int]:
    """Takes a user out of the tables; returns how many rows were changed, by what they are called. Done twice, it is done once.

    Nothing without a user. The caller is alone among the writers.
    """
    if user is None:
        return {}
    words, changed = words_of(place, user), {}
    if count := remove_rows(place / PRICE_CHANGES.name, PRICE_CHANGES, "user_id", user, folder):
        changed[_CHANGES] = count
    for called, (spec, columns) in sorted(_LOOKED_AT.items(), key=lambda one: one[1][0] is NAMES):  # they tell the words: last
        others, rows = _found(place, spec, columns, user, words)
        if rows:
            left = pa.Table.from_pylist([row for row in rows if row is not None], spec.columns)
            write_anew(place / spec.name, spec, pa.concat_tables([others, left]), folder)
            changed[called] = len(rows)
    return changed


def texts_naming(folder: TextFolder, words: Collection[str]) -> list[str]:
    """The texts of people in which one of some words stands."""
    pattern = _pattern(words)
    folders = [name for name in OF_PEOPLE if name.endswith("/")]
    below = {name: TextFolder(folder.place / name.rstrip("/")) for name in folders}
    texts = [(name, folder, name) for name in OF_PEOPLE if name not in folders]
    texts += [(f"{name}{one}", within, one) for name, within in below.items() for one in within.names()]
    return [called for called, within, name in texts if pattern.search(within.read(name) or "")]


def _found(
    place: Storage, spec: TableSpec, columns: Collection[str], user: str, words: Collection[str]
) -> tuple[pa.Table, list[Row | None]]:
    """The rows of a table that name nobody of some words, and what becomes of those that do."""
    table = read_rows(place / spec.name, spec)
    hits = [pc.match_substring(table[column], _core(word), ignore_case=True) for column in columns for word in words]
    may_be = pc.fill_null(reduce(pc.or_kleene, hits), fill_value=False)
    change = _change_of(spec, columns, user, words)
    rows = table.filter(may_be).to_pylist()
    changed = [(row, change(row)) for row in rows]
    same = pa.Table.from_pylist([row for row, new in changed if new == row], spec.columns)
    return pa.concat_tables([table.filter(pc.invert(may_be)), same]), [new for row, new in changed if new != row]


def _change_of(spec: TableSpec, columns: Collection[str], user: str, words: Collection[str]) -> Change:
    pattern = _pattern(words)

    def named_less(row: Row) -> Row:
        return row | {name: row[name] and pattern.sub(REMOVED, row[name]) for name in columns}

    if spec is NAMES:
        return lambda row: _name_without(row, user, words, pattern)
    if spec is REJECTS:
        return lambda row: row if named_less(row) == row else row | {"reason": REMOVED, "raw": REMOVED}
    if spec is ALERTS:
        subjects = {f"user {word}" for word in words}
        return lambda row: (
            row | (dict.fromkeys(columns, REMOVED) if row["subject"] in subjects else named_less(row) | {"subject": row["subject"]})
        )
    if spec is CLOSES:
        return lambda row: row | {name: named_less(row)[name] for name in ("who", "why")} | _close_without(row, words, pattern)
    return named_less


def _name_without(row: Row, user: str, words: Collection[str], pattern: re.Pattern[str]) -> Row | None:
    """A row of names without a person: None if it is their name; of a team's members the others."""
    if row["field"] in _OF_USERS and row["id"] == user:
        return None
    if row["field"] != MEMBERS:  # a key may be called by an e-mail; a team that is called as the user is another's
        emails = [word for word in words if "@" in word]
        return row | {"name": _pattern(emails).sub(REMOVED, row["name"])} if emails else row
    try:
        members = json.loads(row["name"])
    except ValueError:
        members = None
    if not isinstance(members, list):
        return row | {"name": pattern.sub(REMOVED, row["name"])}
    theirs = {word.lower() for word in words}
    left = [one for one in members if not (isinstance(one, dict) and _is_one_of(one, user, theirs))]
    return row if len(left) == len(members) else row | {"name": json.dumps(left)}


def _close_without(row: Row, words: Collection[str], pattern: re.Pattern[str]) -> Row:
    """What of a closed month's row may name a person and is no part of what amounts are compared by: what keys were called, and
    the id of a key that is an e-mail.
    """
    emails = {word.lower() for word in words if "@" in word}
    key = row["virtual_key"]
    changed = {"virtual_key": REMOVED} if key and key.lower() in emails else {}
    made_with = json.loads(row["made_with"] or "{}")
    keys = made_with.get("names", {}).get("key", {})
    left = {one: pattern.sub(REMOVED, name) for one, name in keys.items()}
    if left != keys:
        changed["made_with"] = json.dumps(made_with | {"names": made_with["names"] | {"key": left}}, sort_keys=True)
    return changed


def _is_one_of(member: Mapping[str, Any], user: str, theirs: Collection[str]) -> bool:
    return member.get("user_id") == user or str(member.get(EMAILS) or "").lower() in theirs


def _pattern(words: Collection[str]) -> re.Pattern[str]:
    """Finds words where they are no part of a longer id or address; e-mails in upper or lower case, and as JSON writes them too."""
    spelt = {spelling for word in words for spelling in (word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1])}
    ways = [f"(?i:{re.escape(one)})" if "@" in one else re.escape(one) for one in sorted(spelt, key=len, reverse=True)]
    return re.compile(rf"(?<![\w@+.-])(?:{'|'.join(ways)})(?![\w@+-]|\.\w)")


def _core(word: str) -> str:
    """A part of a word that every spelling of it has."""
    return max(re.findall(r"[\w@+.-]+", word, re.ASCII), key=len, default="")
