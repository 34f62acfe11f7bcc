"""Which version of the lake readers are shown while requests arrive."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from tests.lake_rows import commit, row
from tests.views import instant
from usagecost.lake import Lake, LakeMissing
from usagecost.ui import version
from usagecost.ui.version import HELD_SECONDS, version_to_show


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a"))
    return lake


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the clock shows, to be set."""
    shows = [1000.0]
    monkeypatch.setattr(version.time, "monotonic", lambda: shows[0])
    return shows


def test_a_lake_at_rest_changes_at_once_then_not_every_moment_and_what_comes_meanwhile_is_shown_together(
    lake: Lake, clock: list[float]
):
    root = str(lake.root)
    first = version_to_show(root)
    second = commit(lake, row("b")).version
    assert version_to_show(root) == second > first

    for name in "cde":
        clock[0] += (HELD_SECONDS - 0.1) / 3
        commit(lake, row(name))
        assert version_to_show(root) == second
    clock[0] += 0.2
    assert version_to_show(root) == lake.version()


@pytest.mark.usefixtures("clock")
def test_who_asks_for_the_newest_sees_it_and_everybody_else_too(lake: Lake):
    root = str(lake.root)
    version_to_show(root)
    commit(lake, row("b"))
    version_to_show(root)
    newest = commit(lake, row("c")).version
    version_to_show(root, newest=True)

    assert version_to_show(root) == newest

    commit(lake, row("d"))
    assert version_to_show(root) == newest


@pytest.mark.usefixtures("clock")
def test_lakes_do_not_wait_for_each_other(lake: Lake, tmp_path: Path):
    other = Lake(tmp_path / "other")
    for each in (lake, other):
        commit(each, row("x"))
        version_to_show(str(each.root))
        commit(each, row("y"))

    assert [version_to_show(str(each.root)) for each in (lake, other)] == [lake.version(), other.version()]


@pytest.mark.usefixtures("clock")
def test_a_slow_look_does_not_bring_an_older_version_back(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    root, look, looked, may_end = str(lake.root), Lake.version, Event(), Event()
    version_to_show(root)
    commit(lake, row("b"))

    def look_slowly(self: Lake) -> int:
        found = look(self)
        if not looked.is_set():
            looked.set()
            may_end.wait(10)
        return found

    monkeypatch.setattr(Lake, "version", look_slowly)
    with ThreadPoolExecutor(2) as pool:
        early = pool.submit(version_to_show, root)
        assert looked.wait(10)
        newest = commit(lake, row("c")).version
        late = pool.submit(version_to_show, root, newest=True)
        wait([late], 0.2)
        may_end.set()
        assert (early.result(), late.result()) == (newest - 1, newest)

    assert version_to_show(root) == newest


def test_no_lake_has_no_version(tmp_path: Path):
    with pytest.raises(LakeMissing):
        version_to_show(str(tmp_path / "nothing"))


class Clock(datetime):
    """A clock that can be set."""

    shows = instant("2026-05-01 23:58:59")

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # noqa: ARG003 - as datetime has it
        return cls.shows


def test_a_page_is_of_one_instant_until_five_minutes_are_full_or_the_reader_asks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(version, "datetime", Clock)
    first = version.as_of("lake", 1)
    monkeypatch.setattr(Clock, "shows", first + timedelta(seconds=60.9))
    assert version.as_of("lake", 1) == first

    assert version.as_of("lake", 2) == first + timedelta(seconds=60.9)

    version.renew_now()
    assert version.as_of("lake", 1) == first + timedelta(seconds=60.9)

    monkeypatch.setattr(Clock, "shows", instant("2026-05-02"))
    assert version.as_of("lake", 1) == version.as_of("lake", 2) == instant("2026-05-02"), "today is another day"
