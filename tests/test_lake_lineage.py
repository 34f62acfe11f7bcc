"""Requests that repeat the usage of their parts: only the innermost is counted, whatever came first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lake_rows import Row, at, row, rows_of, stage
from usagecost.lake import Commit, Lake
from usagecost.schema import LINEAGE

pytestmark = pytest.mark.usefixtures("key_indexes")

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


@pytest.mark.parametrize("is_inner_first", [True, False])
def test_of_requests_of_two_traces_that_meet_the_inner_one_is_counted_whichever_comes_first(lake: Lake, is_inner_first: bool):
    inner = ([row("t:call")], [("t:call", "meeting.1")])
    outer = ([row("u:framework")], [("meeting.1", "u:framework")])

    for rows, links in (inner, outer) if is_inner_first else (outer, inner):
        commit(lake, rows, links)

    assert stored_ids(lake) == ["t:call"]


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


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), parents=st.lists(st.integers(0, 5), min_size=1, max_size=6), requests=st.sets(st.integers(0, 6)))
@pytest.mark.slow
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


# ---- what was read long ago


def link(lake: Lake, day: str, part: str, whole: str, *rows: Row) -> Commit:
    """A commit of rows on a day, with one thing that is part of another."""
    table = pa.Table.from_pylist([{"source": "test", "request_id": part, "parent_id": whole, "seen_at": at(day)}], LINEAGE)
    with lake.staging() as folder:
        pq.write_table(table, folder / "lineage.parquet")
        return lake.commit([stage(folder, rows)], lineage=[folder / "lineage.parquet"])


def known_parts(lake: Lake) -> list[str]:
    table = DeltaTable(str(lake.root / "lineage"))
    return sorted(part for path in table.file_uris() for part in pq.ParquetFile(path).read()["request_id"].to_pylist())


def test_parents_of_long_ago_are_forgotten_and_those_within_a_month_are_not(lake: Lake):
    for day, trace in (("2026-05-01", "a"), ("2026-05-10", "b"), ("2026-05-20", "c")):
        link(lake, day, f"{trace}:call", f"{trace}:agent", row(f"{trace}:call"))

    link(lake, "2026-06-10", "d:call", "d:agent", row("d:call"))
    assert known_parts(lake) == ["a:call", "b:call", "c:call", "d:call"], "a few days more cost less than a table written anew"

    link(lake, "2026-06-12", "e:call", "e:agent", row("e:call"))
    assert known_parts(lake) == ["c:call", "d:call", "e:call"]

    commit(lake, [row("c:agent")], [])
    assert "c:agent" not in stored_ids(lake), "within the month the innermost alone is counted"
    assert stored_ids(lake) == ["a:call", "b:call", "c:call", "d:call", "e:call"], "and no request is lost"


def test_of_a_compacted_table_too_only_what_is_old_goes(lake: Lake):
    for day, trace in (("2026-05-01", "a"), ("2026-05-31", "b")):
        link(lake, day, f"{trace}:call", f"{trace}:agent", row(f"{trace}:call"))
    lake.compact()

    link(lake, "2026-06-20", "c:call", "c:agent", row("c:call"))

    assert known_parts(lake) == ["b:call", "c:call"]
    commit(lake, [row("b:agent")], [])
    assert stored_ids(lake) == ["a:call", "b:call", "c:call"]


def test_what_is_read_again_after_it_was_forgotten_is_counted_as_it_was(lake: Lake):
    link(lake, "2026-05-01", "a:call", "a:agent", row("a:call"), row("a:agent"))
    link(lake, "2026-07-01", "b:call", "b:agent", row("b:call"))
    assert known_parts(lake) == ["b:call"]

    again = link(lake, "2026-07-02", "a:call", "a:agent", row("a:call"), row("a:agent"))

    assert (again.inserted, stored_ids(lake)) == (0, ["a:call", "b:call"])
