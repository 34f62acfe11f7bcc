"""Sync against a real PostgreSQL with LiteLLM's tables: what the lake holds after each round."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.lake_rows import stored
from tests.litellm_database import add_traffic, litellm_database, requests_in
from tests.postgres import Server, running_server
from usagecost.access import parse_access, reader_of
from usagecost.ingest import ingest
from usagecost.ingest.litellm import Database, Sync, read_dsn
from usagecost.lake import Lake
from usagecost.vocabulary.filters import Condition, Scope


@pytest.fixture
def database(postgres: Server) -> str:
    """LiteLLM's tables, with 1,000 requests from 2026-11-10 00:00 on, one every 4 seconds."""
    name = litellm_database(postgres)
    add_traffic(postgres, name, 1000)
    return name


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def sync_of(postgres: Server, database: str, lake: Lake, **how: timedelta) -> Sync:
    return Sync(Database(read_dsn(postgres.dsn(database))), lake, **how)


def requests_of(lake: Lake) -> Mapping[str, tuple[int, int, str]]:
    rows = stored(lake).select(["request_id", "input_tokens", "output_tokens", "reported_cost_usd"]).to_pylist()
    # A spend of 0 for a model that has a price was never computed: the lake takes it as not known.
    cost = {row["request_id"]: row["reported_cost_usd"] or Decimal("0E-9") for row in rows}
    found = {row["request_id"]: (row["input_tokens"], row["output_tokens"], f"{cost[row['request_id']]:f}") for row in rows}
    assert len(found) == len(rows), "a request is stored twice"
    return found


def value_of(lake: Lake, request_id: str, column: str) -> object:
    return next(row[column] for row in stored(lake).to_pylist() if row["request_id"] == request_id)


@pytest.mark.slow
def test_each_round_reads_what_is_new_late_or_changed_and_makes_a_version_only_of_that(postgres: Server, database: str, lake: Lake):
    report = sync_of(postgres, database, lake).run().report
    assert (report.lines, report.inserted, report.updated, report.rejected) == (1000, 1000, 0, 0)
    assert requests_of(lake) == requests_in(postgres, database)

    version = lake.version()
    assert sync_of(postgres, database, lake).run().report.lines <= 1, "the newest row, as others may have ended together with it"
    assert lake.version() == version

    add_traffic(postgres, database, 1, start=1, first="2026-03-01", prefix="late")
    assert sync_of(postgres, database, lake).run().report.inserted == 1
    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET spend = 0.01, completion_tokens = 5000 WHERE request_id = 'r999'""", database)
    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET spend = 2.5 WHERE request_id = 'r5'""", database)
    done = sync_of(postgres, database, lake).run()

    assert (done.report.inserted, done.report.updated) == (0, 2)
    assert requests_of(lake)["r5"][2] == "2.500000000"
    assert requests_of(lake) == requests_in(postgres, database)


@pytest.mark.slow
def test_what_changed_within_the_overlap_is_found_though_the_round_before_ended_after_its_first_part(
    postgres: Server, database: str, lake: Lake
):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    sync_of(postgres, database, lake).run()
    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET spend = 2.5 WHERE request_id IN ('r5', 'r950')""", database)
    with pytest.raises(KeyboardInterrupt):
        sync_of(postgres, database, lake).run(on_part=killed)
    sync_of(postgres, database, lake).run()

    assert requests_of(lake) == requests_in(postgres, database)


@pytest.mark.slow
def test_a_transaction_that_commits_after_the_round_is_read_by_the_next(postgres: Server, database: str, lake: Lake):
    """Its rows are older than what the round has seen, by their end and by their transaction."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(postgres.dsn(database)) as slow, slow.cursor() as cursor:
        cursor.execute(
            'INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, prompt_tokens, completion_tokens, "startTime", "endTime") '
            "VALUES ('slow', 'acompletion', 100, 7, '2026-01-01', '2026-01-01 00:00:01')"
        )
        add_traffic(postgres, database, 10, start=1000)
        sync_of(postgres, database, lake).run()
        slow.commit()
    done = sync_of(postgres, database, lake).run()

    assert done.report.inserted == 1
    assert requests_of(lake) == requests_in(postgres, database)


@pytest.mark.slow
def test_a_clock_that_is_ahead_hides_nothing(postgres: Server, database: str, lake: Lake):
    """One proxy's clock is twelve hours fast; what the others write afterwards ended before."""
    add_traffic(postgres, database, 1, first=postgres.run("SELECT now() AT TIME ZONE 'UTC' + interval '12 hours'"), prefix="fast")
    sync_of(postgres, database, lake).run()
    add_traffic(postgres, database, 5, start=1000)
    sync_of(postgres, database, lake).run()

    assert requests_of(lake) == requests_in(postgres, database)


