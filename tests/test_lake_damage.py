"""Files of a lake that are not what was written any more: noticed, said in a sentence, read around where they can be."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.copies import copied
from tests.engines import roll_up_everything
from tests.lake_rows import at, commit
from tests.views import days, request, view
from usagecost import engine, queries
from usagecost.cli import app
from usagecost.engine import UnansweredError
from usagecost.lake import Lake, LakeUnreadable, keys, rollup_files
from usagecost.lake.checksums import Verified, checksum, checksum_in, is_intact
from usagecost.schema import REJECTS
from usagecost.vocabulary import measures_of
from usagecost.vocabulary.filters import View

DAYS = ("2026-05-01", "2026-05-02", "2026-05-03")
METRICS = measures_of(["requests", "spend_usd", "latency_p95_ms", "active_users"])


pytestmark = pytest.mark.usefixtures("rolled_up")


def fill(lake: Lake) -> None:
    rows = [
        request(f"{day} {i % 24:02}:10:{i % 60:02}", model=f"m{i % 3}", provider="p", user_id=f"u{i % 7}", duration_ms=10.0 + i,
                input_tokens=i)
        for day in DAYS for i in range(90)
    ]  # fmt: skip
    commit(lake, *rows)


lake = copied(fill)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of which every damage is mended."""
    with pytest.MonkeyPatch.context() as patch:
        roll_up_everything(patch)
        lake = Lake(tmp_path_factory.mktemp("whole") / "lake")
        fill(lake)
        return lake


def asked(lake: Lake) -> View:
    return view(str(lake.root), days(DAYS[0], DAYS[-1]))


def flip(files: list[Path]) -> None:
    """Changes a bit in the middle of each."""
    for file in files:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def data_file(lake: Lake) -> Path:
    return min((lake.root / "requests").glob("day=*/*.parquet"))


def rollups_of(lake: Lake) -> list[Path]:
    return sorted((lake.root / "requests" / "_rollups").rglob("*.parquet"))


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.output


def test_every_file_says_its_checksum_and_a_whole_lake_is_whole(lake: Lake):

    assert all(checksum_in(file.name) == checksum(lake.root / "requests" / file.name) for file in lake.snapshot().data_files)
    assert lake.verify() == Verified(checked=3, unchecked=0, damaged=())
    assert run("doctor", "--verify", "--lake", str(lake.root))[0] == 0


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_damage_goes_unnoticed(whole: Lake, data: st.DataObject):
    file = data.draw(st.sampled_from(sorted((whole.root / "requests").glob("day=*/*.parquet"))))
    content = file.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        bad = content[:place]
    else:
        bad = content[:place] + bytes([content[place] ^ 1 << data.draw(st.integers(0, 7))]) + content[place + 1 :]
    try:
        file.write_bytes(bad)
        assert whole.verify().damaged == (f"requests/{file.parent.name}/{file.name}",)
    finally:
        file.write_bytes(content)
    assert whole.verify().damaged == ()


def test_a_damaged_file_is_named_and_the_exit_status_is_1(lake: Lake):
    file = data_file(lake)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    status, said = run("doctor", "--verify", "--lake", str(lake.root))

    assert status == 1
    assert f"requests/{file.parent.name}/{file.name} is damaged" in said.replace("\n", "")
    assert "restore them from a backup" in said


def test_a_question_to_a_damaged_file_is_answered_by_its_name(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollup_files, "ROLLUPS", {})
    cut(data_file(lake))

    with pytest.raises(UnansweredError, match=f"{data_file(lake).name}.* is gone or damaged"):
        queries.usage(asked(lake), "model")


def test_a_flipped_file_answers_nothing_once_it_was_verified_and_is_not_written_anew(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollup_files, "ROLLUPS", {})
    flip([data_file(lake)])

    with pytest.raises(LakeUnreadable, match=f"{data_file(lake).name} is gone or damaged: restore it from a backup"):
        commit(lake, request(f"{DAYS[0]} 23:59"))
    damaged = lake.verify().damaged
    assert damaged
    with pytest.raises(UnansweredError, match=r"is gone or damaged"):
        queries.usage(asked(lake), "model")
    assert (lake.root / "requests" / "_damaged" / damaged[0].removeprefix("requests/")).exists()
    assert lake.verify().damaged == damaged


LOGS = [f"{table}/_delta_log/{version:020}.json" for table in ("requests", "rejects") for version in (0, 1)]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_damage_of_a_log_changes_a_number(whole: Lake, data: st.DataObject):
    rejected = {**dict.fromkeys(REJECTS.names), "source_file": "a", "reason": "no JSON", "rejected_at": at("2026-05-01")}
    whole.keep_rows("rejects", pa.Table.from_pylist([rejected], REJECTS))
    file = whole.root / data.draw(st.sampled_from(LOGS))
    content = file.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    flipped = content[:place] + bytes([content[place] ^ 1 << data.draw(st.integers(0, 7))]) + content[place + 1 :]
    bad = data.draw(st.sampled_from([None, content[:place], flipped]))
    try:
        file.write_bytes(bad) if bad is not None else file.unlink()
        lake = Lake(whole.root)
        try:
            assert (lake.snapshot().rows, lake.rows("rejects").num_rows, lake.history()[0]["counts"]["inserted"]) == (270, 1, 270)
        except LakeUnreadable as said:
            assert "cannot be read" in str(said)  # noqa: PT017
    finally:
        file.write_bytes(content)
    assert whole.verify().damaged == ()


