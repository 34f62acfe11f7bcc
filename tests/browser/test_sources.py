"""The page Sources as a person uses it: files dropped, mapped, loaded; rejects seen and downloaded."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import choose, flaws, flaws_of_tabs, serve, settle
from tests.lake_rows import rows_of
from usagecost.ingest import ingest
from usagecost.lake import Lake

pytestmark = pytest.mark.browser

HEADER = "request_id,started_at,provider,model,input_tokens,output_tokens,user_id\n"
REJECTED = "<img src=x onerror=alert(1)>,=cmd"


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


def visit_part(page: Page, address: str, part: str) -> None:
    page.goto(f"{address}/Sources?part={part.replace(' ', '+')}", wait_until="domcontentloaded")
    expect(page.get_by_role("tab", name=part, selected=True)).to_be_visible()
    settle(page)


def drop(page: Page, *files: Path) -> None:
    """Hands files over, as the drop does."""
    page.locator("input[type=file]").set_input_files([str(file) for file in files])
    expect(page.get_by_text(files[-1].name).first).to_be_visible()
    settle(page)


def requests_of(lake: Lake, source: str, *columns: str) -> list[tuple]:
    return [row[1:] for row in rows_of(lake, "source", *columns) if row[0] == source]


def test_files_of_several_formats_are_dropped_mapped_and_loaded_by_one_button(
    page: Page, app: str, lake: Lake, tmp_path: Path
) -> None:
    (tmp_path / "records.csv").write_text(f"{HEADER}csv-1,2026-09-21T10:00:00Z,openai,gpt-4o,5,0,cid\n")
    usage = {"input_tokens": 1, "cache_read_input_tokens": 9, "output_tokens": 1}
    answer = {"id": "msg-1", "model": "claude-opus-4-6", "usage": usage}
    line = {"type": "assistant", "sessionId": "s", "requestId": "r", "timestamp": "2026-09-21T10:00:00Z", "message": answer}
    (tmp_path / "session.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "gateway.csv").write_text("when,prompt_tokens,cached_tokens,completion_tokens\n2026-09-21 10:00,1000,200,50\n")
    files = [tmp_path / name for name in ("records.csv", "session.jsonl", "gateway.csv")]
    visit_part(page, app, "History")
    drop(page, *files)
    expect(page.get_by_role("button", name="Load 2 files")).to_be_visible()
    page.get_by_role("button", name="Map columns").click()
    expect(page.get_by_text("Does prompt_tokens include the cache reads in cached_tokens?")).to_be_visible()
    page.get_by_test_id("stRadio").get_by_text("No", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save mapping").click()
    saved = Path(waiting.value.path()).read_text()

    assert waiting.value.suggested_filename == "gateway.toml"
    assert tomllib.loads(saved)["columns"]["started_at"] == "when"

    page.get_by_role("textbox", name="model of all rows").fill("gpt-4o")
    page.keyboard.press("Tab")
    settle(page)
    page.get_by_role("button", name="Load 3 files").click()
    expect(page.get_by_text("3 new requests, 0 changed, 0 already there.")).to_be_visible()
    assert requests_of(lake, "claude-code", "request_id", "input_tokens") == [("msg-1:r", 10)]
    assert requests_of(lake, "gateway", "model", "input_tokens", "cache_read_tokens") == [("gpt-4o", 1200, 200)]

    page.get_by_role("link", name="Show the numbers").click()
    expect(page.locator(".st-key-range_open button").first).to_contain_text("21 Sep 2026")


def test_a_reject_is_seen_as_text_on_an_accessible_page_and_downloaded(page: Page, app: str, tmp_path: Path) -> None:
    (tmp_path / "gateway.csv").write_text("when,deployment,prompt_tokens,state\n2026-11-21 10:00,gpt-4o,-1,meh\n")
    (tmp_path / "archive.zip").write_bytes(b"PK\x03\x04")
    visit_part(page, app, "Feeds")
    assert flaws_of_tabs(page, ("Feeds", "History", "Rejected lines")) == {}
    choose(page, "The lines of", page.get_by_role("combobox", name="The lines of").get_attribute("value") or "")
    expect(page.get_by_test_id("stCode").get_by_text(REJECTED)).to_be_visible()
    with page.expect_download() as waiting:
        page.locator(".st-key-csv_rejects").get_by_role("button").click()
    rejects = pd.read_csv(io.BytesIO(Path(waiting.value.path()).read_bytes()))

    assert REJECTED in rejects["raw"].tolist()
    assert rejects.columns.tolist() == ["source", "source_file", "line", "reason", "raw", "rejected_at"]
    assert page.locator("img[src=x]").count() == 0

    drop(page, tmp_path / "archive.zip", tmp_path / "gateway.csv")
    page.get_by_role("button", name="Map columns").click()
    expect(page.get_by_text("As it will be read")).to_be_visible()
    settle(page)
    assert flaws(page) == set()
