"""Spend incomplete, and no list price: each is one number, wherever it is shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.source_rows import json_lines
from tests.views import days, view
from usagecost import queries
from usagecost.cli import app
from usagecost.cli.summaries import summary_rows
from usagecost.ingest import Report, ingest
from usagecost.lake import Lake, Selection
from usagecost.vocabulary import measures_of

DAY = date(2026, 5, 1)
BASE = {"started_at": "2026-05-01T10:00:00Z", "provider": "openai", "input_tokens": 1_000, "output_tokens": 100}
ROWS = [
    {**BASE, "request_id": "listed", "model": "gpt-4o"},
    {**BASE, "request_id": "reported", "model": "our-own", "reported_cost_usd": 1},
    {**BASE, "request_id": "unknown", "model": "our-own"},
    {**BASE, "request_id": "part", "model": "gpt-4o", "output_tokens": None},
    {**BASE, "request_id": "reported part", "model": "gpt-4o", "output_tokens": None, "reported_cost_usd": 1},
]
"""By each basis, requests of which the spend is incomplete; always two have no list price."""
INCOMPLETE = {"best": 2, "reported": 3, "list": 4}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    folder = tmp_path_factory.mktemp("measures")
    report = ingest([json_lines(folder / "rows.jsonl", ROWS)], Lake(folder / "lake"))
    return folder / "lake", report


@pytest.mark.parametrize("basis", INCOMPLETE)
def test_both_are_the_same_on_all_pages(loaded: tuple[Path, Report], basis: str):
    lake, report = loaded
    asked = view(str(lake), days(DAY), basis=basis)

    totals = queries.usage(asked, "model", measures_of(("spend_usd", "unpriced_requests"))).totals
    assert (totals["incomplete_requests"], totals["unpriced_requests"]) == (INCOMPLETE[basis], 2)
    listed = queries.prices.models(asked)
    assert sum(row["unpriced_requests"] for row in listed) == report.unpriced == 2
    assert sum(row["unpriced_tokens"] for row in listed) == 2_200


def test_the_command_line_tells_them_apart(loaded: tuple[Path, Report]):
    lake, _ = loaded

    row = summary_rows(str(lake), DAY, DAY, "UTC", None)[0]
    assert (row["incomplete_requests"], row["unpriced_requests"]) == (2, 2)
    by_model = {row["model"]: row for row in summary_rows(str(lake), DAY, DAY, "UTC", "model")}
    assert {name: (row["incomplete_requests"], row["unpriced_requests"]) for name, row in by_model.items()} == {
        "gpt-4o": (1, 0),
        "our-own": (1, 2),
    }
    told = CliRunner().invoke(app, ["doctor", "--lake", str(lake)]).output
    assert "Spend incomplete" in told
    assert "No list price" in told
    assert Lake(lake).removal(Selection(user=None, ingest=Lake(lake).history()[0]["ingest"]["id"])).unpriced == 2


def test_the_reason_of_a_model_is_that_of_a_request_which_needed_a_price(tmp_path: Path):
    used = {"started_at": f"{DAY}T10:00:00Z", "provider": "openai", "model": "gpt-4o", "input_tokens": 1_000, "output_tokens": 10}
    failed = {**used, "started_at": f"{DAY}T11:00:00Z", "status": "error", "input_tokens": 0, "output_tokens": 0}
    rows = [{**used, "request_id": "used"}, {**failed, "request_id": "failed"}]
    ingest([json_lines(tmp_path / "rows.jsonl", rows)], Lake(tmp_path / "lake"))

    (model,) = queries.prices.models(view(str(tmp_path / "lake"), days(DAY)))

    assert model["price_reason"] == "openai/gpt-4o is in the price list"
