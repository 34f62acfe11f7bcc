"""Bills beside requests: by provider, UTC day and model what each side says, and what explains the difference. A pure function.

Lines of longer spans than a day are matched over all of them. Lines of keys (or projects) that our requests name as well are
matched to the requests of these; all others to what is left of the provider's requests, unless the bill is of one key alone. Taxes
and credits stand apart. Lines in another currency are compared where there is a rate, and counted as not compared elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.bills.effects import effects_of
from usagecost.bills.rates import Rates
from usagecost.bills.result import (
    CREDIT,
    NOT_LOGGED,
    NOT_YET,
    ONLY_OURS,
    REST,
    TAX,
    ZERO,
    Cell,
    Effect,
    OneScope,
    Reconciliation,
    UnknownKey,
    Unmatched,
    month_of,
)
from usagecost.bills.sides import NANO, OTHER, TOKEN_KINDS, WHOLE, Model, Names, Ours, Pair, Theirs, pairs_of
from usagecost.periods import local_midnight

Factors = Callable[[str, str, date], Mapping[Decimal, str]]
"""Provider, model and day -> known multiples of its rates, with their names."""

Rate = Callable[[str, date], Decimal | None]
"""Currency and day -> USD for one of it; None where that is not known."""

NARROWING = ("account", "project", "key")
"""What a bill may be of, each within the one before."""

USD = "USD"
MOST_PLACES = 9

_TOLD = ("provider", "first_day", "last_day", "kind", "currency", "model", "sku", "meter")
"""What tells lines apart, beside the key or project by which they are matched."""


def no_factors(provider: str, model: str, day: date) -> Mapping[Decimal, str]:  # noqa: ARG001 - nothing is known of any
    """No multiples of a model's rates."""
    return {}


def no_rate(currency: str, day: date) -> Decimal | None:  # noqa: ARG001 - nothing is known of any
    """No rate of a currency."""
    return None


def reconcile(
    lines: pa.Table,
    ours: Iterable[Ours],
    *,
    names: Names = lambda provider, model: (provider, model),
    factors: Factors = no_factors,
    rate: Rate = no_rate,
    scopes: Mapping[str, str] | None = None,
) -> Reconciliation:
    """Compares the lines of bills that count, as schema.BILLS has them, with our requests by day.

    ``scopes``: provider -> key or project, by which lines are matched to requests that say the same in their own scope. ``ours``
    may have more providers and days than the bills: those without a statement in a month are left out of it.
    """
    ours = list(ours)
    scopes = scopes or {}
    rows, unmatched = _in_usd(lines, rate, [*_TOLD, *sorted({*scopes.values()})])
    coverage = Coverage.of(lines, names)
    known_scopes = _known_scopes(ours, names)
    usage, apart = _split(rows, scopes, known_scopes, names)
    compared = _asked(ours, _billed_scopes(usage, names), coverage, names)
    quantum = {names(name, None)[0]: place for name, place in _quanta(lines).items()}
    pairs = pairs_of(usage, compared, names)
    rates = Rates(pairs, quantum)
    about = _About(pairs)
    cells = [_cell(pair, _effects(pair, quantum, factors, rates, coverage, about)) for pair in pairs]
    return Reconciliation(
        cells=(*(cell for cell in cells if cell.theirs or cell.ours or cell.incomplete), *apart),
        unmatched=unmatched,
        names=_our_names(compared, names, {pair.model for pair in pairs}),
        scopes=scopes,
        unknown_keys=_unknown_keys(rows, scopes, known_scopes, names),
        of_one=tuple(_of_one(lines, scopes, names)),
    )


class Coverage:
    """Which days statements cover, by provider, and when they were made."""

    def __init__(self, days: Mapping[str, Mapping[date, datetime]]) -> None:
        self._made = days
        self._months = {(provider, day.replace(day=1)) for provider, made_at in days.items() for day in made_at}

    @classmethod
    def of(cls, lines: pa.Table, names: Names) -> Coverage:
        """The days that the statements of lines cover: of a provider without usage none."""
        lines = lines.filter(pc.equal(lines["kind"], "usage"))
        statements = lines.group_by(["provider", "covers_first", "covers_last"]).aggregate([("as_of", "max")])
        days: dict[str, dict[date, datetime]] = defaultdict(dict)
        for row in statements.to_pylist():
            made_at = days[names(row["provider"], None)[0]]
            for shift in range((row["covers_last"] - row["covers_first"]).days + 1):
                day = row["covers_first"] + timedelta(days=shift)
                made_at[day] = max(made_at.get(day, row["as_of_max"]), row["as_of_max"])
        return cls(days)

    def has_month(self, provider: str, day: date) -> bool:
        """Whether a statement covers a day of a day's month."""
        return (provider, day.replace(day=1)) in self._months

    def is_open(self, provider: str, day: date) -> bool:
        """Whether a day was not over yet when its newest statement was made, or none covers it."""
        made_at = self._made.get(provider, {}).get(day)
        return made_at is None or made_at < local_midnight(day + timedelta(days=1), "UTC")


