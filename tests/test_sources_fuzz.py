"""Whatever is in a file: nothing raises, no count is negative, every line is used, skipped or rejected."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.body_rows import batch_result as openai_result
from tests.codex_rows import counts, line, session, tokens
from tests.langfuse_rows import document, downloaded, enriched, trace
from tests.litellm_rows import payload, spend_log, usage
from tests.source_rows import read
from tests.test_sources_bedrock import ENTRY as BEDROCK
from tests.test_sources_cloudflare import LOG as CLOUDFLARE
from tests.test_sources_cursor import HEADER as CURSOR_HEADER
from tests.test_sources_cursor import ROWS as CURSOR_ROWS
from tests.test_sources_gateways import BIFROST, HELICONE, PORTKEY
from tests.test_sources_openrouter import EXPORTED as OPENROUTER
from usagecost.schema import COUNT, REQUESTS
from usagecost.sources import Batch, Source
from usagecost.sources.bodies import Bodies
from usagecost.sources.claude_code import ClaudeCode
from usagecost.sources.codex import Codex
from usagecost.sources.langfuse import Langfuse
from usagecost.sources.litellm import LiteLLM
from usagecost.sources.mapped import Table, gateway

ANSWER = json.dumps(
    {
        "type": "assistant",
        "uuid": "u-1",
        "sessionId": "s-1",
        "requestId": "req_1",
        "timestamp": "2026-02-10T01:25:40.759Z",
        "isSidechain": False,
        "costUSD": 0.25,
        "error": "rate_limit",
        "message": {
            "id": "msg_1",
            "model": "claude-opus-4-6",
            "stop_reason": None,
            "usage": {
                "input_tokens": 3,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 20,
                "cache_creation": {"ephemeral_5m_input_tokens": 13, "ephemeral_1h_input_tokens": 7},
                "output_tokens": 5,
                "server_tool_use": {"web_search_requests": 1},
            },
        },
    }
)
ADVISED = ANSWER.replace('"server_tool_use"', '"iterations": [%s, %s], "server_tool_use"') % (
    json.dumps({"type": "compaction", "input_tokens": 9, "cache_creation_input_tokens": 2, "output_tokens": 4}),
    json.dumps({"type": "advisor_message", "model": "claude-opus-4-7", "input_tokens": 8, "output_tokens": 3}),
)
USAGE = json.dumps(
    {
        "request_id": "r-1",
        "started_at": "2026-05-01T10:00:00Z",
        "model": "gpt-4o",
        "status": "success",
        "http_status": 200,
        "input_tokens": 100,
        "cache_read_tokens": 40,
        "output_tokens": 7,
        "reported_cost_usd": 0.0012,
        "duration_ms": 12.5,
        "is_streaming": True,
        "tags": ["a"],
        "rank": 1,
    }
)
RESPONSE = {
    "id": "chatcmpl-Bx1",
    "model": "gpt-4o",
    "status": "completed",
    "error": None,
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 20},
    },
}
LINE = {"timestamp": "2026-05-01T10:00:00Z", "status": 200, "user": "ada", "latency_ms": 12.5, "tags": ["a"]}
EVENTS = [{"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 3}}}, {"usage": {"output_tokens": 5}}]
HEADER = b"request_id,started_at,model,status,input_tokens,cache_read_tokens,output_tokens,reported_cost_usd,tags,rank\n"
ROW = "r-1,2026-05-01T10:00:00Z,gpt-4o,success,100,40,7,0.0012,a,1"

LITELLM_USAGE = {
    "usage_object": usage(
        100, 20, cache_read_input_tokens=60, prompt_tokens_details={"cache_write_tokens": 30, "audio_tokens": 2},
        completion_tokens_details={"reasoning_tokens": 5},
    )
}  # fmt: skip
COSTS = {"cost_breakdown": {"total_cost": 0.001, "service_tier": "flex"}}
SPEND_LOG = json.dumps(spend_log({**LITELLM_USAGE, **COSTS, "attempted_retries": 1}, cache_hit="True"))
PAYLOAD = json.dumps(payload(LITELLM_USAGE, **COSTS, saved_cache_cost=0.5, id="chatcmpl-1_cache_hit1777629602.75"))
SPEND_LOG_HEADER = b"request_id,startTime,endTime,spend,prompt_tokens,completion_tokens,cache_hit,request_tags,metadata\n"
SPEND_LOG_ROW = (
    'r-1,2026-05-01 10:00:00.25,2026-05-01 10:00:02,0.1,100,20,False,"[""a"",""b""]",'
    '"{""usage_object"": {""cache_read_input_tokens"": 60, ""cache_creation_input_tokens"": 30}}"'
)

HOSTILE = [
    *("null", "-1", "1e400", "NaN", "Infinity", "9" * 26, '"9223372036854775807"', "0.5", "true", "[]", "{}", '""'),
    *('"\\u0000"', '"\\ud800"', '"2026-02-30"', '"infinity"', '"epoch"', '"<synthetic>"', '"a:b"', "[[[[", '"{"', "'", '"'),
    *("\n", "\r", "\0", "\ufeff", "é", "🙂", "; DROP TABLE requests --", "$name_status", "{raw}"),
]


def check(source: Source, path: Path, content: bytes) -> Batch:
    path.write_bytes(content)
    batch = read(source, path)
    for column in REQUESTS:
        if column.type == COUNT and column.name != "rank":
            assert min(batch.requests[column.name].drop_null().to_pylist(), default=0) >= 0
    for row in batch.requests.to_pylist():
        parts = (row["cache_read_tokens"] or 0) + (row["cache_write_tokens"] or 0)
        assert row["input_tokens"] is None or parts <= row["input_tokens"]
        assert row["request_id"]
        assert 2015 <= row["started_at"].year <= 2026
        assert row["day"] == row["started_at"].date()
        assert row["attributes"] is None or isinstance(json.loads(row["attributes"]), dict)
    assert all(reason for reason in batch.rejects["reason"].to_pylist())
    return batch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


TRACE = json.dumps(document(downloaded(metadata={"attributes": {"gen_ai.system": "openai"}}), downloaded(id="o2", type="SPAN")))
OBSERVATION = json.dumps(enriched(metadata={"attributes": '{"gen_ai.system":"openai"}'}, model_parameters='{"stream": true}'))

CODEX_FORK = json.dumps(session(forked_from_id="s-0", model_provider="openai")).encode() + b"\n"
CODEX_EVENT = json.dumps(tokens(counts(100, 40, 20, 5), counts(300, 90, 60, 15), model="gpt-5"))
CODEX_TOTAL = json.dumps(tokens(total=counts(300, 90, 60, 15, cache_write_input_tokens=30)))
CODEX_RECORD = json.dumps(
    line("token_usage_record", {"thread_id": "s-1", "response_id": "resp_1", "usage": counts(100, 40, 20, 5)})
)

FORMATS = {
    "bedrock": (gateway("bedrock"), b"", json.dumps(BEDROCK)),
    "batches": (Bodies(), b"", json.dumps(openai_result(1, {**RESPONSE, "created": 1777629600}))),
    "cursor": (gateway("cursor"), CURSOR_HEADER.encode(), CURSOR_ROWS.splitlines()[0]),
    "bifrost": (gateway("bifrost"), b"", json.dumps(BIFROST)),
    "helicone": (gateway("helicone"), b"", json.dumps(HELICONE)),
    "portkey": (gateway("portkey"), b"", json.dumps(PORTKEY)),
    "cloudflare": (gateway("cloudflare"), b"", json.dumps(CLOUDFLARE)),
    "openrouter": (gateway("openrouter"), b"", json.dumps(OPENROUTER)),
    "transcript": (ClaudeCode(), b"", ANSWER),
    "advised transcript": (ClaudeCode(), b"", ADVISED),
    "codex forks": (Codex(), CODEX_FORK, CODEX_EVENT),
    "codex totals": (Codex(), b"", CODEX_TOTAL),
    "codex records": (Codex(), CODEX_FORK, CODEX_RECORD),
    "codex sessions": (Codex(), b"", json.dumps(session(cli_version="0.144.2", git={"branch": "main"}))),
    "langfuse download": (Langfuse(), b"", TRACE),
    "langfuse export": (Langfuse(), b"", OBSERVATION),
    "langfuse traces": (Langfuse(), b"", json.dumps(trace())),
    "litellm spend logs": (LiteLLM(), b"", SPEND_LOG),
    "litellm spend logs as csv": (LiteLLM(), SPEND_LOG_HEADER, SPEND_LOG_ROW),
    "litellm payloads": (LiteLLM(), b"", PAYLOAD),
    "json lines": (Table(), b"", USAGE),
    "responses": (Bodies(), b"", json.dumps({**LINE, "body": RESPONSE})),
    "streamed responses": (Bodies(), b"", json.dumps({**LINE, "body": EVENTS})),
    "responses as text": (Bodies(), b"", json.dumps({**LINE, "body": "".join(f"data: {json.dumps(one)}\n\n" for one in EVENTS)})),
    "csv": (Table(), HEADER, ROW),
}


def mutated(line: str, chance: random.Random) -> bytes:
    """A line in which some stretches are cut out or replaced, as text or as bytes."""
    for _ in range(chance.randint(0, 4)):
        start = chance.randint(0, len(line))
        end = chance.randint(start, min(len(line), start + 30))
        line = line[:start] + chance.choice(["", *HOSTILE]) + line[end:]
    text = line.encode()
    at = chance.randint(0, len(text))
    return text[:at] + chance.randbytes(chance.randint(0, 2)) + text[at:]


CHANCES = st.integers(0, 2**64).map(random.Random)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(chance=CHANCES)
def test_any_lines_are_accounted_for(name: str, folder: Path, chance: random.Random):
    source, header, line = FORMATS[name]
    lines = [line.encode(), *(mutated(line, chance) for _ in range(150))]

    assert check(source, folder / "fuzz", header + b"\n".join(lines)).lines >= 1
