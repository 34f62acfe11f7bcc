"""A panel, read as a question: over which period, in which intervals, split by what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from usagecost import periods
from usagecost.boards.panel import Panel
from usagecost.periods import WHOLE, presets
from usagecost.queries import HOUR_OF_WEEK
from usagecost.vocabulary import METRICS, SPLITS, Metric, measures_of
from usagecost.vocabulary.filters import Filters, View

OVER_TIME = ("line", "area", "bar")
MOST_DRAWN = 16
"""Values over time that are told apart by their colours; the rest is Other."""
LEVELS = (50, 500)
"""How many values a query names, at least: another top-N within a level asks nothing anew."""


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
