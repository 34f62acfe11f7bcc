"""Dashboards as an analyst uses them, and Budgets: a board is made from nothing, arranged, pinned, shared, and kept fresh."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import choose, flaws, inaccessible, serve, settle
from tests.lake_rows import commit, row
from usagecost.alerts.rounds import run_round
from usagecost.lake import Lake

pytestmark = pytest.mark.browser

IMPORTED = """title = "Imported"
owner = "somebody@else.example"

[[panel]]
metrics = ["requests"]
chart = "number"
width = "full"
"""


def ago(span: timedelta) -> str:
    return (datetime.now(UTC) - span).isoformat()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Some requests of today and yesterday, of two models and teams."""
    lake = Lake(tmp_path_factory.mktemp("boards") / "lake")
    requests = [
        row(str(number), started_at=ago(timedelta(hours=number)), model=model, team_id=team, reported_cost_usd=Decimal(number))
        for number, (model, team) in enumerate([("gpt-4o", "search"), ("claude-sonnet-4-5", "ads")] * 6, start=1)
    ]
    commit(lake, *requests)
    (lake.root.parent / "budgets.toml").write_text('[[budget]]\nname = "Search"\namount = 10\nonly = { team = ["search"] }\n')
    return lake


@pytest.fixture(scope="module")
def app(lake: Lake) -> Iterator[str]:
    """The address of an app that shows it."""
    yield from serve({"USAGECOST_LAKE": str(lake.root)})


def visit_board(page: Page, app: str, query: str) -> None:
    page.goto(f"{app}/Dashboards?{query}", wait_until="domcontentloaded")
    expect(page.get_by_role("combobox", name="Board")).to_be_visible()
    settle(page)


def press(page: Page, name: str, which: int = 0) -> None:
    page.get_by_role("button", name=name).nth(which).click()
    settle(page)


def fill_cell(page: Page, x: int, row: int, text: str) -> None:
    """Types into a cell of the table of panels, which is a canvas. Rows count from 1."""
    table = page.get_by_test_id("stDataFrame").first
    table.dblclick(position={"x": x, "y": 31 * row + 16})
    field = page.locator("#portal").locator("input, textarea").first
    field.fill(text)
    expect(field).to_have_value(text)
    page.wait_for_timeout(100)  # the table knows it a moment later
    field.press("Enter")
    settle(page)


def press_cell(page: Page, from_right: int, row: int) -> None:
    """Clicks the button in a row of that table whose middle is so many pixels from the right."""
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    assert box
    table.click(position={"x": box["width"] - from_right, "y": 31 * row + 16})
    settle(page)


def pick(page: Page, menu: str, option: str, which: int = 0) -> None:
    """An entry of a menu behind a button."""
    page.get_by_role("button", name=menu, exact=True).nth(which).click()
    page.get_by_role("menuitem", name=option, exact=True).or_(page.get_by_role("option", name=option, exact=True)).click()
    settle(page)


def panels(file: Path) -> list[dict]:
    return tomllib.loads(file.read_text())["panel"]


def headings(page: Page) -> Locator:
    return page.get_by_role("heading", level=2)


def test_a_board_is_made_from_nothing_arranged_and_pinned(page: Page, app: str, lake: Lake) -> None:
    visit_board(page, app, "range=Last+7+days")
    press(page, "New")
    page.get_by_label("Title of the new board").fill("Search team")
    page.keyboard.press("Tab")
    settle(page)
    press(page, "Create")
    file = lake.root.parent / "boards" / "search-team.toml"
    assert tomllib.loads(file.read_text()) == {"title": "Search team"}
    assert "board=search-team.toml" in page.url

    press(page, "Add panel")
    expect(page.get_by_role("heading", name="Total spend by model")).to_be_visible()  # the preview
    choose(page, "Chart", "Ranked bars")
    choose(page, "Break down by", "Team")
    expect(page.get_by_role("heading", name="Total spend by team")).to_be_visible()
    press(page, "Add panel")
    press(page, "Add panel")
    choose(page, "Chart", "Big number")
    press(page, "Add panel")
    assert tomllib.loads(file.read_text()) == {"title": "Search team"}
    fill_cell(page, 35, 2, "1")
    expect(headings(page)).to_have_text(["Total spend", "Total spend by team"])
    fill_cell(page, 200, 2, "Teams")
    press_cell(page, 201, 2)
    expect(headings(page)).to_have_text(["Total spend", "Teams", "Teams"])
    press_cell(page, 65, 3)
    expect(headings(page)).to_have_text(["Total spend", "Teams"])
    assert flaws(page) == set()
    press(page, "Save")
    first, second = (
        {"metrics": ["spend_usd"], "chart": "number", "top": 5},
        {"metrics": ["spend_usd"], "split": "team", "chart": "ranked", "top": 5},
    )
    assert panels(file) == [first, {"title": "Teams", **second}]

    pick(page, "More", "Pin to the menu")
    address = page.get_by_role("link", name="Search team").get_attribute("href")
    page.goto(f"{app}/{address}", wait_until="domcontentloaded")
    expect(page.get_by_role("heading", name="Teams")).to_be_visible()
    settle(page)
    assert "board=search-team.toml" in page.url
    assert "range=7d" in page.url
    pick(page, "More", "Delete")
    assert not file.exists()
    press(page, "Undo")
    assert [panel["chart"] for panel in panels(file)] == ["number", "ranked"]
    expect(page.get_by_role("heading", name="Teams")).to_be_visible()


