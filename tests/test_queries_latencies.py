"""Percentiles that a rollup helps with are those that DuckDB finds in all requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import floor
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines import roll_up_everything
from tests.lake_rows import Row
from tests.views import days, request, view
from usagecost import boards, engine
from usagecost.boards import Panel
from usagecost.lake import rollup_files
from usagecost.queries import latency_steps
from usagecost.queries.folds import rows
from usagecost.queries.rows import Rows
from usagecost.vocabulary import LATENCY_STEPS_PER_ROOT, PERCENTILES
from usagecost.vocabulary.filters import Condition, Filters, View

FIRST, LAST = date(2026, 5, 1), date(2026, 5, 4)
PROVIDERS = ("openai", "anthropic", "o'brien", None)
NOT_MORE_THAN = 1e-15
"""By how much of itself a percentile may differ: the last binary digit."""


@pytest.fixture(autouse=True)
def large_files_are_rolled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    roll_up_everything(monkeypatch, 20)
    monkeypatch.setattr(latency_steps, "MOST_SHARE", 1)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many latencies are taken in hand from now on, each time that a rollup helps."""
    seen: list[int] = []
    run = engine.table

    def noted(sql: str, *args: object, **named: object) -> object:
        found = run(sql, *args, **named)  # type: ignore[arg-type]
        if "latencies" in found.column_names:
            seen.append(sum(map(len, found["latencies"].to_pylist())))
        return found

    monkeypatch.setattr(engine, "table", noted)
    return seen


def sent(seed: int, spread: float) -> list[Row]:
    """Requests of four days, one of them in a file too small for a rollup; some latencies are unknown, or less than nothing."""
    random = Random(seed)
    counts = {FIRST: 60, FIRST + timedelta(days=1): 25, FIRST + timedelta(days=2): 10, LAST: 40}
    return [
        request(
            datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=random.uniform(0, 86_399)),
            provider=random.choice(PROVIDERS),
            status=random.choice(["success", "error"]),
            duration_ms=random.choice([None, 0.0, -1.0, 250.0, *(random.lognormvariate(7, spread) for _ in range(16))]),
        )
        for day, count in counts.items()
        for _ in range(count)
    ]


def answers(asked: View, metrics: tuple[str, ...], split: str | None, top: int) -> list[dict[str, object]]:
    """Everything that panels say of percentiles: of the whole, of each day and value, and of each value on each day."""
    found = []
    for chart in ("number", "table") if split is None else ("ranked", "line"):
        shown = metrics if chart in ("number", "table") else metrics[:1]
        answer = boards.answer(Panel(metrics=shown, split=split, chart=chart, top=top), asked)
        found += [answer.totals, answer.before or {}, *rows(answer.over_time)]
        found += sorted((*rows(answer.by_value), *rows(answer.cells)), key=repr) if split else []
    return found


def same(one: list[dict[str, object]], other: list[dict[str, object]]) -> bool:
    return len(one) == len(other) and all(
        left == pytest.approx(right, rel=NOT_MORE_THAN, nan_ok=True) if isinstance(left, float) else left == right
        for mine, theirs in zip(one, other, strict=True)
        for left, right in zip(mine.values(), theirs.values(), strict=True)
    )


@pytest.fixture(scope="module")
def lakes() -> dict[float, str]:
    """Lakes by how far latencies lie from each other, made when they are asked for."""
    return {}


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([0.0, 0.4, 2.0]),
    st.sets(st.sampled_from(sorted(PERCENTILES)), min_size=1).map(sorted).map(tuple),
    st.sampled_from([None, "provider", "model"]),
    st.sampled_from([Filters(), Filters((Condition("provider", ("openai", None)),))]),
    st.sampled_from([1, 2, 10]),
)
@pytest.mark.slow
def test_percentiles_are_those_of_all_requests(
    lake_of: Callable[..., str],
    lakes: dict[float, str],
    looked_at: list[int],
    spread: float,
    metrics: tuple[str, ...],
    split: str | None,
    filters: Filters,
    top: int,
):
    if spread not in lakes:
        lakes[spread] = lake_of(*sent(int(spread), spread))
    asked = replace(view(lakes[spread], days(FIRST, LAST)), filters=filters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollup_files, "ROLLUPS", {})
        by_requests = answers(asked, metrics, split, top)
    looked_at.clear()
    by_rollups = answers(asked, metrics, split, top)

    assert looked_at
    assert same(by_rollups, by_requests)


def p95(lake: str, zone: str = "UTC", split: str | None = None) -> boards.Answer:
    return boards.answer(Panel(metrics=("latency_p95_ms",), chart="line", split=split), view(lake, days(FIRST, LAST, zone)))


def test_only_latencies_around_the_percentile_are_taken_in_hand(lake_of: Callable[..., str], looked_at: list[int]):
    hundred = [request(f"2026-05-0{day} 10:00:{i % 60:02}", duration_ms=100.0 * i) for day in (1, 2) for i in range(1, 101)]

    assert p95(lake_of(*hundred)).totals["latency_p95_ms"] == pytest.approx(9505.0, rel=NOT_MORE_THAN)
    assert len(looked_at) == 1
    assert 0 < looked_at[0] < 2 * len(hundred) / 5


def test_about_a_percentile_is_the_step_of_the_latency_at_its_rank_and_no_latency_is_looked_at(
    lake_of: Callable[..., str], looked_at: list[int]
):
    sent_ones = sent(1, 2.0)
    asked = view(lake_of(*sent_ones), days(FIRST.isoformat(), (LAST + timedelta(days=1)).isoformat()))

    found = latency_steps.percentiles_about(Rows.of(asked), 0.95)

    for place, about in enumerate(found[:-1]):
        of_day = [row for row in sent_ones if row["started_at"].date() == FIRST + timedelta(days=place)]
        known = sorted(max(row["duration_ms"], 0) for row in of_day if row["duration_ms"] is not None)
        step = floor(known[floor(0.95 * (len(known) - 1))] ** 0.25 * LATENCY_STEPS_PER_ROOT)
        assert (step / LATENCY_STEPS_PER_ROOT) ** 4 <= about <= ((step + 1) / LATENCY_STEPS_PER_ROOT) ** 4
    assert (len(found), found[-1], looked_at) == (5, None, [])
