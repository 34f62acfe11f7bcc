"""Feeds that need a server: `sync` of LiteLLM's table in a PostgreSQL, and `receive`, whose two processes are killed by turns."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.killed import Act
from tests.killed_feeds import Feed
from tests.lake_rows import stored
from tests.litellm_database import add_traffic, litellm_database, requests_in
from tests.otlp import call, export
from tests.postgres import Server
from tests.receiver import committers


class Syncs(Feed):
    """`sync`, while rows come, come late, and change."""

    ROWS, OF_A_PART = 150, 40

    def __init__(self, folder: Path, drawn: random.Random, server: Server) -> None:
        super().__init__(folder, drawn)
        self._server, self._database = server, litellm_database(server)

    def arrive(self, number: int) -> tuple[object, ...]:
        first = "2026-11-10" if number % 5 else "2026-11-01"
        add_traffic(self._server, self._database, self.ROWS, start=number * self.ROWS, first=first)
        change = f"""UPDATE "LiteLLM_SpendLogs" SET spend = spend * 2 + 0.5 WHERE request_id LIKE 'r%{number % 100:02}'"""
        self._server.run(change, self._database)
        self.written |= {f"r{number * self.ROWS + i}" for i in range(self.ROWS)}
        return self._act(self.OF_A_PART)

    def _act(self, rows: int) -> tuple[object, ...]:
        return "sync", self._server.dsn(self._database), rows, "--lake", self.lake.name

    def finish(self, act: Act) -> None:
        assert act(*self._act(100_000)) == 0

    def wrong(self) -> list[str]:
        rows = stored(self.lake).select(["request_id", "input_tokens", "output_tokens", "reported_cost_usd"]).to_pylist()
        found = {
            row["request_id"]: (row["input_tokens"], row["output_tokens"], f"{row['reported_cost_usd'] or 0:.9f}") for row in rows
        }
        table = requests_in(self._server, self._database)
        differ = sum(found.get(name) != values for name, values in table.items())
        return [*super().wrong(), *self._problems({"requests that say something else": differ})]


class Receives(Feed):
    """`receive`: what it has acknowledged is in the lake, and what it has not may be."""

    EXPORTS, SPANS = 12, 5
    longest = 6.0

    def __init__(self, folder: Path, drawn: random.Random) -> None:
        super().__init__(folder, drawn)
        self.sent: set[str] = set()
        self._sending: threading.Thread | None = None

    def arrive(self, number: int) -> tuple[object, ...]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._sending = threading.Thread(target=self._send, args=(port, number))
        self._sending.start()
        return self._act(port)

    def _act(self, port: int) -> tuple[object, ...]:
        return "command", "receive", "--port", str(port), "--every", "0.1", "--lake", self.lake.name

    def _send(self, port: int, number: int) -> None:
        """Sends exports until the receiver is gone; kills the process that commits in every third round."""
        kills_committer = number % 3 == 2
        until = time.monotonic() + 20
        for place in range(self.EXPORTS):
            spans = [number * 1000 + place * self.SPANS + i + 1 for i in range(self.SPANS)]
            body = json.dumps(export(*map(call, spans))).encode()
            self.sent |= {f"{span:016x}" for span in spans}
            while time.monotonic() < until:
                try:
                    connection = HTTPConnection("127.0.0.1", port, timeout=5)
                    connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
                    if connection.getresponse().status == 200:
                        self.written |= {f"{span:016x}" for span in spans}
                    break
                except ConnectionRefusedError:
                    if place:
                        return
                    time.sleep(0.05)
                except (OSError, HTTPException):
                    return
                finally:
                    connection.close()
            if kills_committer:
                for process in committers(Path(self.lake.name)):
                    os.kill(process, signal.SIGKILL)
                    kills_committer = False
            time.sleep(self.drawn.uniform(0, 0.2))

    def between(self) -> list[str]:
        if self._sending:
            self._sending.join()
        ids = [name.rpartition(":")[2].rpartition("-")[2] for name in self._ids()]
        counts = {"doubled": len(ids) - len(set(ids)), "never sent": len(set(ids) - self.sent)}
        self._there = set(ids)
        return self._problems(counts)

    def _ids(self) -> list[str]:
        return stored(self.lake)["request_id"].to_pylist() if self.lake.exists else []

    def finish(self, act: Act) -> None:
        """Starts it again, until nothing is in the spool."""
        while not act(*self._act(0), seconds=4.0) or any((self.lake.root / "spool").iterdir()):
            self._wait()
        self._wait()

    def _wait(self) -> None:
        """What a killed receiver was committing goes on for a moment."""
        while committers(Path(self.lake.name)):
            time.sleep(0.1)
