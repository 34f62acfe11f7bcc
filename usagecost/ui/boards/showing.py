"""Panels on a page, in rows of six parts: each asked, drawn, with what belongs beside it. One that fails says why and leaves the
others alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from usagecost.boards import Answer, Panel, answer
from usagecost.boards.answers import OVER_TIME, question_of
from usagecost.boards.drawings import about, drawing_of, first_label, left_out, missing, numbers_of, table_rows
from usagecost.boards.panel import alt_of, help_of, title_of
from usagecost.charts import Drawing
from usagecost.engine import UnansweredError
from usagecost.lake import LakeError
from usagecost.queries import folds
from usagecost.ui.answers import problem_text
from usagecost.ui.blocks import draw, figures, heading, make_once, table
from usagecost.ui.cards import card, course_of
from usagecost.ui.downloads import Numbers
from usagecost.ui.labels import labels_of
from usagecost.ui.marks import before, budget_levels, marks, shortage, with_budgets
from usagecost.ui.memory import cached_answer, is_cached
from usagecost.ui.tables import COLUMN_FORMATS, note_with_link, spend_columns
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View

NO_REQUESTS = "No requests in this period: choose a longer one, or fewer filters."
CARD_WIDTH = 140
NUMBER_HEIGHT, DRAWING_HEIGHT = 138, 325
"""Pixels that a panel takes, about, so that little moves when it comes, and one without data is as high."""
WIDTHS = {"third": 2, "half": 3, "full": 6}
"""Of six parts of a row."""
ROW = 6
SPEND_PLACES = 2


def show_all(panels: Sequence[Panel], view: View, name: str) -> None:
    """All panels of a board in their places, each as soon as it is answered; until then its title over an empty box.

    That the comparison of the page's range is incomplete is said once above them.
    """
    waiting, lack = [], shortage(view)
    if lack and any(not panel.range and question_of(panel, view, None).compares for panel in panels):
        st.caption(lack)
    for number, panel, box in grid(panels):
        slot = box.empty()
        if _is_ready(panel, view):
            _show_in(slot, panel, view, f"{name}-{number}", lack)
        else:
            waiting.append((number, panel, slot))
            with slot.container():
                _title(panel, f"{name}-{number}")
                st.skeleton(_height(panel))
    for number, panel, slot in waiting:
        _show_in(slot, panel, view, f"{name}-{number}", lack)


def grid(panels: Iterable[Panel]) -> Iterator[tuple[int, Panel, DeltaGenerator]]:
    """Each panel with its number, from 0, and the box on the page in which it belongs."""
    number = 0
    for row in rows(panels):
        for column, panel in zip(st.columns([WIDTHS[panel.width] for panel in row]), row, strict=True):
            yield number, panel, column.container(border=True, height="stretch")
            number += 1


def rows(panels: Iterable[Panel]) -> Iterator[list[Panel]]:
    """The panels as rows that are filled from left to right; a panel that does not fit any more begins the next."""
    row: list[Panel] = []
    for panel in panels:
        if row and sum(WIDTHS[placed.width] for placed in (*row, panel)) > ROW:
            yield row
            row = []
        row.append(panel)
    if row:
        yield row


class _NotAskedError(Exception):
    """A question that has not been asked yet."""


def _is_ready(panel: Panel, view: View) -> bool:
    """Whether all that the panel asks is known."""

    def only_cached(question: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not is_cached(question, *args, **kwargs):
            raise _NotAskedError
        return cached_answer(question, *args, **kwargs)

    try:
        answer(panel, view, only_cached)
    except _NotAskedError:
        return False
    return True


def _show_in(slot: DeltaGenerator, panel: Panel, view: View, name: str, page_shortage: str | None) -> None:
    with slot.container():
        show(panel, view, name, page_shortage)


def show(panel: Panel, view: View, name: str, page_shortage: str | None = None) -> None:
    """One panel with its title, help and download, in the container that is open. ``name`` tells it from the page's others,
    ``page_shortage`` is what its page says already of what the comparison lacks.
    """
    try:
        with st.spinner("Reading the lake …", show_time=True):
            reply = answer(panel, view, cached_answer)
    except (LakeError, UnansweredError) as problem:
        _title(panel, name)
        st.warning(plain(problem_text(problem)), title="This panel cannot be answered right now", icon=":material/cloud_off:")
        return
    labels = labels_of(reply.question.view)
    if reply.is_empty:
        _title(panel, name)
        with st.container(height=_height(panel), border=False, horizontal_alignment="center", vertical_alignment="center"):
            st.caption(f":material/inbox: {NO_REQUESTS}", text_alignment="center")
    elif _title(panel, name, lambda: _numbers(panel, reply)):
        figures(_numbers(panel, reply), name=name, alt_text=alt_of(panel))
    else:
        _draw(panel, reply, name)
    lack = shortage(reply.question.view)
    texts = [*about(panel, reply, labels), *([] if reply.is_empty else left_out(reply, None if lack == page_shortage else lack))]
    if texts and not reply.is_empty and missing(reply):
        note_with_link(_caption(texts))
    elif texts:
        st.caption(_caption(texts))


def _numbers(panel: Panel, answer: Answer) -> pd.DataFrame:
    """The numbers of a panel, with the budgets whose lines its chart has."""
    view = answer.question.view
    numbers = numbers_of(panel, answer, labels_of(view))
    return with_budgets(numbers, view, answer.axis) if answer.question.is_of_spend else numbers


def _title(panel: Panel, name: str, numbers: Numbers | None = None) -> bool:
    """The heading of the panel; returns whether its numbers are to be shown in the place of its chart."""
    has_chart = numbers is not None and panel.chart not in ("number", "table")
    return heading(plain(title_of(panel)), numbers, name=name, help=help_of(panel), has_chart=has_chart)


def _height(panel: Panel) -> int:
    return NUMBER_HEIGHT if panel.chart == "number" else DRAWING_HEIGHT


def _draw(panel: Panel, answer: Answer, name: str) -> None:
    if panel.chart == "number":
        _cards(answer)
    elif panel.chart == "table":
        _table(panel, answer, name)
    else:
        draw(_drawing(panel, answer), name=name, alt_text=alt_of(panel))


def _drawing(panel: Panel, answer: Answer) -> Drawing:
    """The panel's chart, kept with its answer where that is one of the whole usage."""
    question, view = answer.question, answer.question.view

    def draw_panel() -> Drawing:
        return drawing_of(
            panel, answer, labels_of(view), cached_answer, **(beside_of(answer) if question.chart in OVER_TIME else {})
        )

    return make_once(answer.usage, view, ("drawing", question), draw_panel) if answer.usage else draw_panel()


