"""One model without a price marks every figure that contains it, and no other: on the page, in CSV, on the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from tests.pages import opened
from tests.views import days, request, view
from usagecost import queries
from usagecost.charts import value_name
from usagecost.cli import app
from usagecost.exports import csv_text
from usagecost.queries import folds
from usagecost.ui.tables import MOST_STYLED, with_marks


@pytest.fixture(scope="module")
def lake(lake_of: Callable[..., str]) -> str:
    """Ada uses a model with a price and one without, Bob only the first."""
    priced = {"model": "gpt-4o", "list_cost_usd": Decimal(1), "status": "success", "input_tokens": 300}
    return lake_of(
        request("2026-05-01 10:00", user_id="ada", **priced),
        request("2026-05-01 11:00", user_id="ada", model="ours", input_tokens=100, status="success"),
        request("2026-05-02 10:00", user_id="bob", **priced),
    )


def marks(lake: str, by: str) -> dict[str, str]:
    """Value -> the mark in the downloaded ranking."""
    usage = queries.usage(view(lake, days("2026-05-01", "2026-05-02")), by)
    ranking = usage.by_value.assign(name=[value_name(value, False) for value in usage.by_value["value"]])
    rows = csv.DictReader(io.StringIO(csv_text(folds.ranking_table(ranking, by, ("spend_usd",)))))
    return {row[by]: row["spend_is_at_least"] for row in rows}


def test_every_download_marks_what_contains_it(lake: str):
    assert marks(lake, "user") == {"ada": "True", "bob": "False"}
    assert marks(lake, "model") == {"gpt-4o": "False", "ours": "False"}  # nothing of it is known: it is no lower bound
    usage = queries.usage(view(lake, days("2026-05-01", "2026-05-02")), "user")
    top = folds.top_values(usage.by_value, 1)
    stacks = folds.over_time_by_top(usage, top).assign(name="all")
    rows = csv.DictReader(io.StringIO(csv_text(folds.breakdown_table(usage, stacks, "user", "UTC"))))
    assert [(row["interval_start"][:10], row["spend_is_at_least"], row["incomplete_tokens"]) for row in rows] == [
        ("2026-05-01", "True", "100"),
        ("2026-05-02", "False", "0"),
    ]


def test_the_page_marks_the_card_the_charts_and_the_table(lake: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USAGECOST_LAKE", lake)
    for tab in ("Cost", "User activity"):
        page = opened(range="All time", tab=tab)

        said = [caption.value.replace("\\", "") for caption in page.caption]
        assert page.metric[4].value == "≥\u00a0$2.00"
        assert sum("1 request (33.3%) and 14.3% of tokens have no full price" in text for text in said) == 1


@pytest.mark.parametrize("rows", [1, MOST_STYLED])
def test_a_table_marks_the_amount_however_long_it_is(lake: str, rows: int):
    usage = queries.usage(view(lake, days("2026-05-01", "2026-05-02")), "user")
    table = folds.ranking_table(usage.by_value.assign(name=["ada", "bob"]), "user", ("spend_usd",)).astype({"spend_usd": float})
    shown = with_marks(table.loc[table.index.repeat(rows)].reset_index(drop=True), 2)

    if rows == 1:
        cells = shown._translate(False, False)["body"]
        place = list(table.columns).index("spend_usd") + 1
        assert [row[place]["display_value"] for row in cells] == ["≥\u00a0$1.00", "$1.00"]
    else:
        assert list(dict.fromkeys(zip(shown["user"], shown[folds.AT_LEAST], strict=True))) == [("ada", "≥"), ("bob", "")]


def test_the_command_line_marks_the_sum_and_says_how_much_is_missing(lake: str):
    def run(*more: str) -> str:
        return CliRunner().invoke(app, ["summary", "--lake", lake, "--start", "2026-05-01", "--end", "2026-05-02", *more]).output

    assert "≥\u00a0$2.00" in run()
    by_user = [" ".join(line.split()) for line in run("--by", "user").splitlines()]
    assert [("≥" in line) for line in by_user if line.startswith(("ada", "bob"))] == [True, False]
    (row,) = csv.DictReader(io.StringIO(run("--format", "csv")))
    assert (row["spend_usd"], row["incomplete_requests"], row["incomplete_tokens"]) == ("2.000000000", "1", "100")
