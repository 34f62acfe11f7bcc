"""A round of alerts: check all rules, record what changed, tell the channels, and record that they were told. And to repeat it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

import pyarrow as pa
from filelock import FileLock

from usagecost.alerts.channels import send
from usagecost.alerts.checks import Check
from usagecost.alerts.ledger import RESOLVED, Ledger, Message, Row, read_ledger
from usagecost.alerts.rules import all_checks
from usagecost.budgets import BudgetFile, BudgetProblem, read_budgets, view_of_now
from usagecost.engine import UnansweredError
from usagecost.lake import Lake, LakeError
from usagecost.schema import ALERTS
from usagecost.vocabulary.filters import EVERYTHING, View

Say = Callable[[str], None]


@dataclass
class Round:
    """What a round did: events recorded, messages sent, how many are waiting, and why; ``problems`` are sentences."""

    events: list[Row] = field(default_factory=list)
    sent: int = 0
    problems: list[str] = field(default_factory=list)
    waiting: int = 0


def run_round(lake: Lake, say: Say, now: datetime | None = None, *, dry_run: bool = False) -> Round:
    """Runs a round and says each event in a line. A ``dry_run`` records nothing and tells nobody.

    One round runs at a time on a machine. Raises LakeError if the lake cannot be used.
    """
    lake.version()  # fails before anything is made, if it does
    lake.root.mkdir(parents=True, exist_ok=True)  # of a remote lake it may not be there yet
    with FileLock(lake.root / "alerts.lock"):
        now, version, outcome = now or datetime.now(UTC), lake.version(), Round()
        ledger = read_ledger(lake)
        try:
            file = read_budgets(lake)
            view = view_of_now(lake.name, version, now, EVERYTHING)
            outcome.events = ledger.changes(_checked(view, file, outcome), now)
        except BudgetProblem as problem:
            outcome.problems.append(f"{problem} Until that is corrected, no rule is checked.")
        for row in outcome.events:
            say(f"{row['title']}. {row['body']} [{row['id']}]")
        if not dry_run:
            _record(lake, ledger, outcome.events)
            send_messages(lake, ledger, ledger.pending(now), _send_alert, lambda: now, outcome)
        return outcome


def _checked(view: View, file: BudgetFile, outcome: Round) -> Iterator[Check]:
    """The checks of all rules; a rule whose question cannot be answered is a problem, and keeps no other from being checked."""
    for checks in all_checks(view, file):
        try:
            yield from checks
        except UnansweredError as problem:
            outcome.problems.append(str(problem))


def _record(lake: Lake, ledger: Ledger, rows: list[Row]) -> None:
    """Records rows; what another machine has recorded in the meantime stays as it is."""
    if rows:
        lake.keep_rows("alerts", pa.Table.from_pylist(rows, schema=ALERTS))
        ledger.enter(rows)


def claimed(lake: Lake, ledger: Ledger, message: Message, now: datetime) -> bool:
    """Whether this process is the one that is to send a message; of all that share the lake only one is."""
    if ledger.is_claimed(message, now):
        return False
    row = ledger.claim(message, now)
    is_first = bool(lake.keep_rows("alerts", pa.Table.from_pylist([row], schema=ALERTS)))
    ledger.enter([row])
    return is_first


def send_messages(
    lake: Lake,
    ledger: Ledger,
    messages: Iterable[Message],
    send_one: Callable[[Message], str | None],
    clock: Callable[[], datetime],
    outcome: Round,
) -> None:
    """Sends messages by a function that returns why one could not be, and records and counts what became of each.

    One that another process sends waits, and so do those of a channel that has failed: for the rest of the round, then for longer.
    """
    resting = {name for name, trouble in ledger.troubles.items() if trouble.again_at > clock()}
    for message in messages:
        at = clock()
        if message.channel in resting or not claimed(lake, ledger, message, at):
            outcome.waiting += 1
            continue
        problem = send_one(message)
        _record(lake, ledger, [ledger.attempt(message, at, problem)])
        if problem:
            resting.add(message.channel)
            outcome.problems.append(problem)
            outcome.waiting += 1
        else:
            outcome.sent += 1


def _send_alert(message: Message) -> str | None:
    """Tells a channel of an event, with the alert's id, by which a repeated message is told."""
    row: Mapping[str, str] = message.row
    body = f"{row['body']}\n\nAlert {row['id']}, {row['event']}"
    return send(message.channel, row["title"], body, is_good=row["event"] == RESOLVED)


def repeat(run_one: Callable[[], list[str] | None], pause: Callable[[], float], stop: Event, say: Say, failure: str) -> None:
    """Runs rounds, with so many seconds between two, until ``stop`` is set.

    A round returns what is wrong, in sentences, or None where it has not looked. That is said once, until something else is. Of an
    unexpected error ``failure`` is said, and the next round is run.
    """
    last: list[str] = []
    while not stop.is_set():
        try:
            problems = run_one()
        except (LakeError, UnansweredError) as problem:
            problems = [str(problem)]
        except Exception as problem:
            logging.getLogger(__name__).exception(failure)
            problems = [f"{failure} ({type(problem).__name__})."]
        if problems is not None:
            for sentence in problems if problems != last else ():
                say(sentence)
            last = problems
        stop.wait(pause())


def follow(lake: Lake, every: float, stop: Event, say: Say, *, dry_run: bool = False) -> None:
    """Runs a round every so many seconds until ``stop`` is set."""
    repeat(lambda: run_round(lake, say, dry_run=dry_run).problems, lambda: every, stop, say, "The round of alerts failed")
