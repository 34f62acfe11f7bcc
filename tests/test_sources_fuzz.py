"""Lines of every format: its own source alone recognises them; and whatever is in a file, nothing raises, no count is negative, and
every line is used, skipped or rejected.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.body_rows import CHAT, MESSAGE, batch_result, line
from tests.codex_rows import counts, record, session, tokens, turn
from tests.codex_rows import line as codex_line
from tests.gateway_rows import (
    BEDROCK,
    BIFROST,
    CLOUDFLARE,
    CURSOR,
    CURSOR_NAMES,
    HELICONE,
    HELICONE_EXPORT,
    OPENROUTER,
    OPENROUTER_ANSWER,
    PORTKEY,
)
from tests.langfuse_rows import document, downloaded, enriched, trace
from tests.litellm_rows import payload, spend_log, usage
from tests.source_rows import Row, read
from tests.test_sources_claude_code import ADVISOR, COMPACTION, LIFETIMES, USED, answer, listing
from tests.test_sources_claude_code import MESSAGE as OWN_COUNTS
from usagecost.schema import COUNT, REQUESTS
from usagecost.sources import SOURCES, Batch, Head, Source

USAGE: Row = {
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
TABLE = ("request_id,started_at,model,status,input_tokens,cache_read_tokens,output_tokens,reported_cost_usd,tags,rank",
         "r-1,2026-05-01T10:00:00Z,gpt-4o,success,100,40,7,0.0012,a,1")  # fmt: skip
EVENTS = [{"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 3}}}, {"usage": {"output_tokens": 5}}]
LITELLM_USAGE = usage(
    100, 20, cache_read_input_tokens=60, prompt_tokens_details={"cache_write_tokens": 30, "audio_tokens": 2},
    completion_tokens_details={"reasoning_tokens": 5},
)  # fmt: skip
LITELLM_CALL = {"usage_object": LITELLM_USAGE, "cost_breakdown": {"total_cost": 0.001, "service_tier": "flex"}}
SPEND_LOGS = (
    "request_id,startTime,endTime,spend,prompt_tokens,completion_tokens,cache_hit,request_tags,metadata",
    'r-1,2026-05-01 10:00:00.25,2026-05-01 10:00:02,0.1,100,20,False,"[""a"",""b""]",'
    '"{""usage_object"": {""cache_read_input_tokens"": 60, ""cache_creation_input_tokens"": 30}}"',
)
OTEL = {"attributes": {"gen_ai.system": "openai"}}
FORK = session(forked_from_id="s-0", model_provider="openai")

FORMATS: dict[str, tuple[str, tuple[Row | str, ...]]] = {
    "bedrock": ("bedrock", (BEDROCK,)),
    "bifrost": ("bifrost", (BIFROST,)),
    "cloudflare": ("cloudflare", (CLOUDFLARE,)),
    "cursor": ("cursor", (CURSOR_NAMES, CURSOR[0])),
    "helicone": ("helicone", (HELICONE,)),
    "helicone export": ("helicone", (HELICONE_EXPORT,)),
    "openrouter": ("openrouter", (OPENROUTER,)),
    "openrouter answers": ("openrouter", ({"data": OPENROUTER_ANSWER},)),
    "portkey": ("portkey", (PORTKEY,)),
    "responses": ("bodies", (line(CHAT, status=200, user="ada", latency_ms=12.5, tags=["a"]),)),
    "streamed responses": ("bodies", (line(EVENTS),)),
    "responses as text": ("bodies", (line("".join(f"data: {json.dumps(one)}\n\n" for one in EVENTS)),)),
    "batches": ("bodies", (batch_result(1, CHAT),)),
    "batches of anthropic": (
        "bodies",
        ({"custom_id": "a", "timestamp": "2026-05-01T10:00:00Z", "result": {"type": "succeeded", "message": MESSAGE}},),
    ),
    "transcript": ("claude-code", (answer(usage={**LIFETIMES, "server_tool_use": USED}, costUSD=0.25, error="rate_limit"),)),
    "advised transcript": ("claude-code", (listing(OWN_COUNTS, COMPACTION, ADVISOR),)),
    "codex forks": ("codex", (FORK, tokens(counts(100, 40, 20, 5), counts(300, 90, 60, 15), model="gpt-5"))),
    "codex totals": ("codex", (tokens(total=counts(300, 90, 60, 15, cache_write_input_tokens=30)),)),
    "codex records": ("codex", (FORK, record("resp_1", counts(100, 40, 20, 5)))),
    "codex records alone": ("codex", (record("resp_1", counts(100, 40, 20, 5)),)),
    "codex turns": ("codex", (turn(),)),
    "codex talk": ("codex", (codex_line("response_item", {"type": "message"}),)),
    "codex compactions": ("codex", (codex_line("compacted", {"message": ""}),)),
    "langfuse download": ("langfuse", (document(downloaded(metadata=OTEL), downloaded(id="o2", type="SPAN")),)),
    "langfuse export": ("langfuse", (enriched(metadata=OTEL, model_parameters='{"stream": true}'),)),
    "langfuse traces": ("langfuse", (trace(),)),
    "litellm spend logs": ("litellm", (spend_log({**LITELLM_CALL, "attempted_retries": 1}, cache_hit="True"),)),
    "litellm spend logs as csv": ("litellm", SPEND_LOGS),
    "litellm payloads": (
        "litellm", (payload(LITELLM_CALL, saved_cache_cost=0.5, id="chatcmpl-1_cache_hit1777629602.75"),),
    ),
    "json lines": ("table", (USAGE,)),
    "csv": ("table", TABLE),
}  # fmt: skip
"""Name of the source, and lines: of several the first is a header, or says what the others are."""
BY_NAME: dict[str, Source] = {source.name: source for source in SOURCES}

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


def texts_of(name: str) -> list[str]:
    return [one if isinstance(one, str) else json.dumps(one) for one in FORMATS[name][1]]


@pytest.mark.parametrize("name", FORMATS)
def test_its_own_source_alone_recognises_a_format(name: str, tmp_path: Path):
    file = tmp_path / "a log"
    file.write_text("\n".join(texts_of(name)) + "\n")

    assert [source.name for source in SOURCES if source.recognise(Head.of(file))] == [FORMATS[name][0]]


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(chance=CHANCES)
def test_any_lines_are_accounted_for(name: str, tmp_path: Path, chance: random.Random):
    *header, line = texts_of(name)
    lines = [*(text.encode() for text in (*header, line)), *(mutated(line, chance) for _ in range(150))]

    assert check(BY_NAME[FORMATS[name][0]], tmp_path / "fuzz", b"\n".join(lines)).lines >= 1
