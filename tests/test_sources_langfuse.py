"""Langfuse: what of a trace is a request, how its usage adds up, and how traces and observations come together."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.langfuse_rows import document, downloaded, enriched, exported, trace, write_json, write_rows
from tests.source_rows import Row, json_lines, read, reading_of, rejects, requests, sum_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import SOURCES, Batch, Head
from usagecost.sources.langfuse import Langfuse

reading = reading_of(Langfuse)

COUNTS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "output_reasoning_tokens",
)

needs_real_logs = pytest.mark.skipif(
    "USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs"
)


def named(observations: Iterable[Row]) -> Row:
    """A download with these observations, which have ids in their order."""
    return document(*({**one, "id": f"o{place:02}"} for place, one in enumerate(observations)))


def by_id(batch: Batch, *columns: str) -> list[tuple[object, ...]]:
    return sorted(requests(batch, "request_id", *columns))


def stored(lake: Lake) -> pa.Table:
    return pq.read_table(list(lake.snapshot().files()), partitioning=None)


def stored_rows(lake: Lake, *columns: str) -> list[tuple[object, ...]]:
    return sorted(zip(*stored(lake).select(["request_id", *columns]).to_pydict().values(), strict=True))


# ---- what a request says


@reading
def test_an_observation_says_who_what_and_when():
    batch = yield document(downloaded(promptName="greet", promptVersion=3, version="2", usagePricingTierName="Standard"))

    assert requests(batch, "source", "request_id", "trace_id", "session_id", "user_id", "tags", "app", "environment") == [
        ("langfuse", "t1:o1", "t1", "s1", "ada", ["a", "b"], "support", "production")
    ]
    assert requests(batch, "model", "operation", "status", "duration_ms", "ttft_ms", "is_streaming") == [
        ("gpt-4o", "chat", "success", 2500.0, None, None)
    ]
    assert requests(batch, *COUNTS, "reported_cost_usd") == [(100, 30, None, None, 9, None, Decimal("0.0012"))]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [1777629600000000]
    assert json.loads(batch.requests["attributes"][0].as_py()) == {
        "name": "answer",
        "trace_name": "support",
        "project_id": "p1",
        "release": "r7",
        "version": "2",
        "prompt_name": "greet",
        "prompt_version": "3",
        "pricing_tier": "Standard",
        "cost_details": {"input": 0.001, "output": 0.0002, "total": 0.0012},
    }


@reading
def test_contents_are_not_kept():
    secrets = {"metadata": {"attributes": {"input.value": "a secret"}}, "modelParameters": {"system_instruction": "a secret"}}
    batch = yield document(downloaded(**secrets))

    assert batch.requests.num_rows == 1
    assert "secret" not in str(batch.requests.to_pylist())


@reading
def test_generations_embeddings_and_what_used_tokens_are_requests():
    nothing = {"input": 0, "output": 0, "total": 0}
    batch = yield document(
        downloaded(id="generation", usageDetails={}),
        downloaded(id="embedding", type="EMBEDDING", usageDetails={"input": 5, "total": 5}),
        downloaded(id="agent", type="AGENT"),
        downloaded(id="span", type="SPAN", usageDetails={}),
        downloaded(id="empty", type="SPAN", usageDetails=nothing),
        downloaded(id="tool", type="TOOL", usageDetails=None),
    )

    assert by_id(batch, "operation", "input_tokens", "output_tokens") == [
        ("t1:agent", None, 100, 9),
        ("t1:embedding", "embeddings", 5, None),
        ("t1:generation", "chat", None, None),
    ]
    assert (batch.lines, batch.skipped) == (6, 3)


@reading
def test_times_are_those_of_the_stamps_whatever_the_unit_of_the_latency():
    batch = yield document(
        downloaded(id="a", latency=2.5, completionStartTime="2026-05-01T10:00:00.250Z"),
        downloaded(id="b", latency=2500, completionStartTime="2026-05-01T10:00:02.500Z"),
        downloaded(id="c", endTime=None, latency=7, completionStartTime="2026-05-01T10:00:01Z"),
        downloaded(id="d", endTime="2026-05-01T09:59:59Z"),
        downloaded(id="e", endTime="2026-07-01T10:00:00Z"),
        downloaded(id="f", startTime="2026-05-01T12:00:00+02:00"),
    )

    assert by_id(batch, "duration_ms", "ttft_ms", "is_streaming") == [
        ("t1:a", 2500.0, 250.0, True),
        ("t1:b", 2500.0, None, None),
        ("t1:c", None, 1000.0, True),
        ("t1:d", None, None, None),
        ("t1:e", None, None, None),
        ("t1:f", 2500.0, None, None),
    ]


@reading
def test_a_cost_of_nothing_without_details_is_an_unknown_one():
    batch = yield document(
        downloaded(id="a", totalCost=0, costDetails={}),
        downloaded(id="b", totalCost=0, costDetails={"input": 0, "total": 0}),
        downloaded(id="c", totalCost=2.5e-05, costDetails=None),
        downloaded(id="d", totalCost=None, costDetails={}),
    )

    assert by_id(batch, "reported_cost_usd") == [
        ("t1:a", None),
        ("t1:b", Decimal(0)),
        ("t1:c", Decimal("0.000025")),
        ("t1:d", None),
    ]


@reading
def test_the_level_tells_the_outcome_and_the_message_is_kept():
    failed = downloaded(id="a", level="ERROR", statusMessage="Rate limit" + "." * 600, usageDetails={})
    batch = yield document(failed, downloaded(id="b", level="WARNING"))

    (_, failure, about), (_, warned, about_warned) = by_id(batch, "status", "attributes")
    assert (failure, warned) == ("error", "success")
    assert json.loads(about)["status_message"] == "Rate limit" + "." * 490
    assert json.loads(about_warned)["level"] == "WARNING"


@reading
def test_the_metadata_may_tell_the_provider():
    cases = [
        ({"attributes": {"gen_ai.system": "openai.responses"}}, "openai"),
        ({"attributes": {"gen_ai.provider.name": "gcp.vertex_ai", "gen_ai.system": "other"}}, "google"),
        ({"attributes": {"gen_ai.system": "gcp.vertex.agent", "llm.provider": "google"}}, "google"),
        ({"attributes": {"gen_ai.system": "google-gla"}}, "google"),
        ({"attributes": json.dumps({"llm.provider": "OpenAI"})}, "openai"),
        ({"attributes": {"gen_ai.system": "az.ai.openai"}}, "azure"),
        ({"attributes": {"gen_ai.system": "aws.bedrock"}}, "aws"),
        ({"attributes": {"gen_ai.system": "mistral_ai"}}, "mistral"),
        ({"attributes": {"gen_ai.system": "xai"}}, "x-ai"),
        ({"attributes": {"gen_ai.system": "vllm"}}, "vllm"),
        ({"ls_provider": "google_vertexai"}, "google"),
        (json.dumps({"ls_provider": "amazon_bedrock"}), "aws"),
        ("no JSON {", None),
        (None, None),
    ]

    found = requests((yield named((downloaded(metadata=metadata) for metadata, _ in cases))), "provider")

    assert found == [(provider,) for _, provider in cases]


@reading
def test_the_service_is_the_app_else_the_traces_name():
    services = {"checkout": "checkout", "unknown_service": "support", "unknown_service:/opt/deno": "support", None: "support"}
    resources = ({"resourceAttributes": {"service.name": service}} for service in services)

    found = requests((yield named(downloaded(metadata=resource) for resource in resources)), "app")

    assert found == [(app,) for app in services.values()]


@reading
def test_the_parameters_tell_the_tier_and_whether_it_was_streamed():
    batch = yield document(
        downloaded(id="a", modelParameters={"service_tier": "flex", "stream": True}),
        downloaded(id="b", modelParameters={"service_tier": "auto", "is_stream": False}),
        downloaded(id="c", modelParameters='{"service_tier": "null", "stream": "null"}'),
        downloaded(id="d", modelParameters="none {"),
    )

    assert by_id(batch, "service_tier", "is_streaming") == [
        ("t1:a", "flex", True),
        ("t1:b", None, False),
        ("t1:c", None, None),
        ("t1:d", None, None),
    ]


# ---- how usage adds up


@reading
def test_usage_adds_up_in_four_ways():
    cases = [
        ({"input": 5, "output": 2}, (5, None, None, None, 2, None), None),
        (
            {"input": 10, "input_cache_read": 70, "input_cache_creation": 20, "output": 5, "output_reasoning": 3, "total": 108},
            (100, 70, 20, None, 8, 3),
            None,
        ),
        (
            {"input": 6, "output": 2055, "completion_details.reasoning": 1104, "total": 2061},
            (6, None, None, None, 2055, 1104),
            "inclusive",
        ),
        ({"input": 100, "prompt_details.cache_read": 60, "output": 9, "total": 109}, (100, 60, None, None, 9, None), "inclusive"),
        (
            {"input": 50, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 20, "output": 5, "total": 125},
            (120, 70, 20, None, 5, None),
            "cache write",
        ),
        ({"input": 10, "output": 5, "total": 40}, (10, None, None, None, 5, None), "unknown"),
        ({"input": 10, "input_cached_tokens": 60, "output": 5, "total": 15}, (70, 60, None, None, 5, None), "unknown"),
        ({"input": 10, "input_cache_creation": 60, "output": 5, "total": 15}, (70, None, 60, None, 5, None), "unknown"),
    ]

    found = requests((yield named(downloaded(usageDetails=usage) for usage, *_ in cases)), *COUNTS, "units", "attributes")

    abouts = [json.loads(str(about)) for *_, about in found]
    assert [tuple(counts) for *counts, _, _ in found] == [counts for _, counts, _ in cases]
    assert [units for *_, units, _ in found if units] == [[("uncounted_tokens", Decimal(25))]]
    assert [(about.get("usage_adds_up"), about.get("usage_details")) for about in abouts] == [
        (adds_up, usage if adds_up == "unknown" else None) for usage, _, adds_up in cases
    ]


@reading
def test_keys_of_usage_are_known_in_the_spellings_of_all_sdks():
    cases = [
        ({"input_tokens": 1, "cache_read_input_tokens": 8, "output_tokens": 2}, (9, 8, None, None, 2, None)),
        ({"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 2, "total_tokens": 12}, (10, 4, None, None, 2, None)),
        ({"input": 1, "input_cache_creation_5m": 20, "input_cache_creation_1h": 7, "output": 2}, (28, None, 27, 7, 2, None)),
        ({"input": 1, "cache_creation_input_tokens": 20, "input_cache_creation_1h": 7, "output": 2}, (28, None, 27, 7, 2, None)),
        ({"input": 1, "output": 2, "output_reasoning_tokens": 40, "total": 43}, (1, None, None, None, 42, 40)),
        ({"input": "1", "output": "2", "total": "3"}, (1, None, None, None, 2, None)),
        ({"input": 1, "output": 2, "web_search_requests": 3, "total": 6}, (1, None, None, None, 2, None)),
        ({"output": 2, "input_cached_tokens": None}, (None, None, None, None, 2, None)),
        ({"input": 1988, "total": 1988}, (1988, None, None, None, None, None)),
    ]

    found = requests((yield named((downloaded(usageDetails=usage) for usage, _ in cases))), *COUNTS)

    assert found == [counts for _, counts in cases]


@reading
def test_audio_is_a_part_of_input_and_output():
    usage = {"input": 10, "input_audio": 40, "output": 5, "output_audio": 20, "total": 75}
    batch = yield document(downloaded(usageDetails=usage))

    assert requests(batch, "input_tokens", "input_audio_tokens", "output_tokens", "output_audio_tokens") == [(50, 40, 25, 20)]


@reading
def test_older_downloads_have_counts_in_columns_or_with_a_unit():
    columns = {"usageDetails": None, "inputUsage": 1200, "outputUsage": 15, "totalUsage": 1215}
    batch = yield document(
        downloaded(id="a", **columns),
        downloaded(id="b", **{**columns, "inputUsage": 0, "outputUsage": 0, "totalUsage": 0}),
        downloaded(id="c", usageDetails=None, usage={"input": 412, "output": 87, "total": 499, "unit": "TOKENS"}),
        downloaded(id="d", usageDetails=None, usage={"input": 412, "output": 87, "total": 499, "unit": "CHARACTERS"}),
    )

    assert by_id(batch, "input_tokens", "output_tokens") == [
        ("t1:a", 1200, 15),
        ("t1:b", None, None),
        ("t1:c", 412, 87),
        ("t1:d", None, None),
    ]


@reading
def test_what_is_no_token_is_counted_as_units():
    cases = [
        ({"input": 90, "output": 9, "web_search_requests": 2, "total": 99}, (90, 9), {"web_searches": 2}),
        ({"input": 90, "output": 9, "web_searches": 2, "total": 101}, (90, 9), {"web_searches": 2}),  # added up by Langfuse
        ({"input_audio_seconds": 12.5}, (None, None), {"input_audio_seconds": Decimal("12.5")}),
        ({"search_units": 1, "total": 1}, (None, None), {"rerank_searches": 1}),
        ({"input": 0, "output": 0, "images": 3}, (None, None), {"images": 3}),
        (
            {"input": 412, "output": 87, "total": 499, "unit": "CHARACTERS"},
            (None, None),
            {"input_characters": 412, "output_characters": 87},
        ),
        ({"input": 0, "output": 0, "total": 2500, "unit": "MILLISECONDS"}, (None, None), {"seconds": Decimal("2.5")}),
        ({"input": None, "output": 2, "total": 2, "unit": "IMAGES"}, (None, None), {"images": 2}),
    ]

    found = requests(
        (yield named((downloaded(usageDetails=usage) for usage, *_ in cases))), "input_tokens", "output_tokens", "units"
    )

    assert [((given, taken), dict(units or [])) for given, taken, units in found] == [(tokens, units) for _, tokens, units in cases]


@reading
def test_images_have_columns_and_lie_inside_of_an_inclusive_total():
    batch = yield document(
        downloaded(id="a", usageDetails={"input": 10, "input_image": 30, "output": 5, "output_image": 20, "total": 65}),
        downloaded(
            id="b", usageDetails={"input": 40, "input_image_tokens": 30, "output": 25, "output_image_tokens": 20, "total": 65}
        ),
    )

    assert by_id(batch, "input_tokens", "input_image_tokens", "output_tokens", "output_image_tokens") == [
        ("t1:a", 40, 30, 25, 20),
        ("t1:b", 40, 30, 25, 20),
    ]


def test_every_skipped_observation_has_a_reason(tmp_path: Path):
    rows = [enriched(), enriched(id="o2", type="SPAN", usage_details={}), enriched(id="o3", is_deleted=1)]
    path = write_rows(tmp_path / "o.jsonl", rows)

    assert read(Langfuse(), path).skips == {(str(path), "no usage in it"): 1, (str(path), "deleted in Langfuse"): 1}


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


def test_several_downloads_may_stand_in_one_file(tmp_path: Path):
    other = document(downloaded(traceId="t2"), id="t2", userId="bob")

    batch = read(Langfuse(), json_lines(tmp_path / "traces.jsonl", [document(downloaded()), other, document()]))

    assert by_id(batch, "user_id") == [("t1:o1", "ada"), ("t2:o1", "bob")]
    assert (batch.lines, batch.skipped) == (3, 1)


def test_deleted_rows_are_skipped(tmp_path: Path):
    batch = read(Langfuse(), write_rows(tmp_path / "o.jsonl", [exported(is_deleted=1), exported(id="o2", is_deleted=0)]))

    assert (by_id(batch), batch.skipped) == ([("t1:o2",)], 1)


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


def test_requests_that_came_without_their_traces_are_completed_by_both_together(tmp_path: Path):
    observations = write_rows(tmp_path / "observations" / "1.jsonl", [exported()])
    write_rows(tmp_path / "traces" / "1.jsonl", [trace()])
    lake = Lake(tmp_path / "lake")

    ingest([observations], lake)
    alone = stored_rows(lake, "user_id")
    ingest([tmp_path / "observations", tmp_path / "traces"], lake)
    together = stored_rows(lake, "user_id")
    ingest([observations], lake)

    assert (alone, together) == ([("t1:o1", None)], [("t1:o1", "ada")])
    assert stored_rows(lake, "user_id") == together


def test_a_later_change_counts_more_than_what_is_known_of_the_trace(tmp_path: Path):
    changed = exported(usage_details={"input": 7}, updated_at="2026-05-01 10:00:05.001000")
    lake = Lake(tmp_path / "lake")

    ingest([write_rows(tmp_path / "new.jsonl", [changed])], lake)
    ingest([write_rows(tmp_path / "old.jsonl", [enriched()])], lake)

    assert stored_rows(lake, "input_tokens") == [("t1:o1", 7)]


def test_an_observation_is_one_request_however_it_was_exported(tmp_path: Path):
    write_json(tmp_path / "in" / "download.json", document(downloaded()))
    write_rows(tmp_path / "in" / "legacy.csv", [exported()])
    write_rows(tmp_path / "in" / "enriched.parquet", [enriched()])

    report = ingest([tmp_path / "in"], Lake(tmp_path / "lake"))

    assert (report.inserted, report.duplicates, report.problems) == (1, 2, ())


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


@pytest.mark.parametrize("order", [("1.csv", "2.parquet"), ("2.parquet", "1.csv")])
def test_it_is_withdrawn_also_when_the_parts_come_in_another_file(tmp_path: Path, order: tuple[str, str]):
    write_rows(tmp_path / "1.csv", [exported(id="agent", type="AGENT")])
    step = exported(id="step", type="SPAN", usage_details={}, parent_observation_id="agent")
    write_rows(tmp_path / "2.parquet", [step, exported(id="call", parent_observation_id="step")])
    lake = Lake(tmp_path / "lake")

    for name in order:
        ingest([tmp_path / name], lake)

    assert stored_rows(lake) == [("t1:call",)]


# ---- what cannot be read


def test_observations_that_cannot_be_are_rejected_each_with_a_sentence(tmp_path: Path):
    negative, broken = {"input": 5, "input_audio": -3}, "{'input': 5}"
    lines = [
        exported(id=""),
        exported(start_time=""),
        exported(usage_details=negative),
        exported(usage_details=broken),
        exported(usage_details={"input": 1.5}),
        exported(usage_details={"input": 5, "input_cached_tokens": 2, "output": 1, "total": 5e11}),
        exported(total_cost=-1),
        '{"id": "o9", "trace_id": "t1", "type": "GENERATION", "start_',
    ]

    batch = read(Langfuse(), json_lines(tmp_path / "o.jsonl", lines))

    counts = "every count in it is a whole number from 0 on. Correct the log, or leave the value empty."
    assert batch.requests.num_rows == 0
    assert rejects(batch) == [
        (1, "request_id (column id) is empty: a request needs an id of its own."),
        (2, "started_at (column start_time) is empty: a request needs the time when it was sent."),
        (3, f'usage_details is "{{"input":5,"input_audio":-3}}": {counts}'),
        (4, "usage_details is \"{'input': 5}\": it has to be a JSON object of counts. Export the observations again."),
        (5, f'usage_details is "{{"input":1.5}}": {counts}'),
        (
            6,
            'usage_details is "{"input":5,"input_cached_tokens":2,"output":1,"total":500000000000.0}": ' + counts,
        ),
        (
            7,
            'reported_cost_usd (column total_cost) is "-1": a cost cannot be negative. Leave credits out, or the value empty.',
        ),
        (8, "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."),
    ]


def test_of_a_download_that_is_cut_off_no_half_trace_is_taken(tmp_path: Path):
    path = write_json(tmp_path / "t.json", document(downloaded(), downloaded(id="o2")))
    path.write_bytes(path.read_bytes()[:-200])

    batch = read(Langfuse(), path)

    assert batch.requests.num_rows == 0
    assert [reason for _, reason in rejects(batch)][-1] == (
        "The file is cut off: its JSON ends in the middle. Get a whole copy of it."
    )


@reading
def test_what_stands_in_place_of_observations_is_skipped():
    batch = yield document(downloaded(), None, 3, "x", [], {})

    assert (batch.lines, batch.skipped, batch.requests.num_rows) == (6, 5, 1)


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
