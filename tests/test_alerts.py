"""Alerts: each rule raises once a period and is resolved once; channels are told at least once, whatever fails or is killed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from tests.copies import copied
from tests.lake_rows import Row, commit
from tests.mails import mail_server
from tests.views import instant, request
from tests.webhook import Receiver
from usagecost.alerts import channel_problem, read_ledger, run_round
from usagecost.alerts.rounds import claimed
from usagecost.budgets import NAME, read_budgets
from usagecost.cli import app
from usagecost.engine import UnansweredError
from usagecost.lake import Lake, Selection

NOW = instant("2026-05-16 12:00")
BUDGET = '[[budget]]\nname = "Search"\namount = 10\nonly = { team = ["search"] }\nforecast = []\ntell = ["ops"]\n'
UNPRICED = {"price_status": "unpriced"}


def spent(usd: str, day: str | datetime = "2026-05-03 10:00", **columns: object) -> Row:
    return request(day, list_cost_usd=Decimal(usd), **{"team_id": "search", "user_id": "gone", **columns})


OF_MAY = spent("8.50", "2026-05-02 10:00", user_id="ada")


@copied
def lake(lake: Lake) -> None:
    """A lake whose team has spent 8.50 USD in May."""
    commit(lake, OF_MAY)
    (lake.root.parent / NAME).write_text(BUDGET)


def rounds(lake: Lake, *change: Row | str, minutes: float = 0, dry_run: bool = False) -> list[str]:
    """What a round says so many minutes after noon, once some users are forgotten and some requests have come."""
    for user in [one for one in change if isinstance(one, str)]:
        lake.remove(Selection(user=user))
    if came := [one for one in change if not isinstance(one, str)]:
        commit(lake, *came)
    said: list[str] = []
    run_round(lake, said.append, NOW + timedelta(minutes=minutes), dry_run=dry_run)
    return [line.rpartition(" [")[0].replace("\xa0", " ") for line in said]


def titles(lake: Lake, *change: Row | str, minutes: float = 0) -> list[str]:
    return [line.split(". ")[0] for line in rounds(lake, *change, minutes=minutes)]


def test_a_threshold_is_told_once_a_period_and_resolved_once(lake: Lake, ops: Receiver):
    assert len(rounds(lake, dry_run=True)) == 1
    assert (read_ledger(lake).alerts, ops.tries) == ({}, 0)

    assert titles(lake) == ["Budget Search: 80% used"]
    assert ops.came[0]["message"].startswith("$8.50 of $10.00 used (85.0%) in the month from 2026-05-01 to 2026-05-31.")
    assert titles(lake, spent("0.25", user_id="bob"), minutes=1) == []  # late data: the same threshold is no news
    assert titles(lake, spent("2"), minutes=2) == ["Budget Search: 100% used"]
    assert titles(lake, "gone", minutes=3) == ["Resolved: Budget Search: 100% used"]
    assert titles(lake, spent("5"), minutes=4) == []  # of this month it was told

    assert ops.titles == ["Budget Search: 80% used", "Budget Search: 100% used", "Resolved: Budget Search: 100% used"]
    assert ops.ids[1][0] == ops.ids[2][0] != ops.ids[0][0]
    assert titles(lake, spent("9", "2026-06-02 10:00"), minutes=60 * 24 * 20) == ["Budget Search: 80% used"]  # the next month


def test_an_alert_is_of_the_budget_that_raised_it_and_a_raised_amount_is_another_one(lake: Lake):
    assert titles(lake) == ["Budget Search: 80% used"]
    (budget,), ledger = read_budgets(lake).budget, read_ledger(lake)
    others = ({"name": "Ads"}, {"amount": Decimal(11)}, {"only": {"team": ("ads",)}}, {"only": {}}, {"without": {"user": ("bob",)}})
    assert [alert.raised["title"] for alert in ledger.about([budget]).alerts.values()] == ["Budget Search: 80% used"]
    assert not ledger.about([budget.model_copy(update=change) for change in others]).alerts

    (lake.root.parent / NAME).write_text(BUDGET.replace("amount = 10", "amount = 9.9"))
    assert titles(lake, minutes=1) == []  # it is still open
    (lake.root.parent / NAME).write_text(BUDGET.replace("amount = 10", "amount = 20"))
    assert titles(lake, minutes=2) == ["Resolved: Budget Search: 80% used"]
    assert titles(lake, spent("8"), minutes=3) == ["Budget Search: 80% used"]


def days(first: str, count: int, **columns: object) -> list[Row]:
    """A request a day."""
    return [request(instant(first) + timedelta(days=day), **columns) for day in range(count)]


def a_day(first: str, count: int, **columns: object) -> list[Row]:
    """Requests of one day, one a second."""
    return [request(instant(first) + timedelta(seconds=number), **columns) for number in range(count)]


TEN_WEEKS, JUNE = 60 * 24 * 70, 60 * 24 * 18
HUNDREDS = [row for day in range(29) for row in a_day(f"{instant('2026-04-17 08:00') + timedelta(days=day)}", 100, model="m",
            app="web", duration_ms=1000.0, status="success", list_cost_usd=Decimal("0.1"))]  # fmt: skip
"""To 15 May."""
SLOW = {"model": "n", "app": "etl", "user_id": "bot", "duration_ms": 9000.0, "status": "error"}
DEAR = SLOW | {"list_cost_usd": Decimal("1.75")}
EVERYTHING_SLOWER = [
    request(instant("2026-04-28 08:00") + timedelta(days=day, seconds=number), app=f"a{number % 5}", model=f"m{number % 5}",
            duration_ms=9000.0 if day == 17 else 1000.0)
    for day in range(18) for number in range(100)
]  # fmt: skip
STORIES: dict[str, tuple[str, list[tuple[float, Sequence[Row | str], list[str]]]]] = {
    "late data of a period that has just ended still alerts": (
        BUDGET,
        [
            (0, [OF_MAY], ["Budget Search: 80% used"]),
            (JUNE, [spent("2", "2026-05-31 23:59")], ["Budget Search: 100% used. $10.50 of $10.00 used (105.0%) in the month from "
                                                      "2026-05-01 to 2026-05-31."]),
            (JUNE + 1, [], []),
        ],
    ),
    "what may be more is not resolved": (
        BUDGET,
        [(0, [OF_MAY], ["Budget Search: 80% used"]), (1, ["ada", request("2026-05-03 10:00", team_id="search", **UNPRICED)], [])],
    ),
    "a forecast alerts before the amount is used, and one that may be more is not resolved": (
        '[[budget]]\nname = "All"\namount = 60\nactual = [50]\nforecast = [100, 120]\n',
        [
            (
                0,  # 2 a day to 16 May: 32 used, 62 at the end
                [row for user in ("ada", "bob") for row in days("2026-04-01 10:00", 46, list_cost_usd=Decimal(1), user_id=user)],
                ["Budget All: 50% used", "Budget All: forecast to use 100%"],
            ),
            (1, ["bob", request("2026-05-16 11:00", **UNPRICED)], []),
        ],
    ),
    "requests without a price alert where asked for": (
        BUDGET + "incomplete = true\n",
        [
            (
                0,
                [OF_MAY, request("2026-05-03 10:00", team_id="search", **UNPRICED)],
                ["Budget Search: 80% used", "Budget Search: spend is incomplete"],
            )
        ],
    ),
    "a budget of which no cost is known says so": (
        '[[budget]]\nname = "All"\namount = 10\nperiod = "day"\nincomplete = true\n',
        [
            (
                0,
                [request("2026-05-16 10:00", **UNPRICED)],
                ["Budget All: spend is incomplete. 1 request of it has no full price, so the spend is a lower bound. No cost is "
                 "known yet on 2026-05-16."],
            )
        ],
    ),
    "a source that falls silent twice in a day alerts twice": (
        "[alerts]\nsilent_hours = 2\n",
        [
            (0, days("2026-05-14 08:00", 3), ["No data from test for 2 h"]),
            (1, [request("2026-05-16 11:00")], ["Resolved: No data from test for 2 h"]),
            (120, [], ["No data from test for 2 h"]),
            (180, [], []),
        ],
    ),
    "a source that is heard again resolves its alert however long it was silent": (
        "[alerts]\nsilent_hours = 720\n",
        [
            (0, days("2026-04-13 08:00", 3), ["No data from test for 720 h"]),
            (TEN_WEEKS, [], []),
            (TEN_WEEKS + 1, [request(NOW + timedelta(minutes=TEN_WEEKS))], ["Resolved: No data from test for 720 h"]),
        ],
    ),
    "new models, silent sources and new spenders alert once, and a model that has had a price is not new": (
        "[alerts]\nunpriced_models = true\nsilent_hours = 24\nnew_above = 5\n",
        [
            (
                0,
                [
                    *(row for day in ("01", "05", "14") for row in days(f"2026-05-{day} 10:00", 1, user_id="ada", virtual_key="k1",
                                                                        model="old", **UNPRICED)),
                    request("2026-05-01 10:00", model="priced", price_status="exact", list_cost_usd=Decimal(1)),
                    request("2026-05-15 10:00", model="priced", **UNPRICED),
                    request("2026-05-15 11:00", user_id="eve\n<!channel> @here", virtual_key="k1", model="new", **UNPRICED,
                            reported_cost_usd=Decimal(6)),
                    request("2026-05-15 11:30", user_id="bob", virtual_key="k2", list_cost_usd=Decimal(4)),
                ],
                ["New model without a price: new", "No data from test for 24 h", "New user eve ‹!channel› @\u200bhere: $6.00"],
            ),
            (5, [], []),
            (
                6,
                [request("2026-05-16 12:01", user_id="bob", virtual_key="k2", list_cost_usd=Decimal(2))],
                ["Resolved: No data from test for 24 h", "New user bob: $6.00", "New virtual key k2: $6.00"],
            ),
        ],
    ),
    "an unusual day is told once with its cause, and resolved once": (
        "[alerts]\nunusual_days = true\nunusual_failures = true\nunusual_latency = true\n",
        [
            (
                0,  # the requests of the day that is running are too few to tell
                [*HUNDREDS, *a_day("2026-05-15 12:00", 40, **DEAR), *a_day("2026-05-16 11:00", 20, **SLOW)],
                [
                    "Unusual spend on 2026-05-15: $80.00 against $10.00. Cause: n, user bot, app etl.",
                    "Unusual failure rate on 2026-05-15: 28.6% against 0.0%. 40 requests of 140 failed. Cause: n, user bot",
                    "Unusual latency on 2026-05-15: p95 9.0 s against about 1.1 s. 5% of 140 requests took longer. Cause: n, app",
                ],
            ),
            (1, a_day("2026-05-15 13:00", 1, **DEAR), []),
            (
                2,
                ["bot"],
                [f"Resolved: Unusual {what} on 2026-05-15" for what in ("spend", "failure rate", "latency")],
            ),
            (3, [], []),
        ],
    ),
    "a Friday as most of eight weeks were is not unusual, though the last three cost less": (
        "[alerts]\nunusual_days = true\n",
        [
            (
                0,
                [
                    *days("2026-03-07 10:00", 70, list_cost_usd=Decimal(10)),
                    *(row for friday in ("03-13", "03-20", "03-27", "04-03", "04-10", "04-17", "05-15")
                      for row in days(f"2026-{friday} 11:00", 1, list_cost_usd=Decimal(20))),
                ],
                [],
            ),
        ],
    ),
    "a day on which everything is slower names no cause": (
        "[alerts]\nunusual_latency = true\n",
        [(0, EVERYTHING_SLOWER, ["Unusual latency on 2026-05-15: p95 9.0 s against about 1.1 s. 5% of 100 requests took longer. No "
                                 "model or app stands out."])],
    ),
    "rules that are not set do not alert": ("", [(0, [request("2026-05-03 10:00", model="new", **UNPRICED)], [])]),
}  # fmt: skip
"""What happens -> the file, and rounds: so many minutes after noon, what has come or is forgotten, how lines begin."""


@pytest.mark.parametrize("story", STORIES)
def test_a_rule_alerts(tmp_path: Path, story: str):
    lake, (text, steps) = Lake(tmp_path / "lake"), STORIES[story]
    (tmp_path / NAME).write_text(text)
    for minutes, change, expected in steps:
        said = rounds(lake, *change, minutes=minutes)
        assert len(said) == len(expected), said
        assert [line[: len(begin)] for line, begin in zip(said, expected, strict=True)] == expected


def test_a_channel_that_fails_is_tried_again_after_longer_and_longer(lake: Lake, ops: Receiver):
    ops.fails = True
    tries = []
    for minutes in (0, 0.5, 1, 2, 3, 5, 7):  # tried after 1 and then 2 and 4 minutes
        rounds(lake, minutes=minutes)
        tries.append(ops.tries)
    assert tries == [1, 1, 2, 2, 3, 3, 4]
    trouble = read_ledger(lake).troubles["ops"]
    assert (trouble.attempts, trouble.again_at) == (4, NOW + timedelta(minutes=15))
    assert trouble.why == "The channel ops did not take the message: see the log, then check its URL and the service."

    ops.fails = False
    rounds(lake, minutes=15)
    assert ops.titles == ["Budget Search: 80% used"]
    assert read_ledger(lake).troubles == {}
    rounds(lake, minutes=90)
    assert len(ops.came) == 1


def test_a_channel_without_a_url_or_with_a_wrong_one_says_what_to_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("USAGECOST_ALERT_OPS", raising=False)
    assert "set USAGECOST_ALERT_OPS to one of Apprise" in str(channel_problem("ops"))
    monkeypatch.setenv("USAGECOST_ALERT_OPS", "nonsense://secret")

    said = CliRunner().invoke(app, ["alerts", "--test", "ops"])
    assert (said.exit_code, said.stderr) == (
        1,
        "The URL in USAGECOST_ALERT_OPS is none that Apprise knows: see its list of services.\n",
    )


def test_a_rule_that_cannot_be_answered_keeps_no_other_from_being_checked(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    (lake.root.parent / NAME).write_text(f"{BUDGET}[alerts]\nunpriced_models = true\nunusual_days = true\n")
    commit(lake, request("2026-05-15 10:00", model="new", **UNPRICED))
    monkeypatch.setattr("usagecost.alerts.rules.states", Mock(side_effect=UnansweredError("The question takes too long.")))
    done = run_round(lake, print, NOW)

    assert ([row["title"] for row in done.events], done.problems) == (
        ["New model without a price: new"],
        ["The question takes too long."],
    )


def test_a_broken_file_is_said_and_what_is_waiting_is_told(lake: Lake, ops: Receiver):
    ops.fails = True
    rounds(lake)
    ops.fails = False
    (lake.root.parent / NAME).write_text("[[budget]]\n")
    done = run_round(lake, print, NOW + timedelta(hours=1))

    assert "budgets.toml, line 1, name: it is missing. Until that is corrected, no rule is checked." in done.problems[0]
    assert len(ops.came) == 1


def test_mail_reaches_a_server_and_names_in_it_are_no_markup(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    with mail_server() as mails:
        monkeypatch.setenv("USAGECOST_ALERT_OPS", mails.url)
        (lake.root.parent / NAME).write_text(BUDGET.replace("Search", "<script>alert(1)</script>"))
        assert run_round(lake, print, NOW).sent == 1

    (mail,) = mails.came
    assert mail.get_content_type() == "text/plain"
    assert mail["Subject"] == "Budget <script>alert(1)</script>: 80% used"
    assert mail.get_payload(decode=True).decode().startswith("$8.50 of $10.00 used (85.0%)")


def test_of_two_that_want_to_tell_a_channel_one_does_and_who_dies_is_followed(lake: Lake, ops: Receiver):
    ops.fails = True
    rounds(lake)
    ops.fails, later = False, NOW + timedelta(minutes=1)
    assert Lake(lake.root).keep_rows("alerts", lake.rows("alerts")) == 0  # an alert that two record is recorded once
    ledgers = read_ledger(lake), read_ledger(lake)
    (message,) = ledgers[0].pending(later)

    assert [claimed(lake, ledger, message, later) for ledger in (*ledgers, read_ledger(lake))] == [True, False, False]
    for minutes, messages in ((5, 0), (6, 1), (7, 1)):  # who claimed it was killed
        rounds(lake, minutes=minutes)
        assert len(ops.came) == messages
