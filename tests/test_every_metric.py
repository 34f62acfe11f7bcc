"""Every metric of the vocabulary works wherever a metric can stand, and so does one that is added to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from tests.pages import opened
from tests.views import days, request, view
from usagecost import boards, charts, queries
from usagecost.boards import Panel
from usagecost.charts import Drawing, TimeAxis
from usagecost.cli.summaries import summary_rows
from usagecost.exports import csv_text
from usagecost.queries import folds
from usagecost.queries.folds import Usage
from usagecost.ui.labels import with_names
from usagecost.vocabulary import METRICS, Metric, formats, measures_of
from usagecost.vocabulary.colours import series_colors
from usagecost.vocabulary.filters import Condition, View

HOME = Path(__file__).parents[1]
FIRST, LAST = date(2026, 5, 1), date(2026, 5, 3)


@pytest.fixture(scope="module")
def asked(lake_of: Callable[..., str]) -> View:
    """Three models in two of three days, of which everything is known."""
    told = {
        "provider": "openai", "status": "success", "input_tokens": 100, "output_tokens": 40, "cache_read_tokens": 30,
        "cache_write_tokens": 20, "output_reasoning_tokens": 10, "input_audio_tokens": 4, "output_audio_tokens": 2,
        "reported_cost_usd": Decimal("0.5"), "list_cost_usd": Decimal("0.4"), "input_cost_usd": Decimal("0.1"),
        "cache_read_cost_usd": Decimal("0.1"), "cache_write_cost_usd": Decimal("0.1"), "output_cost_usd": Decimal("0.1"),
        "other_cost_usd": Decimal(0), "cache_read_saved_usd": Decimal("0.2"), "cache_write_extra_usd": Decimal("0.05"),
        "duration_ms": 800.0, "ttft_ms": 90.0, "price_status": "exact",
    }  # fmt: skip
    rows = [
        request(f"2026-05-0{day} 10:00", model=model, user_id=user, **{**told, "status": status})
        for day, model, user, status in [
            (1, "a", "ann", "success"), (1, "a", "bob", "success"), (1, "b", "ann", "error"), (3, "c", "cid", "cancelled"),
            (3, "a", "ann", "success"), (3, None, None, None),
        ]
    ]  # fmt: skip
    return view(lake_of(*rows), days(FIRST, LAST))


@cache
def usage_of(asked: View, name: str) -> Usage:
    return queries.usage(asked, "model", measures_of([name]))


@cache
def alone(asked: View, model: str | None) -> Usage:
    """All metrics of one model's requests."""
    return queries.usage(asked.where(Condition("model", (model,))), None, measures_of(METRICS))


@cache
def summed(asked: View, by: str | None, names: tuple[str, ...]) -> list[dict[str, object]]:
    """What the command summary says of some metrics together."""
    return summary_rows(asked.lake, FIRST, LAST, "UTC", by, names)


def drawn(drawing: Drawing) -> int:
    """How many rows a chart has, which can be written as JSON."""
    json.dumps(drawing.spec)
    return len(drawing.data)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_a_card_with_its_change_and_its_course(asked: View, name: str):
    usage, metric = usage_of(asked, name), METRICS[name]
    value = metric.of(usage.totals)

    assert value is not None
    assert metric.format(value)
    assert [metric.of(sums) is None for _, sums in usage.complete] == [
        False, not metric.is_additive and metric.name != "active_users", False,
    ]  # fmt: skip
    assert metric.change(value, metric.of(usage.totals_before)) is None or metric.name not in ("requests", "spend_usd")
    for model in ("a", None):
        assert metric.of(usage.of_value(model).totals) == metric.of(alone(asked, model).totals)


KINDS = {(metric.format, metric.is_additive, metric.folds): name for name, metric in METRICS.items()}
"""All that a drawing of a metric depends on -> one such metric."""


