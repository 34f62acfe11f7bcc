"""What sync says when it cannot read, and how it goes on: a real server that is down, refuses, breaks off or has another table."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner, Result

from tests.lake_rows import stored
from tests.litellm_database import add_traffic, litellm_database, requests_in
from tests.postgres import ESCAPED, PASSWORD, Server
from tests.test_sync import requests_of
from usagecost.cli import app
from usagecost.ingest.litellm import Database, DatabaseProblem, Round, Sync, follow, following, read_dsn
from usagecost.ingest.litellm import postgres as driver
from usagecost.ingest.litellm import reading as sync_reading
from usagecost.lake import Lake, LakeUnreachable, LakeUnreadable


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_WAIT", timedelta(milliseconds=10))


@pytest.fixture(scope="module")
def database(postgres: Server) -> str:
    """LiteLLM's tables with 20,000 requests; tests leave it as it is."""
    name = litellm_database(postgres)
    add_traffic(postgres, name, 20_000)
    return name


def sync(tmp_path: Path, dsn: str, *options: str) -> Result:
    """The command, whose output must never hold the password."""
    done = CliRunner().invoke(app, ["sync", "litellm", "--dsn", dsn, "--lake", str(tmp_path / "lake"), *options])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert PASSWORD not in done.output
    assert ESCAPED not in done.output
    return done


def test_a_store_that_does_not_answer_is_waited_for_and_a_lake_that_is_damaged_is_not():
    class Rounds:
        """Rounds of a sync that meet problems, one after the other, and then none."""

        def __init__(self, *problems: Exception) -> None:
            self.stop, self.problems = Event(), list(problems)

        def run(self, _: object) -> Round:
            if self.problems:
                raise self.problems.pop(0)
            return Round()

    said: list[str] = []
    away, damaged = LakeUnreachable("The store does not answer."), LakeUnreadable("The log is damaged.")

    assert follow(Rounds(away, away), None, said.append)
    assert not follow(Rounds(away, damaged), None, said.append)
    assert [sentence.partition("Z ")[2] for sentence in said] == [
        "The store does not answer. Trying again in 0 s.",
        "The store does not answer. Trying again in 0 s.",
        "0 rows read, 0 new, 0 changed; 0\xa0ms.",
        "The store does not answer. Trying again in 0 s.",
        "The log is damaged. Nothing of this part was loaded.",
    ]


@pytest.mark.slow
def test_one_round_is_one_line(postgres: Server, database: str, tmp_path: Path):
    done = sync(tmp_path, postgres.dsn(database))

    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 1
    assert "20,000 rows read, 20,000 new, 0 changed; the newest ended " in done.stdout


def test_a_server_that_is_down_is_waited_for_and_then_given_up(database: str, tmp_path: Path):
    done = sync(tmp_path, f"postgresql://postgres:{ESCAPED}@127.0.0.1:1/{database}")
    lines = done.stdout.splitlines()

    assert done.exit_code == 1
    assert len(lines) == 5
    assert all(f"No connection to 127.0.0.1:1/{database}: " in line and "Connection refused" in line for line in lines)
    assert all("Trying again" in line for line in lines[:4])
    assert not Lake(tmp_path / "lake").exists


def test_a_wrong_password_is_said_at_once(postgres: Server, database: str, tmp_path: Path):
    done = sync(tmp_path, postgres.dsn(database, "postgres", "another"))

    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 1
    assert 'password authentication failed for user "postgres". Check user, password and database in --dsn.' in done.stdout
    assert "another" not in done.stdout


def test_a_missing_database_is_said(postgres: Server, tmp_path: Path):
    done = sync(tmp_path, postgres.dsn("nowhere"))

    assert done.exit_code == 1
    assert 'database "nowhere" does not exist. Check user, password and database in --dsn.' in done.stdout


def test_a_missing_table_is_said(postgres: Server, tmp_path: Path):
    done = sync(tmp_path, postgres.dsn("postgres"))

    assert done.exit_code == 1
    assert (
        'There is no table "LiteLLM_SpendLogs" in the schemas that this user sees: name the LiteLLM proxy\'s database'
        in done.stdout
    )


