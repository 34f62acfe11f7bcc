"""The page Prices as a person uses it: a price is set, looked at before it is applied, applied and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import arrive, flaws, flaws_of_tabs, open_tab, serve, settle, visit
from tests.lake_rows import rows_of
from usagecost.ingest import ingest
from usagecost.lake import Lake

pytestmark = pytest.mark.browser

PARTS = ("Models", "Set a price", "Own prices", "Reported and list", "Cache", "Reprice")
ROWS = """request_id,started_at,provider,model,user_id,input_tokens,output_tokens,cache_read_tokens,reported_cost_usd
a,2026-11-01T10:00:00Z,vllm,<img src=x onerror=alert(1)>,ada,1000000,500000,,
b,2026-11-02T10:00:00Z,openai,gpt-4o,bob,1000000,0,400000,3
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A model without a price, whose name is hostile, and one whose source reports more than the list price."""
    folder = tmp_path_factory.mktemp("prices")
    (folder / "rows.csv").write_text(ROWS)
    ingest([folder / "rows.csv"], Lake(folder / "lake"))
    return Lake(folder / "lake")


@pytest.fixture(scope="module")
def app(lake: Lake) -> Iterator[str]:
    """The address of an app that shows it."""
    yield from serve({"USAGECOST_LAKE": str(lake.root)})


def test_from_a_lower_bound_a_price_is_set_previewed_applied_and_undone(page: Page, app: str, lake: Lake) -> None:
    visit(page, f"{app}/?range=All+time")
    page.get_by_role("link", name="Set prices").first.click()
    save = page.get_by_role("button", name="Save price")
    expect(save).to_be_disabled()
    expect(page.get_by_text("Enter at least one rate.")).to_be_visible()
    page.get_by_label("Input", exact=True).fill("2")
    expect(save).to_be_enabled()  # what is typed is known without leaving the field
    page.get_by_label("Output", exact=True).fill("4")
    page.keyboard.press("Tab")  # and at once where it is left
    settle(page)
    save.click()
    apply = page.get_by_role("button", name="Reprice 1 request")
    expect(apply).to_be_visible()
    expect(page.get_by_test_id("stMetricValue")).to_have_text(["≥\u00a0$0.00", "$4.00"])  # 1 M at 2, 500 k at 4
    assert rows_of(lake, "list_cost_usd")[0] == (None,)

    apply.click()
    expect(page.get_by_text("1 request repriced")).to_be_visible()
    assert rows_of(lake, "list_cost_usd")[0] == (Decimal(4),)

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 request undone")).to_be_visible()
    assert rows_of(lake, "list_cost_usd")[0] == (None,)


def test_every_tab_is_accessible_and_a_click_on_an_own_price_opens_it_and_back_closes_it(page: Page, app: str, lake: Lake) -> None:
    (lake.root.parent / "prices.toml").write_text('[[price]]\nmodel = "gpt-4o"\ninput = 2\n')
    page.goto(f"{app}/Prices?range=All+time", wait_until="domcontentloaded")
    arrive(page, "Prices")
    assert flaws_of_tabs(page, PARTS) == {}

    open_tab(page, "Own prices")
    page.get_by_test_id("stDataFrame").click(position={"x": 60, "y": 52})
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Input", exact=True)).to_have_value("2")
    settle(page)
    assert flaws(page) == set()
    page.go_back()
    expect(dialog).to_have_count(0)
