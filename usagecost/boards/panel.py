"""One panel of a board: which numbers, split by what, drawn how; what each chart can draw, and what a panel is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from usagecost.periods.presets import PRESETS
from usagecost.toml_lines import TomlTable
from usagecost.vocabulary import DIMENSIONS, METRICS, SPLITS, Metric
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters

MOST_METRICS = 6
_MANY, _ONE = (1, MOST_METRICS), (1, 1)
Chart = Literal["number", "line", "area", "bar", "ranked", "table", "heatmap", "histogram", "scatter"]
Interval = Literal["auto", "15min", "hour", "day", "week", "month"]
Width = Literal["third", "half", "full"]
RANGES = {name: label for name, (label, *_) in PRESETS.items()}
"""What a panel's own range can be -> its name."""


@dataclass(frozen=True)
class Rule:
    """What a chart draws. ``of_one``: its metrics are sizes of single requests. ``one_unit``: they share an axis."""

    label: str
    help: str
    metrics: tuple[int, int]
    split: Literal["no", "optional", "required"]
    of_one: bool = False
    one_unit: bool = False


RULES = {
    "number": Rule("Big number", "The total, its course and its change against the period before.", _MANY, "no"),
    "line": Rule(
        "Line", "The course over time, of several metrics or of one that is broken down.", _MANY, "optional", one_unit=True
    ),
    "area": Rule("Area", "The course over time; parts that add up are stacked.", _MANY, "optional", one_unit=True),
    "bar": Rule("Bars over time", "One bar per interval, stacked where values add up.", _MANY, "optional", one_unit=True),
    "ranked": Rule("Ranked bars", "Values from the largest to the smallest, the rest as Other.", _ONE, "required"),
    "table": Rule("Table", "Numbers with their totals, broken down or over time.", _MANY, "optional"),
    "heatmap": Rule("Heatmap", "Weekday by hour of day, in the reporting zone.", _ONE, "no"),
    "histogram": Rule("Histogram", "How often requests of each size occurred.", _ONE, "no", of_one=True),
    "scatter": Rule("Scatter", "Two sizes of each request against each other.", (2, 2), "optional", of_one=True),
}
"""Chart -> what it draws."""


def metrics_for(chart: str) -> list[str]:
    """The metrics that a chart can draw."""
    return [name for name, metric in METRICS.items() if metric.of_one or not RULES[chart].of_one]


def splits_for(chart: str) -> list[str]:
    """What a chart can be split by."""
    return [] if RULES[chart].split == "no" else list(SPLITS)


def problem(chart: str, metrics: Sequence[str], split: str | None) -> str | None:
    """What makes no sense about a panel and what would, in a sentence; None where nothing is wrong."""
    rule, name = RULES[chart], RULES[chart].label.lower()
    least, most = rule.metrics
    if not least <= len(metrics) <= most:
        return f"{name}: draws {f'{least} to ' if least < most else ''}{most} metric{'s' if most > 1 else ''}, not {len(metrics)}"
    if len(set(metrics)) < len(metrics):
        return f"{name}: a metric stands in it twice, leave one out"
    if rule.of_one and (unfit := [metric for metric in metrics if not METRICS[metric].of_one]):
        return f"{name}: {unfit[0]} is no size of a single request, use one of {', '.join(metrics_for(chart))}"
    if split and rule.split == "no":
        return f"{name}: is not split, leave split out"
    if not split and rule.split == "required":
        return f"{name}: needs a split, one of {', '.join(SPLITS)}"
    if split and len(metrics) > 1 and rule.one_unit:
        return f"{name}: draws several metrics, or one that is broken down: leave out split, or all metrics but one"
    if rule.one_unit and len({METRICS[metric].format for metric in metrics}) > 1:
        return f"{name}: has one axis, and {' and '.join(metrics)} are not of one unit: make two panels of them"
    return None


def fitted(chart: str, metrics: Sequence[str], split: str | None) -> tuple[tuple[str, ...], str | None]:
    """As much of a panel's metrics and its split as another chart can draw, completed where it needs more."""
    rule, able = RULES[chart], metrics_for(chart)
    least, most = rule.metrics
    fitting = [metric for metric in dict.fromkeys(metrics) if metric in able] or able[:1]
    if rule.one_unit:
        fitting = [metric for metric in fitting if METRICS[metric].format == METRICS[fitting[0]].format]
    fitting = [*fitting, *(metric for metric in able if metric not in fitting)][: max(least, min(len(fitting), most))]
    if rule.split == "no":
        return tuple(fitting), None
    if rule.split == "required" and not split:
        return tuple(fitting), next(iter(SPLITS))
    return (tuple(fitting[:1]) if split and rule.one_unit else tuple(fitting)), split


