"""Notes beside a lake: what their file says, what is wrong with it, and changing it without touching the rest."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.views import instant
from usagecost.annotations import NAME, Note, NoteProblem, add_note, parse_notes, read_notes, remove_note
from usagecost.lake import Lake
from usagecost.vocabulary.filters import Condition, Filters

FILE = """\
# Ours
[[note]]
at = 2026-05-01
text = "First"

# About search
[[note]]
at = 2026-05-02T14:30:00+02:00
text = "Second <b>"
only = { team = "search" }
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_a_note_is_of_a_local_day_or_of_an_instant():
    first, second = parse_notes(FILE)

    assert first.instant("Europe/Berlin") == instant("2026-04-30 22:00")
    assert second.instant("Europe/Berlin") == instant("2026-05-02 12:30")


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        ("at = 2026-05-01", 'at = "soon"', "line 3, at is 'soon': it has to be a day, such as 2026-05-01, or an instant"),
        ("+02:00", "", "line 8, at is '2026-05-02 14:30:00': it has to be a day, such as 2026-05-01, or an instant"),
        ('text = "First"', "", "line 2, text: it is missing."),
        (
            'text = "Second <b>"',
            'text = "x"\nwho = "me"',
            "line 10, who is 'me': there is no such key; known are at, text, only, by.",
        ),
        ("team =", "teem =", "line 10, only: 'teem' is no dimension: use one of "),
        ('"First"', "First", "this is no TOML: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_cure(lake: Lake, was: str, becomes: str, problem: str):
    (lake.root.parent / NAME).write_text(FILE.replace(was, becomes))

    with pytest.raises(NoteProblem) as raised:
        read_notes(lake)
    assert str(raised.value).startswith(f"{lake.root.parent}/{NAME}, {problem}")


@pytest.mark.parametrize(
    ("condition", "is_about"),
    [
        (Condition("team", ("search",)), True),
        (Condition("team", ("other",)), False),
        (Condition("team", ("search",), excludes=True), False),
        (Condition("model", ("gpt-4o",)), True),
    ],
)
def test_a_note_about_a_value_is_shown_where_that_may_be(condition: Condition, is_about: bool):
    assert parse_notes(FILE)[1].is_about(Filters((condition,))) is is_about
    assert parse_notes(FILE)[0].is_about(Filters((condition,)))


def test_a_note_is_added_and_removed_and_the_rest_stays_as_it_is(lake: Lake):
    file = lake.root.parent / NAME
    file.write_text(FILE)
    note = Note(at=date(2026, 5, 3), text='"quoted" [[note]]', only={"model": "a"}, by="ann")
    add_note(lake, note)

    assert file.read_text().startswith(FILE)
    assert read_notes(lake)[2] == note
    remove_note(lake, note)
    assert file.read_text().rstrip() == FILE.rstrip()
    remove_note(lake, read_notes(lake)[0])
    assert [one.text for one in read_notes(lake)] == ["Second <b>"]
    remove_note(lake, note)
    assert len(read_notes(lake)) == 1, "one that is gone already changes nothing"


def test_the_first_note_makes_the_file_and_a_broken_one_is_not_added_to(lake: Lake):
    file, note = lake.root.parent / NAME, Note(at=date(2026, 5, 3), text="Hello")
    assert read_notes(lake) == ()
    add_note(lake, note)
    assert read_notes(lake) == (note,)

    file.write_text("[[note]\n")
    with pytest.raises(NoteProblem):
        add_note(lake, note)
    assert file.read_text() == "[[note]\n"
