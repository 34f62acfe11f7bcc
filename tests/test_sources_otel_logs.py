"""Log records of OTLP: what coding agents and the conventions tell of calls, beside spans of the same calls or without them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.claims import Claims, says
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
DETAILS = "gen_ai.client.inference.operation.details"
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
USAGE = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 7}

TOKENS = "input_tokens cache_read_tokens cache_write_tokens output_tokens output_reasoning_tokens"
SAID = (
    f"{TOKENS} user_id provider model requested_model duration_ms reported_cost_usd speed session_id app status operation "
    "started_at"
)
QUARTER, MOMENT = "2026-02-10T01:25:40.750000+00:00", "2026-02-10T01:25:41+00:00"


def told(scope: str, event: str, attributes: Values) -> Values:
    """A log record of an agent."""
    return logs(log(event, {"event.timestamp": AT, **attributes}), scope=scope)


def answer(scope: str, event: str, attributes: Values, *expected: object) -> tuple[Values, tuple[object, ...]]:
    """A case of an answer that an agent of session s tells."""
    return told(scope, event, attributes), (*expected[:-1], "s", "agent", "success", "chat", expected[-1])


CLAIMS = Claims(
    OpenTelemetry,
    {
        "an answer that an agent tells": says(
            SAID,
            answer(  # 3200 + 1800 + 300 of input
                CLAUDE, "api_request", CLAUDE_ANSWER, 5300, 1800, 300, 26, None,
                "ann@example.com", "anthropic", "claude-sonnet-4-5-20250929", None, 250.0, Decimal("0.011655"), "fast", QUARTER,
            ),
            answer(
                CODEX, "codex.sse_event", CODEX_ANSWER, 2100, 1920, None, 640, 576,
                "acc", None, "gpt-5-codex", "gpt-5-codex", None, None, None, MOMENT,
            ),
            answer(  # 100 + 11 of input, 64 + 576 of output; 751 in all
                "gemini-cli", "gemini_cli.api_response", GEMINI_ANSWER, 111, 40, None, 640, 576,
                "ann@example.com", "google", "gemini-2.5-pro", None, 250.0, None, None, QUARTER,
            ),
            answer(  # the total is 100 + 640: output includes thoughts
                "qwen-code", "qwen-code.api_response", QWEN_ANSWER, 100, 40, None, 640, 576,
                None, None, "qwen3-coder-plus", None, 250.0, None, None, QUARTER,
            ),
            answer(  # the total is 100 + 64 + 576: output leaves thoughts out
                "qwen-code", "qwen-code.api_response", {**QWEN_ANSWER, "output_token_count": 64}, 100, 40, None, 640, 576,
                None, None, "qwen3-coder-plus", None, 250.0, None, None, QUARTER,
            ),
        ),
        "what else Claude Code says is kept": says(
            "attributes",
            (
                told(CLAUDE, "api_request", CLAUDE_ANSWER),
                {
                    "span": "claude_code.api_request", "scope": CLAUDE, "query_source": "subagent", "terminal": "vscode",
                    "organization": "org",
                },
            ),
        ),
        "a call that an agent says has failed": says(
            f"model http_status status {TOKENS}",
            *(
                (told(scope, event, {"model": model, **said}), (model, http_status, status, None, None, None, None, None))
                for scope, event, model, said, http_status, status in (
                    (CLAUDE, "api_error", "claude-opus-4-1", {"status_code": "529", "error": "a secret"}, 529, "error"),
                    (CODEX, "codex.api_request", "o3", {"http.response.status_code": 429, "endpoint": "/responses"}, 429, "error"),
                    (CODEX, "codex.api_request", "o3", {}, None, "error"),
                    (CODEX, "codex.sse_event", "o3", {"event.kind": "response.completed", "error.message": "x"}, None, "error"),
                    ("gemini-cli", "gemini_cli.api_error", "gemini-2.5-pro", {"http.status_code": 503}, 503, "error"),
                    ("qwen-code", "qwen-code.api_error", "qwen3", {"error.type": "AbortError"}, None, "cancelled"),
                )
            ),
        ),
        "counts of 0 where an answer had none are not known": says(
            f"status {TOKENS}",
            (
                told("gemini-cli", "gemini_cli.api_response",
                     GEMINI_ANSWER | {name: 0 for name in GEMINI_ANSWER if name.endswith("_count")}),
                ("success", None, None, None, None, None),
            ),
        ),
        "the conventions' event alone is a request and may have its name as a field": says(
            "input_tokens model duration_ms trace_id",
            (
                logs(log(DETAILS, CALL | USAGE), log("", CALL | USAGE, eventName=DETAILS, timeUnixNano=str(ENDED + 1))),
                [(100, "gpt-4o", None, None)] * 2,
            ),
        ),
    },
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_log_record_is_read_as_claimed(claim: str):
    assert CLAIMS.actual(claim) == CLAIMS.expected(claim)


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


@settings(max_examples=2, deadline=None)
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


SPAN_WINS, EVENT_WINS, NO_TOKENS = (100, "chat gpt-4o", 1000.0), (100, DETAILS, None), (None, "chat gpt-4o", 1000.0)
OTHER_ID = "chatcmpl-Cj4xu0Nus6lKWVVmxlb7TZTsMizLD"
TOLD = [
    (USAGE, USAGE, SPAN_WINS),
    (USAGE, {}, SPAN_WINS),
    ({}, USAGE, EVENT_WINS),
    (USAGE | {"gen_ai.response.id": OTHER_ID}, USAGE | {"gen_ai.response.id": OTHER_ID}, SPAN_WINS),
    ({"error.type": "429"}, {"error.type": "429"}, NO_TOKENS),
]
"""What a span says, and the conventions' event in it -> the request."""


