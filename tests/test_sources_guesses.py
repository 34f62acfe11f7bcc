"""Guesses: what a table's columns are called tells most of a mapping."""

from __future__ import annotations

import pytest

from usagecost.schema import COLUMN_BY_NAME
from usagecost.sources.guesses import NAMES, guessed_columns, guessed_cost_unit, guessed_duration_unit
from usagecost.sources.mapping import GIVEN_COLUMNS


@pytest.mark.parametrize(
    ("names", "guesses"),
    [
        (
            ["TIMESTAMP", "ContextTokens", "GeneratedTokens"],
            {"started_at": "TIMESTAMP", "input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"},
        ),
        (
            ["id", "created_at", "ai_model", "req_units", "res_units", "cost", "response_time", "response_status_code"],
            {
                "request_id": "id",
                "started_at": "created_at",
                "model": "ai_model",
                "input_tokens": "req_units",
                "output_tokens": "res_units",
                "reported_cost_usd": "cost",
                "duration_ms": "response_time",
                "http_status": "response_status_code",
            },
        ),
        (["usage.prompt_tokens", "usage", "prompt tokens"], {"input_tokens": "prompt tokens"}),
        (["when", "latency_s", "ttftSeconds"], {"started_at": "when", "duration_ms": "latency_s", "ttft_ms": "ttftSeconds"}),
        (["colour", "shape"], {}),
    ],
    ids=["azure", "portkey", "a field at the top before one inside", "units", "strangers"],
)
def test_columns_are_guessed_by_their_names(names: list[str], guesses: dict[str, str]):
    assert guessed_columns(names) == guesses


def test_the_records_own_names_are_guessed_right():
    assert {column: guessed_columns([column]) for column in NAMES} == {column: {column: column} for column in NAMES}
    assert set(NAMES) <= set(GIVEN_COLUMNS) <= set(COLUMN_BY_NAME)


def test_a_column_is_guessed_for_one_thing_only():
    guesses = guessed_columns(["time", "error", "user", "latency", "model", "tokens_in", "tokens_out"])

    assert len(set(guesses.values())) == len(guesses)


@pytest.mark.parametrize(
    ("name", "unit"), [("latency", "ms"), ("latency_s", "s"), ("durationSeconds", "s"), ("took_ns", "ns"), ("s", "ms")]
)
def test_the_unit_of_a_duration_stands_at_the_end_of_its_name(name: str, unit: str):
    assert guessed_duration_unit(name) == unit


@pytest.mark.parametrize(("name", "unit"), [("cost", "usd"), ("cost_cents", "cents"), ("costInCents", "cents")])
def test_cents_are_guessed_where_a_name_says_so(name: str, unit: str):
    assert guessed_cost_unit(name) == unit