def test_a_missing_right_is_said_with_what_grants_it(postgres: Server, database: str, tmp_path: Path):
    postgres.run("DROP ROLE IF EXISTS nobody_much; CREATE ROLE nobody_much LOGIN PASSWORD 'n'")
    done = sync(tmp_path, postgres.dsn(database, "nobody_much", "n"))

    assert done.exit_code == 1
    assert 'may not read request_id, startTime, endTime of "LiteLLM_SpendLogs". Let it: GRANT SELECT ON' in done.stdout


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ('ALTER TABLE "LiteLLM_SpendLogs" DROP "endTime"', "has no column endTime: it is not LiteLLM's"),
        (
            'ALTER TABLE "LiteLLM_SpendLogs" ALTER "endTime" TYPE TEXT',
            'The column "endTime" of "LiteLLM_SpendLogs" is of type text, not a timestamp',
        ),
    ],
)
def test_a_table_of_another_kind_is_said(postgres: Server, tmp_path: Path, change: str, sentence: str):
    database = litellm_database(postgres)
    postgres.run(change, database)
    done = sync(tmp_path, postgres.dsn(database))

    assert done.exit_code == 1
    assert sentence in done.stdout


@pytest.mark.slow
def test_values_that_mean_nothing_are_rejected_with_their_row(postgres: Server, tmp_path: Path):
    database = litellm_database(postgres)
    add_traffic(postgres, database, 3)
    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET spend = -1 WHERE request_id = 'r1'""", database)
    done = sync(tmp_path, postgres.dsn(database))
    again = sync(tmp_path, postgres.dsn(database))
    rejects = Lake(tmp_path / "lake").rows("rejects").to_pylist()

    assert (done.exit_code, again.exit_code) == (0, 0)
    assert "3 rows read, 2 new, 0 changed, 1 rejected" in done.stdout
    assert len(rejects) == 1
    assert "negative" in rejects[0]["reason"]
    assert '"request_id": "r1"' in rejects[0]["raw"]
    assert "SECRET" not in rejects[0]["raw"]


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    done = sync(tmp_path, "postgresql://localhost/litellm")

    assert done.exit_code == 1
    assert "pip install -r requirements-postgres.txt" in done.stdout


@pytest.mark.parametrize("options", [("--every", "soon"), ("--overlap", "-1h")])
def test_a_time_that_is_none_is_wrong_usage(tmp_path: Path, options: tuple[str, str]):
    done = sync(tmp_path, "postgresql://localhost/litellm", *options)

    assert done.exit_code == 2
    assert f"{options[0]} {options[1]} is no time" in done.stderr


@pytest.mark.slow
def test_a_connection_that_is_lost_while_rows_arrive_is_made_again(
    postgres: Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The server ends it with a part half read: nothing of that part is committed, and the next try reads it as a whole."""
    batches: list[int] = []
    read_piece = sync_reading._piece

    def lose_connection(*arguments: object) -> object:
        batches.append(1)
        if len(batches) == 3:
            assert not Lake(tmp_path / "lake").exists
            postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'usagecost'")
        return read_piece(*arguments)

    monkeypatch.setattr(sync_reading, "_piece", lose_connection)
    monkeypatch.setattr(driver, "BATCH_BYTES", 300_000)
    done = sync(tmp_path, postgres.dsn(database))
    lines = done.stdout.splitlines()

    assert done.exit_code == 0
    assert "reading broke off: " in lines[0]  # what libpq says to that depends on what it was doing
    assert "Trying again in" in lines[0]
    assert "20,000 rows read, 20,000 new" in lines[1]
    assert requests_of(Lake(tmp_path / "lake")) == requests_in(postgres, database)


@pytest.mark.slow
def test_a_server_that_restarts_is_waited_for(postgres: Server, database: str, tmp_path: Path):
    """Rounds go on where the last one was durable."""
    job = Sync(Database(read_dsn(postgres.dsn(database))), Lake(tmp_path / "lake"))
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 1:
            postgres.control("-m", "immediate", "stop")
        elif len(said) == 3:
            postgres.control("start")
        elif "rows read" in line:
            job.cancel()

    assert follow(job, timedelta(milliseconds=10), say)
    assert "20,000 rows read, 20,000 new" in said[0]
    assert "Trying again" in said[1]
    assert "Trying again" in said[2]
    assert " 0 new, 0 changed" in said[-2]
    assert "Stopped" in said[-1]
    assert stored(Lake(tmp_path / "lake")).num_rows == 20_000


def test_a_statement_that_takes_too_long_is_ended_by_the_server(
    postgres: Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(driver, "_SETTINGS", ("SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = 1"))
    done = sync(tmp_path, postgres.dsn(database))

    assert done.exit_code == 1
    assert "canceling statement due to statement timeout" in done.stdout


def test_nothing_can_be_written(postgres: Server, database: str):
    with Database(read_dsn(postgres.dsn(database))).transaction() as transaction, pytest.raises(DatabaseProblem, match="read-only"):
        transaction.run('DELETE FROM "LiteLLM_SpendLogs"')
