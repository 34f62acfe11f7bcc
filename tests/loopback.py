"""Servers that tests start on this machine."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from itertools import count

_numbers = count(os.getpid() * 101)


def free_port() -> int:
    """A port on which nobody listens, below those that the system gives to connections, as one of these is taken at any moment.

    Each process begins elsewhere, so that two that look at the same time do not find the same.
    """
    return next(port for port in (10_000 + number % 20_000 for number in _numbers) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as found, suppress(OSError):
        found.bind(("127.0.0.1", port))
        return True
    return False


def wait_until_it_listens(port: int) -> None:
    """Until somebody does, for a minute."""
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
