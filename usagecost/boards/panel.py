"""One panel of a board: which numbers, split by what, drawn how. A plain value, as it stands in a board's file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from usagecost.filters import NOT_REPORTED, Condition, Filters
from usagecost.metrics import DIMENSIONS, METRICS, SPLITS

Chart = Literal["number", "line", "area", "bar", "ranked", "table", "heatmap", "histogram", "scatter"]
Interval = Literal["auto", "hour", "day", "week", "month"]
Width = Literal["third", "half", "full"]

CHARTS: tuple[Chart, ...] = Chart.__args__  # type: ignore[attr-defined]


class Frozen(BaseModel):
    """A value that says nothing it does not know, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PanelFilter(Frozen):
    """A dimension is one of the values or, if ``excludes``, none of them; "(not reported)" means that it is missing."""

    dimension: str
    values: tuple[str, ...] = Field(min_length=1)
    excludes: bool = False

    @field_validator("dimension")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return _one_of(name, DIMENSIONS, "dimension")

    @property
    def condition(self) -> Condition:
        """The filter as questions understand it."""
        values = tuple(None if value == NOT_REPORTED else value for value in self.values)
        return Condition(self.dimension, values, self.excludes)


class Panel(Frozen):
    """A question and how its answer is drawn.

    Several ``metrics`` are drawn beside each other and are not split. ``top`` is how many values of the split are named, the rest
    is "Other". ``range`` is a preset of ``periods`` that holds instead of the sidebar's.
    """

    title: str = Field(default="", max_length=120)
    metrics: tuple[str, ...] = Field(min_length=1, max_length=6)
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

    @property
    def conditions(self) -> Filters:
        """The panel's own filters."""
        return Filters(tuple(chosen.condition for chosen in self.filters))


def _one_of(name: str, known: dict[str, object], what: str) -> str:
    if name not in known:
        raise ValueError(f"{name!r} is no {what}: use one of {', '.join(known)}")
    return name
