"""From view to view: what stands in the URL and in the browser's history, and what a reader sees first, on a desk and a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import (
    HOME,
    PHONE,
    arrive,
    cards,
    choose_filter,
    choose_range,
    fits_a_phone,
    flaws,
    follow,
    inaccessible,
    open_page,
    open_tab,
    serve,
    settle,
    visit,
)

pytestmark = pytest.mark.browser

VIEW = {"range": ["7d"], "zone": ["Asia/Kathmandu"], "provider": ["openai"], "not_provider": ["true"]}


def query(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def follow_in_menu(page: Page, name: str) -> None:
    """Opens the menu of a phone, follows a link of it and closes it."""
    page.get_by_test_id("stExpandSidebarButton").click()
    follow(page, name)
    page.get_by_role("button", name="Collapse sidebar").click()
    expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()


def test_back_and_forward_go_one_step_at_a_time(page: Page, server: str) -> None:
    def open_a_bar() -> None:
        page.locator(".st-key-chart_all-cost path[aria-label*='gpt-6-sol']").first.click(force=True)
        arrive(page, "Traces")

    def open_the_failed() -> None:
        page.get_by_role("button", name="View requests").click()
        page.get_by_role("button", name="Failed", exact=True).click()
        arrive(page, "Traces")

    steps: list[tuple[Callable[[], object], str, set[str]]] = [
        (lambda: open_tab(page, "Cost"), "/", {"tab"}),
        (lambda: choose_range(page, "Last 7 days"), "/", {"tab", "range"}),
        (lambda: choose_filter(page, "Provider", "openai"), "/", {"tab", "range", "provider"}),
        (open_a_bar, "/Traces", {"range", "provider", "model", "from", "to"}),
        (lambda: follow(page, "Usage and cost"), "/", {"tab", "range", "provider", "model"}),
        (open_the_failed, "/Traces", {"range", "provider", "model", "status"}),
    ]
    visit(page, server)
    seen = [(page.url, cards(page))]
    for step, path, named in steps:
        step()
        assert (urlsplit(page.url).path, set(query(page.url))) == (path, named)
        seen.append((page.url, cards(page)))

    for url, shown in reversed(seen[:-1]):
        page.go_back()
        settle(page)
        assert (page.url, cards(page)) == (url, shown)
    page.go_forward()
    settle(page)
    assert (page.url, cards(page)) == seen[1]


def test_on_a_phone_the_range_is_changed_the_menu_carries_the_view_from_every_page_and_nothing_is_too_wide(
    server: str, browser: BrowserContext
) -> None:
    for page in open_page(browser, viewport=PHONE):
        visit(page, f"{server}/?zone=Asia%2FKathmandu&provider=openai&not_provider=true")
        before = cards(page)
        expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()
        choose_range(page, "Last 7 days")
        expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()
        assert query(page.url) == VIEW
        assert cards(page) != before

        for opened in ("range_open", "compare_open", "filters_open"):  # every page has the same bar
            page.locator(f".st-key-{opened} button").first.click()
            expect(page.get_by_test_id("stPopoverBody")).to_be_in_viewport(ratio=0.99)
            assert fits_a_phone(page), opened
            while page.get_by_test_id("stPopoverBody").count():  # one that is still opening takes no key
                page.keyboard.press("Escape")
                settle(page)

        menu = page.get_by_test_id("stSidebar").locator("a[data-testid=stPageLink-NavLink]")
        names = [text.split("\n")[-1] for text in menu.all_inner_texts()]
        assert len(names) == 1 + len([*(HOME / "pages").glob("*.py")])
        for name in names:
            follow_in_menu(page, name)
            hrefs = menu.evaluate_all("all => all.map(a => a.href)")
            assert [query(address) for address in (page.url, *hrefs)] == [VIEW] * (1 + len(names)), name
            assert fits_a_phone(page), name
        follow_in_menu(page, "Usage and cost")
        for opened in (".st-key-range_open", ".st-key-compare_open", ".st-key-filters_open"):
            page.locator(opened).get_by_role("button").first.click()
            expect(page.get_by_test_id("stPopoverBody")).to_be_in_viewport(ratio=0.99)
            assert fits_a_phone(page), opened
            while page.get_by_test_id("stPopoverBody").count():  # one that is still opening takes no key
                page.keyboard.press("Escape")
                settle(page)


def test_the_page_why_tells_a_change_in_a_sentence_and_by_another_dimension(page: Page, server: str) -> None:
    page.goto(f"{server}/Why", wait_until="domcontentloaded")
    arrive(page, "Why")
    sentence = page.get_by_text(re.compile(r"^Spend (rose|fell) by \$[\d,.]+ \([+−][\d,.]+%\)(, mostly .+)?: [+−]\$"))
    expect(sentence).to_be_visible()
    page.get_by_role("radio", name="Team", exact=True).click()
    expect(page.get_by_role("heading", name="Teams that changed most")).to_be_visible()
    settle(page)
    assert "moved_by=team" in page.url

    of_change = inaccessible(page)
    page.get_by_role("tab", name="Unusual days").click()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(1)
    settle(page)
    assert (of_change, flaws(page)) == (set(), set())


def test_the_first_start_shows_the_page_and_how_far_the_sample_is(browser: BrowserContext, tmp_path: Path) -> None:
    for address in serve({"USAGECOST_SAMPLE": str(tmp_path / "sample")}):
        for page in open_page(browser):
            page.goto(address, wait_until="domcontentloaded")
            expect(page.get_by_text("Starting …").or_(page.get_by_text("Making sample data …"))).to_be_visible()
            expect(page.get_by_role("heading", name="Usage and cost")).to_be_visible()
            expect(page.get_by_text("Making sample data … 10%")).to_be_visible()
