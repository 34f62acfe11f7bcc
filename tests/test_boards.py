"""Boards as files: what they say, what is wrong with them, where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests import pages
from tests.copies import copied
from tests.lake_rows import commit, row
from usagecost.access import Grant, add_grant
from usagecost.boards import (
    RANGES,
    RULES,
    Board,
    BoardProblem,
    Panel,
    PanelFilter,
    Shelved,
    board_text,
    boards_folder,
    default_boards,
    file_name,
    fitted,
    parse_board,
    problem,
    shelved_boards,
)
from usagecost.lake import Lake, LakeChanged
from usagecost.ui.boards.changes import with_edits
from usagecost.ui.boards.showing import rows
from usagecost.vocabulary import DIMENSIONS, METRICS, SPLITS, Metric, formats

HOME = Path(__file__).parents[1]
README = (HOME / "README.md").read_text(encoding="utf-8")
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


@copied
def lake(lake: Lake) -> None:
    commit(lake, row("a", team_id="search"))


def test_a_board_is_its_title_and_its_panels():
    board = parse_board(TEAM)

    assert (board.title, [panel.chart for panel in board.panel]) == ("Search team", ["bar", "number"])
    assert board.panel[1].conditions.phrases() == ("team is search",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TEAM.replace('"requests"', '"request"'), "line 9, metrics: 'request' is no metric: use one of requests, "),
        (TEAM.replace("width", "widths"), "line 6, widths is 'third': there is no such key; did you mean width?"),
        (TEAM.replace('"third"', '"wide"'), "line 6, width is 'wide': it should be 'third', 'half' or 'full'."),
        (TEAM.replace('title = "Search team"', ""), "line 1, title: it is missing."),
        (TEAM.replace('"number"', '"ranked"'), "line 8, "),
        (TEAM.replace('"model"', "model"), "this is no TOML: "),
        (TEAM.replace('"team"', '"teams"'), "line 12, dimension: 'teams' is no dimension"),
        (
            'title = "x"\n[[panel]]\nmetrics = ["requests"]\n\n[[panel.filters]]\ndimension = "teams"\nvalues = []\n',
            "line 6, dimension: ",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, sentence: str):
    with pytest.raises(BoardProblem) as wrong:
        parse_board(text)

    assert str(wrong.value).startswith(sentence)


def test_a_broken_board_hides_no_other(lake: Lake):
    folder = lake.root.parent / "boards"
    folder.mkdir()
    (folder / "team.toml").write_text(TEAM)
    (folder / "broken.toml").write_text("title = 5")
    (folder / "latin.toml").write_bytes(b'title = "\xe9"')
    shelf = shelved_boards(boards_folder(lake))

    assert [(board.title, board.is_default) for board in shelf] == [
        ("Overview", True), ("Reliability", True), ("Cost", True), ("broken", False), ("latin", False), ("Search team", False),
    ]  # fmt: skip
    assert [bool(board.problem) for board in shelf] == [False, False, False, True, True, False]


TITLES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)


@st.composite
def made_panels(draw: st.DrawFn) -> Panel:
    """A panel as the form makes it: any chart, with whatever of any metrics and split that chart can draw."""
    chart = draw(st.sampled_from(list(RULES)))
    metrics, split = fitted(chart, draw(st.lists(st.sampled_from(list(METRICS)))), draw(st.sampled_from([None, *SPLITS])))
    values = st.lists(TITLES, max_size=3).map(tuple)
    chosen = st.builds(PanelFilter, dimension=st.sampled_from(list(DIMENSIONS)), values=values, excludes=st.booleans())
    return Panel(
        title=draw(st.one_of(st.just(""), TITLES)),
        metrics=metrics,
        split=split,
        interval=draw(st.sampled_from(["auto", "hour", "month"])),
        chart=chart,
        top=draw(st.integers(1, 500)),
        filters=tuple(draw(st.lists(chosen, max_size=3))),
        range=draw(st.sampled_from([None, *RANGES])),
        width=draw(st.sampled_from(["third", "half", "full"])),
    )


@given(
    st.builds(
        Board, title=TITLES, description=TITLES, owner=TITLES, pinned=st.booleans(), panel=st.lists(made_panels(), max_size=4)
    )
)
def test_a_board_is_the_same_after_it_was_written(board: Board):
    assert parse_board(board_text(board)) == board


@given(st.lists(st.sampled_from(list(METRICS)), max_size=8), st.sampled_from([None, *SPLITS]))
def test_what_is_fitted_to_a_chart_makes_sense_and_is_kept_where_it_does_already(metrics: list[str], split: str | None):
    for chart in RULES:
        assert problem(chart, *fitted(chart, metrics, split)) is None
        if problem(chart, metrics, split) is None:
            assert fitted(chart, metrics, split) == (tuple(metrics), split)


@pytest.mark.parametrize(
    ("title", "taken", "name"),
    [
        ("Søk & Größe: Q3/2026", [], "sk-groe-q3-2026.toml"),
        ("Team", ["team.toml", "team-2.toml"], "team-3.toml"),
        ("日本", [], "board.toml"),
        ("../../etc/passwd", [], "etc-passwd.toml"),
        ("x" * 200, [], f"{'x' * 60}.toml"),
    ],
)
def test_a_new_board_has_a_file_of_its_own(title: str, taken: list[str], name: str):
    assert file_name(title, taken) == name


def test_whose_a_board_is():
    overview, *_ = default_boards()
    nobodys, anns = (Shelved("a.toml", "", Board(title="A", owner=owner)) for owner in ("", "ann@x.example"))

    assert [overview.is_of(reader) for reader in (None, "", "ann@x.example")] == [False, False, False]
    assert [nobodys.is_of(reader) for reader in (None, "", "bob@x.example")] == [True, True, True]
    assert [anns.is_of(reader) for reader in (None, "", "ann@x.example", "bob@x.example")] == [True, False, True, False]


@pytest.mark.parametrize("kind", ["disk", pytest.param("s3", marks=pytest.mark.slow)])
def test_a_board_is_changed_only_by_who_has_seen_it(kind: str, tmp_path: Path, request: pytest.FixtureRequest):
    folder = boards_folder(Lake(tmp_path / "lake" if kind == "disk" else request.getfixturevalue("new_lake")()))
    assert folder.names() == []
    folder.put("team.toml", TEAM, seen=None)
    with pytest.raises(LakeChanged, match=r"team\.toml was changed by somebody else"):
        folder.put("team.toml", "mine", seen=None)
    with pytest.raises(LakeChanged):
        folder.put("team.toml", None, seen="another")
    assert [board.title for board in shelved_boards(folder)] == ["Overview", "Reliability", "Cost", "Search team"]

    folder.put("team.toml", None, seen=TEAM)
    assert folder.names() == []
    folder.put("team.toml", TEAM, seen=None)
    assert folder.read("team.toml") == TEAM


def test_rows_are_filled_and_never_too_wide():
    widths = ["full", "half", "third", "third", "third", "third", "half"]
    panels = [Panel(metrics=("requests",), width=width) for width in widths]

    assert [[panel.width for panel in row] for row in rows(panels)] == [
        ["full"], ["half", "third"], ["third", "third", "third"], ["half"],
    ]  # fmt: skip


def test_what_the_readmes_show_is_a_board_and_a_metric():
    described = (HOME / "usagecost" / "boards" / "README.md").read_text(encoding="utf-8")
    board = parse_board(described.split("```toml\n")[1].split("```")[0])
    shown = README.split("To add a metric,")[1].split("```python\n")[1].split("```")[0]
    metric = eval(shown, {"Metric": Metric, "formats": formats})  # noqa: S307 - our own README

    assert board.panel
    assert metric.name not in METRICS
    assert metric.of({"output_tokens": 300, "requests": 4}) == 75


# ---- the page


def opened(
    lake: Path | str, monkeypatch: pytest.MonkeyPatch, file: str = "pages/2_Dashboards.py", **parameters: str | list[str]
) -> AppTest:
    monkeypatch.setenv("USAGECOST_LAKE", str(lake))
    return pages.opened(file, **parameters)


@pytest.mark.parametrize("board", ["overview", "reliability", "cost"])
def test_a_board_is_drawn_of_a_single_request_that_tells_next_to_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch, board: str):
    page = opened(lake.root, monkeypatch, board=board, range="All time")

    assert not page.warning


@pytest.mark.parametrize("board", ["overview", "reliability", "cost"])
def test_a_board_without_requests_says_so_in_every_panel(sample_lake: str, monkeypatch: pytest.MonkeyPatch, board: str):
    page = opened(sample_lake, monkeypatch, board=board, range="Custom range", days=["2020-01-01", "2020-01-02"])
    (shown,) = [shelved.board for shelved in shelved_boards(boards_folder(Lake(sample_lake))) if shelved.name == board]

    assert sum("No requests in this period" in caption.value for caption in page.caption) == len(shown.panel)


def test_an_own_board_is_shown_and_a_broken_one_is_named_with_its_line(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    folder = lake.root.parent / "boards"
    folder.mkdir()
    (folder / "team.toml").write_text(TEAM)
    (folder / "broken.toml").write_text('title = "x"\n[[panel]]\nmetrics = ["nothing"]\n')
    page = opened(lake.root, monkeypatch, board="team.toml", range="All time")

    assert "broken.toml, line 3, metrics" in page.warning[0].value.replace("\\", "")
    assert len(page.header) >= 2


def explored(lake: Lake, monkeypatch: pytest.MonkeyPatch, asked: str) -> AppTest:
    return opened(lake.root, monkeypatch, "pages/3_Explore.py", range="All time", asked=asked)


def without_markup(text: str) -> str:
    return text.replace("\\", "")


def edited(lake: Lake, monkeypatch: pytest.MonkeyPatch, text: str) -> tuple[AppTest, Path]:
    """A page on which an own board is being edited, and the board's file."""
    file = lake.root.parent / "boards" / "team.toml"
    file.parent.mkdir()
    file.write_text(text)
    page = opened(lake.root, monkeypatch, board="team.toml", range="All time")
    page.button(key="edit_board").click().run()
    return page, file


