"""Numbers as people say them. Exact figures belong into tooltips and downloads; what is unknown is a dash.

A no-break space stands between a number and its unit, so that the two are never torn apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

Number = int | float | Decimal
Format = Callable[[Number | None], str]

UNKNOWN = "–"
MINUS = "−"
GAP = "\u00a0"
LOWER_BOUND = f"≥{GAP}"
"""Stands before a sum that leaves something out."""
LONGEST_LINE = 200
STEPS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))

_QUOTES = str.maketrans("<>", "‹›")
_CALLS = re.compile("@(?=everyone|here|channel|all)")


def printable(text: str) -> str:
    """The text in one line, with a space for what steers a terminal, turns the text around it or is no character of XML."""
    return "".join(letter if letter.isprintable() or letter == GAP else " " for letter in text)


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """What comes out of a log as a short line of printable characters, in which chats see no link and nobody who is called."""
    line = "".join(letter if letter.isprintable() else " " for letter in text.translate(_QUOTES))
    line = _CALLS.sub("@\u200b", line)
    return " ".join(line.split())[:longest]


def exact_count(number: Number | None) -> str:
    """12,345,678 and −3."""
    return UNKNOWN if number is None else _minus(f"{number:,.0f}")


def counted(number: int, noun: str) -> str:
    """1 request, 2 requests, 12,345 requests."""
    return f"{exact_count(number)} {noun}{'' if number == 1 else 's'}"


def count(number: Number | None) -> str:
    """9,999 and 12.4M: all digits while they can be taken in, else three that matter."""
    if number is None or abs(number) < 10_000:
        return exact_count(number)
    size, letter = next((size, letter) for size, letter in STEPS if abs(number) >= size * 0.9995)
    return _minus(f"{_three_digits(number / size)}{letter}")


def usd(amount: Number | None) -> str:
    """$1,234.56 and $1.23M; below one cent two digits that matter: $0.0042."""
    if amount is None:
        return UNKNOWN
    sign, size = MINUS if amount < 0 else "", abs(amount)
    if 0 < size < Decimal("0.01"):
        return f"{sign}${Decimal(f'{size:.2g}').normalize():f}"
    if round(size, 2) < 10**6:
        return f"{sign}${size:,.2f}"
    return f"{sign}${count(size)}"


def rate(amount: Number | None) -> str:
    """$15.00, $0.075, $0.00015: cents, and what digits it has beyond them, six that matter at most."""
    if amount is None:
        return UNKNOWN
    digits = f"{Decimal(f'{amount:.6g}'):,f}"
    whole, _, part = digits.partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"


def around(amount: Number, margin: Number) -> str:
    """$812 ± 40 and $1.23M ± 45.7K; cents below a hundred: $8.12 ± 0.40."""
    if amount >= 10**6:
        return f"{usd(amount)}{GAP}±{GAP}{count(margin)}"
    places = 0 if amount >= 100 else 2
    return f"${amount:,.{places}f}{GAP}±{GAP}{margin:,.{places}f}"


def percent(share: Number | None) -> str:
    """98.7%, 1,234%; a share that is not quite all or nothing never reads as if it were."""
    if share is None:
        return UNKNOWN
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{share * 100:.1f}%" if abs(share) < 9.9995 else f"{share * 100:,.0f}%"


def milliseconds(duration: Number | None) -> str:
    """840 ms, 2.3 s, 2:05 min."""
    if duration is None:
        return UNKNOWN
    if duration < 999.5:
        return f"{duration:.0f}{GAP}ms"
    seconds = float(duration) / 1000
    if seconds < 59.95:
        return f"{seconds:.1f}{GAP}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,}:{rest:02}{GAP}min"


def per_second(speed: Number | None) -> str:
    """84.2 tokens/s."""
    return UNKNOWN if speed is None else f"{speed:,.1f}{GAP}tokens/s"


def change(now: Number | None, before: Number | None) -> str | None:
    """+12.3%; None where there is nothing to compare with."""
    if now is None or not before:
        return None
    return signed_percent((float(now) / float(before) - 1) * 100)


def signed_percent(percents: Number) -> str:
    """+12.3% and −4.0%."""
    return f"{_signed(percents)}%"


def points(now: Number | None, before: Number | None) -> str | None:
    """The difference of two shares in percentage points: +0.4 pp."""
    if now is None or before is None:
        return None
    return f"{_signed((float(now) - float(before)) * 100)}{GAP}pp"


def age(then: datetime, now: datetime) -> str:
    """4 min ago, 3 h ago, 2 days ago."""
    words = _span(now - then)
    return f"{words} ago" if words else "just now"


def clock_skew(newest: datetime, now: datetime) -> str | None:
    """Says by how much the newest request is later than now; None where it is not, or by less than a minute."""
    words = _span(newest - now)
    return f"{words} ahead of this clock: check the sender's clock" if words else None


def _span(span: timedelta) -> str:
    """4 min, 3 h, 2 days; "" for less than a minute."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return ""
    if minutes < 60:
        return f"{minutes}{GAP}min"
    return f"{minutes // 60}{GAP}h" if minutes < 48 * 60 else f"{minutes // 1440}{GAP}days"


def _three_digits(number: Number) -> str:
    return f"{number:.{2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0}f}"


def _signed(number: Number) -> str:
    """Writes a number with its sign; a change too small to show is 0.0."""
    text = f"{number:+,.1f}" if abs(number) < 1000 else f"{number:+,.0f}"
    return "0.0" if text in ("+0.0", "-0.0") else _minus(text)


def _minus(number: str) -> str:
    """Puts the sign of typesetting, as wide as a plus, in the place of a leading hyphen."""
    return number.replace("-", MINUS, 1) if number.startswith("-") else number
