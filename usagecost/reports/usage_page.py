"""The Usage page as sections of a report, and what every report says of spend: why it changed, how budgets stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from usagecost import budgets as budget_files
from usagecost import charts, engine, explain, queries
from usagecost.budgets import BudgetProblem, State, words
from usagecost.charts import Drawing, TimeAxis, with_names
from usagecost.periods import WHOLE
from usagecost.queries import folds
from usagecost.queries.colours import palette
from usagecost.queries.folds import Usage
from usagecost.queries.forecasts import as_of_today, forecast_text, history, outlook, reaches_into
from usagecost.reports.content import WHY, Bar, Cards, Picture, Section, Table
from usagecost.vocabulary import CARDS, DIMENSIONS, METRICS, measures_of, spend_text
from usagecost.vocabulary.cards import card_notes, card_of
from usagecost.vocabulary.colours import series_colors
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import UNKNOWN, change, count, exact_count, percent
from usagecost.vocabulary.labels import Labels

EXPLAINED = "spend_usd"
LINES = {
    "Total tokens": ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens"),
    "Total requests": ("successful", "failed", "requests"),
}
RANKED = ("spend_usd", "requests", "total_tokens")
RANKED_BY = ("model", "team")
"""The dimensions whose values are ranked."""
MOST = 10
"""Values that are told apart; the rest is "Other"."""
MEASURES = measures_of((*CARDS, *RANKED, *(name for names in LINES.values() for name in names)))


def why(view: View, lack: str | None, labels: Labels) -> Iterator[Section]:
    """Yields the sentence of the page Why about spend, where there is a whole period to compare with."""
    if view.period.previous is None or lack:
        return
    rows = queries.explained.by_price(view).to_pylist()
    explanation = explain.explanation(EXPLAINED, rows)
    if explanation and not explanation.is_empty:
        missing = explain.missing_words(rows)
        makers = queries.spending.maker_sentence(view, rows, labels)
        sentence = explain.sentence(EXPLAINED, explanation, explain.steps_of(EXPLAINED, explanation), makers)
        yield Section(WHY, [sentence], [missing] if missing else [])


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
    texts = [words.used_text(state), words.forecast_text(state), words.left_text(state)]
    used, ahead = (float(share or 0) for share in (state.share(state.used), state.forecast_share))
    below = " · ".join(filter(None, texts))
    return Bar(
        state.budget.name, words.scope_text(state.budget, labels), [below, f"Before: {words.before_text(state)}"], used, ahead
    )


def sections(view: View, labels: Labels, lack: str | None) -> Iterator[Section]:
    """Yields the page's sections. ``lack``: what the comparison lacks, in words; then nothing is compared."""
    usage = queries.usage(view, "model", MEASURES)
    before = None if lack else usage.totals_before
    notes = list(card_notes(usage.totals, view.period, lack))[1:]  # the first is in the report's head
    notes += [forecast_text(outlook(history(as_of_today(view))))] if reaches_into(view) else []
    yield Section("", [Cards([card_of(METRICS[name], usage.totals, before) for name in CARDS])], notes)
    if not usage.totals["requests"]:
        yield Section("No requests in this period", ["Choose a longer range, or fewer filters."])
        return
    stacks = _spend_by_model(usage, view, labels, compares=not lack)
    yield Section("Spend by model", [Picture(stacks, f"Bars of spend by {view.interval}, stacked by model")])
    for by in RANKED_BY:
        ranking = queries.usage(replace(view, interval=WHOLE), by, measures_of(RANKED))
        if ranking.parts > 1 or by == RANKED_BY[0]:
            yield Section(DIMENSIONS[by].plural.capitalize(), [_ranked(ranking, labels, by, compares=not lack)])
    for title, metrics in LINES.items():
        names = ", ".join(METRICS[name].label.lower() for name in metrics)
        drawing = _lines(usage, view, metrics, compares=not lack)
        yield Section(title, [Picture(drawing, f"Lines of {names} by {view.interval}")])


def _before(usage: Usage, view: View, metrics: Sequence[str], *, compares: bool, whole: bool = False) -> pd.DataFrame | None:
    """The course of the comparison period, where there is one."""
    course = usage.over_time_before if compares else None
    return (
        None
        if course is None
        else charts.before_of(course, metrics, usage.counterparts, TimeAxis.of(usage.intervals, view), whole=whole)
    )


def _lines(usage: Usage, view: View, metrics: Sequence[str], *, compares: bool) -> Drawing:
    """Metrics of one unit over time, before those of the comparison period."""
    parts, names = charts.parts_of_metrics(usage.over_time, metrics), [METRICS[name].label for name in metrics]
    before = _before(usage, view, metrics, compares=compares)
    unit, axis = METRICS[metrics[0]].format, TimeAxis.of(usage.intervals, view)
    return charts.over_time(parts, "line", unit, names, series_colors(metrics), axis, before=before)


def _spend_by_model(usage: Usage, view: View, labels: Labels, *, compares: bool) -> Drawing:
    """Spend per interval, stacked by model, the rest as "Other"."""
    top = folds.top_values(usage.by_value, MOST)
    names = list(with_names(top, labels, "model", DIMENSIONS["model"].plural)["name"])
    stacks = with_names(folds.over_time_by_top(usage, top), labels, "model")
    stacks["name"] = stacks["name"].where(~stacks["is_other"], names[-1])
    before = _before(usage, view, ["spend_usd"], compares=compares, whole=True)
    parts, unit, axis = charts.parts_of(stacks, "spend_usd"), METRICS["spend_usd"].format, TimeAxis.of(usage.intervals, view)
    return charts.over_time(parts, "bar", unit, names, palette(view, "model", top), axis, stacked=True, before=before)


def _ranked(usage: Usage, labels: Labels, by: str, *, compares: bool) -> Table:
    """The values of a dimension, the most expensive first, "Other" and the total at the end."""
    top = with_names(folds.top_values(usage.by_value, MOST), labels, by, DIMENSIONS[by].plural)
    total: dict[str, Any] = {by: "Total", **queries.ranking.total_row(usage, RANKED)}
    rows: list[dict[str, Any]] = [*folds.rows(queries.ranking.ranked(usage, top, by, RANKED)), total]
    compared = ["Change"] if compares and usage.before is not None else []
    return Table(
        [DIMENSIONS[by].label, "Spend", "Share", *compared, "Requests", "Tokens"],
        [
            [
                row[by],
                spend_text(row),
                percent(row["share"]),
                *([UNKNOWN if row["change"] is None else str(change(1 + row["change"], 1))] if compared else []),
                exact_count(row["requests"]),
                count(row["total_tokens"]),
            ]
            for row in rows
        ],
    )
