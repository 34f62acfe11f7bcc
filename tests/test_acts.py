"""Acts ask for their role, are recorded whether they were done or not, and no page writes by another way."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake.exceptions import DeltaError
from filelock import FileLock
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from tests.copies import copied
from tests.lake_rows import commit, row
from tests.processes import running
from usagecost import schema
from usagecost.access import NAME, parse_access, read_access
from usagecost.audit import COMMAND, LONGEST, Entry, record, recorded
from usagecost.cli import app
from usagecost.lake import Lake, LakeError
from usagecost.ui import acts
from usagecost.ui.acts import NotAllowed
from usagecost.ui.reader import NOBODY

HOME = Path(__file__).parents[1]
AUTH = {
    "client_id": "app", "client_secret": "x", "cookie_secret": "a-long-secret-of-this-test",
    "server_metadata_url": "https://id.example/.well-known/openid-configuration",
    "redirect_uri": "https://usage.example/oauth2callback",
}  # fmt: skip
ROLES = '[[grant]]\nto = ["ada@example.com"]\nrole = "admin"\n\n[[grant]]\nto = ["fin@example.com"]\nrole = "finance"\n'
HOSTILE = "'; DROP TABLE audit; -- <b>*x*</b> =1+1 \x1b[31m \ud800 (\u202e)"

METHODS = {
    "commit", "remove", "reprice", "undo_repricing", "keep_rows", "remove_bill", "record", "write_text", "put", "compact", "vacuum",
    "upgrade",
}  # fmt: skip
"""What changes a lake, or a text beside it."""
FUNCTIONS = {
    "ingest_copies", "keep_format", "add_entry", "change_entry", "refresh_list", "forget_list", "add_note", "remove_note",
    "add_budget", "change_budget", "put_rules", "close_month", "reopen_month", "kept_rate", "load_files",
    "fetch_bill", "send", "add_grant", "change_grant", "revoke", "make_token", "remove_token", "backup", "restore",
}  # fmt: skip
"""What does so through them, or tells a channel."""
THROUGH = {"run": "ingest_copies", "remember": "keep_format"}
"""Functions of pages that go through one of these, for others who say what is meant."""
WAYS = {"act", "try_write"}


@copied
def made(lake: Lake) -> None:
    commit(lake, row("a", user_id="ada", started_at=f"{datetime.now(UTC):%Y-%m-%d} 00:00"))
    (lake.root.parent / NAME).write_text(ROLES)


@pytest.fixture
def lake(made: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """It, as the one that is opened."""
    monkeypatch.setenv("USAGECOST_LAKE", str(made.root))
    return made


def fail_with(lake: Lake, problem: Exception) -> None:
    with recorded(lake, Entry("bob", COMMAND, "load", "files a.csv")) as entry:
        entry.after = "1 new"
        raise problem


def test_an_act_is_recorded_whether_it_is_done_or_fails(lake: Lake):
    record(lake, Entry("ann", "page", "price", HOSTILE, before="=1+1", after="x" * (LONGEST + 1), why="a contract"))
    with pytest.raises(LakeError, match="no room"):
        fail_with(lake, LakeError("no room"))

    told = [
        {name: value for name, value in act.items() if name not in ("id", "happened_at")} for act in lake.rows("audit").to_pylist()
    ]
    assert told == [
        {
            "who": "ann", "via": "page", "act": "price", "what": HOSTILE.replace("\ud800", "?"), "before": "=1+1",
            "after": "x" * (LONGEST - 1) + "…", "why": "a contract", "outcome": None,
        },
        {
            "who": "bob", "via": "command", "act": "load", "what": "files a.csv", "before": None, "after": "1 new", "why": None,
            "outcome": "no room",
        },
    ]  # fmt: skip
    assert lake.rows("audit")["happened_at"][0].as_py() < datetime.now(UTC) + timedelta(seconds=1)


def test_acts_are_kept_as_long_as_the_file_says(lake: Lake):
    for who in ("old", "new"):
        record(lake, Entry(who, COMMAND, "load", "a"))
    (lake.root.parent / NAME).write_text("audit_days = 1\n")
    now = lake.rows("audit")["happened_at"][1].as_py()

    def record_at(who: str, **ago: int) -> list[str]:
        """The acts that are kept once another one has happened."""
        act = lake.rows("audit").to_pylist()[0] | {"id": who, "who": who, "happened_at": now + timedelta(**ago)}
        lake.record(pa.Table.from_pylist([act], schema.AUDIT), timedelta(days=1))
        return [one["who"] for one in lake.rows("audit").to_pylist()]

    assert record_at("soon", hours=20) == ["old", "new", "soon"]
    assert record_at("wrong clock", days=9_000) == ["old", "new", "soon", "wrong clock"], "once is no proof"
    assert record_at("right again", hours=30) == ["soon", "right again", "wrong clock"]


RECORD_SOME = """
import sys
from usagecost.audit import Entry, record
from usagecost.lake import Lake

