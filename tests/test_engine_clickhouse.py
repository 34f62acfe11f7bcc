"""What is ClickHouse's own: how SQL is said to it, which files it reads, what it says when it cannot answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lake_rows import commit, row
from tests.pages import opened
from tests.views import days, view
from usagecost import engine, queries
from usagecost.lake import Lake
from usagecost.periods import instant_us

pytest.importorskip("clickhouse_connect", reason="pip install -r requirements-clickhouse.txt")

from usagecost.engine.clickhouse import ClickHouse, rows_of
from usagecost.engine.dialect import clickhouse_sql
from usagecost.vocabulary.filters import EVERYTHING

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
        return engine.table(sql, {}, engine.Slice(str(lake.root), version, EVERYTHING, **days))["total"][0].as_py()  # type: ignore[arg-type]

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
    sql = "SELECT model, tags, reported_cost_usd, is_streaming, epoch_us(started_at) AS us FROM {requests} ORDER BY request_id"
    answers = []
    for named in ("chdb://memory", "duckdb"):
        monkeypatch.setenv("USAGECOST_ENGINE", named)
        answers.append(engine.table(sql, {}, engine.Slice(str(lake.root), 1, EVERYTHING)).to_pylist())

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
    found = engine.table("SELECT sum(input_tokens)::bigint AS total FROM {requests}", {}, engine.Slice(lake.name, 1, EVERYTHING))

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
        engine.table("SELECT 1 AS one FROM {requests}", {}, engine.Slice(str(lake.root), 1, EVERYTHING))
    assert "secret" not in str(away.value)


def test_a_setting_that_is_no_engine_says_what_is():
    with pytest.raises(engine.UnansweredError, match="write `duckdb` or `clickhouse://"):
        ClickHouse("postgres://localhost")


@ON_CLICKHOUSE
@pytest.mark.usefixtures("rolled_up")
def test_a_question_to_rollups_that_takes_too_much_is_not_asked_of_the_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    monkeypatch.setitem(engine.clickhouse.LIMITS, "max_memory_usage", 1_000)
    asked, table = [], engine.table
    monkeypatch.setattr(engine, "table", lambda *given: (asked.append(given[3]), table(*given))[1])

    with pytest.raises(engine.UnansweredError, match="needs more memory"):
        queries.usage(view(str(lake.root), days("2026-05-01")), "model")
    assert len(asked) == 1
    assert asked[0]


@ON_CLICKHOUSE
def test_a_question_that_takes_too_much_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    monkeypatch.setitem(engine.clickhouse.LIMITS, "max_memory_usage", 1_000)

    with pytest.raises(engine.UnansweredError, match="needs more memory than the ClickHouse at chdb allows"):
        engine.table("SELECT uniqExact(number) FROM numbers(1000000)", {}, engine.Slice(str(lake.root), 1, EVERYTHING))


def test_a_page_says_calmly_that_the_server_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    monkeypatch.setenv("USAGECOST_LAKE", str(lake.root))
    monkeypatch.setenv("USAGECOST_ENGINE", "clickhouse://127.0.0.1:1/usage")
    page = opened()

    assert "cannot be reached right now" in page.warning[0].value
    monkeypatch.setenv("USAGECOST_ENGINE", "duckdb")
    assert not page.run().warning  # it comes back by itself
