"""Another currency beside dollars, where `currencies.toml` has rates: chosen in the settings. Dollars stay the truth.

A period is converted at one rate, of its last day, or of today where it is not over, as a statement is.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import streamlit as st

from usagecost.engine import open_lake
from usagecost.lake import LakeError
from usagecost.ui.memory import cached_answer_for
from usagecost.vocabulary import METRICS, Sums
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import GAP, LOWER_BOUND, count

if TYPE_CHECKING:
    from datetime import date

    from usagecost.bills.currencies import ExchangeRate

USD = "USD"
FRESH_SECONDS = 60
"""How long rates are believed that were read."""
MOST_IN_FULL = 10**6


def currency_choice(view: View) -> None:
    """Draws the choice of a currency, where there are rates; another one that a link asks for is none."""
    rates = _rates(view)
    if not rates:
        return
    if st.session_state["currency"] not in rates:
        st.session_state["currency"] = USD
    st.selectbox(
        "Currency beside dollars",
        [USD, *sorted(rates)],
        format_func=lambda name: "None" if name == USD else name,
        key="currency",
        help="What was spent, at the rate of the last day of the range, by `currencies.toml` beside the lake.",
    )


def chosen_rate(view: View) -> ExchangeRate | None:
    """The rate of the currency that the reader has chosen; None of dollars."""
    return _rates(view).get(st.session_state.get("currency"))


def spend_in(rate: ExchangeRate, sums: Sums) -> str | None:
    """What was spent in another currency, with the mark of a lower bound as `spend_text` has it; None where nothing is known."""
    from usagecost.bills.month_page import money  # takes a tenth of a second, and few need it
    from usagecost.bills.rounding import rounded, unit_of

    spend = METRICS["spend_usd"].of(sums)
    if spend is None:
        return None
    amount = rounded(Decimal(spend) * rate.per_usd, unit_of(rate.currency))
    text = money(amount, rate.currency) if abs(amount) < MOST_IN_FULL else f"{count(amount)}{GAP}{rate.currency}"
    return f"{LOWER_BOUND if sums['incomplete_requests'] else ''}{text}"


def _rates(view: View) -> dict[str, ExchangeRate]:
    """The rates of a view's last day by currency; none where their files cannot be read, which the page Bills says."""
    return cached_answer_for(FRESH_SECONDS, rates_of, view.lake, min(view.period.last, view.period.today))


def rates_of(lake: str, day: date) -> dict[str, ExchangeRate]:
    """Returns the rates of a day by what lies beside a lake."""
    from usagecost.bills.currencies import CurrencyProblem, rates_on

    try:
        return rates_on(open_lake(lake), day)
    except (CurrencyProblem, LakeError):
        return {}
