"""The process that brings the spool to the lake: beside the one that acknowledges, so that neither takes the other's processor,
memory or lock.

It may die at any moment: what it has not committed is in the spool still, and the next one reads it again, which changes nothing
that is in the lake already. It ends when its input does: when the receiver tells it to, or has ended, in whatever way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

PROGRAM = "usagecost.receive.committing"
_PACKAGE = Path(__file__).parents[2]

TRIES_AT_THE_END = 2


class Committer:
    """A process that follows a spool, started again whenever it dies. Its lines for people go where those of this process go."""

    def __init__(self, spool: Path, lake: str, every: float, say: Callable[[str], None]) -> None:
        self._command = [sys.executable, "-m", PROGRAM, str(spool), lake, str(every)]
        self._say = say
        self._input, self._end_of_input = os.pipe()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="committer")

    def start(self) -> None:
        """Begin, with what an earlier receiver has left."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until what is closed in the spool has been brought to the lake, or that was tried."""
        self._ending.set()
        os.close(self._end_of_input)
        self._thread.join()
        os.close(self._input)

    def _run(self) -> None:
        tries = TRIES_AT_THE_END
        while tries and (problem := self._problem()):
            self._say(f"The process that commits {problem}: is there enough memory?")
            tries -= self._ending.wait(1.0)

    def _problem(self) -> str | None:
        """Run the process to its end; None if it has ended as it was told. The signals of a terminal do not reach it."""
        try:
            process = subprocess.Popen(self._command, cwd=_PACKAGE, start_new_session=True, stdin=self._input)  # noqa: S603
        except OSError as problem:
            return f"could not be started ({problem.strerror or problem})"
        return f"has ended with {status}" if (status := process.wait()) else None