def test_rows_that_ended_together_are_all_read(postgres: Server, database: str, lake: Lake):
    add_traffic(postgres, database, 500, step="0 s", first="2026-11-12", prefix="same")
    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET "endTime" = '2026-11-12 00:00:01'""", database)
    sync_of(postgres, database, lake).run()
    add_traffic(postgres, database, 7, step="0 s", first="2026-11-12", prefix="more")
    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET "endTime" = '2026-11-12 00:00:01' WHERE request_id LIKE 'more%'""", database)
    sync_of(postgres, database, lake).run()

    assert len(requests_of(lake)) == 1507
    assert requests_of(lake) == requests_in(postgres, database)


@pytest.mark.slow
def test_rows_without_an_end_or_with_a_strange_one_are_read(postgres: Server, database: str, lake: Lake):
    postgres.run(
        """
        ALTER TABLE "LiteLLM_SpendLogs" ALTER "endTime" DROP NOT NULL;
        UPDATE "LiteLLM_SpendLogs" SET "endTime" = NULL WHERE request_id = 'r1';
        UPDATE "LiteLLM_SpendLogs" SET "endTime" = 'infinity' WHERE request_id = 'r2';
        UPDATE "LiteLLM_SpendLogs" SET "endTime" = "startTime" - interval '1 day' WHERE request_id = 'r3';
        UPDATE "LiteLLM_SpendLogs" SET "endTime" = "startTime" + interval '3 days' WHERE request_id = 'r4';
        UPDATE "LiteLLM_SpendLogs" SET "endTime" = '1969-01-01' WHERE request_id = 'r5';
        UPDATE "LiteLLM_SpendLogs" SET "endTime" = '-infinity' WHERE request_id = 'r6';
        """,
        database,
    )
    sync_of(postgres, database, lake).run()

    assert requests_of(lake) == requests_in(postgres, database)


@pytest.mark.slow
def test_an_export_and_the_table_count_once_and_the_table_is_right(postgres: Server, database: str, lake: Lake, tmp_path: Path):
    export = tmp_path / "spend.csv"
    columns = ", ".join(
        f'"{name}"' for name in sorted(_columns(postgres, database) - {"messages", "response", "proxy_server_request"})
    )
    export.write_text(
        postgres.run(f'COPY (SELECT {columns} FROM "LiteLLM_SpendLogs") TO STDOUT (FORMAT csv, HEADER)', database) + "\n"
    )
    assert ingest([export], lake).inserted == 1000
    postgres.run("""UPDATE "LiteLLM_SpendLogs" SET spend = 7, "endTime" = "startTime" WHERE request_id = 'r9'""", database)
    sync_of(postgres, database, lake).run()
    again = ingest([export], lake)

    assert (again.inserted, again.updated) == (0, 0)
    assert requests_of(lake) == requests_in(postgres, database)


@pytest.mark.slow
def test_names_of_teams_users_and_keys_are_kept_beside_the_requests(postgres: Server, database: str, lake: Lake):
    postgres.run(
        """
        INSERT INTO "LiteLLM_TeamTable" VALUES
            ('team-1', 'Search', '[{"role": "admin", "user_id": "user-2"}]'), ('team-2', NULL, '[]'), ('team-3', '', NULL);
        INSERT INTO "LiteLLM_UserTable" VALUES ('user-1', NULL, 'ada@example.com'), ('user-2', 'Grace', 'grace@example.com');
        INSERT INTO "LiteLLM_VerificationToken" VALUES ('8f0c', 'sk-...abcd', 'ci');
        """,
        database,
    )
    sync_of(postgres, database, lake).run()
    postgres.run("""UPDATE "LiteLLM_TeamTable" SET team_alias = 'Search and ads' WHERE team_id = 'team-1'""", database)
    postgres.run("""DELETE FROM "LiteLLM_UserTable" WHERE user_id = 'user-1'""", database)
    sync_of(postgres, database, lake).run()

    of_logs = "team-[02-9]|team-.."  # the others have names in the requests themselves
    names = [row for row in lake.rows("names").to_pylist() if row["name"] not in ("[]", "{}")]
    assert [tuple(row.values())[:4] for row in names if not re.fullmatch(of_logs, row["id"])] == [
        ("litellm", "team_id", "team-1", "Search and ads"),
        ("litellm", "team_members", "team-1", '[{"role": "admin", "user_id": "user-2"}]'),
        ("litellm", "user_email", "user-1", "ada@example.com"),
        ("litellm", "user_email", "user-2", "grace@example.com"),
        ("litellm", "user_id", "user-1", "ada@example.com"),  # who is gone has a past
        ("litellm", "user_id", "user-2", "Grace"),
        ("litellm", "virtual_key", "8f0c", "ci"),
    ]
    assert value_of(lake, "r1", "team_id") == "team-1"
    said = parse_access('[[grant]]\nto = ["*@example.com"]\nrole = "lead"')
    seen = Scope(((Condition("user", ("user-2",)),), (Condition("team", ("team-1",)),)), ("grace@example.com",))
    assert reader_of({"email": "grace@example.com"}, said, lake.rows("names")).scope == seen


