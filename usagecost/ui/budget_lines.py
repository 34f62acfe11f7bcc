"""Budgets on charts of spend: the even pace of those that are about the very requests of a view, as thin lines, and in tables."""

from __future__ import annotations

from itertools import compress
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost.budgets import BASIS, Budget, BudgetProblem, even_pace, is_of, read_budgets
from usagecost.charts import Level, TimeAxis
from usagecost.engine import open_lake
from usagecost.lake import LakeError
from usagecost.ui.figures import BUDGET
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

EACH = {"15min": "in 15 minutes", "hour": "an hour", "day": "a day", "week": "a week", "month": "a month"}


def budgets_of(view: View) -> tuple[Budget, ...]:
    """The budgets of a view's requests; none on another cost basis than theirs, or where their file cannot be read."""
    if view.basis != BASIS:
        return ()
    lake = open_lake(view.lake)
    try:
        budgets = _remote(view.lake) if lake.is_remote else read_budgets(lake).budget
    except (BudgetProblem, LakeError):
        return ()
    return tuple(budget for budget in budgets if is_of(budget, view.filters) and view.scope.includes(budget.filters))


def budget_levels(view: View, axis: TimeAxis) -> tuple[Level, ...]:
    """The lines of them, each with what it is in an interval: $100.00 a day, or from how much to how much."""
    return tuple(_level(budget, view, axis) for budget in budgets_of(view))


def budgets_alt(view: View, axis: TimeAxis) -> str:
    """The same in the words that describe a chart; "" where there is none."""
    return "".join(f", with {level.name}: {level.text}" for level in budget_levels(view, axis))


def with_budgets(numbers: pd.DataFrame, view: View, axis: TimeAxis) -> pd.DataFrame:
    """The rows of a chart of spend with what each of them allows in the interval of the row, in a column of its own."""
    places = {step.start.astimezone(ZoneInfo(axis.zone)).isoformat(): place for place, step in enumerate(axis.steps)}
    of_rows = [places[start] for start in numbers["interval_start"]]
    return numbers.assign(**{level.name: [level.values[place] for place in of_rows] for level in budget_levels(view, axis)})


def _level(budget: Budget, view: View, axis: TimeAxis) -> Level:
    amounts = even_pace(budget, axis.steps, axis.zone, view.week_start)
    full = list(compress(amounts, (not is_partial for is_partial in axis.partial))) or amounts
    ends = dict.fromkeys(formats.usd(amount) for amount in (min(full, default=None), max(full, default=None)))
    return Level(f"{BUDGET}{budget.name}", tuple(map(float, amounts)), f"{' – '.join(ends)} {EACH[axis.interval]}")


@st.cache_resource(max_entries=8, ttl=10, show_spinner=False)
def _remote(lake: str) -> tuple[Budget, ...]:
    """Those of a store: a page that is drawn anew must not ask for them again."""
    return read_budgets(open_lake(lake)).budget
