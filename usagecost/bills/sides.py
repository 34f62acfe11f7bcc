"""The two sides of a reconciliation, cell by cell: what a bill says of each kind of tokens, and what our requests say of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from usagecost.bills.result import ZERO

INPUT_KINDS = ("input", "cache_read", "cache_write")
TOKEN_KINDS = (*INPUT_KINDS, "output")
OTHER, WHOLE = "other", ""
"""The kind of all that is billed by the piece; and that of lines that do not tell what they count."""

NANO = Decimal("1e-9")
"""The last place of the lake's amounts."""

Span = tuple[date, date]
Model = tuple[str, str | None]
Names = Callable[[str, str | None], Model]
"""Provider and model of a log or a bill -> those by which both sides call it."""


class Ours(NamedTuple):
    """Our requests of a model on a UTC day. One row: (day, provider, model, scope), at one price or at several.

    ``spend`` is USD and 0 where nothing is known; ``costs``, by kind of tokens and at last by the piece, are of the list cost.
    ``tokens`` are those of requests with a list cost, ``unpriced`` those of requests without.
    """

    day: date
    provider: str
    model: str | None
    scope: str | None
    requests: int
    incomplete: int
    spend: Decimal
    list_cost: Decimal
    costs: tuple[Decimal, ...]
    tokens: tuple[int, ...]
    unpriced: tuple[int, ...]


class Theirs(NamedTuple):
    """Lines of a bill that tell the same of the same days, in USD. ``quantity`` is None where one of them does not tell it."""

    provider: str
    model: str | None
    scope: str | None
    first: date
    last: date
    kind: str
    amount: Decimal
    quantity: Decimal | None
    lines: int


@dataclass
class Kind:
    """Both sides of a cell for one kind of tokens. ``parts`` are the bill's amounts and quantities by what it sells."""

    theirs: Decimal = ZERO
    quantity: Decimal | None = ZERO
    lines: int = 0
    parts: list[tuple[Decimal, Decimal | None, int]] = field(default_factory=list)
    ours: Decimal = ZERO
    tokens: int = 0
    unpriced: int = 0

    @property
    def difference(self) -> Decimal:
        """By how much the bill is above our logs."""
        return self.theirs - self.ours

    def add(self, amount: Decimal, quantity: Decimal | None, lines: int) -> None:
        """Adds lines of the bill."""
        self.theirs, self.lines = self.theirs + amount, self.lines + lines
        self.quantity = None if quantity is None or self.quantity is None else self.quantity + quantity
        self.parts.append((amount, quantity, lines))

    def tolerance(self, quantum: Decimal, requests: int) -> Decimal:
        """What the bill's lines and our requests may differ by as they are rounded."""
        return rounding_of(quantum, self.lines, requests)


def rounding_of(quantum: Decimal, lines: int, requests: int) -> Decimal:
    """By how much rounding may change lines of a bill and costs of requests together.

    A line is off by half of its last place at most. Of many some are rounded up and some down: three standard deviations.
    """
    return quantum * min(Decimal(lines) / 2, (Decimal(lines) * 3 / 4).sqrt()) + NANO * requests / 2


@dataclass
class Pair:
    """Both sides of a cell. `Cell` says what its names mean."""

    provider: str
    model: str | None
    scope: str | None
    first: date
    last: date
    kinds: dict[str, Kind] = field(default_factory=dict)
    requests: int = 0
    incomplete: int = 0
    list_cost: Decimal = ZERO
    spend: Decimal = ZERO

    @property
    def theirs(self) -> Decimal:
        """The usage that is billed."""
        return sum((kind.theirs for kind in self.kinds.values()), ZERO)

    @property
    def lines(self) -> int:
        """The lines of the bill."""
        return sum(kind.lines for kind in self.kinds.values())

    def kind(self, name: str) -> Kind:
        """What both sides say of a kind."""
        return self.kinds.setdefault(name, Kind())

    def add_ours(self, one: Ours) -> None:
        """Adds requests of ours."""
        self.requests, self.incomplete = self.requests + one.requests, self.incomplete + one.incomplete
        self.list_cost, self.spend = self.list_cost + one.list_cost, self.spend + one.spend
        for name, cost in zip((*TOKEN_KINDS, OTHER), one.costs, strict=True):
            if cost:
                self.kind(name).ours += cost
        for name, count, unpriced in zip(TOKEN_KINDS, one.tokens, one.unpriced, strict=True):
            if count or unpriced:
                kind = self.kind(name)
                kind.tokens, kind.unpriced = kind.tokens + count, kind.unpriced + unpriced

    def settle(self) -> None:
        """Makes the costs of the kinds add up to the spend; one kind of all where a side does not tell them apart."""
        self.kinds = dict(sorted(self.kinds.items()))
        for kind in self.kinds.values():
            kind.parts.sort(key=str)
        untold = self.spend - sum((kind.ours for kind in self.kinds.values()), ZERO)
        if untold and self.list_cost:
            share = self.spend / self.list_cost
            costs = {name: (kind.ours * share).quantize(NANO) for name, kind in self.kinds.items() if kind.ours}
            for name, cost in costs.items():
                self.kinds[name].ours = cost
            rest = self.spend - sum(costs.values(), ZERO)
            if costs and abs(rest) <= NANO * len(costs):
                self.kinds[max(costs, key=lambda name: costs[name])].ours += rest
            elif rest:
                self._merge(rest)
        elif untold:
            self._merge(untold)
        if WHOLE in self.kinds and len(self.kinds) > 1:
            self._merge(ZERO)

    def _merge(self, more: Decimal) -> None:
        whole = Kind(quantity=None, ours=more)
        for kind in self.kinds.values():
            whole.theirs, whole.lines, whole.ours = whole.theirs + kind.theirs, whole.lines + kind.lines, whole.ours + kind.ours
            whole.tokens, whole.unpriced = whole.tokens + kind.tokens, whole.unpriced + kind.unpriced
        self.kinds = {WHOLE: whole}


