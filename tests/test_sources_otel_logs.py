"""Log records of OTLP: what coding agents and the conventions tell of calls, beside spans of the same calls or without them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.otlp import STARTED, TRACE, Values, export, pairs, span
from tests.receiver import as_protobuf, stored
from tests.source_rows import json_lines, read, rejects, requests
from usagecost.ingest import ingest
from usagecost.ingest.receiver.otlp import lines_of_json, lines_of_protobuf
from usagecost.lake import Lake
from usagecost.schema import REQUESTS
from usagecost.sources.otel import OpenTelemetry

RECORDED = Path(__file__).parent / "clients" / "recorded"
CLAUDE, CODEX = "com.anthropic.claude_code.events", "codex_otel.log_only"
ENDED = STARTED + 1_000_000_000
AT = "2026-02-10T01:25:41.000Z"
"""The same moment."""


def log(name: str, attributes: Values | None = None, **fields: Any) -> Values:
    """A log record of the moment at which spans of tests/otlp.py end; a field that is given as None is left out of it."""
    whole = {
        "timeUnixNano": str(ENDED),
        "observedTimeUnixNano": str(ENDED),
        "body": {"stringValue": "a secret"},
        "attributes": pairs({"event.name": name, **(attributes or {})}),
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not None}


def logs(*records: Values, scope: str = "", service: str = "agent") -> Values:
    """One line: an export of some log records of one scope."""
    part = {"scope": {"name": scope}, "logRecords": list(records)}
    return {"resourceLogs": [{"resource": {"attributes": pairs({"service.name": service})}, "scopeLogs": [part]}]}


CLAUDE_ANSWER = {
    "session.id": "s",
    "event.timestamp": AT,
    "event.sequence": 3,
    "user.id": "hash",
    "user.email": "ann@example.com",
    "organization.id": "org",
    "terminal.type": "vscode",
    "model": "claude-sonnet-4-5-20250929",
    "input_tokens": 3200,
    "output_tokens": 26,
    "cache_read_tokens": 1800,
    "cache_creation_tokens": 300,
    "cost_usd": 0.011655,
    "duration_ms": 250,
    "speed": "fast",
    "query_source": "subagent",
}
CODEX_ANSWER = {
    "event.timestamp": AT,
    "conversation.id": "s",
    "event.kind": "response.completed",
    "user.account_id": "acc",
    "model": "gpt-5-codex",
    "input_token_count": "2100",
    "output_token_count": "640",
    "cached_token_count": 1920,
    "reasoning_token_count": 576,
    "tool_token_count": "2740",
}
GEMINI_ANSWER = {
    "event.timestamp": AT,
    "session.id": "s",
    "user.email": "ann@example.com",
    "model": "gemini-2.5-pro",
    "duration_ms": 250,
    "input_token_count": 100,
    "output_token_count": 64,
    "cached_content_token_count": 40,
    "thoughts_token_count": 576,
    "tool_token_count": 11,
    "total_token_count": 751,
    "http.status_code": 200,
}
QWEN_ANSWER = {
    **{name: GEMINI_ANSWER[name] for name in ("event.timestamp", "session.id", "duration_ms")},
    "model": "qwen3-coder-plus",
    "response_id": "chatcmpl-1",
    "input_token_count": 100,
    "output_token_count": 640,
    "cached_content_token_count": 40,
    "thoughts_token_count": 576,
    "total_token_count": 740,
}
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens")


@pytest.mark.parametrize(
    ("scope", "event", "attributes", "tokens", "others"),
    [
        # 3200 + 1800 + 300 of input
        (CLAUDE, "api_request", CLAUDE_ANSWER, (5300, 1800, 300, 26, None),
         ("ann@example.com", "anthropic", "claude-sonnet-4-5-20250929", None, 250.0, Decimal("0.011655"), "fast")),
        (CODEX, "codex.sse_event", CODEX_ANSWER, (2100, 1920, None, 640, 576),
         ("acc", None, "gpt-5-codex", "gpt-5-codex", None, None, None)),
        # 100 + 11 of input, 64 + 576 of output; 751 in all
        ("gemini-cli", "gemini_cli.api_response", GEMINI_ANSWER, (111, 40, None, 640, 576),
         ("ann@example.com", "google", "gemini-2.5-pro", None, 250.0, None, None)),
        # the total is 100 + 640: output includes thoughts
        ("qwen-code", "qwen-code.api_response", QWEN_ANSWER, (100, 40, None, 640, 576),
         (None, None, "qwen3-coder-plus", None, 250.0, None, None)),
        # the total is 100 + 64 + 576: output leaves thoughts out
        ("qwen-code", "qwen-code.api_response", {**QWEN_ANSWER, "output_token_count": 64}, (100, 40, None, 640, 576),
         (None, None, "qwen3-coder-plus", None, 250.0, None, None)),
    ],
)  # fmt: skip
def test_an_answer_that_an_agent_tells(
    tmp_path: Path, scope: str, event: str, attributes: Values, tokens: tuple[Any, ...], others: tuple[Any, ...]
):
    batch = read(OpenTelemetry(), json_lines(tmp_path / "a", [logs(log(event, attributes), scope=scope)]))

    assert requests(batch, *TOKENS) == [tokens]
    names = ("user_id", "provider", "model", "requested_model", "duration_ms", "reported_cost_usd", "speed")
    assert requests(batch, *names) == [others]
    started = datetime(2026, 2, 10, 1, 25, 40, 750_000, UTC) if others[4] else datetime(2026, 2, 10, 1, 25, 41, tzinfo=UTC)
    assert requests(batch, "session_id", "app", "status", "operation", "trace_id", "units", "started_at") == [
        ("s", "agent", "success", "chat", None, None, started)
    ]


def test_what_else_claude_code_says_is_kept(tmp_path: Path):
    batch = read(OpenTelemetry(), json_lines(tmp_path / "a", [logs(log("api_request", CLAUDE_ANSWER), scope=CLAUDE)]))

    ((kept,),) = requests(batch, "attributes")
    assert json.loads(kept) == {
        "span": "claude_code.api_request",
        "scope": CLAUDE,
        "query_source": "subagent",
        "terminal": "vscode",
        "organization": "org",
    }


FAILURES = [
    (CLAUDE, "api_error", {"model": "claude-opus-4-1", "status_code": "529", "attempt": 4, "error": "a secret"}, 529, "error"),
    (CODEX, "codex.api_request", {"model": "o3", "http.response.status_code": 429, "endpoint": "/responses"}, 429, "error"),
    (CODEX, "codex.api_request", {"model": "o3"}, None, "error"),
    (CODEX, "codex.sse_event", {"model": "o3", "event.kind": "response.completed", "error.message": "a secret"}, None, "error"),
    ("gemini-cli", "gemini_cli.api_error", {"model": "gemini-2.5-pro", "http.status_code": 503}, 503, "error"),
    ("qwen-code", "qwen-code.api_error", {"model": "qwen3", "error.type": "AbortError"}, None, "cancelled"),
]


@pytest.mark.parametrize(("scope", "event", "attributes", "http_status", "status"), FAILURES)
def test_a_call_that_an_agent_says_has_failed(
    tmp_path: Path, scope: str, event: str, attributes: Values, http_status: int | None, status: str
):
    path = json_lines(tmp_path / "a", [logs(log(event, {"event.timestamp": AT, **attributes}), scope=scope)])

    found = requests(read(OpenTelemetry(), path), "model", "http_status", "status", "input_tokens", "output_tokens", "attributes")

    assert [row[:-1] for row in found] == [(attributes["model"], http_status, status, None, None)]
    assert "secret" not in found[0][-1]


def test_counts_of_0_where_an_answer_had_none_are_not_known(tmp_path: Path):
    nothing = {name: 0 for name in GEMINI_ANSWER if name.endswith("_count")}
    path = json_lines(tmp_path / "a", [logs(log("gemini_cli.api_response", GEMINI_ANSWER | nothing), scope="gemini-cli")])

    assert requests(read(OpenTelemetry(), path), "status", *TOKENS) == [("success", None, None, None, None, None)]


def test_every_log_record_is_used_skipped_with_a_reason_or_rejected(tmp_path: Path):
    path = json_lines(
        tmp_path / "a",
        [
            logs(log("user_prompt"), log("tool_result"), log("api_request", CLAUDE_ANSWER), scope=CLAUDE),
            logs(
                log("codex.sse_event", {"event.kind": "response.completed", "duration_ms": 1}),
                log("codex.sse_event", {"event.kind": "response.failed", "error.message": "x"}),
                log("codex.api_request", {"http.response.status_code": 200}),
                log("codex.api_request", {"http.response.status_code": 404, "endpoint": "/models"}),
                scope=CODEX,
            ),
            logs(log("gen_ai.client.inference.operation.details", {"gen_ai.usage.input_tokens": 1}), scope="gemini-cli"),
            logs(log("login"), {"attributes": None}),
            logs(log("api_request", {"model": "m"}, timeUnixNano="0", observedTimeUnixNano=None), scope=CLAUDE),
            {"resourceMetrics": []},
        ],
    )

    batch = read(OpenTelemetry(), path)

    assert {reason: count for (_, reason), count in batch.skips.items()} == {
        f"log record of scope {CLAUDE} that calls no model": 2,
        f"log record of scope {CODEX} that calls no model": 4,
        "log record of a call that another log record tells with more": 1,
        "log record of no scope that calls no model": 2,
        "blank line or column names": 1,
    }
    assert [line for line, _ in rejects(batch)] == [5]
    assert batch.lines == batch.requests.num_rows + batch.skipped + batch.rejects.num_rows == 12


# ---- one call is one request


def lake_of(lines: Iterable[Iterable[Values]], columns: str) -> list[Any]:
    """Ingest some batches of lines one after the other; returns the requests."""
    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder, "lake"))
        for number, batch in enumerate(lines):
            ingest([json_lines(Path(folder, f"{number}.jsonl"), list(batch))], lake)
        return stored(lake, columns)


KEPT = "request_id, started_at, model, status, input_tokens, output_tokens, reported_cost_usd, attributes"


@cache
def recorded() -> tuple[list[Values], list[Any]]:
    """The lines of three recordings of agents that write both log records and spans, and their requests in a lake."""
    names = ("claude-code", "codex", "gemini-cli")
    lines = [json.loads(line) for name in names for line in (RECORDED / f"{name}.jsonl").read_text().splitlines()]
    return lines, lake_of([lines], KEPT)


@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_a_recorded_call_counts_once_in_any_order_and_however_often(data: st.DataObject):
    lines, expected = recorded()
    order = data.draw(st.permutations(range(len(lines))))
    cut = data.draw(st.integers(1, len(lines)))

    found = lake_of([[lines[index] for index in part] for part in (order[:cut], order[cut // 2 :])], KEPT)

    assert found == expected
    assert len(found) == 9


ANSWER_ID = "req_011CSHoEeqs5C35K2UUqR7Fy"
FAILED = {"input_tokens": None, "output_tokens": None, "success": False}
LOG, SPAN, ERROR = "claude_code.api_request", "claude_code.llm_request", "claude_code.api_error"
MEETINGS = [
    # the same request id, or another
    ({"gen_ai.response.id": ANSWER_ID}, "api_request", {"request_id": ANSWER_ID}, [LOG]),
    ({"gen_ai.response.id": f"{ANSWER_ID}a"}, "api_request", {"request_id": f"{ANSWER_ID}b", "input_tokens": 1}, [LOG, SPAN]),
    # none, as of Bedrock: the session, the counts and the moment
    ({}, "api_request", {}, [LOG]),
    ({"session.id": "another"}, "api_request", {}, [LOG, SPAN]),
    ({}, "api_request", {"output_tokens": 27}, [LOG, SPAN]),
    # what failed
    (FAILED | {"gen_ai.response.id": f"{ANSWER_ID}c"}, "api_error", {"request_id": f"{ANSWER_ID}c"}, [ERROR]),
    (FAILED, "api_error", {}, [ERROR]),
]
"""What a span of Claude Code says, and a log record and what it says -> what the requests are made of."""


def claude_span(number: int, said: Values) -> Values:
    usage = {"session.id": f"s{number}", "input_tokens": 3200, "output_tokens": 26, "gen_ai.request.model": "claude-sonnet-4-5"}
    attributes = {name: value for name, value in (usage | said).items() if value is not None}
    whole = span(1, None, attributes, name=SPAN, traceId=f"{number:032x}")
    return export(whole, resource={"service.name": "agent"}, scope={"name": "com.anthropic.claude_code.tracing"})


def claude_log(number: int, event: str, said: Values) -> Values:
    usage = CLAUDE_ANSWER if event == "api_request" else {"event.timestamp": AT, "status_code": "500"}
    return logs(log(event, usage | {"session.id": f"s{number}"} | said), scope=CLAUDE)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_log_record_and_a_span_of_one_call_are_one_request(order: tuple[int, ...]):
    spans = [claude_span(number, said) for number, (said, *_) in enumerate(MEETINGS, 1)]
    records = [claude_log(number, event, said) for number, (_, event, said, _) in enumerate(MEETINGS, 1)]

    found = lake_of([(spans, records)[which] for which in order], "coalesce(session_id, ''), attributes->>'span'")

    names = [(f"s{number}", name) for number, (*_, expected) in enumerate(MEETINGS, 1) for name in expected]
    assert found == sorted([*set(names) - {("s4", SPAN)}, ("another", SPAN)])


def test_a_span_that_began_in_the_hour_before_with_what_was_tried_first_meets_its_log_record():
    tried = claude_span(1, {"gen_ai.response.id": ANSWER_ID})
    hour = STARTED // 3_600_000_000_000 * 3_600_000_000_000
    tried["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["startTimeUnixNano"] = str(hour - 1)
    answered = claude_log(1, "api_request", {"request_id": ANSWER_ID, "event.timestamp": "2026-02-10T01:00:05.000Z"})

    assert lake_of([[tried], [answered]], "attributes->>'span'") == [LOG]


DETAILS = "gen_ai.client.inference.operation.details"
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
USAGE = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 7}


SPAN_WINS, EVENT_WINS, NO_TOKENS = (100, "chat gpt-4o", 1000.0), (100, DETAILS, None), (None, "chat gpt-4o", 1000.0)
TOLD = [
    (USAGE, USAGE, SPAN_WINS),
    (USAGE, {}, SPAN_WINS),
    ({}, USAGE, EVENT_WINS),
    (USAGE | {"gen_ai.response.id": ANSWER_ID}, USAGE | {"gen_ai.response.id": ANSWER_ID}, SPAN_WINS),
    ({"error.type": "429"}, {"error.type": "429"}, NO_TOKENS),
]
"""What a span says, and the conventions' event in it -> the request."""


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_conventions_event_and_its_span_are_one_request(order: tuple[int, ...]):
    spans = [
        export(span(1, None, CALL | said, traceId=f"{number:032x}"), resource={"service.name": "agent"})
        for number, (said, *_) in enumerate(TOLD, 1)
    ]
    events = [
        logs(log(DETAILS, CALL | said, traceId=f"{number:032x}", spanId=f"{1:016x}")) for number, (_, said, _) in enumerate(TOLD, 1)
    ]

    found = lake_of([(spans, events)[which] for which in order], "trace_id, input_tokens, attributes->>'span', duration_ms")

    assert [row[1:] for row in found] == [expected for *_, expected in TOLD]


