"""Loading logs from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from usagecost.audit import COMMAND, Entry, operator, record, why_not
from usagecost.cli.console import (
    NOTHING_READ,
    READ,
    WRONG_USAGE,
    LakeOption,
    ReportOption,
    err,
    fail,
    lake_named,
    print_counts,
    print_json,
)


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Log files, or folders that are searched for them.")],
    lake: LakeOption = None,
    format: Annotated[str | None, typer.Option("--as", help="The format, where it should not be recognised by content.")] = None,  # noqa: A002
    mapping: Annotated[Path | None, typer.Option(help="A TOML file that maps a table's columns onto the record.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and report, but change nothing.")] = False,
    report: ReportOption = "text",
) -> None:
    """Load logs into the lake: every request once, however often its line is read.

    What cannot be read is kept in the lake's rejects, with file, line and reason. Loading the same files again changes
    nothing. Exit status: 0 when something could be read, 1 when nothing could, 2 for wrong usage.
    """
    from usagecost import ingest as loading

    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=err,
    )
    handle, names = lake_named(lake), ", ".join(map(str, paths))
    task = progress.add_task("Reading", total=1.0)
    try:
        with progress:
            result = loading.ingest(
                paths,
                handle,
                format=format,
                mapping=mapping,
                dry_run=dry_run,
                on_progress=lambda share, words: progress.update(task, completed=share, description=words),
            )
    except BaseException as problem:
        if not dry_run:
            failed = Entry(operator(), COMMAND, "load", f"files {names}", outcome=why_not(problem))
            record(handle, failed, makes_table=False)
        if isinstance(problem, loading.WrongUsage):
            fail(str(problem), WRONG_USAGE)
        raise
    if not dry_run and (result.inserted or result.updated or not result.requests):
        why = None if result.requests else "; ".join(result.problems) or "Nothing could be read"
        record(handle, Entry(operator(), COMMAND, "load", f"files {names}", after=result.summary, outcome=why), makes_table=False)
    for problem in result.problems:
        err.print(problem)
    counts = result.counts()
    if report == "json":
        print_json(counts)
    else:
        print_counts("Dry run: nothing was changed" if dry_run else "Loaded", counts)
    raise typer.Exit(READ if result.requests else NOTHING_READ)
