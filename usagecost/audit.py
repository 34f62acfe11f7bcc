"""The audit log: what people did, or tried to do, by the pages and by commands, and what came of it."""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import duckdb
import pyarrow as pa

from usagecost import schema
from usagecost.access import Act, read_access
from usagecost.lake import Lake, LakeError
from usagecost.lake.errors import note_unwritten
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
def recorded(lake: Lake, entry: Entry) -> Generator[Entry]:
    """Records an act when the block ends, however it ends. The block says more of it where it learns more."""
    try:
        yield entry
    except BaseException as problem:
        entry.outcome = str(problem) or f"It was cut short: {type(problem).__name__}"
        raise
    finally:
        record(lake, entry)


def record(lake: Lake, entry: Entry) -> None:
    """Records an act; older ones than `access.toml` says are forgotten. What cannot be recorded is noted in the app's log."""
    now = datetime.now(UTC)
    texts = {name: _kept(text) for name, text in asdict(entry).items()}
    rows = pa.Table.from_pylist([texts | {"id": uuid.uuid4().hex, "happened_at": now}], schema.AUDIT)
    try:
        lake.record(rows, _since(lake, now))
    except (LakeError, OSError, duckdb.Error):
        note_unwritten("An act could not be recorded in the audit log of %s", lake.name)


def _since(lake: Lake, now: datetime) -> datetime:
    """From when on acts are kept: for ever while nobody can read for how long."""
    try:
        return now - timedelta(days=read_access(lake).audit_days)
    except (TomlProblem, LakeError):
        return datetime.min.replace(tzinfo=UTC)


def _kept(text: str | None) -> str | None:
    """What of a text can be written and is kept."""
    if text is None:
        return None
    whole = text.encode(errors="replace").decode()
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"
