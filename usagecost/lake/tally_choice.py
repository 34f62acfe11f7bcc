"""Which tallies tell what is asked, and by which of their groupings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from usagecost.lake.tally_groupings import FOLLOWING, GROUPINGS, Told
from usagecost.lake.tally_steps import coarsest_step


@dataclass(frozen=True, eq=False)
class Tally:
    """A file of sums: ``kind`` is sums or pairs of a file of requests, or those of a month; where its days are parted; and what it
    has of each grouping.
    """

    name: str
    bytes: int
    kind: str
    parted_at: int
    told: Mapping[str, Told]

    def step(self, day: date, cuts: Sequence[int]) -> str | None:
        """The coarsest step that no cut goes through on a day, see `coarsest_step`."""
        return coarsest_step(day, cuts, self.parted_at)

    def telling(self, dimensions: frozenset[str], step: str) -> list[str]:
        """The groupings whose sums tell what the values of dimensions add up to in each such step."""
        return [grouping for grouping, told in self.told.items() if told.tells(dimensions, step)]

    def tells(self, chosen: Mapping[frozenset[str], str], step: str) -> bool:
        """Whether all groupings that were chosen tell the dimensions that they were chosen for."""
        return all(name in self.told and self.told[name].tells(dimensions, step) for dimensions, name in chosen.items())


@dataclass(frozen=True)
class Tallied:
    """What tells what the values of dimensions add up to: files of which each request is read (``requests``), and step -> the
    tallies, and the months, of which that is read; of months all days but some. A month has other days than those asked for, too.

    ``groupings`` say in which rows it stands: dimensions that were asked for together -> the ``grouping`` of these rows.
    """

    groupings: Mapping[frozenset[str], str]
    requests: tuple[str, ...]
    tallies: Mapping[str, tuple[str, ...]]
    months: Mapping[str, tuple[str, ...]]
    days_told_elsewhere: tuple[date, ...]

    @property
    def has_tallies(self) -> bool:
        """Whether there is anything that need not be read from requests."""
        return bool(self.tallies or self.months)


def tallies_that_tell(
    chosen: Mapping[frozenset[str], str], tallies: Sequence[Tally], day: date, cuts: Sequence[int]
) -> list[Tally]:
    """The first tally that tells a day by the groupings that were chosen, of each kind one; none if one is not told at all."""
    by_kind: dict[str, dict[frozenset[str], str]] = {}
    for need, name in chosen.items():
        by_kind.setdefault(GROUPINGS[name].kind, {})[need] = name
    found = []
    for of_kind in by_kind.values():
        telling = (tally for tally in tallies if (step := tally.step(day, cuts)) and tally.tells(of_kind, step))
        if not (tally := next(telling, None)):
            return []
        found.append(tally)
    return found


def chosen_groupings(needs: Iterable[frozenset[str]], tallies: Sequence[tuple[Tally, str]]) -> dict[frozenset[str], str]:
    """For each need the grouping that most tallies tell it by, each in a step; of equals the one of the fewest dimensions. Nothing
    if a need is told by none.
    """
    chosen = {}
    for need in needs:
        telling = Counter(name for tally, step in tallies for name in tally.telling(need, step))
        if not telling:
            return {}
        chosen[need] = max(telling, key=lambda name: (telling[name], -len(GROUPINGS[name].dimensions(FOLLOWING))))
    return chosen
