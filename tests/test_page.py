"""The Usage and cost page, run as Streamlit runs it, without a browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import calm, opened
from tests.views import request, write_lake
from usagecost import queries
from usagecost.annotations import read_notes
from usagecost.forecast import period_of
from usagecost.lake import Lake
from usagecost.periods.presets import PRESETS
from usagecost.queries.folds import Usage
from usagecost.ui import memory
from usagecost.vocabulary import formats

HOME = Path(__file__).parents[1]
TABS = {
    "Totals": ["Total tokens", "Total requests"],
    "Cost": ["Cost breakdown", "Models breakdown", "Forecast", "Spend by part"],
    "Model activity": ["Cost breakdown", "Who uses this model", "Total tokens", "Total requests"],
    "User activity": ["Users"],
}
"""Tab -> its headings."""
CUSTOM = {"range": "Custom range", "days": ["2026-10-25", "2026-10-25"], "zone": "Europe/Berlin"}
"""The day on which Berlin's clocks go back."""

HOSTILE = (
    "</script><script>alert(1)</script>", "**bold** [link](http://x) :material/delete: $x$", "'; DROP TABLE requests; --",
    "{requests}", "=HYPERLINK(1)", "\\ ` ~ | \n new line", "日本語 🙂", "datum.label", "Other", "(not reported)", "", " ",
    "x" * 2_000, "a.b[c]",
)  # fmt: skip

Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the page on a lake by a link: ``open_page(lake, tab="Cost", …)``. It fails on any exception."""
    monkeypatch.delenv("USAGECOST_ZONE", raising=False)

    def open_it(lake: str, **link: str | list[str]) -> AppTest:
        monkeypatch.setenv("USAGECOST_LAKE", lake)
        return opened(**link)

    return open_it


def cards(page: AppTest) -> list[str]:
    return [metric.value for metric in page.metric[:6]]


def tips_of(page: AppTest) -> list[dict[str, str]]:
    """What the tooltip of each interval of the first chart tells."""
    return [dict(tip) for tip in charts(page)[0][1]["tip"] if tip is not None]


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.main.header]


def charts(page: AppTest) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """Each chart's description and its data."""
    drawn = [element.proto for element in page.get("vega_lite_chart")]
    return [(json.loads(proto.spec), pa.ipc.open_stream(proto.datasets[0].data.data).read_pandas()) for proto in drawn]


def series_colors(described: object) -> dict[str, str]:
    """The colour of each name of a chart."""
    return dict(next(zip(scale["domain"], scale["range"], strict=True) for scale in _color_scales(described)))


