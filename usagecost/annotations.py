"""Notes of people on the time axis: `annotations.toml` beside the lake, which can be written and reviewed like code.

Each says what happened on a day, or at an instant, and may be about some values of dimensions only. A file that is broken is said,
with its line; charts then have no notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated

import tomli_w
from pydantic import Field, field_validator

from usagecost.lake import Lake, TextFolder
from usagecost.periods import local_midnight
from usagecost.toml_lines import TomlProblem, TomlTable, parse_toml, read_toml
from usagecost.toml_tables import put_table
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters

NAME = "annotations.toml"
HEADER = "# Notes on charts: a day, or an instant with its offset, and what happened then.\n"
MOST_NOTES, LONGEST_TEXT = 2_000, 200


class NoteProblem(TomlProblem):
    """What is wrong with the file: the line, the key, and what would be right."""


class Note(TomlTable):
    """What happened ``at`` a local day or an instant. ``only``: dimensions with the value it is about; ``by``: who wrote it."""

    at: datetime | date
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    only: dict[str, str] = Field(default_factory=dict)
    by: Annotated[str, Field(max_length=320)] = ""

    @field_validator("at", mode="before")
    @classmethod
    def _check_time(cls, at: object) -> object:
        if not isinstance(at, date) or (isinstance(at, datetime) and at.tzinfo is None):
            raise ValueError("it has to be a day, such as 2026-05-01, or an instant, such as 2026-05-01T14:30:00Z, without quotes")
        return at

    @field_validator("only")
    @classmethod
    def _check_dimensions(cls, only: dict[str, str]) -> dict[str, str]:
        if unknown := [name for name in only if name not in DIMENSIONS]:
            raise ValueError(f"{unknown[0]!r} is no dimension: use one of {', '.join(DIMENSIONS)}")
        return only

    @property
    def toml(self) -> str:
        """The note as it stands in the file."""
        fields = self.model_dump(exclude_defaults=True)
        only = fields.pop("only", None)
        return f"[[note]]\n{tomli_w.dumps(fields)}" + (f"[note.only]\n{tomli_w.dumps(only)}" if only else "")

    def instant(self, zone: str) -> datetime:
        """When it is marked in a zone: a day where it begins."""
        return self.at.astimezone(UTC) if isinstance(self.at, datetime) else local_midnight(self.at, zone)

    @property
    def filters(self) -> Filters:
        """What it is about."""
        values = {name: None if value == NOT_REPORTED else value for name, value in self.only.items()}
        return Filters(tuple(Condition(name, (value,)) for name, value in sorted(values.items())))

    def is_about(self, filters: Filters) -> bool:
        """Whether what passes the filters may have what it is about."""
        return filters.may_pass({name: None if value == NOT_REPORTED else value for name, value in self.only.items()})


class _File(TomlTable):
    note: Annotated[tuple[Note, ...], Field(max_length=MOST_NOTES)] = ()


@lru_cache(maxsize=8)
def parse_notes(text: str) -> tuple[Note, ...]:
    """What a file says, in its order; raises NoteProblem with the line, the key and the cure."""
    return parse_toml(text, _File, NoteProblem).note


def read_notes(lake: Lake) -> tuple[Note, ...]:
    """The notes beside a lake, in the order of their file; raises NoteProblem, naming the file, and LakeError."""
    return read_toml(lake.texts_beside(), NAME, parse_notes)


def add_note(lake: Lake, note: Note) -> None:
    """Appends a note; raises NoteProblem, and changes nothing, if the file were broken then, and LakeError."""
    lake.texts_beside().append(NAME, note.toml, header=HEADER, parse=parse_notes)


def remove_note(lake: Lake, note: Note) -> None:
    """Takes a note out, and leaves the rest of the file as it is. Raises NoteProblem and LakeError."""
    folder: TextFolder = lake.texts_beside()
    text = folder.read(NAME) or ""
    notes = parse_notes(text)
    if note in notes:
        place = notes.index(note)
        others = (*notes[:place], *notes[place + 1 :])
        folder.put(NAME, put_table(text, "note", place, "", lambda new: parse_notes(new) == others) or _whole(others), seen=text)


def _whole(notes: Sequence[Note]) -> str:
    return "\n".join([HEADER, *(note.toml for note in notes)])
