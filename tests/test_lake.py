from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake_rows import Row, at, commit, contents, expected_contents, row, rows_of, stage, stored
from usagecost.lake import Commit, Lake, LakeMissing, LakeUnreadable, lake_root
from usagecost.schema import REJECTS, REQUESTS

pytestmark = pytest.mark.usefixtures("key_indexes")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


# ---- which version of a request stays


def test_new_requests_are_inserted(lake: Lake):
    assert commit(lake, row("a"), row("b"), row("c", started_at="2026-05-02 00:00")) == Commit(
        inserted=3, updated=0, unchanged=0, duplicates=0, withdrawn=0, days=2, version=1
    )
    assert rows_of(lake, "request_id") == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_higher_rank_stays_whichever_comes_first(lake: Lake, order: tuple[int, int]):
    for rank in order:
        commit(lake, row(rank=rank, model=f"m{rank}"))

    assert rows_of(lake, "rank", "model") == [(2, "m2")]


def test_within_a_batch_the_highest_rank_stays_and_the_rest_are_duplicates(lake: Lake):
    done = commit(lake, row(rank=1), row(rank=3), row(rank=2), row("b"))

    assert (done.inserted, done.duplicates) == (2, 2)
    assert rows_of(lake, "request_id", "rank") == [("a", 3), ("b", 0)]


def test_a_higher_rank_updates_and_a_lower_one_changes_nothing(lake: Lake):
    commit(lake, row(rank=1))
    assert commit(lake, row(rank=2)) == Commit(0, 1, 0, 0, 0, days=1, version=2)
    assert commit(lake, row(rank=1)) == Commit(0, 0, 1, 0, 0, days=0, version=2)


def test_equal_content_leaves_the_stored_row_alone(lake: Lake):
    commit(lake, row(model="m", source_file="first", ingest_id="1", list_cost_usd=Decimal("0.5"), price_status="exact"))
    again = commit(lake, row(model="m", source_file="second", ingest_id="2", list_cost_usd=None, price_status="unpriced"))

    assert again == Commit(0, 0, 1, 0, 0, days=0, version=1)
    assert rows_of(lake, "source_file", "ingest_id", "price_status") == [("first", "1", "exact")]


@pytest.mark.parametrize("order", [("gpt-4", "gpt-5"), ("gpt-5", "gpt-4")])
def test_of_equal_ranks_the_greater_content_stays(lake: Lake, order: tuple[str, str]):
    for model in order:
        commit(lake, row(model=model))

    assert rows_of(lake, "model") == [("gpt-5",)]


def test_of_equal_ranks_in_one_batch_the_greater_content_stays(lake: Lake):
    done = commit(lake, row(model="gpt-4"), row(model="gpt-5"), row(model="gpt-4"))

    assert (done.inserted, done.duplicates) == (1, 2)
    assert rows_of(lake, "model") == [("gpt-5",)]


def test_a_higher_stored_rank_stays_however_the_staged_ones_differ(lake: Lake):
    commit(lake, row(rank=2, model="stored"))

    assert commit(lake, row(rank=1, model="x"), row(rank=1, model="y")) == Commit(0, 0, 1, 1, 0, days=0, version=1)
    assert rows_of(lake, "model") == [("stored",)]


def test_the_stored_row_stays_when_the_greatest_of_several_staged_ones_equals_it(lake: Lake):
    commit(lake, row(model="b", source_file="first"))

    assert commit(lake, row(model="a"), row(model="b", source_file="second")) == Commit(0, 0, 1, 1, 0, days=0, version=1)
    assert rows_of(lake, "source_file") == [("first",)]


def test_the_same_id_in_another_source_is_another_request(lake: Lake):
    commit(lake, row("a"), row("a", source="other"))

    assert rows_of(lake, "source") == [("other",), ("test",)]


# ---- days


def test_a_request_that_moves_to_another_day_stays_one_request(lake: Lake):
    commit(lake, row("a"), row("b"))
    moved = commit(lake, row("a", rank=1, started_at="2026-05-02 00:00"))

    assert moved == Commit(0, 1, 0, 0, 0, days=2, version=2)
    assert rows_of(lake, "request_id", "started_at") == [("a", at("2026-05-02 00:00")), ("b", at("2026-05-01 10:00"))]


