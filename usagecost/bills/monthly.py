"""The statement of a closed month: what each team, key and app owes for it, and for what has changed of earlier months.

A request's cost has nine decimals, and a close adds these up exactly: no request is rounded to cents, which would take all of a
small one or double it. What is rounded, once, is the month's total; teams, shared costs and lines get whole cents that add up to it
(`rounding.apportion`), so that each is off by less than a cent or two. A correction is the difference of two such totals, so that
a month and all corrections of it are the rounded total of what is known of it at last. Keys and apps are rounded to the same total
by themselves. Another currency is made of the dollars' cents, at one rate: dollars stay the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from usagecost.bills.chargeback import Rule, allocated, parse_chargeback
from usagecost.bills.closes import CORRECTION, PRICE, RECONCILED, USAGE, Close, Closes
from usagecost.bills.corrections import DIMENSIONS, KEYS, MEASURES, Group, Row, UsageSums, added, order
from usagecost.bills.currencies import USD, ExchangeRate
from usagecost.bills.owed import ZERO, Amount, Bearer, Line, Owed, Part, Pool, sum_of
from usagecost.bills.rounding import Key, apportion, rounded, unit_of
from usagecost.vocabulary.filters import NOT_REPORTED

BILLED, LOGGED = "Billed", "In our logs"
"""What is reconciled, before what explains the difference."""


@dataclass(frozen=True)
class MonthStatement:
    """A close in whole cents. ``rate`` is that of its currency; None where that is USD."""

    close: Close
    rate: ExchangeRate | None
    rules: tuple[Rule, ...]
    lines: tuple[Line, ...]

    @property
    def currency(self) -> str:
        """The currency that stands beside USD."""
        return self.rate.currency if self.rate else USD

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies in which it tells amounts."""
        return (USD, self.rate.currency) if self.rate else (USD,)

    def name(self, dimension: str, value: str | None) -> str | None:
        """What a value of a dimension was called when the month was closed."""
        return None if value is None else self.close.made_with["names"].get(dimension, {}).get(value, value)

    def called(self, dimension: str, value: str | None) -> str:
        """The same in words: "not reported" where there is no value."""
        return self.name(dimension, value) or NOT_REPORTED

    @cached_property
    def usage(self) -> tuple[Line, ...]:
        """The lines of the month."""
        return tuple(line for line in self.lines if line.cause is None)

    @cached_property
    def corrections(self) -> tuple[Line, ...]:
        """The lines of what has changed of earlier months."""
        return tuple(line for line in self.lines if line.cause is not None)

    @cached_property
    def month(self) -> Part:
        """The month as a whole."""
        return Part(None, *(sum_of(line.owed for line in lines) for lines in (self.usage, self.corrections)))

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        """The shared costs, by their rules' names."""
        teams = sorted({line.bearer.team for line in self.usage if line.bearer.team is not None})
        own = {team: sum_of(line.owed for line in self._of_bearer[Bearer(None, team)]).whole.usd for team in teams}
        pools = []
        for rule in sorted(self.rules, key=lambda rule: rule.name):
            if lines := self._of_bearer.get(Bearer(rule.name, None)):
                pool = sum_of(line.owed for line in lines)
                usd = allocated(rule, pool.whole.usd, own)
                other = allocated(rule, pool.whole.other, own, unit_of(self.currency))
                pools.append(Pool(rule, pool, {team: Owed(Amount(usd[team], other[team]), pool.sums) for team in usd}))
        return tuple(pools)

    @cached_property
    def teams(self) -> tuple[Part, ...]:
        """What each team owes, by name; they add up to the whole, but for pools that nobody bears."""
        with_usage = {bearer.team for bearer in self._of_bearer if bearer.rule is None}
        return tuple(
            self._team(team) for team in sorted(with_usage | {team for pool in self.pools for team in pool.shares}, key=_last)
        )

    def _team(self, team: str | None) -> Part:
        lines = self._of_bearer.get(Bearer(None, team), [])
        usage, corrections = (sum_of(line.owed for line in lines if (line.cause is None) is is_usage) for is_usage in (True, False))
        return Part(team, usage, corrections, sum_of(pool.shares[str(team)] for pool in self.pools if team in pool.shares))

    @cached_property
    def _of_bearer(self) -> dict[Bearer, list[Line]]:
        lines_of: dict[Bearer, list[Line]] = {}
        for line in self.lines:
            lines_of.setdefault(line.bearer, []).append(line)
        return lines_of

    def parts(self, dimension: str) -> tuple[Part, ...]:
        """What each value of a dimension was in the month, the most first; they add up to the month."""
        place, of_value = DIMENSIONS.index(dimension), dict[str | None, UsageSums]()
        for line in self.usage:
            value = line.group[place]
            of_value[value] = added(of_value[value], line.sums) if value in of_value else line.sums
        in_order = sorted(of_value, key=lambda value: (-(of_value[value]["spend_usd"] or ZERO), *_last(value)))
        amounts = _amounts(self.month.usage.whole, {value: of_value[value]["spend_usd"] or ZERO for value in in_order}, self.rate)
        return tuple(Part(value, Owed(amounts[value], of_value[value])) for value in in_order)

    @property
    def reconciled(self) -> tuple[tuple[str, str, Decimal], ...]:
        """Of each provider that has billed the month: what it billed, what our logs say, and what explains the difference, in cents
        that add up.
        """
        of_provider: dict[str, dict[str, Decimal]] = {}
        for row in sorted(self.close.of_kind(RECONCILED), key=lambda row: (row["provider"], row["cause"])):
            of_provider.setdefault(row["provider"], {})[row["cause"]] = row["spend_usd"]
        rows: list[tuple[str, str, Decimal]] = []
        for provider, amounts in of_provider.items():
            billed, logged = rounded(amounts.pop(BILLED)), rounded(amounts.pop(LOGGED))
            explained = {BILLED: billed, LOGGED: logged, **apportion(billed - logged, amounts)}
            rows += [(provider, label, amount) for label, amount in explained.items()]
        return tuple(rows)

    @property
    def prices(self) -> tuple[tuple[Row, Owed], ...]:
        """At which prices the month's requests were charged, by model: rows of schema.CLOSES; they add up to the month."""
        names = ("provider", "model", "price_status", "price_id", "discount")
        rows = sorted(self.close.of_kind(PRICE), key=lambda row: [(row[name] is None, str(row[name])) for name in names])
        amounts = _amounts(self.month.usage.whole, {place: row["spend_usd"] or ZERO for place, row in enumerate(rows)}, self.rate)
        return tuple((row, Owed(amount, row)) for row, amount in zip(rows, amounts.values(), strict=True))