@pytest.mark.parametrize("name", KINDS.values())
def test_a_metric_is_a_line_a_stack_and_a_ranked_bar(asked: View, name: str):
    usage, metric = usage_of(asked, name), METRICS[name]
    axis = TimeAxis(usage.intervals, asked.interval, asked.period.zone)
    top = with_names(folds.top_values(usage.by_value, 2), asked, "model", "models")
    stacks = with_names(folds.over_time_by_top(usage, top), asked, "model")
    order = list(with_names(top, asked, "model")["name"])
    bars = top.assign(**{name: metric.column(top)}, text="")

    line, stack = charts.parts_of_metrics(usage.over_time, (name,)), charts.parts_of(stacks, name)
    colors = series_colors(order)

    assert drawn(charts.over_time(line, "line", metric.format, [metric.label], colors[:1], axis)) == 3 + 3
    assert drawn(charts.over_time(stack, "bar", metric.format, order, colors, axis, stacked=metric.is_additive)) > 3 + 3
    assert drawn(charts.ranked_bars(bars, name, series_colors(order))) == 3


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_a_column_of_tables_downloads_and_summaries(asked: View, name: str):
    usage, metric = usage_of(asked, name), METRICS[name]
    ranking = with_names(usage.by_value, asked, "model", "models")
    table = folds.ranking_table(ranking, "model", (name,))
    (whole,) = summed(asked, None, tuple(METRICS))
    by_model = summed(asked, "model", tuple(METRICS))

    header = csv_text(table).splitlines()[0].split(",")
    assert header[:2] == ["model", name]
    assert len(csv_text(folds.over_time_table(usage, (name,), "UTC")).splitlines()) == 4
    assert whole[name] == metric.of(usage.totals)
    assert {row["model"]: row[name] for row in by_model} == {row["value"]: metric.of(row) for row in folds.rows(usage.by_value)}
    if metric.is_additive:
        assert sum(row[name] or 0 for row in by_model) == whole[name]
        assert sum(value or 0 for value in metric.column(usage.over_time)) == whole[name]


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_on_a_panel_says_what_the_page_says(asked: View, name: str):
    usage, metric = usage_of(asked, name), METRICS[name]
    number = boards.answer(Panel(metrics=(name,), chart="number"), asked)
    ranked = boards.answer(Panel(metrics=(name,), split="model", chart="ranked"), asked)

    assert metric.of(number.totals) == metric.of(usage.totals)
    assert {row["value"]: metric.of(row) for row in folds.rows(ranked.by_value)} == {
        row["value"]: metric.of(row) for row in folds.rows(usage.by_value)
    }


def test_what_does_not_fold_is_told_of_other_where_other_is_asked_for_and_unknown_where_it_is_merged(asked: View):
    exact = queries.usage(asked, "model", ("active_users",), rank="requests", most=1)
    merged = folds.top_values(queries.usage(asked, "model", ("active_users",), rank="requests").by_value, 1)

    assert [(row["value"], row["is_other"], row["active_users"]) for row in folds.rows(exact.by_value)] == [
        ("a", False, 2), (None, True, 2),
    ]  # fmt: skip
    assert [(row["value"], row["is_other"], row["active_users"]) for row in folds.rows(merged)] == [
        ("a", False, 2), (None, True, None),
    ]  # fmt: skip
    assert [row["merged"] for row in folds.rows(exact.by_value)] == [row["merged"] for row in folds.rows(merged)] == [1, 3]


ADDED = Metric(
    "output_tokens_per_request",
    "Output tokens per request",
    formats.count,
    "Tokens that models produced, divided by all requests.",
    terms=("output_tokens",),
    per=("requests",),
)


def test_an_added_metric_is_seen_everywhere(asked: View, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(METRICS, ADDED.name, ADDED)

    for test in (
        test_a_metric_is_a_card_with_its_change_and_its_course,
        test_a_metric_is_a_line_a_stack_and_a_ranked_bar,
        test_a_metric_is_a_column_of_tables_downloads_and_summaries,
        test_a_metric_on_a_panel_says_what_the_page_says,
    ):
        test(asked, ADDED.name)


EDITS = (
    ("TOKENS = (", 'TOKENS = ("reasoning_tokens", "audio_tokens", '),
    ("CHART_METRICS = (", 'CARDS = ("latency_p95_ms", "spend_per_request", "active_users")\nCHART_METRICS = ('),
    ("USER_COLUMNS = (", 'USER_COLUMNS = ("latency_p95_ms", "errors", '),
)
"""What an analyst changes in app.py: lines, cards and columns."""


def test_a_page_that_names_other_metrics_shows_them(sample_lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USAGECOST_LAKE", sample_lake)
    text = (HOME / "app.py").read_text()
    for before, after in EDITS:
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "app.py").write_text(text)
    (tmp_path / "pages").symlink_to(HOME / "pages")

    totals, users = (opened(app=tmp_path / "app.py", tab=tab) for tab in ("Totals", "User activity"))
    assert [metric.label for metric in totals.metric] == ["Latency p95", "Spend per request", "Active users"]
    lines = json.loads(totals.get("vega_lite_chart")[0].proto.spec)["layer"][1]["encoding"]["color"]["scale"]["domain"]
    assert "Reasoning tokens" in lines
    assert {"latency_p95_ms", "errors"} <= set(users.dataframe[0].proto.column_order)
