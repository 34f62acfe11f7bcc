from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

from tests.lake_rows import Row
from tests.questions import of_lake, questions
from tests.recount import asked, known_sum, measured
from tests.views import request
from usagecost.cli import app
from usagecost.cli.summaries import SUMMARY, summary_rows
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.filters import Filters, View

KEYS = [
    "requests", "successful", "failed", "success_rate", "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens",
    "cache_write_tokens", "spend_usd", "incomplete_requests", "unpriced_requests", "avg_latency_ms",
]  # fmt: skip
ADDITIVE = [name for name in KEYS if METRICS[name].is_additive]


@pytest.fixture(scope="module")
def lake(lake_of: Callable[..., str]) -> str:
    """Two days of two teams and of no team."""
    return lake_of(
        request("2026-05-01 22:30", team_id="search", status="success", input_tokens=100, output_tokens=10, cache_read_tokens=40,
                cache_write_tokens=5, reported_cost_usd=Decimal("0.25"), duration_ms=100.0),
        request("2026-05-02 10:00", team_id="search", status="error", input_tokens=7, list_cost_usd=Decimal("0.05"),
                duration_ms=300.0),
        request("2026-05-02 11:00", team_id="=cmd()", status="cancelled", input_tokens=1),
        request("2026-05-02 12:00"),
    )  # fmt: skip


DAYS = ("--start", "2026-05-01", "--end", "2026-05-02")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["summary", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["summary", *arguments])
    return done.exit_code, done.stderr.replace("\n", " ")


def test_json_has_exactly_the_documented_keys_and_numbers(lake: str):
    assert json.loads(run("--lake", lake, "--start", "2026-05-01", "--end", "2026-05-02", "--format", "json")) == {
        "requests": 4,
        "successful": 1,
        "failed": 2,
        "success_rate": pytest.approx(1 / 3),
        "input_tokens": 108,
        "output_tokens": 10,
        "total_tokens": 118,
        "cache_read_tokens": 40,
        "cache_write_tokens": 5,
        "spend_usd": 0.3,
        "incomplete_requests": 2,
        "unpriced_requests": 0,
        "avg_latency_ms": 200.0,
    }
    assert list(SUMMARY) == KEYS


def test_what_is_unknown_is_null(lake: str):
    numbers = json.loads(run("--lake", lake, "--start", "2020-01-01", "--end", "2020-01-01", "--format", "json"))

    assert {name: value for name, value in numbers.items() if value is not None} == {
        "requests": 0, "successful": 0, "failed": 0, "incomplete_requests": 0, "unpriced_requests": 0,
    }  # fmt: skip


def test_the_end_is_included_and_days_are_the_zones(lake: str):
    def requests(zone: str) -> int:
        text = run("--lake", lake, "--start", "2026-05-02", "--end", "2026-05-02", "--zone", zone, "--format", "json")
        return json.loads(text)["requests"]

    assert (requests("UTC"), requests("Europe/Berlin"), requests("Pacific/Apia")) == (3, 4, 2)


def test_by_a_dimension_there_is_one_object_a_value(lake: str):
    rows = json.loads(run("--lake", lake, "--start", "2026-05-01", "--end", "2026-05-02", "--by", "team", "--format", "json"))

    assert [(row["team"], row["requests"], row["spend_usd"]) for row in rows] == [
        ("search", 2, 0.3),
        ("=cmd()", 1, None),
        (None, 1, None),
    ]
    assert all(list(row) == ["team", *KEYS] for row in rows)
    shown = run("--lake", lake, *DAYS, "--by", "team")
    assert [words for words in ("reported)", "$0.30") if words not in shown] == []


def test_by_an_interval_there_is_one_object_each_with_its_start_and_offset(lake: str):
    text = run("--lake", lake, "--start", "2026-05-01", "--end", "2026-05-03", "--zone", "Asia/Kathmandu", "--by", "day",
               "--format", "json")  # fmt: skip

    assert [(row["day"], row["requests"]) for row in json.loads(text)] == [
        ("2026-05-01T00:00:00+05:45", 0),
        ("2026-05-02T00:00:00+05:45", 4),
        ("2026-05-03T00:00:00+05:45", 0),
    ]


def test_csv_is_exact_and_runs_no_formula(lake: str):
    text = run("--lake", lake, "--start", "2026-05-01", "--end", "2026-05-02", "--by", "team", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))

    assert [row["team"] for row in rows] == ["search", "'=cmd()", ""]
    assert rows[0]["spend_usd"] == "0.300000000"
    assert rows[1]["spend_usd"] == ""
    assert [row["input_tokens"] for row in rows] == ["107", "1", ""], "whole beside unknown ones"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--start", "2026-05-02", "--end", "2026-05-01"), "lies before"),
        (("--start", "yesterday", "--end", "2026-05-01"), "is no day"),
        (("--start", "2026-05-01", "--end", "2026-05-01", "--zone", "Mars/Olympus"), "is no time zone"),
        (("--start", "2026-05-01", "--end", "2026-05-01", "--by", "colour"), "is no split"),
        ((*DAYS, "--lake", "/nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(lake: str, arguments: tuple[str, ...], words: str):
    status, said = refused("--lake", lake, *arguments)

    assert (status, words in said, "Traceback" in said) == (1 if words == "nowhere" else 2, True, False)


@settings(max_examples=3)
@given(questions(intervals=("day", "week", "month")))
def test_by_whatever_the_parts_add_up_to_the_summary(varied: tuple[str, list[Row]], question: View):
    lake, made = varied
    period = question.period
    expected = measured(asked(made, of_lake(View("", 0, period, "day", "best", Filters()), lake)))

    def summary(by: str | None) -> list[dict]:
        return summary_rows(lake, period.first, period.last, period.zone, by)

    (whole,) = summary(None)
    assert whole == {name: METRICS[name].of(expected) for name in KEYS}
    for by in ("user", question.interval):
        parts = [row for row in summary(by) if row["requests"]]
        assert {name: known_sum(row[name] for row in parts) for name in ADDITIVE} == {
            name: whole[name] if parts else None for name in ADDITIVE
        }
