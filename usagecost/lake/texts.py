"""Small texts beside the tables, such as a price book: read whole, replaced whole, never overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from usagecost.lake.errors import LakeChanged, LakeError, LakeFull, is_disk_full
from usagecost.lake.storage import Storage

Content = TypeVar("Content")

PEOPLE_TEXTS = (
    "access.toml", "annotations.toml", "budgets.toml", "chargeback.toml", "currencies.toml", "prices.toml", "tokens.toml",
    "boards/", "sources/",
)  # fmt: skip
"""What people write beside a lake: texts, and folders of texts."""


@dataclass(frozen=True)
class TextFolder:
    """A folder of small texts that people own, such as boards. Whatever is asked of it may raise LakeError, in words for people."""

    store: Storage

    def __str__(self) -> str:
        return str(self.store)

    def names(self) -> list[str]:
        """The names of the texts, in order; hidden files are none."""
        with writing_explained(str(self), "read"):
            return sorted(self.store.names())

    def identity(self, name: str) -> Hashable | None:
        """What tells a text from another one of the same name; None if there is none."""
        with writing_explained(f"{name} in {self}", "read"):
            return self.store.identity(name)

    def names_of_people(self) -> list[str]:
        """The names of what people write beside a lake, those in folders below, too."""
        folders = [name for name in PEOPLE_TEXTS if name.endswith("/")]
        below = [f"{folder}{name}" for folder in folders for name in TextFolder(self.store / folder.rstrip("/")).names()]
        return [name for name in (*self.names(), *below) if name.startswith(PEOPLE_TEXTS)]

    def read(self, name: str) -> str | None:
        """A text; None if there is none."""
        try:
            with writing_explained(f"{name} in {self}", "read"):
                content = self.store.read(name)
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            raise LakeError(f"{name} in {self} is no UTF-8 text: save it as UTF-8, or remove it.") from None

    def put(self, name: str, text: str | None, *, seen: str | None) -> None:
        """Puts a text, or none, in the place of what was seen there; raises LakeChanged if that is not there any more."""
        with writing_explained(f"{name} in {self}"):
            before, after = (None if content is None else content.encode() for content in (seen, text))
            is_replaced = (before is None and after is None) or self.store.replace(name, after, before)
        if not is_replaced:
            raise LakeChanged(f"{name} was changed by somebody else in the meantime: look at it again, then change it.")

    def append(self, name: str, part: str, *, header: str, parse: Callable[[str], Content]) -> Content:
        """Appends a part to a text, a new one below its header; returns what it says then. What parsing raises changes nothing."""
        text = self.read(name)
        new_text = f"{(text or header).rstrip()}\n\n{part.strip()}\n"
        content = parse(new_text)
        self.put(name, new_text, seen=text)
        return content


@contextmanager
def writing_explained(subject: str, act: str = "written") -> Generator[None]:
    """Errors of a disk become LakeErrors that say what could not be read or written, and that it is full if it is."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise LakeFull(f"{subject} cannot be {act}: the disk is full, and nothing was changed. Free some room.") from error
        raise LakeError(f"{subject} cannot be {act}: {error.strerror or error}.") from error
