"""``python -m usagecost sync``: keeps the lake fresh from a gateway's own database."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from usagecost.cli.console import NOTHING_READ, READ, WRONG_USAGE, LakeOption, fail, lake_named, print_line
from usagecost.cli.lasting import duration, stopped_by_signals

if TYPE_CHECKING:
    from usagecost.sync import Sync


class Live(StrEnum):
    """What can be read live."""

    litellm = "litellm"


def sync(
    source: Annotated[Live, typer.Argument(help="What to read: the database of a LiteLLM proxy.")],
    dsn: Annotated[str, typer.Option(help="The database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE.", envvar="USAGECOST_DSN")],
    every: Annotated[str | None, typer.Option(help="Go on, a round every so often: 60s, 5m. Default: one round.")] = None,
    overlap: Annotated[str, typer.Option(help="How far each round looks back behind the newest row it knows.")] = "1h",
    lake: LakeOption = None,
) -> None:
    """Read a gateway's own database into the lake, once or again and again.

    Each row counts once, however late it comes and however often it is changed; what is committed is not read again after a
    restart. Messages and responses are never asked for. Give a password in USAGECOST_DSN, not on the command line, where
    others on the machine can see it. Ctrl-C or SIGTERM ends it. Exit status: 0 done or stopped, 1 for what only a person can
    help against, 2 for wrong usage.
    """
    from usagecost.sync import Database, DsnProblem, Sync, read_dsn

    try:
        database = Database(read_dsn(dsn))
        seconds = duration(every, "--every") if every else None
        job = {Live.litellm: Sync}[source](database, lake_named(lake), overlap=duration(overlap, "--overlap"))
    except (DsnProblem, ValueError) as problem:
        fail(str(problem), WRONG_USAGE)
    raise typer.Exit(READ if _followed(job, seconds or None) else NOTHING_READ)


def _followed(job: Sync, every: timedelta | None) -> bool:
    """Runs the rounds in a thread, so that a signal is heard also while the database is waited for."""
    from usagecost.sync import follow

    results: list[bool] = []
    thread = Thread(target=lambda: results.append(follow(job, every, print_line)), name="sync")
    with stopped_by_signals(job.cancel):
        thread.start()
        thread.join()
    return results == [True]
