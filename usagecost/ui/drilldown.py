"""From a number to the requests behind it: a click on a mark, a row or a link opens the page Traces with exactly its filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.periods import Interval
from usagecost.ui import address, going, viewing
from usagecost.vocabulary import DIMENSIONS, METRICS
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters, View

TRACES = "pages/1_Traces.py"
MOST_LEFT_OUT = 60
"""Values that a filter can name and still be read. "Other" is whatever is none of the named ones."""

OUTCOMES = {"successful": Condition("status", ("success",)), "failed": Condition("status", ("error", "cancelled"))}
"""Metrics that count some of the requests only -> which."""

LINKS: dict[str, tuple[Condition | None, dict[str, str]]] = {
    "All": (None, {}),
    "Failed": (OUTCOMES["failed"], {}),
    "Most tokens": (None, {"sort": "tokens"}),
    "Most expensive": (None, {"sort": "cost"}),
    "Spend incomplete": (None, {"cost_known": "true"}),
    "Slowest": (None, {"sort": "latency"}),
}
"""What the menu beside a group of cards offers: its text -> which of their requests, and parameters of the page Traces."""

Mark = Mapping[str, Any]
"""What a chart says of the mark that was clicked: the fields that its shape names."""

OnMark = Callable[[Mark], None]


def open_requests(
    filters: Filters, interval: Interval | None = None, days: tuple[date, date] | None = None, **parameters: str
) -> None:
    """Leads to the requests that pass the filters and, if given, were sent in the interval, with the rest of the view as it is.

    ``days``, the first and the last one, take the place of the view's range.
    """
    conditions: dict[str, Condition] = {}
    for condition in filters.conditions:
        if not isinstance(condition, Condition):
            raise TypeError(f"There is no chip for: {condition.words}")
        name = condition.dimension
        conditions[name] = merge_conditions(conditions[name], condition) if name in conditions else condition
    query = address.page_query("Traces", viewing.choices())
    query = {name: span for name, span in query.items() if name in viewing.KEPT_CHOICES}
    for name, condition in conditions.items():
        query[name] = [NOT_REPORTED if value is None else value for value in condition.values]
        query |= {f"not_{name}": ["true"]} if condition.excludes else {}
    query |= {"range": [viewing.CUSTOM], "days": [str(day) for day in days]} if days else {}
    instants = {"from": interval.start, "to": interval.end} if interval else {}
    instant_texts = {name: [instant.astimezone(UTC).isoformat().replace("+00:00", "Z")] for name, instant in instants.items()}
    going.to(TRACES, query | instant_texts | {name: [value] for name, value in parameters.items()})


def merge_conditions(first: Condition, second: Condition) -> Condition:
    """Returns one condition on a dimension that passes what two conditions on it both pass."""
    if first.excludes and second.excludes:
        return Condition(first.dimension, tuple(dict.fromkeys([*first.values, *second.values])), excludes=True)
    wide, limiting = (second, first) if first.excludes else (first, second)
    return Condition(first.dimension, tuple(value for value in wide.values if (value in limiting.values) is not limiting.excludes))


def links(view: View, name: str) -> None:
    """A quiet menu beside a group of cards that leads to the requests behind it."""
    with st.popover("View requests", icon=":material/list:", type="tertiary", key=f"requests_of_{name}"):
        for text, (outcome, parameters) in LINKS.items():
            st.button(
                text,
                key=f"open_{name}_{text.lower()}",
                type="tertiary",
                on_click=open_requests,
                args=(_narrowed(view.filters, outcome),),
                kwargs=parameters,
            )


def from_line(view: View, steps: Sequence[Interval]) -> OnMark:
    """For lines over time: a click leads to the interval's requests, on the dot of an outcome to those of that outcome."""
    return lambda mark: open_requests(_narrowed(view.filters, _outcome(mark)), _step(mark, steps))


def from_stack(view: View, steps: Sequence[Interval], by: str, top: pd.DataFrame) -> OnMark:
    """For stacked bars over time of the rows of ``top_values``: a click leads to the interval's requests of that value."""
    return lambda mark: _open_value(view.filters, by, top, mark, _step(mark, steps))


def from_ranking(view: View, by: str, top: pd.DataFrame) -> OnMark:
    """For ranked bars of the rows of ``top_values``: a click leads to the requests of that value, and of that outcome."""
    return lambda mark: _open_value(_narrowed(view.filters, _outcome(mark)), by, top, mark)


def from_row(view: View, by: str, top: pd.DataFrame) -> Callable[[int], None]:
    """For the buttons of a table's rows: a click leads to the requests of that row's value."""
    return lambda row: _open_value(view.filters, by, top, {"place": row})


def value_condition(by: str, top: pd.DataFrame, place: int) -> Condition | None:
    """What the row of ``top_values`` at a place counts; "Other" is whatever is none of the named values. None: too many to name."""
    values = [None if pd.isna(value) else str(value) for value in top["value"]]
    if not top["is_other"].iloc[place]:
        return Condition(by, (values[place],))
    named_values = [value for value, is_other in zip(values, top["is_other"], strict=True) if not is_other]
    return Condition(by, tuple(named_values), excludes=True) if len(named_values) <= MOST_LEFT_OUT else None


def _open_value(filters: Filters, by: str, top: pd.DataFrame, mark: Mark, interval: Interval | None = None) -> None:
    place = mark.get("place")
    if place is None or not 0 <= place < len(top):  # beside the bars, or of numbers that are gone
        if interval:
            open_requests(filters, interval)
        return
    condition = value_condition(by, top, place)
    if condition is None:
        st.toast(f"“Other” stands for too many {DIMENSIONS[by].plural} to open at once. Filter them, or open a named one.")
        return
    open_requests(_narrowed(filters, condition), interval)


def _narrowed(filters: Filters, condition: Condition | None) -> Filters:
    return Filters((*filters.conditions, condition)) if condition else filters


def _outcome(mark: Mark) -> Condition | None:
    label = mark.get("series", mark.get("name"))
    return next((condition for name, condition in OUTCOMES.items() if METRICS[name].label == label), None)


def _step(mark: Mark, steps: Sequence[Interval]) -> Interval | None:
    return next((step for step in steps if step.label == mark.get("interval")), None)
