"""What single requests can be asked for beside the page's filters. All of it lives in the URL."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from usagecost import queries
from usagecost.ui.address import Choice
from usagecost.ui.answers import answer
from usagecost.ui.controls import chip
from usagecost.ui.downloads import name_downloads
from usagecost.ui.labels import labels_of
from usagecost.ui.traces import fields
from usagecost.ui.viewing import STRETCH
from usagecost.vocabulary.filters import NOT_REPORTED, AnyCondition, Bounds, Condition, Tagged, View
from usagecost.vocabulary.search import Text

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
    **fields.CHOICES,
    **STRETCH,
}
"""These filters in the URL."""

PageFilter = tuple[AnyCondition, tuple[str, ...]]
"""A condition, and the choices that it is made of."""


def draw_filters(view: View) -> tuple[View, DeltaGenerator]:
    """Draws the filters of the page; returns the view with them added, and the place beside them for a note."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small", key="asked"):
            text = st.text_input(
                "Search",
                key="q",
                placeholder="Part of an id, a user, team, key, app, model or error",
                icon=":material/search:",
                label_visibility="collapsed",
                width=340,
            )
            with st.popover("More filters", icon=":material/tune:", key="more_filters", on_change="rerun") as more:
                conditions = list(_draw_more_filters(view, is_open=bool(more.open)))
            for condition, names in conditions:
                chip(_chip_text(view, condition), names[0], _clear, *names)
            for number, condition in enumerate(fields.chosen_fields()):
                view = view.where(condition)
                chip(_chip_text(view, condition), f"field_{number}", fields.drop, number)
        note = st.container(width="content")
    if text:
        view = view.where(Text(text, labels_of(view).all_with(text)))
    for condition, _ in conditions:
        view = view.where(condition)
    name_downloads(view)
    return view, note


def _chip_text(view: View, condition: AnyCondition) -> str:
    """Returns the text of a filter's chip."""
    words = condition.phrase(labels_of(view).of) if isinstance(condition, Condition) else condition.words
    return words.removeprefix("streaming is ")


def _clear(*names: str) -> None:
    for name in names:
        st.session_state[name] = CHOICES[name].read([])


def _draw_more_filters(view: View, *, is_open: bool) -> Iterator[PageFilter]:
    offered = answer(queries.requests.offered, view) if is_open else {}
    errors = _several("error", "Error class", [*offered.get("error", []), NOT_REPORTED], "All error classes")
    if errors:
        yield Condition("error", tuple(None if name == NOT_REPORTED else name for name in errors)), ("error",)
    label_of = labels_of(view).of
    streaming = st.segmented_control(
        "Streaming", STREAMING, key="streaming", format_func=lambda value: label_of("streaming", value).capitalize()
    )
    if streaming:
        yield Condition("streaming", (None if streaming == NOT_REPORTED else streaming,)), ("streaming",)
    tags = _several("tag", "Tags", offered.get("tag", []), "Any tag")
    if tags:
        yield Tagged(tuple(sorted(tags))), ("tag",)
    least, most = _range("cost", "Cost from (USD)", "to (USD)", "%.6f", 0.01)
    if st.checkbox("Only requests with incomplete spend", key="cost_known"):
        yield Bounds("cost", basis=view.basis, is_unknown=True), ("cost_known",)
    elif least is not None or most is not None:
        yield Bounds("cost", least, most, basis=view.basis), ("cost_from", "cost_to")
    least, most = _range("latency", "Latency from (s)", "to (s)", "%.3f", 1.0)
    if least is not None or most is not None:
        least, most = (None if end is None else end * 1000 for end in (least, most))
        yield Bounds("latency", least, most), ("latency_from", "latency_to")


def _several(key: str, label: str, offered: list[str], placeholder: str) -> list[str]:
    """A multiselect that keeps what is chosen, or named by a link, whatever is offered."""
    selected = st.session_state[key]
    return st.multiselect(label, list(dict.fromkeys([*selected, *offered])), key=key, placeholder=placeholder)


def _range(name: str, least: str, most: str, form: str, step: float) -> tuple[Decimal | None, Decimal | None]:
    left_column, right_column = st.columns(2)
    ends = [
        column.number_input(label, min_value=0.0, step=step, format=form, key=f"{name}_{end}", placeholder="any")
        for column, label, end in ((left_column, least, "from"), (right_column, most, "to"))
    ]
    start, end = (None if number is None else Decimal(str(number)) for number in ends)
    return start, end
