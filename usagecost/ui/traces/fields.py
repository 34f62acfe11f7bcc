"""Filters by any field of a request: what its panel offers beside a value. They live in the URL, one text each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from usagecost.ui import viewing
from usagecost.ui.address import Choice
from usagecost.ui.drilldown import merge_conditions
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Field

CHOICES = {"field": Choice("texts")}
"""``column:value``, with a minus before it what is excluded."""
MAIN = {
    "provider": "provider", "model": "model", "user_id": "user", "team_id": "team", "virtual_key": "key", "app": "app",
    "environment": "environment", "status": "status",
}  # fmt: skip
"""Column -> the dimension that the bar above every page filters by."""
TEXTS = (
    "requested_model", "operation", "error_class", "end_user_id", "route", "service_tier", "source", "trace_id", "session_id",
    "tags",
)  # fmt: skip
FLAGS = ("is_streaming", "is_batch", "is_gateway_cache_hit")
NUMBERS = ("http_status",)
MOST_DIGITS = 9
FILTERED = (*MAIN, *TEXTS, *FLAGS, *NUMBERS)
"""The columns that a filter can be about."""


def chosen_fields() -> Iterator[Field]:
    """The filters that the URL says; nonsense is left out."""
    texts = [text for text in st.session_state["field"] if _read(text)]
    st.session_state["field"] = texts
    for text in texts:
        if condition := _read(text):
            yield condition


def drop(number: int) -> None:
    """Takes one of the filters off."""
    st.session_state["field"] = [text for place, text in enumerate(st.session_state["field"]) if place != number]


def filter_by(name: str, value: Any, *, excludes: bool) -> None:
    """Shows only the requests whose column has a value, or, if it ``excludes``, those where it has not."""
    if name in MAIN:
        dimension = MAIN[name]
        condition = Condition(dimension, (value,), excludes)
        values, is_not = st.session_state[dimension], st.session_state[f"not_{dimension}"]
        if excludes and values:
            chosen_ones = tuple(None if text == NOT_REPORTED else text for text in values)
            narrowed = merge_conditions(Condition(dimension, chosen_ones, is_not), condition)
            condition = narrowed if narrowed.values else condition
        viewing.set_filter(condition, dimension)
        return
    text_value = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    opposites = {f"{sign}{name}:{text_value}" for sign in ("", "-")}
    others = [text for text in st.session_state["field"] if text not in opposites]
    st.session_state["field"] = [*others, f"{'-' if excludes else ''}{name}:{text_value}"]


def _read(text: str) -> Field | None:
    name, _, value = text.removeprefix("-").partition(":")
    excludes = text.startswith("-")
    if name in FLAGS and value in ("true", "false"):
        return Field(name, value == "true", excludes)
    if name in NUMBERS and value.isdecimal() and len(value) <= MOST_DIGITS:
        return Field(name, int(value), excludes)
    return Field(name, value, excludes) if name in TEXTS and value else None
