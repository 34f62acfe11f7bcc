"""Which values of a dimension moved a number most, each with the effects that it has had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from usagecost.explain.counts import latency_shares, mean_latency
from usagecost.explain.divisia import rounded
from usagecost.explain.effects import Explanation, Share
from usagecost.explain.parts import Part, part_of

Explain = Callable[[Iterable[Part], Iterable[Part]], Explanation]
Pair = tuple[list[Part], list[Part]]


@dataclass(frozen=True)
class Moved:
    """What a value of a dimension, or all ``merged`` into one "Other", was before and is now, and the effects that this has had."""

    value: str | None
    is_other: bool
    merged: int
    before: Decimal
    now: Decimal
    effects: Mapping[str, Decimal]

    @property
    def moved(self) -> Decimal:
        """What it adds to the change of the whole."""
        return sum(self.effects.values(), Decimal(0))


def moved_values(rows: Iterable[Mapping[str, Any]], explain: Explain, whole: Explanation) -> list[Moved]:
    """Returns the values that rows of (value, is_other, is_before, model) tell, what moved most first, "Other" last.

    Each has a decomposition of its own, of its own requests; what they add to the change adds up to that of the whole.
    """
    found = []
    for (value, is_other), (merged, pair) in _pairs(rows).items():
        of_value = explain(*pair)
        effects = {one.effect.name: one.amount for one in of_value.effects}
        found.append(Moved(value, is_other, merged, of_value.before, of_value.now, effects))
    return _in_order(_settled(found, whole))


def moved_latencies(rows: Iterable[Mapping[str, Any]], whole: Explanation) -> list[Moved]:
    """Returns the same of the average latency (ms): what a value adds by its own latency, and by its share of the requests.

    ``before`` and ``now`` are its own averages, 0 where there is none.
    """
    pairs = _pairs(rows)
    shares = latency_shares({(str(is_other), value): pair for (value, is_other), (_, pair) in pairs.items()})
    found = []
    for (value, is_other), (merged, pair) in pairs.items():
        of_value = [share for share in shares if share.model == (str(is_other), value)]
        before, now = (Decimal(round(mean_latency(parts))) for parts in pair)
        found.append(Moved(value, is_other, merged, before, now, _rounded(of_value)))
    return _in_order(_settled(found, whole, sums=False))


def _rounded(shares: Sequence[Share]) -> dict[str, Decimal]:
    change = Decimal(round(sum(share.amount for share in shares)))
    return {
        name: amount for name, amount in rounded({share.effect: [share.amount] for share in shares}, change, 0).items() if amount
    }


def _pairs(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str | None, bool], tuple[int, Pair]]:
    """Value, and whether it is "Other" -> how many values it stands for, and its parts before and now."""
    found: dict[tuple[str | None, bool], tuple[int, Pair]] = {}
    for row in rows:
        _, pair = found.setdefault((row["value"], row["is_other"]), (row["merged"], ([], [])))
        pair[0 if row["is_before"] else 1].append(part_of(row))
    return found


def _settled(found: list[Moved], whole: Explanation, *, sums: bool = True) -> list[Moved]:
    """The rows with what rounding has left over in the row of the others, else in the largest."""
    if not found:
        return found
    place = max(range(len(found)), key=lambda i: (found[i].is_other, abs(found[i].moved), str(found[i].value)))
    one = found[place]
    before = one.before + (whole.before - sum((each.before for each in found), Decimal(0)) if sums else 0)
    now = one.now + (whole.now - sum((each.now for each in found), Decimal(0)) if sums else 0)
    left = whole.change - sum((each.moved for each in found), Decimal(0))
    effects = dict(one.effects)
    if left:
        largest = min(effects, key=lambda name: (-abs(effects[name]), name), default="volume")
        effects[largest] = effects.get(largest, Decimal(0)) + left
    return [*found[:place], replace(one, before=before, now=now, effects=effects), *found[place + 1 :]]


def _in_order(found: list[Moved]) -> list[Moved]:
    return sorted(found, key=lambda each: (each.is_other, -abs(each.moved), each.value is None, each.value or ""))
