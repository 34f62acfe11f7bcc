"""Rows that come bit by bit: files that stay as they are, and the law that holds all the same: one key, one row."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake_rows import Row, commit, contents, row, rows_of
from usagecost.lake import Lake
from usagecost.lake import days as lake_days
from usagecost.lake.table import DataFile


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of more than two rows count as not small."""
    monkeypatch.setattr(lake_days, "SMALL_ROWS", 2)


def numbered(first: int, last: int, **values: object) -> list[Row]:
    return [row(f"r{number:03}", **values) for number in range(first, last)]


def sizes(lake: Lake) -> list[int]:
    return sorted(file.rows for file in lake.snapshot().data_files)


def file_of(rows: int) -> DataFile:
    return DataFile(name=f"{rows}.parquet", day=date(2026, 5, 1), rows=rows, bytes=rows * 80)


@pytest.mark.parametrize(
    ("stored", "arriving", "joined"),
    [
        ([100_000, 20_000, 5], 1, [5, 20_000]),
        ([100_000, 20_001], 1, []),
        ([50_000, 30_000, 20_000], 1_000, [20_000]),
        ([50_000, 30_000, 20_000], 10_000, [20_000, 30_000, 50_000]),
        ([4_000_000, 3_999_999], 9_000_000, [3_999_999]),
        ([], 7, []),
    ],
)
def test_new_rows_join_the_small_files_and_those_no_larger_than_all_that_joins(stored: list[int], arriving: int, joined: list[int]):
    assert [file.rows for file in lake_days.joining(map(file_of, stored), arriving)] == joined


@pytest.mark.usefixtures("small")
def test_a_large_file_stays_where_it_is_and_few_rows_make_one_beside_it(lake: Lake):
    commit(lake, *numbered(0, 10))
    (large,) = lake.snapshot().files()

    for place in range(10, 12):
        commit(lake, *numbered(place, place + 1))

    assert sizes(lake) == [2, 10]
    assert large in lake.snapshot().files()
    assert [name for (name,) in rows_of(lake, "request_id")] == [f"r{number:03}" for number in range(12)]


@pytest.mark.usefixtures("small")
def test_a_file_with_a_row_that_changes_is_written_anew_and_others_are_not(lake: Lake):
    commit(lake, *numbered(0, 10))
    commit(lake, *numbered(10, 14))
    before = set(lake.snapshot().files())

    done = commit(lake, row("r012", rank=1, model="better"))

    assert (done.inserted, done.updated) == (0, 1)
    assert sizes(lake) == [4, 10]
    assert len(before & set(lake.snapshot().files())) == 1
    assert ("r012", "better") in rows_of(lake, "request_id", "model")


@pytest.mark.usefixtures("small")
def test_a_request_that_moves_to_another_day_leaves_its_old_one(lake: Lake):
    commit(lake, *numbered(0, 10))
    commit(lake, *numbered(10, 14))

    commit(lake, row("r003", rank=1, started_at="2026-05-02 10:00"))

    assert sizes(lake) == [1, 13]
    assert len(contents(lake)) == 14


@pytest.mark.usefixtures("small")
def test_compaction_makes_one_file_of_those_of_a_day(lake: Lake):
    commit(lake, *numbered(0, 10))
    commit(lake, *numbered(10, 14))
    before = contents(lake)
    assert lake.snapshot().small_files == 2

    assert lake.compact() == 2

    assert (sizes(lake), lake.snapshot().small_files) == ([14], 0)
    assert contents(lake) == before


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_what_comes_a_row_at_a_time_is_a_handful_of_files(lake: Lake):
    for number in range(20):
        commit(lake, *numbered(number, number + 1))

    assert len(contents(lake)) == 20
    assert len(sizes(lake)) <= math.log2(20) + 1


VERSION = st.builds(
    row,
    st.sampled_from("abcdefgh"),
    rank=st.integers(0, 2),
    started_at=st.sampled_from(["2026-05-01 10:00", "2026-05-01 11:00", "2026-05-02 10:00"]),
    model=st.sampled_from(["m", "n"]),
)


@settings(max_examples=4, deadline=None)
@given(batches=st.lists(st.lists(VERSION, min_size=1, max_size=4), min_size=2, max_size=5))
@pytest.mark.slow
def test_bit_by_bit_is_the_same_as_at_once(batches: list[list[Row]]):
    with TemporaryDirectory() as folder, patch.object(lake_days, "SMALL_ROWS", 1):
        bit_by_bit, at_once = Lake(Path(folder, "one")), Lake(Path(folder, "other"))
        for batch in batches:
            commit(bit_by_bit, *batch)
        commit(at_once, *(version for batch in batches for version in batch))

        assert contents(bit_by_bit) == contents(at_once)
