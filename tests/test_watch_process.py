"""The command as a process: it ends when asked, and waits for a full disk."""

from __future__ import annotations

import resource
import signal
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.lake_rows import stored
from tests.processes import running
from tests.test_watch import lines
from usagecost.cli import app
from usagecost.lake import Lake


def watching(folder: Path, lake: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    """The command, with a round a second."""
    command = ("watch", folder, "--every", "1s", "--lake", lake)
    return running("-m", "usagecost", *command, stderr=subprocess.STDOUT)


def heard(process: subprocess.Popen[str], words: str) -> str:
    """The next line that the process prints with these words."""
    return next(line for line in process.stdout if words in line)


@pytest.mark.slow
def test_it_takes_what_comes_and_ends_when_asked(tmp_path: Path):
    folder = tmp_path / "logs"
    folder.mkdir()

    with watching(folder, tmp_path / "lake") as process:
        heard(process, "Nothing new.")
        (folder / "a.jsonl").write_bytes(lines("a", "b"))
        taken = heard(process, "taken")
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]

    assert "1 file taken: 2 new, 0 changed, 0 known; " in taken
    assert said.splitlines()[-1].endswith("Stopped; what was taken is not taken again.")
    assert process.returncode == 0
    assert sorted(stored(Lake(tmp_path / "lake"))["request_id"].to_pylist()) == ["a", "b"]
    assert Lake(tmp_path / "lake").rows("audit")["what"].to_pylist() == [
        f"{when} of watching {folder}" for when in ("start", "end")
    ]


@pytest.mark.slow
def test_a_full_disk_is_told_and_waited_for(tmp_path: Path):
    folder, lake = tmp_path / "logs", Lake(tmp_path / "lake")
    folder.mkdir()

    with watching(folder, lake.root) as process:
        heard(process, "Nothing new.")
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100, most))  # no file may become larger
        (folder / "a.jsonl").write_bytes(lines("a"))
        told = heard(process, "trying again")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        taken = heard(process, "taken: ")

    assert "Traceback" not in told
    assert "Nothing was taken; trying again in 2 s." in told
    assert "1 file taken: 1 new" in taken
    assert stored(lake)["request_id"].to_pylist() == ["a"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing",), "missing is no folder"),
        ((".", "--every", "soon"), "--every soon is no time"),
        ((".", "--every", "0s"), "--every 0 leaves no time"),
        ((".", "--as", "carrier-pigeon"), "carrier-pigeon"),
    ],
)
def test_wrong_usage_is_status_2(tmp_path: Path, arguments: tuple[str, ...], words: str):
    done = CliRunner().invoke(app, ["watch", *arguments, "--lake", str(tmp_path / "lake")])

    assert done.exit_code == 2
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []
