"""From a number to its requests, as a person goes: the drill-down, the list, the panel, links, looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import arrive, cards, flaws, inaccessible, open_tab, settle, visit

pytestmark = pytest.mark.browser

WEEK = "range=Last+7+days"
COST = 680
"""Pixels from the left of the list to its column of costs."""
SHOW = 1000
"""Pixels from the left of a table to the button of a row."""


def asked(page: Page) -> dict[str, list[str]]:
    """The parameters of the page's address."""
    return parse_qs(urlsplit(page.url).query)


def click_cell(page: Page, row: int, x: int = 300) -> None:
    """A click on a cell of the list; rows count from 0, and the header is the one before."""
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    table.click(position={"x": x, "y": 52 + 35 * row})
    settle(page)


def bar(page: Page, chart: str, which: int) -> Locator:
    return page.locator(f".st-key-chart_{chart}").locator("path[aria-roledescription=bar]").nth(which)


DRILLS: list[tuple[str, Callable[[Page], None], set[str]]] = [
    ("Cost", lambda page: bar(page, "team-ranking", 1).click(), {"team"}),
    ("Totals", lambda page: page.locator(".st-key-chart_totals-tokens path[aria-roledescription=circle]").nth(1).click(force=True),
     {"from", "to"}),
    ("User activity", lambda page: click_cell(page, 0, SHOW), {"user"}),
]  # fmt: skip
"""Of each tab a mark that is clicked, and the filters that its requests have in common."""


def test_every_kind_of_mark_opens_its_requests(page: Page, server: str) -> None:
    visit(page, f"{server}/?{WEEK}&by=team&ranked=Chart+view")
    for tab, click, filtered in DRILLS:
        open_tab(page, tab)
        left, whole = page.url, cards(page)[0]
        click(page)
        arrive(page, "Traces")

        assert filtered - set(asked(page)) == set()
        assert asked(page)["range"] == ["7d"]
        assert cards(page)[0] not in ("0", whole)
        expect(page.get_by_text(re.compile(r"Rows 1–\d+ of [\d,]+ · page 1 of"))).to_be_visible()
        if "from" in filtered:
            expect(page.locator(".st-key-range_open button").first).not_to_contain_text("Last 7 days")

        page.go_back()
        arrive(page, "Usage and cost")
        assert (page.url, cards(page)[0]) == (left, whole), "the page that was left is as it was"


def test_the_list_is_sorted_turned_opened_filtered_and_narrowed(page: Page, server: str) -> None:
    visit(page, f"{server}/Traces?{WEEK}")
    whole = cards(page)[0]
    assert inaccessible(page) == set()
    click_cell(page, -1, COST)
    assert (asked(page)["sort"], asked(page).get("order")) == (["cost"], None)
    click_cell(page, -1, COST)
    assert asked(page)["order"] == ["ascending"]
    page.get_by_role("button", name="Next", exact=True).click()
    settle(page)
    assert {"sort", "at"} <= set(asked(page))
    expect(page.get_by_text("Rows 51–100 of")).to_be_visible()

    panel = page.get_by_role("dialog")
    # the same row opens again; a panel that closes gives the focus back to the table, which must not open one
    for row in (0, 1, 1):
        click_cell(page, row)
        expect(panel.get_by_text("Request details")).to_be_visible()
        settle(page)
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        settle(page)
        assert "request" not in asked(page)

    click_cell(page, 3)
    expect(panel.get_by_text("Request details")).to_be_visible()
    assert flaws(page) == set()
    first = asked(page)["request"]
    expect(panel.get_by_test_id("stCode").first).to_contain_text(first[0])
    panel.get_by_role("button", name="Next").click()
    settle(page)
    assert asked(page)["request"] != first
    panel.get_by_role("button", name="Previous").click()
    settle(page)
    assert asked(page)["request"] == first
    panel.get_by_role("button", name="Filter by model", exact=True).click()
    page.get_by_text("Exclude", exact=True).click()
    expect(panel).to_have_count(0)
    expect(page.locator(".st-key-chip_model")).to_be_visible()
    settle(page)
    assert {"model", "not_model"} <= set(asked(page))
    assert "request" not in asked(page)
    page.locator(".st-key-chip_model button").first.click()
    expect(page.locator(".st-key-chip_model")).to_have_count(0)
    settle(page)

    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 62, steps=6)
    page.mouse.up()
    expect(page.locator(".st-key-widen")).to_be_visible()
    settle(page)
    assert {"from", "to"} <= set(asked(page))
    assert cards(page)[0] != whole
    page.locator(".st-key-widen button").first.click()
    expect(page.locator(".st-key-widen")).to_have_count(0)
    settle(page)
    assert cards(page)[0] == whole


def test_a_kind_of_failure_leads_to_its_requests(page: Page, server: str) -> None:
    visit(page, f"{server}/Traces?{WEEK}&part=Errors")
    expect(page.get_by_role("heading", name="Failures over time")).to_be_visible()
    assert flaws(page) == set()
    click_cell(page, 0, SHOW)

    assert {"provider", "model", "status", "error"} <= set(asked(page))
    expect(page.get_by_role("tab", name="Requests")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("stMetricValue").nth(1)).to_have_text("0.0%")


def test_a_filter_is_in_the_link_and_the_export_holds_what_matches(page: Page, server: str) -> None:
    visit(page, f"{server}/Traces?{WEEK}&streaming=streamed&latency_from=30")
    number = int(cards(page)[0].replace(",", ""))
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON lines").click()
    lines = waiting.value.path().read_text().splitlines()

    assert len(lines) == number > 0