for number in range(5):
    record(Lake(sys.argv[1]), Entry(sys.argv[2], "command", "load", str(number)))
"""


def test_several_processes_record_each_act_once(lake: Lake):
    with running("-c", RECORD_SOME, lake.root, "ann") as one, running("-c", RECORD_SOME, lake.root, "bob") as other:
        assert [process.wait(120) for process in (one, other)] == [0, 0]

    assert sorted((act["who"], act["what"]) for act in lake.rows("audit").to_pylist()) == [
        (who, str(number)) for who in ("ann", "bob") for number in range(5)
    ]


def test_an_act_waits_for_others_no_longer_than_some_seconds(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("usagecost.lake.acts.SECONDS", 0.1)
    with FileLock(lake.root / "commit.lock"):
        record(lake, Entry("ann", COMMAND, "load", "a"))
    assert lake.rows("audit").num_rows == 0

    record(lake, Entry("bob", COMMAND, "load", "b"))

    assert [act["who"] for act in lake.rows("audit").to_pylist()] == ["ann", "bob"]
    assert not list((lake.root / "waiting").glob("*.parquet"))


@pytest.mark.parametrize("problem", [DeltaError("log"), pa.ArrowInvalid("rows"), OSError("disk")])
def test_an_act_that_cannot_be_recorded_is_done_all_the_same(lake: Lake, monkeypatch: pytest.MonkeyPatch, problem: Exception):
    def broken(*_: object) -> None:
        raise problem

    monkeypatch.setattr(Lake, "record", broken)
    record(lake, Entry("ann", COMMAND, "load", "a"))
    with pytest.raises(LakeError, match="no room"):
        fail_with(lake, LakeError("no room"))


def test_a_lake_that_is_none_gets_no_acts_but_who_may_do_what(tmp_path: Path):
    run = lambda *words: CliRunner().invoke(app, [*words, "--lake", str(tmp_path / "typo")])  # noqa: E731
    assert run("token", "add", "grafana").exit_code == 0
    assert run("ingest", str(tmp_path / "nothing.csv")).exit_code == 1
    assert not (tmp_path / "typo" / "audit").exists()
    assert run("access", "grant", "ann@example.com", "admin").exit_code == 0
    assert [act["act"] for act in Lake(tmp_path / "typo").rows("audit").to_pylist()] == ["access"]


def opened(file: str, email: str | None, **query: str) -> AppTest:
    page = AppTest.from_file(str(HOME / "app.py"), default_timeout=60)
    page.switch_page(file)
    for name, value in query.items():
        page.query_params[name] = value
    if email:
        page.secrets["auth"] = AUTH
        page.user.update({"is_logged_in": True, "email": email, "email_verified": True})
    page.run()
    assert not page.exception
    return page


def test_who_has_lost_the_role_is_refused_when_they_act_and_that_is_recorded(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("usagecost.ui.reader.cached_answer_for", lambda _, question, *asked: question(*asked))
    page = opened("pages/6_Access.py", "ada@example.com")
    page.text_input(key="grant_who").set_value("eve@example.com").run()
    (lake.root.parent / NAME).write_text(ROLES.replace('"admin"', '"member"'))

    page.button(key="grant_now").click().run()

    assert "eve" not in (lake.root.parent / NAME).read_text()
    (act,) = lake.rows("audit").to_pylist()
    assert (act["who"], act["via"], act["act"], act["what"]) == ("ada@example.com", "page", "access", "give eve@example.com a role")
    assert act["outcome"].startswith("Your role, member, does not include this")


@pytest.mark.parametrize(("who", "read"), [("nobody", lambda: NOBODY), ("unknown", lambda: parse_access("[[grant]]\nto = 3\n"))])
def test_who_has_not_signed_in_or_cannot_be_known_is_refused_by_no_other_name(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, who: str, read: Callable[[], object]
):
    monkeypatch.setattr("usagecost.ui.acts.reading", read)
    with pytest.raises(NotAllowed):
        acts.act("note", "a note", lambda: pytest.fail("it is done"))

    (act,) = lake.rows("audit").to_pylist()
    assert act["who"] == who
    assert act["outcome"]


def test_acts_after_the_newest_request_are_of_all_time_and_roles_can_be_given_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / NAME).write_text(ROLES)
    lake = Lake(tmp_path / "lake")
    monkeypatch.setenv("USAGECOST_LAKE", str(lake.root))
    assert opened("pages/6_Access.py", "ada@example.com").text_input(key="grant_who").label

    commit(lake, row("a", started_at="2026-05-01 00:00"))
    record(lake, Entry("ann", COMMAND, "load", "a"))
    page = opened("pages/6_Access.py", "ada@example.com", part="Audit log", range="all")
    assert page.dataframe[0].value["who"].tolist() == ["ann"]


def test_a_role_is_given_checked_and_taken_and_the_log_says_so(lake: Lake):
    page = opened("pages/6_Access.py", "ada@example.com")
    page.text_input(key="grant_who").set_value("everybody").run()
    assert page.button(key="grant_now").disabled
    page.text_input(key="grant_who").set_value("*@example.com").run()
    page.button(key="grant_now").click().run()
    assert [grant.role for grant in read_access(lake).grant] == ["admin", "finance", "member"]

    page.text_input(key="check_email").set_value("bob@example.com").run()
    assert "**Member**: Sees their own requests" in [text.value for text in page.markdown]
    page.selectbox(key="revoke_which").set_value(0).run()
    assert page.warning[0].value.startswith("Nobody is an administrator then.")
    page.selectbox(key="revoke_which").set_value(2).run()
    assert not page.warning
    page.button(key="revoke_now").click().run()
    assert [grant.role for grant in read_access(lake).grant] == ["admin", "finance"]

    page.session_state["part"] = "Audit log"
    page.run()
    log = page.dataframe[0].value
    assert log["what"].tolist() == ["take the role of *@example.com", "give *@example.com a role"]
    assert log["before"].fillna("").tolist() == ['[[grant]]\nto = ["*@example.com"]\nrole = "member"', ""]
    page.text_input(key="audit_text").set_value("GIVE").run()
    assert page.dataframe[0].value["what"].tolist() == ["give *@example.com a role"]
    page.selectbox(key="audit_act").set_value("load").run()
    assert page.info[0].value == "Remove a filter."


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("part", ["", "Set a price", "Own prices", "Reprice"])
def test_finance_reads_prices_and_sources_and_is_offered_nothing_it_may_not_do(part: str):
    pages = [opened("pages/4_Prices.py", "fin@example.com", part=part)] if part else []
    pages += [] if part else [opened("pages/5_Sources.py", "fin@example.com", part="History")]
    for page in pages:
        drawn = {button.key for button in page.main.button}
        assert not [key for key in drawn if str(key).startswith(("remove_", "erase", "retire", "load", "price_save", "reprice"))]
        assert not page.get("file_uploader")


@pytest.mark.usefixtures("lake")
def test_pages_of_access_are_for_administrators_alone():
    page = opened("pages/6_Access.py", "fin@example.com")

    assert [link.proto.label for link in page.main.get("page_link")] == ["**Show my numbers**"]
    assert not [*page.main.dataframe, *page.main.text_input, *page.main.button]


def test_commands_are_recorded_with_the_user_of_the_machine(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOGNAME", "op")
    log = tmp_path / "a.csv"
    log.write_text(
        "request_id,started_at,provider,model,input_tokens,output_tokens,user_id\nb,2026-05-01T10:00:00Z,openai,gpt-4o,1,0,x\n"
    )
    run: Callable[..., Any] = lambda *words: CliRunner().invoke(app, [str(word) for word in words])  # noqa: E731
    assert run("ingest", log).exit_code == 0
    assert run("ingest", log).exit_code == 0, "loads nothing, so it is no act"
    assert run("remove", "--before", "2026-05-02", "--yes").exit_code == 0
    token = run("token", "add", "grafana").stdout.strip()
    assert run("access", "grant", "bob@example.com", "lead", "--team", "search").exit_code == 0
    assert run("access", "revoke", "nobody@example.com").exit_code == 1
    assert run("ingest", tmp_path / "gone.csv").exit_code == 1

    acts = lake.rows("audit").to_pylist()
    assert [(act["who"], act["via"], act["act"], act["what"], act["outcome"]) for act in acts] == [
        ("op", "command", "load", f"files {log}", None),
        ("op", "command", "remove", "requests sent before 2026-05-02 UTC", None),
        ("op", "command", "token", "add grafana", None),
        ("op", "command", "access", "give bob@example.com the role lead", None),
        ("op", "command", "access", "take the roles of nobody@example.com",
         "Nothing is granted to nobody@example.com: see `python -m usagecost access list`."),
        ("op", "command", "load", f"files {tmp_path / 'gone.csv'}", acts[-1]["outcome"]),
    ]  # fmt: skip
    assert acts[-1]["outcome"]
    assert [act["after"] for act in acts[:3]] == [
        "1 new, 0 changed, 0 already there",
        "1 request",
        "sees everything, until it is removed",
    ]
    listed = run("audit", "--report", "csv").stdout
    assert token not in listed
    assert listed.splitlines()[0] == "id,happened_at,who,via,act,what,before,after,why,outcome"
    assert "of search" in run("access", "check", "bob@example.com").stdout


def test_a_feed_is_listed_as_it_starts_and_ends_and_a_single_sync_if_it_loads(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LOGNAME", "op")
    monkeypatch.setattr("usagecost.ingest.folders.follow", lambda *_: None)
    monkeypatch.setattr("usagecost.ingest.litellm.follow", lambda *_: True)
    sync = ["sync", "litellm", "--dsn", "postgresql://reader:secret@db.example/litellm"]
    assert CliRunner().invoke(app, ["watch", str(tmp_path)]).exit_code == 0
    assert CliRunner().invoke(app, sync).exit_code == 0
    monkeypatch.setattr("usagecost.ingest.litellm.follow", lambda *_: bool(commit(lake, row("b"))))
    assert CliRunner().invoke(app, sync).exit_code == 0

    assert [(act["who"], act["act"], act["what"], act["outcome"]) for act in lake.rows("audit").to_pylist()] == [
        ("op", "load", f"start of watching {tmp_path}", None),
        ("op", "load", f"end of watching {tmp_path}", None),
        ("op", "load", "sync of litellm from db.example/litellm", None),
    ]


def mentions(file: Path) -> Iterator[tuple[str, int, list[ast.AST]]]:
    """Every mention in a file of what writes, its line, and the nodes around it from the outermost on."""
    tree = ast.parse(file.read_text())
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    of_pages = {alias.name for node in imported if str(node.module).startswith("usagecost.ui") for alias in node.names}
    known = {alias.name for node in imported for alias in node.names}

    def is_door(node: ast.AST) -> str | None:
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in of_pages):
            return node.attr if node.attr in METHODS | FUNCTIONS else None
        return node.id if isinstance(node, ast.Name) and node.id in known & (FUNCTIONS | THROUGH.keys()) else None

    def walk(node: ast.AST, around: list[ast.AST]) -> Iterator[tuple[str, int, list[ast.AST]]]:
        if name := is_door(node):
            yield name, node.lineno, around
        for child in ast.iter_child_nodes(node):
            yield from walk(child, [*around, node])

    return walk(tree, [])


def is_through_the_way(around: list[ast.AST]) -> bool:
    """Whether a mention stands in the arguments of `act` or `try_write`, in a function that is a door itself, or is a dry run."""
    for node in around:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WAYS:
            return True
        if isinstance(node, ast.FunctionDef) and node.name in THROUGH:
            return True
    return any(
        isinstance(node, ast.Call)
        and any(one.arg == "dry_run" and isinstance(one.value, ast.Constant) and one.value.value for one in node.keywords)
        for node in around[-1:]
    )


def test_no_page_writes_but_by_the_one_way():
    files = [HOME / "app.py", *(HOME / "pages").glob("*.py"), *(HOME / "usagecost/ui").rglob("*.py")]
    found = [(file, *mention) for file in files for mention in mentions(file)]

    assert not [f"{file.relative_to(HOME)}:{line} {name}" for file, name, line, around in found if not is_through_the_way(around)]
    assert len(found) > 20, "the doors are called otherwise by now"
