"""The API over HTTP: who asks, how often and how much, and answers as JSON or CSV with the tag of the lake's version."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import anyio
import anyio.to_thread
import pandas as pd
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from usagecost.access import AccessProblem
from usagecost.budgets import BudgetProblem
from usagecost.engine import UnansweredError, open_lake, time_limit
from usagecost.exports import csv_text
from usagecost.lake import LakeError
from usagecost.periods import known_zones, reporting_zone
from usagecost.serve import answers
from usagecost.serve.answers import Answer, json_text
from usagecost.serve.asked import AskedWrongly, Lake, Query
from usagecost.serve.openapi import openapi
from usagecost.serve.prometheus import exposition
from usagecost.serve.tokens import Token, TokenProblem, read_tokens, token_of

PER_MINUTE = 120
LONGEST_SECONDS = 30.0
AT_ONCE = 4
"""Questions that are answered at the same time; others wait."""
LONGEST_QUERY = 8_000
TOKENS_READ_EVERY = 5.0
"""Seconds after which a token that was made or removed is known."""

OF_REQUESTS = (answers.usage, answers.requests)
"""What depends on the lake's version and names alone: the others on texts and bills beside it, too."""
ASSISTANT: ContextVar[Token] = ContextVar("assistant")
"""The token of the assistant that asks."""
ABOUT_ANSWERS = {"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}

Found = TypeVar("Found")


@dataclass
class Allowance:
    """How often a token may ask: so many times a minute, and as many at once."""

    per_minute: int
    left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, name: str, now: float) -> float:
        """The seconds until it may ask again; 0: it may now, and has."""
        tokens_left, since = self.left.get(name, (float(self.per_minute), now))
        tokens_left = min(float(self.per_minute), tokens_left + (now - since) * self.per_minute / 60)
        if tokens_left < 1:
            return (1 - tokens_left) * 60 / self.per_minute
        self.left[name] = tokens_left - 1, now
        return 0.0


