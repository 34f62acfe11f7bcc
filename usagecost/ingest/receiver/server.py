"""The receiver as a process, and the one that commits beside it: started, and ended so that what was accepted is in the lake."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from usagecost.ingest.receiver.connections import MOST_CONNECTIONS, Connection
from usagecost.ingest.receiver.http import Receiver
from usagecost.ingest.receiver.spool import Spool, SpoolBusy
from usagecost.lake import Lake

MOST_SPOOL_BYTES = 1 << 30
"""That are accepted and not in the lake yet. Above it clients are asked to wait."""

SEGMENTS = 16
"""That the spool has room for, if they are as large as they may be."""

KEEP_ALIVE_SECONDS = 65
"""Exporters send every few seconds: a connection that ended at the same moment would cost them a try."""


TRIES_AT_THE_END = 2
"""To bring the rest to the lake, if the process that commits dies."""

_COMMITTING = [sys.executable, "-m", "usagecost.ingest.receiver.committing"]
_PACKAGE = Path(__file__).parents[3]


class CannotReceive(Exception):  # noqa: N818 - a sentence for who typed the command
    """What stands against listening, and what would help."""


def receive(
    lake: Lake,
    *,
    host: str = "127.0.0.1",
    port: int = 4318,
    token: str | None = None,
    every: float = 5.0,
    spool: Path | None = None,
    most_spool_bytes: int = MOST_SPOOL_BYTES,
    say: Callable[[str], None] = print,
) -> None:
    """Listen until SIGTERM or SIGINT; then what was accepted is brought to the lake.

    `every` are seconds between commits, `spool` is the folder for what is not committed yet. ``say`` hears lines for people; the
    process that commits prints its own. Raises CannotReceive before anything is accepted.
    """
    if token is not None and not token.strip():
        raise CannotReceive("The token is empty: give one that cannot be guessed, or none at all.")
    with _listener(host, port, has_token=token is not None) as listener:
        folder = (spool or lake.root / "spool").absolute()
        open_spool = Spool(folder, every, most_spool_bytes // SEGMENTS)
        try:
            open_spool.start()
        except SpoolBusy as problem:
            raise CannotReceive(str(problem)) from None
        except OSError as problem:
            raise CannotReceive(f"The spool folder cannot be used ({problem}): change its permissions, or name another.") from None
        committer = Committer(folder, lake, every, say)
        server = _server(Receiver(open_spool, token.strip() if token else None, most_spool_bytes))
        for number in (signal.SIGINT, signal.SIGTERM):  # also before the server hears them, and when it raises them anew
            signal.signal(number, server.handle_exit)
        try:
            say(f"Receiving traces and logs on {_address(listener)} and /v1/logs; lake {lake.name}")
            committer.start()
            server.run(sockets=[listener])
        finally:
            open_spool.stop()
            committer.stop()
    say("Ended: all that was accepted is in the lake, or waits in the spool for the next start.")


class Committer:
    """The process that commits, beside the one that acknowledges, so that neither takes the other's processor, memory or lock.

    It may die at any moment, and is started again: what it has not committed is in the spool still. It ends when its input does:
    when it is told to, or this process has ended, in whatever way. Its lines for people go where those of this process go.
    """

    def __init__(self, spool: Path, lake: Lake, every: float, say: Callable[[str], None]) -> None:
        self._command, self._say = [*_COMMITTING, str(spool), lake.name, str(every)], say
        self._input, self._end_of_input = os.pipe()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="committer")

    def start(self) -> None:
        """Begin, with what an earlier receiver has left."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until what is closed in the spool has been brought to the lake, or that was tried."""
        self._ending.set()
        os.close(self._end_of_input)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        tries = TRIES_AT_THE_END
        while tries and (problem := self._problem()):
            self._say(f"The process that commits {problem}: is there enough memory?")
            tries -= self._ending.wait(1.0)

    def _problem(self) -> str | None:
        """Run the process to its end; None if it has ended as it was told. The signals of a terminal do not reach it."""
        try:
            process = subprocess.Popen(self._command, cwd=_PACKAGE, start_new_session=True, stdin=self._input)  # noqa: S603
        except OSError as problem:
            return f"could not be started ({problem.strerror or problem})"
        return f"has ended with {status}" if (status := process.wait()) else None


def _server(receiver: Receiver) -> uvicorn.Server:
    _allow_many_files()
    config = uvicorn.Config(
        receiver,
        http=Connection,
        ws="none",
        lifespan="off",
        backlog=MOST_CONNECTIONS // 2,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)


def _allow_many_files() -> None:
    """Let this process open twice as many files as it has connections, where the system's limits do; Windows has none."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (2 * MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def _listener(host: str, port: int, *, has_token: bool) -> socket.socket:
    """A socket that listens there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError:
        raise CannotReceive(f"--host {host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all of them.") from None
    if not has_token and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
        raise CannotReceive(
            f"Without a token anyone who reaches {host} could write to the lake: "
            "set USAGECOST_RECEIVE_TOKEN, or listen on 127.0.0.1."
        )
    listener = socket.socket(family, kind)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as problem:
        listener.close()
        raise CannotReceive(
            f"Port {port} of {host} cannot be listened on ({problem.strerror}): end what uses it, or name another with --port."
        ) from None
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1/traces"
