"""Small texts beside the tables, such as a price book: read whole, replaced whole, never overwritten unseen."""

from __future__ import annotations

import re

from usagecost.lake.errors import LakeChanged, LakeError
from usagecost.lake.storage import Storage

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)?")
_TAKEN = ("requests", "rejects", "lineage", "price_changes", "repricings", "names", "staging", "spool")


def read_text(lake: Storage, name: str) -> str | None:
    """The text; None if there is none."""
    content = lake.read(_checked(name))
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        raise LakeError(f"{name} in {lake} is no UTF-8 text: correct it, or remove it.") from None


def write_text(lake: Storage, name: str, text: str, seen: str | None) -> None:
    """Puts the text in the place of what was seen there; raises LakeChanged if that is not there any more."""
    if not lake.replace(_checked(name), text.encode(), None if seen is None else seen.encode()):
        raise LakeChanged(f"{name} in {lake} was changed by somebody else in the meantime: look at it again, then save.")


def _checked(name: str) -> str:
    """The name, if it leads to a place of its own beside the tables."""
    if not _NAME.fullmatch(name) or name.split("/")[0] in _TAKEN:
        raise ValueError(f"{name} cannot be the name of a text in a lake")
    return name
