"""Which lines of all statements count: every day of an account is told by the newest statement that covers it.

Statements overlap: costs are asked for again as vendors correct them, an invoice follows the daily costs. All are kept; the law
says which lines count, and does not depend on the order in which they were loaded. Of lines of one provider, account and kind:

1. A line is replaced when newer statements cover all of its days, even where they have no line of it, or have lines for them.
2. When newer statements cover only some of its days and none of their lines that count touches these, it still counts: a tax of
   the month, say, beside newer costs of its last week.
3. When one does touch them, the longer line would count those days twice. It does not count, and a sentence says so, for which
   days, and what ends it. On days that nothing newer covers, older statements count in its place.
4. Of statements of one format, those that name other parts of the account do not replace each other: an export of one subscription
   or project leaves the others, a Google invoice leaves the hours that the invoice of the month before has of the same UTC day. A
   part is the invoice for Google, else the project; a line that names none is of all.

Newer is what has the later `as_of`; of two that were made at once, the greater id. A statement with usage of a provider covers the
provider's days from `covers_first` to `covers_last`, and there the kinds that its format tells: taxes, credits and commitments of
an invoice stay when the costs of its days are fetched again. One without usage, such as the purchase of a commitment for a year,
covers no days but has lines for them. A line without an account is of another account than one with; where both are there for one
day, a sentence says that they may be the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.lake import Lake
from usagecost.vocabulary.formats import counted

KINDS = ("usage", "tax", "credit", "refund", "commitment", "adjustment")

TELLS = dict.fromkeys(("openai-costs", "anthropic-costs", "anthropic-console", "openrouter-activity"), ("usage",)) | {
    "azure-cost-details": ("usage", "refund", "commitment", "adjustment")
}
"""Format -> the kinds of which its statements are complete; those of others are of all kinds."""

_BY_INVOICE = "google-billing"
"""The format whose statements are invoices of months that begin within a UTC day."""

_GROUP = (
    "statement", "format", "provider", "account", "covers_first", "covers_last", "as_of",
    "first_day", "last_day", "kind", "currency",
)  # fmt: skip

_Scope = tuple[str, str | None, str]
"""What lines are compared within: a provider, account and kind."""


class _Lines(NamedTuple):
    """The lines of one statement that are about the same days, account, part and kind."""

    statement: str
    format: str
    provider: str
    account: str | None
    covers_first: date
    covers_last: date
    as_of: datetime
    first_day: date
    last_day: date
    kind: str
    currency: str
    part: str | None
    rows: list[int]
    amount: Decimal

    @property
    def scope(self) -> _Scope:
        """What they are compared with: lines of the same provider, account and kind."""
        return self.provider, self.account, self.kind

    @property
    def days(self) -> set[int]:
        """Their days, as ordinals."""
        return set(range(self.first_day.toordinal(), self.last_day.toordinal() + 1))

    @property
    def covered(self) -> set[int]:
        """The days of the whole statement, as ordinals."""
        return set(range(self.covers_first.toordinal(), self.covers_last.toordinal() + 1))


class _Days:
    """Days as ordinals, by the scope, format and part of the lines that tell them."""

    def __init__(self) -> None:
        self._of_formats: dict[_Scope, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._of_parts: dict[tuple[_Scope, str, str | None], set[int]] = defaultdict(set)

    def add(self, scope: _Scope, group: _Lines, days: set[int]) -> None:
        """Add days of a group's format and part."""
        self._of_formats[scope][group.format] |= days
        self._of_parts[scope, group.format, group.part] |= days

    def of(self, scope: _Scope, group: _Lines) -> set[int]:
        """The days that are told of a group's part: by other formats, of the part, or of all of them."""
        others = (
            days for format_name, days in self._of_formats[scope].items() if group.part is None or format_name != group.format
        )
        return set().union(*others, *(self._of_parts[scope, group.format, part] for part in (None, group.part)))


@dataclass(frozen=True)
class Current:
    """The lines that count, as schema.BILLS has them, and what a person has to know about those that do not."""

    lines: pa.Table
    sentences: tuple[str, ...]


def current_lines(lake: Lake) -> pa.Table:
    """Return the lines that count: one row = a line of a bill, as schema.BILLS has it; no day of a kind is told twice."""
    return current(lake.rows("bills")).lines


