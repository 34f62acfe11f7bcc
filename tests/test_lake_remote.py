"""A lake in an object store: what holds for one on disk holds there, also between machines that share nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import obstore
import pyarrow.parquet as pq
import pytest
from obstore.exceptions import PermissionDeniedError

from tests.lake_rows import commit, contents, row, rows_of, stage
from tests.object_store import objects, store_of
from tests.test_cli import TABLE, run
from tests.test_lake_concurrency import INGEST, finish_together, numbered, start
from tests.views import days as periods_of
from tests.views import view
from usagecost import queries
from usagecost.lake import Commit, Lake, LakeUnreadable, Selection
from usagecost.lake.rollups import ROLLUPS
from usagecost.queries.folds import rows

pytestmark = pytest.mark.slow


IN_EACH_STORE = pytest.mark.parametrize("lake", ["s3", "gs"], indirect=True)


@pytest.fixture
def lake(request: pytest.FixtureRequest, new_lake: Callable[[str], str]) -> Lake:
    return Lake(new_lake(getattr(request, "param", "s3")))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Lake], Lake]:
    """The same lake as another machine sees it, which has no copies."""

    def seen_from_there(lake: Lake) -> Lake:
        with monkeypatch.context() as patch:
            patch.setenv("USAGECOST_CACHE", str(tmp_path / "other machine"))
            return Lake(lake.name)

    return seen_from_there


def seen(lake: Lake) -> None:
    """Waits until what others committed must be seen."""
    time.sleep(lake._requests.look_every)


@IN_EACH_STORE
def test_requests_are_merged_as_on_disk(lake: Lake):
    assert not lake.exists
    assert commit(lake, row("a"), row("b", started_at="2026-05-02 00:00")) == Commit(2, 0, 0, 0, 0, days=2, version=1)
    assert commit(lake, row("a", rank=1), row("a", rank=1)) == Commit(0, 1, 0, 1, 0, days=1, version=2)
    assert commit(lake, row("a")) == Commit(0, 0, 1, 0, 0, days=0, version=2)

    assert lake.exists
    assert rows_of(lake, "request_id", "rank") == [("a", 1), ("b", 0)]
    assert [entry["counts"].get("updated") for entry in lake.history()] == [1, 0, None]
    assert not list(Path(lake.root / "staging").iterdir())


def test_in_the_store_there_are_the_tables_and_nothing_else(lake: Lake):
    commit(lake, row("a"))

    log, first, file = objects(lake.name)
    assert (log, first) == (f"requests/_delta_log/{0:020}.json", f"requests/_delta_log/{1:020}.json")
    assert file.startswith("requests/day=2026-05-01/")


def test_another_machine_reads_what_was_written(lake: Lake, elsewhere: Callable[[Lake], Lake]):
    commit(lake, row("a"), row("b", started_at="2026-05-02 10:00"))
    other = elsewhere(lake)

    assert other.root != lake.root
    assert contents(other) == contents(lake)
    assert [Path(path).parent.name for path in other.snapshot().files(first_day=date(2026, 5, 2))] == ["day=2026-05-02"]
    assert commit(other, row("a", rank=1)).updated == 1
    seen(lake)
    assert rows_of(lake, "request_id", "rank") == [("a", 1), ("b", 0)]


def test_a_machine_fetches_only_the_days_that_it_is_asked_about(lake: Lake, elsewhere: Callable[[Lake], Lake]):
    commit(lake, *(row(str(day), started_at=f"2026-05-0{day} 12:00") for day in range(1, 6)))
    other = elsewhere(lake)
    (path,) = other.snapshot().files(date(2026, 5, 3), date(2026, 5, 3))

    assert [str(file) for file in other.root.rglob("*.parquet")] == [path]
    assert pq.ParquetFile(path).read(["request_id"]).to_pylist() == [{"request_id": "3"}]


def test_looking_for_a_new_version_costs_microseconds_in_between(lake: Lake):
    commit(lake, row())
    lake.version()
    started = time.process_time()
    for _ in range(1000):
        lake.version()

    assert time.process_time() - started < 0.2, "a thousand requests to the store take seconds"


def test_a_lake_made_anew_in_the_same_place_is_noticed(lake: Lake):
    other = Lake(lake.name)
    commit(lake, row("a"))
    assert other.snapshot().rows == 1
    obstore.delete(store_of(lake.name), objects(lake.name))
    commit(Lake(lake.name), row("a"), row("b"))
    seen(other)

    assert (other.version(), other.snapshot().rows) == (1, 2)


# ---- several machines


@IN_EACH_STORE
def test_two_machines_that_ingest_at_once_into_a_lake_that_is_not_there_yet_both_succeed(lake: Lake, tmp_path: Path):
    """They have no lock in common: the store alone keeps them apart, from making the table on."""
    batches = [[stage(tmp_path, numbered(start, start + 20)) for start in range(first, first + 40, 20)] for first in (0, 40)]
    one, other = finish_together(
        *(
            start(INGEST, lake.name, *staged, USAGECOST_CACHE=str(tmp_path / f"machine {place}"))
            for place, staged in enumerate(batches)
        )
    )

    assert [inserted for inserted, *_ in one + other] == [20] * 4
    assert sorted(version for *_, version in one + other) == [1, 2, 3, 4]
    assert len(contents(lake)) == lake.snapshot().rows == 80
    assert len(lake.snapshot().data_files) == 3


# ---- laws, and the rest of the lake


@IN_EACH_STORE
def test_a_removal_takes_requests_and_a_vacuum_their_files_and_copies(lake: Lake):
    commit(lake, row("a", user_id="ada"), row("b", user_id="bob"), row("c", user_id="ada", started_at="2026-05-02 10:00"))
    assert lake.removal(Selection(user="ada")).requests == 2
    removed = lake.remove(Selection(user="ada"))

    assert (removed.requests, removed.version) == (2, 2)
    assert rows_of(lake, "request_id") == [("b",)]
    assert lake.vacuum(grace_hours=0) == 2
    (kept,) = lake.snapshot().files()
    assert [str(path) for path in lake.root.rglob("*.parquet")] == [kept]
    assert [name for name in objects(lake.name) if name.endswith(".parquet")] == [f"requests/day=2026-05-01/{Path(kept).name}"]
    with pytest.raises(LakeUnreadable, match="gone or damaged"):
        lake.snapshot(1).files()


# ---- the page and the commands


def test_commands_take_the_url_of_a_lake(lake: Lake, tmp_path: Path):
    (tmp_path / "requests.csv").write_text(TABLE)

    assert run("ingest", tmp_path / "requests.csv", "--lake", lake.name).exit_code == 0
    assert (
        '"spend_usd": 2.5'
        in run("summary", "--start", "2026-05-01", "--end", "2026-05-01", "--lake", lake.name, "--format", "json").stdout
    )
    assert lake.name in run("doctor", "--repair", "--lake", lake.name).stdout


@pytest.mark.usefixtures("rolled_up")
def test_rollups_lie_in_the_store_and_serve_machines_that_never_saw_the_requests(lake: Lake, elsewhere: Callable[[Lake], Lake]):
    sent = [row(f"{day}-{i}", started_at=f"2026-05-0{day} 08:{i:02}", model=f"m{i % 3}") for day in (1, 2, 3) for i in range(60)]
    commit(lake, *sent)
    there = elsewhere(lake)
    found = queries.usage(view(lake.name, periods_of(date(2026, 5, 1), date(2026, 5, 3))), "model")

    assert len([name for name in objects(lake.name) if "/_rollups/" in name]) == len(ROLLUPS) * (3 + 1)
    assert there.snapshot().rollups.rolled(there.snapshot().data_files, {"model", "requests"}, []).requests == ()
    assert not list(there.root.rglob("day=*"))
    assert {one["value"]: one["requests"] for one in rows(found.by_value)} == {"m0": 60, "m1": 60, "m2": 60}


@pytest.mark.usefixtures("rolled_up")
def test_a_vacuum_takes_rollups_out_of_the_store_too(lake: Lake):
    sent = [row(f"{i}", started_at=f"2026-05-01 08:{i:02}") for i in range(60)]
    commit(lake, *sent[:50])
    commit(lake, *sent)

    def whose() -> set[str]:
        return {Path(name).name[:41] for name in objects(lake.name) if "/_rollups/" in name and name.endswith(".parquet")}

    assert len(whose()) == 2
    lake.vacuum(grace_hours=0)

    (file,) = lake.snapshot().data_files
    assert whose() == {Path(file.name).stem}
    assert lake.snapshot().rollups.rolled(lake.snapshot().data_files, {"model"}, []).requests == ()


@pytest.mark.usefixtures("rolled_up")
def test_a_store_that_takes_no_rollups_takes_commits(lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    put = obstore.put

    def refused(store: object, path: str, *args: object, **kwargs: object) -> object:
        if "/_rollups/" in path:
            raise PermissionDeniedError("AccessDenied")
        return put(store, path, *args, **kwargs)

    monkeypatch.setattr(obstore, "put", refused)
    commit(lake, *(row(f"{i}", started_at=f"2026-05-01 08:{i:02}") for i in range(60)))

    assert "could not be written" in caplog.text
    assert lake.snapshot().rows == 60
    assert len(lake.snapshot().rollups.rolled(lake.snapshot().data_files, {"model"}, []).requests) == 1
