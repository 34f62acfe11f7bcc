"""The page Sources, run as Streamlit runs it, without a browser."""

from __future__ import annotations

import gc
import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from tests.lake_rows import rows_of
from tests.test_page import HOSTILE, calm
from tests.views import request
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.schema import REJECTS
from usagecost.ui.sources.feeds import freshness

pytestmark = pytest.mark.slow

HOME = Path(__file__).parents[1]
HEADER = "request_id,started_at,provider,model,input_tokens,output_tokens,user_id\n"
RECORDS = (HEADER + "a,2026-05-01T10:00:00Z,openai,gpt-4o,1000000,0,ada\nb,2026-05-02T10:00:00Z,openai,gpt-4o,7,0,bob\n").encode()
STRANGE = b"when,deployment,prompt_tokens,cached_tokens,completion_tokens,state\n2026-05-01 10:00,gpt-4o,1000,200,50,meh\n"

OpenSources = Callable[..., AppTest]


@pytest.fixture
def open_sources(monkeypatch: pytest.MonkeyPatch) -> OpenSources:
    """Opens the page on a lake: ``open_sources(lake, part="History")``. It fails on any exception."""
    monkeypatch.delenv("USAGECOST_ZONE", raising=False)

    def open_it(lake: object, part: str = "Feeds", **link: str) -> AppTest:
        monkeypatch.setenv("USAGECOST_LAKE", str(lake))
        page = AppTest.from_file(str(HOME / "app.py"), default_timeout=60).switch_page("pages/5_Sources.py")
        for name, value in {"part": part, **link}.items():
            page.query_params[name] = value
        return calm(page.run())

    return open_it


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two ingests: a and b, then c with a line that is rejected."""
    lake = Lake(tmp_path / "lake")
    for name, content in {
        "first.csv": RECORDS,
        "second.csv": f"{HEADER}c,2026-05-03T10:00:00Z,openai,gpt-4o,1,0,ada\n<b>broken</b>\n".encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
        ingest([tmp_path / name], lake)
    return lake


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, content, "application/octet-stream") for name, content in files])
    return calm(page.run())


def press(page: AppTest, label: str, place: int = 0) -> AppTest:
    return calm([button for button in page.button if button.label == label][place].click().run())


def words(page: AppTest) -> str:
    """All that the page says."""
    said = [*page.markdown, *page.caption, *page.info, *page.warning, *page.success]
    return "\n".join(str(element.value) for element in said)


def numbers(page: AppTest) -> dict[str, str]:
    """What loading would do."""
    return {metric.label: metric.value for metric in page.metric}


def left(lake: Lake) -> list[str]:
    return [request_id for (request_id,) in rows_of(lake, "request_id")]


# ---- feeds


def test_a_source_shows_its_requests_and_its_age(open_sources: OpenSources, lake_of: Callable[..., str]):
    now = datetime.now(UTC)
    page = open_sources(lake_of(request(now - timedelta(minutes=4)), request(now - timedelta(days=40))))

    assert "2 requests" in words(page)
    assert "4\u00a0min ago · fresh" in words(page)
    assert f"First {now - timedelta(days=40):%Y-%m-%d %H:%M}" in words(page)


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


def test_the_bars_of_a_source_follow_the_period_but_not_the_filters(open_sources: OpenSources, lake_of: Callable[..., str]):
    lake = lake_of(request("2026-10-25 12:00", user_id="ann"), request("2026-10-25 12:00", source="other"))
    page = open_sources(lake, range="Custom range", days=["2026-10-24", "2026-10-26"], user="ann")
    drawn = [
        pa.ipc.open_stream(chart.proto.datasets[0].data.data).read_pandas()["requests"].tolist()
        for chart in page.get("vega_lite_chart")
    ]

    assert drawn == [[0, 1, 0], [0, 1, 0]]


def test_names_of_sources_are_only_names(open_sources: OpenSources, lake_of: Callable[..., str]):
    page = open_sources(lake_of(*(request("2026-10-25 12:00", source=name) for name in HOSTILE if name.strip())))

    assert len(page.get("vega_lite_chart")) == len([name for name in HOSTILE if name.strip()])
    assert "<script>" not in words(page)


def test_an_empty_lake_says_what_would_fill_it(open_sources: OpenSources, lake_of: Callable[..., str]):
    assert "Load files" in words(open_sources(lake_of()))


# ---- loading


def test_known_files_are_recognised_checked_and_loaded(open_sources: OpenSources, lake: Lake):
    answer = {"id": "m", "model": "claude-opus-4-6", "usage": {"input_tokens": 1, "output_tokens": 1}}
    line = {"type": "assistant", "sessionId": "s", "requestId": "r", "timestamp": "2026-05-01T10:00:00Z", "message": answer}
    page = upload(
        open_sources(lake.root, part="Load files"),
        ("records.csv", RECORDS.replace(b"ada", b"eve") + b"d,2026-05-01,openai,gpt-4o,-1,0,ada\n"),
        ("session.jsonl", json.dumps(line).encode() + b"\n"),
    )

    assert "Looks like a table with the record's columns" in words(page).replace("\\", "")
    assert "Looks like a Claude Code transcript: lines with message.usage." in words(page).replace("\\", "")
    assert "The log counts input without cache reads and cache writes" in words(page)
    assert "Of the first 4 lines, 1 is rejected" in words(page)
    assert numbers(page) == {"New": "1", "Changed": "1", "Already there": "1", "Repeated": "0", "No requests": "1", "Rejected": "1"}
    assert lake.version() == 2

    page = press(page, "Load")
    assert "1 new request, 1 changed, 1 already there." in words(page)
    assert left(lake) == ["a", "b", "c", "m:r"]
    assert lake.history()[0]["ingest"]["paths"] == "records.csv, session.jsonl"
    assert not page.metric


def test_an_unknown_table_is_mapped_and_the_mapping_saved(open_sources: OpenSources, lake: Lake):
    page = upload(open_sources(lake.root, part="Load files"), ("gateway logs.csv", STRANGE))
    fields = {box.label: box.value for box in page.selectbox}
    assert (fields["started_at (required)"], fields["model"], fields["cache_read_tokens"]) == (
        "when",
        "deployment",
        "cached_tokens",
    )
    assert "Answer above what the counts include" in words(page)
    assert not page.metric

    page = calm(page.radio[0].set_value(False).run())
    assert "Does prompt_tokens include the cache reads in cached_tokens?" in page.radio[0].label.replace("\\", "")
    assert "input_tokens does not include cache reads: cache_read_tokens is added." in words(page).replace("\\", "")
    assert numbers(page)["Rejected"] == "1"

    page = calm(next(box for box in page.selectbox if box.label == "meh").set_value("error").run())
    page = calm(next(box for box in page.text_input if box.label == "Provider of all rows").set_value("openai").run())
    assert (numbers(page)["New"], numbers(page)["Rejected"]) == ("1", "0")
    assert "Save mapping" in [button.proto.label for button in page.get("download_button")]

    page = press(page, "Load")
    assert "Show the numbers" in str([link.proto for link in page.get("page_link")])
    loaded = rows_of(lake, "source", "model", "provider", "status", "input_tokens", "cache_read_tokens")
    assert ("gateway-logs", "gpt-4o", "openai", "error", 1200, 200) in loaded


def test_a_saved_mapping_is_the_one_that_the_command_takes(open_sources: OpenSources, lake: Lake, tmp_path: Path):
    page = upload(open_sources(lake.root, part="Load files"), ("gateway.csv", STRANGE))
    page = calm(page.radio[0].set_value(False).run())
    page = calm(next(box for box in page.selectbox if box.label == "meh").set_value("error").run())
    uploads = page.session_state["_uploads"]
    toml = [name for _, name in uploads.previews][-1]
    (tmp_path / "gateway.toml").write_text(toml)
    (tmp_path / "gateway.csv").write_bytes(STRANGE)

    assert tomllib.loads(toml)["input_includes_cache_read"] is False
    done = ingest([tmp_path / "gateway.csv"], Lake(tmp_path / "other"), mapping=tmp_path / "gateway.toml")
    press(page, "Load")
    assert done.inserted == 1
    assert rows_of(Lake(tmp_path / "other"), "request_id", "input_tokens")[0] in rows_of(lake, "request_id", "input_tokens")


def test_a_mapping_is_written_as_text_and_kept_as_a_format(open_sources: OpenSources, lake: Lake):
    table = b"call,when,engine,in\nc-1,2026-05-01T10:00:00Z,GPT-4o,12\n"
    page = upload(open_sources(lake.root, part="Load files"), ("calls.csv", table))
    page = calm(next(toggle for toggle in page.toggle if toggle.label == "Write the mapping as text").set_value(True).run())

    page = calm(page.text_area[0].set_value("[columns\n").run())
    assert "This is no TOML" in words(page)

    columns = 'request_id = "call"\nstarted_at = "when"\nmodel.sql = "lower(name)"\n'
    text = f'source = "mesh"\n[fields]\nname = "engine"\n[columns]\n{columns}'
    page = press(calm(page.text_area[0].set_value(text).run()), "Recognise such files")
    assert "Kept: such files are recognised from now on." in words(page)

    page = upload(open_sources(lake.root, part="Load files"), ("later.csv", table))
    assert "Looks like mesh: call, when, engine, in." in words(page).replace("\\", "")
    page = press(page, "Load")
    assert "c-1" in left(lake)


def test_a_table_that_does_not_show_how_it_writes_numbers_is_refused_until_that_is_said(open_sources: OpenSources, lake: Lake):
    text = b"when;deployment;prompt_tokens;cost\n2026-05-01 10:00;gpt-4o;5;1.250\n2026-05-01 10:01;gpt-4o;7;no charge\n"
    page = upload(open_sources(lake.root, part="Load files"), ("gateway.csv", text))
    assert "may be read in two ways" in words(page)

    page = calm(next(box for box in page.selectbox if box.label == "Numbers are written").set_value("true").run())
    page = calm(next(box for box in page.text_input if box.label.startswith("Words for")).set_value("No charge, -").run())
    assert (numbers(page)["New"], numbers(page)["Rejected"]) == ("2", "0")
    toml = [name for _, name in page.session_state["_uploads"].previews][-1]
    found = tomllib.loads(toml)

    assert (found["decimal_comma"], found["no_value"]) == (True, ["No charge", "-"])
    press(page, "Load")
    loaded = rows_of(lake, "source", "reported_cost_usd")
    assert {cost for source, cost in loaded if source == "gateway"} == {Decimal(1250), None}


def test_parquet_and_packed_files_are_read(open_sources: OpenSources, lake: Lake, tmp_path: Path):
    import gzip

    table = pa.table({"started_at": ["2026-05-09T10:00:00Z"], "model": ["m"], "request_id": ["p"], "input_tokens": [3]})
    pq.write_table(table, tmp_path / "a.parquet")
    page = upload(
        open_sources(lake.root, part="Load files"),
        ("a.parquet", (tmp_path / "a.parquet").read_bytes()),
        ("a.csv.gz", gzip.compress(RECORDS)),
    )

    assert (numbers(page)["New"], numbers(page)["Already there"]) == ("1", "2")


def test_what_cannot_be_read_is_said_and_left_out(open_sources: OpenSources, lake: Lake):
    page = upload(
        open_sources(lake.root, part="Load files"),
        ("empty.csv", b""),
        ("archive.zip", b"PK\x03\x04"),
        ("diary.txt", b"Dear diary\nnothing\n"),
        ("records.csv", RECORDS),
    )

    for sentence in ("is empty: there is nothing to read", "is a zip archive: unpack it first", "is of no known format"):
        assert sentence in words(page).replace("\\", "")
    assert "Left out, as they cannot be read yet: empty.csv, archive.zip, diary.txt." in words(page).replace("\\", "")
    assert numbers(page)["Already there"] == "2"


def test_a_file_that_fits_two_formats_is_asked_about(open_sources: OpenSources, lake: Lake):
    answer = {"id": "m", "model": "claude-opus-4-6", "usage": {"input_tokens": 1, "output_tokens": 1}}
    line = {"type": "assistant", "sessionId": "s", "requestId": "r", "timestamp": "2026-05-01T10:00:00Z", "message": answer}
    both = json.dumps({**line, "started_at": "2026-05-01T10:00:00Z", "model": "m"}).encode() + b"\n"
    page = upload(open_sources(lake.root, part="Load files"), ("both.jsonl", both))

    assert "Say which of them it is." in words(page)
    assert next(button for button in page.button if button.label == "Load").disabled
    page = calm(next(box for box in page.selectbox if box.label == "Read as").set_value("claude-code").run())
    assert numbers(page)["New"] == "1"


def test_files_lie_in_a_folder_that_goes(open_sources: OpenSources, lake: Lake):
    page = upload(open_sources(lake.root, part="Load files"), ("../../../etc/passwd", RECORDS))
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


def test_hostile_names_of_columns_and_files_are_only_names(open_sources: OpenSources, lake: Lake):
    columns = [name.replace('"', '""').replace("\n", " ") for name in HOSTILE if name.strip()]
    header = ",".join(f'"{name}"' for name in ["started_at", *columns])
    row = ",".join(['"2026-05-01"', *('"=1+1"' for _ in columns)])
    page = upload(open_sources(lake.root, part="Load files"), ("<script>alert(1)</script>.csv", f"{header}\n{row}\n".encode()))

    assert numbers(page)["New"] == "1"
    assert "<script>" not in words(page)


def test_a_lake_that_cannot_be_written_to_is_said_calmly(open_sources: OpenSources, tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    page = press(upload(open_sources(tmp_path / "file" / "lake"), ("records.csv", RECORDS)), "Load")

    assert "cannot be written to" in words(page).replace("\\", "")


def test_the_first_load_makes_the_configured_lake(open_sources: OpenSources, tmp_path: Path):
    page = open_sources(tmp_path / "new")
    assert "USAGECOST_LAKE names a folder without a lake" in words(page).replace("\\", "")

    page = press(upload(page, ("records.csv", RECORDS)), "Load")
    assert left(Lake(tmp_path / "new")) == ["a", "b"]
    assert [tab.label for tab in page.tabs] == ["Feeds", "Load files", "History", "Rejected lines"]


# ---- history


def test_ingests_are_listed_with_their_reports(open_sources: OpenSources, lake: Lake):
    page = open_sources(lake.root, part="History")

    assert "1 request in the lake · 3 lines read · 1 new · 1 skipped (1 blank line or column names) · :red[1 rejected]" in words(
        page
    )
    assert "2 requests in the lake · 3 lines read · 2 new · 1 skipped (1 blank line or column names)" in words(page)
    assert words(page).replace("\\", "").index("second.csv") < words(page).replace("\\", "").index("first.csv")


def test_a_load_is_undone_after_a_preview(open_sources: OpenSources, lake: Lake):
    page = press(open_sources(lake.root, part="History"), "Remove…", place=1)
    assert "**2 requests**" in words(page)
    assert "spend $2.50" in words(page).replace("\\", "")
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


def test_another_kind_shows_other_lines(open_sources: OpenSources, lake: Lake):
    more = {"source": "table", "source_file": "x", "reason": "The file is empty.", "rejected_at": datetime(2026, 5, 9, tzinfo=UTC)}
    lake.reject(pa.Table.from_pylist([more], REJECTS))
    page = open_sources(lake.root, part="Rejected lines")
    files = []
    for place in (0, 1):
        page = calm(page.selectbox(key="reject_kind").select_index(place).run())
        files += page.dataframe[1].value["source_file"].tolist()

    assert [Path(file).name for file in files] == ["x", "second.csv"]


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
