"""JSON documents: arrays and pretty-printed objects become lines of one object each, wherever the pieces end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source_rows import Row, read, rejects, requests
from usagecost.sources import Head
from usagecost.sources.documents import Splitter, is_document
from usagecost.sources.records import Records, record_names

TEXTS = st.text(st.sampled_from('"\\{}[],\n é'), max_size=6)
VALUES = st.recursive(
    TEXTS | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8
)
CUTS = (None, "\n", "", " ", "\r\n", ",\n", ",")
"""What stands between objects, of which None is an array."""
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES), min_size=1, max_size=5)


def in_pieces(document: bytes, size: int) -> bytes:
    splitter = Splitter()
    return b"".join(splitter.split(document[start : start + size]) for start in range(0, len(document), size))


@settings(max_examples=20)
@given(objects=OBJECTS, indent=st.sampled_from([None, 0, 2]), size=st.integers(1, 40), cut=st.sampled_from(CUTS))
def test_every_object_is_one_line(objects: list[Row], indent: int | None, size: int, cut: str | None):
    written = (json.dumps(each, indent=indent) for each in objects)
    document = json.dumps(objects, indent=indent) if cut is None else cut.join(written)

    lines = in_pieces(document.encode(), size).decode().split("\n")

    assert [json.loads(line) for line in lines if line.strip()] == objects


def test_a_log_whose_first_line_is_broken_is_no_document():
    assert not is_document(b'{"model": "gpt-4o", "input\n{"model": "gpt-4o"}\n')
    assert is_document(b'\n{\n  "model": "gpt-4o"\n}\n')
    assert is_document(b'[{"model": "gpt-4o"}]')
    assert is_document(b'{"model": "gpt-4o"}{"model": "gpt-4o", "input')
    assert is_document(b'{"model": "gpt-4o"}, {"model": "gpt-4o"}')
    assert not is_document(b'{"text": "}{", "calls": [{} {}]}\n{"model": "gpt-4o"}\n')


RECORDS = Records(
    "calls",
    ["id", "started", "usage"],
    "SELECT row, source_file, id AS request_id, started AS started_at, usage->>'$.out' AS output_tokens FROM records",
    are_requests=False,
)

ROW: Row = {"id": "a", "started": "2026-05-01T00:00:00Z", "usage": {"out": 7}, "other": "x"}
OTHER: Row = {"started": "2026-05-02T00:00:00Z", "id": "b"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([ROW, OTHER]),
        json.dumps(ROW) + json.dumps(OTHER),
        f"{json.dumps(ROW)},\n{json.dumps(OTHER)},",
        json.dumps([ROW, OTHER], indent=2),
        json.dumps(ROW) + "\n" + json.dumps(OTHER),
        json.dumps(ROW, indent=2) + "\n" + json.dumps(OTHER, indent=2),
        'other,id,started,usage\nx,a,2026-05-01T00:00:00Z,"{""out"": 7}"\n,b,2026-05-02T00:00:00Z,\n',
        'id;usage;started\na;{"out": 7};2026-05-01T00:00:00Z\nb;;2026-05-02T00:00:00Z\n',
    ],
)
def test_records_are_the_same_in_every_form(tmp_path: Path, text: str):
    file = tmp_path / "calls"
    file.write_text(text)

    assert requests(read(RECORDS, file), "source", "request_id", "output_tokens") == [("calls", "a", 7), ("calls", "b", None)]
    assert {"id", "started", "usage"} <= set(record_names(Head.of(file)))


def test_a_column_that_a_table_lacks_is_not_reported(tmp_path: Path):
    file = tmp_path / "calls.csv"
    file.write_text("id,started\na,2026-05-01\n")

    assert requests(read(RECORDS, file), "request_id", "output_tokens") == [("a", None)]


def test_of_a_document_that_is_cut_off_the_whole_objects_are_read(tmp_path: Path):
    file = tmp_path / "calls.json"
    file.write_text(json.dumps([ROW, OTHER, ROW])[:-20])

    batch = read(RECORDS, file)

    assert requests(batch, "request_id") == [("a",), ("b",)]
    assert rejects(batch) == [(None, "The file is cut off: its JSON ends in the middle. Get a whole copy of it.")]


def test_what_is_no_object_in_an_array_is_rejected_with_its_number(tmp_path: Path):
    file = tmp_path / "calls.json"
    file.write_text(json.dumps([ROW, 5, OTHER]))

    batch = read(RECORDS, file)

    assert requests(batch, "request_id") == [("a",), ("b",)]
    assert [line for line, _ in rejects(batch)] == [2]
