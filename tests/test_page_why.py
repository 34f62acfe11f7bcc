"""The page Why, in Streamlit's own harness: what it says, and what it says where nothing can be explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests import pages
from tests.lake_rows import Row
from tests.views import days, request, view
from usagecost import queries
from usagecost.charts import waterfall
from usagecost.ui.text import plain
from usagecost.ui.why.unusual import OPEN_CAUSES, opening_causes, unusual_marks

LONG = "a-model-with-a-name-of-which-nobody-would-think-that-it-is-one-[x](y)-**bold**"

Open = Callable[..., AppTest]


def sent(day: str, model: str, user: str, usd: int, **columns: object) -> Row:
    return request(
        f"{day} 12:00", provider="anthropic", model=model, user_id=user, reported_cost_usd=Decimal(usd), status="success", **columns
    )


@pytest.fixture(scope="module")
def lake(lake_of: Callable[..., str]) -> str:
    """$10 on the first day; on the second $16 of twice the requests at four fifths of the cost each, and $4 of a new model."""
    return lake_of(
        sent("2026-05-01", "opus", "ann", 10, input_tokens=100, duration_ms=100.0),
        sent("2026-05-02", "opus", "ann", 8, input_tokens=100, duration_ms=200.0),
        sent("2026-05-02", "opus", "bob", 8, input_tokens=100, duration_ms=200.0),
        sent("2026-05-02", LONG, "bob", 4, input_tokens=50),
    )


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the page on a lake by a link; it fails on any exception. The second day, unless the link says another range."""
    monkeypatch.delenv("USAGECOST_ZONE", raising=False)

    def open_it(lake: str, **link: str | list[str]) -> AppTest:
        monkeypatch.setenv("USAGECOST_LAKE", lake)
        link = link if "range" in link else {"range": "custom", "days": ["2026-05-02", "2026-05-02"], **link}
        return pages.opened("pages/1_Why.py", **link)

    return open_it


def sentence(page: AppTest) -> str:
    return page.header[0].value.replace("\\", "")


def steps(page: AppTest) -> list[tuple[str, str]]:
    """What the waterfall says of each step."""
    drawn = pa.ipc.open_stream(page.get("vega_lite_chart")[0].proto.datasets[0].data.data).read_pandas()
    return list(zip(drawn["name"], drawn["text"], strict=True))


def alerts(page: AppTest) -> list[str]:
    return [alert.proto.title for alert in page.info]


def test_a_change_of_spend_is_explained_to_the_cent(lake: str, opened: Open):
    """$10 became $16: the logarithmic mean is 6 / ln 1.6, volume has ln 2 of it, the price ln 0.8."""
    page = opened(lake)
    (table,) = page.dataframe

    assert sentence(page).startswith("Spend rose by $10.00 (+100.0%): +$8.85 more requests, +$4.00 a-model-with")
    assert sentence(page).endswith("**bold** (new), −$2.85 lower prices (opus).")
    assert steps(page) == [
        ("Before", "$10.00"), ("New models", "+$4.00"), ("Requests", "+$8.85"), ("Prices", "−$2.85"), ("Now", "$20.00"),
    ]  # fmt: skip
    assert table.value[["model", "before", "now", "change", "came", "volume", "price"]].fillna(0).to_dict("records") == [
        {"model": "opus", "before": 10, "now": 16, "change": 6, "came": 0, "volume": 8.85, "price": -2.85},
        {"model": "a-model-with-a…](y)-**bold**", "before": 0, "now": 4, "change": 4, "came": 4, "volume": 0, "price": 0},
    ]


def test_the_reader_chooses_what_is_explained_and_by_what(lake: str, opened: Open):
    page = opened(lake, explained="avg_latency_ms", moved_by="user")
    assert sentence(page) == "Average latency rose by 100\u00a0ms (+100.0%): +100\u00a0ms slower answers of the same models (opus)."
    assert list(page.dataframe[0].value["user"]) == ["ann", "bob"]

    page.segmented_control(key="explained").set_value("requests").run()
    assert sentence(page) == "Requests rose by 2 (+200.0%): +2 bob."
    page.segmented_control(key="explained").set_value("total_tokens").run()
    assert sentence(page).startswith("Tokens rose by 150 (+150.0%): +100 more requests, +50 a-model")
    page.segmented_control(key="steps_as").set_value("Table view").run()
    assert list(page.dataframe[0].value["step"]) == ["New models", "Requests"]


def test_filters_narrow_what_is_explained(lake: str, opened: Open):
    page = opened(lake, user="ann")

    assert sentence(page) == "Spend fell by $2.00 (−20.0%): −$2.00 lower prices (opus)."


def test_who_has_made_a_change_is_named_as_it_is_written(lake_of: Callable[..., str], opened: Open):
    lake = lake_of(*(sent("2026-05-01", "opus", user, 1) for user in ("ann", "bob")), sent("2026-05-02", "opus", LONG, 9))
    page = opened(lake)

    assert sentence(page).startswith(f"Spend rose by $7.00 (+350.0%), mostly {LONG}'s opus (+$9.00): ")
    assert page.header[0].value.count(plain(LONG)) == 1


def test_nothing_to_compare_with_is_said_with_what_ends_it(lake: str, opened: Open):
    page = opened(lake, compare="none")
    assert alerts(page) == ["No comparison is chosen"]
    page.button(key="why_compare").click().run()
    assert sentence(page).startswith("Spend rose by $10.00")

    page = opened(lake, range="all")
    assert alerts(page) == ["All time has nothing to compare with"]

    page = opened(lake, days=["2026-05-01", "2026-05-02"], range="custom")
    assert alerts(page) == ["The comparison is incomplete"]
    page.button(key="why_whole_days").click().run()
    assert sentence(page).startswith("Spend rose by $10.00")


