"""The page Bills: from a dropped bill to what explains it and what ends it, in Streamlit's own harness."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.bill_rows import bill, line
from tests.lake_rows import commit
from tests.views import request
from usagecost.lake import Lake
from usagecost.pricebook import current_book

APP = Path(__file__).parents[1] / "app.py"
PRICED = {
    "provider": "openai", "model": "gpt-4o", "input_tokens": 1_000_000, "output_tokens": 100_000, "price_status": "exact",
    "list_cost_usd": Decimal("3.50"), "input_cost_usd": Decimal("2.50"), "output_cost_usd": Decimal(1), "price_id": "openai/gpt-4o@2024",
}  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake with the same request on three days of November."""
    lake = Lake(tmp_path / "lake")
    commit(lake, *(request(f"2026-11-0{day} 12:00", **PRICED) for day in (1, 2, 3)))
    monkeypatch.setenv("USAGECOST_LAKE", str(lake.root))
    monkeypatch.delenv("USAGECOST_PRICES", raising=False)
    return lake


def opened(**query: str) -> AppTest:
    page = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/4_Bills.py")
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return " ".join(text.value for text in (*page.header, *page.markdown, *page.caption)).replace("\\", "").replace("\xa0", " ")


def test_without_bills_there_is_a_place_to_drop_them(lake: Lake):
    page = opened()

    assert page.info[0].value.startswith("Load what a provider bills")
    assert [one.key for one in page.get("file_uploader")] == ["bills_0"] or page.get("file_uploader")
    assert lake.bills().num_rows == 0


def test_a_discount_is_found_and_set_from_the_page(lake: Lake):
    days = ("2026-11-01", "2026-11-02", "2026-11-03")
    lines = [
        line(amount, meter, count, model="gpt-4o-2024-08-06", day=datetime.fromisoformat(day).date())
        for day in days
        for amount, meter, count in (("2.25", "input", 1_000_000), ("0.9", "output", 100_000))
    ]
    lake.keep_bills(bill(*lines, line("1.89", None, kind="tax", model=None), line("5", "output", 9, model="gpt-unknown")))

    page = opened()

    assert "100.0% of $16.34 explained" in words(page)
    assert [card.value for card in page.metric] == ["$16.34", "$10.50", "+$5.84", "$0.00"]
    cells, months = (one.value for one in page.dataframe)
    assert cells[["days", "model", "difference_usd", "cause"]].to_numpy().tolist()[0] == [
        "3 Nov 2026", "gpt-unknown", 5.0, "Not in our logs: model",
    ]  # fmt: skip
    assert months["explained"].tolist() == ["100.0%"]
    assert "openai bills gpt-4o at 10 % off list prices from 1 Nov 2026 on: −$1.05." in words(page)

    page.button(key="end_1").click().run()
    page.button(key="save_bill_entry").click().run()
    assert not page.exception

    [discount] = current_book(lake).book.discounts
    assert (discount.provider, discount.model, discount.percent, str(discount.since)) == ("openai", "gpt-4o", 10, "2026-11-01")
    assert page.success[0].value.startswith("Stored requests keep the price")
