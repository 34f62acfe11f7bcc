"""Asking vendors for costs: page by page, of complete UTC days, with an admin key from the environment.

Vendors correct days after they have ended, so the last DAYS_ANEW that are known are asked for again; a statement of them replaces
the older one. What fails is asked for again after a while, longer each time or as long as the vendor says. A key goes into a header
alone: it is not in addresses, errors or logs, and what an answer says is never repeated in an error. Redirects are not followed.

Each vendor's address can be another one, for a proxy or a test: USAGECOST_OPENAI_URL and so on, which has to be https unless it is
this machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import httpx
import pyarrow.compute as pc

from usagecost.bills.formats.shape import Notes, Unreadable
from usagecost.bills.reading import BillProblem, complete, table_of
from usagecost.bills.statements import Loaded, keep
from usagecost.bills.vendors import Asked, Vendor
from usagecost.lake import Lake

DAYS_AT_FIRST, DAYS_ANEW = 30, 7
ATTEMPTS = 6
LONGEST_WAIT_S = 120.0
MOST_PAGES, MOST_PAGE_BYTES = 10_000, 64 << 20


@dataclass(frozen=True)
class Fetching:
    """What fetching needs of its surroundings: variables, the time, and how to wait."""

    environment: Mapping[str, str]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    wait: Callable[[float], None] = time.sleep
    on_progress: Callable[[str], None] = lambda words: None  # noqa: ARG005


def days_to_fetch(
    lake: Lake, vendor: Vendor, today: date, start: date | None = None, end: date | None = None, account: str | None = None
) -> tuple[date, date]:
    """The first and the last day to ask for: up to yesterday, and from the first day after known ones that is not, less DAYS_ANEW.

    Raises BillProblem where there is no such day.
    """
    last = min(end or today, today - timedelta(days=1))
    earliest = today - timedelta(days=vendor.days_back)
    unknown = None if start else _first_unknown(lake, vendor, account, earliest)
    since = unknown - timedelta(days=DAYS_ANEW) if unknown else last - timedelta(days=DAYS_AT_FIRST - 1)
    first = start or max(since, earliest)
    if first > last:
        raise BillProblem(f"There is no complete UTC day from {first} to {last}: give an earlier --start, or a later --end.")
    return first, last


def _first_unknown(lake: Lake, vendor: Vendor, account: str | None, earliest: date) -> date | None:
    """The first day from `earliest` on that no statement covers, after those that one covers; None where there is no statement."""
    lines = lake.rows("bills", pc.field("provider") == vendor.name)
    columns = (lines[name].to_pylist() for name in ("provider", "format", "account", "covers_first", "covers_last"))
    wanted_kind = (vendor.name, vendor.format.name)
    covered = {
        (first, last) for *what, of, first, last in zip(*columns, strict=True) if (*what,) == wanted_kind and account in (None, of)
    }
    unknown = None
    for first, last in sorted(covered):
        if unknown and first > unknown:
            break
        unknown = max(unknown or earliest, last + timedelta(days=1))
    return unknown


def fetch_bill(
    lake: Lake,
    vendor: Vendor,
    fetching: Fetching,
    *,
    start: date | None = None,
    end: date | None = None,
    account: str | None = None,
) -> Loaded | None:
    """Ask a vendor for the costs of complete days and keep them as a statement; None where nothing was billed.

    Raises BillProblem, or LakeError.
    """
    secret = next((key for name in vendor.keys if (key := fetching.environment.get(name, "").strip())), None)
    if secret is None:
        raise BillProblem(f"There is no key of {vendor.format.title}: set {vendor.keys[0]} to an admin key of the organisation.")
    first, last = days_to_fetch(lake, vendor, fetching.now.date(), start, end, account)
    base = _base_url(vendor, fetching.environment)
    notes = Notes()
    timeout = httpx.Timeout(60, connect=10)
    with httpx.Client(base_url=base, headers=_headers(vendor, secret), timeout=timeout, follow_redirects=False) as client:
        pages = _pages(client, vendor, first, last, fetching)
        try:
            lines = table_of(vendor.format.lines(enumerate(pages, 1), notes), f"{base}{vendor.path}")
        except Unreadable as problem:
            raise BillProblem(f"{vendor.format.title}: {problem}") from None
    if not lines.num_rows:
        return None
    if pc.min(lines["first_day"]).as_py() < first or pc.max(lines["last_day"]).as_py() > last:
        raise BillProblem(f"{vendor.format.title}: the answer is about other days than {first} to {last}. Nothing was kept.")
    as_of = min(fetching.now, notes.as_of or fetching.now)
    return keep(lake, complete(vendor.format, lines, notes, as_of, account, (first, last)))


def _base_url(vendor: Vendor, environment: Mapping[str, str]) -> str:
    name = f"USAGECOST_{vendor.name.upper()}_URL"
    base = environment.get(name, "").strip().rstrip("/") or vendor.url
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL:
        raise BillProblem(f"{name} is no address: write it as {vendor.url}.") from None
    if url.scheme != "https" and url.host not in ("127.0.0.1", "localhost", "::1"):
        raise BillProblem(f"{name} has to be https://…, as the key is sent there.")
    if url.userinfo:
        raise BillProblem(f"{name} has a user or password in it, which the lake would keep: write it without, as {vendor.url}.")
    return base


def _headers(vendor: Vendor, secret: str) -> dict[str, str]:
    if not secret.isascii() or not secret.isprintable():
        raise BillProblem(f"{vendor.keys[0]} is no key: it has characters that no key has.")
    return {**vendor.headers(secret), "User-Agent": "usagecost", "Accept": "application/json"}


def _pages(client: httpx.Client, vendor: Vendor, first: date, last: date, fetching: Fetching) -> Iterator[Any]:
    """All pages of the answers about some days."""
    start = first
    while start <= last:
        end = min(start + timedelta(days=vendor.days_at_once), last + timedelta(days=1))
        fetching.on_progress(f"Asking for {start}")
        parameters, cursors = vendor.asked(start, end), set()
        cursor = None
        for _ in range(MOST_PAGES):
            page = _answer(client, vendor, [*parameters, ("page", cursor)] if cursor else parameters, fetching)
            cursor = page.get("next_page") if page.get("has_more") else None
            yield {**page, "has_more": False} if cursor else page
            if not cursor:
                break
            if not isinstance(cursor, str) or cursor in cursors:
                raise Unreadable("the pages of the answer go round in a circle. Try again later.")
            cursors.add(cursor)
        else:
            raise Unreadable(f"the answer has more than {MOST_PAGES:,} pages: ask for fewer days with --start and --end.")
        start = end


def _answer(client: httpx.Client, vendor: Vendor, parameters: Asked, fetching: Fetching) -> dict[str, Any]:
    """One page; what may be better the next time is asked for again."""
    reason = ""
    for attempt in range(ATTEMPTS):
        waited = min(2.0**attempt, LONGEST_WAIT_S)
        try:
            with client.stream("GET", vendor.path, params=parameters) as response:
                if response.status_code == httpx.codes.OK:
                    return _page(response)
                if (
                    response.status_code != httpx.codes.TOO_MANY_REQUESTS
                    and response.status_code < httpx.codes.INTERNAL_SERVER_ERROR
                ):
                    raise BillProblem(_refusal(vendor, response.status_code))
                reason = f"it answered {response.status_code}"
                waited = _asked_wait(response.headers.get("Retry-After"), fetching.now) or waited
        except (httpx.HTTPError, httpx.StreamError) as problem:
            reason = f"the connection failed ({type(problem).__name__})"
        except _CutError:
            reason = "its answer was cut off"
        if attempt < ATTEMPTS - 1:
            fetching.on_progress(f"{vendor.name}: {reason}; asking again in {waited:.0f} s")
            fetching.wait(waited)
    raise BillProblem(f"{vendor.format.title} could not be fetched: {reason}, {ATTEMPTS} times. Nothing was kept; try again later.")


class _CutError(Exception):
    """The answer is no whole JSON object."""


def _page(response: httpx.Response) -> dict[str, Any]:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > MOST_PAGE_BYTES:
            raise BillProblem(f"A page of the answer has more than {MOST_PAGE_BYTES >> 20} MB: is this the address of the API?")
    try:
        page = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise _CutError from None
    if not isinstance(page, dict):
        raise BillProblem("The answer is no page of costs: is this the address of the API?")
    return page


def _refusal(vendor: Vendor, status: int) -> str:
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return (
            f"{vendor.format.title}: the key was refused ({status}). {vendor.keys[0]} has to be an admin key of the organisation."
        )
    if status in (httpx.codes.NOT_FOUND, httpx.codes.BAD_REQUEST):
        return f"{vendor.format.title}: the question was refused ({status}). Ask for days within a year; is the address right?"
    return f"{vendor.format.title}: it answered {status}. Nothing was kept."


def _asked_wait(header: str | None, now: datetime) -> float | None:
    """The seconds that Retry-After asks for, as a number or a date, up to the longest wait."""
    try:
        seconds = float(header or "")
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header or "") - now).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if isfinite(seconds) else None
