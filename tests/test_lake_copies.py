"""Copies of a remote lake's files: each fetched once, whole, and within a bounded room."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from usagecost.lake import copies as copies_module
from usagecost.lake.copies import IN_USE, UNUSED, Copies

HOUR = 3600.0


class Origin:
    """Where the files come from: ten bytes each, and how often each was fetched."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def __call__(self, name: str, path: Path) -> None:
        self.fetched.append(name)
        path.write_bytes(b"0123456789")


@pytest.fixture
def origin() -> Origin:
    return Origin()


def unasked_for(folder: Path, name: str, seconds: float) -> None:
    """A copy that was last asked for so long ago."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"0123456789")
    os.utime(path, (time.time() - seconds, time.time() - seconds))


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once(tmp_path: Path, origin: Origin):
    files = [("requests/day=2026-05-01/a", 10), ("requests/day=2026-05-02/b", 10)]
    for copies in (Copies(tmp_path, 100), Copies(tmp_path, 100)):
        assert copies.paths(files, origin) == [str(tmp_path / name) for name, _ in files]

    assert sorted(origin.fetched) == [name for name, _ in files]
    assert names(tmp_path) == [name for name, _ in files]


def test_threads_that_want_the_same_file_fetch_it_once(tmp_path: Path):
    copies, fetched, together = Copies(tmp_path, 100), [], threading.Barrier(4)

    def slow(name: str, path: Path) -> None:
        fetched.append(name)
        time.sleep(0.1)
        path.write_bytes(b"0123456789")

    def ask(_: int) -> list[str]:
        together.wait()
        return copies.paths([("a", 10)], slow)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [[str(tmp_path / "a")]] * 4
    assert fetched == ["a"]


def test_a_copy_that_is_not_whole_is_fetched_again(tmp_path: Path, origin: Origin):
    (tmp_path / "a").write_bytes(b"012")
    Copies(tmp_path, 100).paths([("a", 10)], origin)

    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_file_of_another_size_than_the_log_says_is_no_copy(tmp_path: Path, origin: Origin):
    with pytest.raises(FileNotFoundError, match="another size"):
        Copies(tmp_path, 100).paths([("a", 11)], origin)

    assert names(tmp_path) == []


def test_a_file_whose_fetching_fails_leaves_nothing(tmp_path: Path):
    def fail(_: str, path: Path) -> None:
        path.write_bytes(b"012")
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError, match="gone"):
        Copies(tmp_path, 100).paths([("a", 10)], fail)
    assert names(tmp_path) == []


def test_what_was_not_asked_for_the_longest_makes_room(tmp_path: Path, origin: Origin):
    for name, hours in (("old", 3), ("older", 4), ("oldest", 5)):
        unasked_for(tmp_path, name, hours * HOUR)
    Copies(tmp_path, most_bytes=30).paths([("new", 10)], origin)

    assert names(tmp_path) == ["new", "old", "older"]


def test_what_was_asked_for_of_late_stays_though_there_is_no_room(tmp_path: Path, origin: Origin):
    unasked_for(tmp_path, "late", IN_USE - 60)
    Copies(tmp_path, most_bytes=5).paths([("new", 10)], origin)

    assert names(tmp_path) == ["late", "new"]


def test_asking_keeps_a_copy_and_leaves_its_time_of_change_alone(tmp_path: Path, origin: Origin):
    """DuckDB remembers a file's footer as long as that time stays."""
    unasked_for(tmp_path, "asked", 5 * HOUR)
    unasked_for(tmp_path, "other", 3 * HOUR)
    changed = (tmp_path / "asked").stat().st_mtime_ns
    Copies(tmp_path, most_bytes=15).paths([("asked", 10)], origin)

    assert names(tmp_path) == ["asked"]
    assert (tmp_path / "asked").stat().st_mtime_ns == changed
    assert origin.fetched == []


def test_what_nobody_asks_for_goes_after_a_week_though_there_is_room(tmp_path: Path, origin: Origin):
    unasked_for(tmp_path, "forgotten", UNUSED + 60)
    unasked_for(tmp_path, "kept", UNUSED - HOUR)
    Copies(tmp_path, most_bytes=1000).paths([("new", 10)], origin)

    assert names(tmp_path) == ["kept", "new"]


def test_room_is_made_at_most_once_a_minute(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch):
    copies = Copies(tmp_path, most_bytes=0)
    copies.paths([], origin)
    unasked_for(tmp_path, "old", 3 * HOUR)
    copies.paths([], origin)
    assert names(tmp_path) == ["old"]

    monkeypatch.setattr(copies_module, "MARKED_EVERY", 0.0)
    copies.paths([], origin)
    assert names(tmp_path) == []
