"""The statements on the page Bills: a month is closed, corrected and reopened, in Streamlit's own harness."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.lake_rows import commit
from tests.views import request
from usagecost.bills.closes import read_closes
from usagecost.bills.closing import close_month
from usagecost.lake import Lake

HOSTILE = "*b* [x](http://y) <b>"


def last() -> date:
    """The last day of the month before this one; not kept, as a run of tests may go on into the next month."""
    return datetime.now(UTC).date().replace(day=1) - timedelta(days=1)


def before() -> date:
    """The last day of the month before that."""
    return last().replace(day=1) - timedelta(days=1)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A team has spent 8.50 USD in each of the last two months, one whose name is markup 1 in the last, and no team 2 in it."""
    monkeypatch.delenv("USAGECOST_ZONE", raising=False)
    lake = Lake(tmp_path / "lake")
    commit(
        lake,
        *(request(f"{day} 12:00", team_id="search", app="web", list_cost_usd=Decimal("8.50")) for day in (before(), last())),
        request(f"{last()} 12:00", team_id=HOSTILE, list_cost_usd=Decimal(1)),
        request(f"{last()} 12:00", list_cost_usd=Decimal(2)),
        request(f"{last()} 12:00", team_id="search", price_status="unpriced"),
    )
    (tmp_path / "currencies.toml").write_text('[[rate]]\ncurrency = "EUR"\nfrom = 2020-01-01\nper_usd = 0.5\n')
    return lake


def script(lake: str) -> None:
    from datetime import UTC, datetime

    from usagecost.lake import Lake
    from usagecost.periods import Period
    from usagecost.ui.bills import statements
    from usagecost.vocabulary.filters import View

    now = datetime.now(UTC)
    statements(View(lake, Lake(lake).version(), Period(now.date(), now.date(), "UTC", now), "day", "best"))


def shown(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def opened(lake: Lake) -> AppTest:
    return shown(AppTest.from_function(script, default_timeout=60, args=(str(lake.root),)))


def words(page: AppTest) -> str:
    return " ".join(text.value for text in page.caption).replace("\\", "").replace("\xa0", " ")


def totals(page: AppTest) -> list[str]:
    return [card.value.replace("\xa0", " ") for card in page.metric]


def test_from_an_open_month_to_a_closed_one_that_is_corrected_and_reopened(lake: Lake):
    page = opened(lake)
    assert page.selectbox[0].options[0].endswith("open")
    page.selectbox[0].set_value(before().replace(day=1))
    assert (totals(shown(page)), "Not closed yet: as it would be now" in words(page)) == (["$8.50", "$0.00", "$8.50"], True)
    page.button(key="close_month_now").click()
    assert "Closed " in words(shown(page))
    assert [close.month for close in read_closes(lake, "UTC").in_force] == [before().replace(day=1)]
    offered = {button.proto.id.rpartition("-")[2] for button in page.get("download_button")}
    assert "in UTC. One row per day" in words(page)
    assert offered >= {"statement_csv", "statement_parquet", "statement_html", "focus_csv", "focus_parquet"}

    commit(lake, request(f"{before()} 13:00", team_id="ads", list_cost_usd=Decimal("0.25")))
    page.selectbox[0].set_value(last().replace(day=1))
    assert totals(shown(page)) == ["≥ $11.50", "$0.25", "≥ $11.75"]
    assert page.dataframe[1].value[["month", "cause", "team"]].to_numpy().tolist() == [
        [f"{before():%B %Y}", "Late requests", "ads"]
    ]
    page.selectbox(key="statement_currency").set_value("EUR")
    assert [card.delta for card in shown(page).metric][1] == "0.12\xa0EUR"
    page.button(key="close_month_now").click()
    assert shown(page).button(key="reopen_month_now").disabled
    page.text_input(key="reopen_why").set_value("a log was missing")
    shown(page).button(key="reopen_month_now").click()
    (lake.root.parent / "currencies.toml").unlink()  # the chosen currency has no rate any more
    history = shown(page).dataframe[-1].value[["act", "why"]].to_numpy().tolist()
    assert history[0] == ["Reopened", "a log was missing"]


def test_shared_costs_are_said_names_are_text_and_a_broken_file_is_said(lake: Lake):
    rules = lake.root.parent / "chargeback.toml"
    rules.write_text('[[shared]]\nname = "*Rest*"\nonly = { team = ["(not reported)"] }\nsplit = "even"\n')
    page = opened(lake)
    assert page.dataframe[0].value[["team", "shared_usd"]].to_numpy().tolist() == [[HOSTILE, 1], ["search", 1]]
    assert "\\*Rest\\*\\: \\$2\\.00, split in even parts" in " ".join(text.value for text in page.caption)

    rules.write_text("[[shared]]\n")
    assert "line 1, name: it is missing" in shown(page).info[0].value.replace("\\", "")


def test_tables_mark_lower_bounds_and_leave_out_what_is_unknown(lake: Lake):
    commit(lake, request(f"{last()} 12:00", team_id="ads", price_status="unpriced"))
    (lake.root.parent / "chargeback.toml").write_text(
        '[[shared]]\nname = "Rest"\nonly = { team = ["(not reported)"] }\nsplit = "even"\n'
    )
    close_month(lake, before().replace(day=1), "UTC", "ada", datetime.now(UTC))
    commit(lake, request(f"{before()} 13:00", team_id="search", app="late", price_status="unpriced"))
    page = opened(lake)

    assert totals(page) == ["≥ $11.50", "–", "≥ $11.50"]
    assert "Lower bound: 3 requests without a price" in words(page)
    teams, changed = page.dataframe[0].value, page.dataframe[1].value
    usd = teams[["team", "direct_usd", "corrections_usd", "shared_usd", "spend_usd"]].fillna(-1)  # a dash
    assert usd.to_numpy().tolist()[1:] == [["ads", -1, 0, 0.67, 0.67], ["search", 8.5, -1, 0.66, 9.16]]
    assert changed["spend_usd"].isna().tolist() == [True]
    assert (teams["spend_is_at_least"].tolist(), teams["direct_usd_is_at_least"].tolist()) == (
        [False, True, True],
        [False, False, True],
    )


def test_without_requests_there_is_nothing_to_close(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    commit(lake)

    assert [box.value for box in opened(lake).info] == ["A month can be closed once it is over and has requests."]
