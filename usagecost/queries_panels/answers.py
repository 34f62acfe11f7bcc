"""The numbers of a panel, put together from what was asked: totals, a course over time, values, values over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from usagecost import folds
from usagecost.folds import Usage
from usagecost.metrics import COUNTS, METRICS, SPLITS, Sums
from usagecost.periods import Interval
from usagecost.queries_panels.question import Question
from usagecost.queries_panels.scope import HOUR_OF_WEEK

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """Measures, in columns of their names; a panel's metrics are made of them.

    ``totals``: of the period; ``before``: of the one before, where a panel compares. ``over_time``: one row per interval, in order.
    ``by_value``: one row per named value of the split in the order they are shown, then the rest (``is_other``), which stands for
    ``merged`` values. ``cells``: one row per interval (its place) and row of ``by_value``, absent where nothing was sent.
    ``spread``, ``sample``: see `single`. What a panel's chart does not show is empty.
    """

    question: Question
    steps: tuple[Interval, ...]
    totals: Sums
    before: Sums | None
    over_time: pd.DataFrame
    by_value: pd.DataFrame
    cells: pd.DataFrame
    spread: pd.DataFrame
    sample: pd.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw: no requests or, where they were not counted, nothing known of the metrics."""
        if len(self.spread) or len(self.sample):
            return False
        if self.totals.get("requests") is not None:
            return not self.totals["requests"]
        names = [name for metric in self.question.metrics for name in metric.terms]
        shown = (self.over_time, self.by_value, self.cells)
        drawn = any(bool(frame[name].notna().any()) for frame in shown for name in names if name in frame and name not in COUNTS)
        counted = any(bool((frame[name] > 0).any()) for frame in shown for name in names if name in frame and name in COUNTS)
        return not (drawn or counted or any(self.totals.get(name) for name in names))


def answer_of(question: Question, found: Mapping[str, pa.Table]) -> Answer:
    """The panel's numbers, from the answers to its needs."""
    nothing = pd.DataFrame()
    if "spread" in found or "sample" in found:
        single = {name: folds.frame(found[name]) if name in found else nothing for name in ("spread", "sample")}
        return Answer(question, question.steps, {}, None, nothing, nothing, nothing, **single)
    sums = _of_sums(question, found) if "sums" in found else None
    rows = _of_rows(question, found) if "unfolded" in found else None
    part = _beside(sums, rows) if sums and rows else sums or rows or NO_PART
    by_value, cells = _ordered(question, part.by_value), _with_names(question, part.cells)
    return Answer(question, question.steps, part.totals, part.before, part.over_time, by_value, cells, nothing, nothing)


@dataclass(frozen=True)
class Part:
    """The numbers of an answer that come from one kind of need."""

    totals: Sums
    before: Sums | None
    over_time: pd.DataFrame
    by_value: pd.DataFrame
    cells: pd.DataFrame


NO_PART = Part({}, None, pd.DataFrame(), pd.DataFrame(), pd.DataFrame())


def _of_sums(question: Question, found: Mapping[str, pa.Table]) -> Part:
    table = found["sums"]
    parts = pc.max(table["parts"]).as_py() or 0
    usage = Usage(question.steps, _placed(question, table.drop_columns("parts")), None)
    whole = folds.totals(found["whole"].drop_columns("parts")) if "whole" in found else usage.totals
    before = folds.totals(found["before"]) if "before" in found else None
    if question.split is None:
        return Part(whole, before, usage.over_time, pd.DataFrame(), pd.DataFrame())
    ranked = folds.folded(usage.cells, ["value", "is_other"])
    amount = pa.array(METRICS[question.rank].column(folds.frame(ranked)))
    order = [("is_other", "ascending"), ("amount", "descending"), ("requests", "descending"), ("value", "ascending")]
    ranked = ranked.append_column("amount", amount).sort_by(order).drop_columns("amount")
    top = folds.top_values(folds.frame(ranked), question.top)
    named = int((~top["is_other"]).sum())
    top["merged"] = [parts - named if is_other else 1 for is_other in top["is_other"]]
    return Part(whole, before, usage.over_time, top, folds.over_time_by_top(usage, top))


