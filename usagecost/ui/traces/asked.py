"""What single requests can be asked for beside the page's filters. All of it lives in the URL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import streamlit as st

from usagecost import queries
from usagecost.ui.address import Choice
from usagecost.ui.answers import answer
from usagecost.ui.labels import labels_of
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import NOT_REPORTED, Bounds, Condition, Instants, Tagged, Text, View

STREAMING = ("streamed", "at once", NOT_REPORTED)
CHOICES = {
    "q": Choice(),
    "error": Choice("texts"),
    "streaming": Choice(options=STREAMING),
    "tag": Choice("texts"),
    "cost_from": Choice("number"),
    "cost_to": Choice("number"),
    "cost_known": Choice("flag", default=False),
    "latency_from": Choice("number"),
    "latency_to": Choice("number"),
}
"""These filters in the URL."""
STRETCH = {"from": Choice(), "to": Choice()}
"""The stretch of time that the period is narrowed to."""


def asked_for(view: View) -> View:
    """Draws the filters of the page and returns the view with them added."""
    narrowed = narrowed_range()
    if narrowed:
        view = view.where(narrowed)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Search",
            key="q",
            placeholder="Part of an id, a user, team, key, app, model or error",
            icon=":material/search:",
            label_visibility="collapsed",
            width=420,
        )
        with st.popover("More filters", icon=":material/tune:", key="more_filters", on_change="rerun") as more:
            conditions = list(_more(view, is_open=bool(more.open)))
        if narrowed:
            _chip(narrowed, view.period.zone)
    searched = [Text(text, labels_of(view).all_with(text))] if text else []
    for condition in searched + conditions:
        view = view.where(condition)
    said = [condition.words for condition in view.filters.conditions if not isinstance(condition, Instants)]
    shown = said[len(said) - len(conditions) - bool(text) :] if conditions or text else []
    if shown:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(" · ".join(plain(words) for words in shown), width="content")
            st.button("Clear", key="clear_filters", type="tertiary", icon=":material/close:", on_click=_clear)
    return view


def narrowed_range() -> Instants | None:
    """The stretch of time that the URL narrows the period to; None where it says none, or nonsense."""
    try:
        start, end = (datetime.fromisoformat(st.session_state[name] or "") for name in STRETCH)
    except ValueError:
        return None
    start, end = (moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) for moment in (start, end))
    return Instants(start, end) if start < end else None


def narrow_to(start: datetime, end: datetime) -> None:
    """Narrows the period to a stretch of time."""
    for name, moment in (("from", start), ("to", end)):
        st.session_state[name] = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _chip(narrowed: Instants, zone: str) -> None:
    """The stretch of time, in local time, with the way to take it off."""
    start, end = (moment.astimezone(ZoneInfo(zone)) for moment in (narrowed.start, narrowed.end))
    last = f"{end:%H:%M}" if end.date() == start.date() else f"{end.day} {end:%b %H:%M}"
    st.button(
        f"{start.day} {start:%b %H:%M} – {last} {plain(zone)}",
        key="widen",
        icon=":material/close:",
        help="Only this stretch of the period is shown. A click shows all of it again.",
        on_click=_widen,
    )


def _widen() -> None:
    for name in STRETCH:
        st.session_state[name] = None


def _clear() -> None:
    for name, choice in CHOICES.items():
        st.session_state[name] = choice.read([])


def _more(view: View, *, is_open: bool) -> Iterator[Condition | Bounds | Tagged]:
    offered = answer(queries.requests.offered, view) if is_open else {}
    errors = _several("error", "Error class", [*offered.get("error", []), NOT_REPORTED], "All error classes")
    if errors:
        yield Condition("error", tuple(None if name == NOT_REPORTED else name for name in errors))
    streaming = st.segmented_control("Streaming", STREAMING, key="streaming")
    if streaming:
        yield Condition("streaming", (None if streaming == NOT_REPORTED else streaming,))
    tags = _several("tag", "Tags", offered.get("tag", []), "Any tag")
    if tags:
        yield Tagged(tuple(sorted(tags)))
    least, most = _range("cost", "Cost from (USD)", "to (USD)", "%.6f", 0.01)
    if st.checkbox("Only requests with incomplete spend", key="cost_known"):
        yield Bounds("cost", basis=view.basis, is_unknown=True)
    elif least is not None or most is not None:
        yield Bounds("cost", least, most, basis=view.basis)
    least, most = _range("latency", "Latency from (s)", "to (s)", "%.3f", 1.0)
    if least is not None or most is not None:
        least, most = (None if end is None else end * 1000 for end in (least, most))
        yield Bounds("latency", least, most)


def _several(key: str, label: str, offered: list[str], placeholder: str) -> list[str]:
    """A multiselect that keeps what is chosen, or named by a link, whatever is offered."""
    chosen = st.session_state[key]
    return st.multiselect(label, list(dict.fromkeys([*chosen, *offered])), key=key, placeholder=placeholder)


def _range(name: str, least: str, most: str, form: str, step: float) -> tuple[Decimal | None, Decimal | None]:
    left, right = st.columns(2)
    asked = [
        place.number_input(label, min_value=0.0, step=step, format=form, key=f"{name}_{end}", placeholder="any")
        for place, label, end in ((left, least, "from"), (right, most, "to"))
    ]
    start, end = (None if number is None else Decimal(str(number)) for number in asked)
    return start, end
