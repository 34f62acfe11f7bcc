"""Bedrock's log of model invocations."""

from __future__ import annotations

from pathlib import Path

from tests.source_rows import Row, json_lines, read, rejects, requests
from usagecost.sources import SOURCES, Head
from usagecost.sources.mapped import gateway

ENTRY = {
    "schemaType": "ModelInvocationLog",
    "schemaVersion": "1.0",
    "timestamp": "2026-05-04T10:00:00Z",
    "accountId": "111122223333",
    "identity": {"arn": "arn:aws:sts::111122223333:assumed-role/app/i-1"},
    "region": "us-east-1",
    "requestId": "r-1",
    "operation": "Converse",
    "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "input": {"inputTokenCount": 10, "cacheReadInputTokenCount": 8000, "cacheWriteInputTokenCount": 500, "inputBodyJson": {}},
    "output": {"outputTokenCount": 120, "outputBodyJson": {"stopReason": "end_turn", "metrics": {"latencyMs": 812}}},
}


def entry(**fields: object) -> Row:
    return {**ENTRY, **fields}


def test_an_entry_is_a_request_with_all_input_and_the_regional_model(tmp_path: Path):
    batch = read(gateway("bedrock"), json_lines(tmp_path / "log.json", [ENTRY]))

    assert rejects(batch) == []
    columns = ("request_id", "provider", "model", "status", "input_tokens", "cache_read_tokens", "cache_write_tokens")
    assert requests(batch, *columns, "output_tokens") == [
        ("r-1", "aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "success", 8510, 8000, 500, 120)
    ]
    assert requests(batch, "user_id", "project", "duration_ms") == [(ENTRY["identity"]["arn"], ENTRY["accountId"], 812.0)]
    assert [source.name for source in SOURCES if source.recognise(Head.of(tmp_path / "log.json"))] == ["bedrock"]


def test_a_body_says_which_writes_are_kept_for_an_hour(tmp_path: Path):
    of_messages = {"usage": {"cache_creation": {"ephemeral_1h_input_tokens": 70}}}
    of_converse = {"usage": {"cacheDetails": [{"ttl": "5m", "inputTokens": 1}, {"ttl": "1h", "inputTokens": 60}]}}
    of_stream = [{"type": "message_start", "message": of_messages}, {"type": "message_stop"}]
    bodies = [of_messages, of_converse, of_stream, [{"type": "message_start"}]]
    lines = [entry(output={"outputTokenCount": 1, "outputBodyJson": body}) for body in bodies]

    batch = read(gateway("bedrock"), json_lines(tmp_path / "log.json", lines))

    assert requests(batch, "cache_write_1h_tokens") == [(70,), (60,), (70,), (None,)]


def test_failures_arns_and_other_entries(tmp_path: Path):
    profile = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/eu.amazon.nova-pro-v1:0"
    lines = [
        entry(errorCode="ThrottlingException", output=None, input={"inputTokenCount": None}),
        entry(modelId=profile, operation="ConverseStream"),
        {"schemaType": "Permissions check"},
    ]

    batch = read(gateway("bedrock"), json_lines(tmp_path / "log.json", lines))

    assert requests(batch, "status", "error_class", "model", "output_tokens", "is_streaming") == [
        ("error", "ThrottlingException", ENTRY["modelId"], None, False),
        ("success", None, "eu.amazon.nova-pro-v1:0", 120, True),
    ]
    assert {reason for _, reason in batch.skips} == {"no invocation of a model"}
