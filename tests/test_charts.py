from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.views import days, instant, request, view
from usagecost import charts, queries
from usagecost.charts import Drawing, TimeAxis, look, tick_texts, value_name
from usagecost.charts.look import AXES, axis_ticks, log_ticks
from usagecost.periods import intervals
from usagecost.queries import folds
from usagecost.queries.folds import Usage
from usagecost.ui.cards import sparkline_html
from usagecost.vocabulary import METRICS, formats
from usagecost.vocabulary.colours import OTHER_COLOR, PALETTE, series_colors

HOSTILE = ("</script><script>alert(1)</script>", "']; alert(1); ['", "datum.label", "a\\b'c\"d", "**bold** [x](y)", "x" * 300)


def spec(drawing: Drawing) -> dict[str, Any]:
    """The chart as Vega-Lite with its data, which every layer draws."""
    assert not any("data" in layer for layer in drawing.spec["layer"])
    rows = [{name: None if pd.isna(value) else value for name, value in row.items()} for row in drawing.data.to_dict("records")]
    return {**drawing.spec, "data": {"values": rows}}


def data(described: dict[str, Any]) -> list[dict[str, Any]]:
    return described["data"]["values"]


def found(part: object, key: str) -> Iterator[Any]:
    """Everything that stands under a key, anywhere in the chart."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from found(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from found(value, key)


def drawn_over_time(usage: Usage, axis: TimeAxis, most: int = 3) -> dict[str, Any]:
    top = folds.top_values(usage.by_value, most)
    stacks = folds.over_time_by_top(usage, top)
    stacks = stacks.assign(name=[value_name(*row) for row in zip(stacks["value"], stacks["is_other"], strict=True)])
    names = [value_name(*row) for row in zip(top["value"], top["is_other"], strict=True)]
    parts = charts.parts_of(stacks, "spend_usd")
    return spec(charts.over_time(parts, "bar", formats.usd, names, [OTHER_COLOR] * len(names), axis, stacked=True))


def lines(usage: Usage, axis: TimeAxis, *metrics: str) -> dict[str, Any]:
    """Lines of metrics of one unit."""
    names = [METRICS[name].label for name in metrics]
    parts, unit = charts.parts_of_metrics(usage.over_time, metrics), METRICS[metrics[0]].format
    return spec(charts.over_time(parts, "line", unit, names, series_colors(metrics), axis))


def asked(lake: str, first: str, last: str | None = None) -> tuple[Usage, TimeAxis]:
    """What the requests of some days are by model, and the axis of the days."""
    usage = queries.usage(view(lake, days(first, last or first)), "model")
    return usage, TimeAxis(usage.intervals, "day", "UTC")


def days_axis(first: str, last: str | None = None) -> TimeAxis:
    return TimeAxis(intervals(days(first, last or first), "day"), "day", "UTC")


def marks(described: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of parts, without those that stand for an interval alone."""
    return [row for row in data(described) if row["name"] is not None]


def tips(described: dict[str, Any]) -> list[dict[str, str]]:
    """What the tooltip of each interval tells, by the names that are seen."""
    return [{name.rstrip("\u200b"): text for name, text in row["tip"].items()} for row in data(described) if row["tip"]]


def ranked(*rows: tuple[str, Decimal | None]) -> pd.DataFrame:
    names, spend = zip(*rows, strict=True)
    money = pd.Series(spend, dtype=object)
    return pd.DataFrame({"name": names, "spend_usd": money.convert_dtypes(dtype_backend="pyarrow"), "text": "$"})


# ---- names


def test_values_are_called_as_a_reader_would():
    assert value_name("gpt-4o", False) == "gpt-4o"
    assert value_name(None, False) == value_name(pd.NA, False) == "(not reported)"
    assert value_name(pd.NA, True) == "Other"
    assert value_name(pd.NA, True, 1_234, "models") == "Other (1,234 models)"


