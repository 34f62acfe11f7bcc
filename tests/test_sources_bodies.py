"""Provider responses: what each provider's usage counts, which request a body is, and how it ended."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.source_rows import Row, each, json_lines, read, read_each, reading_of, rejects, requests
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import SOURCES, Head
from usagecost.sources.bodies import Bodies

reading = reading_of(Bodies)

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens")
PARTS = ("output_reasoning_tokens", "input_audio_tokens", "output_audio_tokens")
KINDS = ("cache_audio_read_tokens", "input_image_tokens", "cache_image_read_tokens", "output_image_tokens")

CHAT = {
    "id": "chatcmpl-Bx1",
    "object": "chat.completion",
    "created": 1777629600,
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a secret"}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 8, "audio_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 3},
    },
    "service_tier": "priority",
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "error": None,
    "model": "gpt-5-2025-08-07",
    "metadata": {},
    "usage": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 8},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 130,
    },
}
MESSAGE = {
    "id": "msg_01",
    "type": "message",
    "model": "claude-opus-4-6",
    "content": [{"type": "text", "text": "a secret"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 3,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 13, "ephemeral_1h_input_tokens": 7},
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 4},
        "service_tier": "standard",
    },
}
CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "a secret"}]}},
    "stopReason": "end_turn",
    "metrics": {"latencyMs": 812},
    "usage": {
        "inputTokens": 3,
        "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 20,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 13}, {"ttl": "1h", "inputTokens": 7}],
        "outputTokens": 5,
        "totalTokens": 128,
    },
    "ResponseMetadata": {"RequestId": "b-1", "HTTPStatusCode": 200},
}
GEMINI = {
    "responseId": "g-1",
    "modelVersion": "gemini-2.5-pro",
    "candidates": [{"content": {"parts": [{"text": "a secret"}]}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "toolUsePromptTokenCount": 11,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 10,
        "totalTokenCount": 141,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 95}, {"modality": "AUDIO", "tokenCount": 5}],
    },
}


def line(body: object, **fields: object) -> Row:
    return {"timestamp": "2026-05-01T10:00:00Z", "body": body, **fields}


def with_usage(body: Row, **counts: object) -> Row:
    return {**body, "usage": {**body["usage"], **counts}}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "responses.jsonl"


# ---- what the usage of each provider counts


@reading.each
def test_the_usage_of_each_provider_is_counted_as_it_says_it():
    snake = {"prompt_token_count": 100, "cached_content_token_count": 40, "tool_use_prompt_token_count": 11}
    snake |= {"candidates_token_count": 20, "thoughts_token_count": 10}
    snake |= {"prompt_tokens_details": [{"modality": "AUDIO", "token_count": 5}]}
    thoughts = {"promptTokenCount": 9, "thoughtsTokenCount": 71, "totalTokenCount": 80}
    cases: list[tuple[Row, tuple, tuple]] = [
        (line(CHAT), (100, 40, 8, None, 30), (20, 5, 3)),  # OpenAI counts every part in its whole
        (line(RESPONSE), (100, 40, 8, None, 30), (20, None, None)),
        (line(MESSAGE), (123, 100, 20, 7, 5), (4, None, None)),  # Anthropic and Bedrock count cache reads and writes apart
        (line(CONVERSE, model="anthropic.claude-opus-4-6-v1:0"), (123, 100, 20, 7, 5), (None, None, None)),
        # without a total of cache writes they are the sum of their lifetimes
        (line(with_usage(MESSAGE, cache_creation_input_tokens=None)), (123, 100, 20, 7, 5), (4, None, None)),
        (line(GEMINI), (111, 40, None, None, 30), (10, 5, None)),  # Gemini counts thoughts and tool results apart
        (line({"responseId": "g-2", "usage_metadata": snake}), (111, 40, None, None, 30), (10, 5, None)),
        (line({"responseId": "g-1", "usageMetadata": thoughts}), (9, None, None, None, 71), (71, None, None)),
        *(
            (line(with_usage(CHAT, prompt_tokens_details=None, **reads)), (100, 64, None, None, 30), (20, None, 3))
            for reads in ({"prompt_cache_hit_tokens": 64}, {"cached_tokens": 64})
        ),
    ]

    found = each((yield (body for body, *_ in cases)), *TOKENS, *PARTS)

    assert found == [tokens + parts for _, tokens, parts in cases]


@reading.each
def test_reasoning_that_is_beside_the_completion_is_added_to_it():
    cases = [
        ({"total_tokens": 130}, 30),  # as OpenAI says it: 100 + 30
        ({"total_tokens": 150}, 50),  # as xAI does: 100 + 30 + 20
        ({"total_tokens": None}, 30),
        ({"total_tokens": 7196, "completion_tokens_details": None, "reasoning_tokens": 50, "citation_tokens": 9}, 80),
    ]

    found = each((yield (line(with_usage(CHAT, **counts)) for counts, _ in cases)), "output_tokens")

    assert found == [(output,) for _, output in cases]


@reading
def test_what_is_not_told_is_null():
    embedding = {"object": "list", "model": "text-embedding-3-small", "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    silent = {"id": "chatcmpl-Bx2", "model": "gpt-4o", "choices": []}

    batch = yield [line(embedding), line(silent)]

    assert requests(batch, *TOKENS) == [(4, None, None, None, None), (None,) * 5]
    assert requests(batch, "operation", "status") == [("embeddings", "success"), (None, "success")]


@reading.each
def test_counts_stand_in_the_body_itself_at_ollama_and_of_some_models_of_bedrock():
    cases: list[tuple[Row, tuple[int | None, int | None, str]]] = [
        ({"done": True, "prompt_eval_count": 26, "eval_count": 298, "total_duration": 5_000_000}, (26, 298, "chat")),
        ({"generation": "x", "prompt_token_count": 12, "generation_token_count": 34}, (12, 34, "chat")),
        ({"inputTextTokenCount": 7, "results": [{"tokenCount": 5}]}, (7, 5, "chat")),
        ({"inputTextTokenCount": 7, "embedding": [0.1]}, (7, None, "embeddings")),
    ]

    found = each((yield (line(body, model="m") for body, _ in cases)), "input_tokens", "output_tokens", "operation")

    assert found == [counts for _, counts in cases]


def test_usage_is_found_where_some_have_it(log: Path):
    usage = {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130, "cached_tokens": 40}
    nova = {"inputTokens": 3, "cacheReadInputTokenCount": 100, "cacheWriteInputTokenCount": 20, "outputTokens": 5}
    dashscope = {"input_tokens": 100, "output_tokens": 30, "prompt_tokens_details": {"cached_tokens": 40}}
    cases = [
        ([{"choices": [{"delta": {}}]}, {"choices": [{"finish_reason": "stop"}], "x_groq": {"usage": usage}}], (100, 40, None, 30)),
        ([{"choices": [{"delta": {}}]}, {"choices": [{"finish_reason": "stop", "usage": usage}]}], (100, 40, None, 30)),
        ({"usage": nova}, (123, 100, 20, 5)),
        ({"output": {"text": "x"}, "usage": dashscope}, (100, 40, None, 30)),
    ]
    for body, _ in cases:
        assert Bodies().recognise(Head.of(json_lines(log, [line(body, model="m")])))

    lines = [line(body, model="m") for body, _ in cases]
    found = each(read_each(Bodies(), log.parent, lines), *TOKENS[:3], "output_tokens")

    assert found == [counts for _, counts in cases]


@reading.each
def test_gemini_leaves_out_a_count_of_nothing():
    blocked = {"promptTokenCount": 10, "totalTokenCount": 10}
    cut = {"promptTokenCount": 10}

    found = each((yield (line({**GEMINI, "usageMetadata": usage}) for usage in (blocked, cut))), "input_tokens", "output_tokens")

    assert found == [(10, 0), (10, None)]


@reading.each
def test_audio_that_mistral_bills_by_its_length_is_no_reasoning():
    body = with_usage(CHAT, prompt_audio_seconds=30, total_tokens=505, completion_tokens_details=None)

    assert each((yield [line(body)]), "input_tokens", "output_tokens", "output_reasoning_tokens") == [(100, 30, None)]


@reading
def test_cohere_is_counted_as_it_bills():
    usage = {"billed_units": {"input_tokens": 431, "output_tokens": 661}, "tokens": {"input_tokens": 2190, "output_tokens": 1257}}
    embedding = {"id": "c-2", "meta": {"billed_units": {"input_tokens": 4}}}

    batch = yield [line({"id": "c-1", "usage": usage}), line(embedding)]

    assert requests(batch, "provider", "operation", "input_tokens", "output_tokens") == [
        ("cohere", "chat", 431, 661),
        ("cohere", "embeddings", 4, None),
    ]


# ---- what a line says


@reading
def test_a_line_says_who_what_when_and_how_fast():
    who = {"user": "ada", "team": "search", "app": "bot", "environment": "production", "key": "team-key", "tags": ["a", "b"]}
    how = {"latency_ms": 1200.5, "ttft_ms": 90, "status": 200, "stream": True, "batch": True, "session_id": "s", "trace_id": "t"}

    batch = yield line(CHAT, model="gpt-4o", provider="azure", **who, **how)

    columns = ("request_id", "user_id", "team_id", "app", "environment", "virtual_key", "tags", "session_id", "trace_id")
    assert requests(batch, *columns) == [("chatcmpl-Bx1", "ada", "search", "bot", "production", "team-key", ["a", "b"], "s", "t")]
    assert requests(batch, "provider", "model", "requested_model", "operation", "status", "http_status") == [
        ("azure", "gpt-4o-2024-08-06", "gpt-4o", "chat", "success", 200)
    ]
    assert requests(batch, "duration_ms", "ttft_ms", "is_streaming", "is_batch", "service_tier") == [
        (1200.5, 90.0, True, True, "priority")
    ]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [1777629600000000]


@reading
def test_contents_and_secret_keys_are_not_kept():
    key = "sk-proj-0123456789abcdef"
    bodies = [CHAT, MESSAGE, CONVERSE, GEMINI, [CHAT, CHAT], json.dumps(MESSAGE)]

    batch = yield [line(body, key=key, prompt="a secret") for body in bodies]

    assert batch.requests.num_rows == 6
    assert "a secret" not in str(batch.requests.to_pylist())
    assert requests(batch, "virtual_key")[0] == ("a9c246e753fdbb2ad930db424c31e090a537ff6c9c791cca2f8a01221ea20b52",)


@reading
def test_a_body_tells_the_time_where_the_line_does_not():
    batch = yield [{"body": CHAT}, {"body": MESSAGE}]

    assert batch.requests["started_at"].cast("int64").to_pylist() == [1777629600000000]
    assert rejects(batch) == [
        (2, "started_at (column timestamp) is empty: a request needs the time when it was sent."),
    ]


@reading.each
def test_a_provider_is_named_only_where_the_body_shows_it():
    cases = [
        (CHAT, "openai"),
        (MESSAGE, "anthropic"),
        ({**MESSAGE, "id": "msg_bdrk_01"}, "aws"),
        ({**MESSAGE, "id": "msg_vrtx_01"}, "google"),
        ({**MESSAGE, "model": "MiniMax-M2"}, None),
        (CONVERSE, "aws"),
        (GEMINI, "google"),
        ({**CHAT, "prompt_filter_results": []}, "azure"),
        ({**CHAT, "model": "openai/gpt-oss-120b", "x_groq": {"id": "req_1"}}, "groq"),
        ({**CHAT, "model": "gpt-oss-120b"}, None),
        (with_usage({**CHAT, "model": "openai/gpt-5"}, cost=0.25, is_byok=False), "openrouter"),
        ({**CHAT, "model": "grok-4"}, "x-ai"),
        ({**CHAT, "model": "qwen3-32b"}, None),
    ]

    assert each((yield (line(body) for body, _ in cases)), "provider") == [(provider,) for _, provider in cases]


@reading
def test_what_openrouter_charged_is_the_reported_cost_with_an_own_keys_cost_upstream():
    own_key = {"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}
    bodies = [with_usage(CHAT, cost=0.25, is_byok=False), with_usage(CHAT, **own_key), CHAT]

    batch = yield map(line, bodies)

    assert requests(batch, "reported_cost_usd") == [(Decimal("0.25"),), (Decimal("0.21"),), (None,)]


@reading
def test_a_tier_named_batch_is_a_batch_and_no_tier():
    batch = yield [line(with_usage(MESSAGE, service_tier="batch")), line(MESSAGE)]

    assert requests(batch, "is_batch", "service_tier") == [(True, None), (None, "standard")]


# ---- which request it is


def test_the_responses_id_is_the_requests_else_the_lines_own(log: Path):
    nameless = {"model": "gpt-4o", "usage": CHAT["usage"]}
    lines = [line(CHAT, request_id="r-1"), line(nameless, request_id="r-2"), line(nameless, id="r-3"), line(nameless)]
    lines += [line(GEMINI), line(CONVERSE)]

    found = [request_id for (request_id,) in requests(read(Bodies(), json_lines(log, lines)), "request_id")]

    assert found[:3] == ["chatcmpl-Bx1", "r-2", "r-3"]
    assert found[3].endswith("-4")
    assert found[4:] == ["g-1", "b-1"]


@reading
def test_ids_of_three_digits_come_again_so_the_time_is_added():
    batch = yield line({**CHAT, "id": "chatcmpl-42"})

    assert requests(batch, "request_id") == [("chatcmpl-42@2026-05-01T10:00:00Z",)]


def test_of_a_polled_response_the_finished_one_is_the_request(log: Path, tmp_path: Path):
    begun = {**RESPONSE, "status": "in_progress", "usage": None}
    lake = Lake(tmp_path / "lake")

    report = ingest([json_lines(log, [line(begun), line(RESPONSE), line(begun)])], lake)

    assert (report.requests, report.duplicates) == (1, 2)
    assert requests(read(Bodies(), log), "status", "output_tokens") == [(None, None), ("success", 30), (None, None)]
    assert requests(read(Bodies(), log), "rank") == [(0,), (261,), (0,)]


# ---- streams


ANTHROPIC_STREAM = [
    {"type": "message_start", "message": with_usage(MESSAGE, output_tokens=1)},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a secret"}},
    {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 50}},
    {"type": "message_stop"},
]
CHAT_STREAM = [
    {**CHAT, "object": "chat.completion.chunk", "usage": None},
    {**CHAT, "object": "chat.completion.chunk", "choices": []},
]


@reading.each
def test_a_streams_later_parts_complete_earlier_ones():
    cases = [
        (ANTHROPIC_STREAM, ("msg_01", "claude-opus-4-6", 123, 50)),
        (CHAT_STREAM, ("chatcmpl-Bx1", "gpt-4o-2024-08-06", 100, 30)),
        ([{"response": {**RESPONSE, "usage": None}}, {"type": "response.completed", "response": RESPONSE}],
         ("resp_1", "gpt-5-2025-08-07", 100, 30)),
        ([{**GEMINI, "usageMetadata": {"promptTokenCount": 100}}, GEMINI], ("g-1", "gemini-2.5-pro", 111, 30)),
        ("".join(f"event: x\ndata: {json.dumps(part)}\n\n" for part in CHAT_STREAM) + "data: [DONE]\n\n",
         ("chatcmpl-Bx1", "gpt-4o-2024-08-06", 100, 30)),
    ]  # fmt: skip

    columns = ("request_id", "model", "input_tokens", "output_tokens", "is_streaming", "status")

    assert each((yield (line(body) for body, _ in cases)), *columns) == [(*expected, True, "success") for _, expected in cases]


@reading
def test_bedrocks_stream_tells_usage_and_time_at_its_end():
    end = {"metadata": {"usage": CONVERSE["usage"], "metrics": {"latencyMs": 812}}}

    batch = yield line([{"messageStart": {"role": "assistant"}}, end], model="amazon.nova-pro-v1:0")

    assert requests(batch, "provider", "model", "input_tokens", "duration_ms") == [("aws", "amazon.nova-pro-v1:0", 123, 812.0)]


@reading
def test_a_body_as_text_and_a_single_event_are_read_like_the_object():
    event = {"type": "response.completed", "response": RESPONSE}

    batch = yield [line(json.dumps(RESPONSE)), line(event), line(RESPONSE)]

    assert requests(batch, "request_id", *TOKENS) == [("resp_1", 100, 40, 8, None, 30)] * 3
    assert requests(batch, "is_streaming") == [(None,)] * 3


# ---- failures


@reading.each
def test_an_error_is_a_failed_request_with_its_class():
    cases = [
        ({"error": {"message": "m", "type": "tokens", "code": "rate_limit_exceeded"}}, "rate_limit_exceeded", None),
        ({"error": {"message": "m", "type": "invalid_request_error", "code": None}}, "invalid_request_error", None),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}, "request_id": "req_1"}, "overloaded_error", None),
        ({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}, "RESOURCE_EXHAUSTED", 429),
        ({"__type": "com.amazon.coral.service#ThrottlingException", "message": "m"}, "ThrottlingException", None),
        ({"Error": {"Code": "ThrottlingException", "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": 429}},
         "ThrottlingException", 429),
        ({"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, "BadRequestError", None),
        ({"error": "a sentence that is no class"}, None, None),
        ({"id": "resp_2", "status": "failed", "error": {"code": "server_error", "message": "m"}}, "server_error", None),
        ([{"type": "message_start", "message": MESSAGE}, {"type": "error", "error": {"type": "api_error"}}], "api_error", None),
        ({"type": "response.done", "response": {"id": "resp_3", "status": "failed", "usage": {"input_tokens": 0},
          "status_details": {"error": {"code": "rate_limit_exceeded"}}}}, "rate_limit_exceeded", None),
        ({"id": "m1", "model": "MiniMax-M2", "base_resp": {"status_code": 1002, "status_msg": "m"}}, "1002", None),
    ]  # fmt: skip

    found = each((yield (line(body) for body, *_ in cases)), "status", "error_class", "http_status")

    assert found == [("error", *expected) for _, *expected in cases]


@reading
def test_a_line_may_say_itself_that_a_request_failed():
    lines = [line(None, status="error", model="gpt-4o"), line("<html>Bad Gateway</html>", status=502), line({}, status_code=504)]
    lines += [line(CHAT, status=499), line({**RESPONSE, "status": "cancelled"})]

    batch = yield lines

    assert requests(batch, "status", "http_status") == [
        ("error", None), ("error", 502), ("error", 504), ("cancelled", 499), ("cancelled", None),
    ]  # fmt: skip
    assert requests(batch, "model")[0] == ("gpt-4o",)


# ---- every line is used, skipped or rejected


def test_what_is_no_answer_is_skipped_and_what_cannot_be_read_is_rejected(log: Path):
    lines = [
        line({"object": "list", "data": []}),
        {"timestamp": "2026-05-01T10:00:00Z", "event": "started"},
        line(None),
        line("<html>Bad Gateway</html>"),
        line(7),
        line(with_usage(CHAT, prompt_tokens=-1)),
        line({**GEMINI, "usageMetadata": {**GEMINI["usageMetadata"], "toolUsePromptTokenCount": "many"}}),
        "broken",
        line(CHAT),
    ]

    batch = read(Bodies(), json_lines(log, lines))

    unread = "body is no JSON object, nor a list or a stream of them: log the response as it came."
    assert (batch.requests.num_rows, batch.skipped) == (1, 3)
    assert [number for number, _ in rejects(batch)] == [4, 5, 6, 7, 8]
    assert [reason for _, reason in rejects(batch)][:2] == [unread, unread]
    assert 'input_tokens is "-1"' in rejects(batch)[2][1]
    assert 'input_tokens is "many"' in rejects(batch)[3][1]


@pytest.mark.parametrize("body", [CHAT, RESPONSE, MESSAGE, CONVERSE, GEMINI, ANTHROPIC_STREAM, json.dumps(CHAT), {"error": {}}])
def test_responses_are_recognised_by_their_content(log: Path, body: object):
    json_lines(log, [{"timestamp": "2026-05-01T10:00:00Z", "event": "started"}, line(body, model="gpt-4o")])

    assert [source.name for source in SOURCES if source.recognise(Head.of(log))] == ["bodies"]


@pytest.mark.parametrize("body", [{"stringValue": "a log record"}, "text", None, 7, {"usage": 7}, []])
def test_other_bodies_are_not_taken_for_responses(log: Path, body: object):
    assert Bodies().recognise(Head.of(json_lines(log, [line(body)]))) is None


# ---- the library's own reading of the same bodies

COUNTS = (*TOKENS, *PARTS, *KINDS)
PIECES = ("web_searches", "input_document_pages")
FLAVORS = {
    "chat": ("openai", "chat"),
    "responses": ("openai", "responses"),
    "messages": ("anthropic", "default"),
    "converse": ("aws", "default"),
    "gemini": ("google", "default"),
    "cohere": ("cohere", "default"),
}
"""How a body counts, and what the library calls it."""


def counted(row: Row) -> dict[str, int]:
    """A request's counts; as the library leaves out zeros, what is not told is 0 here."""
    return {name: row[name] or 0 for name in COUNTS}