class _About:
    """What our logs have at all, to say of what the bill alone has whether it is a day, a model or a key."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        logged = [pair for pair in pairs if pair.requests]
        self._days = {(pair.provider, pair.first) for pair in logged}
        self._models = {(pair.provider, pair.model) for pair in logged}

    def of(self, pair: Pair) -> str:
        """What of a cell without requests is not logged."""
        if (pair.provider, pair.first) not in self._days:
            return "day"
        return "key" if (pair.provider, pair.model) in self._models else "model"


def _effects(
    pair: Pair, quantum: Mapping[str, Decimal], factors: Factors, rates: Rates, coverage: Coverage, about: _About
) -> list[Effect]:
    """What explains the difference of a cell."""
    if not pair.requests:
        return [Effect(NOT_LOGGED, about.of(pair), pair.theirs)]
    is_open = coverage.is_open(pair.provider, pair.last)
    if not pair.lines:
        return [Effect(NOT_YET, "", -pair.spend) if is_open else Effect(REST, ONLY_OURS, -pair.spend)]

    def factor_names() -> Mapping[Decimal, str]:
        return factors(pair.provider, pair.model, pair.first) if pair.model else {}

    return effects_of(pair, quantum[pair.provider], factor_names, lambda kind: rates.of(pair, kind), is_open=is_open)


def _cell(pair: Pair, effects: Iterable[Effect]) -> Cell:
    parts = tuple(sorted((effect for effect in effects if effect.amount), key=lambda one: (-abs(one.amount), one.cause, one.of)))
    return Cell(
        pair.provider, pair.model, pair.scope, pair.first, pair.last, pair.theirs, pair.spend, pair.requests, pair.incomplete, parts
    )


def _in_usd(lines: pa.Table, rate: Rate, columns: list[str]) -> tuple[list[dict[str, Any]], tuple[Unmatched, ...]]:
    """The lines in USD, those that tell the same in one row, and those that are compared with nothing."""
    wide = lines.select(columns).append_column("amount", lines["amount"].cast(pa.decimal128(38, 9)))
    tokens = pc.if_else(pc.equal(lines["unit"], "tokens"), lines["quantity"], None)
    wide = wide.append_column("quantity", tokens)
    wide = wide.append_column("untold", pc.is_null(tokens).cast(pa.int64()))
    grouped = wide.group_by(columns).aggregate([("amount", "sum"), ("quantity", "sum"), ("untold", "sum"), ("amount", "count")])
    lines_usd, left_out = [], defaultdict(lambda: (0, ZERO))
    for row in grouped.to_pylist():
        factor = Decimal(1) if row["currency"] == USD else rate(row["currency"], row["first_day"])
        if factor is None:
            about = row["provider"], row["currency"], month_of(row["first_day"])
            count, amount = left_out[about]
            left_out[about] = count + row["amount_count"], amount + row["amount_sum"]
        else:
            usd = row["amount_sum"] if factor == 1 else (row["amount_sum"] * factor).quantize(NANO)
            lines_usd.append({**row, "usd": usd, "quantity": None if row["untold_sum"] else row["quantity_sum"]})
    return lines_usd, tuple(Unmatched(*key, *sums) for key, sums in sorted(left_out.items()))


def _split(
    rows: Sequence[dict[str, Any]], scopes: Mapping[str, str], known_scopes: Mapping[str, set[str]], names: Names
) -> tuple[list[Theirs], list[Cell]]:
    """The usage, and a cell for what stands apart."""
    naming_models = {row["provider"] for row in rows if row["kind"] == "usage" and row["model"] is not None}
    usage: list[Theirs] = []
    apart: dict[tuple[str, date, date, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        provider, meter = names(row["provider"], None)[0], row["meter"]
        if row["kind"] != "usage":
            apart[provider, row["first_day"], row["last_day"], TAX if row["kind"] == "tax" else CREDIT, row["kind"]] += row["usd"]
            continue
        scope = row[scopes[provider]] if provider in scopes else None
        scope = scope if scope in known_scopes.get(provider, ()) else None
        kind = WHOLE if meter is None else meter if meter in TOKEN_KINDS else OTHER
        days = row["first_day"], row["last_day"]
        model = row["model"] or (_sold(row["sku"]) if row["provider"] in naming_models and kind in TOKEN_KINDS else None)
        usage.append(Theirs(provider, model, scope, *days, kind, row["usd"], row["quantity"], row["amount_count"]))
    cells = [
        Cell(provider, None, None, first, last, amount, ZERO, 0, 0, (Effect(cause, kind, amount),))
        for (provider, first, last, cause, kind), amount in sorted(apart.items())
        if amount
    ]
    return usage, cells


def _sold(sku: str | None) -> str | None:
    """The model that a bill names and nobody knows, out of what it sells: "ft:gpt-x:acme, input"."""
    return sku.partition(", ")[0] if sku else None


def _known_scopes(ours: Iterable[Ours], names: Names) -> dict[str, set[str]]:
    """The keys or projects that our requests name, by the bill's providers."""
    scopes: dict[str, set[str]] = defaultdict(set)
    for one in ours:
        if one.scope is not None:
            scopes[names(one.provider, None)[0]].add(one.scope)
    return scopes


