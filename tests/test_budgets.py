"""Budgets: the file that people write, the periods of the calendar, and how much is used, in literals and laws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views import days, instant, request, view
from usagecost.budgets import (
    NAME,
    PERIODS,
    Budget,
    BudgetProblem,
    Rules,
    State,
    add_budget,
    change_budget,
    check_budget,
    even_pace,
    is_of,
    is_within,
    parse_budgets,
    put_rules,
    read_budgets,
    span_of,
    spans_before,
    states,
)
from usagecost.budgets.words import used_text
from usagecost.forecast import TooLittle
from usagecost.lake import Lake, LakeChanged
from usagecost.periods import intervals
from usagecost.queries import data_span
from usagecost.queries.forecasts import history, outlook
from usagecost.vocabulary.filters import EVERYTHING, Condition, Filters, Tagged, View

FILE = """\
# reviewed by finance
[[budget]]
name = "Search"
amount = 1000.50
only = { team = ["search", "(not reported)"] }
without = { environment = ["dev"] }
tell = ["ops", "mail"]

# all of it
[[budget]]
name = "Everything"
amount = 5000
period = "quarter"
actual = [100, 50]
forecast = []
"""


YEARS = date(1990, 1, 1), date(2100, 1, 1)


def budget(name: str = "b", amount: object = 100, **fields: object) -> Budget:
    return Budget.model_validate({"name": name, "amount": amount, **fields})


def test_a_file_says_what_was_written():
    search, everything = parse_budgets(FILE).budget

    assert (search.amount, search.period) == (Decimal("1000.50"), "month")
    assert (search.actual, search.forecast, search.tell) == ((80, 100), (100,), ("ops", "mail"))
    assert search.filters.phrases() == ("environment is not dev", "team is (not reported), search")
    whole = (everything.period, everything.actual, everything.forecast, everything.filters.conditions)
    assert whole == ("quarter", (50, 100), (), ())


@pytest.mark.parametrize(
    ("written", "wrong", "words"),
    [
        ("amount = 5000", "amount = -1", "line 12, amount is '-1': it should be greater than 0."),
        ("amount = 5000", "", "line 10, amount: it is missing."),
        ("actual = [100, 50]", "actual = [0]", "line 14, actual: 0 is no threshold: use percent from 1 to 1,000, such as 80."),
        ('"quarter"', "quarter", "this is no TOML: "),
        ("period =", "periode =", "line 13, periode is 'quarter': there is no such key; did you mean period?"),
        ('"Everything"', '"SEARCH"', "line 11, name: there is a budget 'SEARCH' already, give this one another name."),
        ("{ environment", "{ planet", "line 6, without: 'planet' is no dimension"),
        ("{ environment", "{ team", "line 2, budget: team stands in only and in without: use one of them."),
        ('"mail"', '"to mail"', "line 7, tell: 'to mail' is no name of a channel: use small letters, digits and _, such as ops."),
    ],
)
def test_a_broken_file_is_said_with_its_line(written: str, wrong: str, words: str):
    with pytest.raises(BudgetProblem) as problem:
        parse_budgets(FILE.replace(written, wrong))

    assert words in str(problem.value)


def test_a_form_says_what_is_wrong_without_a_line():
    assert check_budget({"name": "", "amount": 1}) == "Name: String should have at least 1 character."
    assert check_budget({"name": "a", "amount": "7.5"}) == budget("a", "7.5")


def test_budgets_are_added_changed_and_removed_and_all_else_stays(tmp_path: Path):
    lake, file = Lake(tmp_path / "lake"), tmp_path / NAME
    file.write_text(FILE)
    search, everything = parse_budgets(FILE).budget

    change_budget(lake, search, search.model_copy(update={"amount": Decimal(7)}))
    assert file.read_text() == (
        '# reviewed by finance\n[[budget]]\nname = "Search"\namount = 7\nonly = { team = ["search", "(not reported)"] }\n'
        'without = { environment = ["dev"] }\ntell = ["ops", "mail"]\n\n' + FILE[FILE.index("# all of it") :]
    )
    put_rules(lake, Rules(), Rules(silent_hours=6, tell=("ops",)))
    add_budget(lake, budget("Third", "0.25", period="day"))
    change_budget(lake, everything, None)

    assert "Everything" not in file.read_text()
    said = read_budgets(lake)
    assert [(one.name, one.amount) for one in said.budget] == [("Search", 7), ("Third", Decimal("0.25"))]
    assert said.alerts == Rules(silent_hours=6, tell=("ops",))
    put_rules(lake, said.alerts, Rules())
    assert "alerts" not in file.read_text()


def test_a_change_over_somebody_elses_is_refused_and_a_bad_one_changes_nothing(tmp_path: Path):
    lake, file = Lake(tmp_path / "lake"), tmp_path / NAME
    add_budget(lake, budget("a"))
    text = file.read_text()

    with pytest.raises(LakeChanged):
        change_budget(lake, budget("a", 99), None)
    with pytest.raises(LakeChanged):
        put_rules(lake, Rules(silent_hours=6), Rules())
    with pytest.raises(BudgetProblem):
        add_budget(lake, budget("A"))

    assert file.read_text() == text


def test_what_stands_between_and_below_budgets_stays_and_a_header_within_a_text_is_no_table(tmp_path: Path):
    lake, file = Lake(tmp_path / "lake"), tmp_path / NAME
    first, second = '[[budget]]\nname = "a"\namount = 1\n', '[[budget]]\nname = "b"\namount = 2\n'
    file.write_text(f"{first}\n# --- Search ---\n\n{second}\n# [[budget]] c\n")
    one, other = read_budgets(lake).budget
    change_budget(lake, one, None)
    change_budget(lake, other, other.model_copy(update={"amount": Decimal(3)}))
    assert file.read_text() == '# --- Search ---\n\n[[budget]]\nname = "b"\namount = 3\n\n# [[budget]] c\n'

    file.write_text(f'{first}only = {{ app = ["""x\n[[budget]]\n"""] }}\n\n{second}')
    change_budget(lake, read_budgets(lake).budget[1], None)
    assert read_budgets(lake).budget == (budget("a", 1, only={"app": ["x\n[[budget]]\n"]}),)


@pytest.mark.parametrize(
    ("period", "week_start", "span"),
    [
        ("day", 0, ("2024-02-29", "2024-02-29")),  # a Thursday
        ("week", 0, ("2024-02-26", "2024-03-03")),
        ("week", 6, ("2024-02-25", "2024-03-02")),
        ("month", 0, ("2024-02-01", "2024-02-29")),
        ("quarter", 0, ("2024-01-01", "2024-03-31")),
        ("year", 0, ("2024-01-01", "2024-12-31")),
    ],
)
def test_a_period_is_the_calendars(period: str, week_start: int, span: tuple[str, str]):
    assert tuple(str(day) for day in span_of(date(2024, 2, 29), period, week_start)) == span


@given(st.dates(*YEARS), st.sampled_from(list(PERIODS)), st.integers(0, 6))
def test_periods_follow_each_other_without_a_gap(day: date, period: str, week_start: int):
    spans = [span_of(day, period, week_start), *spans_before(day, period, 3, week_start)]

    assert spans[0][0] <= day <= spans[0][1]
    assert all(after[0] - before[1] == timedelta(days=1) for after, before in pairwise(spans))
    assert all(span_of(edge, period, week_start) == span for span in spans for edge in span)


# ---- how much is used

NOW = "2026-05-16 12:00"
ROWS = [
    request("2026-01-31 23:30", team_id="a", list_cost_usd=Decimal(64)),
    request("2026-03-10 10:00", team_id="a", list_cost_usd=Decimal(8)),
    request("2026-04-30 23:30", team_id="a", list_cost_usd=Decimal(2)),
    request("2026-05-01 00:30", team_id="a", list_cost_usd=Decimal(4), reported_cost_usd=Decimal(1)),
    request("2026-05-16 09:00", team_id="b", list_cost_usd=Decimal("0.5"), app="x"),
    request("2026-05-16 10:00", list_cost_usd=Decimal("0.25"), app="x"),
    request("2026-05-16 11:00", team_id="c", price_status="unpriced"),
]


@pytest.fixture(scope="module")
def lake(lake_of: Callable[..., str]) -> str:
    return lake_of(*ROWS)


def view_at(lake: str, now: str = NOW, zone: str = "UTC") -> View:
    return view(lake, days("2026-05-01", zone=zone, now=instant(now)))


def asked(lake: str, *budgets: Budget, now: str = NOW, zone: str = "UTC") -> list[State]:
    return states(view_at(lake, now, zone), budgets)


def amounts(state: State) -> list[Decimal | None]:
    return [state.used.usd, *(spent.usd for spent in state.before)]


def test_what_is_used_is_the_spend_of_the_scope_in_the_running_period_and_the_three_before(lake: str):
    whole, of_a, of_none, not_a, of_several, of_c = asked(
        lake,
        budget("whole"),
        budget("a", only={"team": ["a"]}),
        budget("none", only={"team": ["(not reported)"]}),
        budget("not a", without={"team": ["a"]}),
        budget("several", only={"team": ["a", "b", "(not reported)"]}),  # of which two have requests on one day
        budget("c", only={"team": ["c"]}),
    )

    assert amounts(whole) == [Decimal("1.75"), 2, 8, 0]  # 1 as reported, 0.5 and 0.25; April, March, February
    assert (whole.used.incomplete, whole.used.requests) == (1, 4)
    assert amounts(of_a) == [1, 2, 8, 0]
    assert (of_a.used.incomplete, of_a.share(of_a.used)) == (0, Decimal("0.01"))
    assert amounts(of_none) == [Decimal("0.25"), 0, 0, 0]
    assert amounts(not_a) == [Decimal("0.75"), 0, 0, 0]
    assert amounts(of_several) == [Decimal("1.75"), 2, 8, 0]
    assert (of_c.used.usd, of_c.used.incomplete) == (None, 1)  # a request, and nothing is known of its cost


def test_periods_are_those_of_the_reporting_zone_and_what_was_before_the_lake_is_not_known(lake: str):
    (berlin,) = asked(lake, budget(only={"team": ["a"]}), zone="Europe/Berlin")
    quarter, year, week, day = (asked(lake, budget(period=name))[0] for name in ("quarter", "year", "week", "day"))

    assert amounts(berlin) == [3, 0, 8, 64]  # 23:30 UTC is the next day in Berlin
    assert amounts(quarter) == [Decimal("3.75"), 72, None, None]
    assert [str(spent.since) for spent in quarter.before] == ["2026-01-31", "None", "None"]
    assert amounts(year)[1:] == [None, None, None]
    assert used_text(year).replace("\xa0", " ") == "≥ $75.75 of $100.00 (≥ 75.8%), data from 31 Jan 2026"
    assert amounts(week) == [Decimal("0.75"), 0, 3, 0]  # 11 to 17 May; of those before, 27 April to 3 May has some
    assert amounts(day) == [Decimal("0.75"), 0, 0, 0]


def test_the_pace_is_the_share_of_the_period_that_is_over_and_days_and_weeks_have_no_forecast(
    lake: str, lake_of: Callable[..., str]
):
    month, week, day = asked(lake, budget("m"), budget("w", period="week"), budget("d", period="day"))
    (short,) = asked(lake, budget(), now="2026-02-03 12:00")

    assert (month.pace, month.left) == (0.5, 15)  # 15.5 of 31 days
    assert (week.pace, week.left, week.forecast) == (5.5 / 7, 1, None)
    assert (day.pace, day.left, day.forecast) == (0.5, 0, None)
    assert (type(short.forecast), short.forecast_share) == (TooLittle, None)
    assert amounts(asked(lake_of(), budget())[0]) == [None] * 4, "of an empty lake nothing is known"


@pytest.mark.parametrize("period", ["month", "quarter"])
def test_the_forecast_is_that_of_the_same_requests_elsewhere(sample_lake: str, period: str):
    span = data_span(sample_lake, Lake(sample_lake).version(), EVERYTHING)
    assert span
    now = view(sample_lake, days(span[1].date(), now=span[1]))
    of_teams = history(now, period, "team")
    teams = [row for row in of_teams.ranked["value"].to_pylist() if row][:4]
    found = states(now, [budget(team, only={"team": [team]}, period=period) for team in teams])

    for team, state in zip(teams, found, strict=True):
        elsewhere = outlook(of_teams.of_value(team), period, team)
        assert state.used.usd == elsewhere.so_far
        assert vars(state.forecast) | {"errors": ()} == vars(elsewhere.forecast) | {"errors": ()}


VALUES = st.sets(st.sampled_from(["a", "b", "x", "(not reported)"]), min_size=1).map(sorted)
SCOPES = st.dictionaries(st.sampled_from(["team", "app", "status"]), VALUES)


@settings(max_examples=6)
@given(st.lists(st.tuples(SCOPES, st.sampled_from(list(PERIODS)), st.sampled_from(["only", "without"])), min_size=1, max_size=4))
def test_budgets_that_are_asked_together_stand_as_each_alone(lake: str, drawn: list):
    budgets = [budget(str(place), period=period, **{side: scope}) for place, (scope, period, side) in enumerate(drawn)]

    assert asked(lake, *budgets) == [asked(lake, one)[0] for one in budgets]


# ---- the even pace on charts


def pace(one: Budget, first: str, last: str, interval: str = "day", zone: str = "UTC") -> list[Decimal]:
    return even_pace(one, intervals(days(first, last, zone=zone), interval), zone)


def test_the_even_pace_of_a_month_is_the_same_part_of_it_each_day():
    month = budget(amount=3000)

    assert pace(month, "2026-11-29", "2026-12-01") == [100, 100, Decimal(3000) / 31]
    assert pace(month, "2026-11-02", "2026-11-11", "week") == [700, 300]  # a week, and three days of the next
    assert pace(month, "2026-02-01", "2026-03-31", "month") == [3000, 3000]
    assert pace(budget(amount=10, period="day"), "2026-11-01", "2026-11-30", "month") == [300]
    assert pace(budget(amount=92, period="quarter"), "2026-11-09", "2026-11-09") == [1]  # October to December have 92 days
    assert pace(budget(amount=24, period="day"), "2026-10-25", "2026-10-25", "hour", "Europe/Berlin") == [Decimal("0.96")] * 25


@given(st.sampled_from(["week", "month", "quarter", "year"]), st.sampled_from(["day", "week", "month"]), st.dates(*YEARS))
def test_the_paces_of_a_period_add_up_to_the_amount(period: str, interval: str, day: date):
    first, last = span_of(day, period)

    found = pace(budget(amount="123.45", period=period), str(first), str(last), interval, "America/New_York")
    assert float(sum(found)) == pytest.approx(123.45)


X_Y = Condition("user", ("x", "y"), excludes=True)


@pytest.mark.parametrize(
    ("conditions", "within", "just"),
    [
        ([], True, False),
        ([X_Y, Condition("team", ("a", None))], True, True),  # in another order than a budget has them
        ([Condition("team", ("a", "b", None))], True, False),
        ([Condition("team", ("a",))], False, False),
        ([Condition("user", ("x",), excludes=True)], True, False),
        ([Condition("user", ("x", "z"), excludes=True)], False, False),
        ([Condition("team", ("b",), excludes=True)], False, False),
        ([Condition("team", ("a", None)), X_Y, Condition("model", ("m",))], False, False),
        ([Condition("team", ("a", None)), X_Y, Tagged(("t",))], False, False),
    ],
)
def test_a_budget_is_within_filters_that_let_all_of_it_through_and_of_those_that_let_just_it(
    conditions: list, within: bool, just: bool
):
    of_two, filters = budget(only={"team": ["a", "(not reported)"]}, without={"user": ["x", "y"]}), Filters(tuple(conditions))

    assert (is_within(of_two, filters), is_of(of_two, filters)) == (within, just)
    assert is_of(budget(), filters) is (not conditions)
