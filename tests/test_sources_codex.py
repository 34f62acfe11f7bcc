"""Codex sessions: what is one request, which model it used, what its counts include, and which events and records are copies."""

from __future__ import annotations

import gzip
import json
import os
from itertools import permutations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.claims import Claims, says
from tests.codex_rows import counts, line, record, session, task, tokens, turn
from tests.source_rows import Row, json_lines, read, rejects, requests, sum_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Head
from usagecost.sources.codex import Codex

SPAWNED = {"source": {"subagent": {"thread_spawn": {"parent_thread_id": "s-0", "depth": 1}}}}
NINE = 1_778_662_800
"""2026-05-13T09:00:00Z in seconds since 1970."""
COPIED, NO_USAGE = "copy of the parent session's history", "no usage in it"

TOKENS = "input_tokens cache_read_tokens cache_write_tokens output_tokens output_reasoning_tokens"
USED = counts(100, 0, 9)
META = session(model_provider="azure", cli_version="0.144.2", originator="codex_cli", git={"branch": "main"}, cwd="/home/a/api")
SETTINGS = line("event_msg", {"type": "thread_settings_applied", "thread_settings": {"service_tier": "fast"}})
WHOLE = "a count is a whole number. Correct the log, or leave the value empty."


def later(minute: int, second: int = 0) -> str:
    return f"2026-05-13T09:{minute:02}:{second:02}Z"


def forked(fork: Row) -> list[Row]:
    """A session that copies the one it was forked from, however long that took, and then asks something."""
    return [
        session("2026-05-13T09:00:00.700Z", **fork),
        {**session("2026-05-12T09:00:00Z"), "payload": {"id": "s-0"}},
        task(NINE - 86_400),
        tokens(counts(100), counts(100), at=later(0, 1)),
        tokens(counts(200), counts(300), at=later(0, 2)),
        task(NINE),
        tokens(counts(7), counts(7), at="2026-05-13T09:00:02.500Z"),
    ]


