"""Rounds one after the other: told in a line each, tried again after what passes by itself, ended when asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import duckdb

from usagecost.ingest.folders import say_stamped
from usagecost.ingest.litellm.postgres import DatabaseProblem
from usagecost.ingest.litellm.reading import Stopped
from usagecost.ingest.litellm.rounds import Round, Sync
from usagecost.ingest.reports import first_line
from usagecost.lake import LakeError, LakeUnreachable
from usagecost.periods import moment
from usagecost.vocabulary.formats import age, exact_count, milliseconds

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=1)
"""After a failure; each further one doubles it."""

ATTEMPTS = 5
"""How often a single round is tried before it is given up."""


def follow(sync: Sync, every: timedelta | None, say: Callable[[str], None]) -> bool:
    """One round, or one every so often until `sync.stop` is set; returns whether all went well.

    What only a person can help against ends it. Something that passes is waited for: a single round is tried `ATTEMPTS` times,
    repeated ones for as long as it takes.
    """
    failures = 0
    while not sync.stop.is_set():
        try:
            ingest_round = sync.run(lambda number, count, part: _say_part(say, number, count, part.lines))
        except Stopped:
            break
        except (DatabaseProblem, LakeError, duckdb.Error, OSError) as problem:
            if sync.stop.is_set():
                break
            failures += 1
            if not _is_passing(problem) or (every is None and failures >= ATTEMPTS):
                say_stamped(say, f"{_sentence(problem)} Nothing of this part was loaded.")
                return False
            wait = min(FIRST_WAIT * 2 ** min(failures - 1, 10), LONGEST_WAIT)
            say_stamped(say, f"{_sentence(problem)} Trying again in {wait.seconds} s.")
        else:
            failures = 0
            say_stamped(say, _round_sentence(ingest_round, datetime.now(UTC)))
            if every is None:
                return True
            wait = max(every - timedelta(seconds=ingest_round.seconds), timedelta())
        sync.stop.wait(wait.total_seconds())
    say_stamped(say, "Stopped; what was committed stays, and the next start goes on from there.")
    return True


def _say_part(say: Callable[[str], None], number: int, count: int, rows: int) -> None:
    """Says how far a long first round is; of a short one nothing."""
    if count > 2 and number < count and rows:
        say_stamped(say, f"Part {number} of {count}: {exact_count(rows)} rows, committed.")


def _round_sentence(ingest_round: Round, now: datetime) -> str:
    """Says what a round did, in one line."""
    report = ingest_round.report
    counts = {"rows read": report.lines, "new": report.inserted, "changed": report.updated}
    counts |= {name: count for name, count in {"rejected": report.rejected, "unpriced": report.unpriced}.items() if count}
    counts_text = ", ".join(f"{exact_count(count)} {name}" for name, count in counts.items())
    until = "" if ingest_round.ended is None else f"; the newest ended {age(moment(ingest_round.ended), now)}"
    why = f" {report.problems[0]}" if report.problems else ""
    return f"{counts_text}{until}; {milliseconds(ingest_round.seconds * 1000)}.{why}"


def _is_passing(problem: Exception) -> bool:
    """Whether waiting may help, as it does while a server or a store does not answer."""
    if isinstance(problem, DatabaseProblem):
        return problem.is_passing
    return not isinstance(problem, LakeError) or isinstance(problem, LakeUnreachable)


def _sentence(problem: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(problem, DatabaseProblem | LakeError):
        return str(problem)
    return f"The lake could not be written: {first_line(problem)}."
