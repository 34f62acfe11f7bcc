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


def test_the_higher_rank_stays_then_the_greater_content_whichever_comes_first(lake: Lake):
    same = {"model": "m", "list_cost_usd": Decimal("0.5"), "price_status": "exact"}
    first = commit(
        lake,
        row("up", 1, model="m1"), row("down", 2, model="m2"), row("tie-up", model="gpt-4"), row("tie-down", model="gpt-5"),
        row("batch", 1), row("batch", 3), row("batch", 2), row("ties", model="gpt-4"), row("ties", model="gpt-5"),
        row("ties", model="gpt-4"), row("high", 2, model="stored"), row("same", source_file="first", ingest_id="1", **same),
        row("greatest", model="b", source_file="first"), row("two"), row("two", source="other"),
    )  # fmt: skip
    second = commit(
        lake,
        row("up", 2, model="m2"), row("down", 1, model="m1"), row("tie-up", model="gpt-5"), row("tie-down", model="gpt-4"),
        row("high", 1, model="x"), row("high", 1, model="y"), row("same", source_file="second", ingest_id="2", model="m"),
        row("greatest", model="a"), row("greatest", model="b", source_file="second"), row("new", started_at="2026-05-02 00:00"),
    )  # fmt: skip

    assert first == Commit(inserted=11, updated=0, unchanged=0, duplicates=4, withdrawn=0, days=1, version=1)
    assert second == Commit(inserted=1, updated=2, unchanged=5, duplicates=2, withdrawn=0, days=2, version=2)
    assert rows_of(lake, "request_id", "rank", "model", "source_file") == [
        ("batch", 3, None, None), ("down", 2, "m2", None), ("greatest", 0, "b", "first"), ("high", 2, "stored", None),
        ("new", 0, None, None), ("same", 0, "m", "first"), ("tie-down", 0, "gpt-5", None), ("tie-up", 0, "gpt-5", None),
        ("ties", 0, "gpt-5", None), ("two", 0, None, None), ("two", 0, None, None), ("up", 2, "m2", None),
    ]  # fmt: skip
    assert ("same", "exact") in rows_of(lake, "request_id", "price_status")


# ---- days


def test_a_request_that_moves_to_another_day_stays_one_request_and_an_empty_day_has_no_file(lake: Lake):
    commit(lake, row("a", started_at="2026-05-01 23:59"), row("tie", started_at="2026-05-03 10:00"))
    moved = commit(lake, row("a", rank=1, started_at="2026-05-02 00:00"), row("tie", started_at="2026-05-02 10:00"))
    tie = commit(lake, row("tie", started_at="2026-05-04 10:00"))
    snapshot = lake.snapshot()

    assert (moved, tie) == (Commit(0, 1, 1, 0, 0, days=2, version=2), Commit(0, 1, 0, 0, 0, days=2, version=3))
    assert rows_of(lake, "request_id", "started_at") == [("a", at("2026-05-02 00:00")), ("tie", at("2026-05-04 10:00"))]
    assert (snapshot.data_files[0].day, snapshot.last_day, len(snapshot.data_files)) == (date(2026, 5, 2), date(2026, 5, 4), 2)


def test_the_day_is_the_utc_date_of_the_start_whatever_was_staged(lake: Lake, tmp_path: Path):
    staged = stage(tmp_path, [row(started_at="2026-05-01 23:59:59.999999")])
    other_day = pq.read_table(staged).set_column(5, "day", pa.array([date(1999, 1, 1)]))
    pq.write_table(other_day, staged)
    pq.write_table(other_day.drop_columns(["day"]), tmp_path / "without.parquet")

    for path in (staged, tmp_path / "without.parquet"):
        lake.commit([path])
        assert lake.snapshot().data_files[0].day == date(2026, 5, 1)


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


