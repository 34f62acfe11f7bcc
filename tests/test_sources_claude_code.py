"""Claude Code's transcripts: what is one request, which line of it stays, what its counts include and what it lists beside them."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.claims import Claims, says
from tests.source_rows import Row, json_lines, read, requests, sum_of
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources import Head
from usagecost.sources.claude_code import ClaudeCode

COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
NOTHING = dict.fromkeys(COUNTS, 0)
LIFETIMES = {"cache_creation": {"ephemeral_5m_input_tokens": 13, "ephemeral_1h_input_tokens": 7}}
USED = {"web_search_requests": 5, "web_fetch_requests": 2, "code_execution_requests": 1}


def answer(message: Row | None = None, usage: Row | None = None, **fields: object) -> Row:
    """A line of an answer; what is given as None is left out of it."""
    counts = {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 5}
    whole = {"id": "msg_1", "model": "claude-opus-4-6", "usage": _kept({**counts, **(usage or {})}), **(message or {})}
    line = {"type": "assistant", "uuid": "u-1", "sessionId": "s-1", "requestId": "req_1", "timestamp": "2026-02-10T01:25:40.759Z"}
    return _kept({**line, "message": _kept(whole), **fields})


def _kept(fields: Row) -> Row:
    return {name: value for name, value in fields.items() if value is not None}


def drafts() -> list[Row]:
    """Lines with null where a value belongs."""
    message, counts = answer()["message"], answer()["message"]["usage"]
    return [
        *({**answer(), field: None} for field in ("requestId", "version", "sessionId", "cwd", "costUSD", "isApiErrorMessage")),
        *({**answer(), "message": {**message, "usage": {**counts, field: None}}} for field in ("speed", *COUNTS[1:3])),
        *({**answer(), "message": {**message, field: None}} for field in ("id", "model")),
    ]


def entry(kind: str, uncached: int, read_: int, written: int, output: int, **more: object) -> Row:
    """An entry of `usage.iterations`."""
    return {"type": kind, **dict(zip(COUNTS, (uncached, read_, written, output), strict=True)), **more}


def listing(*entries: Row, usage: Row | None = None, **fields: object) -> Row:
    """A line of an answer that lists entries beside its counts."""
    return answer(usage={"iterations": list(entries), **(usage or {})}, **fields)


MESSAGE = entry("message", 3, 100, 20, 5)
"""What the answers here count at the top."""
ADVISOR = entry("advisor_message", 40, 6, 2, 9, model="claude-opus-4-7")
COMPACTION = entry("compaction", 70, 0, 8, 11)


def with_all(*entries: Row) -> Row:
    """Counts at the top that include entries already."""
    return {name: sum(one[name] for one in (MESSAGE, *entries)) for name in COUNTS}


TOKENS = "input_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens output_tokens"
ADVICE_ID, OPUS = "msg_1:req_1:call:2", "claude-opus-4-6"

CLAIMS = Claims(
    ClaudeCode,
    {
        "input is the uncached part and both cache parts": says(
            TOKENS,
            (answer(usage=LIFETIMES), (123, 100, 20, 7, 5)),
            (answer(usage=LIFETIMES | {"cache_creation_input_tokens": None}), (123, 100, 20, 7, 5)),  # the sum of their lifetimes
        ),
        "speed and region are told where they are special": says(
            "speed inference_region attributes",
            (answer(usage={"speed": "fast", "inference_geo": "us"}), ("fast", "us", {})),
            (answer(usage={"speed": "standard", "inference_geo": "global"}), (None, "global", {})),
            (answer(usage={"inference_geo": "not_available"}), (None, None, {})),
            (answer(usage={"inference_geo": ""}), (None, None, {})),
        ),
        "searches and executions are units and fetches are free": says(
            "units attributes",
            (answer(usage={"server_tool_use": USED}), ({"web_searches": 5, "code_executions": 1}, {"web_fetch_requests": 2})),
            (answer(usage={"server_tool_use": dict.fromkeys(USED, 0)}), ({}, {})),
        ),
        "zeros of a finished answer are unknown": says(
            TOKENS,
            (answer(usage=NOTHING), (None, None, None, None, None)),
            (answer(usage=NOTHING | {"input_tokens": 7}), (7, 0, 0, None, None)),
            (answer(usage=NOTHING | {"output_tokens": 4}), (None, None, None, None, 4)),
            (answer(usage=NOTHING | {"cache_read_input_tokens": 9, "output_tokens": 4}), (9, 9, 0, None, 4)),
        ),
        "contents are not kept": says(
            "source", (answer({"content": [{"text": "a secret"}]}, toolUseResult="a secret"), "claude-code")
        ),
        "lines without a message id are requests of their own, side chains too": says(
            "request_id rank",
            ([answer({"id": None}), answer({"id": None}, uuid="u-2", isSidechain=True)], [("u-1", 256), ("u-2", 256)]),
        ),
        "a synthetic answer and an API error are failed requests without a model": says(
            "status model error_class http_status input_tokens",
            (answer({"model": "<synthetic>"}, NOTHING), ("error", None, None, None, 0)),
            (
                answer(usage=NOTHING, isApiErrorMessage=True, error="rate_limit", apiErrorStatus=429),
                ("error", None, "rate_limit", 429, 0),
            ),
            (
                answer(usage=NOTHING, isApiErrorMessage=True, error={"type": "overloaded_error", "message": "…"}),
                ("error", None, "overloaded_error", None, 0),
            ),
        ),
        "ids and models tell who served it": says(
            "provider",
            (answer({"id": "msg_bdrk_01"}), "aws"),
            (answer({"model": "us.anthropic.claude-sonnet-4-20250514-v1:0"}), "aws"),
            (answer({"id": "msg_vrtx_01"}), "google"),
            (answer({"model": "claude-sonnet-4@20250514"}), "google"),
            (answer(), "anthropic"),
            (answer({"model": "glm-4.6"}), None),
        ),
        "lines with null where a value belongs are skipped, and without the value are not": says(
            "request_id skipped",
            (drafts(), [{"draft of an answer": 11}]),
            ([answer({"id": None}), answer({"model": None})], [("u-1",), ("msg_1:req_1",), {}]),
            ({**answer({"content": [{"input": {"id": None, "model": None}}]}), "parentUuid": None}, [("msg_1:req_1",), {}]),
        ),
        "old lines without a type count, other lines do not": says(
            "request_id skipped",
            (answer(type=None), [("msg_1:req_1",), {}]),
            (
                [{"type": "summary", "leafUuid": "u"}, {**answer(), "type": "user"}, {"type": "assistant", "message": {}},
                 {"type": "progress", "data": {"message": answer()}}, answer(usage=dict.fromkeys(COUNTS))],
                [{"no usage in it": 4, "usage without counts of tokens": 1}],
            ),
        ),
        "elsewhere than below projects the project is the last of the working directory": says(
            "app", ([answer(cwd="/home/dev01/api/"), answer()], ["api", None])
        ),
        "counts that cannot be are rejected, each with a sentence": says(
            "input_tokens",
            (
                [answer(usage={"input_tokens": -3}), answer(usage={"output_tokens": 10**12}),
                 answer(usage={"cache_creation": {"ephemeral_1h_input_tokens": 21}}), answer(timestamp=None),
                 answer(timestamp="1970-01-01T00:00:00Z"), answer(timestamp="2999-01-01T00:00:00Z")],
                [
                    (1, 'input_tokens is "-3": a count cannot be negative. Correct the log, or leave the value empty.'),
                    (2, 'output_tokens is "1000000000000": no request has more than 10,000,000,000 tokens. '
                        "Correct the log, or leave the value empty."),
                    (3, "cache_write_1h_tokens is 21, more than the 20 of cache_write_tokens around it. Correct the log."),
                    (4, "started_at is empty: a request needs the time when it was sent."),
                    (5, 'started_at is "1970-01-01T00:00:00Z": that is 1970-01-01, before 2015. Check the time and its unit.'),
                    (6, 'started_at is "2999-01-01T00:00:00Z": that is 2999-01-01, in the future. Check the time and its unit.'),
                ],
            ),
        ),
        # what an answer lists beside its counts
        "entries of type message are the counts themselves": says(
            f"request_id model {TOKENS}",
            (listing(entry("message", 1, 60, 20, 2), entry("message", 2, 40, 0, 3)), ("msg_1:req_1", OPUS, 123, 100, 20, None, 5)),
        ),
        "an advisor is a request of its own": says(
            f"request_id model {TOKENS} reported_cost_usd units session_id status attributes.answer",
            (
                listing(MESSAGE, ADVISOR, usage={"server_tool_use": {"web_search_requests": 1}}, costUSD=0.5),
                [
                    ("msg_1:req_1", OPUS, 123, 100, 20, None, 5, Decimal("0.5"), {"web_searches": 1}, "s-1", "success", None),
                    (ADVICE_ID, "claude-opus-4-7", 48, 6, 2, 0, 9, None, {}, "s-1", "success", "msg_1:req_1"),
                ],
            ),
        ),
        "an advisor without a name is the one that the line names": says(
            "model",
            (
                listing(MESSAGE, {**ADVISOR, "model": None}, advisorModel="claude-opus-4-8"),
                [OPUS, "claude-opus-4-8"],
            ),
        ),
        "a compaction is added to its answer, and an advisor stands beside": says(
            TOKENS,
            (
                listing({**COMPACTION, "cache_creation": {"ephemeral_1h_input_tokens": 5}}, MESSAGE),
                (201, 100, 28, 5, 16),
            ),
            (listing(COMPACTION, ADVISOR, MESSAGE), [(201, 100, 28, None, 16), (48, 6, 2, 0, 9)]),
        ),
        "what the counts include already is not added": says(
            TOKENS,
            (listing(MESSAGE, COMPACTION, usage=with_all(COMPACTION)), (201, 100, 28, None, 16)),
            (listing(MESSAGE, COMPACTION, ADVISOR, usage=with_all(COMPACTION, ADVISOR)), (249, 106, 30, None, 25)),
            (listing(MESSAGE, ADVISOR, usage=with_all(ADVISOR)), (171, 106, 22, None, 14)),
            (
                listing(MESSAGE, COMPACTION, ADVISOR, usage=with_all(COMPACTION)),
                [(201, 100, 28, None, 16), (48, 6, 2, 0, 9)],
            ),
        ),
        "what was not known of an answer is not known with its compaction": says(
            TOKENS, (listing(MESSAGE, COMPACTION, usage={"input_tokens": None}), (None, 100, 28, None, 16))
        ),
        "entries that make no sense change nothing": says(
            TOKENS,
            (
                listing(MESSAGE, entry("compaction", -5, 0, 0, 0, output_tokens="many"), {"type": "advisor_message"},
                        entry("advisor_message", 0, 0, 0, 0)),
                (123, 100, 20, None, 5),
            ),
        ),
    },
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_transcript_is_read_as_claimed(claim: str):
    assert CLAIMS.actual(claim) == CLAIMS.expected(claim)


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    return tmp_path / "projects" / "-home-dev01-cli" / "session.jsonl"


def test_a_line_says_who_what_and_when(transcript: Path):
    line = answer(version="2.1.37", gitBranch="main", cwd="/home/dev01/cli", costUSD=0.12, usage={"service_tier": "standard"})

    batch = read(ClaudeCode(), json_lines(transcript, [line]))

    columns = ("source", "request_id", "session_id", "provider", "model", "operation", "status", "app", "service_tier")
    assert requests(batch, *columns) == [
        ("claude-code", "msg_1:req_1", "s-1", "anthropic", OPUS, "chat", "success", "-home-dev01-cli", "standard")
    ]
    assert requests(batch, "reported_cost_usd", "user_id", "attributes") == [(Decimal("0.12"), None, '{"version":"2.1.37"}')]
    assert requests(batch, "project", "git_branch", "speed", "inference_region", "units") == [("cli", "main", None, None, None)]
    assert batch.requests["started_at"].cast("int64").to_pylist() == [1770686740759000]


def test_the_largest_total_ranks_highest_then_one_with_a_speed_and_a_side_chains_copy_below_all(transcript: Path):
    lines = [
        answer(isSidechain=True, requestId="req_2"),
        answer(isSidechain=True, usage={"output_tokens": 9}),
        answer(usage={"output_tokens": 1}),
        answer(usage={"output_tokens": 292}),
        answer(usage={"output_tokens": 292, "speed": "fast"}),
    ]

    ids, ranks = zip(*requests(read(ClaudeCode(), json_lines(transcript, lines)), "request_id", "rank"), strict=True)

    assert list(ranks) == sorted(set(ranks))
    assert ranks[1] < 0 <= ranks[2]
    assert {str(name).split(":")[0] for name in ids} == {"msg_1"}


def test_a_line_without_any_id_is_known_by_its_number(transcript: Path):
    (name,) = requests(read(ClaudeCode(), json_lines(transcript, ["", answer({"id": None}, uuid=None)])), "request_id")

    assert str(name[0]).endswith("-2")


def test_a_transcript_is_recognised_by_what_is_in_it(tmp_path: Path):
    by_usage = Head.of(json_lines(tmp_path / "a", [answer()]))
    by_session = Head.of(json_lines(tmp_path / "b", [{"type": "summary", "summary": "…", "leafUuid": "u"}]))

    assert ClaudeCode().recognise(by_usage) == "a Claude Code transcript: lines with message.usage"
    assert ClaudeCode().recognise(by_session) == "a Claude Code transcript: lines with type and session"


# ---- what the lake keeps


def load(folder: Path, *files: list[Row]) -> Lake:
    """A lake into which files came one by one, and then all of them again."""
    lake = Lake(folder / "lake")
    paths = [json_lines(folder / f"{number}.jsonl", lines) for number, lines in enumerate(files) if lines]
    for together in (*([path] for path in paths), paths):
        ingest(together, lake)
    return lake


def stored(lake: Lake, message_id: str = "") -> list[tuple[object, ...]]:
    """The requests of answers whose ids begin so: id, input and output."""
    table = pq.read_table(list(lake.snapshot().files()), partitioning=None)
    columns = [table[name].to_pylist() for name in ("request_id", "input_tokens", "output_tokens")]
    return sorted(row for row in zip(*columns, strict=True) if row[0].startswith(message_id))


def relayed(session: str, second: int, uncached: int, output: int, message_id: str = "relay", **fields: object) -> Row:
    """A line of an answer that came through a relay, which gives no request's id and may give one message id to all answers."""
    usage = NOTHING | {"input_tokens": uncached, "output_tokens": output}
    told = {"uuid": f"u-{session}-{second}", "requestId": None, "timestamp": f"2026-08-21T10:00:{second:02}.000Z", **fields}
    return answer({"id": message_id}, usage, sessionId=session, **told)