def test_what_a_killed_process_noted_of_the_log_in_part_is_nothing(lake: Lake):
    noted = lake.root / "requests" / "_log_checksums"
    noted.write_bytes(noted.read_bytes()[:-30])
    commit(lake, request(f"{DAYS[0]} 23:59"))

    assert Lake(lake.root).snapshot().rows == 271


def test_files_of_before_have_no_checksum_and_are_said_apart():
    assert checksum_in("day=2026-05-01/0c7f2c0e-9d1c-4c6c-8a63-0a8d2f1f7d11.parquet") is None
    assert checksum_in("day=2026-05-01/0c7f2c0e9d1c4c6c8a630a8d2f1f7d11-00ff10ab.parquet") == "00ff10ab"


def test_sums_that_cannot_be_read_are_read_around_and_mended(lake: Lake):
    before = queries.usage(asked(lake), "model", METRICS)
    offered = queries.choices(asked(lake))
    names = rollups_of(lake)
    assert names, "nothing is told by sums"
    for file in names:
        cut(file)

    damaged = queries.usage(asked(lake), "model", METRICS)
    status, said = run("summary", "--start", DAYS[0], "--end", DAYS[-1], "--lake", str(lake.root))

    assert damaged.totals == pytest.approx(before.totals)
    assert damaged.totals_before == before.totals_before
    assert queries.choices(asked(lake)) == offered
    assert (status, "270" in said) == (0, True)

    status, said = run("doctor", "--repair", "--lake", str(lake.root))
    assert status == 0
    assert "3 summed up anew" in said
    assert rollups_of(lake) == names
    assert lake.roll_up() == 0


@pytest.mark.usefixtures("key_indexes")
def test_without_indexes_of_keys_or_with_damaged_ones_all_files_are_looked_into(tmp_path: Path):
    lake, rows = Lake(tmp_path / "lake"), [request(f"{day} 10:00") for day in DAYS[:2]]
    commit(lake, *rows)
    there, damaged = sorted((lake.root / "requests" / keys.FOLDER).glob(f"*/*{keys.ENDING}"))
    there.unlink()
    damaged.write_bytes(damaged.read_bytes()[:50])
    done = commit(lake, *rows)

    assert (done.inserted, done.unchanged) == (0, 2)


@pytest.mark.usefixtures("key_indexes")
def test_a_flipped_index_of_keys_goes_when_it_was_verified_so_that_nothing_is_stored_twice(tmp_path: Path):
    lake, rows = Lake(tmp_path / "lake"), [request(f"{DAYS[0]} 10:00"), request(f"{DAYS[0]} 11:00")]
    commit(lake, *rows)
    (index,) = (lake.root / "requests" / keys.FOLDER).glob(f"*/*{keys.ENDING}")
    content = index.read_bytes()
    index.write_bytes(content[:-5] + bytes([content[-5] ^ 64]) + content[-4:])

    assert lake.verify().damaged == ()
    assert (commit(lake, *rows).unchanged, lake.roll_up(), index.read_bytes()) == (2, 0, content)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_damage_of_a_rollup_changes_a_number(whole: Lake, data: st.DataObject):
    question = asked(whole)
    told = queries.usage(question, "model", METRICS).totals
    file = data.draw(st.sampled_from(rollups_of(whole)))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    was = file.read_bytes()
    try:
        file.write_bytes(content)
        engine.open_lake.cache_clear()  # a process looks at a file when it uses it first
        assert queries.usage(question, "model", METRICS).totals == told
    finally:
        file.write_bytes(was)
        engine.open_lake.cache_clear()


@pytest.mark.slow
def test_a_damaged_copy_of_a_stores_rollup_is_fetched_anew_and_one_that_is_gone_is_read_around(new_lake):
    lake = Lake(new_lake("s3"))
    fill(lake)
    question = view(lake.name, days(DAYS[0], DAYS[-1]))
    before = queries.usage(question, "model", METRICS).totals
    rollups = [path for path in lake.root.rglob("*.parquet") if "_rollups" in path.parts]
    flip(rollups)
    told = Lake(lake.name).snapshot().rollups.rolled(Lake(lake.name).snapshot().data_files, {"model", "requests"}, [])

    assert told.requests == ()
    assert sorted(path for path in rollups if is_intact(path)) == sorted(
        path for path in rollups if any(path.name == Path(one.name).name for files in told.folders.values() for one in files)
    )

    for path in rollups:
        path.unlink()
    (lake._requests / "_rollups" / "v1").drop(one.name for files in told.folders.values() for one in files)
    assert queries.usage(question, "model", METRICS).totals == before


@pytest.mark.slow
def test_a_damaged_copy_of_a_stores_file_is_fetched_anew(new_lake):
    lake = Lake(new_lake("s3"))
    commit(lake, *(request(f"{DAYS[0]} 10:00:{i % 60:02}") for i in range(90)))
    (path,) = lake.snapshot().files()
    content = bytearray(Path(path).read_bytes())
    content[100] ^= 1
    Path(path).write_bytes(content)

    assert lake.verify().damaged == ()
    assert checksum(path) == checksum_in(path)
