"""The body of a request: read within limits of size, time and memory, and unpacked."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from starlette.requests import ClientDisconnect, Request

MOST_BODY_BYTES = 32 << 20
"""Of a body, both as it is sent and unpacked."""

MOST_BODIES_BYTES = 128 << 20
"""Of all bodies that are being read and worked on, as they are sent: of what has come, not of what was announced."""

MOST_SECONDS = 30
"""That a client may take to send a body."""

DRAIN_SECONDS = 5

WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""How bodies may be packed, and how zlib calls that."""


class Refused(Exception):  # noqa: N818 - an answer
    """The HTTP status that a request is answered with, and a sentence; ``retry_after`` are seconds."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.retry_after = status, sentence, retry_after


_TOO_LARGE = f"The body is larger than {MOST_BODY_BYTES >> 20} MB, packed or not: export smaller batches."
_TOO_SLOW = f"The body was not sent within {MOST_SECONDS} seconds, or while there was room for it: try again."


class Room:
    """Counts the memory of all bodies. When it is used up, it refuses the body that has been coming longest."""

    def __init__(self) -> None:
        self._coming: list[asyncio.Timeout] = []
        self._bytes = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncGenerator[bytes]:
        """Read a body as it was sent, which counts while the block runs.

        Raises Refused, or ClientDisconnect if the client stops half-way.
        """
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > MOST_BODY_BYTES:
            raise Refused(413, _TOO_LARGE)
        coming, body = bytearray(), b""
        try:
            await self._read(request, coming)
            body = bytes(coming)
            coming.clear()
            yield body
        finally:
            self._bytes -= len(coming) + len(body)
            coming.clear()  # the traceback of a refusal lives as long as the rest of the body is drained

    async def _read(self, request: Request, body: bytearray) -> None:
        limit = asyncio.timeout(MOST_SECONDS)
        self._coming.append(limit)
        try:
            async with limit:
                async for piece in request.stream():
                    body += piece
                    self._bytes += len(piece)
                    if len(body) > MOST_BODY_BYTES:
                        raise Refused(413, _TOO_LARGE)
                    if self._bytes > MOST_BODIES_BYTES and not self._coming[0].expired():
                        self._coming[0].reschedule(0.0)
        except TimeoutError:
            raise Refused(429, _TOO_SLOW, retry_after=1) from None
        finally:
            self._coming.remove(limit)


async def drain(request: Request) -> None:
    """Reads on without keeping anything, for a while, so that a client that is still sending hears the answer."""
    remaining = 2 * MOST_BODY_BYTES
    with suppress(TimeoutError, ClientDisconnect, RuntimeError):  # the last says that it was read to its end before
        async with asyncio.timeout(DRAIN_SECONDS):
            async for piece in request.stream():
                remaining -= len(piece)
                if remaining < 0:
                    return


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its packing; raises Refused for what is damaged, cut off, or far larger than it seems."""
    if encoding in ("", "identity"):
        return body
    unpack = zlib.decompressobj(wbits=WINDOWS[encoding])
    try:
        content = unpack.decompress(body, MOST_BODY_BYTES + 1)
    except zlib.error:
        raise Refused(400, f"The body is no {encoding} data, as its Content-Encoding says.") from None
    if len(content) > MOST_BODY_BYTES:
        raise Refused(413, _TOO_LARGE)
    if not unpack.eof or unpack.unused_data:
        raise Refused(400, f"The body is {encoding} data that is cut off, or followed by something else.")
    return content
