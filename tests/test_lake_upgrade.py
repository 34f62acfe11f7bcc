"""A lake that an earlier version has made: said plainly, brought up to date, nothing lost."""

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
from usagecost.cli import app
from usagecost.lake import Lake, LakeError
from usagecost.pricing import with_prices
from usagecost.sample import ensure_sample
from usagecost.schema import REQUESTS

NEW = ("cache_read_saved_usd", "cache_write_extra_usd")
OLD_COLUMNS = [name for name in REQUESTS.names if name not in NEW]


@pytest.fixture
def old_lake(tmp_path: Path) -> Lake:
    """A lake of two days, made before the record knew what caching saves."""
    cached = {"provider": "anthropic", "model": "claude-sonnet-4-0", "input_tokens": 1_000_000, "cache_read_tokens": 1_000_000}
    made = [row("a", started_at="2026-05-01 10:00", **cached), row("b", started_at="2026-05-02 10:00", user_id="ada")]
    complete = [{**dict.fromkeys(REQUESTS.names), **values, "day": values["started_at"].date()} for values in made]
    table = pa.Table.from_pylist(complete, REQUESTS).select(OLD_COLUMNS)
    write_deltalake(str(tmp_path / "lake" / "requests"), table, partition_by=["day"], name="requests")
    return Lake(tmp_path / "lake")


def test_a_lake_without_todays_columns_says_what_to_do(old_lake: Lake):
    with pytest.raises(
        LakeError, match=r"has no cache_read_saved_usd and no cache_write_extra_usd: run `python -m usagecost upgrade`"
    ):
        old_lake.version()
    with pytest.raises(LakeError, match="upgrade"):
        commit(old_lake, row("c"))


def test_an_upgrade_adds_the_columns_and_keeps_every_request(old_lake: Lake):
    assert old_lake.upgrade() == 2

    assert rows_of(old_lake, "request_id", "user_id", *NEW) == [("a", None, None, None), ("b", "ada", None, None)]
    commit(old_lake, row("c", user_id="bob"))
    assert rows_of(old_lake, "request_id") == [("a",), ("b",), ("c",)]
    assert old_lake.upgrade() == 0


def test_an_upgrade_that_was_interrupted_goes_on(old_lake: Lake, monkeypatch: pytest.MonkeyPatch):
    before = DeltaTable(old_lake.root / "requests").version()
    with monkeypatch.context() as interrupted:
        interrupted.setattr("usagecost.lake.upgrade.Field.from_arrow", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            old_lake.upgrade()
    assert DeltaTable(old_lake.root / "requests").version() == before + 1  # the files are there, the columns not yet

    assert old_lake.upgrade() == 2
    assert rows_of(old_lake, "request_id", *NEW) == [("a", None, None), ("b", None, None)]


def test_repricing_fills_what_the_upgrade_has_added(old_lake: Lake):
    old_lake.upgrade()
    old_lake.reprice(_list_prices, (date(2026, 5, 1), None), about={"who": "ada", "why": None, "prices": "list"})

    assert rows_of(old_lake, "list_cost_usd", *NEW)[0] == (Decimal("0.3"), Decimal("2.7"), None)


def test_the_command_upgrades_and_says_so(old_lake: Lake):
    run = CliRunner()

    assert "2 files written anew" in run.invoke(app, ["upgrade", "--lake", str(old_lake.root)]).output
    assert "up to date" in run.invoke(app, ["upgrade", "--lake", str(old_lake.root)]).output
    assert run.invoke(app, ["upgrade", "--lake", str(old_lake.root / "elsewhere")]).exit_code == 1


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _list_prices(con: duckdb.DuckDBPyConnection, table: str, also: list[str]) -> str:
    return with_prices(con, table, also=also)


def test_a_sample_of_an_earlier_version_is_made_anew(old_lake: Lake, tmp_path: Path):
    now = datetime(2026, 5, 2, 12, tzinfo=UTC)
    samples = tmp_path / "samples"
    samples.mkdir()
    old_lake.root.rename(samples / "2026-05-02T10-00-00Z")

    made = ensure_sample(samples, now)
    assert made.name == "2026-05-02T12-00-00Z"
    assert Lake(made).snapshot().rows > 50_000
