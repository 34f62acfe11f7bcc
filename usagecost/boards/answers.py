"""The numbers of a panel: totals, a course over time, values, values over time, put together from what was asked."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from usagecost import queries
from usagecost.boards.panel import Panel
from usagecost.boards.question import OVER_TIME, Question, question_of
from usagecost.periods import Interval, intervals
from usagecost.queries import HOUR_OF_WEEK, folds, ranking
from usagecost.queries.folds import Usage
from usagecost.queries.usage import Ask, call
from usagecost.vocabulary import SPLITS, Sums
from usagecost.vocabulary.filters import View

NOTHING = pd.DataFrame()


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
