"""The statements of months: which are closed, what each team, key and app owes, what was corrected, and the files of it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import exports, queries
from usagecost.bills import FOCUS_FORMS, VERSIONS, write_focus
from usagecost.bills.chargeback import NAME as CHARGEBACK
from usagecost.bills.closes import Close, Closes, closed_zones, read_closes
from usagecost.bills.closing import draft, month_period, obstacle, words
from usagecost.bills.currencies import NAME as CURRENCIES
from usagecost.bills.currencies import USD
from usagecost.bills.month_files import FORMS, file_name
from usagecost.bills.month_page import amount_texts, coverage
from usagecost.bills.monthly import MonthStatement, month_statement
from usagecost.engine import open_lake
from usagecost.lake import Lake
from usagecost.periods import reporting_zone
from usagecost.periods.words import days_text
from usagecost.start import CARD_WIDTH
from usagecost.ui.answers import answer, empty, tried
from usagecost.ui.bills import statement_tables
from usagecost.ui.bills.closing import PROBLEMS, act_and_say, close_button, reopen_button
from usagecost.ui.blocks import table
from usagecost.ui.downloads import MIME, file_buttons
from usagecost.ui.reader import made_later
from usagecost.ui.tables import note_with_link
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import Filters, View


@dataclass
class ShownMonth:
    """A close, or what one would keep, with its statement in each currency that was asked for."""

    closes: Closes
    close: Close
    by_currency: dict[str, MonthStatement] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """About how many bytes it takes, for caches."""
        return 3_000 * len(self.close.table)

    def in_currency(self, currency: str) -> MonthStatement:
        """Returns the statement in a currency, made once."""
        if currency not in self.by_currency:
            self.by_currency[currency] = month_statement(self.closes, self.close, self.close.rates.get(currency))
        return self.by_currency[currency]


def statements(view: View) -> None:
    """Draws the months of the reporting zone, and the statement of the chosen one: as it was closed, or as it would be now."""
    act_and_say()
    lake, now = open_lake(view.lake), view.period.now
    zone = _zone(tried(lambda: closed_zones(lake)))
    closes = tried(lambda: read_closes(lake, zone))
    months = _months(view, closes)
    if not months:
        empty("No month to close yet", "A month can be closed once it is over and has requests.")
        return
    over = next((month for month in months if month_period(month, zone, now).end <= now), months[0])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        labels = {month: f"{words(month)} · {_state(closes, month, now)}" for month in months}
        month = st.selectbox("Month", months, months.index(over), labels.__getitem__, key=f"statement_month_{zone}", width=260)
        shown_month = _shown_month(view, lake, closes, month)
        if isinstance(shown_month, ShownMonth):
            currency = st.selectbox("Currency", [USD, *sorted(shown_month.close.rates)], key="statement_currency", width=120)
            _acts(lake, closes, shown_month.in_currency(currency))
        focus_download(replace(view, period=month_period(month, "UTC", now), filters=Filters()), zone)
    if isinstance(shown_month, ShownMonth):
        _draw(shown_month.in_currency(currency), is_closed=closes.of(month) is not None)
    else:
        st.info(plain(shown_month), icon=":material/schedule:")
    _history(closes)


def _zone(closed: list[str]) -> str:
    """The zone whose months are shown: the reporting zone, or another of which months are closed, such as UTC."""
    zones = list(dict.fromkeys([reporting_zone(), "UTC", *closed]))
    if len(zones) == 1:
        return zones[0]
    return st.segmented_control("Months of", zones, default=zones[0], required=True, key="statement_zone") or zones[0]


def _months(view: View, closes: Closes) -> list[date]:
    """The first days of the months that have requests or are closed, the newest first."""
    span, zone = answer(queries.data_span, view.lake, view.version, view.scope), ZoneInfo(closes.zone)
    ends = [instant.astimezone(zone).date().replace(day=1) for instant in span or ()] + [close.month for close in closes.in_force]
    return sorted((day.date() for day in pd.date_range(min(ends), max(ends), freq="MS")), reverse=True) if ends else []


def _state(closes: Closes, month: date, now: datetime) -> str:
    if closes.of(month):
        return "closed"
    if month_period(month, closes.zone, now).end > now:
        return "running"
    return "reopened" if closes.of_month(month) else "open"


def _shown_month(view: View, lake: Lake, closes: Closes, month: date) -> ShownMonth | str:
    """The close of a month, of one that is open as it would be now; or what is in the way of closing it, in a sentence."""
    now, texts = None, ()
    if closes.of(month) is None:
        now = view.period.now
        if problem := obstacle(closes, month, now):
            return problem
        texts = (view.version, lake.texts_beside().read(CHARGEBACK), lake.texts_beside().read(CURRENCIES))
    try:
        return answer(shown_of, view.lake, closes.zone, month, now, (len(closes.table), *texts))
    except PROBLEMS as problem:
        return str(problem)


def shown_of(lake: str, zone: str, month: date, now: datetime | None, _state: Hashable) -> ShownMonth:
    """Returns the close of a month, of one that is open what it would keep as of ``now``. ``_state`` is what else it depends on."""
    handle = open_lake(lake)
    closes = read_closes(handle, zone)
    return ShownMonth(closes, closes.of(month) or draft(handle, closes, month, "", now or datetime.now(UTC)))


def _acts(lake: Lake, closes: Closes, statement: MonthStatement) -> None:
    """What can be done about the month: closed, or written to files and reopened."""
    if closes.of(statement.close.month) is None:
        close_button(lake, statement.close.month, closes.zone)
        return
    for kind, make in FORMS.items():
        st.download_button(
            kind.upper() if kind != "parquet" else "Parquet",
            data=made_later(partial(make, statement)),
            file_name=file_name(statement, kind),
            mime=MIME[kind],
            key=f"statement_{kind}",
            icon=":material/download:",
            on_click="ignore",
        )
    if closes.in_force[-1].id == statement.close.id:
        reopen_button(lake, statement.close.month, closes.zone)


def focus_download(view: View, zone: str) -> None:
    """The choice of a version, and a button for each format, which writes the file of a view without filters.

    ``zone`` is as in `write_focus`.
    """
    with st.popover("FOCUS export", icon=":material/download:"):
        days = days_text(view.period.first, view.period.last)
        st.caption(
            f"{days} in UTC. One row per day, token kind, account, model, team, user, key and app. Costs are as reported, else "
            "list price. Taxes and credits of loaded bills have rows of their own, on their first day. A closed month adds up to "
            "its statement: with its corrections of earlier months, and without what has changed of it since."
        )
        version = st.segmented_control("Version", VERSIONS, default=VERSIONS[0], required=True, key="focus_version") or VERSIONS[0]
        name = partial(exports.file_name, f"focus-{version}", days=(view.period.first, view.period.last))
        file_buttons(FOCUS_FORMS, partial(write_focus, view, version, zone=zone), name, "focus")


def _draw(statement: MonthStatement, *, is_closed: bool) -> None:
    """The numbers of a statement."""
    month = statement.month
    closed = f"Closed {statement.close.at:%Y-%m-%d %H:%M} UTC by {statement.close.act['who']}"
    rate = f" · {statement.rate.words}" if statement.rate else ""
    st.caption(plain((closed if is_closed else "Not closed yet: as it would be now") + rate))
    amounts = {"Usage": month.usage, "Corrections": month.corrections, "Total": month.total}
    grid = st.grid(len(amounts), min_column_width=CARD_WIDTH, gap="small")
    for label, owed in amounts.items():
        with grid:
            text, *other = amount_texts(statement, owed)
            st.metric(label, text, "".join(other) or None, border=True, delta_color="off", delta_arrow="off")
    if missing := coverage(month.total.sums):
        note_with_link(plain(missing))
    statement_tables.teams(statement)
    statement_tables.corrections(statement)
    statement_tables.parts(statement)


def _history(closes: Closes) -> None:
    """Who closed and reopened which month, the newest act first."""
    if not closes.acts:
        return
    st.header("History", anchor=False)
    rows = [
        {
            "at": row["happened_at"].replace(tzinfo=None),
            "month": words(row["month"]),
            "act": row["kind"].capitalize(),
            "who": row["who"],
            "why": row["why"],
        }
        for row in reversed(closes.acts)
    ]
    table(
        pd.DataFrame(rows),
        name="closes",
        columns={
            "at": st.column_config.DatetimeColumn("Time (UTC)", format="YYYY-MM-DD HH:mm", width=150),
            "month": st.column_config.TextColumn("Month"),
            "act": st.column_config.TextColumn("Act"),
            "who": st.column_config.TextColumn("By"),
            "why": st.column_config.TextColumn("Why", width="large"),
        },
        alt_text="Months that were closed and reopened, when, by whom and why",
    )
