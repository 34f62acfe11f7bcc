"""The organisation's own book of prices over the price list: a TOML file, reviewed like code.

One rule: of each kind of entry the last in the file holds that fits a request's provider and model, and whose days its UTC day is
one of. An own price goes before the list price; an alias says which list price is meant; a discount is taken off list prices, not
off own ones. So a price that changes, or ends, is one entry more, with its date, and nothing rewrites the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from usagecost.pricing.names import Match, is_same_provider, resolve
from usagecost.pricing.units import PIECES
from usagecost.toml_lines import TomlProblem, TomlTable, parse_toml

Rate = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=18, decimal_places=12)]
Multiple = Annotated[Decimal, Field(ge=0, le=100)]

MOST_NAME = 300


class BookProblem(TomlProblem):
    """What is wrong with a book: the line, the key, and what would be right."""


class Rates(TomlTable):
    """USD for a million tokens of each kind; a kind without a rate is billed as what contains it."""

    input: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    input_audio: Rate | None = None
    input_image: Rate | None = None
    cache_audio_read: Rate | None = None
    cache_image_read: Rate | None = None
    output: Rate | None = None
    output_reasoning: Rate | None = None
    output_audio: Rate | None = None
    output_image: Rate | None = None

    @property
    def rates_by_kind(self) -> dict[str, Decimal]:
        """The rates that are set, by their kind of tokens."""
        return {name: value for name in Rates.model_fields if (value := getattr(self, name)) is not None}


class Tier(Rates):
    """Rates for all tokens of a request whose total input is above a count."""

    above_input: Annotated[int, Field(ge=0)]


class Entry(TomlTable):
    """Which requests are meant. `model` is a name as logs write it, or a pattern with *; days are UTC, `until` is the last."""

    model: Annotated[str, Field(min_length=1, max_length=MOST_NAME)]
    provider: Annotated[str, Field(min_length=1, max_length=MOST_NAME)] | None = None
    since: Annotated[date | None, Field(alias="from")] = None
    until: date | None = None

    @model_validator(mode="after")
    def _check_days(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise ValueError(f"until is {self.until}, before from ({self.since})")
        return self

    def fits(self, provider: str | None, model: str, match: Match | None) -> bool:
        """Whether a log's provider and model are meant; `match` is what the price list calls them, if it knows them."""
        names = [model.strip().lower(), *([match.model.id.lower()] if match else [])]
        sellers = [provider, *([match.provider.id] if match else [])]
        is_provider = self.provider is None or any(is_same_provider(self.provider, seller) for seller in sellers)
        return is_provider and any(fnmatchcase(name, self.model.strip().lower()) for name in names)

    def holds_on(self, day: date) -> bool:
        """Whether a day is one of its days."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


class Ending(Entry):
    """An entry that may also end those before it: on its days none of its kind holds, and the price list does."""

    ended: bool = False


class OwnPrice(Ending, Rates):
    """What a model costs here. The batch interface and service tiers multiply all rates."""

    free: bool = False
    per_request: Rate | None = None
    units: dict[str, Rate] = Field(default_factory=dict)
    batch: Multiple = Decimal(1)
    service_tier: dict[str, Multiple] = Field(default_factory=dict)
    tier: tuple[Tier, ...] = ()

    @model_validator(mode="after")
    def _check_rates(self) -> Self:
        has_rates = bool(self.rates_by_kind or self.per_request or self.units or self.tier)
        if self.free + self.ended + has_rates > 1:
            raise ValueError("rates, free = true and ended = true exclude each other: keep one of them")
        if not self.free and not self.ended and not self.rates_by_kind and self.per_request is None and not self.units:
            raise ValueError("there is no rate: say input and output in USD for a million tokens, or free = true")
        if unknown := next((name for name in self.units if name not in PIECES), None):
            raise ValueError(f"the price list has no unit {unknown!r}: known are {', '.join(sorted(PIECES))}")
        starts = [tier.above_input for tier in self.tier]
        if len(set(starts)) < len(starts):
            raise ValueError("two tiers begin above the same input")
        if lacking := next((name for tier in self.tier for name in tier.rates_by_kind if name not in self.rates_by_kind), None):
            raise ValueError(f"a tier has a rate for {lacking}, and the price itself has none: say what it costs below the tier")
        return self


class Alias(Ending):
    """Another name for a model of the price list, written provider/model."""

    stands_for: str = ""

    @field_validator("stands_for")
    @classmethod
    def _check_known(cls, name: str) -> str:
        if _listed(name) is None:
            raise ValueError(f"the price list has no {name!r}: write it as provider/model, such as openai/gpt-4o")
        return name

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.stands_for) is self.ended:
            raise ValueError('say either stands_for = "provider/model" or ended = true')
        return self

    @property
    def match(self) -> Match:
        """The model of the price list."""
        listed = _listed(self.stands_for)
        if listed is None:
            raise LookupError(self.stands_for)  # it was checked when the book was read
        return Match(listed.provider, listed.model, "alias")


class Discount(Ending):
    """A percentage off list prices."""

    model: Annotated[str, Field(min_length=1, max_length=MOST_NAME)] = "*"
    percent: Annotated[Decimal, Field(ge=0, le=100, decimal_places=7)] = Decimal(0)

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.percent) is self.ended:
            raise ValueError("say either percent, above 0, or ended = true")
        return self

    @property
    def fraction(self) -> Decimal:
        """What is taken off, of 1."""
        return self.percent / 100


class Factor(Entry):
    """What a way of asking costs, in times of the list price of tokens; without `factor`, what the list has for it later."""

    model: Annotated[str, Field(min_length=1, max_length=MOST_NAME)] = "*"
    batch: bool = False
    service_tier: str | None = None
    speed: str | None = None
    inference_region: str | None = None
    factor: Multiple | None = None
    source: str = ""

    @model_validator(mode="after")
    def _check_one_way(self) -> Self:
        if self.batch + sum(word is not None for word in (self.service_tier, self.speed, self.inference_region)) != 1:
            raise ValueError("a factor is of one of batch = true, service_tier, speed and inference_region")
        return self

    def means(self, name: str, word: str) -> bool:
        """Whether this is about a way of asking, in the words of the price list."""
        return word == {"processing": "batch" if self.batch else None}.get(name, getattr(self, name, None))


class _File(TomlTable):
    price: tuple[OwnPrice, ...] = ()
    alias: tuple[Alias, ...] = ()
    discount: tuple[Discount, ...] = ()
    factor: tuple[Factor, ...] = ()


@dataclass(frozen=True)
class Book:
    """The entries of each kind in the order of the file. ``version`` is a short name of what it says."""

    prices: tuple[OwnPrice, ...] = ()
    aliases: tuple[Alias, ...] = ()
    discounts: tuple[Discount, ...] = ()
    factors: tuple[Factor, ...] = ()
    version: str = ""


NO_BOOK = Book()


def parse_book(text: str) -> Book:
    """Parses a book of prices; raises BookProblem with the line, the key and the cure."""
    file = parse_toml(text, _File, BookProblem)
    has_entries = file.price or file.alias or file.discount or file.factor
    return Book(file.price, file.alias, file.discount, file.factor, sha256(text.encode()).hexdigest()[:8] if has_entries else "")


def _listed(name: str) -> Match | None:
    """The model that the price list has under provider/model."""
    provider, _, model = name.partition("/")
    return resolve(provider, model) if model else None
