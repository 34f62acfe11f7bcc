"""LiteLLM's logging payloads: the same calls as its spend logs, under the same ids, and what else lies in such a bucket."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.lake_rows import rows_of
from tests.litellm_rows import KEY_HASH, payload, spend_log, usage
from tests.source_rows import Row, each, json_lines, one, read, reading_of, rejects, requests
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import SOURCES, Head
from usagecost.sources.litellm import LiteLLM

reading = reading_of(LiteLLM)

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "batch-1.ndjson"


def test_a_payload_says_what_its_spend_log_says(tmp_path: Path):
    of_table, of_logger = (
        read(LiteLLM(), json_lines(tmp_path / name, [row])).requests.drop_columns("source_file").to_pylist()
        for name, row in (("a.jsonl", spend_log()), ("b.jsonl", payload()))
    )

    assert of_logger == of_table
    assert (of_logger[0]["virtual_key"], of_logger[0]["reported_cost_usd"]) == ("dev-key", Decimal("0.00105"))


CALLS = {
    "a call": ({}, {}),
    "a failure": (
        {"status": "failure", "request_id": "call-2"},
        {"status": "failure", "id": "call-2"},
    ),
    "a cache hit": (  # each log takes the time for itself; the table cuts times below the millisecond
        {"request_id": "chatcmpl-1_cache_hit1777629602.7512", "cache_hit": "True", "startTime": "2026-05-01 10:00:00.250"},
        {"id": "chatcmpl-1_cache_hit1777629602.7534", "cache_hit": True, "startTime": 1777629600.250731},
    ),
    "a cache hit with an id of the call": (
        {"request_id": "chatcmpl-3_cache_hit1777629602.7512", "litellm_call_id": "call-3"},
        {"id": "chatcmpl-3_cache_hit1777629602.7534", "litellm_call_id": "call-3", "startTime": 1777629600.3},
    ),
    "the cost of a batch": (
        {"request_id": "batch_1_batch_cost", "call_type": "aretrieve_batch"},
        {"id": "batch_1", "call_type": "aretrieve_batch"},
    ),
    "the cost of an answer in the background": (
        {"request_id": "resp_1_background_cost", "call_type": "aget_responses"},
        {"id": "resp_1", "call_type": "aget_responses", "response": {"background": True}},
    ),
}


def test_a_call_that_both_logs_have_counts_once(tmp_path: Path):
    table = json_lines(tmp_path / "a.jsonl", [spend_log(**columns) for columns, _ in CALLS.values()])
    logger = json_lines(tmp_path / "b.jsonl", [payload(**fields) for _, fields in CALLS.values()])
    of_table, of_both = Lake(tmp_path / "table"), Lake(tmp_path / "both")

    ingest([table], of_table)
    ingest([table, logger], of_both)

    assert of_table.snapshot().rows == len(CALLS)
    assert rows_of(of_both, "request_id") == rows_of(of_table, "request_id")


def test_to_ask_again_for_an_answer_or_a_batch_is_no_request_to_a_model(log: Path):
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "response_cost": 0.0}
    rows = [
        payload(id="resp_1", call_type="aresponses"),
        payload(id="resp_2", call_type="aget_responses"),  # older versions give it the tokens of the answer it reads
        payload(id="resp_1", call_type="aget_responses", **nothing),
        payload(id="resp_1", call_type="adelete_responses", **nothing),
        payload(id="batch_1", call_type="aretrieve_batch", **nothing),
        payload(id="batch_1", call_type="acreate_batch", **nothing),
    ]

    batch = read(LiteLLM(), json_lines(log, rows))

    assert requests(batch, "request_id", "is_batch") == [("resp_1", False)]
    assert (batch.skips, batch.rejects.num_rows) == (
        {
            (str(log), "reads an earlier answer"): 3,
            (str(log), "prepares or manages something, uses no model"): 2,
        },
        0,
    )


AUDIT = {"id": "a-1", "updated_at": "2026-05-01T10:00:00Z", "changed_by": "ann", "action": "created", "table_name": "Keys"}
LINE_OF_A_BATCH = {"batch_id": "batch_1", "custom_id": "1", "status": "success", "response_cost": 0.1, "model": "gpt-4o"}


@pytest.mark.parametrize("other", [AUDIT, LINE_OF_A_BATCH])
def test_what_else_lies_in_the_bucket_is_skipped(log: Path, other: Row):
    path = json_lines(log, [other])

    assert LiteLLM().recognise(Head.of(path)) == "what LiteLLM logs beside its calls"
    assert (read(LiteLLM(), path).skipped, read(LiteLLM(), path).rejects.num_rows) == (1, 0)


# ---- rules that the spend logs have no field for


@reading.each
def test_streaming_is_told():
    first_token = {"completionStartTime": 1777629600.75}
    payloads = [payload(stream=told, **more) for told in (True, None) for more in (first_token, {})]

    assert each((yield payloads), "is_streaming", "ttft_ms") == [(True, 500.0), (True, None), (True, 500.0), (None, None)]


@reading.each
def test_the_tier_is_the_answers_else_the_one_asked_for():
    asked = {"model_parameters": {"service_tier": "flex"}}

    found = each((yield [payload(response={"service_tier": "default"}, **asked), payload(**asked)]), "service_tier")

    assert found == [("default",), ("flex",)]


@reading.each
def test_times_are_seconds_or_texts():
    times = (1777629600.25, "2026-05-01T10:00:00.250Z", "2026-05-01T10:00:00.250000", "1777629600.25")

    found = each((yield (payload(startTime=time, endTime=1777629601.25) for time in times)), "started_at", "duration_ms")

    assert [(started.timestamp(), duration) for started, duration in found] == [(1777629600.25, 1000.0)] * 4


@reading.each
def test_usage_stands_in_the_metadata_and_in_old_payloads_in_the_answer():
    details = {"cached_tokens": 60, "cache_creation_tokens": 30, "cache_creation_token_details": {"ephemeral_1h_input_tokens": 7}}
    counts = usage(100, 20, cache_read_input_tokens=60, cache_creation_input_tokens=30, prompt_tokens_details=details)
    payloads = [payload({"usage_object": counts}), payload({"usage_object": None}, response={"usage": counts})]

    assert each((yield payloads), *TOKENS) == [(100, 60, 30, 7, 20)] * 2


@reading.each
def test_old_versions_leave_cache_writes_out_here_too():
    counts = usage(70, 20, cache_read_input_tokens=60, cache_creation_input_tokens=30, prompt_tokens_details={"cached_tokens": 60})
    payloads = [
        payload({"usage_object": counts}, prompt_tokens=70),
        payload({"usage_object": None}, response={"usage": counts}, prompt_tokens=70),
    ]

    assert each((yield payloads), *TOKENS) == [(100, 60, 30, None, 20)] * 2


@reading.each
def test_an_answer_may_be_anything():
    answers = (None, "text", ["text"], {"usage": "none"}, {"usage": None})

    assert each((yield (payload(response=answer) for answer in answers)), *TOKENS) == [(100, None, None, None, 20)] * 5


@reading
def test_a_failure_has_its_class_and_http_status():
    error = {"error_code": "429", "error_class": "RateLimitError", "error_message": "a secret", "llm_provider": "anthropic"}

    assert one((yield payload(status="failure", error_information=error)), "status", "error_class", "http_status") == (
        "error", "RateLimitError", 429,
    )  # fmt: skip


@reading.each
def test_a_cost_of_0_is_unknown_where_working_it_out_failed():
    failed = {"error_str": "This model isn't mapped yet.", "traceback_str": "…", "model": "my-model"}
    unmapped = {"model_map_key": "my-model", "model_map_value": None}

    cases = [
        ({}, Decimal(0)),
        ({"response_cost_failure_debug_info": failed}, None),
        ({"model_map_information": unmapped}, None),
        ({"model_map_information": unmapped, "cache_hit": True}, Decimal(0)),
    ]

    found = each((yield (payload(response_cost=0.0, **fields) for fields, _ in cases)), "reported_cost_usd")

    assert found == [(cost,) for _, cost in cases]


@reading
def test_the_conversation_is_the_session_where_it_is_told():
    assert one((yield payload(session_id="talk-1")), "session_id", "trace_id") == ("talk-1", "trace-1")


@reading
def test_the_customer_may_stand_with_the_key():
    assert one((yield payload({"user_api_key_end_user_id": "c-2"}, end_user="")), "end_user_id") == ("c-2",)


@reading
def test_what_was_saved_and_what_the_cost_consists_of_is_kept():
    parts = {"input_cost": 0.0003, "total_cost": 0.00105, "service_tier": "priority"}

    tier, attributes = one((yield payload(cost_breakdown=parts, saved_cache_cost=0.25)), "service_tier", "attributes")

    assert (tier, json.loads(attributes)) == (
        "priority",
        {
            "call_type": "acompletion", "team_alias": "Platform", "key_hash": KEY_HASH,
            "saved_cache_cost": 0.25, "cost_breakdown": parts,
        },
    )  # fmt: skip


@reading
def test_contents_are_not_kept():
    batch = yield payload(error_str="a secret", model_parameters={"prompt": "a secret"})

    assert batch.requests.num_rows == 1
    assert "secret" not in str(batch.requests.to_pylist())


# ---- forms


def test_one_object_a_file_lines_and_packed_files_are_read(tmp_path: Path):
    payloads = [payload(id=f"chatcmpl-{number}") for number in range(3)]
    (tmp_path / "one.json").write_text(json.dumps(payloads[0]))
    (tmp_path / "printed.json").write_text(json.dumps(payloads[1], indent=2))
    (tmp_path / "batch.jsonl").write_text("\n".join(map(json.dumps, payloads)))  # without an end of the last line
    (tmp_path / "batch.ndjson.gz").write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in payloads).encode()))
    lake = Lake(tmp_path / "lake")

    report = ingest(sorted(tmp_path.glob("*.*")), lake)

    assert (report.requests, lake.snapshot().rows, report.rejected) == (3, 3, 0)


def test_files_of_both_kinds_are_read_in_one_go(tmp_path: Path):
    paths = [
        json_lines(tmp_path / "a.jsonl", [payload()]),
        json_lines(tmp_path / "b.jsonl", [spend_log(request_id="chatcmpl-2")]),
        json_lines(tmp_path / "c.jsonl", [payload(id="chatcmpl-3")]),
    ]

    assert requests(read(LiteLLM(), *paths), "request_id") == [("chatcmpl-1",), ("chatcmpl-2",), ("chatcmpl-3",)]


@pytest.mark.parametrize("row", [spend_log(), payload()])
def test_no_other_source_takes_them_for_its_own(log: Path, row: Row):
    head = Head.of(json_lines(log, [row]))

    assert [source.name for source in SOURCES if source.recognise(head)] == ["litellm"]


def test_broken_lines_are_rejected_and_the_others_read(log: Path):
    lines = [json.dumps(payload(id="a")), json.dumps(payload())[:300], "", json.dumps(payload(id="b", prompt_tokens=-1)), "[]"]

    batch = read(LiteLLM(), json_lines(log, lines))

    assert requests(batch, "request_id") == [("a",)]
    assert rejects(batch) == [
        (2, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
        (4, 'input_tokens is "-1": a count cannot be negative. Correct the log, or leave the value empty.'),
        (5, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
    ]
