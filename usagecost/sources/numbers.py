"""How a table writes its numbers: 1,234.5 or 1.234,5. One way holds for a whole column, and it is never guessed value by value.

A number whose only sign may be a decimal sign or may group thousands, such as 12.000, says nothing by itself. What other numbers
of its column say decides; failing that, those of other columns; failing that, the file is refused until a mapping says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import COLUMN_BY_NAME, COUNT, MILLISECONDS, MONEY
from usagecost.sources.files import FileProblem
from usagecost.sources.sql import literal

POINT, COMMA = ".", ","
"""The decimal sign, by which a way of writing numbers goes."""

EXAMPLES = {POINT: "1,234.5", COMMA: "1.234,5"}

_ALWAYS_GROUPS = (" ", "\u00a0", "\u2009", "\u202f", "'", "\u2019", "_")
_SPACE = " \t\r\n"


def other(style: str) -> str:
    """The other way of writing numbers."""
    return COMMA if style == POINT else POINT


def is_number(column: str) -> bool:
    """Whether a column of the record is a count, a cost or a duration."""
    return column.startswith("units.") or (column != "rank" and COLUMN_BY_NAME[column].type in (COUNT, MONEY, MILLISECONDS))


def is_count(column: str) -> bool:
    """Whether it holds whole numbers only."""
    return not column.startswith("units.") and COLUMN_BY_NAME[column].type == COUNT


@cache
def pattern(style: str, *, whole: bool = False) -> str:
    """A regular expression for a number written in a style, for DuckDB, Arrow and Python; of counts only whole ones."""
    decimal = re.escape(style)
    groups = "|".join(f"[1-9][0-9]{{0,2}}({re.escape(sign)}[0-9]{{3}})+" for sign in (other(style), *_ALWAYS_GROUPS))
    exponent = "[eE][+-]?[0-9]+"
    end = f"({decimal}0*|({decimal}[0-9]*)?{exponent})?" if whole else f"({decimal}[0-9]*)?({exponent})?"
    start = "" if whole else f"|{decimal}[0-9]+({exponent})?"
    return f"[+-]?(([0-9]+|{groups}){end}{start})"


def may_be_two_numbers(column: pa.ChunkedArray) -> bool:
    """Whether any text in a column is, by its look alone, other than a plain number with a decimal point. It is quick."""
    return any(_may_be_two_numbers(chunk) for chunk in column.chunks)


def _may_be_two_numbers(texts: pa.StringArray) -> bool:
    _, offsets, letters = texts.buffers()
    if letters is None or not len(texts):
        return False
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    signs = np.frombuffer(letters, np.uint8)[ends[0] : ends[-1]]
    if _IS_UNUSUAL[signs].any():
        return True
    points = np.flatnonzero(signs == ord("."))
    if not len(points):
        return False
    ends = ends - ends[0]
    value = np.searchsorted(ends, points, side="right") - 1
    before, after = points - ends[value], ends[value + 1] - points - 1
    first = signs[ends[value]]
    is_alone = (before <= 4) & (after == 3) & (first != ord("0"))
    return bool(is_alone.any() or (value[1:] == value[:-1]).any())


_IS_UNUSUAL = np.zeros(256, bool)
_IS_UNUSUAL[list(b",' _\xc2\xe2")] = True
"""Bytes: what groups thousands, and what begins a space or a quotation mark that is no ASCII."""


@dataclass
class Evidence:
    """What the texts of one column say about how its numbers are written: how many are numbers in one way only, or in both."""

    is_count: bool
    in_point: int = 0
    in_comma: int = 0
    of_points: int = 0
    of_commas: int = 0
    short: int = 0
    long: int = 0
    example: str = ""
    contradiction: str = ""

    def add(self, texts: pa.ChunkedArray | pa.Array) -> None:
        """Takes more texts of the column into account."""
        values = pc.utf8_trim(texts.drop_null(), _SPACE)
        is_point, is_comma = (
            pc.match_substring_regex(values, f"^({pattern(style, whole=self.is_count)})$") for style in (POINT, COMMA)
        )
        only_point, only_comma = pc.and_not(is_point, is_comma), pc.and_not(is_comma, is_point)
        both = values.filter(pc.and_(is_point, is_comma))
        has_point, has_comma = (pc.match_substring(both, sign) for sign in (POINT, COMMA))
        plain = pc.utf8_length(both.filter(pc.invert(pc.or_(has_point, has_comma))))
        self.in_point += _sum(only_point)
        self.in_comma += _sum(only_comma)
        self.of_points += _sum(has_point)
        self.of_commas += _sum(has_comma)
        self.short += _sum(pc.less(plain, 4))
        self.long += _sum(pc.greater_equal(plain, 4))
        self.example = self.example or _first(both.filter(pc.or_(has_point, has_comma)))
        self.contradiction = self.contradiction or _first(values.filter(only_comma if self.in_point else only_point))

    @property
    def has_doubt(self) -> bool:
        """Whether there are numbers that may be two."""
        return bool(self.of_points or self.of_commas)

    @property
    def is_mixed(self) -> bool:
        """Whether no one way of writing fits all of its numbers."""
        return bool(self.in_point and self.in_comma)

    def style(self) -> str | None:
        """The way in which its numbers are written, as far as they tell it; None if they do not."""
        if self.in_point or self.in_comma:
            return POINT if self.in_point else COMMA
        if self.is_count and self.short and not self.long and bool(self.of_points) != bool(self.of_commas):
            return COMMA if self.of_points else POINT  # who writes 12.000 for twelve writes 7.000 for seven, not 7
        return None


def _sum(flags: pa.Array) -> int:
    return pc.sum(flags).as_py() or 0


def _first(texts: pa.Array | pa.ChunkedArray) -> str:
    return texts[0].as_py()[:40] if len(texts) else ""


def styles_of(evidence: Mapping[str, Evidence]) -> dict[str, str]:
    """Column -> how its numbers are written, POINT where both ways mean the same; raises FileProblem if it cannot be told."""
    for name, facts in evidence.items():
        if facts.is_mixed:
            raise FileProblem(
                f"writes numbers in two ways in its column {name!r}, one of them as in {facts.contradiction!r}: "
                "write all as 1234.5, or load the rows of each kind as a file of their own."
            )
    styles = {name: style for name, facts in evidence.items() if (style := facts.style())}
    distinct = set(styles.values())
    for name, facts in evidence.items():
        if name not in styles and facts.has_doubt:
            if len(distinct) != 1 or (facts.is_count and facts.long):
                raise FileProblem(
                    f"has numbers in its column {name!r} that may be read in two ways, such as {facts.example!r}: say in a mapping "
                    "how numbers are written, with decimal_comma = true or false, or column by column under [numbers]."
                )
            styles[name] = next(iter(distinct))
    return dict.fromkeys(evidence, POINT) | styles


def number_sql(text: str, style: str) -> str:
    """SQL for a number as the record reads it, from a text in a style; what is no such number stays as it is."""
    signs = "".join((other(style), *_ALWAYS_GROUPS))
    digits = f"translate(trim({text}, {literal(_SPACE)}), {literal(signs)}, '')"
    plain = f"replace({digits}, ',', '.')" if style == COMMA else digits
    return f"CASE WHEN {_is_written(text, style)} THEN {plain} ELSE {text} END"


def contradiction_sql(text: str, style: str, column: str, name: str) -> tuple[str, str]:
    """When a number is written in the other style than its column is, and the sentence."""
    cure = f'", but numbers are written there as in {EXAMPLES[style]}. Correct the log, or the mapping.'
    wrong = f"{_is_written(text, other(style))} AND NOT {_is_written(text, style)}"
    return f"({text} IS NOT NULL AND {wrong})", _sentence(text, column, name, cure)


def doubt_sql(text: str, column: str, name: str) -> tuple[str, str]:
    """When a text of which no style is known may be two numbers, and the sentence."""
    cure = '", which may be read in two ways. Say in a mapping how numbers are written: decimal_comma = true or false.'
    has_sign = f"contains({text}, ',') OR contains({text}, '.')"
    return f"CASE WHEN {has_sign} THEN {_is_written(text, COMMA)} END", _sentence(text, column, name, cure)


def rounded_id_sql(text: str, column: str, name: str) -> tuple[str, str]:
    """When an id has been made a rounded number by a spreadsheet, and the sentence."""
    is_rounded = rf"CASE WHEN contains({text}, 'E+') THEN regexp_full_match({text}, '[0-9]([.,][0-9]+)?E[+][0-9]+') END"
    cure = (
        '": a spreadsheet has rounded the id to a number, so that different ids are the same now. '
        "Export the table anew, without opening it in a spreadsheet."
    )
    return is_rounded, _sentence(text, column, name, cure)


def without_words_sql(text: str, words: Sequence[str]) -> str:
    """SQL for a text that is NULL where it is one of some words, in any case."""
    if not words:
        return text
    listed = ", ".join(literal(word.strip().lower()) for word in words)
    quick = f"WHEN {text} < ':' THEN {text} " if all(word.strip()[:1].isalpha() for word in words) else ""
    return f"CASE {quick}WHEN lower(trim({text}, {literal(_SPACE)})) IN ({listed}) THEN NULL ELSE {text} END"


def _is_written(text: str, style: str) -> str:
    return f"regexp_full_match(trim({text}, {literal(_SPACE)}), {literal(pattern(style))})"


def _sentence(text: str, column: str, name: str, end: str) -> str:
    label = column if column == name else f"{column} (column {name})"
    return f"{literal(f'{label} is ' + chr(34))} || left({text}, 100) || {literal(end)}"
