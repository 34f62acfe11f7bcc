"""Reading on while what was read is worked on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items, each made in a thread of its own while the one before it is in use; what making one raises is raised here."""
    iterator = iter(items)

    def following() -> list[T]:
        """The next item; none at the end."""
        return list(islice(iterator, 1))

    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(following)
        while item := coming.result():
            coming = thread.submit(following)
            yield from item
