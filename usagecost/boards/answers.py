"""A panel asked of a view, as a question, and its numbers: totals, a course over time, values, values over time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd

from usagecost import periods, queries
from usagecost.boards.panel import Panel
from usagecost.charts import TimeAxis
from usagecost.periods import WHOLE, Interval, intervals, presets
from usagecost.queries import HOUR_OF_WEEK, folds, ranking
from usagecost.queries.folds import Usage
from usagecost.queries.usage import Ask, call
from usagecost.vocabulary import METRICS, SPLITS, Metric, Sums, measures_of
from usagecost.vocabulary.filters import Filters, View

OVER_TIME = ("line", "area", "bar")
MOST_DRAWN = 16
"""Values over time that are told apart by their colours; the rest is Other."""
LEVELS = (50, 500)
"""How many values a query names, at least: another top-N within a level asks nothing anew."""
NOTHING = pd.DataFrame()


@dataclass(frozen=True)
class Question:
    """A panel asked of a view. The view's ``interval`` is WHOLE where the answer is not over time."""

    view: View
    metrics: tuple[Metric, ...]
    chart: str
    split: str | None
    top: int

    @property
    def interval(self) -> str:
        """The interval of the answer."""
        return self.view.interval

    @property
    def folds(self) -> bool:
        """Whether what is not named can be told from what is."""
        return all(metric.folds for metric in self.metrics)

    @property
    def stacks(self) -> bool:
        """Whether it shows parts over time that add up to the whole."""
        is_stacked = self.chart in ("area", "bar") and self.split is not None and SPLITS[self.split].parts_add_up
        return is_stacked and self.metrics[0].is_additive

    @property
    def is_of_spend(self) -> bool:
        """Whether it is all that was spent over time, beside which lines of spend can stand."""
        if self.chart not in OVER_TIME or self.metrics[0].name != "spend_usd":
            return False
        if self.split is None:
            return len(self.metrics) == 1
        return SPLITS[self.split].parts_add_up and self.chart != "line"

    @property
    def compares(self) -> bool:
        """Whether the period before stands beside it: of big numbers, of lines of metrics, and of the whole of stacks."""
        return self.chart == "number" or (self.folds and (self.stacks or (self.chart == "line" and self.split is None)))

    @property
    def rank(self) -> str:
        """The additive metric by which values are named: the first one, or how many requests there are."""
        return self.metrics[0].name if self.metrics[0].is_additive else "requests"

    @property
    def most(self) -> int:
        """How many values are named."""
        return next((level for level in LEVELS if level >= self.top), self.top) if self.folds else self.top

    @property
    def measures(self) -> tuple[str, ...]:
        """What it is made of."""
        return measures_of([metric.name for metric in self.metrics])


def question_of(panel: Panel, view: View, data: tuple[datetime, datetime] | None) -> Question:
    """The panel as a question. ``data`` are the instants of the lake's oldest and newest request."""
    period = view.period
    if panel.range:
        period = presets.preset_period(panel.range, period.zone, period.now, data, view.week_start)
    filters = Filters((*view.filters.conditions, *panel.conditions.conditions))
    split = HOUR_OF_WEEK if panel.chart == "heatmap" else panel.split
    value_count = len(SPLITS[split].order) if split in SPLITS else 0
    top = MOST_DRAWN if panel.chart in OVER_TIME and not value_count else LEVELS[-1]
    return Question(
        replace(view, period=period, filters=filters, interval=_interval(panel, view, period.days)),
        tuple(METRICS[name] for name in panel.metrics),
        panel.chart,
        split,
        LEVELS[-1] if split == HOUR_OF_WEEK else max(value_count, min(panel.top, top)),
    )


def _interval(panel: Panel, view: View, days: int) -> str:
    is_over_time = panel.chart in (*OVER_TIME, "number") or (panel.chart == "table" and panel.split is None)
    if not is_over_time:
        return WHOLE
    interval = view.interval if panel.interval == "auto" and not panel.range else panel.interval
    return periods.chosen_interval(interval, days)


@dataclass(frozen=True)
class Answer:
    """What a panel shows; its metrics are made of measures, in columns of their names. What its chart does not show is empty.

    ``by_value``: one row per named value of the split in the order they are shown, then the rest (``is_other``), which stands for
    ``merged`` values. ``cells``: one row per interval (its place) and row of ``by_value``, absent where nothing was sent.
    ``spread``, ``sample``: see `queries.sizes`.
    """

    question: Question
    usage: Usage | None = None
    by_value: pd.DataFrame = field(default_factory=pd.DataFrame)
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    spread: pd.DataFrame = field(default_factory=pd.DataFrame)
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def steps(self) -> tuple[Interval, ...]:
        """The intervals of the answer."""
        view = self.question.view
        return self.usage.intervals if self.usage else intervals(view.period, view.interval, view.week_start)

    @property
    def axis(self) -> TimeAxis:
        """The time axis of its chart and rows."""
        return TimeAxis.of(self.steps, self.question.view)

    @property
    def totals(self) -> Sums:
        """The measures of the period."""
        return self.usage.totals if self.usage else {}

    @property
    def before(self) -> Sums | None:
        """The measures of the period before, where the panel compares."""
        return self.usage.totals_before if self.usage else None

    @property
    def over_time(self) -> pd.DataFrame:
        """One row per interval, in order."""
        return self.usage.over_time if self.usage else NOTHING

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not (len(self.spread) or len(self.sample) or self.totals.get("requests"))


def answer(panel: Panel, view: View, ask: Ask = call) -> Answer:
    """The panel's numbers."""
    question = question_of(panel, view, ask(queries.data_span, view.lake, view.version, view.scope))
    if question.chart == "histogram":
        return Answer(question, spread=folds.frame(ask(queries.spread, question.view, question.metrics[0].name)))
    if question.chart == "scatter":
        x, y = (metric.name for metric in question.metrics)
        return Answer(question, sample=folds.frame(ask(queries.sample, question.view, x, y, question.split)))
    usage = ask(
        queries.usage,
        question.view,
        question.split,
        question.measures,
        rank=question.rank,
        most=question.most,
        compares=question.compares,
        parts_only=question.chart in OVER_TIME and question.split is not None,
    )
    return usage.once(("panel", question), lambda: _answer(question, usage))


def _answer(question: Question, usage: Usage) -> Answer:
    if question.split is None:
        return Answer(question, usage)
    top = folds.top_values(usage.by_value, question.top)
    by_value, cells = _ordered(question, top), ranking.with_names(folds.over_time_by_top(usage, top), question.split)
    return Answer(question, usage, by_value, cells)


def _ordered(question: Question, by_value: pd.DataFrame) -> pd.DataFrame:
    """The values as they are shown: in an order of their own, else by the first metric; the rest comes last."""
    if not len(by_value):
        return by_value
    if question.split == HOUR_OF_WEEK or SPLITS[str(question.split)].order:
        return ranking.in_order(by_value, question.split)
    amount = question.metrics[0].column(by_value).astype(float)
    by_value = by_value.assign(amount=amount).sort_values(["is_other", "amount"], ascending=[True, False], kind="stable")
    return by_value.drop(columns="amount").reset_index(drop=True)
