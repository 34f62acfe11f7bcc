"""An explanation in words: by how much a number changed, and what did most of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from usagecost.explain.effects import Contribution, Explanation
from usagecost.explain.makers import Maker
from usagecost.explain.parts import Model
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import Format, Number

MOST_NAMED = 3
"""Effects that a sentence names; it sums up the others."""
BEFORE = {"team": "team ", "app": "app ", "key": "key "}
"""What is said before the values of a dimension that do not speak for themselves."""
OF_ONE_PERIOD = {"came": "new models", "went": "models no longer used"}


@dataclass(frozen=True)
class Wording:
    """How a metric is spoken of: its name at the beginning of a sentence, its numbers, and shifts between models."""

    name: str
    amount: Format
    more_of: str
    less_of: str


WORDINGS = {
    "spend_usd": Wording("Spend", formats.usd, "a dearer mix of models", "a cheaper mix of models"),
    "total_tokens": Wording(
        "Tokens", formats.count, "a mix of models with larger requests", "a mix of models with smaller requests"
    ),
    "requests": Wording("Requests", formats.exact_count, "", ""),
    "avg_latency_ms": Wording(
        "Average latency", formats.milliseconds, "more requests to slower models", "more requests to faster models"
    ),
}
"""Metric that can be explained -> its words."""


@dataclass(frozen=True)
class Step:
    """A step of the way from before to now, in words and in numbers; of ``count`` things, if it sums up several."""

    label: str
    words: str
    amount: Decimal
    count: int = 1


def steps_of(metric: str, explanation: Explanation) -> list[Step]:
    """Returns the effects as steps, in the order in which they are shown."""
    return [Step(one.effect.label, effect_words(metric, one), one.amount) for one in explanation.effects]


def sentence(metric: str, explanation: Explanation, steps: Sequence[Step], by: str = "") -> str:
    """Returns a sentence such as: Spend rose by $142.10 (+27.7%), mostly ann's gpt-5 (+$150.20): +$180.30 longer input (gpt-5),
    −$52.00 fewer requests. ``by`` says who has made most of it, if anyone: see `maker_words`.
    """
    wording = WORDINGS[metric]
    name, most = wording.name, listed(metric, steps)
    if not explanation.change:
        same = f"{name} did not change: {wording.amount(explanation.now)} in both periods"
        return f"{same}, though {most}." if most else f"{same}."
    verb = "rose" if explanation.change > 0 else "fell"
    mostly = f", mostly {by}" if by else ""
    return f"{name} {verb} by {wording.amount(abs(explanation.change))}{_percent(explanation)}{mostly}: {most}."


def maker_words(maker: Maker, name: str) -> str:
    """Returns who has made most of a change of spend, by the name that readers know, in words: ann's gpt-5 (+$150.20)."""
    return f"{value_words(maker.dimension, name)}'s {maker.model} ({signed(round(maker.moved, 2), formats.usd)})"


def value_words(dimension: str, name: str) -> str:
    """Returns a value of a dimension in a sentence: team search, ann."""
    return BEFORE.get(dimension, "") + name


def listed(metric: str, steps: Sequence[Step]) -> str:
    """Returns the largest steps in words, and what is left of the change: +$221.51 claude-opus-5, −$54.28 claude-sonnet-5."""
    unit = WORDINGS[metric].amount
    ranked = sorted((step for step in steps if step.amount), key=lambda step: (step.count > 1, -abs(step.amount), step.label))
    most = MOST_NAMED if len(ranked) > MOST_NAMED + 1 else len([step for step in ranked if step.count == 1])
    parts = [f"{signed(step.amount, unit)} {step.words}" for step in ranked[:most]]
    if others := ranked[most:]:
        rest = sum((step.amount for step in others), Decimal(0))
        parts.append(f"{'and ' if parts else ''}{signed(rest, unit)} by {sum(step.count for step in others)} others")
    return ", ".join(parts)


def effect_words(metric: str, contribution: Contribution) -> str:
    """Returns what an effect is called in a sentence, with the model and the tokens that most of it is of."""
    wording, effect = WORDINGS[metric], contribution.effect
    words = effect.more if contribution.amount > 0 else effect.less
    if effect.name == "mix":
        return wording.more_of if contribution.amount > 0 else wording.less_of
    if effect.name in OF_ONE_PERIOD:
        return f"{model_name(contribution.model)} ({words})" if contribution.model else OF_ONE_PERIOD[effect.name]
    if contribution.model is None or effect.name == "volume":
        return words
    kind = "" if contribution.kind and effect.label.lower().startswith(contribution.kind) else contribution.kind
    return f"{words} ({f'{model_name(contribution.model)} {kind}'.rstrip()})"


def model_name(model: Model) -> str:
    """Returns what a model is called."""
    return NOT_REPORTED if model[1] is None else model[1]


def missing_words(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Returns how much of the spend is not known, of rows of measures by (is_before, …), in words; None if nothing is missing."""
    missing, sent = {True: 0, False: 0}, {True: 0, False: 0}
    for row in rows:
        missing[bool(row["is_before"])] += row["incomplete_requests"]
        sent[bool(row["is_before"])] += row["requests"]
    if not any(missing.values()):
        return None
    now, before = (
        f"{formats.exact_count(missing[when])} ({formats.percent(missing[when] / sent[when] if sent[when] else 0)})"
        for when in (False, True)
    )
    return f"Lower bounds: requests without a full price are {now} now, {before} before."


def signed(amount: Number, unit: Format) -> str:
    """Returns an amount with its sign, a real minus: +$180.30, −$52.00."""
    sign = "+" if amount > 0 else "−" if amount < 0 else ""
    return f"{sign}{unit(abs(amount))}"


def _percent(explanation: Explanation) -> str:
    change = formats.change(explanation.now, explanation.before)
    return f" ({change})" if change else ""
