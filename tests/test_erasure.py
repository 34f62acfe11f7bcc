"""A person is taken out of all that a lake says of them: hand-worked rows of every table."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from tests.lake_rows import at, commit, row, rows_of
from usagecost import schema
from usagecost.audit import Entry, record
from usagecost.cli import app
from usagecost.lake import Lake, Selection

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


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Ada, whose e-mail only the names tell; ada-2 and adam are others."""
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", user_id="ada", model="m", list_cost_usd=Decimal(1)), row("b", user_id="adam", model="m"))
    members = [{"user_id": "ada", "role": "admin"}, {"user_id": "x", "user_email": "ADA@example.com"}, {"user_id": "adam"}]
    lake.keep_names(
        rows(
            schema.NAMES,
            name("user_id", "ada", "Ada Lovelace"),
            name("user_email", "ada", "ada@example.com"),
            name("user_email", "adam", "adam@example.com"),
            name("team_id", "ada", "a team that is called so"),
            name("virtual_key", "k", "key of ada@example.com"),
            name("team_members", "t", json.dumps(members)),
        )
    )
    lake.record(
        rows(
            schema.AUDIT,
            act("1", "Ada@Example.com", "a note", after="for ada, and ada-2", why="said ada."),
            act("2", "adam@example.com", "a price of adam", outcome="ada.lovelace"),
        ),
        datetime.min.replace(tzinfo=UTC),
    )
    lake.keep_alerts(
        rows(schema.ALERTS, alert("1", "user ada", "New user ada: $5"), alert("2", "ada", "Budget ada: 80% used, by user ada"))
    )
    lake.keep_closes(
        rows(
            schema.CLOSES,
            {"entry": "e", "close": "c", "month": date(2026, 4, 1), "zone": "UTC", "kind": "closed", "happened_at": WHEN,
             "who": "ada@example.com", "made_with": '{"chargeback": "team = ada", "names": {"key": {"k": "ada"}}}',
             "spend_usd": Decimal(7)},
        )
    )  # fmt: skip
    broken = {"source_file": "f", "reason": "it is no JSON", "rejected_at": WHEN}
    lake.reject(rows(schema.REJECTS, {**broken, "raw": '{"user": "ada", "text": "secret"'}, {**broken, "raw": "adam"}))
    folder = lake.root.parent
    (folder / "access.toml").write_text('[[person]]\nemail = "ada@example.com"\nusers = ["x"]\n')
    (folder / "budgets.toml").write_text('[[budget]]\nname = "adam"\n')
    (folder / "boards").mkdir()
    (folder / "boards" / "mine.toml").write_text('owner = "ada@example.com"\n')
    return lake


BESIDE = {"names": 4, "acts": 1, "alerts": 2, "rows of closed months": 1, "rejected lines": 1}


def test_a_removal_of_a_person_says_what_else_names_them(lake: Lake):
    found = lake.removal(Selection(user="ada"))

    assert (found.requests, found.beside) == (1, BESIDE)
    assert lake.texts_naming("ada") == ["access.toml", "boards/mine.toml"]
    assert lake.removal(Selection(ingest="i", user="ada")).beside == {}, "a wrong load is taken out, nobody is forgotten"
    assert lake.names().num_rows == 6


def test_nothing_of_a_person_is_left(lake: Lake):
    assert lake.remove(Selection(user="ada")).beside == BESIDE

    assert rows_of(lake, "user_id") == [("adam",)]
    assert [(one["field"], one["id"], one["name"]) for one in lake.names().to_pylist()] == [
        ("team_id", "ada", "a team that is called so"),
        ("team_members", "t", '[{"user_id": "adam"}]'),
        ("user_email", "adam", "adam@example.com"),
        ("virtual_key", "k", "key of (removed)"),
    ]
    assert [(one["who"], one["what"], one["after"], one["why"], one["outcome"]) for one in lake.audit().to_pylist()] == [
        ("(removed)", "a note", "for (removed), and ada-2", "said (removed).", None),
        ("adam@example.com", "a price of adam", None, None, "ada.lovelace"),
    ]
    assert [(one["subject"], one["title"], one["body"]) for one in lake.alerts().to_pylist()] == [
        ("(removed)", "(removed)", "(removed)"),
        ("ada", "Budget (removed): 80% used, by user (removed)", "First seen."),
    ]
    (close,) = lake.closes().to_pylist()
    assert (close["who"], close["spend_usd"]) == ("(removed)", Decimal(7))
    assert close["made_with"] == '{"chargeback": "team = ada", "names": {"key": {"k": "(removed)"}}}', "the split stays"
    assert sorted((one["reason"], one["raw"]) for one in lake.rejects().to_pylist()) == [
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
    assert [act["who"] for act in Lake(lake.name).audit().to_pylist()] == ["(removed)"]


def test_prices_that_were_changed_of_a_person_go_and_those_of_others_can_be_undone(lake: Lake):
    price = lambda con, table, also: f"SELECT *  REPLACE (2 AS list_cost_usd) FROM {table}"  # noqa: ARG005, E731
    done = lake.reprice(price, (None, None), about={"who": "ada", "why": None, "prices": "p"})
    assert lake.removal(Selection(user="ada")).beside == {**BESIDE, "repricings": 1, "changed prices": 1}

    lake.remove(Selection(user="ada"))

    assert lake.undo_repricing(done.id, about={"who": "x", "why": None, "prices": "p"}).requests == 1


@pytest.mark.parametrize("user", ["'; DROP TABLE x; --", '"a\\b"', "*b* <b>", ".*", "Ünal 李", "a@b.c"])
def test_whatever_a_person_is_called_only_they_are_forgotten(lake: Lake, user: str):
    other = "somebody else"
    lake.record(
        rows(schema.AUDIT, act("3", user, f"{user}, {other}", after=json.dumps({"of": user}))), datetime.min.replace(tzinfo=UTC)
    )
    before = lake.audit().to_pylist()

    assert lake.remove(Selection(user=user)).beside == {"acts": 1}

    after = {one["id"]: one for one in lake.audit().to_pylist()}
    assert after["3"] | {"who": "", "what": "", "after": ""} == before[2] | {"who": "", "what": "", "after": ""}
    assert (after["3"]["who"], after["3"]["what"], after["3"]["after"]) == (
        "(removed)", f"(removed), {other}", '{"of": "(removed)"}',
    )  # fmt: skip
    assert [after["1"], after["2"]] == before[:2]


def test_the_command_forgets_who_has_no_requests_and_names_files(lake: Lake):
    run = lambda *words: CliRunner().invoke(app, ["remove", *words, "--lake", str(lake.root)])  # noqa: E731
    commit(lake, row("c", user_id="eve"))
    done = run("--user", "ada", "--yes")

    assert "Beside them" in done.stdout
    assert "take it out of access.toml, boards/mine.toml yourself" in " ".join(done.stderr.split())
    assert [act["what"] for act in lake.audit().to_pylist()][-1] == "requests of a user"
    lake.keep_names(rows(schema.NAMES, name("user_id", "ada", "Ada Lovelace")))
    assert run("--user", "ada", "--yes").exit_code == 0
    assert "Ada Lovelace" not in [one["name"] for one in lake.names().to_pylist()]
    assert run("--user", "ada", "--yes").exit_code == 1
