"""Where the organisation's own book of prices is, what it says now, and adding to it.

The book is `prices.toml` beside the lake (USAGECOST_PRICES names another file). One that is broken takes nothing down: the last
good one is used, of which the lake keeps a copy.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from usagecost.lake import Lake, Pricing
from usagecost.pricing import NO_BOOK, Book, BookProblem, parse_book, prices_version, with_prices

NAME = "prices.toml"
_LAST_GOOD = "prices.last-good.toml"

HEADER = """\
# Own prices, aliases and discounts over the price list. Of each kind the last entry that fits holds: append new ones with a date.
# After a change: python -m usagecost reprice --dry-run
"""


@dataclass(frozen=True)
class Current:
    """The book in force; ``problem`` is a sentence if that is not what the file says now."""

    book: Book
    file: Path
    problem: str | None = None

    @property
    def version(self) -> str:
        """The version of the price list and, if there is one, of the book."""
        own = f" + prices.toml {self.book.version}" if self.book.version else ""
        return f"genai-prices {prices_version()}{own}"


def book_file(lake: Lake) -> Path:
    """Where the book of a lake is, whether there is one or not."""
    named = os.environ.get("USAGECOST_PRICES")
    return Path(named).expanduser() if named else lake.root.parent / NAME


def current_book(lake: Lake) -> Current:
    """The book of a lake; an empty one where there is no file."""
    file, kept = book_file(lake), lake.root / _LAST_GOOD
    text, problem = _text(file)
    if problem is None:
        try:
            book = parse_book(text)
        except BookProblem as wrong:
            problem = str(wrong)
        else:
            _keep(kept, text, lake)
            return Current(book, file)
    good = _text(kept)[0]
    what = "the last good version of it is used" if good else "no own prices are used"
    with suppress(BookProblem):
        return Current(parse_book(good), file, f"{file}, {problem} Until that is corrected, {what}.")
    return Current(NO_BOOK, file, f"{file}, {problem} Until that is corrected, no own prices are used.")


def add_entry(lake: Lake, entry: str) -> Book:
    """Append an entry, written as TOML; raises BookProblem, and changes nothing, if the book were broken then."""
    file = book_file(lake)
    text, problem = _text(file)
    if problem:
        raise BookProblem(f"{file}, {problem}")
    whole = f"{text.rstrip() or HEADER.rstrip()}\n\n{entry.strip()}\n"
    book = parse_book(whole)
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(file, whole)
    return book


def pricing(book: Book) -> Pricing:
    """How a lake computes prices by a book."""

    def price(con: duckdb.DuckDBPyConnection, table: str, also: Sequence[str]) -> str:
        return with_prices(con, table, book, also)

    return price


def _text(file: Path) -> tuple[str, str | None]:
    """The content of a file, none if there is none; and why it cannot be read."""
    try:
        return file.read_text(encoding="utf-8"), None
    except FileNotFoundError:
        return "", None
    except UnicodeDecodeError:
        return "", "it is not UTF-8: save it as UTF-8."
    except OSError as error:
        return "", f"it cannot be read: {error.strerror}."


def _keep(file: Path, text: str, lake: Lake) -> None:
    """Keeps a good book; a lake that cannot be written keeps none."""
    if lake.exists and _text(file)[0] != text:
        with suppress(OSError):
            _write(file, text)


def _write(file: Path, text: str) -> None:
    """The whole text or, if the process ends meanwhile, what was there before."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    with new.open("w", encoding="utf-8") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    new.replace(file)
