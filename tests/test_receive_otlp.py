"""What is kept of an export: what the source reads, in lines that it can read, whatever was sent."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.otlp import Values, call, export, pairs, span
from tests.receiver import as_protobuf
from tests.source_rows import read, rejects, requests
from tests.test_sources_fuzz import CHANCES, mutated
from usagecost.ingest.receiver.bodies import Refused
from usagecost.ingest.receiver.otlp import lines_of_json, lines_of_protobuf
from usagecost.schema import REQUESTS
from usagecost.sources import Head
from usagecost.sources.otel import OpenTelemetry

WHOLE = export(
    call(1, None, gen_ai__usage__cost=0.25, tag__tags=["a", "b"], gen_ai__request__stream=True, gen_ai__input__messages="a secret"),
    span(2, 1, {"gen_ai.operation.name": "chat", "error.type": "429"}, status={"code": 2}),
    resource={"service.name": "shop", "host.name": "h"},
    scope={"name": "openai", "version": "1"},
)


def groups_of(lines: bytes) -> list[Values]:
    return [group for line in lines.splitlines() for group in json.loads(line)["resourceSpans"]]


def spans_of(lines: bytes) -> list[Values]:
    return [span for group in groups_of(lines) for part in group["scopeSpans"] for span in part["spans"]]


def values_of(attributes: list[Values]) -> Values:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in attributes}


def test_only_what_the_source_reads_is_kept():
    lines = lines_of_json(json.dumps(WHOLE).encode())
    (kept,) = groups_of(lines)
    (first, _) = spans_of(lines)

    assert values_of(kept["resource"]["attributes"]) == {"service.name": "shop"}
    assert kept["scopeSpans"][0]["scope"] == {"name": "openai", "version": "1"}
    assert values_of(first["attributes"]) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": "100",
        "gen_ai.usage.output_tokens": "7",
        "gen_ai.usage.cost": 0.25,
        "tag.tags": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]},
        "gen_ai.request.stream": True,
    }


def test_protobuf_becomes_what_json_would_have_been():
    of_json, of_protobuf = (
        spans_of(lines) for lines in (lines_of_json(json.dumps(WHOLE).encode()), lines_of_protobuf(as_protobuf(WHOLE)))
    )

    for one, other in zip(of_json, of_protobuf, strict=True):
        assert int(one.pop("status").get("code", 0)) == other.pop("status")["code"]
        assert one == other


COLUMNS = [column for column in REQUESTS.names if column not in ("source_file", "ingest_id", "ingested_at")]


@pytest.mark.parametrize("of_lines", [lines_of_json, lines_of_protobuf])
def test_what_is_kept_is_read_as_what_was_sent(tmp_path: Path, of_lines: Callable[[bytes], bytes]):
    sent, kept = tmp_path / "sent", tmp_path / "kept"
    sent.write_text(json.dumps(WHOLE) + "\n")
    kept.write_bytes(of_lines(as_protobuf(WHOLE) if of_lines is lines_of_protobuf else sent.read_bytes()))

    assert OpenTelemetry().recognise(Head.of(kept))
    of_kept, of_sent = read(OpenTelemetry(), kept), read(OpenTelemetry(), sent)

    assert of_sent.requests.num_rows == 2
    assert requests(of_kept, *COLUMNS) == requests(of_sent, *COLUMNS)


def test_what_an_exception_is_called_is_kept_and_what_it_says_is_not():
    says = {"exception.type": "TimeoutError", "exception.message": "a secret"}
    events = [{"name": "log", "attributes": pairs({"exception.type": "no"})}, {"name": "exception", "attributes": pairs(says)}]
    exported = export(span(1, None, {"gen_ai.operation.name": "chat"}, status={"code": 2}, events=events))

    for lines in (lines_of_json(json.dumps(exported).encode()), lines_of_protobuf(as_protobuf(exported))):
        (kept,) = spans_of(lines)
        assert [values_of(event["attributes"]) for event in kept["events"]] == [{"exception.type": "TimeoutError"}]
        assert b"secret" not in lines


def test_long_values_are_cut():
    exported = export(call(1, user__id="u" * 10_000, tag__tags=["t" * 1_500] * 10))

    for lines in (lines_of_json(json.dumps(exported).encode()), lines_of_protobuf(as_protobuf(exported))):
        (kept,) = spans_of(lines)
        attributes = values_of(kept["attributes"])
        assert len(attributes["user.id"]) == 4_000
        assert len(attributes["tag.tags"]["values"]) == 2


@pytest.mark.parametrize("number", ["1e400", "-1e400", '"NaN"'])
def test_numbers_that_json_cannot_write_again_are_not_known(tmp_path: Path, number: str):
    path = tmp_path / "lines"
    sent = json.dumps(export(call(1), call(2, gen_ai__usage__cost=0.5))).replace("0.5", number)
    path.write_bytes(lines_of_json(sent.encode()))

    assert requests(read(OpenTelemetry(), path), "reported_cost_usd") == [(None,), (None,)]


def test_letters_that_utf8_lacks_do_no_harm(tmp_path: Path):
    path = tmp_path / "lines"
    path.write_bytes(lines_of_json(json.dumps(export(call(1, user__id="a\ud800b\0"))).encode()))

    assert requests(read(OpenTelemetry(), path), "user_id") == [("a?b",)]


def check(path: Path, lines: bytes) -> None:
    """Every line that is kept is one that the source can read, each of its spans on its own."""
    path.write_bytes(lines or b"\n")
    batch = read(OpenTelemetry(), path)
    assert not [reason for _, reason in rejects(batch) if "JSON" in reason]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(chance=CHANCES)
def test_any_json_is_kept_or_malformed(tmp_path: Path, chance: random.Random):
    try:
        lines = lines_of_json(mutated(json.dumps(WHOLE), chance))
    except Refused:
        return
    check(tmp_path / "lines", lines)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_protobuf_is_kept_or_malformed(tmp_path: Path, data: st.DataObject):
    body = as_protobuf(WHOLE)
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    try:
        lines = lines_of_protobuf(body[:start] + data.draw(st.binary(max_size=8)) + body[end:])
    except Refused:
        return
    check(tmp_path / "lines", lines)


OBJECTS = {
    "ai.response.providerMetadata": '{"anthropic": {"usage": {"service_tier": "standard"}}, "google": "a secret"}',
    "llm.invocation_parameters": '{"model": "gpt-5", "tools": "a secret"}',
    "langfuse.observation.usage_details": '{"input": 4, "note": "a secret", "prompt_tokens_details": {"cached_tokens": 1}}',
    "metadata.usage_object": "{'cache_read_input_tokens': 3, 'note': 'a secret', 'iterations': None}",
}


def test_of_attributes_that_are_objects_only_what_is_read_is_kept():
    exported = export(span(1, None, OBJECTS))

    for lines in (lines_of_json(json.dumps(exported).encode()), lines_of_protobuf(as_protobuf(exported))):
        (kept,) = spans_of(lines)
        assert {name: json.loads(text) for name, text in values_of(kept["attributes"]).items()} == {
            "ai.response.providerMetadata": {"anthropic": {"usage": {"service_tier": "standard"}}},
            "llm.invocation_parameters": {"model": "gpt-5"},
            "langfuse.observation.usage_details": {"input": 4, "prompt_details.cached_tokens": 1},
            "metadata.usage_object": {"cache_read_input_tokens": 3},
        }


@pytest.mark.parametrize("text", ["{", "[1]", "7", '{"anthropic": 3}', '{"anthropic": {"usage": []}}', '{"model": {"a": 1}}'])
def test_objects_that_are_none_are_not_kept(text: str):
    exported = export(span(1, None, {"ai.response.providerMetadata": text, "llm.invocation_parameters": text}))

    (kept,) = spans_of(lines_of_json(json.dumps(exported).encode()))

    assert kept["attributes"] == []


def test_a_large_export_is_kept_in_lines_that_are_read(tmp_path: Path):
    path = tmp_path / "lines"
    path.write_bytes(lines_of_json(json.dumps(export(*map(call, range(250)), scope={"name": "s"})).encode()))

    assert len(path.read_bytes().splitlines()) == 3
    assert read(OpenTelemetry(), path).requests.num_rows == 250
