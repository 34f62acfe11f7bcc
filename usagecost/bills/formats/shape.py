"""The shape of a bill's format: which columns say what, and a few functions for what no column says by itself.

A format turns values of a file into lines: dictionaries with fields of schema.BILLS, without those that loading adds. What cannot
be read raises Unreadable with the reason and the cure; a bill is read whole or not at all, since half of one would be wrong.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from usagecost import schema

Line = dict[str, Any]
"""One line of a bill: fields of schema.BILLS."""

FIRST_YEAR, LAST_YEAR, LONGEST_DAYS = 2015, 2100, 5 * 366
LONGEST_DAY = timedelta(hours=25)
"""A period up to this long is about one day: that of its middle, in whatever zone its vendor's days begin."""
HALF_A_DAY = timedelta(hours=12)
"""A longer one is about the days of the middle of its first and its last: November in Berlin begins in October of UTC."""
LONGEST_TEXT = 2_000
MOST_SERVICES = 100
"""That are counted one by one where they are left out."""
DEEPEST = 4
"""How many objects within objects a row may have."""

MOST_DIGITS = 30
"""Of a number, which leaves room in 38 digits for the sum of a hundred million of them."""

_FIELDS = frozenset(schema.BILLS.names)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_AMERICAN_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})")
_SIGNS = re.compile(r"[^a-z0-9]")


class Unreadable(ValueError):  # noqa: N818 - a sentence for a person
    """What is wrong with a line and what would help."""


@dataclass
class Notes:
    """What a format learns about the whole statement while it reads: days that it covers, when it was made, what it leaves out."""

    days: set[date] = field(default_factory=set)
    as_of: datetime | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    def leave_out(self, service: str | None) -> None:
        """Count a line about something else than models."""
        reason = f"another service: {service or '(not told)'}"
        self.left_out[reason if reason in self.left_out or len(self.left_out) < MOST_SERVICES else "other services"] += 1

    def made(self, at: datetime | None) -> None:
        """Take the latest of the times that a statement tells about itself."""
        self.as_of = max(filter(None, (self.as_of, at)), default=None)


@dataclass(frozen=True, eq=False)
class TableFormat:
    """A format that is a table of columns, whether it comes as CSV, Parquet or JSON.

    ``columns`` names for each field of schema.BILLS, or a helping field that ``finish`` uses, the columns that may say it, the best
    first, by their keys; `starts` and `ends` are the period of the line, the end excluded. Amounts and days are read by the types
    of schema.BILLS. ``known_by`` are columns that the file must have, one of each alternative. ``finish`` makes the lines of a row,
    none, one or more, and says of each what is not as the columns have it; it may leave a row out and note why.
    """

    name: str
    title: str
    known_by: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    finish: Callable[[Line, Notes], Iterable[Line]]
    services: tuple[tuple[str, ...], str] | None = None
    """Columns, and a pattern that one of them must have in it: what else is sold is left out before it is read."""

    @property
    def wanted(self) -> frozenset[str]:
        """The keys of all columns that it may read."""
        return frozenset(chain(self.services[0] if self.services else (), *self.columns.values()))

    def recognises(self, first: Mapping[str, Any]) -> bool:
        """Whether a file is one, by its first row, or the first object of a JSON text: by the keys of the columns."""
        return all(any(column in first for column in alternatives.split("|")) for alternatives in self.known_by)

    def lines(self, values: Iterable[tuple[int, Any]], notes: Notes) -> Iterator[tuple[int, Line]]:
        """The lines of a statement with their numbers, from the rows of its files with theirs."""
        service = re.compile(self.services[1], re.IGNORECASE) if self.services else None
        for number, value in values:
            row = value if isinstance(value, Row) else flattened(value)
            if self.services and service:
                names = [str(row[column]) for column in self.services[0] if row.get(column)]
                if not any(map(service.search, names)):
                    notes.leave_out(text(names[0]) if names else None)
                    continue
            try:
                fields = self._said(row)
                common = {name: value for name, value in fields.items() if name in _FIELDS}
                for line in self.finish(fields, notes):
                    yield number, common | line
            except Unreadable as problem:
                raise Unreadable(f"line {number}: {problem}") from None

    def _said(self, row: Mapping[str, Any]) -> Line:
        """The fields of a row, each read by its type."""
        fields = dict.fromkeys(self.columns)
        for name, columns, read in self._present(tuple(row)):
            for column in columns:
                value = row[column]
                if value is not None and value != "":
                    try:
                        fields[name] = read(value)
                    except Unreadable as problem:
                        column_name = row.names.get(column, column) if isinstance(row, Row) else column
                        raise Unreadable(f"{column_name}: {problem}") from None
                    break
        starts = fields["starts"]
        fields["first_day"], fields["last_day"] = period(starts, fields.get("ends")) if starts else (None, None)
        return fields

    @lru_cache(maxsize=1_000)  # noqa: B019 - formats are there once and for all
    def _present(self, keys: tuple[str, ...]) -> list[tuple[str, list[str], Callable[[Any], Any]]]:
        """Of each field the columns that rows with these keys have, and how to read it."""
        present = {name: [column for column in columns if column in keys] for name, columns in self.columns.items()}
        return [(name, columns, _READ_BY.get(name, text)) for name, columns in present.items() if columns]