def test_a_day_that_loses_its_last_request_loses_its_file(lake: Lake):
    commit(lake, row(started_at="2026-05-01 23:59"))
    commit(lake, row(rank=1, started_at="2026-05-02 00:00"))
    snapshot = lake.snapshot()

    assert (snapshot.first_day, snapshot.last_day, snapshot.file_count) == (date(2026, 5, 2), date(2026, 5, 2), 1)


def test_a_tie_can_move_the_request_too(lake: Lake):
    commit(lake, row(started_at="2026-05-01 10:00"))
    commit(lake, row(started_at="2026-05-03 10:00"))
    commit(lake, row(started_at="2026-05-02 10:00"))

    assert rows_of(lake, "started_at") == [(at("2026-05-03 10:00"),)]


def test_the_day_is_the_utc_date_of_the_start_whatever_was_staged(lake: Lake, tmp_path: Path):
    staged = stage(tmp_path, [row(started_at="2026-05-01 23:59:59.999999")])
    other_day = pq.read_table(staged).set_column(5, "day", pa.array([date(1999, 1, 1)]))
    pq.write_table(other_day, staged)
    pq.write_table(other_day.drop_columns(["day"]), tmp_path / "without.parquet")

    for path in (staged, tmp_path / "without.parquet"):
        lake.commit([path])
        assert lake.snapshot().first_day == date(2026, 5, 1)


