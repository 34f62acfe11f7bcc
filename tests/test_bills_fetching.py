"""Asking vendors for costs, of a server on this machine that answers in their documented shapes, with all that can go wrong."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from tests.bill_rows import load_bill, written
from tests.test_bills_formats import anthropic_row, openai_page, openai_result
from usagecost.bills import BillProblem, current_lines
from usagecost.bills.fetching import Fetching, days_to_fetch, fetch_bill
from usagecost.bills.vendors import VENDORS
from usagecost.cli import app
from usagecost.lake import Lake

SECRET = "sk-admin-0123456789"  # noqa: S105 - of nobody
NOW = datetime(2026, 11, 6, 12, tzinfo=UTC)
NOV_3 = 1793664000

Answer = tuple[int, dict[str, str], bytes]


def ok(page: Any) -> Answer:
    return 200, {}, json.dumps(page).encode()


class Vendor(ThreadingHTTPServer):
    """A server that answers by a function of the question's parameters, and keeps questions and headers."""

    def __init__(self, answer: Callable[[dict[str, list[str]]], Answer]) -> None:
        self.answer = answer
        self.asked: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), Questions)


class Questions(BaseHTTPRequestHandler):
    server: Vendor  # type: ignore[assignment]

    def do_GET(self) -> None:
        parameters = parse_qs(urlsplit(self.path).query)
        self.server.asked.append(parameters)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        status, headers, body = self.server.answer(parameters)
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def serving(answer: Callable[[dict[str, list[str]]], Answer]) -> Iterator[Vendor]:
    with Vendor(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def surroundings(server: Vendor, waits: list[float] | None = None, now: datetime = NOW) -> Fetching:
    url = f"http://127.0.0.1:{server.server_port}"
    keys = {name: SECRET for vendor in VENDORS.values() for name in vendor.keys}
    urls = {f"USAGECOST_{name.upper()}_URL": url for name in VENDORS}
    return Fetching({**keys, **urls}, now, wait=(waits if waits is not None else []).append)


def fetch(name: str, lake: Path, server: Vendor, **options: Any) -> Any:
    waits = options.pop("waits", None)
    return fetch_bill(Lake(lake), VENDORS[name], surroundings(server, waits, options.pop("now", NOW)), **options)


def amounts(lake: Path) -> list[tuple[str, str]]:
    return [(f"{row['first_day']:%m-%d}", f"{row['amount'].normalize():f}") for row in current_lines(Lake(lake)).to_pylist()]


def two_pages(parameters: dict[str, list[str]]) -> Answer:
    """Two days of OpenAI, one a page."""
    if "page" not in parameters:
        return ok(openai_page((NOV_3, [openai_result(0.1, "gpt-6-astra, input_tokens", project_id="p")]), more="page_2"))
    return ok(openai_page((NOV_3 + 86400, [openai_result(0.2, "gpt-6-astra, output_tokens")])))


def test_openai_is_asked_page_by_page_for_complete_days(tmp_path):
    with serving(two_pages) as server:
        done = fetch("openai", tmp_path, server, start=date(2026, 11, 3))

    assert amounts(tmp_path) == [("11-03", "0.1"), ("11-04", "0.2")]
    assert (done.first_day, done.last_day, done.is_new) == (date(2026, 11, 3), date(2026, 11, 5), True)
    assert server.asked[0] == {
        "start_time": [str(NOV_3)], "end_time": [str(NOV_3 + 3 * 86400)], "bucket_width": ["1d"], "limit": ["180"],
        "group_by[]": ["project_id", "line_item", "api_key_id"],
    }  # fmt: skip
    assert server.asked[1] == server.asked[0] | {"page": ["page_2"]}
    assert [headers["authorization"] for headers in server.headers] == [f"Bearer {SECRET}"] * 2


def test_what_may_be_better_later_is_asked_again_after_the_wait_that_is_asked_for(tmp_path):
    whole = two_pages({"page": ["page_2"]})
    answers = iter([
        (429, {"Retry-After": "7"}, b"{}"),
        (429, {"Retry-After": "Fri, 06 Nov 2026 12:00:30 GMT"}, b"{}"),
        (500, {}, b"oops"),
        (200, {"Content-Length": str(len(whole[2]))}, whole[2][:50]),  # the connection closes before the end
        (200, {}, whole[2][:50]),  # the answer ends before its end
        whole,
    ])  # fmt: skip
    waits: list[float] = []
    with serving(lambda _: next(answers)) as server:
        fetch("openai", tmp_path, server, waits=waits)

    assert waits == [7, 30, 4, 8, 16]
    assert amounts(tmp_path) == [("11-04", "0.2")]


def test_a_vendor_that_stays_down_or_bills_nothing_leaves_nothing_behind(tmp_path):
    with serving(lambda _: ok(openai_page((NOV_3, [])))) as server:
        assert fetch("openai", tmp_path, server) is None
    with (
        serving(lambda asked: (503, {"Retry-After": "soon"}, b"") if "page" in asked else two_pages(asked)) as server,
        pytest.raises(BillProblem) as problem,
    ):
        fetch("openai", tmp_path, server)

    assert str(problem.value) == (
        "OpenAI organization costs could not be fetched: it answered 503, 6 times. Nothing was kept; try again later."
    )
    assert Lake(tmp_path).rows("bills").num_rows == 0


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            (401, {}, f'{{"error": "Incorrect API key: {SECRET}"}}'.encode()),
            "the key was refused (401). OPENAI_ADMIN_KEY has to be",
        ),
        ((400, {}, b"{}"), "the question was refused (400)"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "it answered 302"),
        (ok([1]), "The answer is no page of costs: is this the address of the API?"),
        (ok({"data": [], "has_more": True, "next_page": "again"}), "the pages of the answer go round in a circle"),
        (ok(openai_page((NOV_3 - 90 * 86400, [openai_result(1, None)]))), "about other days than 2026-10-07 to 2026-11-05"),
        (ok(openai_page((NOV_3, [{"amount": None}]))), "item 1: a result has no amount.value"),
    ],
)
def test_a_refusal_says_why_without_the_key(tmp_path, caplog, answer, sentence):
    caplog.set_level(logging.DEBUG)
    with serving(lambda _: answer) as server, pytest.raises(BillProblem) as problem:
        fetch("openai", tmp_path, server)

    assert sentence in str(problem.value)
    assert SECRET not in f"{problem.value} {problem.value.__context__} {caplog.text}"


