"""What is due is sent: each report once to each channel, at least; one that fails is tried again after longer and longer.

When a schedule began, and what was sent of it, are rows of schema.ALERTS, which every process that shares the lake sees. Who is
about to send one claims it there, so that of several that are well only one sends it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from threading import Event

import pyarrow as pa

from usagecost.alerts import Ledger, send
from usagecost.alerts.ledger import Message, Row, Told
from usagecost.alerts.rounds import claimed
from usagecost.engine import UnansweredError
from usagecost.lake import Lake, LakeError
from usagecost.reports.content import Report, summary_of
from usagecost.reports.html import letter_of
from usagecost.reports.making import Order, ReportProblem, make_report
from usagecost.reports.schedule import Schedule
from usagecost.schema import ALERTS
from usagecost.vocabulary.formats import one_line

RULE, SCHEDULED, REPORT = "report", "scheduled", "report"
LOOK_EVERY = 60.0
"""Seconds between two looks at the clock, which may be set, and at channels that failed."""

LONGEST_LINE = 2_000
"""Letters of a line that a chat is told, a link among them."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """A report that is sent to some channels when it is due."""

    lake: Lake
    order: Order
    schedule: Schedule
    channels: Sequence[str]

    @property
    def id(self) -> str:
        """What its schedule is known by in the lake: whoever asks for the same report at the same times shares it."""
        return sha256(repr((self.order, self.schedule)).encode()).hexdigest()[:16]


@dataclass
class Round:
    """How many were sent, how many are still to be told, and why; ``problems`` are sentences."""

    sent: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


def send_report(report: Report, channels: Sequence[str]) -> list[str]:
    """Sends a report to channels; returns why some were not told, in sentences."""
    letter, title = letter_of(report), title_of(report)
    body = "\n".join(one_line(line, LONGEST_LINE) for line in summary_of(report).split("\n"))
    problems = (send(name, title, body, is_good=True, letter=letter) for name in channels)
    return [problem for problem in problems if problem]


def title_of(report: Report) -> str:
    """The subject of a message: what the report is, and of which days."""
    return one_line(f"{report.title} · {report.lines[0]}")


def run_round(job: Job, say: Say, now: datetime | None = None, sent_here: set[Told] | None = None) -> Round:
    """Sends the report that was due last, if it was since the schedule began, to the channels that were not told of it.

    So one that was missed is sent once, however many were. Who is killed after it sent, and before it said so, lets it be sent
    again, with the same id. ``sent_here`` is what this process has sent, whatever became of the lake's record of it. Raises
    ReportProblem, LakeError and UnansweredError.
    """
    sent_here = set() if sent_here is None else sent_here
    job.lake.version()  # fails before anything is made, if it does
    at, rows = now or datetime.now(UTC), job.lake.rows("alerts").to_pylist()
    ledger, begun, due = Ledger().enter(rows), _begun(rows, job, at), job.schedule.last(at, job.order.zone)
    row = _row(_due_id(job, due), REPORT, due, at, job)
    messages = [Message(row, name) for name in job.channels if due > begun]
    untold = [message for message in messages if message.key not in ledger.told | sent_here]
    ready = [message for message in untold if not _is_left_alone(ledger, message, at)]
    outcome = Round(waiting=len(untold))
    if not ready:
        return outcome
    report = replace(make_report(job.lake.name, job.order, at, due), id=row["id"])
    for message in ready:
        at = now or datetime.now(UTC)
        if not claimed(job.lake, ledger, message, at):
            continue
        problem = next(iter(send_report(report, [message.channel])), None)
        if not problem:
            sent_here.add(message.key)
        job.lake.keep_rows("alerts", pa.Table.from_pylist([ledger.attempt(message, at, problem)], schema=ALERTS))
        if problem:
            outcome.problems.append(problem)
        else:
            outcome.sent, outcome.waiting = outcome.sent + 1, outcome.waiting - 1
            say(f"Sent to {message.channel}: {title_of(report)}")
    return outcome


def _is_left_alone(ledger: Ledger, message: Message, now: datetime) -> bool:
    """Whether somebody is about to tell the channel, or it has just failed."""
    trouble = ledger.troubles.get(message.channel)
    return ledger.is_claimed(message, now) or bool(trouble and trouble.again_at > now)


def follow(job: Job, stop: Event, say: Say) -> None:
    """Sends what is due until ``stop`` is set; what is wrong is said once until something else is."""
    last: list[str] = []
    sent_here: set[Told] = set()
    settled: datetime | None = None
    while not stop.is_set():
        now = datetime.now(UTC)
        due = job.schedule.last(now, job.order.zone)
        problems = last
        if due != settled:
            try:
                outcome = run_round(job, say, now, sent_here)
                problems, settled = outcome.problems or (last if outcome.waiting else []), None if outcome.waiting else due
            except (ReportProblem, LakeError, UnansweredError) as problem:
                problems = [str(problem)]
            except Exception as problem:  # whatever is wrong with one report, the next is due
                logging.getLogger(__name__).exception("A report could not be made")
                problems = [f"The report could not be made ({type(problem).__name__})."]
        for sentence in problems if problems != last else ():
            say(sentence)
        last = problems
        until_next = (job.schedule.next(now, job.order.zone) - datetime.now(UTC)).total_seconds()
        stop.wait(min(LOOK_EVERY, max(0.0, until_next)))


def _begun(rows: Sequence[Row], job: Job, now: datetime) -> datetime:
    """When the schedule was first followed, by whomever; now, which is recorded then, if it never was."""
    instants = [row["happened_at"] for row in rows if (row["id"], row["event"]) == (job.id, SCHEDULED)]
    if not instants:
        job.lake.keep_rows("alerts", pa.Table.from_pylist([_row(job.id, SCHEDULED, None, now, job)], schema=ALERTS))
    return min(instants, default=now)


def _due_id(job: Job, due: datetime) -> str:
    return sha256(f"{job.id}\x00{due.isoformat()}".encode()).hexdigest()[:16]


def _row(id_: str, event: str, due: datetime | None, now: datetime, job: Job) -> Row:
    subject = job.order.board or "page"
    period = due.isoformat() if due else ""
    about = {"rule": RULE, "subject": subject, "threshold": "", "period": period, "title": "Report", "body": "", "tell": "[]"}
    return {"id": id_, "event": event, "channel": None, "outcome": None, "attempt": 0, "happened_at": now, **about}
