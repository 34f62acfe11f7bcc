"""The list of requests: order, columns, pages by key, and the row that opens a request."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any, Literal
from zlib import crc32
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import queries
from usagecost.queries.requests import SORTS, Key, Order, moment
from usagecost.schema import COLUMN_BY_NAME
from usagecost.ui import address
from usagecost.ui.address import Choice
from usagecost.ui.answers import answer, empty
from usagecost.ui.labels import labels_of
from usagecost.ui.text import plain
from usagecost.ui.traces.exporting import export
from usagecost.vocabulary.filters import NOT_REPORTED, View
from usagecost.vocabulary.formats import UNKNOWN, counted, exact_count
from usagecost.vocabulary.labels import FIELDS, NO_LABELS, Labels

PAGE = 50
MOST_TEXT = 200
"""Characters of a text that a cell carries; the request itself shows all of them."""

STATUS_BADGES: dict[str, Literal["green", "red", "orange", "gray"]] = {
    "success": "green",
    "error": "red",
    "cancelled": "orange",
    NOT_REPORTED: "gray",
}
COLUMNS = {
    "time": "Time", "provider": "Provider", "model": "Model", "status": "Status", "tokens": "Tokens", "cost_usd": "Cost",
    "duration_ms": "Latency", "user_id": "User", "virtual_key": "Virtual key", "ttft_ms": "Time to first token", "route": "Route",
    "is_streaming": "Streaming", "input_tokens": "Input", "cache_read_tokens": "Cache read", "cache_write_tokens": "Cache write",
    "output_tokens": "Output", "output_reasoning_tokens": "Reasoning", "error_class": "Error class", "http_status": "HTTP status",
    "team_id": "Team", "app": "App", "environment": "Environment", "tags": "Tags", "end_user_id": "End user",
    "operation": "Operation", "requested_model": "Requested model", "service_tier": "Service tier", "is_batch": "Batch",
    "is_gateway_cache_hit": "Gateway cache hit", "price_status": "Price", "request_id": "Request id", "trace_id": "Trace id",
    "session_id": "Session id", "source": "Source", "id_of_user": "User id", "id_of_team": "Team id",
    "id_of_key": "Virtual key id",
}  # fmt: skip
"""What the list can show: column -> its name. A user, team or key is called by its name, where one is known."""

_COLUMN_OF = {f"id_of_{dimension}": name for dimension, name in FIELDS.items()}

DEFAULT_COLUMNS = tuple(COLUMNS)[:12]

CHOICES = {
    "sort": Choice(default="time", options={name: words for name, (words, _) in SORTS.items()}),
    "order": Choice(default="descending", options=("descending", "ascending")),
    "columns": Choice("texts", default=tuple(COLUMNS[name] for name in DEFAULT_COLUMNS), options=tuple(COLUMNS.values())),
    "at": Choice(),
    "request": Choice(),
    "source": Choice(),
    "day": Choice(),
}
"""The list in the URL: its order and columns, where its page begins, and the request that is open."""


def listing(view: View, matching: int) -> None:
    """The line that says how much matches, the controls, the table and the way to the other pages."""
    if not matching:
        empty("No request matches", "Remove a filter or the time selection, or choose a longer date range.")
        return
    line, order, columns = _controls(view, matching)
    at, is_before = _place(order, view)
    rows = answer(queries.requests.page, view, order, at, is_before, PAGE)
    line.markdown(
        f"**{plain(counted(matching, 'request'))}** match, {exact_count(len(rows))} shown; unknown values are last", width="content"
    )
    if rows:
        _table(view, rows, columns)
    else:
        st.caption("There are no further requests in this direction.")
    _pages(rows, at, is_before, _list_of(view))


def open_request(row: dict[str, Any]) -> None:
    """Opens the panel of a request: its id stands in the URL, and its day, so that it is found at once.

    The panel's own buttons run the panel alone, so that the URL is written here.
    """
    address.put(request=row["request_id"], source=row["source"], day=str(moment(row["instant_us"]).date()))


def frame(rows: list[dict[str, Any]], zone: str, labels: Labels = NO_LABELS) -> pd.DataFrame:
    """The rows as the table shows them: local times, texts cut to what a cell holds, the status as a list of one."""
    shown = {name: [_cell(row.get(name)) for row in rows] for name in COLUMNS}
    for dimension, name in FIELDS.items():
        shown[f"id_of_{dimension}"] = shown[name]
        shown[name] = [None if row[name] is None else _cell(labels.of(dimension, row[name])) for row in rows]
    info = ZoneInfo(zone)
    shown["time"] = [moment(row["instant_us"]).astimezone(info).replace(tzinfo=None) for row in rows]
    shown["status"] = [[row["status"] or NOT_REPORTED] for row in rows]
    shown["cost_usd"] = [None if row["cost_usd"] is None else float(row["cost_usd"]) for row in rows]
    for name in ("duration_ms", "ttft_ms"):
        shown[name] = [None if row[name] is None else row[name] / 1000 for row in rows]
    return pd.DataFrame(shown)


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return [tag[:MOST_TEXT] for tag in value]
    return f"{value[:MOST_TEXT]}…" if isinstance(value, str) and len(value) > MOST_TEXT else value


def _controls(view: View, matching: int) -> tuple[Any, Order, list[str]]:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        line = st.empty()
        with st.container(horizontal=True, vertical_alignment="bottom", width="content", gap="small"):
            sort = st.selectbox(
                "Sort by",
                list(SORTS),
                format_func=lambda name: f"Sort by {SORTS[name][0].lower()}",
                key="sort",
                on_change=_first_page,
                label_visibility="collapsed",
                width=210,
            )
            rises = st.selectbox(
                "Order",
                ["descending", "ascending"],
                format_func=str.capitalize,
                key="order",
                on_change=_first_page,
                label_visibility="collapsed",
                width=140,
            )
            with st.popover("Columns", icon=":material/view_column:"):
                names = st.multiselect(
                    "Columns, in this order",
                    list(COLUMNS.values()),
                    key="columns",
                    width=420,
                )
            export(view, matching)
    by_name = {label: name for name, label in COLUMNS.items()}
    return line, Order(sort, rises == "descending"), [by_name[name] for name in names] or ["time"]


def _table(view: View, rows: list[dict[str, Any]], columns: list[str]) -> None:
    key = f"requests_{rows[0]['source']}_{rows[0]['request_id']}_{len(rows)}"  # a chosen cell belongs to its rows

    def open_chosen() -> None:
        cells = st.session_state[key].selection.cells
        if cells and cells[0][0] < len(rows):
            open_request(rows[cells[0][0]])

    shown = frame(rows, view.period.zone, labels_of(view)).assign(open=":material/open_in_full:")
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height=36 * (min(len(rows), 15) + 1) + 2,
        column_order=["open", *columns],
        column_config={"open": _open_column(rows), **_configured(shown, view.period.zone)},
        placeholder=UNKNOWN,
        alt="Requests; a click on one opens everything that is known of it",
        on_select=open_chosen,
        selection_mode="single-cell",
    )


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


def _configured(shown: pd.DataFrame, zone: str) -> dict[str, Any]:
    """How each column is drawn. Money and latency are bars, each as long as its share of the page's greatest."""
    special: dict[str, Any] = {
        name: _bar(shown[name], label, form)
        for name, label, form in (
            ("cost_usd", "Cost", "$%,.6f"),
            ("duration_ms", "Latency", "%,.2f s"),
            ("ttft_ms", "Time to first token", "%,.2f s"),
        )
    }
    special |= {
        "time": st.column_config.DatetimeColumn(f"Time ({zone})", format="YYYY-MM-DD HH:mm:ss", width=150),
        "status": st.column_config.MultiselectColumn(
            "Status", options=list(STATUS_BADGES), color=list(STATUS_BADGES.values()), width=95
        ),
        "tags": st.column_config.ListColumn("Tags", width="medium"),
        "provider": st.column_config.TextColumn("Provider", width=85),
        "model": st.column_config.TextColumn("Model", width=170),
    }
    numbers = [name for name in COLUMNS if name.endswith("tokens")]
    special |= {name: st.column_config.NumberColumn(COLUMNS[name], format="localized", width=80) for name in numbers}
    flags = [name for name in COLUMNS if name.startswith("is_")]
    special |= {name: st.column_config.CheckboxColumn(COLUMNS[name], width=90) for name in flags}
    texts = {
        name: st.column_config.TextColumn(label, width=150, help=COLUMN_BY_NAME[_COLUMN_OF.get(name, name)].meaning)
        for name, label in COLUMNS.items()
        if name not in special
    }
    return texts | special


