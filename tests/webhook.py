"""A receiver of webhooks on loopback, as channels of alerts tell it: it keeps what it was told, and fails when it is to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Receiver:
    """What came, in order, and where it listens. While it ``fails``, it takes nothing."""

    url: str = ""
    came: list[dict[str, str]] = field(default_factory=list)
    tries: int = 0
    fails: bool = False

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.came]

    @property
    def ids(self) -> list[tuple[str, str]]:
        """The id and the event of each message."""
        return [re.findall(r"Alert (\w{16}), (\w+)", message["message"])[0] for message in self.came]


@contextmanager
def webhook() -> Iterator[Receiver]:
    """A receiver that listens until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.tries += 1
            if not receiver.fails:
                receiver.came.append(json.loads(content))
            self.send_response(500 if receiver.fails else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"json://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
