"""Other prices for stored requests: previewed, done in one version, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.copies import copied
from tests.lake_rows import commit, row, rows_of
from usagecost.lake import Lake, LakeError, Pricing
from usagecost.schema import COST_PARTS, PRICE_COLUMNS, REQUESTS

ALL = (None, None)
ABOUT = {"who": "ada", "why": "new contract", "prices": "test"}


def costing(usd: str) -> Pricing:
    """Every request of a known model costs this."""

    def price(_: duckdb.DuckDBPyConnection, table: str, also: Sequence[str]) -> str:
        values = {
            "list_cost_usd": f"CASE WHEN model IS NOT NULL THEN {usd}::DECIMAL(18, 9) END",
            "price_status": "CASE WHEN model IS NOT NULL THEN 'override' ELSE 'unpriced' END",
            "price_id": f"CASE WHEN model IS NOT NULL THEN 'own@{usd}' END",
            "price_reason": "NULL::VARCHAR",
        }
        values = {name: values.get(name, "NULL::DECIMAL(18, 9)") for name in PRICE_COLUMNS}
        columns = [f"{values[name]} AS {name}" if name in PRICE_COLUMNS else name for name in REQUESTS.names]
        return f"SELECT {', '.join([*columns, *also])} FROM {table}"

    return price


@copied
def lake(lake: Lake) -> None:
    known = {"price_status": "exact", "list_cost_usd": Decimal(1), "price_id": "list"}
    commit(
        lake,
        row("a", model="m", user_id="ada", reported_cost_usd=Decimal(9), **known),
        row("b", model="m", user_id="bob", started_at="2026-05-02 10:00", price_status="unpriced"),
        row("c", price_status="unpriced", started_at="2026-05-03 10:00"),
    )


def test_a_preview_says_what_would_change_and_changes_nothing(lake: Lake):
    found = lake.repricing(costing("3"), ALL)

    assert (found.requests, found.models, found.unpriced_before, found.unpriced_after) == (2, 1, 1, 0)
    assert (found.before_usd, found.after_usd) == (Decimal(1), Decimal(6))
    assert [(change.name, change.requests, change.before_usd, change.after_usd) for change in found.by_user] == [
        ("bob", 1, Decimal(0), Decimal(3)),
        ("ada", 1, Decimal(1), Decimal(3)),
    ]
    assert (lake.version(), lake.repricings().num_rows) == (1, 0)


def test_repricing_is_one_version_that_says_who_and_why(lake: Lake):
    done = lake.reprice(costing("3"), ALL, about=ABOUT)

    assert done.version == lake.version() == 2
    assert rows_of(lake, "list_cost_usd", "price_status", "reported_cost_usd") == [
        (Decimal(3), "override", Decimal(9)),
        (Decimal(3), "override", None),
        (None, "unpriced", None),
    ]
    (act,) = lake.repricings().to_pylist()
    assert (act["id"], act["who"], act["why"], act["requests"], act["after_usd"]) == (done.id, "ada", "new contract", 2, Decimal(6))


def test_only_the_days_and_the_model_that_are_meant_change(lake: Lake):
    lake.reprice(costing("3"), (datetime(2026, 5, 2, tzinfo=UTC), None), about=ABOUT)
    lake.reprice(costing("4"), ALL, "other", about=ABOUT)

    assert rows_of(lake, "list_cost_usd") == [(Decimal(1),), (Decimal(3),), (None,)]


def test_the_same_prices_again_are_no_version(lake: Lake):
    lake.reprice(costing("3"), ALL, about=ABOUT)

    assert lake.reprice(costing("3"), ALL, about=ABOUT).requests == 0
    assert (lake.version(), lake.repricings().num_rows) == (2, 1)


def test_undone_prices_are_as_before_and_what_came_since_stays(lake: Lake):
    before = rows_of(lake, "request_id", *PRICE_COLUMNS)
    done = lake.reprice(costing("3"), ALL, about=ABOUT)
    commit(lake, row("d", model="m", list_cost_usd=Decimal(7), price_status="exact"))

    undone = lake.undo_repricing(done.id, about={"who": "ada", "why": "too early", "prices": "test"})

    assert (undone.requests, undone.before_usd, undone.after_usd) == (2, Decimal(6), Decimal(1))
    assert rows_of(lake, "request_id", *PRICE_COLUMNS) == [
        *before,
        ("d", Decimal(7), *[None] * len(COST_PARTS), "exact", *[None] * 5),
    ]
    assert lake.repricings()["undoes"].to_pylist() == [done.id, None]


def test_undoing_leaves_what_an_ingest_has_replaced(lake: Lake):
    done = lake.reprice(costing("3"), ALL, about=ABOUT)
    commit(lake, row("b", rank=1, model="m", list_cost_usd=Decimal(3), price_status="override", price_id="own@3", ingest_id="new"))

    lake.undo_repricing(done.id, about=ABOUT)

    assert rows_of(lake, "request_id", "list_cost_usd")[:2] == [("a", Decimal(1)), ("b", Decimal(3))]


def test_undoing_an_undoing_does_it_again(lake: Lake):
    done = lake.reprice(costing("3"), ALL, about=ABOUT)
    after = rows_of(lake, "request_id", *PRICE_COLUMNS)

    undone = lake.undo_repricing(done.id, about=ABOUT)
    lake.undo_repricing(undone.id, about=ABOUT)

    assert rows_of(lake, "request_id", *PRICE_COLUMNS) == after


def test_an_act_that_never_was_cannot_be_undone(lake: Lake):
    with pytest.raises(LakeError, match="There was no repricing 'x'"):
        lake.undo_repricing("x", about=ABOUT)


def test_an_act_whose_commit_never_came_was_not_done(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("usagecost.lake.repricing.replace_days", killed)
        with pytest.raises(KeyboardInterrupt):
            lake.reprice(costing("3"), ALL, about=ABOUT)

    assert (lake.version(), lake.repricings().num_rows) == (1, 0)
    assert lake.reprice(costing("3"), ALL, about=ABOUT).requests == 2


@pytest.mark.parametrize("which", [{3}, {0, 5, 8, 21, 34}, set(range(40))], ids=["one", "few", "all"])
def test_files_stay_in_the_order_of_time_whatever_is_repriced(tmp_path: Path, which: set[int]):
    lake = Lake(tmp_path / "lake")  # skipping what is out of a filter's time rests on the order
    at = [f"2026-05-0{1 + i % 2} {i * 7 % 24:02}:{i:02}" for i in range(40)]
    commit(lake, *(row(str(i), model="m" if i in which else None, started_at=at[i], price_status="unpriced") for i in range(40)))
    done = lake.reprice(costing("3"), ALL, about=ABOUT)

    assert done.requests == len(which)
    for file in lake.snapshot().files():
        times = pq.read_table(file, columns=["started_at"])["started_at"].to_pylist()
        assert times == sorted(times)
