"""The requests themselves, as a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from usagecost.cli.console import NOTHING_READ, WRONG_USAGE, LakeOption, asked_filter, check_zone, err, fail, out
from usagecost.exporting import FORMS
from usagecost.lake import lake_root
from usagecost.periods import Period
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters, View
from usagecost.vocabulary.formats import counted
from usagecost.vocabulary.labels import Labels

DAY = ["%Y-%m-%d"]


def export(
    start: Annotated[datetime, typer.Option(help="First day, YYYY-MM-DD.", formats=DAY)],
    end: Annotated[datetime, typer.Option(help="Last day, included, YYYY-MM-DD.", formats=DAY)],
    file: Annotated[Path, typer.Option("--output", "-o", help="The file to write; .csv, .parquet or .jsonl says its format.")],
    chosen: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            help=f"dimension=value, can be repeated: {', '.join(DIMENSIONS)}. A value can be {NOT_REPORTED}, "
            "that of a team, user or key its name.",
        ),
    ] = None,
    lake: LakeOption = None,
    zone: Annotated[str, typer.Option(help="The time zone of the days, an IANA name.", envvar="USAGECOST_ZONE")] = "UTC",
) -> None:
    """Write the requests of a range of days to one file, the newest first: CSV, Parquet or JSON lines.

    All columns of the record, and spend_usd, what each request cost, reported else at list price: its sum is that of `summary`.
    """
    from usagecost import engine
    from usagecost.exporting import write_requests

    form = file.suffix.removeprefix(".")
    if form not in FORMS:
        fail(f"{file.name} says no format: end it in .{', .'.join(FORMS)}.", WRONG_USAGE)
    if end < start:
        fail(f"--end {end:%Y-%m-%d} lies before --start {start:%Y-%m-%d}: exchange them.", WRONG_USAGE)
    check_zone(zone)
    period = Period(start.date(), end.date(), zone, datetime.now(UTC), is_all_time=True)
    asked = [asked_filter(text) for text in chosen or ()]
    root = lake or lake_root()
    try:
        labels = Labels.of_names(engine.open_lake(root).names())
        values = [(name, None if said == NOT_REPORTED else labels.id_of(name, said)) for name, said in asked]
        filters = Filters(tuple(Condition(name, (value,)) for name, value in values))
        with Progress(console=err, transient=True) as shown:
            task = shown.add_task("Writing requests", total=1.0)
            view = View(root, engine.open_lake(root).version(), period, "period", "best", filters)
            rows = write_requests(view, file, form, lambda done: shown.update(task, completed=done))
    except OSError as problem:
        fail(str(problem), NOTHING_READ)
    out.print(f"{counted(rows, 'request')} written to {file}", markup=False, highlight=False)