def pairs_of(theirs: Iterable[Theirs], ours: Iterable[Ours], names: Names) -> list[Pair]:
    """The cells of a bill's usage and of requests. Lines of a model whose days overlap share one.

    What is billed by the piece without a model is matched to the pieces of all models of its provider; where no line of a provider
    names a model, its requests are matched as one.
    """
    theirs = [line._replace(provider=name[0], model=name[1]) for line in theirs for name in [names(line.provider, line.model)]]
    naming_models = {one.provider for one in theirs if one.model is not None}
    pieces = {one.provider for one in theirs if one.kind == OTHER and one.model is None and one.provider in naming_models}
    pieces -= {one.provider for one in theirs if one.kind == OTHER and one.model is not None}
    spans = _spans(theirs)
    pairs: dict[tuple[str, str | None, str | None, date], Pair] = {}

    def pair(provider: str, model: str | None, scope: str | None, days: Span) -> Pair:
        first, last = _within(spans, (provider, model), days)
        return pairs.setdefault((provider, model, scope, first), Pair(provider, model, scope, first, last))

    for line in theirs:
        one = pair(line.provider, line.model, line.scope, (line.first, line.last))
        one.kind(line.kind).add(line.amount, line.quantity, line.lines)
    for logged in ours:
        provider, model = names(logged.provider, logged.model)
        if provider not in naming_models:
            model = None
        if provider in pieces and logged.costs[-1]:
            piece, logged = _apart(logged)  # noqa: PLW2901 - the rest of it
            pair(provider, None, logged.scope, (logged.day, logged.day)).add_ours(piece)
        pair(provider, model, logged.scope, (logged.day, logged.day)).add_ours(logged)
    for one in pairs.values():
        one.settle()
    return sorted(pairs.values(), key=lambda one: (one.provider, one.model or "", one.scope or "", one.first))


def _apart(one: Ours) -> tuple[Ours, Ours]:
    """What is billed by the piece of some requests, and what is left of them."""
    *of_tokens, by_piece = one.costs
    nothing = (0,) * len(TOKEN_KINDS)
    costs = (*(ZERO for _ in of_tokens), by_piece)
    piece = one._replace(incomplete=0, spend=by_piece, list_cost=by_piece, costs=costs, tokens=nothing, unpriced=nothing)
    return piece, one._replace(spend=one.spend - by_piece, list_cost=one.list_cost - by_piece, costs=(*of_tokens, ZERO))


def _spans(theirs: Iterable[Theirs]) -> Mapping[Model, list[Span]]:
    """The days that lines of each model are about, without overlaps, in order. Of a provider, under no model, those of all."""
    days: dict[Model, set[Span]] = defaultdict(set)
    for line in theirs:
        days[line.provider, line.model].add((line.first, line.last))
        days[line.provider, ""].add((line.first, line.last))
    return {model: _without_overlaps(spans) for model, spans in days.items()}


def _without_overlaps(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _within(spans: Mapping[Model, list[Span]], model: Model, days: Span) -> Span:
    """The span of the bill in which days lie; their own where it has none. What the bill does not name goes by its provider's."""
    of_model = spans.get(model) or spans.get((model[0], ""), [])
    place = bisect_right(of_model, (days[0], date.max)) - 1
    return of_model[place] if place >= 0 and of_model[place][1] >= days[1] else days