def beside_of(answer: Answer) -> dict[str, Any]:
    """What stands beside the parts of a chart over time; the pace of budgets beside the whole spend alone."""
    question, view = answer.question, answer.question.view
    metrics = [metric.name for metric in question.metrics]
    return {
        "before": before(answer.usage, view, metrics, whole=question.stacks) if answer.usage and question.compares else None,
        "levels": budget_levels(view, answer.axis) if question.is_of_spend else (),
        "marks": marks(view),
    }


def _cards(answer: Answer) -> None:
    view = answer.question.view
    former, course = None if shortage(view) else answer.before, course_of(answer.usage, view) if answer.usage else ()
    with st.grid(len(answer.question.metrics), min_column_width=CARD_WIDTH, gap="small"):
        for metric in answer.question.metrics:
            card(metric, answer.totals, former, course, border=False)


def _caption(texts: Iterable[str]) -> str:
    return " · ".join(plain(text) for text in texts)


def _table(panel: Panel, answer: Answer, name: str) -> None:
    """The table of a panel, with its totals as the last row."""
    question, rows = answer.question, table_rows(panel, answer, labels_of(answer.question.view))
    first, label = rows.columns[0], first_label(answer)
    columns: dict[str, Any] = {first: st.column_config.TextColumn(label, width="medium")}
    if (of_ids := f"{first}_id") in rows:
        columns[of_ids] = st.column_config.TextColumn(f"{label} id", width="small")
    for metric in question.metrics:
        columns[metric.name] = st.column_config.NumberColumn(metric.label, format=COLUMN_FORMATS[metric.format], help=metric.help)
    has_spend = any(metric.name == "spend_usd" for metric in question.metrics)
    if has_spend:
        columns |= {
            name: column for name, column in spend_columns(rows, SPEND_PLACES).items() if name in (folds.AT_LEAST, "spend_usd")
        }
    table(rows, name=name, columns=columns, alt_text=alt_of(panel), spend_places=SPEND_PLACES if has_spend else None)
