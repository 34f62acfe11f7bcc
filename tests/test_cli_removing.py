"""Listing what was loaded, and taking it out again, as a person types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.lake_rows import rows_of
from usagecost.cli import app
from usagecost.lake import Lake

HEADER = "request_id,started_at,provider,model,input_tokens,output_tokens,user_id\n"


@pytest.fixture(scope="module")
def loaded_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two loads: a and b, then c; at $2.50 a million tokens."""
    folder = tmp_path_factory.mktemp("loaded")
    first, second = folder / "first.csv", folder / "second.csv"
    first.write_text(
        HEADER + "a,2026-05-01T10:00:00Z,openai,gpt-4o,1000000,0,ada\nb,2026-05-01T22:30:00Z,openai,my-own,1000000,0,bob\n"
    )
    second.write_text(HEADER + "c,2026-05-02T10:00:00Z,openai,gpt-4o,2000000,0,ada\nbroken\n")
    for file in (first, second):
        assert run("ingest", file, lake=folder / "lake").exit_code == 0
    return folder / "lake"


@pytest.fixture
def lake(loaded_lake: Path, tmp_path: Path) -> Path:
    """A copy of it, to remove from."""
    return shutil.copytree(loaded_lake, tmp_path / "lake")


def run(*arguments: object, lake: Path, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--lake", str(lake)], input=answer)


def loaded(lake: Path) -> list[dict]:
    return json.loads(run("ingests", "--report", "json", lake=lake).stdout)


def left(lake: Path) -> list[str]:
    return [request_id for (request_id,) in rows_of(Lake(lake), "request_id")]


def test_ingests_are_listed_with_what_they_did(lake: Path):
    newest, oldest = loaded(lake)

    assert [newest[name] for name in ("requests", "inserted", "lines", "skipped", "rejected")] == [1, 1, 3, 1, 1]
    assert [oldest[name] for name in ("requests", "inserted", "lines", "skipped", "rejected")] == [2, 2, 3, 1, 0]
    assert newest["paths"].endswith("second.csv")
    listed = run("ingests", lake=lake).stdout
    assert newest["id"] in listed
    assert "second.csv" in "".join(listed.split()), "a long path is folded"


def test_a_wrong_load_is_taken_out_after_a_preview(lake: Path):
    wrong = loaded(lake)[1]["id"]
    done = run("remove", "--ingest", wrong, lake=lake, answer="y\n")

    assert done.exit_code == 0
    assert "2026-05-01 10:00:00+00 to 2026-05-01 22:30:00+00" in done.stdout
    assert "$2.50, without 1 of unknown cost" in done.stdout
    assert "2 requests removed; the lake is at version 3." in done.stdout
    assert "doctor --repair" in done.stderr
    assert left(lake) == ["c"]
    assert [row["requests"] for row in loaded(lake)] == [1, 0]


@pytest.mark.parametrize("answer", ["n\n", "", None])
def test_without_a_yes_nothing_is_removed(lake: Path, answer: str | None):
    done = run("remove", "--user", "ada", lake=lake, answer=answer)

    assert done.exit_code == 1
    assert left(lake) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("options", "remaining"),
    [
        (["--user", "ada"], ["b"]),
        (["--before", "2026-05-02"], ["c"]),
        (["--before", "2026-05-02", "--zone", "Europe/Berlin"], ["b", "c"]),
    ],
)
def test_a_user_is_erased_and_what_is_old_is_retired(lake: Path, options: list[str], remaining: list[str]):
    done = run("remove", *options, "--yes", "--report", "json", lake=lake)

    assert done.exit_code == 0
    assert json.loads(done.stdout)["requests"] == 3 - len(remaining)
    assert left(lake) == remaining


def test_nothing_to_remove_is_status_1(lake: Path):
    done = run("remove", "--ingest", "0123", "--yes", lake=lake)

    assert done.exit_code == 1
    assert "The lake holds no such requests" in done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "with one of --ingest ID, --user ID and --before DATE"),
        (["--user", "ada", "--before", "2026-05-02"], "with one of --ingest ID, --user ID and --before DATE"),
        (["--before", "yesterday"], "--before yesterday is no day: write it as 2026-11-23."),
        (["--before", "2026-05-02", "--zone", "Mars"], "--zone Mars is no time zone"),
    ],
)
def test_wrong_usage_is_status_2_and_removes_nothing(lake: Path, options: list[str], sentence: str):
    done = run("remove", *options, "--yes", lake=lake)

    assert done.exit_code == 2
    assert sentence in done.stderr
    assert left(lake) == ["a", "b", "c"]


@pytest.mark.parametrize("command", [["ingests"], ["remove", "--user", "ada", "--yes"]])
def test_without_a_lake_it_is_said_calmly(tmp_path: Path, command: list[str]):
    done = run(*command, lake=tmp_path / "none")

    assert done.exit_code == 1
    assert "There is no lake" in done.stderr


def test_a_lake_that_cannot_be_written_to_is_said_calmly(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "a.csv").write_text(HEADER + "a,2026-05-01T10:00:00Z,openai,gpt-4o,1,0,ada\n")
    done = run("ingest", tmp_path / "a.csv", lake=tmp_path / "file" / "lake")

    assert done.exit_code == 1
    assert "cannot be written to" in done.stderr
    assert "Traceback" not in done.output
