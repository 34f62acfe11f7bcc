"""Why spend changed: the effects of volume, mix, sizes, caching and prices on the cost of each kind of tokens of each model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import fsum, prod

from usagecost.explain.divisia import effects, ratio
from usagecost.explain.effects import Explanation, Share, explained
from usagecost.explain.parts import KINDS, Model, Part, by_model
from usagecost.explain.rates import Charged, charged

PLACES = 2
"""Spend is explained to the cent."""

OUTPUT, OTHER = 3, 4

Chain = tuple[tuple[str, float], ...]
"""The factors of a cell, each with the name of its effect."""


def explain_spend(before: Iterable[Part], now: Iterable[Part]) -> Explanation:
    """Returns why the spend changed from one period to another.

    The cost of a kind of a model's tokens is a product: requests, the model's share of them, the share of those with a known cost,
    tokens of a request, the kind's share of them, the book rate, the factor of the way of asking, what discounts leave, and what is
    reported against the list. What is in no kind of the list cost has one kind of its own. Models without requests in one of the
    periods came or went.
    """
    parts = by_model(before), by_model(now)
    shares: list[Share] = []
    both = sorted({*parts[0]} | {*parts[1]}, key=str)
    usages = {model: (_Usage.of(parts[0].get(model, [])), _Usage.of(parts[1].get(model, []))) for model in both}
    compared = [pair for pair in usages.values() if pair[0].priced and pair[1].priced]
    requests = sum(was.requests for was, _ in compared), sum(is_now.requests for _, is_now in compared)
    for model, (was, is_now) in usages.items():
        change = float(is_now.spend - was.spend)
        if not (was.requests and is_now.requests):
            shares.append(Share("went" if was.requests else "came", model, "", change))
        elif not (was.priced and is_now.priced):
            shares.append(Share("coverage", model, "", change))
        else:
            shares += _shares_of(model, was, is_now, requests)
    spends = [sum((pair[place].spend for pair in usages.values()), Decimal(0)) for place in (0, 1)]
    return explained(*spends, shares, PLACES)


@dataclass(frozen=True)
class _Usage:
    """A model in one period."""

    parts: tuple[Part, ...]
    requests: int
    priced: int
    spend: Decimal
    listed: int
    list_cost: Decimal
    tokens: int

    @classmethod
    def of(cls, parts: Sequence[Part]) -> _Usage:
        return cls(
            tuple(parts),
            sum(part.requests for part in parts),
            sum(part.priced for part in parts),
            sum((part.spend for part in parts), Decimal(0)),
            sum(part.listed for part in parts),
            sum((part.list_cost for part in parts), Decimal(0)),
            sum(part.all_input + part.all_output for part in parts),
        )

    @property
    def has_list(self) -> bool:
        """Whether what it cost is told by a list cost."""
        return self.list_cost > 0 or not self.spend

    @property
    def reported(self) -> float:
        """What a request costs in relation to its list cost."""
        return ratio(ratio(self.spend, self.priced), ratio(self.list_cost, self.listed))

    @property
    def paid(self) -> float:
        """By how much a list cost of the model has to be multiplied to be a part of its spend."""
        return ratio(self.spend, self.list_cost)

    @cached_property
    def sides(self) -> tuple[float, float]:
        """The tokens of a request that are sent, and those that are produced."""
        sent = fsum(part.tokens[kind] for part in self.parts for kind in range(OUTPUT))
        return ratio(sent, self.listed), ratio(fsum(part.tokens[OUTPUT] for part in self.parts), self.listed)

    @cached_property
    def costs(self) -> tuple[Decimal, ...]:
        """The list cost of each kind."""
        return tuple(sum((part.costs[kind] for part in self.parts), Decimal(0)) for kind in range(len(KINDS)))

    @property
    def of_no_kind(self) -> Decimal:
        """The list cost of which no kind is told."""
        return self.list_cost - sum(self.costs, Decimal(0))


def _shares_of(model: Model, was: _Usage, is_now: _Usage, requests: tuple[int, int]) -> list[Share]:
    """The shares of a model that has a known cost in both periods."""
    heads = [_head(one, total) for one, total in zip((was, is_now), requests, strict=True)]
    if not (was.has_list and is_now.has_list) or not (was.list_cost or is_now.list_cost):
        tails = [_whole_tail(one, one.spend, one.priced) for one in (was, is_now)]
        return _cell(model, "", heads, tails, (float(was.spend), float(is_now.spend)))
    shares: list[Share] = []
    for kind, name in enumerate(KINDS):
        pair = float(was.costs[kind]) * was.paid, float(is_now.costs[kind]) * is_now.paid
        if pair == (0.0, 0.0):
            continue
        if kind == OTHER:
            tails = [(("units", ratio(one.costs[kind], one.listed)), ("reported", one.reported)) for one in (was, is_now)]
        else:
            costs = charged(was.parts, is_now.parts, kind), charged(is_now.parts, was.parts, kind)
            tails = [_tail(one, kind, cost) for one, cost in zip((was, is_now), costs, strict=True)]
        shares += _cell(model, name, heads, tails, pair)
    pair = float(was.of_no_kind) * was.paid, float(is_now.of_no_kind) * is_now.paid
    tails = [(*_whole_tail(one, one.of_no_kind, one.listed), ("reported", one.reported)) for one in (was, is_now)]
    return [*shares, *_cell(model, "", heads, tails, pair)]


def _head(usage: _Usage, requests: int) -> Chain:
    """What all cells of a model have in common."""
    return (
        ("volume", float(requests)),
        ("mix", ratio(usage.requests, requests)),
        ("coverage", ratio(usage.priced, usage.requests)),
    )


def _tail(usage: _Usage, kind: int, cost: Charged) -> Chain:
    """What the list cost of a kind of tokens is made of, for a request, and what is paid of it."""
    side = usage.sides[kind == OUTPUT]
    size = ("output_size" if kind == OUTPUT else "input_size", side)
    share = ("cache_share", ratio(ratio(cost.tokens, usage.listed), side))
    price, factor = ("price", ratio(cost.book, cost.tokens)), ("factor", ratio(cost.undiscounted, cost.book))
    rest = (price, factor, ("discount", ratio(cost.cost, cost.undiscounted)), ("reported", usage.reported))
    return (size, *rest) if kind == OUTPUT else (size, share, *rest)


def _whole_tail(usage: _Usage, cost: Decimal, requests: int) -> Chain:
    """What a cost is made of whose kinds are not told: tokens of a request and the price of one; or a price of the request."""
    tokens = ratio(usage.tokens, usage.requests)
    return ("size", tokens), ("price", ratio(ratio(cost, requests), tokens))


def _cell(model: Model, kind: str, heads: Sequence[Chain], tails: Sequence[Chain], pair: tuple[float, float]) -> list[Share]:
    """The shares of one cell, of which the costs are given. A cost whose factors are not told is one of a request, and a price."""
    if pair == (0.0, 0.0):
        return []
    chains = [(*head, *tail) for head, tail in zip(heads, tails, strict=True)]
    if any(cost and not all(amount for _, amount in chain) for cost, chain in zip(pair, chains, strict=True)):
        heads_of = [prod(amount for _, amount in head) for head in heads]  # the log does not tell what the cost was for
        chains = [(*head, ("price", ratio(cost, of))) for head, of, cost in zip(heads, heads_of, pair, strict=True)]
    amounts = effects(*([amount for _, amount in chain] for chain in chains), *pair)
    return [Share(name, model, kind, amount) for (name, _), amount in zip(chains[0], amounts, strict=True) if amount]
