"""Roles by e-mail, group and domain, and what each may see; what is wrong with the file is said with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.views import instant, request, write_lake
from usagecost import schema
from usagecost.access import (
    AccessProblem,
    Grant,
    Reader,
    add_grant,
    change_grant,
    parse_access,
    read_access,
    reader_of,
)
from usagecost.lake import Lake
from usagecost.vocabulary.filters import EVERYTHING, Condition, Scope

SAID = """
[[grant]]
to = ["Ana@example.com", "group:finops-admins"]
role = "admin"

[[grant]]
to = ["group:finance"]
role = "finance"

[[grant]]
to = ["li@example.com"]
role = "lead"
teams = ["t-1", "Search"]

[[grant]]
to = ["*@example.com"]
role = "member"

[[grant]]
to = ["gone@example.com", "group:contractors"]
role = "none"

[[person]]
email = "noah@example.com"
users = ["noah.stein"]
"""


def names(*rows: tuple[str, str, str]) -> pa.Table:
    told = [{"source": "litellm", "field": field, "id": key, "name": name} for field, key, name in rows]
    return pa.Table.from_pylist([{**row, "seen_at": instant("2026-05-01")} for row in told], schema=schema.NAMES)


def reader(said: str = SAID, known: pa.Table | None = None, **claims: Any) -> Reader:
    return reader_of(claims, parse_access(said), names() if known is None else known)


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "ana@EXAMPLE.com"}, "admin"),
        ({"email": "ana@example.com", "groups": ["contractors"]}, "admin"),  # an e-mail is closer than a group
        ({"email": "bo@example.com", "groups": ["finops-admins"]}, "admin"),
        ({"email": "bo@example.com", "groups": "finance"}, "finance"),
        ({"email": "bo@example.com", "groups": ["finance", "contractors"]}, "none"),  # of one closeness, none outweighs
        ({"email": "bo@example.com"}, "member"),
        ({"email": "gone@example.com", "groups": ["finance"]}, "none"),
        ({"email": "bo@other.com"}, "none"),
        ({"email": "bo@example.com.evil.com"}, "none"),
        ({"email": "evil@evil.com@example.com"}, "member"),  # what a provider verified: the domain is what follows the last @
        ({"email": "ana@example.com", "email_verified": False}, "none"),
        ({"email": "ana@example.com", "email_verified": "false"}, "none"),
        ({"email": "ana@example.com", "email_verified": True}, "admin"),
        ({"groups": ["finance"]}, "finance"),
        ({"preferred_username": "ana@example.com"}, "none"),  # which whoever signs in may choose
        ({"groups": 7}, "none"),
        ({"groups": {"finance": False}}, "none"),
        ({"email": "\u212aim@example.com"}, "none"),  # KELVIN SIGN, which turns to k
        ({}, "none"),
    ],
)
def test_the_closest_grant_decides(claims: dict[str, Any], role: str):
    assert reader(**claims).role == role


@pytest.mark.parametrize(
    ("verified", "role"), [({}, "none"), ({"email_verified": None}, "none"), ({"email_verified": True}, "admin")]
)
def test_an_email_of_which_nothing_is_said_can_be_refused(verified: dict[str, Any], role: str):
    assert reader(f"require_verified_email = true\n{SAID}", email="ana@example.com", **verified).role == role


def test_who_signs_in_is_somebody_where_anybody_is():
    said = '[[grant]]\nto = ["*"]\nrole = "member"\n'

    assert reader(said, sub="1").role == "member"
    assert reader(said, sub="1").scope == Scope(())  # nothing tells which requests are theirs
    assert reader("", email="ana@example.com").role == "none"


def test_each_role_sees_what_it_says():
    called = names(
        ("user_email", "u-7", "Noah@example.com"),
        ("user_email", "u-8", "other@example.com"),
        ("team_id", "t-9", "Search"),
        ("team_id", "t-3", "Ads"),
    )

    assert reader(email="ana@example.com").scope == EVERYTHING
    assert reader(email="bo@example.com", groups=["finance"]).scope == EVERYTHING
    assert reader(email="gone@example.com").scope == Scope(())
    assert reader(known=called, email="noah@example.com").scope == Scope(
        ((Condition("user", ("noah.stein", "u-7")),),), ("noah@example.com",)
    )
    assert reader(known=called, email="li@example.com").scope == Scope(((Condition("team", ("t-1", "t-9")),),), ("li@example.com",))


def test_a_name_that_two_teams_have_is_neithers():
    called = names(("team_id", "t-9", "Search"), ("team_id", "t-10", "Search"))

    assert reader(known=called, email="li@example.com").scope.any_of == ((Condition("team", ("Search", "t-1")),),)


def test_an_id_is_no_other_teams_name():
    said = '[[grant]]\nto = ["li@example.com"]\nrole = "lead"\nteams = ["t-1"]\n'
    called = names(("team_id", "t-1", "Search"), ("team_id", "t-9", "t-1"))

    assert reader(said, called, email="li@example.com").scope.any_of == ((Condition("team", ("t-1",)),),)


def test_an_id_that_two_proxies_tie_to_two_people_is_nobodys():
    called = pa.concat_tables([names(("user_email", "default", mail)) for mail in ("noah@example.com", "bo@example.com")])

    assert reader(known=called, email="bo@example.com").scope == Scope((), ("bo@example.com",))


@pytest.mark.parametrize(
    ("members", "leads"),
    [
        ([{"role": "admin", "user_id": "u-7"}], True),
        ([{"role": "admin", "user_id": None, "user_email": "LI@example.com"}], True),
        ([{"role": "user", "user_id": "u-7"}], False),
        ([{"role": "admin", "user_id": "u-8"}, {"role": "user", "user_id": "u-7"}], False),
        ("no list", False),
        ([7, None], False),
        ([{"role": "admin", "user_id": ["u-7"]}], False),
    ],
)
def test_a_lead_without_teams_has_those_that_litellm_says_they_administer(members: Any, leads: bool):
    said = '[[grant]]\nto = ["li@example.com"]\nrole = "lead"\n'
    called = names(("user_email", "u-7", "li@example.com"), ("team_members", "t-1", json.dumps(members)))
    found = reader(said, called, email="li@example.com").scope.any_of or ()

    assert ((Condition("team", ("t-1",)),) in found) is leads


def test_what_a_role_may_do():
    acts = {role: {act for act in ("load", "budget", "bill", "close", "access") if Reader("", role, EVERYTHING).may(act)}  # type: ignore[arg-type]
            for role in ("admin", "finance", "lead", "member", "none")}  # fmt: skip

    assert acts == {
        "admin": {"load", "budget", "bill", "close", "access"},
        "finance": {"budget", "bill", "close"},
        "lead": set(),
        "member": set(),
        "none": set(),
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[grant]]\nto = ["ana"]\nrole = "admin"', "line 2, to: 'ana' is nobody: write an e-mail, group:name"),
        ('[[grant]]\nto = ["*ana@example.com"]\nrole = "admin"', "line 2, to: '*ana@example.com' is nobody"),
        ('[[grant]]\nto = []\nrole = "admin"', "line 2, to"),
        ('[[grant]]\nto = [" eve@example.com"]\nrole = "none"', "line 2, to: ' eve@example.com' is nobody"),
        ('[[grant]]\nto = ["*@*.com"]\nrole = "member"', "line 2, to: '*@*.com' is nobody"),
        ('[[grant]]\nto = ["a@b.c"]\nrole = "boss"', "line 3, role is 'boss'"),
        ('[[grant]]\nto = ["a@b.c"]\nrole = "member"\nteams = ["x"]', "teams are what a lead sees, not member"),
        ('[[grants]]\nto = ["a@b.c"]', "there is no such key"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(text: str, sentence: str):
    with pytest.raises(AccessProblem) as problem:
        parse_access(text)

    assert sentence in str(problem.value)


def test_a_grant_is_given_and_taken_and_the_rest_of_the_file_stays(tmp_path: Path):
    lake = Lake(write_lake(tmp_path / "lake", [request()]))
    first, second = Grant(to=("ana@example.com",), role="admin"), Grant(to=("*@example.com",), role="member")
    add_grant(lake, first)
    folder = lake.texts_beside()
    folder.put("access.toml", f"{folder.read('access.toml')}\n# kept\n", seen=folder.read("access.toml"))
    add_grant(lake, second)
    change_grant(lake, first, None)

    assert read_access(lake).grant == (second,)
    assert "# kept" in (folder.read("access.toml") or "")
    with pytest.raises(AccessProblem):
        change_grant(lake, first, None)
