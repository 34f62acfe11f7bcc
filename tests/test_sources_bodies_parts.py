"""Provider responses: parts by kind of content, what is billed by the piece, what a total proves, and results of batches."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.source_rows import Row, each, json_lines, one, read, reading_of, rejects, requests
from tests.test_sources_bodies import CHAT, CONVERSE, GEMINI, MESSAGE, RESPONSE, line, with_usage
from usagecost.sources import SOURCES, Head
from usagecost.sources.bodies import Bodies

reading = reading_of(Bodies)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "responses.jsonl"


# ---- kinds of content


@reading
def test_gemini_lists_tokens_by_kind_of_content():
    usage = {
        "promptTokenCount": 1000,
        "cachedContentTokenCount": 500,
        "candidatesTokenCount": 1302,
        "toolUsePromptTokenCount": 10,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 300},
            {"modality": "AUDIO", "tokenCount": 200},
            {"modality": "IMAGE", "tokenCount": 258},
            {"modality": "DOCUMENT", "tokenCount": 242},
        ],
        "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 400}, {"modality": "IMAGE", "tokenCount": 100}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    }

    batch = yield line({**GEMINI, "usageMetadata": usage})

    assert one(batch, "input_audio_tokens", "input_image_tokens") == (210, 500)
    assert one(batch, "cache_audio_read_tokens", "cache_image_read_tokens") == (0, 100)
    assert one(batch, "output_tokens", "output_image_tokens") == (1302, 1290)


@reading
def test_realtime_answers_say_how_much_of_the_cache_reads_is_audio_and_images():
    cached = {"text_tokens": 150, "audio_tokens": 300, "image_tokens": 50}
    usage = {
        "input_tokens": 1000,
        "output_tokens": 250,
        "input_token_details": {"audio_tokens": 600, "image_tokens": 80, "cached_tokens": 500, "cached_tokens_details": cached},
        "output_token_details": {"audio_tokens": 200},
    }
    event = {"type": "response.done", "response": {"object": "realtime.response", "id": "resp_1", "usage": usage}}

    batch = yield line(event, model="gpt-realtime")

    columns = ("input_tokens", "cache_read_tokens", "input_audio_tokens", "cache_audio_read_tokens", "output_audio_tokens")
    assert one(batch, *columns) == (1000, 500, 600, 300, 200)
    assert one(batch, "input_image_tokens", "cache_image_read_tokens", "provider") == (80, 50, "openai")


@reading.each
def test_answers_with_images_say_their_tokens_or_else_their_number():
    details = {"input_tokens_details": {"image_tokens": 194, "text_tokens": 30}, "output_tokens_details": {"image_tokens": 4160}}
    told = {"created": 1777629600, "data": [{"b64_json": "eA=="}], "usage": {"input_tokens": 224, "output_tokens": 4160, **details}}
    untold = {"created": 1777629600, "data": [{"b64_json": "eA=="}, {"b64_json": "eA=="}]}

    counted, uncounted = yield [line(told, model="gpt-image-1"), line(untold, model="dall-e-3")]

    columns = ("input_image_tokens", "output_image_tokens", "units", "provider")
    assert one(counted, *columns) == (194, 4160, None, "openai")
    assert one(uncounted, "operation", *columns) == ("images", None, None, [("images", Decimal(2))], "openai")


# ---- what the total proves


@reading.each
def test_a_total_decides_whether_reasoning_or_cache_is_outside():
    cases = [
        ({"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 1032}, (20, None, 1012, 1000)),
        ({"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 32}, (20, None, 12, None)),
        ({"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 132, "prompt_tokens_details": {"cached_tokens": 100}},
         (120, 100, 12, None)),
        ({"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 1032,
          "completion_tokens_details": {"reasoning_tokens": 1000}}, (20, None, 1012, 1000)),
        ({"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 42, "completion_tokens_details": {"reasoning_tokens": 8}},
         (20, None, 22, 8)),
    ]  # fmt: skip

    columns = ("input_tokens", "cache_read_tokens", "output_tokens", "output_reasoning_tokens")

    found = each((yield (line({**CHAT, "model": "gemini-2.5-pro", "usage": usage}) for usage, _ in cases)), *columns)

    assert found == [counts for _, counts in cases]


@reading
def test_an_embeddings_total_alone_is_its_input():
    body = {"object": "list", "model": "voyage-3", "data": [{"object": "embedding"}], "usage": {"total_tokens": 9}}

    assert one((yield line(body)), "operation", "input_tokens", "output_tokens") == ("embeddings", 9, None)


# ---- usage within usage


def entry(kind: str, plain: int, output: int, **more: object) -> Row:
    return {"type": kind, "input_tokens": plain, "output_tokens": output, **more}


@reading.each
def test_what_compactions_took_is_added_unless_it_is_included():
    entries = [entry("compaction", 180, 35, cache_read_input_tokens=6), entry("message", 3, 5, cache_read_input_tokens=100)]
    entries[1] |= {"cache_creation_input_tokens": 20}
    apart = with_usage(MESSAGE, iterations=entries)
    included = with_usage(MESSAGE, input_tokens=183, cache_read_input_tokens=106, output_tokens=40, iterations=entries)

    columns = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    assert each((yield [line(apart), line(included)]), *columns) == [(309, 106, 20, 40)] * 2


@reading
def test_an_advisor_is_a_request_of_its_own():
    advice = entry("advisor_message", 159, 78, model="claude-opus-4-8")
    message = entry("message", 3, 5, cache_read_input_tokens=100, cache_creation_input_tokens=20)
    body = with_usage({**MESSAGE, "model": "claude-sonnet-4-6"}, iterations=[message, advice])

    batch = yield line(body, user="ada")

    assert requests(batch, "request_id", "model", "input_tokens", "output_tokens", "user_id") == [
        ("msg_01", "claude-sonnet-4-6", 123, 5, "ada"),
        ("msg_01:call:2", "claude-opus-4-8", 159, 78, "ada"),
    ]


# ---- what changes the price


@reading.each
def test_speed_and_place_of_inference_are_kept_where_they_are_not_the_usual():
    cases = [("fast", "us"), ("standard", "not_available")]
    lines = (line(with_usage(MESSAGE, speed=speed, inference_geo=place)) for speed, place in cases)

    assert each((yield lines), "speed", "inference_region") == [("fast", "us"), (None, None)]


@reading.each
def test_vertex_traffic_is_a_tier_where_it_changes_the_price():
    cases = [
        ("ON_DEMAND", None),
        ("ON_DEMAND_PRIORITY", "on_demand_priority"),
        ("PROVISIONED_THROUGHPUT", "provisioned_throughput"),
        ("TRAFFIC_TYPE_UNSPECIFIED", None),
    ]

    usage = GEMINI["usageMetadata"]
    bodies = [{**GEMINI, "usageMetadata": {**usage, "trafficType": traffic}} for traffic, _ in cases]

    found = each((yield map(line, bodies)), "service_tier", "attributes")

    assert [(json.loads(about)["traffic_type"], tier) for tier, about in found] == cases


# ---- what is billed by the piece

SEARCHES = [
    {"type": "web_search_call", "action": {"type": "search"}},
    {"type": "web_search_call", "action": {"type": "open_page"}},
    {"type": "web_search_call"},
    {"type": "file_search_call"},
    {"type": "message"},
]
GROUNDED = {"finishReason": "STOP", "groundingMetadata": {"webSearchQueries": ["a", "b", "c"]}}


@reading.each
def test_searches_seconds_and_pages_are_units():
    cases = [
        (with_usage(MESSAGE, server_tool_use={"web_search_requests": 5, "web_fetch_requests": 2}), {"web_searches": 5}),
        (with_usage(MESSAGE, server_tool_use={"web_search_requests": 0}), None),
        (with_usage(MESSAGE, server_tool_use={"code_execution_requests": 2}), {"code_executions": 2}),
        ({**RESPONSE, "output": SEARCHES}, {"web_searches": 2, "storage_searches": 1}),
        ({**RESPONSE, "output": [{"type": "image_generation_call"}]}, {"images": 1}),
        (with_usage(RESPONSE, tool_calls_details={"search_web": {"invocation": 3}}), {"web_searches": 3}),
        (
            with_usage({**CHAT, "model": "sonar-deep-research"}, num_search_queries=18, citation_tokens=9),
            {"web_searches": 18, "output_citation_tokens": 9},
        ),
        ({**GEMINI, "candidates": [GROUNDED]}, {"web_searches": 1}),
        ({**GEMINI, "modelVersion": "gemini-3-pro-preview", "candidates": [GROUNDED]}, {"web_searches": 3}),
        ({"id": "r", "results": [{"relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 1}}}, {"rerank_searches": 1}),
        ({"text": "x", "usage": {"type": "duration", "seconds": 600}}, {"input_audio_seconds": 600}),
        ({"task": "transcribe", "duration": 8.47, "text": "x"}, {"input_audio_seconds": Decimal("8.47")}),
        ({"usage": {"characters": 1200}}, {"input_characters": 1200}),
        ({"model": "mistral-ocr-latest", "pages": [], "usage_info": {"pages_processed": 29}}, {"input_document_pages": 29}),
        (with_usage(CHAT, prompt_audio_seconds=30), {"input_audio_seconds": 30}),
        (CHAT, None),
        (CONVERSE, None),
    ]

    found = each((yield (line(body, model="some-model") for body, _ in cases)), "units")

    assert [dict(units) if units else None for (units,) in found] == [units for _, units in cases]


@reading.each
def test_what_a_model_was_asked_for_shows_in_its_answer():
    cases = [
        ({"text": "x", "usage": {"type": "duration", "seconds": 600}}, "transcription"),
        ({"text": "x", "usage": {"type": "tokens", "input_tokens": 140, "output_tokens": 45}}, "transcription"),
        ({"id": "r", "results": [{"relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 1}}}, "rerank"),
        ({"object": "list", "data": [{"relevance_score": 0.9}], "usage": {"total_tokens": 9}}, "rerank"),
        ({"usage": {"characters": 1200}}, "speech"),
        ({"id": "modr-1", "model": "omni-moderation-latest", "results": [{"flagged": False}]}, "moderation"),
        ({"created": 1777888800, "data": [{"b64_json": "x"}], "usage": {"input_tokens": 40, "output_tokens": 1_560}}, "images"),
    ]

    found = each((yield (line(body, model="some-model") for body, _ in cases)), "operation")

    assert found == [(operation,) for _, operation in cases]


@reading.each
def test_a_call_that_succeeded_is_a_request_even_without_usage():
    bodies = [{"ok": True}, "RIFF and so on", None, "The text of a transcription"]
    columns = ("model", "status", "input_tokens", "output_tokens", "units")

    found = each((yield (line(body, model="tts-1", status=200) for body in bodies)), *columns)

    assert found == [("tts-1", "success", None, None, None)] * 4


@reading
def test_xai_says_its_cost_in_ticks():
    body = with_usage({**RESPONSE, "model": "grok-4"}, cost_in_usd_ticks=37_756_000)

    assert one((yield line(body)), "provider", "reported_cost_usd") == ("x-ai", Decimal("0.0037756"))


@reading
def test_perplexity_says_its_cost_as_an_object():
    cost = {"input_tokens_cost": 0.000042, "request_cost": 0.006, "total_cost": 0.010842}

    assert one((yield line(with_usage({**CHAT, "model": "sonar-pro"}, cost=cost))), "provider", "reported_cost_usd") == (
        "perplexity",
        Decimal("0.010842"),
    )


# ---- results of batches


def openai_result(number: int, body: object, status: int = 200, error: object = None) -> Row:
    response = {"status_code": status, "request_id": f"rq{number}", "body": body} if body else None
    return {"id": f"batch_req_{number}", "custom_id": f"row-{number}", "response": response, "error": error}


def test_results_of_openais_batches_are_requests_of_a_batch(log: Path):
    refused = {"error": {"code": "rate_limit_exceeded", "message": "m"}}
    lines = [
        openai_result(0, CHAT),
        openai_result(1, refused, 429),
        openai_result(2, None, error={"code": "batch_expired", "message": "m"}),
    ]

    batch = read(Bodies(), json_lines(log, lines))

    assert rejects(batch) == []
    assert requests(batch, "request_id", "is_batch", "status", "error_class", "http_status", "input_tokens") == [
        ("chatcmpl-Bx1", True, "success", None, 200, 100),
        ("batch_req_1", True, "error", "rate_limit_exceeded", 429, None),
        ("batch_req_2", True, "error", "batch_expired", None, None),
    ]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [1777629600000000] * 3
    assert json.loads(requests(batch, "attributes")[0][0])["custom_id"] == "row-0"
    assert [source.name for source in SOURCES if source.recognise(Head.of(log))] == ["bodies"]


@reading
def test_results_of_anthropics_batches_need_a_time():
    succeeded = {"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}}
    errored = {"custom_id": "b", "result": {"type": "errored", "error": {"type": "error", "error": {"type": "invalid_request"}}}}
    at = {"timestamp": "2026-05-01T10:00:00Z"}
    lines = [{**succeeded, **at}, {**errored, **at}, {"custom_id": "c", "result": {"type": "canceled"}, **at}, succeeded]

    batch = yield lines

    assert requests(batch, "provider", "is_batch", "status", "error_class", "input_tokens") == [
        ("anthropic", True, "success", None, 123),
        (None, True, "error", "invalid_request", None),
        (None, True, "cancelled", None, None),
    ]
    assert rejects(batch) == [
        (4, "this result of a batch does not tell its time: add a field timestamp to each line, with the time of the batch.")
    ]
