"""Closing a month: its sums are kept for good, with what has changed of earlier months; and reopening it.

All rows of a close are one commit, so a month is closed or it is not. A close reads one version of the lake.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from usagecost.bills.chargeback import chargeback_text
from usagecost.bills.closes import CLOSED, CORRECTION, PRICE, RATE, RECONCILED, REOPENED, USAGE, Close, Closes, as_rows, read_closes
from usagecost.bills.corrections import DIMENSIONS, KEYS, MEASURES, Group, Row, UsageSums, cause, differences, groups_of
from usagecost.bills.currencies import NAME, USD, CurrencyProblem, ExchangeRate, rates_on
from usagecost.bills.monthly import BILLED, LOGGED
from usagecost.bills.reconciling import reconcile_lake
from usagecost.bills.result import CAUSES, Reconciliation, month_after
from usagecost.bills.words import compared_with_all, not_compared
from usagecost.lake import Lake
from usagecost.periods import WHOLE, Period
from usagecost.pricebook import book_text, current_book
from usagecost.queries import explained, labels
from usagecost.queries.usage import totals
from usagecost.vocabulary.filters import EVERYTHING, View

BASIS = "best"
"""A request costs what its source reported, else its list price."""


class CloseProblem(Exception):  # noqa: N818 - a sentence for who closes a month
    """Why a month cannot be closed or reopened, and what can be done."""


def close_month(
    lake: Lake, month: date, zone: str, actor: str, now: datetime, ecb: Path | None = None, currency: str = USD
) -> Close:
    """Closes the month that begins on a day, unless it is closed, and returns its close. ``ecb`` is a file of the bank's rates.

    It is not closed where a ``currency`` is wanted that has no rate.
    Raises CloseProblem, ChargebackProblem, CurrencyProblem, LakeError or UnansweredError.
    """
    closes = read_closes(lake, zone)
    if close := closes.of(month):
        return close
    drafted = draft(lake, closes, month, actor, now, ecb)
    if currency != USD and currency not in drafted.rates:
        raise _no_rate(currency, month_period(month, zone, now))
    lake.keep_rows("closes", drafted.table)
    close = read_closes(lake, zone).of(month)
    if close is None:
        raise CloseProblem(f"{words(month)} was reopened by somebody else in this moment.")
    return close


def reopen_month(lake: Lake, month: date, zone: str, actor: str, why: str, now: datetime) -> None:
    """Reopens the month that was closed last; raises CloseProblem where it is another one, or where nothing says why; LakeError."""
    closes = read_closes(lake, zone)
    close = closes.of(month)
    if close is None:
        raise CloseProblem(f"{words(month)} is not closed in {zone}.")
    if not why.strip():
        raise CloseProblem("Say why it is reopened: it is kept with it.")
    last = closes.in_force[-1]
    if last is not close:
        raise CloseProblem(f"{words(last.month)} was closed after {words(month)} and corrects it: reopen {last.month:%Y-%m} first.")
    about = {"month": month, "zone": zone, "close": close.id, "happened_at": now}
    lake.keep_rows(
        "closes", as_rows([{**about, "entry": f"{close.id} {REOPENED}", "kind": REOPENED, "who": actor, "why": why.strip()}])
    )


def kept_rate(lake: Lake, close: Close, currency: str, now: datetime, ecb: Path | None = None) -> ExchangeRate | None:
    """Returns the rate of a currency at the month's end, None of USD. One that the close has not kept yet is kept from now on, so
    that the statement stays the same.

    Raises CurrencyProblem where there is none, and LakeError.
    """
    if currency == USD or currency in close.rates:
        return close.rates.get(currency)
    period = month_period(close.month, close.act["zone"], now)
    rate = rates_on(lake, period.last, ecb).get(currency)
    if rate is None:
        raise _no_rate(currency, period)
    about = {name: close.act[name] for name in ("close", "month", "zone")} | {"happened_at": now}
    lake.keep_rows("closes", as_rows([{**about, "entry": f"{close.id} {currency}", **_rate_row(rate)}]))
    stored = read_closes(lake, close.act["zone"]).of(close.month)
    return stored.rates.get(currency) if stored else rate  # somebody else may have kept one first


def _no_rate(currency: str, period: Period) -> CurrencyProblem:
    return CurrencyProblem(
        f"There is no rate of {currency} for {period.last}: write one into {NAME} beside the lake, or name a newer file of the "
        "European Central Bank's rates."
    )


def obstacle(closes: Closes, month: date, now: datetime) -> str | None:
    """Returns why a month that is open cannot be closed, in a sentence; None where it can."""
    if month_period(month, closes.zone, now).end > now:
        return f"{words(month)} is not over in {closes.zone}: it can be closed from {month_after(month)} on."
    if not closes.in_force or month == month_after(closes.in_force[-1].month):
        return None
    first, last = closes.in_force[0].month, closes.in_force[-1].month
    if month < first:
        return f"Months are closed in order, and the first that was closed in {closes.zone} is {words(first)}."
    return f"Months are closed in order: close {month_after(last):%Y-%m} first."


def draft(lake: Lake, closes: Closes, month: date, actor: str, now: datetime, ecb: Path | None = None) -> Close:
    """Returns what a close of a month would keep now, and keeps nothing. Raises as `close_month` does."""
    if problem := obstacle(closes, month, now):
        raise CloseProblem(problem)
    number = 1 + sum(row["kind"] == REOPENED for row in closes.of_month(month))
    name = f"{month:%Y-%m} {closes.zone} {number}"
    about = {"entry": name, "close": name, "month": month, "zone": closes.zone, "happened_at": now}
    version = lake.version()
    view = View(lake.name, version, month_period(month, closes.zone, now), WHOLE, BASIS)
    usage = sums_of(view)
    rows: list[Row] = [{"kind": USAGE, **_keyed(group), **sums} for group, sums in usage.items()]
    rows += [row for close in closes.in_force for row in _correction_rows(lake, closes, close.month, view)]
    reconciliation, sentences = reconcile_lake(lake, version, BASIS)
    rows += [*_price_rows(view), *_reconciled_rows(reconciliation, month)]
    rows += [_rate_row(rate) for _, rate in sorted(rates_on(lake, view.period.last, ecb).items())]
    groups = [*usage, *(tuple(row[name] for name in KEYS) for row in rows if row["kind"] == CORRECTION)]
    made_with = {
        "lake": version,
        "app": app_version(),
        "prices": current_book(lake).version,
        "price_book": book_text(lake) or "",
        "chargeback": chargeback_text(lake),
        "not_reconciled": [*sentences, *not_compared(reconciliation, month), *compared_with_all(reconciliation, month)],
        "names": _names(lake, groups),
    }
    act = {"kind": CLOSED, "who": actor, "made_with": json.dumps(made_with, sort_keys=True)}
    return Close(as_rows({**about, **row} for row in (act, *rows)))


def month_period(month: date, zone: str, now: datetime) -> Period:
    """Returns the month that begins on a day as a period that is compared with nothing."""
    return Period(month, month_after(month) - timedelta(days=1), zone, now, is_alone=True)


def words(month: date) -> str:
    """Returns a month as people say it: October 2026."""
    return f"{month:%B %Y}"


@cache
def app_version() -> str:
    """Returns a short name of the app's own code: another where a line of it differs."""
    home, code = Path(__file__).parents[1], sha256()
    for file in sorted(home.rglob("*.py")):
        code.update(str(file.relative_to(home)).encode() + b"\0" + file.read_bytes())
    return code.hexdigest()[:12]


