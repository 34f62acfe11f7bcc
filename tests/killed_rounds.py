"""Rounds of a feed whose acts are killed at random moments, and what is wrong afterwards."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass, field
from time import perf_counter

import pytest

from tests.killed import Act
from tests.killed_feeds import Feed
from tests.views import days, view
from usagecost import engine, queries
from usagecost.lake import Lake, rollup_files
from usagecost.vocabulary import measures_of

METRICS = measures_of(["requests", "spend_usd", "input_tokens", "output_tokens", "active_users"])
LONGEST = 10.0
"""Seconds to which grows what is drawn from, where acts do not end before."""


@dataclass
class Outcome:
    """How many acts were killed and how many ended before, and what was wrong, in words."""

    killed: int = 0
    whole: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def kill(feed: Feed, act: Act, kills: int, drawn: random.Random, seconds: float = 3600.0) -> Outcome:
    """Runs rounds until so many acts were killed or the time is over, then what finishes them."""
    done, begun, longest, number = Outcome(), perf_counter(), feed.longest, 0
    while done.killed < kills and perf_counter() - begun < seconds:
        status = act(*feed.arrive(number), seconds=drawn.uniform(0.001, longest))
        number += 1
        if status == signal.SIGKILL:
            done.killed += 1
        elif status:
            done.wrong.append(f"round {number}: an act that was not killed failed")
        else:
            done.whole += 1
        longest = min(LONGEST, longest * (1.05 if status else 0.85))  # a quarter of the acts ends before
        done.wrong += [f"round {number}: {problem}" for problem in feed.between()]
    feed.finish(act)
    done.wrong += [f"at last: {problem}" for problem in (*feed.wrong(), *wrong_in(feed.lake))]
    done.seconds = perf_counter() - begun
    return done


def wrong_in(lake: Lake) -> list[str]:
    """What is wrong with any lake: files that are damaged, and rollups that say something else than the rows."""
    if not lake.exists:
        return ["there is no lake"]
    found = [f"{name} is damaged" for name in lake.verify().damaged]
    lake.roll_up()
    with pytest.MonkeyPatch.context() as patch:
        by_rollups = _totals(lake)
        patch.setattr(rollup_files, "ROLLUPS", {})
        if _totals(lake) != by_rollups:
            found.append("rollups and rows differ")
    return found


def _totals(lake: Lake) -> list[object]:
    """What two questions of all time are answered."""
    engine.open_lake.cache_clear()
    snapshot = lake.snapshot()
    if not snapshot.data_files:
        return []
    asked = view(lake.name, days(snapshot.data_files[0].utc_day, snapshot.data_files[-1].utc_day), "month")
    return [queries.usage(asked, split, METRICS).totals for split in ("model", "user")]
