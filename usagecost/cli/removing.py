"""Undoing a wrong load, erasing a person, retiring what is old: what was loaded, and taking it out again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from usagecost.cli.console import (
    WRONG_USAGE,
    LakeOption,
    ReportOption,
    check_zone,
    day_of,
    err,
    fail,
    lake_named,
    out,
    print_facts,
    print_json,
    print_table,
    recording,
)
from usagecost.lake import Removal, Selection, lake_root
from usagecost.vocabulary.formats import UNKNOWN, exact_count, usd

OLD_VERSIONS = (
    "Older versions of the lake still hold these rows; `doctor --repair` removes the files of versions older than a week for good."
)


def ingests(
    lake: LakeOption = None,
    report: ReportOption = "text",
) -> None:
    """List what was loaded, the newest first: each ingest's id, files and counts, and how many of its requests are still there.

    A request counts for the ingest that wrote its present version. An id is what `remove --ingest` takes.
    """
    from usagecost import engine, queries

    root = lake or lake_root()
    rows = queries.sources.ingests(root, engine.open_lake(root).version())
    if report == "json":
        print_json(rows, _json_value)
        return
    if not rows:
        out.print("Nothing was loaded yet.")
        return
    counts = ("requests", "inserted", "updated", "unchanged", "lines", "skipped", "rejected")
    cells = (
        (f"{row['time']:%Y-%m-%d %H:%M:%S}", row["id"], *(exact_count(row[name]) for name in counts), row["paths"] or UNKNOWN)
        for row in rows
    )
    print_table(("time (UTC)", "id", *counts, "files"), cells, numbers=counts, folds=("files",))


def remove(
    ingest: Annotated[str | None, typer.Option(help="What this ingest brought, by its id: see `ingests`.")] = None,
    user: Annotated[str | None, typer.Option(help="All requests of this user, by the exact id.")] = None,
    before: Annotated[str | None, typer.Option(help="All requests sent before this day began, YYYY-MM-DD.")] = None,
    zone: Annotated[str, typer.Option(help="The time zone of that day, an IANA name.", envvar="USAGECOST_ZONE")] = "UTC",
    lake: LakeOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    report: ReportOption = "text",
) -> None:
    """Take requests out of the lake again, after a preview and a question: of one ingest, of one user, or before a day.

    A user goes out of names, alerts, the audit log and closed months too. It is one commit: readers see all of the requests, or
    none. Exit status: 0 when something was removed, 1 when there was nothing or the answer was no, 2 for wrong usage.
    """
    selection = _selection(ingest, user, before, zone)
    handle = lake_named(lake)
    planned = handle.removal(selection)
    if planned.is_nothing:
        fail("The lake holds no such requests: nothing was removed. `ingests` lists what was loaded.")
    if report == "text" or not yes:
        print_facts("To be removed", _facts(planned), on=err if report == "json" else out)
    if not yes and not typer.confirm(f"Remove {planned.summary}?", err=True):
        fail("Nothing was removed.")
    texts = handle.texts_naming(selection.person) if selection.person else []
    with recording(handle, "remove", f"requests {_words(selection)}") as entry:
        removal = handle.remove(selection)
        entry.after = removal.summary
    if report == "json":
        print_json(asdict(removal), _json_value)
    else:
        out.print(f"{removal.summary} removed; the lake is at version {removal.version}.")
    if texts:
        err.print(f"Files of people name this user: take it out of {', '.join(texts)} yourself.")
    err.print(OLD_VERSIONS)


def _selection(ingest: str | None, user: str | None, before: str | None, zone: str) -> Selection:
    if sum(option is not None for option in (ingest, user, before)) != 1:
        fail("Say which requests to remove, with one of --ingest ID, --user ID and --before DATE.", WRONG_USAGE)
    if user is not None and not user.strip():
        fail("Say whose requests to remove: --user is blank.", WRONG_USAGE)
    if before is None:
        return Selection(ingest=ingest, user=user)
    check_zone(zone)
    return Selection(before=datetime.combine(day_of(before, "--before"), time(), ZoneInfo(zone)))


def _words(selection: Selection) -> str:
    """Which requests are meant, without who is forgotten."""
    if selection.ingest is not None:
        return f"of the ingest {selection.ingest}"
    return "of a user" if selection.before is None else f"sent before {selection.before:%Y-%m-%d %Z}"


def _facts(planned: Removal) -> dict[str, str]:
    """What would be removed, in words."""
    of_requests = {
        "Sent": f"{planned.first} to {planned.last}",
        "Users": exact_count(planned.users),
        "Spend": f"{usd(planned.spend_usd)}, without {exact_count(planned.unpriced)} of unknown cost",
    }
    beside = {"Beside them": planned.beside_summary} if planned.beside else {}
    return {"Requests": exact_count(planned.requests), **(of_requests if planned.requests else {}), **beside}


def _json_value(value: object) -> str | float:
    return value.isoformat() if isinstance(value, datetime) else float(str(value))