def in_session(session: str, *lines: Row) -> list[Row]:
    return [{**line, "sessionId": session} for line in lines]


TWICE, RESUMED = (relayed("s-1", 1, 1000, 1, "b"), relayed("s-1", 2, 1000, 100, "b")), relayed("s-1", 2, 1000, 100, "c")
UNIQUE = ("msg_01T3LNpt45vGi92xpeaE7xKy", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")
MEETINGS: dict[str, tuple[str, list[Row], list[Row], list[tuple[int, int]]]] = {
    "a side chain's copy yields to the original": (
        "m1", [answer({"id": "m1"}, isSidechain=True, requestId="req_2")], [answer({"id": "m1"})], [(123, 5)],
    ),
    "two sessions with one message id are two requests even with the same counts": (
        "a", [relayed("s-1", 1, 1000, 100, "a")], [relayed("s-2", 2, 1000, 100, "a")], [(1000, 100)] * 2,
    ),
    "the answers of one session are told by their input": (
        "b", [*TWICE, relayed("s-1", 9, 1200, 50, "b"), relayed("s-1", 9, 700, 30, "b", agentId="a", isSidechain=True)], [],
        [(700, 30), (1000, 100), (1200, 50)],
    ),
    "a resumed session repeats lines with their times": (
        "c", [RESUMED], in_session("s-2", RESUMED, relayed("s-2", 8, 1200, 50, "c")), [(1000, 100), (1200, 50)],
    ),
    **{
        f"an id that looks unique is one request wherever it stands: {name}": (
            name, [relayed("s-1", 1, 0, 1, name), relayed("s-1", 2, 1000, 100, name)],
            [relayed("s-2", 5, 1000, 100, name, isSidechain=True)], [(1000, 100)],
        )
        for name in UNIQUE
    },
    "with a request's id a copy in another session is the same request": (
        "d", [relayed("s-1", 1, 9, 5, "d", requestId="req_1")], [relayed("s-2", 7, 9, 5, "d", requestId="req_1")], [(9, 5)],
    ),
}  # fmt: skip
"""What is claimed -> the id of a message, the lines of it in a file and in a later one, input and output of the requests."""


@pytest.fixture(scope="module")
def lake_of_meetings(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    first, second = ([line for case in MEETINGS.values() for line in case[number]] for number in (1, 2))
    return load(tmp_path_factory.mktemp("meetings"), first, second)


@pytest.mark.parametrize("claim", MEETINGS)
def test_what_is_one_request(lake_of_meetings: Lake, claim: str):
    message_id, *_, counts = MEETINGS[claim]

    assert sorted((given, taken) for _, given, taken in stored(lake_of_meetings, message_id)) == counts


LISTED = [
    answer(usage={"output_tokens": 1}),
    listing(MESSAGE, COMPACTION, ADVISOR),
    listing(MESSAGE, ADVISOR, message={"id": "msg_2"}, requestId="req_9"),
    listing(MESSAGE, ADVISOR, isSidechain=True, requestId="req_2"),
]
RELAYED = [relayed("s-1", 1, 1000, 1), relayed("s-1", 2, 1000, 100), relayed("s-1", 9, 1200, 50)]
SESSIONS = [RELAYED, [relayed("s-2", 3, 1000, 70)], in_session("s-3", *RELAYED[:2])]
"""The third is a copy of the first one's beginning: its times are the same."""


@pytest.mark.slow
@settings(max_examples=4)
@given(data=st.data(), order=st.permutations(LISTED), cut=st.integers(0, len(LISTED)))
def test_neither_order_nor_files_nor_repetition_change_what_is_stored(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, order: list[Row], cut: int
):
    files = [data.draw(st.permutations(lines)) for lines in SESSIONS] + [order[:cut], order[cut:]]
    lake = load(tmp_path_factory.mktemp("order"), *data.draw(st.permutations(files)))

    assert stored(lake, "msg") == [
        ("msg_1:req_1", 201, 16),
        ("msg_1:req_1:call:3", 48, 9),
        ("msg_2:req_9", 123, 5),
        ("msg_2:req_9:call:2", 48, 9),
    ]
    assert sorted(counts for _, *counts in stored(lake, "relay")) == [[1000, 70], [1000, 100], [1200, 50]]


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real logs")
def test_real_sessions_have_their_known_totals_and_come_in_once(tmp_path: Path):
    lake = Lake(tmp_path)
    folder = Path(os.environ["USAGECOST_REAL_DATA"]) / "claude-code"

    first = ingest([folder], lake)
    second = ingest([folder], lake)

    kept = pq.read_table(list(lake.snapshot().files()), partitioning=None)
    totals = [sum_of(kept, name) for name in ("cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")]
    assert totals == [33_964_357, 2_314_322, 690_315]
    assert (sum_of(kept, "output_tokens"), sum_of(kept, "input_tokens")) == (26_260, 36_286_485)
    assert (first.requests, first.inserted, first.lines, first.skipped, first.duplicates) == (532, 532, 1771, 646, 593)
    assert (second.requests, second.inserted, second.updated, second.version) == (532, 0, 0, first.version)
    assert first.unpriced == 0
