"""Rounds one after the other: told in a line each, tried again after what may pass, ended when asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event

from usagecost.lake import LakeError
from usagecost.vocabulary.formats import exact_count, milliseconds
from usagecost.watch.rounds import TROUBLE, Round, Watch

LONGEST_WAIT = 300.0
"""Seconds; after a failure the time between two rounds doubles, up to this."""


def follow(watch: Watch, every: float, stop: Event, say: Callable[[str], None]) -> None:
    """A round every so many seconds until `stop` is set. A round in which nothing happens is told once."""
    failures, said = 0, ""
    while not stop.is_set():
        try:
            done = watch.run()
        except TROUBLE as problem:
            failures += 1
            wait = min(every * 2 ** min(failures, 20), max(every, LONGEST_WAIT))
            told, problems = f"{_sentence(problem)} Nothing was taken; trying again in {wait:g} s.", ()
        else:
            failures, wait = 0, every
            told, problems = _told(done), done.problems
        if told != said:
            say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z {told}")
        said = told
        for problem in problems:
            say(f"  {problem}")
        stop.wait(wait)
    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z Stopped; what was taken is not taken again.")


def _told(done: Round) -> str:
    """What a round did, in one line."""
    waiting = f" {_files(done.waiting)} still being written." if done.waiting else ""
    if not done.taken:
        return f"Nothing new.{waiting}"
    report = done.report
    counts = {"new": report.inserted, "changed": report.updated, "known": report.unchanged + report.duplicates}
    counts |= {name: count for name, count in {"rejected": report.rejected, "unpriced": report.unpriced}.items() if count}
    words = ", ".join(f"{exact_count(count)} {name}" for name, count in counts.items())
    return f"{_files(done.taken)} taken: {words}; {milliseconds(done.seconds * 1000)}.{waiting}"


def _files(count: int) -> str:
    return f"{exact_count(count)} {'file' if count == 1 else 'files'}"


def _sentence(problem: Exception) -> str:
    """What is wrong, in one line."""
    if isinstance(problem, LakeError):
        return str(problem)
    reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
    return f"The folder cannot be read, or the lake not be written ({reason}): check the disk and the permissions."
