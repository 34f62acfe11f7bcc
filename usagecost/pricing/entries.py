"""The entries of a price file one by one: what each says, where it stands in the text, on which days it holds, and changing one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import dropwhile, takewhile

from usagecost.pricing.book import Book, BookProblem, Entry, parse_book

_HEADER = re.compile(r"\s*\[\[\s*(price|alias|discount|factor)\s*\]\]")


@dataclass(frozen=True)
class Written:
    """One entry of a price file: its kind (price, alias, discount or factor), what it says, and its lines.

    ``text`` begins with the comment directly above the entry; ``start`` and ``end`` are its first character in the file and the
    one after its last.
    """

    kind: str
    entry: Entry
    text: str
    start: int
    end: int

    @property
    def note(self) -> str:
        """The comment above the entry, in one line."""
        return " ".join(line.strip().strip("# ") for line in takewhile(_is_comment, self.text.splitlines()))

    @property
    def body(self) -> str:
        """Its lines without the comment above them."""
        return "\n".join(dropwhile(_is_comment, self.text.splitlines()))


def written_entries(text: str) -> list[Written]:
    """The entries in the order of the file; raises BookProblem where it is broken or is no list of `[[kind]]` tables."""
    book, lines = parse_book(text), text.splitlines(keepends=True)
    heads = [(number, match.group(1)) for number, line in enumerate(lines) if (match := _HEADER.match(line))]
    by_kind = {kind: iter(entries) for kind, entries in _by_kind(book).items()}
    if any(sum(kind == name for _, kind in heads) != len(entries) for name, entries in _by_kind(book).items()):
        raise BookProblem("its entries cannot be told apart: begin each with a line of its own, such as [[price]].")
    firsts = [_first_line(lines, number) for number, _ in heads]
    written = []
    for (number, kind), first, after in zip(heads, firsts, [*firsts, len(lines)][1:], strict=True):
        last = max(at for at in range(number, after) if lines[at].strip() and not _is_comment(lines[at]))
        start = sum(map(len, lines[:first]))
        block = "".join(lines[first : last + 1])
        written.append(Written(kind, next(by_kind[kind]), block, start, start + len(block)))
    return written


def text_with(text: str, old: Written, new: str) -> str:
    """The text of a price file with other lines, or none, in the place of an entry's. All else stays as it is."""
    before, after = text[: old.start], text[old.end :]
    if not new.strip():
        return before + after.lstrip("\r\n")
    return before + new.strip() + ("\n" if old.text.endswith("\n") else "") + after


def days_held(entries: Sequence[Written], number: int) -> tuple[date | None, date | None] | None:
    """The first and the last day on which an entry holds (None: open), cut where later ones of its kind and model begin
    or end; one that holds only for days within is an interruption, and cuts nothing.

    None where those leave it no day. What later entries say of a whole pattern of models is not looked at.
    """
    own = entries[number]
    first, last = own.entry.since or date.min, own.entry.until or date.max
    for later in entries[number + 1 :]:
        begin, end = later.entry.since or date.min, later.entry.until or date.max
        if _means(later) != _means(own) or end < first or begin > last:
            continue
        if begin <= first and end >= last:
            return None
        if end >= last:
            last = begin - timedelta(days=1)
        elif begin <= first:
            first = end + timedelta(days=1)
    return None if first == date.min else first, None if last == date.max else last


def entry_text(kind: str, keys: Mapping[str, str | Decimal | date | bool | None], note: str = "") -> str:
    """An entry as TOML, without the keys that are None, under its note as a comment."""
    lines = [f"{name} = {_value(value)}" for name, value in keys.items() if value is not None]
    words = "".join(letter if letter.isprintable() else " " for letter in note).split()
    return "\n".join([*([f"# {' '.join(words)}"] if words else []), f"[[{kind}]]", *lines])


def _value(value: str | Decimal | date | bool) -> str:
    """A value as TOML writes it. JSON's quotation of texts is also TOML's, but for characters that it lets stand."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        quoted = json.dumps(value, ensure_ascii=False)
        return re.sub(r"[\x7f-\x9f\u2028\u2029]", lambda match: f"\\u{ord(match.group()):04x}", quoted)
    return f"{value:f}" if isinstance(value, Decimal) else value.isoformat()


def _by_kind(book: Book) -> dict[str, Sequence[Entry]]:
    return {"price": book.prices, "alias": book.aliases, "discount": book.discounts, "factor": book.factors}


def _means(written: Written) -> tuple[object, ...]:
    """What a later entry has to be about to take the place of this one."""
    entry = written.entry
    context = entry.model_dump(include={"batch", "service_tier", "speed", "inference_region"}) if written.kind == "factor" else {}
    return written.kind, (entry.provider or "").lower(), entry.model.lower(), *context.values()


def _first_line(lines: Sequence[str], header: int) -> int:
    """The line with which an entry begins: the first of the comment directly above its header."""
    first = header
    while first and _is_comment(lines[first - 1]):
        first -= 1
    return first


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")
