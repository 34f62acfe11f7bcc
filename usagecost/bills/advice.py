"""What ends a difference: a discount that the bill gives and our prices lack, an alias that neither side knows, logs of a key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from usagecost.bills.result import NOT_LOGGED, ONLY_OURS, PRICE, REST, ROUNDING, ZERO, Cell, Reconciliation
from usagecost.pricing import Book, resolve

ALIKE = Decimal("0.001")
"""By how much what is paid of our prices may differ between days and still be one discount."""
NEAR = 2
"""How many times as much one name may cost as the other and still be the same model."""


@dataclass(frozen=True)
class Discount:
    """The bill is below our prices of a model, by the same since a day: what is to be taken off list prices from that day on.

    Without a model it is so of all models of the provider.
    """

    provider: str
    model: str | None
    first: date
    percent: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Alias:
    """A model that only one side has, and that may be what the other side calls otherwise. ``stands_for``: provider/model."""

    provider: str
    model: str
    stands_for: str
    amount: Decimal


@dataclass(frozen=True)
class Unlogged:
    """Usage that nobody logs: of a key, where it is known which, else of days or models that only the bill has."""

    provider: str
    what: str
    amount: Decimal


Advice = Discount | Alias | Unlogged


def advice_for(reconciliation: Reconciliation, month: date, book: Book) -> list[Advice]:
    """What would end differences of a month, that with the most in it first."""
    cells = reconciliation.of_month(month)
    advice = [*_discounts(cells, book), *_aliases(cells), *_unlogged(reconciliation, month)]
    return sorted(advice, key=lambda one: -abs(one.amount))


def _discounts(cells: Iterable[Cell], book: Book) -> list[Discount]:
    """The models of which the same share of our price is paid since a day, on two days at least, and all that both sides have; or
    the providers of which all models are.
    """
    both: dict[str, dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        if cell.model is not None and cell.theirs > 0 and cell.ours > 0 and not cell.incomplete:
            both[cell.provider][cell.model].append(cell)
    advice: list[Discount] = []
    for provider, of_models in both.items():
        whole = _discount(provider, of_models, book) if len(of_models) > 1 else None
        each = (_discount(provider, {model: priced_cells}, book) for model, priced_cells in of_models.items())
        advice += [whole] if whole else filter(None, each)
    return advice


def _discount(provider: str, of_models: Mapping[str, Sequence[Cell]], book: Book) -> Discount | None:
    """The discount that all cells of some models of a provider have since the first that has one; of several models no model."""
    all_cells = [cell for cells in of_models.values() for cell in cells]
    below = [cell for cell in all_cells if cell.amount_of(PRICE) < 0]
    first, last = min((cell.first for cell in below), default=None), max((cell.last for cell in below), default=None)
    if first is None or first == last:
        return None
    less = sum((cell.amount_of(PRICE) for cell in below), ZERO)
    share = 1 + less / sum((cell.ours for cell in below), ZERO)
    ours = {_discount_of(book, provider, model, first) for model in of_models}
    if len(ours) > 1 or not all(_is_paid(share, cell) for cell in all_cells if cell.last >= first):
        return None
    percent = round((1 - (1 - ours.pop()) * share) * 100, 2)
    return Discount(provider, next(iter(of_models)) if len(of_models) == 1 else None, first, percent, less)


def _is_paid(share: Decimal, cell: Cell) -> bool:
    """Whether a share of our price is paid in a cell, as far as rounded amounts tell."""
    missed = abs(cell.amount_of(PRICE) - cell.ours * (share - 1))
    return missed <= ALIKE * cell.ours + abs(cell.amount_of(ROUNDING))


def _discount_of(book: Book, provider: str, model: str, day: date) -> Decimal:
    """The discount that the own book has already, as a fraction."""
    match = resolve(provider, model)
    fitting = [one for one in book.discounts if one.fits(provider, model, match) and one.holds_on(day)]
    return fitting[-1].fraction if fitting and not fitting[-1].ended else ZERO


def _aliases(cells: Iterable[Cell]) -> list[Alias]:
    """Models that only the bill has, each with the one that our logs alone have at about the same cost; one of them is listed."""
    theirs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    ours: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for cell in cells:
        causes = {(effect.cause, effect.of) for effect in cell.effects}
        if cell.model is not None and (NOT_LOGGED, "model") in causes:
            theirs[cell.provider, cell.model] += cell.theirs
        elif cell.model is not None and not cell.theirs and ((REST, ONLY_OURS) in causes or cell.incomplete):
            ours[cell.provider, cell.model] += cell.ours
    advice = []
    for (provider, billed), amount in theirs.items():
        same = [(model, cost) for (other, model), cost in ours.items() if other == provider]
        near = [one for one in same if not one[1] or amount / NEAR <= one[1] <= amount * NEAR]
        if not near:
            continue
        logged = min(near, key=lambda one: (not one[1], abs(one[1] - amount), one[0]))[0]
        listed = {name: resolve(provider, name) for name in (billed, logged)}
        if (match := listed[billed]) and not listed[logged]:
            advice.append(Alias(provider, logged, f"{match.provider.id}/{match.model.id}", amount))
        elif (match := listed[logged]) and not listed[billed]:
            advice.append(Alias(provider, billed, f"{match.provider.id}/{match.model.id}", amount))
    return advice


def _unlogged(reconciliation: Reconciliation, month: date) -> list[Unlogged]:
    """The keys that nobody logs; of providers that are not matched by keys, all that is not in our logs."""
    keys = [
        Unlogged(one.provider, f"{reconciliation.scopes[one.provider]} {one.key}", one.amount)
        for one in reconciliation.unknown_keys
        if one.month == month
    ]
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for cell in reconciliation.of_month(month):
        if cell.provider not in reconciliation.scopes:
            amounts[cell.provider] += cell.amount_of(NOT_LOGGED)
    return keys + [Unlogged(provider, "", amount) for provider, amount in amounts.items() if amount]
