"""How long a repricing that changes every request takes, its preview and its undoing, and the most memory of each process.

    python tests/bench/reprice.py --rows 2000000 --days 60

The lake is made by make_lake.py in a temporary folder; the book gives all of its models one price. Each act is the command that
people call, in a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from make_lake import make_lake

HOME = Path(__file__).parents[2]

BOOK = '[[price]]\nmodel = "model-*"\ninput = 2\ncache_read = 0.2\noutput = 8\n'


def measure(what: str, lake: Path, *options: str) -> dict:
    """What a command reports; prints its seconds, requests a second and peak of memory."""
    command = [sys.executable, "-m", "usagecost", "reprice", "--lake", str(lake), "--report", "json", *options]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HOME, text=True) as process:
        report = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{what} ended with status {process.returncode}")
    done = json.loads(report)
    processor, rate = used.ru_utime + used.ru_stime, done["requests"] / seconds
    print(f"{what:<9}{done['requests']:>12,} requests {seconds:6.1f} s (processor {processor:.1f} s) {rate:>10,.0f}/s", end="")
    print(f"   peak {used.ru_maxrss / 1024:,.0f} MB   load {os.getloadavg()[0]:.1f}", flush=True)
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--days", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        book, lake = Path(folder) / "prices.toml", Path(folder) / "lake"
        book.write_text(BOOK)
        os.environ["USAGECOST_PRICES"] = str(book)
        make_lake(lake, rows=asked.rows, days=asked.days, models=60, users=5_000, end=datetime.now(UTC).date())
        measure("preview", lake, "--dry-run")
        measure("reprice", lake)
        acts = [sys.executable, "-m", "usagecost", "repricings", "--lake", str(lake)]
        listed = subprocess.run(acts, cwd=HOME, capture_output=True, text=True, check=True).stdout
        measure("undo", lake, "--undo", listed.splitlines()[-1].split()[0])


if __name__ == "__main__":
    main()
