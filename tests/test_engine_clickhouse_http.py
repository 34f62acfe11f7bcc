"""ClickHouse over HTTP, as a server is spoken to: tests.clickhouse_server says what answers here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.lake_rows import Row, commit, row
from tests.loopback import free_port, wait_until_it_listens
from usagecost import engine
from usagecost.cli import app
from usagecost.lake import Lake

pytest.importorskip("clickhouse_connect", reason="pip install -r requirements-clickhouse.txt")
pytest.importorskip("chdb", reason="ClickHouse within this process is not installed: pip install chdb")

from usagecost.engine.clickhouse import LIMITS, rows_of
from usagecost.vocabulary.filters import EVERYTHING

pytestmark = pytest.mark.slow

PASSWORD = "se cret&more"  # noqa: S105 - of a server that lives as long as a test


@contextmanager
def served(port: int, *readonly: str) -> Iterator[None]:
    """A server on a port, which ends with the block."""
    process = subprocess.Popen([sys.executable, "-m", "tests.clickhouse_server", str(port), "ann", PASSWORD, *readonly])
    try:
        wait_until_it_listens(port)
        yield
    finally:
        process.kill()
        process.wait()


def ask_at(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server at a port answer."""
    monkeypatch.setenv("USAGECOST_ENGINE", f"clickhouse://ann@127.0.0.1:{port}/usage")
    monkeypatch.setenv("USAGECOST_ENGINE_PASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def running() -> Iterator[int]:
    """The port of a server of all tests."""
    port = free_port()
    with served(port):
        yield port


@pytest.fixture
def server(running: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine that answers is the server."""
    ask_at(running, monkeypatch)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of the engine that answers, once a server is started there."""
    found = free_port()
    ask_at(found, monkeypatch)
    return found


def tokens(lake: Lake, request_id: str = "a") -> int:
    sql = "SELECT sum(input_tokens)::bigint AS tokens FROM {requests} WHERE request_id = $id"
    return engine.table(sql, {"id": request_id}, engine.Slice(str(lake.root), lake.version(), EVERYTHING))["tokens"][0].as_py()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(tmp_path / "lake")
    commit(made, row("a", input_tokens=3), row("it's", input_tokens=4))
    return made


def summary(lake: str, *arguments: str, engine: str) -> str:
    """What the command prints that an engine answers."""
    done = CliRunner().invoke(app, ["summary", "--lake", lake, *arguments], env={"USAGECOST_ENGINE": engine})
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("by", ["model", "week"])
def test_a_summary_is_that_of_duckdb(varied: tuple[str, list[Row]], by: str):
    lake, rows = varied
    asked = ("--start", "2026-01-01", "--end", "2026-12-31", "--zone", "Asia/Kathmandu", "--by", by, "--format", "json")
    over_http, here = (json.loads(summary(lake, *asked, engine=name)) for name in (os.environ["USAGECOST_ENGINE"], "duckdb"))

    assert over_http == here
    assert sum(one["requests"] for one in here) > len(rows) / 2


@pytest.mark.usefixtures("server")
def test_values_stay_bound(lake: Lake):
    assert tokens(lake, "it's") == 4
    assert tokens(lake, "' OR 1=1 --") is None


def test_a_server_that_goes_is_a_calm_sentence_and_one_that_comes_back_answers(lake: Lake, port: int):
    with served(port):
        assert tokens(lake) == 3
    with pytest.raises(engine.UnansweredError, match="cannot be reached right now") as away:
        tokens(lake)
    assert PASSWORD not in str(away.value)
    with served(port, "2"):  # a user who may only read is enough
        assert tokens(lake) == 3


def test_a_wrong_password_is_a_calm_sentence(lake: Lake, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USAGECOST_ENGINE_PASSWORD", "another")
    with (
        served(port),
        pytest.raises(engine.UnansweredError, match=r"unknown to the ClickHouse at 127\.0\.0\.1:\d+: see USAGECOST") as refused,
    ):
        tokens(lake)

    assert "another" not in str(refused.value)


def test_a_question_that_takes_too_much_says_so(lake: Lake, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LIMITS, "max_memory_usage", 1_000)

    with served(port), pytest.raises(engine.UnansweredError, match="needs more memory than the ClickHouse"):
        engine.table("SELECT uniqExact(number) FROM numbers(1000000)", {}, engine.Slice(str(lake.root), 1, EVERYTHING))


def test_a_user_who_may_change_no_settings_is_told_what_is_needed(lake: Lake, port: int):
    with served(port, "1"), pytest.raises(engine.UnansweredError, match="give it `readonly = 2`"):
        tokens(lake)


def test_all_servers_of_a_cluster_add_up_and_what_is_wrong_with_it_is_a_calm_sentence(
    lake: Lake, port: int, monkeypatch: pytest.MonkeyPatch
):
    named = os.environ["USAGECOST_ENGINE"]
    monkeypatch.setenv("USAGECOST_ENGINE", f"{named}?cluster=usage")
    relation = rows_of(lake.snapshot(), [file.name for file in lake.snapshot().data_files], "usage")
    asked = f"EXPLAIN SELECT model, sum(input_tokens) FROM {relation} WHERE day > '2026-01-01' GROUP BY model"
    with served(port):
        plan = engine.clickhouse_in_use().client().command(asked)

        assert plan.index("MergingAggregated") < plan.index("ReadFromCluster"), "what each has added up is put together"
        with pytest.raises(engine.UnansweredError, match="A server of the cluster does not answer"):
            tokens(lake)
        monkeypatch.setenv("USAGECOST_ENGINE", f"{named}?cluster=another")
        with pytest.raises(engine.UnansweredError, match="There is no cluster of the name"):
            tokens(lake)
