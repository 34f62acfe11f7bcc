"""The page Traces, run as Streamlit runs it: filters, order, pages, the panel, failures, and what logs say as text."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.lake_rows import commit
from tests.pages import calm, opened
from tests.views import instant, request, write_lake
from usagecost.charts.bars import AROUND, ROW
from usagecost.lake import Lake
from usagecost.queries.requests import Order
from usagecost.ui.traces.columns import next_order
from usagecost.ui.traces.paging import PAGE
from usagecost.ui.traces.panel import NO_FOCUS

MAY = {"range": "Custom range", "days": ["2026-05-01", "2026-05-31"]}
HOSTILE = (
    "</script><script>alert(1)</script>", "**bold** [link](http://x) :material/delete: $x^2$ :red[x]", "'; DROP TABLE requests; --",
    "=HYPERLINK(1)", "| a | b |\n|---|---|", "\u202eright to left", "日本語 🙂", "x" * 10_000,
)  # fmt: skip

Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the page on a lake by a link; it fails on any exception."""

    def open_it(lake: str, **link: str | list[str]) -> AppTest:
        monkeypatch.setenv("USAGECOST_LAKE", lake)
        monkeypatch.delenv("USAGECOST_ZONE", raising=False)
        return opened("pages/1_Traces.py", **(MAY | link))

    return open_it


def listed(page: AppTest) -> pd.DataFrame:
    return page.dataframe[0].value


def ids(page: AppTest) -> list[str]:
    return list(listed(page)["request_id"])


def shown_rows(page: AppTest) -> str:
    """The line above the list."""
    return next(text.value for text in page.markdown if "Rows" in text.value).replace("\\", "")


