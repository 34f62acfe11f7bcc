"""What a reader may not see changes no answer: the law over all questions, and hand-worked cases of each way to ask."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engines import roll_up_everything
from tests.lake_rows import Row
from tests.questions import of_lake, questions, splits
from tests.views import days, instant, request, view, write_lake
from usagecost import queries, schema
from usagecost.budgets import Budget, states
from usagecost.exporting import write_requests
from usagecost.lake import Lake
from usagecost.queries import explained, forecasts, prices, requests, sizes, spending, tables, values
from usagecost.queries.requests import Key, Order
from usagecost.queries.usage import totals
from usagecost.vocabulary import METRICS, measures_of
from usagecost.vocabulary.filters import EVERYTHING, Condition, Filters, Scope, View

MayBeSeen = Callable[[Row], bool]
SCOPES: dict[str, tuple[Scope, MayBeSeen]] = {
    "a member": (Scope(((Condition("user", ("ann",)),),)), lambda row: row["user_id"] == "ann"),
    "a member by e-mail": (Scope((), ("BOB",)), lambda row: row["user_id"] == "bob"),
    "a lead": (
        Scope(((Condition("team", ("search",)),), (Condition("user", ("ann",)),))),
        lambda row: row["team_id"] == "search" or row["user_id"] == "ann",
    ),
    "a token": (
        Scope(((Condition("provider", ("openai",)), Condition("team", (None,))),)),
        lambda row: row["provider"] == "openai" and row["team_id"] is None,
    ),
    "nobody": (Scope(()), lambda _: False),
}


@pytest.fixture(scope="session")
def lakes(varied: tuple[str, list[Row]], shared_folder: Path) -> dict[str, tuple[str, str]]:
    """Scope -> the lake of all varied requests, and one of those alone that are in the scope."""
    lake, rows = varied
    with FileLock(shared_folder / "scopes.lock"), pytest.MonkeyPatch.context() as patch:
        for name, (_, may_be_seen) in SCOPES.items():
            if not (folder := shared_folder / f"only {name}").exists():
                roll_up_everything(patch, least_rows=25)
                seen = [row for row in rows if may_be_seen(row)] or [request("1999-01-01")]
                Path(write_lake(f"{folder}-in-the-making", seen)).rename(folder)
    return {name: (lake, str(shared_folder / f"only {name}")) for name in SCOPES}


ALL_MEASURES = measures_of(METRICS)
TODAY = days("2026-03-29").first
ASKED: dict[str, Callable[[View, str], object]] = {
    "usage.usage": lambda view, split: [
        queries.usage(view, split, ALL_MEASURES),
        queries.usage(view, "hour_of_day", ("requests",)),
    ],
    "values.choices": lambda view, _: queries.choices(view),
    "values.data_span": lambda view, _: values.data_span(view.lake, view.version, view.scope),
    "values.labels": lambda view, _: values.labels(view.lake, view.version, view.scope).digest,
    "requests.page": lambda view, _: [
        requests.page(view, Order(sort), None, is_before, 5) for sort in ("time", "cost") for is_before in (0, 1)
    ],
    "requests.count_before": lambda view, _: requests.count_before(view, Order(), Key(None, 0, "", "")),
    "requests.latencies": lambda view, _: requests.latencies(view),
    "requests.offered": lambda view, _: requests.offered(view),
    "requests.failures": lambda view, _: requests.failures(view),
    "requests.request": lambda view, _: [
        requests.request(view.lake, view.version, view.scope, f"varied-{number}") for number in range(0, 90, 30)
    ],
    "requests.relatives": lambda view, _: requests.relatives(
        view.lake, view.version, view.scope, "best", Key(None, 1_774_742_400_000_000, "test", "varied-1"), None, None
    ),
    "prices.models": lambda view, _: prices.models(view),
    "prices.charges": lambda view, _: prices.charges(view, view.period.first),
    "explained.by_day": lambda view, _: explained.by_day(view, ("requests", "spend_usd"), "team_id"),
    "explained.by_price": lambda view, _: explained.by_price(view),
    "explained.by_value": lambda view, split: explained.by_value(view, split, "spend_usd"),
    "explained.values_of": lambda view, _: explained.values_of(view, "virtual_key"),
    "forecasts.history": lambda view, split: forecasts.history(forecasts.as_of_today(view), split=split),
    "sizes.sample": lambda view, split: sizes.sample(view, "spend_usd", "avg_latency_ms", split),
    "sizes.spread": lambda view, _: sizes.spread(view, "avg_latency_ms"),
    "spending.spent": lambda view, split: spending.spent(view, (split,), [((view.period.start, view.period.end),) * 2]),
    "values.provider_models": lambda view, _: sorted(values.provider_models(view), key=repr),
    "spending.slower": lambda view, split: spending.slower(view, (split,), [((view.period.start, view.period.end),) * 2], 100.0),
    "spending.maker": lambda view, _: spending.maker(view, "gpt-4o", 1.0),
    "tables.table": lambda view, split: tables.table(view, split, ("requests", "spend_usd")),
    "usage.totals": lambda view, split: totals(view, (split,), ("requests", "spend_usd")),
}
"""Every question about requests -> how it is asked."""
BUDGETS = [Budget(name="theirs", amount=Decimal(9), only={"user": ("ann",)}), Budget(name="all", amount=Decimal(9))]
MADE_OF_THEM = {
    "colours.palette", "forecasts.as_of_today", "forecasts.reaches_into", "spending.maker_sentence", "unusual.causes_of",
    "unusual.causes_of_all", "unusual.causes_of_latency", "unusual.latency_spikes",
}  # fmt: skip
"""What asks nothing but these."""
OF_ALL_REQUESTS = {"overlaps.find_overlaps", "sources.changes", "sources.ingests", "sources.removals", "sources.sources"}
"""What only who may see all requests is shown."""


def test_the_law_below_is_about_every_question_there_is():
    there = set()
    for module in pkgutil.iter_modules(queries.__path__):
        known = importlib.import_module(f"{queries.__name__}.{module.name}")
        for name, function in inspect.getmembers(known, inspect.isfunction):
            asked = inspect.signature(function).parameters.values()
            is_asked = any(parameter.name == "lake" or parameter.annotation == "View" for parameter in asked)
            if function.__module__ == known.__name__ and not name.startswith("_") and is_asked:
                there.add(f"{module.name}.{name}")

    assert there == ASKED.keys() | MADE_OF_THEM | OF_ALL_REQUESTS


@pytest.mark.parametrize("engine_in_use", ["rollups"], indirect=True)
@pytest.mark.parametrize("question", ASKED)
@settings(max_examples=4)
@given(asked_for=questions(), name=st.sampled_from(sorted(SCOPES)), split=splits)
def test_what_may_not_be_seen_changes_no_answer(
    lakes: dict[str, tuple[str, str]], question: str, asked_for: View, name: str, split: str
):
    compare(lakes[name], SCOPES[name][0], ASKED[question], asked_for, split)


@pytest.mark.slow
@pytest.mark.parametrize("engine_in_use", ["clickhouse"], indirect=True)
@pytest.mark.parametrize("question", ["usage.usage", "requests.page", "requests.request"])
@settings(max_examples=3)
@given(asked_for=questions(), name=st.sampled_from(sorted(SCOPES)), split=splits)
def test_nor_one_of_clickhouse(lakes: dict[str, tuple[str, str]], question: str, asked_for: View, name: str, split: str):
    compare(lakes[name], SCOPES[name][0], ASKED[question], asked_for, split)


def compare(lakes: tuple[str, str], scope: Scope, ask: Callable[[View, str], object], asked_for: View, split: str) -> None:
    """A question of who may see a scope finds what it finds in a lake without anything else."""
    seen, alone = (of_lake(asked_for, lake) for lake in lakes)
    if scope.any_of == () and not scope.emails:  # a lake without any request has no days to ask about
        alone = replace(alone, scope=scope)

    assert plain(ask(replace(seen, scope=scope), split)) == plain(ask(alone, split))


@settings(max_examples=4)
@given(asked_for=questions(), name=st.sampled_from(sorted(SCOPES)))
def test_nor_does_it_change_what_is_said_of_a_budget(lakes: dict[str, tuple[str, str]], asked_for: View, name: str):
    (lake, lake_of_scope), (scope, _) = lakes[name], SCOPES[name]
    seen, alone = (of_lake(asked_for, root) for root in (lake, lake_of_scope))
    if name == "nobody":
        alone = replace(alone, scope=scope)

    assert plain(states(replace(seen, scope=scope), BUDGETS)) == plain(states(alone, BUDGETS))


def plain(found: Any) -> Any:
    """An answer as values that can be compared, without what says where a line was read."""
    if isinstance(found, pa.Table):
        return sorted((plain(row) for row in found.to_pylist()), key=repr)
    if isinstance(found, pd.DataFrame):
        return found.to_dict("records")
    if isinstance(found, dict):
        return {key: plain(value) for key, value in found.items() if key not in ("source_file", "ingested_us", "ingest_id")}
    if is_dataclass(found):
        return {field.name: plain(getattr(found, field.name)) for field in fields(found) if field.compare}
    if isinstance(found, list | tuple):
        return [plain(one) for one in found]
    return found


@pytest.fixture
def two(lake_of: Callable[..., str]) -> str:
    """A request of one Ann and one of another, of one trace, in teams that have names."""
    lake = lake_of(
        request(
            "2026-05-01 10:00", request_id="hers", user_id="u-1", team_id="t-1", model="a", trace_id="one", reported_cost_usd=1
        ),
        request("2026-05-02 11:00", request_id="his", user_id="u-2", team_id="t-2", model="b", trace_id="one", reported_cost_usd=2),
    )
    called = {"user_id": {"u-1": "Ann", "u-2": "Ann"}, "team_id": {"t-1": "Search", "t-2": "Ads"}}
    rows = [
        {"source": "litellm", "field": field, "id": key, "name": name, "seen_at": instant("2026-05-01")}
        for field, names in called.items()
        for key, name in names.items()
    ]
    Lake(lake).keep_rows("names", pa.Table.from_pylist(rows, schema=schema.NAMES))
    return lake


HERS = Scope(((Condition("user", ("u-1",)),),))


def test_a_reader_is_told_no_name_time_or_trace_of_others(two: str):
    version = Lake(two).version()
    known = values.labels(two, version, HERS)

    assert known.of("user", "u-1") == "Ann"  # not "Ann (u-1)", which would tell of another
    assert known.id_of("team", "Ads") == "Ads"
    assert values.data_span(two, version, HERS) == (instant("2026-05-01 10:00"), instant("2026-05-01 10:00"))
    assert requests.request(two, version, HERS, "his") is None
    at = Key(None, int(instant("2026-05-01 10:00").timestamp() * 1e6), "test", "hers")
    assert requests.relatives(two, version, HERS, "best", at, "one", None) == []
    assert len(requests.relatives(two, version, EVERYTHING, "best", at, "one", None)) == 2


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_has_what_its_reader_may_see_and_no_folder_of_the_server(two: str, tmp_path: Path, form: Any):
    asked = replace(view(two, days("2026-05-01", "2026-05-31")), scope=HERS)

    assert write_requests(asked, tmp_path / "out", form) == 1
    text = (tmp_path / "out").read_text()
    assert [word for word in ("hers", "his", "/srv") if word in text] == ["hers"]


@pytest.mark.parametrize(
    ("conditions", "is_seen"),
    [
        ([], False),
        ([Condition("user", ("u-1",))], True),
        ([Condition("user", ("u-1", "u-2"))], False),
        ([Condition("user", ("u-1",), excludes=True)], False),
        ([Condition("user", (None,))], False),
        ([Condition("team", ("t-1",))], True),
        ([Condition("team", ("t-1",)), Condition("model", ("a",))], True),
        ([Condition("user", ("ANN@example.com",))], True),
        ([Condition("user", ("ann@example.com", "u-2"))], False),
    ],
)
def test_filters_are_within_a_scope_when_all_that_passes_them_is(conditions: list[Condition], is_seen: bool):
    scope = Scope(((Condition("user", ("u-1",)),), (Condition("team", ("t-1",)),)), ("ann@example.com",))

    assert scope.includes(Filters(tuple(conditions))) is is_seen
    assert EVERYTHING.includes(Filters(tuple(conditions)))
