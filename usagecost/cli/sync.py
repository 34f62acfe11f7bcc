"""``python -m usagecost sync``: keeps the lake fresh from a gateway's own database."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from usagecost.cli.console import NOTHING_READ, READ, WRONG_USAGE, LakeOption, fail
from usagecost.lake import Lake, lake_root

if TYPE_CHECKING:
    from usagecost.sync import Sync

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "": 1}


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
        seconds = every and _duration(every, "--every")
        job = {Live.litellm: Sync}[source](database, Lake(lake or lake_root()), overlap=_duration(overlap, "--overlap"))
    except (DsnProblem, ValueError) as problem:
        fail(str(problem), WRONG_USAGE)
    raise typer.Exit(READ if _followed(job, seconds or None) else NOTHING_READ)


def _followed(job: Sync, every: timedelta | None) -> bool:
    """Runs the rounds in a thread, so that a signal is heard also while the database is waited for."""
    from usagecost.sync import follow

    results: list[bool] = []
    thread = Thread(target=lambda: results.append(follow(job, every, typer.echo)), name="sync")
    with _signals_stop(job):
        thread.start()
        thread.join()
    return results == [True]


@contextmanager
def _signals_stop(job: Sync) -> Iterator[None]:
    """While the block runs, the first signal to end stops the job; a second one ends the process."""

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        job.cancel()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _duration(text: str, option: str) -> timedelta:
    """90, 60s, 5m, 1h, 7d."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhd]?)", text.strip())
    if not found:
        raise ValueError(f"{option} {text} is no time: write it as 60s, 5m, 1h or 7d.")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
