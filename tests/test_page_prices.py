"""The page Prices: what every model costs, setting a price, and repricing, in Streamlit's own harness."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests import pages
from tests.lake_rows import rows_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.ui.prices.compared import likely_cause

TABLE = """request_id,started_at,provider,model,user_id,input_tokens,output_tokens,reported_cost_usd
a,2026-05-01T10:00:00Z,vllm,our-llama,ada,1000000,500000,
b,2026-05-02T10:00:00Z,openai,gpt-4o,bob,1000000,0,3
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a request that has no price and one whose source reports more than the list price."""
    folder = tmp_path_factory.mktemp("prices")
    (folder / "requests.csv").write_text(TABLE)
    ingest([folder / "requests.csv"], Lake(folder / "lake"))
    return folder / "lake"


@pytest.fixture
def lake(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A copy of it."""
    lake = Lake(shutil.copytree(loaded, tmp_path / "lake"))
    monkeypatch.setenv("USAGECOST_LAKE", str(lake.root))
    monkeypatch.delenv("USAGECOST_PRICES", raising=False)
    return lake


def opened(part: str) -> AppTest:
    """The page on one of its tabs, over all time."""
    return pages.opened("pages/4_Prices.py", range="All time", part=part)


@pytest.mark.usefixtures("lake")
def test_models_without_a_price_stand_first_with_what_is_known():
    page = opened("Models")

    shown = page.dataframe[0].value
    assert list(shown["model"]) == ["our-llama", "gpt-4o"]
    assert list(shown["price"]) == ["no list price", "list price"]
    assert list(shown["unpriced_requests"]) == [1, 0]
    assert shown["list_usd"].isna().tolist() == [True, False]
    assert shown["input_tokens"].tolist()[1] == 2.5
    assert "Lower bound: 1 request (50.0%) and 60.0% of tokens have no list price" in words(page)  # 1.5 M of 2.5 M
    assert list(shown.columns).index("output_tokens") == list(shown.columns).index("input_tokens") + 1

    page.button(key="set_prices").click().run()
    assert page.selectbox(key="price_model_box").value == LLAMA


@pytest.mark.usefixtures("lake")
def test_reported_and_list_cost_stand_side_by_side():
    shown = opened("Reported and list").dataframe[0].value

    assert list(shown["model"]) == ["openai / gpt-4o"]
    assert (shown["reported_usd"][0], shown["list_usd"][0], shown["difference_usd"][0]) == (3.0, 2.5, 0.5)
    assert shown["cause"][0] == "a price that changed, or a surcharge of the gateway"


LLAMA, GPT = "vllm / our-llama", "openai / gpt-4o"


def typed(page: AppTest, model: str, **amounts: str) -> AppTest:
    """Amounts written into the form of a model."""
    for name, amount in amounts.items():
        page.text_input(key=f"price {model}_{name}").set_value(amount)
    return page.run()


def words(page: AppTest) -> str:
    """What the page says in small print."""
    return " ".join(text.value for text in page.caption).replace("\\", "")


def test_a_price_is_set_previewed_applied_and_undone_on_one_tab(lake: Lake):
    page = opened("Set a price")
    assert page.selectbox(key="price_model_box").value == LLAMA
    assert "1 of 1 request in this period have no list price: the price list has no such model at this provider." in words(page)

    typed(page, LLAMA, input="2.0", output="4").button(key="price_save").click().run()
    assert [box.value for box in page.success] == [
        "Requests loaded from now on use it; stored ones keep the price they have until they are repriced."
    ]
    assert 'model = "our-llama"\ninput = 2.0\noutput = 4\n' in (lake.root.parent / "prices.toml").read_text()
    assert [metric.value for metric in page.metric] == ["≥\u00a0$0.00", "$4.00"]
    assert rows_of(lake, "list_cost_usd")[0] == (None,)

    page.button(key="reprice_apply").click().run()
    assert page.success[0].value.replace("\\", "") == "List cost ≥\u00a0$0.00 → $4.00, in version 2 of the lake."
    assert rows_of(lake, "list_cost_usd") == [(Decimal(4),), (Decimal("2.5"),)]

    page.button(key="undo_done").click().run()
    assert not page.exception
    assert rows_of(lake, "list_cost_usd") == [(None,), (Decimal("2.5"),)]


def test_what_was_undone_is_not_offered_to_be_undone_again(lake: Lake):
    (lake.root.parent / "prices.toml").write_text('[[price]]\nmodel = "our-llama"\ninput = 2\n')
    page = opened("Reprice")
    page.button(key="reprice_preview").click().run()
    page.button(key="reprice_apply").click().run()
    (act,) = lake.repricings()["id"].to_pylist()

    page.button(key=f"undo_{act}").click().run()

    history = [text.value for text in page.markdown if " UTC** · " in text.value]
    assert [line.split(" · ")[1] for line in history] == ["1 request put back (undo)", "1 request repriced"]
    assert any("Undone" in text.value for text in page.markdown)
    assert not [button.key for button in page.button if button.label == "Undo"]


@pytest.mark.usefixtures("lake")
def test_a_price_that_is_empty_or_wrong_cannot_be_saved():
    page = opened("Set a price")
    for amounts, reason in (
        ({}, "Enter at least one rate."),
        ({"input": "cheap"}, "Input: write a number with a point, such as 0.15."),
        ({"input": "", "output": "-1"}, "Output is '-1': it cannot be negative."),
        ({"input": "0.0000012", "output": ""}, "existing entries are kept."),
    ):
        typed(page, LLAMA, **amounts)
        assert page.button(key="price_save").disabled is ("kept" not in reason)
        assert reason in words(page)


