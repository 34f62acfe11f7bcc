"""Who has which role: the grants of `access.toml`, given and taken, and what somebody may see."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from usagecost.access import (
    NAME,
    ROLES,
    AccessFile,
    AccessProblem,
    Grant,
    Role,
    add_grant,
    because,
    by_strength,
    change_grant,
    grant_text,
    granted,
    read_access,
    reader_of,
)
from usagecost.engine import open_lake
from usagecost.lake import Lake, LakeError, lake_root
from usagecost.toml_lines import refusal
from usagecost.ui.acts import say_outcome, try_write
from usagecost.ui.answers import empty, problem_text
from usagecost.ui.blocks import heading, table
from usagecost.ui.reader import SECONDS, reading
from usagecost.ui.sign_in import is_required
from usagecost.ui.text import plain

_PLACE = "access"
_WHO_HELP = "An e-mail, group:name, \\*@domain, or \\* for whoever signs in. The closest counts: e-mail, group, domain, everybody."
_NO_SIGN_IN = (
    "No sign-in is configured, so whoever reaches the app is an administrator, and roles do nothing yet. Configure one as a "
    "section `[auth]` of `.streamlit/secrets.toml`: see Deploy in the README. Give yourself the role admin below before that."
)


def people() -> None:
    """Draws the roles that are given, what gives and takes one, and the check of somebody."""
    if not is_required():
        st.info(_NO_SIGN_IN, title="Nobody signs in yet", icon=":material/lock_open:")
    lake = open_lake(lake_root())
    if outcome := say_outcome(_PLACE):
        when = f"within {SECONDS} seconds" if lake.is_remote else "from the next click on"
        st.success(f"It holds {when}, also for who is signed in.", title=plain(outcome), icon=":material/check_circle:")
    try:
        access = read_access(lake)
    except (AccessProblem, LakeError) as problem:
        st.warning(plain(f"{problem_text(problem)} Correct it in the file, then refresh."), title="The roles cannot be read")
        return
    _list(lake, access)
    left_column, right_column = st.columns(2, gap="medium")
    with left_column.container(border=True, height="stretch"):
        _form(lake)
    with right_column.container(border=True, height="stretch"):
        _check(lake, access)


def _list(lake: Lake, access: AccessFile) -> None:
    """The grants, the strongest first, and taking one away."""
    grants = by_strength(access.grant)
    if not grants:
        if is_required():
            empty("Nobody has a role yet", "Give yourself the role admin below, then others theirs. Who has none sees nothing.")
        return
    roles = pd.DataFrame(
        {
            "who": [", ".join(grant.to) for grant in grants],
            "role": [grant.role.capitalize() for grant in grants],
            "may": [ROLES[grant.role] for grant in grants],
            "teams": [", ".join(grant.teams) or (None if grant.role != "lead" else "those that LiteLLM says") for grant in grants],
        }
    )
    text = f"From {lake.texts_beside()}/{NAME}. Of several grants the one that names somebody most closely counts."
    heading("Roles", lambda: roles, name="roles", help=plain(text))
    table(
        roles,
        name="roles",
        columns={
            "who": st.column_config.TextColumn("Who", width="medium"),
            "role": st.column_config.TextColumn("Role", width=90),
            "may": st.column_config.TextColumn("What they may", width="large"),
            "teams": st.column_config.TextColumn("Teams", width="medium"),
        },
        alt_text="Who has which role, and for which teams",
    )
    if access.person:
        users = sum(len(person.users) for person in access.person)
        st.caption(f"{NAME} ties {users:,} users of logs to {len(access.person):,} e-mails.")
    with st.popover("Take a role away", icon=":material/person_remove:", key="revoke_open"):
        names = [f"{', '.join(grant.to)} · {grant.role}" for grant in grants]
        number = st.selectbox("Role", range(len(grants)), format_func=names.__getitem__, key="revoke_which", width=420)
        if warning := _warning(access, grants[number]):
            st.warning(warning, icon=":material/warning:")
        st.button("Take away", key="revoke_now", type="primary", on_click=_revoke, args=(lake, grants[number]))


def _warning(access: AccessFile, lost: Grant) -> str | None:
    """What taking a grant away does to administrators, where that is more than it seems."""
    other_grants = [grant for grant in access.grant if grant is not lost]
    if lost.role == "admin" and not any(grant.role == "admin" for grant in other_grants):
        command = "python -m usagecost access grant YOU@EXAMPLE.COM admin"
        return f"Nobody is an administrator then. Only who runs the app can make one again: `{command}`."
    name = reading().name
    if name and lost.role == "admin" and name in {name_of.lower() for name_of in lost.to}:
        return "This is your own role: you cannot open this page then."
    return None


def _revoke(lake: Lake, grant: Grant) -> None:
    people = ", ".join(grant.to)
    before, outcome = grant_text(grant).strip(), f"{people} is {grant.role} no more"
    try_write(_PLACE, "access", f"take the role of {people}", lambda: change_grant(lake, grant, None), outcome, before=before)


def _form(lake: Lake) -> None:
    st.header("Give a role", anchor=False)
    person = st.text_input("Who", key="grant_who", placeholder="ann@example.com", help=_WHO_HELP, live=True).strip()
    role = st.selectbox(
        "Role",
        list(ROLES),
        index=3,
        key="grant_role",
        format_func=lambda role_name: f"{role_name.capitalize()}: {ROLES[role_name]}",
    )
    teams = ""
    if role == "lead":
        help_text = "By id or name, with commas between. Without any: those that LiteLLM says they administer."
        teams = st.text_input("Teams", key="grant_teams", placeholder="search, platform", help=help_text, live=True)
    grant = _drafted(person, role, [team.strip() for team in teams.split(",") if team.strip()])
    is_good = isinstance(grant, Grant)
    st.button("Give role", key="grant_now", type="primary", disabled=not is_good, on_click=_grant, args=(lake, grant))
    if person and not is_good:
        st.caption(plain(grant))


def _drafted(person: str, role: Role, teams: Sequence[str]) -> Grant | str:
    """The grant, or why it is none."""
    try:
        return Grant(to=(person,), role=role, teams=tuple(teams))
    except ValidationError as problem:
        return f"{refusal(problem)}."


def _grant(lake: Lake, grant: Grant) -> None:
    (person,) = grant.to
    outcome = f"{person} is {grant.role}"
    if try_write(
        _PLACE, "access", f"give {person} a role", lambda: add_grant(lake, grant), outcome, after=grant_text(grant).strip()
    ):
        st.session_state["grant_who"] = ""


def _check(lake: Lake, access: AccessFile) -> None:
    """What somebody may see, and why."""
    st.header("Check", anchor=False)
    email = st.text_input("E-mail", key="check_email", placeholder="bob@example.com", live=True).strip()
    groups = st.text_input(
        "Groups", key="check_groups", placeholder="finance, eu", help=f"As the claim {access.groups} lists them."
    )
    if not email:
        st.caption(
            "Says which role somebody has, what they see, and which grant says so. A user's id counts in the logs of every source; "
            "an id that is tied to several e-mails is nobody's."
        )
        return
    claims = {
        "email": email,
        "email_verified": True,
        access.groups: [group.strip() for group in groups.split(",") if group.strip()],
    }
    try:
        reader = reader_of(claims, access, lake.rows("names"))
    except LakeError as problem:
        st.caption(plain(problem_text(problem)))
        return
    _, grants = granted(claims, access)
    st.markdown(f"**{reader.role.capitalize()}**: {ROLES[reader.role]}")
    st.markdown(plain(reader.sees))
    st.caption(plain(f"Because {because(grants)}."))
