"""A person is taken out of all that a lake says of them: hand-worked rows of every table."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from tests.copies import copied
from tests.lake_rows import at, commit, row, rows_of
from tests.test_bill_lines import lines
from usagecost import schema
from usagecost.audit import Entry, record
from usagecost.cli import app
from usagecost.lake import Lake, Selection, side_tables
from usagecost.lake.storage import storage
from usagecost.lake.table import AUDIT, TableSpec

WHEN = at("2026-05-03 10:00")


def rows(columns: pa.Schema, *said: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist([dict.fromkeys(columns.names) | one for one in said], columns)


def name(field: str, id: str, name: str) -> dict[str, object]:  # noqa: A002
    return {"source": "litellm", "field": field, "id": id, "name": name, "seen_at": WHEN}


def alert(id: str, subject: str, title: str) -> dict[str, object]:  # noqa: A002
    about = {"event": "raised", "attempt": 0, "happened_at": WHEN, "rule": "new spender", "threshold": "", "period": ""}
    return {"id": id, "subject": subject, "title": title, "body": "First seen.", "tell": "[]", **about}


def act(id: str, who: str, what: str, **more: str) -> dict[str, object]:  # noqa: A002
    return {"id": id, "happened_at": WHEN, "who": who, "via": "page", "act": "price", "what": what, **more}


@copied
def lake(lake: Lake) -> None:
    """Ada, whose e-mail only the names tell; ada-2 and adam are others."""
    commit(lake, row("a", user_id="ada", model="m", list_cost_usd=Decimal(1)), row("b", user_id="adam", model="m"))
    members = [{"user_id": "ada", "role": "admin"}, {"user_id": "x", "user_email": "ADA@example.com"}, {"user_id": "adam"}]
    lake.keep_rows(
        "names",
        rows(
            schema.NAMES,
            name("user_id", "ada", "Ada Lovelace"),
            name("user_email", "ada", "ada@example.com"),
            name("user_email", "adam", "adam@example.com"),
            name("team_id", "ada", "a team that is called so"),
            name("virtual_key", "k", "key of ada@example.com"),
            name("team_members", "t", json.dumps(members)),
        ),
    )
    lake.record(
        rows(
            schema.AUDIT,
            act("1", "Ada@Example.com", "a note", after="for ada, and ada-2", why="said ada."),
            act("2", "adam@example.com", "a price of adam", outcome="ada.lovelace"),
        ),
    )
    lake.keep_rows(
        "alerts",
        rows(schema.ALERTS, alert("1", "user ada", "New user ada: $5"), alert("2", "ada", "Budget ada: 80% used, by user ada")),
    )
    lake.keep_rows("closes",
        rows(
            schema.CLOSES,
            {"entry": "e", "close": "c", "month": date(2026, 4, 1), "zone": "UTC", "kind": "closed", "happened_at": WHEN,
             "who": "ada@example.com", "made_with": '{"chargeback": "team = ada", "names": {"key": {"k": "ada"}}}',
             "spend_usd": Decimal(7)},
        )
    )  # fmt: skip
    broken = {"source_file": "f", "reason": "it is no JSON", "rejected_at": WHEN}
    lake.keep_rows(
        "rejects", rows(schema.REJECTS, {**broken, "raw": '{"user": "ada", "text": "secret"'}, {**broken, "raw": "adam"})
    )
    folder = lake.root.parent
    (folder / "access.toml").write_text('[[person]]\nemail = "ada@example.com"\nusers = ["x"]\n')
    (folder / "budgets.toml").write_text('[[budget]]\nname = "adam"\n')
    (folder / "boards").mkdir()
    (folder / "boards" / "mine.toml").write_text('owner = "ada@example.com"\n')


BESIDE = {"names": 4, "acts": 1, "alerts": 1, "rows of closed months": 1, "rejected lines": 1}


def test_a_removal_of_a_person_says_what_else_names_them(lake: Lake):
    found = lake.removal(Selection(user="ada"))

    assert (found.requests, found.beside) == (1, BESIDE)
    assert lake.texts_naming("ada") == ["access.toml", "boards/mine.toml"]
    assert lake.removal(Selection(ingest="i", user="ada")).beside == {}, "a wrong load is taken out, nobody is forgotten"
    assert lake.rows("names").num_rows == 6


def test_nothing_of_a_person_is_left(lake: Lake):
    assert lake.remove(Selection(user="ada")).beside == BESIDE

    assert rows_of(lake, "user_id") == [("adam",)]
    assert [(one["field"], one["id"], one["name"]) for one in lake.rows("names").to_pylist()] == [
        ("team_id", "ada", "a team that is called so"),
        ("team_members", "t", '[{"user_id": "adam"}]'),
        ("user_email", "adam", "adam@example.com"),
        ("virtual_key", "k", "key of (removed)"),
    ]
    assert [(one["who"], one["what"], one["after"], one["why"], one["outcome"]) for one in lake.rows("audit").to_pylist()] == [
        ("(removed)", "a note", "for ada, and ada-2", "said ada.", None),
        ("adam@example.com", "a price of adam", None, None, "ada.lovelace"),
    ]
    assert [(one["subject"], one["title"], one["body"]) for one in lake.rows("alerts").to_pylist()] == [
        ("(removed)", "(removed)", "(removed)"),
        ("ada", "Budget ada: 80% used, by user ada", "First seen."),
    ]
    (close,) = lake.rows("closes").to_pylist()
    assert (close["who"], close["spend_usd"]) == ("(removed)", Decimal(7))
    assert close["made_with"] == '{"chargeback": "team = ada", "names": {"key": {"k": "ada"}}}'

    assert sorted((one["reason"], one["raw"]) for one in lake.rows("rejects").to_pylist()) == [
        ("(removed)", "(removed)"), ("it is no JSON", "adam"),
    ]  # fmt: skip
    assert lake.history()[0]["removal"] == {"user": "(removed)"}
    assert lake.removal(Selection(user="ada")).is_nothing

    lake.vacuum(grace_hours=0)
    left = b"".join(file.read_bytes() for file in lake.root.rglob("*.json"))
    assert not [said for said in (b'"ada"', b'\\"ada\\"', b"ada@") if said in left], "the logs of the tables say who it was"


def test_a_lake_in_a_store_keeps_acts_and_forgets_people(new_lake: Callable[..., str]):
    lake = Lake(new_lake())
    commit(lake, row("a", user_id="ada"), row("b", user_id="adam"))
    record(lake, Entry("ada", "page", "load", "files a.csv"))

    assert lake.remove(Selection(user="ada")).beside == {"acts": 1}
    assert [act["who"] for act in Lake(lake.name).rows("audit").to_pylist()] == ["(removed)"]


def test_prices_that_were_changed_of_a_person_go_and_those_of_others_can_be_undone(lake: Lake):
    price = lambda con, table, also: f"SELECT *  REPLACE (2 AS list_cost_usd) FROM {table}"  # noqa: ARG005, E731
    done = lake.reprice(price, (None, None), about={"who": "ada", "why": None, "prices": "p"})
    assert lake.removal(Selection(user="ada")).beside == {**BESIDE, "repricings": 1, "changed prices": 1}

    lake.remove(Selection(user="ada"))

    assert lake.undo_repricing(done.id, about={"who": "x", "why": None, "prices": "p"}).requests == 1


def test_whatever_a_person_is_called_only_they_are_forgotten(lake: Lake):
    users = ["'; DROP TABLE x1; --", '"a\\b" <1>', "1 .* (.+)", "Ünal 李 12", "a@b.c"]
    said = [act(user, user, f"{user}, somebody else", after=json.dumps({"of": user})) for user in users]
    lake.record(rows(schema.AUDIT, *said))
    expected = {one["id"]: one for one in lake.rows("audit").to_pylist()}
    for user in users:
        assert lake.remove(Selection(user=user)).beside == {"acts": 1}

        expected[user] |= {"who": "(removed)", "what": "(removed), somebody else", "after": '{"of": "(removed)"}'}
        assert {one["id"]: one for one in lake.rows("audit").to_pylist()} == expected


def test_the_command_forgets_who_has_no_requests_and_names_files(lake: Lake):
    run = lambda *words: CliRunner().invoke(app, ["remove", *words, "--lake", str(lake.root)])  # noqa: E731
    commit(lake, row("c", user_id="eve"))
    done = run("--user", "ada", "--yes")

    assert "Beside them" in done.stdout
    assert "take it out of access.toml, boards/mine.toml yourself" in " ".join(done.stderr.split())
    assert [act["what"] for act in lake.rows("audit").to_pylist()][-1] == "requests of a user"
    lake.keep_rows("names", rows(schema.NAMES, name("user_id", "ada", "Ada Lovelace")))
    assert run("--user", "ada", "--yes").exit_code == 0
    assert "Ada Lovelace" not in [one["name"] for one in lake.rows("names").to_pylist()]
    assert run("--user", "ada", "--yes").exit_code == 1


def test_a_common_word_is_nobody_in_a_text_and_a_plain_id_is(lake: Lake):
    commit(lake, row("c", user_id="u1234567"))
    about = {"source_file": "logs/u1234567.csv", "reason": "no", "rejected_at": WHEN}
    lake.keep_rows(
        "rejects",
        rows(
            schema.REJECTS,
            {**about, "raw": '{"user": "1", "n": 1}'},
            {**about, "raw": '{"end_user": 1}'},
            {**about, "raw": '{"n": 1, "user": "auth0|1"}'},
        ),
    )
    lake.record(
        rows(
            schema.AUDIT,
            act("3", "1", "1 request of 1", after="auth0|u1234567, of u1234567: and u1234567."),
            act("4", "u1234567", "x/u1234567 u12345678"),
        )
    )
    lake.remove(Selection(user="1"))

    assert [(one["who"], one["what"]) for one in lake.rows("audit").to_pylist()[2:]] == [
        ("(removed)", "1 request of 1"), ("u1234567", "x/u1234567 u12345678"),
    ]  # fmt: skip
    mine = sorted(one["raw"] for one in lake.rows("rejects").to_pylist() if one["reason"] in ("no", "(removed)"))
    assert mine == ["(removed)", "(removed)", '{"n": 1, "user": "auth0|1"}']

    lake.remove(Selection(user="u1234567"))

    acts = lake.rows("audit").to_pylist()[2:]
    assert [one["after"] for one in acts] == ["auth0|u1234567, of (removed): and (removed).", None]
    assert (acts[1]["who"], acts[1]["what"]) == ("(removed)", "x/u1234567 u12345678")
    assert {one["source_file"] for one in lake.rows("rejects").to_pylist()} == {"f", "logs/(removed).csv"}


def test_an_email_of_two_ids_stays_the_other_ones(lake: Lake):
    lake.keep_rows("names", rows(schema.NAMES, name("user_email", "eve", "Ada@example.com")))

    assert lake.remove(Selection(user="ada")).beside == {"names": 3, "alerts": 1, "rejected lines": 1}
    left = {(one["field"], one["id"]): one["name"] for one in lake.rows("names").to_pylist()}
    assert left["user_email", "eve"] == "Ada@example.com"
    assert left["virtual_key", "k"] == "key of ada@example.com"
    assert ("user_email", "ada") not in left


def test_emails_that_people_tie_to_an_id_are_forgotten_too(lake: Lake):
    lake.record(rows(schema.AUDIT, act("3", "ada@channel.com", "a note")))
    lake.keep_rows("alerts", rows(schema.ALERTS, alert("3", "user ada@\u200bchannel.com", "New user ada@\u200bchannel.com")))
    (lake.root.parent / "access.toml").write_text('[[person]]\nemail = "ada@channel.com"\nusers = ["x9"]\n')

    assert lake.texts_naming("x9") == ["access.toml"]
    assert lake.remove(Selection(user="x9")).beside == {"acts": 1, "alerts": 1}
    assert lake.rows("audit").to_pylist()[2]["who"] == "(removed)"
    assert lake.rows("alerts").to_pylist()[2]["title"] == "(removed)"


def test_keys_that_others_use_stay_in_closed_months_and_bills(lake: Lake):
    close = {"entry": "k", "close": "c", "month": date(2026, 4, 1), "zone": "UTC", "kind": "usage", "happened_at": WHEN}
    key = "ada@example.com"
    lake.keep_rows("closes", rows(schema.CLOSES, {**close, "virtual_key": key}))
    billed = lines("one", "1", "2").to_pylist()
    lake.keep_rows(
        "bills", rows(schema.BILLS, {**billed[0], "key": key}, {**billed[1], "project": "ada", "description": f"of {key}"})
    )
    commit(lake, row("c", user_id="adam", virtual_key=key))
    kept = lambda: [one["virtual_key"] for one in lake.rows("closes").to_pylist() if one["entry"] == "k"]  # noqa: E731
    told = lambda: sorted((one["key"] or "", one["project"], one["description"]) for one in lake.rows("bills").to_pylist())  # noqa: E731

    lake.remove(Selection(user="ada"))
    assert kept() == [key]
    assert told() == [("", "(removed)", "of (removed)"), (key, None, None)]

    lake.keep_rows("names", rows(schema.NAMES, name("user_email", "ada", key)))
    lake.remove(Selection(user="adam"))
    lake.remove(Selection(user="ada"))
    assert kept() == ["(removed)"]
    assert told()[1][0] == "(removed)" or told()[0][0] == "(removed)"


def test_what_another_machine_records_meanwhile_stays(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    others, changed = [act("3", "bob", "meanwhile")], side_tables._changed

    def slowly(con: object, spec: TableSpec, *asked: Any) -> object:
        if spec is AUDIT and others:
            side_tables.add_rows(storage(lake.root / "audit"), AUDIT, rows(schema.AUDIT, others.pop()), tmp_path)
        return changed(con, spec, *asked)

    monkeypatch.setattr(side_tables, "_changed", slowly)

    assert lake.remove(Selection(user="ada")).beside == BESIDE
    assert sorted(one["who"] for one in lake.rows("audit").to_pylist()) == ["(removed)", "adam@example.com", "bob"]


@pytest.mark.parametrize("user", ["", " "])
def test_nobody_has_a_blank_id(lake: Lake, user: str):
    with pytest.raises(ValueError, match="nobody's id"):
        Selection(user=user)
    assert CliRunner().invoke(app, ["remove", "--user", user, "--yes", "--lake", str(lake.root)]).exit_code == 2
