"""Usage records of Codex sessions: each response counts once, whether an event counts it too or not."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.codex_rows import counts, line, session, task, tokens, turn
from tests.source_rows import Row, json_lines, read, reading_of, requests
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Batch, Head
from usagecost.sources.codex import Codex

NINE = 1_778_662_800
"""2026-05-13T09:00:00Z in seconds since 1970."""
COPIED = "copy of the parent session's history"


def record(response: str | None, usage: Row, at: str = "2026-05-13T09:00:59.990Z", thread: str = "s-1") -> Row:
    said = {"thread_id": thread, "turn_id": "t", "response_id": response, "usage": usage}
    return line("token_usage_record", said, at)


reading = reading_of(Codex)


def read_lines(folder: Path, *lines: Row) -> Batch:
    return read(Codex(), json_lines(folder / "rollout-1.jsonl", lines))


def reasons(batch: Batch) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (_, reason), count in batch.skips.items():
        found[reason] += count
    return dict(found)


def test_a_record_is_the_request_and_its_event_repeats_it(tmp_path: Path):
    used = counts(1000, 250, 125, 75)

    batch = read_lines(tmp_path, session(), turn(), record("resp_1", used), tokens(used, used))

    columns = ("request_id", "model", "input_tokens", "cache_read_tokens", "output_tokens", "output_reasoning_tokens")
    assert requests(batch, *columns) == [("resp_1", "gpt-5.2-codex", 1000, 250, 125, 75)]
    assert reasons(batch) == {"repeats a usage record": 1, "no usage in it": 2}


@pytest.mark.parametrize("event_comes_first", [False, True])
def test_a_compaction_that_no_event_counts_is_a_request(tmp_path: Path, event_comes_first: bool):
    first, second = counts(100, 0, 9), counts(40, 0, 5)
    pair = [record("resp_1", first), tokens(first, first)]
    lines = [
        session(),
        *(reversed(pair) if event_comes_first else pair),
        record("resp_c", counts(90, 80, 30)),
        tokens(counts(0, 0, 0, 0, total_tokens=14_000), first, at="2026-05-13T09:02:00Z"),
        record("resp_2", second),
        tokens(second, counts(140, 0, 14), at="2026-05-13T09:03:00Z"),
    ]

    assert requests(read_lines(tmp_path, *lines), "request_id", "input_tokens") == [
        ("resp_1", 100),
        ("resp_c", 90),
        ("resp_2", 40),
    ]


@reading
def test_events_of_before_there_were_records_count():
    lines = [tokens(counts(7), counts(7)), record("resp_1", counts(9)), tokens(counts(9), counts(16), at="2026-05-13T09:02:00Z")]

    assert requests((yield lines), "input_tokens") == [(7,), (9,)]


@reading
def test_two_equal_responses_have_a_record_each():
    used = counts(9)
    lines = [record("resp_1", used), tokens(used, counts(9)), record("resp_2", used), tokens(used, counts(18))]

    assert requests((yield lines), "request_id") == [("resp_1",), ("resp_2",)]


@reading
def test_a_record_without_an_id_is_told_by_its_time_and_counts():
    lines = [record(None, counts(9)), record(None, counts(9), at="2026-05-13T09:05:00Z")]

    ids = {name for (name,) in requests((yield lines), "request_id")}

    assert len(ids) == 2


def test_a_forks_copied_records_and_events_are_skipped(tmp_path: Path):
    copied, own = counts(100), counts(5)
    lines = [
        session(forked_from_id="s-0"),
        task(NINE - 600),
        record("resp_1", copied, thread="s-0"),
        tokens(copied, copied),
        task(NINE + 1),
        record("resp_2", own),
        tokens(own, counts(105), at="2026-05-13T09:02:00Z"),
    ]

    batch = read_lines(tmp_path, *lines)

    assert requests(batch, "request_id") == [("resp_2",)]
    assert reasons(batch) == {COPIED: 2, "repeats a usage record": 1, "no usage in it": 3}


@reading
def test_a_fork_without_tasks_keeps_its_own_first_record():
    """Record and event lie within one second, as a copied head does."""
    used = counts(5)
    lines = [session(forked_from_id="s-0"), record("resp_1", used, at="2026-05-13T09:01:00.100Z"), tokens(used, used)]

    assert requests((yield lines), "request_id") == [("resp_1",)]


def test_skipped_events_have_reasons(tmp_path: Path):
    used = counts(100, 0, 9)
    lines = [
        session(forked_from_id="s-0"),
        task(NINE - 600),
        tokens(counts(50), counts(50)),
        task(NINE + 1),
        tokens(used, counts(150)),
        tokens(used, counts(150), at="2026-05-13T09:02:00Z"),
        line("event_msg", {"type": "token_count", "info": None}),
    ]

    batch = read_lines(tmp_path, *lines)

    assert requests(batch, "input_tokens") == [(100,)]
    assert reasons(batch) == {COPIED: 1, "repeats the last event": 1, "no usage in it": 4}


def test_a_session_is_the_one_that_its_file_is_named_after(tmp_path: Path):
    lines = [session(id="s-0"), session(id="s-1", forked_from_id="s-0"), tokens(counts(7))]

    batch = read(Codex(), json_lines(tmp_path / "rollout-2026-05-13T09-00-00-s-1.jsonl", lines))

    assert requests(batch, "session_id") == [("s-1",)]


@pytest.mark.parametrize(
    "url", ["https://user:secret@git.test/org/api.git", "git@git.test:org/api.git", "https://git.test/org/api/", "/srv/git/api"]
)
def test_the_project_is_the_repository_whatever_the_folder(tmp_path: Path, url: str):
    meta = session(cwd="/home/a/checkout", git={"branch": "main", "repository_url": url})

    batch = read_lines(tmp_path, meta, tokens(counts(7)))

    assert requests(batch, "project", "app", "git_branch") == [("api", "checkout", "main")]
    assert "secret" not in str(batch.requests.to_pylist())


def test_a_file_that_begins_with_a_record_is_recognised(tmp_path: Path):
    head = Head.of(json_lines(tmp_path / "a", [record("resp_1", counts(9))]))

    assert Codex().recognise(head) == "a Codex session: lines of type token_usage_record with a payload"


@pytest.mark.slow
def test_neither_order_nor_repetition_of_files_change_what_is_stored(tmp_path: Path):
    first, second = counts(100), counts(20)
    parent = [session(id="s-0"), turn(), record("resp_1", first, thread="s-0"), tokens(first, first)]
    fork = [session(forked_from_id="s-0"), *parent[1:], record("resp_2", second, at="2026-05-13T09:04:00Z")]
    archived = [*parent, record("resp_3", counts(3), at="2026-05-13T09:05:00Z", thread="s-0")]
    files = [json_lines(tmp_path / f"{name}.jsonl", lines) for name, lines in (("a", parent), ("b", fork), ("c", archived))]

    for number, order in enumerate(permutations(files)):
        lake = Lake(tmp_path / f"lake-{number}")
        for loaded in (order[:1], order[1:], order[:1]):
            ingest(loaded, lake)
        table = pq.read_table(list(lake.snapshot().files()), partitioning=None)
        found = zip(*(table[name].to_pylist() for name in ("request_id", "session_id", "input_tokens")), strict=True)
        assert sorted(found) == [("resp_1", "s-0", 100), ("resp_2", "s-1", 20), ("resp_3", "s-0", 3)]
