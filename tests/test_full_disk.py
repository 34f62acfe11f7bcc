"""A disk without room: one sentence, and a lake as it was."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copies import copied
from usagecost.ingest import Formats, ingest
from usagecost.lake import Lake, LakeError, LakeFull
from usagecost.lake.errors import is_disk_full
from usagecost.lake.storage import write_whole
from usagecost.pricebook import add_entry, current_book
from usagecost.ui.sources.uploads import Uploads

HOME = Path(__file__).parents[1]
SENTENCE = "The disk is full: nothing was changed, the lake is whole. Free some room and run it again."
HEADER = "request_id,started_at,provider,model,user_id,input_tokens,output_tokens\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def write_table(file: Path, name: str, rows: int, day: int = 1) -> Path:
    """A table of requests of three days from a day on, whose ids do not pack well, and a line that is rejected."""
    lines = (
        f"{name}-{number * 2654435761 % 2**32:08x}{number * 40503 % 2**16:04x},2026-05-{day + number % 3:02}T10:00:00Z,"
        f"openai,gpt-4o,u{number * 69069 % 99991},{number},{number * 7919 % 1000}\n"
        for number in range(rows)
    )
    file.write_text(HEADER + "".join(lines) + f"{name}-wrong,never,openai,gpt-4o,u,1,1\n")
    return file


def run(*arguments: object, lake: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, so that everything it prints is seen."""
    command = [sys.executable, "-m", "usagecost", *map(str, arguments), "--lake", str(lake)]
    return subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False, env={**os.environ, "TERM": "dumb"})


def fill(disk: Path, left: int) -> Path:
    """Leaves some bytes of room."""
    about = os.statvfs(disk)
    filler = disk / "filler"
    filler.write_bytes(b"\0" * (about.f_bavail * about.f_frsize - left))
    return filler


def files_in(folder: Path) -> set[str]:
    """All files but locks, the first entry of a table's log, which makes the table and no row, and the record that it was tried."""
    stay = (".lock", "/_delta_log/00000000000000000000.json")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not str(path).endswith(stay)}
    return {name for name in found if not name.startswith("audit/")}


COMMANDS = {
    "ingest": ("ingest", "{more}"),
    "remove": ("remove", "--before", "2026-05-02", "--yes"),
    "reprice": ("reprice",),
    "doctor": ("doctor", "--repair"),
}


@copied
def filled(lake: Lake) -> None:
    """Two loads, own prices, and a copy of those that were read."""
    for number in range(2):
        ingest([write_table(lake.root.parent / f"{number}.csv", f"f{number}", 300)], lake)
    (lake.root.parent / "prices.toml").write_text('[[price]]\nmodel = "gpt-4o"\ninput = 1\noutput = 2\n')
    current_book(lake)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "left"), [*((command, 0) for command in COMMANDS), ("ingest", 60_000)])
def test_a_full_disk_is_one_sentence_and_the_lake_is_as_it_was(disk: Path, filled: Lake, tmp_path: Path, command: str, left: int):
    """Full at once, or when the files of a commit are half written."""
    root = shutil.copytree(filled.root.parent, disk / "data", ignore=shutil.ignore_patterns("disk")) / "lake"
    before, files = Lake(root).snapshot(), files_in(root)
    more = write_table(tmp_path / "more.csv", "more", 20_000 if left else 300, day=2)
    filler = fill(disk, left)

    done = run(*(part.format(more=more) for part in COMMANDS[command]), lake=root)

    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == SENTENCE
    assert Lake(root).snapshot().data_files == before.data_files
    assert files_in(root) == files

    filler.unlink()
    assert ingest([more], Lake(root)).inserted > 0


def test_a_text_that_cannot_be_written_leaves_nothing_behind(disk: Path):
    lake = Lake(disk / "lake")
    (disk / "prices.toml").write_text("# own prices\n")
    boards = lake.texts_beside("boards")
    boards.put("mine.toml", "title = 'a'\n", seen=None)
    fill(disk, 0)

    with pytest.raises(
        LakeFull, match=r"prices\.toml in .* cannot be written: the disk is full, and nothing was changed\. Free some room\."
    ):
        add_entry(lake, '[[price]]\nmodel = "m"\ninput = 1.0\noutput = 1.0\n')
    with pytest.raises(LakeFull, match=r"boards cannot be written: the disk is full, and nothing was changed\. Free some room\."):
        boards.put("mine.toml", "title = 'b'\n" * 1000, seen="title = 'a'\n")

    assert (disk / "prices.toml").read_text() == "# own prices\n"
    assert boards.read("mine.toml") == "title = 'a'\n"
    assert sorted(path.name for path in disk.rglob("*")) == [
        ".texts.lock", ".texts.lock", "boards", "filler", "mine.toml", "prices.toml",
    ]  # fmt: skip


def test_a_dropped_file_that_cannot_be_kept_is_said(disk: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    uploads = Uploads()
    fill(disk, 0)

    uploads.add("a.csv", io.BytesIO(b"x" * 100_000), Formats({}))

    (file,) = uploads.files
    assert (file.name, file.problem) == (
        "a.csv", f"The file cannot be kept in {uploads.folder} (No space left on device): free some room and drop it again.",
    )  # fmt: skip
    assert list(uploads.folder.iterdir()) == []


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "a.toml"
    file.write_bytes(b"before")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("usagecost.lake.storage.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, b"after")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.toml", b"before")]


def test_only_a_disk_can_be_full():
    assert is_disk_full(OSError(28, "No space left on device"))
    assert not is_disk_full(LakeError("a log says: No space left on device"))
    assert not is_disk_full(OSError(13, "Permission denied"))