def test_a_name_from_a_log_is_data_and_no_expression(lake_of: Callable[..., str]):
    lake = lake_of(*(request(model=name, list_cost_usd=Decimal(1)) for name in HOSTILE))
    usage, axis = asked(lake, "2026-05-01", "2026-05-03")
    drawings = (
        drawn_over_time(usage, axis, len(HOSTILE)),
        spec(charts.ranked_bars(ranked(*((name, Decimal(1)) for name in HOSTILE)), "spend_usd", PALETTE[: len(HOSTILE)])),
    )

    for described in drawings:
        code = [text for key in ("labelExpr", "expr", "filter", "test") for text in found(described, key)]
        assert code
        assert not [name for name in HOSTILE for text in code if name in json.dumps(text) and name != "datum.label"]
        assert set(HOSTILE) <= {row["name"] for row in data(described)}, "whole in the tooltip"


# ---- the time axis


def test_every_interval_is_on_the_axis_empty_ones_too(lake_of: Callable[..., str]):
    usage, axis = asked(lake_of(request("2026-05-02", list_cost_usd=Decimal(3))), "2026-05-01", "2026-05-04")
    labels = ["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04"]
    bars, course = drawn_over_time(usage, axis), lines(usage, axis, "requests")

    assert [(row["interval"], row["value"]) for row in marks(course)] == list(zip(labels, [0, 1, 0, 0], strict=True))
    assert {row["interval"]: row["value"] for row in marks(bars)} == dict.fromkeys(labels, 0) | {"2026-05-02": 3}
    assert all(labels in list(found(described, "domain")) for described in (bars, course))


def test_a_line_does_not_fall_to_zero_in_hours_that_are_yet_to_come(lake_of: Callable[..., str]):
    period = days("2026-05-01", now="2026-05-01 02:30")
    usage = queries.usage(view(lake_of(request("2026-05-01 01:00"), request("2026-05-01 05:00")), period, "hour"), "model")
    course = lines(usage, TimeAxis(usage.intervals, "hour", "UTC"), "requests")

    assert [row["value"] for row in marks(course)] == [0, 1, 0, 1], "at 0, 1 and 2 o'clock, and by a clock that is ahead at 5"
    assert [sums["requests"] for _, sums in usage.complete] == [0, 1, 1]
    assert 24 in [len(domain) for domain in found(course, "domain") if isinstance(domain, list)], "their places stay on the axis"


def test_the_running_interval_is_marked(lake_of: Callable[..., str]):
    period = days("2026-05-01", "2026-05-03", now="2026-05-02 12:00")
    usage = queries.usage(view(lake_of(request("2026-05-02", model="a", list_cost_usd=Decimal(1))), period), "model")
    axis = TimeAxis(usage.intervals, "day", "UTC")
    course, bars = marks(lines(usage, axis, "requests")), data(drawn_over_time(usage, axis))

    assert [row["partial"] for row in course] == [False, True]
    assert [row["edge"] for row in course] == [0, 1], "the step into it is dashed"
    assert [row["tip"]["title"] for row in bars if row["partial"] and row["name"] is None] == ["Sat 2 May 2026 (partial)"]


@pytest.mark.parametrize(
    ("first", "last", "interval", "texts"),
    [
        ("2026-05-06", "2026-05-19", "week", ["Wed 6 May – Sun 10 May 2026 (partial)", "Mon 11 May – Sun 17 May 2026",
                                              "Mon 18 May – Tue 19 May 2026 (partial)"]),
        ("2025-12-01", "2026-01-05", "month", ["December 2025", "January 2026 (partial)"]),
        ("2026-10-25", "2026-10-25", "day", ["Sun 25 Oct 2026"]),
    ],
)  # fmt: skip
def test_an_interval_that_the_range_cuts_is_called_partial(first: str, last: str, interval: str, texts: list[str]):
    axis = TimeAxis(intervals(days(first, last, "Europe/Berlin"), interval), interval, "Europe/Berlin")

    assert axis.texts == texts
    assert axis.partial == ["partial" in text for text in texts]


