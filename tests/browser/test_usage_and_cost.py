"""The Usage and cost page as a person uses it."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import (
    LOOKS,
    WEST_AND_EAST,
    cards,
    choose,
    choose_filter,
    choose_range,
    open_page,
    open_settings,
    settle,
    visit,
    width,
)
from usagecost.cli.summaries import summary_rows
from usagecost.periods.presets import PRESETS
from usagecost.periods.words import days_text
from usagecost.vocabulary import formats

pytestmark = pytest.mark.browser

LABELS = ["Total requests", "Success rate", "Total input tokens", "Total output tokens", "Total spend", "Avg latency"]
STREAMLIT_BASELINE = {"aria-allowed-attr", "svg-img-alt", "color-contrast"}
"""What axe says of Streamlit's own date input, sparklines and change badges, whatever the app."""


def download(page: Page, name: str) -> pd.DataFrame:
    """The CSV that a click on a section's button brings; its attribute ``file`` is what it is called."""
    with page.expect_download() as waiting:
        page.locator(f".st-key-csv_{name}").get_by_test_id("stDownloadButton").get_by_role("button").click()
    numbers = pd.read_csv(io.BytesIO(Path(waiting.value.path()).read_bytes()), dtype={"spend_usd": str})
    numbers.attrs["file"] = waiting.value.suggested_filename
    return numbers


def last_30_days(page: Page, lake: str) -> dict:
    """The command line's numbers for the page's default range, whose last day may just have ended."""
    today = datetime.now(UTC).date()
    spans = [(last - timedelta(days=29), last) for last in (today, today - timedelta(days=1))]
    first, last = next(span for span in spans if page.get_by_role("button", name=f"Last 30 days · {days_text(*span)}").count())
    return summary_rows(lake, first, last, "UTC", None)[0]


def test_the_first_load_shows_data_and_says_that_it_is_a_sample(page: Page, server: str) -> None:
    visit(page, server)

    assert page.get_by_test_id("stMetricLabel").all_inner_texts() == LABELS
    expect(page.get_by_text("Sample data.")).to_be_visible()
    expect(page.get_by_role("link", name="Load your own logs")).to_have_attribute("href", "Sources")
    expect(page.get_by_text(re.compile(r"Data through \d\d:\d\d"))).to_be_visible()


@WEST_AND_EAST
def test_the_cards_are_the_command_lines_numbers(page: Page, server: str, sample_lake: str) -> None:
    visit(page, server)
    numbers = last_30_days(page, sample_lake)

    assert cards(page)[:4] == [
        formats.count(numbers["requests"]),
        formats.percent(numbers["success_rate"]),
        formats.count(numbers["input_tokens"]),
        formats.count(numbers["output_tokens"]),
    ]
    assert cards(page)[4] == f"≥{formats.GAP}{formats.usd(numbers['spend_usd'])}"


@WEST_AND_EAST
@pytest.mark.slow
def test_a_download_adds_up_to_the_card(page: Page, server: str, sample_lake: str) -> None:
    visit(page, f"{server}/?tab=Cost")
    numbers = last_30_days(page, sample_lake)
    breakdown, ranking = download(page, "all-cost"), download(page, "model-ranking")

    assert sum(map(Decimal, breakdown["spend_usd"].dropna())) == numbers["spend_usd"]
    assert sum(map(Decimal, ranking["spend_usd"].dropna())) == numbers["spend_usd"]
    assert breakdown["requests"].sum() == ranking["requests"].sum() == numbers["requests"]
    assert re.fullmatch(r"cost-by-model-and-day_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d\.csv", breakdown.attrs["file"])


@WEST_AND_EAST
@pytest.mark.slow
def test_every_tab_shows_its_charts(page: Page, server: str) -> None:
    visit(page, server)
    shown = {}
    for tab in ("Totals", "Cost", "Model activity", "User activity"):
        page.get_by_role("tab", name=tab).click()
        settle(page)
        shown[tab] = [
            title.split("\n")[0] for title in page.get_by_role("tabpanel", name=tab).get_by_role("heading").all_inner_texts()
        ]

    assert shown == {
        "Totals": ["Total tokens", "Total requests"],
        "Cost": ["Cost breakdown", "Models breakdown", "Forecast", "Spend by part"],
        "Model activity": ["Cost breakdown", "Who uses this model", "Total tokens", "Total requests"],
        "User activity": ["Users"],
    }


@pytest.mark.slow
def test_every_preset_draws_the_page(page: Page, server: str) -> None:
    visit(page, server)
    for label, *_ in PRESETS.values():
        choose_range(page, label)

        assert len(cards(page)) == 6, label
        expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.slow