def left_out(body: Row) -> dict[str, int]:
    """What the library leaves out: compactions, in an answer's iterations alone, and Gemini's thoughts, in a total alone."""
    usage = body.get("usage") or {}
    entries = [one for one in usage.get("iterations") or [] if one["type"] == "compaction"]
    read_, write = (sum(one[f"cache_{kind}_input_tokens"] for one in entries) for kind in ("read", "creation"))
    is_untold = str(body.get("model")).startswith("gemini") and "completion_tokens" in usage
    thoughts = usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"] if is_untold else 0
    return {
        "input_tokens": read_ + write + sum(one["input_tokens"] for one in entries),
        "cache_read_tokens": read_,
        "cache_write_tokens": write,
        "output_tokens": thoughts + sum(one["output_tokens"] for one in entries),
        "output_reasoning_tokens": thoughts,
    }


def test_recorded_bodies_count_as_they_are_known_to(tmp_path: Path):
    folder = os.environ.get("USAGECOST_REAL_DATA")
    if not folder:
        pytest.skip("USAGECOST_REAL_DATA names no folder with real logs")
    recorded = json.loads((Path(folder) / "genai-prices" / "usages.json").read_text())

    batch = read(
        Bodies(), json_lines(tmp_path / "bodies.jsonl", [line(one["body"], id=index) for index, one in enumerate(recorded)])
    )

    answers = [row for row in batch.requests.to_pylist() if ":call:" not in row["request_id"]]
    assert (len(answers), batch.rejects.num_rows, len(recorded)) == (1577, 0, 1577)
    assert batch.requests.num_rows == 1577 + 3  # the advisors that three answers asked
    for row in answers:
        body, known = (recorded[int(row["request_id"])][part] for part in ("body", "extracted"))
        provider, flavor = FLAVORS[json.loads(row["attributes"])["counting"]]
        flavor = "embeddings" if row["operation"] == "embeddings" else flavor
        by_flavor = {(one["provider_id"], one["api_flavor"]): usage["usage"] for usage in known for one in usage["extractors"]}
        expected = by_flavor[provider, flavor]
        added = left_out(body)
        assert counted(row) == {name: expected.get(name, 0) + added.get(name, 0) for name in COUNTS}, row
        units = dict(row["units"] or ())
        assert {name: units.get(name, 0) for name in PIECES} == {name: expected.get(name, 0) for name in PIECES}, row


