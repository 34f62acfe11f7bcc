"""Forecasts of a lake: of what each begins with, what is not known, and the day that is running."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from tests.views import days, instant, request, view
from usagecost.cli import app
from usagecost.cli.forecasting import forecast_rows
from usagecost.forecast import Forecast, TooLittle
from usagecost.queries.forecasts import Outlook, as_of_today, history, outlook, outlooks, reaches_into
from usagecost.vocabulary.filters import Condition, View

NOW = "2026-11-20 09:00"


def spends(team: str, usd: str | None, first: str, last: str = NOW) -> list[dict[str, object]]:
    """A request of a team each morning at six."""
    start, until = date.fromisoformat(first), date.fromisoformat(last[:10])
    cost = None if usd is None else Decimal(usd)
    every_day = [start + timedelta(days=number) for number in range((until - start).days + 1)]
    return [
        request(f"{day} 06:00", team_id=team, list_cost_usd=cost, price_status="exact" if usd else "unpriced") for day in every_day
    ]


@pytest.fixture(scope="module")
def teams(lake_of: Callable[..., str]) -> str:
    """Search spends $10 a day since August, finance $2 since November, and legal something that is not known since 10 November."""
    return lake_of(
        *spends("search", "10", "2026-08-01"), *spends("finance", "2", "2026-11-01"), *spends("legal", None, "2026-11-10")
    )


def now(lake: str, zone: str = "UTC") -> View:
    return as_of_today(view(lake, days("2026-11-01", "2026-11-20", zone, now=NOW)))


def total(found: Outlook) -> float:
    assert isinstance(found.forecast, Forecast)
    return found.forecast.total


def test_each_team_has_its_own_forecast_the_most_expensive_first(teams: str):
    search, finance, legal = outlooks(history(now(teams), split="team"), "month", 10)

    assert (search.value, search.so_far, search.before, total(search), search.is_at_least) == ("search", 200, 310, 300.0, False)
    assert (finance.value, finance.so_far, finance.before, finance.forecast) == ("finance", 40, 0, TooLittle(19, 31))
    assert (legal.value, legal.so_far, legal.forecast, legal.is_at_least) == ("legal", None, TooLittle(0, 31), True)
    assert [one.value for one in outlooks(history(now(teams), split="team"), "month", 1)] == ["search"]


def test_who_has_not_cost_anything_yet_in_a_month_is_forecast_too(lake_of: Callable[..., str]):
    lake = lake_of(
        *spends("search", "10", "2026-10-01", "2026-10-31"),
        *spends("finance", "2", "2026-11-01", "2026-11-01"),
        *spends("gone", "9", "2026-09-30", "2026-09-30"),
    )
    first_day = as_of_today(view(lake, days("2026-11-01", "2026-11-01", now="2026-11-01 09:00")))

    found = outlooks(history(first_day, split="team"), "month", 10)

    assert [(one.value, one.so_far, one.before) for one in found] == [("search", 0, 310), ("finance", 2, 0)]


def test_the_whole_is_a_lower_bound_where_a_cost_is_not_known(teams: str):
    found = outlook(history(now(teams)))

    assert (found.so_far, found.before, found.is_at_least) == (240, 310, True)
    assert total(found) >= 240


def test_filters_and_the_running_quarter_are_asked_for_alike(teams: str):
    asked = now(teams).where(Condition("team", ("search",)))

    quarter = outlook(history(asked, "quarter"), "quarter")

    assert (quarter.so_far, quarter.before, total(quarter)) == (510, None, 920.0)


def test_the_running_day_is_that_of_the_zone(teams: str):
    """In Honolulu it is eleven at night of the 19th, and the request of each day is of eight in the evening before."""
    found = outlook(history(now(teams, "Pacific/Honolulu"), split="team").of_value("search"))

    assert isinstance(found.forecast, Forecast)
    assert (found.forecast.path[0].day, found.so_far, total(found)) == (date(2026, 11, 19), 190, 300.0)


def test_a_lake_without_requests_has_no_forecast(lake_of: Callable[..., str]):
    assert outlook(history(now(lake_of()))).forecast == TooLittle(0, 31)


@pytest.mark.parametrize(
    ("first", "last", "reaches"),
    [("2026-10-01", "2026-10-31", False), ("2026-10-22", "2026-11-20", True), ("2026-11-20", "2026-11-20", True)],
)
def test_a_forecast_belongs_to_views_that_reach_into_the_month(first: str, last: str, reaches: bool):
    assert reaches_into(View("", 1, days(first, last, now=NOW), "day", "best")) == reaches


def test_the_command_tells_each_value_and_the_total(teams: str):
    rows = forecast_rows(teams, "month", "team", 10, "UTC", instant(NOW))

    assert [(row["name"], row["so_far_usd"], row["forecast_usd"]) for row in rows[:2]] == [
        ("search", 200, 300.0),
        ("finance", 40, None),
    ]
    assert (rows[1]["method"], rows[-1]["name"], rows[-1]["so_far_usd"]) == ("Too little history: 19 of 31 days", "Total", 240)


def test_the_command_writes_json_and_a_table(teams: str):
    as_json = CliRunner().invoke(app, ["forecast", "--lake", teams, "--json"])
    as_table = CliRunner().invoke(app, ["forecast", "--lake", teams, "--by", "team", "--until", "year"])
    wrong = CliRunner().invoke(app, ["forecast", "--lake", teams, "--by", "nothing"])

    assert [row["name"] for row in json.loads(as_json.stdout)] == ["Total"]
    assert "Too little history" in as_table.stdout
    assert wrong.exit_code == 2
