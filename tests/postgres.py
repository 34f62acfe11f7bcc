"""A real PostgreSQL for tests: started in a temporary folder, on loopback, by a user without rights; gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.loopback import free_port

PASSWORD = "s3cret/of@tests"  # noqa: S105 - of a server that lives as long as the tests
ESCAPED = "s3cret%2Fof%40tests"


@dataclass(frozen=True)
class Server:
    """A running server; `folder` is its own, `programs` where PostgreSQL's are."""

    folder: Path
    programs: Path
    port: int

    def dsn(self, database: str, user: str = "postgres", password: str = ESCAPED) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, database: str = "postgres") -> str:
        """What psql prints: values of a row with | between them."""
        done = subprocess.run(
            [self.programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-", self.dsn(database)],
            input=sql, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_database(self) -> str:
        name = f"litellm_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def control(self, *arguments: str) -> None:
        """Starts or stops it: pg_ctl."""
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        _run_unprivileged(
            self.programs / "pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", settings, "-w", *arguments
        )


def programs() -> Path | None:
    """Where the server's programs are: where Debian puts them, or on the path."""
    candidates = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path(shutil.which("initdb") or "/none").parent]
    needed = ("initdb", "pg_ctl", "postgres", "psql")
    return next((folder for folder in candidates if all((folder / program).exists() for program in needed)), None)


@contextmanager
def running_server(where: Path) -> Iterator[Server]:
    """A new server, for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="usagecost-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = Server(folder, where, free_port())
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        _run_unprivileged(
            where / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C",
            "--no-sync", f"--pwfile={secret}",
        )  # fmt: skip
        server.control("start")
        try:
            yield server
        finally:
            server.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_unprivileged(*command: str | Path) -> None:
    """Root may not run a server: Debian's user postgres does."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_user, *map(str, command)], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
