"""The price list between two releases: fetched only when asked for, kept with the lake, said in the version."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from tests.copies import copied
from tests.lake_rows import commit, row
from tests.priced import price
from usagecost.cli import app
from usagecost.lake import Lake
from usagecost.pricebook import current_book, forget_list, refresh_list
from usagecost.pricing import ListProblem, prices_version, use_list

LIST = [
    {
        "id": "acme",
        "name": "Acme",
        "api_pattern": "acme\\.example",
        "models": [{"id": "rocket", "match": {"equals": "rocket"}, "prices": {"input_mtok": 3, "output_mtok": 5}}],
    }
]


class Publisher(BaseHTTPRequestHandler):
    """Answers with a list, with something else, or with an error."""

    def do_GET(self) -> None:
        body = {"/list": json.dumps(LIST), "/page": "<html>", "/other": '{"a": 1}'}.get(self.path)
        self.send_response(200 if body else 500)
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Publisher) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@copied
def made(lake: Lake) -> None:
    commit(lake, row("a"))


@pytest.fixture
def lake(made: Lake) -> Iterator[Lake]:
    """It; what it lists is forgotten in the end."""
    yield made
    use_list(None)


def rocket() -> tuple[Decimal | None, str]:
    return price(provider="acme", model="rocket", input_tokens=1_000_000, output_tokens=0)


def test_a_fetched_list_prices_what_the_shipped_one_does_not_know(lake: Lake, upstream: str):
    assert rocket() == (None, "unpriced")
    said = refresh_list(lake, f"{upstream}/list")

    assert rocket() == (Decimal(3), "exact")
    assert said == prices_version()
    assert said.startswith(f"{version('genai-prices')} + list of 20")


def test_it_is_kept_with_the_lake_and_used_by_whoever_opens_it_next(lake: Lake, upstream: str):
    refresh_list(lake, f"{upstream}/list")
    use_list(None)
    assert rocket() == (None, "unpriced")

    assert " + list of " in current_book(Lake(lake.root)).version
    assert rocket() == (Decimal(3), "exact")
    assert forget_list(lake) == version("genai-prices")
    current_book(Lake(lake.root))
    assert rocket() == (None, "unpriced")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("/page", "is no JSON"), ("/other", "no price list that this version"), ("/gone", r"could not be fetched .*HTTPStatusError")],
)
def test_what_is_no_list_changes_nothing_and_is_said(lake: Lake, upstream: str, path: str, sentence: str):
    with pytest.raises(ListProblem, match=sentence):
        refresh_list(lake, upstream + path)

    assert prices_version() == version("genai-prices")


def test_a_kept_list_that_is_damaged_takes_nothing_down(lake: Lake):
    lake.texts.put("list-prices.json", '{"providers": 5}', seen=None)

    assert current_book(lake).version == f"genai-prices {version('genai-prices')}"


def test_the_command_fetches_only_when_asked(lake: Lake, upstream: str):
    run = CliRunner()

    assert " + list of " not in run.invoke(app, ["prices", "--lake", str(lake.root)]).output
    refreshed = run.invoke(app, ["prices", "--lake", str(lake.root), "--refresh", "--url", f"{upstream}/list"])
    assert (refreshed.exit_code, " + list of " in refreshed.output) == (0, True)
    assert " + list of " not in run.invoke(app, ["prices", "--lake", str(lake.root), "--shipped"]).output
    nobody = run.invoke(app, ["prices", "--lake", str(lake.root), "--refresh", "--url", "http://127.0.0.1:9/list"])
    assert (nobody.exit_code, "check the network" in " ".join(nobody.output.split())) == (1, True)