def test_a_key_is_not_sent_in_the_clear():
    settings = {"OPENAI_ADMIN_KEY": SECRET, "USAGECOST_OPENAI_URL": "http://proxy.example"}
    nobody = Fetching({}, NOW)

    for surrounding, sentence in (
        (Fetching(settings, NOW), "USAGECOST_OPENAI_URL has to be https://…, as the key is sent there."),
        (
            Fetching(settings | {"USAGECOST_OPENAI_URL": "https://u:pw@proxy.example"}, NOW),
            "USAGECOST_OPENAI_URL has a user or "
            "password in it, which the lake would keep: write it without, as https://api.openai.com.",
        ),
        (Fetching(settings | {"OPENAI_ADMIN_KEY": "sk\r\nX: y", "USAGECOST_OPENAI_URL": ""}, NOW), "OPENAI_ADMIN_KEY is no key"),
        (nobody, "There is no key of OpenAI organization costs: set OPENAI_ADMIN_KEY to an admin key of the organisation."),
    ):
        with pytest.raises(BillProblem, match=sentence.replace("(", "\\(")):
            fetch_bill(Lake("nowhere"), VENDORS["openai"], surrounding)


def test_days_after_the_last_known_one_are_asked_for_and_a_week_before_anew(tmp_path):
    lake, openai = Lake(tmp_path), VENDORS["openai"]
    assert days_to_fetch(lake, openai, NOW.date()) == (date(2026, 10, 7), date(2026, 11, 5))  # thirty days at first

    with serving(two_pages) as server:
        fetch("openai", tmp_path, server)
        later = NOW + timedelta(days=3)
        assert days_to_fetch(lake, openai, later.date()) == (date(2026, 10, 30), date(2026, 11, 8))
        fetch("openai", tmp_path, server, now=later)

    assert amounts(tmp_path) == [("11-03", "0.1"), ("11-04", "0.2")]  # once, though both statements have them
    assert days_to_fetch(lake, VENDORS["openrouter"], NOW.date(), date(2026, 1, 1)) == (date(2026, 1, 1), date(2026, 11, 5))
    with pytest.raises(BillProblem, match="no complete UTC day"):
        days_to_fetch(lake, openai, NOW.date(), NOW.date())


