"""The own prices, and computing stored ones anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from usagecost.audit import operator
from usagecost.cli.console import (
    DAY,
    WRONG_USAGE,
    LakeOption,
    ReportOption,
    fail,
    lake_named,
    out,
    print_facts,
    print_json,
    print_table,
    recording,
)
from usagecost.lake import Change, Repricing
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import UNKNOWN, exact_count, usd


def prices(
    lake: LakeOption = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="First fetch the price list as it is published now.")] = False,
    shipped: Annotated[bool, typer.Option("--shipped", help="First go back to the price list that comes with the app.")] = False,
    url: Annotated[str | None, typer.Option(help="Where --refresh fetches it. Default: the list's own repository.")] = None,
) -> None:
    """Check the price file: where it is, what it holds, what is wrong with it. Nothing is fetched unless asked for.

    Exit status: 0 when it is good or there is none, 1 when it is broken or a list could not be fetched.
    """
    from usagecost.pricebook import current_book, forget_list, refresh_list
    from usagecost.pricing import UPSTREAM, ListProblem

    handle = lake_named(lake)
    try:
        if refresh:
            with recording(handle, "price", "the price list, fetched", before=current_book(handle).version) as entry:
                entry.after = refresh_list(handle, url or UPSTREAM)
        elif shipped:
            with recording(handle, "price", "the price list, as shipped", before=current_book(handle).version) as entry:
                entry.after = forget_list(handle)
    except ListProblem as problem:
        fail(str(problem))
    current = current_book(handle)
    book = current.book
    kinds = {"own prices": book.prices, "aliases": book.aliases, "discounts": book.discounts}
    counts = ", ".join(f"{len(entries)} {kind}" for kind, entries in kinds.items())
    print_facts("", {"Price file": current.place, "In force": counts, "Version": current.version})
    if current.problem:
        fail(current.problem)


def reprice(
    lake: LakeOption = None,
    start: Annotated[datetime | None, typer.Option(help="First UTC day. Default: the lake's first.", formats=DAY)] = None,
    end: Annotated[datetime | None, typer.Option(help="Last UTC day, included. Default: the lake's last.", formats=DAY)] = None,
    model: Annotated[str | None, typer.Option(help="Only requests of this model, as the log names it.")] = None,
    undo: Annotated[str | None, typer.Option(metavar="ID", help="Take a repricing back instead; see `repricings`.")] = None,
    why: Annotated[str | None, typer.Option(help="What for: kept beside it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    report: ReportOption = "text",
) -> None:
    """Compute the list cost of stored requests anew, by the price list and the price file of today, as one version of the lake.

    What a source reported is never touched, and `--undo` puts the old prices back.
    """
    from usagecost.pricebook import current_book, pricing

    if undo and (start or end or model or dry_run):
        fail("--undo takes a whole repricing back: leave the other options out.", WRONG_USAGE)
    handle = lake_named(lake)
    current = current_book(handle)
    if current.problem:
        fail(current.problem)
    about = {"who": operator(), "why": why, "prices": current.version}
    span = (start and start.replace(tzinfo=UTC), end and end.replace(tzinfo=UTC) + timedelta(days=1))
    if undo:
        with recording(handle, "reprice", f"undo of {undo}", why=why) as entry:
            repricing = handle.undo_repricing(undo, about=about)
            entry.after = repricing.summary
    elif dry_run:
        repricing = handle.repricing(pricing(current.book), span, model)
    else:
        days = " to ".join(f"{day:%Y-%m-%d}" if day else "…" for day in (start, end)) if start or end else "all days"
        with recording(handle, "reprice", f"stored requests of {model or 'all models'}, {days}", why=why) as entry:
            repricing = handle.reprice(pricing(current.book), span, model, about=about)
            entry.after = repricing.summary
    if report == "json":
        print_json(_counts(repricing), float)
    else:
        _print_repricing(repricing, dry_run=dry_run)


def repricings(lake: LakeOption = None) -> None:
    """List the repricings that were done, the newest first, with the ids that `reprice --undo` takes."""
    acts = lake_named(lake).repricings().to_pylist()
    if not acts:
        out.print("Nothing was repriced yet.")
        return
    rows = []
    for act in acts:
        sums = (exact_count(act["requests"]), usd(act["before_usd"]), usd(act["after_usd"]))
        words = (act["who"] or UNKNOWN, act["why"] or "", act["undoes"] or "")
        rows.append((act["id"], f"{act['done_at'].astimezone(UTC):%Y-%m-%d %H:%M}", *words, *sums, act["prices"]))
    headings = ("id", "done at (UTC)", "who", "why", "undoes", "requests", "before", "after", "prices")
    print_table(headings, rows, folds=("who", "why", "undoes", "prices"))


def _counts(repricing: Repricing) -> dict[str, Any]:
    """What a program wants to know: numbers, and the largest changes."""
    return {name: value for name, value in asdict(repricing).items() if name != "id" or value != "preview"}


def _print_repricing(repricing: Repricing, *, dry_run: bool) -> None:
    if not repricing.requests:
        out.print("Every request has the price that holds for it: nothing changes.")
        return
    facts = {
        "Repricing": "a dry run: nothing was changed" if dry_run else repricing.id,
        "Requests": f"{exact_count(repricing.requests)} of {exact_count(repricing.models)} models",
        "List cost": f"{_amount_text(repricing.before_usd, repricing.unpriced_before)} before, "
        f"{_amount_text(repricing.after_usd, repricing.unpriced_after)} after",
        "Version": str(repricing.version),
    }
    print_facts("", facts)
    _print_changes("model", repricing.by_model)
    _print_changes("user", repricing.by_user)


def _amount_text(amount: Any, unpriced: int) -> str:
    """A sum, marked where requests without a price are missing from it."""
    return f"≥ {usd(amount)} ({exact_count(unpriced)} without a price)" if unpriced else usd(amount)


def _print_changes(what: str, changes: Sequence[Change]) -> None:
    """The largest changes, the largest first."""
    rows = []
    for change in changes:
        amounts = (change.before_usd, change.after_usd, change.after_usd - change.before_usd)
        rows.append((change.name or NOT_REPORTED, exact_count(change.requests), *map(usd, amounts)))
    print_table((what, "requests", "before", "after", "change"), rows, folds=(what,))