def _bar(values: pd.Series, label: str, form: str) -> Any:
    known = pd.to_numeric(values).max()
    most = float(known) if pd.notna(known) and known > 0 else 1.0
    return st.column_config.ProgressColumn(label, format=form, min_value=0.0, max_value=most, width=115)


def _place(order: Order, view: View) -> tuple[Key | None, bool]:
    """Where the page begins, as the URL says it; the first page where it says nothing, or of another order or other filters."""
    with suppress(ValueError, TypeError, KeyError, ArithmeticError):
        value, instant_us, source, request_id, is_before, of = json.loads(st.session_state["at"])
        if of == _list_of(view) and isinstance(instant_us, int) and isinstance(source, str) and isinstance(request_id, str):
            number = None if value is None else Decimal(value) if order.sort == "cost" else float(value)
            if number is not None and order.sort in ("time", "tokens"):
                number = int(value)
            return Key(number, instant_us, source, request_id), bool(is_before)
    return None, False


def _list_of(view: View) -> int:
    """What tells the list that a place is in from those of other orders, filters and ranges."""
    asked = [st.session_state[name] for name in ("sort", "order", "range", "days")]
    return crc32(repr((asked, view.basis, view.period.zone, view.filters)).encode())


def _first_page() -> None:
    st.session_state["at"] = None


def _turn(row: dict[str, Any], is_before: bool, of: int) -> None:
    value = None if row["value"] is None else str(row["value"])
    st.session_state["at"] = json.dumps([value, row["instant_us"], row["source"], row["request_id"], is_before, of])


def _pages(rows: list[dict[str, Any]], at: Key | None, is_before: bool, of: int) -> None:
    has_more = len(rows) == PAGE
    is_first = at is None or (is_before and not has_more)
    is_last = not has_more and not is_before
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        st.button("First", key="page_first", icon=":material/first_page:", disabled=at is None, on_click=_first_page)
        st.button(
            "Previous",
            key="page_previous",
            icon=":material/chevron_left:",
            disabled=is_first or not rows,
            on_click=_turn,
            args=(rows[0] if rows else {}, True, of),
        )
        st.button(
            "Next",
            key="page_next",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=is_last or not rows,
            on_click=_turn,
            args=(rows[-1] if rows else {}, False, of),
        )
