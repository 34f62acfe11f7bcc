"""Notes on charts: added one after the other to a file that people write too, and removed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from usagecost.annotations import NAME, Note, add_note, read_notes, remove_note
from usagecost.lake import Lake


def test_short_notes_are_added_below_those_of_the_file_and_removed(tmp_path: Path):
    lake, file = Lake(tmp_path / "lake"), tmp_path / NAME
    file.write_text('# ours\n[[note]]\nat = 2026-05-01\ntext = "first"\n')
    new = [
        Note(at=date(2026, 5, 2), text="cache on", only={"team": "search"}),
        Note(at=datetime(2026, 5, 3, 10, tzinfo=UTC), text='a "quote"\\', by="ada"),
    ]
    for note in new:
        add_note(lake, note)

    assert read_notes(lake)[1:] == tuple(new)
    remove_note(lake, new[0])

    assert file.read_text() == (
        '# ours\n[[note]]\nat = 2026-05-01\ntext = "first"\n\n'
        '[[note]]\nat = 2026-05-03 10:00:00+00:00\ntext = "a \\"quote\\"\\\\"\nby = "ada"\n'
    )
