"""The form of a panel: what it offers fits the chart, what it says is a panel or the reason why it is none yet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st
from pydantic import ValidationError

from usagecost import periods, queries
from usagecost.boards import RANGES, RULES, Panel, fitted, metrics_for, splits_for
from usagecost.toml_lines import refusal
from usagecost.ui.answers import answer
from usagecost.ui.labels import labels_of
from usagecost.vocabulary import DIMENSIONS, METRICS, SPLITS
from usagecost.vocabulary.filters import NOT_REPORTED, View

WHOLE_PANEL = Panel(metrics=("spend_usd",), split="model", chart="bar", top=5)
"""What a new panel begins as."""
NOT_SPLIT, PAGE = "not split", "same as page"
INTERVALS = ("auto", *periods.INTERVALS)
WIDTHS = {"third": "Third of a row", "half": "Half a row", "full": "Whole row"}
FEW = 2
"""So many metrics are chosen one by one; more are a list."""


def begin(panel: Panel, key: str) -> None:
    """Sets the form to a panel. ``key`` tells it from other forms of the page."""
    for name in [name for name in st.session_state if str(name).startswith(f"{key}_")]:
        del st.session_state[name]
    fields: dict[str, Any] = {
        "chart": panel.chart,
        "split": panel.split or NOT_SPLIT,
        "interval": panel.interval,
        "top": panel.top,
        "range": panel.range or PAGE,
        "width": panel.width,
        "title": panel.title,
        "by": list(dict.fromkeys(panel_filter.dimension for panel_filter in panel.filters)),
        **_metric_fields(panel.chart, panel.metrics),
    }
    for dimension_filter in panel.filters:
        fields |= {
            f"is_{dimension_filter.dimension}": list(dimension_filter.values),
            f"not_{dimension_filter.dimension}": dimension_filter.excludes,
        }
    st.session_state.update({f"{key}_{name}": value for name, value in fields.items()})


def is_begun(key: str) -> bool:
    """Whether the form has been set since it was last seen."""
    return f"{key}_chart" in st.session_state


def panel_of(key: str) -> Panel | str:
    """What the form says: a panel, or in a sentence why it is none yet."""
    fields = _fields(key)
    filters = [
        {"dimension": name, "values": values, "excludes": bool(fields.get(f"not_{name}"))}
        for name in fields.get("by", ())
        if (values := fields.get(f"is_{name}"))
    ]
    try:
        return Panel(
            title=fields.get("title", "").strip(),
            metrics=_metrics(fields),
            split=None if fields.get("split", NOT_SPLIT) == NOT_SPLIT else fields["split"],
            interval=fields.get("interval", "auto"),
            chart=fields["chart"],
            top=fields.get("top", 10),
            filters=filters,
            range=None if fields.get("range", PAGE) == PAGE else fields["range"],
            width=fields.get("width", "half"),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["loc"] == ("metrics",) and first["type"] == "too_short":
            return "Choose at least one metric."
        sentence = refusal(error)
        return f"{sentence[0].upper()}{sentence[1:]}."


def form(view: View, key: str, *, on_board: bool = True) -> Panel | str:
    """Draws the form and returns what it says. A board's panel has a width; one of no board needs none."""
    chart = st.selectbox(
        "Chart",
        list(RULES),
        key=f"{key}_chart",
        format_func=lambda name: RULES[name].label,
        on_change=_refit,
        args=(key,),
        help="\n\n".join(f"**{rule.label}**: {rule.help}" for rule in RULES.values()),
    )
    st.caption(RULES[chart].help)
    _choose_metrics(chart, key)
    _choose_split(chart, key)
    choose_filters(view, key, "These filters are the panel's own and hold beside those of the page.")
    with st.container(horizontal=True, gap="small"):
        st.selectbox(
            "Date range",
            [PAGE, *RANGES],
            key=f"{key}_range",
            format_func=lambda name: RANGES.get(name, "Same as page"),
            width="stretch",
            help="A panel with a range of its own says so.",
        )
        if on_board:
            st.selectbox("Width", list(WIDTHS), key=f"{key}_width", format_func=WIDTHS.__getitem__, width="stretch")
    st.text_input("Title", key=f"{key}_title", max_chars=120, placeholder="What it shows, if left empty")
    return panel_of(key)


