"""What feeds the lake: sources, ingests, rejects, from literal rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from tests.engines import ON_BOTH_ENGINES
from tests.lake_rows import at, row, stage
from usagecost import engine, queries
from usagecost.ingest import ingest
from usagecost.lake import Lake, Selection
from usagecost.schema import REJECTS


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def load(lake: Lake, name: str, *rows: dict) -> None:
    """An ingest of this id at midnight."""
    stamped = [{**values, "ingest_id": name, "ingested_at": at("2026-05-09")} for values in rows]
    with lake.staging() as folder:
        lake.commit([stage(folder, stamped)], ingest={"id": name, "paths": f"{name}.csv", "lines": 9, "skipped": 1, "rejected": 2})


def rejected(lake: Lake, *rows: tuple[str, int | None, str, str | None]) -> None:
    lines = [
        {"source": "table", "source_file": file, "line": line, "reason": reason, "raw": raw, "rejected_at": at("2026-05-09")}
        for file, line, reason, raw in rows
    ]
    lake.keep_rows("rejects", pa.Table.from_pylist(lines, REJECTS))


def test_a_source_tells_its_requests_and_how_fresh_it_is(lake: Lake):
    load(lake, "i", row("a", started_at="2026-05-01 10:00"), row("b", started_at="2026-05-03 10:00"), row("c", source="other"))

    assert queries.sources.sources(str(lake.root), 1) == [
        {
            "source": "test",
            "requests": 2,
            "first": at("2026-05-01 10:00"),
            "last": at("2026-05-03 10:00"),
            "loaded": at("2026-05-09"),
        },
        {
            "source": "other",
            "requests": 1,
            "first": at("2026-05-01 10:00"),
            "last": at("2026-05-01 10:00"),
            "loaded": at("2026-05-09"),
        },
    ]


def test_an_ingest_tells_what_it_did_and_what_of_it_is_left(lake: Lake):
    load(lake, "first", row("a"), row("b"))
    load(lake, "second", row("b", rank=1))
    lake.remove(Selection(ingest="second"))
    told = {entry["id"]: entry for entry in queries.sources.ingests(str(lake.root), 3)}

    assert list(told) == ["second", "first"]
    assert {name: told["first"][name] for name in ("paths", "lines", "skipped", "rejected", "inserted", "requests")} == {
        "paths": "first.csv",
        "lines": 9,
        "skipped": 1,
        "rejected": 2,
        "inserted": 2,
        "requests": 1,
    }
    assert (told["second"]["updated"], told["second"]["requests"]) == (1, 0)
    assert [(removal["requests"], removal["by"]) for removal in queries.sources.removals(str(lake.root), 3)] == [(1, ("ingest",))]


def test_an_ingest_that_the_log_does_not_tell_of_is_known_by_its_requests(lake: Lake):
    with lake.staging() as folder:
        lake.commit([stage(folder, [row("a", ingest_id="old", ingested_at=at("2026-04-01"))])])

    (told,) = queries.sources.ingests(str(lake.root), 1)
    assert (told["id"], told["requests"], told["time"], told["lines"]) == ("old", 1, at("2026-04-01"), None)


def test_a_version_is_asked_about_as_it_was(lake: Lake):
    load(lake, "first", row("a"))
    load(lake, "second", row("b"))

    assert [entry["id"] for entry in queries.sources.ingests(str(lake.root), 1)] == ["first"]


def test_rejects_of_one_trouble_are_one_kind(lake: Lake):
    rejected(
        lake,
        ("a.csv", 2, 'input_tokens is "-1": a count cannot be negative.', "x,-1"),
        ("b.csv", 7, 'input_tokens is "-12": a count cannot be negative.', "<script>alert(1)</script>"),
        ("c.csv", None, "The file is empty: there is nothing to read.", None),
    )
    files = lake.files("rejects")
    kinds = queries.sources.reject_kinds(files)

    assert [(kind["lines"], kind["files"], kind["reason"]) for kind in kinds] == [
        (2, 2, 'input_tokens is "-1": a count cannot be negative.'),
        (1, 1, "The file is empty: there is nothing to read."),
    ]
    lines = queries.sources.rejected_lines(files, kinds[0]["kind"]).to_pylist()
    assert [(line["source_file"], line["line"], line["raw"]) for line in lines] == [
        ("a.csv", 2, "x,-1"),
        ("b.csv", 7, "<script>alert(1)</script>"),
    ]


def test_an_export_has_all_rejects_but_no_more_than_fits(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    rejected(lake, *((f"{number}.csv", 1, "broken", "x" * 10_000) for number in range(5)))
    whole = queries.sources.rejects_export(lake.files("rejects"))
    monkeypatch.setattr(queries.sources, "MOST_EXPORTED_CHARACTERS", 25_000)
    cut = queries.sources.rejects_export(lake.files("rejects"))

    assert whole.column_names == ["source", "source_file", "line", "reason", "raw", "rejected_at"]
    assert (whole["source_file"].to_pylist(), whole["rejected_at"][0].as_py()) == (
        [f"{number}.csv" for number in range(5)],
        "2026-05-09T00:00:00Z",
    )
    assert cut["source_file"].to_pylist() == ["0.csv", "1.csv"]


def test_a_lake_without_rejects_has_none(lake: Lake, tmp_path: Path):
    (tmp_path / "a.csv").write_text("started_at,model\n2026-05-01,m\n")
    ingest([tmp_path / "a.csv"], lake)

    assert lake.files("rejects") == ()
    assert queries.sources.reject_kinds(()) == []
    assert engine.rejects("SELECT count(*) AS n FROM {rejects}", {}, files=()).to_pylist() == [{"n": 0}]


def test_what_was_done_of_late_is_told_but_no_feed(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    load(lake, "i", row("a"), row("b"))
    lake.remove(Selection(ingest="i"))
    changes = queries.sources.changes(str(lake.root))

    assert [(kind, what) for _, kind, what in changes] == [("Load", "2 requests from i.csv"), ("Removal", "2 requests")]

    monkeypatch.setattr(queries.sources, "MOST_LOADS", 2)
    for number in range(2):
        load(lake, f"feed-{number}", row(f"r{number}"))
    assert [kind for _, kind, _ in queries.sources.changes(str(lake.root))] == ["Removal"]


def requests_of(source: str, count: int, *, later: int = 0, more_tokens: int = 0) -> list[dict]:
    """Requests of a source, one a minute, each with counts of its own."""
    return [
        row(
            f"{source}-{number}",
            source=source,
            started_at=f"2026-05-01 10:{number:02}:{later:02}",
            input_tokens=1000 + number + more_tokens,
            output_tokens=50 + number,
        )
        for number in range(count)
    ]


@ON_BOTH_ENGINES
def test_sources_that_tell_the_same_requests_are_named(lake: Lake):
    ours, theirs = requests_of("gateway", 40), requests_of("client", 20, later=40)
    load(lake, "i", *ours, *theirs, *requests_of("another", 30, more_tokens=1))

    assert queries.overlaps.find_overlaps(str(lake.root), lake.version()) == [
        queries.overlaps.Overlap("client", "gateway", 20, 20, date(2026, 5, 1), date(2026, 5, 1))
    ]


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param(requests_of("client", 9), id="too few"),
        pytest.param([*requests_of("client", 9), *requests_of("client", 20, more_tokens=7)[9:]], id="less than half of them"),
        pytest.param([{**one, "started_at": at("2026-05-01 12:00")} for one in requests_of("client", 20)], id="at another time"),
        pytest.param([{**one, "input_tokens": 1} for one in requests_of("client", 20)], id="of few tokens"),
        pytest.param([{**one, "output_tokens": None} for one in requests_of("client", 20)], id="of unknown tokens"),
    ],
)
def test_sources_that_have_little_in_common_are_not(lake: Lake, theirs: list[dict]):
    load(lake, "i", *[{**one, "input_tokens": 1} if theirs[0]["input_tokens"] == 1 else one for one in requests_of("gateway", 40)])
    load(lake, "j", *theirs)

    assert queries.overlaps.find_overlaps(str(lake.root), lake.version()) == []


def test_what_overlaps_is_said_in_a_sentence():
    day = date(2026, 5, 1)

    assert queries.overlaps.Overlap("client", "gateway", 300, 281, day, day).text({"client": "The client's log"}) == (
        "300 requests of The client's log (1 May 2026, UTC) were looked for in gateway: 281 are there too, so that "
        "they may count twice. Take the loads of one of the two out of the lake."
    )
