from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from tests.lake_rows import Row, commit, contents, row, rows_of, stage
from usagecost.lake import Lake
from usagecost.lake import handle as lake_module
from usagecost.lake.publishing import replace_days
from usagecost.lake.storage import Disk
from usagecost.lake.table import REQUESTS, open_table, write_file

REPOSITORY = Path(__file__).parent.parent

INGEST = """
import sys
from pathlib import Path
from usagecost.lake import Lake
lake = Lake(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for staged in sys.argv[2:]:
    done = lake.commit([Path(staged)])
    print(done.inserted, done.updated, done.unchanged, done.version, flush=True)
"""

READ = """
import sys
import duckdb
from usagecost.lake import Lake
lake = Lake(sys.argv[1])
print("ready", flush=True)
seen = set()
while not (seen and max(seen) >= int(sys.argv[2])):
    snapshot = lake.snapshot()
    files = {"files": list(snapshot.files())}
    (count,) = duckdb.execute("SELECT count(DISTINCT request_id) FROM read_parquet($files)", files).fetchone()
    assert count == snapshot.rows
    seen.add(count)
print(*sorted(seen))
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def start(script: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish_together(*processes: subprocess.Popen[str]) -> list[list[list[int]]]:
    """What each process printed, in numbers, once all of them were ready and went at the same time."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return [[[int(word) for word in line.split()] for line in text.splitlines()] for text in printed]


def numbered(first: int, last: int, **values: object) -> list[Row]:
    """Requests spread over three days."""
    return [row(f"r{number}", started_at=f"2026-05-0{1 + number % 3} 10:00", **values) for number in range(first, last)]


@pytest.mark.slow
def test_two_processes_ingest_at_once_and_both_succeed(lake: Lake, tmp_path: Path):
    batches = [[stage(tmp_path, numbered(start, start + 20)) for start in range(first, first + 40, 20)] for first in (0, 40)]
    one, other = finish_together(*(start(INGEST, lake.root, *staged) for staged in batches))

    assert [inserted for inserted, *_ in one + other] == [20] * 4
    assert sorted(version for *_, version in one + other) == [1, 2, 3, 4]
    assert len(contents(lake)) == lake.snapshot().rows == 80
    assert len(lake.snapshot().data_files) == 3


def test_of_two_committers_from_one_version_only_the_first_passes(lake: Lake, tmp_path: Path):
    """Two machines: the file lock of one does not hold the other. Both add the same requests to a new day."""
    commit(lake, row("old"))
    place = Disk(lake.root) / "requests"
    stale = open_table(place)
    commit(lake, row("new", started_at="2026-06-01 10:00"))
    with duckdb.connect() as con:
        same = f"SELECT * FROM read_parquet('{lake.snapshot().files()[-1]}')"
        added = write_file(con, tmp_path, REQUESTS, same, {}, day=lake.snapshot().last_day)

    with pytest.raises(CommitFailedError):
        replace_days(stale, place, [added], [lake.snapshot().last_day], {})
    assert not (lake.root / "requests" / added.data.name).exists()
    assert rows_of(lake, "request_id") == [("new",), ("old",)]


def test_a_commit_that_lost_the_race_is_resolved_again(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commit(lake, row("old"))
    rival_has_committed = []

    def beaten_once(*arguments: object) -> int:
        if not rival_has_committed:
            rival_has_committed.append(True)
            rival = Lake(lake.root)
            folder = tmp_path / "other machine"
            folder.mkdir()
            rival._merge([str(stage(tmp_path, [row("new", rank=1, model="theirs"), row("theirs")]))], [], {}, {}, folder)
        return replace_days(*arguments)

    monkeypatch.setattr(lake_module, "replace_days", beaten_once)
    done = commit(lake, row("new", rank=2, model="ours"), row("ours"))

    assert (done.inserted, done.updated, done.version) == (1, 1, 3)
    assert rows_of(lake, "request_id", "model") == [("new", "ours"), ("old", None), ("ours", None), ("theirs", None)]
    named = {Path(path).name for path in lake.snapshot().files()}
    assert len({file.name for file in (lake.root / "requests").glob("day=*/*.parquet")} - named) == 2, "only older versions' files"


@pytest.mark.slow
def test_a_reader_never_sees_half_a_commit(lake: Lake):
    commit(lake, *numbered(0, 30))
    reader = start(READ, lake.root, 180)
    assert reader.stdout.readline() == "ready\n"
    for first in range(30, 180, 30):
        commit(lake, *numbered(first, first + 30), *numbered(0, first, rank=first))
    seen = {int(word) for word in reader.communicate(timeout=60)[0].split()}

    assert reader.returncode == 0
    assert seen <= set(range(30, 181, 30))
    assert len(seen) > 1


KILLED_BEFORE = """
import os, sys
from pathlib import Path
from usagecost.lake import {module}
def die(*_, **__):
    os.kill(os.getpid(), 9)
{module}.{function} = die
from usagecost.lake import Lake
Lake(sys.argv[1]).commit([Path(sys.argv[2])])
"""


@pytest.mark.parametrize(
    ("module", "function"),
    [("storage", "fsync"), ("handle", "replace_days"), ("publishing", "sync_log")],
)
@pytest.mark.slow
def test_a_process_killed_at_a_step_of_the_commit_leaves_a_whole_version(lake: Lake, tmp_path: Path, module: str, function: str):
    commit(lake, *numbered(0, 10))
    before = contents(lake)
    staged = stage(tmp_path, numbered(5, 15, rank=1))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE.format(module=module, function=function), lake.root, staged],
        cwd=REPOSITORY,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    committed = function == "sync_log"  # by then the log's entry is written
    assert (contents(lake) == before) is not committed

    done = lake.commit([staged])
    assert (done.inserted, done.updated, done.unchanged) == ((0, 0, 10) if committed else (5, 5, 0))
    assert len(contents(lake)) == 15
    assert list((lake.root / "staging").iterdir()) == []


def test_many_versions_are_read_from_checkpoints(lake: Lake):
    commit(lake, row("a"))
    table = open_table(lake._requests)
    table.alter.set_table_properties({"delta.checkpointInterval": "3"})
    for number in range(5):
        commit(lake, row("a", rank=number + 1), row(f"r{number}"))

    assert list((lake.root / "requests" / "_delta_log").glob("*.checkpoint.parquet"))
    assert Lake(lake.root).snapshot().rows == lake.snapshot().rows == 6
    assert DeltaTable(str(lake.root / "requests")).version() == 7
