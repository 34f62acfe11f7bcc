"""What real clients of OpenTelemetry send is read to the token: the requests of each recording are those of its ledger.

A count of 0 may be missing from the record, as many clients do not send one. What a client does not send at all, or sends wrongly,
stands in NEVER_SENT and SENT_WRONGLY with what the record then says; clients/README.md has the reasons.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from usagecost.ingest import ingest
from usagecost.lake import Lake

Values = dict[str, Any]

RECORDED = Path(__file__).parent / "clients" / "recorded"
CLIENTS = sorted(path.stem for path in RECORDED.glob("*.jsonl"))
COUNTS = {
    "input": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "output": "output_tokens",
    "reasoning": "output_reasoning_tokens",
}
"""Count of the ledger -> column of the record."""

NEVER_SENT: dict[str, tuple[str, ...]] = {
    "langfuse": ("cache_write_1h",),
    "openlit": ("cache_write_1h",),
    "openai-v2": ("cache_read", "reasoning"),
    "openai-v2-latest": ("cache_read", "reasoning"),
    "openinference": ("cache_write_1h",),
    "traceloop": ("cache_write_1h",),
    "vercel-ai": ("cache_write_1h", "reasoning"),
}
"""Client -> counts that its spans do not have: NULL in the record."""

SENT_WRONGLY: dict[tuple[str, str, str, bool], Values] = {
    **{
        (client, *call): {"model": model}
        for client in ("litellm", "litellm-latest")
        for call, model in {
            ("chat/completions", "cached", True): "gpt-4o-mini",
            ("chat/completions", "thinking", True): "o4-mini",
            ("messages", "extended", True): "claude-sonnet-4-5",
        }.items()
    },
    **{("qwen-code", "chat/completions", scenario, True): {"model": "o4-mini"} for scenario in ("plain", "thinking", "cached")},
    **{("codex", "responses", scenario, True): {"model": "o4-mini"} for scenario in ("plain", "thinking", "cached")},
    ("openlit", "chat/completions", "thinking", False): {"reasoning": None},
    ("openlit", "chat/completions", "thinking", True): {"reasoning": None},
    ("traceloop", "chat/completions", "thinking", True): {"reasoning": None},
    ("traceloop", "messages", "extended", True): {"output": 27},
    ("traceloop", "messages", "hourly", True): {"output": 23},
    ("traceloop", "messages", "partly", True): {"output": 32},
}
"""Client, interface, scenario and whether it was streamed -> what its spans say otherwise than its calls had it."""


def read_ledger(client: str) -> list[Values]:
    """Return what the calls of a client used, in their order."""
    return json.loads((RECORDED / f"{client}.ledger.json").read_text())


@pytest.fixture(scope="module")
def rows_of(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Values]]:
    """Client -> the requests of its recording, in the order of their calls."""
    lake, found = Lake(tmp_path_factory.mktemp("clients") / "lake"), {client: [] for client in CLIENTS}
    ingest([RECORDED / f"{client}.jsonl" for client in CLIENTS], lake)
    for row in pq.read_table(list(lake.snapshot().files()), partitioning=None).sort_by("started_at").to_pylist():
        found[Path(row["source_file"]).stem].append(row)
    return found


def expect_row(client: str, call: Values) -> Values:
    """Return the model and the counts that the record of a call has."""
    never = dict.fromkeys(NEVER_SENT.get(client, ()))
    wrong = SENT_WRONGLY.get((client, call["api"], call["scenario"], call["streamed"]), {})
    return {name: call[name] for name in ("model", *COUNTS)} | never | wrong


def find_differences(row: Values, expected: Values) -> Values:
    """Return the counts of a request that are not the expected ones; a count of 0 may be missing."""
    counts = {name: row[column] for name, column in COUNTS.items()}
    return {name: count for name, count in counts.items() if count != expected[name] and (count, expected[name]) != (None, 0)}


@pytest.mark.parametrize("client", CLIENTS)
def test_the_requests_of_a_recording_are_those_of_its_ledger(rows_of: dict[str, list[Values]], client: str):
    ledger = read_ledger(client)
    expected = [expect_row(client, call) for call in ledger]

    rows = rows_of[client]

    outcomes = ["success" if call["status"] == 200 else "error" for call in ledger]
    assert [(row["model"], row["status"]) for row in rows] == [
        (values["model"], outcome) for values, outcome in zip(expected, outcomes, strict=True)
    ]
    assert all(row["http_status"] in (None, call["status"]) for row, call in zip(rows, ledger, strict=True))
    assert [find_differences(row, values) for row, values in zip(rows, expected, strict=True)] == [{} for _ in ledger]


def test_every_recording_has_its_ledger_and_every_exception_its_recording():
    assert sorted(path.name.removesuffix(".ledger.json") for path in RECORDED.glob("*.ledger.json")) == CLIENTS
    assert {*NEVER_SENT, *(client for client, *_ in SENT_WRONGLY)} <= set(CLIENTS)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_recording_holds_nothing_of_the_machine_that_made_it(client: str):
    text = (RECORDED / f"{client}.jsonl").read_text()

    assert not [word for word in ("site-packages", "node_modules", "/home/", "/root/", "host.name", "process.pid") if word in text]
