"""From view to view: what stands in the URL and in the browser's history, and what a reader sees first, on a desk and a phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.browser.conftest import cards, choose_filter, choose_range, open_page, serve, settle, visit, width
from tests.views import request

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VIEW = {"range": ["7d"], "zone": ["Asia/Kathmandu"], "provider": ["openai"], "not_provider": ["true"]}
SAID = "range=7d&zone=Asia%2FKathmandu&provider=openai&not_provider=true"
OWN = {
    "Usage and cost": ("/", {"tab": ["Cost"]}),
    "Traces": ("/Traces", {"sort": ["cost"]}),
    "Dashboards": ("/Dashboards", {}),
    "Explore": ("/Explore", {}),
    "Prices": ("/Prices", {"part": ["Cache"]}),
    "Sources": ("/Sources", {"part": ["History"]}),
    "Why": ("/Why", {"explained": ["total_tokens"]}),
    "Budgets": ("/Budgets", {"part": ["Alerts"]}),
    "Bills": ("/Bills", {"part": ["Loaded bills"]}),
}
"""Page -> its path, and what it adds to the view."""
LAPTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def query(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def arrive(page: Page, name: str) -> None:
    """Waits for a page that somebody has gone to."""
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    settle(page)


def follow(page: Page, name: str) -> None:
    """A click on a link of the menu."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
    arrive(page, name)


def test_the_menu_carries_the_view_from_every_page(page: Page, server: str) -> None:
    for name, (path, own) in OWN.items():
        page.goto(f"{server}{path}?{SAID}" + "".join(f"&{key}={value}" for key, (value,) in own.items()))
        arrive(page, name)
        links = {
            link.inner_text().split("\n")[-1]: query(link.get_attribute("href") or "")
            for link in page.get_by_test_id("stSidebar").get_by_role("link").all()
        }

        assert query(page.url) == VIEW | own
        assert links == {other: VIEW | (own if other == name else {}) for other in OWN}


def test_a_reload_and_a_copied_address_show_the_same_cards(page: Page, server: str, browser: BrowserContext) -> None:
    for place in ("/?tab=Model+activity&chosen_model=claude-sonnet-5&", "/Traces?sort=cost&streaming=streamed&"):
        visit(page, f"{server}{place}{SAID}")
        shown = page.url, cards(page)
        page.reload(wait_until="domcontentloaded")
        expect(page.get_by_test_id("stMetricValue").first).to_be_visible()
        settle(page)
        assert (page.url, cards(page)) == shown

        for other in open_page(browser, zone="Pacific/Apia"):
            visit(other, page.url)
            assert (other.url, cards(other)) == shown


def test_back_and_forward_go_one_step_at_a_time(page: Page, server: str) -> None:
    def open_a_bar() -> None:
        page.locator(".st-key-chart_all-cost path[aria-label*='gpt-6-sol']").first.click(force=True)
        arrive(page, "Traces")

    def open_the_failed() -> None:
        page.get_by_role("button", name="View requests").click()
        page.get_by_role("button", name="Failed", exact=True).click()
        arrive(page, "Traces")

    steps: list[tuple[Callable[[], object], str, set[str]]] = [
        (lambda: page.get_by_role("tab", name="Cost").click(), "/", {"tab"}),
        (lambda: choose_range(page, "Last 7 days"), "/", {"tab", "range"}),
        (lambda: choose_filter(page, "Provider", "openai"), "/", {"tab", "range", "provider"}),
        (lambda: follow(page, "Traces"), "/Traces", {"range", "provider"}),
        (lambda: follow(page, "Explore"), "/Explore", {"range", "provider"}),
        (lambda: follow(page, "Usage and cost"), "/", {"tab", "range", "provider"}),
        (open_a_bar, "/Traces", {"range", "provider", "model", "from", "to"}),
        (lambda: follow(page, "Usage and cost"), "/", {"tab", "range", "provider", "model"}),
        (open_the_failed, "/Traces", {"range", "provider", "model", "status"}),
    ]
    visit(page, server)
    seen = [(page.url, cards(page))]
    for step, path, named in steps:
        step()
        settle(page)
        assert (urlsplit(page.url).path, set(query(page.url))) == (path, named)
        seen.append((page.url, cards(page)))

    for url, shown in reversed(seen[:-1]):
        page.go_back()
        settle(page)
        assert (page.url, cards(page)) == (url, shown)
    for url, shown in seen[1:]:
        page.go_forward()
        settle(page)
        assert (page.url, cards(page)) == (url, shown)


def test_a_phone_changes_the_range_without_the_sidebar_and_nothing_is_too_wide(server: str, browser: BrowserContext) -> None:
    for page in open_page(browser, viewport=PHONE):
        visit(page, server)
        before = cards(page)
        expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()
        choose_range(page, "Last 7 days")
        expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()
        assert query(page.url) == {"range": ["7d"]}
        assert cards(page) != before

        for name, (path, _) in OWN.items():
            page.goto(f"{server}{path}?{SAID}")
            arrive(page, name)
            for opened in (".st-key-range_open", ".st-key-filters_open"):
                if page.locator(opened).count():
                    page.locator(opened).get_by_role("button").first.click()
                    expect(page.get_by_test_id("stPopoverBody")).to_be_in_viewport(ratio=0.99)
                    assert width(page) <= PHONE["width"], (name, opened)
                    while page.get_by_test_id("stPopoverBody").count():  # one that is still opening takes no key
                        page.keyboard.press("Escape")
                        settle(page)
            assert width(page) <= PHONE["width"], name


def test_data_older_than_the_period_is_one_click_away(browser: BrowserContext, lake_of: Callable[..., str]) -> None:
    newest = datetime.now(UTC) - timedelta(days=120)
    lake = lake_of(*(request(newest - timedelta(days=days), status="success") for days in (0, 1, 50)))
    for address in serve({"USAGECOST_LAKE": lake}):
        for page in open_page(browser):
            for button, requests in (("Show ", "2"), ("All time", "3")):
                visit(page, address)
                assert cards(page)[0] == "0"
                expect(page.get_by_text(f"The newest data is of {newest.day} {newest:%b %Y}")).to_be_visible()
                page.get_by_test_id("stMain").get_by_role("button", name=button).click()
                expect(page.get_by_test_id("stMetricValue").first).to_have_text(requests)


def test_the_first_screen_of_a_laptop_shows_all_cards_in_a_row_and_the_first_chart(server: str, browser: BrowserContext) -> None:
    for page in open_page(browser, viewport=LAPTOP):
        visit(page, server)
        boxes = [card.bounding_box() for card in page.get_by_test_id("stMetric").all()]
        assert len(boxes) == 6
        assert len({box["y"] for box in boxes if box}) == 1

        heading = page.get_by_role("heading", level=2).first.bounding_box()
        assert heading
        assert heading["y"] < 480


def test_the_first_start_shows_the_page_and_how_far_the_sample_is(browser: BrowserContext, tmp_path: Path) -> None:
    for address in serve({"USAGECOST_SAMPLE": str(tmp_path / "sample")}):
        for page in open_page(browser):
            page.goto(address, wait_until="domcontentloaded")
            expect(page.get_by_text("Starting …").or_(page.get_by_text("Making sample data …"))).to_be_visible()
            expect(page.get_by_role("heading", name="Usage and cost")).to_be_visible()
            expect(page.get_by_text("Making sample data … 10%")).to_be_visible()
