"""How long a bill of many lines takes beside the requests of a lake: made of them, with faults, then matched.

    python tests/bench/make_lake.py --rows 10000000 --days 31 --models 200 --users 5000 --out /tmp/lake
    python tests/bench/bills.py --lake /tmp/lake --lines 100000 [--no-quantities] [--projects project-] [--runs 3]

The bill has a line a UTC day, model, kind of tokens and project of the lake's last days; every seventh is a tenth less. It is kept
in the lake, unless that has one. Figures are the least of the runs: the clock's, and the processor's, of reading the bill and
choosing its lines, of asking for our side, of the matching, and of the whole as the page asks for it, with the question whether
projects of the bill are in our logs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

from page import forget, view_of

from tests.bill_rows import bill, billed
from usagecost import queries
from usagecost.bills.asking import our_days
from usagecost.bills.coverage import current
from usagecost.bills.matching import reconcile
from usagecost.bills.reconciling import factors_of, names_of, reconcile_lake
from usagecost.bills.result import CellSums
from usagecost.bills.sides import Ours
from usagecost.lake import Lake
from usagecost.pricing import NO_BOOK
from usagecost.vocabulary.filters import View


def made_bill(ours: Sequence[Ours], most: int, project: str, *, tells_quantities: bool) -> pa.Table:
    """A bill of about as many lines, of projects that are called so and numbered."""
    lines = billed(ours, tells_quantities=tells_quantities)
    projects = max(1, round(most / len(lines)))
    found: list[dict[str, Any]] = []
    for place, one in enumerate(lines[:most]):
        amount = one["amount"] * Decimal("0.9") if place % 7 == 0 else one["amount"]
        quantity = one["quantity"] and (one["quantity"] / projects).quantize(Decimal("1e-6"))
        covers = {"covers_first": one["first_day"], "covers_last": one["first_day"], "as_of": datetime(2100, 1, 1, tzinfo=UTC)}
        found += [
            {
                **one,
                **covers,
                "amount": (amount / projects).quantize(Decimal("1e-9")),
                "quantity": quantity,
                "project": f"{project}{number}",
            }
            for number in range(projects)
        ]
    return bill(*found)


def ask(view: View, first: date, last: date) -> list[Ours]:
    """Our side, asked of a cold lake."""
    forget()
    return our_days(view, first, last, {}, names_of([], NO_BOOK))[0]


def main() -> None:
    """Prints how long both parts take, and what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--no-quantities", action="store_true")
    parser.add_argument("--projects", default="nobody-", help="project-: those of the lake, by which both sides are matched then.")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    view = view_of(asked.lake, 31, "UTC")
    span = queries.data_span(view.lake, view.version, view.scope)
    if span is None:
        sys.exit("The lake is empty.")
    first, last = span[0].date(), span[1].date()
    lake, ours = Lake(asked.lake), ask(view, first, last)
    if not lake.files("bills"):
        lake.keep_rows("bills", made_bill(ours, asked.lines, asked.projects, tells_quantities=not asked.no_quantities))
    providers = sorted({one.provider for one in ours})
    took: list[tuple[float, ...]] = []
    for _ in range(asked.runs):
        moments = [time.process_time()]
        lines = current(lake.rows("bills")).lines
        moments.append(time.process_time())
        ours = ask(view, first, last)
        moments.append(time.process_time())
        reconcile(lines, ours, names=names_of(providers, NO_BOOK), factors=factors_of(NO_BOOK))
        moments.append(time.process_time())
        forget()
        began = time.perf_counter()
        found, _ = reconcile_lake(lake, view.version, "best")
        clock = time.perf_counter() - began
        moments.append(time.process_time())
        took.append((clock, *(after - before for before, after in pairwise(moments))))
    sums = CellSums.of(found.cells)
    clock, of_reading, of_asking, of_matching, of_all = (min(figures) for figures in zip(*took, strict=True))
    print(f"{lines.num_rows:,} lines, {len(ours):,} rows of ours, {len(found.cells):,} cells, {sums.difference:,.2f} USD apart")
    print(f"of the processor {of_reading:.2f} s to read, {of_asking:.2f} s to ask and {of_matching:.2f} s to match")
    print(f"the whole in {clock:.2f} s, {of_all:.2f} s of the processor")


if __name__ == "__main__":
    main()