def test_the_conventions_event_alone_is_a_request_and_may_have_its_name_as_a_field():
    alone = [log(DETAILS, CALL | USAGE), log("", CALL | USAGE, eventName=DETAILS, timeUnixNano=str(ENDED + 1))]

    assert lake_of([[logs(*alone)]], "input_tokens, model, duration_ms, trace_id") == [(100, "gpt-4o", None, None)] * 2


# ---- the receiver

SENT = logs(
    log("api_request", CLAUDE_ANSWER | {"prompt": "a secret"}, traceId=TRACE, spanId=f"{1:016x}"),
    log("user_prompt", {"prompt": "a secret"}),
    scope=CLAUDE,
)
COLUMNS = [column for column in REQUESTS.names if column not in ("source_file", "ingest_id", "ingested_at")]


@pytest.mark.parametrize("is_json", [True, False])
def test_of_log_records_the_receiver_keeps_what_is_read(tmp_path: Path, is_json: bool):
    body = json.dumps(SENT).encode()
    kept = lines_of_json(body, "logs") if is_json else lines_of_protobuf(as_protobuf(SENT), "logs")
    (tmp_path / "kept").write_bytes(kept)
    (tmp_path / "sent").write_bytes(body + b"\n")

    of_kept, of_sent = (read(OpenTelemetry(), tmp_path / name) for name in ("kept", "sent"))

    assert b"secret" not in kept
    assert of_sent.requests.num_rows == 1
    assert requests(of_kept, *COLUMNS) == requests(of_sent, *COLUMNS)
    assert of_kept.skipped == of_sent.skipped == 1
