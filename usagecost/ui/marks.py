"""What a chart over time has beside its parts: the comparison period, budgets as lines, people's notes, and changes of prices."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date
from itertools import compress
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import charts, queries
from usagecost.annotations import LONGEST_TEXT, Note, NoteProblem, add_note, read_notes, remove_note
from usagecost.budgets import BASIS, Budget, BudgetProblem, even_pace, is_of, read_budgets
from usagecost.charts import Level, Mark, TimeAxis
from usagecost.engine import UnansweredError, open_lake
from usagecost.lake import LakeError, lake_root
from usagecost.periods import WHOLE, local_midnight
from usagecost.periods.words import days_text, shortage_text
from usagecost.pricebook import written_book
from usagecost.pricing import price_changes, resolve
from usagecost.queries.folds import Usage
from usagecost.ui.acts import refuse, say_outcome, try_write
from usagecost.ui.answers import problem_text
from usagecost.ui.labels import labels_of
from usagecost.ui.memory import cached_answer, cached_answer_for, forget_beside, read_beside
from usagecost.ui.reader import may, reading
from usagecost.ui.tables import BUDGET
from usagecost.ui.text import plain
from usagecost.vocabulary import BASES, formats
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters, View

EACH = {"15min": "in 15 minutes", "hour": "an hour", "day": "a day", "week": "a week", "month": "a month"}
SECONDS = 60
"""After how long another load or price is marked."""
MOST_LISTED = 20
_PLACE = "notes"


def budgets_of(view: View) -> tuple[Budget, ...]:
    """The budgets of a view's requests; none on another cost basis than theirs, or where their file cannot be read."""
    if view.basis != BASIS:
        return ()
    try:
        budgets = read_beside(view.lake, read_budgets).budget
    except (BudgetProblem, LakeError):
        return ()
    return tuple(budget for budget in budgets if is_of(budget, view.filters) and view.scope.includes(budget.filters))


def budget_levels(view: View, axis: TimeAxis) -> tuple[Level, ...]:
    """The lines of them, each with what it is in an interval: $100.00 a day, or from how much to how much."""
    return tuple(_level(budget, view, axis) for budget in budgets_of(view))


def budgets_alt(view: View, axis: TimeAxis) -> str:
    """The same in the words that describe a chart; "" where there is none."""
    return "".join(f", with {level.name}: {level.text}" for level in budget_levels(view, axis))


def with_budgets(numbers: pd.DataFrame, view: View, axis: TimeAxis) -> pd.DataFrame:
    """The rows of a chart of spend with what each of them allows in the interval of the row, in a column of its own."""
    places = {step.start.astimezone(ZoneInfo(axis.zone)).isoformat(): place for place, step in enumerate(axis.steps)}
    of_rows = [places[start] for start in numbers["interval_start"]]
    return numbers.assign(**{level.name: [level.values[place] for place in of_rows] for level in budget_levels(view, axis)})


def _level(budget: Budget, view: View, axis: TimeAxis) -> Level:
    amounts = even_pace(budget, axis.steps, axis.zone, view.week_start)
    full = list(compress(amounts, (not is_partial for is_partial in axis.partial))) or amounts
    ends = dict.fromkeys(formats.usd(amount) for amount in (min(full, default=None), max(full, default=None)))
    return Level(f"{BUDGET}{budget.name}", tuple(map(float, amounts)), f"{' – '.join(ends)} {EACH[axis.interval]}")


def marks(view: View) -> tuple[Mark, ...]:
    """The marks of a view; none where what they are made of cannot be read."""
    period, zone = view.period, view.period.zone
    try:
        notes = [Mark(note.instant(zone), "Note", note.text) for note in _notes(view) if note.is_about(view.filters)]
    except (NoteProblem, LakeError):
        notes = []
    all_marks = [*notes, *_list_prices(view)]
    if view.scope.is_everything:
        prices = cached_answer_for(SECONDS, _price_changes, view.lake)
        all_marks += [Mark(local_midnight(day, "UTC"), "Own price", about) for day, about in prices]
        with suppress(LakeError):
            all_marks += [Mark(*change) for change in cached_answer_for(SECONDS, queries.sources.changes, view.lake)]
    return tuple(mark for mark in all_marks if period.start <= mark.at < period.end)


def _list_prices(view: View) -> list[Mark]:
    """The changes of list prices in a period, of the models that it has and that pass the filters.

    Which provider's models those are is only asked where the list has a change in the period.
    """
    first, last = (moment.astimezone(UTC).date() for moment in (view.period.start, view.period.end))
    changes = {model: [day for day in days if first <= day <= last] for model, days in price_changes().items()}
    if not any(changes.values()):
        return []
    with suppress(LakeError, UnansweredError):
        whole_range = replace(view, filters=Filters(), interval=WHOLE, basis=next(iter(BASES)))
        models = [
            (provider, model)
            for provider, model in cached_answer(queries.provider_models, whole_range)
            if view.filters.may_pass({"provider": provider, "model": model})
        ]
        matches = [(provider, model, match) for provider, model in models if (match := resolve(provider, model))]
        return [
            Mark(local_midnight(day, "UTC"), "List price", f"{model} ({provider or NOT_REPORTED})")
            for provider, model, match in matches
            for day in changes.get((match.provider.id, match.model.id), ())
        ]
    return []


