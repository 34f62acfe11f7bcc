"""The example logs load as their README says, to these numbers."""

from __future__ import annotations

import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from usagecost import ingest
from usagecost.lake import Lake

HOME = Path(__file__).parents[1]
DATA = HOME / "data"

TOTALS = """
SELECT source, count(*), count(*) FILTER (status = 'success'), sum(input_tokens)::BIGINT, sum(cache_read_tokens)::BIGINT,
    sum(output_tokens)::BIGINT, sum(reported_cost_usd), sum(list_cost_usd)
FROM read_parquet($files) GROUP BY source ORDER BY source
"""


def totals(lake: Lake) -> list[tuple[object, ...]]:
    """Of each source: requests, successful ones, input, cache read and output tokens, reported and list cost."""
    return duckdb.sql(TOTALS, params={"files": list(lake.snapshot().files())}).fetchall()


def test_the_folder_of_examples_loads_whole(tmp_path: Path):
    lake = Lake(tmp_path / "lake")

    report = ingest.ingest([DATA / "examples"], lake)

    assert (report.files, report.lines, report.requests, report.skipped, report.rejected) == (3, 13, 10, 3, 0)
    assert report.problems == ()
    assert totals(lake) == [
        ("claude-code", 3, 3, 26_200, 16_500, 600, None, Decimal("0.04905")),
        ("litellm", 4, 3, 6_000, None, 1_200, Decimal("0.0195"), Decimal("0.0195")),
        ("otel", 3, 2, 1_000, None, 200, None, Decimal("0.0045")),
    ]


def test_the_table_loads_by_its_mapping(tmp_path: Path):
    lake = Lake(tmp_path / "lake")

    report = ingest.ingest([DATA / "mapped" / "gateway.csv"], lake, mapping=DATA / "mapped" / "gateway.toml")

    assert (report.requests, report.rejected, report.problems) == (3, 0, ())
    assert totals(lake) == [("gateway", 3, 2, 3_000, 500, 400, Decimal("0.01125"), Decimal("0.010875"))]


def test_git_ignores_the_lake_and_the_sample_and_nothing_else():
    if not shutil.which("git") or not (HOME / ".git").exists():
        pytest.skip("this is no checkout of git")
    paths = ["lake/requests/a.parquet", "sample/a/b", "prices.toml", "boards/a.toml", "examples/litellm.csv", "README.md"]

    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", *(f"data/{path}" for path in paths)],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
    )

    assert asked.stdout.split() == ["data/lake/requests/a.parquet", "data/sample/a/b"]
