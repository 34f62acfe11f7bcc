"""Why tokens, requests and the average latency changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from math import fsum

from usagecost.explain.divisia import effects, ratio
from usagecost.explain.effects import Explanation, Share, explained
from usagecost.explain.parts import Model, Part, by_model

SIDES: tuple[tuple[str, str, Callable[[Part], int]], ...] = (
    ("input", "input_size", lambda part: part.all_input),
    ("output", "output_size", lambda part: part.all_output),
)


def explain_tokens(before: Iterable[Part], now: Iterable[Part]) -> Explanation:
    """Returns why input and output tokens together changed: requests, the models' shares of them, and the tokens of a request."""
    pairs = _pairs(before, now)
    both = [pair for pair in pairs.values() if all(_requests(parts) for parts in pair)]
    volumes = [sum(_requests(pair[place]) for pair in both) for place in (0, 1)]
    shares: list[Share] = []
    for model, pair in pairs.items():
        for kind, size, count in SIDES:
            tokens = [sum(count(part) for part in parts) for parts in pair]
            if change := _of_one_period(model, kind, pair, float(tokens[1] - tokens[0])):
                shares.append(change)
                continue
            chains = [
                (float(volume), ratio(_requests(parts), volume), ratio(sent, _requests(parts)))
                for volume, parts, sent in zip(volumes, pair, tokens, strict=True)
            ]
            amounts = effects(*chains, float(tokens[0]), float(tokens[1]))
            shares += [Share(name, model, kind, amount) for name, amount in zip(("volume", "mix", size), amounts, strict=True)]
    sums = [sum(part.all_input + part.all_output for pair in pairs.values() for part in pair[place]) for place in (0, 1)]
    return explained(Decimal(sums[0]), Decimal(sums[1]), shares, 0)


def explain_requests(before: Iterable[Part], now: Iterable[Part]) -> Explanation:
    """Returns why there are more or fewer requests: of models of both periods, of new ones, and of those that are gone."""
    pairs = _pairs(before, now)
    shares = []
    for model, pair in pairs.items():
        change = float(_requests(pair[1]) - _requests(pair[0]))
        shares.append(_of_one_period(model, "", pair, change) or Share("volume", model, "", change))
    sums = [sum(_requests(pair[place]) for pair in pairs.values()) for place in (0, 1)]
    return explained(Decimal(sums[0]), Decimal(sums[1]), shares, 0)


def explain_latency(before: Iterable[Part], now: Iterable[Part]) -> Explanation:
    """Returns why the average latency (ms) changed: see `latency_shares`. In both periods some latency must be known."""
    pairs = _pairs(before, now)
    means = [mean_latency([part for pair in pairs.values() for part in pair[place]]) for place in (0, 1)]
    return explained(means[0], means[1], latency_shares(pairs), 0)


def latency_shares(pairs: dict[Model, tuple[Sequence[Part], Sequence[Part]]]) -> list[Share]:
    """Returns what each model adds to the change of the mean latency: ``within`` by being slower or faster itself, at its mean
    share of the requests; by the ``mix`` as its share grows or shrinks, by how far its latency lies from the mean of all.

    A model with no latency in one period has that of the other.
    """
    every = [[part for pair in pairs.values() for part in pair[place]] for place in (0, 1)]
    timed, middle = [_timed(parts) for parts in every], (mean_latency(every[0]) + mean_latency(every[1])) / 2
    shares: list[Share] = []
    for model, pair in pairs.items():
        weights = [ratio(_timed(parts), whole) for parts, whole in zip(pair, timed, strict=True)]
        means = [
            mean_latency(parts) if _timed(parts) else mean_latency(other) for parts, other in zip(pair, reversed(pair), strict=True)
        ]
        within = (weights[0] + weights[1]) / 2 * (means[1] - means[0])
        mix = (weights[1] - weights[0]) * ((means[0] + means[1]) / 2 - middle)
        shares += [Share("within", model, "", within), Share("mix", model, "", mix)]
    return shares


def _pairs(before: Iterable[Part], now: Iterable[Part]) -> dict[Model, tuple[Sequence[Part], Sequence[Part]]]:
    """The parts of each model in both periods."""
    was, is_now = by_model(before), by_model(now)
    return {model: (was.get(model, []), is_now.get(model, [])) for model in {**was, **is_now}}


def _of_one_period(model: Model, kind: str, pair: Sequence[Sequence[Part]], change: float) -> Share | None:
    """The share of a model that has requests in one of the periods only."""
    was, is_now = (_requests(parts) for parts in pair)
    return None if was and is_now else Share("went" if was else "came", model, kind, change)


def _requests(parts: Iterable[Part]) -> int:
    return sum(part.requests for part in parts)


def _timed(parts: Iterable[Part]) -> int:
    return sum(part.timed for part in parts)


def mean_latency(parts: Sequence[Part]) -> float:
    """The mean latency in ms; 0 where none is known."""
    return ratio(fsum(part.latency_us for part in parts) / 1000, _timed(parts))
