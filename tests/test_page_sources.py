"""The page Sources, run as Streamlit runs it, without a browser."""

from __future__ import annotations

import gc
import gzip
import json
import re
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from tests.lake_rows import rows_of
from tests.pages import calm, opened
from tests.test_page import HOSTILE
from tests.views import request
from usagecost.ingest import ingest, known_formats
from usagecost.lake import Lake
from usagecost.ui.sources.feeds import freshness

pytestmark = pytest.mark.slow

HOME = Path(__file__).parents[1]
HEADER = "request_id,started_at,provider,model,input_tokens,output_tokens,user_id\n"
RECORDS = (HEADER + "a,2026-05-01T10:00:00Z,openai,gpt-4o,1000000,0,ada\nb,2026-05-02T10:00:00Z,openai,gpt-4o,7,0,bob\n").encode()
STRANGE = b"when,prompt_tokens,cached_tokens,completion_tokens,state\n2026-05-01 10:00,1000,200,50,meh\n"
LINE = {
    "type": "assistant",
    "sessionId": "s",
    "requestId": "r",
    "timestamp": "2026-05-01T10:00:00Z",
    "message": {"id": "m", "model": "claude-opus-4-6", "usage": {"input_tokens": 1, "output_tokens": 1}},
}

OpenSources = Callable[..., AppTest]


@pytest.fixture
def open_sources(monkeypatch: pytest.MonkeyPatch) -> OpenSources:
    """Opens the page on a lake: ``open_sources(lake, part="History")``. It fails on any exception."""
    monkeypatch.delenv("USAGECOST_ZONE", raising=False)

    def open_it(lake: object, part: str = "Feeds", **link: str) -> AppTest:
        monkeypatch.setenv("USAGECOST_LAKE", str(lake))
        return opened("pages/5_Sources.py", part=part, **link)

    return open_it


