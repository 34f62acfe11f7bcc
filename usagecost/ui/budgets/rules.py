"""The form of the rules beside budgets, which stand in the same file."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256

import streamlit as st

from usagecost.budgets import Rules, put_rules, rules_text
from usagecost.engine import open_lake
from usagecost.ui.budgets.form import choose_channels
from usagecost.ui.writing import say_outcome, try_write

KEY = "rules_form"
DEFAULT_HOURS, DEFAULT_AMOUNT = 24, 50
UNUSUAL = {"unusual_days": "spend", "unusual_failures": "failure rate", "unusual_latency": "p95 latency"}
_PLACE = "rules of alerts"


def rules_form(lake: str, rules: Rules) -> None:
    """Draws the rules as they are, and writes what is changed."""
    st.header("Other rules", anchor=False, help="What alerts beside budgets. Nothing does unless it is chosen.")
    say_outcome(_PLACE)
    key = f"{KEY}_{sha256(rules.model_dump_json().encode()).hexdigest()[:8]}"  # for other rules the form begins anew
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