def test_top_n_and_break_down_change_the_bars(page: Page, server: str) -> None:
    visit(page, f"{server}/?tab=Cost&ranked=Chart+view")
    ranking = page.get_by_test_id("stVegaLiteChart").nth(1)
    bars = ranking.locator("path[aria-roledescription=bar]")
    expect(bars).to_have_count(11)
    page.get_by_role("radio", name="5", exact=True).click()
    expect(bars).to_have_count(6)
    expect(ranking.get_by_text("Other (9 models)")).to_be_visible()
    page.get_by_role("radio", name="Team", exact=True).click()
    expect(page.get_by_role("heading", name="Teams breakdown")).to_be_visible()
    settle(page)

    assert "by=team" in page.url
    assert "top=5" in page.url


@pytest.mark.slow
def test_a_model_is_shown_alone(page: Page, server: str) -> None:
    visit(page, f"{server}/?tab=Model+activity")
    before = cards(page)
    choose(page, "Model", "gpt-4.1")

    assert cards(page) != before
    assert "chosen_model=gpt-4.1" in page.url


@pytest.mark.slow
def test_a_row_of_the_table_chooses_a_user(page: Page, server: str) -> None:
    visit(page, f"{server}/?tab=User+activity")
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    table.click(position={"x": 15, "y": 52})
    expect(page.get_by_role("heading", name="Model usage")).to_be_visible()
    settle(page)

    assert "chosen_user=" in page.url
    assert len(cards(page)) == 6


@pytest.mark.slow
def test_model_usage_switches_between_table_and_chart(page: Page, server: str) -> None:
    visit(page, f"{server}/?tab=User+activity")
    page.get_by_role("combobox", name="User").click()
    page.get_by_role("option").nth(1).click()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(1)
    page.get_by_role("radio", name="Chart view").click()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
    settle(page)

    assert "look=Chart+view" in page.url


@WEST_AND_EAST
@pytest.mark.slow
def test_a_copied_link_opens_the_same_view_for_somebody_else(page: Page, server: str, browser: BrowserContext) -> None:
    visit(page, f"{server}/?tab=Cost")
    choose_range(page, "Last 14 days")
    open_settings(page)
    choose(page, "Time zone", "Asia/Kathmandu", typed=True)
    choose_filter(page, "Provider", "openai")

    for other in open_page(browser, zone="Pacific/Apia"):
        visit(other, page.url)

        assert cards(other) == cards(page)
        expect(other.get_by_text(re.compile(r"Data through .* Asia/Kathmandu"))).to_be_visible()
        expect(other.get_by_role("button", name="provider is openai")).to_be_visible()
        open_settings(other)
        expect(other.get_by_role("combobox", name="Cost basis")).to_have_value("Reported, else list price")
        expect(other.get_by_role("tab", name="Cost")).to_have_attribute("aria-selected", "true")


@pytest.mark.slow
def test_reset_leads_back_to_the_default_view(page: Page, server: str) -> None:
    visit(page, server)
    default = cards(page)
    visit(page, f"{server}/?range=Last+7+days&provider=openai&zone=Europe%2FBerlin&interval=week")
    expect(page.get_by_role("button", name="provider is openai")).to_be_visible()
    open_settings(page)
    page.get_by_role("button", name="Reset the view").click()
    expect(page.get_by_role("button", name="provider is openai")).to_have_count(0)
    settle(page)

    assert cards(page) == default
    assert "?" not in page.url


@pytest.mark.slow
def test_the_time_axis_does_not_depend_on_the_browsers_zone(server: str, browser: BrowserContext) -> None:
    ticks = []
    for zone in ("America/Los_Angeles", "Asia/Tokyo"):
        for page in open_page(browser, zone=zone):
            visit(page, f"{server}/?range=Custom+range&days=2026-10-24&days=2026-10-26&zone=Europe%2FBerlin&interval=hour")
            ticks.append(page.get_by_test_id("stVegaLiteChart").first.locator(".role-axis-label text").all_text_contents())

    assert ticks[0] == ticks[1]
    assert "25 Oct" in ticks[0]


@pytest.mark.slow
@LOOKS
def test_axe_finds_nothing_beyond_streamlits_own(server: str, browser: BrowserContext, look: dict) -> None:
    for page in open_page(browser, **look):
        visit(page, server)
        found = {}
        for tab in ("Totals", "Cost", "Model activity", "User activity"):
            page.get_by_role("tab", name=tab).click()
            settle(page)
            found |= {(tab, rule["id"]): rule["nodes"] for rule in Axe().run(page).response["violations"]}
        for opened in ("range_open", "compare_open", "filters_open"):
            page.locator(f".st-key-{opened} button").first.click()
            expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
            settle(page)
            found |= {(opened, rule["id"]): rule["nodes"] for rule in Axe().run(page).response["violations"]}
            page.keyboard.press("Escape")
            settle(page)

        assert {place: nodes for place, nodes in found.items() if place[1] not in STREAMLIT_BASELINE} == {}


@pytest.mark.slow
def test_nothing_is_wider_than_a_phone(server: str, browser: BrowserContext) -> None:
    for page in open_page(browser, viewport={"width": 390, "height": 844}):
        visit(page, f"{server}/?tab=Cost")

        assert width(page) <= 390
