"""What is kept of an export: what the source reads, in lines that it can read, whatever was sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.otlp import Values, call, export, pairs, span
from tests.receiver import as_protobuf
from tests.source_rows import read, rejects, requests
from tests.test_sources_fuzz import mutated
from usagecost.receive.otlp import Malformed, lines_of_json, lines_of_protobuf
from usagecost.sources.otel import OpenTelemetry

WHOLE = export(
    call(1, None, gen_ai__usage__cost=0.25, tag__tags=["a", "b"], gen_ai__request__stream=True, gen_ai__input__messages="a secret"),
    span(2, 1, {"gen_ai.operation.name": "chat", "error.type": "429"}, status={"code": 2}),
    resource={"service.name": "shop", "host.name": "h"},
    scope={"name": "openai", "version": "1"},
)


def spans_of(lines: bytes) -> list[Values]:
    exports = [json.loads(line) for line in lines.splitlines()]
    return [span for one in exports for part in one["resourceSpans"][0]["scopeSpans"] for span in part["spans"]]


def test_only_what_the_source_reads_is_kept():
    lines = lines_of_json(json.dumps(WHOLE).encode())

    kept = json.loads(lines)["resourceSpans"][0]
    assert kept["resource"] == {"attributes": pairs({"service.name": "shop"})}
    assert kept["scopeSpans"][0]["scope"] == {"name": "openai", "version": "1"}
    assert [pair["key"] for pair in kept["scopeSpans"][0]["spans"][0]["attributes"]] == [
        "gen_ai.operation.name", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cost", "tag.tags",
        "gen_ai.request.stream",
    ]  # fmt: skip


def test_protobuf_becomes_what_json_would_have_been():
    of_json, of_protobuf = (
        spans_of(lines) for lines in (lines_of_json(json.dumps(WHOLE).encode()), lines_of_protobuf(as_protobuf(WHOLE)))
    )

    for one, other in zip(of_json, of_protobuf, strict=True):
        for name in ("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano", "attributes"):
            assert one[name] == other[name]
        assert int(one["status"]["code"] or 0) == other["status"]["code"]


def test_what_is_kept_is_read_as_what_was_sent(tmp_path: Path):
    columns = ("request_id", "status", "app", "input_tokens", "reported_cost_usd", "tags", "is_streaming", "attributes")
    sent, kept = tmp_path / "sent", tmp_path / "kept"
    sent.write_text(json.dumps(WHOLE) + "\n")
    kept.write_bytes(lines_of_protobuf(as_protobuf(WHOLE)))

    assert requests(read(OpenTelemetry(), kept), *columns) == requests(read(OpenTelemetry(), sent), *columns)


def test_large_exports_become_several_lines():
    lines = lines_of_json(json.dumps(export(*(call(number, user__id="u" * 4000) for number in range(600)))).encode())

    sizes = [len(line) for line in lines.splitlines()]
    assert len(sizes) == 3
    assert max(sizes) < 1_100_000
    assert [span["spanId"] for span in spans_of(lines)] == [f"{number:016x}" for number in range(600)]


def test_long_values_are_cut():
    exported = export(call(1, user__id="u" * 10_000, tag__tags=["t" * 1_500] * 10))

    for lines in (lines_of_json(json.dumps(exported).encode()), lines_of_protobuf(as_protobuf(exported))):
        (kept,) = spans_of(lines)
        values = {pair["key"]: pair["value"] for pair in kept["attributes"]}
        assert len(values["user.id"]["stringValue"]) == 4_000
        assert len(values["tag.tags"]["arrayValue"]["values"]) == 2


@pytest.mark.parametrize("number", ["1e400", "-1e400"])
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


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(body=mutated(json.dumps(WHOLE)))
def test_any_json_is_kept_or_malformed(tmp_path: Path, body: bytes):
    try:
        lines = lines_of_json(body)
    except Malformed:
        return
    check(tmp_path / "lines", lines)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_protobuf_is_kept_or_malformed(tmp_path: Path, data: st.DataObject):
    body = as_protobuf(WHOLE)
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    try:
        lines = lines_of_protobuf(body[:start] + data.draw(st.binary(max_size=8)) + body[end:])
    except Malformed:
        return
    check(tmp_path / "lines", lines)