def test_of_a_single_day_earlier_logs_are_what_is_missing(lake_of: Callable[..., str], opened: Open):
    page = opened(lake_of(request("2026-05-02")), days=["2026-05-01", "2026-05-02"], range="custom")

    assert alerts(page) == ["The comparison is incomplete"]
    assert [link.proto.label for link in page.main.get("page_link")] == ["**Load earlier logs**"]


def test_no_change_no_spend_and_no_requests_are_said(lake_of: Callable[..., str], opened: Open):
    same = lake_of(
        *(sent(day, "opus", "ann", 5) for day in ("2026-05-01", "2026-05-02")), request("2026-05-03"), request("2026-05-04"),
        request("2026-05-05", input_tokens=7, list_cost_usd=Decimal("0.004")),
        request("2026-05-06", input_tokens=7, list_cost_usd=Decimal(0)),
    )  # fmt: skip

    assert sentence(opened(same)) == "Spend did not change: $5.00 in both periods."
    assert alerts(opened(same, explained="avg_latency_ms")) == ["No average latency to compare"]
    assert alerts(opened(same, days=["2026-05-03", "2026-05-03"])) == ["No spend to compare"]  # it is not 0
    assert alerts(opened(same, days=["2026-05-05", "2026-05-05"], explained="total_tokens")) == ["No tokens to compare"]
    assert alerts(opened(same, days=["2026-05-06", "2026-05-06"])) == ["Less than a cent was spent in both periods"]
    assert alerts(opened(same, days=["2026-05-04", "2026-05-04"])) == ["No spend to compare"]
    assert alerts(opened(same, days=["2026-06-04", "2026-06-04"])) == ["No requests in this period"]


@pytest.fixture(scope="module")
def lake_of_a_spike(lake_of: Callable[..., str]) -> str:
    """Four weeks of $10 of ann and bob each; then bob has a day of $110."""
    days = [date(2026, 5, 1) + timedelta(days=back) for back in range(28)]
    usual = [sent(str(day), "opus", user, 10) for day in days for user in ("ann", "bob")]
    return lake_of(
        *usual,
        sent("2026-05-29", "opus", "ann", 10),
        sent("2026-05-29", "haiku", "bob", 110),
        sent("2026-05-30", "opus", "ann", 20),
    )


def test_an_unusual_day_is_named_with_its_cause(lake_of_a_spike: str, opened: Open):
    page = opened(lake_of_a_spike, part="Unusual days", days=["2026-05-28", "2026-05-30"])

    assert page.dataframe[0].value[["day", "spend", "usual", "excess", "cause"]].to_dict("records") == [
        {"day": "2026-05-29", "spend": 120, "usual": 20, "excess": 100, "cause": "haiku, bob"},
    ]
    assert alerts(opened(lake_of_a_spike, part="Unusual days", days=["2026-05-20", "2026-05-28"])) == ["No unusual days"]


def test_a_click_beside_the_bars_of_an_unusual_day_opens_its_causes(lake_of_a_spike: str, monkeypatch: pytest.MonkeyPatch):
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    asked = view(lake_of_a_spike, days("2026-05-28", "2026-05-30", now="2026-05-31"))
    usage, led = queries.usage(asked, "model"), []
    tell = opening_causes(usage, asked, led.append)

    beside = [{"interval": step.label} for step in usage.intervals]
    tell(beside[1])
    assert (state.pop(OPEN_CAUSES), led) == (True, [])

    others = [beside[0], beside[2], {**beside[1], "place": 0}]  # usual days, and a bar of the unusual one
    for mark in others:
        tell(mark)
    assert (state, led) == ({}, others)


@pytest.mark.parametrize("now", ["2026-05-31", "2027-05-31"])
def test_an_unusual_day_is_marked_however_long_ago_it_is(lake_of_a_spike: str, monkeypatch: pytest.MonkeyPatch, now: str):
    monkeypatch.setattr(st, "session_state", {})
    asked = view(lake_of_a_spike, days("2026-05-28", "2026-05-30", now=now))

    (mark,) = unusual_marks(queries.usage(asked, "model"), asked, "model")
    assert (f"{mark.at:%m-%d}", mark.text) == ("05-29", "+$100.00 against usual: haiku")


def test_a_day_whose_cost_is_not_known_is_not_unusual(lake_of: Callable[..., str], opened: Open):
    days = [date(2026, 5, 1) + timedelta(days=back) for back in range(30)]
    lake = lake_of(
        *[sent(str(day), "opus", "ann", 10) for day in days if day != date(2026, 5, 29)],
        request("2026-05-29 10:00", model="self-hosted", price_status="unpriced"),
    )

    assert alerts(opened(lake, part="Unusual days", days=["2026-05-28", "2026-05-30"])) == ["No unusual days"]


def test_bars_of_a_waterfall_reach_from_level_to_level():
    """From 10 by +5 and −3 to 12; where steps would be slivers, as from 100 to 102, the scale begins below them."""

    def bars(before: int, now: int) -> tuple[list[tuple[float, float]], list[float]]:
        steps = pd.DataFrame({"name": ["Before", "a", "b", "Now"], "value": [before, 5, -3, now], "text": "", "help": ""})
        drawing = waterfall(steps, ("#111111", "#222222", "#333333"))
        scale = next(layer["encoding"]["x"]["scale"] for layer in drawing.spec["layer"])
        return list(zip(drawing.data["start"], drawing.data["end"], strict=True)), scale["domain"]

    assert bars(10, 12) == ([(0, 10), (10, 15), (15, 12), (0, 12)], [0, 15])
    assert bars(100, 102) == ([(97.5, 100), (100, 105), (105, 102), (97.5, 102)], [97.5, 105])