def test_a_day_that_the_zone_skipped_has_a_chart_still():
    axis = TimeAxis(intervals(days("2011-12-30", zone="Pacific/Apia"), "day"), "day", "Pacific/Apia")
    parts = pd.DataFrame({"interval": [0], "name": ["a"], "value": [1], "text": ["1"]})[:0]

    drawing = charts.over_time(parts, "bar", formats.count, ["a"], ["#000"], axis, stacked=True)

    assert not data(spec(drawing))
    assert not len(drawing.rows)


def test_the_axis_names_its_interval_and_zone_and_an_hour_is_told_with_its_weekday_and_offset():
    axis = TimeAxis(intervals(days("2026-10-25", zone="Europe/Berlin"), "hour"), "hour", "Europe/Berlin")
    described = charts.time_axis(axis)

    assert (described["axis"]["title"], described["type"]) == ("Hour · Europe/Berlin", "ordinal")
    assert len(described["scale"]["domain"]) == len(set(described["scale"]["domain"])) == 25
    assert axis.texts[2:4] == ["Sun 25 Oct 2026, 02:00 +02:00", "Sun 25 Oct 2026, 02:00 +01:00"]
    assert not any(axis.partial)


def test_a_sparkline_is_drawn_from_zero_where_values_add_up_and_has_gaps_where_nothing_is_known():
    points = [("Fri 1 May 2026: 4", 4), ("Sat 2 May 2026: 0", 0), ("Sun 3 May 2026: –", None), ("<b>", 1)]
    many = [(f"{place}", float(place == 200)) for place in range(240)]

    assert columns(sparkline_html(METRICS["requests"], points)) == [
        ("Fri 1 May 2026: 4", "100.0%"), ("Sat 2 May 2026: 0", "0.0%"), ("Sun 3 May 2026: –", ""), ("&lt;b&gt;", "25.0%"),
    ]  # fmt: skip
    assert [height for _, height in columns(sparkline_html(METRICS["success_rate"], points))] == ["100.0%", "12.0%", "", "34.0%"]
    of_many = columns(sparkline_html(METRICS["requests"], many))
    assert [column for column in of_many if column[1] != "0.0%"] == [("200", "100.0%")], "of each few intervals the highest"


def columns(html: str) -> list[tuple[str, str]]:
    """The text and the height of each column of a sparkline, which has none where its value is not known."""
    return re.findall(r"<i data-tip='(.*?)'(?: style=--h:(.*?))?>", html)


def test_a_tooltip_tells_all_metrics_of_an_interval(lake_of: Callable[..., str]):
    described = lines(*asked(lake_of(request(status="success"), request(status="error")), "2026-05-01"), "successful", "requests")

    assert tips(described) == [{"title": "Fri 1 May 2026", "Total requests": "2", "Successful": "1"}]
    assert {row["band"] for row in data(described)} == {0}, "every mark finds it in the row of its band"


def stack_of(*parts: tuple[int, str, float | None, str], names: tuple[str, ...], mark: str = "bar") -> dict[str, Any]:
    """Stacked parts of two days, each with its place, name, value and text."""
    rows = pd.DataFrame(parts, columns=["interval", "name", "value", "text"]).assign(label="Total spend")
    axis = days_axis("2026-05-01", "2026-05-02")
    return spec(charts.over_time(rows, mark, formats.usd, names, ["#000"] * len(names), axis, stacked=True))


def test_a_tooltip_tells_the_total_and_the_parts_with_their_shares_the_largest_first():
    described = stack_of((0, "a", 1, "$1.0000"), (0, "b", 3, "≥ $3.0000"), (0, "c", None, "–"), names=("a", "b", "c"))
    first, second = tips(described)

    assert list(first.items()) == [
        ("title", "Fri 1 May 2026"), ("Total spend", "≥ $4.0000"), ("b", "≥ $3.0000 · 75.0%"), ("a", "$1.0000 · 25.0%"), ("c", "–"),
    ]  # fmt: skip
    assert second == {"title": "Sat 2 May 2026", "Total spend": "$0.0000"}, "without what is nothing"


def test_a_tooltip_of_many_parts_sums_up_the_least():
    names = tuple(f"model-{number}" for number in range(15))
    described = stack_of(*((0, name, 15 - place, "$") for place, name in enumerate(names)), names=names)

    assert list(tips(described)[0].items())[-2:] == [("model-11", "$ · 3.3%"), ("3 more", "$6.0000")]


