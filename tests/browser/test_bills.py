"""The page Bills as a person uses it: from a bill that is dropped to the difference that it explains, and to a closed month."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import cards, flaws, serve, settle, visit
from tests.lake_rows import commit
from tests.views import request
from usagecost.lake import Lake

pytestmark = pytest.mark.browser

COSTS = json.dumps(
    {
        "object": "page",
        "has_more": False,
        "data": [
            {
                "object": "bucket",
                "start_time": 1_790_812_800 + 86_400 * day,  # 1 October 2026, UTC, and the days after it
                "end_time": 1_790_899_200 + 86_400 * day,
                "results": [
                    {"object": "organization.costs.result", "amount": {"value": value, "currency": "usd"}, "line_item": name}
                    for name, value in (("gpt-4o, input", 2.25), ("gpt-4o, output", 0.9), ("gpt-4o-mini, output", 0.6))
                ],
            }
            for day in range(3)
        ],
    }
).encode()
"""Ten percent off a model, and one that nobody logs."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an app that shows a lake with the same request on three days, and one of another provider before."""
    root = tmp_path_factory.mktemp("bills")
    priced = {
        "provider": "openai", "model": "gpt-4o", "input_tokens": 1_000_000, "output_tokens": 100_000, "price_status": "exact",
        "list_cost_usd": Decimal("3.50"), "input_cost_usd": Decimal("2.50"), "output_cost_usd": Decimal(1),
        "price_id": "openai/gpt-4o",
    }  # fmt: skip
    other = request("2026-09-10 12:00", **priced | {"provider": "deepseek", "model": "deepseek-v4-flash", "price_id": "deepseek/x"})
    commit(Lake(root / "lake"), other, *(request(f"2026-10-0{day} 12:00", **priced) for day in (1, 2, 3)))
    yield from serve({"USAGECOST_LAKE": str(root / "lake")})


def test_old_data_is_led_to_and_changes_of_list_prices_are_marked(page: Page, app: str) -> None:
    visit(page, f"{app}/?tab=Cost")
    expect(page.get_by_text("Newest data is 3 Oct 2026, oldest 10 Sep 2026.")).to_be_visible()
    page.get_by_role("button", name="Show 10 Sep – 3 Oct 2026").click()
    chart = page.locator(".st-key-chart_all-cost")
    handle = chart.locator("path[fill='#8A94A6']").last
    expect(handle).to_be_visible()
    settle(page)
    assert cards(page)[0] == "4"
    chart.scroll_into_view_if_needed()
    handle.hover(force=True)
    expect(page.locator("#vg-tooltip-element")).to_contain_text("Thu 10 Sep 2026")
    expect(page.locator("#vg-tooltip-element")).to_contain_text("deepseek-v4-flash (deepseek)")

    page.go_back()
    page.get_by_role("button", name="All time").click()
    expect(page.locator(".st-key-range_open button").first).to_contain_text("All time")
    settle(page)
    assert cards(page)[0] == "4"


def test_from_a_dropped_bill_to_the_explained_difference_and_the_closed_month(page: Page, app: str) -> None:
    page.goto(f"{app}/Bills", wait_until="domcontentloaded")
    expect(page.get_by_text("No bills yet")).to_be_visible()
    settle(page)
    page.locator("input[type=file]").set_input_files(FilePayload(name="costs.json", mimeType="application/json", buffer=COSTS))
    page.get_by_role("button", name="Load 1 bill").click()
    expect(page.get_by_role("heading", name="100.0% of $11.25 explained")).to_be_visible()
    settle(page)
    expect(page.get_by_role("heading", name="Largest differences")).to_be_visible()
    expect(page.get_by_text("openai bills gpt-4o at 10 % off list prices from 1 Oct 2026 on")).to_be_visible()

    assert flaws(page) == set()

    page.get_by_role("tab", name="Statements").click()
    page.get_by_role("button", name="Close October 2026").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Close month").click()
    expect(page.get_by_text(re.compile(r"^Closed 20\d\d-\d\d-\d\d .* UTC by "))).to_be_visible()
