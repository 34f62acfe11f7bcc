"""What stands below a panel: what it does not take from its page, and what is not in what is drawn."""

from __future__ import annotations

from usagecost.boards.answers import Answer
from usagecost.boards.drawings import undrawn
from usagecost.boards.panel import RANGES, Panel
from usagecost.periods.words import days_text
from usagecost.vocabulary import spend_coverage
from usagecost.vocabulary.labels import Labels


def about(panel: Panel, answer: Answer, labels: Labels) -> list[str]:
    """The panel's own range and filters, in words."""
    period = answer.question.view.period
    own = [f"{RANGES[panel.range]} ({days_text(period.first, period.last)})"] if panel.range else []
    return [*own, *panel.conditions.said(labels.of)]


def missing(answer: Answer) -> str | None:
    """How much of the spend that is drawn has no price, in words."""
    spend = [metric for metric in answer.question.metrics if "spend_usd" in metric.terms and metric.is_additive]
    return spend_coverage(answer.totals) if spend and answer.totals else None


def left_out(answer: Answer, lack: str | None) -> list[str]:
    """What is not part of what is drawn, and why numbers show no change: what the comparison lacks."""
    unpriced = missing(answer)
    shown = lack if answer.before else None
    return [*([f"≥: {unpriced}"] if unpriced else []), *([shown.removesuffix(".")] if shown else []), *undrawn(answer)]