@pytest.mark.parametrize("name", ["title", "image", "7", "Total spend", "__proto__"])
def test_a_name_takes_the_place_of_no_line_of_a_tooltip(name: str):
    described = stack_of((0, name, 1, "$1.0000"), (0, name, 2, "$2.0000"), names=(name,))
    keys = [key for row in data(described) if row["tip"] for key in row["tip"]]

    assert keys == ["title", "Total spend", f"{name}\u200b", f"{name}\u200b\u200b", "title", "Total spend"]


def test_of_what_is_stacked_the_absent_is_nothing_else_it_is_not_known():
    parts, axis = pd.DataFrame({"interval": [0], "name": ["a"], "value": [7], "text": ["7"]}), days_axis("2026-05-01", "2026-05-02")
    stacked, beside = (
        charts.over_time(parts, "bar", formats.count, ["a"], ["#000"], axis, stacked=is_stacked) for is_stacked in (True, False)
    )

    assert [(row["value"], row["text"]) for row in marks(spec(stacked))] == [(7, "7"), (0, "0")]
    assert [(row["value"], row["text"]) for row in marks(spec(beside))] == [(7, "7"), (None, "–")]
    tip = [("title", "Fri 1 May 2026"), ("Total", "7"), ("a\u200b", "7 · 100.0%")]
    assert stacked.rows["tip"].to_pylist()[:2] == [tip, None], "sent as a map, once an interval"


@given(
    st.sampled_from([("15min", 1), ("15min", 2), ("hour", 1), ("hour", 2), ("hour", 31), ("day", 3), ("day", 31), ("day", 92),
                     ("day", 366), ("week", 400), ("month", 401), ("month", 4_000)]),
    st.dates(min_value=pd.Timestamp("2000-01-01").date(), max_value=pd.Timestamp("2040-01-01").date()),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo"]),
)  # fmt: skip
def test_ticks_are_few_and_stand_at_intervals(range_shown: tuple[str, int], first: Any, zone: str):
    interval, length = range_shown
    period = days(first, first + pd.Timedelta(days=length - 1), zone)
    labels = [step.label for step in intervals(period, interval)]
    ticks = tick_texts(labels, interval)

    assert set(ticks) <= set(labels)
    assert 1 <= len(ticks) <= (31 if interval == "hour" else 14)
    assert all(ticks.values())


@pytest.mark.parametrize(
    ("first", "last", "interval", "texts"),
    [
        ("2026-05-01", "2026-05-01", "hour", ["1 May", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]),
        ("2026-05-01", "2026-05-01", "15min", ["1 May", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]),
        ("2026-05-01", "2026-05-02", "15min", ["1 May", "06:00", "12:00", "18:00", "2 May", "06:00", "12:00", "18:00"]),
        ("2026-04-30", "2026-05-02", "day", ["30 Apr", "1 May", "2 May"]),
        ("2025-11-15", "2026-04-15", "day", ["Dec 2025", "Jan 2026", "Feb", "Mar", "Apr"]),
        ("2025-11-15", "2026-02-15", "month", ["Nov 2025", "Dec", "Jan 2026", "Feb"]),
        ("2024-11-15", "2026-11-30", "month", ["Nov 2024", "Jan 2025", "Mar", "May", "Jul", "Sep", "Nov", "Jan 2026", "Mar", "May",
                                               "Jul", "Sep", "Nov"]),
        ("2026-08-02", "2026-10-11", "week", ["2 Aug", "10 Aug", "24 Aug", "7 Sep", "21 Sep", "5 Oct"]),
        ("2025-12-30", "2026-01-02", "day", ["30 Dec 2025", "31 Dec", "1 Jan 2026", "2 Jan"]),
        ("2026-11-01", "2026-11-30", "day", ["1 Nov", "8 Nov", "15 Nov", "22 Nov", "29 Nov"]),
        ("2025-12-31", "2026-01-01", "hour", ["31 Dec 2025", "06:00", "12:00", "18:00", "1 Jan 2026", "06:00", "12:00", "18:00"]),
    ],
)  # fmt: skip
def test_ticks_read_as_dates(first: str, last: str, interval: str, texts: list[str]):
    assert list(tick_texts([step.label for step in intervals(days(first, last), interval)], interval).values()) == texts


