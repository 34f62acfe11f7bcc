"""Claude Code's transcripts: what is one request, which line of it stays, and what its counts include."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from tests.source_rows import Row, json_lines, read, reading_of, rejects, requests, sum_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Head
from usagecost.sources.claude_code import ClaudeCode

reading = reading_of(ClaudeCode)

COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


def answer(message: Row | None = None, usage: Row | None = None, **fields: object) -> Row:
    """A line of an answer; what is given as None is left out of it."""
    counts = {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 5}
    whole = {"id": "msg_1", "model": "claude-opus-4-6", "usage": _kept({**counts, **(usage or {})}), **(message or {})}
    line = {"type": "assistant", "uuid": "u-1", "sessionId": "s-1", "requestId": "req_1", "timestamp": "2026-02-10T01:25:40.759Z"}
    return _kept({**line, "message": _kept(whole), **fields})


def _kept(fields: Row) -> Row:
    return {name: value for name, value in fields.items() if value is not None}


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    return tmp_path / "projects" / "-home-dev01-cli" / "session.jsonl"


@reading
def test_input_is_the_uncached_part_and_both_cache_parts():
    split = {"cache_creation": {"ephemeral_5m_input_tokens": 13, "ephemeral_1h_input_tokens": 7}}

    batch = yield answer(usage=split)

    columns = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens")
    assert requests(batch, *columns) == [(123, 100, 20, 7, 5)]


@reading
def test_cache_writes_are_the_sum_of_their_lifetimes_where_no_total_is_told():
    usage = {
        "cache_creation_input_tokens": None,
        "cache_creation": {"ephemeral_5m_input_tokens": 13, "ephemeral_1h_input_tokens": 7},
    }

    batch = yield answer(usage=usage)

    assert requests(batch, "cache_write_tokens", "cache_write_1h_tokens", "input_tokens") == [(20, 7, 123)]


def test_a_line_says_who_what_and_when(transcript: Path):
    line = answer(version="2.1.37", gitBranch="main", cwd="/home/dev01/cli", costUSD=0.12, usage={"service_tier": "standard"})

    batch = read(ClaudeCode(), json_lines(transcript, [line]))

    columns = ("source", "request_id", "session_id", "provider", "model", "operation", "status", "app", "service_tier")
    assert requests(batch, *columns) == [
        ("claude-code", "msg_1:req_1", "s-1", "anthropic", "claude-opus-4-6", "chat", "success", "-home-dev01-cli", "standard")
    ]
    assert requests(batch, "reported_cost_usd", "user_id", "attributes") == [(Decimal("0.12"), None, '{"version":"2.1.37"}')]
    assert requests(batch, "project", "git_branch", "speed", "inference_region", "units") == [("cli", "main", None, None, None)]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [1770686740759000]


@reading
def test_speed_and_region_are_told_where_they_are_special():
    cases = [
        ({"speed": "fast", "inference_geo": "us"}, ("fast", "us", None)),
        ({"speed": "standard", "inference_geo": "global"}, (None, "global", None)),
        ({"inference_geo": "not_available"}, (None, None, None)),
        ({"inference_geo": ""}, (None, None, None)),
    ]

    batch = yield [answer(usage=usage) for usage, _ in cases]

    assert requests(batch, "speed", "inference_region", "attributes") == [told for _, told in cases]


@reading
def test_searches_and_executions_are_units_and_fetches_are_free():
    used = {"web_search_requests": 5, "web_fetch_requests": 2, "code_execution_requests": 1}
    unused = dict.fromkeys(used, 0)
    lines = [answer(usage={"server_tool_use": used}), answer({"id": "msg_2"}, {"server_tool_use": unused})]

    batch = yield lines

    assert requests(batch, "units", "attributes") == [
        ([("web_searches", Decimal(5)), ("code_executions", Decimal(1))], '{"web_fetch_requests":2}'),
        (None, None),
    ]


@reading
def test_zeros_of_a_finished_answer_are_unknown():
    nothing = dict.fromkeys(("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"), 0)
    lines = [
        answer({"id": "m1"}, nothing),
        answer({"id": "m2"}, {**nothing, "input_tokens": 7}),
        answer({"id": "m3"}, {**nothing, "output_tokens": 4}),
        answer({"id": "m4"}, {**nothing, "cache_read_input_tokens": 9, "output_tokens": 4}),
    ]

    batch = yield lines

    assert requests(batch, "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens") == [
        (None, None, None, None),
        (7, 0, 0, None),
        (None, None, None, 4),
        (9, 9, 0, 4),
    ]


def test_skipped_lines_have_a_reason(transcript: Path):
    lines = [answer(requestId=1) | {"requestId": None}, {"type": "user"}, answer(usage=dict.fromkeys(COUNTS)), "", answer()]

    batch = read(ClaudeCode(), json_lines(transcript, lines))

    file = str(transcript)
    assert batch.skips == {
        (file, "draft of an answer"): 1,
        (file, "no usage in it"): 1,
        (file, "usage without counts of tokens"): 1,
        ("", "blank line or column names"): 1,
    }


@reading
def test_contents_are_not_kept():
    line = answer(message={"content": [{"type": "text", "text": "a secret"}]}, toolUseResult="a secret")

    batch = yield line

    assert batch.requests.num_rows == 1
    assert "secret" not in str(batch.requests.to_pylist())


def test_of_an_answers_lines_the_largest_total_ranks_highest_then_one_with_a_speed(transcript: Path):
    growing = [
        answer(usage={"output_tokens": 1}),
        answer(usage={"output_tokens": 292}),
        answer(usage={"output_tokens": 292, "speed": "fast"}),
    ]

    first, second, third = (rank for (rank,) in requests(read(ClaudeCode(), json_lines(transcript, growing)), "rank"))

    assert 0 <= first < second < third


def test_a_side_chains_copy_has_a_negative_rank_and_the_stem_of_the_original(transcript: Path):
    lines = [answer(), answer(isSidechain=True, requestId="req_2"), answer(isSidechain=True, usage={"output_tokens": 9})]

    (original, rank), (copy, copy_rank), (_, larger_rank) = requests(
        read(ClaudeCode(), json_lines(transcript, lines)), "request_id", "rank"
    )

    assert rank >= 0 > larger_rank > copy_rank
    assert original.split(":")[0] == copy.split(":")[0]


@reading
def test_lines_without_a_message_id_are_requests_of_their_own():
    lines = [answer({"id": None}), answer({"id": None}, uuid="u-2", isSidechain=True), answer({"id": None}, uuid=None)]

    batch = yield lines

    ids, ranks = batch.requests["request_id"].to_pylist(), batch.requests["rank"].to_pylist()
    assert ids[:2] == ["u-1", "u-2"]
    assert ids[2].endswith("-3")
    assert min(ranks) >= 0


@reading
def test_a_synthetic_answer_and_an_api_error_are_failed_requests_without_a_model():
    nothing = dict.fromkeys(("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"), 0)
    lines = [
        answer({"model": "<synthetic>", "id": "m1"}, nothing),
        answer({"id": "m2"}, nothing, isApiErrorMessage=True, error="rate_limit", apiErrorStatus=429),
        answer({"id": "m3"}, nothing, isApiErrorMessage=True, error={"type": "overloaded_error", "message": "…"}),
    ]

    batch = yield lines

    assert requests(batch, "status", "model", "error_class", "http_status", "input_tokens") == [
        ("error", None, None, None, 0),
        ("error", None, "rate_limit", 429, 0),
        ("error", None, "overloaded_error", None, 0),
    ]


@reading
def test_ids_and_models_tell_who_served_it():
    cases = [
        ({"id": "msg_bdrk_01"}, "aws"),
        ({"model": "us.anthropic.claude-sonnet-4-20250514-v1:0"}, "aws"),
        ({"id": "msg_vrtx_01"}, "google"),
        ({"model": "claude-sonnet-4@20250514"}, "google"),
        ({}, "anthropic"),
        ({"model": "glm-4.6"}, None),
    ]

    batch = yield [answer(message) for message, _ in cases]

    assert requests(batch, "provider") == [(provider,) for _, provider in cases]


@reading
def test_lines_with_null_where_a_value_belongs_are_skipped_and_without_the_value_are_not():
    message, counts = answer()["message"], answer()["message"]["usage"]
    without_value = [{name: value for name, value in message.items() if name != field} for field in ("id", "model")]
    lines = [
        *({**answer(), field: None} for field in ("requestId", "version", "sessionId", "cwd", "costUSD", "isApiErrorMessage")),
        *(
            {**answer(), "message": {**message, "usage": {**counts, field: None}}}
            for field in ("speed", "cache_read_input_tokens", "cache_creation_input_tokens")
        ),
        *({**answer(), "message": {**message, field: None}} for field in ("id", "model")),
        *({**answer(), "message": left} for left in without_value),
    ]

    batch = yield lines

    assert (batch.requests.num_rows, batch.skipped, batch.rejects.num_rows) == (2, 11, 0)


def test_a_null_elsewhere_skips_nothing(transcript: Path):
    content = [{"type": "tool_use", "input": {"id": None, "model": None}}]
    line = {**answer({"content": content}), "parentUuid": None}

    assert read(ClaudeCode(), json_lines(transcript, [line])).requests.num_rows == 1


def test_other_lines_are_skipped(transcript: Path):
    progress = {"type": "progress", "data": {"message": answer()}, "sessionId": "s-1"}
    user = {**answer(), "type": "user"}
    lines = [{"type": "summary", "summary": "…", "leafUuid": "u"}, user, progress, {"type": "assistant", "message": {}}, "", "  "]

    batch = read(ClaudeCode(), json_lines(transcript, lines))

    assert (batch.lines, batch.skipped, batch.requests.num_rows) == (6, 6, 0)


def test_old_lines_without_a_type_count(transcript: Path):
    assert read(ClaudeCode(), json_lines(transcript, [answer(type=None)])).requests.num_rows == 1


def test_the_project_is_the_folder_below_projects_else_the_last_of_the_working_directory(tmp_path: Path):
    elsewhere = json_lines(tmp_path / "s.jsonl", [answer(cwd="/home/dev01/api/"), answer()])

    assert requests(read(ClaudeCode(), elsewhere), "app") == [("api",), (None,)]


def test_a_transcript_is_recognised_by_what_is_in_it(tmp_path: Path):
    summary = {"type": "summary", "summary": "…", "leafUuid": "u"}
    by_usage = Head.of(json_lines(tmp_path / "a", [answer()]))
    by_session = Head.of(json_lines(tmp_path / "b", [summary]))
    codex = Head.of(json_lines(tmp_path / "c", [{"timestamp": "…", "type": "event_msg", "payload": {}}]))

    assert ClaudeCode().recognise(by_usage) == "a Claude Code transcript: lines with message.usage"
    assert ClaudeCode().recognise(by_session) == "a Claude Code transcript: lines with type and session"
    assert ClaudeCode().recognise(codex) is None


@reading
def test_counts_that_cannot_be_are_rejected_each_with_a_sentence():
    lines = [
        answer(usage={"input_tokens": -3}),
        answer(usage={"output_tokens": 10**12}),
        answer(usage={"cache_creation": {"ephemeral_1h_input_tokens": 21}}),
        answer(timestamp=None),
        answer(timestamp="1970-01-01T00:00:00Z"),
        answer(timestamp="2999-01-01T00:00:00Z"),
    ]

    batch = yield lines

    assert batch.requests.num_rows == 0
    assert rejects(batch) == [
        (1, 'input_tokens is "-3": a count cannot be negative. Correct the log, or leave the value empty.'),
        (
            2,
            'output_tokens is "1000000000000": no request has more than 10,000,000,000 tokens. '
            "Correct the log, or leave the value empty.",
        ),
        (3, "cache_write_1h_tokens is 21, more than the 20 of cache_write_tokens around it. Correct the log."),
        (4, "started_at is empty: a request needs the time when it was sent."),
        (5, 'started_at is "1970-01-01T00:00:00Z": that is 1970-01-01, before 2015. Check the time and its unit.'),
        (6, 'started_at is "2999-01-01T00:00:00Z": that is 2999-01-01, in the future. Check the time and its unit.'),
    ]


def test_copies_yield_to_originals_in_the_lake_whichever_comes_first(tmp_path: Path):
    original = json_lines(tmp_path / "projects" / "p" / "a.jsonl", [answer()])
    copy = json_lines(tmp_path / "projects" / "p" / "b.jsonl", [answer(isSidechain=True, requestId="req_2")])
    lake = Lake(tmp_path / "lake")

    ingest([copy], lake)
    report = ingest([original], lake)

    assert lake.snapshot().rows == 1
    assert (report.inserted, ingest([copy], lake).duplicates) == (1, 1)


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs")
def test_real_sessions_have_their_known_totals_and_come_in_once(tmp_path: Path):
    lake = Lake(tmp_path)
    folder = Path(os.environ["USAGECOST_REAL_DATA"]) / "claude-code"

    first = ingest([folder], lake)
    second = ingest([folder], lake)

    import pyarrow.parquet as pq

    stored = pq.read_table(list(lake.snapshot().files()), partitioning=None)
    totals = [sum_of(stored, name) for name in ("cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")]
    assert totals == [33_964_357, 2_314_322, 690_315]
    assert (sum_of(stored, "output_tokens"), sum_of(stored, "input_tokens")) == (26_260, 36_286_485)
    assert (first.requests, first.inserted, first.lines, first.skipped, first.duplicates) == (532, 532, 1771, 646, 593)
    assert (second.requests, second.inserted, second.updated, second.version) == (532, 0, 0, first.version)
    assert first.unpriced == 0
