"""The answers of list APIs: the records in them are read one by one, and what is a record itself is not opened."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source_rows import Row, read, rejects, requests
from tests.test_sources_documents import TEXTS, VALUES, in_pieces
from usagecost.sources import SOURCES, Head
from usagecost.sources.documents import Splitter, is_document
from usagecost.sources.envelopes import ARRAYS
from usagecost.sources.mapped import gateway

RECORD: Row = {"id": "a", "created_at": "2026-05-01T00:00:00Z"}
NAMES = st.sampled_from(sorted(ARRAYS - {"observations"}))
RECORDS = st.lists(st.dictionaries(TEXTS, VALUES), max_size=4).map(lambda others: [RECORD, *({**RECORD, **row} for row in others)])
BESIDE = st.dictionaries(st.sampled_from(["success", "page", "errors", "info", "next"]), VALUES, max_size=3)


def lines_of(document: str, size: int = 1 << 20) -> list[object]:
    return [json.loads(line) for line in in_pieces(document.encode(), size).decode().split("\n") if line.strip()]


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[Row, list[Row]]:
    records = draw(RECORDS)
    envelope = {**draw(BESIDE), draw(NAMES): records, **draw(BESIDE)}
    around = draw(st.sampled_from([None, "data", "result"]))
    return ({**draw(BESIDE), around: envelope, "done": True} if around else envelope), records


@settings(max_examples=20)
@given(
    pages=st.lists(envelopes(), min_size=1, max_size=3),
    indent=st.sampled_from([None, 0, 2]),
    size=st.integers(1, 60),
    ascii_only=st.booleans(),
)
def test_every_record_of_every_page_is_one_line(
    pages: list[tuple[Row, list[Row]]], indent: int | None, size: int, ascii_only: bool
):
    document = "\n".join(json.dumps(page, indent=indent, ensure_ascii=ascii_only) for page, _ in pages)

    assert is_document(document.encode())
    assert lines_of(document, size) == [record for _, records in pages for record in records]


@pytest.mark.parametrize(
    "outer",
    [
        {"id": "call", "call_type": "acompletion", "data": [RECORD]},  # a record whose field is an array
        {"model": "m", "usage": {"input_tokens": 1}, "results": [RECORD]},
        {"trace": {"id": "t"}, "observations": [RECORD]},
        {"observations": [RECORD], "trace": {"id": "t"}},
        {"object": "list", "data": [{"object": "embedding", "index": 0}], "model": "m", "usage": {"prompt_tokens": 3}},
        {"results": [{"index": 0, "relevance_score": 0.5}], "meta": {"billed_units": {"search_units": 1}}},
        {"data": {"id": "gen-1", "created_at": "2026-05-01", "items": [RECORD]}},
        {"logs": ["a line", "another"]},
        {"logs": []},
        {"deep": {"logs": [RECORD]}},
        {"result": {"data": {"logs": [RECORD]}}},
    ],
)
def test_what_is_a_record_itself_is_not_opened(outer: Row):
    assert not is_document(json.dumps(outer).encode())
    assert lines_of(json.dumps(outer, indent=1)) == [outer]


def test_pages_without_records_follow_those_with_some():
    assert lines_of('{"logs": [{"id": 1, "date": 2}]} {"logs": []}\n{"logs": [{"id": 3, "date": 4}]}') == [
        {"id": 1, "date": 2},
        {"id": 3, "date": 4},
    ]


def test_what_follows_an_envelope_and_is_none_stays_as_it_is():
    assert lines_of('{"logs": [{"id": 1, "date": 2}]}\n{"id": 5, "logs": [1]}\n{"id": 6}') == [
        {"id": 1, "date": 2},
        {"id": 5, "logs": [1]},
        {"id": 6},
    ]


@pytest.mark.parametrize("cut", [60, 20, 3])
def test_of_an_envelope_that_is_cut_off_the_whole_records_are_read(tmp_path: Path, cut: int):
    file = tmp_path / "logs.json"
    text = json.dumps({"result": [CLOUDFLARE, {**CLOUDFLARE, "id": "2"}], "success": True, "result_info": {"page": 1}})
    file.write_text(text[:-cut] if cut < 40 else text[: text.index('"id": "2"') + cut])

    batch = read(gateway("cloudflare"), file)

    assert requests(batch, "request_id")[:1] == [("1",)]
    assert rejects(batch)[-1] == (None, "The file is cut off: its JSON ends in the middle. Get a whole copy of it.")


CLOUDFLARE: Row = {
    "id": "1",
    "created_at": "2026-05-01T10:00:00Z",
    "provider": "openai",
    "model": "gpt-4o",
    "success": True,
    "cached": False,
    "tokens_in": 10,
    "tokens_out": 5,
    "cost": 0.1,
}
BIFROST: Row = {
    "id": "1",
    "timestamp": "2026-05-01T10:00:00Z",
    "object": "chat.completion",
    "provider": "openai",
    "model": "gpt-4o",
    "latency": 5,
    "status": "success",
    "token_usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
HELICONE: Row = {
    "response_id": "r",
    "request_id": "1",
    "request_created_at": "2026-05-01T10:00:00Z",
    "request_model": "gpt-4o",
    "response_status": 200,
    "provider": "OPENAI",
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "cost": 0.1,
}
OPENROUTER: Row = {
    "id": "1",
    "created_at": "2026-05-01T10:00:00Z",
    "model": "openai/gpt-4o",
    "provider_name": "OpenAI",
    "total_cost": 0.1,
    "cancelled": False,
    "native_tokens_prompt": 10,
    "native_tokens_completion": 5,
}
PORTKEY: Row = {
    "id": "1",
    "created_at": "2026-05-01T10:00:00Z",
    "ai_org": "openai",
    "ai_model": "gpt-4o",
    "is_success": True,
    "req_units": 10,
    "res_units": 5,
}
LITELLM: Row = {
    "request_id": "1",
    "call_type": "acompletion",
    "spend": 0.1,
    "startTime": "2026-05-01T10:00:00",
    "endTime": "2026-05-01T10:00:01",
    "model": "gpt-4o",
    "custom_llm_provider": "openai",
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "metadata": {},
}
PAYLOAD: Row = {
    "id": "1",
    "call_type": "acompletion",
    "response_cost": 0.1,
    "startTime": 1777629600.0,
    "endTime": 1777629601.0,
    "model": "gpt-4o",
    "status": "success",
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "messages": [{"role": "user"}],
}
LANGFUSE: Row = {
    "id": "1",
    "traceId": "t",
    "type": "GENERATION",
    "startTime": "2026-05-01T10:00:00.000Z",
    "model": "gpt-4o",
    "usageDetails": {"input": 10, "output": 5},
}
LOGS = {
    "bifrost": (BIFROST, "1"),
    "cloudflare": (CLOUDFLARE, "1"),
    "helicone": (HELICONE, "1"),
    "openrouter": (OPENROUTER, "1"),
    "portkey": (PORTKEY, "1"),
    "litellm": (LITELLM, "1"),
    "litellm payload": (PAYLOAD, "1"),
    "langfuse": (LANGFUSE, "t:1"),
}


@pytest.mark.parametrize(("name", "wrapped"), [*((name, "data logs") for name in LOGS), ("langfuse", "observations")])
def test_every_gateway_is_recognised_and_read_in_an_envelope(tmp_path: Path, name: str, wrapped: str):
    record, request_id = LOGS[name]
    value: object = [record, {**record, "id": "2"} if "request_id" not in record else {**record, "request_id": "2"}]
    for each in reversed(wrapped.split()):
        value = {"success": True, each: value, "pagination": {"limit": 50}, "errors": []}
    file = tmp_path / "page.json"
    file.write_text(json.dumps(value, indent=2 if " " in wrapped else None))

    (source,) = [source for source in SOURCES if source.recognise(Head.of(file))]
    batch = read(source, file)

    assert source.name == name.split()[0]
    assert requests(batch, "request_id", "input_tokens", "output_tokens")[0] == (request_id, 10, 5)
    assert (batch.requests.num_rows, batch.rejects.num_rows) == (2, 0)


def test_a_records_number_is_its_place_in_the_array(tmp_path: Path):
    file = tmp_path / "logs.json"
    wrong = {**CLOUDFLARE, "id": "2", "tokens_in": -1}
    file.write_text(json.dumps({"success": True, "result": [CLOUDFLARE, wrong, {**CLOUDFLARE, "id": "3"}]}))

    batch = read(gateway("cloudflare"), file)

    assert requests(batch, "request_id") == [("1",), ("3",)]
    assert [line for line, _ in rejects(batch)] == [2]


@pytest.mark.parametrize("records", [1, 20_000])
def test_many_or_long_pages_take_time_in_proportion(records: int):
    page = json.dumps({"logs": [{"id": "a", "date": "b", "text": "lorem {}[], " * 20}] * records}).encode()
    pieces = page * (1_000_000 // len(page) + 1)

    started = time.process_time()
    splitter = Splitter()
    lines = sum(splitter.split(pieces[start : start + (1 << 20)]).count(b'"id"') for start in range(0, len(pieces), 1 << 20))

    assert lines == records * (len(pieces) // len(page))
    assert time.process_time() - started < 20
