"""ClickHouse's interface over HTTP, for tests: its own engine, within a process, answers what is asked.

    python -m tests.clickhouse_server PORT USER PASSWORD [READONLY]

It knows a cluster, `usage`, of one other server, which does not answer. What this cannot show is what a server adds on top of the
engine: its limits, its users, the work of several.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

from usagecost.engine.clickhouse import LIMITS
from usagecost.engine.dialect import SETTINGS

_CLUSTER = """
<clickhouse><remote_servers><usage>
    <shard><replica><host>127.0.0.1</host><port>1</port></replica></shard>
</usage></remote_servers></clickhouse>
"""

_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)


@cache
def session() -> Session:
    """The engine, which knows of a cluster."""
    folder = Path(mkdtemp())
    (folder / "config.xml").write_text(_CLUSTER)
    return Session(f"{folder / 'data'}?config-file={folder / 'config.xml'}")


class Handler(BaseHTTPRequestHandler):
    """One request, one query."""

    protocol_version = "HTTP/1.1"
    one_at_a_time = Lock()
    credentials = ""

    def do_GET(self) -> None:
        """A query in the address."""
        self._answer(b"")

    def do_POST(self) -> None:
        """A query in the body, or one whose data are in the body."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def _answer(self, body: bytes) -> None:
        address = urlsplit(self.path)
        if address.path == "/ping":
            self._send(200, b"Ok.\n")
        elif self.headers.get("Authorization") != self.credentials:
            self._send(403, b"Code: 516. DB::Exception: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)", 516)
        else:
            asked = dict(parse_qsl(address.query, keep_blank_values=True))
            self._ask(asked.pop("query", "") + body.decode(), asked)

    def _ask(self, sql: str, asked: dict[str, str]) -> None:
        form = _FORMAT.search(sql)
        named = form[1] if form else asked.get("default_format", "TabSeparated")
        values = {name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")}
        settings = {name: value for name, value in asked.items() if name in LIMITS | SETTINGS}
        try:
            with self.one_at_a_time:
                for name, value in settings.items():
                    session().query(f"SET {name} = '{value}'")
                found = session().query(_FORMAT.sub("", sql), named, params=values).bytes()
        except Exception as problem:
            code = re.search(r"Code: (\d+)", str(problem))
            self._send(500, str(problem).encode(), int(code[1]) if code else 1)
        else:
            self._send(200, found or b"", form=named)

    def _send(self, status: int, body: bytes, code: int | None = None, form: str = "TabSeparated") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Format", form)
        self.send_header("X-ClickHouse-Summary", json.dumps({"read_rows": "0"}))
        if code is not None:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serves on loopback until it is killed."""
    port, user, password, *readonly = sys.argv[1:]
    Handler.credentials = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    session().query("CREATE DATABASE IF NOT EXISTS usage")
    for level in readonly:
        session().query(f"SET readonly = {int(level)}")
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
