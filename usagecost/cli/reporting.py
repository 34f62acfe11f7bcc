"""``python -m usagecost report``: the page, or a board, as one HTML file, and as a mail, now or when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from usagecost.cli.console import (
    WRONG_USAGE,
    FilterOption,
    LakeOption,
    ZoneOption,
    asked_days,
    asked_filter,
    check_zone,
    fail,
    lake_named,
    out,
    print_line,
)
from usagecost.cli.feeds import stopped_by_signals
from usagecost.periods.presets import PRESETS

if TYPE_CHECKING:
    from usagecost.reports import Report, Schedule
DEFAULT_RANGE = "30d"


Against = Literal["before", "month", "year", "none"]
"""With what a report compares."""


def report(
    board: Annotated[str | None, typer.Option(help="A board, by its title or its file. Default: the Usage page.")] = None,
    preset: Annotated[
        str | None,
        typer.Option("--range", help=f"{', '.join(PRESETS)}. Default: 30d; with --every what has just ended, such as last-week."),
    ] = None,
    start: Annotated[str | None, typer.Option(help="First day, YYYY-MM-DD, instead of a range.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day, included, YYYY-MM-DD.")] = None,
    compare: Annotated[Against, typer.Option(help="With what it is compared.")] = "before",
    chosen: FilterOption = None,
    lake: LakeOption = None,
    zone: ZoneOption = "UTC",
    file: Annotated[Path | None, typer.Option("--out", "-o", help="The file. Default: one named after the report.")] = None,
    to: Annotated[list[str] | None, typer.Option("--send", metavar="CHANNEL", help="Send it, as mail where it is one.")] = None,
    every: Annotated[
        str | None, typer.Option(help="Send it when it is due, and go on: monday-09:00, daily-09:00, monthly-1-09:00.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Make it and say where it would go; write and send nothing.")] = False,
) -> None:
    """Write the Usage page, or a board, as one HTML file, or send it to channels, once or whenever it is due.

    A channel `ops` is the Apprise URL in USAGECOST_ALERT_OPS, as for alerts; the only one need not be named. What is due is sent
    once to each, also by several processes and after a stop; of what was missed the newest. A channel that fails is tried again.
    Times are those of the zone. Exit status: 0, 1 where nothing was made or somebody not told, 2 for wrong usage.
    """
    from usagecost.reports import INSTALL, Job, Order, ReportProblem, can_draw, find_board, follow, make_report

    check_zone(zone)
    schedule = _schedule(every, file)
    filters = tuple(asked_filter(text) for text in chosen or ())
    order = Order(zone, _preset(preset, schedule), _days(start, end), compare, filters, board)
    handle, names = lake_named(lake), _channels(to) if to or schedule else []
    if not can_draw():
        fail(f"{INSTALL}.")
    try:
        find_board(handle.name, board)
        if schedule and not dry_run:
            stop = Event()
            with stopped_by_signals(stop.set):
                follow(Job(handle, order, schedule, names), stop, print_line)
            return
        drawn = make_report(handle.name, order, datetime.now(UTC))
    except ReportProblem as problem:
        fail(str(problem))
    if dry_run:
        _say_what_would_be(drawn, names, file, schedule, zone)
    else:
        _deliver(drawn, names, file)


def _schedule(every: str | None, file: Path | None) -> Schedule | None:
    """When it is due; ends the command where that is no time, or nothing would be sent."""
    from usagecost.reports import parse_schedule

    if every and file:
        fail("--every sends: leave --out away, or --every.", WRONG_USAGE)
    try:
        return parse_schedule(every) if every else None
    except ValueError as problem:
        fail(str(problem), WRONG_USAGE)


def _preset(name: str | None, schedule: Schedule | None) -> str:
    preset = name or (schedule.preset if schedule else DEFAULT_RANGE)
    if preset not in PRESETS:
        fail(f"--range {preset} is none: use one of {', '.join(PRESETS)}.", WRONG_USAGE)
    return preset


def _days(start: str | None, end: str | None) -> tuple[date, date] | None:
    if bool(start) != bool(end):
        fail("A range of days needs both: --start and --end.", WRONG_USAGE)
    return asked_days(start, end) if start and end else None


def _channels(chosen_names: Sequence[str] | None) -> list[str]:
    """The channels that are told; ends the command where one cannot be, or none is clear."""
    from usagecost.alerts import PREFIX, channel_problem, channels

    names = list(dict.fromkeys(name.lower() for name in chosen_names or channels()))
    if not chosen_names and len(names) != 1:
        which = f"one of {', '.join(names)}" if names else f"after setting {PREFIX}OPS to a URL of Apprise, such as mailto://…, ops"
        fail(f"--every needs to know whom to send it to: name a channel with --send, {which}.", WRONG_USAGE)
    if problems := [problem for name in names if (problem := channel_problem(name))]:
        fail(problems[0])
    return names


def _deliver(drawn: Report, names: Sequence[str], file: Path | None) -> None:
    """Writes the report where it is to be a file, sends it where it is to be sent, and says so."""
    from usagecost.reports import page_html, send_report, title_of

    if file or not names:
        target = file or Path(drawn.file_name)
        try:
            target.write_text(page_html(drawn), encoding="utf-8")
        except OSError as problem:
            fail(f"{target} cannot be written: {problem.strerror}.")
        out.print(f"{title_of(drawn)} written to {target}")
    if names:
        if problems := send_report(drawn, names):
            fail("\n".join(problems))
        out.print(f"{title_of(drawn)} sent to {', '.join(names)}")


def _say_what_would_be(drawn: Report, names: Sequence[str], file: Path | None, schedule: Schedule | None, zone: str) -> None:
    from usagecost.reports import title_of

    due = schedule.next(datetime.now(UTC), zone).astimezone(ZoneInfo(zone)) if schedule else None
    when = f", due on {due:%a %Y-%m-%d %H:%M} ({zone})" if due else ""
    where = f"sent to {', '.join(names)}" if names else f"written to {file or drawn.file_name}"
    out.print(f"{title_of(drawn)} would be {where}{when}")
