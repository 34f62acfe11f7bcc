"""What a metric is: a measure, or a quotient of measures, divided last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from usagecost.vocabulary import formats
from usagecost.vocabulary.formats import Format, Number
from usagecost.vocabulary.measures import OF_ROWS, Sums

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Metric:
    """A number with a name. ``terms`` are measures, added, by default that of its name; ``per``, if any, measures to divide by.

    ``better`` says which direction is good news. Only an additive metric may be stacked or added up to "Other".
    ``of_one`` is the SQL of what a single request adds to it, where that is worth a histogram; NULL where it is not known.
    """

    name: str
    label: str
    format: Format
    help: str
    terms: tuple[str, ...] = ()
    per: tuple[str, ...] = ()
    scale: float = 1.0
    better: Literal["up", "down"] | None = None
    is_share: bool = False
    of_one: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", self.terms or (self.name,))

    @property
    def is_additive(self) -> bool:
        """Whether the values of parts add up to the value of the whole."""
        return not self.per and self.folds

    @property
    def folds(self) -> bool:
        """Whether the measures of parts, folded, give the measures of the whole."""
        return not any(name in OF_ROWS for name in self.measures)

    @property
    def measures(self) -> tuple[str, ...]:
        """Everything that it is made of."""
        return (*self.terms, *self.per)

    def of(self, sums: Sums) -> Number | None:
        """The metric of one row of measures; None when nothing of it is known or there is nothing to divide by."""
        total = _known_sum(sums, self.terms)
        if not self.per or total is None:
            return total
        divisor = _known_sum(sums, self.per)
        return float(total) / float(divisor) * self.scale if divisor else None

    def column(self, frame: pd.DataFrame) -> pd.Series:
        """The metric of every row of a frame of measures; NA as ``of`` gives None."""
        total = frame[list(self.terms)].sum(axis=1, min_count=1) if len(self.terms) > 1 else frame[self.terms[0]]
        if not self.per:
            return total
        divisor = frame[list(self.per)].sum(axis=1, min_count=1).astype("Float64")
        return total.astype("Float64") / divisor.where(divisor > 0) * self.scale

    def change(self, now: Number | None, before: Number | None) -> str | None:
        """The change against an earlier value as people say it: percent, or points for a share."""
        return formats.points(now, before) if self.is_share else formats.change(now, before)


def _known_sum(sums: Sums, names: tuple[str, ...]) -> Number | None:
    terms: list[Any] = [sums[name] for name in names if sums[name] is not None]
    return sum(terms[1:], terms[0]) if terms else None
