"""A card: a metric as people read it, by how much it changed, and whether that is good news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from usagecost.periods import Period
from usagecost.periods.words import previous_text
from usagecost.vocabulary.formats import MINUS, exact_count
from usagecost.vocabulary.measures import Sums
from usagecost.vocabulary.metric import Metric
from usagecost.vocabulary.spend import spend_coverage, spend_text


@dataclass(frozen=True)
class Card:
    """The value of a metric in words, and its ``change``: None where there is nothing to compare with, or too little to show."""

    metric: Metric
    value: str
    change: str | None

    @property
    def direction(self) -> Literal["up", "down"]:
        """Where it went: "down" or "up"."""
        return "down" if self.change and self.change.startswith(MINUS) else "up"

    @property
    def is_good(self) -> bool | None:
        """Whether such a change is good news; None where it is neither."""
        return None if self.metric.better is None else self.metric.better == self.direction


def card_of(metric: Metric, totals: Sums, before: Sums | None) -> Card:
    """Returns the card of a metric, compared with the measures before."""
    change = metric.change(metric.of(totals), metric.of(before)) if before else None
    return Card(metric, value_text(metric, totals), None if change and change.startswith("0.0") else change)


def value_text(metric: Metric, sums: Sums) -> str:
    """Returns a metric of measures in words, a spend that leaves something out with its mark."""
    return spend_text(sums) if metric.name == "spend_usd" else metric.format(metric.of(sums))


def card_notes(totals: dict[str, Any], period: Period, lack: str | None) -> Iterable[str]:
    """Yields what cards are compared with, or what that lacks, and what is not in them."""
    yield lack or previous_text(period)
    unknown = totals["requests"] - totals["successful"] - totals["failed"] if {"successful", "failed"} <= totals.keys() else 0
    if unknown:
        yield f"Outcome not recorded for {exact_count(unknown)} requests."
    if missing := spend_coverage(totals) if "spend_usd" in totals else None:
        yield f"Lower bound: {missing}."
