"""One panel of a board: which numbers, split by what, drawn how. A plain value, as it stands in a board's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from usagecost.boards.rules import MOST_METRICS, problem
from usagecost.periods.presets import PRESETS
from usagecost.vocabulary import DIMENSIONS, METRICS, SPLITS
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters

Chart = Literal["number", "line", "area", "bar", "ranked", "table", "heatmap", "histogram", "scatter"]
Interval = Literal["auto", "15min", "hour", "day", "week", "month"]
Width = Literal["third", "half", "full"]

RANGES = {name: label for name, (label, *_) in PRESETS.items()}
"""What a panel's own range can be -> its name."""


class Frozen(BaseModel):
    """A value that says nothing it does not know, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PanelFilter(Frozen):
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


class Panel(Frozen):
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
