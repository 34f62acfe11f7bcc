"""``python -m usagecost alerts``: checks budgets and rules, records what broke one, and tells its channels."""

from __future__ import annotations

from threading import Event
from typing import Annotated

import typer

from usagecost.cli.console import LakeOption, fail, lake_named, print_line
from usagecost.cli.feeds import duration, stopped_by_signals


def alerts(
    lake: LakeOption = None,
    every: Annotated[str | None, typer.Option(help="A round every so often: 1m, 15m. Default: one round.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be raised, record nothing and tell nobody.")] = False,
    test: Annotated[str | None, typer.Option(metavar="CHANNEL", help="Send a test message to a channel instead.")] = None,
) -> None:
    """Check the budgets and rules of `budgets.toml`, record what broke one in the lake, and tell its channels.

    Each alert is raised and resolved once for a rule and period, whoever checks; a channel may be told twice after a crash, with
    the same id. A channel `ops` is the Apprise URL in USAGECOST_ALERT_OPS. Exit status: 0, or 1 where something could not be told.
    """
    from usagecost.alerts import follow, run_round, send

    if test:
        if problem := send(test.lower(), "Test of Usage & Cost", "This channel will be told of alerts."):
            fail(problem)
        return
    handle = lake_named(lake)
    if seconds := duration(every, "--every").total_seconds() if every else 0:
        stop = Event()
        with stopped_by_signals(stop.set):
            follow(handle, seconds, stop, print_line, dry_run=dry_run)
        return
    outcome = run_round(handle, print_line, dry_run=dry_run)
    if outcome.problems:
        fail("\n".join(outcome.problems))
