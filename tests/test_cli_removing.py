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


def test_ingests_are_listed_with_what_they_did(loaded_lake: Path):
    newest, oldest = loaded(loaded_lake)

    assert [newest[name] for name in ("requests", "inserted", "lines", "skipped", "rejected")] == [1, 1, 3, 1, 1]
    assert [oldest[name] for name in ("requests", "inserted", "lines", "skipped", "rejected")] == [2, 2, 3, 1, 0]
    assert newest["paths"].endswith("second.csv")
    listed = run("ingests", lake=loaded_lake).stdout
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


def test_without_a_yes_nothing_is_removed(loaded_lake: Path):
    for answer in ("n\n", "", None):
        assert run("remove", "--user", "ada", lake=loaded_lake, answer=answer).exit_code == 1
    assert left(loaded_lake) == ["a", "b", "c"]


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


@pytest.mark.parametrize(
    ("options", "status", "sentence"),
    [
        (["--ingest", "0123"], 1, "The lake holds no such requests"),
        ([], 2, "with one of --ingest ID, --user ID and --before DATE"),
        (["--user", "ada", "--before", "2026-05-02"], 2, "with one of --ingest ID, --user ID and --before DATE"),
        (["--before", "yesterday"], 2, "--before yesterday is no day: write it as 2026-11-23."),
        (["--before", "2026-05-02", "--zone", "Mars"], 2, "--zone Mars is no time zone"),
    ],
)
def test_what_is_not_there_or_wrongly_asked_for_removes_nothing(loaded_lake: Path, options: list[str], status: int, sentence: str):
    done = run("remove", *options, "--yes", lake=loaded_lake)

    assert (done.exit_code, sentence in done.stderr, left(loaded_lake)) == (status, True, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("command", "folder", "said"),
    [
        (["ingests"], "none", "There is no lake"),
        (["remove", "--user", "ada", "--yes"], "none", "There is no lake"),
        (["ingest", "a.csv"], "a.csv/lake", "cannot be written to"),
    ],
)
def test_a_lake_that_is_not_there_or_cannot_be_is_said_calmly(tmp_path: Path, command: list[str], folder: str, said: str):
    (tmp_path / "a.csv").write_text(HEADER + "a,2026-05-01T10:00:00Z,openai,gpt-4o,1,0,ada\n")
    done = run(*(tmp_path / word if word == "a.csv" else word for word in command), lake=tmp_path / folder)

    assert (done.exit_code, said in done.stderr, "Traceback" in done.output) == (1, True, False)
