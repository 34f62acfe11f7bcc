"""Everything that is known of one request, in a panel beside the list. Its id stands in the URL, so a link opens it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import streamlit as st

from usagecost import queries
from usagecost.engine import UnansweredError
from usagecost.lake import LakeError
from usagecost.queries.requests import Key, Order, moment
from usagecost.schema import COLUMN_BY_NAME
from usagecost.ui.answers import answer
from usagecost.ui.labels import labels_of
from usagecost.ui.memory import cached_answer
from usagecost.ui.prices.models import STATUSES, name_of
from usagecost.ui.reader import check, sees
from usagecost.ui.tables import set_prices_link
from usagecost.ui.text import plain
from usagecost.ui.traces import paging, related
from usagecost.ui.traces.columns import STATUS_BADGES
from usagecost.ui.traces.costs import cost_parts
from usagecost.ui.traces.details import FILTERED_BY, details, facts
from usagecost.ui.traces.listing import chosen_order, close, open_request
from usagecost.vocabulary import BASES, METRICS, formats
from usagecost.vocabulary.filters import NOT_REPORTED, View
from usagecost.vocabulary.search import MESSAGES

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
MOST_MESSAGE = 20_000
"""Characters of a message that the panel shows; the export has all of them."""


NO_FOCUS = "<script>document.querySelectorAll('[id^=glide-cell]').forEach(cell => cell.removeAttribute('tabindex'))</script>"
"""A panel that closes gives the focus back to a cell of the table, and a cell that has the focus counts as clicked: it would open a
request once more.
"""


def open_panel(view: View) -> None:
    """Opens the panel when the URL names a request."""
    if st.session_state["request"]:
        _panel(view)


@st.dialog("Request", width="medium", position="right", icon=":material/list:", on_dismiss=close)
def _panel(view: View) -> None:
    check(view)
    if st.session_state.pop(FILTERED_BY, None):  # the whole page is of other requests now
        close()
        st.rerun()
    request_id, day = st.session_state["request"], None
    with suppress(ValueError):
        day = date.fromisoformat(st.session_state["day"] or "")
    request = answer(queries.requests.request, view.lake, view.version, view.scope, request_id, st.session_state["source"], day)
    if request is None:
        st.info(
            f"The lake holds no request of this id: {plain(request_id[:200])}. Check the link, or load the logs it is in.",
            title="Not found",
            icon=":material/search_off:",
        )
        st.html(NO_FOCUS, unsafe_allow_javascript=True)
        return
    _neighbours(request, view)
    _head(request, view)
    _error(request)
    _metrics(request, view)
    related.requests_of_trace(request, view)
    details(request, labels_of(view))
    _rest(request)
    _link(request)
    st.html(NO_FOCUS, unsafe_allow_javascript=True)


def _neighbours(request: dict[str, Any], view: View) -> None:
    """The way to the request before and after, in the order of the list. Those beyond its page are looked for on a click."""
    order = chosen_order()
    rows = paging.cached_rows(view, order)
    place = next((i for i, row in enumerate(rows) if all(row[name] == request[name] for name in ("source", "request_id"))), None)
    is_first = place == 0 and st.session_state["at"] is None
    with st.container(horizontal=True, gap="small"):
        for text, icon, step, is_off in (
            ("Previous", ":material/chevron_left:", -1, is_first),
            ("Next", ":material/chevron_right:", 1, False),
        ):
            known_one = rows[place + step] if place is not None and 0 <= place + step < len(rows) else None
            st.button(
                text,
                key=f"request_{text.lower()}",
                icon=icon,
                disabled=is_off,
                on_click=_step,
                args=(view, order, request, step < 0, known_one),
                help=f"The {text.lower()} request of the list",
            )


def _step(view: View, order: Order, request: dict[str, Any], is_before: bool, neighbour: dict[str, Any] | None) -> None:
    """Opens the request before or after one; says so where there is none. The run that follows is of who reads then."""
    if neighbour is None and sees(view):
        value = queries.requests.value_of(request, order, view.basis)
        at = Key(value, request["instant_us"], request["source"], request["request_id"])
        with suppress(LakeError, UnansweredError):
            neighbour = next(iter(cached_answer(queries.requests.page, view, order, at, is_before, 1)), None)
    if neighbour:
        open_request(neighbour)
    else:
        st.toast(f"This is the {'first' if is_before else 'last'} request of the list.")


def _head(request: dict[str, Any], view: View) -> None:
    local = moment(request["instant_us"]).astimezone(ZoneInfo(view.period.zone))
    status = request["status"] or NOT_REPORTED
    st.title(plain(request["model"] or "Model not reported"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        icon = STATUS_ICONS.get(status, ":material/help:")
        st.badge(plain(status), icon=icon, color=STATUS_BADGES.get(status, "gray"), width="content")
        summary = f"{request['provider'] or 'provider not reported'} · {local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03} "
        st.caption(plain(f"{summary}{local:%z} · {view.period.zone}"), width="content")
    ids = {label: request[name] for name, label in IDS.items() if request[name]}
    for column, (label, summary) in zip(st.columns(len(ids)), ids.items(), strict=True):
        column.caption(label)
        column.code(summary, language=None, wrap_lines=True)


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
        message = next((rest[name] for name in MESSAGES if rest.get(name)), None)
        return message if isinstance(message, str) or message is None else json.dumps(message, ensure_ascii=False, indent=2)
    return None


def _metrics(request: dict[str, Any], view: View) -> None:
    st.title("Metrics", anchor=False)
    cost = queries.requests.cost_of(request, view.basis)
    waited_us = None if request["duration_ms"] is None else request["duration_ms"] * 1000
    speed = METRICS["output_tokens_per_second"].of({"timed_output_tokens": request["output_tokens"], "output_us": waited_us})
    speed_text = formats.UNKNOWN if speed is None else f"{speed:,.1f}"
    grid = st.grid(4, min_column_width=120, gap="small")
    grid.metric("Cost", formats.usd(cost), help=BASES[view.basis][0], border=True)
    grid.metric("Latency", formats.milliseconds(request["duration_ms"]), border=True)
    grid.metric("First token", formats.milliseconds(request["ttft_ms"]), help=COLUMN_BY_NAME["ttft_ms"].meaning, border=True)
    grid.metric("Tokens / s", speed_text, help="Output tokens by the whole latency", border=True)
    facts([(label, formats.exact_count(request[name])) for name, label in TOKENS.items() if request[name] is not None])
    _cost(request, view)


def _cost(request: dict[str, Any], view: View) -> None:
    """Each type of tokens × its rate, the price used, and what the source reported."""
    parts = cost_parts(request, view.lake)
    st.caption("Cost at list or own prices, part by part")
    if parts:
        total = sum((part.cost_usd for part in parts), Decimal(0))
        lines = ["| Type | Count | USD / M | USD |", "|:--|--:|--:|--:|"]
        for part in parts:
            count = "" if part.tokens is None else formats.exact_count(part.tokens)
            rate = "" if part.usd_per_mtok is None else f"{part.usd_per_mtok.normalize():f}"
            lines.append(f"| {part.kind} | {count} | {rate} | {part.cost_usd:,.9f} |")
        lines.append(f"| **Sum** | | | **{total:,.9f}** |")
        st.markdown("\n".join(lines))
        stored_cost = request["list_cost_usd"]
        if stored_cost is None or abs(total - stored_cost) > Decimal("0.000000002"):
            st.caption(plain(f"By the prices of today. The lake holds {formats.usd(stored_cost)}: reprice it on the page Prices."))
    price_facts = {
        "Price": STATUSES.get(request["price_status"], request["price_status"]),
        "Why": request["price_reason"],
        "Price used": request["price_id"],
        "Discount": None if request["discount"] is None else formats.percent(request["discount"]),
        "Reported by the source": None if request["reported_cost_usd"] is None else f"${request['reported_cost_usd']:,.9f}",
        "List cost": None if request["list_cost_usd"] is None else f"${request['list_cost_usd']:,.9f}",
    }
    facts([(name, value or formats.UNKNOWN) for name, value in price_facts.items()])
    if request["price_status"] in ("unpriced", "partial") and request["model"]:
        set_prices_link(name_of(request))


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