def notes(view: View) -> None:
    """A button behind which a note is added, and those of the period are removed."""
    if not may("note"):
        return
    with st.popover("Add note", icon=":material/add_comment:", type="tertiary", key="notes_open", on_change="rerun") as box:
        if box.open:
            _form(view)


def _form(view: View) -> None:
    say_outcome(_PLACE)
    today = view.period.today
    st.date_input("Day", min(max(view.period.first, today), view.period.last), key="note_day", format="YYYY-MM-DD", required=True)
    st.text_input("What happened", key="note_text", max_chars=LONGEST_TEXT, placeholder="Moved search to a smaller model")
    about = _single_values(view)
    if about:
        filter_texts = " and ".join(plain(condition.phrase(labels_of(view).of)) for condition in about)
        st.checkbox(f"Only about {filter_texts}", True, key="note_is_of_filters", help="Else it is marked under any filter.")
    st.button("Save", key="note_save", type="primary", on_click=_save, args=(about,))
    try:
        notes = _notes(view)
    except (NoteProblem, LakeError) as problem:
        st.caption(f":material/error: {plain(problem_text(problem))}")
        return
    zone = view.period.zone
    in_period = [note for note in notes if view.period.start <= note.instant(zone) < view.period.end]
    for number, note in enumerate(sorted(in_period, key=lambda note: note.instant(zone), reverse=True)[:MOST_LISTED]):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
            day = note.instant(zone).astimezone(ZoneInfo(zone)).date()
            st.markdown(f"**{days_text(day, day)}** {plain(note.text)}", width="stretch")
            key = f"note_remove_{number}"
            st.button("Remove", key=key, icon=":material/delete:", type="tertiary", on_click=_remove, args=(note,))


def _single_values(view: View) -> list[Condition]:
    """The filters that choose one value: what a note can be about."""
    conditions = [condition for condition in view.filters.conditions if isinstance(condition, Condition)]
    return [condition for condition in conditions if len(condition.values) == 1 and not condition.excludes]


def _save(about: list[Condition]) -> None:
    """Adds the note, which is ``about`` what the page is filtered by where the reader chose so."""
    filters = about if st.session_state.get("note_is_of_filters") else []
    only = {condition.dimension: condition.values[0] or NOT_REPORTED for condition in filters}
    day, text = st.session_state["note_day"], st.session_state["note_text"].strip()
    if not text:
        refuse(_PLACE, "A note needs a text.")
    elif isinstance(day, date):
        note = Note(at=day, text=text, only=only, by=reading().name)
        is_done = try_write(_PLACE, "note", f"a note of {day}", lambda: add_note(open_lake(lake_root()), note), after=note.text)
        forget_beside()
        if is_done:
            st.session_state["note_text"], st.session_state["notes_open"] = "", False


def _remove(note: Note) -> None:
    try_write(_PLACE, "note", f"a note of {note.at}", lambda: remove_note(open_lake(lake_root()), note), before=note.text)
    forget_beside()


def _notes(view: View) -> list[Note]:
    """The notes beside the configured lake, also while the sample is shown, which goes when the first log is loaded; of those that
    are about some values, the ones whose requests may be seen.
    """
    notes = read_beside(lake_root(), read_notes)
    return [note for note in notes if not note.only or view.scope.includes(note.filters)]


def _price_changes(lake: str) -> list[tuple[date, str]]:
    """The days from which entries of the own book hold, UTC, and of what."""
    book = written_book(open_lake(lake))
    kinds = {"Price": book.prices, "Alias": book.aliases, "Discount": book.discounts, "Factor": book.factors}
    entries = [(kind, entry) for kind, of_kind in kinds.items() for entry in of_kind]
    return [(entry.since, f"{kind} of {entry.model}") for kind, entry in entries if entry.since]


def before(usage: Usage, view: View, metrics: Sequence[str], *, whole: bool = False) -> pd.DataFrame | None:
    """What a chart over time shows of the comparison period: of each metric, or of a ``whole``. None if it is incomplete."""
    course = None if shortage(view) else usage.over_time_before
    if course is None:
        return None
    axis = charts.TimeAxis.of(usage.intervals, view)
    return charts.before_of(course, metrics, usage.counterparts, axis, whole=whole)


def shortage(view: View) -> str | None:
    """Says that the lake begins within the previous period, so that every change would look like growth."""
    oldest = queries.missing_until(cached_answer(queries.data_span, view.lake, view.version, view.scope), view.period)
    return shortage_text(oldest) if oldest else None
