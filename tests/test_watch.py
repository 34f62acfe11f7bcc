"""A watched folder: when a file is taken, what is remembered, and that one broken file stops nothing."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.lake_rows import stored
from tests.source_rows import Row
from usagecost.ingest.folders import Follower, Round, Watch, follow
from usagecost.ingest.folders.rounds import TROUBLE
from usagecost.lake import Lake
from usagecost.sources import Batch, Head, Reading
from usagecost.sources.mapped import Table

EVERY, PATIENCE = 30.0, 300.0
"""Seconds between rounds, and until an unfinished file is taken: files are made older than that, nobody waits for it."""

STILL, LONG_STILL = 60, 600
"""Ages of files in seconds, above each of these."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def watching(folder: Path, lake: Lake, **how: object) -> Watch:
    return Watch(folder, lake, **{"every": EVERY, "patience": PATIENCE, **how})


def row(request_id: str) -> Row:
    return {"request_id": request_id, "started_at": "2026-05-01T10:00:00Z", "model": "gpt-4o", "input_tokens": 10}


def lines(*ids: str) -> bytes:
    return b"".join(json.dumps(row(request_id)).encode() + b"\n" for request_id in ids)


def put(path: Path, content: bytes, age: float = STILL) -> Path:
    """A file that was last written to some seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def ids(lake: Lake) -> list[str]:
    return sorted(stored(lake)["request_id"].to_pylist()) if lake.exists else []


def counts(done: Round) -> tuple[int, int, int, int]:
    """Files taken, files waited for, new requests, known ones."""
    return done.taken, done.waiting, done.report.inserted, done.report.unchanged


# ---- each file once, and again when it has grown


def test_a_new_file_is_taken_once_and_a_grown_one_again(folder: Path, lake: Lake):
    watch = watching(folder, lake)
    put(folder / "a.jsonl", lines("a", "b"))
    put(folder / "deep" / "down" / "b.jsonl", lines("c"))

    first, second = watch.run(), watch.run()
    put(folder / "a.jsonl", lines("a", "b", "d"))
    third = watch.run()

    assert [counts(done) for done in (first, second, third)] == [(2, 0, 3, 0), (0, 0, 0, 0), (1, 0, 1, 2)]
    assert ids(lake) == ["a", "b", "c", "d"]
    assert lake.version() == 2


def test_a_file_that_is_exchanged_for_one_of_the_same_size_is_taken_again(folder: Path, lake: Lake):
    watch = watching(folder, lake)
    put(folder / "a.jsonl", lines("a"))
    watch.run()
    put(folder / "a.jsonl", lines("b"), age=STILL - 1)

    assert counts(watch.run()) == (1, 0, 1, 0)


def test_a_file_is_not_taken_before_it_stands_still(folder: Path, lake: Lake):
    watch = watching(folder, lake)
    put(folder / "a.jsonl", lines("a"), age=0)

    assert counts(watch.run()) == (0, 1, 0, 0)


def test_standing_still_shows_between_rounds_also_where_clocks_disagree(folder: Path, lake: Lake):
    watch = watching(folder, lake, every=0.1)
    put(folder / "a.jsonl", lines("a"), age=-3600)  # written by a machine whose clock is ahead

    first = watch.run()
    time.sleep(0.15)
    put(folder / "a.jsonl", lines("a", "b"), age=-3601)
    second = watch.run()
    time.sleep(0.15)
    third = watch.run()

    assert [counts(done) for done in (first, second, third)] == [(0, 1, 0, 0), (0, 1, 0, 0), (1, 0, 2, 0)]


def test_an_empty_file_is_waited_for_in_silence(folder: Path, lake: Lake):
    put(folder / "a.jsonl", b"", age=LONG_STILL)

    assert counts(watching(folder, lake).run()) == (0, 0, 0, 0)


# ---- when a file is whole


def table(*ids_: str) -> bytes:
    buffer = BytesIO()
    pq.write_table(pa.Table.from_pylist([row(request_id) for request_id in ids_]), buffer)
    return buffer.getvalue()


def zstandard(content: bytes) -> bytes:
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "zstd") as stream:
        stream.write(content)
    return buffer.getvalue().to_pybytes()


CONTENTS = {
    "a.jsonl": lines("a", "b"),
    "a.csv": b"request_id,started_at,model\na,2026-05-01T10:00:00Z,gpt-4o\nb,2026-05-01T10:00:00Z,gpt-4o\n",
    "a.jsonl.gz": gzip.compress(lines("a", "b")),
    "a.jsonl.zst": zstandard(lines("a", "b")),
    "a.parquet": table("a", "b"),
    "a.json": json.dumps([row("a"), row("b")], indent=1).encode(),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_is_taken_when_it_is_whole(folder: Path, lake: Lake, name: str):
    watch = watching(folder, lake)
    unfinished = put(folder / name, CONTENTS[name][:-10])
    before = watch.run()
    put(unfinished, CONTENTS[name])

    assert counts(before) == (0, 1, 0, 0)
    assert counts(watch.run()) == (1, 0, 2, 0)
    assert lake.rows("rejects").num_rows == 0


@pytest.mark.parametrize(("name", "whole"), [("a.jsonl", 1), ("a.jsonl.gz", 1), ("a.json", 1), ("a.parquet", 0)])
def test_a_file_that_stands_still_for_long_is_taken_as_it_is(folder: Path, lake: Lake, name: str, whole: int):
    put(folder / name, CONTENTS[name][:-10], age=LONG_STILL)
    watch = watching(folder, lake)

    first, second = watch.run(), watch.run()

    assert counts(first) == (1, 0, whole, 0)
    assert len(first.report.problems) == 1
    assert counts(second) == (0, 0, 0, 0)


def test_a_whole_object_needs_no_newline_after_it(folder: Path, lake: Lake):
    put(folder / "2026-05-01.json", json.dumps(row("a")).encode())

    assert counts(watching(folder, lake).run()) == (1, 0, 1, 0)


def test_of_json_lines_that_never_stand_still_the_whole_lines_are_taken(folder: Path, lake: Lake):
    watch = watching(folder, lake, patience=0.1)
    log = put(folder / "busy.jsonl", lines("a", "b") + lines("c")[:20], age=-3600)
    first = watch.run()
    time.sleep(0.15)
    put(log, lines("a", "b", "c", "d") + lines("e")[:20], age=-3601)
    second = watch.run()
    put(log, lines("a", "b", "c", "d", "e"))
    third = watch.run()

    assert [counts(done) for done in (first, second, third)] == [(0, 1, 0, 0), (1, 0, 4, 0), (1, 0, 1, 4)]
    assert lake.rows("rejects").num_rows == 0


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl.gz", "a.parquet"])
def test_other_files_that_never_stand_still_are_waited_for(folder: Path, lake: Lake, name: str):
    watch = watching(folder, lake, patience=0.1)
    put(folder / name, CONTENTS[name][:-10], age=-3600)
    watch.run()
    time.sleep(0.15)
    put(folder / name, CONTENTS[name][:-9], age=-3601)

    assert counts(watch.run()) == (0, 1, 0, 0)


# ---- what is remembered


def memory(lake: Lake) -> Path:
    (file,) = (lake.root / "watch").glob("*.json")
    return file


def test_a_restart_takes_nothing_again(folder: Path, lake: Lake):
    put(folder / "a.jsonl", lines("a"))
    watching(folder, lake).run()
    put(folder / "b.jsonl", lines("b"))

    assert counts(watching(folder, lake).run()) == (1, 0, 1, 0)


def test_lost_memory_costs_a_second_look_and_no_version(folder: Path, lake: Lake):
    put(folder / "a.jsonl", lines("a", "b"))
    watching(folder, lake).run()
    memory(lake).unlink()  # as if the process had ended right after the commit
    assert counts(watching(folder, lake).run()) == (1, 0, 0, 2)
    for damaged in (b"", b'{"taken": [1', b'{"taken": {"a": 7}}', b"[]"):
        memory(lake).write_bytes(damaged)
        assert counts(watching(folder, lake).run()) == (1, 0, 0, 2)

    assert lake.version() == 1


def test_a_lake_that_is_made_anew_gets_everything_again(folder: Path, lake: Lake):
    watch = watching(folder, lake)
    put(folder / "a.jsonl", lines("a"))
    watch.run()
    shutil.rmtree(lake.root)

    assert counts(watch.run()) == (1, 0, 1, 0)
    assert ids(lake) == ["a"]


def test_files_that_have_gone_are_forgotten(folder: Path, lake: Lake):
    watch = watching(folder, lake)
    put(folder / "a.jsonl", lines("a"))
    watch.run()
    (folder / "a.jsonl").unlink()
    put(folder / "b.jsonl", lines("b"))
    watch.run()

    assert list(json.loads(memory(lake).read_text())["taken"]) == [str(folder / "b.jsonl")]
    assert ids(lake) == ["a", "b"]


def test_a_folder_is_watched_by_one_process_at_a_time(folder: Path, lake: Lake):
    first, second = watching(folder, lake), watching(folder, lake)
    first.run()

    with pytest.raises(TROUBLE, match="Another process watches"):
        second.run()


# ---- what is wrong with one file


def test_a_broken_file_stops_nothing(folder: Path, lake: Lake):
    watch = watching(folder, lake)
    put(folder / "a.jsonl", lines("a") + b"broken\n")
    put(folder / "b.csv", b"PK\x03\x04 an archive")
    put(folder / "c.txt", b"notes of somebody\n")
    put(folder / "d.jsonl", lines("d"))

    first, second = watch.run(), watch.run()
    put(folder / "a.jsonl", lines("a") + b"broken\n" + lines("b"))
    third = watch.run()

    assert counts(first) == (4, 0, 2, 0)
    assert sorted(problem.removeprefix(str(folder))[:20] for problem in first.report.problems) == [
        "/a.jsonl, line 2: Th", "/b.csv is a zip arch", "Of no known format, ",
    ]  # fmt: skip
    assert (counts(second), second.report.problems) == ((0, 0, 0, 0), ())
    assert counts(third) == (1, 0, 1, 1)
    assert lake.rows("rejects").num_rows == 2


class Picky(Table):
    """A format whose reader fails at a file, as no reader should."""

    def read(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        def checked() -> Iterator[Head]:
            for head in heads:
                if head.path.stem == "bad":
                    raise ZeroDivisionError("division by zero")
                yield head

        yield from super().read(checked(), reading)


def test_a_file_that_no_reader_can_digest_is_left_out_until_it_changes(folder: Path, lake: Lake):
    watch = watching(folder, lake, override=Picky())
    for name in ("a", "bad", "c"):
        put(folder / f"{name}.jsonl", lines(name))

    first, second = watch.run(), watch.run()

    assert counts(first) == (3, 0, 2, 0)
    assert first.report.problems == (f"{folder / 'bad.jsonl'} cannot be read (division by zero). It is left out until it changes.",)
    assert counts(second) == (0, 0, 0, 0)
    assert ids(lake) == ["a", "c"]


def test_an_export_of_langfuse_is_completed_by_what_comes_later(folder: Path, lake: Lake):
    observation = {"id": "o", "trace_id": "t", "type": "GENERATION", "start_time": "2026-05-01 10:00:00.000"}
    observation |= {"provided_model_name": "gpt-4o", "usage_details": {"input": 3}, "parent_observation_id": None}
    trace = {"id": "t", "timestamp": "2026-05-01 10:00:00.000", "name": "n", "user_id": "ada", "tags": [], "release": None}
    watch = watching(folder, lake)
    for kind, content in (("observations", observation), ("traces", trace)):
        put(folder / kind / "2026-05-01T10-00-00.jsonl", json.dumps(content).encode() + b"\n")
        watch.run()

    assert stored(lake).select(["request_id", "user_id"]).to_pylist() == [{"request_id": "t:o", "user_id": "ada"}]


# ---- round after round


class Told(list[str]):
    """What is said, without the time; after so many lines the rounds end."""

    def __init__(self, stop: Event, most: int) -> None:
        super().__init__()
        self._stop, self._most = stop, most

    def __call__(self, line: str) -> None:
        self.append(line if line.startswith(" ") else line.split("Z ", 1)[1])
        if len(self) >= self._most:
            self._stop.set()


def test_a_round_is_told_in_a_line_and_silence_once(folder: Path, lake: Lake):
    put(folder / "a.jsonl", lines("a") + b"broken\n")
    stop = Event()
    told = Told(stop, most=3)

    follow(watching(folder, lake), 0.05, stop, told)

    assert told[0].startswith("1 file taken: 1 new, 0 changed, 0 known, 1 rejected; ")
    assert told[1].startswith(f"  {folder / 'a.jsonl'}, line 2: This line is no whole JSON object")
    assert told[2:] == ["Nothing new.", "Stopped; what was taken is not taken again."]


def test_what_is_wrong_with_a_file_is_told_once_however_often_it_is_read(folder: Path, lake: Lake):
    log = put(folder / "a.jsonl", lines("a") + b"broken\n")
    told: list[str] = []
    follower = Follower(watching(folder, lake), EVERY, told.append)

    follower.run()
    put(log, lines("a") + b"broken\n" + lines("b"))
    follower.run()

    assert len([line for line in told if " 1 file taken: " in line]) == 2
    assert len([line for line in told if f"{log}, line 2: " in line]) == 1


def test_trouble_is_told_and_tried_again_until_it_has_passed(folder: Path, lake: Lake):
    put(folder / "a.jsonl", lines("a"))
    entry = lake.root / "requests" / "_delta_log" / f"{0:020}.json"
    watching(folder, lake).run()
    content = entry.read_bytes()
    entry.write_bytes(b"damaged")
    put(folder / "b.jsonl", lines("b"))
    stop = Event()

    class Mending(Told):
        def __call__(self, line: str) -> None:
            super().__call__(line)
            entry.write_bytes(content)

    told = Mending(stop, most=2)
    follow(watching(folder, Lake(lake.root)), 0.05, stop, told)

    assert "cannot be read" in told[0]
    assert told[0].endswith("Nothing was taken; trying again in 0.1 s.")
    assert told[1].startswith("1 file taken: 1 new")
    assert ids(Lake(lake.root)) == ["a", "b"]


def test_a_folder_that_is_gone_is_waited_for(folder: Path, lake: Lake):
    watch = watching(folder, lake)
    folder.rmdir()

    with pytest.raises(TROUBLE, match="is no folder"):
        watch.run()
    put(folder / "a.jsonl", lines("a"))
    assert counts(watch.run()) == (1, 0, 1, 0)
