"""Numbers as rows for whoever reads them without a page: commands and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from usagecost.periods import WHOLE
from usagecost.queries import folds, ranking
from usagecost.queries.folds import Usage
from usagecost.queries.usage import usage
from usagecost.queries.values import labels
from usagecost.vocabulary import METRICS, SPLITS, measures_of
from usagecost.vocabulary.filters import View


class TooManyRowsError(Exception):
    """An answer has more rows than who asks can take: how many."""


def table(
    view: View, split: str | None, metrics: Sequence[str], *, rank: str | None = None, most_rows: int | None = None
) -> list[dict[str, Any]]:
    """Metrics of a view as one row; as a row an interval of the view, a value of a split, or both, where it has these.

    ``start`` is the first instant of an interval, in its zone. A value stands under the name of the split, None if it is not
    reported; where values have names, that name does, and the id beside it. The first value by ``rank``, by default the first
    metric whose parts add up, comes first, and what is beyond those that are told apart is "Other". A metric of which nothing is
    known is None. Raises TooManyRowsError before there are more than ``most_rows``.
    """
    answer = usage(view, split, measures_of(metrics), rank=rank or _rank(metrics), compares=False)
    if most_rows is not None and len(answer.cells) > most_rows:
        raise TooManyRowsError(len(answer.cells))
    starts = [step.start.astimezone(ZoneInfo(view.period.zone)).isoformat() for step in answer.intervals]
    if split is None:
        sums = [answer.totals] if view.interval == WHOLE else folds.rows(answer.over_time)
        instants = [{}] if view.interval == WHOLE else [{"start": start} for start in starts]
        return [{**start, **_numbers(cell, metrics)} for start, cell in zip(instants, sums, strict=True)]
    names = _names(answer, view, split)
    rows = _in_order(folds.rows(answer.by_value), split)
    if view.interval == WHOLE:
        return [{**names[_key(row)], **_numbers(row, metrics)} for row in rows]
    positions = {_key(row): position for position, row in enumerate(rows)}
    cells = sorted(
        folds.rows(folds.over_time_by_top(answer, answer.by_value)), key=lambda cell: (cell["interval"], positions[_key(cell)])
    )
    return [{"start": starts[cell["interval"]], **names[_key(cell)], **_numbers(cell, metrics)} for cell in cells]


def _rank(metrics: Sequence[str]) -> str:
    return next((name for name in metrics if METRICS[name].is_additive), "requests")


def _names(answer: Usage, view: View, split: str) -> dict[tuple[Any, bool], dict[str, Any]]:
    """Of each value of the split, and of the rest, what a row says of it."""
    rows, lake_labels = folds.rows(answer.by_value), labels(view.lake, view.version, view.scope)
    named_rows = folds.rows(ranking.with_names(answer.by_value, split))
    names = lake_labels.of_all(split, [named_row["value"] for named_row in named_rows if named_row["value"] is not None])
    has_names = lake_labels.has(split, names)
    return {
        _key(row): {
            split: "Other" if row["is_other"] else names.get(named_row["value"]),
            **({f"{split}_id": row["value"]} if has_names else {}),
        }
        for row, named_row in zip(rows, named_rows, strict=True)
    }


def _in_order(rows: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
    """The rows as they are ranked; those of what the clocks show in the order of time."""
    return sorted(rows, key=lambda row: int(row["value"])) if SPLITS[split].order else rows


def _key(row: Mapping[str, Any]) -> tuple[Any, bool]:
    return row["value"], row["is_other"]


def _numbers(sums: Mapping[str, Any], metrics: Sequence[str]) -> dict[str, Any]:
    return {name: METRICS[name].of(sums) for name in metrics}
