"""What every report says of spend: why it changed, and how budgets stand."""

from __future__ import annotations

from collections.abc import Iterator

from usagecost import budgets as budget_files
from usagecost import engine, explain, queries
from usagecost.budgets import BudgetProblem, State
from usagecost.budgets.words import before_text, forecast_text, left_text, scope_text, used_text
from usagecost.reports.content import WHY, Bar, Section
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.labels import Labels

EXPLAINED = "spend_usd"


def why(view: View, lack: str | None, labels: Labels) -> Iterator[Section]:
    """Yields the sentence of the page Why about spend, where there is a whole period to compare with."""
    if view.period.previous is None or lack:
        return
    rows = queries.explained.by_price(view).to_pylist()
    explanation = explain.explanation(EXPLAINED, rows)
    if explanation and not explanation.is_empty:
        missing = explain.missing_words(rows)
        makers = queries.spending.maker_sentence(view, rows, labels)
        words = explain.sentence(EXPLAINED, explanation, explain.steps_of(EXPLAINED, explanation), makers)
        yield Section(WHY, [words], [missing] if missing else [])


def budgets(view: View, labels: Labels) -> Iterator[Section]:
    """Yields how the budgets stand that are about requests of the view alone: whoever is sent a part is not told of the rest."""
    lake, title = engine.open_lake(view.lake), "Budgets"
    try:
        all_budgets = budget_files.read_budgets(lake).budget
    except BudgetProblem as problem:
        yield Section(title, [str(problem)])
        return
    within = [one for one in all_budgets if budget_files.is_within(one, view.filters)]
    if within:
        now = budget_files.view_of_now(view.lake, view.version, view.period.now, view.scope)
        note = f"Periods are those of {now.period.zone}, and run now."
        yield Section(title, [_bar(state, labels) for state in budget_files.states(now, within)], [note])


def _bar(state: State, labels: Labels) -> Bar:
    texts = [used_text(state), forecast_text(state), left_text(state)]
    used, ahead = (float(share or 0) for share in (state.share(state.used), state.forecast_share))
    below = " · ".join(filter(None, texts))
    return Bar(state.budget.name, scope_text(state.budget, labels), [below, f"Before: {before_text(state)}"], used, ahead)
