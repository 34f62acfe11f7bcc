"""What explanations are made of: the questions behind the page Why and `summary --explain`, and that command itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.engines import BY_ROLLUPS, ON_ROLLUPS_BY_BOTH_ENGINES
from tests.lake_rows import Row
from tests.questions import of_lake, questions
from tests.views import days, request, view
from usagecost import explain, queries
from usagecost.cli import app
from usagecost.lake import Lake
from usagecost.periods import WHOLE
from usagecost.queries.folds import Usage
from usagecost.queries.rows import Rows
from usagecost.vocabulary import CHANGE_MEASURES
from usagecost.vocabulary.filters import Condition, View


def sums(rows: Iterable[Mapping[str, Any]], *, is_before: bool) -> dict[str, Any]:
    """The measures of one period; what is nothing and what is not known are the same here."""
    of_period = [row for row in rows if row["is_before"] is is_before]
    return {name: sum(row[name] or 0 for row in of_period) for name in CHANGE_MEASURES}


def of_usage(usage: Usage) -> list[dict[str, Any]]:
    """The same of the one aggregate, before and now."""
    return [{name: (totals or {}).get(name) or 0 for name in CHANGE_MEASURES} for totals in (usage.totals_before, usage.totals)]


@ON_ROLLUPS_BY_BOTH_ENGINES
@settings(max_examples=4)
@given(questions(), st.sampled_from(["model", "user", "team", "status"]), st.sampled_from([*explain.WORDINGS]))
def test_parts_add_up_to_the_whole_that_the_page_shows(varied: tuple[str, list[Row]], question: View, by: str, metric: str):
    asked = of_lake(question, varied[0])
    rows, of_values = (
        queries.explained.by_price(asked).to_pylist(),
        queries.explained.by_value(asked, by, metric, most=2).to_pylist(),
    )
    whole = explain.explanation(metric, rows)

    assert [sums(rows, is_before=True), sums(rows, is_before=False)] == of_usage(queries.usage(asked, None, CHANGE_MEASURES))
    if whole is not None:
        moved = explain.values(metric, of_values, rows, whole)
        assert sum((one.moved for one in moved), Decimal(0)) == whole.change
        assert len([one for one in moved if not one.is_other]) <= 2


def sent(day: str, model: str = "opus", **columns: object) -> Row:
    """A request at list prices: 1,000 tokens of input at 0.1 cents, 100 of output at 1 cent."""
    told = {
        "provider": "anthropic",
        "model": model,
        "input_tokens": 1_000,
        "output_tokens": 100,
        "list_cost_usd": Decimal(2),
        "input_cost_usd": Decimal(1),
        "output_cost_usd": Decimal(1),
        "price_status": "exact",
        "price_id": f"anthropic/{model}@always",
    }
    return request(f"{day} 12:00", **{**told, **columns})


HALF = {"list_cost_usd": Decimal(1), "input_cost_usd": Decimal("0.5"), "output_cost_usd": Decimal("0.5")}
MAY = (
    *(sent("2026-05-01", team_id="search", user_id=f"u{i}") for i in range(4)),
    *(sent("2026-05-02", team_id="search", price_id="anthropic/opus@always+batch", is_batch=True, **HALF) for _ in range(4)),
    *(sent("2026-05-02", team_id="ads", discount=Decimal("0.5"), price_status="discount", **HALF) for _ in range(2)),
    sent("2026-05-02", "haiku", team_id="ads"),
)
"""On the first day eight dollars; on the second four in batches, two at half the list price, and two of a model that is new."""


@pytest.fixture(scope="module")
def may(lake_of: Callable[..., str]) -> str:
    return lake_of(*MAY)


def test_prices_tell_batches_and_discounts_apart(may: str):
    """Four requests of opus cost $8; six then cost $12 by the book, $8 with batches, $6 with discounts. The logarithmic mean of 8
    and 6 is 2 / ln (8 / 6) = 6.952: requests have ln (6 / 4) of it, batches ln (8 / 12), discounts ln (6 / 8).
    """
    found = explain.explanation("spend_usd", queries.explained.by_price(view(may, days("2026-05-02"))).to_pylist())

    assert found is not None
    assert (found.before, found.now) == (8, 8)
    assert {one.effect.name: str(one.amount) for one in found.effects} == {
        "came": "2.00",
        "volume": "2.82",
        "factor": "-2.82",
        "discount": "-2.00",
    }


@BY_ROLLUPS
def test_rollups_tell_an_explanation_without_requests(lake_of: Callable[..., str]):
    rolled = lake_of(*MAY)
    for file in Lake(rolled).snapshot().files():
        Path(file).unlink()
    asked = view(rolled, days("2026-05-02"))

    assert sums(queries.explained.by_price(asked).to_pylist(), is_before=False)["spend_usd"] == 8
    for by in ("model", "provider", "team", "user", "key", "app", "environment", "status"):
        assert sums(queries.explained.by_value(asked, by, "spend_usd").to_pylist(), is_before=False)["spend_usd"] == 8
    for name, requests in {"user": 7, "team": 3, "key": 7, "app": 7}.items():
        others = asked.where(Condition(name, ("search",), excludes=True))
        assert sums(queries.explained.by_price(others).to_pylist(), is_before=False)["requests"] == requests


@BY_ROLLUPS
@settings(max_examples=4)
@given(questions(), st.sampled_from([("user", "team", "key"), ("model", "app")]))
def test_values_have_spent_in_each_stretch_what_the_page_shows_of_it(
    varied: tuple[str, list[Row]], question: View, names: tuple[str, ...]
):
    """Of two pairs at once: the period against the one before, and the other way round."""
    asked = of_lake(question, varied[0])
    rows = Rows.of(asked, compares=True)
    if rows.before is None:
        return
    usages = {name: queries.usage(replace(asked, interval=WHOLE), name, ("spend_usd",)) for name in names}
    shown = {
        name: [
            {row["value"]: float(row["spend_usd"] or 0) for row in cells.to_pylist()}
            for cells in (usage.cells, usage.before)
            if cells is not None
        ]
        for name, usage in usages.items()
    }
    now = {
        name: {value: (here.get(value, 0.0), there.get(value, 0.0)) for value in {**here, **there}}
        for name, (here, there) in shown.items()
    }
    found = queries.spending.spent(asked, names, ((rows.now, rows.before), (rows.before, rows.now)))

    assert found == [now, {name: {value: pair[::-1] for value, pair in amounts.items()} for name, amounts in now.items()}]


def test_the_values_that_moved_most_are_told_apart(may: str):
    asked = view(may, days("2026-05-02"), "day", "best", Condition("model", ("opus",)))
    rows = queries.explained.by_value(asked, "user", "spend_usd", most=2).to_pylist()
    all_rows = queries.explained.by_price(asked).to_pylist()
    whole = explain.explanation("spend_usd", all_rows)

    assert whole is not None
    assert [
        (one.value, one.is_other, one.merged, str(one.moved)) for one in explain.values("spend_usd", rows, all_rows, whole)
    ] == [
        (None, False, 1, "6.00"),
        ("u0", False, 1, "-2.00"),
        (None, True, 3, "-6.00"),
    ]


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["summary", "--start", "2026-05-02", "--end", "2026-05-02", "--explain", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_says_why(may: str):
    text = run("--lake", may)

    assert text.startswith(
        "Spend did not change: $8.00 in both periods, though −$2.82 cheaper ways of asking (opus), +$2.82 more requests, "
        "−$2.00 larger discounts (opus), +$2.00 haiku (new)."
    )
    assert " Batch, tier, speed  −$2.82  cheaper ways of asking (opus)" in text


def test_who_alone_makes_most_of_a_change_is_named_with_the_model(lake_of: Callable[..., str]):
    """Ann's opus is $6 dearer and bob's haiku $1 cheaper: 6 of 7 that moved. Where carl's opus has moved as much it is nobody's."""
    of_ann = [sent("2026-05-02", user_id="ann", team_id="a", app="etl") for _ in range(3)]
    of_bob = sent("2026-05-01", "haiku", user_id="bob", team_id="a", app="etl", **HALF)
    of_carl = [sent("2026-05-02", user_id="carl", team_id="b") for _ in range(3)]

    assert run("--lake", lake_of(*of_ann, of_bob)).startswith("Spend rose by $5.00 (+500.0%), mostly ann's opus (+$6.00): ")
    assert ", mostly" not in run("--lake", lake_of(*of_ann, of_bob, *of_carl))
    assert ", mostly" not in run("--lake", lake_of(*of_ann, of_bob), "--metric", "total_tokens")
    assert ", mostly" not in run("--lake", lake_of(*of_ann, sent("2026-05-01", "haiku", user_id="ann", team_id="a", app="etl")))


def test_the_command_writes_reasons_and_values(may: str):
    said = json.loads(run("--lake", may, "--metric", "total_tokens", "--format", "json"))
    rows = list(csv.DictReader(io.StringIO(run("--lake", may, "--by", "team", "--format", "csv"))))

    assert said["sentence"] == "Tokens rose by 3,300 (+75.0%): +2,200 more requests, +1,100 haiku (new)."
    assert [said["before"], said["now"], said["change"]] == [4400, 7700, 3300]
    assert said["rows"][0] == {"reason": "New models", "change": 1100, "words": "haiku (new)"}
    assert [(row["team"], row["before"], row["now"], row["change"]) for row in rows] == [
        ("ads", "0.00", "4.00", "4.00"),
        ("search", "8.00", "4.00", "-4.00"),
    ]


def test_the_command_says_what_it_cannot_explain(may: str):
    def refused(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["summary", "--lake", may, "--start", "2026-05-02", "--end", "2026-05-02", *arguments])
        assert done.exit_code
        return " ".join(done.stderr.split())

    assert "--explain explains one metric" in refused("--explain", "--metric", "success_rate")
    assert "--explain cannot split by day" in refused("--explain", "--by", "day")
    assert "in one of the periods nothing is known of it" in refused("--explain", "--metric", "avg_latency_ms")


def test_a_comparison_that_is_incomplete_is_said(lake_of: Callable[..., str]):
    lake = lake_of(sent("2026-05-02"), sent("2026-05-04"))
    done = CliRunner().invoke(app, ["summary", "--lake", lake, "--start", "2026-05-03", "--end", "2026-05-04", "--explain"])
    whole = CliRunner().invoke(app, ["summary", "--lake", lake, "--start", "2026-05-04", "--end", "2026-05-04", "--explain"])

    assert done.stderr == "The comparison is incomplete: data starts on 2026-05-02.\n"
    assert whole.stderr == ""
