"""Google Cloud Storage's XML interface on loopback, for tests: each request is said to an S3 server, which speaks nearly the same.

    python -m tests.gs_server PORT S3_URL

What is Google's own is translated: conditions on an object's generation, and generations in answers. Google's JSON interface,
its sign-in and its limits are not here.
"""

from __future__ import annotations

import hashlib
import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ABSENT = "0"
ANYBODY = {"Authorization": "AWS tests:unchecked"}
PASSED_ON = ("Content-Type", "Content-Length", "Range", "If-Match", "If-None-Match")
LEFT_OUT = ("connection", "date", "server", "transfer-encoding", "content-length")


class Handler(BaseHTTPRequestHandler):
    """One request, said to the S3 server."""

    protocol_version = "HTTP/1.1"
    server_of_objects = ""

    def do_GET(self) -> None:
        """An object, or a list of them."""
        self._pass_on()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the names are the base class's

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = ANYBODY | {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        wanted = self.headers.get("x-goog-if-generation-match")
        if wanted == ABSENT:
            headers["If-None-Match"] = "*"
        elif wanted:
            found = self._ask("HEAD", self.path, headers=ANYBODY)[1].get("etag", "")
            headers["If-Match"] = found if generation(found) == wanted else '"another"'
        self._answer(*self._ask(self.command, self.path, body, headers))

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        server = HTTPConnection(urlsplit(self.server_of_objects).netloc, timeout=30)
        try:
            server.request(method, path, body, headers or {})
            found = server.getresponse()
            return found.status, {name.lower(): value for name, value in found.getheaders()}, found.read()
        finally:
            server.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name not in LEFT_OUT:
                self.send_header(name, value)
        if "etag" in headers:
            self.send_header("x-goog-generation", generation(headers["etag"]))
        self.send_header("Content-Length", headers.get("content-length", "0") if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def generation(tag: str) -> str:
    """A number that changes with the object, as Google's does."""
    return str(int(hashlib.sha256(tag.encode()).hexdigest()[:14], 16))


def main() -> None:
    """Serves on loopback until it is killed."""
    port, Handler.server_of_objects = sys.argv[1:]
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