# ---- legends


@pytest.mark.parametrize("mark", ["line", "area", "bar"])
def test_a_legend_chooses_among_parts_beside_the_click_on_a_mark(mark: str):
    described = stack_of((0, "a", 1, "$"), names=("a", "b"), mark=mark)
    params = {param["name"]: param for param in described["params"]}

    assert [params[name]["select"]["fields"] for name in ("shown", "hidden")] == [["short"], ["short"]]
    assert [params[name]["bind"] for name in ("shown", "hidden")] == [
        {"legend": "click[!event.shiftKey]"}, {"legend": "click[event.shiftKey]"},
    ]  # fmt: skip
    assert params["shown"]["views"] == params["hidden"]["views"] == params["opened"]["views"]
    assert "shown" not in {param["name"] for param in stack_of((0, "a", 1, "$"), names=("a",), mark=mark)["params"]}


def test_long_names_are_cut_in_a_legend_and_stay_distinct():
    names = ["anthropic/claude-opus-4-5-20251101-v1:0", "anthropic/claude-haiku-4-5-20251101-v1:0", "gpt-4o"]

    assert look.short_names(names) == ["…aude-opus-…51101-v1:0", "…aude-haiku…51101-v1:0", "gpt-4o"]


@given(st.lists(st.text("ab", min_size=0, max_size=60), unique=True, max_size=8))
def test_names_are_distinct_in_a_legend(names: list[str]):
    assert len(set(look.short_names(names))) == len(names)
    assert look.short_names([*names, *names]) == look.short_names(names) * 2, "rows of one name are called alike"


def test_the_total_lies_on_top_and_is_dotted(lake_of: Callable[..., str]):
    of_a_day = asked(lake_of(request(status="success")), "2026-05-01")

    assert [row["name"] for row in marks(lines(*of_a_day, "requests", "failed", "successful"))][-1] == "Total requests"
    assert [row["is_total"] for row in marks(lines(*of_a_day, "requests", "failed"))] == [False, True]
    assert [row["is_total"] for row in marks(lines(*of_a_day, "requests"))] == [False], "alone it is a line as any other"


# ---- beside the parts


def compared(lake: str, mark: str, *metrics: str, of: Any = None) -> dict[str, Any]:
    """Metrics of two days beside the two before: lines, or bars with the first of them as a whole."""
    usage = queries.usage(view(lake, of or days("2026-05-03", "2026-05-04")), "model")
    axis, names = TimeAxis(usage.intervals, "day", "UTC"), [METRICS[name].label for name in metrics]
    beside = charts.before_of(usage.over_time_before, metrics, usage.counterparts, axis, whole=mark == "bar")
    parts, unit = charts.parts_of_metrics(usage.over_time, metrics), METRICS[metrics[0]].format
    return spec(charts.over_time(parts, mark, unit, names, series_colors(metrics), axis, stacked=mark == "bar", before=beside))


def test_the_comparison_lies_beside_each_interval_and_is_told_with_its_date(lake_of: Callable[..., str]):
    lake = lake_of(*(request("2026-05-01", status="success") for _ in range(7)), request("2026-05-03", status="error"))
    course, bars = compared(lake, "line", "failed", "requests"), compared(lake, "bar", "failed")

    assert [(row["name"], row["before"]) for row in marks(course)] == [
        ("Failed", 0), ("Total requests", 7), ("Failed", 0), ("Total requests", 0),
    ]  # fmt: skip
    assert [tip["Before"] for tip in tips(course)] == ["7 (Fri 1 May 2026)", "0 (Sat 2 May 2026)"], "of the total"
    assert [row["before"] for row in data(bars) if row["name"] is None] == [0, 0]
    assert [0, 7] in list(found(course, "domain")), "the axis has room for it"


