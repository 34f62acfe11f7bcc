"""Budgets: what some requests may cost in a period, and how much of that is used, by the lake and by the forecast.

They stand in `budgets.toml` beside the lake, which people write and review like code. Nothing here draws, and nothing here tells
anybody: see `alerts`.
"""

from usagecost.budgets.asking import BASIS, states, view_of_now
from usagecost.budgets.budget import (
    NAME,
    PERIODS,
    Budget,
    BudgetFile,
    BudgetProblem,
    Rules,
    add_budget,
    budget_text,
    change_budget,
    check_budget,
    parse_budgets,
    put_rules,
    read_budgets,
    rules_text,
)
from usagecost.budgets.state import Spent, State, even_pace, is_of, is_within, span_of, spans_before
