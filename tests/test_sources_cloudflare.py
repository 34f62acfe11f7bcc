"""Cloudflare AI Gateway's logs: what their fields mean."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.source_rows import Row, json_lines, read, rejects, requests
from usagecost.sources import SOURCES, Head
from usagecost.sources.mapped import gateway

LOG: Row = {
    "id": "01J",
    "created_at": "2026-05-01T10:00:00.5Z",
    "provider": "openai",
    "model": "gpt-4o",
    "model_type": "chat",
    "path": "chat/completions",
    "request_type": "chat",
    "status_code": 200,
    "success": True,
    "step": 0,
    "cached": False,
    "duration": 1234,
    "tokens_in": 100,
    "tokens_out": 20,
    "cost": 0.00045,
    "custom_cost": False,
    "metadata": {"user": "ada", "team": "search", "env": "production"},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "logs.json"


def test_a_log_says_who_what_when_and_for_how_much(file: Path):
    batch = read(gateway("cloudflare"), json_lines(file, [LOG]))

    about = ("source", "request_id", "provider", "model", "status", "http_status", "user_id", "team_id", "environment", "route")
    assert requests(batch, *about) == [
        ("cloudflare", "01J", "openai", "gpt-4o", "success", 200, "ada", "search", "production", "chat/completions")
    ]
    numbers = ("input_tokens", "output_tokens", "reported_cost_usd", "duration_ms", "is_gateway_cache_hit")
    assert requests(batch, *numbers) == [(100, 20, Decimal("0.00045"), 1234.0, False)]
    assert requests(batch, "cache_read_tokens") == [(None,)]
    assert json.loads(batch.requests["attributes"][0].as_py()) == {"step": 0, "model_type": "chat", "metadata": LOG["metadata"]}


def test_an_answer_out_of_the_gateways_cache_is_one(file: Path):
    assert requests(read(gateway("cloudflare"), json_lines(file, [{**LOG, "cached": True}])), "is_gateway_cache_hit") == [(True,)]


def test_a_failure_is_one_with_its_status(file: Path):
    line = {**LOG, "success": False, "status_code": 429, "tokens_in": 0, "tokens_out": 0}

    assert requests(read(gateway("cloudflare"), json_lines(file, [line])), "status", "http_status") == [("error", 429)]


@pytest.mark.parametrize("metadata", [None, "", "no json", {}, '{"user": "ada"'])
def test_metadata_that_says_nothing_is_no_problem(file: Path, metadata: object):
    batch = read(gateway("cloudflare"), json_lines(file, [{**LOG, "metadata": metadata}]))

    assert requests(batch, "user_id", "input_tokens") == [(None, 100)]


def test_an_array_of_logs_is_read_and_what_is_wrong_is_said(file: Path):
    file.write_text(json.dumps([LOG, {**LOG, "id": "02", "tokens_in": -3}], indent=1))

    batch = read(gateway("cloudflare"), file)

    assert batch.requests.num_rows == 1
    assert rejects(batch) == [
        (2, 'input_tokens (column tokens_in) is "-3": a count cannot be negative. Correct the log, or leave the value empty.')
    ]


def test_only_this_format_recognises_it(file: Path):
    assert [source.name for source in SOURCES if source.recognise(Head.of(json_lines(file, [LOG])))] == ["cloudflare"]