def test_of_a_running_day_that_is_yet_to_come_nothing_is_compared(lake_of: Callable[..., str]):
    lake = lake_of(request("2026-05-01"), request("2026-05-02"), request("2026-05-03"))
    course = compared(lake, "line", "requests", of=days("2026-05-03", "2026-05-04", now="2026-05-03 12:00"))

    assert [row["before"] for row in marks(course)] == [1]
    assert "Before" not in [name for tip in tips(compared(lake, "line", "requests"))[2:] for name in tip]


def labelled(*values: float) -> Drawing:
    """A line for each value, on one day."""
    names = [f"line {place}" for place in range(len(values))]
    rows = pd.DataFrame({"interval": 0, "name": names, "value": values, "text": "$"})
    axis = days_axis("2026-05-01")
    return charts.over_time(rows, "line", formats.usd, names, ["#000"] * len(names), axis)


@given(st.lists(st.floats(0, 1_000, width=16), min_size=2, max_size=5))
def test_labels_at_the_ends_of_lines_do_not_overlap(values: list[float]):
    drawing = labelled(*values)
    heights = list(drawing.data.dropna(subset=["name"]).sort_values("value", kind="stable")["label_y"])
    low, high = next(layer["encoding"]["y"]["scale"]["domain"] for layer in drawing.spec["layer"] if "y" in layer["encoding"])

    assert min(after - before for before, after in pairwise(heights)) >= (high - low) * 0.06
    assert heights[-1] <= high + 1e-9


def test_more_lines_than_five_have_a_legend_only():
    assert [row["label"] for row in marks(spec(labelled(*range(5))))] == [f"line {place}" for place in reversed(range(5))]
    assert "label" not in labelled(*range(6)).data


def test_marks_of_an_interval_are_one_with_a_line_each():
    axis = days_axis("2026-05-01", "2026-05-02")
    told = [charts.Mark(instant(f"2026-05-01 0{hour}:00"), "Note", f"{HOSTILE[0]} {hour}") for hour in range(6)]
    outside = charts.Mark(instant("2026-05-03"), "Load", "too late")
    rows = pd.DataFrame({"interval": [0], "name": ["a"], "value": [1], "text": ["1"]})
    described = spec(charts.over_time(rows, "bar", formats.count, ["a"], ["#000"], axis, marks=[*reversed(told), outside]))

    assert [row["is_marked"] for row in data(described) if row["name"] is None] == [True, False]
    assert [(name.rstrip("\u200b"), text) for name, text in data(described)[0]["tip"].items()] == [
        ("title", "Fri 1 May 2026"), ("a", "1"), *(("Note", f"{HOSTILE[0]} {hour}") for hour in range(4)),
        ("2 more", "on this date"),
    ]  # fmt: skip


def test_levels_are_told_and_those_far_above_the_bars_are_only_named():
    axis = days_axis("2026-05-01", "2026-05-03")
    rows = pd.DataFrame({"interval": [0, 1], "name": "a", "value": [6.0, 9.0], "text": "$", "label": "Total spend"})
    near, far = charts.Level("Budget b", (10.0, 10.0, 10.0), "$10.00 a day"), charts.Level("Budget c", (99.0,) * 3, "$99.00 a day")
    described = spec(charts.over_time(rows, "bar", formats.usd, ["a"], ["#000"], axis, stacked=True, levels=[near, far]))

    bands = [row for row in data(described) if row["name"] is None]
    assert [(row["level_0"], row["level_1"]) for row in bands] == [(10, None)] * 3
    assert (bands[-1]["level_0_label"], bands[-1]["level_1_label"]) == ("Budget b\n$10.00 a day", "Budget c\n$99.00 a day ↑")
    assert tips(described)[2] == {
        "title": "Sun 3 May 2026",
        "Total spend": "$0.0000",
        "Budget b": "$10.00",
        "Budget c": "$99.00",
    }


# ---- the axis of values