def test_a_copy_yields_to_an_original_of_its_stem_whichever_comes_first(lake: Lake):
    first = commit(
        lake,
        row("early:copy", -1, started_at="2026-05-03 10:00"), row("late:own", 5), row("whole", 0), row("one:copy", -1),
        row("one:own", 5), row("itself:1", -1), row("alone:1", -1), row("alone:2", 5, source="other"), row("alone2", 5),
        row("better:copy", -2),
    )  # fmt: skip
    second = commit(
        lake,
        row("early:own", 5), row("late:copy", -1), row("whole:1:x", -9), row("itself:1", 5), row("better:copy", -1),
        row("better:own", 0),
    )  # fmt: skip

    assert first == Commit(inserted=9, updated=0, unchanged=0, duplicates=1, withdrawn=0, days=2, version=1)
    assert second == Commit(inserted=2, updated=1, unchanged=0, duplicates=3, withdrawn=2, days=2, version=2)
    assert lake.snapshot().last_day == date(2026, 5, 1)
    assert [name for (name,) in rows_of(lake, "request_id")] == [
        "alone2", "alone:1", "alone:2", "better:own", "early:own", "itself:1", "late:own", "one:own", "whole",
    ]  # fmt: skip


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


@settings(max_examples=4, deadline=None)
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
    assert (lake.snapshot().rows, lake.snapshot().last_day) == (0, None)


def test_a_staged_column_of_another_type_is_refused(lake: Lake, tmp_path: Path):
    staged = stage(tmp_path, [row()])
    table = pq.read_table(staged)
    pq.write_table(table.set_column(table.column_names.index("rank"), "rank", pa.array(["0"])), staged)

    with pytest.raises(ValueError, match="column rank is VARCHAR; the lake keeps BIGINT"):
        lake.commit([staged])


def test_staged_rows_without_a_required_value_are_refused(lake: Lake, tmp_path: Path):
    table = pq.read_table(stage(tmp_path, [row("a"), row("b")]))
    for name in ("source", "request_id", "started_at", "rank"):
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
    assert len(days(None, None)) == len(snapshot.data_files) == 5
    assert snapshot.rows == 5
    assert snapshot.bytes == sum(Path(path).stat().st_size for path in snapshot.files())


def test_another_handle_sees_each_new_version_and_a_lake_made_anew_in_the_same_place(lake: Lake):
    reader = Lake(lake.root)
    for number in range(1, 3):
        commit(lake, row(str(number)))
        assert (reader.version(), reader.snapshot().rows) == (number, number)
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
    assert (lake.version(), lake.snapshot().small_files, len(lake.snapshot().data_files)) == (4, 0, 2)
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

    assert lake.keep_rows("rejects", rejects(*lines, lines[0])) == 3
    assert lake.keep_rows("rejects", rejects(*lines)) == 0
    assert lake.keep_rows("rejects", rejects(("f.csv", 2, "no date", "a,c"), ("f.csv", 3, "no date", "a,b"))) == 2
    assert lake.keep_rows("rejects", rejects()) == 0
    assert [(found["source_file"], found["line"], found["raw"]) for found in lake.rows("rejects").to_pylist()] == [
        ("e.csv", 2, "a,b"),
        ("f.csv", 2, "a,b"),
        ("f.csv", 2, "a,c"),
        ("f.csv", 3, "a,b"),
        ("f.csv", None, None),
    ]
    assert lake.rows("rejects").schema.equals(REJECTS)


def test_a_lake_without_rejects_has_none_and_rejects_alone_make_no_lake(lake: Lake):
    assert lake.rows("rejects").num_rows == 0
    lake.keep_rows("rejects", rejects(("f.csv", 1, "no date", "x")))

    assert not lake.exists
    assert lake.rows("rejects").num_rows == 1


def test_compaction_takes_the_rejects_along(lake: Lake):
    for number in range(3):
        lake.keep_rows("rejects", rejects(("f.csv", number, "no date", "x")))

    assert lake.compact() == 3
    assert lake.rows("rejects")["line"].to_pylist() == [0, 1, 2]
    assert lake.keep_rows("rejects", rejects(("f.csv", 1, "no date", "x"))) == 0
