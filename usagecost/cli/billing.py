"""``python -m usagecost bill``: loads bills, asks vendors for them, lists what is there, and compares a month with our logs."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from usagecost.cli.console import (
    DAY,
    NOTHING_READ,
    READ,
    WRONG_USAGE,
    LakeOption,
    ReportFormat,
    ReportOption,
    err,
    fail,
    lake_named,
    out,
    print_facts,
    print_json,
    print_table,
    recording,
)
from usagecost.lake import Lake
from usagecost.vocabulary.formats import UNKNOWN, counted, exact_count

if TYPE_CHECKING:
    from usagecost.bills import Loaded


def bill(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH… | fetch VENDOR", help="Bills or folders of them; or fetch openai, anthropic or openrouter."),
    ] = None,
    lake: LakeOption = None,
    account: Annotated[str | None, typer.Option(help="The organisation or account, for bills that name none.")] = None,
    start: Annotated[datetime | None, typer.Option(help="fetch: the first UTC day, YYYY-MM-DD.", formats=DAY)] = None,
    end: Annotated[datetime | None, typer.Option(help="fetch: the last UTC day, YYYY-MM-DD.", formats=DAY)] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the statements that are there.")] = False,
    removed: Annotated[str | None, typer.Option("--remove", metavar="ID", help="Take a statement out again: see --list.")] = None,
    reconcile: Annotated[bool, typer.Option("--reconcile", help="Compare a month's bills with our logs.")] = False,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="reconcile: which month; by default the newest billed.")
    ] = None,
    report: ReportOption = "text",
) -> None:
    """Load bills of providers, to compare requests with: a statement is kept once, and a newer one of a day replaces the older.

    Formats are recognised by content: costs of OpenAI and Anthropic, OpenRouter's activity, AWS CUR, Azure cost details, Google's
    billing export, FOCUS. `fetch` asks a vendor from the last known day on, with the admin key in OPENAI_ADMIN_KEY,
    ANTHROPIC_ADMIN_KEY or OPENROUTER_PROVISIONING_KEY. Exit status: 0 when something was read, 1 when nothing, 2 for wrong usage.
    """
    if sum((bool(what), listed, bool(removed), reconcile)) != 1:
        fail("Name bills to load, `fetch VENDOR`, --list, --remove ID, or --reconcile: one of them.", WRONG_USAGE)
    handle = lake_named(lake)
    if listed:
        _list(handle, report)
    elif removed:
        _remove(handle, removed)
    elif reconcile:
        _print_reconciliation(handle, month, report)
    elif what and what[0] == "fetch":
        _report(_fetched(handle, what[1:], account, start and start.date(), end and end.date()), report)
    else:
        _report(_loaded(handle, [Path(path) for path in what or ()], account), report)


def _loaded(lake: Lake, paths: list[Path], account: str | None) -> list[Loaded]:
    """What came of the statements in files and folders; says what is wrong with the others."""
    from usagecost.bills import BillProblem, load_files, statement_files

    if missing := [str(path) for path in paths if not path.exists()]:
        fail(f"There is no {', '.join(missing)}: check the path. (A vendor is asked by `bill fetch VENDOR`.)", WRONG_USAGE)
    bills = []
    for files in statement_files(paths):
        try:
            with recording(lake, "bill", f"load {files[0].name}") as entry:
                bills.append(load_files(lake, files, account=account))
                entry.after = bills[-1].words
        except BillProblem as problem:
            err.print(str(problem))
    return bills


def _fetched(lake: Lake, names: list[str], account: str | None, start: date | None, end: date | None) -> list[Loaded]:
    """What came of asking vendors."""
    from usagecost.bills import BillProblem
    from usagecost.bills.fetching import Fetching, fetch_bill
    from usagecost.bills.vendors import VENDORS

    if not names or set(names) - VENDORS.keys():
        fail(f"Name whom to ask: bill fetch {'|'.join(VENDORS)}.", WRONG_USAGE)
    bills = []
    fetching = Fetching(os.environ, on_progress=err.print)
    for name in names:
        try:
            with recording(lake, "bill", f"fetch {name}") as entry:
                fetched = fetch_bill(lake, VENDORS[name], fetching, start=start, end=end, account=account)
                entry.after = fetched.words if fetched else "nothing was billed"
        except BillProblem as problem:
            err.print(str(problem))
            continue
        if fetched:
            bills.append(fetched)
        else:
            err.print(f"{name}: nothing was billed in these days.")
    return bills


def _report(bills: list[Loaded], form: ReportFormat) -> None:
    if form == "json":
        print_json([asdict(one) | {"totals": _flat(one)} for one in bills], str)
    else:
        for one in bills:
            print_facts(f"{one.title}: {'loaded' if one.is_new else 'already there, nothing was changed'}", _facts(one))
    for sentence in dict.fromkeys(sentence for one in bills for sentence in one.sentences):
        err.print(sentence)
    raise typer.Exit(READ if bills else NOTHING_READ)


def _facts(one: Loaded) -> dict[str, str]:
    totals = {f"{kind}, {currency}": _money(amount) for (currency, kind), amount in sorted(one.totals.items())}
    others = {f"left out, {reason}": counted(count, "line") for reason, count in one.left_out.items()}
    return {
        "statement": one.statement,
        "provider": ", ".join(one.providers),
        "account": ", ".join(one.accounts) or UNKNOWN,
        "days": f"{one.first_day} to {one.last_day}",
        "lines": exact_count(one.lines),
        **totals,
        **others,
    }


def _flat(one: Loaded) -> list[dict[str, Any]]:
    return [{"currency": currency, "kind": kind, "amount": amount} for (currency, kind), amount in sorted(one.totals.items())]


def _list(lake: Lake, form: ReportFormat) -> None:
    from usagecost.bills import statements

    listed = statements(lake)
    if form == "json":
        print_json([asdict(one) for one in listed], str)
        return
    if not listed:
        out.print("There is no bill yet.")
        return
    headings = ("provider", "account", "first day", "last day", "as of (UTC)", "lines", "counting", "amount", "format", "id")
    rows = []
    for one in listed:
        amounts = ", ".join(f"{_money(amount)} {currency}" for currency, amount in sorted(one.totals.items()))
        about = (one.provider, one.account or UNKNOWN, one.covers_first, one.covers_last, f"{one.as_of:%Y-%m-%d %H:%M}")
        rows.append((*about, exact_count(one.lines), exact_count(one.counting), amounts, one.format, one.statement))
    print_table(headings, rows, numbers=("lines", "counting", "amount"))


def _remove(lake: Lake, statement: str) -> None:
    with recording(lake, "bill", f"remove the statement {statement}") as entry:
        count = lake.remove_bill(statement)
        entry.after = counted(count, "line")
    if not count:
        fail(f"There is no statement {statement}: see --list.")
    out.print(f"{counted(count, 'line')} of the statement {statement} removed.")


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace("-", "−")


def _print_reconciliation(lake: Lake, month: str | None, form: ReportFormat) -> None:
    """Prints how a month (2026-10; by default the newest with a bill) agrees with the logs, as the page Bills has it."""
    from usagecost.bills.reconciling import reconcile_lake
    from usagecost.bills.result import CAUSES, CellSums, worst
    from usagecost.bills.words import (
        OURS,
        THEIRS,
        cause_text,
        compared_with_all,
        explained_text,
        not_compared,
        ours_text,
        over_months,
        signed_usd,
    )
    from usagecost.vocabulary.formats import usd

    reconciliation, sentences = reconcile_lake(lake, lake.version(), "best")
    for sentence in (*sentences, *not_compared(reconciliation)):
        err.print(sentence)
    months = {f"{first:%Y-%m}": first for first in reconciliation.by_month()}
    if not months:
        fail("There is no bill to compare: load one with `bill PATH`.")
    name = month or next(iter(months))
    if name not in months:
        fail(f"There is no bill of {name}: known are {', '.join(months)}.")
    cells = reconciliation.of_month(months[name])
    sums, rows = CellSums.of(cells), worst(cells)
    for sentence in (*over_months(cells), *compared_with_all(reconciliation, months[name])):
        err.print(sentence)
    if form == "json":
        amounts = {"theirs": sums.theirs, "ours": sums.ours, "difference": sums.difference, "unexplained": sums.unexplained}
        differing = [
            {"provider": one.provider, "model": one.model, "scope": one.scope, "first": one.first, "last": one.last,
             "theirs": one.theirs, "ours": one.ours, "cause": cause_text(one.main)} for one in rows
        ]  # fmt: skip
        print_json({"month": name, **amounts, "effects": sums.effects, "largest": differing}, str)
        return
    out.print(f"{name}: {explained_text(sums)}.")
    effects = {CAUSES[cause].label: signed_usd(amount) for cause, amount in sums.effects.items() if amount}
    print_facts("From our logs to the bill", {OURS: ours_text(sums), **effects, THEIRS: usd(sums.theirs)})
    cells_shown = []
    for one in rows:
        days = one.first if one.first == one.last else f"{one.first} to {one.last}"
        amounts = usd(one.theirs), ours_text(one), signed_usd(one.difference)
        cells_shown.append((days, one.provider, one.model or "", *amounts, cause_text(one.main)))
    numbers = ("bill", "our logs", "difference")
    if rows:
        print_table(("day (UTC)", "provider", "model", *numbers, "main cause"), cells_shown, numbers=numbers)