def test_a_day_is_one_file_sorted_by_start(lake: Lake):
    with lake.staging() as folder:
        staged = folder / "many.parquet"
        given = {
            "source": "'test'",
            "request_id": "number::VARCHAR",
            "rank": "0",
            "started_at": "make_timestamptz(1777593600000000 + (hash(number) % 86400000000)::BIGINT)",
        }
        types = duckdb.from_arrow(REQUESTS.empty_table()).types
        columns = [f"CAST({given.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in zip(REQUESTS.names, types, strict=True)]
        duckdb.execute(
            f"COPY (SELECT {', '.join(columns)} FROM range(150000) AS numbers(number)) TO $path (FORMAT parquet)",
            {"path": str(staged)},
        )
        lake.commit([staged])
    (path,) = lake.snapshot().files()
    starts = pq.ParquetFile(path).read(["started_at"])["started_at"].to_numpy()

    assert pq.read_metadata(path).num_row_groups == 2
    assert len(starts) == 150_000
    assert (starts[1:] >= starts[:-1]).all()


# ---- replayed copies


@pytest.mark.parametrize("batches", [[("m:1", -1), ("m:2", 5)], [("m:2", 5), ("m:1", -1)], [("m", 0), ("m:1:x", -9)]])
def test_a_copy_yields_to_an_original_of_its_stem_whichever_comes_first(lake: Lake, batches: list[tuple[str, int]]):
    for request_id, rank in batches:
        commit(lake, row(request_id, rank))

    assert rows_of(lake, "request_id", "rank") == [(request_id, rank) for request_id, rank in batches if rank >= 0]


def test_an_incoming_copy_counts_as_a_duplicate_and_a_stored_one_as_withdrawn(lake: Lake):
    commit(lake, row("m:copy", -1))
    assert commit(lake, row("m:own", 5)) == Commit(inserted=1, updated=0, unchanged=0, duplicates=0, withdrawn=1, days=1, version=2)
    assert commit(lake, row("m:copy", -1)) == Commit(
        inserted=0, updated=0, unchanged=0, duplicates=1, withdrawn=0, days=0, version=2
    )


def test_a_copy_and_its_original_in_one_batch(lake: Lake):
    assert commit(lake, row("m:copy", -1), row("m:own", 5)) == Commit(1, 0, 0, 1, 0, days=1, version=1)
    assert rows_of(lake, "request_id") == [("m:own",)]


def test_a_stored_copy_is_withdrawn_from_a_day_of_its_own(lake: Lake):
    commit(lake, row("m:copy", -1, started_at="2026-05-03 10:00"))
    commit(lake, row("m:own", 5))

    assert lake.snapshot().last_day == date(2026, 5, 1)


def test_a_copy_without_an_original_stays(lake: Lake):
    commit(lake, row("m:1", -1), row("n:1", 5), row("m:2", 5, source="other"), row("m2", 5))

    assert rows_of(lake, "request_id") == [("m2",), ("m:1",), ("m:2",), ("n:1",)]


def test_an_original_takes_the_place_of_a_copy_with_its_own_id(lake: Lake):
    commit(lake, row("m:1", -1))
    assert commit(lake, row("m:1", 5)) == Commit(0, 1, 0, 0, 0, days=1, version=2)
    assert commit(lake, row("m:1", -1)) == Commit(0, 0, 0, 1, 0, days=0, version=2)
    assert rows_of(lake, "rank") == [(5,)]


def test_a_better_copy_does_not_bring_back_what_its_original_replaces(lake: Lake):
    commit(lake, row("m:copy", -2))
    done = commit(lake, row("m:copy", -1), row("m:own", 0))

    assert done == Commit(inserted=1, updated=0, unchanged=0, duplicates=1, withdrawn=1, days=1, version=2)
    assert rows_of(lake, "request_id") == [("m:own",)]


# ---- the law

versions = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["test", "other"]),
        "request_id": st.sampled_from(["m", "m:1", "m:2", "n:1", "n:2"]),
        "rank": st.integers(-2, 2),
        "started_at": st.sampled_from([at("2026-05-01 23:59:59.999999"), at("2026-05-02 00:00"), at("2026-05-03 12:00")]),
        "source_file": st.sampled_from(["one", "two"]),
        "list_cost_usd": st.sampled_from([None, Decimal("0.1")]),
    },
    optional={
        "model": st.sampled_from(["", "a", "B", "é", "😀"]),
        "duration_ms": st.sampled_from([-1.0, 0.0, 2.5]),
        "tags": st.lists(st.sampled_from(["x", "y", None]), max_size=2),
        "is_streaming": st.booleans(),
        "input_tokens": st.sampled_from([0, 7]),
        "reported_cost_usd": st.sampled_from([Decimal("0.000000001"), Decimal(2)]),
        "attributes": st.sampled_from(['{"a":1}', '{"a":2}']),
    },
)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.lists(versions, max_size=8), min_size=1, max_size=3), st.data())
def test_order_batches_and_repetition_of_ingests_do_not_change_the_result(batches: list[list[Row]], data: st.DataObject):
    """Two lakes are given the same versions: as they come, and shuffled, cut otherwise and partly repeated."""
    expected = expected_contents(version for batch in batches for version in batch)
    shuffled = data.draw(st.permutations([version for batch in batches for version in batch]))
    cut = data.draw(st.integers(0, len(shuffled)))
    with tempfile.TemporaryDirectory() as folder:
        as_given, otherwise = Lake(Path(folder) / "given"), Lake(Path(folder) / "otherwise")
        for batch in batches:
            check_commit(as_given, batch)
        for batch in (shuffled[:cut], shuffled[cut:], data.draw(st.sampled_from(batches))):
            check_commit(otherwise, batch)

        assert contents(as_given) == expected
        assert contents(otherwise) == expected


def check_commit(lake: Lake, batch: list[Row]) -> None:
    """Commit, and check that the counts add up and that each day is one sorted file."""
    rows_before = lake.snapshot().rows if lake.exists else 0
    version_before = lake.version() if lake.exists else 0
    done = commit(lake, *batch)
    snapshot = lake.snapshot()

    assert len(batch) == done.inserted + done.updated + done.unchanged + done.duplicates
    assert snapshot.rows == rows_before + done.inserted - done.withdrawn
    assert done.version == snapshot.version == version_before + bool(done.inserted or done.updated or done.withdrawn)
    assert bool(done.days) == bool(done.inserted or done.updated or done.withdrawn)
    assert snapshot.small_files == 0
    for path in snapshot.files():
        starts = pq.ParquetFile(path).read(["started_at"])["started_at"].to_pylist()
        assert starts == sorted(starts)
        assert {f"day={start.date()}" for start in starts} == {Path(path).parent.name}


