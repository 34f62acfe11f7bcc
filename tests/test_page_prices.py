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
    page = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/4_Prices.py")
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
    assert list(shown["price"]) == ["no list price", "list price"]
    assert list(shown["unpriced_requests"]) == [1, 0]
    assert shown["list_usd"].isna().tolist() == [True, False]
    assert shown["input_tokens"].tolist()[1] == 2.5
    said = " ".join(text.value for text in page.caption).replace("\\", "")
    assert "50.0% of requests (1) and 60.0% of tokens have no list price" in said  # 1.5 M of 2.5 M


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
    page.button[[button.label for button in page.button].index("Save price")].click().run()
    assert [box.value for box in page.success] == [
        "Requests loaded from now on use it. Stored ones keep what they have until they are repriced."
    ]
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
    page.button[[button.label for button in page.button].index("Save price")].click().run()

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
        ({"price_status": "alias"}, 0.2, "an alias that is not known for sure: the name may mean another listed model"),
        ({"saved_of_both_usd": Decimal(1), "has_tiers": True}, 1.0, "cache reads, which the source bills as other input"),
        (
            {"reported_of_both_usd": Decimal("0.8"), "reads_of_both_usd": Decimal("0.2")},
            -0.2,
            "cache reads, which the source leaves out",
        ),
        ({}, -0.15, "a negotiated discount"),
    ],
)
def test_a_difference_has_a_likely_cause(row: dict, share: float | None, cause: str):
    known = {"has_tiers": False, "cache_read_tokens": None, "cache_write_tokens": None, "price_status": "exact"}

    known |= {
        "reported_of_both_usd": Decimal(2),
        "list_of_both_usd": Decimal(1),
        "saved_of_both_usd": None,
        "reads_of_both_usd": None,
    }
    assert likely_cause({**known, **row}, share) == cause


def test_reads_that_are_not_billed_or_billed_in_full_are_told_apart(lake: Lake, tmp_path: Path):
    # Both cost 3 per million input and 0.30 per million read from the cache. Of 100,000 tokens 90,000 are read:
    # (10,000 x 3 + 90,000 x 0.30) / 1M = 0.057; without the reads 0.03, with all of it as input 0.3.
    header = "request_id,started_at,provider,model,input_tokens,output_tokens,cache_read_tokens,reported_cost_usd\n"
    (tmp_path / "reads.csv").write_text(
        header
        + "x,2026-05-03T10:00:00Z,anthropic,claude-sonnet-4-5,100000,0,90000,0.03\n"
        + "y,2026-05-03T10:00:00Z,anthropic,claude-sonnet-4-0,100000,0,90000,0.3\n"
    )
    ingest([tmp_path / "reads.csv"], lake)
    shown = opened("Reported and list").dataframe[0].value.set_index("model")

    assert shown["cause"]["anthropic / claude-sonnet-4-5"] == "cache reads, which the source leaves out"
    assert shown["cause"]["anthropic / claude-sonnet-4-0"] == "cache reads, which the source bills as other input"


def test_after_a_price_is_written_its_effect_is_one_click_away(lake: Lake):
    page = opened("Set a price")
    page.radio(key="price_kind").set_value("Alias of").run()
    page.selectbox(key="price_means").set_value("openai/gpt-4o").run()
    page.button[[button.label for button in page.button].index("Save price")].click().run()
    page.button(key="price_reprice").click().run()

    assert not page.exception
    assert 'stands_for = "openai/gpt-4o"' in (lake.root.parent / "prices.toml").read_text()
    page.radio(key="reprice_scope").set_value("The whole lake").run()
    page.button(key="reprice_preview").click().run()
    assert [metric.value for metric in page.metric] == ["≥\u00a0$0.00", "$7.50"]  # 1 M at 2.50 and 500 k at 10


def test_a_discount_of_a_provider_is_written_as_one(lake: Lake):
    page = opened("Set a price")
    page.radio(key="price_kind").set_value("Discount").run()
    page.selectbox(key="price_model").set_value("openai / gpt-4o").run()
    page.radio(key="price_scope").set_value("Everything of its provider").run()
    page.number_input(key="price_percent").set_value(12.5).run()
    page.button[[button.label for button in page.button].index("Save price")].click().run()

    assert '[[discount]]\nprovider = "openai"\npercent = 12.5' in (lake.root.parent / "prices.toml").read_text()


def test_cache_economics_by_model_may_be_negative(lake: Lake, tmp_path: Path):
    header = "request_id,started_at,provider,model,input_tokens,cache_read_tokens,cache_write_tokens\n"
    (tmp_path / "cached.csv").write_text(
        header
        + "c,2026-05-01T10:00:00Z,anthropic,claude-sonnet-4-0,2000000,1000000,400000\n"
        + "d,2026-05-01T11:00:00Z,anthropic,claude-opus-4-0,1000000,0,1000000\n"
    )
    ingest([tmp_path / "cached.csv"], lake)
    page = opened("Cache")

    shown = page.dataframe[0].value
    assert list(shown["model"]) == ["anthropic / claude-opus-4-0", "anthropic / claude-sonnet-4-0"]
    assert list(shown["net_usd"]) == [-3.75, 2.4]  # 1 M at 18.75 - 15; 1 M at 3 - 0.3, less 400 k at 3.75 - 3
    assert [metric.value for metric in page.metric] == ["$2.70", "$4.05", "−$1.35"]


@pytest.mark.usefixtures("lake")
def test_without_anything_known_of_caching_the_tab_says_so():
    assert "No log of it tells of cache reads" in opened("Cache").info[0].value
