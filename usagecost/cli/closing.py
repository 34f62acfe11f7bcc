"""``python -m usagecost close``: closes a month, writes its statement, or reopens it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from usagecost.audit import operator
from usagecost.cli.console import WRONG_USAGE, LakeOption, ZoneOption, check_zone, fail, lake_named, out, print_facts, recording
from usagecost.lake import Lake

if TYPE_CHECKING:
    from usagecost.bills.closes import Close
    from usagecost.bills.monthly import MonthStatement


def close(
    month: Annotated[str, typer.Argument(help="The month, YYYY-MM.")],
    lake: LakeOption = None,
    zone: ZoneOption = "UTC",
    utc: Annotated[bool, typer.Option("--utc", help="The month of UTC instead.")] = False,
    folder: Annotated[Path | None, typer.Option("--out", help="Write the statement there: CSV, Parquet and HTML.")] = None,
    currency: Annotated[str, typer.Option(help="Another currency beside USD, such as EUR.")] = "USD",
    rates: Annotated[Path | None, typer.Option(help="The European Central Bank's file of rates, eurofxref-hist.zip.")] = None,
    reopen: Annotated[bool, typer.Option("--reopen", help="Reopen the month that was closed last, instead.")] = False,
    why: Annotated[str, typer.Option(help="What it is reopened for: kept with it.")] = "",
) -> None:
    """Close a month: keep its totals by team, key, app and model for good, with the prices and versions they were made with.

    What changes of it later stands in the next month's statement as a correction. Closing it again changes nothing, and writes the
    same files. Rates come from `currencies.toml`, costs are shared by `chargeback.toml`, both beside the lake.
    """
    from usagecost.bills.closing import CloseProblem, close_month, reopen_month, words

    first = _month(month)
    zone = "UTC" if utc else zone
    check_zone(zone)
    handle, now, actor = lake_named(lake), datetime.now(UTC), operator()
    try:
        if reopen:
            with recording(handle, "close", f"reopen {words(first)}, {zone}", why=why) as entry:
                reopen_month(handle, first, zone, actor, why, now)
                entry.after = "open"
            out.print(f"{words(first)} is open again.")
            return
        currency = currency.upper()
        with recording(handle, "close", f"close {words(first)}, {zone}") as entry:
            closed = close_month(handle, first, zone, actor, now, rates, currency)
            entry.after = "closed"
        statement = _statement(handle, closed, currency, rates)
        _print(statement)
        if folder:
            _write(statement, folder)
    except (CloseProblem, OSError) as problem:
        fail(str(problem))


def _month(text: str) -> date:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text) or not "1970" <= text < "9999":
        fail(f"{text} is no month: write it as 2026-10.", WRONG_USAGE)
    return date.fromisoformat(f"{text}-01")


def _statement(lake: Lake, close: Close, currency: str, rates: Path | None) -> MonthStatement:
    """The statement of a close, in a currency whose rate the close keeps from now on."""
    from usagecost.bills.closes import read_closes
    from usagecost.bills.closing import kept_rate, words
    from usagecost.bills.currencies import USD
    from usagecost.bills.monthly import month_statement

    zone = close.act["zone"]
    if currency == USD or currency in close.rates:
        rate = close.rates.get(currency)
    else:
        with recording(lake, "close", f"keep the rate of {currency} with {words(close.month)}, {zone}") as entry:
            rate = kept_rate(lake, close, currency, datetime.now(UTC), rates)
            entry.after = rate.words if rate else None
    return month_statement(read_closes(lake, zone), close, rate)


def _print(statement: MonthStatement) -> None:
    from usagecost.bills.closing import words
    from usagecost.bills.month_page import amount_texts, coverage

    month, act = statement.month, statement.close.act
    facts = {
        "Closed": f"{statement.close.at:%Y-%m-%d %H:%M} UTC by {act['who']}, months of {act['zone']}",
        "Usage": ", ".join(amount_texts(statement, month.usage)),
        "Corrections": ", ".join(amount_texts(statement, month.corrections)) if statement.corrections else "none",
        "Total": ", ".join(amount_texts(statement, month.total)),
        **({"Exchange rate": statement.rate.words} if statement.rate else {}),
    }
    print_facts(words(statement.close.month), facts)
    if missing := coverage(month.total.sums):
        out.print(missing)


def _write(statement: MonthStatement, folder: Path) -> None:
    from usagecost.bills.month_files import FORMS, file_name
    from usagecost.lake.storage import write_whole

    for kind, make in FORMS.items():
        file = folder / file_name(statement, kind)
        write_whole(file, make(statement))
        out.print(f"{file} written")
