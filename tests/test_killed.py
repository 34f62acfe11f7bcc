"""Acts that change a lake, killed at random moments: four of each, alerts twenty, as `tests/bench/faults.py` kills a thousand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.killed import Act, acts_in_children
from tests.killed_books import Alerts, Closes
from tests.killed_feeds import Feed, Ingests, Removals, Repricings, Watches
from tests.killed_rounds import kill
from tests.webhook import webhook

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def act() -> Iterator[Act]:
    with acts_in_children() as run:
        yield run


@pytest.mark.parametrize("feed", [Ingests, Watches, Removals, Repricings, Closes], ids=lambda feed: feed.__name__)
def test_nothing_is_lost_doubled_or_done_in_part(feed: Callable[[Path, random.Random], Feed], act: Act, tmp_path: Path):
    drawn = random.Random(7)
    done = kill(feed(tmp_path, drawn), act, 4, drawn)

    assert (done.killed, done.wrong) == (4, [])


def test_no_alert_is_lost_or_recorded_twice(act: Act, tmp_path: Path):
    drawn = random.Random(7)
    with webhook() as receiver:
        feed = Alerts(tmp_path, drawn, receiver)
        done = kill(feed, act, 20, drawn)

    assert (done.killed, done.wrong) == (20, [])
