"""Where the sample is made when its folder cannot be written to, as in a repository that is mounted read-only."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.pages import opened
from usagecost.cli import app
from usagecost.lake import Lake
from usagecost.sample import ensure_sample, lakes, sample_progress, sample_requests


@pytest.fixture
def quick_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that is quickly made."""
    rows = sample_requests(datetime(2026, 5, 1, tzinfo=UTC)).slice(0, 100)
    monkeypatch.setattr(lakes, "sample_requests", lambda *_: rows)


@pytest.mark.usefixtures("quick_sample")
def test_a_sample_that_cannot_be_written_is_made_among_the_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").write_text("no folder can be in it")

    made = ensure_sample(tmp_path / "file" / "sample", datetime.now(UTC))

    assert made.parent == tmp_path / f"usagecost-sample-{os.getuid()}"
    assert made.parent.stat().st_mode & 0o777 == 0o700
    assert Lake(made).snapshot().rows == 100
    assert ensure_sample(tmp_path / "file" / "sample", datetime.now(UTC)) == made


def test_a_sample_that_can_be_written_nowhere_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "file"
    file.write_text("no folder can be in it")
    monkeypatch.setattr("tempfile.tempdir", str(file))
    monkeypatch.setenv("USAGECOST_SAMPLE", str(file / "sample"))
    monkeypatch.setattr("usagecost.ui.frame.lake_root", lambda: str(file / "lake"))
    monkeypatch.delenv("USAGECOST_LAKE", raising=False)
    sentence = (
        f"The sample can be written neither to {file / 'sample'} nor to {file}/usagecost-sample-{os.getuid()}: set USAGECOST_SAMPLE"
    )

    command = CliRunner().invoke(app, ["sample"])
    page = opened()

    assert (command.exit_code, command.output.startswith(sentence)) == (1, True)
    assert page.warning[0].value.replace("\\", "").startswith(sentence)


def test_a_sample_that_is_made_says_how_far_it_is(tmp_path: Path):
    assert sample_progress(tmp_path) == 0
    days = tmp_path / ".making-now" / "requests"
    days.mkdir(parents=True)
    assert sample_progress(tmp_path) == 0.1
    for day in range(121):
        (days / f"day={day}").mkdir()
    assert sample_progress(tmp_path) == 1