# ---- commits, versions, snapshots


def test_the_same_ingest_again_makes_no_version(lake: Lake):
    rows = [row(str(number), rank=number % 3, model="m", tags=["x"]) for number in range(50)]
    commit(lake, *rows)

    assert commit(lake, *reversed(rows)) == Commit(0, 0, 50, 0, 0, days=0, version=1)
    assert lake.version() == 1


def test_nothing_staged_makes_no_version(lake: Lake, tmp_path: Path):
    nothing = Commit(0, 0, 0, 0, 0, days=0, version=0)

    assert lake.commit([]) == nothing
    assert lake.commit([stage(tmp_path, [])]) == nothing
    assert lake.snapshot().files() == ()
    assert (lake.snapshot().rows, lake.snapshot().first_day, lake.snapshot().last_day) == (0, None, None)


def test_a_staged_column_of_another_type_is_refused(lake: Lake, tmp_path: Path):
    staged = stage(tmp_path, [row()])
    table = pq.read_table(staged)
    pq.write_table(table.set_column(table.column_names.index("rank"), "rank", pa.array(["0"])), staged)

    with pytest.raises(ValueError, match="column rank is VARCHAR; the lake keeps BIGINT"):
        lake.commit([staged])


@pytest.mark.parametrize("name", ["source", "request_id", "started_at", "rank"])
def test_staged_rows_without_a_required_value_are_refused(lake: Lake, tmp_path: Path, name: str):
    table = pq.read_table(stage(tmp_path, [row("a"), row("b")]))
    column = table.column_names.index(name)
    field = table.schema.field(name).with_nullable(True)
    pq.write_table(table.set_column(column, field, pa.array([table[name][0], None], field.type)), tmp_path / "lacking.parquet")

    with pytest.raises(ValueError, match="1 staged rows lack"):
        lake.commit([tmp_path / "lacking.parquet"])
    assert lake.snapshot().rows == 0


def test_a_snapshot_of_an_old_version_is_still_readable(lake: Lake):
    commit(lake, row("a", model="old"))
    before = lake.snapshot()
    commit(lake, row("a", rank=1, model="new"), row("b"))

    assert before == Lake(lake.root).snapshot(1)
    assert [pq.ParquetFile(path).read(["model"]).to_pylist() for path in before.files()] == [[{"model": "old"}]]
    assert stored(lake, version=2).num_rows == 2


def test_a_snapshot_lists_the_files_of_the_days_asked_for(lake: Lake):
    commit(lake, *(row(str(day), started_at=f"2026-05-0{day} 12:00") for day in range(1, 6)))
    snapshot = lake.snapshot()

    def days(first: date | None, last: date | None) -> list[str]:
        return [Path(path).parent.name for path in snapshot.files(first, last)]

    assert days(date(2026, 5, 2), date(2026, 5, 3)) == ["day=2026-05-02", "day=2026-05-03"]
    assert days(date(2026, 5, 4), None) == ["day=2026-05-04", "day=2026-05-05"]
    assert days(None, date(2026, 5, 1)) == ["day=2026-05-01"]
    assert days(date(2027, 1, 1), date(2027, 1, 2)) == []
    assert len(days(None, None)) == snapshot.file_count == 5
    assert snapshot.rows == 5
    assert snapshot.bytes == sum(Path(path).stat().st_size for path in snapshot.files())


def test_another_handle_sees_each_new_version(lake: Lake):
    reader = Lake(lake.root)
    for number in range(1, 5):
        commit(lake, row(str(number)))
        assert reader.version() == number
        assert reader.snapshot().rows == number


def test_a_lake_made_anew_in_the_same_place_is_noticed(lake: Lake):
    reader = Lake(lake.root)
    commit(lake, row("a"))
    assert reader.snapshot().rows == 1
    shutil.rmtree(lake.root)
    commit(lake, row("a"), row("b"))
    commit(lake, row("c"))

    assert (reader.version(), reader.snapshot().rows, reader.snapshot(1).rows) == (2, 3, 2)


