"""The tables of a month's statement: what each says, in which columns, whoever draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from usagecost.bills.closing import words
from usagecost.bills.corrections import DIMENSIONS as KEPT_BY
from usagecost.bills.monthly import MonthStatement
from usagecost.bills.owed import Amount, Owed
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import UNKNOWN, percent

SPEND = "spend_usd"
"""The column of what is owed in all currencies of the statement; other amounts are in USD alone."""
REQUESTS = {"requests": "Requests"}
TOKENS = {"input_tokens": "Input tokens", "output_tokens": "Output tokens"}
COUNTS = {**REQUESTS, **TOKENS}

Cell = str | int | Owed | None
"""A text, a count, None where that is not known, or what is owed; "" where there is nothing to say."""


@dataclass(frozen=True)
class MonthTable:
    """A table: its columns with their headings, its rows, and in the last one what they come to, if it ``has_total``."""

    title: str
    columns: Mapping[str, str]
    rows: Sequence[Sequence[Cell]]
    has_total: bool = False


def tables(statement: MonthStatement) -> list[MonthTable]:
    """All tables below the summary, in their order."""
    total = ("Total", "", "", "", "", statement.month.total)
    by_team = teams(statement)
    by_team = MonthTable(by_team.title, by_team.columns, [*by_team.rows, total], has_total=True)
    return [
        by_team,
        shared(statement),
        corrections(statement),
        *(parts(statement, by) for by in ("key", "app")),
        prices(statement),
        reconciled(statement),
    ]


def summary(statement: MonthStatement) -> MonthTable:
    """The month, what has changed of earlier ones, and both."""
    corrected = [("Corrections of earlier months", statement.month.corrections)] if statement.corrections else []
    rows = [(f"Usage of {words(statement.close.month)}", statement.month.usage), *corrected, ("Total", statement.month.total)]
    return MonthTable("", {"what": "", SPEND: "Amount"}, rows, has_total=True)


def teams(statement: MonthStatement) -> MonthTable:
    """What each team owes of its own, for corrections and of shared costs; and shared costs that nobody bears."""
    rows: list[Sequence[Cell]] = [
        (statement.called("team", one.value), one.usage.sums["requests"], one.usage, one.corrections, one.allocated, one.total)
        for one in statement.teams
    ]
    rows += [(f"{pool.rule.name} (no team bears it)", "", "", "", "", pool.owed) for pool in statement.pools if not pool.shares]
    amounts = {"direct_usd": "Direct", "corrections_usd": "Corrections", "shared_usd": "Shared costs", SPEND: "Total"}
    return MonthTable("By team", {"team": "Team", **REQUESTS, **amounts}, rows)


def shared(statement: MonthStatement) -> MonthTable:
    """What each team bears of shared costs."""
    rows = [
        (pool.rule.name, pool.rule.words, statement.called("team", team), share)
        for pool in statement.pools
        for team, share in pool.shares.items()
    ]
    return MonthTable("Shared costs", {"costs": "Costs", "split": "Split", "team": "Team", SPEND: "Amount"}, rows)


def corrections(statement: MonthStatement) -> MonthTable:
    """What has changed of earlier months since they were closed, and why."""
    rows = [
        (
            words(line.month),
            str(line.cause).capitalize(),
            *(statement.called(name, value) for name, value in zip(KEPT_BY, line.group, strict=True)),
            line.sums["requests"] or 0,
            line.owed,
        )
        for line in statement.corrections
    ]
    kept_by = {name: DIMENSIONS[name].label for name in KEPT_BY}
    columns = {"month": "Month", "cause": "Cause", **kept_by, **REQUESTS, SPEND: "Amount"}
    return MonthTable("Corrections of earlier months", columns, rows)


def parts(statement: MonthStatement, dimension: str) -> MonthTable:
    """The month by a dimension, the most first."""
    rows = [
        (
            statement.called(dimension, part.value),
            part.usage.sums["requests"],
            part.usage,
            *(part.usage.sums[name] for name in TOKENS),
        )
        for part in statement.parts(dimension)
    ]
    label = DIMENSIONS[dimension].label
    return MonthTable(f"By {label.lower()}", {dimension: label, **REQUESTS, SPEND: "Direct", **TOKENS}, rows)


def prices(statement: MonthStatement) -> MonthTable:
    """At which prices the month's requests were charged, by model."""
    rows = [
        (
            *(row[name] or NOT_REPORTED for name in ("provider", "model")),
            *(row[name] or UNKNOWN for name in ("price_id", "price_status")),
            percent(row["discount"]) if row["discount"] else "",
            row["requests"],
            owed,
        )
        for row, owed in statement.prices
    ]
    texts = {name: name.capitalize() for name in ("provider", "model", "price", "status", "discount")}
    return MonthTable("Prices", {**texts, **REQUESTS, SPEND: "Direct"}, rows)


def reconciled(statement: MonthStatement) -> MonthTable:
    """What providers billed for the month beside what logs say."""
    rows = [(provider, label, Owed(Amount(amount, amount))) for provider, label, amount in statement.reconciled]
    return MonthTable("Beside the bills, by days of UTC", {"provider": "Provider", "what": "What", "logged_usd": "USD"}, rows)
