"""Rounds of alerts that are killed with SIGKILL at random moments, against a receiver of webhooks on loopback.

    python tests/bench/alerts.py [--rounds 1000] [--minutes 10] [--budgets 200] [--seed 1]

Before a round late data of a team comes, so much that it crosses one or two thresholds of its budget; before every twenty-fifth
that of a team is removed again, which resolves them. Each round is a process of its own, killed after a random time, drawn from so
long a stretch that about half of the rounds end before. At last rounds run until nothing waits. Then every threshold that was
crossed has to be recorded once as raised, and once as resolved if it was, and the receiver has to have heard of each, and of
nothing else.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.killed_rounds import rounds_in_children
from tests.lake_rows import commit
from tests.views import instant, request
from tests.webhook import Receiver, webhook
from usagecost.alerts import read_ledger
from usagecost.budgets import NAME
from usagecost.lake import Lake, Selection

NOW = instant("2026-05-04 12:00")
BUDGET = '[[budget]]\nname = "{0}"\namount = 10\nonly = {{ team = ["{0}"] }}\nforecast = []\ntell = ["ops"]\n'
AMOUNTS = {"8.50": ("80",), "10.50": ("80", "100")}
"""What a team spends -> the thresholds in percent that this crosses."""
Event = tuple[str, str, str]
"""Raised or resolved, a team, and a threshold."""
Ask = Callable[[datetime, float], int]
MOST_LAST = 200
"""Rounds that are not killed, at last."""


def main() -> None:
    """Runs the rounds and prints what came of them; the exit status is 1 if an alert is missing, repeated or too many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--budgets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder, webhook() as receiver:
        os.environ["USAGECOST_ALERT_OPS"] = receiver.url
        lake = Lake(f"{folder}/lake")
        teams = [f"t{number}" for number in range(arguments.budgets)]
        Path(folder, NAME).write_text("\n".join(BUDGET.format(team) for team in teams))
        commit(lake, request("2026-05-01 08:00", team_id="none", list_cost_usd=Decimal("0.01")))
        expected, counts = run(lake, teams, arguments.rounds, arguments.minutes * 60, random.Random(arguments.seed))
        sys.exit(report(lake, receiver, expected, counts))


def run(lake: Lake, teams: list[str], most: int, seconds: float, drawn: random.Random) -> tuple[set[Event], Counter]:
    """Runs rounds, killed and not; returns the (event, team, threshold) that must come of them, and how many rounds ended how."""
    expected: set[Event] = set()
    counts: Counter = Counter()
    ends, left, spent = perf_counter() + seconds, list(teams), list[tuple[str, tuple[str, ...]]]()
    with rounds_in_children(lake) as ask:
        ask(NOW, 0)
        longest, number = 1.0, 0
        while number < most and perf_counter() < ends:
            number += 1
            if left and number * len(teams) >= most * (len(teams) - len(left)):
                team, amount = left.pop(0), drawn.choice([*AMOUNTS])
                commit(lake, request("2026-05-02 10:00", team_id=team, user_id=team, list_cost_usd=Decimal(amount)))
                expected |= {("raised", team, threshold) for threshold in AMOUNTS[amount]}
                spent.append((team, AMOUNTS[amount]))
            if number % 25 == 0 and spent:
                expected |= resolve(lake, *spent.pop(0), number, ask)
                counts["whole"] += 1
            status = ask(NOW + timedelta(minutes=number), drawn.uniform(0.001, longest))
            counts["killed" if status else "whole"] += 1
            longest *= 1.1 if status else 0.9
        for last in range(number + 1, number + MOST_LAST):
            ask(NOW + timedelta(minutes=last), 0)
            counts["whole"] += 1
            if not read_ledger(lake).pending(NOW + timedelta(minutes=last)):
                break
    return expected, counts


def resolve(lake: Lake, team: str, thresholds: tuple[str, ...], number: int, ask: Ask) -> set[Event]:
    """Removes what a team has spent, when it is sure to have been raised: what was never seen cannot be resolved."""
    ask(NOW + timedelta(minutes=number - 0.5), 0)
    lake.remove(Selection(user=team))
    return {("resolved", team, threshold) for threshold in thresholds}


def report(lake: Lake, receiver: Receiver, expected: set[Event], counts: Counter) -> int:
    """Prints the counts; returns 1 if anything is missing, repeated in the lake, or too much."""
    rows = [row for row in lake.alerts().to_pylist() if row["channel"] is None]
    recorded = Counter((row["event"], row["subject"], row["threshold"]) for row in rows)
    ids = {(row["id"], row["event"]): (row["event"], row["subject"], row["threshold"]) for row in rows}
    told = Counter(ids.get(id_and_event, ("unknown", *id_and_event)) for id_and_event in receiver.ids)
    wrong = {
        "not recorded": expected - recorded.keys(),
        "recorded twice": {event for event, times in recorded.items() if times > 1},
        "recorded, not expected": recorded.keys() - expected,
        "never told": expected - told.keys(),
        "told, not recorded": told.keys() - recorded.keys(),
    }
    print(f"rounds: {counts['killed']} killed, {counts['whole']} whole")
    print(f"events expected: {len(expected)}, recorded: {sum(recorded.values())}, messages: {sum(told.values())}")
    print(f"messages repeated: {sum(times - 1 for times in told.values())}, at most {max(told.values(), default=0)} times the same")
    for what, events in wrong.items():
        print(f"{what}: {len(events)} {sorted(events)[:3] if events else ''}")
    return int(any(wrong.values()))


if __name__ == "__main__":
    main()
