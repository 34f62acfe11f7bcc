"""The columns of the list of requests: what each is called, how it is drawn, what a click on its header sorts by."""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost.queries.requests import SORTS, TEXTS, Order, moment
from usagecost.schema import COLUMN_BY_NAME
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import usd
from usagecost.vocabulary.labels import FIELDS, NO_LABELS, Labels

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
_SORTED_AS = {"cost_usd": "cost", "duration_ms": "latency", "ttft_ms": "ttft", **_COLUMN_OF}
SORT_OF = {column: _SORTED_AS.get(column, column) for column in COLUMNS if _SORTED_AS.get(column, column) in SORTS}
"""Column -> what a click on its header sorts by, a key of SORTS. A user, team or key is sorted by its id, tags are not sorted."""
SORT_NAMES = {sort: COLUMNS[column] for column, sort in reversed(SORT_OF.items())}
"""Key of SORTS -> what a reader calls it."""


def next_order(column: str, order: Order) -> Order:
    """What a click on a column's header sorts by: texts begin with A, all else with the greatest; again, the other way round."""
    sort = SORT_OF.get(column)
    if sort is None or sort == order.sort:
        return Order(order.sort, order.descends if sort is None else not order.descends)
    return Order(sort, sort not in TEXTS)


def frame(rows: list[dict[str, Any]], zone: str, labels: Labels = NO_LABELS) -> pd.DataFrame:
    """The rows as the table shows them: local times, texts cut to what a cell holds, the status as a list of one."""
    cells = {name: [_cell(row.get(name)) for row in rows] for name in COLUMNS}
    for dimension, name in FIELDS.items():
        cells[f"id_of_{dimension}"] = cells[name]
        cells[name] = [None if row[name] is None else _cell(labels.of(dimension, row[name])) for row in rows]
    info = ZoneInfo(zone)
    cells["time"] = [moment(row["instant_us"]).astimezone(info).replace(tzinfo=None) for row in rows]
    cells["status"] = [[row["status"] or NOT_REPORTED] for row in rows]
    cells["cost_usd"] = [None if row["cost_usd"] is None else usd(row["cost_usd"]) for row in rows]
    for name in ("duration_ms", "ttft_ms"):
        cells[name] = [None if row[name] is None else row[name] / 1000 for row in rows]
    return pd.DataFrame(cells)


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return [tag[:MOST_TEXT] for tag in value]
    return f"{value[:MOST_TEXT]}…" if isinstance(value, str) and len(value) > MOST_TEXT else value


def configured(table: pd.DataFrame, zone: str, order: Order) -> dict[str, Any]:
    """How each column is drawn; an arrow marks the sorted one. Latencies are bars, as long as their share of the greatest."""
    arrow = " ↓" if order.descends else " ↑"
    names = {name: label + (arrow if SORT_OF.get(name) == order.sort else "") for name, label in COLUMNS.items()}
    special: dict[str, Any] = {name: _bar(table[name], names[name]) for name in ("duration_ms", "ttft_ms")}
    special |= {
        "cost_usd": st.column_config.TextColumn(names["cost_usd"], width=115, alignment="right"),
        "time": st.column_config.DatetimeColumn(f"Time ({zone}){names['time'][4:]}", format="YYYY-MM-DD HH:mm:ss", width=150),
        "status": st.column_config.MultiselectColumn(
            names["status"], options=list(STATUS_BADGES), color=list(STATUS_BADGES.values()), width=95
        ),
        "tags": st.column_config.ListColumn(names["tags"], width="medium"),
        "provider": st.column_config.TextColumn(names["provider"], width=85),
        "model": st.column_config.TextColumn(names["model"], width=170),
    }
    numbers = [name for name in COLUMNS if name.endswith("tokens")]
    special |= {name: st.column_config.NumberColumn(names[name], format="localized", width=80) for name in numbers}
    flags = [name for name in COLUMNS if name.startswith("is_")]
    special |= {name: st.column_config.CheckboxColumn(names[name], width=90) for name in flags}
    texts = {
        name: st.column_config.TextColumn(label, width=150, help=COLUMN_BY_NAME[_COLUMN_OF.get(name, name)].meaning)
        for name, label in names.items()
        if name not in special
    }
    return texts | special


def _bar(values: pd.Series, label: str) -> Any:
    longest = pd.to_numeric(values).max()
    most = float(longest) if pd.notna(longest) and longest > 0 else 1.0
    return st.column_config.ProgressColumn(label, format="%,.2f s", min_value=0.0, max_value=most, width=115)