def the_hour_before() -> list[list[Values]]:
    """A span that began in the hour before, with what was tried first, and the log record of its call."""
    tried = claude_span(8, {"gen_ai.response.id": f"{ANSWER_ID}h"})
    hour = STARTED // 3_600_000_000_000 * 3_600_000_000_000
    tried["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["startTimeUnixNano"] = str(hour - 1)
    return [[tried], [claude_log(8, "api_request", {"request_id": f"{ANSWER_ID}h", "event.timestamp": "2026-02-10T01:00:05.000Z"})]]


@pytest.fixture(scope="module", params=[(0, 1), (1, 0)], ids=["spans first", "log records first"])
def met(request: pytest.FixtureRequest) -> list[tuple[Any, ...]]:
    """Session, trace, name, input and duration of the requests of spans and of log records that came one after the other."""
    claude = enumerate(MEETINGS, 1)
    agents = [(claude_span(number, span_says), claude_log(number, event, says)) for number, (span_says, event, says, _) in claude]
    conventions = [
        (
            export(span(1, None, CALL | span_says, traceId=f"{number:032x}"), resource={"service.name": "agent"}),
            logs(log(DETAILS, CALL | event_says, traceId=f"{number:032x}", spanId=f"{1:016x}")),
        )
        for number, (span_says, event_says, _) in enumerate(TOLD, 100)
    ]
    early_span, early_log = the_hour_before()
    spans, records = (list(part) for part in zip(*agents, *conventions, strict=True))
    kinds = [*spans, *early_span], [*records, *early_log]
    return lake_of([kinds[kind] for kind in request.param], "session_id, trace_id, attributes->>'span', input_tokens, duration_ms")


def test_a_log_record_and_a_span_of_one_call_are_one_request(met: list[tuple[Any, ...]]):
    names = [(f"s{number}", name) for number, (*_, expected) in enumerate(MEETINGS, 1) for name in expected]

    assert sorted((session, name) for session, _, name, *_ in met if session) == sorted(
        [*set(names) - {("s4", SPAN)}, ("another", SPAN), ("s8", LOG)]
    )


def test_the_conventions_event_and_its_span_are_one_request(met: list[tuple[Any, ...]]):
    by_trace = sorted((trace, tokens, name, duration) for session, trace, name, tokens, duration in met if not session)

    assert [row[1:] for row in by_trace] == [expected for *_, expected in TOLD]


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