def test_a_board_is_changed_as_a_draft_and_saved_once(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    page, file = edited(lake, monkeypatch, f"# the team's own\n{TEAM}")
    assert any("has comments" in caption.value for caption in page.caption)
    assert page.button(key="save_board").disabled

    page.text_input(key="title_team.toml").set_value("Ours").run()
    page.button(key="add_panel").click().run()
    page.selectbox(key="panel_chart").set_value("heatmap").run()
    page.button(key="save_panel").click().run()
    assert file.read_text() == f"# the team's own\n{TEAM}"
    page.text_input(key="title_team.toml").set_value(" ").run()
    assert "needs a title" in page.error[0].value
    page.button(key="save_board").click().run()

    saved = parse_board(file.read_text())
    assert (saved.title, [panel.chart for panel in saved.panel]) == ("Ours", ["bar", "number", "heatmap"])
    page.button(key="undo_board").click().run()
    assert file.read_text() == f"# the team's own\n{TEAM}"

    page.button(key="edit_board").click().run()
    page.text_input(key="title_team.toml").set_value("Another").run()
    page.button(key="cancel_board").click().run()
    assert file.read_text() == f"# the team's own\n{TEAM}"
    assert page.button(key="edit_board").label == "Edit"


@pytest.mark.parametrize("theirs", [TEAM.replace("Search team", "Theirs"), None])
def test_a_board_that_somebody_else_has_changed_or_deleted_meanwhile_is_not_overwritten_and_nothing_is_lost(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, theirs: str | None
):
    page, file = edited(lake, monkeypatch, TEAM)
    page.text_input(key="title_team.toml").set_value("Ours").run()
    file.write_text(theirs) if theirs else file.unlink()

    page.button(key="save_board").click().run()
    assert "changed by somebody else" in without_markup(page.error[0].value)
    assert [warning.proto.title for warning in page.warning] == ["This board has changed since you began"]
    page.button(key="save_copy").click().run()

    assert (file.read_text() if file.exists() else None) == theirs
    copy = parse_board((file.parent / "ours-copy.toml").read_text())
    assert (copy.title, copy.panel) == ("Ours (copy)", parse_board(TEAM).panel)


def test_what_is_typed_into_the_table_of_panels_changes_order_titles_and_widths():
    panels = [Panel(title=title, metrics=("requests",)) for title in "abcd"]

    def titles(edits: dict) -> str:
        return "".join(panel.title for panel in with_edits(panels, edits))

    assert titles({3: {"order": 1}}) == "dabc"
    assert titles({0: {"order": 3}}) == "bcad"
    assert titles({0: {"order": 99}, 1: {"order": -5}}) == "bcda"
    assert titles({3: {"order": 1}, 2: {"order": 2}}) == "dcab"
    assert titles({1: {"title": " x "}, 2: {"title": None}}) == "axd"
    assert [panel.width for panel in with_edits(panels, {0: {"width": "full"}, 1: {"width": "huge"}})] == ["full", *["half"] * 3]


def test_default_boards_cannot_be_changed_and_a_board_that_is_gone_is_told(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    assert opened(lake.root, monkeypatch, board="cost", range="All time").button(key="edit_board").disabled

    page = opened(lake.root, monkeypatch, board="gone.toml", range="All time")
    assert "There is no board gone.toml any more" in without_markup(page.warning[0].value)
    assert page.selectbox(key="board").value == "overview"


def pinned(page: AppTest) -> list[str]:
    """The links of the menu."""
    return [link.proto.label for link in page.get("page_link")]


def test_a_form_follows_its_chart_and_says_what_is_missing(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    page = explored(lake, monkeypatch, '{"metrics": ["requests", "failed"], "chart": "line"}')
    assert page.multiselect(key="explore_metrics").value == ["requests", "failed"]

    page.selectbox(key="explore_chart").set_value("scatter").run()
    assert not page.info
    assert page.selectbox(key="explore_metric0").value != page.selectbox(key="explore_metric1").value
    page.selectbox(key="explore_metric0").set_value(page.selectbox(key="explore_metric1").value).run()
    assert "a metric stands in it twice" in page.info[0].value

    page.selectbox(key="explore_chart").set_value("table").run()
    page.multiselect(key="explore_metrics").set_value([]).run()
    assert "Choose at least one metric" in page.info[0].value


def test_a_link_that_asks_for_nonsense_says_so_and_shows_something_else(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    page = explored(lake, monkeypatch, '{"metrics": ["moods"]}')

    assert "'moods' is no metric" in without_markup(page.warning[0].value)
    assert page.multiselect(key="explore_metrics").value == ["spend_usd"]


def test_who_is_signed_in_owns_what_they_make(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    folder = boards_folder(lake)
    folder.put("bobs.toml", f'owner = "bob@x.example"\npinned = true\n{TEAM}', seen=None)
    add_grant(lake, Grant(to=("*@x.example",), role="admin"))
    monkeypatch.setattr("usagecost.ui.reader.auth_section", lambda: {"client_id": "app"})
    monkeypatch.setattr(streamlit, "user", {"is_logged_in": True, "email": "ann@x.example"})
    page = opened(lake.root, monkeypatch, board="bobs.toml", range="All time")
    assert page.button(key="edit_board").disabled
    assert "Search team · bob@x.example" in page.selectbox(key="board").options
    assert "Search team" not in pinned(page)

    page.text_input(key="new_board_title").set_value("Ann's").run()
    page.button(key="create_board").click().run()
    made = parse_board(folder.read("ann-s.toml") or "")
    assert (made.owner, made.pinned, page.button(key="cancel_board").label) == ("ann@x.example", False, "Cancel")

    monkeypatch.setattr(streamlit, "user", {"is_logged_in": True, "email": "bob@x.example"})
    page = opened(lake.root, monkeypatch, board="bobs.toml", range="All time")
    assert not page.button(key="edit_board").disabled
    assert "Search team" in pinned(page)


@pytest.mark.slow
def test_a_board_made_beside_a_remote_lake_is_there_at_once(new_lake: Callable[[], str], monkeypatch: pytest.MonkeyPatch):
    lake = Lake(new_lake())
    commit(lake, row("a"))
    page = opened(lake.name, monkeypatch, range="All time")
    page.text_input(key="new_board_title").set_value("Far away").run()
    page.button(key="create_board").click().run()

    assert not page.exception
    assert page.selectbox(key="board").value == "far-away.toml"
    page.button(key="cancel_board").click().run()
    assert [board.title for board in shelved_boards(boards_folder(lake))][-1] == "Far away"
    page.button(key="undo_board").click().run()
    assert "far-away.toml" not in page.selectbox(key="board").options
    assert boards_folder(lake).names() == []
