"""What the commands share: where they print, how they name the lake, how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from usagecost.audit import COMMAND, Entry, Kind, operator, recorded
from usagecost.lake import Lake, lake_root
from usagecost.periods import known_zones
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import exact_count

READ, NOTHING_READ, WRONG_USAGE = 0, 1, 2
"""Exit statuses: something was done, nothing could be, the command was not understood."""

WIDE_TABLE = 170

COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys instead of showing them: controls but for tab and line feed, and those that turn text around."""


def visible(text: str) -> str:
    r"""Returns the text with escapes in place of what a terminal would obey: ``\x1b``, ``\u202e``."""
    return COMMANDING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def cell(text: str) -> Text:
    """Returns a table's cell that shows a text as it is and is as wide as what it shows."""
    return Text(visible(text))


class Terminal(Console):
    """A console on which text of logs is text: it prints nothing that a terminal obeys but its own colours."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


out, err = (Terminal(stderr=is_err, soft_wrap=True, markup=False, highlight=False) for is_err in (False, True))

LakeOption = Annotated[
    str | None,
    typer.Option("--lake", help="The lake's folder, or s3://, gs:// or az:// URL. Default: USAGECOST_LAKE, else data/lake."),
]

ZoneOption = Annotated[str, typer.Option("--zone", help="The reporting time zone, an IANA name.", envvar="USAGECOST_ZONE")]
FilterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        help=f"dimension=value, can be repeated: {', '.join(DIMENSIONS)}. A value can be {NOT_REPORTED}, "
        "that of a team, user or key its name; two of one dimension mean either.",
    ),
]
DAY = ["%Y-%m-%d"]
"""The form of an option that is a day."""

ReportFormat = Literal["text", "json"]
"""How a command reports what it did."""
ReportOption = Annotated[ReportFormat, typer.Option("--report", help="How to report what was done.")]


def lake_named(lake: str | None) -> Lake:
    """The lake of the option, else of the setting; raises LakeError where that can be none."""
    return Lake(lake or lake_root())


@contextmanager
def recording(
    lake: Lake, act: Kind, what: str, before: str | None = None, why: str | None = None, *, makes_table: bool = False
) -> Generator[Entry]:
    """Records in the lake's audit log what a command does, however it ends; where there is no lake, as its name may be mistyped,
    only if it ``makes_table``.
    """
    with recorded(lake, Entry(operator(), COMMAND, act, what, before, why=why or None), makes_table=makes_table) as entry:
        yield entry


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
        table.add_row(name.replace("_", " "), cell(value))
    on.print(table)


def print_table(
    headings: Sequence[str], rows: Iterable[Iterable[object]], *, numbers: Collection[str] = (), folds: Collection[str] = ()
) -> None:
    """Prints rows as a table that may be wider than the terminal: ``numbers`` are columns to the right, ``folds`` those that may
    take several lines.
    """
    table = Table(box=None, header_style="bold")
    for name in headings:
        justify, overflow = ("right", "ellipsis") if name in numbers else ("left", "fold" if name in folds else "ellipsis")
        table.add_column(name, justify=justify, no_wrap=name not in folds, overflow=overflow)
    for row in rows:
        table.add_row(*(cell(str(value)) for value in row))
    Terminal(width=max(out.width, WIDE_TABLE), markup=False).print(table)


def print_line(line: str) -> None:
    """Prints a line at once, also where a service's log is what reads it."""
    typer.echo(visible(line))


def print_json(content: Any, default: Callable[[Any], Any] | None = None) -> None:
    """Prints JSON. What a terminal would obey is written in JSON's own escapes, so it reads back exactly."""
    typer.echo(COMMANDING.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(content, default=default, ensure_ascii=False)))


def check_zone(zone: str) -> None:
    """Ends a command whose ``--zone`` is none."""
    if zone not in known_zones():
        fail(f"--zone {zone} is no time zone: use an IANA name such as Europe/Berlin.", WRONG_USAGE)


def asked_filter(text: str, option: str = "--filter") -> tuple[str, str]:
    """The dimension and the value of a ``--filter``, or another option; ends the command where it is none."""
    name, equals, value = text.partition("=")
    if not equals or name not in DIMENSIONS:
        fail(f"{option} {text} is no filter: write dimension=value, with one of {', '.join(DIMENSIONS)}.", WRONG_USAGE)
    return name, value


def asked_days(start: str, end: str) -> tuple[date, date]:
    """The first and the last day of ``--start`` and ``--end``; ends the command where they are none."""
    first, last = day_of(start, "--start"), day_of(end, "--end")
    if last < first:
        fail(f"--end {last} lies before --start {first}: exchange them.", WRONG_USAGE)
    return first, last


def day_of(text: str, option: str) -> date:
    """The day that an option names; ends a command where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text} is no day: write it as 2026-11-23.", WRONG_USAGE)


def fail(sentence: str, status: int = NOTHING_READ) -> NoReturn:
    """Says what is wrong, and ends."""
    err.print(sentence)
    raise typer.Exit(status)
