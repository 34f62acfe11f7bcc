"""The tables of a month's statement: what each team owes, what was corrected, and the month by key, app and model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.bills.closing import words
from usagecost.bills.corrections import DIMENSIONS as KEPT_BY
from usagecost.bills.corrections import Sums
from usagecost.bills.month_page import money
from usagecost.bills.monthly import NO_SUMS, NOTHING, Amount, MonthStatement
from usagecost.bills.rounding import unit_of
from usagecost.queries.folds import AT_LEAST
from usagecost.ui.blocks import heading, table
from usagecost.ui.spend import spend_columns
from usagecost.ui.text import plain
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import NOT_REPORTED

BY = ("key", "app", "model")
PLACES = 2
_USD = "dollar"

Row = dict[str, Any]


def teams(done: MonthStatement) -> None:
    """Draws what each team owes: of its own, of corrections and of shared costs, and how these are split."""
    usd = {"direct_usd": "Direct", "corrections_usd": "Corrections", "shared_usd": "Shared costs"}
    rows = [
        _row(done, "team", team.value, team.sums, team.total)
        | dict(zip(usd, (team.usage.usd, team.corrections.usd, team.allocated.usd), strict=True))
        for team in done.teams
    ]
    unborne = [pool for pool in done.pools if not pool.shares]
    rows += [_row(done, "team", f"{pool.rule.name} (no team bears it)", NO_SUMS, pool.amount) for pool in unborne]
    more = {name: st.column_config.NumberColumn(label, format=_USD) for name, label in usd.items()}
    _by(done, "team", rows, more, amount="Total", help_text="Whole cents that add up to the total.")
    for pool in done.pools:
        st.caption(plain(f"{pool.rule.name}: {money(pool.amount.usd)}, split {pool.rule.words}."))


def parts(done: MonthStatement) -> None:
    """Draws the month by key, app or model, as the reader chooses."""
    labels = {name: DIMENSIONS[name].label for name in BY}
    by = st.segmented_control("Direct by", BY, format_func=labels.__getitem__, default=BY[0], required=True, key="statement_by")
    rows = [_row(done, by, part.value, part.sums, part.usage) for part in done.parts(by)]
    _by(done, by, rows, {}, amount="Direct", help_text="Direct costs of the month, the highest first.")


def corrections(done: MonthStatement) -> None:
    """Draws what has changed of earlier months since they were closed, and why; nothing where nothing has."""
    if not done.corrections:
        return
    rows = [
        {
            "month": words(line.month),
            "cause": str(line.cause).capitalize(),
            **{name: _name(done, name, value) for name, value in zip(KEPT_BY, line.group, strict=True)},
            "requests": line.sums["requests"] or 0,
            "spend_usd": (line.amount or NOTHING).usd,
            **_other(done, line.amount or NOTHING),
        }
        for line in done.corrections
    ]
    texts = {"month": "Month", "cause": "Cause", **{name: DIMENSIONS[name].label for name in KEPT_BY}}
    columns = {name: st.column_config.TextColumn(label) for name, label in texts.items()}
    columns["requests"] = st.column_config.NumberColumn("Requests", format="localized")
    columns |= {"spend_usd": st.column_config.NumberColumn("Amount", format=_USD), **_other_column(done, "Amount")}
    _table(done, "Corrections", rows, columns, "What has changed of closed months since they were closed, and why.")


def _by(done: MonthStatement, by: str, rows: Sequence[Row], more: Row, *, amount: str, help_text: str) -> None:
    """A table by a dimension: requests, more columns, and what is owed, marked where that is a lower bound."""
    label = DIMENSIONS[by].label
    columns = {by: st.column_config.TextColumn(label), "requests": st.column_config.NumberColumn("Requests", format="localized")}
    spend = spend_columns(pd.DataFrame(rows, columns=["incomplete_requests"]), PLACES)
    columns |= more | {"spend_usd": {**spend["spend_usd"], "label": amount}, **_other_column(done, amount)}
    columns |= {name: spend[name] for name in (AT_LEAST, "incomplete_requests") if name in spend}
    _table(done, f"By {label.lower()}", rows, columns, help_text, spend_places=PLACES)


def _table(
    done: MonthStatement, title: str, rows: Sequence[Row], columns: Row, help_text: str, spend_places: int | None = None
) -> None:
    exact = pd.DataFrame(rows, columns=list(dict.fromkeys([*columns, *(rows[0] if rows else ())])), dtype=object)
    name, file = f"statement-{title.lower().replace(' ', '-')}", f"statement {done.close.month:%Y-%m} {title}"
    heading(title, lambda: exact, name=name, help=help_text, file=file)
    shown = exact.assign(amount=exact["amount"].astype("Float64")) if "amount" in exact else exact
    alt_text = f"Statement of {words(done.close.month)}: {title}"
    table(shown, name=name, columns=columns, alt_text=alt_text, spend_places=spend_places)


def _row(done: MonthStatement, by: str, value: str | None, sums: Sums, amount: Amount) -> Row:
    """What a value of a dimension had and owes; no amount where of none of its requests the cost is known."""
    is_known = bool(sums["priced_requests"] or not sums["requests"] or amount != NOTHING)
    missing = sums["incomplete_requests"] or 0
    counts = {"requests": sums["requests"], "incomplete_requests": missing, AT_LEAST: is_known and missing > 0}
    return {by: _name(done, by, value), **counts, **({"spend_usd": amount.usd, **_other(done, amount)} if is_known else {})}


def _other(done: MonthStatement, amount: Amount) -> Row:
    return {"amount": amount.other} if done.rate else {}


def _other_column(done: MonthStatement, label: str) -> Row:
    if not done.rate:
        return {}
    places = max(0, -int(unit_of(done.currency).as_tuple().exponent))
    return {"amount": st.column_config.NumberColumn(f"{label} ({done.currency})", format=f"%,.{places}f")}


def _name(done: MonthStatement, dimension: str, value: str | None) -> str:
    return done.name(dimension, value) or NOT_REPORTED
