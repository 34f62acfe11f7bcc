"""Alerts: each rule raises once a period and is resolved once; channels are told at least once, whatever fails or is killed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.copies import copied
from tests.lake_rows import commit
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


@copied
def lake(lake: Lake) -> None:
    """A lake whose team has spent 8.50 USD in May."""
    commit(lake, request("2026-05-02 10:00", team_id="search", user_id="ada", list_cost_usd=Decimal("8.50")))
    (lake.root.parent / NAME).write_text(BUDGET)


def rounds(lake: Lake, *, minutes: float = 0, dry_run: bool = False) -> list[str]:
    """What a round says so many minutes after noon."""
    said: list[str] = []
    run_round(lake, said.append, NOW + timedelta(minutes=minutes), dry_run=dry_run)
    return [line.split(". ")[0] for line in said]


def spend(lake: Lake, amount: str, day: str = "2026-05-03 10:00", **columns: object) -> None:
    commit(lake, request(day, list_cost_usd=Decimal(amount), **{"team_id": "search", **columns}))


def test_a_threshold_is_told_once_a_period_and_resolved_once(lake: Lake, ops: Receiver):
    assert rounds(lake) == ["Budget Search: 80% used"]
    assert ops.came[0]["message"].startswith("$8.50 of $10.00 used (85.0%) in the month from 2026-05-01 to 2026-05-31.")
    spend(lake, "0.25")  # late data: the same threshold is no news
    assert rounds(lake, minutes=1) == []
    spend(lake, "2", user_id="gone")
    assert rounds(lake, minutes=2) == ["Budget Search: 100% used"]

    lake.remove(Selection(user="gone"))
    assert rounds(lake, minutes=3) == ["Resolved: Budget Search: 100% used"]
    spend(lake, "5")
    assert rounds(lake, minutes=4) == []  # of this month it was told

    assert ops.titles == ["Budget Search: 80% used", "Budget Search: 100% used", "Resolved: Budget Search: 100% used"]
    assert ops.ids[1][0] == ops.ids[2][0] != ops.ids[0][0]
    spend(lake, "9", "2026-06-02 10:00")
    assert rounds(lake, minutes=60 * 24 * 20) == ["Budget Search: 80% used"]  # the next month is another


def test_a_threshold_on_a_raised_amount_is_another_one(lake: Lake):
    assert rounds(lake) == ["Budget Search: 80% used"]
    (lake.root.parent / NAME).write_text(BUDGET.replace("amount = 10", "amount = 9.9"))
    assert rounds(lake, minutes=1) == []  # it is still open
    (lake.root.parent / NAME).write_text(BUDGET.replace("amount = 10", "amount = 20"))
    assert rounds(lake, minutes=2) == ["Resolved: Budget Search: 80% used"]
    spend(lake, "8")
    assert rounds(lake, minutes=3) == ["Budget Search: 80% used"]


def test_an_alert_is_of_the_budget_that_raised_it(lake: Lake):
    rounds(lake)
    (budget,), ledger = read_budgets(lake).budget, read_ledger(lake)
    changes = (
        {"name": "Ads"},
        {"amount": Decimal(11)},
        {"only": {"team": ("ads",)}},
        {"only": {}},
        {"without": {"user": ("bob",)}},
    )

    assert [alert.raised["title"] for alert in ledger.about([budget]).alerts.values()] == ["Budget Search: 80% used"]
    assert not ledger.about([budget.model_copy(update=change) for change in changes]).alerts


def test_a_source_that_falls_silent_twice_in_a_day_alerts_twice(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    (tmp_path / NAME).write_text("[alerts]\nsilent_hours = 2\n")
    commit(lake, *(request(f"2026-05-{day} 08:00") for day in (14, 15, 16)))
    assert rounds(lake) == ["No data from test for 2 h"]
    commit(lake, request("2026-05-16 11:00"))
    assert rounds(lake, minutes=1) == ["Resolved: No data from test for 2 h"]
    assert rounds(lake, minutes=120) == ["No data from test for 2 h"]
    assert rounds(lake, minutes=180) == []


def test_a_source_that_is_heard_again_resolves_its_alert_however_long_it_was_silent(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    (tmp_path / NAME).write_text("[alerts]\nsilent_hours = 720\n")
    commit(lake, *(request(f"2026-04-{day} 08:00") for day in (13, 14, 15)))
    assert rounds(lake) == ["No data from test for 720 h"]
    later = 60 * 24 * 70
    assert rounds(lake, minutes=later) == []
    commit(lake, request(NOW + timedelta(minutes=later)))
    assert rounds(lake, minutes=later + 1) == ["Resolved: No data from test for 720 h"]


def test_a_model_that_has_had_a_price_is_not_new(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    (tmp_path / NAME).write_text("[alerts]\nunpriced_models = true\n")
    commit(lake, request("2026-05-01 10:00", model="old", price_status="exact", list_cost_usd=Decimal(1)))
    commit(lake, *(request("2026-05-15 10:00", model=model, price_status="unpriced") for model in ("old", "new")))

    assert rounds(lake) == ["New model without a price: new"]


def test_late_data_of_a_period_that_has_just_ended_still_alerts(lake: Lake):
    rounds(lake)
    spend(lake, "2", "2026-05-31 23:59")
    just_after = (instant("2026-06-03 00:10") - NOW) / timedelta(minutes=1)

    assert rounds(lake, minutes=just_after) == ["Budget Search: 100% used"]
    assert rounds(lake, minutes=just_after + 1) == []
    assert [alert.raised["period"] for alert in read_ledger(lake).alerts.values()] == ["2026-05-01", "2026-05-01"]


def test_what_may_be_more_is_not_resolved(lake: Lake):
    rounds(lake)
    lake.remove(Selection(user="ada"))
    commit(lake, request("2026-05-03 10:00", team_id="search", price_status="unpriced"))

    assert rounds(lake, minutes=1) == []


def test_a_forecast_that_may_be_more_is_not_resolved(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    (tmp_path / NAME).write_text('[[budget]]\nname = "All"\namount = 60\nactual = []\n')
    days = [instant("2026-03-05 10:00") + timedelta(days=day) for day in range(73)]  # to 16 May
    commit(lake, *(request(day, list_cost_usd=Decimal(1), user_id=user) for day in days for user in ("ada", "bob")))
    assert rounds(lake) == ["Budget All: forecast to use 100%"]  # 32 used, 62 at the end

    lake.remove(Selection(user="bob"))
    commit(lake, request("2026-05-16 11:00", price_status="unpriced"))
    assert rounds(lake, minutes=1) == []


def test_a_forecast_alerts_before_the_amount_is_used(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    start = instant("2026-03-05 10:00")
    commit(lake, *(request(start + timedelta(days=day), list_cost_usd=Decimal(2)) for day in range(73)))  # 2 a day to 16 May
    (tmp_path / NAME).write_text('[[budget]]\nname = "All"\namount = 60\nactual = [50]\nforecast = [100, 120]\n')

    assert rounds(lake) == ["Budget All: 50% used", "Budget All: forecast to use 100%"]  # 32 used, 62 at the end


def test_requests_without_a_price_alert_where_asked_for(lake: Lake):
    (lake.root.parent / NAME).write_text(BUDGET + "incomplete = true\n")
    commit(lake, request("2026-05-03 10:00", team_id="search", price_status="unpriced"))

    assert rounds(lake) == ["Budget Search: 80% used", "Budget Search: spend is incomplete"]


def test_a_budget_of_which_no_cost_is_known_says_so(tmp_path: Path):
    lake, said = Lake(tmp_path / "lake"), []
    (tmp_path / NAME).write_text('[[budget]]\nname = "All"\namount = 10\nperiod = "day"\nincomplete = true\n')
    commit(lake, request("2026-05-16 10:00", price_status="unpriced"))
    run_round(lake, said.append, NOW)

    assert (
        said[0]
        .partition(". ")[2]
        .startswith("1 request of it has no full price, so the spend is a lower bound. No cost is known yet on 2026-05-16.")
    )


RULES = '[alerts]\nunpriced_models = true\nsilent_hours = 24\nnew_above = 5\ntell = ["ops"]\n'


def test_new_models_silent_sources_and_new_spenders_alert_once(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    (tmp_path / NAME).write_text(RULES)
    old = [
        request(f"2026-05-{day:02} 10:00", user_id="ada", virtual_key="k1", model="old", price_status="unpriced")
        for day in (1, 5, 14)
    ]
    new = [
        request(
            "2026-05-15 11:00",
            user_id="eve\n<!channel> @here",
            virtual_key="k1",
            model="new",
            price_status="unpriced",
            reported_cost_usd=Decimal(6),
        ),
        request("2026-05-15 11:30", user_id="bob", virtual_key="k2", list_cost_usd=Decimal(4)),
    ]
    commit(lake, *old, *new)

    assert rounds(lake) == [
        "New model without a price: new",
        "No data from test for 24 h",
        "New user eve ‹!channel› @\u200bhere: $6.00",
    ]
    assert rounds(lake, minutes=5) == []
    commit(lake, request("2026-05-16 12:01", user_id="bob", virtual_key="k2", list_cost_usd=Decimal(2)))
    assert rounds(lake, minutes=6) == [
        "Resolved: No data from test for 24 h",
        "New user bob: $6.00",
        "New virtual key k2: $6.00",
    ]


def test_an_unusual_day_is_told_with_its_cause_once(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    (tmp_path / NAME).write_text("[alerts]\nunusual_days = true\n")
    days = [instant("2026-04-17 08:00") + timedelta(days=day) for day in range(29)]  # to 15 May, 10 USD each
    commit(lake, *(request(day, model="m", app="web", list_cost_usd=Decimal(10)) for day in days))
    commit(lake, request("2026-05-15 09:00", model="n", app="etl", list_cost_usd=Decimal(70)))

    said: list[str] = []
    run_round(lake, said.append, NOW)
    assert [line.rpartition(" [")[0] for line in said] == ["Unusual spend on 2026-05-15: $80.00 against $10.00. Cause: n, app etl."]
    commit(lake, request("2026-05-15 10:00", model="n", app="etl", list_cost_usd=Decimal(7)))
    assert rounds(lake, minutes=1) == []


def test_an_unusual_failure_rate_and_latency_are_told_once_and_resolved_once(tmp_path: Path):
    """28 days of a hundred requests that took a second and did not fail, then a day on which forty of an app did, after nine."""
    lake = Lake(tmp_path / "lake")
    (tmp_path / NAME).write_text("[alerts]\nunusual_failures = true\nunusual_latency = true\n")
    start = instant("2026-04-17 08:00")
    days = [start + timedelta(days=day, seconds=number) for day in range(29) for number in range(100)]
    commit(lake, *(request(day, app="web", duration_ms=1000.0, status="success") for day in days))
    slow = {"app": "etl", "user_id": "bot", "duration_ms": 9000.0, "status": "error"}
    commit(lake, *(request(instant("2026-05-15 12:00") + timedelta(seconds=number), **slow) for number in range(40)))
    commit(lake, *(request(instant("2026-05-16 11:00") + timedelta(seconds=number), **slow) for number in range(20)))  # too few

    said: list[str] = []
    run_round(lake, said.append, NOW)
    assert [line.rpartition(" [")[0].replace("\xa0", " ") for line in said] == [
        "Unusual failure rate on 2026-05-15: 28.6% against 0.0%. 40 requests of 140 failed. Cause: user bot, app etl.",
        "Unusual latency on 2026-05-15: p95 9.0 s against about 1.1 s. 5% of 140 requests took longer. Cause: app etl.",
    ]
    commit(lake, request("2026-05-15 13:00", **slow))
    assert rounds(lake, minutes=1) == []

    lake.remove(Selection(user="bot"))
    assert [line.partition(" on ")[0] for line in rounds(lake, minutes=2)] == [
        "Resolved: Unusual failure rate",
        "Resolved: Unusual latency",
    ]
    assert rounds(lake, minutes=3) == []


def test_a_day_on_which_everything_is_slower_names_no_cause(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    (tmp_path / NAME).write_text("[alerts]\nunusual_latency = true\n")
    start = instant("2026-04-28 08:00")
    times = [
        (start + timedelta(days=day, seconds=number), 9000.0 if day == 17 else 1000.0) for day in range(18) for number in range(100)
    ]
    commit(
        lake,
        *(request(at, app=f"a{number % 5}", model=f"m{number % 5}", duration_ms=took) for number, (at, took) in enumerate(times)),
    )

    said: list[str] = []
    run_round(lake, said.append, NOW)
    assert [line.partition(". ")[2].rpartition(" [")[0] for line in said] == [
        "5% of 100 requests took longer. No model or app stands out."
    ]


def test_rules_that_are_not_set_do_not_alert(lake: Lake):
    (lake.root.parent / NAME).write_text("")
    commit(lake, request("2026-05-03 10:00", model="new", price_status="unpriced"))

    assert rounds(lake) == []


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
    def fail(*_: object) -> None:
        raise UnansweredError("The question takes too long.")

    (lake.root.parent / NAME).write_text(f"{BUDGET}[alerts]\nunpriced_models = true\nunusual_days = true\n")
    commit(lake, request("2026-05-15 10:00", model="new", price_status="unpriced"))
    monkeypatch.setattr("usagecost.alerts.rules.states", fail)
    done = run_round(lake, print, NOW)

    assert ([row["title"] for row in done.events], done.problems) == (
        ["New model without a price: new"],
        ["The question takes too long."],
    )


def test_a_dry_run_records_and_tells_nothing(lake: Lake, ops: Receiver):
    assert rounds(lake, dry_run=True) == ["Budget Search: 80% used"]

    assert (read_ledger(lake).alerts, ops.tries) == ({}, 0)


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


def test_an_alert_that_two_record_is_recorded_once(lake: Lake):
    rounds(lake)
    rows = lake.rows("alerts")

    assert Lake(lake.root).keep_rows("alerts", rows) == 0
    assert lake.rows("alerts").num_rows == rows.num_rows


def test_of_two_that_want_to_tell_a_channel_one_does_and_who_dies_is_followed(lake: Lake, ops: Receiver):
    ops.fails = True
    rounds(lake)
    ops.fails, later = False, NOW + timedelta(minutes=1)
    ledgers = read_ledger(lake), read_ledger(lake)
    (message,) = ledgers[0].pending(later)

    assert [claimed(lake, ledger, message, later) for ledger in (*ledgers, read_ledger(lake))] == [True, False, False]
    for minutes, messages in ((5, 0), (6, 1), (7, 1)):  # who claimed it was killed
        rounds(lake, minutes=minutes)
        assert len(ops.came) == messages
