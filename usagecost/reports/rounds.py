"""When a report is due, by the clocks of the reporting zone, and sending it: once to each channel, at least, and until that works.

When a schedule began, and what was sent of it, are rows of schema.ALERTS, which every process that shares the lake sees. Who is
about to send one claims it there, so that of several that are well only one sends it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import count
from threading import Event
from zoneinfo import ZoneInfo

import pyarrow as pa

from usagecost.alerts import Ledger, send
from usagecost.alerts.ledger import Message, Row, Told
from usagecost.alerts.rounds import Round, Say, repeat, send_messages
from usagecost.lake import Lake
from usagecost.periods.calendar import WEEKDAYS
from usagecost.reports.content import Report, summary_of
from usagecost.reports.html import letter_of
from usagecost.reports.making import Order, make_report
from usagecost.schema import ALERTS
from usagecost.vocabulary.formats import one_line

DAILY, MONTHLY = "daily", "monthly"
RANGES = {DAILY: "yesterday", MONTHLY: "last-month"}
WEEKLY_RANGE = "last-week"
"""The preset that a report is of where nothing else is asked for: what has just ended."""
_FORM = re.compile(rf"(?P<when>{DAILY}|{MONTHLY}-(?P<day>\d\d?)|{'|'.join(WEEKDAYS)})-(?P<hour>\d\d?):(?P<minute>\d\d)")
RULE, SCHEDULED, REPORT = "report", "scheduled", "report"
LOOK_EVERY = 60.0
"""Seconds between two looks at the clock, which may be set, and at channels that failed."""
LONGEST_LINE = 2_000
"""Letters of a line that a chat is told, a link among them."""


@dataclass(frozen=True)
class Schedule:
    """``when``: daily, monthly or a weekday; ``day`` of the month, its last one where that is shorter; ``at`` a local time.

    A time that the clocks skip is the instant at which it would have been by the clock before; of one that comes twice, the first.
    """

    when: str
    at: time
    day: int = 0

    @property
    def preset(self) -> str:
        """The range of a report where none is asked for."""
        return RANGES.get(self.when, WEEKLY_RANGE)

    def last(self, now: datetime, zone: str) -> datetime:
        """Returns the newest instant, up to now, at which a report was due."""
        return self._nearest(now, zone, -1)

    def next(self, now: datetime, zone: str) -> datetime:
        """Returns the first instant after now at which a report is due."""
        return self._nearest(now, zone, 1)

    def _nearest(self, now: datetime, zone: str, step: int) -> datetime:
        info = ZoneInfo(zone)
        today = now.astimezone(info).date()
        days = (today + timedelta(days=step * number) for number in count(-1))  # a time of today may be of another day's clocks
        instants = (datetime.combine(day, self.at, info).astimezone(UTC) for day in days if self._is_on(day))
        return next(instant for instant in instants if (instant > now if step > 0 else instant <= now))

    def _is_on(self, day: date) -> bool:
        if self.when == MONTHLY:
            return day.day == min(self.day, calendar.monthrange(day.year, day.month)[1])
        return self.when == DAILY or day.weekday() == WEEKDAYS.index(self.when)


def parse_schedule(text: str) -> Schedule:
    """Returns what monday-09:00, daily-09:00 or monthly-1-09:00 says; raises ValueError with a sentence."""
    match = _FORM.fullmatch(text.strip().lower())
    hour, minute, day = (int(match[name] or 0) for name in ("hour", "minute", "day")) if match else (24, 0, 0)
    if not match or hour > 23 or minute > 59 or (match["day"] and not 1 <= day <= 31):
        raise ValueError(f"--every {text} is no time: write it as monday-09:00, daily-09:00 or monthly-1-09:00.")
    return Schedule(match["when"].partition("-")[0], time(hour, minute), day)


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
    sent_before = set() if sent_here is None else sent_here
    job.lake.version()  # fails before anything is made, if it does
    at, rows = now or datetime.now(UTC), job.lake.rows("alerts").to_pylist()
    ledger, begun, due = Ledger().enter(rows), _begun(rows, job, at), job.schedule.last(at, job.order.zone)
    row = _row(_due_id(job, due), REPORT, due, at, job)
    messages = [Message(row, name) for name in job.channels if due > begun]
    untold = [message for message in messages if message.key not in ledger.told | sent_before]
    ready = [message for message in untold if not _is_left_alone(ledger, message, at)]
    outcome = Round(waiting=len(untold) - len(ready))
    if not ready:
        return outcome
    report = replace(make_report(job.lake.name, job.order, at, due), id=row["id"])

    def send_one(message: Message) -> str | None:
        problem = next(iter(send_report(report, [message.channel])), None)
        if not problem:
            sent_before.add(message.key)
            say(f"Sent to {message.channel}: {title_of(report)}")
        return problem

    send_messages(job.lake, ledger, ready, send_one, lambda: now or datetime.now(UTC), outcome)
    return outcome


def _is_left_alone(ledger: Ledger, message: Message, now: datetime) -> bool:
    """Whether somebody is about to tell the channel, or it has just failed."""
    trouble = ledger.troubles.get(message.channel)
    return ledger.is_claimed(message, now) or bool(trouble and trouble.again_at > now)


def follow(job: Job, stop: Event, say: Say) -> None:
    """Sends what is due until ``stop`` is set."""
    sent_here: set[Told] = set()
    settled: datetime | None = None

    def run_one() -> list[str] | None:
        nonlocal settled
        now = datetime.now(UTC)
        due = job.schedule.last(now, job.order.zone)
        if due == settled:
            return None
        outcome = run_round(job, say, now, sent_here)
        settled = None if outcome.waiting else due
        return outcome.problems or (None if outcome.waiting else [])

    def pause() -> float:
        now = datetime.now(UTC)
        return min(LOOK_EVERY, max(0.0, (job.schedule.next(now, job.order.zone) - now).total_seconds()))

    repeat(run_one, pause, stop, say, "The report could not be made")


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
