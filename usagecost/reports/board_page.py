"""A board as sections of a report: one a panel, in their order. One that cannot be answered says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from usagecost.boards import Answer, Board, Panel, answer
from usagecost.boards.drawings import about, drawing_of, first_label, left_out, table_rows
from usagecost.boards.panel import alt_of, title_of
from usagecost.engine import UnansweredError
from usagecost.queries import folds
from usagecost.reports.content import Cards, Part, Picture, Section, Table
from usagecost.vocabulary import METRICS, spend_text
from usagecost.vocabulary.cards import card_of
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.labels import Labels

MOST_ROWS = 25
"""Rows of a table in a report; the page has all of them."""


def sections(board: Board, view: View, labels: Labels, lack: str | None) -> Iterator[Section]:
    """Yields a section a panel. ``lack``: what the comparison lacks, in words; then nothing is compared."""
    for panel in board.panel:
        yield _section(panel, view, labels, lack)


def _section(panel: Panel, view: View, labels: Labels, lack: str | None) -> Section:
    try:
        answered = answer(panel, view)
    except UnansweredError as problem:
        return Section(title_of(panel), [str(problem)])
    if answered.is_empty:
        return Section(title_of(panel), ["No requests in this period."], about(panel, answered, labels))
    notes = [*about(panel, answered, labels), *left_out(answered, lack)]
    part, more = _part(panel, answered, labels, lack)
    return Section(title_of(panel), [part], [*notes, *more])


def _part(panel: Panel, answered: Answer, labels: Labels, lack: str | None) -> tuple[Part, list[str]]:
    """What the panel shows, and a note on what is not shown of it."""
    if panel.chart == "number":
        before = None if lack else answered.before
        return Cards([card_of(metric, answered.totals, before) for metric in answered.question.metrics]), []
    if panel.chart == "table":
        return _table(panel, answered, labels)
    return Picture(drawing_of(panel, answered, labels), alt_of(panel)), []


def _table(panel: Panel, answered: Answer, labels: Labels) -> tuple[Table, list[str]]:
    rows = table_rows(panel, answered, labels)
    first, names = str(rows.columns[0]), [metric.name for metric in answered.question.metrics]
    *values, total = folds.rows(rows.astype({first: "string"}))
    cells = [[row[first], *(_text(name, row) for name in names)] for row in (*values[:MOST_ROWS], total)]
    more_rows = len(values) - MOST_ROWS
    headings = [first_label(answered), *(METRICS[name].label for name in names)]
    return Table(headings, cells), [f"{more_rows} more rows are on the page."] if more_rows > 0 else []


def _text(name: str, row: Mapping[str, Any]) -> str:
    value = None if pd.isna(row[name]) else row[name]
    return spend_text(row) if name == "spend_usd" else METRICS[name].format(value)
