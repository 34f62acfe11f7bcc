"""OTLP over HTTP: what is asked, and what is answered by which status.

https://opentelemetry.io/docs/specs/otlp/#otlphttp says which: 200 once what was sent is on disk, with the same kind of body as the
request's; a google.rpc.Status for anything else; 429 and 503 with Retry-After where trying again helps, and only there.
Metrics are not kept, and are refused as an address that does not exist: SDKs drop them then, and say so. To accept them would be to
acknowledge what is lost.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from contextlib import suppress

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from usagecost.ingest.receiver.bodies import WINDOWS, Refused, Room, drain, unpacked
from usagecost.ingest.receiver.otlp import lines_of_json, lines_of_protobuf
from usagecost.ingest.receiver.spool import Spool

PROTOBUF, JSON = "application/x-protobuf", "application/json"

DECODERS: dict[str, Callable[[bytes, str], bytes]] = {PROTOBUF: lines_of_protobuf, JSON: lines_of_json}

ANSWERS = {PROTOBUF: b"", JSON: b"{}"}
"""A response to an export that says nothing: all was accepted."""

STARTS = ("/v1", "/api/public/otel/v1")
"""How addresses begin: that of OTLP, and that of Langfuse, to which its SDK sends."""

FULL_RETRY_SECONDS, BROKEN_RETRY_SECONDS = 5, 10

_FULL = "More has been received than the lake has taken yet: try again."
_BROKEN = "What was sent could not be written to disk: {}. Try again later."
_TOKEN = "A token is needed: set OTEL_EXPORTER_OTLP_HEADERS to Authorization=Bearer%20 and the receiver's token."  # noqa: S105


class Receiver:
    """Answers requests, and spools what they bring, up to `most_spool_bytes` that are not in the lake yet."""

    def __init__(self, spool: Spool, token: str | None, most_spool_bytes: int) -> None:
        self._spool, self._most_spool_bytes = spool, most_spool_bytes
        self._token = token.encode() if token else None
        self._room = Room()
        self._workers = anyio.CapacityLimiter(2)
        answers = {"traces": self.export, "logs": self.export, "metrics": self.not_kept}
        routes = [Route(f"{start}/{signal}", answer, methods=["POST"]) for start in STARTS for signal, answer in answers.items()]
        self._router = Router([*routes, Route("/healthz", self.health, methods=["GET"])], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see ASGI. Slashes too many mean nothing: a redirection would be taken for success by exporters."""
        path = "/" + "/".join(filter(None, scope["path"].split("/")))
        await self._router({**scope, "path": path}, receive, send)

    async def export(self, request: Request) -> Response:
        """One export of traces or logs: 200 when it is on disk."""
        kind = _kind(request)
        try:
            self._check_token(request)
            await self._accept(request, kind)
        except Refused as refused:
            await drain(request)
            return _refusal(refused, kind)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        return Response(ANSWERS[kind], media_type=kind)

    async def not_kept(self, request: Request) -> Response:
        """Metrics."""
        await drain(request)
        return _refusal(Refused(404, "Only traces and logs are kept here: set OTEL_METRICS_EXPORTER=none."), _kind(request))

    async def health(self, request: Request) -> Response:
        """That requests are answered; to who may send, also how much is not in the lake yet."""
        status: dict[str, object] = {"status": "ok"}
        with suppress(Refused):
            self._check_token(request)
            status["waiting_bytes"] = self._spool.waiting_bytes
        return JSONResponse(status)

    def _check_token(self, request: Request) -> None:
        if self._token is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(token.strip().encode(), self._token)
        if scheme.lower() != "bearer" or not is_right:
            raise Refused(401, _TOKEN)

    async def _accept(self, request: Request, kind: str) -> None:
        """Raises Refused unless all that was sent is on disk."""
        if kind not in DECODERS:
            raise Refused(415, f"Content-Type has to be {PROTOBUF} or {JSON}.")
        encoding = request.headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", *WINDOWS):
            raise Refused(415, "Content-Encoding has to be gzip or deflate, or left out.")
        if self._spool.waiting_bytes >= self._most_spool_bytes:
            raise Refused(429, _FULL, FULL_RETRY_SECONDS)
        signal = _signal(request)
        async with self._room.body(request) as body:
            lines = await anyio.to_thread.run_sync(lambda: DECODERS[kind](unpacked(body, encoding), signal), limiter=self._workers)
            try:
                if lines:
                    await self._spool.append(lines)
            except OSError as error:
                raise Refused(503, _BROKEN.format(error.strerror or error), BROKEN_RETRY_SECONDS) from None


def _signal(request: Request) -> str:
    return request.url.path.rstrip("/").rpartition("/")[2]


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refusal(refused: Refused, kind: str) -> Response:
    """The status, with a google.rpc.Status in the request's own kind of body."""
    headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if kind == PROTOBUF:
        return Response(_status_message(refused.sentence), refused.status, headers, PROTOBUF)
    return Response(json.dumps({"message": refused.sentence}), refused.status, headers, JSON)


def _status_message(sentence: str) -> bytes:
    """A google.rpc.Status in protobuf: its second field, the message, which is shorter than two bytes of length can say."""
    text = sentence.encode()[:8_000]
    return bytes([0x12, len(text) & 0x7F | 0x80, len(text) >> 7]) + text
