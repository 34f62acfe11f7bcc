"""Requests that repeat the usage of their parts: only the innermost is counted, whatever came first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lake_rows import Row, at, row, rows_of, stage
from usagecost.lake import Commit, Lake
from usagecost.schema import LINEAGE

Link = tuple[str, str]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def commit(lake: Lake, rows: Sequence[Row], links: Sequence[Link]) -> Commit:
    table = pa.Table.from_pylist(
        [{"source": "test", "request_id": part, "parent_id": whole, "seen_at": at("2026-05-01")} for part, whole in links], LINEAGE
    )
    with lake.staging() as folder:
        pq.write_table(table, folder / "lineage.parquet")
        return lake.commit([stage(folder, rows)], lineage=[folder / "lineage.parquet"])


def stored_ids(lake: Lake) -> list[str]:
    return [request_id for (request_id,) in rows_of(lake, "request_id")]


def test_a_request_that_contains_another_is_not_counted(lake: Lake):
    done = commit(lake, [row("t:agent"), row("t:call")], [("t:call", "t:agent")])

    assert stored_ids(lake) == ["t:call"]
    assert (done.inserted, done.duplicates) == (1, 1)


def test_a_request_counted_too_early_is_withdrawn(lake: Lake):
    commit(lake, [row("t:agent", started_at="2026-04-30 23:59")], [])

    done = commit(lake, [row("t:call")], [("t:call", "t:agent")])

    assert stored_ids(lake) == ["t:call"]
    assert (done.inserted, done.withdrawn) == (1, 1)


def test_a_request_that_comes_after_its_parts_is_not_counted(lake: Lake):
    commit(lake, [row("t:call")], [("t:call", "t:agent")])

    done = commit(lake, [row("t:agent")], [])

    assert stored_ids(lake) == ["t:call"]
    assert (done.inserted, done.duplicates, done.version) == (0, 1, 1)


def test_parts_are_found_through_what_is_no_request(lake: Lake):
    commit(lake, [row("t:agent")], [])
    commit(lake, [row("t:call")], [("t:call", "t:tool")])

    commit(lake, [], [("t:tool", "t:agent")])

    assert stored_ids(lake) == ["t:call"]


def test_traces_do_not_touch_each_other(lake: Lake):
    commit(lake, [row("t:agent"), row("u:call")], [("u:call", "u:agent")])

    assert stored_ids(lake) == ["t:agent", "u:call"]


def test_what_is_said_to_be_part_of_itself_is_counted(lake: Lake):
    commit(lake, [row("t:a")], [("t:a", "t:a")])

    assert stored_ids(lake) == ["t:a"]


def test_of_two_that_are_said_to_be_part_of_each_other_none_is_lost(lake: Lake):
    commit(lake, [row("t:a"), row("t:b")], [("t:a", "t:b"), ("t:b", "t:a")])

    assert stored_ids(lake) == ["t:a", "t:b"]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), parents=st.lists(st.integers(0, 5), min_size=1, max_size=6), requests=st.sets(st.integers(0, 6)))
def test_neither_order_nor_batches_change_what_is_counted(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, parents: list[int], requests: set[int]
):
    parent_of = {place + 1: min(parent, place) for place, parent in enumerate(parents)}
    spans = [0, *parent_of]
    inner = {span for span in requests if span in spans}
    above: dict[int, set[int]] = {0: set()}
    for span, parent in parent_of.items():
        above[span] = above[parent] | {parent}
    counted = {span for span in inner if not any(span in above[other] for other in inner)}
    order = data.draw(st.permutations(spans))
    cut = data.draw(st.integers(0, len(order)))
    lake = Lake(tmp_path_factory.mktemp("lineage"))

    for part in (order[:cut], order[cut:], order[:cut]):
        rows = [row(f"t:{span}") for span in part if span in inner]
        commit(lake, rows, [(f"t:{span}", f"t:{parent_of[span]}") for span in part if span in parent_of])

    assert stored_ids(lake) == sorted(f"t:{span}" for span in counted)
