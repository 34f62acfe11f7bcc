"""Days or hours whose spend stands out, and what caused them: for the page Why, the Cost chart and alerts alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from usagecost.explain import Spike, causes, find_spikes
from usagecost.periods import Interval
from usagecost.queries.folds import Usage
from usagecost.queries.spending import Spent, spent
from usagecost.vocabulary.filters import View

RECENT = timedelta(days=28)
"""The time before an interval that says how values mostly share what is spent."""
CAUSING = ("model", "user", "team", "app", "key")
"""Dimensions whose values can cause a difference."""
TOLD_TOGETHER = (("model", "app"), ("user", "team", "key"))
"""The same, those together that one rollup tells."""
WEEK = {"day": 7, "hour": 7 * 24}

Causes = Sequence[tuple[str, tuple[str | None, ...]]]
"""Dimensions with the values of them that cause a difference, None being "not reported"."""
Ask = Callable[..., Sequence[Spent]]


def spikes_in(days: Usage, interval: str, zone: str, *, with_running: bool = False) -> list[tuple[Interval, Spike]]:
    """Returns the full intervals of an answer whose spend stands out against those before them, in order; if asked for also the
    running one. One whose spend is not known is none.
    """
    steps = [step for step in days.intervals if not step.is_ahead and (with_running or not step.is_running)]
    spent = days.over_time["spend_usd"][: len(steps)]
    local = [step.start.astimezone(ZoneInfo(zone)) for step in steps]
    slots = [at.weekday() if interval == "day" else at.hour + 24 * (at.weekday() >= 5) for at in local]
    found = find_spikes([0.0 if pd.isna(amount) else float(amount) for amount in spent], slots, WEEK[interval])
    return [(steps[spike.place], spike) for spike in found if not pd.isna(spent.iloc[spike.place])]


def causes_of(view: View, step: Interval, spike: Spike, ask: Ask) -> Causes:
    """Returns the smallest sets of values that make most of a difference. ``ask`` is told to answer `spending.spent`."""
    return causes_of_all(view, [(step, spike)], ask)[0]


def causes_of_all(view: View, spikes: Sequence[tuple[Interval, Spike]], ask: Ask) -> list[Causes]:
    """Returns the same of each of some intervals, in two questions for all of them."""
    pairs = tuple(((step.start, step.end), (step.start - RECENT, step.start)) for step, _ in spikes)
    answers = [ask(spent, view, names, pairs) for names in TOLD_TOGETHER]
    found = []
    for place, (_, spike) in enumerate(spikes):
        amounts = {name: of_name for answer in answers for name, of_name in answer[place].items()}
        found.append(causes(spike, {name: amounts[name] for name in CAUSING}))
    return found


def causes_within(usage: Usage, split: str, place: int, spike: Spike) -> Causes:
    """Returns the same of the values that an answer tells apart, against the other intervals of it; nothing else is asked."""
    amounts: dict[str | None, tuple[float, float]] = {}
    for cell in usage.cells.select(["interval", "value", "is_other", "spend_usd"]).to_pylist():
        if not cell["is_other"] and cell["spend_usd"] is not None:
            now, other = amounts.get(cell["value"], (0.0, 0.0))
            spent = float(cell["spend_usd"])
            amounts[cell["value"]] = (now + spent, other) if cell["interval"] == place else (now, other + spent)
    return causes(spike, {split: amounts})