def test_names_that_may_not_be_read_are_done_without(postgres: Server, database: str, lake: Lake):
    postgres.run(
        f"""
        CREATE ROLE logs_{database} LOGIN PASSWORD 'r';
        GRANT SELECT ON "LiteLLM_SpendLogs" TO logs_{database};
        INSERT INTO "LiteLLM_TeamTable" VALUES ('team-1', 'Search');
        """,
        database,
    )
    done = Sync(Database(read_dsn(postgres.dsn(database, f"logs_{database}", "r"))), lake).run()

    assert done.report.inserted == 1000
    assert "Search" not in lake.rows("names")["name"].to_pylist()
    assert set(lake.rows("names")["field"].to_pylist()) == {"team_id"}, "the logs tell what teams were called"


def test_messages_are_not_asked_for(postgres: Server, database: str, lake: Lake):
    """A user who may not read them can sync; nothing of them is in the lake."""
    allowed = ", ".join(f'"{name}"' for name in _columns(postgres, database) - {"messages", "response", "proxy_server_request"})
    postgres.run(
        f"""
        CREATE ROLE reader_{database} LOGIN PASSWORD 'r';
        GRANT SELECT ({allowed}) ON "LiteLLM_SpendLogs" TO reader_{database};
        """,
        database,
    )
    Sync(Database(read_dsn(postgres.dsn(database, f"reader_{database}", "r"))), lake).run()

    assert requests_of(lake) == requests_in(postgres, database)
    assert "SECRET" not in str(stored(lake).to_pydict())


def test_an_old_install_without_the_newer_columns_is_read(postgres: Server, database: str, lake: Lake):
    postgres.run(
        """ALTER TABLE "LiteLLM_SpendLogs" DROP session_id, DROP status, DROP mcp_namespaced_tool_name, DROP organization_id,
        DROP model_id, DROP proxy_server_request""",
        database,
    )
    sync_of(postgres, database, lake).run()

    assert requests_of(lake) == requests_in(postgres, database)


def test_columns_of_other_types_are_read_by_their_text(postgres: Server, database: str, lake: Lake):
    postgres.run(
        """
        ALTER TABLE "LiteLLM_SpendLogs"
            ALTER spend TYPE NUMERIC(20, 10), ALTER prompt_tokens TYPE BIGINT, ALTER "startTime" TYPE TIMESTAMPTZ,
            ALTER "endTime" TYPE TIMESTAMPTZ, ALTER completion_tokens TYPE TEXT, ALTER model TYPE VARCHAR(100)
        """,
        database,
    )
    sync_of(postgres, database, lake).run()

    assert requests_of(lake) == requests_in(postgres, database)


@pytest.mark.slow
def test_a_view_is_read_by_time(postgres: Server, database: str, lake: Lake):
    """A view that leaves messages out does not tell which transaction wrote a row."""
    allowed = ", ".join(f'"{name}"' for name in _columns(postgres, database) - {"messages", "response", "proxy_server_request"})
    postgres.run(f'CREATE SCHEMA safe; CREATE VIEW safe."LiteLLM_SpendLogs" AS SELECT {allowed} FROM "LiteLLM_SpendLogs"', database)
    sync = Sync(Database(read_dsn(f"{postgres.dsn(database)}?schema=safe")), lake)
    sync.run()
    add_traffic(postgres, database, 5, start=900, prefix="late")  # within the overlap
    sync.run()

    assert requests_of(lake) == requests_in(postgres, database)


@pytest.mark.slow
def test_a_table_that_moved_to_another_server_is_read_again(postgres: Server, database: str, lake: Lake):
    """There transactions are counted from the start: a row changed there is newer all the same."""
    add_traffic(postgres, database, 10, start=1000)
    sync_of(postgres, database, lake).run()
    with running_server(postgres.programs) as other:
        moved = litellm_database(other)
        add_traffic(other, moved, 1010)
        other.run("""UPDATE "LiteLLM_SpendLogs" SET spend = 3 WHERE request_id = 'r7'""", moved)
        sync_of(other, moved, lake).run()

        assert requests_of(lake)["r7"][2] == "3.000000000"
        assert requests_of(lake) == requests_in(other, moved)

        other.run("""UPDATE "LiteLLM_SpendLogs" SET spend = 4 WHERE request_id = 'r8'""", moved)
        done = sync_of(other, moved, lake).run()

        assert done.report.updated == 1
        assert requests_of(lake) == requests_in(other, moved)


def _columns(postgres: Server, database: str) -> set[str]:
    rows = postgres.run(
        "SELECT attname FROM pg_attribute WHERE attrelid = '\"LiteLLM_SpendLogs\"'::regclass AND attnum > 0", database
    )
    return set(rows.splitlines())
