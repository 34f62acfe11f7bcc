"""Rows that come bit by bit: files that stay as they are, and the law that holds all the same: one key, one row."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake_rows import Row, commit, contents, row
from usagecost.lake import Lake
from usagecost.lake import days as lake_days
from usagecost.lake.table import DataFile


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
