"""The list of requests: sorted by a click on a header, opened by a click on a row, with its columns, its pages and its export."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from usagecost.exporting import Form, write_requests
from usagecost.queries.requests import Order, moment
from usagecost.ui import address
from usagecost.ui.address import Choice
from usagecost.ui.answers import empty, is_without_data, no_requests
from usagecost.ui.blocks import unselect
from usagecost.ui.downloads import file_buttons, file_name
from usagecost.ui.labels import labels_of
from usagecost.ui.text import plain
from usagecost.ui.traces import paging
from usagecost.ui.traces.columns import COLUMNS, DEFAULT_COLUMNS, SORT_NAMES, configured, frame, next_order
from usagecost.ui.traces.paging import Page
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import UNKNOWN, counted, exact_count

MOST_ROWS_SEEN = 15
CHOICES = {
    "sort": Choice(default="time", options=SORT_NAMES),
    "order": Choice(default="descending", options=("descending", "ascending")),
    "columns": Choice("texts", default=tuple(COLUMNS[name] for name in DEFAULT_COLUMNS), options=tuple(COLUMNS.values())),
    "request": Choice(),
    "source": Choice(),
    "day": Choice(),
    **paging.CHOICES,
}
"""The list in the URL: its order and columns, where its page begins, and the request that is open."""
FORMS: dict[Form, str] = {"csv": "CSV", "parquet": "Parquet", "jsonl": "JSON lines"}
MOST_EXPORTED = 1_000_000
"""Requests that are handed through the page, which keeps the file in memory until the browser has it."""
_CLICKED = "_list_clicked"
"""Where the key of the table stands whose cell has opened a request."""


def listing(view: View, matching: int) -> None:
    """One line that says which rows are shown, with the controls; then the table."""
    if not matching and is_without_data(view):
        no_requests(view)
        return
    if not matching:
        empty("No request matches", "Remove a filter or the time selection, or choose a longer date range.")
        return
    order = chosen_order()
    page = paging.page_of(view, order, matching)
    columns = _controls(view, page, order)
    _table(view, page, order, columns)


def chosen_order() -> Order:
    """The order of the list, as the URL says it."""
    return Order(st.session_state["sort"], st.session_state["order"] == "descending")


def open_request(row: dict[str, Any]) -> None:
    """Opens the panel of a request: its id stands in the URL, and its day, so that it is found quickly.

    The panel's own buttons run the panel alone, so that the URL is written here.
    """
    address.set_choices(request=row["request_id"], source=row["source"], day=str(moment(row["instant_us"]).date()))


def close() -> None:
    """Takes the request out of the URL."""
    for name in ("request", "source", "day"):
        st.session_state[name] = None
    if table := st.session_state.pop(_CLICKED, None):
        unselect(table)


def _controls(view: View, page: Page, order: Order) -> list[str]:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        direction = "descending" if order.descends else "ascending"
        st.markdown(
            f"**{plain(page.words)}**",
            help=f"Sorted by {SORT_NAMES[order.sort].lower()}, {direction}; unknown values are last. A click on a column's name "
            "sorts by it, another one the other way round.",
            width="content",
        )
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small", key="list_controls"):
            paging.turning(view, page)
            with st.popover("Columns", icon=":material/view_column:"):
                names = st.multiselect("Columns, in this order", list(COLUMNS.values()), key="columns", width=420)
            _export(view, page.matching)
    by_name = {label: name for name, label in COLUMNS.items()}
    return [by_name[name] for name in names] or ["time"]


def _export(view: View, matching: int) -> None:
    """A button for each format, which writes the file and hands it over."""
    with st.popover("Export", icon=":material/download:", disabled=not matching):
        st.caption(f"All columns of the {plain(counted(matching, 'request'))} that match, the newest first.")
        if matching > MOST_EXPORTED:
            st.info(
                f"A page hands out up to {exact_count(MOST_EXPORTED)} requests. Filter further, take fewer days, or write "
                "any number of them on the command line: `python -m usagecost export --help`."
            )
            return
        file_buttons(FORMS, partial(write_requests, view), partial(file_name, "requests"), "export")


def _table(view: View, page: Page, order: Order, columns: list[str]) -> None:
    rows = page.rows
    key = f"requests_{paging.list_of(view)}_{rows[0]['source']}_{rows[0]['request_id']}_{len(rows)}"  # a click belongs to its rows

    def act() -> None:
        """Sorts by the header, or opens the row, that was clicked."""
        selection = st.session_state[key].selection
        if selection.columns:
            sort_by(next_order(selection.columns[0], order))
        elif selection.cells and selection.cells[0][0] < len(rows):
            st.session_state[_CLICKED] = key
            open_request(rows[selection.cells[0][0]])

    requests = frame(rows, view.period.zone, labels_of(view)).assign(open=":material/open_in_full:")
    st.dataframe(
        requests,
        key=key,
        hide_index=True,
        height="content" if len(rows) <= MOST_ROWS_SEEN else 36 * (MOST_ROWS_SEEN + 1) + 2,
        column_order=["open", *columns],
        column_config={"open": _open_column(rows), **configured(requests, view.period.zone, order)},
        placeholder=UNKNOWN,
        alt="Requests; a click on one opens everything that is known of it, a click on a column's name sorts by it",
        on_select=act,
        selection_mode=["single-cell", "single-column"],
    )


def sort_by(order: Order) -> None:
    """Sorts the list, from its first page on."""
    st.session_state["sort"], st.session_state["order"] = order.sort, "descending" if order.descends else "ascending"
    paging.first_page()


def _open_column(rows: list[dict[str, Any]]) -> Any:
    def tell() -> None:
        open_request(rows[st.session_state["open_request"].row])

    return st.column_config.ButtonColumn(
        "Open",
        type="tertiary",
        width=56,
        pinned=True,
        help="All that is known of the request",
        key="open_request",
        on_click=tell,
    )
