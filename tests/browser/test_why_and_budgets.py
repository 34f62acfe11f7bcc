"""The pages Why and Budgets as a person uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import LOOKS, open_page, serve, settle, width
from tests.browser.test_usage_and_cost import STREAMLIT_BASELINE
from tests.lake_rows import commit
from tests.views import request
from usagecost.budgets import read_budgets
from usagecost.lake import Lake

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake in which a team has just spent 8.50 USD."""
    lake = Lake(tmp_path_factory.mktemp("budgets") / "lake")
    now = datetime.now(UTC) - timedelta(seconds=5)
    commit(lake, request(now, team_id="search", list_cost_usd=Decimal("8.50")))
    return lake


@pytest.fixture(scope="module")
def app(lake: Lake) -> Iterator[str]:
    """The address of an app that shows it."""
    yield from serve({"USAGECOST_LAKE": str(lake.root)})


def arrive(page: Page, address: str, title: str) -> None:
    page.goto(address, wait_until="domcontentloaded")
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    settle(page)


def test_a_change_is_told_in_a_sentence_and_by_another_dimension(page: Page, server: str) -> None:
    arrive(page, f"{server}/Why", "Why")
    sentence = page.get_by_text(re.compile(r"^Spend (rose|fell) by \$[\d,.]+ \([+−][\d,.]+%\): [+−]\$"))
    expect(sentence).to_be_visible()
    page.get_by_role("radio", name="Team", exact=True).click()
    expect(page.get_by_role("heading", name="Teams that changed most")).to_be_visible()
    settle(page)
    assert "moved_by=team" in page.url

    page.get_by_role("tab", name="Unusual days").click()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(1)


def test_from_nothing_to_a_budget(page: Page, app: str, lake: Lake) -> None:
    arrive(page, f"{app}/Budgets", "Budgets")
    page.get_by_role("button", name="New budget").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Search")
    dialog.get_by_label(re.compile("^Amount")).fill("10")
    save = dialog.get_by_role("button", name="Save budget")
    expect(save).to_be_enabled()
    expect(dialog.get_by_text("Now: $8.50 of $10.00 (85.0%).")).to_be_visible()
    save.click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("$8.50 of $10.00 (85.0%)").first).to_be_visible()

    assert [(one.name, one.amount) for one in read_budgets(lake).budget] == [("Search", Decimal(10))]


@LOOKS
def test_axe_finds_nothing_beyond_streamlits_own_and_nothing_is_too_wide(
    server: str, app: str, browser: BrowserContext, look: dict
) -> None:
    places = [(server, "Why", "Change"), (server, "Why", "Unusual days"), (app, "Budgets", "Budgets"), (app, "Budgets", "Alerts")]
    for page in open_page(browser, **look):
        for address, title, part in places:
            arrive(page, f"{address}/{title}?part={part.replace(' ', '+')}", title)
            rules = {rule["id"] for rule in Axe().run(page).response["violations"]}

            assert (title, part, rules - STREAMLIT_BASELINE) == (title, part, set())
            assert width(page) <= page.viewport_size["width"]
