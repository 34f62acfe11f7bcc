"""One call that several spans tell of is one request: by the id of its answer, and by what is inside what."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.otlp import STARTED, TRACE, Values, call, export, span
from tests.source_rows import json_lines
from tests.together import Together
from usagecost.ingest import ingest
from usagecost.lake import Lake

HOUR = STARTED // 3_600_000_000_000
ANSWER = "chatcmpl-Cj4xu0Nus6lKWVVmxlb7TZTsMizLD"
OTHER_ANSWER = "msg_01XFDUDYJgAACzvnptvVoYEL"
OTHER_TRACE = "1" + TRACE[1:]
MARKED = (TRACE[1:9], ANSWER[9:17], OTHER_ANSWER[4:12])
USAGE = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 7}
SILENT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}


def answered(number: int, parent: int | None = None, answer: str = ANSWER, trace: str = TRACE, **more: object) -> Values:
    named = {name.replace("__", "."): value for name, value in more.items()}
    return span(number, parent, {**USAGE, "gen_ai.response.id": answer, **named}, traceId=trace)


Spans = list[Values] | Values
"""Some spans, or an export of them."""


@dataclass(frozen=True)
class Loaded:
    """A lake, or what it has of the spans of one of the tests that share it, which are marked."""

    lake: Lake
    mark: str = ""


def load(folder: Path, *parts: list[Values]) -> Loaded:
    """A lake with one ingest for each list of spans."""
    lake = Lake(folder / "lake")
    for number, spans in enumerate(parts):
        ingest([json_lines(folder / f"{number}.json", [export(*spans)])], lake)
    return Loaded(lake)


def load_together(folder: Path, asked: list[Spans | tuple[Spans, ...]]) -> list[Loaded]:
    """A lake in which each test has traces and answers of its own; the first parts of all are one ingest, and so are the second."""
    tests = [parts if isinstance(parts, tuple) else (parts,) for parts in asked]
    loaded = [Loaded(Lake(folder / "lake"), hashlib.sha256(bytes([place])).hexdigest()[:6]) for place in range(len(tests))]
    for number in range(max(map(len, tests))):
        ingest(
            [
                json_lines(folder / f"{number}" / f"{one.mark}.json", [marked(json.dumps(line_of(parts[number])), one.mark)])
                for one, parts in zip(loaded, tests, strict=True)
                if number < len(parts)
            ],
            loaded[0].lake,
        )
    return loaded


def line_of(part: Spans) -> Values:
    return part if isinstance(part, dict) else export(*part)


def marked(text: str, mark: str) -> str:
    for name in MARKED:
        text = text.replace(name, name[:2] + mark)
    return text


def unmarked(text: str, mark: str) -> str:
    for name in MARKED:
        text = text.replace(name[:2] + mark, name) if mark else text
    return text


loading = Together(load_together)


def stored(loaded: Loaded, *columns: str) -> list[tuple[object, ...]]:
    bound = {"files": list(loaded.lake.snapshot().files()), "traces": f"_{MARKED[0][:2]}{loaded.mark}%"}
    sql = f"SELECT {', '.join(columns)} FROM read_parquet($files) WHERE trace_id LIKE $traces ORDER BY ALL"
    found = duckdb.sql(sql, params=bound).fetchall()
    return [tuple(unmarked(value, loaded.mark) if isinstance(value, str) else value for value in row) for row in found]


def ids(lake: Loaded) -> list[str]:
    return [str(request_id).replace(f"{TRACE}:{'0' * 15}", "") for (request_id,) in stored(lake, "request_id")]


@loading
def test_an_answer_that_two_spans_tell_of_is_one_request():
    lake = yield [answered(1), answered(2, user__id="ada"), answered(3, trace=OTHER_TRACE)]

    assert stored(lake, "request_id", "input_tokens", "user_id") == [(f"{ANSWER}:{HOUR}", 100, "ada")]


@loading
def test_answers_with_other_ids_or_of_another_hour_are_other_requests():
    later = str(STARTED + 3_600_000_000_000)
    lake = yield [answered(1), answered(2, answer=OTHER_ANSWER), {**answered(3), "startTimeUnixNano": later}]

    assert ids(lake) == [f"{ANSWER}:{HOUR}", f"{ANSWER}:{HOUR + 1}", f"{OTHER_ANSWER}:{HOUR}"]


@loading
def test_an_id_that_a_server_gives_again_is_none():
    given = ["chatcmpl-0", "chatcmpl-123", "cmpl-00000000000000000000", "00000000-0000-0000-0000-000000000000"] * 2

    lake = yield [answered(number, answer=answer) for number, answer in enumerate(given, start=1)]

    assert ids(lake) == [*"12345678"]


@loading
def test_an_agent_that_names_the_last_answer_of_its_calls_is_not_that_answer():
    agent = span(
        1, None, {**USAGE, "gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 200, "gen_ai.response.id": ANSWER}
    )
    lake = yield [agent, answered(2, 1), answered(3, 1, OTHER_ANSWER)]

    assert stored(lake, "count(*)", "sum(input_tokens)") == [(2, 200)]


@loading
def test_a_call_with_usage_inside_an_answer_takes_its_place():
    lake = yield [answered(1)], [call(2, 1, tokens=90)]

    assert (ids(lake), stored(lake, "input_tokens")) == (["2"], [(90,)])


@loading
def test_an_agent_that_comes_later_than_its_answers_is_not_counted():
    lake = yield [answered(3, 2), span(2, 1)], [call(1, tokens=300)]

    assert ids(lake) == [f"{ANSWER}:{HOUR}"]


TREE = (
    call(1, tokens=300, gen_ai__operation__name="invoke_agent"), span(2, 1), answered(3, 2), answered(4, 3),
    answered(5, 2, OTHER_ANSWER),
    answered(1, None, OTHER_ANSWER, OTHER_TRACE),
    span(6, 2, SILENT), span(7, 3, SILENT),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=6, suppress_health_check=list(HealthCheck), deadline=None)
@given(order=st.permutations(TREE), cut=st.integers(0, len(TREE)), is_twice=st.booleans())
def test_neither_order_nor_ingests_nor_repetition_change_what_is_counted(
    tmp_path_factory: pytest.TempPathFactory, order: list[Values], cut: int, is_twice: bool
):
    parts = [part for part in (order[:cut], order[cut:], order if is_twice else []) if part]
    first = [span["spanId"][-1] for span in order[:cut] if span["traceId"] == TREE[0]["traceId"]]
    # An agent and a silent call in it, committed before any answer in it: the call is not kept, for the agent's tokens are its own.
    assume(is_twice or not {"1", "6"} <= set(first) or {"3", "5"} & set(first))

    lake = load(tmp_path_factory.mktemp("traces"), *parts)

    assert stored(lake, "count(*)", "count(input_tokens)", "sum(input_tokens)") == [(3, 2, 200)]


@loading
def test_a_lake_from_before_keeps_its_request_and_counts_the_answer_once():
    lake = yield [call(1, tokens=80), span(2)], [answered(1)]  # first as it was: by trace and span

    assert (ids(lake), stored(lake, "input_tokens")) == (["1"], [(80,)])


# ---- calls without usage


@loading.each
def test_a_call_without_usage_yields_to_one_that_knows_it_inside_or_around():
    around, inside = yield [call(1), span(2, 1), span(3, 2, SILENT)], [span(1, None, SILENT), call(2, 1)]

    assert (ids(around), ids(inside)) == (["1"], ["2"])


@loading
def test_a_call_without_usage_is_shown_beside_others_whose_agent_is_not_counted():
    lake = yield [call(1, tokens=300), call(2, 1), span(3, 1, SILENT)]

    assert stored(lake, "count(*)", "count(input_tokens)") == [(2, 1)]


@loading
def test_of_calls_without_usage_the_innermost_is_a_request():
    assert ids((yield [span(1, None, SILENT), span(2, 1), span(3, 2, SILENT)])) == ["3"]


@loading
def test_an_answer_without_usage_is_completed_by_who_knows_it():
    silent = span(1, None, {**SILENT, "gen_ai.response.id": ANSWER})

    lake = yield [answered(2)], [silent]

    assert stored(lake, "request_id", "input_tokens") == [(f"{ANSWER}:{HOUR}", 100)]


# ---- what only the spans around a request know


LANGCHAIN, OPENAI = {"name": "openinference.instrumentation.langchain"}, {"name": "openinference.instrumentation.openai"}
FRAMEWORK = {"llm.token_count.prompt": 100, "llm.token_count.completion": 7, "openinference.span.kind": "LLM"}


def ended(one: Values, milliseconds: float) -> Values:
    return {**one, "endTimeUnixNano": str(STARTED + 1_000_000_000 + int(milliseconds * 1_000_000))}


FAILED = {"openinference.span.kind": "LLM", "error.type": "RateLimitError"}
OF_FRAMEWORK = (
    ended(span(1, None, FRAMEWORK, traceId=OTHER_TRACE), 0.6),
    ended(span(2, None, FAILED, traceId=OTHER_TRACE), 900.6),
    ended(span(3, None, FRAMEWORK, traceId=OTHER_TRACE), 450),
)
OF_CLIENT = (answered(1), ended(span(2, None, FAILED), 900))


@loading.each
def test_a_call_beside_which_a_framework_has_a_span_is_one_request_whichever_comes_first():
    spans = [(OF_FRAMEWORK, LANGCHAIN), (OF_CLIENT, OPENAI)]
    lakes = yield [
        tuple(export(*parts, scope=scope, resource={"service.name": app}) for parts, scope in order)
        for app, order in (("a", spans), ("b", spans[::-1]))
    ]

    for lake in lakes:
        counted = [f"{ANSWER}:{HOUR}", f"{TRACE}:{2:016x}:error", f"{OTHER_TRACE}:{3:016x}"]
        assert stored(lake, "request_id") == sorted((request_id,) for request_id in counted)


@loading
def test_a_request_takes_from_the_spans_around_it_what_it_does_not_say():
    agent = span(
        1, None, {"gen_ai.agent.name": "outer", "gen_ai.conversation.id": "c", "user.id": "ada", "langfuse.trace.tags": ["t"]}
    )
    step = span(2, 1, {"gen_ai.agent.name": "inner", "metadata.user_api_key_team_id": "team"})
    stranger = span(4, None, {"user.id": "eve"})

    lake = yield [call(3, 2, user__id="bob"), step, agent, stranger]

    columns = ("session_id", "user_id", "team_id", "tags", "json_extract_string(attributes, '$.agent')")
    assert stored(lake, *columns) == [("c", "bob", "team", ["t"], "inner")]


@loading
def test_spans_that_are_sent_often_and_are_around_each_other_are_read_at_once():
    ring = [span(number, number % 3 + 1, {"user.id": "ada"}) for number in (1, 2, 3)] * 300

    lake = yield [*ring, call(4, 1)]

    assert stored(lake, "user_id", "input_tokens") == [("ada", 100)]


@loading
def test_spans_that_are_around_each_other_end():
    lake = yield [call(1, 2), span(2, 1, {"user.id": "ada"}), call(3, 3)]

    assert sorted(user or "" for (user,) in stored(lake, "user_id")) == ["", "ada"]
