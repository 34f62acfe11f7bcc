"""Days or hours whose spend, failure rate or latency stands out, and what caused them: for pages, charts and alerts alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from usagecost.explain import Spike, causes, find_spikes
from usagecost.periods import Interval
from usagecost.queries import folds
from usagecost.queries.folds import Usage
from usagecost.queries.latency_steps import percentiles_about
from usagecost.queries.rows import Rows
from usagecost.queries.spending import Spent, slower, spent
from usagecost.vocabulary import PERCENTILES, Sums
from usagecost.vocabulary.filters import View

RECENT = timedelta(days=28)
"""The time before an interval that says how values mostly share what is spent."""
CAUSING = ("model", "user", "team", "app", "key")
"""Dimensions whose values can cause a difference."""
CAUSE_GROUPS = (("model", "app"), ("user", "team", "key"))
"""The same, those together that one rollup tells."""
WEEK = {"day": 7, "hour": 7 * 24}
LEAST_REQUESTS = 100
"""Fewer requests of a day tell nothing of its failure rate or latency."""
LEAST_RATE, LEAST_FAILED = 0.02, 10
"""What is added to failure rates, of which many are 0, so that few failures are no multiple; and how many more failed at least."""

Causes = Sequence[tuple[str, tuple[str | None, ...]]]
"""Dimensions with the values of them that cause a difference, None being "not reported"."""
Ask = Callable[..., Sequence[Spent]]


def spikes_in(days: Usage, interval: str, zone: str, *, with_running: bool = False) -> list[tuple[Interval, Spike]]:
    """Returns the full intervals of an answer whose spend stands out against those before them, in order; if asked for also the
    running one. One whose spend is not known is none.
    """

    def find() -> list[tuple[Interval, Spike]]:
        steps = [step for step in days.intervals if not step.is_ahead and (with_running or not step.is_running)]
        spent = [None if pd.isna(amount) else float(amount) for amount in days.over_time["spend_usd"][: len(steps)]]
        return _spikes(steps, spent, interval, zone)

    return days.once(("spikes", with_running), find, inputs=(interval, zone))


def outcomes(sums: Sums) -> int:
    """How many requests are known to have succeeded or failed."""
    return int(sums["successful"] or 0) + int(sums["failed"] or 0)


def failure_spikes(days: Usage, zone: str) -> list[tuple[Interval, Spike]]:
    """Returns the days up to the running one whose failure rate is far above the usual, and by some requests at least."""
    steps, rates, counts = [step for step in days.intervals if not step.is_ahead], [], []
    for row in folds.rows(days.over_time[: len(steps)]):
        counts.append(outcome_count := outcomes(row))
        rates.append((row["failed"] or 0) / outcome_count + LEAST_RATE if outcome_count >= LEAST_REQUESTS else None)
    spikes = [
        (step, replace(rate_spike, amount=rate_spike.amount - LEAST_RATE, usual=max(0.0, rate_spike.usual - LEAST_RATE)))
        for step, rate_spike in _spikes(steps, rates, "day", zone)
    ]
    return [(step, spike) for step, spike in spikes if spike.excess * counts[spike.place] >= LEAST_FAILED]


def latency_spikes(days: Usage, view: View) -> list[tuple[Interval, Spike]]:
    """Returns the same of the p95 latency (ms): ``days`` are those of the view, with ``timed_requests``. Amounts are about
    right: see `percentiles_about`.
    """
    steps = [step for step in days.intervals if not step.is_ahead]
    timed = days.over_time["timed_requests"]
    about = percentiles_about(Rows.of(view), PERCENTILES["latency_p95_ms"])
    enough = [latency if timed.iloc[number] >= LEAST_REQUESTS else None for number, latency in enumerate(about[: len(steps)])]
    return [spike for spike in _spikes(steps, enough, "day", view.period.zone) if spike[1].excess > 0]


def _spikes(steps: Sequence[Interval], amounts: Sequence[float | None], interval: str, zone: str) -> list[tuple[Interval, Spike]]:
    """The intervals that stand out against those of the same weekday or hour; see `find_spikes`."""
    local = [step.start.astimezone(ZoneInfo(zone)) for step in steps]
    slots = [at.weekday() if interval == "day" else at.hour + 24 * (at.weekday() >= 5) for at in local]
    return [(steps[spike.place], spike) for spike in find_spikes(amounts, slots, WEEK[interval])]


def causes_of(view: View, step: Interval, spike: Spike, ask: Ask, measure: str = "spend_usd") -> Causes:
    """Returns the smallest sets of values that make most of a difference. ``ask`` is told to answer `spending.spent`."""
    return causes_of_all(view, [(step, spike)], ask, measure)[0]


def causes_of_all(view: View, spikes: Sequence[tuple[Interval, Spike]], ask: Ask, measure: str = "spend_usd") -> list[Causes]:
    """Returns the same of each of some intervals, in two questions for all of them."""
    pairs = tuple(((step.start, step.end), (step.start - RECENT, step.start)) for step, _ in spikes)
    answers = [ask(spent, view, names, pairs, measure) for names in CAUSE_GROUPS]
    all_causes = []
    for number, (_, spike) in enumerate(spikes):
        amounts = {name: name_amounts for answer in answers for name, name_amounts in answer[number].items()}
        all_causes.append(causes(spike, {name: amounts[name] for name in CAUSING}))
    return all_causes


def causes_of_latency(view: View, step: Interval, spike: Spike, timed: Sequence[float]) -> Causes:
    """Returns the smallest sets of models or apps whose requests are most of those that took longer than the usual percentile and
    would not have, as of late. ``timed`` are the requests whose latency is known of each interval up to the spike.
    """
    pairs = (((step.start, step.end), (step.start - RECENT, step.start)),)
    amounts = {
        name: by_value
        for dimension in ("model", "app")
        for name, by_value in slower(view, (dimension,), pairs, spike.usual)[0].items()
    }
    now, before = (sum(pair[when] for pair in amounts["model"].values()) for when in (0, 1))
    timed_before = sum(timed[max(0, spike.place - RECENT.days) : spike.place])
    more = Spike(spike.place, now, before * timed[spike.place] / timed_before if timed_before else 0.0)
    return causes(more, amounts) if more.excess > 0 else []


def causes_within(usage: Usage, split: str, number: int, spike: Spike) -> Causes:
    """Returns the same of the values that an answer tells apart, against the other intervals of it; nothing else is asked."""
    amounts: dict[str | None, tuple[float, float]] = {}
    for cell in usage.cells.select(["interval", "value", "is_other", "spend_usd"]).to_pylist():
        if not cell["is_other"] and cell["spend_usd"] is not None:
            now, others = amounts.get(cell["value"], (0.0, 0.0))
            spent = float(cell["spend_usd"])
            amounts[cell["value"]] = (now + spent, others) if cell["interval"] == number else (now, others + spent)
    return causes(spike, {split: amounts})
