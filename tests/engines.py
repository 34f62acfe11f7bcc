"""Tests of questions run on both engines, and those that sum up with the lake's rollups too: the same SQL, the same numbers."""

import pytest

_CLICKHOUSE = pytest.param("clickhouse", marks=pytest.mark.slow)

ON_BOTH_ENGINES = pytest.mark.parametrize("engine_in_use", ["duckdb", _CLICKHOUSE], indirect=True)
ON_ENGINES_AND_ROLLUPS = pytest.mark.parametrize("engine_in_use", ["duckdb", "rollups", _CLICKHOUSE], indirect=True)
ON_ROLLUPS_BY_BOTH_ENGINES = pytest.mark.parametrize("engine_in_use", ["rollups", _CLICKHOUSE], indirect=True)
