"""The page Sources as a person uses it: files dropped, mapped, loaded, removed; rejects seen and downloaded."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import LOOKS, choose, open_page, open_settings, serve, settle, width
from tests.browser.test_usage_and_cost import STREAMLIT_BASELINE
from tests.lake_rows import rows_of
from usagecost.ingest import ingest
from usagecost.lake import Lake

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PARTS = ("Feeds", "Load files", "History", "Rejected lines")
HEADER = "request_id,started_at,provider,model,input_tokens,output_tokens,user_id\n"
REJECTED = "<img src=x onerror=alert(1)>,=cmd"
UPLOADER = {"presentation-role-conflict"}
"""What axe says of Streamlit's own file uploader."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of two ingests, the second of which has a hostile line that is rejected."""
    folder = tmp_path_factory.mktemp("sources")
    for number, rest in enumerate(["", f"{REJECTED}\n"]):
        file = folder / f"load-{number}.csv"
        file.write_text(f"{HEADER}r{number},2026-11-2{number}T10:00:00Z,openai,gpt-4o,1000000,0,user-{number}\n{rest}")
        ingest([file], Lake(folder / "lake"))
    return Lake(folder / "lake")


@pytest.fixture(scope="module")
def app(lake: Lake) -> Iterator[str]:
    """The address of the app on that lake."""
    yield from serve({"USAGECOST_LAKE": str(lake.root)})


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    yield from open_page(browser)


def visit_part(page: Page, address: str, part: str) -> None:
    page.goto(f"{address}/Sources?part={part.replace(' ', '+')}", wait_until="domcontentloaded")
    expect(page.get_by_role("tab", name=part, selected=True)).to_be_visible()
    settle(page)


def drop(page: Page, *files: Path) -> None:
    """Hands files over, as the drop does."""
    page.locator("input[type=file]").set_input_files([str(file) for file in files])
    expect(page.get_by_text(files[-1].name, exact=True).first).to_be_visible()
    settle(page)


def metric(page: Page, label: str) -> str:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue").inner_text()


def requests_of(lake: Lake, source: str, *columns: str) -> list[tuple]:
    return [row[1:] for row in rows_of(lake, "source", *columns) if row[0] == source]


def test_a_csv_with_the_records_columns_is_recognised_and_loaded(page: Page, app: str, lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "records.csv"
    file.write_text(
        f"{HEADER}csv-1,2026-11-21T10:00:00Z,openai,gpt-4o,5,0,cid\ncsv-2,2026-11-21T10:00:00Z,openai,gpt-4o,-5,0,cid\n"
    )
    visit_part(page, app, "Load files")
    drop(page, file)
    expect(page.get_by_text("Looks like a table with the record's columns")).to_be_visible()
    expect(page.get_by_text("Of the first 3 lines, 1 is rejected")).to_be_visible()
    expect(page.get_by_test_id("stMetric")).to_have_count(6)

    assert (metric(page, "New"), metric(page, "Rejected")) == ("1", "1")
    assert "csv-1" not in str(requests_of(lake, "table", "request_id"))

    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_text("1 new request, 0 changed, 0 already there.")).to_be_visible()
    assert ("csv-1", 5) in requests_of(lake, "table", "request_id", "input_tokens")
    expect(page.get_by_test_id("stMetric")).to_have_count(0)


def test_a_claude_code_transcript_and_a_parquet_file_are_loaded_together(page: Page, app: str, lake: Lake, tmp_path: Path) -> None:
    answer = {
        "id": "msg-1",
        "model": "claude-opus-4-6",
        "usage": {"input_tokens": 1, "cache_read_input_tokens": 9, "output_tokens": 1},
    }
    line = {"type": "assistant", "sessionId": "s", "requestId": "r", "timestamp": "2026-11-21T10:00:00Z", "message": answer}
    (tmp_path / "session.jsonl").write_text(json.dumps(line) + "\n")
    table = pa.table({"started_at": ["2026-11-21T10:00:00Z"], "model": ["gpt-4o"], "request_id": ["pq-1"], "input_tokens": [7]})
    pq.write_table(table, tmp_path / "usage.parquet")
    visit_part(page, app, "Load files")
    drop(page, tmp_path / "session.jsonl", tmp_path / "usage.parquet")
    expect(page.get_by_text("Looks like a Claude Code transcript: lines with message.usage.")).to_be_visible()
    expect(page.get_by_text("The log counts input without cache reads and cache writes")).to_be_visible()
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_text("2 new requests")).to_be_visible()

    assert requests_of(lake, "claude-code", "request_id", "input_tokens") == [("msg-1:r", 10)]
    assert ("pq-1", 7) in requests_of(lake, "table", "request_id", "input_tokens")


def test_an_unknown_table_is_mapped_by_a_form(page: Page, app: str, lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "gateway.csv"
    file.write_text("when,deployment,prompt_tokens,cached_tokens,completion_tokens\n2026-11-21 10:00,gpt-4o,1000,200,50\n")
    visit_part(page, app, "Load files")
    drop(page, file)
    expect(page.get_by_text("A table of no known format")).to_be_visible()
    expect(page.get_by_text("Answer above what the counts include")).to_be_visible()
    expect(page.get_by_role("button", name="Load", exact=True)).to_be_disabled()
    expect(page.get_by_text("Does prompt_tokens include the cache reads in cached_tokens?")).to_be_visible()
    page.get_by_test_id("stRadio").get_by_text("No", exact=True).click()
    expect(page.get_by_test_id("stMetric")).to_have_count(6)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save mapping").click()
    saved = Path(waiting.value.path()).read_text()

    assert waiting.value.suggested_filename == "gateway.toml"
    assert tomllib.loads(saved)["input_includes_cache_read"] is False
    assert tomllib.loads(saved)["columns"]["started_at"] == "when"

    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_text("1 new request,")).to_be_visible()
    assert requests_of(lake, "gateway", "model", "input_tokens", "cache_read_tokens") == [("gpt-4o", 1200, 200)]


