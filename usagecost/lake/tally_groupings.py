"""By which dimensions tallies add requests up: by each of them, and by those pairs that are few.

A user is in one team, mostly, and a model is one provider's: sums by users tell those of a team's users too, at hardly any cost.
Sums by the models of users are many, but tell of any requests who sent them and what they asked, so they are worth it sooner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from usagecost.lake.tally_steps import STEPS
from usagecost.metrics import DIMENSIONS, LATENCY

LEAST_SAVED = 4
"""How many times fewer rows there are of a grouping than of requests, at least."""
ENOUGH_SAVED = {"user_model": 0.3, "key_model": 0.5, "environment_user": 0.5, "status_user": 0.5}
"""Grouping -> the share of it that is enough: nothing else tells as much as users by models, and what is not told on a quiet Sunday
is read from these for all days.
"""
MOST_ADDED = 1.25
"""How many times more rows there are by what follows from a dimension too, at most."""

FOLLOWING = {
    "model": ("provider",),
    "user": ("team", "key"),
    "key": ("team",),
    "user_model": ("app", "environment"),
}
"""Dimension, or dimensions together -> those whose values mostly follow from theirs."""

TOGETHER = {
    "few": ("environment", "status", "source", "error", "streaming"),
    "team_model": ("team", "model"),
    "key_model": ("key", "model"),
    "app_model": ("app", "model"),
    "outcome_model": ("environment", "status", "model"),
    "provider_latency": ("provider", LATENCY),
    "environment_user": ("environment", "user"),
    "status_user": ("status", "user"),
    "user_model": ("user", "model"),
}
"""What is told together: of one team, one app and so on, models are asked for, and users. What has few values is together hardly
more, and the sums by each of them are the quicker made from it.
"""

BUCKETED = {"user_model": "user"}
"""Grouping -> the dimension in buckets of whose values its rows lie: of one value not many other rows are read."""
LEADING = {"environment_user": ("environment",), "status_user": ("status",), "user_model": ("provider", "model")}
"""Grouping -> the dimensions by which its rows, or those of a bucket, lie in order, before others: if there are more of them than
a group of rows has, of what is filtered by these little else is read.
"""


@dataclass(frozen=True)
class Grouping:
    """Requests are added up by the values of some dimensions, and of those that follow from them where these add few rows."""

    name: str
    by: tuple[str, ...]

    def dimensions(self, following: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """All dimensions that it is by, where these follow from one."""
        return tuple(dict.fromkeys((*self.by, *(name for one in (*self.by, self.name) for name in following.get(one, ())))))

    @property
    def kind(self) -> str:
        """The kind of file in which it is told: many are only sums by pairs with models, users or latencies."""
        return "pairs" if len(self.by) > 1 and {"model", "user", LATENCY} & {*self.by} else "sums"

    @property
    def steps(self) -> tuple[str, ...]:
        """The finest steps that it may be told in, the finest first. Pairs are many in an hour."""
        return ("part",) if self.kind == "pairs" else STEPS[: STEPS.index("part") + 1]

    @property
    def may_follow(self) -> tuple[str, ...]:
        """The dimensions that it may be by besides; what follows from one of a pair is what follows from that alone."""
        return FOLLOWING.get(self.name, ())

    def saves_enough(self, rows: int, requests: int) -> bool:
        """Whether so few rows stand for so many requests that they are worth it."""
        return rows * LEAST_SAVED * ENOUGH_SAVED.get(self.name, 1) <= requests


def adds_little(rows: int, without: int) -> bool:
    """Whether what follows from a dimension makes hardly more rows."""
    return rows <= without * MOST_ADDED


GROUPINGS = {name: Grouping(name, by) for name, by in ({name: (name,) for name in DIMENSIONS} | TOGETHER).items()}
"""Name, in tallies and in their files' names -> grouping."""


@dataclass(frozen=True)
class Told:
    """What a tally has of a grouping: sums by the values of all of these dimensions in each such step, and in the coarser ones."""

    dimensions: tuple[str, ...]
    step: str

    def tells(self, dimensions: frozenset[str], step: str) -> bool:
        """Whether the sums by some dimensions in each such step are among its own, or are sums of these."""
        return STEPS.index(step) >= STEPS.index(self.step) and dimensions.issubset(self.dimensions)


def named(told: Mapping[str, Told]) -> str:
    """``quarter+mod.pro+tea~part+use.tea.key``: each step with its groupings and what follows, as files are named, whose names may
    not be long: three letters stand for a word.
    """
    by_step: dict[str, list[str]] = {}
    for name, one in told.items():
        following = (other for other in one.dimensions if other not in GROUPINGS[name].by)
        by_step.setdefault(one.step, [one.step]).append(".".join(map(_short, (name, *following))))
    return "~".join("+".join(parts) for parts in by_step.values())


def told_by(name: str) -> dict[str, Told]:
    """What a file that is `named` so has of each grouping; what is not known here is left out."""
    steps = [part.split("+") for part in name.split("~")]
    parts = [(step, *part.split(".")) for step, *groupings in steps if step in STEPS for part in groupings]
    return {
        grouping: Told((*GROUPINGS[grouping].by, *(_NAMES[one] for one in following if one in _NAMES)), step)
        for step, short, *following in parts
        if (grouping := _NAMES.get(short))
    }


def _short(name: str) -> str:
    return "_".join(word[:3] for word in name.split("_"))


_NAMES = {_short(name): name for name in GROUPINGS}
