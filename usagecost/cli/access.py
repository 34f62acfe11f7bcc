"""``python -m usagecost access`` and ``audit``: who may see and do what, and who has done what."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from usagecost.access import (
    ROLES,
    AccessProblem,
    Grant,
    add_grant,
    because,
    by_strength,
    grant_text,
    granted,
    read_access,
    reader_of,
    revoke,
)
from usagecost.cli.console import (
    WRONG_USAGE,
    LakeOption,
    day_of,
    fail,
    lake_named,
    out,
    print_facts,
    print_json,
    print_table,
    recording,
)
from usagecost.exports import csv_text
from usagecost.lake import Lake
from usagecost.toml_lines import refusal

Doing = Literal["list", "grant", "revoke", "check"]


def access(
    act: Annotated[Doing, typer.Argument(help="list, grant, revoke or check.")],
    who: Annotated[str | None, typer.Argument(help="An e-mail, group:name, *@domain, or * for whoever signs in.")] = None,
    role: Annotated[str | None, typer.Argument(help=f"grant: {', '.join(ROLES)}.")] = None,
    team: Annotated[
        list[str] | None, typer.Option(help="grant lead: a team that they see, by id or name; can be repeated.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="check: a group that they are in; can be repeated.")] = None,
    lake: LakeOption = None,
) -> None:
    """Say who may see and do what, in `access.toml` beside the lake: list, give and take roles, or check what somebody may.

    Roles hold where people sign in: README, Deploy. The first admin is made here: `access grant you@example.com admin`.
    """
    handle = lake_named(lake)
    if act == "list":
        _list(handle)
    elif who is None:
        fail(f"Say who: `python -m usagecost access {act} EMAIL`.", WRONG_USAGE)
    elif act == "grant":
        _grant(handle, who, role, team or [])
    elif act == "revoke":
        _revoke(handle, who)
    else:
        _check(handle, who, group or [])


def audit(
    since: Annotated[str | None, typer.Option(help="The first UTC day, YYYY-MM-DD. Default: all that is kept.")] = None,
    report: Annotated[Literal["text", "json", "csv"], typer.Option(help="How to write it.")] = "text",
    lake: LakeOption = None,
) -> None:
    """List who did, or tried to do, what by pages and commands, the newest first: loads, prices, boards, budgets, roles, …"""
    first = datetime.combine(day_of(since, "--since"), time(), UTC) if since else datetime.min.replace(tzinfo=UTC)
    rows = [row for row in reversed(lake_named(lake).rows("audit").to_pylist()) if row["happened_at"] >= first]
    if report == "json":
        print_json(rows, str)
    elif report == "csv":
        import pandas as pd

        typer.echo(csv_text(pd.DataFrame(rows)), nl=False)
    elif not rows:
        out.print("Nothing was done yet.")
    else:
        names = ("who", "via", "act", "what", "after", "outcome")
        cells = [(f"{row['happened_at']:%Y-%m-%d %H:%M:%S}", *(row[name] or "" for name in names)) for row in rows]
        print_table(("time (UTC)", *names), cells, folds=("time (UTC)", *names))


def _list(lake: Lake) -> None:
    access_file = read_access(lake)
    if not access_file.grant:
        out.print("Nobody has a role yet: `python -m usagecost access grant YOU@EXAMPLE.COM admin` gives the first.")
        return
    rows = [(", ".join(grant.to), grant.role, ", ".join(grant.teams)) for grant in by_strength(access_file.grant)]
    print_table(("who", "role", "teams"), rows, folds=("who", "role", "teams"))


def _grant(lake: Lake, holder: str, role: str | None, teams: list[str]) -> None:
    if role not in ROLES:
        fail(f"Say which role: {', '.join(ROLES)}.", WRONG_USAGE)
    try:
        grant = Grant(to=(holder,), role=role, teams=tuple(teams))
    except ValidationError as problem:
        fail(f"{refusal(problem)}.", WRONG_USAGE)
    with recording(lake, "access", f"give {holder} the role {role}", makes_table=True) as entry:
        add_grant(lake, grant)
        entry.after = grant_text(grant).strip()
    out.print(f"{holder} is {role}: {ROLES[grant.role].lower()}.", markup=False, highlight=False)


def _revoke(lake: Lake, holder: str) -> None:
    with recording(lake, "access", f"take the roles of {holder}", makes_table=True) as entry:
        grants = revoke(lake, holder)
        if not grants:
            raise AccessProblem(f"Nothing is granted to {holder}: see `python -m usagecost access list`.")
        entry.before = "\n".join(grant_text(grant).strip() for grant in grants)
    out.print(f"{holder} has no role by that name any more.", markup=False, highlight=False)


def _check(lake: Lake, email: str, groups: list[str]) -> None:
    access_file = read_access(lake)
    claims = {"email": email, "email_verified": True, access_file.groups: groups}
    reader, (_, grants) = reader_of(claims, access_file, lake.rows("names")), granted(claims, access_file)
    print_facts("", {"Role": f"{reader.role}: {ROLES[reader.role].lower()}", "Sees": reader.sees, "Because of": because(grants)})
