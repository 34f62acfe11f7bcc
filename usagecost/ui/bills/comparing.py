"""A month's bills beside our logs: how much is explained, by what, and the cells that differ most."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date

import pandas as pd
import streamlit as st

from usagecost.bills.currencies import rates_version
from usagecost.bills.reconciling import reconcile_lake
from usagecost.bills.result import CAUSES, Cell, CellSums, Reconciliation
from usagecost.bills.words import (
    KINDS,
    OURS,
    THEIRS,
    compared_with_all,
    explained_text,
    not_compared,
    ours_text,
    over_months,
    signed_usd,
)
from usagecost.charts import beginning, waterfall
from usagecost.engine import open_lake
from usagecost.pricebook import current_book
from usagecost.ui import going
from usagecost.ui.answers import answer, empty, tried
from usagecost.ui.bills.cells import largest_differences
from usagecost.ui.bills.ending import ways_to_end
from usagecost.ui.bills.loading import drop_zone, say_what_was_done
from usagecost.ui.blocks import chart, choose_value, heading, table
from usagecost.ui.tables import note_with_link
from usagecost.ui.text import plain
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.colours import CHANGE_COLORS, COLORS
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import counted, percent, usd

MONTH = "%Y-%m"


def reconciliation(view: View) -> None:
    """Draws the month that the URL names, or the way to a first bill."""
    say_what_was_done()
    lake = open_lake(view.lake)
    files = tried(lambda: lake.files("bills"))
    if not files:
        empty(
            "No bills yet", "Load what a provider bills, and this page says how much of it your logs explain, and what the rest is."
        )
        drop_zone(view.lake)
        return
    others = (files, current_book(lake).version, tried(lambda: rates_version(lake)))
    result, sentences = answer(of_lake, view.lake, view.version, view.basis, others)
    for sentence in (*sentences, *not_compared(result)):
        st.warning(plain(sentence), icon=":material/rule:")
    months = result.by_month()
    if not months:
        st.button("Load another bill", key="load_another", icon=":material/add:", type="primary", on_click=_show_loaded)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        names = [month.strftime(MONTH) for month in months]
        month = _month_of(choose_value("Month", "month", names, None, _month_text) or names[0], months)
        st.button("Load a bill", key="load_another", icon=":material/add:", on_click=_show_loaded)
    _month(view, result, month, months[month])
    _months(months)


def of_lake(lake: str, version: int, basis: str, _others: Hashable) -> tuple[Reconciliation, tuple[str, ...]]:
    """Returns the reconciliation of all bills of a lake, and what a person has to know of them. ``_others`` is what else it depends
    on: versions of its bills, own prices and rates.
    """
    return reconcile_lake(open_lake(lake), version, basis)


def _show_loaded() -> None:
    going.to_part("Loaded bills")


def _month_text(name: str) -> str:
    return f"{date.fromisoformat(f'{name}-01'):%B %Y}"


def _month_of(name: str, months: Mapping[date, object]) -> date:
    """The month that a text says; the newest where it says none of them."""
    return next((month for month in months if month.strftime(MONTH) == name), next(iter(months)))


def _month(view: View, result: Reconciliation, month: date, providers: Mapping[str, CellSums]) -> None:
    cells = result.of_month(month)
    sums = CellSums.of(cells)
    st.header(
        plain(explained_text(sums)),
        anchor=False,
        help="What is unexplained is added up cell by cell, so that too much in one and too little in another do not cancel out.",
    )
    with st.grid(4, min_column_width=168, gap="small"):
        for label, text, help_text in (
            (THEIRS, usd(sums.theirs), plain(f"All lines of bills of {', '.join(providers)}, with taxes and credits")),
            (OURS, ours_text(sums), "What requests to these providers have cost, by the chosen basis of cost"),
            ("Difference", signed_usd(sums.difference), "The bill less our logs"),
            (CAUSES["rest"].label, usd(sums.unexplained), CAUSES["rest"].help),
        ):
            st.metric(label, text, help=help_text, border=True, height="stretch")
    if sums.incomplete:
        note_with_link(f"Lower bound: {counted(sums.incomplete, 'request')} without a full price.")
    for sentence in (*over_months(cells), *compared_with_all(result, month)):
        st.caption(plain(sentence))
    ways_to_end(view, result, month)
    _explanation(cells, sums)
    largest_differences(view, result, cells)


def _explanation(cells: Sequence[Cell], sums: CellSums) -> None:
    """The way from our logs to the bill."""
    causes = [(CAUSES[name], amount) for name, amount in sums.effects.items() if amount]
    rows = [(OURS, sums.ours, ours_text(sums), "What requests have cost")]
    rows += [(cause.label, amount, signed_usd(amount), cause.help) for cause, amount in causes]
    rows += [(THEIRS, sums.theirs, usd(sums.theirs), "What is billed, with taxes and credits")]
    colors = CHANGE_COLORS[METRICS["spend_usd"].better]
    chart(
        "From our logs to the bill",
        waterfall(pd.DataFrame(rows, columns=["name", "value", "text", "help"]), (COLORS["requests"], *colors)),
        lambda: _effects(cells),
        name="bill-steps",
        help="Each step is what one cause adds. They add up to the difference, exactly. The table has them by provider and model.",
        alt_text="Waterfall from what our logs have to what is billed, a bar for each cause",
    )
    if low := beginning([float(value) for _, value, *_ in rows[:-1]]):
        st.caption(f"Bars of our logs and of the bill begin at {plain(usd(low))}, so that steps are seen.")


def _effects(cells: Sequence[Cell]) -> pd.DataFrame:
    """What explains the difference, by provider, model and kind of tokens."""
    rows = [
        (CAUSES[one.cause].label, KINDS.get(one.of, one.of), cell.provider, cell.model, one.amount)
        for cell in cells
        for one in cell.effects
    ]
    frame = pd.DataFrame(rows, columns=["cause", "of", "provider", "model", "amount_usd"])
    labels = {cause.label: place for place, cause in enumerate(CAUSES.values())}
    summed = frame.groupby(["cause", "of", "provider", "model"], dropna=False, as_index=False)["amount_usd"].sum()
    order = summed["cause"].map(labels)
    return summed.assign(order=order).sort_values(["order", "amount_usd"], ignore_index=True).drop(columns="order")


def _months(months: Mapping[date, Mapping[str, CellSums]]) -> None:
    """Every month and provider that has a bill; a click shows the month."""
    rows = [(month, provider, sums) for month, of in months.items() for provider, sums in of.items()]
    totals = pd.DataFrame(
        {
            "month": [f"{month:%b %Y}" for month, *_ in rows],
            "provider": [provider for _, provider, _ in rows],
            "theirs_usd": [sums.theirs for *_, sums in rows],
            "ours": [ours_text(sums) for *_, sums in rows],
            "difference_usd": [sums.difference for *_, sums in rows],
            "unexplained_usd": [sums.unexplained for *_, sums in rows],
            "explained": [percent(sums.explained) for *_, sums in rows],
        }
    )
    heading("All months", lambda: totals, name="bill-months", help="A click shows the month.")
    table(
        totals,
        name="bill-months",
        columns={
            "month": st.column_config.TextColumn("Month", width=90),
            "provider": st.column_config.TextColumn("Provider", width=130),
            "theirs_usd": st.column_config.NumberColumn(THEIRS, width=110),
            "ours": st.column_config.TextColumn(OURS, width=110, alignment="right"),
            "difference_usd": st.column_config.NumberColumn("Difference", width=110),
            "unexplained_usd": st.column_config.NumberColumn(CAUSES["rest"].label, width=110),
            "explained": st.column_config.TextColumn("Explained", width=100, alignment="right"),
        },
        alt_text="Months and providers with what is billed, what our logs have, and how much of the difference is explained",
        texts={"theirs_usd": usd, "difference_usd": signed_usd, "unexplained_usd": usd},
        on_select=lambda row: st.session_state.update(month=rows[row][0].strftime(MONTH)),
    )
