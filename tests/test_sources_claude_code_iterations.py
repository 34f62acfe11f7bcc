"""What an answer of Claude Code lists beside its counts: compactions are added, calls of other models are requests of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source_rows import Row, json_lines, read, requests
from tests.test_sources_claude_code import answer
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Batch
from usagecost.sources.claude_code import ClaudeCode

COLUMNS = ("request_id", "model", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")


def entry(kind: str, uncached: int, read_: int, written: int, output: int, **more: object) -> Row:
    """An entry of `usage.iterations`."""
    counts = {"input_tokens": uncached, "cache_read_input_tokens": read_, "cache_creation_input_tokens": written}
    return {"type": kind, **counts, "output_tokens": output, **more}


MESSAGE = entry("message", 3, 100, 20, 5)
"""What the answers here count at the top."""
ADVISOR = entry("advisor_message", 40, 6, 2, 9, model="claude-opus-4-7")
COMPACTION = entry("compaction", 70, 0, 8, 11)


def read_answer(folder: Path, *entries: Row, **fields: object) -> Batch:
    usage = {"iterations": list(entries), **fields.pop("usage", {})}
    return read(ClaudeCode(), json_lines(folder / "s.jsonl", [answer(usage=usage, **fields)]))


def test_entries_of_type_message_are_the_counts_themselves(tmp_path: Path):
    halves = [entry("message", 1, 60, 20, 2), entry("message", 2, 40, 0, 3)]

    batch = read_answer(tmp_path, *halves)

    assert requests(batch, *COLUMNS) == [("msg_1:req_1", "claude-opus-4-6", 123, 100, 20, 5)]
    assert batch.lines == 1


def test_an_advisor_is_a_request_of_its_own_and_counts_as_a_line(tmp_path: Path):
    batch = read_answer(tmp_path, MESSAGE, ADVISOR, costUSD=0.5, usage={"server_tool_use": {"web_search_requests": 1}})

    assert requests(batch, *COLUMNS) == [
        ("msg_1:req_1", "claude-opus-4-6", 123, 100, 20, 5),
        ("msg_1:req_1:call:2", "claude-opus-4-7", 48, 6, 2, 9),
    ]
    assert [cost is None for (cost,) in requests(batch, "reported_cost_usd")] == [False, True]
    assert [units is None for (units,) in requests(batch, "units")] == [False, True]
    assert requests(batch, "session_id", "status") == [("s-1", "success")] * 2
    assert json.loads(batch.requests["attributes"][1].as_py()) == {"type": "advisor_message", "answer": "msg_1:req_1"}
    assert batch.lines == 2


def test_an_advisor_without_a_name_is_the_one_that_the_line_names(tmp_path: Path):
    unnamed = {name: value for name, value in ADVISOR.items() if name != "model"}

    batch = read_answer(tmp_path, MESSAGE, unnamed, advisorModel="claude-opus-4-8")

    assert requests(batch, "model") == [("claude-opus-4-6",), ("claude-opus-4-8",)]


def test_a_compaction_is_added_to_its_answer(tmp_path: Path):
    lifetimes = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 5}

    batch = read_answer(tmp_path, {**COMPACTION, "cache_creation": lifetimes}, MESSAGE)

    assert requests(batch, *COLUMNS) == [("msg_1:req_1", "claude-opus-4-6", 201, 100, 28, 16)]
    assert requests(batch, "cache_write_1h_tokens") == [(5,)]
    assert batch.lines == 1


def test_compactions_and_advisors_stand_beside_each_other(tmp_path: Path):
    batch = read_answer(tmp_path, COMPACTION, ADVISOR, MESSAGE)

    assert requests(batch, "input_tokens", "output_tokens") == [(201, 16), (48, 9)]


@pytest.mark.parametrize("entries", [[COMPACTION], [COMPACTION, ADVISOR], [ADVISOR]])
def test_what_the_counts_include_already_is_not_added(tmp_path: Path, entries: list[Row]):
    whole = {name: sum(one[name] for one in (MESSAGE, *entries)) for name in MESSAGE if name != "type"}

    batch = read_answer(tmp_path, MESSAGE, *entries, usage=whole)

    caches = whole["cache_read_input_tokens"] + whole["cache_creation_input_tokens"]
    assert requests(batch, "input_tokens", "output_tokens") == [(whole["input_tokens"] + caches, whole["output_tokens"])]


def test_where_a_compaction_is_included_the_advisor_still_stands_beside(tmp_path: Path):
    whole = {name: MESSAGE[name] + COMPACTION[name] for name in MESSAGE if name != "type"}

    batch = read_answer(tmp_path, MESSAGE, COMPACTION, ADVISOR, usage=whole)

    assert requests(batch, "input_tokens", "output_tokens") == [(201, 16), (48, 9)]


def test_what_was_not_known_of_an_answer_is_not_known_with_its_compaction(tmp_path: Path):
    batch = read_answer(tmp_path, MESSAGE, COMPACTION, usage={"input_tokens": None})

    assert requests(batch, "input_tokens", "cache_read_tokens", "output_tokens") == [(None, 100, 16)]


def test_entries_that_make_no_sense_change_nothing(tmp_path: Path):
    wrong = entry("compaction", -5, 0, 0, 0, output_tokens="many")

    batch = read_answer(tmp_path, MESSAGE, wrong, {"type": "advisor_message"}, entry("advisor_message", 0, 0, 0, 0))

    assert requests(batch, *COLUMNS) == [("msg_1:req_1", "claude-opus-4-6", 123, 100, 20, 5)]


def stored(lake: Lake) -> list[tuple[object, ...]]:
    import pyarrow.parquet as pq

    table = pq.read_table(list(lake.snapshot().files()), partitioning=None)
    return sorted(zip(*(table[name].to_pylist() for name in ("request_id", "input_tokens", "output_tokens")), strict=True))


COPY = answer(usage={"iterations": [MESSAGE, ADVISOR]}, isSidechain=True, requestId="req_2")
LINES = [
    answer(usage={"output_tokens": 1}),
    answer(usage={"iterations": [MESSAGE, COMPACTION, ADVISOR]}),
    answer({"id": "msg_2"}, {"iterations": [MESSAGE, ADVISOR]}, requestId="req_9"),
    COPY,
]


@pytest.mark.slow
@settings(max_examples=4)
@given(order=st.permutations(LINES), cut=st.integers(0, len(LINES)))
def test_neither_order_nor_files_nor_repetition_change_what_is_stored(
    tmp_path_factory: pytest.TempPathFactory, order: list[Row], cut: int
):
    folder = tmp_path_factory.mktemp("order")
    lake = Lake(folder / "lake")
    files = [json_lines(folder / f"{name}.jsonl", lines) for name, lines in (("a", order[:cut]), ("b", order[cut:])) if lines]

    for file in (*files, *files):
        ingest([file], lake)

    assert stored(lake) == [
        ("msg_1:req_1", 201, 16),
        ("msg_1:req_1:call:3", 48, 9),
        ("msg_2:req_9", 123, 5),
        ("msg_2:req_9:call:2", 48, 9),
    ]
