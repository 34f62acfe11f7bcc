"""Connections that keep no others out: a header has to be whole within seconds, and of too many connections one is closed."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
"""That a client may take to send the header of a request: of the first since it has connected, of others since they have begun."""

MOST_CONNECTIONS = 2_000


class Connection(H11Protocol):
    """A connection to a client that is closed when the client does not go on."""

    _header_timer: asyncio.TimerHandle | None = None
    _waits_since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a header. If there are too many connections, close the one that has waited longest for its client."""
        super().connection_made(transport)
        self._note_progress()
        if len(self.connections) > MOST_CONNECTIONS:
            others = [other for other in self.connections if isinstance(other, Connection) and other.waits_for_client]
            min(others, key=lambda other: other._waits_since).transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what the client sends, and see whether a header is whole now."""
        super().data_received(data)
        self._note_progress()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._waits_since = self.loop.time()
        super().on_response_complete()

    @property
    def waits_for_client(self) -> bool:
        """Whether it is the client's turn: no request has come as a whole that is not answered yet."""
        is_idle = self.cycle is None or self.cycle.response_complete or self.cycle.more_body
        return is_idle and not self.transport.is_closing()

    def _note_progress(self) -> None:
        """Let the timer run while a header is not whole."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self._header_timer is None:
            self._waits_since = self.loop.time()
            self._header_timer = self.loop.call_later(HEADER_SECONDS, self.timeout_keep_alive_handler)

    def _stop_timer(self) -> None:
        if self._header_timer:
            self._waits_since = self.loop.time()
            self._header_timer.cancel()
            self._header_timer = None