CLAIMS = Claims(
    Codex,
    {
        "input includes what the cache held and output the reasoning": says(
            TOKENS, ([turn(), tokens(counts(1000, 250, 125, 75, cache_write_input_tokens=40))], (1000, 250, 40, 125, 75))
        ),
        "cache reads are no more than the input": says(TOKENS, (tokens(counts(100, 130)), (100, 100, None, 0, 0))),
        "what an event does not count stays unknown": says(
            TOKENS, (tokens({"input_tokens": 7, "cache_read_input_tokens": 2}), (7, 2, None, None, None))
        ),
        "a session says who, what and when": says(
            "source session_id provider model operation status app project git_branch service_tier user_id started_at attributes",
            (
                [META, turn(effort="high", cwd="/home/a/cli/"), SETTINGS, tokens(counts(10), note="a secret")],
                ("codex", "s-1", "azure", "gpt-5.2-codex", "chat", "success", "cli", "cli", "main", "fast", None,
                 "2026-05-13T09:01:00+00:00", {"version": "0.144.2", "originator": "codex_cli", "effort": "high"}),
            ),
            ([session(base_instructions="a secret"), turn(user_instructions="a secret")], []),
        ),
        "the model is that of the event, else of the last line that names one": says(
            "input_tokens model",
            (
                [tokens(counts(1)), turn("gpt-5"), tokens(counts(2)), tokens(counts(3), model="gpt-5.1"), tokens(counts(4)),
                 turn("gpt-5-mini"), turn(""), tokens(counts(5))],
                [(1, None), (2, "gpt-5"), (3, "gpt-5.1"), (4, "gpt-5.1"), (5, "gpt-5-mini")],
            ),
        ),
        "without the last usage the difference of the totals counts": says(
            TOKENS,
            (
                [tokens(counts(1200, 200, 500), counts(1200, 200, 500)), tokens(total=counts(2000, 300, 800, 30)),
                 tokens(total=counts(2600, 300, 900, 50))],
                [(1200, 200, None, 500, 0), (800, 100, None, 300, 30), (600, 0, None, 100, 20)],
            ),
        ),
        "a total that falls has begun anew": says(
            TOKENS,
            (
                [tokens(total=counts(5000, 100, 90)), tokens(total=counts(800, 200, 20))],
                [(5000, 100, None, 90, 0), (800, 200, None, 20, 0)],
            ),
        ),
        "events whose total does not advance are skipped": says(
            "input_tokens skipped",
            (
                [tokens(USED, USED), tokens(USED, USED, at=later(1, 2)), tokens(total=USED, at=later(1, 3))],
                [(100,), {"repeats the last event": 2}],
            ),
        ),
        "a fork's head within one second is a copy and sets the totals": says(
            "input_tokens skipped",
            (
                [session(**SPAWNED), turn(), tokens(counts(100), counts(100), at="2026-05-13T09:00:00.100Z"),
                 tokens(counts(200), counts(300), at="2026-05-13T09:00:00.900Z"), tokens(total=counts(350), at=later(0, 1)),
                 tokens(counts(70), counts(420), at="2026-05-13T09:00:01.200Z")],
                [(50,), (70,), {COPIED: 2}],
            ),
        ),
        "a head of one event, repeated or not, is no copy, nor are two in a session that is no fork": says(
            "input_tokens",
            (
                [session(**SPAWNED), tokens(counts(14_700), counts(14_700)),
                 tokens(counts(14_700), counts(14_700), at="2026-05-13T09:01:00.500Z")],
                14_700,
            ),
            ([session(source="cli"), tokens(counts(1), counts(1)), tokens(counts(2), counts(3))], [1, 2]),
        ),
        "all before a fork's own first task is a copy": says(
            "input_tokens session_id attributes",
            *(
                (forked(fork), (7, "s-1", {"parentThread": "s-0"}))
                for fork in (SPAWNED, {"forked_from_id": "s-0"}, {"parent_thread_id": "s-0"})
            ),
            ([session(forked_from_id="s-0"), task(NINE - 9), tokens(counts(100), at=later(0, 1))], []),
        ),
        "a record is the request and its event repeats it": says(
            f"request_id model {TOKENS} skipped",
            (
                [session(), turn(), record("resp_1", counts(1000, 250, 125, 75)),
                 tokens(counts(1000, 250, 125, 75), counts(1000, 250, 125, 75))],
                [("resp_1", "gpt-5.2-codex", 1000, 250, None, 125, 75), {"repeats a usage record": 1}],
            ),
        ),
        "a compaction that no event counts is a request": says(
            "request_id input_tokens",
            *(
                (
                    [session(), *pair, record("resp_c", counts(90, 80, 30)),
                     tokens(counts(0, 0, 0, 0, total_tokens=14_000), USED, at=later(2)), record("resp_2", counts(40, 0, 5)),
                     tokens(counts(40, 0, 5), counts(140, 0, 14), at=later(3))],
                    [("resp_1", 100), ("resp_c", 90), ("resp_2", 40)],
                )
                for pair in permutations([record("resp_1", USED), tokens(USED, USED)])
            ),
        ),
        "events of before there were records count, and equal responses have a record each": says(
            "input_tokens",
            ([tokens(counts(7), counts(7)), record("resp_1", counts(9)), tokens(counts(9), counts(16), at=later(2))], [7, 9]),
            (
                [record("resp_1", counts(9)), tokens(counts(9), counts(9)), record("resp_2", counts(9)),
                 tokens(counts(9), counts(18))],
                [9, 9],
            ),
        ),
        "a fork's copied records and events are skipped": says(
            "request_id skipped",
            (
                [session(forked_from_id="s-0"), task(NINE - 600), record("resp_1", counts(100), thread="s-0"),
                 tokens(counts(100), counts(100)), task(NINE + 1), record("resp_2", counts(5)),
                 tokens(counts(5), counts(105), at=later(2))],
                [("resp_2",), {COPIED: 2, "repeats a usage record": 1}],
            ),
            # without tasks its own first record stays, though record and event lie within one second, as a copied head does
            (
                [session(forked_from_id="s-0"), record("resp_1", counts(5), at="2026-05-13T09:01:00.100Z"),
                 tokens(counts(5), counts(5))],
                [("resp_1",), {"repeats a usage record": 1}],
            ),
        ),
        "the project is the repository, whatever the folder": says(
            "project app git_branch",
            *(
                ([session(cwd="/home/a/checkout", git={"branch": "main", "repository_url": url}), tokens(counts(7))],
                 ("api", "checkout", "main"))
                for url in ("https://user:a secret@git.test/org/api.git", "git@git.test:org/api.git", "https://git.test/org/api/",
                            "/srv/git/api")
            ),
        ),
        "counts and times that cannot be are rejected, each with a sentence": says(
            "input_tokens",
            (
                [turn(), tokens(counts(-3)), tokens(counts("many")), tokens(counts(10, 0, 5, 6)), tokens(total=counts("9,000")),
                 '{"timestamp": "2026-05-13T09:01:00Z", "type": "event_m', {**tokens(counts(10)), "timestamp": None},
                 tokens(counts(10), at="soon")],
                [
                    (2, 'input_tokens is "-3": a count cannot be negative. Correct the log, or leave the value empty.'),
                    (3, f'input_tokens is "many": {WHOLE}'),
                    (4, "output_reasoning_tokens is 6, more than the 5 of output_tokens around it. "
                        "If this log counts them apart, a mapping says so: output_includes_reasoning = false."),
                    (5, f'input_tokens is "9,000": {WHOLE}'),
                    (6, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
                    (7, "started_at is empty: a request needs the time when it was sent."),
                    (8, 'started_at is "soon": that is no time. Write it as 2026-11-23T14:32:00Z, or as a number since 1970.'),
                ],
            ),
        ),
    },
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_session_is_read_as_claimed(claim: str):
    assert CLAIMS.actual(claim) == CLAIMS.expected(claim)


@pytest.mark.parametrize(
    "lines",
    [[tokens(counts(100), counts(100)), tokens(counts(100), counts(200))], [record(None, USED), record(None, USED, at=later(5))]],
    ids=["two equal answers in a row", "two equal records without an id"],
)
def test_two_requests_have_two_ids(tmp_path: Path, lines: list[Row]):
    assert len(set(requests(read(Codex(), json_lines(tmp_path / "a.jsonl", lines)), "request_id"))) == 2


@pytest.mark.parametrize(
    ("name", "lines", "session_id"),
    [
        ("rollout-1", [turn(), tokens(counts(10))], "rollout-1"),
        ("rollout-2026-05-13T09-00-00-s-1", [session(id="s-0"), session(id="s-1", forked_from_id="s-0"), tokens(counts(7))], "s-1"),
    ],
    ids=["without its first line it is its file", "it is the one that its file is named after"],
)
def test_which_session_it_is(tmp_path: Path, name: str, lines: list[Row], session_id: str):
    batch = read(Codex(), json_lines(tmp_path / f"{name}.jsonl", lines))

    assert requests(batch, "session_id", "provider", "app") == [(session_id, "openai", None)]


def test_events_that_count_nothing_and_other_lines_are_skipped(tmp_path: Path):
    lines = [
        line("event_msg", {"type": "token_count", "info": None, "rate_limits": {"plan_type": "pro"}}),
        tokens(counts(0, 0, 0, 0), counts(0, 0, 0, 0)),
        tokens(counts(0, 0, 0, 0, total_tokens=9_000), counts(80)),
        line("response_item", {"type": "message", "content": [{"text": '"token_count"'}]}),
        line("event_msg", {"type": "agent_message", "message": "token_count turn_context"}),
        line("compacted", {"type": "token_count", "info": {"last_token_usage": counts(5)}}),
        "",
        "  ",
    ]

    batch = read(Codex(), json_lines(tmp_path / "rollout-1.jsonl", lines))

    assert (batch.lines, batch.skips.total(), batch.requests.num_rows, batch.rejects.num_rows) == (8, 8, 0, 0)
    assert {reason for _, reason in batch.skips} == {NO_USAGE}


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


def test_of_a_file_that_breaks_off_the_whole_lines_count(tmp_path: Path):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in (turn(), tokens(counts(100)))).encode())[:-4])

    batch = read(Codex(), path)

    assert requests(batch, "input_tokens") == [(100,)]
    assert rejects(batch) == [(None, "The file is cut off: its gzip data ends in the middle. Get a whole copy of it.")]


