"""The command line: ``python -m usagecost``. Load logs, ask for the page's numbers, look after the lake."""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from usagecost.engine import UnansweredError
from usagecost.exports import csv_text
from usagecost.filters import NOT_REPORTED
from usagecost.formats import age, exact_count, percent
from usagecost.lake import Lake, LakeError, lake_root
from usagecost.metrics import DIMENSIONS, METRICS
from usagecost.periods import INTERVALS, WHOLE
from usagecost.schema import COLUMNS

READ, NOTHING_READ, WRONG_USAGE = 0, 1, 2

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Usage & Cost of AI traffic: turns the logs that gateways and agents write into requests, tokens, spend and latency.",
)
WIDE_TABLE = 170

out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

LakeOption = Annotated[Path | None, typer.Option("--lake", help="The lake's folder. Default: USAGECOST_LAKE, else data/lake.")]
SUMMARY = (
    "requests", "successful", "failed", "success_rate", "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens",
    "cache_write_tokens", "spend_usd", "unpriced_requests", "avg_latency_ms",
)  # fmt: skip
"""The numbers of a summary, in their order; names of metrics."""


class ReportFormat(StrEnum):
    """How an ingest reports."""

    text = "text"
    json = "json"


class SummaryFormat(StrEnum):
    """How a summary is written."""

    table = "table"
    json = "json"
    csv = "csv"


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Log files, or folders that are searched for them.")],
    lake: LakeOption = None,
    format: Annotated[str | None, typer.Option("--as", help="The format, where it should not be recognised by content.")] = None,  # noqa: A002
    mapping: Annotated[Path | None, typer.Option(help="A TOML file that maps a table's columns onto the record.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and report, but change nothing.")] = False,
    report: Annotated[ReportFormat, typer.Option(help="How to report what was done.")] = ReportFormat.text,
) -> None:
    """Load logs into the lake: every request once, however often its line is read.

    What cannot be read is kept in the lake's rejects, with file, line and reason. Loading the same files again changes
    nothing. Exit status: 0 when something could be read, 1 when nothing could, 2 for wrong usage.
    """
    from usagecost import ingest as loading

    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(), console=err
    )
    with progress:
        task = progress.add_task("Reading", total=1.0)
        try:
            result = loading.ingest(
                paths,
                Lake(lake or lake_root()),
                format=format,
                mapping=mapping,
                dry_run=dry_run,
                on_progress=lambda share, words: progress.update(task, completed=share, description=words),
            )
        except (loading.WrongUsage, LakeError) as problem:
            progress.stop()
            _fail(str(problem), WRONG_USAGE if isinstance(problem, loading.WrongUsage) else NOTHING_READ)
    for problem in result.problems:
        err.print(problem, markup=False, highlight=False)
    counts = result.counts()
    if report is ReportFormat.json:
        typer.echo(json.dumps(counts))
    else:
        _print_counts("Dry run: nothing was changed" if dry_run else "Loaded", counts)
    raise typer.Exit(READ if result.requests else NOTHING_READ)


@app.command()
def summary(
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option(help="Last day, included, YYYY-MM-DD.")],
    lake: LakeOption = None,
    zone: Annotated[str, typer.Option(help="The reporting time zone, an IANA name.", envvar="USAGECOST_ZONE")] = "UTC",
    by: Annotated[str | None, typer.Option(help=f"Split by {', '.join((*DIMENSIONS, *INTERVALS))}.")] = None,
    format: Annotated[SummaryFormat, typer.Option(help="How to write it.")] = SummaryFormat.table,  # noqa: A002
) -> None:
    """The Usage and cost page's numbers for a range of days, by the page's own questions.

    Numbers are null where nothing is known. With --by, one row per value, or per interval with its first instant.
    """
    first, last = _day(start, "--start"), _day(end, "--end")
    if last < first:
        _fail(f"--end {last} lies before --start {first}: exchange them.", WRONG_USAGE)
    if zone not in available_timezones():
        _fail(f"--zone {zone} is no time zone: use an IANA name such as Europe/Berlin.", WRONG_USAGE)
    if by is not None and by not in (*DIMENSIONS, *INTERVALS):
        _fail(f"--by {by} is no split: use one of {', '.join((*DIMENSIONS, *INTERVALS))}.", WRONG_USAGE)
    try:
        rows = summary_rows(str(lake or lake_root()), first, last, zone, by)
    except (LakeError, UnansweredError) as problem:
        _fail(str(problem), NOTHING_READ)
    _write_rows(rows if by else rows[:1], format, single=by is None)


def summary_rows(lake: str, first: date, last: date, zone: str, by: str | None) -> list[dict[str, Any]]:
    """One row for the range, or one per value of a dimension or per interval; None where nothing is known."""
    logging.getLogger("streamlit.runtime.caching.cache_data_api").disabled = True  # it warns that no app is running
    from usagecost import engine, folds, queries
    from usagecost.filters import View
    from usagecost.periods import Period

    interval = by if by in INTERVALS else WHOLE
    period = Period(first, last, zone, datetime.now(UTC), is_all_time=True)  # nothing is compared here
    view = View(lake, engine.open_lake(lake).version(), period, interval, "best")
    usage = queries.usage(view, by if by in DIMENSIONS else "source")
    if by in INTERVALS:
        starts = [step.start.astimezone(ZoneInfo(zone)).isoformat() for step in usage.intervals]
        return [{by: start, **_numbers(sums)} for start, sums in zip(starts, folds.rows(usage.over_time), strict=True)]
    if by:
        return [{by: "Other" if sums["is_other"] else sums["value"], **_numbers(sums)} for sums in folds.rows(usage.by_value)]
    return [_numbers(usage.totals)]


