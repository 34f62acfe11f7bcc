"""The commands as a person types them: what they print, and with which status they end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from usagecost.cli import app
from usagecost.lake import Lake, rollup_files
from usagecost.schema import REQUESTS

README = Path(__file__).parents[1] / "README.md"
REPORT = [
    "files", "lines", "requests", "inserted", "updated", "unchanged", "duplicates", "skipped", "skipped_reasons",
    "rejected", "unpriced", "conflicts", "days", "version", "seconds",
]  # fmt: skip
TABLE = "request_id,started_at,provider,model,input_tokens,output_tokens\na,2026-05-01T10:00:00Z,openai,gpt-4o,1000000,0\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A file of one request that costs $2.50."""
    file = tmp_path / "requests.csv"
    file.write_text(TABLE)
    return file


def test_ingest_reports_exactly_the_documented_keys(table: Path, tmp_path: Path):
    done = run("ingest", table, "--lake", tmp_path / "lake", "--report", "json")
    report = json.loads(done.stdout)

    assert done.exit_code == 0
    assert list(report) == REPORT
    assert (report["requests"], report["inserted"], report["lines"], report["skipped"]) == (1, 1, 2, 1)


def test_a_dry_run_makes_no_lake(table: Path, tmp_path: Path):
    done = run("ingest", table, "--lake", tmp_path / "lake", "--dry-run", "--report", "json")

    assert json.loads(done.stdout)["requests"] == 1
    assert not Lake(tmp_path / "lake").exists


def test_nothing_readable_is_status_1(tmp_path: Path):
    done = run("ingest", tmp_path / "missing.jsonl", "--lake", tmp_path / "lake")

    assert done.exit_code == 1
    assert "does not exist" in done.stderr


def test_wrong_usage_is_status_2(table: Path, tmp_path: Path):
    done = run("ingest", table, "--lake", tmp_path / "lake", "--as", "carrier-pigeon")

    assert done.exit_code == 2
    assert "carrier-pigeon" in done.stderr
    assert "Traceback" not in done.output


def test_the_sample_is_never_mixed_with_a_lake(table: Path, tmp_path: Path):
    run("ingest", table, "--lake", tmp_path / "lake")
    done = run("sample", "--lake", tmp_path / "lake")

    assert done.exit_code == 2
    assert "never mixed" in done.stderr.replace("\n", " ")


def test_doctor_tells_the_health_of_a_lake(table: Path, tmp_path: Path):
    run("ingest", table, "--lake", tmp_path / "lake")
    done = run("doctor", "--lake", tmp_path / "lake")

    assert done.exit_code == 0
    for fact in (
        "2026-05-01 to 2026-05-01 (UTC)",
        "Spend incomplete  0 (0.0",
        "No list price",
        "Small files",
        "1 files",
        "every large file has them",
    ):
        assert fact in done.stdout, fact


def test_doctor_sums_up_the_files_of_a_lake_that_has_no_sums(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run("ingest", table, "--lake", tmp_path / "lake")
    monkeypatch.setattr(rollup_files, "LEAST_ROWS", 1)

    assert "1 large files lack them" in run("doctor", "--lake", tmp_path / "lake").stdout
    assert "1 summed up anew" in run("doctor", "--repair", "--lake", tmp_path / "lake").stdout
    assert "every large file has them" in run("doctor", "--lake", tmp_path / "lake").stdout


def test_columns_lists_the_whole_record():
    listed = run("columns").stdout

    assert [name for name in REQUESTS.names if not re.search(rf"^ {name}\s", listed, re.MULTILINE)] == []


def test_every_command_is_in_the_readme_and_explains_itself():
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]

    assert {"ingest", "summary", "sample", "doctor", "columns"} <= set(commands)
    for command in commands:
        assert f"python -m usagecost {command}" in README.read_text(), command
        assert len(run(command, "--help").stdout) > 300, command


def test_what_a_command_writes_is_for_its_owner_only(table: Path, tmp_path: Path):
    lake = tmp_path / "lake"
    command = f"umask 022; '{sys.executable}' -m usagecost ingest '{table}' --lake '{lake}'"
    subprocess.run(["sh", "-c", command], cwd=README.parent, check=True, capture_output=True)

    def modes() -> set[str]:
        return {oct(path.stat().st_mode & 0o777) for path in (lake, *lake.rglob("*"))}

    assert modes() == {"0o700", "0o600"}

    for path in (lake, *lake.rglob("*")):  # as an earlier version of the app made them
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert run("upgrade", "--lake", lake).exit_code == 0
    assert modes() == {"0o700", "0o600"}
