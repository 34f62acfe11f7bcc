"""The forms of a budget, and of the rules beside budgets: what each says is a value, or the reason why it is none yet."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any

import streamlit as st

from usagecost.alerts import PREFIX, channels
from usagecost.budgets import PERIODS, Budget, Rules, check_budget, put_rules, rules_text
from usagecost.engine import open_lake
from usagecost.forecast import PERIODS as FORECAST_PERIODS
from usagecost.ui.acts import say_outcome, try_write
from usagecost.ui.boards.form import choose_filters
from usagecost.vocabulary.filters import View

KEY = "budget_form"
THRESHOLDS = (50, 80, 90, 100, 120)
RULES_KEY = "rules_form"
DEFAULT_HOURS, DEFAULT_AMOUNT = 24, 50
UNUSUAL = {"unusual_days": "spend", "unusual_failures": "failure rate", "unusual_latency": "p95 latency"}
_PLACE = "rules of alerts"


def clear() -> None:
    """Forgets what was typed."""
    for name in [name for name in st.session_state if str(name).startswith(KEY)]:
        del st.session_state[name]


def budget_form(view: View, original: Budget | None) -> Budget | str:
    """Draws the form, which begins with the budget ``original``, and returns what it says."""
    _begin(original)
    with st.container(horizontal=True, gap="small"):
        name = st.text_input("Name", key=f"{KEY}_name", max_chars=80, placeholder="Search team", live=True, width="stretch")
        amount = st.text_input("Amount in USD", key=f"{KEY}_amount", placeholder="1000.00", live=True, width=180)
    period = st.segmented_control("Each", list(PERIODS), key=f"{KEY}_period", format_func=PERIODS.__getitem__, required=True)
    choose_filters(view, KEY, "Without filters the budget is of all requests.")
    with st.container(horizontal=True, gap="small"):
        actual = _percents("Alert when used (%)", "actual")
        forecast = _percents("Alert when forecast (%)", "forecast", disabled=period not in FORECAST_PERIODS)
    tell = choose_channels(f"{KEY}_tell", original.tell if original else ())
    incomplete = st.checkbox("Alert when requests have no price", key=f"{KEY}_incomplete")
    fields: dict[str, Any] = {"name": name.strip(), "amount": amount.strip().lstrip("$").replace(",", ""), "period": period}
    if not fields["name"] or not fields["amount"]:
        return "Enter a name and an amount."
    alerts = {"actual": actual, "forecast": forecast, "tell": tell, "incomplete": incomplete}
    return check_budget(fields | _scope() | alerts)


def choose_channels(key: str, selected: Sequence[str]) -> list[str]:
    """The choice of who is told, of the channels that the environment names, and others that are typed."""
    return st.multiselect(
        "Tell",
        list(dict.fromkeys([*selected, *channels()])),
        key=key,
        accept_new_options=True,
        placeholder="Nobody: the alert is recorded and listed here",
        help=f"A channel ops is an Apprise URL in the setting {PREFIX}OPS of the app and of the process that runs alerts.",
    )


def _begin(original: Budget | None) -> None:
    """Sets the widgets to a budget, where they are not set yet."""
    if f"{KEY}_name" in st.session_state:
        return
    start = original or Budget.model_construct(name="", amount="")
    amount = f"{original.amount:f}" if original else ""
    fields: dict[str, Any] = {"name": start.name, "amount": amount, "period": start.period, "incomplete": start.incomplete}
    fields |= {"actual": list(start.actual), "forecast": list(start.forecast), "tell": list(start.tell)}
    fields |= {"by": [*start.only, *start.without]}
    for scope, excludes in ((start.only, False), (start.without, True)):
        for name, values in scope.items():
            fields |= {f"is_{name}": list(values), f"not_{name}": excludes}
    st.session_state.update({f"{KEY}_{name}": value for name, value in fields.items()})


def _percents(label: str, name: str, *, disabled: bool = False) -> list[int]:
    key = f"{KEY}_{name}"
    options = sorted({*THRESHOLDS, *st.session_state[key]})
    return st.multiselect(label, options, key=key, format_func=lambda one: f"{one:,}%", disabled=disabled)


def _scope() -> dict[str, dict[str, list[str]]]:
    """The values of the dimensions that are chosen, on the side that they are on."""
    sides: dict[str, dict[str, list[str]]] = {"only": {}, "without": {}}
    for name in st.session_state[f"{KEY}_by"]:
        if values := st.session_state.get(f"{KEY}_is_{name}"):
            sides["without" if st.session_state.get(f"{KEY}_not_{name}") else "only"][name] = values
    return sides


def rules_form(lake: str, rules: Rules) -> None:
    """Draws the rules as they are, and writes what is changed."""
    st.header("Other rules", anchor=False, help="What alerts beside budgets. Nothing does unless it is chosen.")
    say_outcome(_PLACE)
    key = f"{RULES_KEY}_{sha256(rules.model_dump_json().encode()).hexdigest()[:8]}"  # for other rules the form begins anew
    unpriced = st.checkbox("A new model has no price", rules.unpriced_models, key=f"{key}_unpriced")
    unusual = {
        name: st.checkbox(f"A day's {what} is far above the usual", getattr(rules, name), key=f"{key}_{name}")
        for name, what in UNUSUAL.items()
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        silent = st.checkbox("A regular source has no data for (hours)", rules.silent_hours is not None, key=f"{key}_silent")
        hours = st.number_input(
            "Hours",
            1,
            720,
            rules.silent_hours or DEFAULT_HOURS,
            key=f"{key}_hours",
            disabled=not silent,
            label_visibility="collapsed",
            width=140,
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        new = st.checkbox("A new user or key spends above (USD)", rules.new_above is not None, key=f"{key}_new")
        start = int(rules.new_above or DEFAULT_AMOUNT) or DEFAULT_AMOUNT
        above = st.number_input(
            "USD", 1, 10**9, start, key=f"{key}_above", disabled=not new, label_visibility="collapsed", width=140
        )
    if f"{key}_tell" not in st.session_state:
        st.session_state[f"{key}_tell"] = list(rules.tell)
    tell = choose_channels(f"{key}_tell", rules.tell)
    same = rules.new_above if rules.new_above is not None and int(rules.new_above) == above else Decimal(above)
    try:
        drafted = rules.model_validate(
            {
                "unpriced_models": unpriced,
                "silent_hours": hours if silent else None,
                "new_above": same if new else None,
                **unusual,
                "tell": tell,
            }
        )
    except ValueError:
        st.caption("A channel is called in small letters, digits and _, such as ops.")
        return
    st.button("Save rules", key="save_rules", disabled=drafted == rules, on_click=_save, args=(lake, rules, drafted))


def _save(lake: str, old: Rules, rules: Rules) -> None:
    before, after = rules_text(old), rules_text(rules)
    try_write(_PLACE, "budget", "the rules of alerts", lambda: put_rules(open_lake(lake), old, rules), before=before, after=after)