def test_a_board_is_imported_and_exported_and_a_link_opens_it_and_refreshes_it(
    page: Page, app: str, lake: Lake, tmp_path: Path
) -> None:
    (tmp_path / "any.toml").write_text(IMPORTED)
    (tmp_path / "wrong.toml").write_text(IMPORTED.replace("requests", "request"))
    visit_board(page, app, "board=overview&range=Last+7+days&model=gpt-4o")
    assert inaccessible(page) == set()
    press(page, "New")
    page.locator("input[type=file]").set_input_files(tmp_path / "wrong.toml")
    expect(page.get_by_text("wrong.toml, line 5, metrics", exact=False)).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(tmp_path / "any.toml")
    expect(page.get_by_text("“Imported” is imported.")).to_be_visible()
    settle(page)
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(page.get_by_test_id("stMetricValue")).to_have_text("6")  # of gpt-4o alone
    assert "owner" not in tomllib.loads((lake.root.parent / "boards" / "imported.toml").read_text())

    press(page, "Share")
    link = page.get_by_test_id("stCode").inner_text().strip()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as TOML").click()
    assert Path(download.value.path()).read_text() == (lake.root.parent / "boards" / "imported.toml").read_text()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)

    page.goto(f"{link}&every=10+s", wait_until="domcontentloaded")
    expect(page.get_by_test_id("stMetricValue")).to_have_text("6")
    commit(lake, row("late", started_at=ago(timedelta(seconds=5)), model="gpt-4o"))
    expect(page.get_by_test_id("stMetricValue")).to_have_text("7")  # by itself


def test_a_question_is_explored_and_put_on_a_board(page: Page, app: str, lake: Lake) -> None:
    page.goto(f"{app}/Explore?range=Last+7+days&model=gpt-4o", wait_until="domcontentloaded")
    expect(page.get_by_role("combobox", name="Chart")).to_be_visible()
    settle(page)
    assert inaccessible(page) == set()
    choose(page, "Chart", "Table")
    choose(page, "Break down by", "Team")
    expect(page.get_by_role("heading", name="Total spend by team")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Total spend by team")).to_be_visible()
    settle(page)
    press(page, "Add to board")
    choose(page, "Board", "A new board")
    page.get_by_label("Title of the new board").fill("From a question")
    page.keyboard.press("Tab")
    settle(page)
    press(page, "Add", 1)
    expect(page.get_by_role("combobox", name="Board")).to_be_visible()
    assert panels(lake.root.parent / "boards" / "from-a-question.toml") == [
        {
            "metrics": ["spend_usd"],
            "split": "team",
            "chart": "table",
            "top": 5,
            "filters": [{"dimension": "model", "values": ["gpt-4o"]}],
        }
    ]


def test_from_nothing_to_a_budget_that_fires(page: Page, app: str, lake: Lake) -> None:
    page.goto(f"{app}/Budgets", wait_until="domcontentloaded")
    settle(page)
    of_budgets = inaccessible(page)
    press(page, "New budget")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Everything")
    dialog.get_by_label("Amount in USD").fill("1")
    dialog.get_by_role("radio", name="Year", exact=True).click()
    save = dialog.get_by_role("button", name="Save budget")
    expect(save).to_be_enabled()
    save.click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Everything", exact=True).first).to_be_visible()

    run_round(lake, lambda _: None)
    page.goto(f"{app}/Budgets?part=Alerts", wait_until="domcontentloaded")
    expect(page.get_by_test_id("stDataFrame").first).to_contain_text("Everything")
    settle(page)
    assert (of_budgets, flaws(page)) == (set(), set())
