"""Answers without a request's id: a relay may give one message id to all of them, and copies repeat them in other sessions."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source_rows import Row, json_lines
from tests.test_sources_claude_code import answer
from usagecost.ingest import ingest
from usagecost.lake import Lake


def relayed(session: str, second: int, uncached: int, output: int, message_id: str = "relay", **fields: object) -> Row:
    """A line of an answer that came through a relay."""
    usage = {"input_tokens": uncached, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "output_tokens": output}
    at = f"2026-08-21T10:00:{second:02}.000Z"
    told = {"uuid": f"u-{session}-{second}", "requestId": None, "timestamp": at, **fields}
    return answer({"id": message_id}, usage, sessionId=session, **told)


def stored(folder: Path, *sessions: list[Row], again: bool = False) -> list[tuple[object, ...]]:
    """Input and output of the requests of a lake into which each session came as a file of its own, or all of them `again`, too."""
    lake = Lake(folder / "lake")
    files = [json_lines(folder / f"{number}.jsonl", lines) for number, lines in enumerate(sessions)]
    for paths in (*([file] for file in files), *([files] if again else [])):
        ingest(paths, lake)
    table = pq.read_table(list(lake.snapshot().files()), partitioning=None)
    return sorted(zip(table["input_tokens"].to_pylist(), table["output_tokens"].to_pylist(), strict=True))


def test_two_sessions_with_one_message_id_are_two_requests_even_with_the_same_counts(tmp_path: Path):
    assert stored(tmp_path, [relayed("s-1", 1, 1000, 100)], [relayed("s-2", 2, 1000, 100)], again=True) == [(1000, 100)] * 2


def test_the_answers_of_one_session_are_told_by_their_input(tmp_path: Path):
    lines = [
        relayed("s-1", 1, 1000, 1),
        relayed("s-1", 2, 1000, 100),
        relayed("s-1", 9, 1200, 50),
        relayed("s-1", 9, 700, 30, agentId="a", isSidechain=True),
    ]

    assert stored(tmp_path, lines) == [(700, 30), (1000, 100), (1200, 50)]


def test_a_resumed_session_repeats_lines_with_their_times(tmp_path: Path):
    first = [relayed("s-1", 1, 1000, 1), relayed("s-1", 2, 1000, 100)]
    resumed = [{**line, "sessionId": "s-2"} for line in first] + [relayed("s-2", 8, 1200, 50)]

    assert stored(tmp_path, first, resumed) == [(1000, 100), (1200, 50)]


def test_an_id_that_looks_unique_is_one_request_wherever_it_stands(tmp_path: Path):
    names = ("msg_01T3LNpt45vGi92xpeaE7xKy", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    first = [line for name in names for line in (relayed("s-1", 1, 0, 1, name), relayed("s-1", 2, 1000, 100, name))]
    copied = [relayed("s-2", 5, 1000, 100, name, isSidechain=True) for name in names]

    assert stored(tmp_path, first, copied) == [(1000, 100)] * 2


def test_with_a_requests_id_a_copy_in_another_session_is_the_same_request(tmp_path: Path):
    assert stored(tmp_path, [relayed("s-1", 1, 9, 5, requestId="req_1")], [relayed("s-2", 7, 9, 5, requestId="req_1")]) == [(9, 5)]


SESSIONS = [
    [relayed("s-1", 1, 1000, 1), relayed("s-1", 2, 1000, 100), relayed("s-1", 9, 1200, 50)],
    [relayed("s-2", 3, 1000, 70)],
    [relayed("s-3", second, uncached, output, uuid="u") for second, uncached, output in ((1, 1000, 1), (2, 1000, 100))],
]
"""The third is a copy of the first one's beginning: its times are the same."""


@pytest.mark.slow
@settings(max_examples=4)
@given(data=st.data())
def test_neither_order_nor_files_nor_repetition_change_what_is_stored(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    shuffled = [data.draw(st.permutations(lines)) for lines in data.draw(st.permutations(SESSIONS))]

    found = stored(tmp_path_factory.mktemp("order"), *shuffled, again=True)

    assert found == [(1000, 70), (1000, 100), (1200, 50)]