@pytest.mark.usefixtures("lake")
def test_a_link_chooses_the_model_whose_price_is_set():
    unknown = "(not reported) / of last year"  # which the period has not
    page = pages.opened("pages/4_Prices.py", part="Set a price", price_model=unknown)

    assert page.selectbox(key="price_model_box").value == unknown
    assert 'model = "of last year"' in page.code[0].value
    assert "provider" not in page.code[0].value


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


def test_an_alias_is_saved_and_previewed_as_what_it_stands_for(lake: Lake):
    page = opened("Set a price")
    page.radio(key=f"price {LLAMA}_kind").set_value("Alias of").run()
    assert "Choose the listed model that it stands for." in words(page)
    page.selectbox(key=f"price {LLAMA}_means").set_value("openai/gpt-4o").run()
    page.button(key="price_save").click().run()

    assert not page.exception
    assert 'stands_for = "openai/gpt-4o"' in (lake.root.parent / "prices.toml").read_text()
    assert [metric.value for metric in page.metric] == ["≥\u00a0$0.00", "$7.50"]  # 1 M at 2.50 and 500 k at 10


def test_a_discount_of_a_provider_is_written_as_one(lake: Lake):
    page = opened("Set a price")
    page.selectbox(key="price_model_box").set_value(GPT).run()
    page.radio(key=f"price {GPT}_kind").set_value("Discount").run()
    page.radio(key=f"price {GPT}_scope").set_value("Everything of its provider").run()
    typed(page, GPT, percent="12.5").button(key="price_save").click().run()

    assert '[[discount]]\nprovider = "openai"\npercent = 12.5' in (lake.root.parent / "prices.toml").read_text()


# ---- own prices

OWN = """\
# contract of June
[[price]]
provider = "vllm"
model = "our-llama"
from = 2026-01-01
input = 2
output = 4.5

[[alias]]
model = "our-bot"
stands_for = "openai/gpt-4o"

[[price]]
provider = "vllm"
model = "our-llama"
from = 2026-06-01
input = 1.5
[[price.tier]]
above_input = 200000
input = 3
"""


@pytest.fixture
def own(lake: Lake) -> Path:
    """The price file of the lake, with entries."""
    file = lake.root.parent / "prices.toml"
    file.write_text(OWN)
    return file


def entry_of(number: int) -> AppTest:
    """The page with the dialog of one entry."""
    page = opened("Own prices")
    page.query_params["entry"] = str(number)
    return page.run()


@pytest.mark.usefixtures("own")
def test_own_prices_are_listed_with_their_days_and_rates():
    shown = opened("Own prices").dataframe[0].value

    assert shown[["model", "kind", "says", "state"]].to_numpy().tolist() == [
        ["our-llama", "Price", "", "Past"],
        ["our-bot", "Alias", "stands for openai/gpt-4o", "In force"],
        ["our-llama", "Price", "also tier", "In force"],
    ]
    assert [str(day) for day in shown["until"]] == ["2026-05-31", "None", "None"]
    assert (shown["input"][0], shown["output"][0], shown["note"][0]) == (2.0, 4.5, "contract of June")


@pytest.mark.usefixtures("lake")
def test_without_own_prices_the_tab_says_so():
    assert "Set a price, an alias or a discount" in opened("Own prices").info[0].value


def test_an_own_price_is_corrected_in_place(own: Path):
    page = entry_of(1)
    key = next(box.key for box in page.text_input if box.label == "Output")
    assert (page.button(key="entry_save").disabled, page.text_input(key=key).value) == (True, "4.5")
    page.text_input(key=key).set_value("4.25").run()
    page.button(key="entry_save").click().run()

    assert not page.exception
    assert own.read_text() == OWN.replace("output = 4.5", "output = 4.25")


def test_an_own_price_with_tiers_is_corrected_as_text(own: Path):
    page = entry_of(3)
    page.text_area[0].set_value(page.text_area[0].value.replace("input = 3", "input = -3")).run()
    assert "Input is '-3': it cannot be negative." in words(page)
    page.text_area[0].set_value(page.text_area[0].value.replace("input = -3", "input = 4")).run()
    page.button(key="entry_save").click().run()

    assert own.read_text() == OWN.replace("input = 3", "input = 4")


def test_an_own_price_is_ended_by_an_entry_more(own: Path):
    page = entry_of(2)
    page.segmented_control(key="entry_act").set_value("End").run()
    page.date_input[-1].set_value(date(2026, 8, 1)).run()
    page.button(key="entry_save").click().run()

    assert own.read_text().startswith(OWN)
    assert own.read_text().endswith('[[alias]]\nmodel = "our-bot"\nfrom = 2026-08-01\nended = true\n')
    shown = page.dataframe[0].value
    assert [str(day) for day in shown["until"]] == ["2026-05-31", "2026-07-31", "None", "None"]


def test_an_own_price_is_removed_after_its_lines_were_shown(own: Path):
    page = entry_of(2)
    page.segmented_control(key="entry_act").set_value("Remove").run()
    assert page.code[0].value == '[[alias]]\nmodel = "our-bot"\nstands_for = "openai/gpt-4o"'
    page.button(key="entry_save").click().run()

    assert "[[alias]]" not in own.read_text()
    assert own.read_text().count("[[price]]") == 2


@pytest.mark.usefixtures("lake")
def test_a_broken_price_file_is_said_with_its_line_where_it_would_be_changed(own: Path):
    own.write_text(OWN.replace("output = 4.5", 'output = "cheap"'))

    said = opened("Own prices").warning[0].value.replace("\\", "")
    assert "line 7, output is 'cheap': it has to be a number." in said


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
