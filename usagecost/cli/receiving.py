"""Receiving traces from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usagecost.cli.console import NOTHING_READ, LakeOption, fail, lake_named, out


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
    """Receive OpenTelemetry traces over HTTP: set OTEL_EXPORTER_OTLP_ENDPOINT to http://127.0.0.1:4318 in what sends them.

    What is acknowledged is on disk; it is in the lake some seconds later. Prompts and answers are not kept. Ends on Ctrl-C or
    SIGTERM, once all that was accepted is in the lake.
    """
    from usagecost.receive.server import CannotReceive
    from usagecost.receive.server import receive as listen

    try:
        listen(lake_named(lake), host=host, port=port, token=token, every=every, spool=spool, say=_say)
    except CannotReceive as problem:
        fail(str(problem), NOTHING_READ)


def _say(line: str) -> None:
    out.print(line, markup=False, highlight=False)