def cards(page: AppTest) -> list[str]:
    return [metric.value for metric in page.metric[:8]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four requests of one session: two answered, one that failed, one of which little is known."""
    told = {"provider": "openai", "source": "test", "session_id": "talk-1", "trace_id": "trace-1", "user_id": "ann"}
    rows = [
        request("2026-05-01 10:00", request_id="first", model="gpt-4o", status="success", input_tokens=1_000_000,
                cache_read_tokens=400_000, output_tokens=100_000, duration_ms=2_000.0, ttft_ms=300.0, is_streaming=True,
                list_cost_usd=Decimal("3"), price_status="exact", price_id="openai/gpt-4o@always", tags=["rag", "nightly"], **told),
        request("2026-05-02 10:00", request_id="second", model="gpt-4o", status="success", input_tokens=10, output_tokens=5,
                duration_ms=500.0, is_streaming=False, list_cost_usd=Decimal("0.000075"), **told),
        request("2026-05-02 10:00:01", request_id="failed", model="gpt-4o", status="error", error_class="Timeout", http_status=408,
                duration_ms=60_000.0, attributes=json.dumps({"error_message": "**took** too long", "retries": 2}), **told),
        request("2026-05-03 10:00", request_id="bare", user_id="bob"),
    ]  # fmt: skip
    return write_lake(tmp_path_factory.mktemp("traces") / "lake", rows)


# ---- the list


def test_requests_stand_newest_first_below_cards_that_count_them(open_page: Open, lake: str):
    page = open_page(lake)

    assert ids(page) == ["bare", "failed", "second", "first"]
    assert cards(page)[:5] == ["4", "66.7%", "1.10M", "≥\u00a0$3.00", "20.8\u00a0s"]
    assert cards(page)[5] == "2.0\u00a0s", "half of three latencies: the middle one"
    assert "Rows 1–4 of 4 · page 1 of 1" in shown_rows(page)
    assert [status[0] for status in listed(page)["status"]] == ["(not reported)", "error", "success", "success"]
    assert listed(page)["cost_usd"].isna().tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ({"q": "' OR 1=1 --%"}, []),
        ({"q": "TOOK** too"}, ["failed"]),
        ({"error": ["Timeout", "(not reported)"], "status": "success"}, ["second", "first"]),
        ({"tag": ["nightly", "none"]}, ["first"]),
        ({"cost_from": "0.00007", "cost_to": "0.0001"}, ["second"]),
        ({"cost_known": "true"}, ["bare", "failed"]),
        ({"latency_from": "2", "latency_to": "10"}, ["first"]),
        ({"from": "2026-05-02T12:00:00+02:00", "to": "2026-05-02T10:00:01Z"}, ["second"]),
        ({"field": ["-tags:rag", "-error_class:Timeout"]}, ["bare", "second"]),
        ({"field": ["is_streaming:false", "-http_status:408", "http_status:all", "started_at:1", "1=1 OR model:x"]}, ["second"]),
        ({"user": "ann", "not_user": "true"}, ["bare"]),
    ],
    ids=str,
)
def test_a_filter_leaves_the_requests_that_pass_it(open_page: Open, lake: str, link: dict[str, str], found: list[str]):
    page = open_page(lake, **link)

    assert cards(page)[0] == str(len(found))
    if found:
        assert ids(page) == found
    else:
        assert "No request matches" in str(page.info[0].proto)


@pytest.mark.parametrize(
    ("sort", "descending", "ascending"),
    [
        ("Cost", ["first", "second", "bare", "failed"], ["second", "first", "bare", "failed"]),
        ("User", ["bare", "failed", "second", "first"], ["failed", "second", "first", "bare"]),
    ],
)
def test_an_order_has_what_is_not_known_last(open_page: Open, lake: str, sort: str, descending: list[str], ascending: list[str]):
    assert ids(open_page(lake, sort=sort)) == descending
    assert ids(open_page(lake, sort=sort, order="ascending")) == ascending


def test_pages_go_forth_and_back_and_repeat_nothing(open_page: Open, tmp_path: Path):
    begin = instant("2026-05-01")
    rows = [request(begin + timedelta(minutes=i // 3), request_id=f"r{i:03}") for i in range(2 * PAGE + 7)]
    page = open_page(write_lake(tmp_path / "lake", rows))
    pages, lines = [ids(page)], [shown_rows(page)]
    for button in ("next", "next", "previous", "first", "last", "previous"):
        calm(page.button(key=f"page_{button}").click().run())
        pages.append(ids(page))
        lines.append(shown_rows(page))

    assert [len(found) for found in pages[:3]] == [PAGE, PAGE, 7]
    assert len({found for shown in pages[:3] for found in shown}) == len(rows)
    assert pages[3:] == [pages[1], pages[0], pages[2], pages[1]]
    assert [line.split("**")[1] for line in lines[:3]] == [
        "Rows 1–50 of 107 · page 1 of 3", "Rows 51–100 of 107 · page 2 of 3", "Rows 101–107 of 107 · page 3 of 3",
    ]  # fmt: skip
    assert lines[3:] == [lines[1], lines[0], lines[2], lines[1]]


def test_a_link_to_a_page_counts_what_came_before_it_since(open_page: Open, tmp_path: Path):
    rows = [request(instant("2026-05-01") + timedelta(minutes=i), request_id=f"r{i:03}") for i in range(PAGE + 10)]
    lake = write_lake(tmp_path / "lake", rows)
    page = open_page(lake)
    calm(page.button(key="page_next").click().run())
    second, shown = page.query_params["at"], ids(page)
    commit(Lake(lake), request("2026-05-02", request_id="newest"))
    page = open_page(lake, at=second)

    assert ids(page) == shown
    assert "Rows 52–61 of 61 · page 3 of 3" in shown_rows(page)


def test_another_order_begins_at_its_first_page(open_page: Open, tmp_path: Path):
    rows = [request(instant("2026-05-01") + timedelta(minutes=i), request_id=f"r{i:03}") for i in range(PAGE + 1)]
    page = open_page(write_lake(tmp_path / "lake", rows))
    calm(page.button(key="page_next").click().run())
    second = page.query_params["at"]
    ascending = open_page(str(tmp_path / "lake"), at=second, order="ascending")

    assert ids(ascending)[0] == "r000"
    assert len(ids(ascending)) == PAGE

    narrowed = open_page(str(tmp_path / "lake"), at=second, not_user="true", user=["nobody"])  # a place in another list is none
    assert len(ids(narrowed)) == PAGE
    assert len(ids(open_page(str(tmp_path / "lake"), at=second))) == 1


@pytest.mark.parametrize(
    ("chosen", "value", "left", "excludes"),
    [
        (["a", "b"], "a", ["b"], False),
        (["a", "(not reported)"], None, ["a"], False),
        (["a"], "a", ["a"], True),
        ([], "a", ["a"], True),
    ],
)
def test_excluding_a_value_leaves_the_others(chosen: list[str], value: str | None, left: list[str], excludes: bool):
    def script(chosen: list[str], value: str | None) -> None:
        import streamlit as st

        from usagecost.ui.traces import fields

        st.session_state["model"], st.session_state["not_model"] = chosen, False
        fields.filter_by("model", value, excludes=True)

    page = calm(AppTest.from_function(script, args=(chosen, value)).run())

    assert (page.session_state["model"], page.session_state["not_model"]) == (left, excludes)


@pytest.mark.parametrize(
    ("start", "end"), [("0001-01-01T00:00+10:00", "0001-01-02T00:00+10:00"), ("soon", "later"), ("2026-05-03", "2026-05-01")]
)
def test_a_stretch_of_nonsense_or_beyond_the_period_is_none(open_page: Open, lake: str, start: str, end: str):
    assert len(ids(open_page(lake, **{"from": start, "to": end, "zone": "America/New_York"}))) == 4


@pytest.mark.parametrize("at", ["{", '["9", 9, "a", "b", 1]'])
def test_a_link_to_a_place_of_nonsense_shows_a_page(open_page: Open, lake: str, at: str):
    assert cards(open_page(lake, at=at))[0] == "4"


def test_columns_are_chosen_and_ordered_in_the_link(open_page: Open, lake: str):
    page = open_page(lake, columns=["Model", "Time", "Request id"])

    assert list(page.dataframe[0].proto.column_order) == ["open", "model", "time", "request_id"]


def test_a_header_sorts_numbers_from_the_greatest_and_texts_from_a_and_again_the_other_way():
    assert next_order("cost_usd", Order("time")) == Order("cost", descends=True)
    assert next_order("cost_usd", Order("cost", descends=True)) == Order("cost", descends=False)
    assert next_order("user_id", Order("cost")) == next_order("id_of_user", Order("cost")) == Order("user_id", descends=False)
    assert next_order("tags", Order("cost")) == Order("cost"), "a list has no place in an order"


def test_the_bar_shows_the_stretch_that_the_range_is_narrowed_to(open_page: Open, lake: str):
    page = open_page(lake, **{"from": "2026-05-03T00:00:00Z", "to": "2026-05-04T00:00:00Z"})
    assert ids(page) == ["bare"]
    assert page.sidebar.date_input[0].value == (date(2026, 5, 3), date(2026, 5, 3))
    calm(page.button(key="widen").click().run())

    assert len(ids(page)) == 4


def test_each_filter_of_the_page_is_a_chip_that_takes_it_off(open_page: Open, lake: str):
    page = open_page(lake, q="first", streaming="streamed", cost_from="1", tag="rag")
    for chip, words in {"streaming": "streaming", "cost_from": "cost is at least $1.0", "tag": "tag is rag"}.items():
        assert page.button(key=f"chip_{chip}").label.replace("\\", "") == words
        calm(page.button(key=f"chip_{chip}").click().run())

    assert "streaming" not in page.query_params
    assert ids(page) == ["first"]


# ---- one request


def panel_text(page: AppTest) -> str:
    shown = [str(element.value) for kind in ("markdown", "caption", "code", "title") for element in page.get(kind)]
    return "\n".join([*shown, *(element.proto.body for element in page.get("html"))])


def test_a_link_opens_a_request_with_all_that_is_known_of_it(open_page: Open, lake: str):
    page = open_page(lake, request="first", source="test", day="2026-05-01", range="Today")
    said = panel_text(page)

    assert [code.value for code in page.code][:3] == ["first", "trace-1", "talk-1"]
    assert "| Input | 600,000 | 2.5 | 1.500000000 |" in said
    assert "| Cache read | 400,000 | 1.25 | 0.500000000 |" in said
    assert "| Output | 100,000 | 10 | 1.000000000 |" in said
    assert "| **Sum** | | | **3.000000000** |" in said
    assert "openai/gpt-4o@always" in said
    assert "50,000.0" in [metric.value for metric in page.metric], "tokens a second"
    assert "request=first&source=test&day=2026-05-01" in page.code[-1].value


def test_a_request_is_found_without_its_day_or_source_and_with_a_wrong_day(open_page: Open, lake: str):
    for link in ({}, {"day": "2020-01-01"}, {"day": "someday"}):
        assert open_page(lake, request="second", **link).code[0].value == "second"


def test_a_request_that_is_not_there_is_said(open_page: Open, lake: str):
    page = open_page(lake, request="**nobody**")

    assert any("nobody" in info.value and "**nobody**" not in info.value for info in page.info)


def test_a_failure_shows_its_message_as_text_and_the_remaining_fields(open_page: Open, lake: str):
    page = open_page(lake, request="failed")
    codes = [code.value for code in page.code]

    assert "**took** too long" in codes
    assert json.loads(next(code for code in codes if code.startswith("{"))) == {"error_message": "**took** too long", "retries": 2}
    assert any("Timeout" in text.value and "HTTP 408" in text.value for text in page.markdown)


def test_the_panel_goes_on_to_the_next_request_and_back(open_page: Open, lake: str):
    page = open_page(lake, request="failed", source="test")
    calm(page.button(key="request_next").click().run())
    assert page.code[0].value == "second"
    calm(page.button(key="request_previous").click().run())
    assert page.code[0].value == "failed"
    calm(page.button(key="request_previous").click().run())

    assert page.code[0].value == "bare"
    assert page.button(key="request_previous").disabled


def test_the_timeline_holds_the_trace(open_page: Open, lake: str):
    page = open_page(lake, request="second", source="test")

    assert any("3 requests" in text.value for text in page.caption)
    spec = json.loads(page.get("vega_lite_chart")[-1].proto.spec)
    assert spec["height"] == 3 * ROW + AROUND, "a row each"


# ---- failures


def test_failures_are_listed_with_a_message_and_split_over_time_by_another_dimension(open_page: Open, lake: str):
    page = open_page(lake, part="Errors")
    table = listed(page)
    assert table[["error_class", "model", "requests", "message"]].values.tolist() == [["Timeout", "gpt-4o", 1, "**took** too long"]]

    calm(page.segmented_control(key="failures_by").set_value("model").run())
    assert len(page.dataframe[0].value) == 1


def test_nothing_failed_is_said(open_page: Open, lake: str):
    assert "Nothing failed" in str(open_page(lake, part="Errors", user="bob").info[0].proto)


# ---- hostile texts


def test_what_logs_say_is_text_everywhere(open_page: Open, tmp_path: Path):
    rows = [
        request(
            "2026-05-01 10:00",
            **dict.fromkeys(("request_id", "trace_id", "session_id", "model", "user_id", "provider", "route", "app"), text),
            error_class=text, tags=[text], status="error", attributes=json.dumps({"error_message": text, text: text}),
        )
        for text in HOSTILE
    ]  # fmt: skip
    lake = write_lake(tmp_path / "lake", rows)

    assert cards(open_page(lake))[0] == str(len(HOSTILE))
    assert len(listed(open_page(lake, part="Errors"))) == len(HOSTILE)
    for text in (*HOSTILE[:2], HOSTILE[4], HOSTILE[-1]):
        page = open_page(lake, request=text, q=text[:50])
        assert cards(page)[0] == "1"
        assert page.code[0].value == text
        markup = "\n".join(element.value for kind in ("markdown", "caption", "title") for element in page.get(kind))
        assert not any(
            bad in markup.replace("\\<", "") for bad in ("<script", "[link](", ":material/delete:", ":red[", "$x^2$", "|---|")
        )
        facts = "".join(element.proto.body for element in page.get("html"))
        assert html.escape(text[:100]) in facts
        assert "<script" not in facts.replace(NO_FOCUS, "")
