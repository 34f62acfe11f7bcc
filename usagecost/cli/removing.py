"""Undoing a wrong load, erasing a person, retiring what is old: what was loaded, and taking it out again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from usagecost.cli.console import (
    NOTHING_READ,
    READ,
    WRONG_USAGE,
    LakeOption,
    ReportFormat,
    cell,
    check_zone,
    err,
    fail,
    lake_named,
    out,
    print_facts,
    print_json,
    print_wide,
)
from usagecost.lake import Removal, Selection, lake_root
from usagecost.vocabulary.formats import UNKNOWN, counted, exact_count, usd

OLD_VERSIONS = (
    "Older versions of the lake still hold these rows; `doctor --repair` removes the files of versions older than a week for good."
)


def ingests(
    lake: LakeOption = None,
    report: Annotated[ReportFormat, typer.Option(help="How to write it.")] = ReportFormat.text,
) -> None:
    """List what was loaded, the newest first: each ingest's id, files and counts, and how many of its requests are still there.

    A request counts for the ingest that wrote its present version. An id is what `remove --ingest` takes.
    """
    from usagecost import engine, queries

    root = lake or lake_root()
    rows = queries.sources.ingests(root, engine.open_lake(root).version())
    if report is ReportFormat.json:
        print_json(rows, _json_value)
        return
    if not rows:
        out.print("Nothing was loaded yet.")
        return
    table = Table(box=None, header_style="bold")
    counts = ("requests", "inserted", "updated", "unchanged", "lines", "skipped", "rejected")
    for name in ("time (UTC)", "id", *counts, "files"):
        table.add_column(name, justify="right" if name in counts else "left", no_wrap=name != "files", overflow="fold")
    for row in rows:
        numbers = (exact_count(row[name]) for name in counts)
        table.add_row(f"{row['time']:%Y-%m-%d %H:%M:%S}", row["id"], *numbers, cell(row["paths"] or UNKNOWN))
    print_wide(table)


def remove(
    ingest: Annotated[str | None, typer.Option(help="What this ingest brought, by its id: see `ingests`.")] = None,
    user: Annotated[str | None, typer.Option(help="All requests of this user, by the exact id.")] = None,
    before: Annotated[str | None, typer.Option(help="All requests sent before this day began, YYYY-MM-DD.")] = None,
    zone: Annotated[str, typer.Option(help="The time zone of that day, an IANA name.", envvar="USAGECOST_ZONE")] = "UTC",
    lake: LakeOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    report: Annotated[ReportFormat, typer.Option(help="How to report what was done.")] = ReportFormat.text,
) -> None:
    """Take requests out of the lake again, after a preview and a question: of one ingest, of one user, or before a day.

    It is one commit: readers see all of the requests, or none. Exit status: 0 when requests were removed, 1 when there were
    none or the answer was no, 2 for wrong usage.
    """
    selection = _selection(ingest, user, before, zone)
    handle = lake_named(lake)
    found = handle.removal(selection)
    if not found.requests:
        fail("The lake holds no such requests: nothing was removed. `ingests` lists what was loaded.", NOTHING_READ)
    if report is ReportFormat.text or not yes:
        print_facts("To be removed", _facts(found), on=err if report is ReportFormat.json else out)
    if not yes and not typer.confirm(f"Remove {counted(found.requests, 'request')}?", err=True):
        fail("Nothing was removed.", NOTHING_READ)
    done = handle.remove(selection)
    if report is ReportFormat.json:
        print_json(asdict(done), _json_value)
    else:
        out.print(f"{counted(done.requests, 'request')} removed; the lake is at version {done.version}.", highlight=False)
    err.print(OLD_VERSIONS, markup=False, highlight=False)
    raise typer.Exit(READ)


def _selection(ingest: str | None, user: str | None, before: str | None, zone: str) -> Selection:
    if sum(option is not None for option in (ingest, user, before)) != 1:
        fail("Say which requests to remove, with one of --ingest ID, --user ID and --before DATE.", WRONG_USAGE)
    if before is None:
        return Selection(ingest=ingest, user=user)
    check_zone(zone)
    try:
        day = date.fromisoformat(before)
    except ValueError:
        fail(f"--before {before} is no day: write it as 2026-11-23.", WRONG_USAGE)
    return Selection(before=datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))


def _facts(found: Removal) -> dict[str, str]:
    """What would be removed, in words."""
    return {
        "Requests": exact_count(found.requests),
        "Sent": f"{found.first} to {found.last}",
        "Users": exact_count(found.users),
        "Spend": f"{usd(found.spend_usd)}, without {exact_count(found.unpriced)} of unknown cost",
    }


def _json_value(value: object) -> str | float:
    return value.isoformat() if isinstance(value, datetime) else float(str(value))
