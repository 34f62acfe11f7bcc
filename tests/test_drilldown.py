"""From a number to its requests: which filters a click on a mark, a row or a link stands for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests import pages
from tests.views import days, request, view, write_lake
from usagecost import queries
from usagecost.queries import folds
from usagecost.ui.drilldown import merge_conditions, value_condition
from usagecost.vocabulary.filters import Condition

VALUES = st.lists(st.sampled_from(("a", "b", "c", None)), unique=True, max_size=4).map(tuple)
CONDITIONS = st.builds(Condition, st.just("model"), VALUES, st.booleans())


def passes(condition: Condition, value: str | None) -> bool:
    return (value in condition.values) is not condition.excludes


@given(CONDITIONS, CONDITIONS, st.sampled_from(("a", "b", "c", "d", None)))
def test_one_condition_says_what_two_say(one: Condition, other: Condition, value: str | None):
    assert passes(merge_conditions(one, other), value) == (passes(one, value) and passes(other, value))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four models and none, each a dollar cheaper than the one before; bob's last request failed."""
    rows = [
        request(f"2026-05-0{i + 1} 10:00", model=model, list_cost_usd=Decimal(9 - i), user_id="ann", status="success")
        for i, model in enumerate(("a", "b", "c", None, "(not reported)"))
    ]
    failed = request("2026-05-06 10:00", model="a", user_id="bob", status="error")
    return write_lake(tmp_path_factory.mktemp("drilldown") / "lake", [*rows, failed])


def test_every_bar_of_a_ranking_opens_the_requests_it_counts(lake: str):
    asked = view(lake, days("2026-05-01", "2026-05-31"))
    top = folds.top_values(queries.usage(asked, "model").by_value, 2)
    assert list(top["is_other"]) == [False, False, True]

    for place, counted in enumerate(top["requests"]):
        condition = value_condition("model", top, place)
        opened = view(lake, asked.period, "day", "best", condition)
        assert queries.usage(opened, "model").totals["requests"] == counted


def test_other_of_more_values_than_a_filter_can_name_is_not_opened():
    top = pd.DataFrame({"value": [*(f"model {i}" for i in range(100)), None], "is_other": [False] * 100 + [True]})

    assert value_condition("model", top, 100) is None
    assert value_condition("model", top, 99) == Condition("model", ("model 99",))


def opened(lake: str, monkeypatch: pytest.MonkeyPatch, **link: str | list[str]) -> AppTest:
    monkeypatch.setenv("USAGECOST_LAKE", lake)
    return pages.opened(**({"range": "Custom range", "days": ["2026-05-01", "2026-05-31"]} | link))


def clicked(page: AppTest, key: str) -> AppTest:
    """The page that a click on a button leads to, by the link that a browser follows."""
    page.button(key=key).click().run()
    link = page.main.get("page_link")[0].proto
    assert link.page == "Traces"
    page.switch_page("pages/1_Traces.py")
    page.query_params.clear()
    for name, values in parse_qs(link.query_string).items():
        page.query_params[name] = values
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("link", "key", "requests", "state"),
    [
        ({"user": ["bob", "cid"]}, "open_all_failed", "1", {"user": ["bob", "cid"], "status": ["error", "cancelled"]}),
        ({"tab": "User activity", "chosen_user": "ann"}, "open_user_most expensive", "5", {"user": ["ann"], "sort": "cost"}),
        ({}, "open_all_spend incomplete", "1", {"cost_known": True}),
    ],
)
def test_a_link_below_the_cards_opens_their_requests(
    lake: str, monkeypatch: pytest.MonkeyPatch, link: dict, key: str, requests: str, state: dict[str, object]
):
    page = clicked(opened(lake, monkeypatch, **link), key)

    assert page.title[0].value.endswith("Traces")
    assert {name: page.session_state[name] for name in state} == state
    assert page.metric[0].value == requests
    assert [button.label for button in page.button if button.key == "chip_status"] == ["status is cancelled, error"][
        : "status" in state
    ]
    assert page.sidebar.date_input[0].value == (date(2026, 5, 1), date(2026, 5, 31))
