"""Acts on a lake, each in a process of its own that begins with everything imported and may be killed at any instant."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

HOME = Path(__file__).parents[1]

Act = Callable[..., int]
"""Runs an act with its arguments, killed after so many `seconds` if they are not 0; returns its wait status."""


def command(*words: str) -> None:
    """A command, as a person types it."""
    from usagecost.cli import app

    app(words, standalone_mode=False)


def sync(dsn: str, rows: int, *words: str) -> None:
    """The command sync, with parts of so many rows, so that there is a middle."""
    from usagecost.ingest.litellm import parts

    os.environ["USAGECOST_DSN"], parts.PART_ROWS = dsn, rows
    command("sync", "litellm", *words)


def watch_round(folder: str, lake: str) -> None:
    """A round of the command watch."""
    from usagecost.ingest.folders import Watch
    from usagecost.lake import Lake

    Watch(Path(folder), Lake(lake), every=1.0).run()


def alerts_round(lake: str, now: str, ops: str) -> None:
    """A round of alerts at an instant, with the URL of the channel ops."""
    from usagecost.alerts import run_round
    from usagecost.lake import Lake

    os.environ["USAGECOST_ALERT_OPS"] = ops
    run_round(Lake(lake), lambda _: None, datetime.fromisoformat(now))


ACTS = {act.__name__: act for act in (command, sync, watch_round, alerts_round)}


@contextmanager
def acts_in_children() -> Iterator[Act]:
    """Yields what runs an act by its name in ACTS; of one that fails what it says is printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.killed"], cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin
        assert stdout

        def run(act: str, *arguments: object, seconds: float = 0.0) -> int:
            stdin.write(json.dumps([act, arguments, seconds]) + "\n")
            stdin.flush()
            return int(stdout.readline())

        yield run
        stdin.close()


def main() -> None:
    """Forks a process for every line of the input, and writes how it ended. Every file gets rollups and an index of its keys."""
    import pytest

    from tests.engines import roll_up_everything
    from usagecost.lake import keys

    patch = pytest.MonkeyPatch()
    roll_up_everything(patch)
    patch.setattr(keys, "LEAST_ROWS", 1)
    os.umask(0o077)
    for line in sys.stdin:
        act, arguments, seconds = json.loads(line)
        child = os.fork()
        if not child:
            _run(act, arguments)
        if seconds:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        print(os.waitpid(child, 0)[1], flush=True)


def _run(act: str, arguments: list) -> None:
    """Runs an act and ends this process; what it says is heard only if it fails."""
    heard, said = os.dup(2), TemporaryFile()  # noqa: SIM115 - it goes with the process
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    status = 1
    try:
        ACTS[act](*arguments)
        status = 0
    except BaseException:
        traceback.print_exc()
        sys.stdout.flush()
        os.write(heard, os.pread(said.fileno(), 20_000, 0))
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
