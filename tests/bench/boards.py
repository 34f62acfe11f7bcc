"""How long a board of twelve panels asks a cold lake beside the Usage and cost page over the same days.

    python tests/bench/boards.py --rows 20000000 --lake /tmp/lake --days 30

Without a lake in ``--lake`` one is made there (`make_lake.py`), without ``--lake`` in a temporary folder. Cold and warm as in
`page.py`, whose questions stand for the page; both take turns in one process, every figure is the median of its runs.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from make_lake import make_lake
from page import forget, page, view_of

from usagecost import boards
from usagecost.boards import Panel
from usagecost.lake import Lake
from usagecost.ui import memory
from usagecost.vocabulary.filters import View

BOARD = (
    Panel(metrics=("requests", "spend_usd", "active_users"), chart="number"),
    Panel(metrics=("spend_usd",), split="provider", chart="bar"),
    Panel(metrics=("input_tokens", "output_tokens"), chart="line"),
    Panel(metrics=("requests",), split="provider", chart="ranked"),
    Panel(metrics=("successful", "failed"), chart="bar"),
    Panel(metrics=("failure_rate",), chart="line"),
    Panel(metrics=("latency_p95_ms",), split="provider", chart="line"),
    Panel(metrics=("avg_ttft_ms",), split="provider", chart="ranked"),
    Panel(metrics=("errors",), split="error", chart="bar"),
    Panel(metrics=("spend_usd",), split="team", chart="ranked"),
    Panel(metrics=("requests", "spend_per_request", "spend_usd"), split="user", chart="table"),
    Panel(metrics=("requests",), chart="heatmap"),
)


def board(view: View) -> tuple[float, float]:
    """The seconds that the panels' numbers take: when nothing is known, and again."""
    forget()
    memory.forget()
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        for panel in BOARD:
            boards.answer(panel, view, memory.cached_answer)
        seconds.append(time.perf_counter() - start)
    return seconds[0], seconds[1]


def measure(view: View, runs: int) -> None:
    """Prints one row of the table."""
    pages, colds, warms = [], [], []
    for _ in range(runs):
        pages.append(page(view)[0].whole)
        cold, warm = board(view)
        colds.append(cold)
        warms.append(warm)
    ratio = median(cold / whole for cold, whole in zip(colds, pages, strict=True))
    requests = boards.answer(BOARD[0], view, memory.cached_answer).totals["requests"]
    times = [f"{median(seconds) * 1000:7.1f}" for seconds in (pages, colds, warms)]
    figures = [f"{view.period.days:4}", f"{requests:11,}", *times[:2], f"{ratio:5.2f}", times[2]]
    print(f"| {' | '.join(figures)} |", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--lake", type=Path, help="a lake; made when there is none")
    parser.add_argument("--days", default="30")
    parser.add_argument("--zone", default="UTC")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = args.lake or Path(temporary)
        if not Lake(root).exists:
            make_lake(root, rows=args.rows, days=365, models=60, users=5_000, end=datetime.now(UTC).date())
        print(f"{Lake(root).snapshot().rows:,} requests; {os.cpu_count()} cores; times in ms\n")
        print("| days | requests    | page    | board   | ratio | warm    |\n|" + "---:|" * 6)
        for days in args.days.split(","):
            measure(view_of(str(root.absolute()), int(days), args.zone), args.runs)


if __name__ == "__main__":
    main()
