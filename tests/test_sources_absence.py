"""The law of absence: zeros that stand for "not known" are NULL, in every format; what the log says is free stays 0."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.source_rows import NOW, Row, database, json_lines, read, rejects, requests
from tests.test_sources_envelopes import BIFROST, CLOUDFLARE, HELICONE, LANGFUSE, LITELLM, OPENROUTER, PAYLOAD, PORTKEY
from usagecost.ingest import ingest
from usagecost.ingest.preview import preview
from usagecost.lake import Lake
from usagecost.sources import SOURCES, Head, Reading
from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.mapped import gateway

BY_NAME = {source.name: source for source in SOURCES}

TABLE: Row = {
    "request_id": "1",
    "started_at": "2026-05-01T10:00:00Z",
    "provider": "openai",
    "model": "gpt-4o",
    "status": "success",
    "input_tokens": 10,
    "output_tokens": 5,
    "reported_cost_usd": 0.1,
}


def usage_of(row: Row, counts: tuple[int, int]) -> Row:
    """A log's row with other counts of tokens, wherever it has them."""
    names = {
        "token_usage": {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)},
        "usageDetails": {"input": counts[0], "output": counts[1]},
        **dict.fromkeys(("prompt_tokens", "tokens_in", "native_tokens_prompt", "req_units", "input_tokens"), counts[0]),
        **dict.fromkeys(("completion_tokens", "tokens_out", "native_tokens_completion", "res_units", "output_tokens"), counts[1]),
    }
    return {name: names.get(name, value) for name, value in row.items()}


LOGS: dict[str, tuple[str, Row, Row, Row]] = {
    # source, a log, what makes it failed, what makes it a hit in the gateway's cache (nothing: it has none)
    "bifrost": ("bifrost", BIFROST, {"status": "error"}, {"cache_debug": {"cache_hit": True}}),
    "cloudflare": ("cloudflare", CLOUDFLARE, {"success": False}, {"cached": True}),
    "helicone": ("helicone", HELICONE, {"response_status": 500}, {"cache_reference_id": "5b0c7a2e-0000-4000-8000-000000000001"}),
    "langfuse": ("langfuse", LANGFUSE, {"level": "ERROR"}, {}),
    "litellm": ("litellm", LITELLM, {"status": "failure"}, {"cache_hit": "True"}),
    "payload": ("litellm", PAYLOAD, {"status": "failure"}, {"cache_hit": True}),
    "openrouter": ("openrouter", OPENROUTER, {"cancelled": True}, {}),
    "portkey": ("portkey", PORTKEY, {"is_success": False}, {}),
    "table": ("table", TABLE, {"status": "error"}, {"is_gateway_cache_hit": True}),
}
COST = {
    "bifrost": "cost",
    "cloudflare": "cost",
    "helicone": "cost",
    "litellm": "spend",
    "payload": "response_cost",
    "openrouter": "total_cost",
    "table": "reported_cost_usd",
}
MODEL = {"helicone": "request_model"}


ID = dict.fromkeys(("helicone", "litellm", "table"), "request_id")


def written(folder: Path, name: str, rows: Iterable[Row]) -> Path:
    """A log of a format with these rows, each with an id of its own."""
    lines = [row | {ID.get(name, "id"): f"r{place}"} for place, row in enumerate(rows)]
    return json_lines(folder / "log.jsonl", lines)


@pytest.mark.parametrize("name", LOGS)
def test_a_finished_answer_without_a_token_has_unknown_tokens(tmp_path: Path, name: str):
    source, row, failed, hit = LOGS[name]
    nothing = usage_of(row, (0, 0))
    rows = [(nothing, (None, None)), (usage_of(row, (7, 0)), (7, 0))]  # embeddings
    if name != "langfuse":  # a map of zeros is no usage there, whatever the level
        rows.append((nothing | failed, (0, 0)))
    if hit:
        rows.append((nothing | hit, (0, 0)))

    file = written(tmp_path, name, (line for line, _ in rows))

    assert [one.name for one in SOURCES if one.recognise(Head.of(file))] == [source]
    assert requests(read(BY_NAME[source], file), "input_tokens", "output_tokens") == [counts for _, counts in rows]


