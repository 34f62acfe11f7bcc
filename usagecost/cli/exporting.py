"""The requests themselves as a file, or what they cost as FOCUS rows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer
from rich.progress import Progress

from usagecost.cli.console import (
    WRONG_USAGE,
    FilterOption,
    LakeOption,
    ZoneOption,
    asked_days,
    asked_filter,
    check_zone,
    err,
    fail,
    out,
)
from usagecost.exporting import FORMS
from usagecost.lake import lake_root
from usagecost.periods import Period
from usagecost.vocabulary.filters import Filters, View
from usagecost.vocabulary.formats import counted
from usagecost.vocabulary.labels import Labels

if TYPE_CHECKING:
    from usagecost.bills import FocusForm


def export(
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option(help="Last day, included, YYYY-MM-DD.")],
    file: Annotated[Path, typer.Option("--output", "-o", help="The file to write; .csv, .parquet or .jsonl says its format.")],
    chosen: FilterOption = None,
    focus: Annotated[
        Literal["1.2", "1.4"] | None, typer.Option(help="Write what they cost as rows of this version of FOCUS, by days of UTC.")
    ] = None,
    lake: LakeOption = None,
    zone: ZoneOption = "UTC",
) -> None:
    """Write the requests of a range of days to one file, the newest first: CSV, Parquet or JSON lines.

    All columns of the record, and spend_usd, what each request cost, reported else at list price: its sum is that of `summary`.
    With --focus, what they cost for finance, as CSV or Parquet: a row for each day, kind of tokens, account, model, team, user,
    key and app; and, without a --filter, the taxes and credits of loaded bills, and what closed months of the --zone correct of
    earlier ones.
    """
    from usagecost import engine
    from usagecost.bills import FOCUS_FORMS, write_focus
    from usagecost.exporting import write_requests

    form = file.suffix.removeprefix(".")
    forms = FOCUS_FORMS if focus else FORMS
    if form not in forms:
        fail(f"{file.name} says no format: end it in .{', .'.join(forms)}.", WRONG_USAGE)
    days = asked_days(start, end)
    check_zone(zone)
    period = Period(*days, "UTC" if focus else zone, datetime.now(UTC), is_alone=True)
    conditions = [asked_filter(text) for text in chosen or ()]
    root, what, unpriced = lake or lake_root(), "FOCUS row" if focus else "request", 0
    try:
        labels = Labels.of_names(engine.open_lake(root).rows("names"))
        filters = Filters(labels.conditions(conditions))
        with Progress(console=err, transient=True) as bar:
            task = bar.add_task(f"Writing {what}s", total=1.0)
            view = View(root, engine.open_lake(root).version(), period, "period", "best", filters)

            def progress(share: float) -> None:
                bar.update(task, completed=share)

            if focus:
                rows, unpriced = write_focus(view, focus, file, cast("FocusForm", form), progress, zone)
            else:
                rows = write_requests(view, file, form, progress)
    except OSError as problem:
        fail(str(problem))
    out.print(f"{counted(rows, what)} written to {file}")
    if unpriced:
        err.print(f"{counted(unpriced, what)} without a cost, which FOCUS wants: set prices, see `prices`.")
