"""What values of dimensions have spent in stretches of time, one against another: who caused a day, or made a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from usagecost.explain import Amounts, Maker, maker_of, maker_words, model_behind
from usagecost.lake.rollups import LATENCY, column_of
from usagecost.periods import WHOLE
from usagecost.queries.latency_steps import step_of
from usagecost.queries.rows import Instants, Rows, each_sql
from usagecost.queries.usage import Ask, call
from usagecost.vocabulary import DIMENSIONS, FAILED, INSTANT_US, LATENCY_STEP
from usagecost.vocabulary.filters import Condition, Parameters, View, instant_range_sql
from usagecost.vocabulary.labels import Labels

Spent = dict[str, Amounts]
"""Dimension -> its values, with what each has spent in a stretch of time, and in another."""

MAKERS = (("user", "team", "key"), ("app",))
"""Dimensions of which one value can make a change, those together that one rollup tells, in the order in which they are named."""

_REQUEST_AMOUNTS = {"spend_usd": "{spend}", "failed": f"({FAILED})::integer"}
"""Measure -> the SQL of what one request adds to it."""


def maker(view: View, model: str, change: float) -> Maker | None:
    """Who alone makes most of a change of a view's spend since its comparison period, with the model that is behind the change.

    An only value of a dimension tells nothing.
    """
    rows = Rows.of(view, compares=True)
    if not rows.before:
        return None
    pairs = ((rows.now, rows.before),)
    for names in MAKERS:
        (amounts,) = spent(view.where(Condition("model", (model,))), names, pairs)
        if candidate := maker_of(amounts, model, change):
            dimension = candidate.dimension
            is_one_of_several = len(amounts[dimension]) > 1 or len(spent(view, (dimension,), pairs)[0][dimension]) > 1
            return candidate if is_one_of_several else None
    return None


def maker_sentence(view: View, rows: Iterable[Mapping[str, Any]], labels: Labels, ask: Ask = call) -> str:
    """Who has made most of the change of spend that rows of `explained.by_price` tell, in words; "" if no one model is behind it,
    or nobody alone has.
    """
    behind = model_behind(rows)
    candidate = behind and ask(maker, replace(view, interval=WHOLE), *behind)
    return maker_words(candidate, labels.of(candidate.dimension, candidate.value)) if candidate else ""


def spent(view: View, names: Sequence[str], pairs: Sequence[tuple[Instants, Instants]], measure: str = "spend_usd") -> list[Spent]:
    """What each value of some dimensions has spent in one stretch of time, and in another; 0 where nothing of it is known.

    For each pair of stretches the values that have requests in them, in one question for all. The ``measure`` can be another one
    of _OF_A_REQUEST.
    """
    return _summed(view, names, pairs, measure, (_REQUEST_AMOUNTS[measure], column_of(measure, view.basis)))


def slower(view: View, names: Sequence[str], pairs: Sequence[tuple[Instants, Instants]], latency: float) -> list[Spent]:
    """The same of how many requests took longer than a latency (ms), by the steps of latencies that a rollup tells."""
    limit = f"{LATENCY_STEP} > {(step := step_of(latency))}"
    rollup_amount = f"CASE WHEN {LATENCY} > {step} THEN {column_of('timed_requests', view.basis)} ELSE 0 END"
    return _summed(view, names, pairs, "timed_requests", (f"({limit})::integer", rollup_amount), also=(LATENCY,))


def _summed(
    view: View,
    names: Sequence[str],
    pairs: Sequence[tuple[Instants, Instants]],
    measure: str,
    sql: tuple[str, str],
    also: Sequence[str] = (),
) -> list[Spent]:
    """The sums of them: of what the SQL says of a request, and of a row of a rollup that has the measure and other columns."""
    edges = [edge for pair in pairs for stretch in pair for edge in stretch]
    rows = Rows(replace(view, interval=WHOLE), (min(edges), max(edges)))
    columns = ", ".join(DIMENSIONS[name].column for name in names)
    (selected, grouped), (summed, bound) = each_sql(names), _sums_sql(pairs)

    def question(with_rollups: bool) -> tuple[str, Parameters]:
        amounts = {"{requests}": rows.cost(sql[0])} | ({"{rollups}": sql[1]} if with_rollups else {})
        relation_rows = {relation: rows.sql(None, relation) for relation in amounts}
        parts = " UNION ALL ".join(
            f"SELECT {columns}, {INSTANT_US} AS instant, {amounts[relation]} AS amount FROM ({rows_sql})"
            for relation, (rows_sql, _) in relation_rows.items()
        )
        return f"SELECT {selected}, {summed} FROM ({parts}) {grouped}", relation_rows["{requests}"][1] | bound

    answer = rows.answer_with_rollups(
        question, rows.rolled(view.filters.deciding_dimensions(*names), (measure,), cuts=edges, also=also)
    )
    spent_by_pair: list[Spent] = [{name: {} for name in names} for _ in pairs]
    dimensions, values, *sums = (column.to_pylist() for column in answer.columns)
    for pair_spent, now, before in zip(spent_by_pair, sums[::2], sums[1::2], strict=True):
        for name, value, is_now, was in zip(dimensions, values, now, before, strict=True):
            if is_now is not None or was is not None:
                pair_spent[name][value] = (is_now or 0.0, was or 0.0)
    return spent_by_pair


def _sums_sql(pairs: Sequence[tuple[Instants, Instants]]) -> tuple[str, Parameters]:
    """What was spent in the stretches of each pair, NULL where nothing was sent, and the parameters."""
    sums, parameters = [], {}
    for number, pair in enumerate(pairs):
        for name, stretch in zip((f"now_{number}", f"before_{number}"), pair, strict=True):
            matches, bound = instant_range_sql({name: stretch}, "instant")
            sums.append(f"sum(coalesce(amount, 0)) FILTER ({matches})::double AS {name}")
            parameters |= bound
    return ", ".join(sums), parameters
