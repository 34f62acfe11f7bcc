"""Who may see and do what: `access.toml` beside the lake gives roles to people by e-mail, group or domain.

What a reader may see is a scope of requests, which every question is asked of; what they may do is asked where it is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from usagecost.lake import Lake
from usagecost.schema import EMAILS, MEMBERS
from usagecost.toml_lines import TomlProblem, TomlTable, parse_toml, read_toml
from usagecost.toml_tables import put_table, write_table
from usagecost.vocabulary.filters import EVERYTHING, Condition, Scope

NAME = "access.toml"
HEADER = "# Who may see and do what: roles by e-mail, group:name, *@domain, or * for whoever signs in.\n"
TABLE = "grant"

Role = Literal["admin", "finance", "lead", "member", "none"]
ROLES: dict[Role, str] = {
    "admin": "Sees everything and may change everything",
    "finance": "Sees everything; loads bills, closes months, sets budgets",
    "lead": "Sees the requests of their teams, and their own",
    "member": "Sees their own requests",
    "none": "Sees nothing",
}
"""Role -> what it means, the one that may most first."""

Act = Literal["load", "remove", "reprice", "price", "board", "note", "budget", "bill", "close", "access"]
_MAY: dict[Role, frozenset[Act]] = {"admin": frozenset(get_args(Act)), "finance": frozenset({"budget", "bill", "close"})}

_GROUP, _DOMAIN, ANYBODY = "group:", "*@", "*"


class AccessProblem(TomlProblem):
    """What is wrong with the file: the line, the key, and what would be right."""


class Grant(TomlTable):
    """A role for whoever one of ``to`` is about. ``teams``: what a lead sees, by id or name; those that LiteLLM says they
    administer where none is named.
    """

    to: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=320)], ...], Field(min_length=1)]
    role: Role
    teams: tuple[str, ...] = ()

    @field_validator("to")
    @classmethod
    def _check_whom(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        for one in to:
            if not _is_somebody(one):
                raise ValueError(f"{one!r} is nobody: write an e-mail, group:name, *@domain, or * for whoever signs in")
        return to

    @model_validator(mode="after")
    def _check_teams(self) -> Grant:
        if self.teams and self.role != "lead":
            raise ValueError(f"teams are what a lead sees, not {self.role}")
        return self


class Person(TomlTable):
    """The ``users`` of logs that somebody with an e-mail is, beside those that logs or LiteLLM call by that e-mail."""

    email: Annotated[str, Field(min_length=3, max_length=320)]
    users: tuple[Annotated[str, Field(min_length=1)], ...]


class AccessFile(TomlTable):
    """What the file says. ``groups`` is the claim that lists a reader's groups; ``audit_days`` how long acts are kept.

    An e-mail of which the provider does not say whether it is verified counts, unless ``require_verified_email``.
    """

    groups: str = "groups"
    require_verified_email: bool = False
    audit_days: Annotated[int, Field(ge=1, le=36_500)] = 730
    grant: Annotated[tuple[Grant, ...], Field(max_length=10_000)] = ()
    person: Annotated[tuple[Person, ...], Field(max_length=100_000)] = ()


@dataclass(frozen=True)
class Reader:
    """Somebody who reads: what they are called, their role, and which requests they may see."""

    name: str
    role: Role
    scope: Scope

    def may(self, act: Act) -> bool:
        """Whether their role includes an act."""
        return act in _MAY.get(self.role, ())

    @property
    def sees_everything(self) -> bool:
        """Whether no request is hidden from them."""
        return self.scope.is_everything

    @property
    def sees(self) -> str:
        """What they may see, in words."""
        if self.scope.any_of is None:
            return "All requests"
        ways = [" and ".join(one.phrase() for one in some) for some in self.scope.any_of]
        ways += [f"user is {' or '.join(self.scope.emails)}, in upper or lower case"] if self.scope.emails else []
        return f"Requests whose {', or whose '.join(ways)}" if ways else "Nothing"


OWNER = Reader("", "admin", EVERYTHING)
"""Who reads where nobody has to say who they are."""


@lru_cache(maxsize=8)
def parse_access(text: str) -> AccessFile:
    """What a file says; raises AccessProblem with the line, the key and the cure."""
    return parse_toml(text, AccessFile, AccessProblem)


def read_access(lake: Lake) -> AccessFile:
    """What the file beside a lake says, nothing where there is none; raises AccessProblem, naming the file, and LakeError."""
    return read_toml(lake.texts_beside(), NAME, parse_access)


def grant_text(grant: Grant) -> str:
    """A grant as the file has it."""
    return write_table(f"[[{TABLE}]]", grant.model_dump(exclude_defaults=True))


def add_grant(lake: Lake, grant: Grant) -> None:
    """Appends a grant; raises AccessProblem, and changes nothing, if the file were broken then, and LakeError."""
    lake.texts_beside().append(NAME, grant_text(grant), header=HEADER, parse=parse_access)


def revoke(lake: Lake, holder: str) -> tuple[Grant, ...]:
    """Takes away all that is granted to somebody by these words; returns the grants as they were. Raises as `change_grant` does."""
    grants = tuple(grant for grant in read_access(lake).grant if holder in grant.to)
    for grant in grants:
        others = tuple(one for one in grant.to if one != holder)
        change_grant(lake, grant, grant.model_copy(update={"to": others}) if others else None)
    return grants


def change_grant(lake: Lake, seen: Grant, grant: Grant | None) -> None:
    """Puts a grant, or none, in the place of one as it was seen; the rest of the file stays as it is. Raises AccessProblem where
    it is not there any more, and LakeError.
    """
    folder = lake.texts_beside()
    text = folder.read(NAME) or ""
    access = parse_access(text)
    if seen not in access.grant:
        raise AccessProblem("That is not granted any more: somebody else has changed it.")
    place = access.grant.index(seen)
    changed_file = access.model_copy(
        update={"grant": (*access.grant[:place], *([grant] if grant else []), *access.grant[place + 1 :])}
    )
    changed = put_table(text, TABLE, place, grant_text(grant) if grant else "", lambda new: parse_access(new) == changed_file)
    if changed is None:
        raise AccessProblem(f"{NAME} cannot be changed without losing what else it says: change it in the file.")
    folder.put(NAME, changed, seen=text)


def reader_of(claims: Mapping[str, Any], access: AccessFile, names: pa.Table) -> Reader:
    """Who has signed in, by what the provider claims of them, with the lake's names as schema.NAMES has them.

    An e-mail that the provider calls unverified counts for nothing; one of which it says nothing as the file has it.
    """
    email, grants = granted(claims, access)
    roles = {grant.role for grant in grants}
    role = "none" if "none" in roles else next((role for role in ROLES if role in roles), "none")
    name = email or f"sub:{claims.get('sub') or 'unknown'}"  # what else is claimed, whoever signs in may choose
    return Reader(name, role, _scope(role, email, grants, access, names))


def granted(claims: Mapping[str, Any], access: AccessFile) -> tuple[str, list[Grant]]:
    """The e-mail of somebody, "" where it counts for nothing, and what is granted to them."""
    verified = claims.get("email_verified")
    counts = not access.require_verified_email if verified is None else str(verified).lower() == "true"
    email = str(claims.get("email") or "").strip() if counts else ""
    email = email.lower() if email.isascii() else ""  # other letters look, or turn to lower case, like these
    groups = claims.get(access.groups)
    group_names = (
        {groups} if isinstance(groups, str) else {str(one) for one in groups} if isinstance(groups, list | tuple | set) else set()
    )
    return email, _grants_of(email, group_names, access.grant)


def by_strength(grants: Iterable[Grant]) -> list[Grant]:
    """Grants in the order of their roles, the one that may most first."""
    return sorted(grants, key=lambda grant: list(ROLES).index(grant.role))


def because(grants: Iterable[Grant]) -> str:
    """Which grants give somebody their role, in words."""
    teams = {grant: f" of {' and '.join(grant.teams)}" if grant.teams else "" for grant in grants}
    reasons = [f"{' or '.join(grant.to)} is {grant.role}{of_teams}" for grant, of_teams in teams.items()]
    return "; ".join(reasons) or "nothing is granted to them, to a group of theirs, to their domain, or to everybody"


def _grants_of(email: str, groups: set[str], grants: Iterable[Grant]) -> list[Grant]:
    """What is granted to somebody by e-mail; where nothing is, by group; else by domain; else to anybody."""
    closest: dict[int, list[Grant]] = {}
    for grant in grants:
        how = [_closeness(one, email, groups) for one in grant.to]
        if ranks := [place for place in how if place is not None]:
            closest.setdefault(min(ranks), []).append(grant)
    return closest[min(closest)] if closest else []


def _is_somebody(to: str) -> bool:
    """Whether words of the file can be about anybody."""
    if to == ANYBODY or to.startswith(_GROUP):
        return to != _GROUP
    name, _, domain = to.rpartition("@")
    return bool(name and domain) and "*" not in to.removeprefix(_DOMAIN) and not any(letter.isspace() for letter in to)


def _closeness(to: str, email: str, groups: set[str]) -> int | None:
    """How closely somebody is named, 0 by e-mail; None if they are not."""
    if to.startswith(_GROUP):
        return 1 if to.removeprefix(_GROUP) in groups else None
    if to == ANYBODY:
        return 3
    if to.startswith(_DOMAIN):
        return 2 if email and email.rpartition("@")[2] == to.removeprefix(_DOMAIN).lower() else None
    return 0 if email and to.lower() == email else None


def _scope(role: Role, email: str, grants: Iterable[Grant], access: AccessFile, names: pa.Table) -> Scope:
    if role in ("admin", "finance"):
        return EVERYTHING
    if role == "none":
        return Scope(())
    rows = names.to_pylist()
    users = _users_of(email, access, rows)
    any_of = [Condition("user", users)] if users else []
    if teams := _teams_of(email, users, [grant for grant in grants if grant.role == "lead"], rows):
        any_of.append(Condition("team", teams))
    return Scope(tuple((one,) for one in any_of), (email,) if email else ())


def _users_of(email: str, access: AccessFile, names: list[dict[str, Any]]) -> tuple[str, ...]:
    """The ids in logs that are somebody's, beside their e-mail. One that two proxies tie to different e-mails is nobody's."""
    by_table = {user for person in access.person if email and person.email.lower() == email for user in person.users}
    emails: dict[str, set[str]] = {}
    for row in names:
        if row["field"] == EMAILS:
            emails.setdefault(row["id"], set()).add(row["name"].strip().lower())
    by_name = {user for user, theirs in emails.items() if email and theirs == {email}}
    return tuple(sorted(by_table | by_name))


def _teams_of(email: str, users: tuple[str, ...], leads: list[Grant], names: list[dict[str, Any]]) -> tuple[str, ...]:
    """The ids of the teams that somebody leads. An id is no other team's name, and a name that two teams have is neither's."""
    team_ids: set[str] = set()
    ids: dict[str, set[str]] = {}
    for row in names:
        if row["field"] == "team_id":
            ids.setdefault(row["name"].strip(), set()).add(row["id"])
    all_ids = {one for of_name in ids.values() for one in of_name}
    for grant in leads:
        for team in grant.teams:
            ids_of_name = ids.get(team, set()) if team not in all_ids else set()
            team_ids |= ids_of_name if len(ids_of_name) == 1 else {team}
        if not grant.teams:
            team_ids |= {row["id"] for row in names if row["field"] == MEMBERS and _is_admin(row["name"], email, users)}
    return tuple(sorted(team_ids))


def _is_admin(members: str, email: str, users: tuple[str, ...]) -> bool:
    """Whether somebody administers a team, by the members that LiteLLM lists as JSON."""
    try:
        listed = json.loads(members)
    except ValueError:
        return False
    listed = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    mine = {*users, *([email] if email else [])}
    return any(
        one.get("role") == "admin" and (str(one.get("user_id")) in mine or (email and str(one.get("user_email")).lower() == email))
        for one in listed
    )
