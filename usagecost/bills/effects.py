"""What explains the difference of one cell: every part of it is given to one cause, so that they add up to it exactly.

For each kind of tokens the bill is a rate times a quantity, and so is our cost. What a kind's tokens differ by counts at the bill's
rate, and what the rates differ by at our tokens. Of the input, tokens that one kind has more and another less are not more usage:
they are counted otherwise. What the bill has more is not in our logs; what it has less is unexplained, or not billed yet.
Rates that are all the same known multiple of ours are a factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from usagecost.bills.result import CACHE, FACTOR, NOT_LOGGED, NOT_YET, PRICE, REST, ROUNDING, ZERO, Effect
from usagecost.bills.sides import INPUT_KINDS, NANO, OTHER, Kind, Pair, rounding_of

SLACK = Decimal("1e-6")
"""Of an amount: by how much a rate may miss a multiple and still be it."""
SAME_INPUT = Decimal("0.005")
"""Of our input: by how much it may differ from what the bill's amounts mean at our rates, and still be the same input."""


@dataclass(frozen=True)
class Rated:
    """What the bill's amounts of a kind mean in relation to ours: ``is_sure`` where that is its rate and not its quantity."""

    ratio: Decimal
    is_sure: bool


RateOf = Callable[[str], Rated | None]
"""Kind -> what is known of the rate of a bill that tells no quantities."""


@dataclass
class _Split:
    """A kind whose sides differ: by ``tokens`` at a ``rate``, and by a ``price``. ``is_assumed``: at our rate, as none is known."""

    kind: Kind
    tokens: Decimal
    volume: Decimal
    price: Decimal
    is_assumed: bool = False


def effects_of(
    pair: Pair, quantum: Decimal, factors: Callable[[], Mapping[Decimal, str]], rate_of: RateOf, *, is_open: bool
) -> list[Effect]:
    """What explains the difference of a cell that both sides have. ``is_open``: its day was not over when the bill was made.

    ``quantum`` is the last place of the bill's amounts, ``factors`` gives known multiples of the model's rates with their names.
    """
    splits, effects = _splits(pair, quantum, rate_of)
    effects += _usage(splits, NOT_YET if is_open else REST)
    factor_names = factors() if any(split.price for split in splits.values()) else {}
    matching = _factors_in(splits, factor_names, quantum, pair.requests)
    for name, split in splits.items():
        at_factors = {factor: _part_at(split.kind, factor, quantum, pair.requests) for factor in matching}
        effects += [Effect(FACTOR, factor_names[factor], amount) for factor, amount in at_factors.items()]
        effects.append(Effect(PRICE, name, split.price - sum(at_factors.values(), ZERO)))
    return _together(effects)


def _together(effects: Iterable[Effect]) -> list[Effect]:
    """The effects with those of the same cause as one, without those of nothing."""
    amounts: dict[tuple[str, str], Decimal] = {}
    for effect in effects:
        amounts[effect.cause, effect.of] = amounts.get((effect.cause, effect.of), ZERO) + effect.amount
    return [Effect(cause, of, amount) for (cause, of), amount in amounts.items() if amount]


def _splits(pair: Pair, quantum: Decimal, rate_of: RateOf) -> tuple[dict[str, _Split], list[Effect]]:
    """The kinds whose sides differ, and what explains those of which it cannot be told what they differ by."""
    splits: dict[str, _Split] = {}
    effects = []
    for name, kind in pair.kinds.items():
        if abs(kind.difference) <= kind.tolerance(quantum, pair.requests):
            effects.append(Effect(ROUNDING, "", kind.difference))
        elif split := _split(name, kind, rate_of):
            splits[name] = split
        elif kind.ours:
            effects.append(Effect(REST, name, kind.difference))
        else:
            cause = CACHE if name in ("cache_read", "cache_write") else NOT_LOGGED if name == OTHER else REST
            effects.append(Effect(cause, name, kind.difference))
    return splits, effects + [Effect(REST, name, splits.pop(name).kind.difference) for name in _untold(splits, pair)]


def _usage(splits: Mapping[str, _Split], less: str) -> list[Effect]:
    """What is counted otherwise, and what one side has more of; ``less`` is the cause where that is ours."""
    cache, of_input = _input_side([splits[name] for name in INPUT_KINDS if name in splits])
    usage = {"input": of_input} | {name: split.volume for name, split in splits.items() if name not in INPUT_KINDS}
    effects = [Effect(NOT_LOGGED, "", amount) if amount > 0 else Effect(less, name, amount) for name, amount in usage.items()]
    return [Effect(CACHE, "", cache), *effects]


