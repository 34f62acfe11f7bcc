"""The Usage and cost page as a person uses it."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import cards, choose, flaws_of_tabs, inaccessible, open_page, open_settings, open_tab, settle, visit
from usagecost.cli.summaries import summary_rows
from usagecost.periods.words import days_text
from usagecost.vocabulary import formats
from usagecost.vocabulary.colours import COLORS

pytestmark = pytest.mark.browser

GHOST = "5,4"
"""The dashes of a line of the comparison period."""
CUT = "[...document.querySelectorAll('[data-testid=stGridCellBody]')].some(cell => cell.scrollHeight > cell.clientHeight)"
"""Whether a card is higher than its place."""
LABELS = ["Total requests", "Success rate", "Total input tokens", "Total output tokens", "Total spend", "Avg latency"]


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


def test_the_first_load_shows_a_sample_with_all_cards_in_a_row_and_the_first_chart(page: Page, server: str) -> None:
    visit(page, server)

    assert page.get_by_test_id("stMetricLabel").all_inner_texts() == LABELS
    expect(page.get_by_text("Sample data.")).to_be_visible()
    expect(page.get_by_role("link", name="Load your own logs")).to_have_attribute("href", "Sources")
    expect(page.get_by_text(re.compile(r"Data through \d\d:\d\d"))).to_be_visible()
    tops = [card.bounding_box()["y"] for card in page.get_by_test_id("stMetric").all()]
    assert (len(tops), len(set(tops))) == (6, 1)
    assert page.get_by_role("heading", level=2).first.bounding_box()["y"] < 480

    check_chart_and_legend(page)


def test_cards_and_downloads_are_the_command_lines_numbers_and_a_row_chooses_a_user(
    page: Page, server: str, sample_lake: str
) -> None:
    visit(page, f"{server}/?tab=Cost")
    numbers = last_30_days(page, sample_lake)

    assert cards(page)[:5] == [
        formats.count(numbers["requests"]),
        formats.percent(numbers["success_rate"]),
        formats.count(numbers["input_tokens"]),
        formats.count(numbers["output_tokens"]),
        f"≥{formats.GAP}{formats.usd(numbers['spend_usd'])}",
    ]
    breakdown, ranking = download(page, "all-cost"), download(page, "model-ranking")
    assert sum(map(Decimal, breakdown["spend_usd"].dropna())) == numbers["spend_usd"]
    assert sum(map(Decimal, ranking["spend_usd"].dropna())) == numbers["spend_usd"]
    assert breakdown["requests"].sum() == ranking["requests"].sum() == numbers["requests"]
    assert re.fullmatch(r"cost-by-model-and-day_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d\.csv", breakdown.attrs["file"])

    open_tab(page, "User activity")
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    table.click(position={"x": 15, "y": 52})
    expect(page.get_by_role("heading", name="Model usage")).to_be_visible()
    settle(page)
    assert "chosen_user=" in page.url


def check_chart_and_legend(page: Page) -> None:
    """A chart tells what it compares, and its legend shows a line alone or hides it."""
    chart = page.locator(".st-key-chart_totals-tokens")
    box = chart.bounding_box()
    assert box

    def seen(dash: str) -> list[str]:
        """The opacity of the lines of input, output, total and cache read tokens that are dashed so."""
        colors = COLORS["input_tokens"], COLORS["output_tokens"], COLORS["total_tokens"], COLORS["cache_read_tokens"]
        lines = [chart.locator(f"path[stroke='{color}'][stroke-dasharray='{dash}']").first for color in colors]
        return [line.get_attribute("opacity") or "1" for line in lines]

    assert seen(GHOST) == ["0", "0", "0.6", "0"]
    page.mouse.move(box["x"] + 500, box["y"] + 150)
    expect(page.locator("#vg-tooltip-element")).to_contain_text(re.compile(r"Before\s*[\d,]+ \(\w{3} \d+ \w{3} \d{4}\)"))

    output = chart.locator(".role-legend-label text", has_text="Total output tokens")
    solid = chart.locator(f"path[stroke='{COLORS['input_tokens']}'][stroke-dasharray='1,0']").first
    output.click(force=True)
    expect(solid).to_have_attribute("opacity", "0.1")
    assert seen(GHOST) == ["0", "0.6", "0", "0"]
    output.click(force=True)
    expect(solid).to_have_attribute("opacity", "1")
    output.click(force=True, modifiers=["Shift"])
    expect(chart.locator(f"path[stroke='{COLORS['output_tokens']}'][stroke-dasharray='1,0']").first).to_have_attribute(
        "opacity", "0.1"
    )
    expect(solid).to_have_attribute("opacity", "1")

    page.locator(".spark i[style]").nth(4).hover()
    said = page.evaluate("getComputedStyle(document.querySelector('.spark i:hover'), '::after').content")
    assert re.fullmatch(r'"\w{3} \d+ \w{3} \d{4}: [\d,.]+K? requests"', said)


def test_a_copied_link_shows_the_same_view_in_a_browser_of_any_zone(page: Page, server: str, browser: BrowserContext) -> None:
    def shown(page: Page) -> tuple[str, list[str], list[str]]:
        ticks = page.get_by_test_id("stVegaLiteChart").first.locator(".role-axis-label text").all_text_contents()
        return page.url, cards(page), ticks

    visit(page, f"{server}/?tab=Cost&range=Yesterday&interval=hour&provider=openai&compare=none")
    assert not page.evaluate(CUT), "without a change below its value a card is lower, and still whole"
    open_settings(page)
    choose(page, "Time zone", "Asia/Kathmandu", typed=True)
    view = shown(page)
    assert view[2], "the axis has labels"

    for other in open_page(browser, zone="Pacific/Apia"):
        visit(other, page.url)

        assert shown(other) == view
        expect(other.get_by_text(re.compile(r"Data through .* Asia/Kathmandu"))).to_be_visible()
        expect(other.get_by_role("button", name="provider is openai")).to_be_visible()
        open_settings(other)
        expect(other.get_by_role("combobox", name="Cost basis")).to_have_value("Reported, else list price")
        expect(other.get_by_role("tab", name="Cost")).to_have_attribute("aria-selected", "true")


def test_every_tab_and_popover_is_accessible_and_fits_a_phone(page: Page, server: str) -> None:
    visit(page, server)
    assert flaws_of_tabs(page, ("Totals", "Cost", "Model activity", "User activity")) == {}
    for opened in ("range_open", "compare_open", "filters_open"):
        page.locator(f".st-key-{opened} button").first.click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
        settle(page)
        assert inaccessible(page) == set(), opened
        page.keyboard.press("Escape")
        settle(page)
