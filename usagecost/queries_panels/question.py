"""A panel, read as a question: over which period, in which intervals, split by what, and what that needs of the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from usagecost import periods, periods_presets
from usagecost.boards import Panel
from usagecost.filters import Filters, View
from usagecost.metrics import METRICS, OF_ROWS, SPLITS, Metric
from usagecost.periods import WHOLE, Interval
from usagecost.queries_panels.scope import HOUR_OF_WEEK, Scope, is_list
from usagecost.queries_panels.single import Sample, Spread
from usagecost.queries_panels.sums import Sums
from usagecost.queries_panels.unfolded import Unfolded

Need = Sums | Unfolded | Spread | Sample

OVER_TIME = ("line", "area", "bar")
MOST_DRAWN = 16
"""Values over time that are told apart by their colours; the rest is Other."""
COVERAGE = {"incomplete_requests", "incomplete_tokens", "input_tokens", "output_tokens"}
"""What says how much of a spend is known."""
LEVELS = (50, 500)
"""How many values a query names, at least: another top-N within a level asks nothing anew."""


@dataclass(frozen=True)
class Question:
    """A panel asked of a view. ``interval`` is WHOLE where the answer is not over time."""

    view: View
    metrics: tuple[Metric, ...]
    chart: str
    split: str | None
    interval: str
    top: int

    @property
    def rank(self) -> str:
        """The additive metric by which values are named: the first one, or how many requests there are."""
        return self.metrics[0].name if self.metrics[0].is_additive else "requests"

    @property
    def steps(self) -> tuple[Interval, ...]:
        """The intervals of the answer."""
        return periods.intervals(self.view.period, self.interval, self.view.week_start)

    @property
    def scope(self) -> Scope:
        """The requests of the period."""
        return Scope.of(self.view, self.view.period.start, self.view.period.end)

    @property
    def scope_before(self) -> Scope | None:
        """The requests that a big number is compared with."""
        previous = self.view.period.previous
        return Scope.of(self.view, *previous) if previous and self.chart == "number" else None

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that fold."""
        names = {name for metric in (*self.metrics, METRICS[self.rank]) for name in metric.measures} - set(OF_ROWS)
        coverage = COVERAGE if "spend_usd" in names else set()
        return tuple(sorted(names | coverage | {"requests"}))

    @property
    def unfolded(self) -> tuple[str, ...]:
        """The measures that do not."""
        return tuple(sorted({name for metric in self.metrics for name in metric.measures if name in OF_ROWS}))

    @property
    def groupings(self) -> tuple[str, ...]:
        """What is shown of measures that do not fold."""
        if self.interval == WHOLE:
            return ("value", "whole") if self.split else ("whole",)
        return ("both", "value") if self.split else ("time", "whole")


def question_of(panel: Panel, view: View, data: tuple[datetime, datetime] | None) -> Question:
    """The panel as a question. ``data`` are the instants of the lake's oldest and newest request."""
    period = view.period
    if panel.range:
        period = periods_presets.preset_period(panel.range, period.zone, period.now, data, view.week_start)
    filters = Filters((*view.filters.conditions, *panel.conditions.conditions))
    split = HOUR_OF_WEEK if panel.chart == "heatmap" else panel.split
    named = len(SPLITS[split].order) if split in SPLITS else 0
    top = MOST_DRAWN if panel.chart in OVER_TIME and not named else LEVELS[-1]
    return Question(
        replace(view, period=period, filters=filters),
        tuple(METRICS[name] for name in panel.metrics),
        panel.chart,
        split,
        _interval(panel, view, period.days),
        LEVELS[-1] if split == HOUR_OF_WEEK else max(named, min(panel.top, top)),
    )


def needs_of(question: Question) -> dict[str, Need]:
    """What the panel needs of the rows, each under the name that `answers` knows it by."""
    scope, first = question.scope, question.metrics[0].name
    if question.chart == "histogram":
        return {"spread": Spread(scope, first)}
    if question.chart == "scatter":
        return {"sample": Sample(scope, first, question.metrics[-1].name, question.split)}
    needs: dict[str, Need] = {}
    if any(metric.folds for metric in question.metrics):
        needs["sums"] = _sums(question, scope, question.interval, question.split)
        if is_list(question.split):  # its parts do not add up to the whole
            needs["whole"] = _sums(question, scope, WHOLE, None)
        if question.scope_before:
            needs["before"] = _sums(question, question.scope_before, WHOLE, None)
    if question.unfolded:
        groupings = tuple(name for name in question.groupings if name != "whole" or not is_list(question.split))
        unfolded = _unfolded(question, scope, question.split, groupings)
        if unfolded.ranking:
            needs["ranking"] = unfolded.ranking  # asked first, with the other sums
        needs["unfolded"] = unfolded
        if is_list(question.split) and "whole" in question.groupings:
            needs["unfolded_whole"] = _unfolded(question, scope, None, ("whole",))
        if question.scope_before:
            needs["unfolded_before"] = _unfolded(question, question.scope_before, None, ("whole",))
    return needs


def _sums(question: Question, scope: Scope, interval: str, split: str | None) -> Sums:
    most = next((level for level in LEVELS if level >= question.top), question.top)
    return Sums(scope, interval, split, question.rank, most, question.measures)


def _unfolded(question: Question, scope: Scope, split: str | None, groupings: tuple[str, ...]) -> Unfolded:
    interval = question.interval if {"time", "both"} & set(groupings) else WHOLE
    return Unfolded(scope, interval, split, question.rank, question.top, question.unfolded, groupings)


def _interval(panel: Panel, view: View, days: int) -> str:
    is_over_time = panel.chart in (*OVER_TIME, "number") or (panel.chart == "table" and panel.split is None)
    if not is_over_time:
        return WHOLE
    asked = view.interval if panel.interval == "auto" and not panel.range else panel.interval
    return periods.chosen_interval(asked, days)
