"""The building blocks of a page: summary cards, a chart with its download, a table with its download."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from usagecost import charts
from usagecost.charts import OPENED, Drawing
from usagecost.queries.folds import AT_LEAST, Derived, Usage
from usagecost.ui.downloads import Numbers, csv_button
from usagecost.ui.drilldown import OnMark
from usagecost.ui.labels import labels_of
from usagecost.ui.marks import budgets_of, marks
from usagecost.ui.tables import SPEND_PLACES, columns_of, doubled, readable, shares, shows_table, with_marks
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import UNKNOWN

OPEN_ROW = ":material/list: Show"
OPEN_HELP = "The requests of this row, on the page Traces"
MOST_ROWS_UNSCROLLED = 27
LONGEST_NAME = 28
"""Letters that a column of names has room for."""


def make_once(usage: Usage, view: View, key: Hashable, make: Callable[[], Derived]) -> Derived:
    """Makes something of an answer once, and keeps it with the answer.

    It is made anew when people call something otherwise, mark something else or change its budget, or when the app's code was
    edited, as Streamlit then imports its modules again.
    """
    return usage.once(key, make, inputs=(labels_of(view), marks(view), budgets_of(view), charts))


def chart(
    title: str,
    drawing: Drawing,
    numbers: Numbers,
    *,
    name: str,
    help: str,  # noqa: A002 - Streamlit's own word
    alt_text: str,
    file: str = "",
    on_mark: OnMark | None = None,
    beside: Callable[[], None] | None = None,
) -> None:
    """A chart under its title, with what it means on demand and its full numbers to download, or to see in its place, and what
    stands ``beside`` them.
    """
    text = f"{help} A click shows the requests behind it." if on_mark else help
    if any(param["name"] == "hidden" for param in drawing.spec.get("params", ())):
        text += " A click on the legend shows one alone, with Shift hides it."
    if heading(title, numbers, name=name, help=text, file=file, has_chart=True, beside=beside):
        figures(numbers(), name=name, alt_text=alt_text)
    else:
        draw(drawing, name=name, alt_text=alt_text, on_mark=on_mark)


def figures(numbers: pd.DataFrame, *, name: str, alt_text: str) -> None:
    """The numbers of a chart in its place."""
    table(
        readable(numbers),
        name=f"figures-{name}",
        columns=columns_of(numbers),
        alt_text=f"The numbers of: {alt_text}",
        spend_places=SPEND_PLACES if AT_LEAST in numbers else None,
    )


def draw(drawing: Drawing, *, name: str, alt_text: str, on_mark: OnMark | None = None) -> None:
    """A chart alone. ``on_mark`` is called with what the chart says of a mark that was clicked."""
    key = f"chart_{name}"

    def open_mark() -> None:
        marks = st.session_state[key].selection[OPENED]
        if marks and on_mark:
            on_mark(marks[0])

    selection: dict[str, Any] = {"on_select": open_mark, "selection_mode": OPENED} if on_mark else {}
    height = drawing.spec.get("height")
    room = height if isinstance(height, int) else "content"  # takes its room before it is drawn
    st.vega_lite_chart(spec=drawing.whole, key=key, height=room, alt=alt_text, **selection)


def heading(
    title: str,
    numbers: Numbers | None,
    *,
    name: str,
    help: str,  # noqa: A002 - Streamlit's own word
    file: str = "",
    has_chart: bool = False,
    beside: Callable[[], None] | None = None,
) -> bool:
    """A section's title with its help on the left; on the right what stands ``beside`` it, and the download of its numbers, if
    there are any, whose file is called like ``file``, else like the title.

    Where the section is a chart, returns whether its numbers are to be shown in its place.
    """
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.header(title, help=help, anchor=False, width="stretch")
        if beside:
            beside()
        is_table = has_chart and shows_table(name)
        if numbers:
            csv_button(numbers, name, file or title)
    return is_table


def table(
    frame: pd.DataFrame,
    *,
    name: str,
    columns: dict[str, Any],
    alt_text: str,
    on_select: Callable[[int], None] | None = None,
    on_open: Callable[[int], None] | None = None,
    spend_places: int | None = None,
    texts: Mapping[str, Callable[[Any], str]] | None = None,
    names: str | None = None,
) -> None:
    """A table of people-sized numbers; unknown is a dash.

    ``on_select`` is called with the row that a reader clicks into, ``on_open`` with the row whose button is clicked.
    ``spend_places`` are the places of the amounts in a table with ``spend_columns``. ``texts`` write the numbers of some columns
    of a short table, where no format of Streamlit does; rows are still ordered by the numbers. ``names`` is a column of long names,
    which are cut in the middle.
    """
    key = f"table_{name}"

    def select_row() -> None:
        cells = st.session_state[key].selection.cells
        if cells and cells[0][0] < len(frame) and on_select:
            on_select(cells[0][0])

    selection: dict[str, Any] = {"on_select": select_row, "selection_mode": "single-cell"} if on_select else {}
    display = doubled(frame).assign(**{name: frame[name].astype("Float64") * 100 for name in shares(frame)})
    if names:
        display = display.assign(**{names: charts.short_names(list(display[names]), LONGEST_NAME)})
    if on_open:
        display, columns = display.assign(open=OPEN_ROW), {**columns, "open": _open_column(f"open_{name}", on_open)}
    st.dataframe(
        display.style.format(texts, na_rep="") if texts else display if spend_places is None else with_marks(display, spend_places),
        key=key,
        hide_index=True,
        column_config=columns,
        column_order=list(columns),
        height="content" if len(frame) <= MOST_ROWS_UNSCROLLED else "auto",
        placeholder=UNKNOWN,
        alt=alt_text,
        **selection,
    )


def parts(of_page: Mapping[str, Callable[[View], object]], view: View) -> None:
    """The parts of a page as tabs, by what draws each; only the one that is open is drawn."""
    for tab, draw_part in zip(st.tabs(list(of_page), key="part", on_change="rerun"), of_page.values(), strict=True):
        if tab.open:
            with tab:
                draw_part(view)


def unselect(key: str) -> None:
    """Takes off what is selected in a table, so that a click on the same cell counts again; not before a panel that it has opened
    closes, as that gives the focus back to the cell, which would count as a click.
    """
    st.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": []}}


def _open_column(key: str, on_open: Callable[[int], None]) -> Any:
    def tell() -> None:
        on_open(st.session_state[key].row)

    return st.column_config.ButtonColumn("Traces", type="tertiary", width=85, help=OPEN_HELP, key=key, on_click=tell)


def beside(
    label: str,
    options: Sequence[str],
    key: str,
    format_func: Callable[[str], str] = str,
    help: str | None = None,  # noqa: A002 - Streamlit's own word
) -> str:
    """The choice of one of some words, with its label before it on the same line, also where the line is too long for others."""
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
        st.caption(label, width="content", help=help)
        return (
            st.segmented_control(label, options, required=True, key=key, format_func=format_func, label_visibility="collapsed")
            or options[0]
        )


def choose_value(
    label: str, key: str, values: list[str], placeholder: str | None, format_func: Callable[[str], str] = str
) -> str | None:
    """Draws a dropdown and returns its choice. What was chosen, or named by a link, stays though the period has none of it.

    Without a choice it is the first value, where there is no placeholder; that is no choice of the reader's, and not in the URL.
    """
    choice = st.session_state[key]
    options = values if choice is None or choice in values else [choice, *values]
    box = f"{key}_box"
    st.session_state[box] = choice or (None if placeholder else next(iter(options), None))

    def choose() -> None:
        st.session_state[key] = st.session_state[box]

    empty = placeholder or ""
    return st.selectbox(label, options, None, format_func, key=box, on_change=choose, placeholder=empty, width=480)
