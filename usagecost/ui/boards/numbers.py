"""The numbers of a panel in rows: its table with totals, and its download."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost.boards import Answer, Panel
from usagecost.boards.words import alt_of
from usagecost.queries import folds
from usagecost.ui.blocks import table
from usagecost.ui.boards.drawings import bins
from usagecost.ui.figures import COLUMN_FORMATS
from usagecost.ui.labels import named
from usagecost.ui.spend import spend_columns
from usagecost.vocabulary import HOURS, SPLITS, WEEKDAYS

SPEND_PLACES = 2
TOTAL = "Total"


def table_of(panel: Panel, answer: Answer, name: str) -> None:
    """The table with its totals as the last row: of the whole, not the sum of the rows where those do not add up."""
    rows, question = numbers_of(panel, answer), answer.question
    first, names = rows.columns[0], [metric.name for metric in question.metrics]
    if question.split is None:
        rows[first] = [step.label for step in answer.steps]
    total = pd.DataFrame([answer.totals]).convert_dtypes()
    shown = pd.concat([rows, pd.DataFrame({first: [TOTAL], **folds.numbers(total, names)})], ignore_index=True)
    columns: dict[str, Any] = {first: st.column_config.TextColumn(_first_label(answer), width="medium")}
    if (of_ids := f"{first}_id") in rows:
        columns[of_ids] = st.column_config.TextColumn(f"{_first_label(answer)} id", width="small")
    for metric in question.metrics:
        columns[metric.name] = st.column_config.NumberColumn(metric.label, format=COLUMN_FORMATS[metric.format], help=metric.help)
    has_spend = "spend_usd" in names
    if has_spend:
        columns |= {
            name: column for name, column in spend_columns(shown, SPEND_PLACES).items() if name in (folds.AT_LEAST, "spend_usd")
        }
    table(shown, name=name, columns=columns, alt_text=alt_of(panel), spend_places=SPEND_PLACES if has_spend else None)


def numbers_of(panel: Panel, answer: Answer) -> pd.DataFrame:
    """What is drawn, in full: one row per interval, value, bin or point."""
    question = answer.question
    if panel.chart == "histogram":
        return bins(answer)
    if panel.chart == "scatter":
        x, y = panel.metrics
        points = answer.sample[["x", "y"]].rename(columns={"x": x, "y": y})
        if not question.split:
            return points
        values = named(answer.sample.assign(is_other=False), question.view, question.split)
        return points.assign(**folds.names_and_ids(values, question.split))
    if panel.chart == "heatmap":
        hours = answer.by_value["value"].astype(int)
        week = pd.DataFrame({"weekday": [WEEKDAYS[i // 24] for i in hours], "hour": [HOURS[i % 24] for i in hours]})
        return week.assign(**_metrics(answer, answer.by_value))
    starts = [step.start.astimezone(ZoneInfo(question.view.period.zone)).isoformat() for step in answer.steps]
    if question.split is None:
        return pd.DataFrame({"interval_start": starts, **_metrics(answer, answer.over_time)})
    if len(answer.cells) and panel.chart not in ("ranked", "table"):
        cells = named(answer.cells, question.view, question.split).sort_values(["interval", "name"], ignore_index=True)
        of_cells = [starts[place] for place in cells["interval"]]
        names = folds.names_and_ids(cells, question.split)
        return pd.DataFrame({"interval_start": of_cells, **names, **_metrics(answer, cells)})
    values = named(answer.by_value, question.view, question.split, SPLITS[question.split].plural)
    return pd.DataFrame({**folds.names_and_ids(values, question.split), **_metrics(answer, values)})


def _metrics(answer: Answer, frame: pd.DataFrame) -> dict[str, pd.Series]:
    """The panel's metrics in full; beside a spend, how much of it is known."""
    return folds.numbers(frame.reset_index(drop=True), [metric.name for metric in answer.question.metrics])


def _first_label(answer: Answer) -> str:
    split = answer.question.split
    return SPLITS[split].label if split else f"{answer.question.interval.capitalize()} · {answer.question.view.period.zone}"