@dataclass
class Api:
    """The API of one lake. ``label`` is the dimension by which `/metrics` tells its series apart."""

    root: str
    label: str = "model"
    per_minute: int = PER_MINUTE
    seconds: float = LONGEST_SECONDS

    def __post_init__(self) -> None:
        self._allowance = Allowance(self.per_minute)
        self._tokens: tuple[float, tuple[Token, ...]] = (-math.inf, ())
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def app(self) -> Starlette:
        """The application that a server runs."""
        answers_by_name: dict[str, Answer] = {
            "usage": answers.usage,
            "requests": answers.requests,
            "budgets": answers.budgets,
            "reconciliation": answers.reconciliation,
        }
        routes = [Route(f"/v1/{name}", partial(self._answered, answer=answer)) for name, answer in answers_by_name.items()]
        routes += [
            Route("/v1/vocabulary", self._vocabulary),
            Route("/openapi.json", self._openapi),
            Route("/metrics", self._metrics),
            Route("/healthz", self._health),
        ]
        lifespan = None
        if find_spec("mcp"):  # it is in requirements-mcp.txt
            from usagecost.serve.assistants import over_http

            assistants = over_http(lambda answer, query: self.told(answer, query, ASSISTANT.get()))
            routes.append(Route("/mcp", _Guarded(self, assistants.handle_request), methods=["POST"]))
            lifespan = lambda _: assistants.run()  # noqa: E731
        return Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed}, lifespan=lifespan)

    async def told(self, answer: Answer, query: Query, token: Token) -> str:
        """The answer of a question as JSON; raises HTTPException."""
        return await self._run(lambda: json_text(answer(query, answers.lake_now(self.root, token))))

    async def _answered(self, request: Request, answer: Answer) -> Response:
        token = await self._token(request)
        lake = await self._run(partial(answers.lake_now, self.root, token))
        is_csv = _is_csv(request)
        tag = _tag(request, lake, token, is_csv=is_csv) if answer in OF_REQUESTS and lake.scope.is_everything else None
        headers = {**({"etag": tag} if tag else {}), **ABOUT_ANSWERS}
        if tag and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)

        def written() -> tuple[str, dict[str, str]]:
            found = answer(request.query_params, lake)
            following = {"x-next-cursor": str(found["next"])} if is_csv and found.get("next") else {}
            return _csv(found) if is_csv else json_text(found), following

        text, following = await self._run(written)
        form = "text/csv; charset=utf-8" if is_csv else "application/json"
        return Response(text, headers=headers | following, media_type=form)

    async def _vocabulary(self, request: Request) -> Response:
        await self._token(request)
        return JSONResponse(answers.vocabulary())

    async def _openapi(self, _: Request) -> Response:
        """Tells nothing of the lake, so nobody need say who they are."""
        return JSONResponse(openapi())

    async def _metrics(self, request: Request) -> Response:
        token = await self._token(request)
        text = await self._run(lambda: exposition(answers.lake_now(self.root, token), self.label))
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _health(self, request: Request) -> Response:
        """That the process answers; to who may know, also what of."""
        if "authorization" not in request.headers:
            return JSONResponse({"status": "ok"})
        token = await self._token(request)
        lake = await self._run(partial(answers.lake_now, self.root, token))
        about = answers.freshness(lake) if lake.scope.is_everything else {}
        return Response(json_text({"status": "ok", **about}), media_type="application/json")

    async def _token(self, request: Request) -> Token:
        """Who asks; raises HTTPException where that is nobody, or somebody who asks too often or too much."""
        if len(request.url.query) > LONGEST_QUERY:
            raise HTTPException(414, f"The query is longer than {LONGEST_QUERY:,} characters.")
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        is_fresh = time.monotonic() - self._tokens[0] < TOKENS_READ_EVERY
        tokens = self._tokens[1] if is_fresh else await self._run(self._read_tokens)
        token = token_of(tokens, said.strip(), datetime.now(UTC).date()) if scheme.lower() == "bearer" else None
        if token is None:
            sentence = "Send a token that is in use: Authorization: Bearer …; `python -m usagecost token add NAME` makes one."
            raise HTTPException(401, sentence, {"www-authenticate": "Bearer"})
        if wait := self._allowance.wait(token.name, time.monotonic()):
            raise HTTPException(429, f"More than {self.per_minute} questions a minute: wait.", {"retry-after": str(int(wait) + 1)})
        return token

    def _read_tokens(self) -> tuple[Token, ...]:
        tokens = read_tokens(open_lake(self.root))
        self._tokens = time.monotonic(), tokens
        return tokens

    async def _run(self, question: Callable[[], Found]) -> Found:
        """The answer of a question that reads the lake, in a thread; what is wrong becomes a status and a sentence."""
        deadline = time.monotonic() + self.seconds

        def ask() -> Found:
            with self._room:
                if time.monotonic() > deadline:  # nobody waits for it any more
                    raise TimeoutError
                with time_limit(deadline - time.monotonic()):
                    return question()

        try:
            with anyio.fail_after(self.seconds):
                return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        except AskedWrongly as problem:
            raise HTTPException(400, str(problem)) from None
        except TimeoutError:
            raise HTTPException(
                503, f"This takes more than {self.seconds:g} s: ask for fewer days.", {"retry-after": "5"}
            ) from None
        except (LakeError, UnansweredError, BudgetProblem, TokenProblem, AccessProblem):
            logging.getLogger(__name__).warning("A question could not be answered", exc_info=True)
            raise HTTPException(503, "The numbers cannot be read right now: try again.", {"retry-after": "5"}) from None


@dataclass(frozen=True)
class _Guarded:
    """What is only for who shows a token, and has some seconds for it: its body may come slowly, or never end."""

    api: Api
    inner: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ASSISTANT.set(await self.api._token(Request(scope)))
        try:
            with anyio.fail_after(self.api.seconds):
                await self.inner(scope, receive, send)
        except TimeoutError:
            raise HTTPException(408, f"The request took more than {self.api.seconds:g} s.") from None


def _is_csv(request: Request) -> bool:
    form = request.query_params.get("format") or ("csv" if "text/csv" in request.headers.get("accept", "") else "json")
    if form not in ("json", "csv"):
        raise HTTPException(400, f"format: {form!r} is none; use json or csv.")
    return form == "csv"


def _tag(request: Request, lake: Lake, token: Token, *, is_csv: bool) -> str:
    """What stays the same as long as the answer does: the lake's version and names, today, the question and who asks."""
    zone = request.query_params.get("zone") or reporting_zone()
    today = lake.now.astimezone(ZoneInfo(zone)).date() if zone in known_zones() else None
    parts = [
        lake.version,
        lake.labels.digest,
        today,
        request.url.path,
        request.url.query,
        token.model_dump_json(),
        is_csv,
    ]
    return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'


def _csv(content: dict[str, Any]) -> str:
    rows = content["rows"]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [{name: _cell(value) for name, value in row.items()} for row in rows]
    return csv_text(pd.DataFrame(cells, columns=columns, dtype=object))


def _cell(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else json.dumps(value) if isinstance(value, list) else value


async def _refused(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101 - it is registered for these
    return JSONResponse({"error": problem.detail}, problem.status_code, problem.headers)


async def _failed(_: Request, problem: Exception) -> Response:
    """What nobody foresaw is told to the log alone."""
    logging.getLogger(__name__).error("A question failed", exc_info=problem)
    return JSONResponse({"error": "The question could not be answered."}, 500)
