"""How long a round of many budgets takes on a lake: the first of a process, and later ones.

    python tests/bench/budgets.py --lake /tmp/lake [--budgets 200] [--runs 3]

The budgets are of months: of teams, users, apps, keys and models of `make_lake.py` in equal numbers. A round is the state of all of
them with their forecasts, by the lake's rollups; the processor's seconds are those of all threads. ``questions`` are those that a
round asks, ``requests`` how many requests these read because no rollup tells them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from page import forget, view_of

from usagecost import engine, queries
from usagecost.budgets import Budget, states
from usagecost.vocabulary.filters import View

OF = ("team", "user", "app", "key", "model")


def budgets_of(view: View, count: int) -> list[Budget]:
    """Budgets of the busiest values of each dimension, in turns."""
    busiest = queries.choices(view)
    named = ([(name, value) for value in busiest[name] if value is not None] for name in OF)
    found = (one for turn in zip_longest(*named) for one in turn if one)
    return [
        Budget(name=f"{name} {value}", amount=Decimal(1_000), only={name: (value,)}, incomplete=True)
        for name, value in islice(found, count)
    ]


@contextmanager
def questions_noted() -> Iterator[list[int]]:
    """Notes of each question how many requests it has to read."""
    noted: list[int] = []
    table = engine.table

    def asked(sql: str, parameters: Any, of: engine.Slice, rolled: Any = None) -> Any:
        files = rolled.requests if rolled else of.snapshot.data_files
        noted.append(sum(file.rows for file in files))
        return table(sql, parameters, of, rolled)

    engine.table = asked
    try:
        yield noted
    finally:
        engine.table = table


def main() -> None:
    """Prints a line for the first round, and one for each later one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--budgets", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    view = view_of(asked.lake, 30, "UTC")
    budgets = budgets_of(view, asked.budgets)
    forget()
    for run in range(asked.runs + 1):
        with questions_noted() as noted:
            start = time.perf_counter(), time.process_time()
            states(view, budgets)
            clock, processor = time.perf_counter() - start[0], time.process_time() - start[1]
        name = "later round" if run else "first round"
        print(
            f"{name} of {len(budgets)}   {clock:6.2f} s   {processor:6.2f} s of the processor   {len(noted)} questions, "
            f"{sum(noted):,} requests"
        )


if __name__ == "__main__":
    main()
