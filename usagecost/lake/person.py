"""A person who is to be forgotten: the id in the logs and the e-mails that are theirs alone, and where a text names them.

An id may be a common word, such as admin, or a number. In a text only an e-mail is taken for a person, or an id that can hardly be
anything else: of eight characters or more with a digit among them, and no part of a longer one, as 123 is of auth0|123.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from usagecost.lake.side_tables import Row, read_rows
from usagecost.lake.storage import Storage
from usagecost.lake.table import NAMES
from usagecost.lake.texts import TextFolder
from usagecost.schema import EMAILS
from usagecost.vocabulary.formats import one_line

REMOVED = "(removed)"
"""What stands where a person was named."""
ACCESS = "access.toml"
SHORTEST = 8
"""Characters of an id that is known in a text."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_USER_FIELD = r'(?i:"[^"]*user[^"]*")\s*(?::|,\s*"value"\s*:\s*\{\s*"stringValue"\s*:)\s*'
"""A field of a user, as JSON or an attribute of OpenTelemetry, up to its value."""


@dataclass(frozen=True)
class Person:
    """The ``id`` of somebody, and the ``emails`` that nobody else has."""

    id: str
    emails: tuple[str, ...]

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The words that name the person in any text."""
        is_plain = len(self.id) >= SHORTEST and re.search(r"[0-9]", self.id) and not _EMAIL.fullmatch(self.id)
        return (*([self.id] if is_plain else []), *self.emails)

    def is_identified_by(self, text: str | None) -> bool:
        """Whether a text is nothing but the id or one of the e-mails."""
        emails = {spelt.lower() for email in self.emails for spelt in _spellings(email)}
        return text is not None and (text in _spellings(self.id) or text.lower() in emails)

    def redact(self, text: str | None) -> str | None:
        """Returns a text without what names the person."""
        return text and self._in_text.sub(REMOVED, text)

    def redact_emails(self, text: str | None) -> str | None:
        """Returns a text without the e-mails of the person."""
        return text and _either([_email(email) for email in self.emails]).sub(REMOVED, text)

    def redact_path(self, path: str) -> str:
        """The name of a file, in which a word ends at any sign."""
        return _either([rf"(?<![^\W_])(?i:{_alternatives(word)})(?![^\W_])" for word in self.identifiers]).sub(REMOVED, path)

    @property
    def mention_pattern(self) -> str:
        """A pattern, for RE2 too, that is in every text that names them; there may be more with it."""
        return f"(?i){'|'.join(re.escape(_core(spelt)) for word in self.identifiers for spelt in _spellings(word))}"

    def has_field(self, line: str | None) -> bool:
        """Whether a line of a log has the id in a field of a user."""
        return re.search(self.field_pattern, line or "") is not None

    @property
    def field_pattern(self) -> str:
        """A pattern, for RE2 too, of a field of a user in a line of a log that has the id."""
        spelt = _alternatives(self.id)
        return rf'{_USER_FIELD}(?:"(?:{spelt})"|(?:{spelt})(?:[^\w.-]|$))'

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        ids = [
            rf"(?<![\w@+.|/:-])(?:{_alternatives(word)})(?![\w@+-]|\.\w|[|/:]\S)"
            for word in self.identifiers
            if word not in self.emails
        ]
        return _either([*ids, *(_email(word) for word in self.emails)])


def find_person(store: Storage, texts: TextFolder, user: str) -> Person:
    """A user, with the e-mails that the lake's names or `access.toml` tie to the id; none that names tie to another id too."""
    if not user.strip():
        raise ValueError("Nobody has a blank id")
    names = [row for row in read_rows(store / NAMES.name, NAMES).to_pylist() if row["field"] == EMAILS]
    emails = {row["name"] for row in names if row["id"] == user} | _emails_in_access(texts, user) | {user}
    others = {row["name"].strip().lower() for row in names if row["id"] != user}
    return Person(user, tuple(sorted(email for email in emails if _EMAIL.fullmatch(email) and email.lower() not in others)))


def texts_naming(folder: TextFolder, person: Person) -> list[str]:
    """The texts of people in which the id of a person or an e-mail of theirs stands as a word."""
    identifiers = [person.id, *person.emails]
    pattern = _either([_email(word) if word in person.emails else _bounded(_alternatives(word)) for word in identifiers])
    return [name for name in folder.names_of_people() if pattern.search(folder.read(name) or "")]


def _emails_in_access(texts: TextFolder, user: str) -> set[str]:
    """The e-mails whose ids in logs include a user's, as people have written; none where the text is broken."""
    try:
        entries = tomllib.loads(texts.read(ACCESS) or "").get("person", [])
    except tomllib.TOMLDecodeError:
        return set()
    people = [person for person in entries if isinstance(person, dict)] if isinstance(entries, list) else []
    return {str(person.get("email")).strip() for person in people if user in _listed(person)}


def _listed(person: Row) -> Collection[object]:
    users = person.get("users")
    return users if isinstance(users, list) else ()


def _spellings(word: str) -> list[str]:
    """A word as it is, as JSON writes it, and as alerts do; the longest first."""
    spelt = {word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1], one_line(word)}
    return sorted(spelt - {""}, key=lambda spelling: (-len(spelling), spelling))


def _alternatives(word: str) -> str:
    return "|".join(map(re.escape, _spellings(word)))


def _bounded(pattern: str) -> str:
    """A pattern where it is no part of a longer id or address."""
    return rf"(?<![\w@+.-])(?:{pattern})(?![\w@+-]|\.\w)"


def _email(word: str) -> str:
    """A pattern of an e-mail, in upper or lower case."""
    return _bounded(f"(?i:{_alternatives(word)})")


def _either(patterns: Collection[str]) -> re.Pattern[str]:
    """Finds one of some patterns; nothing where there are none."""
    return re.compile("|".join(patterns) or r"(?!)")


def _core(word: str) -> str:
    """The longest part of a word that no regular expression could read otherwise."""
    return max(re.findall(r"[\w@+.-]+", word, re.ASCII), key=len, default="")
