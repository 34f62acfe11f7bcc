"""A lake that somebody with a role sees a part of, for tests: people, what they may open, and what is another's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from tests.lake_rows import Row
from tests.views import request, write_lake
from usagecost import schema
from usagecost.alerts import run_round
from usagecost.lake import Lake

DAYS = 40
OTHERS = "qzx"
"""In every text that is another's, and in nothing else."""
COST = Decimal("7777.77")
"""What each request of others cost."""

ACCESS = """
[[grant]]
to = ["ada@example.com"]
role = "admin"

[[grant]]
to = ["fin@example.com"]
role = "finance"

[[grant]]
to = ["lea@example.com"]
role = "lead"
teams = ["search"]

[[grant]]
to = ["*@example.com"]
role = "member"

[[grant]]
to = ["nob@example.com"]
role = "none"
"""
BUDGETS = f"""
[[budget]]
name = "{OTHERS} everything"
amount = 50000
period = "month"

[[budget]]
name = "{OTHERS} theirs"
amount = 100
period = "month"
[budget.only]
user = ["{OTHERS}-user"]

[[budget]]
name = "Search of ours"
amount = 0.2
period = "year"
[budget.only]
team = ["search"]
"""
NOTES = """
[[note]]
at = <day>
text = "qzx was on holiday"
[note.only]
user = "qzx-user"

[[note]]
at = <day>
text = "A new model for all"
"""
BOARD = f"""
title = "Board of {OTHERS}"
shared = true
[[panel]]
metrics = ["spend_usd"]
[[panel.filters]]
dimension = "user"
values = ["{OTHERS}-user"]
"""
PRICES = """
[[price]]
model = "qzx-model"
from = <day>
input = 1.0
output = 1.0
"""

OF_ALL = {"Bills", "Prices", "Sources", "Access"}
HIDDEN = {"lea": OF_ALL, "mem": OF_ALL, "fin": {"Access"}, "ada": set()}


def theirs(at: datetime, number: int) -> Row:
    """A request of another user, team, key, app, model and provider, which failed now and then."""
    says = {
        name: f"{OTHERS}-{name.removesuffix('_id')}"
        for name in ("user_id", "team_id", "virtual_key", "app", "model", "provider", "environment", "end_user_id", "error_class")
    }
    return request(
        at, **says, request_id=f"{OTHERS}-{number}", source=f"{OTHERS}-source", source_file=f"/srv/{OTHERS}.jsonl",
        status="error" if number % 3 else "success", reported_cost_usd=COST, input_tokens=424_242_424, duration_ms=1000.0,
        tags=[f"{OTHERS}-tag"],
    )  # fmt: skip


def ours(at: datetime, number: int) -> Row:
    """A request of mem@example.com, in team search."""
    return request(
        at, request_id=f"our-{number}", user_id="Mem@example.com", team_id="search", model="our-model", provider="openai",
        status="success", reported_cost_usd=Decimal("0.25"), input_tokens=1000, duration_ms=500.0, source_file="/srv/ours.jsonl",
    )  # fmt: skip


def make_lake(root: Path, now: datetime | None = None, *, has_others: bool = True) -> str:
    """Forty days of requests of two, with names, budgets, alerts, a board, notes and a price; most of all this is another's, and is
    left out unless the lake ``has_others``.
    """
    now = now or datetime.now(UTC)
    moments = [now - timedelta(days=day) for day in range(DAYS)]
    makes = (ours, theirs) if has_others else (ours,)
    write_lake(root, [make(at, number) for number, at in enumerate(moments) for make in makes])
    handle = Lake(root)
    called = {f"{OTHERS}-user": ("user_id", f"{OTHERS} Person")}
    called |= dict.fromkeys((f"{OTHERS}-team", "search"), ("team_id", "Search"))
    names = [
        {"source": "litellm", "field": field, "id": key, "name": name, "seen_at": now}
        for key, (field, name) in called.items()
        if has_others or OTHERS not in key
    ]
    handle.keep_rows("names", pa.Table.from_pylist(names, schema=schema.NAMES))
    day = f"{now - timedelta(days=3):%Y-%m-%d}"
    for name, text in {"access": ACCESS, "budgets": BUDGETS, "annotations": NOTES, "prices": PRICES}.items():
        tables = [table for table in re.split(r"^(?=\[\[)", text, flags=re.MULTILINE) if has_others or OTHERS not in table]
        handle.texts_beside().put(f"{name}.toml", "".join(tables).replace("<day>", day), seen=None)
    if has_others:
        alert = dict.fromkeys(schema.ALERTS.names, "") | {"channel": None, "outcome": None, "attempt": 0, "happened_at": now}
        alert |= {"event": "raised", "tell": "[]", "subject": f"{OTHERS} theirs", "title": f"{OTHERS} is over", "body": OTHERS}
        alerts = [{**alert, "id": rule, "rule": rule} for rule in ("budget", "new spender", "unusual day")]
        handle.keep_rows("alerts", pa.Table.from_pylist(alerts, schema=schema.ALERTS))
        handle.texts_beside("boards").put("theirs.toml", BOARD, seen=None)
    run_round(handle, lambda _: None, now)
    return str(root)
