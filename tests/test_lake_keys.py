from __future__ import annotations

from pathlib import Path

import pytest

from tests.lake_rows import at, commit, row, rows_of
from usagecost.lake import Lake, keys

pytestmark = pytest.mark.usefixtures("key_indexes")


def indexes(lake: Lake) -> list[Path]:
    return sorted((lake.root / "requests" / keys.FOLDER).glob(f"*/*{keys.ENDING}"))


def test_nothing_is_asked_of_a_file_that_holds_none_of_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path / "lake")
    commit(lake, *(row(f"{day}-{i}", started_at=f"2026-05-{day:02} 10:00") for day in range(1, 11) for i in range(20)))
    read, found = [], keys.KeyIndexes.that_may_hold

    def noted(*asked: object) -> list[str]:
        read.append(found(*asked))
        return read[-1]

    monkeypatch.setattr(keys.KeyIndexes, "that_may_hold", noted)
    done = commit(lake, row("3-7", started_at="2026-05-03 10:00", rank=1), row("new", started_at="2026-05-04 10:00"))

    assert (done.inserted, done.updated) == (1, 1)
    assert [len(paths) for paths in read] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def test_a_request_that_moves_to_another_day_is_still_one(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", started_at="2026-05-01 10:00"), row("b", started_at="2026-05-02 10:00"))
    commit(lake, row("a", started_at="2026-05-09 10:00", rank=1))

    assert rows_of(lake, "request_id", "started_at") == [("a", at("2026-05-09 10:00")), ("b", at("2026-05-02 10:00"))]


def test_copies_and_originals_find_each_other_in_other_days(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("m:1", started_at="2026-05-01 10:00", rank=-1), row("n:0", started_at="2026-05-01 10:00"))
    commit(lake, row("m:0", started_at="2026-05-05 10:00"), row("n:1", started_at="2026-05-05 10:00", rank=-1))

    assert rows_of(lake, "request_id") == [("m:0",), ("n:0",)]


def test_without_indexes_or_with_damaged_ones_all_files_are_looked_into(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", started_at="2026-05-01 10:00"), row("b", started_at="2026-05-02 10:00"))
    there, damaged = indexes(lake)
    there.unlink()
    damaged.write_bytes(damaged.read_bytes()[:50])
    done = commit(lake, row("a", started_at="2026-05-01 10:00"), row("b", started_at="2026-05-02 10:00"))

    assert (done.inserted, done.unchanged) == (0, 2)


def test_indexes_come_with_files_and_go_with_them(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    first = indexes(lake)
    commit(lake, row("b"))
    second = indexes(lake)
    left = second[0].with_name("killed.part")
    left.write_text("")
    lake.vacuum(grace_hours=0)

    assert len(first) == 1
    assert set(first) < set(second)
    assert indexes(lake) == [path for path in second if path not in first]
    assert not left.exists()


def test_a_lake_of_before_gets_them_when_it_is_repaired(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", started_at="2026-05-01 10:00"), row("b", started_at="2026-05-02 10:00"))
    made = indexes(lake)
    for path in made:
        path.unlink()
    lake.roll_up()

    assert indexes(lake) == made