count = st.integers(0, 10_000)


def maybe(**fields: st.SearchStrategy) -> st.SearchStrategy[Row]:
    """Objects with some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def usages(draw: st.DrawFn, flavor: str) -> Row:
    """A body of a flavor whose parts fit into their wholes."""
    read_, write, rest, reasoning, text, audio = (draw(count) for _ in range(6))
    if flavor == "chat":
        details = draw(maybe(cached_tokens=st.just(read_), cache_write_tokens=st.just(write), audio_tokens=st.just(rest)))
        output = draw(maybe(reasoning_tokens=st.just(reasoning), audio_tokens=st.just(text)))
        usage = {"prompt_tokens": read_ + write + rest, "completion_tokens": reasoning + text}
        usage |= {"prompt_tokens_details": details, "completion_tokens_details": output}
        return {"model": "m", "usage": usage | {"total_tokens": usage["prompt_tokens"] + usage["completion_tokens"]}}
    if flavor == "responses":
        details = draw(maybe(cached_tokens=st.just(read_), cache_write_tokens=st.just(write)))
        output = draw(maybe(reasoning_tokens=st.just(reasoning)))
        usage = {"input_tokens": read_ + write + rest, "output_tokens": reasoning + text}
        return {"model": "m", "usage": usage | {"input_tokens_details": details, "output_tokens_details": output}}
    if flavor == "messages":
        hour = draw(st.integers(0, write))
        usage = {"input_tokens": rest, "output_tokens": reasoning + text}
        usage |= draw(
            maybe(cache_read_input_tokens=st.just(read_), output_tokens_details=maybe(thinking_tokens=st.just(reasoning)))
        )
        split = {"ephemeral_1h_input_tokens": hour, "ephemeral_5m_input_tokens": write - hour}
        writes = draw(maybe(cache_creation=st.just(split))) | {"cache_creation_input_tokens": write}
        return {"model": "claude-opus-4-6", "usage": usage | draw(st.sampled_from([{}, writes]))}
    if flavor == "converse":
        split = [{"ttl": "1h", "inputTokens": write}]
        writes = draw(maybe(cacheDetails=st.just(split))) | {"cacheWriteInputTokens": write}
        usage = {"inputTokens": rest, "outputTokens": text} | draw(maybe(cacheReadInputTokens=st.just(read_)))
        return {"usage": usage | draw(st.sampled_from([{}, writes]))}
    heard = draw(st.sampled_from([[], [{"modality": "TEXT", "tokenCount": rest}, {"modality": "AUDIO", "tokenCount": write}]]))
    usage = {"promptTokenCount": read_ + write + rest, "promptTokensDetails": heard}
    usage |= draw(
        maybe(
            cachedContentTokenCount=st.just(read_),
            candidatesTokenCount=st.just(text + audio),
            thoughtsTokenCount=st.just(reasoning),
            toolUsePromptTokenCount=count,
            candidatesTokensDetails=st.just([{"modality": "AUDIO", "tokenCount": audio}]),
        )
    )
    spoken = usage if "candidatesTokenCount" in usage else {**usage, "candidatesTokensDetails": []}
    return {"modelVersion": "gemini-2.5-pro", "usageMetadata": spoken}


@pytest.mark.parametrize("flavor", ["chat", "responses", "messages", "converse", "gemini"])
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_body_counts_as_the_library_says(tmp_path_factory: pytest.TempPathFactory, flavor: str, data: st.DataObject):
    bodies = data.draw(st.lists(usages(flavor), min_size=60, max_size=60))
    log = json_lines(tmp_path_factory.mktemp("bodies") / "log.jsonl", map(line, bodies))

    rows = read(Bodies(), log).requests.to_pylist()

    provider_id, api = FLAVORS[flavor]
    provider = find_provider_by_id(get_snapshot().providers, provider_id)
    for body, row in zip(bodies, rows, strict=True):
        _, usage = provider.extract_usage(body, api_flavor=api)
        assert {name: row[name] or 0 for name in (*TOKENS, *PARTS)} == {
            name: getattr(usage, name, None) or 0 for name in (*TOKENS, *PARTS)
        }
