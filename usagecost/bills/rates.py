"""Rates of bills that tell amounts and no quantities: a rate is believed where it is seen twice.

What a bill has against our cost of the same tokens is either another rate or other tokens. A rate holds for days on end, or for all
kinds of a day's tokens; requests that nobody logged do neither. So what a day has in common with another day is a rate, and where
no days have that, what one kind has in common with another; elsewhere the rate of the nearest such day counts, and the rest is
tokens.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from usagecost.bills.effects import SLACK, Rated
from usagecost.bills.sides import OTHER, Pair

NARROW = Decimal("0.05")
"""How wide a ratio may be, as amounts are rounded, to be like another by more than chance."""

Series = tuple[str, str | None, str | None, str]
"""Provider, model, scope and kind."""


@dataclass
class _Ratio:
    """What the bill has of a kind in a cell against ours, and between what this may lie as amounts are rounded.

    ``is_sure``: another day has it too, or it is our rate; ``is_shared``: another kind of the cell has it too.
    """

    first: date
    value: Decimal
    low: Decimal
    high: Decimal
    is_sure: bool = False
    is_shared: bool = False

    def is_like(self, other: _Ratio) -> bool:
        """Whether both can be the same rate."""
        return self.low <= other.high and other.low <= self.high


_OURS = _Ratio(date.min, Decimal(1), Decimal(1), Decimal(1))
"""Our own rate."""


class Rates:
    """What is known of the rates of bills that tell no quantities."""

    def __init__(self, pairs: Iterable[Pair], quantum: Mapping[str, Decimal]) -> None:
        series: dict[Series, list[_Ratio]] = defaultdict(list)
        for pair in pairs:
            cell = {name: ratio for name in pair.kinds if (ratio := _ratio(pair, name, quantum[pair.provider]))}
            for name, one in cell.items():
                others = [other for kind, other in cell.items() if kind not in (name, OTHER)]
                one.is_shared = name != OTHER and any(one.is_like(other) for other in others)
                series[pair.provider, pair.model, pair.scope, name].append(one)
        self._sure = {key: _sure(ratios) for key, ratios in series.items()}

    def of(self, pair: Pair, kind: str) -> Rated | None:
        """What is known of the rate of a kind in a cell: its own, else that of the nearest day that has one."""
        rates = self._sure.get((pair.provider, pair.model, pair.scope, kind), [])
        if not rates:
            return None
        place = bisect_left([one.first for one in rates], pair.first)
        near = min(rates[max(place - 1, 0) : place + 1], key=lambda one: abs(one.first - pair.first))
        value = Decimal(1) if near.is_like(_OURS) else near.value
        return Rated(value, is_sure=near.first == pair.first)


def _ratio(pair: Pair, name: str, quantum: Decimal) -> _Ratio | None:
    """The ratio of a kind in a cell; None where both sides do not have it, quantities tell the rate, or it is too wide."""
    kind = pair.kinds[name]
    if (kind.quantity and name != OTHER) or kind.theirs <= 0 or kind.ours <= 0 or kind.unpriced:
        return None
    value = kind.theirs / kind.ours
    slack = kind.tolerance(quantum, pair.requests) / kind.ours + SLACK * value
    return _Ratio(pair.first, value, value - slack, value + slack) if 2 * slack <= NARROW * value else None


def _sure(ratios: Sequence[_Ratio]) -> list[_Ratio]:
    """Those of a series of days that are like that of another day, or our rate; if there are none, those that kinds share."""
    for one in ratios:
        one.is_sure = one.is_like(_OURS)
    for one, above in pairwise(sorted(ratios, key=lambda one: one.value)):
        if one.is_like(above):
            one.is_sure = above.is_sure = True
    return [one for one in ratios if one.is_sure] or [one for one in ratios if one.is_shared]
