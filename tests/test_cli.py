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


def test_from_a_file_to_a_lake_whose_health_is_told(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    of_lake = ("--lake", tmp_path / "lake")
    assert json.loads(run("ingest", table, *of_lake, "--dry-run", "--report", "json").stdout)["requests"] == 1
    assert not Lake(tmp_path / "lake").exists

    done = run("ingest", table, *of_lake, "--report", "json")
    report = json.loads(done.stdout)
    assert (done.exit_code, list(report)) == (0, REPORT)
    assert (report["requests"], report["inserted"], report["lines"], report["skipped"]) == (1, 1, 2, 1)

    done = run("doctor", *of_lake)
    facts = ("2026-05-01 to 2026-05-01 (UTC)", "Spend incomplete  0 (0.0", "No list price", "Small files", "1 files")
    assert (done.exit_code, [fact for fact in facts if fact not in done.stdout]) == (0, [])
    monkeypatch.setattr(rollup_files, "LEAST_ROWS", 1)
    for option, said in (((), "1 large files lack them"), (("--repair",), "1 summed up anew"), ((), "every large file has them")):
        assert said in run("doctor", *option, *of_lake).stdout

    done = run("sample", *of_lake)
    assert (done.exit_code, "never mixed" in done.stderr.replace("\n", " ")) == (2, True)


@pytest.mark.parametrize(
    ("file", "options", "status", "said"),
    [
        pytest.param("missing.jsonl", (), 1, "does not exist", id="nothing readable is status 1"),
        pytest.param("requests.csv", ("--as", "carrier-pigeon"), 2, "carrier-pigeon", id="wrong usage is status 2"),
    ],
)
def test_what_is_not_loaded_is_said(table: Path, file: str, options: tuple[str, ...], status: int, said: str):
    done = run("ingest", table.with_name(file), "--lake", table.with_name("lake"), *options)

    assert (done.exit_code, said in done.stderr, "Traceback" in done.output) == (status, True, False)


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