def _of_rows(question: Question, found: Mapping[str, pa.Table]) -> Part:
    table = found["unfolded"]
    groups = {
        name: table.filter(pc.field("grouping") == name).drop_columns("grouping") for name in ("whole", "time", "value", "both")
    }
    whole = found.get("unfolded_whole", groups["whole"])
    over_time = folds.frame(_placed(question, groups["time"])).set_index("interval").reindex(range(len(question.steps)))
    over_time = over_time.drop(columns=["value", "is_other"]).reset_index(drop=True)
    by_value = folds.frame(groups["value"].drop_columns("number")).assign(merged=1)
    counts = {name: over_time[name].fillna(0) for name in question.unfolded if name in COUNTS}
    before = _first(found["unfolded_before"], question) if "unfolded_before" in found else None
    return Part(
        _first(whole, question), before, over_time.assign(**counts), by_value, folds.frame(_placed(question, groups["both"]))
    )


def _first(table: pa.Table, question: Question) -> dict[str, Any]:
    """The measures of the only row; of no rows, counts are 0 and the rest is not known."""
    row = table.to_pylist()[0] if len(table) else {}
    return {name: row.get(name, 0 if name in COUNTS else None) for name in question.unfolded}


def _placed(question: Question, table: pa.Table) -> pa.Table:
    """The table with the place of its interval instead of its number."""
    places = question.scope.places(question.interval)
    interval = pa.array([places.get(number) for number in table["number"].to_pylist()], pa.int64())
    return table.drop_columns("number").append_column("interval", interval)


def _beside(sums: Part, rows: Part) -> Part:
    """Both parts' measures side by side. Only one of them has cells: what is split over time has one metric."""
    before = {**sums.before, **rows.before} if sums.before is not None and rows.before is not None else None
    over_time = pd.concat([sums.over_time, rows.over_time], axis=1)
    cells = sums.cells if len(sums.cells) else rows.cells
    return Part({**sums.totals, **rows.totals}, before, over_time, _joined(sums.by_value, rows.by_value), cells)


def _joined(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """The values of the left with the measures that the right knows of them; "not reported" is a value too."""
    if not len(left) or not len(right):
        return left
    places = {_key(row): place for place, row in enumerate(folds.rows(right))}
    taken = right.iloc[[places[_key(row)] for row in folds.rows(left)]].reset_index(drop=True)
    return pd.concat([left, taken.drop(columns=["value", "is_other", "merged"])], axis=1)


def _key(row: Mapping[str, Any]) -> Key:
    return row["value"], row["is_other"]


def _ordered(question: Question, by_value: pd.DataFrame) -> pd.DataFrame:
    """The values as they are shown: in an order of their own, else by the first metric; the rest comes last."""
    if not len(by_value) or question.split is None:
        return by_value
    if question.split == HOUR_OF_WEEK:
        return by_value.sort_values("value", key=lambda values: values.astype(int), ignore_index=True)
    if SPLITS[question.split].order:
        return _with_names(question, by_value.sort_values("value", key=lambda values: values.astype(int), ignore_index=True))
    amount = question.metrics[0].column(by_value).astype(float)
    by_value = by_value.assign(amount=amount).sort_values(["is_other", "amount"], ascending=[True, False], kind="stable")
    return by_value.drop(columns="amount").reset_index(drop=True)


def _with_names(question: Question, values: pd.DataFrame) -> pd.DataFrame:
    """The frame with names for the numbers of a split that is in an order of its own."""
    order = SPLITS[question.split].order if question.split in SPLITS else ()
    return values.assign(value=[order[int(value)] for value in values["value"]]) if order and len(values) else values