def test_history_tells_what_each_commit_did(lake: Lake, tmp_path: Path):
    lake.commit([stage(tmp_path, [row()])], ingest={"id": "i-1", "format": "table"})
    newest, oldest = lake.history()

    assert (newest["version"], newest["ingest"]) == (1, {"id": "i-1", "format": "table"})
    assert newest["counts"] == {
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
        "duplicates": 0,
        "withdrawn": 0,
        "days": 1,
        "conflicts": 0,
    }
    assert newest["time"] >= oldest["time"]
    assert oldest["operation"] == "CREATE TABLE"
    assert (oldest["version"], oldest["ingest"], oldest["counts"]) == (0, {}, {})


def test_other_programs_read_the_table_as_delta(lake: Lake):
    commit(lake, row("a", started_at="2026-05-01 10:00:00.123456", reported_cost_usd=Decimal("0.000000001"), tags=["x", None]))
    table = DeltaTable(str(lake.root / "requests"))
    (found,) = table.to_pyarrow_table().to_pylist()

    assert (found["day"], found["reported_cost_usd"], found["tags"]) == (date(2026, 5, 1), Decimal("0.000000001"), ["x", None])
    entry = pa.table(table.get_add_actions(flatten=True)).to_pylist()[0]
    assert (entry["num_records"], entry["min.started_at"], entry["max.started_at"]) == (1, found["started_at"], found["started_at"])


# ---- what goes wrong


def test_a_missing_lake_says_how_to_make_one(lake: Lake):
    assert not lake.exists
    for ask in (lake.version, lake.snapshot, lake.history):
        with pytest.raises(LakeMissing, match="usagecost ingest"):
            ask()


def test_an_unreadable_lake_says_what_to_do(lake: Lake):
    commit(lake, row())
    (lake.root / "requests" / "_delta_log" / f"{1:020}.json").write_text("not a log")

    assert lake.exists
    with pytest.raises(LakeUnreadable, match="restore the folder from a backup"):
        Lake(lake.root).version()


def test_a_version_that_never_was_is_unreadable(lake: Lake):
    commit(lake, row())

    with pytest.raises(LakeUnreadable, match="Version 99"):
        lake.snapshot(99)


def test_a_file_in_the_place_of_the_lake_is_no_lake(tmp_path: Path):
    (tmp_path / "file").write_text("")

    assert not Lake(tmp_path / "file").exists