def _split(name: str, kind: Kind, rate_of: RateOf) -> _Split | None:
    """What the difference of a kind is made of; None where that cannot be told."""
    tokens, logged = Decimal(kind.tokens), Decimal(kind.tokens + kind.unpriced)
    if not kind.lines:
        return _Split(kind, -tokens, kind.difference, ZERO) if kind.tokens else None
    if kind.quantity and name != OTHER:
        volume = ((kind.quantity - logged) * kind.theirs / kind.quantity).quantize(NANO)
        return _Split(kind, kind.quantity - logged, volume, kind.difference - volume)
    if kind.unpriced and not kind.ours:
        return _Split(kind, ZERO, ZERO, kind.difference)
    if kind.ours <= 0 or kind.theirs <= 0:
        return None
    rated = rate_of(name)
    if rated and rated.is_sure:
        return _Split(kind, ZERO, ZERO, kind.difference)
    ratio = rated.ratio if rated else Decimal(1)
    at_rate = (ratio * kind.ours).quantize(NANO)
    more = logged * (kind.theirs / (ratio * kind.ours) - 1)
    return _Split(kind, more, kind.theirs - at_rate, at_rate - kind.ours, is_assumed=rated is None)


def _untold(splits: Mapping[str, _Split], pair: Pair) -> list[str]:
    """The kinds whose rate was only assumed, unless the input is the same by it, and split otherwise."""
    assumed = [name for name, split in splits.items() if split.is_assumed]
    moves = [splits[name].tokens for name in INPUT_KINDS if name in splits]
    whole = sum(pair.kinds[name].tokens for name in INPUT_KINDS if name in pair.kinds)
    is_same_input = any(move > 0 for move in moves) and abs(sum(moves, ZERO)) <= SAME_INPUT * whole
    return [name for name in assumed if not (is_same_input and name in INPUT_KINDS)]


def _input_side(splits: Iterable[_Split]) -> tuple[Decimal, Decimal]:
    """What is counted otherwise among the kinds of input, and what the whole of it differs by, in USD."""
    moves = [(split.tokens, split.volume) for split in splits if split.volume]
    gained, lost = sum((t for t, _ in moves if t > 0), ZERO), -sum((t for t, _ in moves if t < 0), ZERO)
    gain, loss = sum((usd for t, usd in moves if t > 0), ZERO), -sum((usd for t, usd in moves if t <= 0), ZERO)
    if not gained or not lost:
        return ZERO, gain - loss
    net = (gain * (gained - lost) / gained if gained >= lost else loss * (gained - lost) / lost).quantize(NANO)
    return gain - loss - net, net


def _factors_in(splits: Mapping[str, _Split], factors: Mapping[Decimal, str], quantum: Decimal, requests: int) -> list[Decimal]:
    """The known multiples at which something of every kind is billed whose rate differs."""
    kinds = [split.kind for name, split in splits.items() if split.price and name != OTHER]
    if not kinds or any(kind.unpriced or kind.ours <= 0 for kind in kinds):
        return []
    return [factor for factor in factors if all(_part_at(kind, factor, quantum, requests) for kind in kinds)]


def _part_at(kind: Kind, factor: Decimal, quantum: Decimal, requests: int) -> Decimal:
    """What the parts of a kind that are billed at a multiple of our rate add to its price, at our tokens; 0 where none is."""
    if kind.ours <= 0:
        return ZERO
    if not kind.quantity or not kind.tokens:  # then a rate is known of the kind alone, as all of it
        is_at = abs(kind.theirs - factor * kind.ours) <= kind.tolerance(quantum, requests) + SLACK * abs(kind.theirs)
        return kind.difference if is_at else ZERO
    part = ZERO
    for amount, quantity, lines in kind.parts:
        expected = factor * kind.ours * (quantity or ZERO) / kind.tokens
        slack = rounding_of(quantum, lines, requests) * max(factor, Decimal(1)) + SLACK * abs(amount)
        if quantity and abs(amount - expected) <= slack:
            part += (amount - expected / factor) * kind.tokens / kind.quantity
    return part.quantize(NANO)