def _choose_metrics(chart: str, key: str) -> None:
    able, (least, most) = metrics_for(chart), RULES[chart].metrics
    if most > FEW:
        st.multiselect(
            "Metrics", able, key=f"{key}_metrics", format_func=_metric_label, max_selections=most, placeholder="Choose metrics"
        )
        return
    for place in range(least):
        label = "Metric" if least == 1 else ("X axis", "Y axis")[place]
        metric = st.session_state.get(f"{key}_metric{place}")
        st.selectbox(
            label,
            able,
            key=f"{key}_metric{place}",
            format_func=_metric_label,
            help=METRICS[metric].help if metric in METRICS else None,
        )


def _choose_split(chart: str, key: str) -> None:
    splits = splits_for(chart)
    optional = [] if RULES[chart].split == "required" else [NOT_SPLIT]
    split = NOT_SPLIT
    if splits:
        split = st.selectbox(
            "Break down by",
            [*optional, *splits],
            key=f"{key}_split",
            format_func=lambda name: SPLITS[name].label if name in SPLITS else "Nothing",
        )
    with st.container(horizontal=True, gap="small"):
        if split != NOT_SPLIT:
            st.number_input("Top", 1, 500, step=1, key=f"{key}_top", width="stretch", help="The rest is one value, Other.")
        if chart in ("number", "line", "area", "bar") or (chart == "table" and split == NOT_SPLIT):
            st.selectbox(
                "Interval",
                INTERVALS,
                key=f"{key}_interval",
                format_func=str.capitalize,
                width="stretch",
                help="Auto fits it to the date range.",
            )


def choose_filters(view: View, key: str, words: str) -> None:
    """Draws the choice of dimensions, `by`, and of values of each, `is_…`, which `not_…` excludes. Keys begin with ``key``."""
    by = st.multiselect(
        "Filter by",
        list(DIMENSIONS),
        key=f"{key}_by",
        format_func=lambda name: DIMENSIONS[name].plural,
        placeholder="All requests",
        help=words,
    )
    offered = answer(queries.choices, view) if by else {}
    for name in by:
        dimension = DIMENSIONS[name]
        selected = st.session_state.get(f"{key}_is_{name}", [])
        values = [NOT_REPORTED if value is None else value for value in offered.get(name, [])]
        st.multiselect(
            dimension.label,
            list(dict.fromkeys([*selected, *values])),
            key=f"{key}_is_{name}",
            format_func=partial(labels_of(view).of, name),
            placeholder=f"Choose {dimension.plural}",
        )
        st.checkbox(f"Exclude these {dimension.plural}", key=f"{key}_not_{name}")


def _refit(key: str) -> None:
    """Takes along to another chart what it can draw too."""
    fields = _fields(key)
    split = None if fields.get("split", NOT_SPLIT) == NOT_SPLIT else fields["split"]
    metrics, fitting = fitted(fields["chart"], _metrics(fields), split)
    for name in [name for name in fields if name.startswith("metric")]:
        del st.session_state[f"{key}_{name}"]
    again = {"split": fitting or NOT_SPLIT, "top": fields.get("top", WHOLE_PANEL.top), "interval": fields.get("interval", "auto")}
    st.session_state.update({f"{key}_{name}": value for name, value in (again | _metric_fields(fields["chart"], metrics)).items()})


def _fields(key: str) -> dict[str, Any]:
    """The form's widgets by their names without the key."""
    return {str(name).removeprefix(f"{key}_"): value for name, value in st.session_state.items() if str(name).startswith(f"{key}_")}


def _metric_fields(chart: str, metrics: tuple[str, ...]) -> dict[str, Any]:
    if RULES[chart].metrics[1] > FEW:
        return {"metrics": list(metrics)}
    return {f"metric{place}": name for place, name in enumerate(metrics)}


def _metrics(fields: Mapping[str, Any]) -> tuple[str, ...]:
    if "metrics" in fields:
        return tuple(fields["metrics"])
    return tuple(fields[name] for name in sorted(name for name in fields if name.startswith("metric")))


def _metric_label(name: str) -> str:
    return METRICS[name].label
