"""What one US dollar is in other currencies: dated rates of `currencies.toml` beside the lake, or of the European Central Bank.

A month is converted at one rate, of its last day, or of the last day before it for which one was published. A currency that has
rates of its own in the file is not looked up in the bank's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from usagecost.bills.ecb import CurrencyProblem, read_ecb
from usagecost.lake import Lake
from usagecost.toml_lines import TomlTable, parse_toml, read_toml

NAME = "currencies.toml"
USD = "USD"
OLDEST = timedelta(days=7)
"""How long before a month's end the bank's last rate may be: it publishes none on weekends and holidays."""
PLACES = Decimal("0.000000000001")


@dataclass(frozen=True)
class ExchangeRate:
    """One USD is ``per_usd`` of a currency from a ``day`` on, says a ``source``."""

    currency: str
    per_usd: Decimal
    day: date
    source: str

    @property
    def words(self) -> str:
        """The rate as a statement says it."""
        return f"1 USD = {self.per_usd.normalize():f} {self.currency}, of {self.day} ({self.source})"


class _Row(TomlTable):
    currency: Annotated[str, Field(max_length=3)]
    since: Annotated[date, Field(alias="from")]
    per_usd: Annotated[Decimal, Field(gt=0, lt=10**9, max_digits=21, decimal_places=12)]

    @field_validator("currency")
    @classmethod
    def _check_currency(cls, currency: str) -> str:
        if not re.fullmatch("[A-Z]{3}", currency) or currency == USD:
            raise ValueError(f"{currency!r} is no other currency: write its three letters, such as EUR")
        return currency


class _File(TomlTable):
    ecb: Annotated[str, Field(min_length=1)] | None = None
    rate: Annotated[tuple[_Row, ...], Field(max_length=20_000)] = ()


@lru_cache(maxsize=8)
def parse_currencies(text: str) -> _File:
    """Returns what a file says; raises CurrencyProblem with the line, the key and the cure."""
    return parse_toml(text, _File, CurrencyProblem)


def rates_on(lake: Lake, day: date, ecb: Path | None = None) -> dict[str, ExchangeRate]:
    """Returns the rate of each currency that has one for a day, by what lies beside a lake and a file of the bank's, by ``ecb``.

    Raises CurrencyProblem where a file is broken or cannot be read, and LakeError.
    """
    file = read_toml(lake.texts_beside(), NAME, parse_currencies)
    path = ecb or (_beside(lake, file.ecb) if file.ecb else None)
    published = _bank_rates(path, day) if path else {}
    return published | _newest([ExchangeRate(one.currency, one.per_usd, one.since, NAME) for one in file.rate if one.since <= day])


def rates_version(lake: Lake) -> str:
    """Returns what tells the rates beside a lake from those of before: the file, and the time of the bank's; raises LakeError."""
    text = lake.texts_beside().read(NAME) or ""
    try:
        ecb = parse_currencies(text).ecb
        return f"{_beside(lake, ecb).stat().st_mtime_ns} {text}" if ecb else text
    except (CurrencyProblem, OSError):
        return text


def _newest(rates: Iterable[ExchangeRate]) -> dict[str, ExchangeRate]:
    return {rate.currency: rate for rate in sorted(rates, key=lambda rate: rate.day)}


def _beside(lake: Lake, path: str) -> Path:
    """Where a file is that `currencies.toml` names, from the folder that it is in."""
    return Path(path).expanduser() if lake.is_remote else Path(str(lake.texts_beside()), path)


def _bank_rates(path: Path, day: date) -> dict[str, ExchangeRate]:
    """The bank's last rates on or before a day, from euros to dollars; nothing of days that are older than OLDEST."""
    published = read_ecb(path)
    days = [one for one, rates in published.items() if day - OLDEST <= one <= day and USD in rates]
    if not days:
        return {}
    last = max(days)
    per_euro = {"EUR": Decimal(1), **published[last]}
    usd = per_euro.pop(USD)
    return {
        currency: ExchangeRate(currency, (amount / usd).quantize(PLACES), last, f"European Central Bank, {path.name}")
        for currency, amount in per_euro.items()
    }