@pytest.fixture(scope="module")
def two_loads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two ingests: a and b, then c with a line that is rejected."""
    folder = tmp_path_factory.mktemp("loads")
    for name, content in {
        "first.csv": RECORDS,
        "second.csv": f"{HEADER}c,2026-05-03T10:00:00Z,openai,gpt-4o,1,0,ada\n<b>broken</b>\n".encode(),
    }.items():
        (folder / name).write_bytes(content)
        ingest([folder / name], Lake(folder / "lake"))
    return folder / "lake"


@pytest.fixture
def lake(two_loads: Path, tmp_path: Path) -> Lake:
    """A copy of that lake."""
    return Lake(shutil.copytree(two_loads, tmp_path / "lake"))


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, content, "application/octet-stream") for name, content in files])
    return calm(page.run())


def press(page: AppTest, label: str, place: int = 0) -> AppTest:
    return calm([button for button in page.button if button.label == label][place].click().run())


def words(page: AppTest) -> str:
    """All that the page says, as a reader sees it."""
    return raw(page).replace("\\", "")


def raw(page: AppTest) -> str:
    """All that the page says, as Markdown."""
    said = [*page.markdown, *page.caption, *page.info, *page.warning, *page.success]
    return "\n".join(str(element.value) for element in said)


def rows(page: AppTest) -> list[str]:
    """What the list says of each file that can be read."""
    return [said for said in words(page).split("\n") if "request" in said and " · " in said]


def field(elements: Sequence[Any], label: str) -> Any:
    return next(element for element in elements if element.label == label)


def load_button(page: AppTest) -> Any:
    return page.button(key="load")


def left(lake: Lake) -> list[str]:
    return [request_id for (request_id,) in rows_of(lake, "request_id")]


# ---- feeds


def test_a_source_shows_its_requests_and_its_age(open_sources: OpenSources, lake_of: Callable[..., str]):
    now = datetime.now(UTC)
    page = open_sources(lake_of(request(now - timedelta(minutes=4)), request(now - timedelta(days=40))))

    assert "2 requests" in words(page)
    assert re.search("[4-9]\u00a0min ago · fresh", words(page)), "a busy machine takes more than one"
    assert f"First {now - timedelta(days=40):%Y-%m-%d %H:%M}" in words(page)


def test_sources_that_tell_the_same_requests_lead_to_the_loads_to_take_out(open_sources: OpenSources, lake_of: Callable[..., str]):
    sent = [datetime.now(UTC) - timedelta(minutes=number) for number in range(10)]
    calls = [request(at, source=source, input_tokens=1000, output_tokens=90) for at in sent for source in ("gateway", "<b>client")]
    page = open_sources(lake_of(*calls))

    assert [(warning.proto.title, "all are there too" in warning.value) for warning in page.warning] == [
        ("Requests that may count twice", True)
    ]
    page.button(key="show_loads").click().run()
    assert page.session_state["part"] == "History"


@pytest.mark.parametrize(
    ("old", "said", "color"),
    [
        (timedelta(minutes=4), "4 min ago · fresh", "green"),
        (timedelta(hours=23, minutes=59), "23 h ago · fresh", "green"),
        (timedelta(days=1), "24 h ago · late", "orange"),
        (timedelta(days=6, hours=23), "6 days ago · late", "orange"),
        (timedelta(days=7), "7 days ago · no recent data", "red"),
        (timedelta(hours=-1), "clock ahead", "orange"),
    ],
)
def test_freshness_is_said_in_words_too(old: timedelta, said: str, color: str):
    now = datetime(2026, 5, 9, tzinfo=UTC)
    text, shown, _ = freshness(now - old, now)

    assert (text.replace("\u00a0", " "), shown) == (said, color)


def sparks(page: AppTest) -> list[str]:
    """The bars that are drawn, a text each."""
    return [element.proto.body for element in page.get("html") if "class=spark " in element.proto.body]


def test_the_bars_of_a_source_follow_the_period_but_not_the_filters(open_sources: OpenSources, lake_of: Callable[..., str]):
    lake = lake_of(request("2026-10-25 12:00", user_id="ann"), request("2026-10-25 12:00", source="other"))
    page = open_sources(lake, range="Custom range", days=["2026-10-24", "2026-10-26"], user="ann")
    drawn = [re.findall(r": (\d)", spark) for spark in sparks(page)]

    assert drawn == [["0", "1", "0"], ["0", "1", "0"]]


def test_names_of_sources_are_only_names(open_sources: OpenSources, lake_of: Callable[..., str]):
    sent = datetime.now(UTC) - timedelta(days=3)
    page = open_sources(lake_of(*(request(sent, source=name) for name in HOSTILE if name.strip())))

    assert len(sparks(page)) == len([name for name in HOSTILE if name.strip()])
    assert "<script>" not in raw(page)


def test_an_empty_lake_says_what_would_fill_it(open_sources: OpenSources, lake_of: Callable[..., str]):
    assert "Drop log files above" in words(open_sources(lake_of()))


# ---- loading


def test_files_of_known_formats_are_listed_counted_and_loaded_by_one_button(open_sources: OpenSources, lake: Lake, tmp_path: Path):
    table = pa.table({"started_at": ["2026-05-09T10:00:00Z"], "model": ["m"], "request_id": ["p"], "input_tokens": [3]})
    pq.write_table(table, tmp_path / "a.parquet")
    page = upload(
        open_sources(lake.root),
        ("records.csv", RECORDS.replace(b"ada", b"eve") + b"d,2026-05-01,openai,gpt-4o,-1,0,ada\n"),
        ("session.jsonl", json.dumps(LINE).encode() + b"\n"),
        ("a.parquet", (tmp_path / "a.parquet").read_bytes()),
        ("b.csv.gz", gzip.compress(RECORDS.splitlines()[0] + b"\nb,2026-05-02T10:00:00Z,openai,gpt-4o,7,0,bob\n")),
    )

    tables = "Tables: CSV, TSV, JSON lines, Parquet"
    assert rows(page) == [
        f"{tables} · 2 requests · 1–2 May 2026 · 0 new, 1 changed, 1 already there · 1 repeated · "
        "2 skipped (2 blank line or column names) · :red[1 line rejected]",
        "Claude Code transcripts · 1 request · 1 May 2026 · 1 new",
        f"{tables} · 1 request · 9 May 2026 · 1 new · 1 without a list price",
    ]
    assert "4 requests: 2 new, 1 changed, 1 already there." in words(page)
    assert [button.label for button in page.button if button.proto.type == "primary"] == ["Load 4 files"]
    assert lake.version() == 2

    page = press(page, "Load 4 files")
    assert "2 new requests, 1 changed, 1 already there." in words(page)
    assert left(lake) == ["a", "b", "c", "m:r", "p"]
    assert lake.history()[0]["ingest"]["paths"] == "records.csv, b.csv.gz, session.jsonl, a.parquet"
    assert [tab.label for tab in page.tabs] == ["Feeds", "History", "Rejected lines"]


def test_a_preview_shows_rows_as_they_are_and_as_they_are_read(open_sources: OpenSources, lake: Lake):
    page = upload(open_sources(lake.root), ("session.jsonl", json.dumps(LINE).encode() + b"\n"))
    page = press(page, "Preview")

    assert "Looks like a Claude Code transcript: lines with message.usage." in words(page)
    assert "The log counts input without cache reads and cache writes" in words(page)
    assert page.dataframe[0].value["requestId"].tolist() == ["r"]
    assert page.dataframe[1].value["model"].tolist() == ["claude-opus-4-6"]


def test_a_mapping_is_asked_for_once_and_remembered_by_the_columns_of_the_file(
    open_sources: OpenSources, lake: Lake, tmp_path: Path
):
    page = upload(open_sources(lake.root), ("gateway logs 2026-05.csv", STRANGE))
    fields = {box.label: box.value for box in page.selectbox}
    assert (fields["started_at (required)"], fields["cache_read_tokens"], fields["model"]) == ("when", "cached_tokens", "")
    assert "Answer above what the counts include" in words(page)
    assert load_button(page).disabled

    page = calm(page.radio[0].set_value(False).run())
    assert "Does prompt_tokens include the cache reads in cached_tokens?" in page.radio[0].label.replace("\\", "")
    assert "No requests" in words(page)
    page = calm(field(page.selectbox, "meh").set_value("error").run())
    page = calm(field(page.text_input, "model of all rows").set_value("gpt-4o").run())
    page = calm(field(page.text_input, "provider of all rows").set_value("openai").run())
    assert "gateway-logs · 1 request · 1 May 2026 · 1 new" in words(page)
    toml = [name for _, name in page.session_state["_uploads"].previews][-1]
    page = press(page, "Load 1 file")
    loaded = rows_of(lake, "source", "model", "provider", "status", "input_tokens", "cache_read_tokens")
    assert ("gateway-logs", "gpt-4o", "openai", "error", 1200, 200) in loaded

    (tmp_path / "gateway.toml").write_text(toml)
    (tmp_path / "gateway.csv").write_bytes(STRANGE)
    ingest([tmp_path / "gateway.csv"], Lake(tmp_path / "other"), mapping=tmp_path / "gateway.toml")
    assert rows_of(Lake(tmp_path / "other"), "request_id", "input_tokens")[0] in rows_of(lake, "request_id", "input_tokens")

    page = upload(page, ("gateway logs 2026-06.csv", STRANGE.replace(b"2026-05-01", b"2026-06-01")))
    assert "gateway-logs · 1 request · 1 Jun 2026 · 1 new" in words(page)
    page = press(page, "Edit mapping")
    assert (page.radio[0].value, field(page.text_input, "model of all rows").value) == (False, "gpt-4o")
    assert field(page.selectbox, "meh").value == "error"
    press(page, "Load 1 file")
    assert {model for source, model in rows_of(lake, "source", "model") if source == "gateway-logs"} == {"gpt-4o"}


def test_a_load_leads_to_the_days_of_what_was_loaded(open_sources: OpenSources, lake: Lake):
    page = press(upload(open_sources(lake.root), ("records.csv", RECORDS.replace(b"2026-05", b"2026-03"))), "Load 1 file")
    link = next(link.proto for link in page.get("page_link") if "Show the numbers" in link.proto.label)

    assert "range=custom&days=2026-03-01&days=2026-03-02" in link.query_string


def test_a_mapping_is_written_as_text_and_kept_as_a_format(open_sources: OpenSources, lake: Lake):
    table = b"call,when,engine,in\nc-1,2026-05-01T10:00:00Z,GPT-4o,12\n"
    page = upload(open_sources(lake.root), ("calls.csv", table))
    page = calm(field(page.toggle, "Write the mapping as text").set_value(True).run())

    page = calm(page.text_area[0].set_value("[columns\n").run())
    assert "This is no TOML" in words(page)

    columns = 'request_id = "call"\nstarted_at = "when"\nmodel.sql = "lower(name)"\n'
    text = f'source = "mesh"\n[fields]\nname = "engine"\n[columns]\n{columns}'
    page = press(calm(page.text_area[0].set_value(text).run()), "Load 1 file")

    page = upload(page, ("later.csv", table))
    assert "mesh · 1 request · 1 May 2026 · 0 new, 1 already there" in words(page)
    page = press(page, "Edit mapping")
    assert "Looks like mesh: call, when, engine, in." in words(page)
    assert 'sql = "lower(name)"' in page.text_area[0].value


def test_a_mapping_never_takes_the_place_of_a_format_of_the_app(open_sources: OpenSources, lake: Lake):
    page = upload(open_sources(lake.root), ("cursor.csv", b"when,engine,in\n2026-05-01T10:00:00Z,GPT-4o,12\n"))
    assert "Not remembered: cursor is a format of the app." in words(page)

    press(page, "Load 1 file")
    assert known_formats(lake).own == {}


def test_a_table_that_does_not_show_how_it_writes_numbers_is_refused_until_that_is_said(open_sources: OpenSources, lake: Lake):
    text = b"when;deployment;prompt_tokens;cost\n2026-05-01 10:00;gpt-4o;5;1.250\n2026-05-01 10:01;gpt-4o;7;no charge\n"
    page = upload(open_sources(lake.root), ("gateway.csv", text))
    assert "may be read in two ways" in words(page)
    assert load_button(page).disabled

    page = calm(field(page.selectbox, "Numbers are written").set_value("true").run())
    page = calm(field(page.text_input, "Words for “no value”").set_value("No charge, -").run())
    press(page, "Load 1 file")
    loaded = rows_of(lake, "source", "reported_cost_usd")
    assert {cost for source, cost in loaded if source == "gateway"} == {Decimal(1250), None}


def test_what_cannot_be_read_is_said_and_left_out(open_sources: OpenSources, lake: Lake):
    page = upload(
        open_sources(lake.root),
        ("empty.csv", b""),
        ("archive.zip", b"PK\x03\x04"),
        ("diary.txt", b"Dear diary\nnothing\n"),
        ("damaged.parquet", bytes(range(128, 256)) + b",\xff\xfe\n" * 9),
        ("records.csv", RECORDS),
    )

    for sentence in ("is empty: there is nothing to read", "is a zip archive: unpack it first", "is of no known format"):
        assert sentence in words(page)
    assert (words(page).count("Cannot be read"), words(page).count("Ready")) == (4, 1)
    assert "4 files left out, see below." in words(page)
    assert load_button(page).label == "Load 1 file"


def test_a_file_that_fits_two_formats_is_asked_about(open_sources: OpenSources, lake: Lake):
    both = json.dumps({**LINE, "started_at": "2026-05-01T10:00:00Z", "model": "m"}).encode() + b"\n"
    page = upload(open_sources(lake.root), ("both.jsonl", both))

    assert "Say which of them it is." in words(page)
    assert load_button(page).disabled
    page = calm(field(page.selectbox, "Read as").set_value("claude-code").run())
    assert load_button(page).label == "Load 1 file"


def test_files_lie_in_a_folder_that_goes(open_sources: OpenSources, lake: Lake):
    page = upload(open_sources(lake.root), ("../../../etc/passwd", RECORDS))
    folder = page.session_state["_uploads"].folder
    assert [file.name for file in folder.iterdir()] == ["0"]
    assert page.session_state["_uploads"].files[0].name == "passwd"

    page = press(page, "Discard")
    assert not folder.exists()

    page = upload(page, ("records.csv", RECORDS))
    folder = page.session_state["_uploads"].folder
    assert folder.exists()
    del page.session_state["_uploads"]
    gc.collect()
    assert not folder.exists()


def test_the_first_load_makes_the_configured_lake(open_sources: OpenSources, tmp_path: Path):
    page = open_sources(tmp_path / "new")
    assert "USAGECOST_LAKE names a folder without a lake" in words(page)

    page = press(upload(page, ("records.csv", RECORDS)), "Load 1 file")
    assert "The app shows your own lake from now on." in words(page)
    assert left(Lake(tmp_path / "new")) == ["a", "b"]


# ---- history


def test_ingests_are_listed_with_their_reports(open_sources: OpenSources, lake: Lake):
    page = open_sources(lake.root, part="History")

    assert "1 request in the lake · 3 lines read · 1 new · 1 skipped (1 blank line or column names) · :red[1 rejected]" in words(
        page
    )
    assert "2 requests in the lake · 3 lines read · 2 new · 1 skipped (1 blank line or column names)" in words(page)
    assert words(page).index("second.csv") < words(page).index("first.csv")


def test_a_load_is_undone_after_a_preview(open_sources: OpenSources, lake: Lake):
    page = press(open_sources(lake.root, part="History"), "Remove…", place=1)
    assert "**2 requests**" in words(page)
    assert "spend $2.50" in words(page)
    assert left(lake) == ["a", "b", "c"]

    page = press(page, "Remove 2 requests")
    assert left(lake) == ["c"]
    assert "Removed: 2 requests." in words(page)
    assert "2 requests of one ingest removed" in words(page)


def test_a_user_is_erased_and_what_is_old_retired(open_sources: OpenSources, lake: Lake):
    page = open_sources(lake.root, part="History")
    page = calm(page.text_input(key="erase_user").set_value("ada").run())
    page = press(calm(page.button(key="erase").click().run()), "Remove 2 requests")
    assert left(lake) == ["b"]

    page = calm(page.date_input(key="retire_before").set_value("2026-05-02").run())
    page = calm(page.button(key="retire").click().run())
    assert "The lake holds no such requests." in words(page)
    page = calm(page.date_input(key="retire_before").set_value("2026-05-03").run())
    press(calm(page.button(key="retire").click().run()), "Remove 1 request")
    assert left(lake) == []
    assert "ada" not in str(lake.history()[0])


# ---- rejects


def test_rejects_are_shown_by_reason_with_the_raw_line_as_text(open_sources: OpenSources, lake: Lake):
    page = open_sources(lake.root, part="Rejected lines")

    assert page.selectbox(key="reject_kind").options[0].startswith("1 × This row has 1 fields and the header 7")
    assert page.code[0].value == "<b>broken</b>"
    assert page.code[0].language in (None, "", "plaintext")
    assert page.dataframe[1].value["raw"].tolist() == ["<b>broken</b>"]


def test_without_rejects_the_page_says_so(open_sources: OpenSources, lake_of: Callable[..., str]):
    page = open_sources(lake_of(request("2026-10-25 12:00")), part="Rejected lines")

    assert "kept here" in words(page)


# ---- the sample


@pytest.mark.skipif((HOME / "data" / "lake").exists(), reason="this repository has a lake of its own")
def test_the_sample_is_shown_as_one_and_nothing_can_be_removed_from_it(
    open_sources: OpenSources, sample_lake: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("USAGECOST_SAMPLE", str(Path(sample_lake).parent))
    page = open_sources("", part="History")

    assert "Sample data" in words(page)
    assert all(button.disabled for button in page.button if button.label == "Remove…")
    assert not page.text_input
