"""The process that commits: beside the one that acknowledges, so that neither takes the other's processor, memory or lock.

It is given files and tells, in one line of JSON each way, what became of them. It may die at any moment: what it was given is in
the spool still, and the next one reads it again, which changes nothing that is in the lake already. It ends when nobody asks any
more: when the one that started it has ended, in whatever way, and its last commit is done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from usagecost.ingest import Report
from usagecost.sources import FileProblem

_PROGRAM = "usagecost.receive.committing"
_PACKAGE = Path(__file__).parents[2]


class CommitterFailed(Exception):  # noqa: N818 - a sentence for the receiver's log
    """Why what was received could not be brought to the lake this time."""


class Committer:
    """A process that commits to one lake; it is started when it is needed, and again after it has died."""

    def __init__(self, lake: str) -> None:
        self._lake = lake
        self._process: subprocess.Popen[str] | None = None

    def load(self, files: Sequence[Path]) -> Report:
        """Brings files of the spool to the lake; raises FileProblem about one of them, or CommitterFailed."""
        told = self._ask({"load": list(map(str, files))})
        if "unreadable" in told:
            raise FileProblem(told["unreadable"])
        return Report(**told["report"])

    def keep_up(self, grace_hours: float) -> None:
        """Makes one file of many small ones, and removes those that nobody reads any more; raises CommitterFailed."""
        self._ask({"keep_up": grace_hours})

    def stop(self) -> None:
        """Lets the process end, and waits for it."""
        process = self._process
        if process and process.stdin and process.stdout:  # both are pipes
            with suppress(OSError):
                process.stdin.close()
            process.wait()
            process.stdout.close()
            self._process = None

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        answer = self._answer(order) or self._answer(order)  # who killed one, perhaps while it started, may leave the next alone
        if not answer:
            raise CommitterFailed("the process that commits has ended twice: is there enough memory?")
        told = json.loads(answer)
        if "failed" in told:
            raise CommitterFailed(told["failed"])
        return told

    def _answer(self, order: dict[str, Any]) -> str:
        """The process's line; empty if it has died, and then there is none any more."""
        process = self._process = self._process or self._started()
        if process.stdin and process.stdout:  # both are pipes
            with suppress(OSError):
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
                if (answer := process.stdout.readline()).endswith("\n"):
                    return answer
        self.stop()
        return ""

    def _started(self) -> subprocess.Popen[str]:
        """A process that the signals of a terminal do not reach."""
        try:
            return subprocess.Popen(  # noqa: S603 - a program of ours
                [sys.executable, "-m", _PROGRAM, self._lake],
                text=True,
                cwd=_PACKAGE,
                start_new_session=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as problem:
            raise CommitterFailed(f"the process that commits could not be started: {problem.strerror or problem}") from None
