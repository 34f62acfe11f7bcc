"""Intervals that stand out: amounts that neither their weekday or hour nor the recent level make likely, and what caused them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from usagecost.explain.makers import Amounts

LEAST_WEEKS = 2
"""What is known for less than this tells nothing of a week."""
MOST_WEEKS = 8
"""What lies farther back tells nothing of today."""
DEVIATIONS = 5.0
"""What lies within so many standard deviations of the usual is no spike; they are told from the median of deviations."""
LEAST_SHARE = 0.5
"""What differs from the usual by less than this share of it is none either."""
MAD_OF_NORMAL = 1.4826
"""A standard deviation in median absolute deviations, where amounts scatter as errors do."""
COVERED = 0.8
"""The share of an excess that its cause makes."""
MOST_CAUSES = 3
"""More values than these are no cause that one can name."""


@dataclass(frozen=True)
class Spike:
    """An interval that stands out, by its place, and what would have been usual."""

    place: int
    amount: float
    usual: float

    @property
    def excess(self) -> float:
        """What is more than usual; below 0: less."""
        return self.amount - self.usual


def find_spikes(amounts: Sequence[float | None], slots: Sequence[int], week: int) -> list[Spike]:
    """Returns the intervals that stand out against those before them, in the order of time. An amount that is not known, None,
    stands out from nothing, and nothing is learned from it.

    ``slots`` says which intervals are alike: those of one weekday, say; ``week`` is how many there are in seven days. Usual is the
    median of the recent week times what intervals of the slot mostly were in relation to theirs.
    """
    recent = ([one for one in amounts[max(place - week, 0) : place] if one is not None] for place in range(len(amounts)))
    levels = [median(amounts_then or [0.0]) for amounts_then in recent]
    relative = [None if amount is None or level <= 0 else amount / level for amount, level in zip(amounts, levels, strict=True)]
    spikes = []
    begin = next((place for place, amount in enumerate(amounts) if amount), len(amounts))
    for place in range(begin + LEAST_WEEKS * week, len(amounts)):
        amount = amounts[place]
        if amount is None or levels[place] <= 0:
            continue
        past = range(max(place - MOST_WEEKS * week, begin + week), place)
        alike: dict[int, list[float]] = {}
        for i in past:
            ratio = relative[i]
            if ratio is not None:
                alike.setdefault(slots[i], []).append(ratio)
        if slots[place] not in alike:
            continue
        usual = {slot: median(ratios) for slot, ratios in alike.items()}
        scatter = median(abs(ratio - usual[slot]) for slot, ratios in alike.items() for ratio in ratios)
        spike = Spike(place, amount, usual[slots[place]] * levels[place])
        if abs(spike.excess) > max(DEVIATIONS * MAD_OF_NORMAL * scatter * levels[place], LEAST_SHARE * spike.usual):
            spikes.append(spike)
    return spikes


def causes(spike: Spike, dimensions: Mapping[str, Amounts]) -> list[tuple[str, tuple[str | None, ...]]]:
    """Returns, for each dimension that has it, the one value that makes most of an excess; where none has one, the smallest set of
    values that does, of one dimension. Nothing if it is spread over more than can be named.

    Usual for a value is its share of the time before, of what is usual for all.
    """
    sets = {name: _smallest(spike, amounts) for name, amounts in dimensions.items()}
    candidates = [(name, values) for name, values in sets.items() if 0 < len(values) <= MOST_CAUSES]
    fewest = min((len(values) for _, values in candidates), default=0)
    return [(name, values) for name, values in candidates if len(values) == fewest][: None if fewest == 1 else 1]


def _smallest(spike: Spike, amounts: Amounts) -> tuple[str | None, ...]:
    """The fewest values of a dimension that make most of an excess; none if its only value does, which tells nothing."""
    if len(amounts) < 2:
        return ()
    before = sum(was for _, was in amounts.values())
    sign = 1 if spike.excess > 0 else -1
    moved = {value: sign * (now - (spike.usual * was / before if before else 0.0)) for value, (now, was) in amounts.items()}
    ranked = sorted(moved, key=lambda value: (-moved[value], value is None, value or ""))
    covered, values = 0.0, []
    for value in ranked:
        if covered >= COVERED * abs(spike.excess):
            break
        covered += moved[value]
        values.append(value)
    return tuple(values)
