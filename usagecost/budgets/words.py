"""What a budget says in words: its amounts, its scope, the periods before."""

from __future__ import annotations

from usagecost.budgets.budget import PERIODS, Budget
from usagecost.budgets.state import Spent, State
from usagecost.forecast import Forecast, TooLittle
from usagecost.periods.words import days_text
from usagecost.vocabulary import formats
from usagecost.vocabulary.labels import Labels


def used_text(state: State) -> str:
    """≥ $812.10 of $1,000.00 (≥ 81.2%), data from 9 Nov 2026, if the lake begins within the period."""
    amount = formats.usd(state.budget.amount)
    if state.used.usd is None:
        return f"– of {amount}: no cost is known yet"
    since = f", data{_since_text(state.used)}" if state.used.since else ""
    return f"{spent_text(state.used)} of {amount} ({_share_text(state, state.used)}){since}"


def spent_text(spent: Spent) -> str:
    """The spend of a period, with the mark of a lower bound where a cost is missing."""
    return f"{formats.LOWER_BOUND if spent.incomplete and spent.usd is not None else ''}{formats.usd(spent.usd)}"


def forecast_text(state: State) -> str:
    """Forecast $1,020 ± 40 (102.0%); or why there is none; "" for days and weeks."""
    forecast = state.forecast
    if isinstance(forecast, TooLittle):
        return f"No forecast: {forecast.words}"
    if not isinstance(forecast, Forecast):
        return ""
    mark = formats.LOWER_BOUND if state.is_forecast_at_least else ""
    return f"Forecast {mark}{formats.around(forecast.total, forecast.margin)} ({mark}{formats.percent(state.forecast_share)})"


def left_text(state: State) -> str:
    """12 days left."""
    return "last day" if state.left == 0 else f"{formats.counted(state.left, 'day')} left"


def before_text(state: State) -> str:
    """Oct 2026 $900.00 (90.0%) · Sep 2026 … : the three periods before, the newest first."""
    return " · ".join(_before_text(state, spent) for spent in state.before)


def scope_text(budget: Budget, labels: Labels) -> str:
    """Monthly · team is search."""
    words = " · ".join(budget.filters.phrases(labels.of)) or "all requests"
    return f"{PERIODS[budget.period]} · {words}"


def _before_text(state: State, spent: Spent) -> str:
    if spent.usd is None and not spent.requests:
        return f"{_name(state.budget, spent)} no data"
    share = f" ({_share_text(state, spent)})" if spent.usd is not None else ""
    return f"{_name(state.budget, spent)}{_since_text(spent)} {spent_text(spent)}{share}"


def _share_text(state: State, spent: Spent) -> str:
    return f"{formats.LOWER_BOUND if spent.incomplete else ''}{formats.percent(state.share(spent))}"


def _since_text(spent: Spent) -> str:
    return f" from {days_text(spent.since, spent.since)}" if spent.since else ""


def _name(budget: Budget, spent: Spent) -> str:
    """What a period is called."""
    if budget.period == "month":
        return f"{spent.first:%b %Y}"
    if budget.period == "quarter":
        return f"Q{(spent.first.month + 2) // 3} {spent.first.year}"
    return str(spent.first.year) if budget.period == "year" else days_text(spent.first, spent.last)