class Row(dict[str, Any]):
    """A row of a table, by the keys of its columns; ``names`` is what the table calls them."""

    names: Mapping[str, str] = MappingProxyType({})


def key(column: str) -> str:
    """A column's name as formats name it: lineItem/UnblendedCost and line_item_unblended_cost are one."""
    return _SIGNS.sub("", column.lower())


def flattened(value: Any, prefix: str = "", depth: int = 0) -> Row:
    """A JSON object as a row: what lies in an object within it goes by both names, service.description."""
    row = Row()
    if isinstance(value, Mapping):
        for name, inner in value.items():
            path = prefix + key(str(name))
            row |= {path: inner} | (flattened(inner, path, depth + 1) if isinstance(inner, Mapping) and depth < DEEPEST else {})
    return row


def text(value: Any) -> str | None:
    """A text of a bill, safe to store: trimmed, valid, of a bounded length; NULL where it is empty, or no text."""
    if isinstance(value, str):
        return _text(value)
    return None if value is None or isinstance(value, Mapping | list) else _text(str(value))


@lru_cache(maxsize=20_000)
def _text(raw: str) -> str | None:
    return raw.strip().replace("\0", "")[:LONGEST_TEXT].encode("utf-8", "replace").decode() or None


def named_values(value: Any) -> dict[str, Any]:
    """The values of an object by the keys of their names, whether it comes as one, as pairs or as JSON text; of others none."""
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    if isinstance(value, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        value = dict(value)
    return {key(str(name)): inner for name, inner in value.items()} if isinstance(value, Mapping) else {}


def number(value: Any) -> Decimal | None:
    """A number exactly as it is written, a float as its shortest text; NULL where there is none."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        written = value
    else:
        raw = repr(value) if isinstance(value, float) else str(value).strip()
        if not raw:
            return None
        if isinstance(value, bool) or len(raw) > 60 or not _NUMBER.fullmatch(raw):
            raise Unreadable(f"{raw[:40]!r} is no number. Write it with digits and a decimal point, as in 1234.56.")
        written = Decimal(raw)
    if not written.is_finite():
        raise Unreadable("This is no number but an infinite or undefined one.")
    return written


def fitted(value: Decimal, column: str) -> Decimal:
    """A number as a column of schema.BILLS holds it: rounded to its places."""
    kind = schema.BILLS.field(column).type
    stored = Context(prec=min(kind.precision, MOST_DIGITS), traps=[InvalidOperation])
    try:
        return value.quantize(Decimal(1).scaleb(-kind.scale), context=stored)
    except InvalidOperation:
        raise Unreadable(f"{column} is larger than a bill can hold ({value:.3e}): is its unit another one?") from None


def instant(value: Any) -> datetime | None:
    """An instant in UTC: ISO 8601, which is UTC where it tells no zone, month/day/year, or seconds since 1970."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None if value is None else _instant(str(value))


@lru_cache(maxsize=10_000)
def _instant(raw: str) -> datetime | None:
    raw = raw.strip()
    if not raw:
        return None
    try:
        if match := _AMERICAN_DAY.fullmatch(raw):
            month, day, year = map(int, match.groups())
            at = datetime(year + 2000 if year < 100 else year, month, day, tzinfo=UTC)
        elif raw.isdecimal() and len(raw) in (9, 10):
            at = datetime.fromtimestamp(int(raw), UTC)
        else:
            at = datetime.fromisoformat(raw.removesuffix(" UTC"))
            at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"{raw[:40]!r} is no time. Write it as 2026-11-03T00:00:00Z or 2026-11-03.") from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise Unreadable(f"{raw[:40]!r} is of the year {at.year}: bills of models are of {FIRST_YEAR} to {LAST_YEAR}.")
    return at


@lru_cache(maxsize=10_000)
def period(starts: datetime, ends: datetime | None) -> tuple[date, date]:
    """The first and the last day of a period whose end is excluded; without an end it is its first day."""
    if ends is None or ends == starts:
        return starts.date(), starts.date()
    if not timedelta(0) < ends - starts <= timedelta(days=LONGEST_DAYS):
        raise Unreadable(f"its period of {starts:%Y-%m-%d} to {ends:%Y-%m-%d} ends before it begins, or is longer than five years.")
    if ends - starts <= LONGEST_DAY:
        middle = (starts + (ends - starts) / 2).date()
        return middle, middle
    return (starts + HALF_A_DAY).date(), (ends - HALF_A_DAY).date()


def currency(value: Any) -> str:
    """A currency as ISO 4217 writes it; where there is none, or another kind of unit, Unreadable."""
    code = (text(value) or "").upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise Unreadable(
            f"{code[:40] or 'nothing'!r} is no currency of three letters: export the bill in the currency that is billed."
        )
    return code


_READ_BY: dict[str, Callable[[Any], Any]] = {
    **{column.name: number for column in schema.BILLS if pa.types.is_decimal(column.type)},
    "currency": currency,
    **dict.fromkeys(("starts", "ends", "made", "billing_starts", "billing_ends"), instant),
    **dict.fromkeys(("quantity", "priced_quantity"), number),
    "details": named_values,
    "credits": lambda value: value,
}
"""Field -> how its value is read; others are texts."""
