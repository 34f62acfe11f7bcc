"""Where the organisation's own book of prices is, what it says now, and adding to it.

The book is `prices.toml` beside the lake: in the folder that the lake's own is in, or in the object store with it
(USAGECOST_PRICES names another file). One that is broken takes nothing down: the last good one is used, of which the lake keeps a
copy.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from usagecost.lake import Lake, LakeChanged, LakeError, Pricing, TextFolder
from usagecost.lake.storage import Disk
from usagecost.pricing import (
    NO_BOOK,
    UPSTREAM,
    Book,
    BookProblem,
    ListProblem,
    Written,
    fetched_list,
    parse_book,
    prices_version,
    text_with,
    use_list,
    with_prices,
    written_entries,
)

NAME = "prices.toml"
_LAST_GOOD = "prices.last-good.toml"

_LIST = "list-prices.json"

_CHANGED = "The price file was changed by somebody else in the meantime: look at it again, then change it."

HEADER = """\
# Own prices, aliases and discounts over the price list. Of each kind the last entry that fits holds: append new ones with a date.
# After a change: python -m usagecost reprice --dry-run
"""


@dataclass(frozen=True)
class Current:
    """The book in force, and where it is; ``problem`` is a sentence if it is not what stands there now."""

    book: Book
    place: str
    problem: str | None = None

    @property
    def version(self) -> str:
        """The version of the price list and, if there is one, of the book."""
        own = f" + prices.toml {self.book.version}" if self.book.version else ""
        return f"genai-prices {prices_version()}{own}"


def current_book(lake: Lake) -> Current:
    """The book of a lake, an empty one where there is none. From then on prices are computed by the list that the lake keeps."""
    folder, name = _where(lake)
    place = f"{folder}/{name}"
    _use_kept_list(lake)
    try:
        text = folder.read(name) or ""
        book = parse_book(text)
    except BookProblem as wrong:
        return _last_good(lake, place, f"{place}, {wrong}")
    except LakeError as wrong:
        return _last_good(lake, place, str(wrong))
    _keep(lake, text)
    return Current(book, place)


def written_book(lake: Lake) -> Book:
    """What the book of a lake says now, an empty one where that is nothing or broken; the prices in force stay what they are."""
    with suppress(BookProblem, LakeError):
        return parse_book(book_text(lake) or "")
    return NO_BOOK


def add_entry(lake: Lake, entry: str) -> Book:
    """Append an entry, written as TOML; raises BookProblem, and changes nothing, if the book were broken then.

    Raises LakeError if it cannot be written, or was changed by somebody else in this moment.
    """
    folder, name = _where(lake)
    return folder.append(name, entry, header=HEADER, parse=parse_book)


def entries(lake: Lake) -> list[Written]:
    """The entries of the price file in its order; raises BookProblem or LakeError."""
    return written_entries(book_text(lake) or "")


def change_entry(lake: Lake, seen: Written, entry: str) -> Book:
    """Put other lines, written as TOML, in the place of an entry as `entries` gave it; none remove it. All else stays as it is.

    Raises BookProblem, and changes nothing, if the book were broken then; LakeChanged if the entry is not there any more.
    """
    folder, name = _where(lake)
    text = folder.read(name)
    if text is None or seen not in written_entries(text):
        raise LakeChanged(_CHANGED)
    whole = text_with(text, seen, entry)
    book = parse_book(whole)
    folder.put(name, whole, seen=text)
    return book


def refresh_list(lake: Lake, url: str = UPSTREAM) -> str:
    """Fetch the price list as it is published now, and keep it with the lake; returns its version.

    Stored requests keep their prices until they are repriced. Raises ListProblem, and LakeError if it cannot be written.
    """
    text = fetched_list(url)
    lake.texts.put(_LIST, text, seen=lake.texts.read(_LIST))
    use_list(text)
    return prices_version()


def forget_list(lake: Lake) -> str:
    """Go back to the price list that the library ships; returns its version. Raises LakeError if that cannot be written."""
    if text := lake.texts.read(_LIST):
        lake.texts.put(_LIST, "", seen=text)
    use_list(None)
    return prices_version()


def pricing(book: Book) -> Pricing:
    """How a lake computes prices by a book."""
    return lambda con, table, also: with_prices(con, table, book, also)


def _use_kept_list(lake: Lake) -> None:
    """One that cannot be read takes nothing down: the library's own is used."""
    try:
        use_list((lake.texts.read(_LIST) if lake.exists else None) or None)
    except (ListProblem, LakeError):
        use_list(None)


def _where(lake: Lake) -> tuple[TextFolder, str]:
    """The folder of the book, and its name there."""
    if path := os.environ.get("USAGECOST_PRICES"):
        file = Path(path).expanduser()
        return TextFolder(Disk(file.parent)), file.name
    return lake.texts_beside(), NAME


def book_text(lake: Lake) -> str | None:
    """What stands in the book; None if there is none. Raises LakeError."""
    folder, name = _where(lake)
    return folder.read(name)


def _last_good(lake: Lake, place: str, problem: str) -> Current:
    """The copy that the lake keeps, if there is one that is good."""
    with suppress(BookProblem, LakeError):
        if good := lake.texts.read(_LAST_GOOD):
            return Current(parse_book(good), place, f"{problem} Until that is corrected, the last good version of it is used.")
    return Current(NO_BOOK, place, f"{problem} Until that is corrected, no own prices are used.")


def _keep(lake: Lake, text: str) -> None:
    """Keeps a copy of a good book; a lake that cannot be written keeps none."""
    with suppress(LakeError, OSError):
        last_good = lake.texts.read(_LAST_GOOD)
        if text != (last_good or "") and lake.exists:
            lake.texts.put(_LAST_GOOD, text, seen=last_good)
