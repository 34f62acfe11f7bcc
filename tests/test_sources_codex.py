"""Codex sessions: what is one request, which model it used, what its counts include, and which events are copies."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.codex_rows import counts, line, session, task, tokens, turn
from tests.source_rows import Row, json_lines, read, reading_of, rejects, requests, sum_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import SOURCES, Batch, Head
from usagecost.sources.codex import Codex

reading = reading_of(Codex)

SPAWNED = {"source": {"subagent": {"thread_spawn": {"parent_thread_id": "s-0", "depth": 1}}}}
NINE = 1_778_662_800
"""2026-05-13T09:00:00Z in seconds since 1970."""


def inputs(batch: Batch) -> list[tuple[object, ...]]:
    return requests(batch, "input_tokens")


def stored(lake: Lake, *columns: str) -> list[tuple[object, ...]]:
    table = pq.read_table(list(lake.snapshot().files()), partitioning=None, columns=list(columns))
    return sorted(zip(*(table[name].to_pylist() for name in columns), strict=True))


@reading
def test_input_includes_what_the_cache_held_and_output_the_reasoning():
    batch = yield [turn(), tokens(counts(1000, 250, 125, 75, cache_write_input_tokens=40))]

    columns = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens")
    assert requests(batch, *columns) == [(1000, 250, 40, 125, 75)]


@reading
def test_cache_reads_are_no_more_than_the_input():
    batch = yield tokens(counts(100, 130))

    assert requests(batch, "input_tokens", "cache_read_tokens") == [(100, 100)]


@reading
def test_what_an_event_does_not_count_stays_unknown():
    batch = yield tokens({"input_tokens": 7, "cache_read_input_tokens": 2})

    columns = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens")
    assert requests(batch, *columns) == [(7, 2, None, None, None)]


@reading
def test_a_session_says_who_what_and_when():
    meta = session(model_provider="azure", cli_version="0.144.2", originator="codex_cli", git={"branch": "main"}, cwd="/home/a/api")
    settings = line("event_msg", {"type": "thread_settings_applied", "thread_settings": {"service_tier": "fast"}})

    batch = yield [meta, turn(effort="high", cwd="/home/a/cli/"), settings, tokens(counts(10))]

    columns = ("source", "session_id", "provider", "model", "operation", "status", "app", "service_tier", "user_id")
    assert requests(batch, *columns) == [("codex", "s-1", "azure", "gpt-5.2-codex", "chat", "success", "cli", "fast", None)]
    assert requests(batch, "project", "git_branch") == [("cli", "main")]
    assert [json.loads(text) for (text,) in requests(batch, "attributes")] == [
        {"version": "0.144.2", "originator": "codex_cli", "effort": "high"}
    ]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [(NINE + 60) * 1_000_000]


def test_without_its_first_line_a_session_is_its_file_and_served_by_openai(tmp_path: Path):
    batch = read(Codex(), json_lines(tmp_path / "rollout-1.jsonl", [turn(), tokens(counts(10))]))

    assert requests(batch, "session_id", "provider", "app") == [("rollout-1", "openai", None)]


@reading
def test_the_model_is_that_of_the_event_else_of_the_last_line_that_names_one():
    lines = [
        tokens(counts(1)),
        turn("gpt-5"),
        tokens(counts(2)),
        tokens(counts(3), model="gpt-5.1"),
        tokens(counts(4)),
        turn("gpt-5-mini"),
        turn(""),
        tokens(counts(5)),
    ]

    batch = yield lines

    models = [(1, None), (2, "gpt-5"), (3, "gpt-5.1"), (4, "gpt-5.1"), (5, "gpt-5-mini")]
    assert requests(batch, "input_tokens", "model") == models


def test_each_file_has_a_model_and_totals_of_its_own(tmp_path: Path):
    first = json_lines(tmp_path / "a.jsonl", [turn("gpt-5"), tokens(total=counts(50))])
    second = json_lines(tmp_path / "b.jsonl", [tokens(total=counts(70))])

    batch = read(Codex(), first, second)

    assert requests(batch, "session_id", "input_tokens", "model") == [("a", 50, "gpt-5"), ("b", 70, None)]


@reading
def test_without_the_last_usage_the_difference_of_the_totals_counts():
    lines = [
        tokens(counts(1200, 200, 500), counts(1200, 200, 500)),
        tokens(total=counts(2000, 300, 800, 30)),
        tokens(total=counts(2600, 300, 900, 50)),
    ]

    batch = yield lines

    columns = ("input_tokens", "cache_read_tokens", "output_tokens", "output_reasoning_tokens")
    assert requests(batch, *columns) == [(1200, 200, 500, 0), (800, 100, 300, 30), (600, 0, 100, 20)]


@reading
def test_a_total_that_falls_has_begun_anew():
    batch = yield [tokens(total=counts(5000, 100, 90)), tokens(total=counts(800, 200, 20))]

    assert requests(batch, "input_tokens", "cache_read_tokens", "output_tokens") == [(5000, 100, 90), (800, 200, 20)]


@reading
def test_events_whose_total_does_not_advance_are_skipped():
    used = counts(100, 0, 9)
    lines = [tokens(used, used), tokens(used, used, at="2026-05-13T09:01:02Z"), tokens(total=used, at="2026-05-13T09:01:03Z")]

    batch = yield lines

    assert (inputs(batch), batch.skipped) == ([(100,)], 2)


@reading
def test_two_equal_answers_in_a_row_are_two_requests():
    lines = [tokens(counts(100), counts(100)), tokens(counts(100), counts(200))]

    ids = [name for (name,) in requests((yield lines), "request_id")]

    assert len(set(ids)) == 2


def test_events_that_count_nothing_and_other_lines_are_skipped(tmp_path: Path):
    limits = line("event_msg", {"type": "token_count", "info": None, "rate_limits": {"plan_type": "pro"}})
    lines = [
        limits,
        tokens(counts(0, 0, 0, 0), counts(0, 0, 0, 0)),
        tokens(counts(0, 0, 0, 0, total_tokens=9_000), counts(80)),
        line("response_item", {"type": "message", "content": [{"text": '"token_count"'}]}),
        line("event_msg", {"type": "agent_message", "message": "token_count turn_context"}),
        line("compacted", {"type": "token_count", "info": {"last_token_usage": counts(5)}}),
        "",
        "  ",
    ]

    batch = read(Codex(), json_lines(tmp_path / "rollout-1.jsonl", lines))

    assert (batch.lines, batch.skipped, batch.requests.num_rows, batch.rejects.num_rows) == (8, 8, 0, 0)


def test_a_sub_agents_head_within_one_second_is_a_copy_and_sets_the_totals(tmp_path: Path):
    lines = [
        session(**SPAWNED),
        turn(),
        tokens(counts(100), counts(100), at="2026-05-13T09:00:00.100Z"),
        tokens(counts(200), counts(300), at="2026-05-13T09:00:00.900Z"),
        tokens(total=counts(350), at="2026-05-13T09:00:01.000Z"),
        tokens(counts(70), counts(420), at="2026-05-13T09:00:01.200Z"),
    ]

    batch = read(Codex(), json_lines(tmp_path / "rollout-1.jsonl", lines))

    assert (inputs(batch), batch.skipped) == ([(50,), (70,)], 4)


@reading
def test_a_sub_agent_that_begins_with_one_event_has_no_copied_head():
    """A second event of the same second that only repeats it is none either."""
    used = counts(14_700)
    lines = [session(**SPAWNED), tokens(used, used), tokens(used, used, at="2026-05-13T09:01:00.500Z")]

    assert inputs((yield lines)) == [(14_700,)]


@reading
def test_a_session_that_is_no_fork_may_begin_with_two_events_in_a_second():
    lines = [session(source="cli"), tokens(counts(1), counts(1)), tokens(counts(2), counts(3))]

    assert inputs((yield lines)) == [(1,), (2,)]


@pytest.mark.parametrize("fork", [SPAWNED, {"forked_from_id": "s-0"}, {"parent_thread_id": "s-0"}])
def test_all_before_a_forks_own_first_task_is_a_copy_however_long_it_took_to_write(tmp_path: Path, fork: Row):
    lines = [
        session("2026-05-13T09:00:00.700Z", **fork),
        {**session("2026-05-12T09:00:00Z"), "payload": {"id": "s-0"}},
        task(NINE - 86_400),
        tokens(counts(100), counts(100), at="2026-05-13T09:00:01Z"),
        tokens(counts(200), counts(300), at="2026-05-13T09:00:02Z"),
        task(NINE),
        tokens(counts(7), counts(7), at="2026-05-13T09:00:02.500Z"),
    ]

    batch = read(Codex(), json_lines(tmp_path / "rollout-1.jsonl", lines))

    assert requests(batch, "input_tokens", "session_id") == [(7, "s-1")]
    assert json.loads(batch.requests["attributes"][0].as_py()) == {"parentThread": "s-0"}


@reading
def test_a_fork_in_which_nothing_was_asked_has_no_requests():
    lines = [session(forked_from_id="s-0"), task(NINE - 9), tokens(counts(100), at="2026-05-13T09:00:01Z")]

    assert inputs((yield lines)) == []


@pytest.mark.parametrize("fork_comes_first", [False, True])
def test_an_event_copied_with_its_time_counts_once_for_the_original_session(tmp_path: Path, fork_comes_first: bool):
    shared = tokens(counts(100), counts(100))
    original = json_lines(tmp_path / "a.jsonl", [session(id="s-0"), turn(), shared])
    own = tokens(counts(5), counts(105), at="2026-05-13T10:00:00Z")
    fork = json_lines(tmp_path / "b.jsonl", [session(forked_from_id="s-0"), turn(), shared, own])
    lake = Lake(tmp_path / "lake")

    for path in (fork, original) if fork_comes_first else (original, fork):
        ingest([path], lake)

    assert stored(lake, "session_id", "input_tokens") == [("s-0", 100), ("s-1", 5)]


def test_an_archived_and_packed_session_counts_once(tmp_path: Path):
    live = json_lines(tmp_path / "sessions" / "rollout-1.jsonl", [turn(), tokens(counts(100))])
    archived = tmp_path / "archived_sessions" / "rollout-1.jsonl.gz"
    archived.parent.mkdir()
    archived.write_bytes(gzip.compress(live.read_bytes()))
    lake = Lake(tmp_path / "lake")

    ingest([live], lake)
    ingest([archived], lake)

    assert stored(lake, "session_id", "input_tokens") == [("rollout-1", 100)]


def test_what_lies_more_than_a_block_back_still_counts(tmp_path: Path):
    """Nine lines of 4 MB are more than two blocks; the small files around are read together with it, each for itself."""
    talk = line("response_item", {"type": "message", "content": "x" * 4_000_000})
    long = json_lines(tmp_path / "long.jsonl", [turn("gpt-5"), tokens(total=counts(100)), *[talk] * 9, tokens(total=counts(130))])
    before = json_lines(tmp_path / "before.jsonl", [turn("o3"), tokens(total=counts(1))])
    after = json_lines(tmp_path / "after.jsonl", [tokens(total=counts(2))])

    batch = read(Codex(), before, long, after)

    assert sorted(requests(batch, "session_id", "model", "input_tokens"), key=str) == [
        ("after", None, 2),
        ("before", "o3", 1),
        ("long", "gpt-5", 100),
        ("long", "gpt-5", 30),
    ]
    assert (batch.lines, batch.skipped) == (15, 11)
    assert batch.bytes_read == sum(path.stat().st_size for path in (before, long, after))


@reading
def test_contents_are_not_kept():
    lines = [session(base_instructions="a secret"), turn(user_instructions="a secret"), tokens(counts(10), note="a secret")]

    batch = yield lines

    assert batch.requests.num_rows == 1
    assert "secret" not in str(batch.requests.to_pylist())


@reading
def test_counts_and_times_that_cannot_be_are_rejected_each_with_a_sentence():
    lines = [
        turn(),
        tokens(counts(-3)),
        tokens(counts("many")),
        tokens(counts(10, 0, 5, 6)),
        tokens(total=counts("9,000")),
        '{"timestamp": "2026-05-13T09:01:00Z", "type": "event_m',
        {**tokens(counts(10)), "timestamp": None},
        tokens(counts(10), at="soon"),
    ]

    batch = yield lines

    whole = "a count is a whole number. Correct the log, or leave the value empty."
    assert batch.requests.num_rows == 0
    assert rejects(batch) == [
        (2, 'input_tokens is "-3": a count cannot be negative. Correct the log, or leave the value empty.'),
        (3, f'input_tokens is "many": {whole}'),
        (
            4,
            "output_reasoning_tokens is 6, more than the 5 of output_tokens around it. "
            "If this log counts them apart, a mapping says so: output_includes_reasoning = false.",
        ),
        (5, f'input_tokens is "9,000": {whole}'),
        (6, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
        (7, "started_at is empty: a request needs the time when it was sent."),
        (8, 'started_at is "soon": that is no time. Write it as 2026-11-23T14:32:00Z, or as a number since 1970.'),
    ]
    assert batch.rejects["raw"].to_pylist()[0] == json.dumps(lines[1])


def test_of_a_file_that_breaks_off_the_whole_lines_count(tmp_path: Path):
    packed = gzip.compress("".join(json.dumps(one) + "\n" for one in (turn(), tokens(counts(100)))).encode())
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(packed[:-4])

    batch = read(Codex(), path)

    assert inputs(batch) == [(100,)]
    assert rejects(batch) == [(None, "The file is cut off: its gzip data ends in the middle. Get a whole copy of it.")]


@pytest.mark.parametrize(
    "first",
    [session(), turn(), tokens(counts(1)), line("response_item", {"type": "message"}), line("compacted", {"message": ""})],
)
def test_a_session_is_recognised_by_the_frame_of_its_lines_and_by_no_other_source(tmp_path: Path, first: Row):
    head = Head.of(json_lines(tmp_path / "a", [first]))

    found = {source.name: why for source in SOURCES if (why := source.recognise(head))}

    assert found == {"codex": f"a Codex session: lines of type {first['type']} with a payload"}


def test_other_lines_with_a_type_are_not_recognised(tmp_path: Path):
    lines: list[Row | str] = [{"type": "assistant", "timestamp": "…", "payload": {}}, {"type": "event_msg", "payload": {}}, "[]"]

    assert Codex().recognise(Head.of(json_lines(tmp_path / "a", lines))) is None


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs")
def test_a_real_session_has_its_known_totals_and_comes_in_once(tmp_path: Path):
    lake = Lake(tmp_path)
    folder = Path(os.environ["USAGECOST_REAL_DATA"]) / "ccusage" / "fixtures" / "codex"

    first = ingest([folder], lake)
    second = ingest([folder], lake)

    table = pq.read_table(list(lake.snapshot().files()), partitioning=None)
    names = ("input_tokens", "cache_read_tokens", "output_tokens", "output_reasoning_tokens")
    assert [sum_of(table, name) for name in names] == [3500, 750, 425, 275]
    assert sorted(table["model"].to_pylist()) == ["gpt-5.2-codex", "gpt-5.3-codex"]
    assert (first.requests, first.inserted, first.lines, first.skipped, first.unpriced) == (2, 2, 3, 1, 0)
    assert (second.inserted, second.updated, second.version) == (0, 0, first.version)
