"""The page Budgets: from nothing to a budget that fires, changed and removed, in Streamlit's own harness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from tests import pages
from tests.copies import copied
from tests.lake_rows import commit
from tests.pages import calm
from tests.views import request
from tests.webhook import webhook
from usagecost.alerts import run_round
from usagecost.budgets import NAME, Budget, Rules, add_budget, read_budgets
from usagecost.lake import Lake

HOSTILE = "*b* [x](http://y) <b>"


@copied
def made(lake: Lake) -> None:
    """A lake in which a team has just spent 8.50 USD, and another, whose name is markup, 1."""
    now = datetime.now(UTC) - timedelta(seconds=5)
    commit(
        lake,
        request(now, team_id="search", list_cost_usd=Decimal("8.50")),
        request(now, team_id=HOSTILE, list_cost_usd=Decimal(1)),
        request(now, team_id=HOSTILE, price_status="unpriced"),
    )


@pytest.fixture
def lake(made: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """It, as the one that is opened."""
    monkeypatch.setenv("USAGECOST_LAKE", str(made.root))
    return made


def opened(**query: str) -> AppTest:
    return pages.opened("pages/4_Budgets.py", **query)


def words(page: AppTest) -> str:
    return " ".join(text.value for text in (*page.markdown, *page.caption)).replace("\\", "").replace("\xa0", " ")


def test_from_nothing_to_a_budget_that_fires(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    page = opened()
    assert page.info[0].value.startswith("A budget says what requests may cost")
    page.button(key="new_budget").click().run()
    assert page.button(key="save_budget").disabled

    page.text_input(key="budget_form_name").set_value("Search")
    page.text_input(key="budget_form_amount").set_value("$10.00")
    page.multiselect(key="budget_form_by").set_value(["team"]).run()
    page.multiselect(key="budget_form_is_team").set_value(["search"]).run()
    assert "Now: $8.50 of $10.00 (85.0%)" in words(calm(page))
    page.multiselect(key="budget_form_tell").set_value(["ops"]).run()
    page.button(key="save_budget").click().run()

    assert read_budgets(lake).budget == (Budget(name="Search", amount=Decimal(10), only={"team": ("search",)}, tell=("ops",)),)
    assert "$8.50 of $10.00 (85.0%)" in words(calm(page))
    with webhook() as receiver:
        monkeypatch.setenv("USAGECOST_ALERT_OPS", receiver.url)
        run_round(lake, print)
        assert receiver.titles == ["Budget Search: 80% used"]
        assert "80% used (" in words(calm(page.run()))

        alerts = opened(part="Alerts")
        assert alerts.dataframe[0].value[["alert", "told"]].to_numpy().tolist() == [["Budget Search: 80% used", "ops"]]
        alerts.button(key="test_ops").click().run()
        assert [box.value for box in alerts.success] == ["The test message was sent\\."]
        assert receiver.titles[-1] == "Test of Usage & Cost"

        receiver.fails = True
        add_budget(lake, Budget(name="All", amount=Decimal(1), tell=("ops",)))
        now = datetime.now(UTC)
        run_round(lake, print, now)
        again = f"{now + timedelta(minutes=1):%H:%M}"
        assert f"Failed 1 time, last {now:%Y-%m-%d %H:%M} UTC, tried again from {again}: The channel ops did not" in words(
            alerts.run()
        )
        assert "ops (waiting)" in alerts.dataframe[0].value["told"].tolist()
        alerts.button(key="test_ops").click().run()
        assert "did not take the message" in alerts.error[0].value


def test_a_budget_is_changed_and_removed(lake: Lake):
    add_budget(lake, Budget(name="Odd", amount=Decimal(10), without={"team": ("search",)}, period="week"))
    page = opened(budget="Odd")
    assert (page.text_input(key="budget_form_amount").value, page.button(key="save_budget").disabled) == ("10", True)
    assert page.checkbox(key="budget_form_not_team").value is True

    page.text_input(key="budget_form_amount").set_value("-1").run()
    assert "Amount: Input should be greater than 0." in words(page)
    page.text_input(key="budget_form_amount").set_value("0.5").run()
    page.button(key="save_budget").click().run()
    assert [(one.name, one.amount) for one in read_budgets(lake).budget] == [("Odd", Decimal("0.5"))]
    assert "1 budget: 1 over, 0 forecast to go over." in words(calm(page))
    assert "Lower bound: 1 request of it without a full price." in words(page)
    assert "≥ $1.00 of $0.50 (≥ 200.0%)" in words(page)

    page.button(key="edit_budget_0").click().run()
    page.button(key="remove_budget_now").click().run()
    assert read_budgets(calm(page) and lake).budget == ()


def test_names_are_text_and_never_markup(lake: Lake):
    add_budget(lake, Budget(name=HOSTILE, amount=Decimal(1), only={"team": (HOSTILE,)}))
    (title,) = [text.value for text in opened().markdown if text.value.startswith("**")]

    assert title.count("\\[x\\]\\(") == 2  # the name, and the value of its scope
    assert "<b" not in title.replace("\\<", "")


def test_rules_are_chosen_and_a_broken_file_is_said(lake: Lake):
    page = opened(part="Alerts")
    assert page.button(key="save_rules").disabled
    next(box for box in page.checkbox if "has no data" in box.label).set_value(True).run()
    next(box for box in page.number_input if box.label == "Hours").set_value(6).run()
    page.button(key="save_rules").click().run()
    assert read_budgets(lake).alerts == Rules(silent_hours=6)

    (lake.root.parent / NAME).write_text("[[budget]]\n")
    assert "line 1, name: it is missing" in calm(page.run()).warning[0].value.replace("\\", "")


def test_the_table_of_a_chart_of_spend_has_the_budgets_that_it_draws(lake: Lake):
    add_budget(lake, Budget(name="All", amount=Decimal(7), period="week"))
    add_budget(lake, Budget(name="Search", amount=Decimal(7), only={"team": ("search",)}))
    for file, table in (("app.py", "all-cost"), ("pages/2_Dashboards.py", "cost-1")):
        page = pages.opened(file, tab="Cost", board="cost")
        page.button(key=f"switch_{table}").click().run()
        numbers = next(one.value for one in calm(page).dataframe if "interval_start" in one.value)

        assert [name for name in numbers if name.startswith("Budget")] == ["Budget All"]
        assert set(numbers["Budget All"]) == {1.0}
