"""Why the numbers of a summary changed, on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import typer

from usagecost.cli.console import err, out, print_json, print_table
from usagecost.exports import csv_text
from usagecost.vocabulary.filters import NOT_REPORTED, View


@dataclass(frozen=True)
class Explained:
    """A change in words and in rows: one a reason, or one a value of a dimension with its reasons as columns."""

    metric: str
    sentence: str
    before: Decimal
    now: Decimal
    rows: list[dict[str, Any]]


def explained(view: View, metric: str, by: str | None) -> Explained | None:
    """Returns why a metric of the view is not what it was in its comparison period, by the page's own questions; None where it is
    not known in one of them.
    """
    from usagecost import explain, queries
    from usagecost.periods import WHOLE

    view = replace(view, interval=WHOLE)
    rows = queries.explained.by_price(view).to_pylist()
    whole = explain.explanation(metric, rows)
    if whole is None:
        return None
    if metric == "spend_usd" and (missing := explain.missing_words(rows)):
        err.print(missing)
    labels, steps, values = queries.labels(view.lake, view.version, view.scope), explain.steps_of(metric, whole), []
    if by or metric in explain.COUNTED:
        dimension = by or "model"
        moved = explain.values(metric, queries.explained.by_value(view, dimension, metric).to_pylist(), rows, whole)
        names = labels.of_all(dimension, [one.value for one in moved if one.value is not None])
        labels_of = ["Other" if one.is_other else NOT_REPORTED if one.value is None else names[one.value] for one in moved]
        if metric in explain.COUNTED:
            steps = [
                explain.Step(name, name, one.moved, one.merged) for name, one in zip(labels_of, moved, strict=True) if one.moved
            ]
        effects = [name for name in explain.EFFECTS if any(name in one.effects for one in moved)]
        values = [
            {dimension: name, "before": one.before, "now": one.now, "change": one.moved}
            | {effect: one.effects.get(effect, Decimal(0)) for effect in effects}
            for name, one in zip(labels_of, moved, strict=True)
        ]
    makers = queries.spending.maker_sentence(view, rows, labels) if metric == "spend_usd" else ""
    reasons = [{"reason": step.label, "change": step.amount, "words": step.words} for step in steps]
    return Explained(metric, explain.sentence(metric, whole, steps, makers), whole.before, whole.now, values if by else reasons)


def warn_of_missing(view: View) -> None:
    """Says on the terminal, not in what is written, that the lake begins within the comparison period."""
    from usagecost import queries

    if oldest := queries.missing_until(queries.data_span(view.lake, view.version, view.scope), view.period):
        err.print(f"The comparison is incomplete: data starts on {oldest}.")


def write_explained(answer: Explained, format: str) -> None:  # noqa: A002 - the option's name
    """Prints a sentence and a table; or JSON, or the rows as CSV."""
    if format == "json":
        numbers = {"before": answer.before, "now": answer.now, "change": answer.now - answer.before}
        print_json({"metric": answer.metric, "sentence": answer.sentence, **numbers, "rows": answer.rows}, float)
    elif format == "csv":
        import pandas as pd

        typer.echo(csv_text(pd.DataFrame(answer.rows, dtype=object)), nl=False)
    else:
        out.print(answer.sentence)
        if answer.rows:
            _print_rows(answer.metric, answer.rows)


def _print_rows(metric: str, rows: Sequence[dict[str, Any]]) -> None:
    from usagecost import explain

    unit = explain.WORDINGS[metric].amount
    labels = {name: (explain.EFFECTS[name].label if name in explain.EFFECTS else name).lower() for name in rows[0]}
    numbers = [labels[name] for name, value in rows[0].items() if isinstance(value, Decimal)]
    cells = []
    for row in rows:
        texts = {name: explain.signed(value, unit) for name, value in row.items() if isinstance(value, Decimal)}
        cells.append((row | texts | {name: unit(row[name]) for name in ("before", "now") if name in row}).values())
    print_table([*labels.values()], cells, numbers=numbers, folds={*labels.values()} - {*numbers})
