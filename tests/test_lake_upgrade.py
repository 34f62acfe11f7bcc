"""A lake that an earlier version has made is read as it is; what the record has gained is added without a file being written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from typer.testing import CliRunner

from tests.lake_rows import commit, row, rows_of
from usagecost import queries
from usagecost.cli import app
from usagecost.cli.summaries import summary_rows
from usagecost.lake import Lake
from usagecost.pricing import with_prices
from usagecost.sample import ensure_sample
from usagecost.schema import COLUMNS, COST_PARTS, REQUESTS
from usagecost.vocabulary.filters import EVERYTHING

NEW = (
    "project", "git_branch", "speed", "inference_region", "cache_audio_read_tokens", "input_image_tokens",
    "cache_image_read_tokens", "output_image_tokens", "units", *COST_PARTS, "price_reason",
)  # fmt: skip
OLD_COLUMNS = [name for name in REQUESTS.names if name not in NEW]
CACHED = {"provider": "anthropic", "model": "claude-sonnet-4-0", "input_tokens": 1_000_000, "cache_read_tokens": 1_000_000}


@pytest.fixture
def old_lake(tmp_path: Path) -> Lake:
    """A lake of two days, made before the record knew these columns."""
    made = [row("a", started_at="2026-05-01 10:00", **CACHED), row("b", started_at="2026-05-02 10:00", user_id="ada")]
    complete = [{**dict.fromkeys(REQUESTS.names), **values, "day": values["started_at"].date()} for values in made]
    table = pa.Table.from_pylist(complete, REQUESTS).select(OLD_COLUMNS)
    write_deltalake(str(tmp_path / "lake" / "requests"), table, partition_by=["day"], name="requests")
    return Lake(tmp_path / "lake")


def names(lake: Lake) -> list[str]:
    return [field.name for field in DeltaTable(lake.root / "requests").schema().fields]


def test_it_is_read_as_it_is(old_lake: Lake):
    before = sorted(old_lake.root.rglob("*.parquet"))

    assert old_lake.version() == 0
    assert summary_rows(str(old_lake.root), date(2026, 5, 1), date(2026, 5, 2), "UTC", None)[0]["requests"] == 2
    assert queries.data_span(str(old_lake.root), 0, EVERYTHING) is not None
    assert sorted(old_lake.root.rglob("*.parquet")) == before
    assert set(NEW).isdisjoint(names(old_lake))


def test_the_next_commit_adds_the_columns_by_metadata_alone(old_lake: Lake):
    before = {path: path.read_bytes() for path in old_lake.root.rglob("*.parquet")}
    commit(old_lake, row("c", started_at="2026-05-03 10:00", speed="fast"))

    assert set(names(old_lake)) == {column.name for column in COLUMNS}
    assert {path: path.read_bytes() for path in before} == before
    assert rows_of(old_lake, "request_id", "user_id", "speed", "units") == [
        ("a", None, None, None),
        ("b", "ada", None, None),
        ("c", None, "fast", None),
    ]


def test_a_request_that_is_read_again_gets_what_the_record_has_gained(old_lake: Lake):
    commit(old_lake, row("a", started_at="2026-05-01 10:00", speed="fast", **CACHED))
    commit(old_lake, row("a", started_at="2026-05-01 10:00", **CACHED))

    assert rows_of(old_lake, "request_id", "speed") == [("a", "fast"), ("b", None)]


def test_an_upgrade_adds_the_columns_and_keeps_every_request(old_lake: Lake):
    assert old_lake.upgrade() == len(NEW)
    assert old_lake.upgrade() == 0
    assert rows_of(old_lake, "request_id", "user_id", *NEW) == [("a", None, *[None] * len(NEW)), ("b", "ada", *[None] * len(NEW))]


def test_a_compaction_of_old_and_new_files_has_all_columns(old_lake: Lake):
    commit(old_lake, row("c", started_at="2026-05-01 11:00", speed="fast"))
    old_lake.compact()

    assert rows_of(old_lake, "request_id", "speed") == [("a", None), ("b", None), ("c", "fast")]


def test_repricing_fills_what_was_added(old_lake: Lake):
    old_lake.reprice(_list_prices, (datetime(2026, 5, 1, tzinfo=UTC), None), about={"who": "ada", "why": None, "prices": "list"})

    assert rows_of(old_lake, "list_cost_usd", "cache_read_cost_usd", "price_status")[0] == (
        Decimal("0.3"),
        Decimal("0.3"),
        "partial",  # how much was answered is not known
    )


def test_the_command_upgrades_and_says_so(old_lake: Lake):
    run = CliRunner()

    assert f"{len(NEW)} columns added" in run.invoke(app, ["upgrade", "--lake", str(old_lake.root)]).output
    assert "up to date" in run.invoke(app, ["upgrade", "--lake", str(old_lake.root)]).output
    assert run.invoke(app, ["upgrade", "--lake", str(old_lake.root / "elsewhere")]).exit_code == 1


def _list_prices(con: duckdb.DuckDBPyConnection, table: str, also: list[str]) -> str:
    return with_prices(con, table, also=also)


@pytest.mark.slow
def test_a_sample_of_an_earlier_version_is_made_anew(old_lake: Lake, tmp_path: Path):
    now = datetime(2026, 5, 2, 12, tzinfo=UTC)
    samples = tmp_path / "samples"
    samples.mkdir()
    old_lake.root.rename(samples / "2026-05-02T10-00-00Z")

    made = ensure_sample(samples, now)
    assert made.name == "2026-05-02T12-00-00Z"
    assert Lake(made).snapshot().rows > 50_000
