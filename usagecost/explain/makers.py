"""Who alone makes most of a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

Amounts = dict[str | None, tuple[float, float]]
"""Value of a dimension -> its amount in a stretch of time, and in one before it."""

MOST = 0.8
"""The value that has moved most makes a change if that is at least this share of it and of what all others together have moved."""


@dataclass(frozen=True)
class Maker:
    """A value of a dimension whose requests to a model have ``moved`` by most of a change."""

    dimension: str
    value: str
    model: str
    moved: float


def model_behind(rows: Iterable[Mapping[str, Any]]) -> tuple[str, float] | None:
    """Returns the model that makes most of a change of spend, of rows of measures by (is_before, model, …), and the whole change;
    None if there is none.
    """
    amounts: Amounts = {}
    for row in rows:
        spent, (now, before) = float(row["spend_usd"] or 0), amounts.get(row["model"], (0.0, 0.0))
        amounts[row["model"]] = (now, before + spent) if row["is_before"] else (now + spent, before)
    change = fsum(now - before for now, before in amounts.values())
    model, moved = _most_moved(amounts)
    return (model, change) if model is not None and _is_most(moved, change) else None


def maker_of(dimensions: Mapping[str, Amounts], model: str, change: float) -> Maker | None:
    """Returns who makes most of a change with a model, of what values have spent on it: of the first dimension that has one."""
    for name, amounts in dimensions.items():
        value, moved = _most_moved(amounts)
        if value is not None and _is_most(moved, change):
            return Maker(name, value, model, moved)
    return None


def _most_moved(amounts: Amounts) -> tuple[str | None, float]:
    """The value that has moved most, and by how much."""
    moved = {value: now - before for value, (now, before) in amounts.items()}
    value = max(moved, key=lambda value: (abs(moved[value]), value or ""), default=None)
    return value, moved.get(value, 0.0)


def _is_most(part: float, whole: float) -> bool:
    return bool(part) and abs(part) >= MOST * (abs(part) + abs(whole - part))
