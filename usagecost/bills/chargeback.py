"""Who bears costs that no team has by itself: the rules of `chargeback.toml` beside the lake, and the split by them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from usagecost.bills.corrections import DIMENSIONS, Group
from usagecost.bills.rounding import CENT, shared_out
from usagecost.lake import Lake
from usagecost.toml_lines import TomlProblem, TomlTable, line_of, parse_toml, read_toml
from usagecost.vocabulary.filters import NOT_REPORTED

NAME = "chargeback.toml"
Split = Literal["proportional", "even", "fixed"]
WORDS: dict[Split, str] = {
    "proportional": "in proportion to each team's own costs",
    "even": "in even parts",
    "fixed": "in fixed shares",
}
MOST_RULES = 100

Share = Annotated[Decimal, Field(gt=0, le=1_000_000)]


class ChargebackProblem(TomlProblem):
    """What is wrong with the file: the line, the key, and what would be right."""


class Rule(TomlTable):
    """The costs of requests that have the values ``only`` are shared, and split between ``teams``, or by ``shares`` of them.

    Without teams, all that have requests of their own in the month bear them.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    only: Annotated[dict[str, Annotated[tuple[str, ...], Field(min_length=1)]], Field(min_length=1)]
    split: Split = "proportional"
    teams: tuple[str, ...] = ()
    shares: dict[str, Share] = Field(default_factory=dict)

    @field_validator("only")
    @classmethod
    def _check_dimensions(cls, only: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if unknown := [name for name in only if name not in DIMENSIONS]:
            raise ValueError(f"costs cannot be told apart by {unknown[0]!r}: use one of {', '.join(DIMENSIONS)}")
        return only

    @model_validator(mode="after")
    def _check_split(self) -> Self:
        if (self.split == "fixed") is not bool(self.shares):
            raise ValueError('shares, such as { search = 60, ads = 40 }, belong to split = "fixed", and are needed there')
        if self.shares and self.teams:
            raise ValueError("shares name the teams: leave teams out")
        return self

    def fits(self, group: Group) -> bool:
        """Whether the costs of a group are meant."""
        values_of = dict(zip(DIMENSIONS, (NOT_REPORTED if value is None else value for value in group), strict=True))
        return all(values_of[name] in values for name, values in self.only.items())

    def weights(self, own: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        """Returns the parts of the teams that bear the costs, given what each has cost itself; nothing where there is no team.

        Where none of them has costs of its own to go by, the parts are even.
        """
        if self.shares:
            return dict(sorted(self.shares.items()))
        teams = sorted(self.teams or own)
        in_proportion = {team: max(own.get(team, Decimal(0)), Decimal(0)) for team in teams}
        return in_proportion if self.split == "proportional" and any(in_proportion.values()) else dict.fromkeys(teams, Decimal(1))

    @property
    def words(self) -> str:
        """The split as a statement says it."""
        to = f" between {', '.join(self.teams)}" if self.teams else ""
        shares = ", ".join(f"{team} {share}" for team, share in sorted(self.shares.items()))
        return WORDS[self.split] + to + (f" ({shares})" if shares else "")


class _File(TomlTable):
    shared: Annotated[tuple[Rule, ...], Field(max_length=MOST_RULES)] = ()


@lru_cache(maxsize=8)
def parse_chargeback(text: str) -> tuple[Rule, ...]:
    """Returns the rules of a file in its order; raises ChargebackProblem with the line, the key and the cure."""
    rules = parse_toml(text, _File, ChargebackProblem).shared
    names: set[str] = set()
    for place, rule in enumerate(rules):
        if rule.name in names:
            line = line_of(text, ("shared", place, "name"))
            raise ChargebackProblem(f"line {line}, name: there is a rule {rule.name!r} already, give this one another name.")
        names.add(rule.name)
    return rules


def chargeback_text(lake: Lake) -> str:
    """Returns the file beside a lake, "" where there is none. Raises ChargebackProblem, naming it, if it is broken; LakeError."""

    def checked(text: str) -> str:
        parse_chargeback(text)
        return text

    return read_toml(lake.texts_beside(), NAME, checked)


def allocated(rule: Rule, pool: Decimal, own: Mapping[str, Decimal], unit: Decimal = CENT) -> dict[str, Decimal]:
    """Returns what each team bears of costs, in whole units that add up to them; nothing where there is no team to bear them."""
    weights = rule.weights(own)
    return shared_out(pool, weights, unit) if weights else {}
