"""Files that mean harm take no longer than ordinary ones of their size, times a small factor. Processor time is compared, not the
clock, so that other work on the machine does not count.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from usagecost import ingest
from usagecost.ingest import known_formats, look
from usagecost.lake import Lake
from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.files import ByteStream, FileProblem, Head
from usagecost.sources.lines import line_blocks
from usagecost.sources.mapped import column_names
from usagecost.sources.protocol import Reading

ROW = {"started_at": "2026-05-01T10:00:00Z", "provider": "openai", "model": "gpt-4o", "input_tokens": 1, "output_tokens": 2}
JSON = (json.dumps(ROW) + "\n").encode()
CSV = (",".join(ROW) + "\n").encode()
NORMAL = (",".join(map(str, ROW.values())) + "\n").encode()
CLAUDE = b'{"type":"user","sessionId":"s","timestamp":"2026-05-01T10:00:00Z","uuid":"u"}\n'
SLOWER = 12
FORMATS = known_formats(Lake("/nowhere"))


def packed(file: Path, start: bytes, repeated: bytes, size: int) -> Path:
    """A file of so many bytes, once it is unpacked."""
    file.write_bytes(gzip.compress(start + repeated * (size // len(repeated)), compresslevel=1))
    return file


def processor_seconds(work: Callable[[], object]) -> float:
    """The least of two runs."""
    spent = []
    for _ in range(2):
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return min(spent)


@pytest.fixture(scope="module")
def seconds_to_look(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What an ordinary file takes to be recognised."""
    ordinary = packed(tmp_path_factory.mktemp("ordinary") / "ordinary.gz", CSV, NORMAL, 256 << 10)
    return processor_seconds(lambda: look(ordinary, "a", FORMATS))


@pytest.mark.parametrize("repeated", [b"\n", b" ", b"\0", b"[", b"{", b",\n", b'"\n', b"a;b\n", b"\\"])
def test_a_file_is_recognised_in_linear_time(tmp_path: Path, seconds_to_look: float, repeated: bytes):
    hostile = packed(tmp_path / "hostile.gz", b"", repeated, 256 << 10)

    assert processor_seconds(lambda: look(hostile, "b", FORMATS)) < SLOWER * max(seconds_to_look, 0.05)


def seconds_to_ingest(file: Path) -> float:
    before = time.process_time()
    ingest.ingest([file], Lake(file.parent / "lake"))
    return time.process_time() - before


@pytest.fixture(scope="module")
def seconds_to_read(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What an ordinary file takes to be loaded."""
    return seconds_to_ingest(packed(tmp_path_factory.mktemp("ordinary") / "ordinary.gz", CSV, NORMAL, 1 << 20))


STARTS = {"csv": CSV + NORMAL, "json lines": JSON, "claude code": CLAUDE, "document": b"[" + JSON[:-1]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "repeated"),
    [("csv", b"\r\n"), ("csv", b","), ("json lines", b"\n"), ("claude code", b" "), ("document", b"\r\n"), ("document", b",")],
)
def test_a_file_is_read_in_linear_time(tmp_path: Path, seconds_to_read: float, start: str, repeated: bytes):
    assert seconds_to_ingest(packed(tmp_path / "hostile.gz", STARTS[start], repeated, 1 << 20)) < SLOWER * seconds_to_read


def test_the_plan_of_the_canonical_rows_is_kept_from_block_to_block():
    """A plan that is made anew wants the name of the rows, which only the query's own frame has."""
    rows = pa.table({"row": [0, 1, 2], "source_file": ["f"] * 3, "request_id": ["a", "b", "c"], "started_at": ["2026-05-01"] * 3})
    blocks = rows.slice(0, 1), rows.slice(1, 2), rows.slice(0, 0)
    with duckdb.connect() as con:
        query = CanonicalQuery(Reading(con, datetime(2026, 6, 1, tzinfo=UTC)), "table", "SELECT * FROM rows", "rows", Conventions())
        with closing(query):
            found = [query.run(block)[0]["request_id"].to_pylist() for block in blocks]
            kept = con.sql("EXECUTE canonical_rows_of_plain_text").fetchall()

    assert (found, kept) == ([["a"], ["b", "c"], []], [])


def test_a_header_with_very_many_names_is_no_table(tmp_path: Path):
    names = ",".join(f"column{number}" for number in range(200_000))
    file = tmp_path / "wide.csv"
    file.write_text(f"{names}\n1\n")

    with pytest.raises(FileProblem, match=r"does not begin with a line of column names\."):
        column_names(Head.of(file))


def test_names_that_are_there_twice_are_told_apart_by_their_places(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("a,b,a,,a\n1,2,3,4,5\n")

    assert column_names(Head.of(file)) == ["a", "b", "a (3)", "column (4)", "a (5)"]


def test_very_many_short_lines_are_several_blocks_with_their_numbers(tmp_path: Path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"x\n" * 300_000 + b"\xff\n" + b"y\n" * 300_000)

    blocks = list(line_blocks(ByteStream(file)))

    assert max(block.count for block in blocks) <= 262_144
    assert sum(block.count for block in blocks) == 600_001
    assert [block.first for block in blocks] == [1 + sum(before.count for before in blocks[:place]) for place in range(len(blocks))]
    assert [line for block in blocks for line in block.unreadable] == [300_001]
    texts = [text for block in blocks for text in block.table()["text"].to_pylist()]
    assert texts == ["x\n"] * 300_000 + ["unreadable line\n"] + ["y\n"] * 300_000


def test_a_large_document_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path):
    file = tmp_path / "a.json"
    file.write_bytes(b"[" + JSON.strip() + b"," + b" " * (5 << 20))

    report = ingest.ingest([file], Lake(tmp_path / "lake"))

    assert (report.requests, report.problems) == (1, (f"{file} is cut off: its JSON ends in the middle. Get a whole copy of it.",))
