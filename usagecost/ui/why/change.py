"""Why a number changed: the sentence, the waterfall, and the values that moved it most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from usagecost import explain, queries
from usagecost.charts import beginning, waterfall
from usagecost.explain import EFFECTS, WORDINGS, Explanation, Moved, Step
from usagecost.periods import WHOLE
from usagecost.periods.words import previous_text
from usagecost.ui import drilldown
from usagecost.ui.address import Choice
from usagecost.ui.answers import answer
from usagecost.ui.blocks import draw, heading, table
from usagecost.ui.labels import labels_of, with_names
from usagecost.ui.ranking import LOOKS
from usagecost.ui.text import plain
from usagecost.ui.why.obstacles import is_in_the_way, nothing_to_explain
from usagecost.vocabulary import DIMENSIONS, METRICS
from usagecost.vocabulary.colours import CHANGE_COLORS, COLORS
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import counted

SPLITS = ("model", "provider", "team", "user", "key", "app", "environment", "status")
VIEWS = tuple(reversed(LOOKS))
UNSEEN = "\u200b"
"""Tells a value that is called as an end of the way from that end."""
CHOICES = {
    "explained": Choice(default="spend_usd", options=tuple(WORDINGS)),
    "moved_by": Choice(default=SPLITS[0], options=SPLITS),
    "steps_as": Choice(default=VIEWS[0], options=VIEWS),
}
"""What of the page stands in the URL, beside the view."""


def explain_change(view: View) -> None:
    """Draws the page for a view: what changed, in a sentence, as a waterfall, and by the values of a dimension."""
    if is_in_the_way(view):
        return
    with st.container(horizontal=True, gap="medium"):
        metric = st.segmented_control(
            "Explain", list(WORDINGS), required=True, key="explained", format_func=lambda name: WORDINGS[name].name
        )
        by = st.segmented_control(
            "Break down by", SPLITS, required=True, key="moved_by", format_func=lambda name: DIMENSIONS[name].label
        )
    metric, by = metric or "spend_usd", by or SPLITS[0]
    of_period = replace(view, interval=WHOLE)
    rows = answer(queries.explained.by_price, of_period).to_pylist()
    explanation = explain.explanation(metric, rows)
    if nothing_to_explain(view, metric, rows, explanation) or explanation is None:
        return
    if metric not in explain.COUNTED:  # reasons are seen while values, which take longer, are still asked for
        _reasons(view, metric, rows, explanation, explain.steps_of(metric, explanation))
    changes = explain.values(metric, answer(queries.explained.by_value, of_period, by, metric).to_pylist(), rows, explanation)
    values = _with_names(changes, view, by)
    steps = [
        Step(name, name, change.moved, change.merged) for name, change in zip(values["name"], changes, strict=True) if change.moved
    ]
    if metric in explain.COUNTED:
        _reasons(view, metric, rows, explanation, steps)
    _values(view, metric, by, changes, values, explain.listed(metric, steps))


def _reasons(
    view: View,
    metric: str,
    rows: Sequence[Mapping[str, Any]],
    explanation: Explanation,
    steps: Sequence[Step],
) -> None:
    """The sentence, what it does not say, and its steps."""
    makers = queries.spending.maker_sentence(view, rows, labels_of(view), answer) if metric == "spend_usd" else ""
    st.header(plain(explain.sentence(metric, explanation, steps, makers)), anchor=False)
    st.caption(" ".join(_notes(view, metric, rows)))
    _steps(metric, explanation, steps)


def _with_names(changes: Sequence[Moved], view: View, by: str) -> pd.DataFrame:
    """The values with what a reader calls them, as drill-downs take them."""
    columns = {name: [getattr(change, name) for change in changes] for name in ("value", "is_other", "merged")}
    frame = pd.DataFrame(columns).astype({"value": object, "is_other": bool, "merged": "int64"})
    return with_names(frame, view, by, DIMENSIONS[by].plural)


def _notes(view: View, metric: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is compared, and what is not known of it."""
    missing = explain.missing_words(rows) if metric == "spend_usd" else None
    return [plain(previous_text(view.period)), *([plain(missing)] if missing else [])]


