"""Runs rounds one after the other, says what each did in a line, and waits longer and longer after those that failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event

from usagecost.ingest.folders.rounds import TROUBLE, Feed, Round, Watch
from usagecost.ingest.reports import first_line
from usagecost.lake import LakeError
from usagecost.vocabulary.formats import counted, exact_count, milliseconds

LONGEST_WAIT = 60.0
"""Seconds; after a failure the time between two rounds doubles, up to this."""

MOST_SENTENCES = 1_000
"""Sentences about files that a process says, each once; the lake's rejects have them all."""


class Follower:
    """Runs the rounds of a feed. ``say`` hears a line about each round, about idle ones once, and what is wrong with files."""

    def __init__(self, feed: Feed, every: float, say: Callable[[str], None]) -> None:
        self._feed, self._every, self._say = feed, every, say
        self._failures = 0
        self._sentences: set[str] = set()

    def run(self) -> float:
        """Run a round, and return after how many seconds the next one is due."""
        try:
            ingest_round = self._feed.run()
        except TROUBLE as problem:
            self._failures += 1
            wait = min(self._every * 2 ** min(self._failures, 20), max(self._every, LONGEST_WAIT))
            say_stamped(self._say, f"{_describe_problem(problem)} Nothing was taken; trying again in {wait:g} s.")
            return wait
        self._failures = 0
        sentence = _describe_round(ingest_round)
        if ingest_round.taken or self._is_new(sentence):
            say_stamped(self._say, sentence)
        for problem in filter(self._is_new, ingest_round.report.problems):
            self._say(f"  {problem}")
        return self._every

    def _is_new(self, sentence: str) -> bool:
        """Whether a sentence has not been said yet."""
        is_new = sentence not in self._sentences and len(self._sentences) < MOST_SENTENCES
        if is_new:
            self._sentences.add(sentence)
        return is_new


def follow(watch: Watch, every: float, stop: Event, say: Callable[[str], None]) -> None:
    """Run a round every so many seconds until `stop` is set."""
    follower = Follower(watch, every, say)
    while not stop.is_set():
        stop.wait(follower.run())
    say_stamped(say, "Stopped; what was taken is not taken again.")


def say_stamped(say: Callable[[str], None], sentence: str) -> None:
    """Say a sentence with the time."""
    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z {sentence}")


def _describe_round(ingest_round: Round) -> str:
    """Say what a round did, in one line."""
    waiting = f" {counted(ingest_round.waiting, 'file')} still being written." if ingest_round.waiting else ""
    if not ingest_round.taken:
        return f"Nothing new.{waiting}"
    report = ingest_round.report
    counts = {"new": report.inserted, "changed": report.updated, "known": report.unchanged + report.duplicates}
    counts |= {name: count for name, count in {"rejected": report.rejected, "unpriced": report.unpriced}.items() if count}
    counts_text = ", ".join(f"{exact_count(count)} {name}" for name, count in counts.items())
    skipped = f"; {report.skipped_summary}" if report.skipped else ""
    took = milliseconds(ingest_round.seconds * 1000)
    return f"{counted(ingest_round.taken, 'file')} taken: {counts_text}{skipped}; {took}.{waiting}"


def _describe_problem(problem: Exception) -> str:
    """Say what is wrong, in one line."""
    if isinstance(problem, LakeError):
        return str(problem)
    return f"The folder cannot be read, or the lake not be written ({first_line(problem)}): check the disk and the permissions."
