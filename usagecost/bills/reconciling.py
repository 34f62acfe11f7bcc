"""The bills of a lake beside its requests: what the pure function of `matching` needs to know, asked and looked up."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.bills.asking import SCOPES, our_days, shared_scopes
from usagecost.bills.coverage import current
from usagecost.bills.currencies import CurrencyProblem, rates_on
from usagecost.bills.matching import USD, Factors, Rate, no_rate, reconcile
from usagecost.bills.result import Reconciliation, month_after, month_of
from usagecost.bills.sides import Model, Names
from usagecost.lake import Lake
from usagecost.periods import Period, instant_us
from usagecost.pricebook import current_book
from usagecost.pricing import NO_BOOK, Book, PriceQuery, is_same_provider, rates_at, resolve
from usagecost.vocabulary.filters import View

WAYS = {
    "batch": {"is_batch": True},
    "flex tier": {"service_tier": "flex"},
    "priority tier": {"service_tier": "priority"},
    "fast mode": {"speed": "fast"},
    "US region": {"inference_region": "us"},
}
"""What a way of asking that changes prices is called -> how a log says it."""
DECIDING = ("input_tokens", "output_tokens")


def reconciliation(view: View, lines: pa.Table, book: Book, rate: Rate = no_rate) -> Reconciliation:
    """Compares lines of bills that count with the requests of their months, by the view's basis of cost and the book's aliases."""
    if not lines.num_rows:
        return Reconciliation()
    first = pc.min(lines["covers_first"]).as_py().replace(day=1)
    last = _end_of_month(pc.max(lines["covers_last"]).as_py())
    names = names_of(pc.unique(lines["provider"]).to_pylist(), book)
    billed = {name: _by_provider(lines, name) for name in SCOPES}
    by_scope = shared_scopes(view, first, last, billed, names)
    scope_of = {provider: (name, billed[name][provider]) for provider, name in by_scope.items()}
    ours, unnamed = our_days(view, first, last, scope_of, names)
    result = reconcile(lines, ours, names=names, factors=factors_of(book), rate=rate, scopes=by_scope)
    return replace(result, unnamed=unnamed)


def reconcile_lake(lake: Lake, version: int, basis: str) -> tuple[Reconciliation, tuple[str, ...]]:
    """Compares all bills of a lake that count with its requests; and what a person has to know of them."""
    now, counting = datetime.now(UTC), current(lake.rows("bills"))
    rate, problems = _rates_of(lake, counting.lines, now.date())
    view = View(lake.name, version, Period(now.date(), now.date(), "UTC", now, is_alone=True), "day", basis)
    return reconciliation(view, counting.lines, current_book(lake).book, rate), (*counting.sentences, *problems)


def _rates_of(lake: Lake, lines: pa.Table, today: date) -> tuple[Rate, tuple[str, ...]]:
    """The rates for lines in other currencies, each that of its month's end, or of today; and what is wrong with their files."""
    others = lines.filter(pc.not_equal(lines["currency"], USD))
    months = {month_of(day) for day in pc.unique(others["first_day"]).to_pylist()}
    try:
        rates_of_month = {month: rates_on(lake, min(_end_of_month(month), today)) for month in months}
    except CurrencyProblem as problem:
        return no_rate, (str(problem),)

    def rate(currency: str, day: date) -> Decimal | None:
        found = rates_of_month[month_of(day)].get(currency)
        return 1 / found.per_usd if found else None

    return rate, ()


def names_of(billed: list[str], book: Book) -> Names:
    """Returns by which provider and model both sides call what a log or a bill names.

    Providers are called as bills call them. Models are those of the price list, where it knows them or the book says which of them
    is meant, else as they are written.
    """

    @cache
    def name(provider: str, model: str | None) -> Model:
        vendor = next((one for one in billed if is_same_provider(one, provider)), provider)
        if model is None:
            return vendor, None
        match = resolve(provider, model)
        alias = next((one for one in reversed(book.aliases) if one.fits(provider, model, match)), None)
        listed = alias.match if alias and not alias.ended else match
        return vendor, listed.model.id if listed else model.strip().lower()

    return name


def factors_of(book: Book) -> Factors:
    """Returns the known multiples of a model's rates on a day, by batch, tiers, fast mode and region.

    Input and output have to have the same; rates of the cache may stay as they are.
    """

    @cache
    def at(provider: str, model: str, day: date) -> dict[Decimal, str]:
        instant = instant_us(datetime.combine(day, time(12), UTC))
        ordinary = rates_at(PriceQuery(provider, model), NO_BOOK, instant)
        ways_of: dict[Decimal, list[str]] = defaultdict(list)
        for name, way in WAYS.items():
            rates = rates_at(replace(PriceQuery(provider, model), **way), book, instant)
            ratios = {rates[kind] / rate for kind, rate in ordinary.items() if kind in DECIDING and rate and kind in rates}
            if len(ratios) == 1 and (ratio := ratios.pop()) > 0:
                ways_of[ratio].append(name)
        ways = {ratio: " or ".join(names) for ratio, names in ways_of.items() if ratio != 1}
        return {1 / ratio: f"not {names}" for ratio, names in ways.items()} | ways

    @cache
    def of_day(provider: str, model: str, day: date) -> dict[Decimal, str]:
        first, last = (at(provider, model, edge) for edge in (day.replace(day=1), _end_of_month(day)))
        return first if first == last else at(provider, model, day)

    return of_day


def _by_provider(lines: pa.Table, column: str) -> dict[str, set[str]]:
    """The values of a column by provider."""
    values: dict[str, set[str]] = defaultdict(set)
    for row in lines.group_by(["provider", column]).aggregate([]).to_pylist():
        if row[column] is not None:
            values[row["provider"]].add(row[column])
    return values


def _end_of_month(day: date) -> date:
    return month_after(day) - timedelta(days=1)
