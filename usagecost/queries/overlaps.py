"""Sources that tell the same requests, as where a gateway's log and the traces of its clients are loaded both: they count twice.

Within a source a request counts once, as its id says which it is. Two sources have ids of their own, so they are compared by what
they tell of a request: the same input and output tokens at nearly the same time. That is a guess, so a reader is told of it and no
request is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

from usagecost import engine
from usagecost.engine import Slice
from usagecost.periods import instant_us
from usagecost.periods.words import days_text
from usagecost.queries.sources import sources
from usagecost.queries.usage import Ask, call
from usagecost.vocabulary import INSTANT_US
from usagecost.vocabulary.filters import EVERYTHING
from usagecost.vocabulary.formats import counted

MOST_SOURCES = 5
"""How many sources are compared with each other, those with the most requests."""

COMPARED_TIME = timedelta(days=7)
"""How much of the time that two sources have in common is compared, at its end."""

SAMPLE = 300
LEAST_SAMPLE = 10
"""How many requests of the smaller source are looked for in the other, and how many it has to have."""

LEAST_TOKENS = 200
"""Tokens of a request that is looked for: of small ones many have the same counts."""

NEAR = timedelta(minutes=5)
"""How far apart two sources may tell a request: one its start, another the moment at which its answer was whole."""

LEAST_SHARE = 0.5
"""Which share of the sample the other source has to have."""

_IN_BOTH = f"""
WITH comparable AS (
    SELECT source, request_id, {INSTANT_US} AS at_us, input_tokens, output_tokens
    FROM {{requests}}
    WHERE source IN ($source, $other) AND input_tokens > 0 AND output_tokens > 0 AND input_tokens + output_tokens >= {LEAST_TOKENS}
        AND {INSTANT_US} BETWEEN $first_us AND $last_us
), sample AS (
    SELECT request_id, at_us, input_tokens, output_tokens FROM comparable WHERE source = $source ORDER BY request_id LIMIT {SAMPLE}
), matches AS (
    SELECT DISTINCT sample.request_id AS request_id
    FROM sample JOIN comparable
        ON comparable.input_tokens = sample.input_tokens AND comparable.output_tokens = sample.output_tokens
    WHERE comparable.source = $other AND abs(comparable.at_us - sample.at_us) <= {NEAR // timedelta(microseconds=1)}
)
SELECT (SELECT count(*) FROM sample)::bigint AS sampled, (SELECT count(*) FROM matches)::bigint AS in_both
"""


@dataclass(frozen=True)
class Overlap:
    """Two sources, and how many requests of the smaller one, ``source``, the ``other`` has too, of those looked at; UTC days."""

    source: str
    other: str
    sampled: int
    in_both: int
    first: date
    last: date

    def text(self, titles: Mapping[str, str]) -> str:
        """What that means, in sentences; sources that have a title are called by it."""
        source, other = titles.get(self.source, self.source), titles.get(self.other, self.other)
        count = "all" if self.in_both == self.sampled else f"{self.in_both:,}"
        return (
            f"{counted(self.sampled, 'request')} of {source} ({days_text(self.first, self.last)}, UTC) were looked for in {other}: "
            f"{count} are there too, so that they may count twice. Take the loads of one of the two out of the lake."
        )


def find_overlaps(lake: str, version: int, ask: Ask = call) -> list[Overlap]:
    """The sources of a lake that tell the same requests: one row = two of them. Asks about all requests, so only who may see all of
    them may ask.
    """
    largest = sorted(ask(sources, lake, version), key=lambda row: (-row["requests"], row["source"]))[:MOST_SOURCES]
    pairs = [_compare(lake, version, source, other) for other, source in combinations(largest, 2)]
    return [pair for pair in pairs if pair and pair.sampled >= LEAST_SAMPLE and pair.in_both >= LEAST_SHARE * pair.sampled]


def _compare(lake: str, version: int, source: dict[str, Any], other: dict[str, Any]) -> Overlap | None:
    """What two sources have in common of late; None if they tell of no time in common."""
    last: datetime = min(source["last"], other["last"])
    first: datetime = max(source["first"], other["first"], last - COMPARED_TIME)
    if first > last + NEAR:
        return None
    start, end = first - NEAR, last + NEAR
    names = {"source": source["source"], "other": other["source"]}
    days = Slice(lake, version, EVERYTHING, start.date(), end.date())
    (row,) = engine.table(_IN_BOTH, {**names, "first_us": instant_us(start), "last_us": instant_us(end)}, days).to_pylist()
    return Overlap(**names, **row, first=start.date(), last=end.date())
