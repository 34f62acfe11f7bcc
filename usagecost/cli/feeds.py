"""The commands that go on until they are ended: they keep the lake fresh from a folder, a gateway's database or a port."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from usagecost.audit import COMMAND, Entry, operator, record
from usagecost.cli.console import NOTHING_READ, READ, WRONG_USAGE, LakeOption, fail, lake_named, print_line, recording
from usagecost.lake import Lake, LakeError

if TYPE_CHECKING:
    from usagecost.ingest.litellm import Sync

LONGEST_SECONDS = 10
"""For which the end of a feed waits for its start to be recorded."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "": 1}


def watch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder, searched with all that is in it.")],
    every: Annotated[str, typer.Option(help="A round every so often: 10s, 5m.")] = "10s",
    lake: LakeOption = None,
    format: Annotated[str | None, typer.Option("--as", help="The format of all files, where it should not be recognised.")] = None,  # noqa: A002
    mapping: Annotated[Path | None, typer.Option(help="A TOML file that maps the tables' columns onto the record.")] = None,
) -> None:
    """Load new and grown files of a folder as they come, each once.

    A file is taken when it is whole: when it has not changed from one round to the next, and its last line, or what it is packed
    in, has ended; or when it has stood still for a minute. Of JSON lines that never stand still the whole lines are taken each
    minute. What was taken is remembered beside the lake, also by the next start. Ctrl-C or SIGTERM ends it after the round that
    runs. Exit status: 0 when it was ended so, 2 for wrong usage.
    """
    from usagecost.ingest import WrongUsage, chosen_source
    from usagecost.ingest.folders import Watch, follow

    seconds = duration(every, "--every").total_seconds()
    try:
        source = chosen_source(format, mapping, lake_named(lake))
    except WrongUsage as problem:
        fail(str(problem), WRONG_USAGE)
    if not folder.is_dir():
        fail(f"{folder} is no folder: name the one into which the logs are written.", WRONG_USAGE)
    if not seconds:
        fail("--every 0 leaves no time: write it as 10s or 5m.", WRONG_USAGE)
    stop, handle = Event(), lake_named(lake)
    with _listed(handle, f"watching {folder}"), stopped_by_signals(stop.set):
        follow(Watch(folder, handle, seconds, source), seconds, stop, print_line)


def sync(
    source: Annotated[Literal["litellm"], typer.Argument(help="What to read: the database of a LiteLLM proxy.")],
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
    from usagecost.ingest.litellm import Database, DsnProblem, Sync, read_dsn

    span = duration(every, "--every") if every else None
    try:
        database = Database(read_dsn(dsn))
        handle = lake_named(lake)
        job = Sync(database, handle, overlap=duration(overlap, "--overlap"))
    except DsnProblem as problem:
        fail(str(problem), WRONG_USAGE)
    feed = f"sync of {source} from {database.dsn.address}"
    with _listed(handle, feed) if span else _listed_if_it_loads(handle, feed):
        is_done = _followed(job, span or None)
    raise typer.Exit(READ if is_done else NOTHING_READ)


def _followed(job: Sync, every: timedelta | None) -> bool:
    """Runs the rounds in a thread, so that a signal is heard also while the database is waited for."""
    from usagecost.ingest.litellm import follow

    results: list[bool] = []
    thread = Thread(target=lambda: results.append(follow(job, every, print_line)), name="sync")
    with stopped_by_signals(job.cancel):
        thread.start()
        thread.join()
    return results == [True]


def receive(
    lake: LakeOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on; any but this machine's own needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65_535)] = 4318,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="USAGECOST_RECEIVE_TOKEN",
            help="What senders have to show as a bearer token. Others see a command line: the variable is the better place.",
        ),
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between commits; more while a commit takes long.", min=0.1)] = 5.0,
    spool: Annotated[Path | None, typer.Option(help="Folder for what is not in the lake yet. Default: spool in the lake.")] = None,
) -> None:
    """Receive OpenTelemetry traces and logs over HTTP: set OTEL_EXPORTER_OTLP_ENDPOINT to http://127.0.0.1:4318.

    Claude Code sends its requests with CLAUDE_CODE_ENABLE_TELEMETRY=1 and OTEL_LOGS_EXPORTER=otlp. What is acknowledged is on disk;
    it is in the lake some seconds later. Prompts and answers are not kept. Ends on Ctrl-C or SIGTERM, once all that was accepted is
    in the lake.
    """
    from usagecost.ingest.receiver.server import CannotReceive
    from usagecost.ingest.receiver.server import receive as listen

    handle = lake_named(lake)
    try:
        with _listed(handle, f"receiving on port {port}"):
            listen(handle, host=host, port=port, token=token, every=every, spool=spool, say=print_line)
    except CannotReceive as problem:
        fail(str(problem))


@contextmanager
def _listed(lake: Lake, feed: str) -> Generator[None]:
    """Records in the audit log that a feed starts, and that it ends, however that is. What it loads is in the history of loads.

    It starts also while the lake cannot be reached, so it does not wait for the first act to be written.
    """
    start = Entry(operator(), COMMAND, "load", f"start of {feed}")
    writing = Thread(target=record, args=(lake, start), name="audit", daemon=True)
    writing.start()
    with recording(lake, "load", f"end of {feed}", makes_table=True):
        try:
            yield
        finally:
            writing.join(LONGEST_SECONDS)


@contextmanager
def _listed_if_it_loads(lake: Lake, feed: str) -> Generator[None]:
    """Records in the audit log what is run once, unless the lake stays as it is: a timer may run it every minute."""
    before = _version(lake)
    yield
    if _version(lake) != before:
        record(lake, Entry(operator(), COMMAND, "load", feed), makes_table=False)


def _version(lake: Lake) -> int | None:
    """The lake's version; None where there is none, or it cannot be read."""
    try:
        return lake.version() if lake.exists else None
    except LakeError:
        return None


def duration(text: str, option: str) -> timedelta:
    """90, 60s, 5m, 1h, 7d; ends a command where an option is none of these."""
    match = re.fullmatch(r"(\d{1,6})\s*([smhd]?)", text.strip())
    if not match:
        fail(f"{option} {text} is no time: write it as 60s, 5m, 1h or 7d.", WRONG_USAGE)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Generator[None]:
    """While the block runs, the first signal to end calls `stop`; a second one ends the process."""

    def handle(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
