"""Every number of the Usage and cost page on the sample, computed again from the rows with pandas and ``zoneinfo`` alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.views import view
from usagecost import queries
from usagecost.lake import Lake
from usagecost.periods import Period
from usagecost.queries import folds
from usagecost.queries.folds import Usage
from usagecost.vocabulary import CARDS, METRICS, measures_of
from usagecost.vocabulary.filters import View

ZONE = "America/St_Johns"
DAYS = 30
COLUMNS = [
    "started_at", "model", "user_id", "status", "input_tokens", "output_tokens", "cache_read_tokens", "reported_cost_usd",
    "list_cost_usd", "duration_ms",
]  # fmt: skip
TOKENS = ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens")
OUTCOMES = ("successful", "failed", "requests")
MEASURES = (*measures_of((*CARDS, *TOKENS, *OUTCOMES)), "last_seen_us")

Numbers = dict[str, object]


# ---- the page's side


@pytest.fixture(scope="module")
def page(sample_lake: str) -> View:
    """The page's default view, the last 30 days by day, at the instant of the sample's newest request."""
    newest = queries.data_span(sample_lake, Lake(sample_lake).version())[1]
    today = newest.astimezone(ZoneInfo(ZONE)).date()
    return view(sample_lake, Period(today - timedelta(days=DAYS - 1), today, ZONE, newest + timedelta(microseconds=1)))


def shown_cards(usage: Usage) -> Numbers:
    return {name: METRICS[name].of(usage.totals) for name in CARDS}


def shown_changes(usage: Usage) -> Numbers:
    now, before = usage.totals, usage.totals_before
    return {name: METRICS[name].change(METRICS[name].of(now), METRICS[name].of(before)) for name in CARDS}


def shown_over_time(usage: Usage, metrics: tuple[str, ...]) -> list[Numbers]:
    return [{**row} for row in folds.rows(folds.over_time_table(usage, metrics, ZONE))]


def shown_stacks(usage: Usage, most: int) -> dict[tuple, object]:
    """(day, model, is Other) -> spend."""
    stacks = folds.rows(folds.over_time_by_top(usage, folds.top_values(usage.by_value, most)))
    return {(usage.intervals[row["interval"]].label, row["value"], row["is_other"]): row["spend_usd"] for row in stacks}


# ---- the rows' side


@pytest.fixture(scope="module")
def everything(sample_lake: str) -> pd.DataFrame:
    """Every request of the sample with its local day and time, its cost and its total tokens."""
    tables = [pq.ParquetFile(file).read(COLUMNS) for file in Lake(sample_lake).snapshot().files()]
    rows = pa.concat_tables(tables).to_pandas(types_mapper=pd.ArrowDtype)
    local = rows["started_at"].dt.tz_convert(ZONE)
    return rows.assign(
        local=local.dt.tz_localize(None),
        day=local.dt.strftime("%Y-%m-%d"),
        cost=rows["reported_cost_usd"].fillna(rows["list_cost_usd"]),
        total_tokens=rows["input_tokens"].fillna(0) + rows["output_tokens"].fillna(0),
    )


@pytest.fixture(scope="module")
def calendar(page: View) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pd.date_range(page.period.first, page.period.last)]


@pytest.fixture(scope="module")
def now(everything: pd.DataFrame, calendar: list[str]) -> pd.DataFrame:
    return everything[everything["day"].isin(calendar)]


@pytest.fixture(scope="module")
def before(everything: pd.DataFrame, page: View) -> pd.DataFrame:
    """The 30 days before, up to the time of day that it is now: the period is running."""
    first = pd.Timestamp(page.period.first) - pd.Timedelta(days=DAYS)
    until = pd.Timestamp(page.period.now).tz_convert(ZONE).tz_localize(None) - pd.Timedelta(days=DAYS)
    return everything[(everything["local"] >= first) & (everything["local"] < until)]


def known(column: pd.Series) -> object:
    """The sum of what is known, None when nothing is."""
    values = [value for value in column if not pd.isna(value)]
    return sum(values[1:], values[0]) if values else None


def rate(rows: pd.DataFrame) -> float | None:
    outcomes = rows["status"].dropna()
    return float((outcomes == "success").sum() / len(outcomes)) if len(outcomes) else None


def cards(rows: pd.DataFrame) -> Numbers:
    durations = rows["duration_ms"].dropna()
    return {
        "requests": len(rows),
        "success_rate": pytest.approx(rate(rows)),
        "input_tokens": known(rows["input_tokens"]),
        "output_tokens": known(rows["output_tokens"]),
        "spend_usd": known(rows["cost"]),
        "avg_latency_ms": pytest.approx(float(durations.mean()), abs=0.001) if len(durations) else None,
    }


def changes(rows: pd.DataFrame, earlier: pd.DataFrame) -> Numbers:
    sums = {"input_tokens": "input_tokens", "output_tokens": "output_tokens", "spend_usd": "cost"}
    return {
        "requests": percent(len(rows), len(earlier)),
        "success_rate": f"{signed((rate(rows) - rate(earlier)) * 100)}\u00a0pp",
        **{name: percent(known(rows[column]), known(earlier[column])) for name, column in sums.items()},
        "avg_latency_ms": percent(rows["duration_ms"].mean(), earlier["duration_ms"].mean()),
    }


def percent(now: object, before: object) -> str:
    return f"{signed((float(now) - float(before)) / float(before) * 100)}%"


def signed(number: float) -> str:
    text = "0.0" if abs(number) < 0.05 else f"{number:+,.1f}" if abs(number) < 1000 else f"{number:+,.0f}"
    return text.replace("-", "−")


def over_time(rows: pd.DataFrame, calendar: list[str], metrics: tuple[str, ...]) -> list[Numbers]:
    """One row per day of the calendar: zeros where nothing was sent."""
    per_day: list[Numbers] = []
    for day in calendar:
        of_day = rows[rows["day"] == day]
        failed = of_day["status"].isin(["error", "cancelled"])
        counts = {"requests": len(of_day), "successful": int((of_day["status"] == "success").sum()), "failed": int(failed.sum())}
        numbers = counts | {name: (known(of_day[name]) if len(of_day) else 0) for name in TOKENS}
        start = pd.Timestamp(day).tz_localize(ZONE).isoformat()
        per_day.append({"interval_start": start, **{name: numbers[name] for name in metrics}})
    return per_day


def name_of(value: object) -> str | None:
    return None if pd.isna(value) else str(value)


def ranked(rows: pd.DataFrame, column: str) -> list[tuple[str | None, pd.DataFrame]]:
    """The rows of each value, the most expensive first, the unpriced last."""
    groups = [(name_of(value), part) for value, part in rows.groupby(column, dropna=False)]

    def place(group: tuple[str | None, pd.DataFrame]) -> tuple:
        spend = known(group[1]["cost"])
        return (spend is None, -(spend or 0), -len(group[1]), group[0] is None, group[0] or "")

    return sorted(groups, key=place)


def stacks(rows: pd.DataFrame, most: int) -> dict[tuple, object]:
    """(day, model, is Other) -> spend, for the most expensive models and all others together."""
    top = [model for model, _ in ranked(rows, "model")[:most]]
    models = [name_of(model) for model in rows["model"]]
    part = [(model, False) if model in top else (None, True) for model in models]
    labelled = rows.assign(part=part)
    groups = labelled.groupby(["day", "part"])["cost"]
    return {(day, *part): known(costs) for (day, part), costs in groups}


# ---- block by block


def test_the_sample_is_worth_the_comparison(now: pd.DataFrame, before: pd.DataFrame):
    assert len(now) > 5_000
    assert len(before) > 5_000
    assert now["cost"].isna().any()
    assert now["user_id"].isna().any()
    assert now["model"].nunique() > 10


def test_cards(page: View, now: pd.DataFrame):
    assert shown_cards(queries.usage(page, "model", MEASURES)) == cards(now)


def test_changes_against_the_previous_period(page: View, now: pd.DataFrame, before: pd.DataFrame):
    assert shown_changes(queries.usage(page, "model", MEASURES)) == changes(now, before)


def test_requests_without_a_price(page: View, now: pd.DataFrame):
    assert queries.usage(page, "model", MEASURES).totals["incomplete_requests"] == now["cost"].isna().sum()


def test_total_tokens_over_time(page: View, now: pd.DataFrame, calendar: list[str]):
    assert shown_over_time(queries.usage(page, "model", MEASURES), TOKENS) == over_time(now, calendar, TOKENS)


def test_total_requests_over_time(page: View, now: pd.DataFrame, calendar: list[str]):
    assert shown_over_time(queries.usage(page, "model", MEASURES), OUTCOMES) == over_time(now, calendar, OUTCOMES)


def test_cost_breakdown_by_model_with_the_top_10_and_other(page: View, now: pd.DataFrame):
    assert shown_stacks(queries.usage(page, "model", MEASURES), 10) == stacks(now, 10)


def test_models_breakdown(page: View, now: pd.DataFrame):
    shown = folds.rows(folds.top_values(queries.usage(page, "model", MEASURES).by_value, 10))
    models = ranked(now, "model")
    rest = pd.concat([part for _, part in models[10:]])

    assert [(row["value"], row["spend_usd"], row["requests"], row["merged"]) for row in shown] == [
        *((model, known(part["cost"]), len(part), 1) for model, part in models[:10]),
        (None, known(rest["cost"]), len(rest), len(models) - 10),
    ]
    assert known(pd.Series([row["spend_usd"] for row in shown], dtype=object)) == known(now["cost"])


@pytest.mark.parametrize("place", [0, -1], ids=["the most expensive model", "the model without a price"])
def test_model_activity(page: View, now: pd.DataFrame, before: pd.DataFrame, calendar: list[str], place: int):
    model, rows = ranked(now, "model")[place]
    shown = queries.usage(page, "model", MEASURES).of_value(model)

    assert shown_cards(shown) == cards(rows)
    assert shown.totals_before["requests"] == len(before[before["model"] == model])
    assert shown_over_time(shown, TOKENS) == over_time(rows, calendar, TOKENS)
    assert shown_over_time(shown, OUTCOMES) == over_time(rows, calendar, OUTCOMES)
    assert shown_stacks(shown, 1) == stacks(rows, 1)


def test_users_table(page: View, now: pd.DataFrame):
    users = queries.usage(replace(page, interval="period"), "user", MEASURES).by_value
    named = folds.rows(users.assign(name=users["value"], rate=METRICS["success_rate"].column(users),
                                    tokens=METRICS["total_tokens"].column(users), seen=folds.last_seen(users, ZONE)))  # fmt: skip

    assert [
        (row["value"], row["requests"], row["rate"], row["tokens"], row["spend_usd"], row["incomplete_requests"], row["seen"])
        for row in named
    ] == [
        (
            user,
            len(rows),
            pytest.approx(rate(rows)),
            known(rows["total_tokens"]),
            known(rows["cost"]),
            rows["cost"].isna().sum(),
            rows["local"].max(),
        )
        for user, rows in ranked(now, "user_id")
    ]


@pytest.mark.parametrize("who", ["the most expensive user", "(not reported)"])
def test_user_activity(page: View, now: pd.DataFrame, before: pd.DataFrame, calendar: list[str], who: str):
    users = dict(ranked(now, "user_id"))
    user = None if who == "(not reported)" else next(name for name in users if name)
    rows, earlier = users[user], dict(ranked(before, "user_id"))[user]
    shown = queries.usage(page.where_user_is(user), "model", MEASURES)

    assert shown_cards(shown) == cards(rows)
    assert shown.totals_before["spend_usd"] == known(earlier["cost"])
    assert shown_over_time(shown, TOKENS) == over_time(rows, calendar, TOKENS)
    assert shown_over_time(shown, OUTCOMES) == over_time(rows, calendar, OUTCOMES)
    assert shown_stacks(shown, 10) == stacks(rows, 10)
    assert [
        (row["value"], row["requests"], row["successful"], row["failed"], row["spend_usd"]) for row in folds.rows(shown.by_value)
    ] == [
        (
            model,
            len(part),
            (part["status"] == "success").sum(),
            part["status"].isin(["error", "cancelled"]).sum(),
            known(part["cost"]),
        )
        for model, part in ranked(rows, "model")
    ]


def test_users_and_models_add_up_to_the_card(page: View, now: pd.DataFrame):
    spend: Decimal = known(now["cost"])  # type: ignore[assignment]
    by_user, by_model = queries.usage(page, "user", MEASURES), queries.usage(page, "model", MEASURES)

    assert by_user.totals["spend_usd"] == by_model.totals["spend_usd"] == spend
    assert sum(part or 0 for part in shown_stacks(by_model, 10).values()) == spend
