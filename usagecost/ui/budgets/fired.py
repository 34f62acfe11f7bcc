"""The alerts that fired, the channels and how they do, and the rules beside budgets."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from usagecost.alerts import RULES, Alert, Ledger, channel_problem, channels, read_ledger, send
from usagecost.budgets import BudgetFile, BudgetProblem, read_budgets
from usagecost.engine import open_lake
from usagecost.lake import LakeError
from usagecost.ui.acts import act
from usagecost.ui.answers import empty, problem_text, tried
from usagecost.ui.blocks import heading, table
from usagecost.ui.budgets.form import rules_form
from usagecost.ui.reader import may
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import counted

_TESTED = "_channel_tested"


def alerts(view: View) -> None:
    """Draws what fired, the newest first, the channels, and the form of the rules.

    Who may see a part sees the alerts of budgets that are of their requests alone; rules and other budgets look at all requests.
    """
    lake = open_lake(view.lake)
    ledger = tried(lambda: read_ledger(lake))
    try:
        file = read_budgets(lake)
    except (BudgetProblem, LakeError) as problem:
        st.warning(plain(f"{problem_text(problem)} Correct it in the file, then refresh."), title="The budgets cannot be read")
        return
    if view.scope.is_everything:
        _list(ledger, "Rules are checked by `python -m usagecost alerts --every 1m`; what it raises is listed here.")
    else:
        visible = [budget for budget in file.budget if view.scope.includes(budget.filters)]
        _list(ledger.about(visible), "Alerts of the budgets that you see, as they are now, are listed here.")
    if may("budget"):
        _channels(file, ledger)
        rules_form(view.lake, file.alerts)


def _list(ledger: Ledger, which: str) -> None:
    """The alerts; ``which`` are listed, in words."""
    if not ledger.alerts:
        empty("No alert has fired", which)
        return
    rows = pd.DataFrame([_row(alert, ledger) for alert in reversed(ledger.alerts.values())])
    heading("Alerts", lambda: rows, name="alerts", help="Each is raised once for its rule and period, and resolved once.")
    table(
        rows,
        name="alerts",
        columns={
            "raised": st.column_config.DatetimeColumn("Raised (UTC)", format="YYYY-MM-DD HH:mm", width=130),
            "alert": st.column_config.TextColumn("Alert", width="large"),
            "rule": st.column_config.TextColumn("Rule", width=150),
            "resolved": st.column_config.DatetimeColumn("Resolved (UTC)", format="YYYY-MM-DD HH:mm", width=130),
            "told": st.column_config.TextColumn("Told", width=150),
            "details": st.column_config.TextColumn("Details", width="large"),
        },
        alt_text="Alerts with when they were raised and resolved, and who was told",
    )


def _row(alert: Alert, ledger: Ledger) -> dict[str, object]:
    raised = alert.raised
    channels_told = [name if (raised["id"], "raised", name) in ledger.told else f"{name} (waiting)" for name in alert.channels]
    return {
        "raised": raised["happened_at"].replace(tzinfo=None),
        "alert": raised["title"],
        "rule": RULES.get(raised["rule"], raised["rule"]),
        "resolved": alert.resolved["happened_at"].replace(tzinfo=None) if alert.resolved else None,
        "told": ", ".join(channels_told),
        "details": raised["body"],
    }


def _channels(file: BudgetFile, ledger: Ledger) -> None:
    """The channels of the file and of the environment, each with a test and what is wrong with it."""
    st.header("Channels", anchor=False, help="A channel is an Apprise URL in the environment, such as USAGECOST_ALERT_OPS.")
    in_budgets = [name for budget in file.budget for name in budget.tell]
    names = list(dict.fromkeys([*channels(), *in_budgets, *file.alerts.tell]))
    if not names:
        st.caption("No channel is set. Set USAGECOST_ALERT_OPS to an Apprise URL, and ops can be told.")
    tested, result = st.session_state.pop(_TESTED, (None, None))
    for name in names:
        problem = channel_problem(name)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(name)}**", width=120)
            st.button("Send test", key=f"test_{name}", on_click=_test, args=(name,), disabled=problem is not None)
            st.caption(plain(problem or _state(name, ledger)), width="stretch")
        if name == tested:
            (st.error if result else st.success)(plain(result or "The test message was sent."))


def _state(name: str, ledger: Ledger) -> str:
    trouble = ledger.troubles.get(name)
    if trouble is None:
        return "Ready."
    when = f"last {trouble.at:%Y-%m-%d %H:%M} UTC, tried again from {trouble.again_at:%H:%M}"
    return f"Failed {counted(trouble.attempts, 'time')}, {when}: {trouble.why}"


def _test(name: str) -> None:
    words = ("Test of Usage & Cost", "This channel will be told of alerts.")
    try:
        result = act("budget", f"test message to {name}", lambda: send(name, *words), says=lambda problem: problem or "sent")
    except LakeError as problem:
        result = str(problem)
    st.session_state[_TESTED] = name, result
