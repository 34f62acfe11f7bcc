"""Boards as files: what they say, what is wrong with them, where they are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.lake_rows import commit, row
from usagecost.boards import BoardProblem, Panel, parse_board, shelved_boards
from usagecost.lake import Lake
from usagecost.sample import ensure_sample
from usagecost.ui.boards.page import rows

APP = Path(__file__).parents[1] / "app.py"
TEAM = """title = "Search team"

[[panel]]
metrics = ["spend_usd"]
split = "model"
width = "third"

[[panel]]
metrics = ["requests"]
chart = "number"
range = "24h"
filters = [{ dimension = "team", values = ["search"] }]
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    commit(lake, row("a", team_id="search"))
    return lake


def test_a_board_is_its_title_and_its_panels():
    board = parse_board(TEAM)

    assert (board.title, [panel.chart for panel in board.panel]) == ("Search team", ["bar", "number"])
    assert board.panel[1].conditions.words == ("team is search",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TEAM.replace('"requests"', '"request"'), "line 9, metrics: 'request' is no metric: use one of requests, "),
        (TEAM.replace("width", "widths"), "line 6, widths: there is no such key."),
        (TEAM.replace('"third"', '"wide"'), "line 6, width: Input should be 'third', 'half' or 'full'."),
        (TEAM.replace('title = "Search team"', ""), "line 1, title: it is missing."),
        (TEAM.replace('"number"', '"ranked"'), "line 8, "),
        (TEAM.replace('"model"', "model"), "this is no TOML: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, sentence: str):
    with pytest.raises(BoardProblem) as problem:
        parse_board(text)

    assert str(problem.value).startswith(sentence)


def test_a_broken_board_hides_no_other(lake: Lake):
    folder = lake.root.parent / "boards"
    folder.mkdir()
    (folder / "team.toml").write_text(TEAM)
    (folder / "broken.toml").write_text("title = 5")
    (folder / "latin.toml").write_bytes(b'title = "\xe9"')
    shelf = shelved_boards(lake)

    assert [(board.title, board.is_default) for board in shelf] == [
        ("Overview", True), ("Reliability", True), ("Cost", True), ("broken", False), ("latin", False), ("Search team", False),
    ]  # fmt: skip
    assert [bool(board.problem) for board in shelf] == [False, False, False, True, True, False]


def test_rows_are_filled_and_never_too_wide():
    widths = ["full", "half", "third", "third", "third", "third", "half"]
    panels = [Panel(metrics=("requests",), width=width) for width in widths]

    assert [[panel.width for panel in row] for row in rows(panels)] == [
        ["full"], ["half", "third"], ["third", "third", "third"], ["half"],
    ]  # fmt: skip


# ---- the page


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_sample(tmp_path_factory.mktemp("sample"), datetime.now(UTC))


def opened(lake: Path, monkeypatch: pytest.MonkeyPatch, **parameters: str | list[str]) -> AppTest:
    monkeypatch.setenv("USAGECOST_LAKE", str(lake))
    page = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/2_Dashboards.py")
    for name, value in parameters.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize("board", ["Overview", "Reliability", "Cost"])
def test_every_panel_of_a_default_board_is_drawn(sample: Path, monkeypatch: pytest.MonkeyPatch, board: str):
    page = opened(sample, monkeypatch, board=board)
    (shown,) = [shelved.board for shelved in shelved_boards(Lake(sample)) if shelved.title == board]

    assert not page.warning
    assert len(page.header) >= len(shown.panel)
    assert all("No requests" not in caption.value for caption in page.caption)


@pytest.mark.parametrize("board", ["Overview", "Reliability", "Cost"])
def test_a_board_without_requests_says_so_in_every_panel(sample: Path, monkeypatch: pytest.MonkeyPatch, board: str):
    page = opened(sample, monkeypatch, board=board, range="Custom range", days=["2020-01-01", "2020-01-02"])
    (shown,) = [shelved.board for shelved in shelved_boards(Lake(sample)) if shelved.title == board]

    assert sum("No requests in this period" in caption.value for caption in page.caption) == len(shown.panel)


def test_an_own_board_is_shown_and_a_broken_one_is_named_with_its_line(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    folder = lake.root.parent / "boards"
    folder.mkdir()
    (folder / "team.toml").write_text(TEAM)
    (folder / "broken.toml").write_text('title = "x"\n[[panel]]\nmetrics = ["nothing"]\n')
    page = opened(lake.root, monkeypatch, board="Search team · team.toml", range="All time")

    assert "broken.toml, line 3, metrics" in page.warning[0].value.replace("\\", "")
    assert len(page.header) >= 2
