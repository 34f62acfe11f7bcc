"""What is shown of files before they are loaded."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.source_rows import json_lines
from usagecost.ingest import Source, known_formats, look, preview, unknown_statuses
from usagecost.lake import Lake
from usagecost.sources import SOURCES, FileProblem
from usagecost.sources.mapped import Table, mapped_by
from usagecost.sources.mapping import mapping_of

LAKE = Lake("/nowhere")
"""Whose own prices and formats hold: none."""

FORMATS = known_formats(LAKE)

CSV = "started_at,model,provider,input_tokens,output_tokens\n"


def table(folder: Path, rows: int = 12) -> Path:
    """Rows with one input token more each, the second of which has a negative count."""
    lines = [f"2026-05-01T10:{row:02}:00Z,gpt-4o,openai,{-1 if row == 1 else 1_000_000 * row},0\n" for row in range(rows)]
    (folder / "table.csv").write_text(CSV + "".join(lines))
    return folder / "table.csv"


def test_a_file_is_looked_at(tmp_path: Path):
    found = look(table(tmp_path), "my table.csv", FORMATS)

    assert [(source.name, why) for source, why in found.fits] == [
        ("table", "a table with the record's columns started_at, provider, model, input_tokens, output_tokens")
    ]
    assert found.columns == ("started_at", "model", "provider", "input_tokens", "output_tokens")
    assert (found.name, found.problem) == ("my table.csv", None)


def test_a_table_of_no_known_format_has_columns_and_no_problem(tmp_path: Path):
    (tmp_path / "a.csv").write_text("TIMESTAMP,ContextTokens\n2026-05-01,5\n")
    found = look(tmp_path / "a.csv", "a.csv", FORMATS)

    assert (found.fits, found.columns, found.problem) == ((), ("TIMESTAMP", "ContextTokens"), None)


WRAPPED = "The file holds records within the lines of a log shipper: take them out first, for example with "


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty: there is nothing to read."),
        (b"PK\x03\x04 zip", "The file is a zip archive: unpack it first; gzip and zstd are read as they are."),
        (b'{"log":"{}\\n","stream":"stdout","time":"2026"}\n', WRAPPED + "jq -r .log."),
        (b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{}"}]}', WRAPPED + "jq -r '.logEvents[].message'."),
        (b'Nov  3 05:00:00 host app[1]: {"model":"m"}\n', WRAPPED + "sed 's/^[^{]*//'."),
        (b"Dear diary\nnothing happened\n", "The file is of no known format, and no table of several columns."),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, sentence: str):
    (tmp_path / "a").write_bytes(content)

    assert look(tmp_path / "a", "a", FORMATS).problem == sentence


def test_ten_requests_stand_beside_ten_rows_in_their_order(tmp_path: Path):
    shown = preview(table(tmp_path), "table.csv", Table(), LAKE)

    assert shown.raw["input_tokens"].to_pylist() == ["0", "-1", *(str(1_000_000 * row) for row in range(2, 10))]
    assert shown.requests["input_tokens"].to_pylist() == [None, *(1_000_000 * row for row in range(2, 11))]
    assert shown.requests["list_cost_usd"].to_pylist()[1] == Decimal(5)
    assert (shown.lines, shown.skipped, shown.rejects["line"].to_pylist()) == (13, 1, [3])
    assert shown.rejects["source_file"].to_pylist() == ["table.csv"]


def test_objects_are_shown_by_their_fields_and_long_texts_cut(tmp_path: Path):
    file = json_lines(tmp_path / "a.jsonl", [{"started_at": "2026-05-01", "model": "m", "body": {"text": "x" * 500}}])
    shown = preview(file, "a.jsonl", Table(), LAKE)

    assert shown.raw["body"].to_pylist() == ['{"text": "' + "x" * 290 + "…"]
    assert shown.requests["model"].to_pylist() == ["m"]


def test_a_mapping_decides_what_a_parquet_file_says(tmp_path: Path):
    pq.write_table(pa.table({"when": ["2026-05-01"], "in": [7], "cached": [5]}), tmp_path / "a.parquet")
    keys = {"columns": {"started_at": "when", "input_tokens": "in", "cache_read_tokens": "cached"}}

    def tokens(includes: bool) -> list[int]:
        mapping = mapping_of({**keys, "input_includes_cache_read": includes})
        return preview(tmp_path / "a.parquet", "a", mapped_by(mapping), LAKE).requests["input_tokens"].to_pylist()

    assert (tokens(True), tokens(False)) == ([7], [12])


def test_a_mapping_that_does_not_fit_is_a_reject_with_a_sentence(tmp_path: Path):
    shown = preview(table(tmp_path), "table.csv", mapped_by(mapping_of({"columns": {"started_at": "when"}})), LAKE)

    assert shown.requests.num_rows == 0
    assert (
        shown.rejects["reason"].to_pylist()[0].startswith("The file has no column 'when', which the mapping names for started_at.")
    )


def test_a_file_that_is_gone_is_a_problem(tmp_path: Path):
    with pytest.raises(FileProblem, match="does not exist"):
        preview(tmp_path / "gone.csv", "gone.csv", Table(), LAKE)


def test_words_that_say_nothing_about_an_outcome_are_asked_about(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,state\n1,OK\n2,meh\n3,meh\n4,\n5,200\n6,Done!\n")

    assert unknown_statuses(tmp_path / "a.csv", "state") == ["meh", "Done!"]
    assert unknown_statuses(tmp_path / "a.csv", "colour") == []


def test_the_lakes_own_prices_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    book = tmp_path / "prices.toml"
    book.write_text('[[discount]]\nprovider = "openai"\npercent = 50\n')
    monkeypatch.setenv("USAGECOST_PRICES", str(book))

    assert preview(table(tmp_path), "table.csv", Table(), LAKE).requests["list_cost_usd"].to_pylist()[1] == Decimal("2.5")


@pytest.mark.parametrize("source", SOURCES, ids=[source.name for source in SOURCES])
def test_every_format_says_what_its_counts_include(source: Source):
    assert "input" in source.counts
    assert source.counts.endswith(".")
