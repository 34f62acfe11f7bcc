"""From files to the lake: what is found, recognised, reported, kept; nothing lost, nothing twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.source_rows import Row, json_lines
from usagecost.ingest import Report, WrongUsage, ingest, ingest_copies, load
from usagecost.ingest.reports import about_unused
from usagecost.lake import Lake
from usagecost.schema import REJECTS, REQUESTS
from usagecost.sources import SOURCES, Batch
from usagecost.sources.mapped import Table

NAMES = ", ".join(source.name for source in SOURCES)

COUNTS = ["files", "lines", "requests", "inserted", "updated", "unchanged", "duplicates"]
COUNTS += ["skipped", "skipped_reasons", "rejected", "unpriced", "conflicts", "days", "version", "seconds"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def usage(request_id: str, **values: object) -> Row:
    return {
        "request_id": request_id,
        "started_at": "2026-05-01T10:00:00Z",
        "provider": "openai",
        "model": "gpt-4o",
        "input_tokens": 1_000_000,
        "output_tokens": 0,
        **values,
    }


def answer(message_id: str) -> Row:
    message = {"id": message_id, "model": "claude-opus-4-6", "usage": {"input_tokens": 1, "output_tokens": 1}}
    return {"type": "assistant", "sessionId": "s", "requestId": "r", "timestamp": "2026-05-01T10:00:00Z", "message": message}


def stored(lake: Lake) -> pa.Table:
    return pq.read_table(list(lake.snapshot().files()), partitioning=None)


def obeys_its_laws(report: Report) -> bool:
    return (
        report.lines == report.requests + report.duplicates + report.skipped + report.rejected
        and report.requests == report.inserted + report.updated + report.unchanged
    )


def test_the_report_has_exactly_these_counts(tmp_path: Path, lake: Lake):
    report = ingest([json_lines(tmp_path / "a.jsonl", [usage("a"), usage("a"), usage("b"), "", "broken"])], lake)

    assert list(report.counts()) == COUNTS
    expected = {"files": 1, "lines": 5, "requests": 2, "inserted": 2, "updated": 0, "unchanged": 0, "duplicates": 1}
    expected |= {"skipped": 1, "skipped_reasons": {"blank line or column names": 1}}
    expected |= {"rejected": 1, "unpriced": 0, "conflicts": 0, "days": 1, "version": 1}
    assert {name: value for name, value in report.counts().items() if name != "seconds"} == expected
    assert json.loads(json.dumps(report.counts())) == report.counts()


def test_a_second_try_changes_nothing_and_keeps_each_reject_once(tmp_path: Path, lake: Lake):
    file = json_lines(tmp_path / "a.jsonl", [usage("a"), "broken"])

    first, second = ingest([file], lake), ingest([file], lake)

    assert (first.inserted, second.inserted, second.updated, second.unchanged) == (1, 0, 0, 1)
    assert (first.version, second.version) == (1, 1)
    assert lake.rows("rejects").num_rows == 1


def test_a_file_of_which_nothing_was_used_is_named_whatever_else_was_loaded(tmp_path: Path, lake: Lake):
    chat = {"type": "user", "sessionId": "s", "timestamp": "2026-05-01T10:00:00Z", "message": {"content": "hello"}}
    good = json_lines(tmp_path / "good.jsonl", [answer("m"), chat])
    silent = [json_lines(tmp_path / f"silent-{number}.jsonl", [chat, chat]) for number in range(5)]

    report = ingest([good, *silent], lake)

    assert (report.requests, report.skipped, report.skipped_reasons) == (1, 11, {"no usage in it": 11})
    named = ", ".join(map(str, silent[:3]))
    assert report.problems == (f"Nothing was used of {named} and 2 more files: no usage in it.",)
    assert json.loads(lake.history()[0]["ingest"]["skipped_reasons"]) == {"no usage in it": 11}


def test_what_is_said_of_unused_files_takes_no_longer_for_each_of_many():
    skips = Counter({(f"{number}.csv", "no usage in it"): 1 for number in range(20_000)})
    began = time.process_time()

    assert about_unused((f"{number}.csv" for number in range(20_000)), skips) == [
        "Nothing was used of 0.csv, 1.csv, 2.csv and 19,997 more files: no usage in it."
    ]
    assert time.process_time() - began < 5, "seconds of the processor; looked through for each file it is a minute"


def test_an_id_that_stands_for_several_requests_is_said(tmp_path: Path, lake: Lake):
    rounded = [
        usage("1.73211E+18", user_id="ada", started_at="2026-05-01T10:00:00Z"),
        usage("1.73211E+18", user_id="bob", started_at="2026-05-01T11:00:00Z"),
        usage("kept", user_id="ada", status="success"),
    ]
    first = ingest([json_lines(tmp_path / "a.jsonl", rounded)], lake)
    again = ingest([json_lines(tmp_path / "b.jsonl", [usage("kept", user_id="bob", started_at="2026-05-02T10:00:00Z")])], lake)

    assert (first.conflicts, again.conflicts) == (1, 1)
    assert first.problems[0].startswith("1 id stands in lines of several times and users")


def test_versions_that_say_more_of_one_request_are_no_conflict(tmp_path: Path, lake: Lake):
    growing = [usage("a", user_id=None), usage("a", user_id="ada"), usage("a", user_id="ada", output_tokens=5)]

    assert ingest([json_lines(tmp_path / "a.jsonl", growing)], lake).conflicts == 0


def test_requests_are_priced_and_stamped(tmp_path: Path, lake: Lake):
    report = ingest([json_lines(tmp_path / "a.jsonl", [usage("a"), usage("b", model="my-own")])], lake)

    rows = {row["request_id"]: row for row in stored(lake).to_pylist()}
    assert (str(rows["a"]["list_cost_usd"]), rows["a"]["price_status"]) == ("2.500000000", "exact")
    assert (rows["b"]["list_cost_usd"], rows["b"]["price_status"], report.unpriced) == (None, "unpriced", 1)
    assert rows["a"]["ingest_id"] == lake.history()[0]["ingest"]["id"]
    assert rows["a"]["ingested_at"] is not None
    assert rows["a"]["source_file"] == str(tmp_path / "a.jsonl")


def test_folders_are_searched_and_each_file_is_recognised(tmp_path: Path, lake: Lake):
    folder = tmp_path / "logs"
    json_lines(folder / "deep" / "session.jsonl", [answer("m")])
    json_lines(folder / "usage.ndjson", [usage("a")])
    (folder / ".hidden").mkdir()
    json_lines(folder / ".hidden" / "usage.jsonl", [usage("hidden")])
    (folder / "notes.md").write_text("no log")
    (folder / "other.csv").write_text("x,y\n1,2\n")

    report = ingest([folder], lake)

    assert sorted(stored(lake)["source"].to_pylist()) == ["claude-code", "table"]
    assert (report.files, report.rejected) == (2, 0)
    assert report.problems == (f"Of no known format, and left out, in {folder}: other.csv.",)


def test_the_lake_itself_is_no_log(tmp_path: Path, lake: Lake):
    json_lines(tmp_path / "a.jsonl", [usage("a")])
    ingest([tmp_path], lake)
    elsewhere = Lake(tmp_path / "elsewhere")
    ingest([tmp_path / "a.jsonl"], elsewhere)

    again = ingest([tmp_path], lake)

    assert (again.files, again.inserted, lake.snapshot().rows) == (1, 0, 1)


def test_a_file_named_twice_is_read_once(tmp_path: Path, lake: Lake):
    file = json_lines(tmp_path / "logs" / "a.jsonl", [usage("a")])

    assert ingest([file, file.parent, file], lake).files == 1


def test_one_broken_file_does_not_stop_the_others(tmp_path: Path, lake: Lake):
    good = json_lines(tmp_path / "b.jsonl", [usage("a")])
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and no more")

    report = ingest([tmp_path / "a.csv", good, tmp_path / "c.parquet", tmp_path / "nowhere.csv"], lake)

    assert (report.inserted, report.files) == (1, 1)
    assert report.problems[0] == f"{tmp_path / 'nowhere.csv'} does not exist: check the path."
    assert report.problems[1] == f"{tmp_path / 'a.csv'} is empty: there is nothing to read."
    assert report.problems[2].startswith(f"{tmp_path / 'c.parquet'} is a damaged Parquet file, or not whole (")
    assert lake.rows("rejects")["line"].to_pylist() == [None, None]


def test_an_unknown_format_is_told_what_would_help(tmp_path: Path, lake: Lake):
    file = tmp_path / "a.csv"
    file.write_text("TIMESTAMP,ContextTokens\n2026-05-01,5\n")

    report = ingest([file], lake)

    assert report.problems == (
        f"{file} is of no known format ({NAMES}). Its columns are TIMESTAMP, ContextTokens. "
        "Describe its columns in a mapping and pass it with --mapping, or name the format with --as.",
    )
    assert (report.requests, report.version, lake.exists) == (0, 0, False)


def test_a_file_that_fits_two_formats_is_asked_about(tmp_path: Path, lake: Lake):
    file = json_lines(tmp_path / "a.jsonl", [{**answer("m"), "started_at": "2026-05-01T10:00:00Z", "model": "m"}])

    report = ingest([file], lake)

    assert report.problems == (
        f"{file} looks like a Claude Code transcript: lines with message.usage (--as claude-code), and like "
        "a table with the record's columns started_at, model (--as table): say which of them it is with --as.",
    )
    assert ingest([file], lake, format="claude-code").inserted == 1


def test_wrong_usage_is_told_before_anything_is_read(tmp_path: Path, lake: Lake):
    file = json_lines(tmp_path / "a.jsonl", [usage("a")])
    mapping = tmp_path / "m.toml"
    mapping.write_text('[columns]\nstarted_at = "t"\n')

    with pytest.raises(WrongUsage, match=rf"^--as excel is no format: use one of {NAMES}\.$"):
        ingest([file], lake, format="excel")
    with pytest.raises(
        WrongUsage, match=r"^--mapping describes tables, so it cannot go with --as claude-code: leave one of them out\.$"
    ):
        ingest([file], lake, format="claude-code", mapping=mapping)
    with pytest.raises(WrongUsage, match=r"does not exist: check the path after --mapping\.$"):
        ingest([file], lake, mapping=tmp_path / "no.toml")


def test_rejected_lines_are_summed_up_in_a_sentence_a_file(tmp_path: Path, lake: Lake):
    file = json_lines(tmp_path / "a.jsonl", [usage("a", input_tokens=-1), usage("b"), usage("c", input_tokens=-2)])

    report = ingest([file], lake)

    assert report.problems == (
        f'{file}, line 1: input_tokens is "-1": a count cannot be negative. Correct the log, or leave the value empty. '
        "1 more line was rejected; the lake's rejects have them all.",
    )
    assert lake.rows("rejects")["line"].to_pylist() == [1, 3]


def test_a_dry_run_leaves_the_lake_as_it_is(tmp_path: Path, lake: Lake):
    file = json_lines(tmp_path / "a.jsonl", [usage("a"), usage("a"), "broken"])

    report = ingest([file], lake, dry_run=True)

    assert (report.requests, report.duplicates, report.rejected, report.inserted, report.version) == (1, 1, 1, 1, 0)
    assert not lake.root.exists()


def test_a_dry_run_tells_what_loading_would_do(tmp_path: Path, lake: Lake):
    ingest([json_lines(tmp_path / "old.jsonl", [usage("same"), usage("grown", rank=1)])], lake)
    news = [usage("same"), usage("grown", rank=2, output_tokens=7), usage("new", started_at="2026-05-02T10:00:00Z"), "broken"]
    file = json_lines(tmp_path / "new.jsonl", news)

    told = ingest([file], lake, dry_run=True)
    assert (lake.version(), lake.rows("rejects").num_rows) == (1, 0)
    done = ingest([file], lake)

    assert (told.inserted, told.updated, told.unchanged, told.days, told.version) == (1, 1, 1, 2, 1)
    assert told.counts() | {"version": 2, "seconds": 0} == done.counts() | {"seconds": 0}


def test_copies_are_called_what_they_were_called_elsewhere(tmp_path: Path, lake: Lake):
    copy = json_lines(tmp_path / "0", [usage("a"), "broken"])

    report = ingest_copies({copy: Table()}, {copy: "gateway.jsonl"}, lake)

    assert (report.inserted, report.rejected) == (1, 1)
    assert stored(lake)["source_file"].to_pylist() == lake.rows("rejects")["source_file"].to_pylist() == ["gateway.jsonl"]
    assert lake.history()[0]["ingest"]["paths"] == "gateway.jsonl"
    assert report.problems[0].startswith("gateway.jsonl, line 2: ")


def test_progress_grows_to_one(tmp_path: Path, lake: Lake):
    heard = []
    files = [json_lines(tmp_path / f"{number}.jsonl", [usage(str(number))]) for number in range(3)]

    ingest(files, lake, on_progress=lambda share, words: heard.append((share, words)))

    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert heard[-1] == (1.0, "Done")


def test_the_order_and_the_division_of_files_make_no_difference(tmp_path: Path):
    lines = [usage("a", output_tokens=1), usage("a", output_tokens=2), usage("b", user_id="u")]
    one = json_lines(tmp_path / "one.jsonl", lines)
    parts = [json_lines(tmp_path / f"{number}.jsonl", [line]) for number, line in enumerate(lines)]
    found = []
    for name, groups in {"one": [[one]], "parts": [parts], "backwards": [[part] for part in reversed(parts)]}.items():
        for paths in groups:
            ingest(paths, Lake(tmp_path / name))
        found.append(sorted(stored(Lake(tmp_path / name)).select(["request_id", "output_tokens", "user_id"]).to_pylist(), key=str))

    assert found[0] == found[1] == found[2]


def test_load_stages_in_files_and_commits_once(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("usagecost.ingest.loading.STAGED_ROWS", 10)
    blank = dict.fromkeys(REQUESTS.names)
    at = pa.scalar(1777629600000000, REQUESTS.field("started_at").type).as_py()

    def batch(number: int) -> Batch:
        rows = [
            {**blank, "source": "s", "request_id": f"{number}-{row}", "started_at": at, "day": at.date(), "rank": 0}
            for row in range(7)
        ]
        return Batch(pa.Table.from_pylist(rows, REQUESTS), REJECTS.empty_table(), lines=7, bytes_read=0)

    report = load(map(batch, range(9)), lake)

    assert (report.lines, report.inserted, report.version, lake.snapshot().rows) == (63, 63, 1, 63)
    assert obeys_its_laws(report)


def test_nothing_to_load_makes_no_lake(lake: Lake):
    report = load([], lake)

    assert (report.requests, report.version, lake.exists) == (0, 0, False)