@app.command()
def sample(
    folder: Annotated[
        Path | None, typer.Option("--lake", help="Where to write it. Default: the app's own folder for samples.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed and end give the same requests.")] = 7,
    end: Annotated[
        datetime | None, typer.Option(help="The newest instant, UTC. Default: now.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
    ] = None,
) -> None:
    """Write invented but believable traffic, to try the page with: 120 days of some 60,000 requests."""
    from usagecost.sample import ensure_sample, sample_root, write_sample

    now = datetime.now(UTC)
    if folder is None:
        out.print(f"The sample is in {ensure_sample(sample_root(), now)}", markup=False, highlight=False)
        return
    if Lake(folder).exists:
        _fail(f"There is a lake in {folder} already; a sample is never mixed with it. Name another folder.", WRONG_USAGE)
    _print_counts(f"Sample written to {folder}", write_sample(folder, end.replace(tzinfo=UTC) if end else now, seed).counts())


@app.command()
def doctor(
    lake: LakeOption = None, repair: Annotated[bool, typer.Option(help="Compact small files and remove what is left over.")] = False
) -> None:
    """Look at the lake's health: version, rows, days, size, freshness, unpriced requests, small files."""
    root = lake or lake_root()
    handle = Lake(root)
    try:
        if repair:
            out.print(f"{handle.compact()} files compacted, {handle.vacuum()} left-over files removed", highlight=False)
        facts = _health(str(root), handle)
    except (LakeError, UnansweredError) as problem:
        _fail(str(problem), NOTHING_READ)
    _print_facts("", facts)


@app.command()
def columns() -> None:
    """List the columns of the canonical record, with type, unit and meaning: what a mapping can fill."""
    table = Table("column", "type", "unit", "meaning", box=None, header_style="bold")
    for column in COLUMNS:
        table.add_row(column.name, str(column.type), column.unit, column.meaning)
    Console(width=max(out.width, WIDE_TABLE)).print(table)


def _health(root: str, lake: Lake) -> dict[str, str]:
    """What a person wants to know of a lake, in their words."""
    logging.getLogger("streamlit.runtime.caching.cache_data_api").disabled = True
    from usagecost import queries

    snapshot = lake.snapshot()
    span = queries.data_span(root, snapshot.version)
    facts = {
        "Lake": root,
        "Version": str(snapshot.version),
        "Requests": exact_count(snapshot.rows),
        "Days": "–" if not span else f"{span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d} (UTC)",
        "Size": f"{snapshot.bytes / 1e6:,.1f} MB in {snapshot.file_count} files",
        "Newest request": "–" if not span else f"{span[1]:%Y-%m-%d %H:%M} UTC, {age(span[1], datetime.now(UTC))}",
        "Rejected lines": exact_count(lake.rejects().num_rows),
    }
    if span:
        whole = summary_rows(root, span[0].date(), span[1].date(), "UTC", None)[0]
        facts["Without a price"] = (
            f"{exact_count(whole['unpriced_requests'])} ({percent(whole['unpriced_requests'] / whole['requests'])})"
        )
    advice = "; `doctor --repair` makes one of each day" if snapshot.small_files else ""
    return facts | {"Small files": f"{snapshot.small_files}{advice}"}


def _numbers(sums: dict[str, Any]) -> dict[str, Any]:
    return {name: METRICS[name].of(sums) for name in SUMMARY}


def _write_rows(rows: list[dict[str, Any]], format: SummaryFormat, *, single: bool) -> None:  # noqa: A002 - the option's name
    if format is SummaryFormat.json:
        typer.echo(json.dumps(rows[0] if single else rows, default=_json_number, ensure_ascii=False))
        return
    names = list(rows[0]) if rows else list(SUMMARY)
    if format is SummaryFormat.csv:
        typer.echo(csv_text(pd.DataFrame(rows, columns=names, dtype=object)), nl=False)
        return
    if single:
        _print_facts("", {name: METRICS[name].format(value) for name, value in rows[0].items()})
        return
    table = Table(box=None, header_style="bold")
    for place, name in enumerate(names):
        table.add_column(name.replace("_", " "), no_wrap=place == 0, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*(_cell(name, value) for name, value in row.items()))
    Console(width=max(out.width, WIDE_TABLE)).print(table)


def _cell(name: str, value: Any) -> Text:
    return Text(METRICS[name].format(value) if name in METRICS else NOT_REPORTED if value is None else value)


def _json_number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{value!r} is no number")


def _print_counts(title: str, counts: dict[str, Any]) -> None:
    _print_facts(
        title, {name: f"{value:.1f}" if isinstance(value, float) else exact_count(value) for name, value in counts.items()}
    )


def _print_facts(title: str, facts: dict[str, str]) -> None:
    """One fact a line, name and value."""
    table = Table(title=title or None, title_justify="left", show_header=False, box=None)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), Text(value))
    out.print(table)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        _fail(f"{option} {text} is no day: write it as 2026-11-23.", WRONG_USAGE)


def _fail(sentence: str, status: int) -> None:
    """Says what is wrong, and ends."""
    err.print(sentence, markup=False, highlight=False)
    raise typer.Exit(status)


if __name__ == "__main__":
    app()