COUNTS = ("input_tokens", "cache_read_tokens", "output_tokens", "input_image_tokens")


@given(
    counts=st.lists(st.sampled_from([None, 0, 0, 3]), min_size=4, max_size=4),
    status=st.sampled_from([None, "success", "error", "cancelled"]),
    is_hit=st.sampled_from([None, True, False]),
)
def test_the_law_holds_whatever_the_counts_are(counts: list[int | None], status: str | None, is_hit: bool | None):
    text = {name: None if value is None else str(value) for name, value in zip(COUNTS, counts, strict=True)}
    if counts[1] or counts[3]:
        text["input_tokens"] = "9"
    line = pa.table(
        {
            "row": [0], "source_file": ["f"], "request_id": ["a"], "started_at": ["2026-05-01T00:00:00Z"], "status": [status],
            "is_gateway_cache_hit": [is_hit if is_hit is None else str(is_hit)], **{name: [value] for name, value in text.items()},
        }
    ).cast(
        pa.schema(
            [("row", pa.int64()), *((name, pa.string()) for name in ("source_file", "request_id", "started_at", "status")),
             ("is_gateway_cache_hit", pa.string()), *((name, pa.string()) for name in COUNTS)]
        )
    )  # fmt: skip
    with database().cursor() as con:
        query = CanonicalQuery(Reading(con, NOW), "table", "SELECT * FROM given_lines", "given_lines", Conventions())
        found, rejected = query.run(line)
        query.close()

    assert rejected.num_rows == 0
    said = [None if value is None else int(value) for value in text.values()]
    is_blank = not any(said) and status not in ("error", "cancelled") and not is_hit
    assert [found[name][0].as_py() for name in COUNTS] == ([None] * 4 if is_blank else said)


# ---- a reported cost of 0


@pytest.mark.parametrize("name", COST)
def test_a_cost_of_0_is_reported_only_where_the_log_says_why(tmp_path: Path, name: str):
    """In the lake, and in a preview before."""
    source, row, failed, hit = LOGS[name]
    listed = "openai/gpt-4o" if name == "openrouter" else "gpt-4o"

    def costing_nothing(model: str, counts: tuple[int, int] = (1000, 100)) -> Row:
        return usage_of(row, counts) | {COST[name]: 0, MODEL.get(name, "model"): model}

    rows = [
        (costing_nothing(listed), None),  # it has a price: nobody has worked it out
        (costing_nothing(listed, (0, 0)), None),  # likewise, if the log said how much it used
        (costing_nothing("my-own-llama"), Decimal(0)),  # no model of the list: self-hosted
        (costing_nothing("some/model:free"), Decimal(0)),
        (row | {COST[name]: 0.25}, Decimal("0.25")),
    ]
    if hit or name == "openrouter":
        rows.append((row | {COST[name]: 0} | failed, Decimal(0)))
    if hit:
        rows.append((row | {COST[name]: 0} | hit, Decimal(0)))
    file, lake = written(tmp_path, name, (line for line, _ in rows)), Lake(tmp_path / "lake")

    ingest([file], lake)

    stored = pq.read_table(list(lake.snapshot().files()), partitioning=None).sort_by("request_id")
    shown = preview(file, "log.jsonl", BY_NAME[source], lake).requests.sort_by("request_id")
    assert stored["reported_cost_usd"].to_pylist() == [cost for _, cost in rows]
    assert shown["reported_cost_usd"].to_pylist() == [cost for _, cost in rows]


# ---- what a whole file lacks


def test_a_file_that_names_no_model_outcome_or_tokens_says_so(tmp_path: Path):
    lacking = [{name: value for name, value in BIFROST.items() if name != "token_usage"} | {"selected_key_id": "k"}] * 2
    file = json_lines(tmp_path / "log.jsonl", [{**row, "id": str(place), "model": ""} for place, row in enumerate(lacking)])

    batch = read(gateway("bifrost"), file)

    assert batch.requests.num_rows == 2
    assert rejects(batch) == [
        (None, "The file names no model in any of its 2 requests: they cannot be priced. Export it with the models' names."),
        (
            None,
            "The file has no tokens for any of its 2 requests, though not all failed: their usage is not known. "
            "Export it with the counts of tokens.",
        ),
    ]