def test_the_root_is_configured_or_in_the_repository(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("USAGECOST_LAKE", raising=False)
    assert lake_root() == str(Path(__file__).parent.parent / "data" / "lake")
    monkeypatch.setenv("USAGECOST_LAKE", "s3://bucket/lake")
    assert lake_root() == "s3://bucket/lake"


# ---- upkeep


def test_compaction_makes_one_sorted_file_and_changes_no_data(lake: Lake):
    commit(lake, row("a", started_at="2026-05-01 12:00"), row("z", started_at="2026-05-02 12:00"))
    for hour in (9, 8):
        extra = {**dict.fromkeys(REQUESTS.names), **row(f"x{hour}", started_at=f"2026-05-01 0{hour}:00"), "day": date(2026, 5, 1)}
        write_deltalake(str(lake.root / "requests"), pa.Table.from_pylist([extra], REQUESTS), mode="append")
    before = contents(lake)
    assert lake.snapshot().small_files == 3

    assert lake.compact() == 3
    assert contents(lake) == before
    assert (lake.version(), lake.snapshot().small_files, lake.snapshot().file_count) == (4, 0, 2)
    (path,) = lake.snapshot().files(last_day=date(2026, 5, 1))
    assert pq.ParquetFile(path).read()["request_id"].to_pylist() == ["x8", "x9", "a"]
    log = (lake.root / "requests" / "_delta_log" / f"{4:020}.json").read_text().splitlines()
    changes = [entry.get("add", entry.get("remove")) for entry in map(json.loads, log) if "add" in entry or "remove" in entry]
    assert len(changes) == 4
    assert not any(change["dataChange"] for change in changes)


def test_compaction_with_nothing_to_do_makes_no_version(lake: Lake):
    assert lake.compact() == 0
    commit(lake, row())
    assert lake.compact() == 0
    assert lake.version() == 1


def test_vacuum_removes_what_no_version_names_only_after_the_grace_period(lake: Lake):
    commit(lake, row())
    day = lake.root / "requests" / "day=2026-05-01"
    for name, hours in (("young", 1), ("old", 3)):
        orphan = day / f"{name}.parquet"
        shutil.copy(lake.snapshot().files()[0], orphan)
        then = orphan.stat().st_mtime - timedelta(hours=hours).total_seconds()
        os.utime(orphan, (then, then))

    assert lake.vacuum() == 0
    assert lake.version() == 1
    assert lake.vacuum(grace_hours=2) == 1
    assert sorted(path.name for path in day.iterdir()) == sorted(["young.parquet", Path(lake.snapshot().files()[0]).name])
    assert rows_of(lake, "request_id") == [("a",)]


def test_vacuum_ends_the_readability_of_old_versions_only(lake: Lake):
    commit(lake, row("a"))
    old = lake.snapshot()
    commit(lake, row("b"))

    assert lake.vacuum(grace_hours=0) == 1
    assert not Path(old.files()[0]).exists()
    assert rows_of(lake, "request_id") == [("a",), ("b",)]
    assert commit(lake, row("c")).inserted == 1


def test_staging_removes_what_dead_ingests_left_and_nothing_else(lake: Lake):
    script = (
        "import os, sys; from usagecost.lake import Lake\n"
        "with Lake(sys.argv[1]).staging() as folder:\n    (folder / 'x').write_text('x'); os.kill(os.getpid(), 9)"
    )
    dead = subprocess.run([sys.executable, "-c", script, str(lake.root)], check=False, cwd=Path(__file__).parent.parent)
    assert dead.returncode == -9
    assert len(list((lake.root / "staging").glob("*/x"))) == 1

    with lake.staging() as living:
        assert not list((lake.root / "staging").glob("*/x"))
        with Lake(lake.root).staging():
            assert living.is_dir()
    assert list((lake.root / "staging").iterdir()) == []


# ---- rejects


def rejects(*lines: tuple[str, int | None, str, str | None]) -> pa.Table:
    rows = [
        {"source": "table", "source_file": file, "line": line, "reason": reason, "raw": raw, "rejected_at": at("2026-05-01 10:00")}
        for file, line, reason, raw in lines
    ]
    return pa.Table.from_pylist(rows, REJECTS)


def test_a_reject_is_kept_once_however_often_it_comes(lake: Lake):
    lines = [("f.csv", 2, "no date", "a,b"), ("f.csv", None, "truncated", None), ("e.csv", 2, "no date", "a,b")]

    assert lake.reject(rejects(*lines, lines[0])) == 3
    assert lake.reject(rejects(*lines)) == 0
    assert lake.reject(rejects(("f.csv", 2, "no date", "a,c"), ("f.csv", 3, "no date", "a,b"))) == 2
    assert lake.reject(rejects()) == 0
    assert [(found["source_file"], found["line"], found["raw"]) for found in lake.rejects().to_pylist()] == [
        ("e.csv", 2, "a,b"),
        ("f.csv", 2, "a,b"),
        ("f.csv", 2, "a,c"),
        ("f.csv", 3, "a,b"),
        ("f.csv", None, None),
    ]
    assert lake.rejects().schema.equals(REJECTS)


def test_a_lake_without_rejects_has_none_and_rejects_alone_make_no_lake(lake: Lake):
    assert lake.rejects().num_rows == 0
    lake.reject(rejects(("f.csv", 1, "no date", "x")))

    assert not lake.exists
    assert lake.rejects().num_rows == 1


def test_compaction_takes_the_rejects_along(lake: Lake):
    for number in range(3):
        lake.reject(rejects(("f.csv", number, "no date", "x")))

    assert lake.compact() == 3
    assert lake.rejects()["line"].to_pylist() == [0, 1, 2]
    assert lake.reject(rejects(("f.csv", 1, "no date", "x"))) == 0