def _steps(metric: str, explanation: Explanation, steps: Sequence[Step]) -> None:
    """The way from before to now, as a waterfall or as a table."""
    numbers = pd.DataFrame({"reason": [step.label for step in steps], metric: [step.amount for step in steps]})
    heading(
        "From before to now",
        lambda: numbers,
        name=f"why-{metric}",
        help="Each step is what one reason alone has changed. They add up to the whole change, exactly.",
    )
    look = st.segmented_control("View", VIEWS, required=True, key="steps_as", label_visibility="collapsed")
    amount, help_of = WORDINGS[metric].amount, {effect.label: effect.help for effect in EFFECTS.values()}
    if look == LOOKS[0]:
        words = [step.words if step.words != step.label else "" for step in steps]
        bars = pd.DataFrame({"step": numbers["reason"], "amount": [float(step.amount) for step in steps], "words": words})
        table(
            bars,
            name="why-steps",
            columns={
                "step": st.column_config.TextColumn("Reason", width="medium"),
                "amount": st.column_config.NumberColumn("Change"),
                "words": st.column_config.TextColumn("In words", width="large"),
            },
            alt_text="Reasons of the change, with what each has changed",
            texts={"amount": lambda value: explain.signed(value, amount)},
        )
        return
    ends = {"Before": explanation.before, "Now": explanation.now}
    rows = [("Before", ends["Before"], amount(explanation.before), "The comparison period")]
    rows += [
        (step.label + UNSEEN * (step.label in ends), step.amount, explain.signed(step.amount, amount), help_of.get(step.label, ""))
        for step in steps
    ]
    rows += [("Now", ends["Now"], amount(explanation.now), "The chosen period")]
    colors = CHANGE_COLORS[METRICS[metric].better]
    drawing = waterfall(pd.DataFrame(rows, columns=["name", "value", "text", "help"]), (COLORS["requests"], *colors))
    draw(
        drawing,
        name="why-steps",
        alt_text=f"Waterfall of {WORDINGS[metric].name.lower()} from before to now, a bar for each reason",
    )
    if low := beginning([float(value) for _, value, *_ in rows[:-1]]):
        st.caption(f"Bars of before and now begin at {plain(amount(low))}, so that steps are seen.")


def _values(view: View, metric: str, by: str, changes: Sequence[Moved], values: pd.DataFrame, sentence: str) -> None:
    """The values that moved the number most, each with the effects that its own requests have had; a row opens them."""
    names = [name for name in EFFECTS if any(change.effects.get(name) for change in changes)]
    numbers = pd.DataFrame(
        {
            by: values["name"],
            "before": [change.before for change in changes],
            "now": [change.now for change in changes],
            "change": [change.moved for change in changes],
            **{name: [change.effects.get(name) for change in changes] for name in names},
        }
    )
    plural, amount = DIMENSIONS[by].plural, WORDINGS[metric].amount
    heading(
        f"{plural.capitalize()} that changed most",
        lambda: numbers,
        name=f"why-{metric}-by-{by}",
        help=f"The {counted(len(values), 'row')} that moved it most. The columns to the right split each one's change, of its own "
        "requests alone; prices there include batch, tiers and discounts.",
    )
    if sentence and metric not in explain.COUNTED:
        st.markdown(plain(f"{sentence}."))
    amounts = ["change", *names]
    table(
        numbers.astype(dict.fromkeys(("before", "now", *amounts), "float64")),
        name="why-values",
        columns={
            by: st.column_config.TextColumn(DIMENSIONS[by].label, width="medium", pinned=True),
            "before": st.column_config.NumberColumn("Before"),
            "now": st.column_config.NumberColumn("Now"),
            "change": st.column_config.NumberColumn("Change", help="What it adds to the change of the whole"),
            **{name: st.column_config.NumberColumn(EFFECTS[name].label, help=EFFECTS[name].help) for name in names},
        },
        alt_text=f"{plural.capitalize()} that changed most, with the reasons of each one's change",
        texts={
            **dict.fromkeys(("before", "now"), amount),
            **dict.fromkeys(amounts, lambda value: explain.signed(value, amount)),
        },
        on_open=drilldown.from_row(view, by, values),
        names=by,
    )
