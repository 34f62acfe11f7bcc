"""The page Bills as a person uses it: from a bill that is dropped to the difference that it explains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, FilePayload, ViewportSize, expect

from tests.browser.conftest import DESK, open_page, serve, settle, width
from tests.browser.test_usage_and_cost import STREAMLIT_BASELINE
from tests.lake_rows import commit
from tests.views import request
from usagecost.lake import Lake

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE: ViewportSize = {"width": 390, "height": 844}
COSTS = json.dumps(
    {
        "object": "page",
        "has_more": False,
        "data": [
            {
                "object": "bucket",
                "start_time": 1_793_491_200 + 86_400 * day,  # 1 November 2026, UTC, and the days after it
                "end_time": 1_793_577_600 + 86_400 * day,
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
    """The address of an app that shows a lake with the same request on three days."""
    root = tmp_path_factory.mktemp("bills")
    priced = {
        "provider": "openai", "model": "gpt-4o", "input_tokens": 1_000_000, "output_tokens": 100_000, "price_status": "exact",
        "list_cost_usd": Decimal("3.50"), "input_cost_usd": Decimal("2.50"), "output_cost_usd": Decimal(1),
        "price_id": "openai/gpt-4o",
    }  # fmt: skip
    commit(Lake(root / "lake"), *(request(f"2026-11-0{day} 12:00", **priced) for day in (1, 2, 3)))
    yield from serve({"USAGECOST_LAKE": str(root / "lake")})


def test_from_a_dropped_bill_to_the_explained_difference(app: str, browser: BrowserContext) -> None:
    for page in open_page(browser):
        page.goto(f"{app}/Bills", wait_until="domcontentloaded")
        expect(page.get_by_text("No bills yet")).to_be_visible()
        settle(page)
        page.locator("input[type=file]").set_input_files(FilePayload(name="costs.json", mimeType="application/json", buffer=COSTS))
        page.get_by_role("button", name="Load 1 bill").click()
        expect(page.get_by_role("heading", name="100.0% of $11.25 explained")).to_be_visible()
        settle(page)
        expect(page.get_by_role("heading", name="Largest differences")).to_be_visible()
        expect(page.get_by_text("openai bills gpt-4o at 10 % off list prices from 1 Nov 2026 on")).to_be_visible()

        for scheme, viewport in (("light", DESK), ("dark", PHONE)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(viewport)
            settle(page)
            rules = {rule["id"] for rule in Axe().run(page).response["violations"]}
            assert (scheme, rules - STREAMLIT_BASELINE) == (scheme, set())
            assert width(page) <= viewport["width"]
