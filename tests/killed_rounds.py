"""Rounds of alerts, each in a process of its own that begins with everything imported and may be killed at any instant."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from usagecost.lake import Lake

HOME = Path(__file__).parents[1]
FORKS = """
import os, signal, sys, time
from datetime import datetime
from usagecost.alerts import run_round
from usagecost.lake import Lake
for line in sys.stdin:
    lake, now, seconds = line.split("|")
    child = os.fork()
    if not child:
        run_round(Lake(lake), lambda _: None, datetime.fromisoformat(now))
        os._exit(0)
    if float(seconds):
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@contextmanager
def rounds_in_children(lake: Lake) -> Iterator[Callable[[datetime, float], int]]:
    """Yields what runs a round at an instant, killed after so many seconds if they are not 0, and returns its wait status."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin
        assert stdout

        def run(now: datetime, seconds: float) -> int:
            stdin.write(f"{lake.root}|{now.isoformat()}|{seconds}\n")
            stdin.flush()
            return int(stdout.readline())

        yield run
        stdin.close()
