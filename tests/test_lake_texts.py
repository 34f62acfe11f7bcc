"""Small texts beside the tables, on disk and in a store alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
import pytest

from tests.object_store import objects, store_of
from usagecost.lake import Lake, LakeChanged, LakeError


@pytest.fixture(params=["disk", "s3", "gs"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "disk":
        return Lake(tmp_path / "lake")
    new_lake: Callable[[str], str] = request.getfixturevalue("new_lake")
    return Lake(new_lake(request.param))


def test_a_text_is_read_as_it_was_written_and_replaced_only_by_who_has_seen_it(lake: Lake):
    assert lake.texts.read("boards/team.json") is None
    for seen, text in ((None, ""), ("", "discount = 0.1 # 10 % – 日本\n"), ("discount = 0.1 # 10 % – 日本\n", "second")):
        lake.texts.put("boards/team.json", text, seen=seen)
        assert lake.texts.read("boards/team.json") == text
        for other in (None, "first"):
            with pytest.raises(LakeChanged, match="look at it again"):
                lake.texts.put("boards/team.json", "mine", seen=other)
    assert (lake.texts.read("boards/team.json"), lake.exists) == ("second", False)


def test_of_several_who_replace_the_same_text_at_once_one_does(lake: Lake):
    lake.texts.put("prices.toml", "0", seen=None)
    together = threading.Barrier(4)

    def replace(name: str) -> bool:
        seen = Lake(lake.name).texts.read("prices.toml")
        together.wait()
        try:
            Lake(lake.name).texts.put("prices.toml", name, seen=seen)
        except LakeChanged:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(replace, "abcd"))
    assert sum(done) == 1
    assert lake.texts.read("prices.toml") == "abcd"[done.index(True)]


def test_bytes_that_are_no_text_are_said_to_be_none(tmp_path: Path, new_lake: Callable[[], str]):
    on_disk, in_store = Lake(tmp_path), Lake(new_lake())
    (tmp_path / "prices.toml").write_bytes(b"\xff")
    obstore.put(store_of(in_store.name), "prices.toml", b"\xff")

    for lake in (on_disk, in_store):
        with pytest.raises(LakeError, match=r"prices\.toml in .* is no UTF-8 text"):
            lake.texts.read("prices.toml")


def test_a_text_leaves_nothing_else_behind(tmp_path: Path, new_lake: Callable[[], str]):
    on_disk, in_store = Lake(tmp_path / "lake"), Lake(new_lake())
    for lake in (on_disk, in_store):
        lake.texts.put("prices.toml", "x", seen=None)

    assert {path.name for path in on_disk.root.iterdir()} - {".texts.lock"} == {"prices.toml"}
    assert objects(in_store.name) == ["prices.toml"]
