"""Backups: a copy at one version, made again by what is new, from which a lake that was lost comes back whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.copies import copied
from tests.lake_rows import commit, contents, row
from tests.test_bill_lines import lines
from tests.test_cli import run
from usagecost import access, annotations, pricebook
from usagecost.audit import Entry, record
from usagecost.boards import board as shelf
from usagecost.budgets import budget
from usagecost.ingest import formats
from usagecost.lake import Lake, LakeError, Selection, backup, restore, texts
from usagecost.serve import tokens


@copied
def lake(lake: Lake) -> None:
    """Three requests of two days, one of which was removed, two lines of a bill, and a text of people."""
    commit(lake, row("a"), row("b", started_at="2026-05-02 10:00"), row("c", user_id="ann"))
    lake.remove(Selection(user="ann"))
    lake.keep_rows("bills", lines("one", "1.25", "0.75"))
    lake.texts.put("list-prices.json", "", seen=None)
    lake.texts_beside().put("prices.toml", "# none yet\n", seen=None)
    lake.texts_beside().put("budgets.toml", "# no budgets\n", seen=None)
    lake.texts_beside("boards").put("ops.toml", "# no board\n", seen=None)
    lake.texts_beside().put("mine.toml", "of somebody else", seen=None)
    (lake.root / "watch").mkdir()
    (lake.root / "watch" / "0a.json").write_text("{}")


def everything(lake: Lake) -> tuple[object, ...]:
    """What a lake holds, and how it came about."""
    texts = [lake.texts.read("list-prices.json"), (lake.root / "watch" / "0a.json").read_text()]
    texts += [lake.texts_beside().read(name) for name in ("budgets.toml", "prices.toml")]
    texts += [lake.texts_beside("boards").read("ops.toml")]
    return contents(lake), lake.rows("bills").to_pylist(), lake.history(), texts


def test_a_lake_that_is_lost_comes_back_whole(lake: Lake, tmp_path: Path):
    before = everything(lake)
    assert run("backup", tmp_path / "copy", "--lake", lake.name).exit_code == 0
    shutil.rmtree(lake.root)
    for name in ("budgets.toml", "prices.toml", "boards/ops.toml"):
        (tmp_path / name).unlink()

    done = run("restore", tmp_path / "copy", "--lake", lake.name)

    assert done.exit_code == 0, done.output
    assert everything(Lake(lake.name)) == before
    assert not (lake.root / "beside").exists()
    commit(Lake(lake.name), row("d"))
    assert sorted(key for _, key in contents(Lake(lake.name))) == ["a", "b", "d"]


def test_what_people_wrote_since_is_not_replaced(lake: Lake, tmp_path: Path):
    backup(lake, str(tmp_path / "copy"))
    shutil.rmtree(lake.root)
    lake.texts_beside().put("budgets.toml", "# newer\n", seen="# no budgets\n")
    restore(str(tmp_path / "copy"), Lake(lake.name))

    assert lake.texts_beside().read("budgets.toml") == "# newer\n"
    assert not list((tmp_path / "copy").rglob("mine.toml"))


def test_what_was_done_before_the_lake_was_restored_stays_recorded(lake: Lake, tmp_path: Path):
    record(lake, Entry("ann", "page", "price", "of the lake"))
    backup(lake, str(tmp_path / "copy"))
    other = Lake(tmp_path / "other" / "lake")
    record(other, Entry("bob", "command", "access", "before there was one"))

    restore(str(tmp_path / "copy"), other)

    assert [act["who"] for act in Lake(other.name).rows("audit").to_pylist()] == ["ann", "bob"]
    other.verify()


def test_what_is_done_while_a_lake_is_restored_is_recorded_afterwards(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    record(lake, Entry("ann", "page", "price", "of the lake"))
    backup(lake, str(tmp_path / "copy"))
    name = str(tmp_path / "other" / "lake")
    with monkeypatch.context() as patch:
        patch.setattr("usagecost.lake.backups._copy_tables", lambda *_: 1 / 0)
        assert run("restore", tmp_path / "copy", "--lake", name).exit_code != 0
    record(Lake(name), Entry("bob", "page", "price", "meanwhile"))
    assert not (tmp_path / "other" / "lake" / "audit").exists()

    assert run("restore", tmp_path / "copy", "--lake", name).exit_code == 0

    acts = Lake(name).rows("audit").to_pylist()
    assert [(act["who"], act["outcome"]) for act in acts][::2] == [("ann", None), ("bob", None)]
    assert [(act["act"], act["outcome"]) for act in acts][1::2] == [("backup", "division by zero"), ("backup", None)]


def test_all_that_people_write_is_copied():
    names = [module.NAME for module in (access, annotations, budget, pricebook, tokens)] + [
        f"{module.FOLDER}/" for module in (formats, shelf)
    ]
    assert set(names) <= set(texts.PEOPLE_TEXTS)


def test_an_earlier_backup_gets_what_is_new_and_loses_what_is_gone(lake: Lake, tmp_path: Path):
    copy = str(tmp_path / "copy")
    first = backup(lake, copy)
    commit(lake, row("d", started_at="2026-05-03 10:00"))
    (lake.root / "watch" / "0a.json").unlink()

    assert backup(lake, copy).new == 1 == backup(lake, copy).files - first.files
    shutil.rmtree(lake.root)
    restore(copy, Lake(lake.name))
    assert sorted(key for _, key in contents(Lake(lake.name))) == ["a", "b", "d"]
    assert not (lake.root / "watch" / "0a.json").exists()


@pytest.mark.parametrize("step", ["_copy_texts", "_copy_tables"])
def test_a_backup_that_is_cut_short_is_the_one_before(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str):
    copy = str(tmp_path / "copy")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    def cut_short() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(f"usagecost.lake.backups.{step}", fail)
            with pytest.raises(KeyboardInterrupt):
                backup(lake, copy)

    cut_short()
    with pytest.raises(LakeError, match="no whole backup"):
        restore(copy, Lake(tmp_path / "never"))
    backup(lake, copy)
    commit(lake, row("d"))
    cut_short()

    before = Lake(tmp_path / "elsewhere" / "lake")
    restore(copy, before)
    assert sorted(key for _, key in contents(before)) == ["a", "b"]
    backup(lake, copy)
    restore(copy, Lake(tmp_path / "third" / "lake"))
    assert sorted(key for _, key in contents(Lake(tmp_path / "third" / "lake"))) == ["a", "b", "d"]


def test_a_restore_that_is_cut_short_goes_on(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    copy, restored = str(tmp_path / "copy"), Lake(tmp_path / "elsewhere" / "lake")
    backup(lake, copy)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("usagecost.lake.backups._names_below", fail)
        with pytest.raises(KeyboardInterrupt):
            restore(copy, restored)
    restore(copy, restored)

    assert everything(restored) == everything(lake)


def test_a_damaged_file_leaves_the_backup_as_it_was(lake: Lake, tmp_path: Path):
    backup(lake, str(tmp_path / "copy"))
    before = contents(lake)
    (file,) = lake.root.glob("requests/day=2026-05-02/*.parquet")
    file.write_bytes(file.read_bytes()[:-9] + b"123456789")

    with pytest.raises(LakeError, match="is damaged: nothing was copied"):
        backup(lake, str(tmp_path / "copy"))
    restore(str(tmp_path / "copy"), Lake(tmp_path / "elsewhere" / "lake"))
    assert contents(Lake(tmp_path / "elsewhere" / "lake")) == before


def test_a_backup_is_not_mixed_with_what_a_restored_lake_became(lake: Lake, tmp_path: Path):
    old, new, restored = str(tmp_path / "old"), str(tmp_path / "new"), Lake(tmp_path / "elsewhere" / "lake")
    backup(lake, old)
    commit(lake, row("d"))
    backup(lake, new)
    restore(old, restored)
    commit(restored, row("e"))

    with pytest.raises(LakeError, match="has what this lake never was"):
        backup(restored, new)
    backup(restored, old)


def test_what_is_not_a_backups_own_stays(lake: Lake, tmp_path: Path):
    for place in ("copy", "elsewhere/lake"):
        (tmp_path / place / "photos").mkdir(parents=True)
        (tmp_path / place / "photos" / "x.jpg").write_text("mine")

    with pytest.raises(LakeError, match="is not empty"):
        backup(lake, str(tmp_path / "copy"))
    backup(lake, str(tmp_path / "whole"))
    restore(str(tmp_path / "whole"), Lake(tmp_path / "elsewhere" / "lake"))

    assert all((tmp_path / place / "photos" / "x.jpg").read_text() == "mine" for place in ("copy", "elsewhere/lake"))


@pytest.mark.parametrize(
    ("place", "words"),
    [("lake/copy", "lie in each other"), (".", "lie in each other"), ("other", "is not empty")],
)
def test_a_backup_has_a_place_of_its_own(lake: Lake, tmp_path: Path, place: str, words: str):
    commit(Lake(tmp_path / "other"), row("z"))

    with pytest.raises(LakeError, match=words):
        backup(lake, str(tmp_path / place))
    assert list(contents(Lake(tmp_path / "other"))) == [("test", "z")]


def test_nothing_is_restored_over_a_lake(lake: Lake, tmp_path: Path):
    backup(lake, str(tmp_path / "copy"))

    done = run("restore", tmp_path / "copy", "--lake", lake.name)
    assert (done.exit_code, "There is a lake in" in done.output) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_to_a_store_and_back(lake: Lake, tmp_path: Path, new_lake: Callable[[str], str], kind: str):
    url = new_lake(kind)
    assert backup(lake, url) == backup(lake, str(tmp_path / "copy"))

    restored = Lake(tmp_path / "elsewhere" / "restored")
    restore(url, restored)
    assert everything(restored) == everything(lake)
    assert backup(lake, url).new == 0
