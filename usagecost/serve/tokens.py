"""Who may ask: tokens, of which `tokens.toml` beside the lake keeps a hash, with what each may see and until when.

A token is 256 random bits, so a plain SHA-256 of it can neither be turned back nor guessed; it is shown once, when it is made.
"""

from __future__ import annotations

import secrets
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from usagecost.access import read_access, reader_of
from usagecost.lake import Lake
from usagecost.toml_lines import TomlProblem, TomlTable, line_of, parse_toml, read_toml
from usagecost.toml_tables import put_table, write_table
from usagecost.vocabulary.filters import EVERYTHING, Scope, Values, check_values, conditions_of

NAME = "tokens.toml"
HEADER = "# Tokens of the API: hashes, what each may see, and until when. `python -m usagecost token` makes them.\n"
TABLE = "token"
PREFIX = "uc_"
"""By which a token that was left somewhere is recognised."""


class TokenProblem(TomlProblem):
    """What is wrong with the file, or with what is asked: the line, the key, and what would be right."""


class Token(TomlTable):
    """A token as the file has it. ``person``: an e-mail, whose role and scope in `access.toml` it has, whatever they are when it is
    used. Without one ``only`` says which values of dimensions it may see, all if there are none.

    ``until`` is the last UTC day on which it may be used.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    made: date
    until: date | None = None
    person: Annotated[str | None, Field(min_length=3, max_length=320)] = None
    only: Annotated[Values, AfterValidator(check_values)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_person(self) -> Token:
        if self.person and self.only:
            raise ValueError("a token of a person sees what they see: leave out `only`, or the person")
        return self

    def scope(self, lake: Lake) -> Scope:
        """What of the requests it may see now; raises AccessProblem and LakeError."""
        if self.person:
            return reader_of({"email": self.person, "email_verified": True}, read_access(lake), lake.rows("names")).scope
        conditions = conditions_of(self.only)
        return Scope((conditions,)) if conditions else EVERYTHING


class _File(TomlTable):
    token: Annotated[tuple[Token, ...], Field(max_length=1_000)] = ()


@lru_cache(maxsize=8)
def parse_tokens(text: str) -> tuple[Token, ...]:
    """What a file says; raises TokenProblem with the line, the key and the cure."""
    tokens = parse_toml(text, _File, TokenProblem).token
    for place, token in enumerate(tokens):
        if token.name in {other.name for other in tokens[:place]}:
            raise TokenProblem(f"line {line_of(text, (TABLE, place, 'name'))}, name: there is a token {token.name!r} already.")
    return tokens


def read_tokens(lake: Lake) -> tuple[Token, ...]:
    """The tokens of a lake; raises TokenProblem, naming the file, and LakeError."""
    return read_toml(lake.texts_beside(), NAME, parse_tokens)


def make_token(
    lake: Lake,
    name: str,
    today: date,
    *,
    until: date | None = None,
    only: Values,
    person: str | None = None,
) -> str:
    """Makes a token and returns it; only its hash is kept. Raises TokenProblem, ValueError (a ValidationError) and LakeError."""
    token = PREFIX + secrets.token_urlsafe(32)
    made = Token(name=name, sha256=hash_of(token), made=today, until=until, only=only, person=person)
    written = write_table(f"[[{TABLE}]]", made.model_dump(exclude_defaults=True))
    lake.texts_beside().append(NAME, written, header=HEADER, parse=parse_tokens)
    return token


def remove_token(lake: Lake, name: str) -> None:
    """Removes a token, which is refused from then on; raises TokenProblem if there is none, and LakeError."""
    folder = lake.texts_beside()
    text = folder.read(NAME) or ""
    tokens = parse_tokens(text)
    place = next((place for place, token in enumerate(tokens) if token.name == name), None)
    if place is None:
        raise TokenProblem(f"There is no token {name!r}: `python -m usagecost token list` names them.")
    others = (*tokens[:place], *tokens[place + 1 :])
    changed = put_table(text, TABLE, place, "", lambda new: parse_tokens(new) == others)
    if changed is None:
        raise TokenProblem(f"{NAME} cannot be changed without losing what else it says: remove the token in the file.")
    folder.put(NAME, changed, seen=text)


def hash_of(token: str) -> str:
    """What the file keeps of a token."""
    return sha256(token.encode()).hexdigest()


def token_of(tokens: tuple[Token, ...], secret: str, today: date) -> Token | None:
    """The token that somebody shows, if it is one that may still be used."""
    digest = hash_of(secret)
    found = next((token for token in tokens if secrets.compare_digest(token.sha256, digest)), None)
    return found if found and (found.until is None or today <= found.until) else None
