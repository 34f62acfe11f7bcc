"""Langfuse: what of a trace is a request, how its usage adds up, and how traces and observations come together."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.claims import Claims, says
from tests.langfuse_rows import document, downloaded, enriched, exported, trace, write_json, write_rows
from tests.source_rows import Row, json_lines, read, rejects, requests, sum_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import SOURCES, Batch, Head
from usagecost.sources.langfuse import Langfuse

COUNTS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "output_reasoning_tokens",
)
TOKENS = " ".join(COUNTS)

needs_real_logs = pytest.mark.skipif(
    "USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs"
)


def one(**fields: object) -> Row:
    """A download of a trace with one observation."""
    return document(downloaded(**fields))


def using(**usage: object) -> Row:
    """The same with a map of counts."""
    return one(usageDetails=usage)


def served_by(**attributes: object) -> Row:
    return one(metadata={"attributes": attributes})


def counted(**columns: object) -> Row:
    """An observation of an older download, without a map of counts."""
    return one(usageDetails=None, **columns)


REASONED = {"input": 6, "output": 2055, "completion_details.reasoning": 1104, "total": 2061}
READ = {"input": 100, "prompt_details.cache_read": 60, "output": 9, "total": 109}
WRITTEN = {"input": 50, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 20, "output": 5, "total": 125}
ODD = (
    {"input": 10, "output": 5, "total": 40},
    {"input": 10, "input_cached_tokens": 60, "output": 5, "total": 15},
    {"input": 10, "input_cache_creation": 60, "output": 5, "total": 15},
)
CHARACTERS = {"input": 412, "output": 87, "total": 499, "unit": "CHARACTERS"}
NO_COUNT = "every count in it is a whole number from 0 on. Correct the log, or leave the value empty."
SECRETS = {"metadata": {"attributes": {"input.value": "a secret"}}, "modelParameters": {"system_instruction": "a secret"}}

CLAIMS = Claims(
    Langfuse,
    {
        "an observation says who, what and when": says(
            "source request_id trace_id session_id user_id tags app environment model operation status duration_ms ttft_ms "
            f"is_streaming {TOKENS} reported_cost_usd started_at attributes",
            (
                one(promptName="greet", promptVersion=3, version="2", usagePricingTierName="Standard", **SECRETS),
                ("langfuse", "t1:o1", "t1", "s1", "ada", ["a", "b"], "support", "production", "gpt-4o", "chat", "success", 2500.0,
                 None, None, 100, 30, None, None, 9, None, Decimal("0.0012"), "2026-05-01T10:00:00+00:00",
                 {
                     "name": "answer", "trace_name": "support", "project_id": "p1", "release": "r7", "version": "2",
                     "prompt_name": "greet", "prompt_version": "3", "pricing_tier": "Standard",
                     "cost_details": {"input": 0.001, "output": 0.0002, "total": 0.0012},
                 }),
            ),
        ),
        "generations, embeddings and what used tokens are requests": says(
            "operation input_tokens output_tokens skipped",
            (using(), [("chat", None, None), {}]),
            (one(type="EMBEDDING", usageDetails={"input": 5, "total": 5}), [("embeddings", 5, None), {}]),
            (one(type="AGENT"), [(None, 100, 9), {}]),
            (one(type="SPAN", usageDetails={}), [{"no usage in it": 1}]),
            (one(type="SPAN", usageDetails={"input": 0, "output": 0, "total": 0}), [{"no usage in it": 1}]),
            (one(type="TOOL", usageDetails=None), [{"no usage in it": 1}]),
            ([exported(is_deleted=1), exported(id="o2", is_deleted=0)], [("chat", 100, 9), {"deleted in Langfuse": 1}]),
        ),
        "times are those of the stamps, whatever the unit of the latency": says(
            "duration_ms ttft_ms is_streaming",
            (one(latency=2.5, completionStartTime="2026-05-01T10:00:00.250Z"), (2500.0, 250.0, True)),
            (one(latency=2500, completionStartTime="2026-05-01T10:00:02.500Z"), (2500.0, None, None)),
            (one(endTime=None, latency=7, completionStartTime="2026-05-01T10:00:01Z"), (None, 1000.0, True)),
            (one(endTime="2026-05-01T09:59:59Z"), (None, None, None)),
            (one(endTime="2026-07-01T10:00:00Z"), (None, None, None)),
            (one(startTime="2026-05-01T12:00:00+02:00"), (2500.0, None, None)),
        ),
        "a cost of nothing without details is an unknown one": says(
            "reported_cost_usd",
            (one(totalCost=0, costDetails={}), None),
            (one(totalCost=0, costDetails={"input": 0, "total": 0}), Decimal(0)),
            (one(totalCost=2.5e-05, costDetails=None), Decimal("0.000025")),
            (one(totalCost=None, costDetails={}), None),
        ),
        "the level tells the outcome and the message is kept": says(
            "status attributes.level attributes.status_message",
            (
                one(level="ERROR", statusMessage="Rate limit" + "." * 600, usageDetails={}),
                ("error", None, "Rate limit" + "." * 490),
            ),
            (one(level="WARNING"), ("success", "WARNING", None)),
        ),
        "the metadata may tell the provider": says(
            "provider",
            (served_by(**{"gen_ai.system": "openai.responses"}), "openai"),
            (served_by(**{"gen_ai.provider.name": "gcp.vertex_ai", "gen_ai.system": "other"}), "google"),
            (served_by(**{"gen_ai.system": "gcp.vertex.agent", "llm.provider": "google"}), "google"),
            (served_by(**{"gen_ai.system": "google-gla"}), "google"),
            (one(metadata={"attributes": json.dumps({"llm.provider": "OpenAI"})}), "openai"),
            (served_by(**{"gen_ai.system": "az.ai.openai"}), "azure"),
            (served_by(**{"gen_ai.system": "aws.bedrock"}), "aws"),
            (served_by(**{"gen_ai.system": "mistral_ai"}), "mistral"),
            (served_by(**{"gen_ai.system": "xai"}), "x-ai"),
            (served_by(**{"gen_ai.system": "vllm"}), "vllm"),
            (one(metadata={"ls_provider": "google_vertexai"}), "google"),
            (one(metadata=json.dumps({"ls_provider": "amazon_bedrock"})), "aws"),
            (one(metadata="no JSON {"), None),
            (one(metadata=None), None),
        ),
        "the service is the app, else the trace's name": says(
            "app",
            *(
                (one(metadata={"resourceAttributes": {"service.name": service}}), app)
                for service, app in (("checkout", "checkout"), ("unknown_service", "support"),
                                     ("unknown_service:/opt/deno", "support"), (None, "support"))
            ),
        ),
        "the parameters tell the tier and whether it was streamed": says(
            "service_tier is_streaming",
            (one(modelParameters={"service_tier": "flex", "stream": True}), ("flex", True)),
            (one(modelParameters={"service_tier": "auto", "is_stream": False}), (None, False)),
            (one(modelParameters='{"service_tier": "null", "stream": "null"}'), (None, None)),
            (one(modelParameters="none {"), (None, None)),
        ),
        # how usage adds up
        "usage adds up in four ways": says(
            f"{TOKENS} units attributes.usage_adds_up attributes.usage_details",
            (using(input=5, output=2), (5, None, None, None, 2, None, {}, None, None)),
            (
                using(input=10, input_cache_read=70, input_cache_creation=20, output=5, output_reasoning=3, total=108),
                (100, 70, 20, None, 8, 3, {}, None, None),
            ),
            (using(**REASONED), (6, None, None, None, 2055, 1104, {}, "inclusive", None)),
            (using(**READ), (100, 60, None, None, 9, None, {}, "inclusive", None)),
            (using(**WRITTEN), (120, 70, 20, None, 5, None, {}, "cache write", None)),
            (using(**ODD[0]), (10, None, None, None, 5, None, {"uncounted_tokens": 25}, "unknown", ODD[0])),
            (using(**ODD[1]), (70, 60, None, None, 5, None, {}, "unknown", ODD[1])),
            (using(**ODD[2]), (70, None, 60, None, 5, None, {}, "unknown", ODD[2])),
        ),
        "keys of usage are known in the spellings of all SDKs": says(
            TOKENS,
            (using(input_tokens=1, cache_read_input_tokens=8, output_tokens=2), (9, 8, None, None, 2, None)),
            (using(prompt_tokens=10, cached_tokens=4, completion_tokens=2, total_tokens=12), (10, 4, None, None, 2, None)),
            (using(input=1, input_cache_creation_5m=20, input_cache_creation_1h=7, output=2), (28, None, 27, 7, 2, None)),
            (using(input=1, cache_creation_input_tokens=20, input_cache_creation_1h=7, output=2), (28, None, 27, 7, 2, None)),
            (using(input=1, output=2, output_reasoning_tokens=40, total=43), (1, None, None, None, 42, 40)),
            (using(input="1", output="2", total="3"), (1, None, None, None, 2, None)),
            (using(input=1, output=2, web_search_requests=3, total=6), (1, None, None, None, 2, None)),
            (using(output=2, input_cached_tokens=None), (None, None, None, None, 2, None)),
            (using(input=1988, total=1988), (1988, None, None, None, None, None)),
        ),
        "audio and images are parts of input and output": says(
            "input_tokens input_audio_tokens input_image_tokens output_tokens output_audio_tokens output_image_tokens",
            (using(input=10, input_audio=40, output=5, output_audio=20, total=75), (50, 40, None, 25, 20, None)),
            (using(input=10, input_image=30, output=5, output_image=20, total=65), (40, None, 30, 25, None, 20)),
            (  # and lie inside of an inclusive total
                using(input=40, input_image_tokens=30, output=25, output_image_tokens=20, total=65),
                (40, None, 30, 25, None, 20),
            ),
        ),
        "older downloads have counts in columns or with a unit": says(
            "input_tokens output_tokens",
            (counted(inputUsage=1200, outputUsage=15, totalUsage=1215), (1200, 15)),
            (counted(inputUsage=0, outputUsage=0, totalUsage=0), (None, None)),
            (counted(usage={"input": 412, "output": 87, "total": 499, "unit": "TOKENS"}), (412, 87)),
            (counted(usage=CHARACTERS), (None, None)),
        ),
        "what is no token is counted as units": says(
            "input_tokens output_tokens units",
            (using(input=90, output=9, web_search_requests=2, total=99), (90, 9, {"web_searches": 2})),
            (using(input=90, output=9, web_searches=2, total=101), (90, 9, {"web_searches": 2})),  # added up by Langfuse
            (using(input_audio_seconds=12.5), (None, None, {"input_audio_seconds": Decimal("12.5")})),
            (using(search_units=1, total=1), (None, None, {"rerank_searches": 1})),
            (using(input=0, output=0, images=3), (None, None, {"images": 3})),
            (using(**CHARACTERS), (None, None, {"input_characters": 412, "output_characters": 87})),
            (using(input=0, output=0, total=2500, unit="MILLISECONDS"), (None, None, {"seconds": Decimal("2.5")})),
            (using(input=None, output=2, total=2, unit="IMAGES"), (None, None, {"images": 2})),
        ),
        # what cannot be read
        "several downloads may stand in one file": says(
            "request_id user_id",
            (
                [document(downloaded()), document(downloaded(traceId="t2"), id="t2", userId="bob"), document()],
                [("t1:o1", "ada"), ("t2:o1", "bob")],
            ),
        ),
        "what stands in place of observations is skipped": says(
            "request_id skipped",
            (document(downloaded(), None, 3, "x", [], {}), [("t1:o1",), {"no usage in it": 5}]),
        ),
        "observations that cannot be are rejected, each with a sentence": says(
            "request_id",
            (
                [exported(id=""), exported(start_time=""), exported(usage_details={"input": 5, "input_audio": -3}),
                 exported(usage_details="{'input': 5}"), exported(usage_details={"input": 1.5}),
                 exported(usage_details={"input": 5, "output": 1, "total": 5e11}), exported(total_cost=-1),
                 '{"id": "o9", "trace_id": "t1", "type": "GENERATION", "start_'],
                [
                    (1, "request_id (column id) is empty: a request needs an id of its own."),
                    (2, "started_at (column start_time) is empty: a request needs the time when it was sent."),
                    (3, f'usage_details is "{{"input":5,"input_audio":-3}}": {NO_COUNT}'),
                    (4, "usage_details is \"{'input': 5}\": it has to be a JSON object of counts. Export the observations again."),
                    (5, f'usage_details is "{{"input":1.5}}": {NO_COUNT}'),
                    (6, f'usage_details is "{{"input":5,"output":1,"total":500000000000.0}}": {NO_COUNT}'),
                    (7, 'reported_cost_usd (column total_cost) is "-1": a cost cannot be negative. '
                        "Leave credits out, or the value empty."),
                    (8, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
                ],
            ),
        ),
    },
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_an_observation_is_read_as_claimed(claim: str):
    assert CLAIMS.actual(claim) == CLAIMS.expected(claim)


def by_id(batch: Batch, *columns: str) -> list[tuple[object, ...]]:
    return sorted(requests(batch, "request_id", *columns))


def stored(lake: Lake) -> pa.Table:
    return pq.read_table(list(lake.snapshot().files()), partitioning=None)


def stored_rows(lake: Lake, *columns: str) -> list[tuple[object, ...]]:
    return sorted(zip(*stored(lake).select(["request_id", *columns]).to_pydict().values(), strict=True))


# ---- the forms


@pytest.mark.parametrize("name", ["o.csv", "o.json", "o.jsonl", "o.jsonl.gz", "o.parquet"])
def test_an_export_says_the_same_in_every_form(tmp_path: Path, name: str):
    rows = [
        enriched(completion_start_time="2026-05-01 10:00:00.250000", metadata={"attributes": '{"gen_ai.system":"openai"}'}),
        enriched(id="o2", type="SPAN", provided_model_name="", usage_details={}, cost_details={}, total_cost=0),
    ]
    path = write_rows(tmp_path / name, rows)

    batch = read(Langfuse(), path)

    assert Langfuse().recognise(Head.of(path)) == "Langfuse: observations"
    assert requests(batch, "request_id", "user_id", "session_id", "tags", "app", "provider") == [
        ("t1:o1", "ada", "s1", ["a", "b"], "support", "openai")
    ]
    assert requests(batch, "model", "duration_ms", "ttft_ms", *COUNTS, "reported_cost_usd") == [
        ("gpt-4o", 2500.0, 250.0, 100, 30, None, None, 9, None, Decimal("0.0012"))
    ]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [1777629600000000]
    assert (batch.lines - (name == "o.csv"), batch.rejects.num_rows) == (2, 0)


def test_answers_of_the_api_are_read_too(tmp_path: Path):
    listed = write_json(tmp_path / "list.json", {"data": [downloaded()], "meta": {"totalItems": 1}})
    inline = write_json(tmp_path / "trace.json", {**document()["trace"], "observations": [downloaded(id="o2")]})
    rows = write_json(tmp_path / "rows.json", [downloaded(id="o3", tags=["x"])])

    batch = read(Langfuse(), listed, inline, rows)

    assert by_id(batch, "user_id", "tags") == [("t1:o1", None, None), ("t1:o2", "ada", ["a", "b"]), ("t1:o3", None, ["x"])]


def test_files_are_recognised_by_what_is_in_them(tmp_path: Path):
    score = {"id": "s", "timestamp": "…", "trace_id": "t1", "observation_id": None, "name": "n", "value": 1, "source": "API"}
    files = {
        write_json(tmp_path / "a", document(downloaded())): "Langfuse: a trace with its observations",
        write_json(tmp_path / "b", document()): "Langfuse: a trace with its observations",
        write_rows(tmp_path / "c", [exported()]): "Langfuse: observations",
        write_rows(tmp_path / "d", [trace()]): "Langfuse: traces, for the users, sessions and tags of observations",
        write_rows(tmp_path / "e", [{**score, "data_type": "NUMERIC"}]): "Langfuse: scores, which are no requests",
        write_rows(tmp_path / "f", [{"id": "x", "trace_id": "t1", "created_at": "…", "ai_model": "gpt-4o"}]): None,
        write_rows(tmp_path / "g", [{"id": "x", "timestamp": "…", "name": "n"}]): None,
        write_json(tmp_path / "h", {"data": [{"object": "bucket", "start_time": 1}]}): None,
    }

    assert {path: Langfuse().recognise(Head.of(path)) for path in files} == files
    assert [source.name for source in SOURCES for path in files if source.recognise(Head.of(path))] == ["langfuse"] * 5


def test_a_download_is_recognised_though_its_first_trace_is_longer_than_what_is_looked_at(tmp_path: Path):
    head = Head(tmp_path / "big.json", b'{\n  "trace": {\n    "id": "t1", "input": "' + b"x" * 1000, is_whole=False)

    assert Langfuse().recognise(head) == "Langfuse: a trace with its observations"


# ---- traces and observations


@pytest.mark.parametrize(("name", "traces_first"), [("t.csv", True), ("t.parquet", False)])
def test_observations_are_joined_to_their_traces_whichever_come_first(tmp_path: Path, name: str, traces_first: bool):
    traces = write_rows(tmp_path / name, [trace(), trace(id="t2", user_id="bob", session_id=None, tags=[])])
    observations = write_rows(tmp_path / "o.jsonl", [exported(), exported(trace_id="t2"), exported(trace_id="t3")])

    batch = read(Langfuse(), *([traces, observations] if traces_first else [observations, traces]))

    assert by_id(batch, "user_id", "session_id", "tags", "app") == [
        ("t1:o1", "ada", "s1", ["a", "b"], "support"),
        ("t2:o1", "bob", None, None, "support"),
        ("t3:o1", None, None, None, None),
    ]
    assert batch.skipped == 2 + (name == "t.csv")


def test_of_two_versions_of_a_trace_the_newer_counts(tmp_path: Path):
    newer = trace(user_id="eve", updated_at="2026-05-01 11:00:00.000000")
    traces = [write_rows(tmp_path / "1.jsonl", [newer, trace()]), write_rows(tmp_path / "2.csv", [trace(user_id="bob")])]

    batch = read(Langfuse(), *traces, write_rows(tmp_path / "o.csv", [exported()]))

    assert requests(batch, "user_id") == [("eve",)]


def test_a_trace_that_cannot_be_is_rejected_and_the_requests_come_without_it(tmp_path: Path):
    traces = json_lines(tmp_path / "t.jsonl", [trace(timestamp="soon"), "{"])

    batch = read(Langfuse(), traces, write_rows(tmp_path / "o.jsonl", [exported()]))

    assert requests(batch, "user_id") == [(None,)]
    assert rejects(batch) == [
        (
            1,
            'started_at (column timestamp) is "soon": that is no time. '
            "Write it as 2026-11-23T14:32:00Z, or as a number since 1970.",
        ),
        (2, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
    ]


def test_a_later_change_ranks_higher_and_of_one_change_what_knows_its_trace(tmp_path: Path):
    observations, traces = write_rows(tmp_path / "o.jsonl", [exported()]), write_rows(tmp_path / "t.jsonl", [trace()])
    changed = write_rows(tmp_path / "new.jsonl", [exported(updated_at="2026-05-01 10:00:05.001000")])

    alone, together, later = (
        requests(read(Langfuse(), *paths), "request_id", "user_id", "rank")
        for paths in ([observations], [observations, traces], [changed])
    )

    assert [rows[0][:2] for rows in (alone, together, later)] == [("t1:o1", None), ("t1:o1", "ada"), ("t1:o1", None)]
    assert alone[0][2] < together[0][2] < later[0][2]


# ---- what is part of what


def test_what_contains_a_call_with_usage_is_not_counted_whatever_stands_between(tmp_path: Path):
    small, nothing = {"input": 10, "output": 2}, {"usageDetails": {}}
    parts = [
        downloaded(id="agent", type="AGENT", usageDetails={"input": 20, "output": 4}),
        downloaded(id="step", type="SPAN", parentObservationId="agent", **nothing),
        downloaded(id="wrapper", parentObservationId="step", usageDetails={"input": 11, "output": 2}),
        downloaded(id="call", parentObservationId="wrapper", usageDetails=small),
        downloaded(id="other", parentObservationId="agent", usageDetails=small),
        # a call without usage repeats nothing
        downloaded(id="agent", traceId="t2", type="AGENT"),
        downloaded(id="call", traceId="t2", parentObservationId="agent", **nothing),
        # and a wrapper without any passes on what it is part of
        downloaded(id="agent", traceId="t3", type="AGENT"),
        downloaded(id="wrapper", traceId="t3", parentObservationId="agent", **nothing),
        downloaded(id="call", traceId="t3", parentObservationId="wrapper"),
    ]
    lake = Lake(tmp_path / "lake")

    ingest([write_json(tmp_path / "t.json", parts)], lake)

    assert stored_rows(lake, "input_tokens") == [
        ("t1:call", 10), ("t1:other", 10), ("t2:agent", 100), ("t2:call", None), ("t3:call", 100),
    ]  # fmt: skip


def test_it_is_withdrawn_also_when_the_parts_come_in_another_file_before_or_after(tmp_path: Path):
    agents, parts = {}, {}
    for name in ("t1", "t2"):
        agents[name] = exported(id="agent", trace_id=name, type="AGENT")
        step = exported(id="step", trace_id=name, type="SPAN", usage_details={}, parent_observation_id="agent")
        parts[name] = [step, exported(id="call", trace_id=name, parent_observation_id="step")]
    lake = Lake(tmp_path / "lake")

    ingest([write_rows(tmp_path / "1.csv", [agents["t1"], *parts["t2"]])], lake)
    ingest([write_rows(tmp_path / "2.parquet", [*parts["t1"], agents["t2"]])], lake)

    assert stored_rows(lake) == [("t1:call",), ("t2:call",)]


# ---- what cannot be read


def test_of_a_download_that_is_cut_off_no_half_trace_is_taken(tmp_path: Path):
    path = write_json(tmp_path / "t.json", document(downloaded(), downloaded(id="o2")))
    path.write_bytes(path.read_bytes()[:-200])

    batch = read(Langfuse(), path)

    assert batch.requests.num_rows == 0
    assert [reason for _, reason in rejects(batch)][-1] == (
        "The file is cut off: its JSON ends in the middle. Get a whole copy of it."
    )


def test_a_file_that_is_said_to_be_langfuses_and_is_not_is_refused(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")

    assert rejects(read(Langfuse(), path)) == [
        (
            None,
            "The file is no export of Langfuse: it has no columns id, trace_id and start_time. "
            "Say with --as what it is, or leave --as out.",
        )
    ]


def test_many_blocks_are_read_with_what_is_part_of_what(tmp_path: Path):
    long = "x" * 1_000_000
    rows = [
        row
        for number in range(20)
        for row in (
            exported(id=f"{number}", type="AGENT", input=long),
            exported(id=f"{number}-call", parent_observation_id=f"{number}"),
        )
    ]
    lake = Lake(tmp_path / "lake")

    ingest([write_rows(tmp_path / "o.jsonl", rows)], lake)

    assert stored_rows(lake) == sorted((f"t1:{number}-call",) for number in range(20))


# ---- real downloads

INPUT_AND_OUTPUT_BY_TRACE = {
    "Agent.run": (663 + 163, 225 + 20),  # agno: OpenAIChat.invoke contains chat gpt-4o-mini, twice; 2 files
    "autogen-chat-trace": (41, 3),
    "beeai-framework-main": (1988 + 2359 + 1195, None),  # only input is told; 2 further generations have no usage
    "claude.conversation": (5 + 5 + 5 + 19, 94 + 56 + 53 + 29),
    "Insights Agent C#": (3004 + 2546 + 2497, 167 + 47 + 200),
    "invocation [hello_app]": (28 + 39, 3 + 6),
    "GenerateContent": (6, 2055),  # inclusive: 1104 of the output are reasoning
    "Google Vertex AI Gemini Test Trace": (1200, 15),  # inputUsage and outputUsage, no usageDetails
    "agent.f9f77d1a-437f-4ba6-890e-b592a50cbd21": (47 + 168, 106 + 19),  # koog
    "LangGraph": (60 + 108, 15 + 51),  # 2 files
    "llama-index-trace": (13, 81),
    "invoke_agent 99981f6a-abd1-4d09-9fba-00e2ab172193": (631 + 25, 35 + 70),  # the agent repeats 631 and 35
    "Agent workflow": (85 + 55, 29 + 15),
    "run_math_tutor": (49, 40),
    "pydantic-ai-qa-trace": (31, 96),
    "joke-generator": (417 + 131 + 502 + 265, 53 + 69 + 14 + 73),
    "chat gemini-2.5-flash": (40, 159),
    "ai.generateText": (62, 85),  # ai.generateText, 14 and 43, contains doGenerate
}
"""What the observations of the 20 files say that contain no other one with usage, each once."""


def test_what_is_known_of_the_real_traces_adds_up():
    inputs, outputs = zip(*INPUT_AND_OUTPUT_BY_TRACE.values(), strict=True)

    assert (sum(inputs), sum(filter(None, outputs))) == (18_452, 3_983)


@needs_real_logs
def test_real_traces_have_their_known_totals_and_come_in_once(tmp_path: Path):
    real = Path(os.environ["USAGECOST_REAL_DATA"]) / "langfuse"
    lake = Lake(tmp_path)

    first = ingest([real], lake)
    second = ingest([real], lake)

    rows = stored(lake)
    by_trace: dict[str, list[int | None]] = {}
    for about, *counts in zip(*rows.select(["attributes", "input_tokens", "output_tokens"]).to_pydict().values(), strict=True):
        told = by_trace.setdefault(json.loads(about)["trace_name"], [None, None])
        for place, count in enumerate(counts):
            told[place] = told[place] if count is None else (told[place] or 0) + count
    assert {name: tuple(told) for name, told in by_trace.items()} == INPUT_AND_OUTPUT_BY_TRACE
    assert (sum_of(rows, "input_tokens"), sum_of(rows, "output_tokens")) == (18_452, 3_983)
    assert (sum_of(rows, "output_reasoning_tokens"), sum_of(rows, "reported_cost_usd")) == (1_104, Decimal("0.026171050"))
    # 143 observations, of which 46 are generations or used tokens: 6 stand in two files, 4 contain others that used them
    assert (first.lines, first.skipped, first.duplicates, first.requests, first.rejected) == (143, 97, 10, 36, 0)
    assert (second.inserted, second.updated, second.version) == (0, 0, first.version)

    # counted without us they are the same
    observations = {}
    for path in real.glob("*.json"):
        observations |= {seen["id"]: seen for seen in json.loads(path.read_text())["observations"]}
    used = {name: usage for name, seen in observations.items() if any((usage := _usage(seen)).values())}
    around = {above for name in used for above in _above(name, observations)}
    innermost = [usage for name, usage in used.items() if name not in around]
    assert sum(usage["input"] for usage in innermost) == sum_of(rows, "input_tokens")
    assert sum(usage.get("output", 0) for usage in innermost) == sum_of(rows, "output_tokens")
    assert (len(used), len(innermost)) == (38, 34)
    assert (
        sum(sum(usage.values()) for usage in used.values()) - sum(sum(usage.values()) for usage in innermost)
        == 777 + 1991 + 666 + 57
    )


def _usage(seen: dict) -> dict[str, int]:
    """Input and output: in these files all else is 0, or a part of the output."""
    told = seen.get("usageDetails")
    if told is None:
        told = {"input": seen["inputUsage"], "output": seen["outputUsage"]}
    return {key: told[key] for key in ("input", "output") if key in told}


def _above(name: str, observations: dict[str, dict]) -> set[str]:
    """What an observation is part of."""
    parent = observations[name]["parentObservationId"] if name in observations else None
    return {parent, *_above(parent, observations)} if parent else set()
