"""ClickHouse over HTTP, as a server is spoken to: tests.clickhouse_server says what answers here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lake_rows import Row, commit, row
from tests.loopback import free_port, wait_until_it_listens
from usagecost import engine
from usagecost.lake import Lake

pytest.importorskip("clickhouse_connect", reason="pip install -r requirements-clickhouse.txt")
pytest.importorskip("chdb", reason="ClickHouse within this process is not installed: pip install chdb")

from usagecost.engine.clickhouse import LIMITS
from usagecost.engine.lake_sql import rows_of

pytestmark = pytest.mark.slow

PASSWORD = "se cret&more"  # noqa: S105 - of a server that lives as long as a test


@pytest.fixture
def start() -> Iterator[Callable[[int], subprocess.Popen]]:
    """Starts a server on a port, which ends with the test."""
    processes: list[subprocess.Popen] = []

    def started(port: int, *more: str) -> subprocess.Popen:
        processes.append(subprocess.Popen([sys.executable, "-m", "tests.clickhouse_server", str(port), "ann", PASSWORD, *more]))
        wait_until_it_listens(port)
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of the engine that answers, once a server is started there."""
    found = free_port()
    monkeypatch.setenv("USAGECOST_ENGINE", f"clickhouse://ann@127.0.0.1:{found}/usage")
    monkeypatch.setenv("USAGECOST_ENGINE_PASSWORD", PASSWORD)
    return found


def tokens(lake: Lake, request_id: str = "a") -> int:
    sql = "SELECT sum(input_tokens)::bigint AS tokens FROM {requests} WHERE request_id = $id"
    return engine.table(sql, {"id": request_id}, lake=str(lake.root), version=lake.version())["tokens"][0].as_py()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(tmp_path / "lake")
    commit(made, row("a", input_tokens=3), row("it's", input_tokens=4))
    return made


def printed(command: str, lake: str, *arguments: str, **environment: str) -> str:
    """What a command prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "usagecost", command, "--lake", lake, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("by", ["model", "week"])
def test_a_summary_is_that_of_duckdb(varied: tuple[str, list[Row]], start: Callable, port: int, by: str):
    lake, rows = varied
    start(port)
    asked = ("--start", "2026-01-01", "--end", "2026-12-31", "--zone", "Asia/Kathmandu", "--by", by, "--format", "json")
    over_http, here = (
        json.loads(printed("summary", lake, *asked, **settings)) for settings in ({}, {"USAGECOST_ENGINE": "duckdb"})
    )

    assert over_http == here
    assert sum(one["requests"] for one in here) > len(rows) / 2


def test_values_stay_bound(lake: Lake, start: Callable, port: int):
    start(port)

    assert tokens(lake, "it's") == 4
    assert tokens(lake, "' OR 1=1 --") is None


def test_a_server_that_goes_is_a_calm_sentence_and_one_that_comes_back_answers(lake: Lake, start: Callable, port: int):
    first = start(port)
    assert tokens(lake) == 3
    first.kill()
    first.wait()
    with pytest.raises(engine.UnansweredError, match="cannot be reached right now") as away:
        tokens(lake)
    assert PASSWORD not in str(away.value)
    start(port)

    assert tokens(lake) == 3


def test_a_wrong_password_is_a_calm_sentence(lake: Lake, start: Callable, port: int, monkeypatch: pytest.MonkeyPatch):
    start(port)
    monkeypatch.setenv("USAGECOST_ENGINE_PASSWORD", "another")
    with pytest.raises(engine.UnansweredError, match=r"unknown to the ClickHouse at 127\.0\.0\.1:\d+: see USAGECOST") as refused:
        tokens(lake)

    assert "another" not in str(refused.value)


def test_a_question_that_takes_too_much_says_so(lake: Lake, start: Callable, port: int, monkeypatch: pytest.MonkeyPatch):
    start(port)
    monkeypatch.setitem(LIMITS, "max_memory_usage", 1_000)

    with pytest.raises(engine.UnansweredError, match="needs more memory than the ClickHouse"):
        engine.table("SELECT uniqExact(number) FROM numbers(1000000)", {}, lake=str(lake.root), version=1)


def test_a_user_who_may_only_read_is_enough(lake: Lake, start: Callable, port: int):
    start(port, "2")

    assert tokens(lake) == 3


def test_a_user_who_may_change_no_settings_is_told_what_is_needed(lake: Lake, start: Callable, port: int):
    start(port, "1")

    with pytest.raises(engine.UnansweredError, match="give it `readonly = 2`"):
        tokens(lake)


def test_all_servers_of_a_cluster_add_up_and_what_is_wrong_with_it_is_a_calm_sentence(
    lake: Lake, start: Callable, port: int, monkeypatch: pytest.MonkeyPatch
):
    start(port)
    named = os.environ["USAGECOST_ENGINE"]
    monkeypatch.setenv("USAGECOST_ENGINE", f"{named}?cluster=usage")
    cluster = engine.clickhouse_in_use()
    relation = rows_of(lake.snapshot(), [file.name for file in lake.snapshot().data_files], "usage")
    plan = cluster.client().command(
        f"EXPLAIN SELECT model, sum(input_tokens) FROM {relation} WHERE day > '2026-01-01' GROUP BY model"
    )

    assert plan.index("MergingAggregated") < plan.index("ReadFromCluster"), "what each has added up is put together"
    with pytest.raises(engine.UnansweredError, match="A server of the cluster does not answer"):
        tokens(lake)
    monkeypatch.setenv("USAGECOST_ENGINE", f"{named}?cluster=another")
    with pytest.raises(engine.UnansweredError, match="There is no cluster of the name"):
        tokens(lake)
