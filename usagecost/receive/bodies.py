"""The body of a request: read within limits of size, time and memory, and unpacked."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Generator
from contextlib import contextmanager, suppress

from starlette.requests import ClientDisconnect, Request

MOST_BODY_BYTES = 32 << 20
"""Of a body, both as it is sent and unpacked."""

MOST_BODIES_BYTES = 128 << 20
"""Of all bodies that are being read and worked on, as they are sent."""

MOST_BODIES = 256

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
_TOO_SLOW = f"The body was not sent within {MOST_SECONDS} seconds."
_TOO_MANY = "More is being sent than can be worked on at once: try again."


class Room:
    """How much is being read and worked on."""

    def __init__(self) -> None:
        self._bodies = self._bytes = 0

    @contextmanager
    def for_body(self, request: Request) -> Generator[None]:
        """Room for a body while the block runs; raises Refused where there is none."""
        announced = request.headers.get("content-length", "")
        size = int(announced) if announced.isdecimal() else MOST_BODY_BYTES
        if size > MOST_BODY_BYTES:
            raise Refused(413, _TOO_LARGE)
        if self._bodies >= MOST_BODIES or self._bytes + size > MOST_BODIES_BYTES:
            raise Refused(429, _TOO_MANY, retry_after=1)
        self._bodies, self._bytes = self._bodies + 1, self._bytes + size
        try:
            yield
        finally:
            self._bodies, self._bytes = self._bodies - 1, self._bytes - size


async def whole_body(request: Request) -> bytes:
    """The body as it was sent; raises Refused, or ClientDisconnect if the client stops half-way."""
    body = bytearray()
    try:
        async with asyncio.timeout(MOST_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_BODY_BYTES:
                    raise Refused(413, _TOO_LARGE)
    except TimeoutError:
        raise Refused(408, _TOO_SLOW) from None
    return bytes(body)


async def drain(request: Request) -> None:
    """Reads on without keeping anything, for a while, so that a client that is still sending hears the answer."""
    left = 2 * MOST_BODY_BYTES
    with suppress(TimeoutError, ClientDisconnect, RuntimeError):  # the last says that it was read to its end before
        async with asyncio.timeout(DRAIN_SECONDS):
            async for piece in request.stream():
                left -= len(piece)
                if left < 0:
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
