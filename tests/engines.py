"""Which engine answers the questions of a test. Where one law says that both give the same numbers, others do not again."""

import pytest

from usagecost.lake import rollup_files, rollup_writing

_CLICKHOUSE = pytest.param("clickhouse", marks=pytest.mark.slow)

BY_ALL = pytest.mark.parametrize(
    "engine_in_use", ["duckdb", pytest.param("rollups", marks=pytest.mark.slow), _CLICKHOUSE], indirect=True
)
BY_ROLLUPS = pytest.mark.parametrize("engine_in_use", ["rollups"], indirect=True)
ON_BOTH_ENGINES = pytest.mark.parametrize("engine_in_use", ["duckdb", _CLICKHOUSE], indirect=True)
ON_ROLLUPS_BY_BOTH_ENGINES = pytest.mark.parametrize("engine_in_use", ["rollups", _CLICKHOUSE], indirect=True)


def roll_up_everything(patch: pytest.MonkeyPatch, least_rows: int = 1) -> None:
    """Lakes made from now on have rollups of every file of so many rows, however much room they take."""
    patch.setattr(rollup_files, "LEAST_ROWS", least_rows)
    patch.setattr(rollup_writing, "MOST_OF_FILE", 1_000)
    patch.setattr(rollup_writing, "MOST_OF_LAKE", 1_000)