def _color_scales(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if isinstance(part.get("color"), dict) and "scale" in part["color"]:
            yield part["color"]["scale"]
        for inner in part.values():
            yield from _color_scales(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _color_scales(inner)


@pytest.fixture(scope="module")
def night(lake_of: Callable[..., str]) -> str:
    """Requests of the night in which Berlin's clocks went back: two users and nobody, three models and none."""
    return lake_of(
        request("2026-10-24 22:00", model="gpt-4o", user_id="ann", status="success", provider="openai", list_cost_usd=Decimal(1)),
        request("2026-10-25 00:30", model="claude", user_id="ann", status="error", provider="anthropic", list_cost_usd=Decimal(4)),
        request("2026-10-25 01:30", model="gpt-4o", user_id="bob", status="success", provider="openai", list_cost_usd=Decimal(2)),
        request("2026-10-25 12:00", model="mini", provider="openai", list_cost_usd=Decimal("0.5"), duration_ms=840.0),
        request("2026-10-25 22:59:59.999999", input_tokens=12_400_000),
        request("2026-10-25 23:00", model="gpt-4o", user_id="cid"),
    )


# ---- the page on the sample


def test_presets_of_every_length_draw_the_page(open_page: Open, night: str):
    page = open_page(night)

    for preset in list(PRESETS)[::3]:
        page.session_state["range"] = preset
        assert len(calm(page.run()).metric) == 6


def test_bars_of_another_split_and_what_is_cut_add_up_to_the_same_sum(open_page: Open, sample_lake: str):
    page = open_page(sample_lake, tab="Cost", ranked="Chart view", top="5")
    ranking = charts(page)[1][1]
    whole = ranking["spend_usd"].sum()
    page.session_state["by"] = "team"
    stacks, teams, _ = (data for _, data in charts(calm(page.run())))

    assert (len(ranking), ranking["name"].iloc[-1].partition(" (")[0]) == (6, "Other")
    assert headings(page)[1] == "Teams breakdown"
    assert teams["spend_usd"].sum() == pytest.approx(whole)
    assert stacks["value"].sum() == pytest.approx(whole)


def test_the_ranked_table_adds_up_to_the_cards_and_finds_values(open_page: Open, sample_lake: str):
    page = open_page(sample_lake, tab="Cost", top="5")
    rows = page.dataframe[0].value
    *parts, other, total = rows.to_dict("records")

    assert [len(parts), other["model"][:5], total["model"]] == [5, "Other", "Total"]
    for name in ("spend_usd", "requests", "total_tokens", "share"):
        assert sum(row[name] for row in (*parts, other)) == pytest.approx(total[name])
    assert total["share"] == pytest.approx(100)
    assert formats.count(total["requests"]) == page.metric[0].value
    assert f"{total['change']:+.1f}%".replace("-", formats.MINUS) == page.metric[4].delta

    page = open_page(sample_lake, tab="Cost", top="All")
    name = parts[2]["model"]
    calm(page.text_input(key="find_model").set_value(name.upper()).run())
    assert name in list(page.dataframe[0].value["model"])
    assert len(page.dataframe[0].value) < 5


def test_a_comparison_that_lacks_data_shows_no_change_anywhere(open_page: Open, lake_of: Callable[..., str]):
    day = {"status": "success", "model": "m", "list_cost_usd": Decimal(1)}
    lake = lake_of(*(request(f"2026-10-{day_of:02} 12:00", **day) for day_of in (8, 9, 12, 12)))
    whole = {"range": "custom", "days": ["2026-10-11", "2026-10-13"], "tab": "Cost"}  # compared with three days from the 8th on
    lacking = whole | {"days": ["2026-10-09", "2026-10-12"]}  # and with four from the 5th on

    page = open_page(lake, **whole)
    assert page.metric[0].delta == "0.0%" or page.metric[0].delta == ""
    assert "change" in column_order(page)

    page = open_page(lake, **lacking)
    assert not any(metric.delta for metric in page.metric)
    assert "change" not in column_order(page)
    assert any("Comparison incomplete: data starts on 8 Oct 2026." in caption.value for caption in page.caption)


def column_order(page: AppTest) -> list[str]:
    """The columns that the first table shows."""
    return list(page.dataframe[0].proto.column_order)


def test_a_model_is_chosen_by_dropdown_and_the_cards_are_its(open_page: Open, sample_lake: str):
    page = open_page(sample_lake, tab="Model activity")
    box, before = page.selectbox(key="chosen_model_box"), cards(page)
    first, other = box.options[:2]
    assert box.value == first

    assert cards(calm(box.set_value(other).run())) != before
    assert page.query_params["chosen_model"] in (other, [other])


def test_a_user_is_chosen_by_dropdown_and_shown_as_table_or_chart(open_page: Open, sample_lake: str):
    page = open_page(sample_lake, tab="User activity")
    users = page.dataframe[0].value
    user = users["user"][0]
    calm(page.selectbox(key="chosen_user_box").set_value(user).run())

    assert headings(page) == ["Model usage", "Cost breakdown", "Total tokens", "Total requests"]
    assert page.dataframe[0].value["requests"].sum() == users["requests"][0]

    page.session_state["look"] = "Chart view"
    calm(page.run())
    assert not page.dataframe
    assert charts(page)[0][1][["Successful", "Failed"]].to_numpy().sum() <= users["requests"][0]


def test_the_parts_add_up_to_the_list_cost_and_colours_stay_when_a_filter_removes_other_models(open_page: Open, sample_lake: str):
    page = open_page(sample_lake, tab="Cost", basis="list", ranked="Chart view")
    (_, stacks), _, (_, parts) = charts(page)
    assert parts["value"].sum() == pytest.approx(stacks["value"].sum())
    assert set(parts["name"].dropna()) == {"Input cost", "Cache read cost", "Cache write cost", "Output cost", "Other cost"}

    before = series_colors(charts(page)[1][0])
    page.session_state["filters_open"] = True  # what they offer is asked for only then
    calm(page.run())
    calm(page.multiselect(key="provider").set_value(["anthropic"]).run())
    after = series_colors(charts(page)[1][0])

    assert 0 < len(after) < len(before)
    assert all(before.get(name, color) == color for name, color in after.items())


def test_every_tab_shows_numbers_and_leaves_the_answers_that_all_readers_share_as_they_are(
    open_page: Open, sample_lake: str, monkeypatch: pytest.MonkeyPatch
):
    answers, ask = [], queries.usage

    @wraps(ask)
    def noted(*asked: object, **how: object) -> Usage:
        answers.append(ask(*asked, **how))
        return answers[-1]

    memory.forget()
    monkeypatch.setattr(queries, "usage", noted)
    for tab, titles in TABS.items():
        page = open_page(sample_lake, tab=tab)
        assert headings(page) == titles
        assert len(cards(page)) == 6
        assert "–" not in cards(page)
    assert answers
    for found in answers:
        anew = Usage(found.intervals, found.cells, found.before, found.rank, found.parts, None, found.exact)
        assert (found.totals, found.totals_before) == (anew.totals, anew.totals_before)
        assert found.over_time.equals(anew.over_time)
        assert found.by_value.equals(anew.by_value)


# ---- links


def test_a_link_opens_the_same_view_and_a_month_that_is_over_has_no_forecast(open_page: Open, night: str):
    page = open_page(night, **CUSTOM, interval="hour", user="ann", tab="Cost", basis="List price only")

    assert cards(page)[0] == "2"
    assert page.button(key="chip_user").label == "user is ann"
    assert headings(page) == ["Cost breakdown", "Models breakdown", "Spend by part"]
    assert not any("orecast" in caption.value for caption in page.caption)


def test_a_link_can_leave_out_a_user_and_who_is_not_reported(open_page: Open, night: str):
    assert cards(open_page(night, **CUSTOM, user=["ann"], not_user="true"))[0] == "3"
    assert cards(open_page(night, **CUSTOM, user=["(not reported)"]))[0] == "2"


@pytest.mark.parametrize(
    "link",
    [
        {"range": "Next century", "interval": "fortnight", "basis": "free of charge", "tab": "Nowhere"},
        {"range": "Custom range", "days": "2026-10-25", "zone": "Mars/Olympus"},
        {"range": "Custom range", "days": ["yesterday", "9999-99-99"], "tab": "Cost", "by": "colour", "top": "7"},
        {"range": "Custom range", "days": ["0001-01-01", "9999-12-31"], "zone": "Asia/Tokyo"},
        {"user": HOSTILE[2], "not_user": "perhaps", "tab": "Model activity", "chosen_model": HOSTILE[0]},
        {"tab": "User activity", "chosen_user": HOSTILE[1], "look": "Pie"},
    ],
    ids=str,
)
def test_a_link_of_nonsense_opens_the_page_all_the_same(open_page: Open, night: str, link: dict[str, str]):
    assert len(open_page(night, **link).metric) >= 6


# ---- clocks


def test_a_night_with_two_two_oclocks_has_25_hours(open_page: Open, night: str):
    page = open_page(night, **CUSTOM, interval="hour")
    drawn = charts(page)[1][1]
    requests = drawn[drawn["name"] == "Total requests"]

    assert cards(page)[0] == "5"
    assert len(requests) == 25
    assert dict(zip(requests["interval"], requests["value"], strict=True)) == {
        **dict.fromkeys(requests["interval"], 0),
        "2026-10-25 00:00+02:00": 1,
        "2026-10-25 02:00+02:00": 1,
        "2026-10-25 02:00+01:00": 1,
        "2026-10-25 13:00+01:00": 1,
        "2026-10-25 23:00+01:00": 1,
    }
    page.session_state["settings"] = True
    assert cards(calm(page.run().selectbox(key="interval").set_value("week").run()))[0] == "5"


# ---- beside the charts


def test_a_note_is_added_about_what_the_page_is_filtered_by_marked_and_removed(open_page: Open, tmp_path: Path):
    lake = write_lake(tmp_path / "lake", [request("2026-10-25 12:00", team_id="search", list_cost_usd=Decimal(1))])
    page = open_page(lake, **CUSTOM, interval="day", team="search")
    page.session_state["notes_open"] = True
    calm(page.run()).text_input(key="note_text").set_value("Moved <b>*search*</b>")
    calm(page.button(key="note_save").click().run())

    assert [(note.text, note.only) for note in read_notes(Lake(lake))] == [("Moved <b>*search*</b>", {"team": "search"})]
    assert [tip.get("Note") for tip in tips_of(page)] == ["Moved <b>*search*</b>"]
    page.session_state["notes_open"] = True
    calm(calm(page.run()).button(key="note_remove_0").click().run())
    assert [tip.get("Note") for tip in tips_of(page)] == [None]


def test_a_change_of_a_list_price_is_marked_for_those_that_use_the_model(open_page: Open, tmp_path: Path):
    models = [("anthropic", "claude-opus-4-6"), ("my-proxy", "claude-sonnet-4-6"), ("openai", "gpt-4o")]
    rows = [request("2026-03-12 12:00", provider=provider, model=model) for provider, model in models]
    lake, marked = write_lake(tmp_path / "lake", rows), {"List price": "claude-opus-4-6 (anthropic)"}
    view = {"range": "custom", "days": ["2026-03-12", "2026-03-14"], "interval": "day"}

    assert [marked.items() <= tip.items() for tip in tips_of(open_page(lake, **view))] == [False, True, False]
    assert not any("List price" in tip for tip in tips_of(open_page(lake, **view, model="gpt-4o")))


def test_the_comparison_is_drawn_only_where_it_is_complete(open_page: Open, tmp_path: Path):
    sent = [request(f"2026-10-{day} 12:00", model="a", list_cost_usd=Decimal(day)) for day in (21, 23, 24, 25)]
    lake = write_lake(tmp_path / "lake", sent)
    two_days = {"range": "Custom range", "tab": "Cost", "interval": "day", "days": ["2026-10-24", "2026-10-25"]}

    assert [tip.get("Before") for tip in tips_of(open_page(lake, **two_days))] == [
        "$0.0000 (Thu 22 Oct 2026)", "$23.0000 (Fri 23 Oct 2026)",
    ]  # fmt: skip
    assert "Before" not in tips_of(open_page(lake, **two_days, compare="Nothing"))[0]
    assert "Before" not in tips_of(open_page(lake, **two_days, compare="A year earlier"))[0]


# ---- states


def test_cards_show_known_and_unknown_numbers_and_what_is_left_out_is_counted_beside_them(open_page: Open, night: str):
    page = open_page(night, **CUSTOM)
    notes = " ".join(caption.value for caption in page.caption)

    assert cards(page) == ["5", "66.7%", "12.4M", "–", "≥\u00a0$7.50", "840\u00a0ms"]
    assert "1 request (20.0%)" in notes
    assert "have no full price" in notes
    assert "2 requests" in notes


def test_an_empty_range_is_explained(open_page: Open, night: str):
    before = CUSTOM | {"days": ["2025-01-01", "2025-01-02"]}
    page = open_page(night, **before)
    assert cards(page) == ["0", "–", "–", "–", "–", "–"]
    assert page.info[0].value == "Newest data is 26 Oct 2026, oldest 25 Oct 2026."
    assert cards(calm(page.button(key="show_data").click().run()))[0] == "6"
    assert page.query_params["days"] == ["2026-10-25", "2026-10-26"]

    assert cards(calm(open_page(night, **before).button(key="show_all_time").click().run()))[0] == "6"

    page = open_page(night, file="pages/3_Explore.py", **before)
    calm(page.button(key="show_data").click().run())
    assert (page.query_params["days"], len(page.info)) == (["2026-10-25", "2026-10-26"], 0)


def test_reset_leads_back_to_the_default_view(open_page: Open, night: str):
    default = cards(open_page(night))
    page = open_page(night, **CUSTOM, user="ann", interval="week", tab="Cost")
    assert cards(page)[0] == "2"
    page.session_state["settings"] = True
    calm(page.run().button(key="reset").click().run())

    assert cards(page) == default
    assert not {"range", "days", "zone", "user", "interval"} & set(page.query_params)


def test_spend_stands_in_another_currency_beside_its_dollars_where_there_is_a_rate(open_page: Open, tmp_path: Path):
    lake = write_lake(tmp_path / "lake", [request("2026-10-25 12:00", list_cost_usd=Decimal(8))])
    without = open_page(lake, **CUSTOM, currency="EUR")
    without.session_state["settings"] = True
    calm(without.run())
    (tmp_path / "currencies.toml").write_text('[[rate]]\ncurrency = "EUR"\nfrom = 2026-10-25\nper_usd = 0.9\n')
    memory.forget()
    page = open_page(lake, **CUSTOM, currency="EUR", tab="Cost")

    assert "currency" not in {box.key for box in without.selectbox}
    (spend,) = (metric for metric in page.metric if metric.label == "Total spend")
    assert (spend.value, spend.delta) == ("$8.00", "7.20\xa0EUR")
    (total,) = (said.value.replace("\\", "") for said in page.caption if said.value.startswith("Total"))
    assert total == "Total: $8.00, or 7.20\xa0EUR at 1 USD = 0.9 EUR, of 2026-10-25 (currencies.toml)."
    page.session_state["settings"] = True
    assert calm(page.run()).selectbox(key="currency").options == ["None", "EUR"]


def test_filters_that_leave_nothing_can_be_removed_where_that_is_said(open_page: Open, night: str):
    page = open_page(night, **CUSTOM, user="nobody")

    assert cards(calm(page.button(key="remove_filters").click().run()))[0] == "5"


def test_a_choice_without_requests_keeps_its_place_and_is_explained(open_page: Open, night: str):
    page = open_page(night, **CUSTOM, tab="User activity", chosen_user="somebody else")

    assert page.selectbox(key="chosen_user_box").value == "somebody else"
    assert "another user" in page.info[0].value


def test_a_lake_of_one_request_and_of_none(open_page: Open, lake_of: Callable[..., str]):
    lake = lake_of(request("2026-10-25 12:00"))

    assert [cards(open_page(lake, **CUSTOM, tab=tab)) for tab in TABS] == [["1", "–", "–", "–", "–", "–"]] * len(TABS)
    assert cards(open_page(lake_of()))[0] == "0"


def test_hundreds_of_models(open_page: Open, lake_of: Callable[..., str]):
    lake = lake_of(*(request("2026-10-25 12:00", model=f"model-{i:03}", list_cost_usd=Decimal(i)) for i in range(1, 521)))
    page = open_page(lake, **CUSTOM, tab="Cost", top="All", ranked="Chart view")
    bars = charts(page)[1][1]

    assert len(bars) == 501
    assert bars["spend_usd"].sum() == sum(range(1, 521))
    assert len(open_page(lake, **CUSTOM, tab="Model activity").metric) == 6


def test_names_from_logs_are_only_names(open_page: Open, lake_of: Callable[..., str]):
    lake = lake_of(
        *(
            request("2026-10-25 12:00", model=name, user_id=name, team_id=name, provider=name, status="success",
                    list_cost_usd=Decimal(1))
            for name in HOSTILE
        )
    )  # fmt: skip

    assert cards(open_page(lake, **CUSTOM, tab="Model activity"))[0] == "1"
    page = open_page(lake, **CUSTOM, tab="User activity")
    assert cards(page)[0] == str(len(HOSTILE))
    assert headings(calm(page.selectbox(key="chosen_user_box").set_value(HOSTILE[0]).run()))[0] == "Model usage"
    assert set(HOSTILE[:8]) <= set(charts(open_page(lake, **CUSTOM, tab="Cost", top="25", ranked="Chart view"))[1][1]["name"])


@pytest.mark.parametrize("what", ["log", "rows"])
def test_a_lake_that_cannot_be_read_is_said_calmly(open_page: Open, lake_of: Callable[..., str], what: str):
    lake = lake_of(request("2026-10-25 12:00"))
    for entry in (Path(lake) / "requests").glob("_delta_log/*.json" if what == "log" else "day=*"):
        entry.write_text("{ this is no log") if what == "log" else shutil.rmtree(entry)
    page = open_page(lake, **CUSTOM)

    assert "cannot be read" in page.warning[0].proto.title
    assert not page.metric


def test_a_configured_lake_that_is_missing_is_said_never_replaced_by_the_sample_and_shown_when_it_is_there(
    open_page: Open, lake_of: Callable[..., str], tmp_path: Path
):
    page = open_page(str(tmp_path / "later"))
    assert "USAGECOST" in page.info[0].value
    assert not page.metric
    assert not (tmp_path / "later").exists()

    Path(lake_of(request("2026-10-25 12:00"))).rename(tmp_path / "later")
    assert len(calm(page.run()).metric) == 6


@pytest.mark.skipif((HOME / "data" / "lake").exists(), reason="this repository has a lake of its own")
def test_where_no_lake_is_configured_a_sample_is_shown_and_called_one(
    open_page: Open, sample_lake: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("USAGECOST_SAMPLE", str(Path(sample_lake).parent))
    page = open_page("")

    assert any("Sample data" in caption.value for caption in page.caption)
    assert len(page.metric) == 6


def test_the_readmes_page_is_one(sample_lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USAGECOST_LAKE", sample_lake)
    (tmp_path / "pages").symlink_to(HOME / "pages")
    readme = (HOME / "README.md").read_text(encoding="utf-8")
    (tmp_path / "app.py").write_text(readme.split("A whole page:")[1].split("```python")[1].split("```")[0])
    page = opened(app=tmp_path / "app.py")

    table = page.dataframe[0].value
    assert formats.count(table["requests"].sum()) == page.metric[0].value
    assert len(table) == 7, "six teams, and what has none"


def test_a_chart_can_be_read_as_a_table(open_page: Open, sample_lake: str) -> None:
    page = open_page(sample_lake, tab="Cost", range="Last 7 days", top="5", zone="Europe/Berlin", interval="day")
    drawn = len(page.get("vega_lite_chart"))
    next(button for button in page.button if button.label == "Table").click()
    table = calm(page.run()).dataframe[0].value

    assert len(page.get("vega_lite_chart")) == drawn - 1
    assert len(set(table["interval_start"])) == 7
    assert page.metric[4].value == f"≥{formats.GAP}{formats.usd(float(table['spend_usd'].sum()))}"


# ---- the forecast


def test_ten_dollars_a_day_are_forecast_to_the_month_end(open_page: Open, lake_of: Callable[..., str]):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    every_day = [today - timedelta(days=number) for number in range(75)]
    days_left = period_of(today.date(), "month")[1].day - today.day + 1
    lake = lake_of(*(request(day, model="gpt-4o", list_cost_usd=Decimal(10), price_status="exact") for day in every_day))

    page = open_page(lake, tab="Cost", range="month", interval="day")

    end = 10 * (today.day - 1 + days_left)
    assert f"Forecast this month: ${end} ± 0." in page.caption[1].value.replace("\\", "").replace("\u00a0", " ")
    forecast = page.dataframe[1].value
    assert list(forecast["forecast_usd"]) == [end, end]
    assert list(forecast["so_far_usd"]) == [10 * today.day] * 2
    drawn = charts(page)[0][1]
    assert drawn["ahead"].sum() == 10 * days_left
    assert dict(drawn["tip"][drawn["ahead"].notna()].iloc[-1])["Forecast"] == "$10.00 ($10.00 – $10.00)"


def test_too_little_history_for_a_forecast_says_so(open_page: Open, lake_of: Callable[..., str]):
    lake = lake_of(request(datetime.now(UTC), model="gpt-4o", list_cost_usd=Decimal(10), price_status="exact"))

    page = open_page(lake, tab="Cost", range="month")

    assert "Too little history for a forecast: 0 of" in page.caption[1].value.replace("\\", "")
    assert page.dataframe[1].value["forecast_usd"].isna().all()


def test_a_day_that_costs_more_than_usual_is_marked_on_the_cost_chart_with_its_cause(open_page: Open, sample_lake: str) -> None:
    end = date.fromisoformat(Path(sample_lake).name[:10])
    around = [f"{end - timedelta(days=number)}" for number in (40, 20)]  # the runaway agent is between
    page = open_page(sample_lake, tab="Cost", range="Custom range", days=around)
    unusual = [tip["Unusual"] for tip in tips_of(page) if "Unusual" in tip]

    assert [re.fullmatch(r"\+\$\d{3}\.\d\d against usual: claude-opus-5", one) is not None for one in unusual].count(True) == 1
    page.session_state["unusual_open"] = True
    said = [text.value.replace("\\", "") for text in page.run().markdown if "against usual" in text.value]
    assert len(said) == len(unusual)
    of_opus = re.compile(r"\*\*\d{4}-\d\d-\d\d\*\* \+\$\d{3}\.\d\d against usual: .*claude-opus-5.*")
    assert len([text for text in said if of_opus.fullmatch(text)]) == 1


def test_an_hour_that_costs_more_than_usual_is_marked_on_the_chart_of_hours(open_page: Open, lake_of: Callable[..., str]) -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    usual = [request(start + timedelta(hours=hour), model="opus", list_cost_usd=Decimal(1)) for hour in range(24 * 29)]
    lake = lake_of(*usual, request(datetime(2026, 5, 29, 10, 30, tzinfo=UTC), model="haiku", list_cost_usd=Decimal(20)))
    page = open_page(lake, tab="Cost", range="Custom range", days=["2026-05-28", "2026-05-29"])

    assert [tip["Unusual"] for tip in tips_of(page) if "Unusual" in tip] == ["+$20.00 against usual: haiku"]
