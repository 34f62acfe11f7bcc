"""Panels: a metric of each kind by every chart, drawn from the sample and from an empty lake; and boards on a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from itertools import groupby

import altair as alt
import pandas as pd
import pytest
from pydantic import ValidationError
from streamlit.testing.v1 import AppTest

from tests.views import days, request, view
from usagecost import boards, engine
from usagecost.boards import RULES, Panel, metrics_for, splits_for
from usagecost.boards.drawings import drawing_of, numbers_of
from usagecost.boards.panel import alt_of, help_of, title_of
from usagecost.charts import Mark
from usagecost.ui import memory
from usagecost.ui.boards import showing
from usagecost.vocabulary import SPLITS
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.labels import NO_LABELS


def panel_of(chart: str, metric: str) -> Panel:
    """A metric by provider on a chart, completed where that needs more; not split where that cannot be."""
    metrics = (metric, *(other for other in metrics_for(chart) if other != metric))[: RULES[chart].metrics[0]]
    return Panel(metrics=metrics, split="provider" if splits_for(chart) else None, chart=chart, top=3)


USUAL = ("requests", "success_rate", "spend_usd", "latency_p95_ms", "active_users")
"""One metric of each kind: that every metric is drawn is shown in test_every_metric."""


@pytest.fixture(scope="module")
def pages(sample_lake: str, lake_of: Callable[..., str]) -> dict[str, View]:
    """A week of the sample and of a lake without a request, with everything that the panels need asked ahead."""
    week = days(date.today() - timedelta(days=6), date.today(), "Europe/Berlin")  # noqa: DTZ011
    return {"sample": view(sample_lake, week), "empty": view(lake_of(), week)}


@pytest.mark.parametrize("metric", USUAL)
def test_a_metric_is_drawn_by_every_chart(pages: dict[str, View], metric: str):
    for panel in [panel_of(chart, metric) for chart in RULES if metric in metrics_for(chart)]:
        answer = boards.answer(panel, pages["sample"])
        numbers_of(panel, answer, NO_LABELS)
        assert not answer.question.is_of_spend or metric == "spend_usd"
        if panel.chart not in ("number", "table"):
            drawing = drawing_of(panel, answer, NO_LABELS, memory.cached_answer)
            json.dumps(drawing.spec)
            assert len(drawing.data)
        assert title_of(panel)
        assert help_of(panel)
        assert alt_of(panel)
        nothing = boards.answer(panel, pages["empty"])
        assert nothing.is_empty
        numbers_of(panel, nothing, NO_LABELS)


def test_every_split_is_drawn(pages: dict[str, View]):
    for place, split in enumerate(SPLITS):
        panel = Panel(metrics=("requests",), split=split, chart=("bar", "ranked", "line")[place % 3], top=3)
        assert len(drawing_of(panel, boards.answer(panel, pages["sample"]), NO_LABELS, memory.cached_answer).data), split
        assert (title_of(panel), help_of(panel)) != ("", "")


@pytest.mark.parametrize("chart", [chart for chart in RULES if chart not in ("number", "table")])
def test_a_drawing_is_what_vega_lite_understands(pages: dict[str, View], chart: str):
    panel = panel_of(chart, "total_tokens")
    drawing = drawing_of(panel, boards.answer(panel, pages["sample"]), NO_LABELS)
    records = drawing.data.head(60).astype(object).where(drawing.data.notna(), None).to_dict("records")

    alt.LayerChart.from_dict({**drawing.spec, "data": {"values": records}}).to_dict()


@pytest.mark.parametrize(
    ("chart", "split", "compares"), [("line", None, True), ("bar", "provider", True), ("line", "provider", False)]
)
def test_a_panel_over_time_has_marks_and_the_period_before_beside_its_whole(
    pages: dict[str, View], chart: str, split: str | None, compares: bool, monkeypatch: pytest.MonkeyPatch
):
    panel = Panel(metrics=("requests",), split=split, chart=chart)
    monkeypatch.setattr(showing, "marks", lambda view: [Mark(view.period.start, "Note", "Moved")])
    answer = boards.answer(panel, pages["sample"])
    drawing = drawing_of(panel, answer, NO_LABELS, memory.cached_answer, **showing.beside_of(answer))
    tip = drawing.data["tip"].dropna().iloc[0]

    assert (tip["Note"], "Before" in tip) == ("Moved", compares)


def test_only_what_adds_up_is_stacked(pages: dict[str, View]):
    def stack(metric: str, split: str) -> object:
        panel = Panel(metrics=(metric,), split=split, chart="area")
        return drawing_of(panel, boards.answer(panel, pages["sample"]), NO_LABELS).spec["layer"][1]["encoding"]["y"]["stack"]

    assert stack("requests", "model") == "zero"
    assert stack("avg_latency_ms", "model") is stack("active_users", "model") is stack("requests", "tag") is None


PAGE = """
from datetime import UTC, datetime, timedelta
from usagecost.periods import presets
from usagecost.boards import Panel
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.labels import NO_LABELS
from usagecost.lake import Lake
from usagecost.ui.boards import show_all
now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
view = View({lake!r}, Lake({lake!r}).version(), presets.preset_period("7d", "UTC", now, None), "day", "best")
panels = [Panel.model_validate(panel) for panel in {panels!r}]
show_all(panels, view, "panel")
"""


def shown(lake: str, *panels: dict) -> AppTest:
    page = AppTest.from_string(PAGE.format(lake=lake, panels=list(panels)), default_timeout=60).run()
    assert not page.exception
    return page


def test_every_chart_is_shown_with_its_title(sample_lake: str):
    made = [panel_of(chart, "total_tokens") for chart in RULES]
    page = shown(sample_lake, *(panel.model_dump() for panel in made))

    assert [header.value for header in page.header] == [title_of(panel) for panel in made]
    assert len(page.metric) == len(page.dataframe) == 1


def test_a_panel_without_requests_says_what_to_do(lake_of: Callable[..., str]):
    page = shown(lake_of(), {"metrics": ["requests"], "chart": "number", "range": "24h"})

    assert "No requests in this period" in page.caption[0].value
    assert "Last 24 hours" in page.caption[1].value


def test_a_panel_that_fails_says_why_and_leaves_the_others_alone(sample_lake: str, monkeypatch: pytest.MonkeyPatch):
    run = engine.table

    def without_users(sql: str, *args: object, **named: object) -> object:
        if "count(DISTINCT user_id)" in sql:
            raise engine.UnansweredError("The question needs more than 2GB of memory. Ask for fewer days.")
        return run(sql, *args, **named)  # type: ignore[arg-type]

    memory.forget()
    monkeypatch.setattr(engine, "table", without_users)
    page = shown(sample_lake, {"metrics": ["active_users"], "chart": "number"}, {"metrics": ["requests"], "chart": "number"})

    assert "Ask for fewer days" in page.warning[0].value
    assert [metric.label for metric in page.metric] == ["Total requests"]


def test_each_panel_comes_when_it_is_answered_and_at_once_when_it_is_known(sample_lake: str, monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []
    run, show, skeleton = engine.table, showing.show, showing.st.skeleton

    def noted(what: str, call: Callable[..., object]) -> Callable[..., object]:
        def noting(*args: object, **named: object) -> object:
            order.append(what)
            return call(*args, **named)

        return noting

    memory.forget()
    monkeypatch.setattr(engine, "table", noted("asked", run))
    monkeypatch.setattr(showing, "show", noted("shown", show))
    monkeypatch.setattr(showing.st, "skeleton", noted("waits", skeleton))
    panels = [{"metrics": [metric], "chart": "table", "split": "model"} for metric in ("errors", "requests")]

    shown(sample_lake, *panels)
    assert [what for what, _ in groupby(order)] == ["waits", "shown", "asked", "shown", "asked"]

    order.clear()
    shown(sample_lake, *panels)
    assert order == ["shown", "shown"], "nothing is asked again, and nothing waits"


def test_a_table_ends_with_the_totals_of_the_whole(lake_of: Callable[..., str]):
    lake = lake_of(*(request(pd.Timestamp.now("UTC").to_pydatetime(), user_id="u", model=model) for model in ("a", "b")))
    page = shown(lake, {"metrics": ["requests", "active_users"], "chart": "table", "split": "model"})
    last = page.dataframe[0].value.iloc[-1]

    assert (last["model"], last["requests"], last["active_users"]) == ("Total", 2, 1)


def test_what_a_log_says_is_no_markup_in_a_panel(lake_of: Callable[..., str]):
    lake = lake_of(request(pd.Timestamp.now("UTC").to_pydatetime(), model="**x** [y](z)"))
    page = shown(lake, {"title": "**bold**", "metrics": ["requests"], "chart": "number",
                        "filters": [{"dimension": "model", "values": ["**x** [y](z)"]}]})  # fmt: skip

    assert page.header[0].value == r"\*\*bold\*\*"
    assert r"\*\*x\*\* \[y\]\(z\)" in page.caption[-1].value


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        ({"metrics": ["requests"], "chart": "ranked"}, "needs a split"),
        ({"metrics": ["requests", "spend_usd"], "chart": "line"}, "not of one unit"),
        ({"metrics": ["requests", "errors"], "chart": "bar", "split": "model"}, "leave out split, or all metrics but one"),
        ({"metrics": ["success_rate"], "chart": "histogram"}, "is no size of a single request"),
        ({"metrics": ["total_tokens"], "chart": "scatter"}, "draws 2 metrics, not 1"),
        ({"metrics": ["requests"], "chart": "heatmap", "split": "model"}, "is not split"),
        ({"metrics": ["requests", "requests"], "chart": "table"}, "stands in it twice"),
        ({"metrics": ["colour"], "chart": "table"}, "is no metric"),
        ({"metrics": ["requests"], "chart": "number", "range": "forever"}, "is no range"),
    ],
)
def test_a_panel_that_makes_no_sense_says_what_would(panel: dict, words: str):
    with pytest.raises(ValidationError, match=words):
        Panel.model_validate(panel)


def test_a_spend_that_leaves_something_out_says_so_everywhere(lake_of: Callable[..., str]):
    now = pd.Timestamp.now("UTC").to_pydatetime()
    lake = lake_of(request(now, model="a", reported_cost_usd=1), request(now, model="a"), request(now, model="b", list_cost_usd=2))
    page = shown(
        lake,
        {"metrics": ["spend_usd"], "chart": "number"},
        {"metrics": ["spend_usd"], "chart": "table", "split": "model"},
        {"metrics": ["requests"], "chart": "number"},
    )
    once, *of_panels = [caption.value for caption in page.caption]

    assert page.metric[0].value == "≥\u00a0$3.00"
    assert "Comparison incomplete" in once
    assert ["no full price" in words and "Comparison" not in words for words in of_panels] == [True, True]

    asked = view(lake, days(date.today() - timedelta(days=1), date.today() + timedelta(days=1)))  # noqa: DTZ011
    bars = Panel(metrics=("spend_usd",), split="model", chart="bar")
    answer = boards.answer(bars, asked)
    texts = drawing_of(bars, answer, NO_LABELS).data.groupby("name")["text"].max().to_dict()
    assert texts == {"a": "≥ $1.0000", "b": "$2.0000"}
    assert list(numbers_of(bars, answer, NO_LABELS)["spend_is_at_least"]) == [True, False]
