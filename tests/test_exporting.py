"""Requests leaving the lake as files: whole, exact, harmless, and as many as the card says."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.lake_rows import Row
from tests.questions import of_lake, questions
from tests.views import days, instant, request, view, write_lake
from usagecost import queries
from usagecost.cli import app
from usagecost.exporting import FORMS, write_requests
from usagecost.vocabulary.filters import View

HOSTILE = ("=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "a\r\n=b", "\r=c", 'say "a, b"', "Ünï🙂", "'; DROP TABLE requests --")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> View:
    """Three days of requests, one of them hostile in every text."""
    rows = [
        request(instant("2026-05-01") + timedelta(hours=hour), request_id=f"r{hour:02}", list_cost_usd=Decimal("0.000000001"))
        for hour in range(0, 72, 6)
    ]
    hostile = [request("2026-05-02 01:00", request_id=f"h{i}", user_id=text, model=text) for i, text in enumerate(HOSTILE)]
    return view(write_lake(tmp_path_factory.mktemp("exported") / "lake", [*rows, *hostile]), days("2026-05-01", "2026-05-02"))


def rows_in(file: Path) -> list[dict]:
    """What a file holds, whatever its form."""
    if file.suffix == ".parquet":
        return pq.read_table(file).to_pylist()
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened)) if file.suffix == ".csv" else [json.loads(line, parse_float=Decimal) for line in opened]


DISARMED = ["'=HYPERLINK(1)", "'+1", "'-1", "'@x", "'\tx", "a\n=b", "'\n=c", *HOSTILE[-3:]]
"""The hostile texts in CSV, of which a spreadsheet runs nothing."""


@pytest.mark.parametrize("form", FORMS)
def test_a_file_holds_what_matches_the_newest_first_and_every_text_as_it_is(asked: View, tmp_path: Path, form: str):
    shares: list[float] = []
    written = write_requests(asked, tmp_path / f"out.{form}", form, shares.append)

    models = {row["request_id"]: row["model"] for row in rows_in(tmp_path / f"out.{form}")}
    assert written == len(models) == 8 + len(HOSTILE)
    assert [name for name in models if name.startswith("r")] == [f"r{hour:02}" for hour in range(42, -1, -6)]
    assert [models[f"h{i}"] for i in range(len(HOSTILE))] == (DISARMED if form == "csv" else [*HOSTILE])
    assert shares == [0.5, 1.0]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    if form == "parquet":
        columns = pq.read_schema(tmp_path / "out.parquet")
        types = [columns.field(name).type for name in ("started_at", "spend_usd")]
        assert types == [pa.timestamp("us", tz="UTC"), pa.decimal128(18, 9)]


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=questions(), form=st.sampled_from(list(FORMS)))
def test_the_file_adds_up_to_the_card(varied: tuple[str, list[Row]], tmp_path: Path, question: View, form: str):
    asked = of_lake(question, varied[0])
    written = write_requests(asked, tmp_path / f"out.{form}", form)
    totals = queries.usage(asked, "model").totals

    spends = [Decimal(str(row["spend_usd"])) for row in rows_in(tmp_path / f"out.{form}") if row["spend_usd"] not in (None, "")]
    assert written == totals["requests"]
    assert (sum(spends) if spends else None) == totals["spend_usd"]


def test_nothing_to_export_is_a_file_without_requests(asked: View, tmp_path: Path):
    nothing = View(asked.lake, asked.version, days("2025-01-01"), "day", "best")
    for form in FORMS:
        assert write_requests(nothing, tmp_path / f"out.{form}", form) == 0
        assert rows_in(tmp_path / f"out.{form}") == []


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["export", *arguments])
    return result.exit_code, result.output


def test_the_command_writes_what_passes_its_filters_and_says_where_it_cannot(asked: View, tmp_path: Path):
    days_and_lake = ("--start", "2026-05-01", "--end", "2026-05-02", "--lake", asked.lake)
    status, said = run(*days_and_lake, "-o", str(tmp_path / "out.csv"), "--filter", "user=(not reported)")
    either = run(*days_and_lake, "-o", str(tmp_path / "two.csv"), "--filter", "user=(not reported)", "--filter", "user=@x")

    assert (status, "8 requests written" in said) == (0, True)
    assert len(rows_in(tmp_path / "out.csv")) == 8
    assert (either[0], "9 requests written" in either[1]) == (0, True)
    status, said = run(*days_and_lake, "-o", str(tmp_path / "no" / "out.csv"))
    assert (status, "No such file" in said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-o", "out.xlsx"), "out.xlsx says no format: end it in .csv, .parquet, .jsonl."),
        (("-o", "out.csv", "--filter", "colour=red"), "--filter colour=red is no filter"),
        (("-o", "out.csv", "--zone", "Nowhere"), "--zone Nowhere is no time zone"),
        (("-o", "out.csv", "--end", "2026-04-01"), "lies before"),
    ],
)
def test_wrong_usage_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple, sentence: str):
    monkeypatch.chdir(tmp_path)
    status, said = run("--start", "2026-05-01", "--end", "2026-05-02", *arguments)

    assert status == 2
    assert sentence in " ".join(said.split())