def month_statement(closes: Closes, close: Close, rate: ExchangeRate | None = None) -> MonthStatement:
    """Returns the statement of a close, which is one of ``closes`` or a draft, in dollars and in the currency of a rate."""
    rules = parse_chargeback(close.made_with["chargeback"])
    usage = close.of_kind(USAGE)
    lines = _lines(close.month, usage, rounded(_spend(usage)), rules, rate)
    for month in close.corrected_months:
        rows = [row for row in close.of_kind(CORRECTION) if row["of_month"] == month]
        before = _spend(closes.booked(month, before=close.month).values())
        lines += _lines(month, rows, rounded(before + _spend(rows)) - rounded(before), rules, rate)
    return MonthStatement(close, rate, rules, tuple(lines))


def _lines(month: date, rows: Iterable[Row], total: Decimal, rules: Sequence[Rule], rate: ExchangeRate | None) -> list[Line]:
    """The rows of a month as lines, in the order of their groups, in cents that add up to a total."""
    of_group = {tuple(row[name] for name in KEYS): row for row in rows}
    in_order = sorted(of_group, key=order)
    bearers = {group: _bearer(group, rules) for group in in_order}
    spend_of = {group: of_group[group]["spend_usd"] for group in in_order if of_group[group]["spend_usd"] is not None}
    of_bearer: dict[Bearer, dict[Group, Decimal]] = {}
    for group in sorted(spend_of, key=lambda group: bearers[group].place):
        of_bearer.setdefault(bearers[group], {})[group] = spend_of[group]
    whole = Amount(total, rounded(total * rate.per_usd, unit_of(rate.currency)) if rate else total)
    parts = _amounts(whole, {bearer: sum(exact.values(), ZERO) for bearer, exact in of_bearer.items()}, rate)
    amounts = {
        group: amount for bearer, exact in of_bearer.items() for group, amount in _amounts(parts[bearer], exact, rate).items()
    }
    return [
        Line(
            month,
            of_group[group]["cause"],
            group,
            {name: of_group[group][name] for name in MEASURES},
            bearers[group],
            amounts.get(group),
        )
        for group in in_order
    ]


def _amounts(whole: Amount, exact: Mapping[Key, Decimal], rate: ExchangeRate | None) -> dict[Key, Amount]:
    """Exact amounts in whole cents, and in units of another currency, that add up to a whole."""
    usd = apportion(whole.usd, exact)
    if rate is None:
        return {key: Amount(amount, amount) for key, amount in usd.items()}
    other = apportion(whole.other, {key: amount * rate.per_usd for key, amount in usd.items()}, unit_of(rate.currency))
    return {key: Amount(usd[key], other[key]) for key in usd}


def _bearer(group: Group, rules: Sequence[Rule]) -> Bearer:
    """Who bears a group's costs: the first rule by which they are shared, else their own team."""
    return next((Bearer(rule.name, None) for rule in rules if rule.fits(group)), Bearer(None, group[0]))


def _spend(sums: Iterable[UsageSums]) -> Decimal:
    return sum((one["spend_usd"] or ZERO for one in sums), ZERO)


def _last(value: str | None) -> tuple[bool, str]:
    """What values are sorted by: "not reported" at the end."""
    return value is None, value or ""
