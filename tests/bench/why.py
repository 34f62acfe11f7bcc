"""How long the page Why asks a cold lake, beside the Usage and cost page over the same days.

    python tests/bench/why.py --lake /tmp/lake --days 30 [--runs 3] [--where user=user-7@example.com]

Cold as in `page.py`. Every figure is the least of its runs; the processor's seconds are those of all threads, and tell more than
the clock on a machine that does other things too. With filters the page is asked with them too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from page import filters_of, forget, page, view_of

from usagecost import explain, queries
from usagecost.explain import Spike
from usagecost.periods import intervals
from usagecost.queries.unusual import causes_of
from usagecost.ui.why.change import SPLITS
from usagecost.vocabulary.filters import View

SPIKES = 5
"""Unusual days whose causes are asked for: as many as the page shows."""


def why(view: View, by: str) -> None:
    """Asks everything that the page asks on a first load, and explains it as it does."""
    forget()
    queries.data_span(view.lake, view.version, view.scope)
    rows = queries.explained.by_price(view).to_pylist()
    whole = explain.explanation("spend_usd", rows)
    if behind := explain.model_behind(rows):
        queries.spending.maker(view, *behind)
    if whole is not None:
        explain.values("spend_usd", queries.explained.by_value(view, by, "spend_usd").to_pylist(), rows, whole)


def unusual(view: View) -> None:
    """Asks for the causes of as many days as the page shows, all over the period."""
    forget()
    days = intervals(view.period, "day")
    for step in days[:: max(len(days) // SPIKES, 1)][:SPIKES]:
        causes_of(view, step, Spike(0, 1_000.0, 100.0), lambda question, *asked: question(*asked))


def least(runs: int, ask: Callable[[], object]) -> tuple[float, float]:
    """The least seconds, by the clock and of the processor."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter(), time.process_time()
        ask()
        seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return min(clock for clock, _ in seconds), min(processor for _, processor in seconds)


def main() -> None:
    """Prints a line for the page, one for each dimension that a change is broken down by, and one for causes of unusual days."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--where", action="append", default=[], metavar="DIMENSION=VALUE", help="ask for these requests only")
    asked = parser.parse_args()
    view = view_of(asked.lake, asked.days, "UTC", filters_of(asked.where))
    asks: dict[str, Callable[[], object]] = {f"why by {by}": lambda by=by: why(view, by) for by in SPLITS}
    of_page = least(asked.runs, lambda: page(view))
    print(f"{'page':20} {of_page[0]:6.2f} s   {of_page[1]:6.2f} s of the processor")
    for name, ask in (asks | {"causes of 5 days": lambda: unusual(view)}).items():
        clock, processor = least(asked.runs, ask)
        print(f"{name:20} {clock:6.2f} s   {processor:6.2f} s of the processor   {processor / of_page[1]:.2f} times the page")


if __name__ == "__main__":
    main()