def test_other_lines_with_a_type_are_not_recognised(tmp_path: Path):
    lines: list[Row | str] = [{"type": "assistant", "timestamp": "…", "payload": {}}, {"type": "event_msg", "payload": {}}, "[]"]

    assert Codex().recognise(Head.of(json_lines(tmp_path / "a", lines))) is None


# ---- what the lake keeps


def stored(lake: Lake, *columns: str) -> list[tuple[object, ...]]:
    table = pq.read_table(list(lake.snapshot().files()), partitioning=None, columns=list(columns))
    return sorted(zip(*(table[name].to_pylist() for name in columns), strict=True))


@pytest.mark.parametrize("fork_comes_first", [False, True])
def test_an_event_copied_with_its_time_counts_once_for_the_original_session(tmp_path: Path, fork_comes_first: bool):
    shared = tokens(counts(100), counts(100))
    original = json_lines(tmp_path / "a.jsonl", [session(id="s-0"), turn(), shared])
    own = tokens(counts(5), counts(105), at="2026-05-13T10:00:00Z")
    fork = json_lines(tmp_path / "b.jsonl", [session(forked_from_id="s-0"), turn(), shared, own])
    archived = tmp_path / "archived_sessions" / "a.jsonl.gz"
    archived.parent.mkdir()
    archived.write_bytes(gzip.compress(original.read_bytes()))
    lake = Lake(tmp_path / "lake")

    for path in (fork, original, archived) if fork_comes_first else (original, archived, fork):
        ingest([path], lake)

    assert stored(lake, "session_id", "input_tokens") == [("s-0", 100), ("s-1", 5)]


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
        assert stored(lake, "request_id", "session_id", "input_tokens") == [
            ("resp_1", "s-0", 100),
            ("resp_2", "s-1", 20),
            ("resp_3", "s-0", 3),
        ]


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