@given(
    st.sampled_from(sorted(AXES, key=str)),
    st.one_of(st.just(0.0), st.floats(-1e12, -1e-6)),
    st.one_of(st.just(0.0), st.floats(1e-6, 1e12)),
)
def test_ticks_of_values_are_few_regular_and_cover_what_is_drawn(unit: formats.Format, low: float, high: float):
    (begin, end), ticks = axis_ticks(unit, low, high)
    steps = {round((after - before) / (end - begin), 6) for before, after in pairwise(ticks)}

    assert begin <= low <= high <= end
    assert begin < end
    assert 0 in ticks
    assert 2 <= len(ticks) <= 9
    assert len(steps) == 1
    assert unit is not formats.count or all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize(
    ("unit", "high", "domain", "ticks"),
    [
        (formats.count, 0, [0, 1], [0, 1]),
        (formats.count, 3, [0, 3], [0, 1, 2, 3]),
        (formats.percent, 0.952, [0, 1], [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (formats.milliseconds, 210_000, [0, 210_000], [0, 60_000, 120_000, 180_000]),
        (formats.milliseconds, 100_000, [0, 100_000], [0, 20_000, 40_000, 60_000, 80_000, 100_000]),
        (formats.usd, 0.007, [0, 0.007], [0, 0.002, 0.004, 0.006]),
    ],
)
def test_ticks_are_round_in_their_unit(unit: formats.Format, high: float, domain: list[float], ticks: list[float]):
    assert axis_ticks(unit, 0, high) == (pytest.approx(domain), ticks)


def test_ticks_of_a_logarithmic_axis():
    assert log_ticks(formats.milliseconds, 120, 700_000) == [1_000, 10_000, 60_000, 600_000]
    assert log_ticks(formats.milliseconds, 900, 20_000) == [1_000, 2_000, 5_000, 10_000, 20_000]
    assert log_ticks(formats.usd, 0.0002, 0.3) == [0.001, 0.01, 0.1]


# ---- bars and lines


def test_bars_stand_in_the_rankings_order_begin_at_zero_and_the_unpriced_one_has_no_length():
    ranking = ranked(("b", Decimal(200)), ("a" * 300, Decimal(199)), ("c", None))
    described = spec(charts.ranked_bars(ranking, "spend_usd", PALETTE[:3]))

    assert [(row["name"], row["spend_usd"]) for row in data(described)] == [("b", 200), ("a" * 300, 199), ("c", None)]
    assert None in list(found(described, "sort")), "Vega's own order would be the alphabet's"
    assert set(found(described, "domainMin")) == {0}
    assert look.CUT_NAME in set(found(described, "labelExpr")), "long names are cut where they are drawn"
    assert data(spec(charts.ranked_bars(ranked(("a", None)), "spend_usd", PALETTE[:1])))[0]["spend_usd"] is None


@pytest.mark.parametrize(
    ("first", "second", "metric", "values"),
    [
        ({"input_tokens": 5}, {}, "input_tokens", [5, None, 0]),
        ({"status": "success"}, {"status": "error"}, "success_rate", [1, 0, None]),
        ({"input_tokens": 0}, {"input_tokens": 0}, "input_tokens", [0, 0, 0]),
    ],
)
def test_an_interval_of_nothing_known_is_a_gap(
    lake_of: Callable[..., str], first: dict, second: dict, metric: str, values: list[float | None]
):
    """Two days have a request each, the third has none."""
    lake = lake_of(request("2026-05-01", **first), request("2026-05-02", **second))
    described = lines(*asked(lake, "2026-05-01", "2026-05-03"), metric)

    assert [row["value"] for row in marks(described)] == values
    assert any(values) or [0, 1] in list(found(described, "domain")), "a series of zeros lies on the baseline"


def test_a_users_models_are_stacked_by_outcome(lake_of: Callable[..., str]):
    lake = lake_of(*(request(model="a", status=status) for status in ("success", "error", "cancelled", None)))
    models = queries.usage(view(lake, days("2026-05-01")), "model").by_value.assign(name="a", text="4")
    row = data(spec(charts.stacked_ranked_bars(models, ("successful", "failed"))))[0]

    assert (row["Successful"], row["Failed"], row["whole"]) == (1, 2, 3)