def current(lines: pa.Table) -> Current:
    """Choose the lines that count from those of all statements, as `Lake.rows` gives them, by the law of this module."""
    counting: list[_Lines] = []
    sentences: list[str] = []
    covered, newer_days = _Days(), _Days()
    for statement in _newest_first(lines):
        accepted, left_out = [], _Days()
        for group in statement:
            newer = newer_days.of(group.scope, group)
            replaced = covered.of(group.scope, group) | newer
            if group.days & newer and not group.days <= replaced:
                sentences.append(_left_out(group, replaced))
                left_out.add(group.scope, group, group.days)
            elif not group.days <= replaced:
                accepted.append(group)
        for group in accepted:
            newer_days.add(group.scope, group, group.days)
        for group in _covering(statement):
            for kind in TELLS.get(group.format, KINDS):
                scope = (group.provider, group.account, kind)
                covered.add(scope, group, group.covered - left_out.of(scope, group))
        counting += accepted
    rows = sorted(row for group in counting for row in group.rows)
    return Current(lines.take(pa.array(rows, pa.int64())), (*sentences, *_without_account(counting)))


def _covering(statement: list[_Lines]) -> Iterator[_Lines]:
    """One group for each account and part of which a statement covers its days, of the providers of whose usage it has lines: those
    that the usage names, and accounts without.
    """
    used = {(group.provider, group.account) for group in statement if group.kind == "usage"}
    providers = {provider for provider, _ in used}
    covering = (group for group in statement if group.kind == "usage" or (group.provider, group.account) not in used)
    yield from {(one.provider, one.account, one.part): one for one in covering if one.provider in providers}.values()


def _newest_first(lines: pa.Table) -> Iterator[list[_Lines]]:
    """The lines of each statement, grouped."""
    numbered = lines.select(_GROUP).append_column("row", pa.array(np.arange(lines.num_rows)))
    numbered = numbered.append_column("amount", lines["amount"].cast(pa.decimal128(38, 9)))
    part = pc.if_else(pc.equal(lines["format"], _BY_INVOICE), lines["invoice"], lines["project"])
    table = numbered.append_column("part", part).group_by([*_GROUP, "part"]).aggregate([("row", "list"), ("amount", "sum")])
    groups: list[_Lines] = [_Lines(*row.values()) for row in table.to_pylist()]
    groups.sort(key=lambda group: (group.as_of, group.statement, group.first_day), reverse=True)
    for _, of_statement in groupby(groups, key=lambda group: group.statement):
        yield list(of_statement)


def _left_out(group: _Lines, covered: set[int]) -> str:
    payer, days = _who(group.provider, group.account), _span(group.first_day, group.last_day)
    return (
        f"{payer}: {counted(len(group.rows), f'{group.kind} line')} of {days} left out ({group.amount:,.2f} {group.currency}), as "
        f"newer statements tell some of these days. Load a statement of {_spans(group.days - covered)}, or remove the newer one."
    )


def _without_account(groups: list[_Lines]) -> Iterator[str]:
    """Sentences about days that statements tell with an account and without."""
    days: dict[str, dict[bool, set[int]]] = defaultdict(lambda: {True: set(), False: set()})
    for group in groups:
        if group.kind == "usage":
            days[group.provider][group.account is None] |= group.days
    for provider, days_by_kind in sorted(days.items()):
        if both := days_by_kind[True] & days_by_kind[False]:
            yield (
                f"{provider}: statements tell {_spans(both)} with an account and without, which may count them twice. "
                "Load those without with --account, and remove the others."
            )


def _who(provider: str, account: str | None) -> str:
    return f"{provider} ({account})" if account else provider


def _spans(days: set[int]) -> str:
    """The days as spans: 2026-10-01 to 2026-10-19, 2026-10-25."""
    ordered = sorted(days)
    breaks = [place for place, (one, other) in enumerate(pairwise(ordered), 1) if other - one > 1]
    spans = [(ordered[start], ordered[end - 1]) for start, end in pairwise([0, *breaks, len(ordered)])]
    return ", ".join(_span(date.fromordinal(first), date.fromordinal(last)) for first, last in spans)


def _span(first: date, last: date) -> str:
    return f"{first}" if first == last else f"{first} to {last}"
