"""What is ClickHouse's own: how SQL is said to it, which files it reads, what it says when it cannot answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from tests.lake_rows import commit, row
from usagecost import engine
from usagecost.lake import Lake
from usagecost.periods import instant_us

pytest.importorskip("clickhouse_connect", reason="pip install -r requirements-clickhouse.txt")

from usagecost.cli import app
from usagecost.engine.clickhouse import ClickHouse
from usagecost.engine.dialect import clickhouse_sql
from usagecost.engine.lake_sql import rows_of
from usagecost.engine.mirror import FILES, TABLE, Mirrored

ON_CLICKHOUSE = pytest.mark.parametrize("engine_in_use", ["clickhouse"], indirect=True)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT epoch_us(a) // 7", "SELECT intDiv(toUnixTimestamp64Micro(a), 7)"),
        ("SELECT (a * 1000)::bigint", "SELECT CAST(roundBankers(a * 1000) AS Nullable(Int64))"),
        ("SELECT quantile_cont(a, [0.5, 0.95])[2]", "SELECT quantileExactInclusive(0.95)(a)"),
        ("SELECT strpos(lower(a), 'x')", "SELECT positionUTF8(lowerUTF8(a), 'x')"),
        ("WITH x AS MATERIALIZED (SELECT 1) SELECT * FROM x", "WITH x AS MATERIALIZED (SELECT 1) SELECT * FROM x"),
        ("WITH x AS NOT MATERIALIZED (SELECT 1) SELECT * FROM x", "WITH x AS (SELECT 1) SELECT * FROM x"),
        ("SELECT count(*) FILTER (a = 'b')", "SELECT COUNT(*) FILTER(WHERE a = 'b')"),
    ],
)
def test_sql_is_said_as_clickhouse_says_it(sql: str, said: str):
    assert clickhouse_sql(sql, {})[0] == said


def test_values_stay_bound_with_their_types():
    at = datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=UTC)
    values = {"model": "'; DROP TABLE x --", "at": at, "least": Decimal("0.1"), "ids": ["a"], "most": 3}
    sql, said = clickhouse_sql(
        "SELECT 1 WHERE m = $model AND t < $at AND c > $least AND i IN (SELECT unnest($ids)) LIMIT 3", values
    )

    assert "DROP" not in sql
    assert "{model: String}" in sql
    assert "fromUnixTimestamp64Micro({at: Int64}, 'UTC')" in sql
    assert said["at"] == 1_777_636_800_000_001
    assert {name: said[name] for name in ("model", "least", "ids", "most")} == {
        name: values[name] for name in values if name != "at"
    }


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_an_instant_keeps_its_microsecond(at: datetime):
    assert clickhouse_sql("SELECT $at", {"at": at})[1]["at"] == instant_us(at)


@ON_CLICKHOUSE
def test_an_older_version_is_answered_as_it_was(tmp_path: Path):
    lake = Lake(tmp_path / "lake's own")
    first = commit(lake, row("a", input_tokens=1)).version
    second = commit(lake, row("b", input_tokens=2), row("c", started_at="2026-05-03 10:00", input_tokens=4)).version

    def total(version: int, **days: object) -> int | None:
        sql = "SELECT sum(input_tokens)::bigint AS total FROM {requests}"
        return engine.table(sql, {}, lake=str(lake.root), version=version, **days)["total"][0].as_py()  # type: ignore[arg-type]

    assert [total(first), total(second)] == [1, 7]
    assert total(second, first_day=datetime(2026, 5, 3, tzinfo=UTC).date()) == 4
    assert total(second, first_day=datetime(2027, 1, 1, tzinfo=UTC).date()) is None


@ON_CLICKHOUSE
def test_what_a_request_says_comes_back_as_from_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    known = {
        "model": "a'b\\c",
        "tags": ["x", "ü"],
        "reported_cost_usd": Decimal("0.000000001"),
        "is_streaming": True,
    }
    commit(lake, row("a", **known), row("b"))
    sql = "SELECT model, tags, reported_cost_usd, is_streaming, {instant_us} AS us FROM {requests} ORDER BY request_id"
    answers = []
    for named in ("chdb://memory", "duckdb"):
        monkeypatch.setenv("USAGECOST_ENGINE", named)
        answers.append(engine.table(sql, {}, lake=str(lake.root), version=1).to_pylist())

    assert answers[0] == answers[1]
    assert answers[0][0] | known == answers[0][0]


@ON_CLICKHOUSE
def test_a_cluster_is_asked_for_the_files_of_the_version_and_no_others(tmp_path: Path):
    lake = Lake(tmp_path / "lake's own")
    commit(lake, row("gone", input_tokens=1), row("c", started_at="2026-05-03 10:00", input_tokens=4))
    commit(lake, row("gone", started_at="2026-05-09 10:00", rank=1, input_tokens=8))
    snapshot = lake.snapshot()
    for names in ([file.name for file in snapshot.data_files], [snapshot.data_files[0].name]):
        relation = rows_of(snapshot, names, "us'age")
        assert relation.startswith("fileCluster('us\\'age', '")
        by_one = relation.replace("fileCluster('us\\'age', ", "file(")  # nobody else is there to read; the rest is the same
        sql = f"SELECT request_id, input_tokens, toString(day) FROM {by_one} ORDER BY day"
        found = engine.clickhouse_in_use().client().query(sql).result_rows

        assert found == [("c", 4, "2026-05-03"), ("gone", 8, "2026-05-09")][: len(names)]


@pytest.mark.slow
@ON_CLICKHOUSE
def test_a_lake_in_a_store_is_read_there(new_lake: Callable[[], str]):
    lake = Lake(new_lake())
    commit(lake, row("a", input_tokens=1), row("b", started_at="2026-05-03 10:00", input_tokens=2))
    for copy in lake.root.rglob("copies/*.parquet"):
        copy.unlink()
    found = engine.table("SELECT sum(input_tokens)::bigint AS total FROM {requests}", {}, lake=lake.name, version=1)

    assert found["total"].to_pylist() == [3]
    by_one = rows_of(lake.snapshot(), [file.name for file in lake.snapshot().data_files], "usage").replace(
        "s3Cluster('usage', ", "s3("
    )
    assert engine.clickhouse_in_use().client().query(f"SELECT sum(input_tokens) FROM {by_one}").first_row == (3,)
    assert not list(lake.root.rglob("copies/*.parquet"))  # nothing was fetched to this machine


def test_a_server_that_is_away_is_a_calm_sentence_without_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    monkeypatch.setenv("USAGECOST_ENGINE", "clickhouse://ann:secret@127.0.0.1:1/usage")

    with pytest.raises(
        engine.UnansweredError, match=r"ClickHouse at 127\.0\.0\.1:1 cannot be reached right now\. Try again"
    ) as away:
        engine.table("SELECT 1 AS one FROM {requests}", {}, lake=str(lake.root), version=1)
    assert "secret" not in str(away.value)


def test_a_setting_that_is_no_engine_says_what_is():
    with pytest.raises(engine.UnansweredError, match="write `duckdb` or `clickhouse://"):
        ClickHouse("postgres://localhost")


@ON_CLICKHOUSE
def test_a_question_that_takes_too_much_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    monkeypatch.setitem(engine.clickhouse.LIMITS, "max_memory_usage", 1_000)

    with pytest.raises(engine.UnansweredError, match="needs more memory than the ClickHouse at chdb allows"):
        engine.table("SELECT uniqExact(number) FROM numbers(1000000)", {}, lake=str(lake.root), version=1)


# ---- the copy in ClickHouse's own format


@pytest.fixture
def server(engine_in_use: str) -> Iterator[ClickHouse]:
    """An empty ClickHouse within this process, the one that answers."""
    found = engine.clickhouse_in_use()
    assert found, engine_in_use
    for table in (TABLE, FILES):
        found.client().command(f"DROP TABLE IF EXISTS {table}")
    yield found
    for table in (TABLE, FILES):
        found.client().command(f"DROP TABLE IF EXISTS {table}")


def numbers(lake: Lake) -> dict[str, object]:
    sql = """
        SELECT count(*) AS requests, sum(input_tokens)::bigint AS tokens, sum(list_cost_usd) AS spend, count(tags) AS tagged
        FROM {requests}"""
    return engine.table(sql, {}, lake=str(lake.root), version=lake.version()).to_pylist()[0]


def asked_of_the_copy(server: ClickHouse, lake: Lake) -> bool:
    server._mirror._looked_at = -math.inf
    return TABLE in server._relation(lake.snapshot(), None, None)


@ON_CLICKHOUSE
def test_a_copy_follows_the_lake_and_answers_alike(tmp_path: Path, server: ClickHouse, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", input_tokens=1, list_cost_usd=Decimal("0.1")), row("b", started_at="2026-05-03 10:00"))
    before = numbers(lake)
    assert not asked_of_the_copy(server, lake)

    assert (server.mirror(lake.snapshot()).files, asked_of_the_copy(server, lake)) == (2, True)
    assert numbers(lake) == before == {"requests": 2, "tokens": 1, "spend": Decimal("0.1"), "tagged": before["tagged"]}
    assert server.mirror(lake.snapshot()) == Mirrored(0, 0, 0, 1)

    commit(lake, row("c", started_at="2026-05-03 11:00", input_tokens=5))
    assert not asked_of_the_copy(server, lake)
    assert numbers(lake)["tokens"] == 6  # from the lake, as the copy is behind
    assert server.mirror(lake.snapshot()).files == 1
    assert asked_of_the_copy(server, lake)
    assert numbers(lake)["tokens"] == 6

    monkeypatch.setattr(engine.mirror, "GRACE_S", 0)
    lake.compact()
    server.mirror(lake.snapshot())
    server.mirror(lake.snapshot())  # what was not wanted then is dropped now
    assert server.client().query(f"SELECT count(), count(DISTINCT copy) FROM {TABLE}").first_row == (3, 2)
    assert numbers(lake)["tokens"] == 6


@ON_CLICKHOUSE
def test_a_copy_that_was_never_finished_counts_for_nothing_and_goes(
    tmp_path: Path, server: ClickHouse, monkeypatch: pytest.MonkeyPatch
):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", input_tokens=1), row("b", input_tokens=2))
    server.mirror(lake.snapshot())
    server.client().command(f"TRUNCATE TABLE {FILES}")  # as if the process had ended before it said so
    assert not asked_of_the_copy(server, lake)

    server.mirror(lake.snapshot())
    assert server.client().query(f"SELECT count(), count(DISTINCT copy) FROM {TABLE}").first_row == (4, 2)
    assert asked_of_the_copy(server, lake)
    assert numbers(lake)["tokens"] == 3

    monkeypatch.setattr(engine.mirror, "ABANDONED_S", -1)
    assert server.mirror(lake.snapshot()).dropped == 1
    assert server.client().query(f"SELECT count() FROM {TABLE}").first_row == (2,)
    assert numbers(lake)["tokens"] == 3


@ON_CLICKHOUSE
def test_of_two_who_copy_the_same_file_at_once_nothing_is_counted_twice(
    tmp_path: Path, server: ClickHouse, monkeypatch: pytest.MonkeyPatch
):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", input_tokens=1))
    copy, other = server._mirror._copy, []

    def copied(*file: object) -> tuple[str, int]:
        if not other:  # while this one copies, another does the same from beginning to end
            other.append("")
            other[0] = server.mirror(lake.snapshot())
        return copy(*file)  # type: ignore[arg-type]

    monkeypatch.setattr(server._mirror, "_copy", copied)
    server.mirror(lake.snapshot())

    assert server.client().query(f"SELECT count() FROM {TABLE}").first_row == (2,)
    assert asked_of_the_copy(server, lake)
    assert numbers(lake)["tokens"] == 1


@ON_CLICKHOUSE
def test_two_lakes_share_a_server(tmp_path: Path, server: ClickHouse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine.mirror, "GRACE_S", 0)
    one, other = Lake(tmp_path / "one"), Lake(tmp_path / "other")
    commit(one, row("a", input_tokens=1))
    commit(other, row("a", input_tokens=2))
    for lake in (one, other, one, other):
        server.mirror(lake.snapshot())

    assert [numbers(lake)["tokens"] for lake in (one, other)] == [1, 2]
    assert asked_of_the_copy(server, one)
    assert asked_of_the_copy(server, other)


@ON_CLICKHOUSE
def test_the_command_says_what_it_copied(tmp_path: Path, server: ClickHouse, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    said = CliRunner().invoke(app, ["mirror", "--lake", str(lake.root)])
    assert "1 file with 1 request copied, 0 dropped; the copy holds version 1." in " ".join(said.output.split())
    assert asked_of_the_copy(server, lake)

    monkeypatch.setenv("USAGECOST_ENGINE", "duckdb")
    said = CliRunner().invoke(app, ["mirror", "--lake", str(lake.root)])
    assert said.exit_code
    assert "set USAGECOST_ENGINE" in " ".join(said.output.split())


def test_a_page_says_calmly_that_the_server_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    monkeypatch.setenv("USAGECOST_LAKE", str(lake.root))
    monkeypatch.setenv("USAGECOST_ENGINE", "clickhouse://127.0.0.1:1/usage")
    page = AppTest.from_file(str(Path(__file__).parents[1] / "app.py"), default_timeout=60).run()

    assert not page.exception
    assert "cannot be reached right now" in page.warning[0].value
    monkeypatch.setenv("USAGECOST_ENGINE", "duckdb")
    assert not page.run().warning  # it comes back by itself


@ON_CLICKHOUSE
def test_a_copy_that_an_earlier_version_has_made_gets_the_columns_it_lacks(tmp_path: Path, server: ClickHouse):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", input_tokens=1))
    server.mirror(lake.snapshot())
    server.client().command(f"ALTER TABLE {TABLE} DROP COLUMN units, DROP COLUMN price_reason")
    assert not asked_of_the_copy(server, lake)
    assert numbers(lake)["tokens"] == 1

    commit(lake, row("b", started_at="2026-05-02 10:00", input_tokens=2))
    server.mirror(lake.snapshot())
    assert asked_of_the_copy(server, lake)
    assert numbers(lake)["tokens"] == 3
