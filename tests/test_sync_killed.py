"""A large table, a process that is killed in the middle, rows that come late and change: the lake is the table all the same."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path

import pytest

from tests.lake_rows import stored
from tests.litellm_database import add_traffic, litellm_database, requests_in
from tests.postgres import Server
from tests.processes import running
from tests.test_sync import requests_of, sync_of
from usagecost.lake import Lake

ROWS = 20_000

IN_PARTS = """
import sys
from usagecost.cli import app
from usagecost.ingest.litellm import parts
parts.PART_ROWS = 4_000
app(sys.argv[1:])
"""
"""The command, with smaller parts than it has, so that there is a middle."""


def syncing(dsn: str, lake: Path, *options: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """The command as a process of its own."""
    command = ("sync", "litellm", "--lake", lake, *options)
    return running("-c", IN_PARTS, *command, USAGECOST_DSN=dsn)


def differences(found: Mapping[str, tuple], table: Mapping[str, tuple]) -> list[tuple]:
    """The first requests of which the lake and the table say something else. Whole, hundreds of thousands would be compared."""
    ids = (name for name in table.keys() | found.keys() if found.get(name) != table.get(name))
    return sorted((name, found.get(name), table.get(name)) for name in ids)[:20]


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_by_kills_late_rows_and_changes(postgres: Server, tmp_path: Path):
    database = litellm_database(postgres)
    add_traffic(postgres, database, ROWS)
    dsn, lake = postgres.dsn(database), Lake(tmp_path / "lake")

    with syncing(dsn, lake.root) as process:
        for line in process.stdout:  # killed when something is committed, and more is on its way
            if "Part 2 of " in line:
                break
        time.sleep(0.7)
        process.send_signal(signal.SIGKILL)
    assert 0 < stored(lake).num_rows < ROWS

    add_traffic(postgres, database, 500, first="2026-11-10 00:00:01", step="97 s", prefix="late")
    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET spend = spend * 2 + 0.5 WHERE request_id LIKE 'r%77'""", database)
    for seconds in (2.0, 3.0):  # and killed wherever it happens to be
        with syncing(dsn, lake.root) as process:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
    with syncing(dsn, lake.root) as process:
        assert process.wait() == 0

    table = requests_in(postgres, database)
    found = requests_of(lake)
    assert len(table) == ROWS + 500
    assert differences(found, table) == []
    assert [sum(values[place] for values in found.values()) for place in (0, 1)] == [
        int(postgres.run(f'SELECT sum({column}) FROM "LiteLLM_SpendLogs"', database))
        for column in ("prompt_tokens", "completion_tokens")
    ]
    assert sum(Decimal(cost) for _, _, cost in found.values()) == Decimal(
        postgres.run('SELECT sum(spend::numeric(18, 9)) FROM "LiteLLM_SpendLogs"', database)
    )

    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET spend = 0.25 WHERE request_id LIKE 'r%123'""", database)
    add_traffic(postgres, database, 300, start=ROWS)
    done = sync_of(postgres, database, lake).run()

    assert (done.report.inserted, done.report.updated) == (300, 20)
    assert done.report.lines < 1000
    assert differences(requests_of(lake), requests_in(postgres, database)) == []


@pytest.mark.slow
def test_a_signal_ends_it_at_once_and_the_next_start_goes_on(postgres: Server, tmp_path: Path):
    """In the middle of a part, and between two rounds."""
    database = litellm_database(postgres)
    add_traffic(postgres, database, 12_000)
    dsn, lake = postgres.dsn(database), Lake(tmp_path / "lake")

    with syncing(dsn, lake.root, "--every", "60s") as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, complaints = process.communicate(timeout=60)
    assert "Part 2 of 5: " in first
    assert "Stopped; what was committed stays" in rest.splitlines()[-1]
    assert (process.returncode, complaints) == (0, "")
    assert stored(lake).num_rows < 12_000

    with syncing(dsn, lake.root, "--every", "60s") as process:
        for line in process.stdout:
            if "rows read" in line:
                break
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert time.monotonic() - asked < 30, "long before the next round"
    assert requests_of(lake) == requests_in(postgres, database)