def test_a_gap_between_known_days_is_asked_for(tmp_path):
    lake, openai = Lake(tmp_path), VENDORS["openai"]
    for start in (NOV_3 - 24 * 86400, NOV_3 + 22 * 86400):  # 10 October and 25 November
        load_bill(lake, written(tmp_path, openai_page((start, [openai_result(0.1, "gpt-6-astra, input_tokens")])), f"{start}.json"))

    assert days_to_fetch(lake, openai, date(2026, 11, 30)) == (date(2026, 10, 4), date(2026, 11, 29))
    assert days_to_fetch(lake, VENDORS["openrouter"], date(2026, 11, 30)) == (date(2026, 10, 31), date(2026, 11, 29))


def test_anthropic_is_asked_for_a_month_at_once(tmp_path):
    def answer(parameters: dict[str, list[str]]) -> Answer:
        if not parameters["starting_at"][0].startswith("2026-11"):
            return ok({"data": [], "has_more": False, "next_page": None})
        row = anthropic_row({"model": "claude-opus-5-5", "token_type": "output_tokens", "cost_type": "tokens"}, "250.5", "300")
        return ok({"data": [row], "has_more": False, "next_page": None, "data_refreshed_at": "2026-11-06T11:00:00Z"})

    with serving(answer) as server:
        fetch("anthropic", tmp_path, server, start=date(2026, 10, 1), account="org-9")

    assert [(asked["starting_at"], asked["ending_at"]) for asked in server.asked] == [
        (["2026-10-01T00:00:00Z"], ["2026-11-01T00:00:00Z"]), (["2026-11-01T00:00:00Z"], ["2026-11-06T00:00:00Z"]),
    ]  # fmt: skip
    assert server.headers[0]["x-api-key"] == SECRET
    assert server.headers[0]["anthropic-beta"] == "analytics-usage-cost-2026-08-24"
    assert amounts(tmp_path) == [("11-03", "2.505")]
    (row,) = Lake(tmp_path).rows("bills").to_pylist()
    assert (row["account"], row["as_of"]) == ("org-9", datetime(2026, 11, 6, 11, tzinfo=UTC))  # when its data was refreshed


def test_openrouter_is_asked_day_by_day_and_a_saved_answer_is_the_same_statement(tmp_path):
    def item(day: str) -> dict[str, Any]:
        return {"date": day, "model": "m", "model_permaslug": "m", "endpoint_id": day, "usage": 0.5, "requests": 2}

    with serving(lambda asked: ok({"data": [item(asked["date"][0])] if asked["date"][0] != "2026-11-04" else []})) as server:
        done = fetch("openrouter", tmp_path, server, start=date(2026, 11, 3))

    saved = written(tmp_path, {"data": [item("2026-11-03"), item("2026-11-05")]})
    assert [asked["date"] for asked in server.asked] == [["2026-11-03"], ["2026-11-04"], ["2026-11-05"]]
    assert amounts(tmp_path) == [("11-03", "0.5"), ("11-05", "0.5")]
    assert load_bill(Lake(tmp_path), saved).statement == done.statement


def test_the_command_fetches_and_says_what_it_could_not(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_ADMIN_KEY", SECRET)
    monkeypatch.delenv("ANTHROPIC_ADMIN_KEY", raising=False)
    with serving(two_pages) as server:
        monkeypatch.setenv("USAGECOST_OPENAI_URL", f"http://127.0.0.1:{server.server_port}")
        command = ["bill", "fetch", "openai", "anthropic", "--start", "2026-11-03", "--lake", str(tmp_path)]
        done = CliRunner().invoke(app, command)

    assert done.exit_code == 0
    assert "OpenAI organization costs: loaded" in done.output
    assert "set ANTHROPIC_ADMIN_KEY to an admin key" in done.output
    assert SECRET not in done.output