def sums_of(view: View) -> dict[Group, UsageSums]:
    """Returns what a close keeps of the requests of a view's period."""
    return groups_of(totals(view, DIMENSIONS, MEASURES).to_pylist())


def _correction_rows(lake: Lake, closes: Closes, month: date, view: View) -> list[Row]:
    """What has changed of an earlier month since the last close said what it was."""
    period = month_period(month, closes.zone, view.period.now)
    now = sums_of(View(view.lake, view.version, period, WHOLE, BASIS))
    changed = differences(now, closes.booked(month, before=view.period.first))
    if not changed:
        return []
    last = (period.end - timedelta(microseconds=1)).astimezone(UTC).date()
    repriced = lake.repriced_since(closes.in_force[-1].at, period.start.date(), last)
    provider, model = KEYS.index("provider"), KEYS.index("model")
    return [
        {
            "kind": CORRECTION,
            "of_month": month,
            "cause": cause(sums, is_repriced=(group[provider], group[model]) in repriced),
            **_keyed(group),
            **sums,
        }
        for group, sums in changed.items()
    ]


def _price_rows(view: View) -> list[Row]:
    """At which prices the month's requests were charged, by model."""
    names = ("provider", "model", *explained.PRICE)
    measures = ("requests", "priced_requests", "incomplete_requests", "spend_usd")
    rows = [{name: row[name] for name in (*names, *measures)} for row in explained.by_price(view).to_pylist()]
    return [{"kind": PRICE, **row} for row in sorted(rows, key=lambda row: [(row[name] is None, str(row[name])) for name in names])]


def _reconciled_rows(reconciliation: Reconciliation, month: date) -> list[Row]:
    """What each provider billed for the month of UTC, what our logs say, and what explains the difference."""
    return [
        {"kind": RECONCILED, "provider": provider, "cause": label, "spend_usd": amount}
        for provider, sums in reconciliation.by_month().get(month, {}).items()
        for label, amount in (
            (BILLED, sums.theirs),
            (LOGGED, sums.ours),
            *((CAUSES[cause].label, amount) for cause, amount in sums.effects.items() if amount),
        )
    ]


def _rate_row(rate: ExchangeRate) -> Row:
    return {"kind": RATE, "currency": rate.currency, "rate": rate.per_usd, "rate_day": rate.day, "rate_source": rate.source}


def _keyed(group: Group) -> Row:
    return dict(zip(KEYS, group, strict=True))


def _names(lake: Lake, groups: list[Group]) -> dict[str, dict[str, str]]:
    """What the teams and keys of groups are called, where that is not their id."""
    label_of, names = labels(lake.name, lake.version(), EVERYTHING), dict[str, Any]()
    for place, dimension in enumerate(DIMENSIONS[:2]):
        ids = {value for group in groups if (value := group[place]) is not None}
        names[dimension] = {one: name for one, name in label_of.of_all(dimension, sorted(ids)).items() if name != one}
    return names
