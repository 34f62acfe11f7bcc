"""The command line's parts: one file per group of commands. A new command is a function, named in COMMANDS."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from usagecost.cli.access import access, audit
from usagecost.cli.alerting import alerts
from usagecost.cli.billing import bill
from usagecost.cli.closing import close
from usagecost.cli.console import NOTHING_READ, fail
from usagecost.cli.exporting import export
from usagecost.cli.feeds import receive, sync, watch
from usagecost.cli.forecasting import forecast
from usagecost.cli.loading import ingest
from usagecost.cli.prices import prices, reprice, repricings
from usagecost.cli.removing import ingests, remove
from usagecost.cli.reporting import report
from usagecost.cli.serving import mcp, serve, token
from usagecost.cli.summaries import summary
from usagecost.cli.upkeep import backup, columns, doctor, restore, sample, upgrade
from usagecost.engine import UnansweredError
from usagecost.lake import LakeError
from usagecost.toml_lines import TomlProblem

COMMANDS = (
    ingest,
    watch,
    sync,
    receive,
    ingests,
    remove,
    summary,
    forecast,
    export,
    prices,
    reprice,
    repricings,
    alerts,
    bill,
    report,
    close,
    serve,
    token,
    mcp,
    access,
    audit,
    sample,
    doctor,
    upgrade,
    backup,
    restore,
    columns,
)
"""In the order in which the help lists them; a function's name is its command's."""


class _Commands(TyperGroup):
    """Ends a command with a sentence where the lake, the engine, or a file that people write is in its way."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (LakeError, UnansweredError, TomlProblem) as problem:
            fail(str(problem))


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Usage & Cost of AI traffic: turns the logs that gateways and agents write into requests, tokens, spend and latency.",
)
for _command in COMMANDS:
    app.command()(_command)
