"""Text of logs stays text: exactly as it was written, and nothing in it can be clicked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import arrive, follow, open_tab, serve, settle
from tests.views import request
from usagecost.boards import Board, Panel, board_text

pytestmark = pytest.mark.browser

TEXTS = [
    "http://evil.example/login",
    "see https://evil.example/a?b=c#d.",
    "HTTPS://EVIL.example",
    "(http://evil.example)",
    "www.evil.example/x",
    "WWW.evil.example",
    "ann@evil.example",
    "mailto:ann@evil.example",
    "xmpp:ann@evil.example",
    "a.b-c_d+e@evil.example",
    "a@b@evil.example",
    "-http://evil.example",
    "/ann@evil.example",
    "[a](http://evil.example)",
    "<http://evil.example>",
    "![a](http://evil.example/x.png)",
    "http://http://evil.example",
    "httphttp://evil.example",
    "ftp://evil.example",
    "[1]: http://evil.example",
    ":material/delete: :streamlit: :smile: :red[x] :small[y]",
    "a -> b <- c <-> d -- e >= f <= g ~= h",
    "-- >= <=",
    "**b** _i_ `c` $x$",
    "1. one",
    "# head",
    "> quote",
    "| a | b |",
    "&amp; &#104;ttp://evil.example",
    "\\http://evil.example",
    "<a href='http://evil.example'>a</a>",
    "javascript:alert(1)",
    "http\\://evil.example",
]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page that shows these texts in many ways."""
    file = tmp_path_factory.mktemp("texts") / "texts.json"
    file.write_text(json.dumps(TEXTS))
    yield from serve({"TEXTS": str(file), "PYTHONPATH": str(Path(__file__).parents[2])}, script="tests/browser/hostile_text.py")


def test_every_text_is_shown_exactly_and_without_a_link(shown: str, page: Page):
    page.goto(shown, wait_until="domcontentloaded")
    expect(page.locator("#end")).to_be_attached()
    settle(page)

    assert page.locator("[data-testid=stMain] a").count() == 0
    for number, text in enumerate(TEXTS):
        box = f".st-key-text_{number}"
        drawn = page.locator(f"{box} [data-testid=stMarkdownContainer], {box} [data-testid=stCaptionContainer]").all_text_contents()
        words = [words for words in drawn if words not in ("one", "1")]
        assert words == [text] * len(words), (text, words)
        assert len(words) >= 8


def test_pages_make_no_link_of_a_log(lake_of: Callable[..., str], page: Page):
    evil = "http://evil.example/x ann@evil.example www.evil.example"
    now = datetime.now(UTC)
    texts = dict.fromkeys(("model", "provider", "user_id", "team_id", "app", "environment", "virtual_key", "error_class"), evil)
    rest = json.dumps({"error_message": evil, "other": evil})
    lake = lake_of(
        request(now, request_id="evil", **texts, status="error", tags=[evil], attributes=rest, trace_id=evil), request(now)
    )
    boards = Path(lake).parent / "boards"
    boards.mkdir(exist_ok=True)
    panel = Panel(metrics=("requests",), split="model", title=evil, filters=({"dimension": "model", "values": [evil]},))  # type: ignore[arg-type]
    (boards / "evil.toml").write_text(board_text(Board(title=evil, description=evil, pinned=True, panel=(panel,))))
    board = page.get_by_test_id("stSidebar").get_by_role("link").filter(has_text="evil")
    for address in serve({"USAGECOST_LAKE": lake}):
        page.goto(f"{address}/Traces?request=evil&model={evil}&q={evil}&error={evil}&tag={evil}", wait_until="domcontentloaded")
        for go in (
            lambda: expect(page.get_by_role("dialog").get_by_text("Request details")).to_be_visible(),
            lambda: page.keyboard.press("Escape"),
            lambda: open_tab(page, "Errors"),
            lambda: follow(page, "Usage and cost"),
            lambda: open_tab(page, "Cost"),
            lambda: open_tab(page, "User activity"),
            lambda: (board.click(), arrive(page, "Dashboards")),
            lambda: follow(page, "Prices"),
            lambda: open_tab(page, "Set a price"),
            lambda: follow(page, "Sources"),
            lambda: open_tab(page, "History"),
        ):
            go()
            settle(page)
            links = page.locator("[data-testid=stApp] a").evaluate_all("all => all.map(a => a.href)")
            assert [link for link in links if "evil" in link.split("?")[0] or link.startswith("mailto")] == [], page.url
