"""Everything that is known of one request, in a panel beside the list. Its id stands in the URL, so a link opens it."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import charts, queries
from usagecost.queries.requests import Key, Order, moment
from usagecost.schema import COLUMN_BY_NAME
from usagecost.ui.answers import answer
from usagecost.ui.labels import labels_of
from usagecost.ui.prices.models import STATUSES, name_of
from usagecost.ui.spend import set_prices_link
from usagecost.ui.text import plain
from usagecost.ui.traces.costs import cost_parts
from usagecost.ui.traces.listing import STATUS_BADGES, open_request
from usagecost.vocabulary import BASES, formats
from usagecost.vocabulary.filters import MESSAGES, NOT_REPORTED, View
from usagecost.vocabulary.labels import FIELDS, Labels

SHOWN_FIRST = ("provider", "model", "requested_model", "operation")
DETAILS = (
    "virtual_key", "user_id", "end_user_id", "team_id", "app", "environment", "route", "is_streaming", "is_batch",
    "is_gateway_cache_hit", "service_tier", "tags", "source", "source_file",
)  # fmt: skip
TOKENS = {
    "input_tokens": "Input tokens",
    "cache_read_tokens": "incl. cache read",
    "cache_write_tokens": "incl. cache write",
    "cache_write_1h_tokens": "incl. for 1 h",
    "input_audio_tokens": "incl. audio",
    "input_image_tokens": "incl. images",
    "output_tokens": "Output tokens",
    "output_reasoning_tokens": "incl. reasoning",
    "output_audio_tokens": "incl. audio",
    "output_image_tokens": "incl. images",
}
STATUS_ICONS = {"success": ":material/check_circle:", "error": ":material/error:", "cancelled": ":material/cancel:"}
IDS = {"request_id": "Request id", "trace_id": "Trace id", "session_id": "Session id"}
NAMES = {"virtual_key": "Virtual key", "user_id": "User", "end_user_id": "End user", "team_id": "Team"}
MOST_MESSAGE, MOST_VALUE = 20_000, 2_000
"""Characters of a message and of any other field that the panel shows; the export has all of them."""


def open_panel(view: View) -> None:
    """Opens the panel when the URL names a request."""
    if st.session_state["request"]:
        _panel(view)


def close() -> None:
    """Takes the request out of the URL."""
    for name in ("request", "source", "day"):
        st.session_state[name] = None


@st.dialog("Request", width="medium", position="right", icon=":material/list:", on_dismiss=close)
def _panel(view: View) -> None:
    asked, day = st.session_state["request"], None
    with suppress(ValueError):
        day = date.fromisoformat(st.session_state["day"] or "")
    request = answer(queries.requests.request, view.lake, view.version, asked, st.session_state["source"], day)
    if request is None:
        st.info(
            f"The lake holds no request of this id: {plain(asked[:200])}. Check the link, or load the logs it is in.",
            title="Not found",
            icon=":material/search_off:",
        )
        return
    _neighbours(request, view)
    _head(request, view)
    _error(request)
    _metrics(request, view)
    _timeline(request, view)
    _details(request, labels_of(view))
    _rest(request)
    _link(request)


def _neighbours(request: dict[str, Any], view: View) -> None:
    """The way to the request before and after, in the order of the list."""
    order = Order(st.session_state.get("sort", "time"), st.session_state.get("order", "descending") == "descending")
    at = Key(queries.requests.value_of(request, order, view.basis), request["instant_us"], request["source"], request["request_id"])
    before, after = (answer(queries.requests.page, view, order, at, is_before, 1) for is_before in (True, False))
    with st.container(horizontal=True, gap="small"):
        for text, icon, rows, name in (
            ("Previous", ":material/chevron_left:", before, "previous"),
            ("Next", ":material/chevron_right:", after, "next"),
        ):
            st.button(
                text,
                key=f"request_{name}",
                icon=icon,
                disabled=not rows,
                on_click=open_request,
                args=(rows[0] if rows else {},),
                help=f"The {name} request of the list",
            )


def _head(request: dict[str, Any], view: View) -> None:
    local = moment(request["instant_us"]).astimezone(ZoneInfo(view.period.zone))
    status = request["status"] or NOT_REPORTED
    st.title(plain(request["model"] or "Model not reported"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        icon = STATUS_ICONS.get(status, ":material/help:")
        st.badge(plain(status), icon=icon, color=STATUS_BADGES.get(status, "gray"), width="content")
        said = f"{request['provider'] or 'provider not reported'} · {local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03} "
        st.caption(plain(f"{said}{local:%z} · {view.period.zone}"), width="content")
    ids = {label: request[name] for name, label in IDS.items() if request[name]}
    for column, (label, said) in zip(st.columns(len(ids)), ids.items(), strict=True):
        column.caption(label)
        column.code(said, language=None, wrap_lines=True)


def _error(request: dict[str, Any]) -> None:
    if request["status"] not in ("error", "cancelled") and not request["error_class"]:
        return
    http = f" · HTTP {request['http_status']}" if request["http_status"] else ""
    st.markdown(f"**{plain(request['error_class'] or 'No error class reported')}**{http}")
    message = message_of(request)
    if message:
        st.code(message[:MOST_MESSAGE], language=None, wrap_lines=True)


def message_of(request: dict[str, Any]) -> str | None:
    """What a failure said, from the remaining fields; None where they hold nothing of it."""
    with suppress(ValueError, TypeError):
        rest = json.loads(request["attributes"])
        found = next((rest[name] for name in MESSAGES if rest.get(name)), None)
        return found if isinstance(found, str) or found is None else json.dumps(found, ensure_ascii=False, indent=2)
    return None


def _metrics(request: dict[str, Any], view: View) -> None:
    st.title("Metrics", anchor=False)
    cost = queries.requests.cost_of(request, view.basis)
    produced, seconds = request["output_tokens"], (request["duration_ms"] or 0) / 1000
    speed = f"{produced / seconds:,.1f}" if produced is not None and seconds else formats.UNKNOWN
    grid = st.grid(4, min_column_width=120, gap="small")
    grid.metric("Cost", formats.usd(cost), help=BASES[view.basis][0], border=True)
    grid.metric("Latency", formats.milliseconds(request["duration_ms"]), border=True)
    grid.metric("First token", formats.milliseconds(request["ttft_ms"]), help=COLUMN_BY_NAME["ttft_ms"].meaning, border=True)
    grid.metric("Tokens / s", speed, help="Output tokens by the whole latency", border=True)
    _facts([(label, formats.exact_count(request[name])) for name, label in TOKENS.items() if request[name] is not None])
    _cost(request, view)


def _cost(request: dict[str, Any], view: View) -> None:
    """Each kind of tokens × its rate, the price used, and what the source reported."""
    parts = cost_parts(request, view.lake)
    st.caption("Cost at list or own prices, part by part")
    if len(parts):
        whole = sum(parts["cost_usd"], Decimal(0))
        lines = ["| Type | Count | USD / M | USD |", "|:--|--:|--:|--:|"]
        for part in parts.to_dict("records"):
            count = "" if part["tokens"] is None else formats.exact_count(part["tokens"])
            rate = "" if part["usd_per_mtok"] is None else f"{part['usd_per_mtok'].normalize():f}"
            lines.append(f"| {part['kind']} | {count} | {rate} | {part['cost_usd']:,.9f} |")
        lines.append(f"| **Sum** | | | **{whole:,.9f}** |")
        st.markdown("\n".join(lines))
        stored = request["list_cost_usd"]
        if stored is None or abs(whole - stored) > Decimal("0.000000002"):
            st.caption(plain(f"By the prices of today. The lake holds {formats.usd(stored)}: reprice it on the page Prices."))
    facts = {
        "Price": STATUSES.get(request["price_status"], request["price_status"]),
        "Why": request["price_reason"],
        "Price used": request["price_id"],
        "Discount": None if request["discount"] is None else formats.percent(request["discount"]),
        "Reported by the source": None if request["reported_cost_usd"] is None else f"${request['reported_cost_usd']:,.9f}",
        "List cost": None if request["list_cost_usd"] is None else f"${request['list_cost_usd']:,.9f}",
    }
    _facts([(name, said or formats.UNKNOWN) for name, said in facts.items()])
    if request["price_status"] in ("unpriced", "partial") and request["model"]:
        set_prices_link(name_of(request))


def _timeline(request: dict[str, Any], view: View) -> None:
    key = Key(None, request["instant_us"], request["source"], request["request_id"])
    found = answer(queries.requests.relatives, view.lake, view.version, view.basis, key, request["trace_id"], request["session_id"])
    if not found:
        return
    st.title("Trace", anchor=False)
    st.caption(f"{formats.counted(len(found), 'request')}, the current one marked. A click on another opens it.")
    drawing = charts.timeline(_spans(found, request["request_id"]))

    def open_it() -> None:
        marks = st.session_state["timeline"].selection[charts.OPENED]
        if marks and 0 <= marks[0]["place"] < len(found):
            open_request(found[marks[0]["place"]])

    st.vega_lite_chart(
        spec=drawing.whole,
        key="timeline",
        alt="The requests of the trace or session on one time axis",
        on_select=open_it,
        selection_mode=charts.OPENED,
    )


def _spans(found: Sequence[dict[str, Any]], this: str) -> pd.DataFrame:
    """One row a request: when it began and ended, in seconds after the first one began."""
    first = min(row["instant_us"] for row in found)
    begin = [(row["instant_us"] - first) / 1e6 for row in found]
    return pd.DataFrame(
        {
            "place": range(len(found)),
            "begin": begin,
            "end": [start + (row["duration_ms"] or 0) / 1000 for start, row in zip(begin, found, strict=True)],
            "model": [(row["model"] or NOT_REPORTED)[:80] for row in found],
            "status": [row["status"] or NOT_REPORTED for row in found],
            "latency": [formats.milliseconds(row["duration_ms"]) for row in found],
            "is_this": [row["request_id"] == this for row in found],
        }
    )


def _details(request: dict[str, Any], labels: Labels) -> None:
    st.title("Request details", anchor=False)
    known = {name: request[name] for name in (*SHOWN_FIRST, *DETAILS) if request[name] is not None}
    named = {name: label for by, name in FIELDS.items() if name in known and (label := labels.of(by, known[name])) != known[name]}
    facts = [[(_name(name), named.get(name, _said(value))), (f"{_name(name)} id", _said(value))] for name, value in known.items()]
    _facts([fact for (name, both) in zip(known, facts, strict=True) for fact in both[: 1 + (name in named)]])
    missing = [_name(name).lower() for name in (*SHOWN_FIRST, *DETAILS) if request[name] is None]
    if missing:
        st.caption("Not reported: " + plain(", ".join(missing)))


def _name(column: str) -> str:
    return NAMES.get(column, column.removeprefix("is_").replace("_", " ").capitalize())


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _facts(facts: Sequence[tuple[str, str]]) -> None:
    """Names and values below each other. The values are escaped, not Markdown, which would make links of addresses."""
    rows = "".join(
        f"<dt style='margin:0;padding:0;opacity:.7'>{html.escape(name)}</dt>"
        f"<dd style='margin:0;padding:0;overflow-wrap:anywhere;unicode-bidi:isolate'>{html.escape(value[:MOST_VALUE])}</dd>"
        for name, value in facts
    )
    st.html(f"<dl style='display:grid;grid-template-columns:minmax(8.5rem,1fr) 3fr;gap:.35rem 1rem;margin:0;padding:0'>{rows}</dl>")


def _rest(request: dict[str, Any]) -> None:
    """The source line's remaining fields."""
    if not request["attributes"]:
        return
    with st.expander("Remaining fields of the source", icon=":material/data_object:"):
        text = request["attributes"]
        with suppress(ValueError):
            text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        st.code(text[:MOST_MESSAGE], language="json", wrap_lines=True)


def _link(request: dict[str, Any]) -> None:
    """The address of this request alone."""
    day = moment(request["instant_us"]).date()
    alone = urlencode({"request": request["request_id"], "source": request["source"], "day": str(day)})
    st.caption("Link to this request")
    st.code(f"{(st.context.url or '').split('?')[0]}?{alone}", language=None, wrap_lines=True)
