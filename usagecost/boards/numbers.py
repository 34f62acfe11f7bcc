"""The numbers of a panel in rows: what its table shows, and its download has in full."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pandas as pd

from usagecost.boards.answers import Answer
from usagecost.boards.drawings import bins
from usagecost.boards.panel import Panel
from usagecost.charts import with_names
from usagecost.queries import folds
from usagecost.vocabulary import HOURS, SPLITS, WEEKDAYS
from usagecost.vocabulary.labels import Labels

TOTAL = "Total"


def table_rows(panel: Panel, answer: Answer, labels: Labels) -> pd.DataFrame:
    """The rows of a panel that is a table, with its totals as the last: of the whole, not the sum of rows that do not add up."""
    rows, question = numbers_of(panel, answer, labels), answer.question
    first, names = rows.columns[0], [metric.name for metric in question.metrics]
    if question.split is None:
        rows[first] = [step.label for step in answer.steps]
    total = pd.DataFrame([answer.totals]).convert_dtypes()
    return pd.concat([rows, pd.DataFrame({first: [TOTAL], **folds.numbers(total, names)})], ignore_index=True)


def first_label(answer: Answer) -> str:
    """What the first column of a panel's table is called."""
    split = answer.question.split
    return SPLITS[split].label if split else f"{answer.question.interval.capitalize()} · {answer.question.view.period.zone}"


def numbers_of(panel: Panel, answer: Answer, labels: Labels) -> pd.DataFrame:
    """What is drawn, in full: one row per interval, value, bin or point."""
    question = answer.question
    if panel.chart == "histogram":
        return bins(answer)
    if panel.chart == "scatter":
        x, y = panel.metrics
        points = answer.sample[["x", "y"]].rename(columns={"x": x, "y": y})
        if not question.split:
            return points
        values = with_names(answer.sample.assign(is_other=False), labels, question.split)
        return points.assign(**folds.names_and_ids(values, question.split))
    if panel.chart == "heatmap":
        hours = answer.by_value["value"].astype(int)
        week = pd.DataFrame({"weekday": [WEEKDAYS[i // 24] for i in hours], "hour": [HOURS[i % 24] for i in hours]})
        return week.assign(**_metrics(answer, answer.by_value))
    starts = [step.start.astimezone(ZoneInfo(question.view.period.zone)).isoformat() for step in answer.steps]
    if question.split is None:
        return pd.DataFrame({"interval_start": starts, **_metrics(answer, answer.over_time)})
    if len(answer.cells) and panel.chart not in ("ranked", "table"):
        cells = with_names(answer.cells, labels, question.split).sort_values(["interval", "name"], ignore_index=True)
        of_cells = [starts[place] for place in cells["interval"]]
        names = folds.names_and_ids(cells, question.split)
        return pd.DataFrame({"interval_start": of_cells, **names, **_metrics(answer, cells)})
    values = with_names(answer.by_value, labels, question.split, SPLITS[question.split].plural)
    return pd.DataFrame({**folds.names_and_ids(values, question.split), **_metrics(answer, values)})


def _metrics(answer: Answer, frame: pd.DataFrame) -> dict[str, pd.Series]:
    """The panel's metrics in full; beside a spend, how much of it is known."""
    return folds.numbers(frame.reset_index(drop=True), [metric.name for metric in answer.question.metrics])
