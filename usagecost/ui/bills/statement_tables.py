"""The tables of a month's statement: what each team owes, what was corrected, and the month by key, app and model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.bills.closing import words
from usagecost.bills.corrections import DIMENSIONS as KEPT_BY
from usagecost.bills.corrections import UsageSums
from usagecost.bills.month_page import amount_texts
from usagecost.bills.monthly import MonthStatement
from usagecost.bills.owed import Amount, known_amount
from usagecost.bills.rounding import places_of
from usagecost.queries.folds import AT_LEAST
from usagecost.ui.blocks import heading, table
from usagecost.ui.spend import IS_AT_LEAST, spend_columns
from usagecost.ui.text import plain
from usagecost.vocabulary import DIMENSIONS

BY = ("key", "app", "model")
PLACES = 2

Row = dict[str, Any]


def teams(done: MonthStatement) -> None:
    """Draws what each team owes: of its own, of corrections and of shared costs, and how these are split."""
    usd = {"direct_usd": "Direct", "corrections_usd": "Corrections", "shared_usd": "Shared costs"}
    rows = [
        _row(done, "team", team.value, team.sums["requests"], team.total, team.pricing)
        | _marked("direct_usd", team.usage, team.sums)
        | _marked("corrections_usd", team.corrections, team.corrected)
        | _marked("shared_usd", team.allocated, team.shared)
        for team in done.teams
    ]
    unborne = [pool for pool in done.pools if not pool.shares]
    rows += [_row(done, "team", f"{pool.rule.name} (no team bears it)", 0, pool.amount, pool.pricing) for pool in unborne]
    spend = _spend_columns(rows)["spend_usd"]
    more = {name: {**spend, "label": label, "help": None} for name, label in usd.items()}
    _by(done, "team", rows, more, amount="Total", help_text="Whole cents that add up to the total.")
    for pool in done.pools:
        st.caption(plain(f"{pool.rule.name}: {amount_texts(done, pool.amount, pool.pricing)[0]}, split {pool.rule.words}."))


def parts(done: MonthStatement) -> None:
    """Draws the month by key, app or model, as the reader chooses."""
    labels = {name: DIMENSIONS[name].label for name in BY}
    by = st.segmented_control("Direct by", BY, format_func=labels.__getitem__, default=BY[0], required=True, key="statement_by")
    rows = [_row(done, by, part.value, part.sums["requests"], part.usage, part.sums) for part in done.parts(by)]
    _by(done, by, rows, {}, amount="Direct", help_text="Direct costs of the month, the highest first.")


def corrections(done: MonthStatement) -> None:
    """Draws what has changed of earlier months since they were closed, and why; nothing where nothing has."""
    if not done.corrections:
        return
    rows = [
        {
            "month": words(line.month),
            "cause": str(line.cause).capitalize(),
            **{name: done.called(name, value) for name, value in zip(KEPT_BY, line.group, strict=True)},
            **_amount(done, line.sums["requests"] or 0, line.amount, line.pricing),
        }
        for line in done.corrections
    ]
    texts = {"month": "Month", "cause": "Cause", **{name: DIMENSIONS[name].label for name in KEPT_BY}}
    columns = {name: st.column_config.TextColumn(label) for name, label in texts.items()}
    columns["requests"] = st.column_config.NumberColumn("Requests", format="localized")
    columns |= _owed_columns(done, rows, "Amount")
    _table(done, "Corrections", rows, columns, "What has changed of closed months since they were closed, and why.")


def _by(done: MonthStatement, by: str, rows: Sequence[Row], more: Row, *, amount: str, help_text: str) -> None:
    """A table by a dimension: requests, more columns, and what is owed, marked where that is a lower bound."""
    label = DIMENSIONS[by].label
    columns = {by: st.column_config.TextColumn(label), "requests": st.column_config.NumberColumn("Requests", format="localized")}
    columns |= more | _owed_columns(done, rows, amount)
    _table(done, f"By {label.lower()}", rows, columns, help_text)


def _owed_columns(done: MonthStatement, rows: Sequence[Row], label: str) -> Row:
    """The columns of what is owed: in USD, in another currency, and of how many requests it lacks a part."""
    spend = _spend_columns(rows)
    found = {"spend_usd": {**spend["spend_usd"], "label": label}, **_other_column(done, label)}
    return found | {name: spend[name] for name in (AT_LEAST, "incomplete_requests") if name in spend}


def _spend_columns(rows: Sequence[Row]) -> Row:
    return spend_columns(pd.DataFrame(rows, columns=["incomplete_requests"]), PLACES)


def _table(done: MonthStatement, title: str, rows: Sequence[Row], columns: Row, help_text: str) -> None:
    exact = pd.DataFrame(rows, columns=list(dict.fromkeys([*columns, *(rows[0] if rows else ())])), dtype=object)
    name, file = f"statement-{title.lower().replace(' ', '-')}", f"statement {done.close.month:%Y-%m} {title}"
    heading(title, lambda: exact, name=name, help=help_text, file=file)
    shown = exact.assign(amount=exact["amount"].astype("Float64")) if "amount" in exact else exact
    alt_text = f"Statement of {words(done.close.month)}: {title}"
    table(shown, name=name, columns=columns, alt_text=alt_text, spend_places=PLACES)


def _row(done: MonthStatement, by: str, value: str | None, requests: int, amount: Amount, pricing: UsageSums) -> Row:
    """What a value of a dimension had and owes."""
    return {by: done.called(by, value), **_amount(done, requests, amount, pricing)}


def _amount(done: MonthStatement, requests: int, amount: Amount | None, pricing: UsageSums) -> Row:
    """What is owed, beside how many requests; no amount where nothing is known of it."""
    counts = {"requests": requests, "incomplete_requests": pricing["incomplete_requests"] or 0}
    known = known_amount(amount, pricing)
    other = {"amount": known.other} if done.rate and known else {}
    return counts | _marked("spend_usd", amount, pricing, AT_LEAST) | other


def _marked(name: str, amount: Amount | None, pricing: UsageSums, mark: str = "") -> Row:
    """An amount in USD, None where nothing is known of it, and whether it is a lower bound."""
    known = known_amount(amount, pricing)
    is_at_least = known is not None and bool(pricing["incomplete_requests"])
    return {name: known.usd if known else None, mark or f"{name}{IS_AT_LEAST}": is_at_least}


def _other_column(done: MonthStatement, label: str) -> Row:
    if not done.rate:
        return {}
    return {"amount": st.column_config.NumberColumn(f"{label} ({done.currency})", format=f"%,.{places_of(done.currency)}f")}