def _unknown_keys(
    rows: Iterable[Mapping[str, Any]], scopes: Mapping[str, str], known_scopes: Mapping[str, set[str]], names: Names
) -> tuple[UnknownKey, ...]:
    """What the bill has of keys or projects that our requests do not name, the dearest first."""
    amounts: dict[tuple[str, date, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        provider = names(row["provider"], None)[0]
        key = row[scopes[provider]] if provider in scopes else None
        if row["kind"] == "usage" and key is not None and key not in known_scopes.get(provider, ()):
            amounts[provider, month_of(row["first_day"]), key] += row["usd"]
    return tuple(UnknownKey(*about, amount) for about, amount in sorted(amounts.items(), key=lambda item: (-item[1], item[0])))


def _of_one(lines: pa.Table, scopes: Mapping[str, str], names: Names) -> Iterator[OneScope]:
    """The bills of one account, project or key alone that are not matched by it."""
    usage = lines.filter(pc.equal(lines["kind"], "usage"))
    months = usage.append_column("month", pc.floor_temporal(usage["first_day"], unit="month"))
    rows = months.group_by(["provider", "month"]).aggregate([(name, "distinct") for name in NARROWING])
    for row in rows.sort_by([("month", "ascending"), ("provider", "ascending")]).to_pylist():
        provider = names(row["provider"], None)[0]
        single = {name: row[f"{name}_distinct"][0] for name in NARROWING if len(row[f"{name}_distinct"]) == 1}
        what = next((name for name in reversed(NARROWING) if single.get(name)), None)
        if what and provider not in scopes:
            yield OneScope(provider, row["month"], what, single[what])


def _billed_scopes(usage: Iterable[Theirs], names: Names) -> dict[str, set[str | None]]:
    """The keys or projects of the usage that each provider bills, as far as our requests name them; None where it bills others."""
    scopes: dict[str, set[str | None]] = defaultdict(set)
    for line in usage:
        scopes[names(line.provider, line.model)[0]].add(line.scope)
    return scopes


def _asked(ours: Iterable[Ours], billed: Mapping[str, set[str | None]], coverage: Coverage, names: Names) -> list[Ours]:
    """The requests that bills are about. Those of other keys count together, or not where the bill is of one key alone."""
    rows = []
    for one in ours:
        provider = names(one.provider, one.model)[0]
        scopes = billed.get(provider)
        if scopes is None or not coverage.has_month(provider, one.day):
            continue
        if one.scope in scopes:
            rows.append(one)
        elif None in scopes or len(scopes) > 1:
            rows.append(one._replace(scope=None))
    return rows


def _quanta(lines: pa.Table) -> dict[str, Decimal]:
    """The last place of the amounts of each provider's usage: that of a cent at least."""
    usage = lines.filter(pc.equal(lines["kind"], "usage"))
    quanta = {}
    for provider in pc.unique(usage["provider"]).to_pylist():
        amounts = usage.filter(pc.equal(usage["provider"], provider))["amount"]
        places = range(2, MOST_PLACES)
        quanta[provider] = Decimal(1).scaleb(
            -next((place for place in places if pc.all(pc.equal(pc.round(amounts, place), amounts)).as_py()), MOST_PLACES)
        )
    return quanta


def _our_names(ours: Iterable[Ours], names: Names, models: set[str | None]) -> dict[Model, tuple[Model, ...]]:
    """What our logs call each provider and model of a cell; under no model all of a provider's."""
    names_of: dict[Model, set[Model]] = defaultdict(set)
    for one in ours:
        provider, model = names(one.provider, one.model)
        names_of[provider, model].add((one.provider, one.model))
        names_of[provider, None].add((one.provider, one.model))
    return {key: tuple(sorted(models_of, key=str)) for key, models_of in names_of.items() if key[1] in models or key[1] is None}
