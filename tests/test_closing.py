"""Closing months: kept for good, corrected in the next one, reopened with who and why."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.bill_rows import bill, line
from tests.copies import copied
from tests.engines import ON_ROLLUPS_BY_BOTH_ENGINES
from tests.lake_rows import Row, commit, stored
from tests.test_lake_repricing import ALL, costing
from tests.views import request
from usagecost import schema
from usagecost.bills.closes import Close, Closes, read_closes
from usagecost.bills.closing import CloseProblem, close_month, draft, kept_rate, month_period, reopen_month
from usagecost.bills.corrections import KEYS, MEASURES
from usagecost.bills.month_files import FORMS
from usagecost.bills.monthly import MonthStatement, month_statement
from usagecost.bills.rounding import rounded
from usagecost.cli import app
from usagecost.cli.summaries import summary_rows
from usagecost.lake import Lake, Selection

OCTOBER, NOVEMBER, DECEMBER = date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1)
ABOUT = {"who": "ada", "why": "new contract", "prices": "test"}


def now() -> datetime:
    return datetime.now(UTC)


def close(lake: Lake, month: date, zone: str = "UTC") -> Close:
    return close_month(lake, month, zone, "ada", now())


def statement_of(lake: Lake, month: date, zone: str = "UTC") -> MonthStatement:
    closes = read_closes(lake, zone)
    done = closes.of(month)
    assert done is not None
    return month_statement(closes, done)


def files(lake: Lake, month: date, zone: str = "UTC") -> dict[str, bytes]:
    return {kind: make(statement_of(lake, month, zone)) for kind, make in FORMS.items()}


def cost(day: str, usd: str | None, **columns: Any) -> Row:
    known = {"list_cost_usd": usd and Decimal(usd), "price_status": "exact" if usd else "unpriced"}
    return request(day, **{"team_id": "search", "provider": "openai", "model": "m", "input_tokens": 10, **known, **columns})


@copied
def lake(lake: Lake) -> None:
    """October and November of a team: 1.25 and 2 USD, and a request without a price in October."""
    commit(lake, cost("2025-10-07", "1.25"), cost("2025-10-08", None), cost("2025-11-07", "2"))


@ON_ROLLUPS_BY_BOTH_ENGINES
def test_a_closed_month_stays_to_the_byte_and_the_next_one_corrects_it(lake: Lake):
    close(lake, OCTOBER)
    before = files(lake, OCTOBER)
    commit(lake, cost("2025-10-09", "0.10"), cost("2025-10-31 23:59", "0.01", team_id="ads"))
    called = {"source": "test", "field": "team_id", "id": "search", "name": "Search & Find", "seen_at": now()}
    lake.keep_rows("names", pa.Table.from_pylist([called], schema.NAMES))
    lake.compact()
    lake.vacuum(0)
    close(lake, OCTOBER)
    assert files(lake, OCTOBER) == before

    close(lake, NOVEMBER)
    lines = statement_of(lake, NOVEMBER).corrections
    assert [(line.month, line.cause, line.group[0], line.sums["requests"], line.amount and line.amount.usd) for line in lines] == [
        (OCTOBER, "late requests", "ads", 1, Decimal("0.01")), (OCTOBER, "late requests", "search", 1, Decimal("0.10")),
    ]  # fmt: skip
    assert statement_of(lake, NOVEMBER).month.total.whole.usd == Decimal("2.11")
    assert b"Search &amp; Find" in files(lake, NOVEMBER)["html"]
    assert files(lake, OCTOBER) == before


def test_a_correction_says_its_cause(lake: Lake):
    commit(lake, cost("2025-10-09", "3", model="other", user_id="bob"), cost("2025-10-10", "5", request_id="c", app="x"))
    close(lake, OCTOBER)
    lake.reprice(costing("4"), ALL, "m", about=ABOUT)  # both of October without an app, 1.25 and unknown, and the third, 5
    lake.remove(Selection(user="bob"))
    commit(lake, cost("2025-10-10", "4", request_id="c", app="x", rank=1, output_tokens=7))
    close(lake, NOVEMBER)

    found = {(line.group[2], line.group[4]): line for line in statement_of(lake, NOVEMBER).corrections}
    assert {key: (line.cause, line.sums["spend_usd"], line.sums["incomplete_requests"]) for key, line in found.items()} == {
        (None, "m"): ("repriced", Decimal("6.75"), -1),
        (None, "other"): ("removed requests", Decimal(-3), 0),
        ("x", "m"): ("repriced", Decimal(-1), 0),
    }
    commit(lake, cost("2025-10-10", "4", request_id="c", app="x", rank=2, output_tokens=9))
    close(lake, DECEMBER)
    (line,) = statement_of(lake, DECEMBER).corrections
    assert (line.cause, line.sums["output_tokens"], line.amount) == ("changed requests", 2, (0, 0))


def test_months_are_closed_in_order_and_reopened_from_the_last(lake: Lake):
    close(lake, OCTOBER)
    for month, why in ((date(2025, 9, 1), "the first that was closed in UTC is October 2025"), (DECEMBER, "close 2025-11 first")):
        with pytest.raises(CloseProblem, match=why):
            close(lake, month)
    with pytest.raises(CloseProblem, match="November 2025 is not over in UTC: it can be closed from 2025-12-01 on"):
        close_month(lake, NOVEMBER, "UTC", "ada", datetime(2025, 11, 30, 23, 59, tzinfo=UTC))
    close(lake, NOVEMBER)
    refused = ((OCTOBER, "wrong", "reopen 2025-11 first"), (NOVEMBER, " ", "Say why"), (DECEMBER, "x", "is not closed"))
    for month, why, said in refused:
        with pytest.raises(CloseProblem, match=said):
            reopen_month(lake, month, "UTC", "bob", why, now())

    reopen_month(lake, NOVEMBER, "UTC", "bob", "a file was missing", now())
    commit(lake, cost("2025-11-08", "7"))
    assert [close.month for close in read_closes(lake, "UTC").in_force] == [OCTOBER]
    assert close(lake, NOVEMBER).id == "2025-11 UTC 2"
    assert statement_of(lake, NOVEMBER).month.total.whole.usd == 9
    assert [(row["kind"], row["who"], row["why"]) for row in read_closes(lake, "UTC").of_month(NOVEMBER)] == [
        ("closed", "ada", None), ("reopened", "bob", "a file was missing"), ("closed", "ada", None),
    ]  # fmt: skip


def test_the_close_of_a_month_is_its_summary(sample_lake: str):
    month = (now().date().replace(day=1) - timedelta(days=1)).replace(day=1)
    closes = Closes("Europe/Berlin", Lake(sample_lake).rows("closes"), ())
    done = month_statement(closes, draft(Lake(sample_lake), closes, month, "ada", now()))
    days = month_period(month, "Europe/Berlin", now())
    (whole,) = summary_rows(sample_lake, days.first, days.last, "Europe/Berlin", None, ("spend_usd", "requests", "total_tokens"))
    by_team = summary_rows(sample_lake, days.first, days.last, "Europe/Berlin", "team", ("spend_usd", "requests"))

    assert done.month.total.whole.usd == rounded(whole["spend_usd"])
    assert (done.month.usage.sums["requests"], done.month.usage.sums["spend_usd"]) == (whole["requests"], whole["spend_usd"])
    assert {team.value: team.usage.sums["spend_usd"] for team in done.teams} == {row["team"]: row["spend_usd"] for row in by_team}
    for parts in (done.teams, *(done.parts(name) for name in ("key", "app", "model"))):
        assert sum(part.total.whole.usd for part in parts) == done.month.total.whole.usd
        assert all(abs(part.total.whole.usd - (part.usage.sums["spend_usd"] or 0)) < Decimal("0.01") for part in parts)


def test_a_close_keeps_what_bills_said_of_the_month(lake: Lake):
    days = {"day": date(2025, 10, 7)} | dict.fromkeys(("covers_first", "covers_last"), date(2025, 10, 7))
    lake.keep_rows("bills", bill(*(line("1.50", model="m", currency=currency, **days) for currency in ("USD", "EUR"))))
    done = close(lake, OCTOBER)

    found = {label: amount for _, label, amount in statement_of(lake, OCTOBER).reconciled}
    assert (found.pop("Billed"), found.pop("In our logs")) == (Decimal("1.50"), Decimal("1.25"))
    assert sum(found.values()) == Decimal("0.25")
    assert b"Beside the bills" in files(lake, OCTOBER)["html"]
    (said,) = done.made_with["not_reconciled"]
    assert said == "openai: there is no rate for EUR, so 2025-10 is compared without 1 line of 1.50 EUR."


MONTHS = (OCTOBER, NOVEMBER, DECEMBER)
rows = st.builds(
    lambda month, number, team, app, model, usd, rank: request(
        datetime(month.year, month.month, 1 + number * 3, 12, tzinfo=UTC),
        request_id=f"{month}-{number}", team_id=team, app=app, model=model, rank=rank, user_id=f"u{number}",
        list_cost_usd=usd, price_status="exact" if usd is not None else "unpriced", input_tokens=None if rank else number,
    ),
    st.sampled_from(MONTHS), st.integers(0, 5), st.sampled_from(["a", None]), st.sampled_from(["x", None]),
    st.sampled_from(["m", None]), st.none() | st.decimals(0, 20, places=9), st.integers(0, 3),
)  # fmt: skip
acts = st.one_of(
    st.tuples(st.just("load"), st.lists(rows, min_size=1, max_size=5)),
    st.tuples(st.just("load"), st.lists(rows, min_size=1, max_size=5)),
    st.tuples(st.just("reprice"), st.decimals(0, 9, places=9)),
    st.tuples(st.just("remove"), st.sampled_from(["u0", "u1"])),
    st.just(("close", None)),
)


@pytest.mark.slow
@settings(max_examples=5)
@given(st.lists(acts, min_size=4, max_size=8))
def test_a_month_and_its_corrections_are_what_the_lake_said_at_last(tmp_path_factory: pytest.TempPathFactory, history: list[Any]):
    lake, to_close = Lake(tmp_path_factory.mktemp("lake") / "lake"), list(MONTHS)
    commit(lake, cost("2025-10-07", "0.005"), cost("2025-11-07", "0.005"))
    for act, what in [*history, ("close", None), ("close", None)]:
        if act == "load":
            commit(lake, *what)
        elif act == "reprice":
            lake.reprice(costing(f"{what:f}"), ALL, about=ABOUT)
        elif act == "remove":
            lake.remove(Selection(user=what))
        elif to_close:
            close(lake, to_close.pop(0))

    closes = read_closes(lake, "UTC")
    last = closes.in_force[-1]
    said = recounted(lake, last.made_with["lake"])
    statements = [month_statement(closes, one) for one in closes.in_force]
    for month in (close.month for close in closes.in_force):
        booked = closes.booked(month, before=date(9999, 1, 1))
        known = {group: {name: value or 0 for name, value in sums.items()} for group, sums in booked.items() if any(sums.values())}
        assert known == said.get(month, {})
        in_cents = sum(line.amount.usd for one in statements for line in one.lines if line.month == month and line.amount)
        assert in_cents == rounded(sum((sums["spend_usd"] for sums in known.values()), Decimal(0)))


def recounted(lake: Lake, version: int) -> dict[date, dict[tuple, dict[str, Any]]]:
    """The sums of each group of each month, worked out without SQL; 0 where nothing is known."""
    found: dict[date, dict[tuple, dict[str, Any]]] = {}
    for row in stored(lake, version).to_pylist():
        month = row["started_at"].astimezone(ZoneInfo("UTC")).date().replace(day=1)
        of_group = found.setdefault(month, {}).setdefault(tuple(row[name] for name in KEYS), dict.fromkeys(MEASURES, 0))
        spent = row["list_cost_usd"] if row["reported_cost_usd"] is None else row["reported_cost_usd"]
        adds = {"requests": 1, "priced_requests": spent is not None, "incomplete_requests": spent is None, "spend_usd": spent or 0}
        for name in MEASURES:
            of_group[name] += adds[name] if name in adds else row[name] or 0
    return found


KILLED = """
import os, signal, sys
from datetime import UTC, date, datetime
from usagecost.bills.closing import close_month
from usagecost.lake import Lake, side_tables