def test_a_reject_is_seen_as_text_and_downloaded(page: Page, app: str) -> None:
    visit_part(page, app, "Rejected lines")
    choose(page, "The lines of", page.get_by_role("combobox", name="The lines of").get_attribute("value") or "")
    expect(page.get_by_test_id("stCode").get_by_text(REJECTED)).to_be_visible()
    with page.expect_download() as waiting:
        page.locator(".st-key-csv_rejects").get_by_role("button").click()
    rejects = pd.read_csv(io.BytesIO(Path(waiting.value.path()).read_bytes()))

    assert REJECTED in rejects["raw"].tolist()
    assert rejects.columns.tolist() == ["source", "source_file", "line", "reason", "raw", "rejected_at"]
    assert page.locator("img[src=x]").count() == 0


def test_a_load_is_removed_after_a_preview(page: Page, app: str, lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "wrong.csv").write_text(f"{HEADER}wrong-1,2026-11-21T10:00:00Z,openai,gpt-4o,1000000,0,eve\n")
    ingest([tmp_path / "wrong.csv"], lake)
    visit_part(page, app, "History")
    row = page.locator("[class*=st-key-ingest_]").filter(has_text="wrong.csv")
    row.get_by_role("button", name="Remove…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("spend $2.50")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    assert "wrong-1" in str(rows_of(lake, "request_id"))

    settle(page)
    row.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove 1 request").click()
    expect(page.get_by_text("Removed: 1 request.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "wrong-1" not in str(rows_of(lake, "request_id"))


def test_a_user_is_erased(page: Page, app: str, lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "forget.csv").write_text(f"{HEADER}forget-1,2026-11-21T10:00:00Z,openai,gpt-4o,1,0,forget me\n")
    ingest([tmp_path / "forget.csv"], lake)
    visit_part(page, app, "History")
    page.get_by_role("textbox", name="All requests of a user").fill("forget me")
    page.keyboard.press("Enter")
    page.locator(".st-key-erase").get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove 1 request").click()
    expect(page.get_by_text("Removed: 1 request.")).to_be_visible()

    assert "forget-1" not in str(rows_of(lake, "request_id"))


def test_the_view_is_carried_between_the_pages(page: Page, app: str) -> None:
    page.goto(f"{app}/?range=Last+7+days&zone=Asia%2FTokyo&tab=Cost", wait_until="domcontentloaded")
    settle(page)
    page.get_by_role("link", name="Sources").click()
    expect(page.get_by_role("heading", name="Data sources")).to_be_visible()
    open_settings(page)
    expect(page.get_by_role("combobox", name="Time zone")).to_have_value("Asia/Tokyo")

    page.get_by_role("link", name="Usage and cost").click()
    expect(page.get_by_test_id("stMetricValue").first).to_be_visible()
    settle(page)
    assert {"range=7d", "tab=Cost"} <= set(page.url.split("?")[1].split("&"))


def test_the_sample_steps_aside_for_what_is_loaded(browser: BrowserContext, sample_lake: str, tmp_path: Path) -> None:
    root = tmp_path / "own"
    file = tmp_path / "records.csv"
    file.write_text(f"{HEADER}a,2026-11-21T10:00:00Z,openai,gpt-4o,5,0,cid\n")
    for address in serve({"USAGECOST_LAKE": str(root), "USAGECOST_SAMPLE": str(Path(sample_lake).parent)}):
        for page in open_page(browser):
            page.goto(f"{address}/Sources", wait_until="domcontentloaded")
            expect(page.get_by_text("No data yet")).to_be_visible()
            settle(page)
            drop(page, file)
            page.get_by_role("button", name="Load", exact=True).click()
            expect(page.get_by_role("tab", name="Feeds")).to_be_visible()
            page.get_by_role("tab", name="Load files").click()
            expect(page.get_by_text("The app shows your own lake from now on.")).to_be_visible()

    assert rows_of(Lake(root), "request_id") == [("a",)]


@pytest.mark.slow
@LOOKS
def test_axe_finds_nothing_beyond_streamlits_own(app: str, browser: BrowserContext, look: dict, tmp_path: Path) -> None:
    (tmp_path / "gateway.csv").write_text("when,deployment,prompt_tokens,state\n2026-11-21 10:00,gpt-4o,-1,meh\n")
    for page in open_page(browser, **look):
        found = {}
        for part in PARTS:
            visit_part(page, app, part)
            if part == "Load files":
                drop(page, tmp_path / "gateway.csv")
                expect(page.get_by_test_id("stMetric")).to_have_count(6)
            found |= {(part, rule["id"]): rule["nodes"] for rule in Axe().run(page).response["violations"]}

        assert {place: nodes for place, nodes in found.items() if place[1] not in {*STREAMLIT_BASELINE, *UPLOADER}} == {}


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_wider_than_a_phone(app: str, browser: BrowserContext, part: str) -> None:
    for page in open_page(browser, viewport={"width": 390, "height": 844}):
        visit_part(page, app, part)

        assert width(page) <= 390
