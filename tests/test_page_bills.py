"""The page Bills: from a dropped bill to what explains it and what ends it, in Streamlit's own harness."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from tests import pages
from tests.bill_rows import bill, line
from tests.copies import copied
from tests.lake_rows import commit
from tests.views import request
from usagecost.cli import app
from usagecost.lake import Lake
from usagecost.pricebook import current_book

PRICED = {
    "provider": "openai", "model": "gpt-4o", "input_tokens": 1_000_000, "output_tokens": 100_000, "price_status": "exact",
    "list_cost_usd": Decimal("3.50"), "input_cost_usd": Decimal("2.50"), "output_cost_usd": Decimal(1), "price_id": "openai/gpt-4o",
}  # fmt: skip


@copied
def made(lake: Lake) -> None:
    """A lake with the same request on three days of November."""
    commit(lake, *(request(f"2026-11-0{day} 12:00", **PRICED) for day in (1, 2, 3)))


@pytest.fixture
def lake(made: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """It, as the one that is opened."""
    monkeypatch.setenv("USAGECOST_LAKE", str(made.root))
    monkeypatch.delenv("USAGECOST_PRICES", raising=False)
    return made


def opened(**query: str) -> AppTest:
    return pages.opened("pages/4_Bills.py", **query)


def words(page: AppTest) -> str:
    return " ".join(text.value for text in (*page.header, *page.markdown, *page.caption)).replace("\\", "").replace("\xa0", " ")


def openai_costs(day: int, *items: tuple[str, float]) -> dict[str, Any]:
    """A day of costs as OpenAI's API answers them."""
    start = int(datetime(2026, 11, day, tzinfo=UTC).timestamp())
    results = [{"object": "organization.costs.result", "amount": {"value": value, "currency": "usd"}, "line_item": name,
                "project_id": None, "organization_id": "org-1"} for name, value in items]  # fmt: skip
    return {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": results}


def test_from_a_dropped_bill_to_what_explains_it(lake: Lake):
    page = opened()
    assert page.info[0].value.startswith("Load what a provider bills")
    days = [openai_costs(day, ("gpt-4o, input", 2.5), ("gpt-4o, output", 1.0)) for day in (1, 2)]
    days.append(openai_costs(3, ("gpt-4o, input", 2.5), ("gpt-4o, output", 1.0), ("gpt-4o-mini, output", 0.75)))
    answer = json.dumps({"object": "page", "data": days, "has_more": False, "next_page": None})

    page.file_uploader[0].set_value([("costs.json", answer.encode(), "application/json"), ("notes.txt", b"hello", "text/plain")])
    page.run()
    page.button(key="load_bills").click().run()

    assert not page.exception
    assert page.error[0].value.startswith("notes\\.txt")
    assert page.success[0].value == "OpenAI organization costs\\: 7 lines, 1–3 Nov 2026\\."
    assert "100.0% of $11.25 explained" in words(page)
    assert page.dataframe[0].value[["model", "cause"]].to_numpy().tolist() == [["gpt-4o-mini", "Not in our logs: model"]]
    assert lake.rows("bills").num_rows == 7

    page.session_state["part"] = "Loaded bills"
    page.run().button(key="remove_bill_now").click().run()
    assert lake.rows("bills").num_rows == 0


def test_loaded_bills_are_read_once_for_the_files_that_hold_them(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    lake.keep_rows("bills", bill(line("2.5", "input", 1_000_000, model="gpt-4o", day=date(2026, 11, 1))))
    reads, read = [], Lake.rows
    monkeypatch.setattr(Lake, "rows", lambda lake, table: reads.append(table) or read(lake, table))

    page = opened(part="Loaded bills").run()
    assert (len(page.dataframe[0].value), reads.count("bills")) == (1, 1)
    lake.keep_rows("bills", bill(line("1", "input", 9, statement="b", account="other")))
    assert (len(page.run().dataframe[0].value), reads.count("bills")) == (2, 2)


def test_the_command_prints_the_same(lake: Lake):
    lake.keep_rows("bills", bill(line("2.5", "input", 1_000_000, model="gpt-4o", day=date(2026, 11, 1))))

    printed = CliRunner().invoke(app, ["bill", "--reconcile", "--lake", str(lake.root)], env={"COLUMNS": "200"})
    as_json = CliRunner().invoke(app, ["bill", "--reconcile", "--month", "2026-11", "--report", "json", "--lake", str(lake.root)])

    assert printed.output.startswith("2026-11: 0.0% of $2.50 explained.")
    assert json.loads(as_json.stdout)["effects"]["rest"] == "-8.000000000"


def test_a_discount_is_found_and_set_from_the_page(lake: Lake):
    days = ("2026-11-01", "2026-11-02", "2026-11-03")
    lines = [
        line(amount, meter, count, model="gpt-4o-2024-08-06", day=datetime.fromisoformat(day).date())
        for day in days
        for amount, meter, count in (("2.25", "input", 1_000_000), ("0.9", "output", 100_000))
    ]
    lake.keep_rows("bills", bill(*lines, line("1.89", None, kind="tax", model=None), line("5", "output", 9, model="gpt-unknown")))

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


def test_a_discount_of_all_models_is_set_for_their_provider(lake: Lake):
    commit(lake, *(request(f"2026-11-0{day} 13:00", **PRICED | {"model": "gpt-4o-mini"}) for day in (2, 3)))
    days = {"gpt-4o": (1, 2, 3), "gpt-4o-mini": (2, 3)}
    lake.keep_rows(
        "bills", bill(*(line("3.15", None, model=model, day=date(2026, 11, day)) for model in days for day in days[model]))
    )

    page = opened()
    assert "openai bills all its models at 10 % off list prices from 1 Nov 2026 on: −$1.75." in words(page)
    page.button(key="end_0").click().run()
    page.button(key="save_bill_entry").click().run()

    [discount] = current_book(lake).book.discounts
    assert (discount.provider, discount.model, discount.percent) == ("openai", "*", 10)


def test_what_a_bill_calls_its_provider_is_text_and_no_markup(lake: Lake):
    lake.keep_rows("bills", bill(line("1", provider="![x](http://e.example/p.png)")))

    helps = [card.help for card in opened().metric]

    assert helps[0].startswith("All lines of bills of ")
    assert not any("![" in said or "](" in said for said in helps)