class PanelFilter(TomlTable):
    """A dimension is one of the values or, if ``excludes``, none of them; "(not reported)" means that it is missing.

    No values at all are passed by no request, or with ``excludes`` by all: what is left of filters that contradict each other.
    """

    dimension: str
    values: tuple[str, ...]
    excludes: bool = False

    @field_validator("dimension")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return _one_of(name, DIMENSIONS, "dimension")

    @classmethod
    def of(cls, condition: Condition) -> Self:
        """The filter that says the same as a condition."""
        values = tuple(NOT_REPORTED if value is None else value for value in condition.values)
        return cls(dimension=condition.dimension, values=values, excludes=condition.excludes)

    @property
    def condition(self) -> Condition:
        """The filter as questions understand it."""
        values = tuple(None if value == NOT_REPORTED else value for value in self.values)
        return Condition(self.dimension, values, self.excludes)


class Panel(TomlTable):
    """A question and how its answer is drawn.

    Several ``metrics`` are drawn beside each other; what goes together is in ``rules``. ``top`` is how many values of the split are
    named, the rest is "Other". ``range`` is a preset of ``periods`` that holds instead of the page's.
    """

    title: str = Field(default="", max_length=120)
    metrics: tuple[str, ...] = Field(min_length=1, max_length=MOST_METRICS)
    split: str | None = None
    interval: Interval = "auto"
    chart: Chart = "bar"
    top: int = Field(default=10, ge=1, le=500)
    filters: tuple[PanelFilter, ...] = ()
    range: str | None = None
    width: Width = "half"

    @field_validator("metrics")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_one_of(name, METRICS, "metric") for name in names)

    @field_validator("split")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        return None if name is None else _one_of(name, SPLITS, "split")

    @field_validator("range")
    @classmethod
    def _is_a_range(cls, name: str | None) -> str | None:
        return None if name is None else _one_of(name, RANGES, "range")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        """Refuses what no chart can show, in words that say what would do."""
        if wrong := problem(self.chart, self.metrics, self.split):
            raise ValueError(wrong)
        return self

    @property
    def conditions(self) -> Filters:
        """The panel's own filters."""
        return Filters(tuple(panel_filter.condition for panel_filter in self.filters))


def _one_of(name: str, allowed: Mapping[str, object], what: str) -> str:
    if name not in allowed:
        raise ValueError(f"{name!r} is no {what}: use one of {', '.join(allowed)}")
    return name


def title_of(panel: Panel) -> str:
    """The panel's own title, else what it shows."""
    if panel.title:
        return panel.title
    metrics = [METRICS[name] for name in panel.metrics]
    if panel.chart == "scatter":
        return f"{size_label(metrics[0])} against {_lower(size_label(metrics[-1]))}"
    if panel.chart == "histogram":
        return f"{size_label(metrics[0])} of requests"
    labels = [metrics[0].label, *(_lower(metric.label) for metric in metrics[1:])]
    measured = f"{', '.join(labels[:-1])} and {labels[-1]}" if len(labels) > 1 else labels[0]
    if panel.chart == "heatmap":
        return f"{measured} by weekday and hour"
    return f"{measured} by {_lower(SPLITS[panel.split].label)}" if panel.split else measured


def help_of(panel: Panel) -> str:
    """What the numbers are, and how values are chosen where there are too many."""
    metrics = [METRICS[name] for name in panel.metrics]
    words = [f"{metric.label}: {metric.help}" if len(metrics) > 1 else metric.help for metric in metrics]
    split = SPLITS.get(panel.split or "")
    if split and panel.chart != "scatter" and not split.order:
        by = _lower(metrics[0].label) if metrics[0].is_additive else "requests"
        words.append(f"Named are the {panel.top} {split.plural} with the most {by}.")
    if split and not split.parts_add_up:
        words.append(f"A request counts for each of its {split.plural}, so they do not add up.")
    return "\n\n".join(words)


def alt_of(panel: Panel) -> str:
    """The panel for whom a chart cannot be seen."""
    return f"{RULES[panel.chart].label}: {title_of(panel)}"


def size_label(metric: Metric) -> str:
    """What a metric is called where it is the size of one request."""
    label = metric.label.removeprefix("Total ").removeprefix("Avg ")
    return label[0].upper() + label[1:]


def _lower(label: str) -> str:
    """A label within a sentence."""
    return label[0].lower() + label[1:]
