from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import pandas as pd
import pytest

from tests.views import days, request, view
from usagecost import queries
from usagecost.schema import REQUESTS
from usagecost.vocabulary import (
    BASES,
    CARDS,
    COUNTS,
    DIMENSIONS,
    FOLDS,
    MEASURES,
    METRICS,
    OF_ROWS,
    STREAMING,
    measures_of,
    spend_coverage,
    spend_text,
)
from usagecost.vocabulary.formats import Number

TODAY = days("2026-05-01")


@pytest.fixture
def sums_of(lake_of: Callable[..., str]) -> Callable[..., Mapping[str, Number | None]]:
    """The measures of some requests of one day, on a cost basis."""

    def sums(*rows: dict, basis: str = "best") -> Mapping[str, Number | None]:
        return queries.usage(view(lake_of(*rows), TODAY, "day", basis), "model", measures_of(METRICS)).totals

    return sums


def test_success_rate_is_of_those_whose_outcome_is_known(sums_of: Callable):
    sums = sums_of(*(request(status=status) for status in ("success", "success", "success", "error", "cancelled", None, None)))

    assert METRICS["success_rate"].of(sums) == 0.6
    assert (sums["requests"], sums["successful"], sums["failed"]) == (7, 3, 2)


def test_success_rate_is_unknown_when_no_outcome_is(sums_of: Callable):
    sums = sums_of(request(), request())

    assert METRICS["success_rate"].of(sums) is None
    assert METRICS["success_rate"].format(None) == "–"
    assert (sums["successful"], sums["failed"]) == (0, 0)


@pytest.mark.parametrize(("basis", "spend", "unpriced"), [("best", "11.5", 1), ("reported", "10.5", 2), ("list", "3", 2)])
def test_spend_by_each_cost_basis(sums_of: Callable, basis: str, spend: str, unpriced: int):
    sums = sums_of(
        request(reported_cost_usd=Decimal(10), list_cost_usd=Decimal(2)),
        request(reported_cost_usd=Decimal("0.5")),
        request(list_cost_usd=Decimal(1)),
        request(),
        basis=basis,
    )

    assert (METRICS["spend_usd"].of(sums), sums["incomplete_requests"]) == (Decimal(spend), unpriced)


def test_a_reported_zero_is_a_price(sums_of: Callable):
    sums = sums_of(request(reported_cost_usd=Decimal(0), list_cost_usd=Decimal(7)))

    assert (METRICS["spend_usd"].of(sums), sums["incomplete_requests"]) == (0, 0)


def test_unpriced_is_null_not_zero(sums_of: Callable):
    sums = sums_of(request(input_tokens=10))

    assert METRICS["spend_usd"].of(sums) is None
    assert spend_text(sums) == "–"
    assert spend_coverage(sums) == "1 request (100.0%) and 100.0% of tokens have no full price"


def test_spend_is_a_lower_bound_where_prices_are_missing(sums_of: Callable):
    priced = request(list_cost_usd=Decimal("412.004"), input_tokens=90, output_tokens=10)
    sums = sums_of(priced, *(request() for _ in range(2)), request(input_tokens=20, output_tokens=5))

    assert spend_text(sums) == "≥\u00a0$412.00"
    assert spend_coverage(sums) == "3 requests (75.0%) and 20.0% of tokens have no full price"


def test_where_no_tokens_are_known_their_share_is_not_said(sums_of: Callable):
    sums = sums_of(request(list_cost_usd=Decimal(1)), request())

    assert spend_coverage(sums) == "1 request (50.0%) has no full price"


def test_spend_is_exact_where_every_request_has_a_price(sums_of: Callable):
    sums = sums_of(*(request(list_cost_usd=Decimal("0.000000001")) for _ in range(3)))

    assert METRICS["spend_usd"].of(sums) == Decimal("0.000000003")
    assert spend_text(sums) == "$0.000000003"
    assert spend_coverage(sums) is None


def test_tokens_that_nothing_reports_are_unknown(sums_of: Callable):
    sums = sums_of(request(input_tokens=5))

    assert METRICS["output_tokens"].of(sums) is None
    assert METRICS["total_tokens"].of(sums) == 5


def test_average_latency_is_over_the_requests_that_tell_it(sums_of: Callable):
    assert METRICS["avg_latency_ms"].of(sums_of(request(duration_ms=100.0), request(duration_ms=200.5), request())) == 150.25
    assert METRICS["avg_latency_ms"].of(sums_of(request())) is None


def test_a_column_of_a_metric_is_the_metric_of_each_row():
    frame = pd.DataFrame(
        {
            "input_tokens": [1, None, None],
            "output_tokens": [2, 5, None],
            "successful": [3, 0, 0],
            "failed": [1, 0, 2],
            "latency_us": [3_000, None, 1],
            "timed_requests": [2, 0, 1],
            "spend_usd": [Decimal("0.1"), None, Decimal(2)],
        }
    ).convert_dtypes(dtype_backend="pyarrow")
    rows = [{name: None if pd.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")]

    for name in ("total_tokens", "success_rate", "avg_latency_ms", "spend_usd"):
        column = [None if pd.isna(value) else value for value in METRICS[name].column(frame)]
        assert column == [METRICS[name].of(row) for row in rows]


def test_quotients_are_not_additive_and_sums_are():
    assert all(metric.is_additive == (not metric.per and metric.folds) for metric in METRICS.values())
    assert {name for name, metric in METRICS.items() if not metric.folds} == {
        "latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "active_users",
    }  # fmt: skip
    assert not any(METRICS[name].is_additive for name in ("success_rate", "avg_latency_ms", "spend_per_request"))


def test_good_news_has_a_direction():
    assert [METRICS[name].better for name in CARDS] == [None, "up", None, None, "down", "down"]


def test_a_share_changes_by_points_and_an_amount_by_percent():
    assert METRICS["success_rate"].change(0.9, 0.8) == "+10.0\u00a0pp"
    assert METRICS["spend_usd"].change(Decimal(9), Decimal(8)) == "+12.5%"


def test_the_vocabulary_names_only_what_is_there():
    measures = {name for metric in METRICS.values() for name in metric.measures}

    assert measures <= set(MEASURES) | set(OF_ROWS)
    assert set(MEASURES) == set(FOLDS)
    assert set(COUNTS) <= set(MEASURES) | set(OF_ROWS)
    assert {dimension.column for dimension in DIMENSIONS.values()} <= {*REQUESTS.names, STREAMING}
    assert set(CARDS) <= set(METRICS)
    assert all(name == metric.name for name, metric in METRICS.items())


def test_every_metric_says_what_it_is():
    assert all(metric.label and metric.help.endswith(".") for metric in METRICS.values())
    assert all(label for label, _ in BASES.values())
