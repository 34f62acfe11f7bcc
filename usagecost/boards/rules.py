"""Which questions each chart can draw: what an editor offers, and what is said about a panel that makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from usagecost.vocabulary import METRICS, SPLITS

MOST_METRICS = 6


@dataclass(frozen=True)
class Rule:
    """What a chart draws. ``of_one``: its metrics are sizes of single requests. ``one_unit``: they share an axis."""

    label: str
    help: str
    metrics: tuple[int, int]
    split: Literal["no", "optional", "required"]
    of_one: bool = False
    one_unit: bool = False


_MANY, _ONE = (1, MOST_METRICS), (1, 1)

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
