"""A month's bills beside our logs, on the command line: what is explained, by what, and the cells that differ most."""

from __future__ import annotations

from rich.table import Table

from usagecost.cli.console import NOTHING_READ, ReportFormat, cell, err, fail, out, print_facts, print_json, print_wide
from usagecost.lake import Lake


def print_reconciliation(lake: Lake, month: str | None, form: ReportFormat) -> None:
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

    found, sentences = reconcile_lake(lake, lake.version(), "best")
    for sentence in (*sentences, *not_compared(found)):
        err.print(sentence, markup=False, highlight=False)
    months = {f"{first:%Y-%m}": first for first in found.by_month()}
    if not months:
        fail("There is no bill to compare: load one with `bill PATH`.", NOTHING_READ)
    name = month or next(iter(months))
    if name not in months:
        fail(f"There is no bill of {name}: known are {', '.join(months)}.", NOTHING_READ)
    cells = found.of_month(months[name])
    sums, rows = CellSums.of(cells), worst(cells)
    for sentence in (*over_months(cells), *compared_with_all(found, months[name])):
        err.print(sentence, markup=False, highlight=False)
    if form == "json":
        amounts = {"theirs": sums.theirs, "ours": sums.ours, "difference": sums.difference, "unexplained": sums.unexplained}
        differing = [
            {"provider": one.provider, "model": one.model, "scope": one.scope, "first": one.first, "last": one.last,
             "theirs": one.theirs, "ours": one.ours, "cause": cause_text(one.main)} for one in rows
        ]  # fmt: skip
        print_json({"month": name, **amounts, "effects": sums.effects, "largest": differing}, str)
        return
    out.print(f"{name}: {explained_text(sums)}.", markup=False, highlight=False)
    effects = {CAUSES[cause].label: signed_usd(amount) for cause, amount in sums.effects.items() if amount}
    print_facts("From our logs to the bill", {OURS: ours_text(sums), **effects, THEIRS: usd(sums.theirs)})
    table = Table(box=None, header_style="bold")
    for heading in ("day (UTC)", "provider", "model", "bill", "our logs", "difference", "main cause"):
        table.add_column(heading, justify="right" if heading in ("bill", "our logs", "difference") else "left", no_wrap=True)
    for one in rows:
        days = f"{one.first}" if one.first == one.last else f"{one.first} to {one.last}"
        amounts = usd(one.theirs), ours_text(one), signed_usd(one.difference)
        table.add_row(*map(cell, (days, one.provider, one.model or "", *amounts, cause_text(one.main))))
    if rows:
        print_wide(table)