side_tables.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
close_month(Lake(sys.argv[1]), date(2025, 10, 1), "UTC", "ada", datetime.now(UTC))
"""


def test_a_close_that_is_killed_before_it_is_committed_never_was(lake: Lake):
    done = subprocess.run([sys.executable, "-c", KILLED, str(lake.root)], cwd=Path(__file__).parents[1], check=False)

    assert done.returncode == -9
    assert (lake.rows("closes").num_rows, read_closes(lake, "UTC").in_force) == (0, ())
    assert close(lake, OCTOBER).id == "2025-10 UTC 1"
    assert lake.verify().damaged == ()


def test_a_rate_is_kept_with_the_close_and_other_files_change_nothing(lake: Lake):
    own, rate = lake.root.parent / "currencies.toml", '[[rate]]\ncurrency = "{}"\nfrom = 2025-10-01\nper_usd = {}\n'.format
    own.write_text(rate("EUR", "0.8"))
    done = close(lake, OCTOBER)
    own.write_text(rate("EUR", "0.9") + rate("JPY", "150"))

    assert str(kept_rate(lake, done, "EUR", now()).per_usd.normalize()) == "0.8"
    assert kept_rate(lake, done, "JPY", now()).per_usd == 150
    own.unlink()
    (again,) = read_closes(lake, "UTC").in_force
    assert month_statement(read_closes(lake, "UTC"), again, kept_rate(lake, again, "JPY", now())).month.total.amount == (
        Decimal("1.25"),
        188,
    )


def test_the_command_closes_writes_and_reopens(lake: Lake, tmp_path: Path):
    run: Callable[..., Any] = lambda *options: CliRunner().invoke(app, ["close", *options, "--lake", str(lake.root)])  # noqa: E731
    assert run("2025-10", "--currency", "EUR").stderr.startswith("There is no rate of EUR for 2025-10-31: write one into")
    assert lake.rows("closes").num_rows == 0
    done = run("2025-10", "--utc", "--out", str(tmp_path / "out"))

    assert (done.exit_code, "≥\xa0$1.25" in done.stdout, "1 request without a price" in done.stdout) == (0, True, True)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {f"statement_2025-10_utc_usd.{kind}" for kind in FORMS}
    assert run("2025-10", "--currency", "EUR").stderr.startswith("There is no rate of EUR for 2025-10-31: write one into")
    (lake.root.parent / "currencies.toml").write_text('[[rate]]\ncurrency = "EUR"\nfrom = 2025-10-01\nper_usd = 0.8\n')
    assert run("2025-10", "--currency", "EUR").exit_code == 0
    act = lake.rows("audit").to_pylist()[-1]
    assert (act["what"], act["outcome"], "0.8" in act["after"]) == ("keep the rate of EUR with October 2025, UTC", None, True)
    assert (run("2025-13").exit_code, run("2025-10", "--reopen").exit_code) == (2, 1)
    assert run("2025-10", "--reopen", "--why", "wrong rule").stdout == "October 2025 is open again.\n"
