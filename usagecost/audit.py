"""The audit log: what people did, or tried to do, by the pages and by commands, and what came of it."""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import pyarrow as pa

from usagecost import schema
from usagecost.access import Act, read_access
from usagecost.lake import Lake, LakeError
from usagecost.lake.errors import STORAGE_ERRORS, note_unwritten
from usagecost.toml_lines import TomlProblem

Kind = Act | Literal["token", "backup"]
ACTS: tuple[Kind, ...] = (*get_args(Act), "token", "backup")
"""What acts are called: those that a role may include, and those of commands alone."""

PAGE, COMMAND = "page", "command"
LONGEST = 2_000
"""Characters of a text that are kept."""


@dataclass
class Entry:
    """An act: who tried it, by a page or a command, what was meant, and what it was before and after; ``outcome`` is why nothing
    was done, None where it was.
    """

    who: str
    via: str
    act: Kind
    what: str
    before: str | None = None
    after: str | None = None
    why: str | None = None
    outcome: str | None = None


def operator() -> str:
    """The user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for it
        return "unknown"


@contextmanager
def recorded(lake: Lake, entry: Entry, *, makes_table: bool = True) -> Generator[Entry]:
    """Records an act when the block ends, however it ends; see `record`. The block says more of it where it learns more."""
    try:
        yield entry
    except BaseException as problem:
        entry.outcome = why_not(problem)
        raise
    finally:
        record(lake, entry, makes_table=makes_table)


def why_not(problem: BaseException) -> str:
    """Why an act was not done, of what it raised."""
    return str(problem) or f"It was cut short: {type(problem).__name__}"


def record(lake: Lake, entry: Entry, *, makes_table: bool = True) -> None:
    """Records an act; older ones than `access.toml` says are forgotten. What cannot be recorded is noted in the app's log.

    Where there is no lake yet, it is recorded if it ``makes_table``.
    """
    now = datetime.now(UTC)
    texts = {name: _cut(text) for name, text in asdict(entry).items()}
    rows = pa.Table.from_pylist([texts | {"id": uuid.uuid4().hex, "happened_at": now}], schema.AUDIT)
    try:
        if makes_table or lake.exists:
            lake.record(rows, _kept_for(lake))
    except (LakeError, *STORAGE_ERRORS):
        note_unwritten("An act could not be recorded in the audit log of %s", lake.name)


def _kept_for(lake: Lake) -> timedelta | None:
    """How long acts are kept; None, for ever, while nobody can read it."""
    try:
        return timedelta(days=read_access(lake).audit_days)
    except (TomlProblem, LakeError):
        return None


def _cut(text: str | None) -> str | None:
    """What of a text can be written and is kept."""
    if text is None:
        return None
    whole = text.encode(errors="replace").decode()
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"
