"""What the panels of a board show. Panels of equal filters and period share their scans; what is known is not asked again.

``ahead(panels, view)`` asks for a whole board, ``answer(panel, view)`` is then at hand; `plan` and `ask` do it query by query.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from usagecost import queries
from usagecost.boards import Panel
from usagecost.filters import View
from usagecost.metrics import METRICS
from usagecost.periods import WHOLE
from usagecost.queries_panels.answers import Answer, answer_of
from usagecost.queries_panels.asking import ask, kept, queries_of
from usagecost.queries_panels.question import Need, Question, needs_of, question_of
from usagecost.queries_panels.scope import HOUR_OF_WEEK
from usagecost.queries_panels.single import EDGES, SAMPLE

__all__ = [
    "EDGES", "HOUR_OF_WEEK", "SAMPLE", "Answer", "Need", "Question",
    "ahead", "answer", "ask", "forget", "is_ready", "numbers", "plan", "question",
]  # fmt: skip


MOST_READY = 500
"""Answers of which the numbers are kept as they are shown; the oldest go first."""


def question(panel: Panel, view: View) -> Question:
    """The panel as it is asked of a view: its own period and filters put in."""
    return question_of(panel, view, queries.data_span(view.lake, view.version))


def plan(panels: Iterable[Panel], view: View) -> list[list[Need]]:
    """The queries of a board: what each of them answers."""
    return queries_of(dict.fromkeys(need for panel in panels for need in needs_of(question(panel, view)).values()))


def is_ready(panel: Panel, view: View) -> bool:
    """Whether `answer` needs no query any more."""
    needs = set(needs_of(question(panel, view)).values())
    return len(kept().known(needs)) == len(needs)


def ahead(panels: Iterable[Panel], view: View) -> None:
    """Asks everything that the panels need, together."""
    ask(need for together in plan(panels, view) for need in together)


def answer(panel: Panel, view: View) -> Answer:
    """The panel's numbers; no query where they have been asked ahead."""
    return _answered(question(panel, view))


def numbers(view: View, metrics: Sequence[str], split: str | None) -> Answer:
    """Metrics of a view by a split, all of its values, or over the view's intervals: a table without a panel."""
    named = tuple(METRICS[name] for name in metrics)
    return _answered(Question(view, named, "table", split, WHOLE if split else view.interval, queries.MOST_VALUES_OF_PERIOD))


def _answered(asked: Question) -> Answer:
    """The answer, put together once: whoever reads it leaves its frames as they are."""
    ready = _ready()
    known = ready.get(asked)
    if known is None:
        needs = needs_of(asked)
        found = ask(needs.values())
        known = answer_of(asked, {name: found[need] for name, need in needs.items()})
        for oldest in list(ready)[: max(0, len(ready) + 1 - MOST_READY)]:
            ready.pop(oldest, None)
        ready[asked] = known
    return known


def forget() -> None:
    """Drops every answer that is kept."""
    _ready.clear()
    kept.clear()


@st.cache_resource(max_entries=1, show_spinner=False)
def _ready() -> dict[Question, Answer]:
    """The answers of this process by their questions. A question names the lake's version, so none is ever out of date."""
    return {}
