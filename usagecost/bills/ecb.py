"""The euro foreign exchange reference rates as the European Central Bank publishes them.

They are `eurofxref-daily.xml`, `-hist.xml` and `-hist-90d.xml`, `eurofxref.csv` and `-hist.csv`, these two also in a zip. One euro
is so much of a currency; days without rates are not in them, a rate that is "N/A" is none.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from usagecost.toml_lines import TomlProblem

MOST_BYTES = 50_000_000
_TIME = re.compile(r"<Cube\s+time=[\"'](\d{4}-\d\d-\d\d)[\"']")
_RATE = re.compile(r"<Cube\s+currency=[\"']([A-Z]{3})[\"']\s+rate=[\"']([\d.]+)[\"']")

Published = dict[date, dict[str, Decimal]]
"""Day -> currency -> how much of it one euro is."""


class CurrencyProblem(TomlProblem):
    """Why there is no rate, or what is wrong with a file, and what would help."""


def read_ecb(path: Path) -> Published:
    """Returns what a file of the bank's says; raises CurrencyProblem."""
    try:
        text = _text(path)
        published = dict(_of_xml(text) if text.lstrip().startswith("<") else _of_csv(text))
    except OSError as error:
        raise CurrencyProblem(f"The rates in {path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, IndexError, InvalidOperation, zipfile.BadZipFile):
        published = {}
    if not published:
        raise CurrencyProblem(
            f"{path} is no file of the European Central Bank's reference rates: download eurofxref-hist.zip, or "
            "eurofxref-daily.xml, from its site."
        )
    return published


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES)
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(archive.namelist()[0]) as member:
            content = member.read(MOST_BYTES)
    return content.decode("utf-8-sig")


def _of_xml(text: str) -> Iterator[tuple[date, dict[str, Decimal]]]:
    starts = list(_TIME.finditer(text))
    for start, end in zip(starts, [*(one.start() for one in starts[1:]), len(text)], strict=True):
        yield (
            date.fromisoformat(start[1]),
            {one[1]: Decimal(one[2]) for one in _RATE.finditer(text, start.end(), end) if Decimal(one[2])},
        )


def _of_csv(text: str) -> Iterator[tuple[date, dict[str, Decimal]]]:
    header, *rows = csv.reader(io.StringIO(text), skipinitialspace=True)
    if header[:1] != ["Date"]:
        raise ValueError("no table of rates")
    for row in rows:
        if row:
            pairs = zip(header[1:], row[1:], strict=False)
            yield _day(row[0]), {name: Decimal(rate) for name, rate in pairs if re.fullmatch(r"[\d.]*[1-9][\d.]*", rate)}


def _day(text: str) -> date:
    """2026-10-30, and 30 October 2026."""
    return date.fromisoformat(text) if "-" in text else datetime.strptime(text, "%d %B %Y").date()  # noqa: DTZ007 - a day
