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
from usagecost.vocabulary import CHANGE_MEASURES

Explain = Callable[[Iterable[Part], Iterable[Part]], Explanation]
Row = Mapping[str, Any]
Pairs = dict[tuple[str | None, bool], tuple[int, tuple[list[Part], list[Part]]]]
"""Value, and whether it is "Other" -> how many values it stands for, and its parts before and now."""


@dataclass(frozen=True)
class Moved:
    """What a value of a dimension, or all ``merged`` into one "Other", was before and is now, and the effects that this has had.

    A mean of nothing is None.
    """

    value: str | None
    is_other: bool
    merged: int
    before: Decimal | None
    now: Decimal | None
    effects: Mapping[str, Decimal]

    @property
    def moved(self) -> Decimal:
        """What it adds to the change of the whole."""
        return sum(self.effects.values(), Decimal(0))


def moved_values(pairs: Pairs, explain: Explain, whole: Explanation) -> list[Moved]:
    """Returns what the values have moved, what moved most first, "Other" last.

    Each has a decomposition of its own, of its own requests; what they add to the change adds up to that of the whole.
    """
    moved = []
    for (value, is_other), (merged, pair) in pairs.items():
        of_value = explain(*pair)
        effects = {one.effect.name: one.amount for one in of_value.effects}
        moved.append(Moved(value, is_other, merged, of_value.before, of_value.now, effects))
    return _in_order(_settled(moved, whole))


def moved_latencies(pairs: Pairs, whole: Explanation) -> list[Moved]:
    """Returns the same of the average latency (ms): what a value adds by its own latency, and by its share of the requests.

    ``before`` and ``now`` are its own averages, None where there is none.
    """
    shares = latency_shares({(str(is_other), value): pair for (value, is_other), (_, pair) in pairs.items()})
    moved = []
    for (value, is_other), (merged, pair) in pairs.items():
        of_value = [share for share in shares if share.model == (str(is_other), value)]
        before, now = (Decimal(round(mean_latency(parts))) if any(part.timed for part in parts) else None for parts in pair)
        moved.append(Moved(value, is_other, merged, before, now, _rounded(of_value)))
    return _in_order(_settled(moved, whole, sums=False))


def pairs_of(rows: Sequence[Row], all_rows: Iterable[Row]) -> Pairs:
    """Returns the parts of each value, of rows of measures by (value, is_before, model) of some of ``values``; and of the others,
    which are what is left of the rows of all of them.
    """
    pairs: Pairs = {}
    for row in rows:
        _, pair = pairs.setdefault((row["value"], False), (1, ([], [])))
        pair[0 if row["is_before"] else 1].append(part_of(row))
    merged = rows[0]["values"] - len(pairs) if rows else 0
    if merged:
        rest = _rest_of(rows, all_rows)
        before, now = ([part_of(row) for row in rest if bool(row["is_before"]) is when] for when in (True, False))
        pairs[None, True] = merged, (before, now)
    return pairs


def _rest_of(rows: Iterable[Row], all_rows: Iterable[Row]) -> list[Row]:
    """The measures by (is_before, provider, model) of all rows, less those of some."""
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for sign, some in ((1, all_rows), (-1, rows)):
        for row in some:
            rest = sums.setdefault((row["is_before"], row["provider"], row["model"]), dict.fromkeys(CHANGE_MEASURES, 0))
            for name in CHANGE_MEASURES:
                rest[name] += sign * (row[name] or 0)
    keys = ("is_before", "provider", "model")
    return [{**dict(zip(keys, key, strict=True)), **rest} for key, rest in sums.items() if rest["requests"]]


def _rounded(shares: Sequence[Share]) -> dict[str, Decimal]:
    change = Decimal(round(sum(share.amount for share in shares)))
    return {
        name: amount for name, amount in rounded({share.effect: [share.amount] for share in shares}, change, 0).items() if amount
    }


def _settled(moved: list[Moved], whole: Explanation, *, sums: bool = True) -> list[Moved]:
    """The rows with what rounding has left over in the row of the others, else in the largest."""
    if not moved:
        return moved
    place = max(range(len(moved)), key=lambda i: (moved[i].is_other, abs(moved[i].moved), str(moved[i].value)))
    one = moved[place]
    before, now = one.before, one.now
    if sums:
        before, now = (
            (getattr(one, when) or 0) + getattr(whole, when) - sum(getattr(each, when) or 0 for each in moved)
            for when in ("before", "now")
        )
    remainder = whole.change - sum((each.moved for each in moved), Decimal(0))
    effects = dict(one.effects)
    if remainder:
        names = [one.effect.name for one in whole.effects] or [name for each in moved for name in each.effects]
        largest = min(effects, key=lambda name: (-abs(effects[name]), name), default=names[0])
        effects[largest] = effects.get(largest, Decimal(0)) + remainder
    return [*moved[:place], replace(one, before=before, now=now, effects=effects), *moved[place + 1 :]]


def _in_order(moved: list[Moved]) -> list[Moved]:
    return sorted(moved, key=lambda each: (each.is_other, -abs(each.moved), each.value is None, each.value or ""))
