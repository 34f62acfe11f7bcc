"""The page Prices: what every model costs, setting a price, and repricing, in Streamlit's own harness."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.lake_rows import rows_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.ui.prices.compared import likely_cause

APP = Path(__file__).parents[1] / "app.py"
TABLE = """request_id,started_at,provider,model,user_id,input_tokens,output_tokens,reported_cost_usd
a,2026-05-01T10:00:00Z,vllm,our-llama,ada,1000000,500000,
b,2026-05-02T10:00:00Z,openai,gpt-4o,bob,1000000,0,3
"""


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake with a request that has no price and one whose source reports more than the list price."""
    file = tmp_path / "requests.csv"
    file.write_text(TABLE)
    lake = Lake(tmp_path / "lake")
    ingest([file], lake)
    monkeypatch.setenv("USAGECOST_LAKE", str(lake.root))
    monkeypatch.delenv("USAGECOST_PRICES", raising=False)
    return lake


def opened(part: str) -> AppTest:
    """The page on one of its tabs, over all time."""
    page = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/2_Prices.py")
    page.query_params["range"] = "All time"
    page.query_params["part"] = part
    page.run()
    assert not page.exception
    return page


@pytest.mark.usefixtures("lake")
def test_models_without_a_price_stand_first_with_what_is_known():
    page = opened("Models")

    shown = page.dataframe[0].value
    assert list(shown["model"]) == ["our-llama", "gpt-4o"]
    assert list(shown["price"]) == ["no price", "list price"]
    assert list(shown["unpriced_requests"]) == [1, 0]
    assert shown["list_usd"].isna().tolist() == [True, False]
    assert shown["input_tokens"].tolist()[1] == 2.5
    assert any("50.0\u00a0% of requests (1) have no price" in text.value for text in page.caption)


@pytest.mark.usefixtures("lake")
def test_reported_and_list_cost_stand_side_by_side():
    shown = opened("Reported and list").dataframe[0].value

    assert list(shown["model"]) == ["openai / gpt-4o"]
    assert (shown["reported_usd"][0], shown["list_usd"][0], shown["difference_usd"][0]) == (3.0, 2.5, 0.5)
    assert shown["cause"][0] == "a price that changed, or a surcharge of the gateway"


def test_a_price_is_set_previewed_applied_and_taken_back(lake: Lake):
    page = opened("Set a price")
    page.number_input(key="price_input").set_value(2.0)
    page.number_input(key="price_output").set_value(4.0).run()
    page.button[[button.label for button in page.button].index("Write to the book")].click().run()
    assert [box.value for box in page.success] == ["Requests loaded from now on use it. Stored ones get it under Reprice."]
    assert 'model = "our-llama"\ninput = 2.0\noutput = 4.0' in (lake.root.parent / "prices.toml").read_text()

    page = opened("Reprice")
    page.radio(key="reprice_scope").set_value("The whole lake").run()
    page.button(key="reprice_preview").click().run()
    assert [metric.value for metric in page.metric] == ["≥\u00a0$0.00", "$4.00"]
    assert rows_of(lake, "list_cost_usd")[0] == (None,)

    page.button(key="reprice_apply").click().run()
    assert not page.exception
    assert rows_of(lake, "list_cost_usd") == [(Decimal(4),), (Decimal("2.5"),)]
    (act,) = lake.repricings()["id"].to_pylist()

    page.button(key=f"undo_{act}").click().run()
    assert rows_of(lake, "list_cost_usd") == [(None,), (Decimal("2.5"),)]


def test_a_price_that_would_break_the_book_is_not_written(lake: Lake):
    page = opened("Set a price")
    page.button[[button.label for button in page.button].index("Write to the book")].click().run()

    assert "there is no rate" in page.error[0].value
    assert not (lake.root.parent / "prices.toml").exists()


def test_a_broken_book_is_said_on_the_page(lake: Lake):
    (lake.root.parent / "prices.toml").write_text("[[price]]\n")

    assert "model: it is missing" in opened("Models").warning[0].value.replace("\\", "")


@pytest.mark.parametrize(
    ("row", "share", "cause"),
    [
        ({}, 0.001, "none: they agree"),
        ({}, None, "free at list prices: the gateway has a price of its own"),
        ({"has_tiers": True}, -0.5, "batch or service tier, billed at other rates"),
        ({"cache_read_tokens": 5}, 0.2, "cache tokens, which the source counts or prices in another way"),
        ({"price_status": "alias"}, 0.2, "the name may mean another model of the price list"),
        ({}, -0.15, "a negotiated discount"),
    ],
)
def test_a_difference_has_a_likely_cause(row: dict, share: float | None, cause: str):
    known = {"has_tiers": False, "cache_read_tokens": None, "cache_write_tokens": None, "price_status": "exact"}

    assert likely_cause({**known, **row}, share) == cause
