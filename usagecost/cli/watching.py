"""``python -m usagecost watch``: keeps the lake fresh from a folder of logs."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from usagecost.cli.console import WRONG_USAGE, LakeOption, fail, lake_named, print_line
from usagecost.cli.lasting import duration, stopped_by_signals


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
    from usagecost.watch import Watch, follow

    try:
        seconds = duration(every, "--every").total_seconds()
        chosen = chosen_source(format, mapping, lake_named(lake))
    except (ValueError, WrongUsage) as problem:
        fail(str(problem), WRONG_USAGE)
    if not folder.is_dir():
        fail(f"{folder} is no folder: name the one into which the logs are written.", WRONG_USAGE)
    if not seconds:
        fail("--every 0 leaves no time: write it as 10s or 5m.", WRONG_USAGE)
    stop = Event()
    with stopped_by_signals(stop.set):
        follow(Watch(folder, lake_named(lake), seconds, chosen), seconds, stop, print_line)
