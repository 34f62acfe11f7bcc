"""What a reconciliation says in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from usagecost.bills.result import CAUSES, Cell, CellSums, Effect, Reconciliation, month_of
from usagecost.periods.words import days_text
from usagecost.vocabulary import formats

THEIRS, OURS = "Bill", "Our logs"
KINDS = {"input": "uncached input", "cache_read": "cache reads", "cache_write": "cache writes", "other": "by the piece"}
"""Kind of tokens -> what it is called, where that is not its name."""


def cause_text(effect: Effect | None) -> str:
    """Price: output; Not in our logs: day."""
    if effect is None:
        return ""
    of = KINDS.get(effect.of, effect.of)
    return f"{CAUSES[effect.cause].label}{f': {of}' if of else ''}"


def signed_usd(amount: formats.Number) -> str:
    """+$12.30 and −$0.0042."""
    return f"+{formats.usd(amount)}" if amount > 0 else formats.usd(amount)


def explained_text(sums: CellSums) -> str:
    """97.8% of $41,220.00 explained; where there are credits or refunds, of what is billed before them."""
    if sums.explained is None:
        return f"Nothing to explain: the bill is {formats.usd(sums.theirs)}"
    before = " before credits" if sums.billed != sums.theirs else ""
    return f"{formats.percent(sums.explained)} of {formats.usd(sums.billed)}{before} explained"


def ours_text(one: CellSums | Cell) -> str:
    """What our logs have, with the mark of a lower bound where requests have no full price; a dash where nothing is known."""
    if not one.incomplete:
        return formats.usd(one.ours)
    return f"≥{formats.GAP}{formats.usd(one.ours)}" if one.ours else formats.UNKNOWN


def not_compared(reconciliation: Reconciliation, month: date | None = None) -> list[str]:
    """Sentences about lines in a currency without a rate and requests without a provider, of one month or of all."""
    unnamed = sum(count for of, count in reconciliation.unnamed.items() if month in (None, of))
    sentences = [f"No bill is compared with {formats.counted(unnamed, 'request')} without a provider."] if unnamed else []
    return sentences + [
        f"{one.provider}: there is no rate for {one.currency}, so {one.month:%Y-%m} is compared without "
        f"{formats.counted(one.lines, 'line')} of {one.amount:,.2f} {one.currency}."
        for one in reconciliation.unmatched
        if month in (None, one.month)
    ]


def compared_with_all(reconciliation: Reconciliation, month: date) -> list[str]:
    """Sentences about bills of one account, project or key whose requests are not known by it."""
    return [
        f"{one.provider}: the bill is of the {one.what} {one.name} alone. Our logs do not name it, so all requests to "
        f"{one.provider} are compared with it."
        for one in reconciliation.of_one
        if one.month == month
    ]


def over_months(cells: Iterable[Cell]) -> list[str]:
    """Sentences about lines of days of two months, which count in the first one."""
    spans = sorted({(one.provider, one.first, one.last, one.is_usage) for one in cells if month_of(one.last) != one.month})
    return [
        f"{provider}: {'lines' if is_usage else 'taxes and credits'} of {days_text(first, last)} count in {first:%B %Y} as a whole"
        f"{', and so do our requests of these days' if is_usage else ''}."
        for provider, first, last, is_usage in spans
    ]
