"""Where the spend of the running month, quarter or year ends, on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from usagecost.cli.console import WRONG_USAGE, LakeOption, ZoneOption, check_zone, fail, print_json, print_table
from usagecost.lake import lake_root
from usagecost.vocabulary import DIMENSIONS, formats
from usagecost.vocabulary.filters import NOT_REPORTED

TOTAL = "Total"


def forecast(
    lake: LakeOption = None,
    until: Annotated[Literal["month", "quarter", "year"], typer.Option(help="What is forecast to its end.")] = "month",
    by: Annotated[str | None, typer.Option(help=f"Also each value of {', '.join(DIMENSIONS)}.")] = None,
    top: Annotated[int, typer.Option(help="How many values, those first that cost the most so far.")] = 25,
    zone: ZoneOption = "UTC",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Where the spend of the running month, quarter or year ends, and how good the same rule was in the periods before.

    The margin covers about 8 in 10 cases. Values are forecast by themselves, so they need not add up to the total.
    """
    check_zone(zone)
    if by is not None and by not in DIMENSIONS:
        fail(f"--by {by} is no split: use one of {', '.join(DIMENSIONS)}.", WRONG_USAGE)
    rows = forecast_rows(lake or lake_root(), until, by, top, zone, datetime.now(UTC))
    if as_json:
        print_json(rows, float)
        return
    cells = []
    for row in rows:
        mark = f"≥{formats.GAP}" if row["spend_is_at_least"] else ""
        so_far, expected, before = (
            formats.UNKNOWN if row[name] is None else f"{mark}{formats.usd(row[name])}"
            for name in ("so_far_usd", "forecast_usd", "before_usd")
        )
        amounts = so_far, expected, formats.usd(row["margin_usd"]), before
        cells.append((row["name"], *amounts, formats.percent(row["error"]), row["method"]))
    numbers = ("so far", "forecast", "margin", f"last {until}", "largest error")
    print_table((by or "", *numbers, "method"), cells, numbers=numbers, folds=(by or "", "method"))


def forecast_rows(lake: str, until: str, by: str | None, top: int, zone: str, now: datetime) -> list[dict[str, Any]]:
    """One row a value, and the total last: its ``name`` and `queries.forecasts.forecast_row`."""
    from usagecost import engine, queries
    from usagecost.periods import Period
    from usagecost.queries.forecasts import as_of_today, forecast_row, history, outlook, outlooks
    from usagecost.vocabulary.filters import View

    view = View(lake, engine.open_lake(lake).version(), Period(now.date(), now.date(), zone, now), "day", "best")
    today = as_of_today(view)
    values = outlooks(history(today, until, by), until, top) if by else []
    names = queries.labels(lake, view.version, view.scope).of_all(by, [one.value for one in values if one.value is not None])
    rows = [{"name": NOT_REPORTED if one.value is None else names[one.value], **forecast_row(one)} for one in values]
    return [*rows, {"name": TOTAL, **forecast_row(outlook(history(today, until), until))}]
