"""The page's numbers on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import typer

from usagecost.cli.console import (
    WRONG_USAGE,
    LakeOption,
    ZoneOption,
    asked_days,
    check_zone,
    fail,
    print_facts,
    print_json,
    print_table,
)
from usagecost.cli.explaining import explained, warn_of_missing, write_explained
from usagecost.explain import WORDINGS
from usagecost.exports import csv_text
from usagecost.lake import lake_root
from usagecost.periods import INTERVALS, WHOLE, Period, compared
from usagecost.vocabulary import DIMENSIONS, METRICS, SPLITS, spend_text
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import UNKNOWN

SUMMARY = (
    "requests", "successful", "failed", "success_rate", "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens",
    "cache_write_tokens", "spend_usd", "incomplete_requests", "unpriced_requests", "avg_latency_ms",
)  # fmt: skip
"""The numbers of a summary, in their order; names of metrics."""


SummaryFormat = Literal["table", "json", "csv"]
Comparison = Literal["before", "month", "year"]


def summary(
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option(help="Last day, included, YYYY-MM-DD.")],
    lake: LakeOption = None,
    zone: ZoneOption = "UTC",
    by: Annotated[str | None, typer.Option(help=f"Split by {', '.join((*SPLITS, *INTERVALS))}.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help=f"What to tell instead; repeatable: {', '.join(METRICS)}.")] = None,
    format: Annotated[SummaryFormat, typer.Option(help="How to write it.")] = "table",  # noqa: A002
    explain: Annotated[bool, typer.Option("--explain", help="Tell why it changed: the page Why.")] = False,
    compare: Annotated[Comparison, typer.Option(help="With what it is compared, with --explain.")] = "before",
) -> None:
    """The Usage and cost page's numbers for a range of days, by the page's own questions.

    Numbers are null where nothing is known. With --by, one row per value, or per interval with its first instant. Where teams,
    users or keys have names, these stand first and the ids beside them. With --explain, why spend, or the --metric, is not what
    it was in as many days before, or a month or a year earlier: a sentence, and what each reason, or with --by each value, made.
    """
    first, last = asked_days(start, end)
    check_zone(zone)
    if by is not None and by not in (*SPLITS, *INTERVALS):
        fail(f"--by {by} is no split: use one of {', '.join((*SPLITS, *INTERVALS))}.", WRONG_USAGE)
    if unknown := [name for name in metric or () if name not in METRICS]:
        fail(f"--metric {unknown[0]} is no metric: use one of {', '.join(METRICS)}.", WRONG_USAGE)
    if explain:
        _explain(lake or lake_root(), Period(first, last, zone, datetime.now(UTC)), compare, by, metric, format)
        return
    rows = summary_rows(lake or lake_root(), first, last, zone, by, _with_coverage(metric or SUMMARY, format), _rank(metric))
    _write_rows(rows if by else rows[:1], format, single=by is None)


def _explain(
    lake: str,
    period: Period,
    compare: Comparison,
    by: str | None,
    metrics: Sequence[str] | None,
    format: SummaryFormat,  # noqa: A002 - the option's name
) -> None:
    """Writes why a metric changed; ends the command where that cannot be told."""
    from usagecost import engine
    from usagecost.vocabulary.filters import View

    metric = metrics[0] if metrics else "spend_usd"
    if metric not in WORDINGS or len(metrics or ()) > 1:
        fail(f"--explain explains one metric: use --metric with one of {', '.join(WORDINGS)}.", WRONG_USAGE)
    if by is not None and by not in DIMENSIONS:
        fail(f"--explain cannot split by {by}: use --by with one of {', '.join(DIMENSIONS)}.", WRONG_USAGE)
    view = View(lake, engine.open_lake(lake).version(), compared(period, compare), WHOLE, "best")
    answer = explained(view, metric, by)
    if answer is None:
        fail(f"{metric} cannot be compared: in one of the periods nothing is known of it.")
    warn_of_missing(view)
    write_explained(answer, format)


def summary_rows(
    lake: str, first: date, last: date, zone: str, by: str | None, metrics: Sequence[str] = SUMMARY, rank: str = "spend_usd"
) -> list[dict[str, Any]]:
    """One row for the range, or one per interval, or per value of a split, the first by ``rank`` first; None: nothing is known."""
    from usagecost import engine
    from usagecost.queries.tables import table
    from usagecost.vocabulary.filters import View

    interval = by if by in INTERVALS else WHOLE
    view = View(lake, engine.open_lake(lake).version(), Period(first, last, zone, datetime.now(UTC)), interval, "best")
    rows = table(view, by if by in SPLITS else None, metrics, rank=rank)
    return [{str(by) if name == "start" else name: value for name, value in row.items()} for row in rows]


def _rank(names: Sequence[str] | None) -> str:
    """What values are ordered by: the first metric asked for, if its parts add up to the whole."""
    if not names:
        return "spend_usd"
    return names[0] if METRICS[names[0]].is_additive else "requests"


def _with_coverage(metrics: Sequence[str], format: SummaryFormat) -> tuple[str, ...]:  # noqa: A002 - the option's name
    """The metrics, each once; beside a spend, how much is missing from it: requests and, but for the keys of JSON, tokens."""
    missing = ["incomplete_requests"] if format == "json" else ["incomplete_requests", "incomplete_tokens"]
    return tuple(dict.fromkeys([*metrics, *(missing if "spend_usd" in metrics else [])]))


def _write_rows(rows: list[dict[str, Any]], format: SummaryFormat, *, single: bool) -> None:  # noqa: A002 - the option's name
    if format == "json":
        print_json(rows[0] if single else rows, float)
        return
    names = list(rows[0]) if rows else list(SUMMARY)
    if format == "csv":
        import pandas as pd

        typer.echo(csv_text(pd.DataFrame(rows, columns=names, dtype=object)), nl=False)
        return
    if single:
        print_facts("", {name: _text(name, value, rows[0]) for name, value in rows[0].items()})
        return
    labels = [name.replace("_", " ") for name in names]
    numbers = [label for label, name in zip(labels[1:], names[1:], strict=True) if name in METRICS]
    print_table(labels, [[_text(name, value, row) for name, value in row.items()] for row in rows], numbers=numbers, folds=numbers)


def _text(name: str, value: Any, row: dict[str, Any]) -> str:
    """A number as people say it; a spend that leaves something out carries its mark."""
    if name not in METRICS:
        return (UNKNOWN if name.endswith("_id") else NOT_REPORTED) if value is None else value
    return spend_text(row) if name == "spend_usd" else METRICS[name].format(value)
