"""A mail server on loopback that keeps what comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler

from tests.loopback import free_port


class Mails(MessageHandler):
    """Keeps what comes; ``url`` is that of a channel that sends it here."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[Message] = []
        self.url = ""

    def handle_message(self, message: Message) -> None:
        self.came.append(message)


@contextmanager
def mail_server() -> Iterator[Mails]:
    """A server that listens until the block ends."""
    mails = Mails()
    server = Controller(mails, hostname="127.0.0.1", port=free_port())
    mails.url = f"mailto://127.0.0.1:{server.port}/?from=alerts@example.com&to=ada@example.com&mode=insecure"
    server.start()
    try:
        yield mails
    finally:
        server.stop()
