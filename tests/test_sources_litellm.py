"""LiteLLM's spend logs and logging payloads: what counts include in which version, what a call cost, whose it was and how it ended.

Both logs tell the same calls, under the same ids; a rule of one that the other has no field for is claimed of that one.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.claims import Claim, Claims, says
from tests.lake_rows import rows_of
from tests.litellm_rows import KEY_HASH, payload, spend_log, usage
from tests.source_rows import NOW, Row, json_lines, read, requests
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Head, Reading
from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.litellm import SPEND_LOG_COLUMNS, SPEND_LOG_ROWS, LiteLLM

TOKENS = "input_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens output_tokens"
OUTCOME = "status error_class http_status"

ANTHROPIC = {"cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200}
WRITES = {"cached_tokens": 1000, "cache_creation_tokens": 200, "cache_creation_token_details": {"ephemeral_1h_input_tokens": 50}}
WRITES_OF_1_77_5 = {
    "cached_tokens": 1000, "cache_creation_tokens": 1000, "cache_creation_token_details": {"ephemeral_5m_input_tokens": 200},
}  # fmt: skip
LIFETIMES = {"ephemeral_5m_input_tokens": 5, "ephemeral_30m_input_tokens": 30, "ephemeral_12h_input_tokens": 12}
PARTS = {"image_tokens": 9, "audio_tokens": 8, "cached_tokens": 7, "cached_tokens_details": {"audio_tokens": 6}}
COST_PARTS = {"input_cost": 0.0003, "output_cost": 0.00075, "total_cost": 0.00105, "service_tier": "flex"}
UNPRICED = {"model_map_key": "my-model", "model_map_value": None}
PRICED = {"model_map_key": "ollama/phi", "model_map_value": {"key": "ollama/phi"}}
PROJECT = {"user_api_key_project_id": "p-1", "user_api_key_project_alias": "Search"}
SECRETS = {"messages": [{"content": "a secret"}], "response": {"x": "a secret"}, "proxy_server_request": {"x": "a secret"}}
START = "2026-05-01 10:00:00.250"
START_ISO = "2026-05-01T10:00:00.250000+00:00"


def call(counts: Row, call_type: str | None = "acompletion", **fields: object) -> list[Row]:
    """A call with a usage object: as the table has it in two places, as a logger writes it, and as an old logger does."""
    prompt, completion = counts.get("prompt_tokens", 0), counts.get("completion_tokens", 0)
    total = counts.get("total_tokens", prompt + completion)
    said = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, "call_type": call_type, **fields}
    return [
        spend_log({"usage_object": counts}, **said),
        spend_log({"additional_usage_values": counts}, **said),
        payload({"usage_object": counts}, **said),
        payload({"usage_object": None}, **said, response={"usage": counts}),
    ]


def of_both(columns: str, *cases: tuple[Row, object]) -> Claim:
    """A claim about calls with these counts, in whatever log."""
    return says(columns, *((row, expected) for counts, expected in cases for row in call(counts)))


def using(**counts: object) -> Row:
    return usage(100, 20, **counts)


def asked(call_type: str | None, tokens: int = 0) -> list[Row]:
    return call(usage(tokens, 0), call_type, **dict.fromkeys(("spend", "response_cost"), 0.001 if tokens else 0))


def failure(status: str | None, code: str, name: str) -> Row:
    error = {"error_class": name, "error_code": code, "error_message": "a secret", "traceback": "a secret"}
    return spend_log({"status": status, "error_information": error}, status=status, spend=0, prompt_tokens=0, completion_tokens=0)


def answering(answer: object) -> Row:
    return payload(response=answer)


def reasoned(completion: int, reasoning: int, total: int) -> Row:
    details = {"reasoning_tokens": reasoning, "audio_tokens": 3}
    return usage(100, completion, completion_tokens_details=details) | {"total_tokens": total}


def kept(**more: object) -> Row:
    """The attributes of every call, and more."""
    return {"call_type": "acompletion", "team_alias": "Platform", "key_hash": KEY_HASH, **more}


def served_by(provider: str, model: str) -> Row:
    return spend_log(custom_llm_provider=provider, model=model)


READS, MANAGES = {"reads an earlier answer": 1}, {"prepares or manages something, uses no model": 1}
READING = ("get_responses", "adelete_responses", "aget_responses")
MANAGING = (
    "acreate_batch", "aretrieve_batch", "acancel_batch", "afile_content", "acreate_file", "avector_store_search",
    "avector_store_file_list", "avideo_retrieve", "get_assistants", "acreate_fine_tuning_job", "alist_containers",
)  # fmt: skip
CALLING = (
    "acompletion", "aimage_generation", "amoderation", "aspeech", "arerank", "avideo_generation", "pass_through_endpoint",
    "_arealtime",
)  # fmt: skip
AUDIT = {"id": "a-1", "updated_at": "2026-05-01T10:00:00Z", "changed_by": "ann", "action": "created", "table_name": "Keys"}
LINE_OF_A_BATCH = {"batch_id": "batch_1", "custom_id": "1", "status": "success", "response_cost": 0.1, "model": "gpt-4o"}

CLAIMS = Claims(
    LiteLLM,
    {
        "a call says who, what and when, in both logs alike": says(
            "source request_id trace_id session_id provider model requested_model operation status user_id end_user_id team_id "
            "virtual_key tags duration_ms ttft_ms is_streaming reported_cost_usd started_at attributes",
            *(
                (
                    row,
                    ("litellm", "chatcmpl-1", "trace-1", "trace-1", "anthropic", "claude-sonnet-4-20250514", "sonnet", "chat",
                     "success", "ann", "customer-7", "team-1", "dev-key", ["prod", "User-Agent: curl/8"], 2500.0, None, None,
                     Decimal("0.00105"), START_ISO, kept()),
                )
                for row in (spend_log(), payload())
            ),
        ),
        "contents are not kept": says(
            "request_id",
            (spend_log(**SECRETS), "chatcmpl-1"),
            (payload(error_str="a secret", model_parameters={"prompt": "a secret"}), "chatcmpl-1"),
        ),
        "times may be written in several ways, and without an offset are UTC": says(
            "started_at",
            *((spend_log(startTime=at), START_ISO) for at in ("2026-05-01T10:00:00.250Z", "2026-05-01T12:00:00.25+02:00", START)),
            *(
                (payload(startTime=at), START_ISO)
                for at in (1777629600.25, "1777629600.25", "2026-05-01T10:00:00.250Z", "2026-05-01T10:00:00.250000")
            ),
        ),
        # what the counts include
        "since 1.77.3 input includes reads and writes": of_both(
            TOKENS, (usage(1203, 20, **ANTHROPIC, prompt_tokens_details=WRITES), (1203, 1000, 200, 50, 20))
        ),
        "until 1.77.1 input includes reads but no writes": of_both(
            TOKENS,
            (usage(1003, 20, **ANTHROPIC, prompt_tokens_details={"cached_tokens": 1000}), (1203, 1000, 200, None, 20)),
            (  # which may be more than the count they are not in
                usage(3, 20, cache_read_input_tokens=0, cache_creation_input_tokens=200, prompt_tokens_details=None),
                (203, 0, 200, None, 20),
            ),
        ),
        "1.77.5 repeats the reads where its details should have the writes": of_both(
            TOKENS,
            (usage(1203, 20, **ANTHROPIC, prompt_tokens_details=WRITES_OF_1_77_5), (1203, 1000, 200, None, 20)),
            (  # also where nothing was written
                usage(1003, 20, **ANTHROPIC | {"cache_creation_input_tokens": 0}, prompt_tokens_details=WRITES_OF_1_77_5),
                (1003, 1000, 0, None, 20),
            ),
        ),
        "parts that are more than the whole were counted apart": of_both(
            TOKENS, (usage(3, 20, **ANTHROPIC, prompt_tokens_details={"cache_creation_tokens": 200}), (1203, 1000, 200, None, 20))
        ),
        "OpenAI tells cache counts in the details only, and told ones may be 0": of_both(
            TOKENS,
            (usage(206, 30, prompt_tokens_details={"cached_tokens": 120, "cache_write_tokens": 64}), (206, 120, 64, None, 30)),
            (using(prompt_tokens_details={"cached_tokens": 0}), (100, 0, None, None, 20)),
        ),
        "counts that nobody told are unknown": says(
            f"{TOKENS} output_reasoning_tokens",
            *(
                (row, (100, None, None, None, 20, None))
                for row in (spend_log(), *map(answering, (None, "x", ["x"], {"usage": "none"}, {"usage": None})))
            ),
        ),
        "images, audio and reasoning have columns": of_both(
            "input_image_tokens input_audio_tokens cache_audio_read_tokens output_image_tokens output_audio_tokens "
            "output_reasoning_tokens",
            (
                using(prompt_tokens_details=PARTS,
                      completion_tokens_details={"image_tokens": 5, "audio_tokens": 4, "reasoning_tokens": 0}),
                (9, 8, 6, 5, 4, 0),
            ),
        ),
        "output includes reasoning, also where it was counted apart": of_both(
            "output_tokens output_reasoning_tokens output_audio_tokens",
            (reasoned(20, 12, 120), (20, 12, 3)),  # included, as everywhere
            (reasoned(8, 12, 120), (20, 12, 3)),  # apart, and more than what it should be in
            (reasoned(20, 12, 132), (32, 12, 3)),  # apart: the total is the sum of three
        ),
        "other lifetimes are kept as attributes": of_both(
            "attributes",
            (
                using(prompt_tokens_details={"cache_write_tokens": 47, "cache_creation_token_details": LIFETIMES},
                      server_tool_use={"web_search_requests": 2}, speed="fast"),
                kept(cache_write_5m_tokens=5, cache_write_30m_tokens=30, cache_write_12h_tokens=12,
                     server_tool_use={"web_search_requests": 2}),
            ),
        ),
        # what is billed otherwise, and how it was asked for
        "what is billed by the piece is counted": says(
            "units",
            *(
                (row, units)
                for counts, call_type, units in (
                    (using(server_tool_use={"web_search_requests": 2}), "acompletion", {"web_searches": 2}),
                    (using(prompt_tokens_details={"web_search_requests": 3}), "aresponses", {"web_searches": 3}),
                    (usage(0, 0, output_image_count=2), "aimage_generation", {"images": 2}),
                    (usage(50, 1000, output_image_count=1), "aimage_generation", {}),  # billed by its tokens
                    ({"type": "duration", "seconds": 12.5}, "atranscription", {"input_audio_seconds": Decimal("12.5")}),
                    ({"search_units": 3}, "arerank", {"rerank_searches": 3}),
                    (usage(0, 0, pages_processed=4), "aocr", {"input_document_pages": 4}),
                    (usage(0, 0, prompt_tokens_details={"character_count": 90}), "aembedding", {"input_characters": 90}),
                    (usage(0, 0, duration_seconds=8), "avideo_generation", {"video_seconds": 8}),
                    (using(), "acompletion", {}),
                )
                for row in call(counts, call_type)
            ),
            (
                payload({"usage_object": None}, call_type="arerank", response={"meta": {"billed_units": {"search_units": 2}}}),
                {"rerank_searches": 2},
            ),
        ),
        "the way of asking is said": of_both(
            "speed inference_region service_tier",
            (using(speed="fast", inference_geo="us", service_tier="priority"), ("fast", "us", "priority")),
            (using(speed="standard", inference_geo="not_available", service_tier="default"), (None, None, "default")),
            (using(), (None, None, None)),
        ),
        "the tier is that of the bill, of the usage, of the answer, else the one asked for": says(
            "service_tier is_batch operation",
            (spend_log({"cost_breakdown": COST_PARTS}), ("flex", False, "chat")),
            (payload(response={"service_tier": "default"}, model_parameters={"service_tier": "flex"}), ("default", False, "chat")),
            (payload(model_parameters={"service_tier": "flex"}), ("flex", False, "chat")),
            (spend_log({"usage_object": using(service_tier="batch")}), ("batch", True, "chat")),
            (spend_log(call_type="aretrieve_batch"), (None, True, "aretrieve_batch")),
            (spend_log(call_type=None), (None, None, None)),
        ),
        "call types are operations": says(
            "operation",
            (spend_log(call_type="aembedding"), "embeddings"),
            (spend_log(call_type="anthropic_messages"), "chat"),
            (spend_log(call_type="aresponses"), "chat"),
            (spend_log(call_type="arerank"), "rerank"),
            (spend_log(call_type="acreate_eval"), "acreate_eval"),
        ),
        "calls that use no model are skipped and say why": says(
            "input_tokens skipped",
            *((row, [READS]) for call_type in READING for row in asked(call_type)),
            *((row, [READS]) for call_type in ("acancel_responses", "alist_input_items") for row in asked(call_type, 120)[2:]),
            *((row, [MANAGES]) for call_type in MANAGING for row in asked(call_type)),
            *((row, [(None,), {}]) for call_type in CALLING for row in asked(call_type)),
            *((row, [(120,), {}]) for row in asked("aretrieve_batch", 120)),  # what a batch has cost
            (payload(call_type="aget_responses", response={"background": True}), [(100,), {}]),
            (payload(call_type="aget_responses", response={"background": False}), [READS]),
            (payload(call_type="aget_responses", cost_finalized=True), [(100,), {}]),  # this version writes usage there only once
            (payload(call_type="aget_responses"), [READS]),
            (AUDIT, [{"change of the proxy's own tables": 1}]),
            (LINE_OF_A_BATCH, [{"sends a batch": 1}]),
        ),
        "a search that costs something is counted": says(
            "reported_cost_usd units",
            (
                spend_log(call_type="avector_store_search", spend=0.0025, prompt_tokens=0, completion_tokens=0, total_tokens=0),
                (Decimal("0.0025"), {"storage_searches": 1}),
            ),
        ),
        # what it cost
        "a hit in the gateway's cache keeps its tokens and costs nothing": says(
            "is_gateway_cache_hit reported_cost_usd input_tokens output_tokens",
            (
                spend_log(request_id="chatcmpl-1_cache_hit1777629602.7512", cache_hit="True", spend=0.0),
                (True, Decimal(0), 100, 20),
            ),
        ),
        "how a cache hit is told": says(
            "is_gateway_cache_hit",
            (spend_log(cache_hit="False"), False),
            (spend_log(cache_hit="None"), None),
            (spend_log(cache_hit=""), None),
            (spend_log(cache_hit=None), None),
            (spend_log(cache_hit="true"), True),
            (spend_log(cache_hit="None", request_id="chatcmpl-1_cache_hit1777629602.75"), True),
        ),
        "the same answer given again is a request of its own": says(
            "request_id",
            (spend_log(), "chatcmpl-1"),
            (spend_log(request_id="chatcmpl-1_cache_hit1777629602.1"), "chatcmpl-1_cache_hit:1777629600250"),
            (
                spend_log(request_id="chatcmpl-1_cache_hit1777629603.1", startTime="2026-05-01 10:00:01"),
                "chatcmpl-1_cache_hit:1777629601000",
            ),
            (
                spend_log(request_id="chatcmpl-1_cache_hit1777629603.2", litellm_call_id="call-4"),
                "chatcmpl-1_cache_hit:call-4",
            ),
            (
                spend_log({"litellm_call_id": "call-5"}, request_id="chatcmpl-1_cache_hit1777629603.3"),
                "chatcmpl-1_cache_hit:call-5",
            ),
            (spend_log(request_id="None", litellm_call_id="call-1"), "call-1"),
        ),
        "a cost of 0 is unknown where LiteLLM found no price": says(
            "reported_cost_usd",
            (spend_log({"model_map_information": UNPRICED}, spend=0.0), None),
            (spend_log({"model_map_information": PRICED}, spend=0.0), Decimal(0)),
            (spend_log(spend=0), Decimal(0)),
            (spend_log({"model_map_information": UNPRICED}, spend=0, prompt_tokens=0, completion_tokens=0), Decimal(0)),
            (spend_log({"model_map_information": UNPRICED}, spend=0, cache_hit="True"), Decimal(0)),
            (payload(response_cost=0.0), Decimal(0)),
            (payload(response_cost=0.0, response_cost_failure_debug_info={"error_str": "This …", "model": "my-model"}), None),
            (payload(response_cost=0.0, model_map_information=UNPRICED), None),
            (payload(response_cost=0.0, model_map_information=UNPRICED, cache_hit=True), Decimal(0)),
        ),
        "the parts of a cost are kept, and what was saved": says(
            "attributes",
            (spend_log({"cost_breakdown": COST_PARTS}), kept(cost_breakdown=COST_PARTS)),
            (payload(cost_breakdown=COST_PARTS, saved_cache_cost=0.25), kept(cost_breakdown=COST_PARTS, saved_cache_cost=0.25)),
        ),
        # how it ended
        "a failure has its class and HTTP status": says(
            OUTCOME,
            (failure("failure", "429", "RateLimitError"), ("error", "RateLimitError", 429)),
            (failure("failure", "insufficient_quota", ""), ("error", "insufficient_quota", None)),
            (failure("failure", "499", "ClientDisconnected"), ("cancelled", "ClientDisconnected", 499)),
            (
                payload(status="failure", error_information={"error_code": "429", "error_class": "RateLimitError",
                                                             "error_message": "a secret"}),
                ("error", "RateLimitError", 429),
            ),
            # a success after a retry has no error
            (spend_log({"error_information": {"error_class": "RateLimitError", "error_code": "429"}}), ("success", None, None)),
        ),
        "old rows without a status succeeded unless their metadata says otherwise": says(
            OUTCOME,
            (spend_log({"status": "success"}, status=None), ("success", None, None)),
            (spend_log({"status": None}, status=None), ("success", None, None)),
            (spend_log({"status": "failure"}, status=""), ("error", None, None)),
            (failure(None, "500", "InternalServerError"), ("error", "InternalServerError", 500)),
        ),
        # how it was served
        "the first token comes strictly between beginning and end, and streaming may be told": says(
            "ttft_ms is_streaming",
            (spend_log(completionStartTime="2026-05-01 10:00:00.650"), (400.0, True)),
            (spend_log(completionStartTime=START), (None, None)),
            (spend_log(completionStartTime="2026-05-01 10:00:02.750"), (None, None)),
            (spend_log(completionStartTime=None), (None, None)),
            (payload(stream=True, completionStartTime=1777629600.75), (500.0, True)),
            (payload(stream=True), (None, True)),
            (payload(completionStartTime=1777629600.75), (500.0, True)),
        ),
        "the duration is what the row says, else the time between": says(
            "duration_ms", (spend_log(request_duration_ms=2499), 2499.0), (spend_log(endTime=None), None)
        ),
        "providers and models have the names that prices know": says(
            "provider model",
            (
                served_by("bedrock", "bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0"),
                ("aws", "us.anthropic.claude-sonnet-4-20250514-v1:0"),
            ),
            (served_by("bedrock", "bedrock/converse/anthropic.claude-v2"), ("aws", "anthropic.claude-v2")),
            (served_by("bedrock", "bedrock/arn:aws:bedrock:us-east-1:1:x/y"), ("aws", "arn:aws:bedrock:us-east-1:1:x/y")),
            (served_by("vertex_ai", "gemini-2.5-pro"), ("google", "gemini-2.5-pro")),
            (served_by("azure_ai", "azure_ai/gpt-4o"), ("azure", "gpt-4o")),
            (served_by("xai", "grok-4"), ("x-ai", "grok-4")),
            (served_by("groq", "openai/gpt-oss-120b"), ("groq", "openai/gpt-oss-120b")),
            (served_by("openrouter", "openrouter/auto"), ("openrouter", "openrouter/auto")),
            (served_by("hosted_vllm", "qwen"), ("hosted_vllm", "qwen")),
            (served_by("", "unknown-model"), (None, "sonnet")),
            (served_by("openai", ""), ("openai", "sonnet")),
        ),
        "the model asked for is the one before any fallback": says(
            "requested_model attributes.model_group", (spend_log({"original_model_group": "opus"}), ("opus", "sonnet"))
        ),
        "empty texts are nobody": says(
            "user_id end_user_id team_id virtual_key requested_model route session_id tags",
            (
                spend_log({"user_api_key_alias": ""}, user="", end_user="", team_id="", api_key="", model_group="", api_base="",
                          session_id="", request_tags=""),
                (None,) * 8,
            ),
        ),
        "a project is a project and an application, by its name": says(
            "project app",
            (spend_log(PROJECT), ("Search", "Search")),
            (payload(PROJECT), ("Search", "Search")),
            (spend_log({"user_api_key_project_id": "p-1"}), ("p-1", "p-1")),
        ),
        "the conversation is the session where it is told, and the customer may stand with the key": says(
            "session_id trace_id end_user_id",
            (
                payload({"user_api_key_end_user_id": "c-2"}, session_id="talk-1", end_user=""),
                ("talk-1", "trace-1", "c-2"),
            ),
        ),
        "a key without an alias is its hash, never the secret": says(
            "virtual_key",
            *(  # SHA-256, which is what LiteLLM's table of keys has
                (spend_log({"user_api_key_alias": None}, api_key=key), shown)
                for key, shown in (("sk-1234", KEY_HASH), (KEY_HASH, KEY_HASH), ("litellm_proxy_master_key",) * 2)
            ),
        ),
        "an address is kept without its secrets": says(
            "route", (spend_log(api_base="https://me:a secret@api.example.com/v1?key=a secret"), "https://api.example.com/v1")
        ),
        # what is there, and what cannot be
        "rows of an older table lack columns, and metadata may say nothing": says(
            "input_tokens output_tokens status",
            (
                {name: value for name, value in spend_log().items()
                 if name not in ("api_key", "completionStartTime", "custom_llm_provider", "session_id", "status", "user")},
                (100, 20, "success"),
            ),
            *((spend_log() | {"metadata": said}, (100, 20, "success")) for said in (None, "", " ", "null", "{}", "[]", "3")),
        ),
        "what cannot be is rejected with a sentence": says(
            "request_id",
            (
                [spend_log(prompt_tokens=-5), spend_log(request_id="", litellm_call_id=None), spend_log(startTime=None),
                 spend_log() | {"metadata": "{'status': None}"}, spend_log(spend="12 USD")],
                [
                    (1, 'input_tokens is "-5": a count cannot be negative. Correct the log, or leave the value empty.'),
                    (2, "request_id is empty: a request needs an id of its own."),
                    (3, "started_at is empty: a request needs the time when it was sent."),
                    (4, "metadata is no whole JSON: it was cut off, or written in another way. Export that column as JSON."),
                    (5, 'reported_cost_usd is "12 USD": a cost is a number without a currency sign, or empty.'),
                ],
            ),
            (
                [json.dumps(payload(id="a")), json.dumps(payload())[:300], payload(id="b", prompt_tokens=-1), "[]"],
                [
                    ("a",),
                    (2, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
                    (3, 'input_tokens is "-1": a count cannot be negative. Correct the log, or leave the value empty.'),
                    (4, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
                ],
            ),
        ),
    },
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_call_is_read_as_claimed(claim: str):
    assert CLAIMS.actual(claim) == CLAIMS.expected(claim)


# ---- forms


def test_every_form_of_the_same_rows_gives_the_same_requests(tmp_path: Path):
    details = {"cached_tokens": 60, "cache_write_tokens": 30}
    counts = {"usage_object": usage(100, 20, prompt_tokens_details=details)}
    rows = [spend_log(counts, request_id=f"r-{number}", updated_at="2026-05-01 10:00:03") for number in range(3)]
    as_text = [{name: json.dumps(v) if isinstance(v, dict | list) else v for name, v in row.items()} for row in rows]
    lines = json_lines(tmp_path / "a.jsonl", rows)
    files = {
        "json lines": lines,
        "json in texts": json_lines(tmp_path / "b.jsonl", as_text),
        "array": tmp_path / "c.json",
        "gzip": tmp_path / "d.jsonl.gz",
        "csv": tmp_path / "e.csv",
        "parquet": tmp_path / "f.parquet",
        "nested parquet": tmp_path / "g.parquet",
    }
    files["array"].write_text(json.dumps(rows, indent=2))
    files["gzip"].write_bytes(gzip.compress(lines.read_bytes()))
    with files["csv"].open("w", newline="") as file:
        writer = csv.DictWriter(file, as_text[0])
        writer.writeheader()
        writer.writerows(as_text)
    with duckdb.connect() as con:
        con.sql(f"COPY (FROM read_csv('{files['csv']}')) TO '{files['parquet']}'")
        con.sql(f"COPY (FROM read_json('{lines}')) TO '{files['nested parquet']}'")

    forms = {form: read(LiteLLM(), path).requests.drop_columns("source_file").to_pylist() for form, path in files.items()}

    assert len(forms["json lines"]) == 3
    for form, same in forms.items():
        assert same == forms["json lines"], form
    assert {LiteLLM().recognise(Head.of(path)) for path in files.values()} == {
        "LiteLLM spend logs: columns request_id, startTime, spend"
    }


def test_payloads_lie_one_a_file_as_lines_and_packed_beside_spend_logs(tmp_path: Path):
    payloads = [payload(id=f"chatcmpl-{number}") for number in range(2)]
    paths = [tmp_path / name for name in ("1.json", "2.json", "3.jsonl", "5.ndjson.gz")]
    paths[0].write_text(json.dumps(payloads[0]))
    paths[1].write_text(json.dumps(payloads[1], indent=2))
    paths[2].write_text("\n".join(map(json.dumps, payloads)))  # without an end of the last line
    paths[3].write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in payloads).encode()))
    paths.insert(3, json_lines(tmp_path / "4.jsonl", [spend_log(request_id="of the table")]))

    batch = read(LiteLLM(), *paths)

    ids = [str(name).removeprefix("chatcmpl-") for (name,) in requests(batch, "request_id")]
    assert (ids, batch.rejects.num_rows) == (["0", "1", "0", "1", "of the table", "0", "1"], 0)


def test_the_sql_reads_any_relation_of_texts():
    row = {name: value if isinstance(value, str) else json.dumps(value) for name, value in spend_log().items()}
    values = ", ".join(
        f"'{row[name]}' AS \"{name}\"" if name in row else f'NULL::VARCHAR AS "{name}"' for name in SPEND_LOG_COLUMNS
    )
    with duckdb.connect() as con:
        con.execute("SET GLOBAL TimeZone = 'UTC'")
        table = con.sql(f"SELECT 0 AS row, 1 AS line, 'postgresql' AS source_file, 'x' AS fingerprint, {values}").to_arrow_table()
        query = CanonicalQuery(
            Reading(con, NOW), "litellm", f"WITH records AS (FROM given) {SPEND_LOG_ROWS}", "given", Conventions()
        )
        rows, rejected = query.run(table)
        query.close()

    assert (rows["request_id"].to_pylist(), rows["input_tokens"].to_pylist(), rejected.num_rows) == (["chatcmpl-1"], [100], 0)


def test_other_formats_are_not_recognised_and_what_lies_beside_calls_is(tmp_path: Path):
    rows = [
        {"request_id": "r", "started_at": "2026-05-01T10:00:00Z", "model": "m", "input_tokens": 1},
        {"id": "r", "createdAt": "…", "model": "m", "cost": 1},  # Helicone's
        AUDIT,
        LINE_OF_A_BATCH,
    ]
    heads = [Head.of(json_lines(tmp_path / str(number), [row])) for number, row in enumerate(rows)]

    assert [LiteLLM().recognise(head) for head in heads] == [None, None, *["what LiteLLM logs beside its calls"] * 2]


# ---- one call is one request


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"spend": 1}, {"spend": 2, "updated_at": "2026-05-01 10:00:03"}),  # the table's later word
        ({"endTime": "2026-05-01 10:00:02.749"}, {"endTime": "2026-05-01 10:00:02.750"}),
        ({"spend": 0}, {"spend": 0.5}),  # of the same moment, the one with a cost
    ],
)
def test_the_later_and_more_complete_version_of_a_row_ranks_higher(tmp_path: Path, older: Row, newer: Row):
    file = json_lines(tmp_path / "a.jsonl", [spend_log(**older), spend_log(**newer)])

    (old,), (new,) = requests(read(LiteLLM(), file), "rank")

    assert 0 <= old < new


TWICE: dict[str, tuple[Row, Row]] = {
    "a call": ({}, {}),
    "a failure": ({"status": "failure", "request_id": "call-2"}, {"status": "failure", "id": "call-2"}),
    "a cache hit": (  # each log takes the time for itself; the table cuts times below the millisecond
        {"request_id": "chatcmpl-1_cache_hit1777629602.7512", "cache_hit": "True", "startTime": START},
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
    table = json_lines(tmp_path / "a.jsonl", [spend_log(**columns) for columns, _ in TWICE.values()])
    logger = json_lines(tmp_path / "b.jsonl", [payload(**fields) for _, fields in TWICE.values()])
    ids = requests(read(LiteLLM(), table), "request_id")
    lake = Lake(tmp_path / "lake")

    ingest([table, logger], lake)

    assert len(set(ids)) == len(TWICE)
    assert rows_of(lake, "request_id") == sorted(ids)


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs")
def test_the_published_row_is_read():
    path = Path(os.environ["USAGECOST_REAL_DATA"]) / "litellm" / "spend_logs_payload.json"

    batch = read(LiteLLM(), path)

    columns = ("request_id", "provider", "model", "status", "input_tokens", "output_tokens", "reported_cost_usd", "duration_ms")
    assert requests(batch, *columns) == [
        ("chatcmpl-2283081b-dc89-41f6-93e6-d4f914774027", "openai", "gpt-4o", "success", 10, 20, Decimal("0.000225"), 4.583)
    ]
