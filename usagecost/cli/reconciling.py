"""A month's bills beside our logs, on the command line: what is explained, by what, and the cells that differ most."""

from __future__ import annotations

from usagecost.cli.console import ReportFormat, err, fail, out, print_facts, print_json, print_table
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
        err.print(sentence)
    months = {f"{first:%Y-%m}": first for first in found.by_month()}
    if not months:
        fail("There is no bill to compare: load one with `bill PATH`.")
    name = month or next(iter(months))
    if name not in months:
        fail(f"There is no bill of {name}: known are {', '.join(months)}.")
    cells = found.of_month(months[name])
    sums, rows = CellSums.of(cells), worst(cells)
    for sentence in (*over_months(cells), *compared_with_all(found, months[name])):
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
    shown = []
    for one in rows:
        days = one.first if one.first == one.last else f"{one.first} to {one.last}"
        amounts = usd(one.theirs), ours_text(one), signed_usd(one.difference)
        shown.append((days, one.provider, one.model or "", *amounts, cause_text(one.main)))
    numbers = ("bill", "our logs", "difference")
    if rows:
        print_table(("day (UTC)", "provider", "model", *numbers, "main cause"), shown, numbers=numbers)
