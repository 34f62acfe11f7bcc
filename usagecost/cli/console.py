"""What the commands share: where they print, how they name the lake, how they end."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from usagecost.formats import exact_count

READ, NOTHING_READ, WRONG_USAGE = 0, 1, 2
"""Exit statuses: something was done, nothing could be, the command was not understood."""

WIDE_TABLE = 170

out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

LakeOption = Annotated[
    str | None,
    typer.Option("--lake", help="The lake's folder, or s3://, gs:// or az:// URL. Default: USAGECOST_LAKE, else data/lake."),
]


class ReportFormat(StrEnum):
    """How a command reports what it did."""

    text = "text"
    json = "json"


def print_counts(title: str, counts: dict[str, Any]) -> None:
    """The counts of a report, one a line; counts by reason below their name."""
    facts: dict[str, str] = {}
    for name, value in counts.items():
        if isinstance(value, dict):
            facts |= {f"  {reason}": exact_count(count) for reason, count in value.items()}
        else:
            facts[name] = f"{value:.1f}" if isinstance(value, float) else exact_count(value)
    print_facts(title, facts)


def print_facts(title: str, facts: dict[str, str], on: Console = out) -> None:
    """One fact a line, name and value."""
    table = Table(title=title or None, title_justify="left", show_header=False, box=None)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), Text(value))
    on.print(table)


def fail(sentence: str, status: int) -> NoReturn:
    """Says what is wrong, and ends."""
    err.print(sentence, markup=False, highlight=False)
    raise typer.Exit(status)
